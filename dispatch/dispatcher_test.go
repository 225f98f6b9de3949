package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"puente/dialog"
	"puente/dispatch"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/store/storetest"
)

// temporal records signals; while down it refuses them.
type temporal struct {
	mocks.Client

	mu      sync.Mutex
	down    bool
	waiting int // signals that reached a gate
	signals map[string][]dialog.Event
	calls   int
	desk    []openlines.Event // of open lines
	// deskDown refuses signals to the desk alone.
	deskDown bool
	started  []string                 // workflows of the contact center
	refused  int                      // starts of them while down
	invalid  map[string]int           // workflow ids that are never taken, and how often they were tried
	hold     map[string]chan struct{} // signals to these wait
}

func (f *temporal) take(ctx context.Context, id string, arg any) error {
	f.mu.Lock()
	held := f.hold[id]
	f.mu.Unlock()
	if held != nil {
		f.mu.Lock()
		f.waiting++
		f.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return serviceerror.NewUnavailable("down")
	}
	switch events := arg.(type) {
	case []dialog.Event:
		f.signals[id] = append(f.signals[id], events...)
	case []openlines.Event:
		if f.deskDown {
			return serviceerror.NewUnavailable("down")
		}
		f.desk = append(f.desk, events...)
	default:
		return fmt.Errorf("signal carries %T", arg)
	}
	f.calls++
	return nil
}

func (f *temporal) SignalWithStartWorkflow(ctx context.Context, id, _ string, arg any, _ client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	return nil, f.take(ctx, id, arg)
}

func (f *temporal) SignalWorkflow(ctx context.Context, id, _, _ string, arg any) error {
	f.mu.Lock()
	_, running := f.signals[id]
	f.mu.Unlock()
	if !running {
		return serviceerror.NewNotFound("no such workflow")
	}
	return f.take(ctx, id, arg)
}

func (f *temporal) of(id string) []dialog.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]dialog.Event(nil), f.signals[id]...)
}

type testBundle struct {
	store    *store.Store
	temporal *temporal
	chat     http.HandlerFunc
	registry *portals.Registry
}

// setup starts a dispatcher.
func setup(t *testing.T) *testBundle {
	t.Helper()
	b := prepare(t)
	b.start(t)
	return b
}

// prepare makes what a dispatcher works with.
func prepare(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{store: storetest.Open(t, storetest.SQLiteURL(t)), temporal: &temporal{signals: map[string][]dialog.Event{}}}
	b.chat = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"error","message":"not_found","errors":"Request not found"}`))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.chat(w, r) }))
	t.Cleanup(server.Close)
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{
		Slug: "demo", Chat2Desk: store.Chat2DeskAccount{BaseURL: server.URL, Token: "token"},
	}))
	b.registry = portals.New(b.store, portals.Options{Chat2DeskRate: 1000, CheckEvery: time.Nanosecond})
	t.Cleanup(b.registry.Close)
	return b
}

// start runs a dispatcher until stop is called, at the latest until the test ends.
func (b *testBundle) start(t *testing.T) (stop func()) {
	t.Helper()
	d := dispatch.New(dispatch.Options{
		Store: b.store, Temporal: b.temporal, Portals: b.registry, Logger: slog.New(slog.DiscardHandler),
	})
	d.Wake()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// accept stores a webhook as the API does.
func (b *testBundle) accept(t *testing.T, key, order, hook, body string) {
	t.Helper()
	_, err := b.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: key, HookType: hook, OrderKey: order, Body: []byte(body), ReceivedAt: time.Now(),
	}})
	require.NoError(t, err)
}

func (b *testBundle) drained(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		n, _, err := b.store.InboxBacklog(context.Background())
		return err == nil && n == 0
	}, 60*time.Second, 10*time.Millisecond)
}

func message(id, client, channel, request int64) string {
	return fmt.Sprintf(`{"hook_type":"inbox","type":"from_client","message_id":%d,"client_id":%d,"channel_id":%d,"request_id":%d,"dialog_id":4401,"event_time":"2026-02-03T10:15:00Z"}`,
		id, client, channel, request)
}

func TestEventsOfAClientArriveInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range int64(100) {
		b.accept(t, fmt.Sprint("inbox:", i), "client:7", "inbox", message(i+1, 7, 12, 99))
	}
	b.drained(t)
	got := b.temporal.of("dialog:demo:7-12")
	require.Len(t, got, 100)
	for i, e := range got {
		require.EqualValues(t, i+1, e.MessageID)
	}
	require.Less(t, b.temporal.calls, 100, "neighbours travel together")
}

func TestEventsWaitWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.mu.Lock()
	b.temporal.down = true
	b.temporal.mu.Unlock()
	b.accept(t, "inbox:1", "client:7", "inbox", message(1, 7, 12, 99))
	require.Never(t, func() bool { n, _, _ := b.store.InboxBacklog(context.Background()); return n == 0 }, 500*time.Millisecond, 50*time.Millisecond)
	b.temporal.mu.Lock()
	b.temporal.down = false
	b.temporal.mu.Unlock()
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 1)
}

func TestCloseWithoutChannelFindsItsDialog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, "inbox:1", "client:7", "inbox", message(1, 7, 12, 99))
	b.accept(t, "close:99", "client:7", "close_request", `{"hook_type":"close_request","request_id":99,"client_id":7}`)
	b.accept(t, "close:4401", "client:7", "close_dialog", `{"hook_type":"close_dialog","dialog_id":4401,"client_id":7}`)
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 3)
}

func TestCloseAloneAsksChat2Desk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chat = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/requests/99/messages" {
			_, _ = w.Write([]byte(`[{"id":1,"text":"Hi","type":"in","created":1767604800,"clientID":7,"channelID":13,"dialogID":4401}]`))
			return
		}
		_, _ = w.Write([]byte(`{"status":"error","message":"not_found","errors":"not found"}`))
	}
	b.accept(t, "close:99", "request:99", "close_request", `{"hook_type":"close_request","request_id":99}`)
	b.drained(t)
	got := b.temporal.of("dialog:demo:7-13")
	require.Len(t, got, 1)
	require.EqualValues(t, 4401, got[0].DialogID)
}

func TestCloseNobodyKnowsGoesToAProvisionalDialog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, "close:99", "client:7", "close_request", `{"hook_type":"close_request","request_id":99,"client_id":7}`)
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-0"), 1)
}

func TestTagOfAClientTellsOnlyRunningDialogs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, "tag:1", "client:8", "add_tag_to_client", `{"hook_type":"add_tag_to_client","id":1,"client_id":8}`)
	b.accept(t, "inbox:1", "client:7", "inbox", message(1, 7, 12, 99))
	b.drained(t)
	b.accept(t, "tag:2", "client:7", "add_tag_to_client", `{"hook_type":"add_tag_to_client","id":1,"client_id":7}`)
	b.drained(t)
	require.Empty(t, b.temporal.of("dialog:demo:8-0"))
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 2)
}

func TestEventsThatConcernNoDialogAreFinished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, "x:1", "other", "brand_new", `{"hook_type":"brand_new","id":5}`)
	b.accept(t, "x:2", "other", "operator_status_updated", `{"hook_type":"operator_status_updated","id":"302"}`)
	b.drained(t)
	require.Empty(t, b.temporal.signals)
}
