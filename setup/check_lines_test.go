package setup_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/bitrix24"
	"puente/portals"
	"puente/setup"
	"puente/store"
)

const eventsURL = "https://puente.example.com/webhooks/bitrix24/demo"

// bound is an answer of event.get: so many of the wanted events at an address.
func bound(n int, address string) string {
	rows := []map[string]any{}
	for _, event := range portals.LineEvents()[:n] {
		rows = append(rows, map[string]any{"event": event, "handler": address, "auth_type": "0", "offline": 0})
	}
	raw, _ := json.Marshal(rows)
	return string(raw)
}

func known() store.Bitrix24Account {
	return store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/", ApplicationToken: "t", EventsURL: eventsURL}
}

func TestPortalWithLinesIsToldWhatTheyCanDoThere(t *testing.T) {
	t.Parallel()
	p := both()
	p.app.answers["event.get"] = bound(5, eventsURL)
	rows := p.rows(t, busy(), true, known())
	require.Equal(t, "support", rows["Open lines"].Detail)
	require.Equal(t, setup.OK, rows["Open lines: chats in the CRM"].State)
	require.Contains(t, rows["Open lines: chats in the CRM"].Detail, "badge")
	require.Equal(t, setup.Row{
		Feature: "Open lines: events of the CRM", State: setup.OK, Detail: "5 events go to " + eventsURL,
	}, rows["Open lines: events of the CRM"])
	require.Equal(t, setup.Note, rows["Open lines: distribution in Chat2Desk"].State)
	require.Contains(t, rows["Open lines: distribution in Chat2Desk"].Detail, "channels 12, 13, which")
	require.NotContains(t, rows, "Configurable activities", "told once, in the words of lines")
	require.NotContains(t, rows, "Subscriptions to events")

	rows = p.rows(t, busy(), false, known())
	require.NotContains(t, rows, "Open lines", "a line that takes no sessions is none")
	require.Contains(t, rows, "Subscriptions to events")
}

func TestSubscriptionsThatLackAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		err    error
		url    string
		detail string
		help   string
	}{
		"none":                   {bound(0, ""), nil, eventsURL, "not subscribed yet: ONCRMACTIVITYUPDATE", "puente portal events demo"},
		"some":                   {bound(3, eventsURL), nil, eventsURL, "not subscribed yet: ONCRMCONTACTUPDATE, ONCRMCOMPANYUPDATE;", "log of the worker"},
		"at another host":        {bound(5, "https://old.example/webhooks/bitrix24/demo"), nil, eventsURL, "not subscribed yet", "puente portal events demo"},
		"address is not known":   {bound(0, ""), nil, "", "it is not known where the portal reaches this API", "--host"},
		"portal does not answer": {"", &bitrix24.Error{Kind: bitrix24.KindAccessDenied, Code: "PAYMENT_REQUIRED"}, eventsURL, "PAYMENT_REQUIRED", "plan"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := both()
			p.app.answers["event.get"] = c.answer
			p.app.errs["event.get"] = c.err
			if c.err == nil {
				delete(p.app.errs, "event.get")
			}
			account := known()
			account.EventsURL = c.url
			row := p.rows(t, busy(), true, account)["Open lines: events of the CRM"]
			require.Equal(t, setup.Warning, row.State)
			require.Contains(t, row.Detail, c.detail)
			require.Contains(t, row.Help, c.help)
		})
	}
	p := both()
	both := bound(5, eventsURL)
	p.app.answers["event.get"] = both[:len(both)-1] + "," + bound(1, "https://old.example/webhooks/bitrix24/demo")[1:]
	row := p.rows(t, busy(), true, known())["Open lines: events of the CRM"]
	require.Equal(t, setup.Warning, row.State)
	require.Contains(t, row.Detail, "still to https://old.example")
}

func TestLinesWorkWithAWebhookAloneButShowLess(t *testing.T) {
	t.Parallel()
	p := both()
	p.noApp = fmt.Errorf("portal demo: %w", portals.ErrNoApplication)
	account := store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/"}
	quiet := busy()
	quiet.ContactCenter.Operators = nil
	rows := p.rows(t, quiet, true, account)
	for name, words := range map[string]string{
		"Application": "none is installed", "Open lines: chats in the CRM": "incoming calls", "Open lines: events of the CRM": "every five minutes",
	} {
		require.Equal(t, []any{setup.Warning, setup.LackApplication}, []any{rows[name].State, rows[name].Lacks}, name)
		require.Contains(t, rows[name].Detail, words)
	}
	help := rows["Open lines: events of the CRM"].Help
	for _, want := range append(portals.LineEvents(), "Outgoing webhook", "https://YOUR-PUBLIC-HOST/webhooks/bitrix24/demo", "bitrix24.application_token", "portal install demo") {
		require.Contains(t, help, want)
	}
	row := p.rows(t, quiet, true, known())["Open lines: events of the CRM"]
	require.Equal(t, setup.Note, row.State, "a person has made the webhook")
	require.Contains(t, row.Help, eventsURL)
}

func TestChatsThatShowLessAreToldWhy(t *testing.T) {
	t.Parallel()
	p := both()
	p.app.answers["profile"] = `{"NAME":"Olga","ADMIN":false}`
	row := p.rows(t, busy(), true, known())["Open lines: chats in the CRM"]
	require.Equal(t, []any{setup.Warning, setup.LackRights}, []any{row.State, row.Lacks})
	require.Contains(t, row.Detail, "without the badge")

	p.app.answers["scope"] = `["im"]`
	row = p.rows(t, busy(), true, known())["Open lines: chats in the CRM"]
	require.Equal(t, []any{setup.Missing, setup.LackPermission}, []any{row.State, row.Lacks})
	require.Contains(t, row.Detail, "the permission crm was not given")
}
