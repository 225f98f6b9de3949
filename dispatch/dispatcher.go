// Package dispatch carries accepted webhooks from the inbox to their
// workflows. Every worker process runs a dispatcher: rows are claimed, the
// events of one client are delivered in order by one process at a time, and a
// row is finished only after Temporal has taken the signal. While Temporal is
// down the rows wait.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"puente/portals"
	"puente/store"
)

// Habits of a dispatcher.
const (
	claimRows   = 200
	claimLease  = time.Minute
	idlePoll    = 250 * time.Millisecond
	parallel    = 16
	signalLimit = 10 * time.Second
	maxBackoff  = time.Minute
)

// Options are what a dispatcher works with; all are required but Logger.
type Options struct {
	Store    *store.Store
	Temporal client.Client
	Portals  *portals.Registry
	Logger   *slog.Logger
}

// Dispatcher delivers inbox rows. It is used by one goroutine running Run and
// any number calling Wake.
type Dispatcher struct {
	store    *store.Store
	temporal client.Client
	portals  *portals.Registry
	log      *slog.Logger
	owner    string
	wake     chan struct{}
	learned  *memory
}

// New makes a dispatcher; its name in the claims is host, process and a random part.
func New(o Options) *Dispatcher {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	return &Dispatcher{
		store: o.Store, temporal: o.Temporal, portals: o.Portals, log: log,
		owner: fmt.Sprintf("%s:%d:%s", host, os.Getpid(), uuid.NewString()[:8]),
		wake:  make(chan struct{}, 1), learned: newMemory(),
	}
}

// Wake makes a waiting dispatcher look at once. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run delivers until the context ends. Errors of the store are logged and
// tried again: nothing accepted may be given up.
func (d *Dispatcher) Run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		n, err := d.round(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			failures++
			d.log.ErrorContext(ctx, "The inbox cannot be read; trying again", "error", err, "failures", failures)
			d.pause(ctx, backoff(failures))
		case n == 0:
			failures = 0
			d.pause(ctx, idlePoll)
		default:
			failures = 0
		}
	}
}

func (d *Dispatcher) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.wake:
	case <-timer.C:
	}
}

// round claims rows and delivers them, the clients in parallel.
func (d *Dispatcher) round(ctx context.Context) (int, error) {
	rows, err := d.store.ClaimInbox(ctx, d.owner, claimRows, claimLease)
	if err != nil {
		return 0, err
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, line := range lines(rows) {
		group.Go(func() error { return d.deliverLine(ctx, line) })
	}
	return len(rows), group.Wait()
}

// lines splits rows by portal and order key, keeping the order inside each.
func lines(rows []store.InboxEvent) [][]store.InboxEvent {
	index := map[string]int{}
	var out [][]store.InboxEvent
	for _, row := range rows {
		key := row.Portal + "\x00" + row.OrderKey
		at, known := index[key]
		if !known {
			at = len(out)
			index[key] = at
			out = append(out, nil)
		}
		out[at] = append(out[at], row)
	}
	return out
}

// deliverLine delivers the rows of one client in order. What all of them tell
// is learned first: a close that came before the messages finds its channel.
func (d *Dispatcher) deliverLine(ctx context.Context, rows []store.InboxEvent) error {
	line := make([]delivery, 0, len(rows))
	for _, row := range rows {
		line = append(line, newDelivery(row))
	}
	for _, each := range line {
		if err := d.learn(ctx, each); err != nil {
			return err
		}
	}
	parcels, failed := d.pack(ctx, line)
	for _, p := range parcels {
		if err := d.deliver(ctx, p); err != nil {
			return d.putBack(ctx, p.rows[0].row, err)
		}
	}
	if failed.err != nil {
		return d.putBack(ctx, failed.row, failed.err)
	}
	return nil
}

// putBack leaves a row, and with it all later ones of the client, for later.
func (d *Dispatcher) putBack(ctx context.Context, row store.InboxEvent, cause error) error {
	if ctx.Err() != nil {
		return nil // stopping: the lease ends by itself
	}
	wait := backoff(row.Attempts + 1)
	d.log.WarnContext(ctx, "An event could not be delivered; trying again",
		"portal", row.Portal, "hook_type", row.HookType, "inbox", row.ID, "error", cause, "wait", wait)
	return d.store.RetryInbox(ctx, d.owner, row.ID, cause.Error(), time.Now().Add(wait))
}

func backoff(attempt int) time.Duration {
	return min(time.Second<<min(attempt-1, 6), maxBackoff)
}

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}

// memory remembers what was learned lately, so that each message of a chatty
// client does not write the same row again. It forgets all when full.
type memory struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

const memorySize = 20_000

func newMemory() *memory { return &memory{seen: map[string]struct{}{}} }

// has reports whether the fact was noted.
func (m *memory) has(fact string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.seen[fact]
	return known
}

func (m *memory) note(fact string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= memorySize {
		m.seen = map[string]struct{}{}
	}
	m.seen[fact] = struct{}{}
}
