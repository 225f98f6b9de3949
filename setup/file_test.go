package setup_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/setup"
)

// variables stand for the environment.
func variables(name string) (string, bool) {
	v, ok := map[string]string{
		"EXAMPLE_BITRIX24_WEBHOOK": "https://b24.example/rest/1/code/", "EXAMPLE_CHAT2DESK_TOKEN": "0123456789", "HOST": "b24.example", "EMPTY": "",
	}[name]
	return v, ok
}

const minimal = `
bitrix24:
  webhook_url: https://${HOST}/rest/1/code/
chat2desk:
  token: ${EXAMPLE_CHAT2DESK_TOKEN}
settings:
  operators:
    administrator: 1
`

func TestExampleIsAValidFileAndNamesEveryKey(t *testing.T) {
	t.Parallel()
	f, err := setup.Parse([]byte(setup.Example), variables)
	require.NoError(t, err)
	require.Equal(t, "https://b24.example/rest/1/code/", f.Bitrix24.WebhookURL)
	require.Equal(t, "es", f.Settings.General.Language)
	require.Empty(t, settings.Validate(*f.Settings))
	for _, key := range []string{
		"client_id", "client_secret", "client_endpoint", "refresh_token", "member_id", "oauth_server", "application_token", "requests_per_second",
		"burst", "base_url", "storage_url", "web_url", "time_zone", "webhook_secret", "api_key", "contact_center_secret", "disabled", "name",
	} {
		require.Contains(t, setup.Example, key+":")
	}
}

func TestVariablesAreTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	f, err := setup.Parse([]byte(minimal), variables)
	require.NoError(t, err)
	require.Equal(t, "https://b24.example/rest/1/code/", f.Bitrix24.WebhookURL, "also inside a value")
	require.Equal(t, "0123456789", f.Chat2Desk.Token, "digits stay text")
}

func TestDollarInTextsOfTheSettingsIsText(t *testing.T) {
	t.Parallel()
	f, err := setup.Parse([]byte("settings:\n  general:\n    own_phones: ['+7 900 000-00-00']\n    texts: {}\n  operators: {administrator: 1}\n"+
		"# costs ${NOTHING}\n"), variables)
	require.NoError(t, err)
	require.Equal(t, int64(1), f.Settings.Operators.Administrator)
}

func TestWrongFilesNameThePlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, want string }{
		"empty":              {"", "empty"},
		"a list":             {"- a", "no mapping"},
		"not YAML":           {"a: [", "cannot be read"},
		"unknown key":        {"bitrix24:\n  webhok_url: x", "line 2: there is no key bitrix24.webhok_url"},
		"unknown section":    {"bitrix: {}", "bitrix"},
		"unset variable":     {"chat2desk:\n  token: ${NOT_SET}", "chat2desk.token: the environment variable NOT_SET is not set"},
		"empty variable":     {"chat2desk:\n  token: ${EMPTY}", "EMPTY is not set"},
		"not an address":     {"bitrix24:\n  webhook_url: b24.example", "bitrix24.webhook_url"},
		"without nothing":    {"bitrix24:\n  without: portal", "bitrix24.without: must be webhook or application"},
		"negative rate":      {"bitrix24:\n  requests_per_second: -1", "negative"},
		"unknown setting":    {"settings:\n  general:\n    langage: en", "general.langage"},
		"invalid setting":    {"settings:\n  general:\n    language: xx\n  operators:\n    administrator: 1", "general.language"},
		"no administrator":   {"settings:\n  general:\n    language: en", "operators.administrator"},
		"text for a number":  {"bitrix24:\n  burst: many", "line 2"},
		"alias that is huge": {"a: &a [x,x]\nname: *a", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup.Parse([]byte(tc.file), variables)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(setup.Example)
	f.Add(minimal)
	f.Add("name: ${HOST}${")
	f.Add("settings: &x\n  general: *x")
	f.Add("? {a: b}\n: c")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return // larger than any real file
		}
		file, err := setup.Parse([]byte(text), variables)
		if err == nil && strings.Contains(file.Bitrix24.WebhookURL, "${HOST}") {
			t.Fatalf("a variable is left in %q", file.Bitrix24.WebhookURL)
		}
	})
}
