package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/activities"
	"puente/lines"
	"puente/lines/linestest"
	"puente/openlines"
	"puente/store"
)

const supportYAML = `name: Support
timezone: Europe/Madrid
channels: [12]
members: [{user: 301}, {user: 302}]
crm_check: false
hours_enabled: true
holidays: ["25.12"]
`

// withLines has the portal demo with the line support and a day of sessions.
func withLines(t *testing.T) {
	t.Helper()
	prepare(t)
	must(t, "migrate")
	s := open(t)
	ctx := t.Context()
	require.NoError(t, s.SavePortal(ctx, store.Portal{Slug: "demo"}))
	desk := &linestest.Desk{Store: s, Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	service := lines.Service{Store: s, Temporal: desk, Loader: &activities.Lines{Store: s}}
	doc, err := openlines.Parse([]byte(supportYAML))
	require.NoError(t, err)
	_, err = service.Save(ctx, lines.Change{Portal: "demo", Line: "support", Settings: doc})
	require.NoError(t, err)
	online := openlines.Online
	for _, user := range []openlines.UserID{301, 302} {
		_, err = service.SaveOperator(ctx, "demo", user, store.OperatorChange{Presence: &online}, "Ana")
		require.NoError(t, err)
	}
	for i, chat := range []openlines.ChatID{"7-12", "8-12"} {
		message := openlines.Message{ID: fmt.Sprint("m", i), Channel: 12}
		step(ctx, t, desk, openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: &message})
	}
	step(ctx, t, desk, openlines.Event{Kind: openlines.EmployeeMessage, Chat: "7-12", By: 301, Message: &openlines.Message{ID: "m9", Channel: 12}})
}

func step(ctx context.Context, t *testing.T, desk *linestest.Desk, events ...openlines.Event) {
	t.Helper()
	desk.Now = desk.Now.Add(time.Minute)
	_, err := desk.Step(ctx, "demo", events...)
	require.NoError(t, err)
}

func lineFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "line.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestLinesAreListedAndShownAsTheyCanBeSaved(t *testing.T) {
	withLines(t)
	require.Regexp(t, `(?m)^support +Support +on +(open|closed) +evenly +2 +12 +1 +\d{4}-`, must(t, "lines", "list"))
	shown := must(t, "lines", "show", "support")
	require.Contains(t, shown, "pass_time: 5\n")
	require.Equal(t, "The settings are valid.\n", must(t, "lines", "validate", "support", "--file", lineFile(t, shown)))
	var line store.Line
	require.NoError(t, json.Unmarshal([]byte(must(t, "lines", "show", "support", "--json")), &line))
	parsed, err := openlines.Parse([]byte(shown))
	require.NoError(t, err)
	require.Equal(t, line.Settings, parsed)
}

func TestWrongLinesAreNamed(t *testing.T) {
	withLines(t)
	for want, args := range map[string][]string{
		"give the settings of the line by --file":      {"save", "support"},
		"pass_time: must be from 1 to 30":              {"validate", "support", "--file", lineFile(t, supportYAML+"pass_time: 99\n")},
		"channels[0]: channel 12 belongs to the line":  {"validate", "sales", "--file", lineFile(t, supportYAML)},
		"colour: unknown key":                          {"save", "support", "--file", lineFile(t, supportYAML+"colour: red\n")},
		"members[1]: stands in the list twice":         {"save", "sales", "--file", lineFile(t, "name: Sales\nmembers: [{user: 1}, {user: 1}]\n")},
		`"Support" is no name of a line`:               {"save", "Support", "--file", lineFile(t, supportYAML)},
		"looked for at 127.0.0.1:1 (TEMPORAL_ADDRESS)": {"save", "support", "--file", lineFile(t, supportYAML)},
		"the portal has no line sales":                 {"show", "sales"},
		"`puente lines list` shows them":               {"preview", "sales"},
		"the portal has no session 9":                  {"session", "9"},
		`"x" is no number of a session`:                {"session", "x"},
		`there is no state "lost"`:                     {"sessions", "--state", "lost"},
		`there is no action "explode"`:                 {"act", "1", "explode", "--by", "301"},
		"offer: is missing: accept needs it":           {"act", "1", "accept", "--by", "301"},
		`there is no presence "asleep"`:                {"operator", "301", "--presence", "asleep"},
		`"24.12.2026" is no date`:                      {"hours", "support", "--date", "24.12.2026"},
		"figures can be split up by line, channel":     {"stats", "--by", "mood"},
		`"yesterday" is neither a date`:                {"stats", "--from", "yesterday"},
	} {
		status, _, errOut := puente(t, append([]string{"lines"}, args...)...)
		require.Equal(t, 1, status, args)
		require.Contains(t, errOut, want, args)
	}
}

func TestHoursAreShownForDates(t *testing.T) {
	withLines(t)
	golden(t, "lines_hours", must(t, "lines", "hours", "support", "--date", "2026-12-24", "--days", "4"))
	require.Contains(t, must(t, "lines", "hours", "support", "--date", "2026-10-25", "--days", "1"), "the clock changes: this day has 25h0m0s")
}

func TestSessionsAreListedAndShown(t *testing.T) {
	withLines(t)
	golden(t, "lines_sessions", must(t, "lines", "sessions"))
	golden(t, "lines_session", must(t, "lines", "session", "1"))
	require.Contains(t, must(t, "lines", "sessions", "--limit", "1"), "more: --cursor ")
	require.Equal(t, "There is no such session.\n", must(t, "lines", "sessions", "--state", "closed"))
	require.Contains(t, must(t, "lines", "sessions", "--operator", "302", "--line", "support"), "302 (offer 2)")
	require.JSONEq(t, `{"items":[],"next_cursor":""}`, must(t, "lines", "sessions", "--line", "sales", "--json"))
	require.Regexp(t, `(?m)^301 +online +off +off +off`, must(t, "lines", "operators"))
}

func TestFiguresAreShownAndWrittenAsCSV(t *testing.T) {
	withLines(t)
	out := must(t, "lines", "stats", "--from", "2026-11-20", "--by", "operator")
	require.Regexp(t, `(?m)^301 +1 +1 +0 +0 +0 `, out)
	require.Regexp(t, `(?m)^total +2 +2 +1 +0 +0 `, out)
	csv := must(t, "lines", "stats", "--from", "2026-11-20", "--line", "support", "--csv", "--from-log")
	require.True(t, strings.HasPrefix(csv, "period,started,clients,"), csv)
	require.Contains(t, csv, "\ntotal,2,2,")
	var figures lines.Statistics
	require.NoError(t, json.Unmarshal([]byte(must(t, "lines", "stats", "--from", "2026-11-20", "--line", "support", "--json")), &figures))
	require.Equal(t, []any{"Europe/Madrid", 2}, []any{figures.TimeZone, figures.Total.Started})
}
