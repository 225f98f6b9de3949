package openlines_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puente/openlines"
)

// today is the day of the scenarios.
var today = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func lineExample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	require.NoError(t, err)
	return data
}

func TestTheExampleOfALineIsValidAndShowsEverySetting(t *testing.T) {
	t.Parallel()
	s, err := openlines.Parse(lineExample(t))
	require.NoError(t, err)
	require.Empty(t, openlines.Validate(s, today))
	require.Equal(t, []openlines.Member{{User: 301}, {User: 302}, {Department: 5}}, s.Members)

	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(lineExample(t), &tree))
	names := []string{}
	for i := range reflect.TypeFor[openlines.Settings]().NumField() {
		field := reflect.TypeFor[openlines.Settings]().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		alsoNamed, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		require.Equal(t, name, alsoNamed)
		names = append(names, name)
	}
	slices.Sort(names)
	require.Equal(t, names, slices.Sorted(maps.Keys(tree)))
}

func TestDefaultsOfALine(t *testing.T) {
	t.Parallel()
	s, err := openlines.Parse([]byte("name: Support"))
	require.NoError(t, err)
	require.Empty(t, openlines.Validate(s, today))
	shown, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"name": "Support", "active": true, "language": "en", "timezone": "UTC",
		"mode": "evenly", "pass_time": 5, "answered_by": "reply", "max_passes": 3, "check_online": true,
		"member_limit": 0, "limit_counts": "answered_and_new", "max_pending_offers": 5, "sticky_hours": 0,
		"direct_counts_as_turn": false, "offline_return_time": 3, "priority": 0, "aging_time": 30,
		"unanswered_rule": "text", "unanswered_time": 0,
		"hours_enabled": false, "days_off": ["sat", "sun"],
		"week": {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"], "wed": ["09:00-18:00"], "thu": ["09:00-18:00"], "fri": ["09:00-18:00"]},
		"offhours_rule": "text", "offhours_routing": "hold", "welcome_rule": "every_session", "auto_text_max_age": 15,
		"close_rule": "none", "grace_time": 10, "auto_close_time": 0, "auto_close_warning": 0, "auto_close_rule": "none",
		"vote_window": 24, "vote_close_on_receipt": true, "vote_good": ["1"], "vote_bad": ["0"],
		"crm_check": true, "crm_forward": true, "crm_forward_pass": "to_queue", "crm_create": "auto",
		"crm_transfer_sets_responsible": false, "sla_first_reply": 0, "sla_next_reply": 0
	}`, string(shown))
}

func TestParseOfALineReadsJSONAndYAMLAlike(t *testing.T) {
	t.Parallel()
	fromYAML, err := openlines.Parse([]byte("name: A\nholidays: [25.12, 01.10, 2026-12-24]\nspecial_days: {2026-12-31: [09:00-14:00]}\nvote_good: [1]\n"))
	require.NoError(t, err)
	fromJSON, err := openlines.Parse([]byte(`{"name":"A","holidays":["25.12","01.10","2026-12-24"],"special_days":{"2026-12-31":["09:00-14:00"]},"vote_good":["1"]}`))
	require.NoError(t, err)
	require.Equal(t, fromJSON, fromYAML, "dates need no quotes in YAML")
	require.Empty(t, openlines.Validate(fromYAML, today))
}

func TestAWeekThatIsGivenIsTheWholeWeek(t *testing.T) {
	t.Parallel()
	s, err := openlines.Parse([]byte("week: {mon: ['10:00-12:00']}"))
	require.NoError(t, err)
	require.Equal(t, openlines.Week{Mon: []openlines.Interval{"10:00-12:00"}}, s.Week)
}

func TestParseOfALineIsStrict(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ document, problem string }{
		"an unknown key":          {"pas_time: 5", "pas_time: unknown key; known here: active, aging_time,"},
		"an unknown weekday":      {"week: {monday: []}", "week.monday: unknown key; known here: fri, mon,"},
		"an unknown key of a row": {"members: [{user: 1}, {usr: 2}]", "members[1].usr: unknown key; known here: department, user"},
		"a wrong type in JSON":    {`{"pass_time": "5"}`, "pass_time: must be of type whole number, not string"},
		"a fraction in JSON":      {`{"grace_time": 2.5}`, "grace_time: must be of type whole number, not number 2.5"},
		"a wrong type in YAML":    {"pass_time: soon", "cannot unmarshal"},
		"two documents":           {"name: a\n---\nname: b", "only one YAML document"},
		"no document at all":      {"{", "the JSON cannot be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openlines.Parse([]byte(test.document))
			require.ErrorContains(t, err, test.problem)
		})
	}
}

// FuzzParseLine checks that what can be read can be written and read again, and
// that any settings can be validated; valid ones make a schedule that opens.
func FuzzParseLine(f *testing.F) {
	f.Add(lineExample(f))
	f.Add([]byte(`{"name":"A","hours_enabled":true,"week":{"mon":["22:00-06:00"]},"special_days":{"2026-12-24":[]}}`))
	f.Add([]byte("members: [{user: 1}]\ntexts: {welcome: hi}\nvote_good: ['１']"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := openlines.Parse(data)
		if err != nil {
			return
		}
		problems := openlines.Validate(s, today)
		if len(problems) > 0 {
			return
		}
		schedule, err := openlines.NewSchedule(s)
		require.NoError(t, err)
		_, ok := schedule.NextOpen(today)
		require.True(t, ok)
		written, err := json.Marshal(s)
		require.NoError(t, err)
		again, err := openlines.Parse(written)
		require.NoError(t, err)
		rewritten, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(written), string(rewritten))
	})
}
