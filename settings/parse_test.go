package settings_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"puente/settings"
)

func readExample(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "example.yaml"))
	require.NoError(t, err)
	return data
}

func TestExampleIsValidAndShowsEverySetting(t *testing.T) {
	t.Parallel()
	s, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	require.Empty(t, settings.Validate(s))
	require.Equal(t, int64(7), s.Operators.Users[0].User)
	require.Equal(t, "UF_CRM_BUDGET", s.Fields[1].Deal)

	var tree map[string]any
	require.NoError(t, yaml.Unmarshal(readExample(t), &tree))
	requireAllKeys(t, "", tree, reflect.TypeFor[settings.Settings]())
}

// requireAllKeys fails if a setting is not in the documented example.
func requireAllKeys(t *testing.T, path string, tree any, typ reflect.Type) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			keys, ok := tree.(map[string]any)
			require.True(t, ok, path)
			require.Contains(t, keys, name, path)
			requireAllKeys(t, path+"."+name, keys[name], typ.Field(i).Type)
		}
	case reflect.Slice:
		rows, ok := tree.([]any)
		require.True(t, ok && len(rows) > 0, path)
		requireAllKeys(t, path+"[0]", rows[0], typ.Elem())
	}
}

func TestJSONAndYAMLUseTheSameNames(t *testing.T) {
	t.Parallel()
	fromYAML, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	asJSON, err := json.Marshal(fromYAML)
	require.NoError(t, err)
	fromJSON, err := settings.Parse(asJSON)
	require.NoError(t, err)
	require.Equal(t, fromYAML, fromJSON)
	asYAML, err := yaml.Marshal(fromYAML)
	require.NoError(t, err)
	again, err := settings.Parse(asYAML)
	require.NoError(t, err)
	require.Equal(t, fromYAML, again)
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"", "# only a comment\n", "{}", "general:\n", "general: {language: en}"} {
		s, err := settings.Parse([]byte(document))
		require.NoError(t, err, document)
		require.Equal(t, settings.Default(), s, document)
	}
	s, err := settings.Parse([]byte(`{"general": {"notify_incoming": false}}`))
	require.NoError(t, err)
	require.False(t, s.General.NotifyIncoming)
	require.Equal(t, settings.DefaultSettleSeconds, s.General.SettleSeconds)
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ document, want string }{
		"unknown section":      {"tag: {mode: ignore}", "tag: unknown key; known here: analytics, contact_center, crm"},
		"unknown key":          {"general: {lang: es}", "general.lang: unknown key; known here: country"},
		"in a row":             {"crm: {channels: [{id: 1}, {id: 2, pipe: 1}]}", "crm.channels[1].pipe: unknown key"},
		"in JSON":              {`{"fields": [{"custom": "6", "contact": "x"}]}`, "fields[0].contact: unknown key"},
		"wrong case":           {`{"General": {}}`, "General: unknown key"},
		"two at once":          {"a: 1\nb: 2", "a: unknown key"},
		"key that is no text":  {"general: {1: x}", "general.1: unknown key"},
		"wrong type in JSON":   {`{"crm": {"channels": [{"id": "12"}]}}`, "must be of type whole number, not string"},
		"list for a section":   {`{"tags": []}`, "tags: must be of type object, not array"},
		"text for a boolean":   {`{"general": {"notify_incoming": "yes"}}`, "must be of type boolean, not string"},
		"number for a text":    {`{"general": {"language": 5}}`, "must be of type string, not number"},
		"text for a list":      {`{"fields": "x"}`, "must be of type list, not string"},
		"wrong type in YAML":   {"general: {settle_seconds: soon}", "line 1"},
		"not a document":       {"just text", "cannot unmarshal"},
		"broken JSON":          {`{"general": `, "the JSON cannot be read"},
		"more after the JSON":  {`{} {}`, "the JSON cannot be read"},
		"broken YAML":          {"general: [", "the YAML cannot be read"},
		"two documents":        {"general: {}\n---\ntags: {}", "only one YAML document"},
		"duplicate JSON key":   {`{"tags":{"mode":"ignore"},"crm":{},"crm":{}}`, "crm: is given more than once"},
		"duplicate key":        {"tags: {mode: ignore}\ntags: {mode: ignore}", "already defined"},
		"list as the document": {"[1]", "must be of type object, not array"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := settings.Parse([]byte(tt.document))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestSectionsAreReadAndReplaced(t *testing.T) {
	t.Parallel()
	s, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	for _, name := range settings.SectionNames() {
		section, err := s.Section(name)
		require.NoError(t, err)
		data, err := json.Marshal(section)
		require.NoError(t, err)
		same, err := s.SetSection(name, data)
		require.NoError(t, err, name)
		require.Equal(t, s, same, name)
		fresh, err := settings.Default().SetSection(name, data)
		require.NoError(t, err)
		copied, err := fresh.Section(name)
		require.NoError(t, err)
		require.Equal(t, section, copied, name)
	}
}

func TestSetSectionTakesDefaultsNotOldValues(t *testing.T) {
	t.Parallel()
	s, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	changed, err := s.SetSection("general", []byte(`{"language": "ru"}`))
	require.NoError(t, err)
	want := settings.Default().General
	want.Language = "ru"
	require.Equal(t, want, changed.General)
	require.Equal(t, "es", s.General.Language, "the old settings are untouched")
}

func TestSetSectionNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct{ section, data, want string }{
		{"general", `{"lang": "ru"}`, "general.lang: unknown key"},
		{"fields", `[{"custom": "6", "x": 1}]`, "fields[0].x: unknown key"},
		{"fields", `{"custom": "6"}`, "fields: must be of type list, not object"},
		{"crm", `{`, "cannot be read"},
		{"lines", `{}`, `unknown settings section "lines"; known: general, tags`},
	}
	for _, tt := range tests {
		_, err := settings.Default().SetSection(tt.section, []byte(tt.data))
		require.ErrorContains(t, err, tt.want)
	}
	_, err := settings.Default().Section("lines")
	require.ErrorIs(t, err, settings.ErrUnknownSection)
	empty, err := settings.Default().Section("fields")
	require.NoError(t, err)
	data, err := json.Marshal(empty)
	require.NoError(t, err)
	require.JSONEq(t, "[]", string(data))
}

func FuzzParse(f *testing.F) {
	f.Add(readExample(f))
	f.Add([]byte(`{"general": {"language": "en"}, "fields": [{"custom": "6"}]}`))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {x: y}\n: 1"))
	f.Add([]byte("general: {1: 2, true: 3, ~: 4}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := settings.Parse(data)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		settings.Validate(s)
		again, err := json.Marshal(s)
		require.NoError(t, err)
		_, err = settings.Parse(again)
		require.NoError(t, err, "what was accepted is accepted again")
	})
}
