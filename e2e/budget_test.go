package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// Requests to an idle portal per closed dialog: at most three for a new
// client, two for a known one, one that the CRM knows by phone included.
func TestRequestsPerClosedDialog(t *testing.T) {
	t.Parallel()
	s := start(t, options{settings: func(c *settings.Settings) { c.General.NotifyIncoming = false }})
	spent := func(d chatDialog) int {
		before := s.stats().Requests
		row := s.syncOf(s.play(d).Request, 60*time.Second)
		require.Equal(t, "done", row.Status, row.Error.Text)
		after := s.stats().Requests
		require.Equal(t, after-before, row.Requests, "the ledger tells what was spent")
		return after - before
	}
	rich := talk("Rich", "+79999000001", whatsapp)
	rich.Client.Custom = map[string]any{"6": "Tula"}
	rich.UTM = map[string]any{"utm_source": "ya"}
	require.LessOrEqual(t, spent(rich), 3, "new client, nothing known of the portal yet")
	require.LessOrEqual(t, spent(rich), 2, "known client with fields to update")
	require.LessOrEqual(t, spent(talk("Plain", "+79999000002", telegram)), 3, "new client")
	require.LessOrEqual(t, spent(talk("Plain", "+79999000002", telegram)), 2, "known client")
	require.LessOrEqual(t, spent(talk("Lead", "+79999000003", widget)), 3, "new client, lead that converts")

	s.rest("crm.item.add", map[string]any{"entityTypeId": contactType, "fields": map[string]any{
		"name": "In CRM", "fm": []any{map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "89999000004"}},
	}}, nil)
	require.LessOrEqual(t, spent(talk("In CRM", "+79999000004", whatsapp)), 2, "known to the CRM by phone")
}
