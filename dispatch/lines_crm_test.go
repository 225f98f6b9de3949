package dispatch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// portal answers REST methods of a portal with the given results, and counts
// the calls.
func (b *testBundle) portal(t *testing.T, answers map[string]string) *atomic.Int64 {
	t.Helper()
	calls := &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		for method, answer := range answers {
			if r.URL.Path == "/rest/1/secret/"+method || r.URL.Path == "/rest/1/secret/"+method+".json" {
				_, _ = w.Write([]byte(answer))
				return
			}
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(server.Close)
	row, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	row.Bitrix24 = store.Bitrix24Account{WebhookURL: server.URL + "/rest/1/secret/", RatePerSecond: 1000, Burst: 1000}
	require.NoError(t, b.store.SavePortal(t.Context(), row))
	return calls
}

// crm accepts an event of the portal, as the API keeps it.
func (b *testBundle) crm(t *testing.T, event string, id int) {
	t.Helper()
	form := url.Values{"event": {event}, "data[FIELDS][ID]": {fmt.Sprint(id)}}
	_, err := b.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceBitrix24, Key: fmt.Sprintf("%s:%d", event, id), HookType: event,
		OrderKey: event, Body: []byte(form.Encode()), ReceivedAt: time.Now(),
	}})
	require.NoError(t, err)
}

func (b *testBundle) wrote(t *testing.T, key string, external int64) {
	t.Helper()
	_, err := b.store.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: key, State: store.WriteDone, ExternalID: external})
	require.NoError(t, err)
}

func activity(completed, origin string) map[string]string {
	return map[string]string{"crm.activity.get": fmt.Sprintf(`{"result":{"ID":"5","COMPLETED":%q,"ORIGIN_ID":%q}}`, completed, origin)}
}

func TestCompletedChatActivityIsToldWithItsVersion(t *testing.T) {
	t.Parallel()
	for completed, on := range map[string]bool{"Y": true, "N": false} {
		b := line(t, nil)
		b.portal(t, activity(completed, workflows.LineMarkOrigin(3, 4)))
		b.wrote(t, store.ActivityKey(5), 3)
		b.crm(t, "ONCRMACTIVITYUPDATE", 5)
		got := b.events(t)
		require.Len(t, got, 1)
		require.Equal(t, openlines.Event{
			ID: "ONCRMACTIVITYUPDATE:5", Kind: openlines.ActivityChanged, At: got[0].At, Session: 3, On: on, Version: 4,
		}, got[0])
	}
}

func TestActivitiesOfOthersAreNotEvenRead(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	calls := b.portal(t, activity("Y", workflows.LineMarkOrigin(3, 4)))
	b.crm(t, "ONCRMACTIVITYUPDATE", 5)
	b.crm(t, "ONCRMDEALUPDATE", 9)
	b.crm(t, "ONCRMDEALADD", 9)
	b.crm(t, "ONAPPTEST", 0)
	require.Empty(t, b.events(t))
	require.Zero(t, calls.Load())
}

func TestActivityThatCannotBeReadTellsNothing(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]map[string]string{
		"deleted":             {"crm.activity.get": `{"error":"","error_description":"Activity is not found."}`},
		"of somebody else":    activity("Y", "call:5"),
		"of an unknown shape": activity("Y", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := line(t, nil)
			b.portal(t, answers)
			b.wrote(t, store.ActivityKey(5), 3)
			b.crm(t, "ONCRMACTIVITYUPDATE", 5)
			require.Empty(t, b.events(t))
		})
	}
}

func TestEventOfThePortalWaitsWhileItCannotBeAsked(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.portal(t, nil)
	b.wrote(t, store.ActivityKey(5), 3)
	b.crm(t, "ONCRMACTIVITYUPDATE", 5)
	require.Eventually(t, func() bool { return b.rows(t)[0].Attempts > 0 }, 60*time.Second, 10*time.Millisecond)
	b.portal(t, activity("Y", workflows.LineMarkOrigin(3, 4)))
	require.Eventually(t, func() bool {
		b.temporal.mu.Lock()
		defer b.temporal.mu.Unlock()
		return len(b.temporal.desk) == 1
	}, 20*time.Second, 20*time.Millisecond)
}

func TestAnotherResponsibleEmployeeIsTold(t *testing.T) {
	t.Parallel()
	deal := openlines.Item{Kind: "deal", ID: 9}
	for name, c := range map[string]struct {
		known int64
		want  int
	}{"chosen by a person": {7, 1}, "written by ourselves": {8, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := line(t, nil)
			b.portal(t, map[string]string{"crm.item.get": `{"result":{"item":{"id":9,"assignedById":8}}}`})
			b.wrote(t, store.ItemKey(deal), c.known)
			b.crm(t, "onCrmDealUpdate", 9)
			got := b.events(t)
			require.Len(t, got, c.want)
			for _, e := range got {
				require.Equal(t, openlines.ResponsibleChanged, e.Kind)
				require.Equal(t, openlines.CRMFacts{Item: deal, Responsible: 8}, *e.CRM)
			}
		})
	}
}
