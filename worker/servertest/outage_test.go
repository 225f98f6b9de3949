// Package servertest runs the whole worker against a real Temporal server and
// the sandboxes: what happens when the server is not there yet, or goes away.
package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"puente/chat2desk"
	"puente/devserver"
	"puente/portals"
	"puente/recordings"
	"puente/sandbox/bitrix24"
	sandbox "puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
	"puente/worker"
)

// world is a worker with everything around it but the Temporal server.
type world struct {
	store   *store.Store
	chat    *sandbox.Company
	address string // where the Temporal server shall be
	data    string
	people  int
}

func setup(t *testing.T) *world {
	t.Helper()
	w := &world{store: storetest.Open(t, storetest.SQLiteURL(t)), address: free(t), data: t.TempDir()}
	crm, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	w.chat, err = sandbox.New(sandbox.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.chat.Close()) })
	require.NoError(t, w.store.SavePortal(t.Context(), store.Portal{
		Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: serve(t, crm) + "/rest/1/sandboxsecret/"},
		Chat2Desk: store.Chat2DeskAccount{BaseURL: serve(t, w.chat), Token: sandbox.DefaultToken},
	}))
	conf := settings.Default()
	conf.General.SettleSeconds, conf.General.NotifyIncoming, conf.Operators.Administrator = 1, false, 1
	_, err = w.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	return w
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func free(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func (w *world) temporal(t *testing.T) *devserver.Server {
	t.Helper()
	server, err := devserver.Start(context.WithoutCancel(t.Context()), devserver.Options{
		GRPCAddr: w.address, DataDir: w.data, LogLevel: slog.LevelError, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return server
}

// work starts a worker; it stops with the test.
func (w *world) work(t *testing.T) *worker.Worker {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	c, err := client.NewLazyClient(client.Options{HostPort: w.address, Logger: log.NewStructuredLogger(quiet)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	out, err := worker.New(worker.Options{
		Store: w.store, Temporal: c, Portals: portals.New(w.store, portals.Options{}),
		Recordings: &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: w.store}, Logger: quiet, StopTimeout: 2 * time.Second,
	})
	require.NoError(t, err)
	require.NoError(t, out.Start())
	t.Cleanup(out.Stop)
	return out
}

// close lets somebody new talk and close; what the webhooks tell is accepted.
func (w *world) close(t *testing.T) {
	t.Helper()
	w.people++
	scene, err := w.chat.Play(sandbox.Script{
		Client: sandbox.ScriptClient{Name: "Ana", Phone: fmt.Sprintf("7999555%04d", w.people)}, ChannelID: 12, OperatorID: 301, Close: true,
		Messages: []sandbox.ScriptMessage{{From: "client", Text: "Hello"}, {From: "operator", Text: "Good day"}},
	})
	require.NoError(t, err)
	body := fmt.Sprintf(`{"hook_type":"close_request","request_id":%d,"client_id":%d,"dialog_id":%d,"channel_id":12,"event_time":%q}`,
		scene.RequestID, scene.ClientID, scene.DialogID, time.Now().UTC().Format(time.RFC3339Nano))
	events, err := chat2desk.ParseEvents([]byte(body))
	require.NoError(t, err)
	_, err = w.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: events[0].Key(), HookType: "close_request", OrderKey: fmt.Sprint("client:", scene.ClientID),
		ClientID: scene.ClientID, DialogID: scene.DialogID, RequestID: scene.RequestID, Body: []byte(body), ReceivedAt: time.Now(),
	}})
	require.NoError(t, err)
}

// synced waits until every closed dialog is in the CRM.
func (w *world) synced(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		done, err := w.store.CountSyncs(t.Context(), "demo", store.SyncFilter{})
		return err == nil && done[store.SyncDone] == w.people
	}, 90*time.Second, 50*time.Millisecond)
}

func TestWorkerOutlivesTheServer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	working := w.work(t)
	w.close(t) // nobody is there yet
	server := w.temporal(t)
	w.synced(t)

	server.Stop()
	w.close(t)
	w.close(t)
	backlog, _, err := w.store.InboxBacklog(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, backlog, "accepted, and waiting")
	server = w.temporal(t)
	t.Cleanup(server.Stop)
	w.synced(t)

	began := time.Now()
	working.Stop()
	require.Less(t, time.Since(began), 30*time.Second)
}
