// Package dispatch carries accepted webhooks from the inbox to their
// workflows. Every worker process runs a dispatcher: rows are claimed, the
// events of one client are delivered in order by one process at a time, and a
// row is finished only after Temporal has taken the signal. While Temporal is
// down the rows wait. Beside that it starts submissions of the contact center
// that the API accepted and could not start itself, and watches what people do
// with open chats in the CRM.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"puente/portals"
	"puente/store"
	"puente/submit"
)

// Habits of a dispatcher.
const (
	claimRows = 200
	// claimLease is how long the events of a client wait for a dispatcher that
	// died. A line is not begun, nor gone on with, when its lease is nearly over:
	// another dispatcher may have it then.
	claimLease  = 30 * time.Second
	leaseMargin = 5 * time.Second
	idlePoll    = 250 * time.Millisecond
	parallel    = 16
	signalLimit = 10 * time.Second
	maxBackoff  = time.Minute
	// stopGrace is how long deliveries under way may finish at stop.
	stopGrace = 3 * time.Second
	// bookkeeping bounds giving rows back, also while stopping.
	bookkeeping = 5 * time.Second
)

// Options are what a dispatcher works with; all are required but Logger and CRMLook.
type Options struct {
	Store    *store.Store
	Temporal client.Client
	Portals  *portals.Registry
	Logger   *slog.Logger
	// CRMLook is how often open chats are looked up in the CRM; 0 = DefaultCRMLook.
	CRMLook time.Duration
}

// Dispatcher delivers inbox rows. It is used by one goroutine running Run and
// any number calling Wake.
type Dispatcher struct {
	store    *store.Store
	temporal client.Client
	portals  *portals.Registry
	starter  *submit.Starter
	log      *slog.Logger
	owner    string
	wake     chan struct{}
	learned  *memory
	crmLook  time.Duration
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
		starter: &submit.Starter{Temporal: o.Temporal, Store: o.Store},
		owner:   fmt.Sprintf("%s:%d:%s", host, os.Getpid(), uuid.NewString()[:8]),
		wake:    make(chan struct{}, 1), learned: newMemory(),
		crmLook: o.CRMLook,
	}
}

// Wake makes a waiting dispatcher look at once. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run delivers until the context ends, then lets what is under way finish for
// a few seconds and gives the rest back. Errors of the store are logged and
// tried again: nothing accepted may be given up.
func (d *Dispatcher) Run(ctx context.Context) {
	work, end := lingering(ctx, stopGrace)
	defer end()
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	deliveries.Go(func() { d.relay(ctx) })
	deliveries.Go(func() { d.watchCRM(ctx) })
	deliveries.Go(func() { d.watchTickets(ctx) })
	slots := make(chan struct{}, parallel)
	for failures := 0; ctx.Err() == nil; {
		claimed := time.Now()
		rows, err := d.store.ClaimInbox(ctx, d.owner, claimRows, claimLease)
		if err != nil && ctx.Err() == nil {
			failures++
			d.log.ErrorContext(ctx, "The inbox cannot be read; trying again", "error", err, "failures", failures)
			d.pause(ctx, backoff(failures))
			continue
		}
		failures = 0
		for _, line := range lines(rows) {
			// One slow line holds one slot, and neither the others nor the next claim.
			slots <- struct{}{}
			deliveries.Go(func() {
				defer func() { <-slots }()
				d.deliverLine(ctx, work, line, claimed.Add(claimLease-leaseMargin))
			})
		}
		if len(rows) == 0 {
			d.pause(ctx, idlePoll)
		}
	}
}

// lingering is a context that ends some time after another one.
func lingering(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-out.Done():
		}
		cancel()
	})
	return out, func() { stop(); cancel() }
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

// deliverLine delivers the rows of one client in order, until a time. What all
// of them tell is learned first: a close that came before the messages finds
// its channel. A row that cannot be delivered is put back, and with it all
// later ones of the client; other clients notice nothing of it.
func (d *Dispatcher) deliverLine(run, work context.Context, rows []store.InboxEvent, until time.Time) {
	ctx, cancel := context.WithDeadline(work, until)
	defer cancel()
	switch {
	case run.Err() != nil:
		d.putBack(ctx, rows[0], context.Cause(run))
		return
	case ctx.Err() != nil:
		return // it waited too long for its turn; the lease ends by itself
	}
	line := make([]delivery, 0, len(rows))
	for _, row := range rows {
		line = append(line, newDelivery(row))
	}
	if err := d.learn(ctx, line); err != nil {
		d.putBack(ctx, rows[0], err)
		return
	}
	parcels, failed := d.pack(ctx, line)
	for _, p := range parcels {
		if err := d.deliver(ctx, p); err != nil {
			failed = stop{row: p.rows[0].row, err: err}
			break
		}
	}
	if failed.err != nil {
		d.putBack(ctx, failed.row, failed.err)
	}
}

// putBack leaves a row, and with it all later ones of the client, for later; at
// stop, for another dispatcher at once.
func (d *Dispatcher) putBack(ctx context.Context, row store.InboxEvent, cause error) {
	stopping := errors.Is(cause, context.Canceled) || errors.Is(ctx.Err(), context.Canceled)
	wait := backoff(row.Attempts + 1)
	if stopping {
		wait = 0
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	err := d.store.RetryInbox(keep, d.owner, row.ID, cause.Error(), time.Now().Add(wait))
	if err != nil || !stopping {
		d.log.WarnContext(ctx, "An event could not be delivered; trying again", "portal", row.Portal, "hook_type", row.HookType,
			"inbox", row.ID, "error", errors.Join(cause, err), "wait", wait)
	}
}

// backoff doubles with each attempt up to a minute, and is spread by a quarter.
func backoff(attempt int) time.Duration {
	wait := min(time.Second<<min(max(attempt-1, 0), 6), maxBackoff)
	return wait*3/4 + time.Duration(rand.Int64N(int64(wait/2))) //nolint:gosec // not a secret
}

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}
