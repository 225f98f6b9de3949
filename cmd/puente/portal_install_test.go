package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/portals"
	"puente/sandbox/bitrix24"
)

func TestInstallTellsTheAddressesAndWhatIsLeft(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	must(t, "portal", "add", "demo", "--file", portalFile(t))
	golden(t, "portal_install", hide(must(t, "portal", "install", "demo", "--host", "https://puente.example.com")))

	var guide struct {
		InstallURL string `json:"install_url"`
		Tokens     bool
		Steps      []string
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "portal", "install", "demo", "--json")), &guide))
	require.True(t, strings.HasPrefix(guide.InstallURL, "https://YOUR-PUBLIC-HOST/webhooks/bitrix24/demo/install/"))
	require.False(t, guide.Tokens)
	require.NotEmpty(t, guide.Steps)

	_, _, errOut := puente(t, "portal", "install", "nobody")
	require.Contains(t, errOut, "there is no portal nobody")
	_, _, errOut = puente(t, "portal", "install", "demo", "--host", "puente.example.com")
	require.Contains(t, errOut, "must be an address")
}

func TestInstalledApplicationIsShownWithoutItsSecrets(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	must(t, "portal", "add", "demo", "--file", portalFile(t))
	s := open(t)
	p, err := s.Portal(t.Context(), "demo")
	require.NoError(t, err)
	web := portals.WebURL(p)
	issued := issue(t, web)
	registry := portals.New(s, portals.Options{})
	t.Cleanup(registry.Close)
	_, err = registry.Install(t.Context(), "demo", portals.Handover{
		Domain: strings.TrimPrefix(web, "http://"), MemberID: "m1", Access: issued.Access, Refresh: issued.Refresh, ApplicationToken: "proof-of-events",
	})
	require.NoError(t, err)
	out := must(t, "portal", "install", "demo")
	require.Contains(t, out, "application id  "+bitrix24.DemoClientID)
	require.Contains(t, out, "tokens          stored")
	require.Contains(t, out, "bitrix24.client_secret", "the step that is left")

	p, err = s.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.Bitrix24.ClientSecret, p.Bitrix24.OAuthServer = bitrix24.DemoClientSecret, web
	require.NoError(t, s.SavePortal(t.Context(), p))
	out = must(t, "portal", "install", "demo")
	require.Contains(t, out, "It is installed.")
	require.Contains(t, must(t, "portal", "list"), "webhook+app")
	_, report, _ := puente(t, "portal", "check", "demo")
	require.Regexp(t, `ok +Telephony: calls +permission telephony`, report)
	for _, secret := range []string{issued.Access, issued.Refresh, "proof-of-events", bitrix24.DemoClientSecret} {
		require.NotContains(t, out+report, secret)
	}
}

type issued struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// issue lets the sandbox at web issue tokens of its application.
func issue(t *testing.T, web string) (out issued) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web+"/sandbox/tokens", strings.NewReader(`{}`))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
	return out
}
