package dispatch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/bitrix24"
	"puente/dispatch"
	"puente/openlines"
	"puente/portals"
	sandbox "puente/sandbox/bitrix24"
	"puente/store"
	"puente/workflows"
)

// crmWorld is a portal in the sandbox with one open chat: session 1, on a deal of
// user 7, with its activity.
type crmWorld struct {
	*testBundle
	crm      *sandbox.Portal
	url      string
	deal     openlines.Item
	activity int64
}

func newCRM(t *testing.T) *crmWorld {
	t.Helper()
	crm, err := sandbox.New(sandbox.Options{Limits: &sandbox.Limits{Rate: 1000, OperatingLimit: 480}})
	require.NoError(t, err)
	server := httptest.NewServer(crm)
	t.Cleanup(func() { server.Close(); require.NoError(t, crm.Close()) })
	b := prepare(t)
	b.registry = portals.New(b.store, portals.Options{CheckEvery: time.Nanosecond})
	t.Cleanup(b.registry.Close)
	w := &crmWorld{testBundle: b, crm: crm, url: server.URL}
	w.account(t, func(a *store.Bitrix24Account) {
		*a = store.Bitrix24Account{WebhookURL: server.URL + "/rest/1/sandboxsecret/", RatePerSecond: 1000, Burst: 1000, OAuthServer: server.URL}
	})
	w.open(t)
	return w
}

func (w *crmWorld) account(t *testing.T, change func(*store.Bitrix24Account)) {
	t.Helper()
	p, err := w.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	change(&p.Bitrix24)
	require.NoError(t, w.store.SavePortal(t.Context(), p))
}

// open makes the line, the chat and what shows it.
func (w *crmWorld) open(t *testing.T) {
	t.Helper()
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.Members = "Sales", []int64{12}, []openlines.Member{{User: 7}}
	_, err := w.store.SaveLine(t.Context(), "demo", "sales", doc, "test", "", 0)
	require.NoError(t, err)
	var deal struct {
		Item struct {
			ID int64 `json:"id"`
		} `json:"item"`
	}
	w.rest(t, "crm.item.add", bitrix24.Params{"entityTypeId": 2, "fields": bitrix24.Params{"title": "Chat", "assignedById": 7}}, &deal)
	w.deal = openlines.Item{Kind: "deal", ID: deal.Item.ID}
	w.rest(t, "crm.activity.add", bitrix24.Params{"fields": bitrix24.Params{
		"OWNER_TYPE_ID": 2, "OWNER_ID": w.deal.ID, "TYPE_ID": 2, "SUBJECT": "Chat", "RESPONSIBLE_ID": 7, "DIRECTION": 1,
		"COMMUNICATIONS": []any{bitrix24.Params{"VALUE": "+79990000000"}}, "ORIGINATOR_ID": "puente", "ORIGIN_ID": workflows.LineMarkOrigin(1, 2),
	}}, &w.activity)
	w.session(t, openlines.Record{Kind: openlines.ItemBound, Item: w.deal})
	w.wrote(t, store.MarkKey(1), w.activity)
	w.wrote(t, store.ActivityKey(w.activity), 1)
	w.wrote(t, store.ItemKey(w.deal), 7)
}

func (w *crmWorld) rest(t *testing.T, method string, params bitrix24.Params, into any) {
	t.Helper()
	gateway, err := w.registry.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	answer, err := gateway.Call(t.Context(), method, params)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, answer.Decode(into))
	}
}

// person does something in the portal by hand.
func (w *crmWorld) person(t *testing.T, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+path, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
}

// watch runs a dispatcher that looks that often, until the test or stop ends it.
func (w *crmWorld) watch(t *testing.T, every time.Duration) (stop func()) {
	t.Helper()
	d := dispatch.New(dispatch.Options{
		Store: w.store, Temporal: w.temporal, Portals: w.registry, Logger: slog.New(slog.DiscardHandler), CRMLook: every,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// told waits until the desk was told so many events.
func (w *crmWorld) told(t *testing.T, n int) []openlines.Event {
	t.Helper()
	var got []openlines.Event
	require.Eventually(t, func() bool { got = w.events(t); return len(got) >= n }, 30*time.Second, 10*time.Millisecond)
	return got
}

// looks waits until the portal was looked at so many times more.
func (w *crmWorld) looks(t *testing.T, n int) {
	t.Helper()
	asked := func() int { return w.crm.Stats().ByMethod["crm.activity.list"] }
	before := asked()
	require.Eventually(t, func() bool { return asked() >= before+n }, 30*time.Second, 5*time.Millisecond)
}

func TestLostEventOfAnActivityIsFoundByLooking(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.watch(t, 20*time.Millisecond)
	w.looks(t, 2)
	require.Empty(t, w.events(t), "an open activity is as it should be")
	w.person(t, fmt.Sprint("/sandbox/activities/", w.activity), `{"user_id":8,"completed":true}`)
	got := w.told(t, 1)
	require.Equal(t, openlines.Event{ID: got[0].ID, Kind: openlines.ActivityChanged, At: got[0].At, Session: 1, On: true, Version: 2}, got[0])
	w.looks(t, 3)
	require.Len(t, w.events(t), 1, "once, however often it is looked at")
}

func TestLostEventOfAnItemIsFoundByLooking(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.watch(t, 20*time.Millisecond)
	entity := fmt.Sprint("/sandbox/entities/deal/", w.deal.ID)
	for n, user := range []openlines.UserID{8, 7, 9} {
		w.person(t, entity, fmt.Sprintf(`{"responsible_id":%d}`, user))
		got := w.told(t, n+1)
		require.Equal(t, openlines.ResponsibleChanged, got[n].Kind)
		require.Equal(t, openlines.CRMFacts{Item: w.deal, Responsible: user}, *got[n].CRM)
	}
	w.looks(t, 3)
	require.Len(t, w.events(t), 3)
}

func TestWhoGetsAnItemBackIsToldToo(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.watch(t, time.Hour)
	w.looks(t, 1)
	for n, user := range []openlines.UserID{8, 7} {
		w.person(t, fmt.Sprint("/sandbox/entities/deal/", w.deal.ID), fmt.Sprintf(`{"responsible_id":%d}`, user))
		_, err := w.store.Accept(t.Context(), []store.InboxEvent{{
			Portal: "demo", Source: store.SourceBitrix24, Key: fmt.Sprint("update", n), HookType: "ONCRMDEALUPDATE", OrderKey: "deal",
			Body: fmt.Appendf(nil, "event=ONCRMDEALUPDATE&data[FIELDS][ID]=%d", w.deal.ID), ReceivedAt: time.Now(),
		}})
		require.NoError(t, err)
		require.Equal(t, user, w.told(t, n+1)[n].CRM.Responsible)
	}
}

func TestSubscriptionsAreMadeWhenALineBegins(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.watch(t, 20*time.Millisecond)
	w.looks(t, 1)
	require.Empty(t, w.crm.Events().Handlers, "there is no application")
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	w.account(t, func(a *store.Bitrix24Account) {
		a.ClientID, a.ClientSecret, a.EventsURL = sandbox.DemoClientID, sandbox.DemoClientSecret, "https://puente.example.com/webhooks/bitrix24/demo"
	})
	w.issue(t, &issued)
	_, err := w.registry.Install(t.Context(), "demo", portals.Handover{
		Domain: strings.TrimPrefix(w.url, "http://"), MemberID: "m1", Access: issued.Access, Refresh: issued.Refresh, ExpiresIn: time.Hour,
	})
	require.NoError(t, err)
	require.Len(t, w.crm.Events().Handlers, 5, "by the installation itself")
	w.rest(t, "crm.deal.get", bitrix24.Params{"id": w.deal.ID}, nil)
	require.NoError(t, w.store.SetEventsURL(t.Context(), "demo", "https://other.example.com/webhooks/bitrix24/demo"))
	require.Eventually(t, func() bool {
		all := w.crm.Events().Handlers
		return len(all) == 5 && strings.HasPrefix(all[0].URL, "https://other.example.com/")
	}, 30*time.Second, 20*time.Millisecond)
}

func (w *crmWorld) issue(t *testing.T, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/sandbox/tokens", strings.NewReader(`{}`))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(into))
}

func TestOneOfSeveralProcessesLooks(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.watch(t, time.Hour)
	w.looks(t, 1)
	w.watch(t, 50*time.Millisecond)
	require.Never(t, func() bool { return w.crm.Stats().ByMethod["crm.activity.list"] > 1 }, 300*time.Millisecond, 20*time.Millisecond,
		"the second one has nothing to do")
}

func TestNextProcessLooksAtOnceAfterAStop(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	stop := w.watch(t, time.Hour)
	w.looks(t, 1)
	stop()
	w.person(t, fmt.Sprint("/sandbox/activities/", w.activity), `{"completed":true}`)
	w.watch(t, time.Hour)
	require.Equal(t, openlines.ActivityChanged, w.told(t, 1)[0].Kind)
}

func TestLookingGoesOnWhereSubscribingFails(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	w.account(t, func(a *store.Bitrix24Account) {
		a.ClientID, a.ClientSecret, a.EventsURL = sandbox.DemoClientID, sandbox.DemoClientSecret, "https://puente.example.com/webhooks/bitrix24/demo"
		a.AccessToken, a.RefreshToken = "dead", "dead"
	})
	_, err := w.registry.FollowCRM(t.Context(), "demo")
	require.Error(t, err, "the application is dead")
	w.watch(t, time.Hour)
	w.looks(t, 1)
	require.Never(t, func() bool { return w.crm.Stats().ByMethod["crm.activity.list"] > 1 }, 3*time.Second, 50*time.Millisecond,
		"not each time that subscribing is tried")
}

func TestPortalThatCannotBeAskedIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newCRM(t)
	_, err := w.crm.InjectFault(sandbox.Fault{Method: "batch", Kind: "status", Times: 2})
	require.NoError(t, err)
	w.watch(t, 20*time.Millisecond)
	w.person(t, fmt.Sprint("/sandbox/activities/", w.activity), `{"completed":true}`)
	require.Equal(t, openlines.ActivityChanged, w.told(t, 1)[0].Kind)
}
