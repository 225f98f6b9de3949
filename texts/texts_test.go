package texts_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/texts"
)

func TestEveryLanguageHasTheSameTextsAndPlaceholders(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"en", "es", "pt", "ru"}, texts.Languages())
	for _, lang := range texts.Languages() {
		catalog := readCatalog(t, lang)
		require.Len(t, catalog, len(texts.IDs()), lang)
		for _, id := range texts.IDs() {
			require.NoError(t, texts.Check(id, catalog[id]), "%s in %s", id, lang)
			for _, name := range texts.Placeholders(id) {
				require.Contains(t, catalog[id], "{{."+name+"}}", "%s in %s", id, lang)
			}
		}
	}
}

func TestEveryTextSaysSomethingWithoutDataAndShowsAllItsData(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		bundle := texts.For(lang, nil)
		require.Equal(t, lang, bundle.Lang())
		for _, id := range texts.IDs() {
			require.NotContains(t, bundle.T(id, nil), "no value", id)
			data := map[string]any{}
			for _, name := range texts.Placeholders(id) {
				data[name] = "<" + name + ">"
			}
			shown := bundle.T(id, data)
			require.NotEmpty(t, strings.TrimSpace(shown), id)
			for name := range data {
				require.Contains(t, shown, "<"+name+">", id)
			}
		}
	}
}

func TestTimeFormatsKeepTheMinute(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 14, 58, 0, 0, time.UTC)
	for _, lang := range texts.Languages() {
		bundle := texts.For(lang, nil)
		require.Contains(t, at.Format(bundle.T("format.line_time", nil)), "14:58", lang)
		long := at.Format(bundle.T("format.date_time", nil))
		require.Contains(t, long, "2026", lang)
		require.Contains(t, long, "23", lang)
	}
}

func TestForPicksTheLanguage(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"es": "es", "ES": "es", "pt-BR": "pt", "ru_RU": "ru", " en ": "en", "": "en", "de": "en", "../en": "en",
	} {
		require.Equal(t, want, texts.For(given, nil).Lang(), given)
	}
	require.Equal(t, "en", texts.Bundle{}.Lang())
	require.Equal(t, "Client", texts.Bundle{}.T("header.client", nil))
}

func TestOverridesReplaceOnlyTheirText(t *testing.T) {
	t.Parallel()
	bundle := texts.For("es", map[string]string{
		"name.unknown":  "Alguien n.º {{.id}}",
		"header.client": "{{broken",
		"no.such":       "x",
	})
	require.Equal(t, "Alguien n.º 7", bundle.T("name.unknown", map[string]any{"id": 7}))
	require.Equal(t, "Cliente", bundle.T("header.client", nil), "a broken override is left out")
	require.Equal(t, "Canal", bundle.T("header.channel", nil))
}

func TestUnknownIDShowsItself(t *testing.T) {
	t.Parallel()
	require.Equal(t, "no.such", texts.For("en", nil).T("no.such", nil))
	require.Nil(t, texts.Placeholders("no.such"))
}

func TestCheckRefusesWhatIsNotAText(t *testing.T) {
	t.Parallel()
	const id = "name.unknown"
	tests := map[string]struct{ id, text, want string }{
		"unknown id":          {"no.such", "x", "no text with the id"},
		"empty":               {id, "  ", "empty"},
		"broken":              {id, "{{.id", "cannot be read"},
		"unknown function":    {id, "{{env}}", "cannot be read"},
		"unknown placeholder": {id, "{{.name}}", "unknown placeholder {{.name}}; this text has: {{.id}}"},
		"none allowed":        {"header.client", "{{.name}}", "this text has: none"},
		"function":            {id, "{{len .id}}", "only placeholders"},
		"pipe":                {id, "{{.id | printf}}", "only placeholders"},
		"loop":                {id, "{{range .id}}x{{end}}", "only placeholders"},
		"nested field":        {id, "{{.id.name}}", "only placeholders"},
		"variable":            {id, "{{$x := .id}}", "only placeholders"},
		"constant":            {id, `{{"x"}}`, "only placeholders"},
		"template":            {id, `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, "only placeholders"},
		"only a definition":   {id, `{{define "a"}}x{{end}}`, "only placeholders"},
		"redefinition":        {id, `{{define "name.unknown"}}{{range .id}}{{end}}{{end}}`, "only placeholders"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, texts.Check(tt.id, tt.text), tt.want)
		})
	}
	require.NoError(t, texts.Check(id, "{{ .id }} and {{.id}}"))
	require.NoError(t, texts.Check(id, "no placeholder at all"))
}

func FuzzCheckedOverrideNeverFails(f *testing.F) {
	for _, seed := range []string{"Hi {{.id}}", "{{", "{{.id}}{{.id}}", "{{/* c */}}x", "{{- .id -}}", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if texts.Check("name.unknown", text) != nil || text == "name.unknown" {
			return
		}
		bundle := texts.For("en", map[string]string{"name.unknown": text})
		shown := bundle.T("name.unknown", map[string]any{"id": 7})
		require.NotEqual(t, "name.unknown", shown, "T falls back to the id only if the text cannot be filled")
	})
}

func readCatalog(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("catalogs", lang+".json"))
	require.NoError(t, err)
	var catalog map[string]string
	require.NoError(t, json.Unmarshal(raw, &catalog))
	return catalog
}
