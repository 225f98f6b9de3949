package worker_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"puente/portals"
	"puente/recordings"
	"puente/store"
	"puente/store/storetest"
	"puente/worker"
)

// diary is a log that can be read while it is written.
type diary struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

type bundle struct {
	worker *worker.Worker
	store  *store.Store
	log    *diary
}

// setup makes a worker whose Temporal cannot be reached.
func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{store: storetest.Open(t, storetest.SQLiteURL(t)), log: &diary{}}
	logger := slog.New(slog.NewTextHandler(b.log, nil))
	c, err := client.NewLazyClient(client.Options{HostPort: nowhere(t), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	b.worker, err = worker.New(worker.Options{
		Store: b.store, Temporal: c, Portals: portals.New(b.store, portals.Options{}),
		Recordings: &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: b.store}, Logger: logger, StopTimeout: time.Second,
	})
	require.NoError(t, err)
	return b
}

func TestWorkerNeedsItsParts(t *testing.T) {
	t.Parallel()
	_, err := worker.New(worker.Options{})
	require.ErrorContains(t, err, "required")
}

func TestWorkerWithoutTemporalKeepsTryingAndStopsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: "inbox:1", HookType: "inbox", OrderKey: "client:7", ReceivedAt: time.Now(),
		Body: []byte(`{"hook_type":"inbox","message_id":1,"client_id":7,"channel_id":12}`),
	}})
	require.NoError(t, err)
	require.NoError(t, b.worker.Start())
	require.ErrorContains(t, b.worker.Start(), "already")
	b.worker.Wake()
	require.Eventually(t, func() bool { return strings.Contains(b.log.String(), "Temporal is not ready") }, 30*time.Second, 10*time.Millisecond)
	began := time.Now()
	b.worker.Stop()
	require.Less(t, time.Since(began), 20*time.Second)
	backlog, _, err := b.store.InboxBacklog(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, backlog, "what was accepted waits")
}

func TestWorkerThatWasNotStartedStops(t *testing.T) {
	t.Parallel()
	setup(t).worker.Stop()
}
