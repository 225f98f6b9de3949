package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/store"
)

// TestLaterAnswersTellWhatBecameOfTheRecording sends a method call and a request
// whose recordings are on their way when they are answered.
func TestLaterAnswersTellWhatBecameOfTheRecording(t *testing.T) {
	t.Parallel()
	const (
		notes   = `"notes":["\"recording\":\"pending\" is what somebody wrote"]`
		created = `{"call_id":"c","recording":"pending",` + notes + `}`
		taken   = `{"external_id":"f","call":{"call_id":"c","recording":"pending",` + notes + `}}`
	)
	for name, c := range map[string]struct{ path, body, run, stored string }{
		"call":    {"/v1/portals/demo/contact-center/methods/call.create", callBody, "", created},
		"request": {requests, `{"external_id":"f","channel":"phone","call":` + callBody + `}`, requests + "/f", taken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.starter.answer = answers(http.StatusOK, c.stored)
			send := func(state string) {
				t.Helper()
				w := b.send(http.MethodPost, c.path, c.body, "Idempotency-Key", "k1")
				require.Equal(t, http.StatusOK, w.Code, w.Body.String())
				require.Contains(t, w.Body.String(), fmt.Sprintf(`"recording":%q,%s`, state, notes))
			}
			send(contactcenter.RecordingPending)
			sub := <-b.starter.begun
			if c.run == "" {
				c.run = "/v1/portals/demo/contact-center/runs/" + sub.SyncID
			}
			stands := func(status, state string) {
				t.Helper()
				require.NoError(t, b.store.UpdateSync(t.Context(), "demo", sub.SyncID, func(s *store.Sync) { s.Status = status }))
				send(state)
				require.Contains(t, b.send(http.MethodGet, c.run, "").Body.String(), fmt.Sprintf(`"recording":%q`, state))
			}
			rec, err := b.store.SaveRecording(t.Context(), store.Recording{Portal: "demo", CallID: "c", SyncID: sub.SyncID})
			require.NoError(t, err)
			stands(store.SyncSyncing, contactcenter.RecordingPending)
			stands(store.SyncFailed, contactcenter.RecordingFailed)
			stands(store.SyncAbandoned, contactcenter.RecordingFailed)
			stands(store.SyncSyncing, contactcenter.RecordingPending)
			stands(store.SyncDone, contactcenter.RecordingAttached)
			_, err = b.store.SaveRecording(t.Context(), store.Recording{ID: rec.ID, Portal: "demo", AttachedAt: time.Now()})
			require.NoError(t, err)
			stands(store.SyncFailed, contactcenter.RecordingAttached) // a later correction is what failed
		})
	}
}

const callBody = `{"call_id":"c","direction":"incoming","phone":"+74951234567","started_at":"2026-11-22T12:00:00+03:00",` +
	`"status":"answered","duration":3,"recording":{"url":"https://records.example.com/c.mp3"}}`
