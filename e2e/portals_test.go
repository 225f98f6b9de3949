package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
)

// A second portal with its own CRM, its own settings and its own keys, fed by
// the same webhooks: nothing crosses.
func TestTwoPortalsDoNotTouchEachOther(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	other, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)

	demo, err := s.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	second := demo
	second.Slug, second.Name, second.Version = "second", "Second", 0
	second.Bitrix24.WebhookURL = server.URL + "/rest/1/sandboxsecret/"
	second.Chat2Desk.WebhookSecret = "second-secret"
	second.APIKeyHash = store.HashAPIKey("second-key")
	require.NoError(t, s.store.SavePortal(t.Context(), second))
	conf, _, err := s.store.Settings(t.Context(), "demo")
	require.NoError(t, err)
	conf.CRM.Channels = []settings.Channel{{ID: whatsapp, Entity: settings.EntityDeal, Pipeline: 1}}
	_, err = s.store.SaveSettings(t.Context(), "second", conf, "e2e", "test", 0)
	require.NoError(t, err)

	d := talk("Two Homes", "+79999100001", whatsapp)
	ids := s.play(d)
	first := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "done", first.Status, first.Error.Text)
	before := len(s.ours(dealType))

	status, raw := s.postRaw("http://"+s.api+"/webhooks/chat2desk/second/second-secret",
		`{"hook_type":"close_request","request_id":`+itoa(ids.Request)+`,"client_id":`+itoa(ids.Client)+`,"event_time":"2026-02-03T11:00:00Z"}`)
	require.Equal(t, http.StatusOK, status, raw)
	require.Eventually(t, func() bool {
		rows, _, err := s.store.Syncs(t.Context(), "second", store.SyncFilter{})
		return err == nil && len(rows) == 1 && rows[0].Status == "done"
	}, 30*time.Second, 200*time.Millisecond)
	require.Len(t, s.ours(dealType), before, "the first portal got nothing of the second")
	require.Len(t, s.syncs(), 1, "nor does its API show it")
	status, _ = s.raw(http.MethodGet, "http://"+s.api+"/v1/portals/second/syncs", nil)
	require.Contains(t, []int{http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound}, status, "the key of one opens nothing of the other")
}
