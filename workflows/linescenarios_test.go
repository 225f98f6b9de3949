package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// scenarioFile is a scenario of the reference (openlines reference §12) as the
// pure desk plays it: its inputs, and what came of them.
type scenarioFile struct {
	Until time.Time `json:"until"`
	Steps []struct {
		At     time.Time `json:"at"`
		Down   time.Time `json:"down"`
		Events []struct {
			ol.Event
			Settings json.RawMessage `json:"settings"` // what is not default
		} `json:"events"`
		Answers []ol.AnswerCode `json:"answers"`
	} `json:"steps"`
	Records  []ol.Record  `json:"records"`
	Commands []ol.Command `json:"commands"`
}

// TestScenariosThroughTheWorkflow plays S01 to S55 through LineQueue, in the
// time of the test environment: the same records and commands, to the
// millisecond, and the same answers to people.
func TestScenariosThroughTheWorkflow(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../openlines/testdata/scenarios/S*.json")
	require.NoError(t, err)
	played := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		played[name[:3]] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario := readScenario(t, file)
			script := scenario.script(t)
			got := playQueue(t, script, 0)
			require.Equal(t, asLines(t, scenario.Records), asLines(t, got.Records))
			require.Equal(t, asLines(t, scenario.Commands), asLines(t, got.Commands))
			for i, answers := range got.Answers {
				require.Equal(t, scenario.Steps[i].Answers, codes(answers), "step %d", i)
			}
			require.Equal(t, playDesk(t, script).Desk, got.Desk)
		})
	}
	require.Len(t, played, 55)
}

func readScenario(t *testing.T, file string) (out scenarioFile) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &out))
	return out
}

func (f scenarioFile) script(t *testing.T) lineScript {
	t.Helper()
	out := lineScript{Until: f.Until}
	for _, s := range f.Steps {
		step := lineStep{At: s.At, Down: s.Down}
		for _, written := range s.Events {
			ev := written.Event
			if len(written.Settings) > 0 {
				settings, err := ol.Parse(written.Settings)
				require.NoError(t, err)
				ev.Settings = &settings
			}
			step.Events = append(step.Events, ev)
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

func codes(answers []ol.Answer) (out []ol.AnswerCode) {
	for _, a := range answers {
		out = append(out, a.Code)
	}
	return out
}
