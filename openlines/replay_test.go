package openlines_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// written is an event in a log: of settings it has only what is not default.
type written struct {
	ol.Event
	Settings map[string]any `json:"settings,omitempty"`
}

// writeLog shows a log in the form that readLog reads, a step in each line.
func writeLog(log []entry) string {
	var out strings.Builder
	for i, e := range log {
		events := make([]written, len(e.Events))
		for k, ev := range e.Events {
			events[k] = written{Event: ev}
			if ev.Settings != nil {
				events[k].Settings = changes(*ev.Settings)
			}
		}
		line, err := json.Marshal(map[string]any{"now": e.Now, "events": events, "restart": e.Restart})
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&out, "%s%s\n", map[bool]string{true: "[", false: ","}[i == 0], line)
	}
	return out.String() + "]\n"
}

// changes are the settings that are not default.
func changes(s ol.Settings) map[string]any {
	var is, def map[string]any
	for value, into := range map[*ol.Settings]*map[string]any{&s: &is, defaults(): &def} {
		data, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		if err := json.Unmarshal(data, into); err != nil {
			panic(err)
		}
	}
	for name, value := range def {
		if reflect.DeepEqual(is[name], value) {
			delete(is, name)
		}
	}
	return is
}

func defaults() *ol.Settings {
	s := ol.Default()
	return &s
}

// readLog reads what writeLog wrote.
func readLog(data []byte) ([]entry, error) {
	var raw []struct {
		entry
		Events []struct {
			ol.Event
			Settings json.RawMessage `json:"settings"`
		} `json:"events"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	var log []entry
	for _, r := range raw {
		e := entry{Now: r.Now, Restart: r.Restart}
		for _, ev := range r.Events {
			if len(ev.Settings) > 0 {
				ev.Event.Settings = defaults()
				if err := json.Unmarshal(ev.Settings, ev.Event.Settings); err != nil {
					return nil, err
				}
			}
			e.Events = append(e.Events, ev.Event)
		}
		log = append(log, e)
	}
	return log, nil
}

// TestReplay runs the logs of failures that have been mended.
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		log, err := readLog(data)
		require.NoError(t, err, file)
		c := newChecker()
		for _, e := range log {
			c.step(e)
			require.NoError(t, c.err, file)
		}
		c.checkReplay()
		require.NoError(t, c.err, file)
	}
}

func TestALogReplays(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:21").reply("x", B)
	before := newChecker()
	for _, e := range w.log {
		before.step(e)
	}
	log, err := readLog([]byte(writeLog(w.log)))
	require.NoError(t, err)
	after := newChecker()
	for _, e := range log {
		after.step(e)
	}
	require.NoError(t, after.err)
	require.Equal(t, before.records, after.records)
	require.Equal(t, w.records, after.records)
}
