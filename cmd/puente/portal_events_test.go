package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/portals"
	"puente/sandbox/bitrix24"
)

// withLine connects the portal demo, with an open line on channel 12.
func withLine(t *testing.T) {
	t.Helper()
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	must(t, "portal", "add", "demo", "--file", portalFile(t), "--register-webhook", "https://puente.example.com")
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.Members = "Support", []int64{12}, []openlines.Member{{User: 7}}
	_, err := open(t).SaveLine(t.Context(), "demo", "support", doc, "Ana", "test", 0)
	require.NoError(t, err)
}

func TestPersonIsToldWhichOutgoingWebhookToMake(t *testing.T) {
	withLine(t)
	golden(t, "portal_events_webhook", hide(must(t, "portal", "events", "demo")))
	out := must(t, "portal", "check", "demo")
	var lines []string
	for _, line := range strings.Split(hide(out), "\n") {
		if strings.Contains(line, "pen lines") || strings.Contains(line, "Outgoing webhook") {
			lines = append(lines, line)
		}
	}
	golden(t, "portal_check_lines", strings.Join(lines, "\n")+"\n")
}

func TestApplicationSubscribesToTheEventsOfLines(t *testing.T) {
	withLine(t)
	s := open(t)
	p, err := s.Portal(t.Context(), "demo")
	require.NoError(t, err)
	web := portals.WebURL(p)
	p.Bitrix24.ClientID, p.Bitrix24.ClientSecret, p.Bitrix24.OAuthServer = bitrix24.DemoClientID, bitrix24.DemoClientSecret, web
	issued := issue(t, web)
	p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken, p.Bitrix24.ClientEndpoint = issued.Access, issued.Refresh, web+"/rest/"
	p.Bitrix24.ApplicationToken = "proof"
	require.NoError(t, s.SavePortal(t.Context(), p))

	_, report, _ := puente(t, "portal", "check", "demo")
	require.Regexp(t, `warning +Open lines: events of the CRM +not subscribed yet`, report)
	require.Contains(t, must(t, "portal", "events", "demo"),
		"The portal sends 5 events of the CRM to https://puente.example.com/webhooks/bitrix24/demo (5 subscriptions changed).")
	_, report, _ = puente(t, "portal", "check", "demo")
	require.Regexp(t, `ok +Open lines: events of the CRM +5 events go to https://puente.example.com/webhooks/bitrix24/demo`, report)
	require.Regexp(t, `ok +Open lines: chats in the CRM`, report)

	var out struct {
		URL     string `json:"events_url"`
		Changed int
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "portal", "events", "demo", "--host", "https://new.example.com", "--json")), &out))
	require.Equal(t, []any{"https://new.example.com/webhooks/bitrix24/demo", 10}, []any{out.URL, out.Changed})

	doc := openlines.Default()
	doc.Name, doc.Channels, doc.Active = "Support", []int64{12}, false
	_, err = s.SaveLine(t.Context(), "demo", "support", doc, "Ana", "test", 0)
	require.NoError(t, err)
	require.Contains(t, must(t, "portal", "events", "demo"), "has no active open line: no events are needed (5 subscriptions ended)")
}

func TestEventsOfPortalsThatCannotBe(t *testing.T) {
	withLine(t)
	for want, args := range map[string][]string{
		"there is no portal nobody": {"nobody"}, "must be an address": {"demo", "--host", "puente.example.com"}, "name one portal": {},
	} {
		status, _, errOut := puente(t, append([]string{"portal", "events"}, args...)...)
		require.Equal(t, 1, status)
		require.Contains(t, errOut, want)
	}
	_, _, errOut := puente(t, "portal", "events", "nobody", "--host", "https://a.example")
	require.Contains(t, errOut, "there is no portal nobody")
}
