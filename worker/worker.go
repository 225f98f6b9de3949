// Package worker runs Puente's workflows and activities: it registers them,
// keeps one SDK worker per task queue, and carries accepted webhooks to their
// workflows.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"puente/dispatch"
	"puente/portals"
	"puente/retention"
	"puente/store"
	"puente/workflows"
)

// Options are what a worker works with; all are required but the last three.
type Options struct {
	Store    *store.Store
	Temporal client.Client
	Portals  *portals.Registry
	Logger   *slog.Logger
	// Namespace is where search attributes are registered; "" = default.
	Namespace string
	// StopTimeout is how long running activities may finish; 0 = 65 s, a bit
	// longer than one request to a portal may take.
	StopTimeout time.Duration
}

// Worker is the running part of one process. Start it once, stop it once.
type Worker struct {
	opts       Options
	dispatcher *dispatch.Dispatcher
	cancel     context.CancelFunc
	running    sync.WaitGroup

	mu      sync.Mutex
	workers []worker.Worker
}

// New makes a worker; nothing runs yet.
func New(o Options) (*Worker, error) {
	if o.Store == nil || o.Temporal == nil || o.Portals == nil {
		return nil, errors.New("worker: Store, Temporal and Portals are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Namespace == "" {
		o.Namespace = client.DefaultNamespace
	}
	if o.StopTimeout == 0 {
		o.StopTimeout = 65 * time.Second
	}
	d := dispatch.New(dispatch.Options{Store: o.Store, Temporal: o.Temporal, Portals: o.Portals, Logger: o.Logger})
	return &Worker{opts: o, dispatcher: d}, nil
}

// Start begins to work and returns at once. While Temporal cannot be reached
// it keeps trying: webhooks are accepted meanwhile and wait in the inbox.
func (w *Worker) Start() error {
	if w.cancel != nil {
		return errors.New("worker: started already")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.running.Go(func() {
		if !w.connect(ctx) {
			return
		}
		w.dispatcher.Run(ctx)
	})
	w.running.Go(func() { retention.Run(ctx, w.opts.Store, w.opts.Logger) })
	return nil
}

// Wake makes the dispatcher look into the inbox at once.
func (w *Worker) Wake() { w.dispatcher.Wake() }

// Stop ends dispatching, lets running activities finish, and sends what the
// gateways have gathered.
func (w *Worker) Stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.running.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var stopping sync.WaitGroup
	for _, each := range w.workers {
		stopping.Go(each.Stop)
	}
	stopping.Wait()
	w.opts.Portals.Close()
}

// connect brings search attributes and workers up; false when stopped before.
func (w *Worker) connect(ctx context.Context) bool {
	for attempt := 1; ; attempt++ {
		err := w.up(ctx)
		if err == nil {
			w.opts.Logger.InfoContext(ctx, "The worker runs", "queues", []string{workflows.DialogsQueue, workflows.Bitrix24Queue, workflows.Chat2DeskQueue})
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		wait := min(time.Duration(attempt)*time.Second, 10*time.Second)
		w.opts.Logger.WarnContext(ctx, "Temporal cannot be reached; trying again", "error", err, "wait", wait)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (w *Worker) up(ctx context.Context) error {
	if err := RegisterSearchAttributes(ctx, w.opts.Temporal, w.opts.Namespace); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, each := range w.build() {
		if err := each.Start(); err != nil {
			w.stopAll()
			return fmt.Errorf("start the worker: %w", err)
		}
		w.workers = append(w.workers, each)
	}
	return nil
}

func (w *Worker) stopAll() {
	for _, each := range w.workers {
		each.Stop()
	}
	w.workers = nil
}
