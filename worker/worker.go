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

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"puente/dispatch"
	"puente/internal/wait"
	"puente/portals"
	"puente/recordings"
	"puente/retention"
	"puente/store"
	"puente/workflows"
)

// Options are what a worker works with; all are required up to Recordings.
type Options struct {
	Store    *store.Store
	Temporal client.Client
	Portals  *portals.Registry
	// Recordings keeps the files of recordings.
	Recordings *recordings.Keeper
	// Fetcher takes recordings from URLs; the zero value refuses private addresses.
	Fetcher recordings.Fetcher
	Logger  *slog.Logger
	// Namespace is where search attributes are registered; "" = default.
	Namespace string
	// LineMinute is what counts as a minute of the settings of lines; 0 = a minute.
	LineMinute time.Duration
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
}

// New makes a worker; nothing runs yet.
func New(o Options) (*Worker, error) {
	if o.Store == nil || o.Temporal == nil || o.Portals == nil || o.Recordings == nil {
		return nil, errors.New("worker: Store, Temporal, Portals and Recordings are required")
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
	d := dispatch.New(dispatch.Options{
		Store: o.Store, Temporal: o.Temporal, Portals: o.Portals, Logger: o.Logger, CRMLook: crmLook(o.LineMinute),
	})
	return &Worker{opts: o, dispatcher: d}, nil
}

// crmLook is how often open chats are looked up in the CRM. Short minutes of a
// trial shorten it, but not so far that it uses up the portal's rate.
func crmLook(minute time.Duration) time.Duration {
	if minute == 0 || minute == time.Minute {
		return dispatch.DefaultCRMLook
	}
	return max(dispatch.DefaultCRMLook/time.Minute*minute, 20*time.Second)
}

// Start begins to work and returns at once. While Temporal cannot be reached
// it keeps trying: webhooks are accepted meanwhile and wait in the inbox.
func (w *Worker) Start() error {
	if w.cancel != nil {
		return errors.New("worker: started already")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.running.Go(func() { w.run(ctx) })
	w.running.Go(func() { w.staff().Run(ctx) })
	w.running.Go(func() { retention.Run(ctx, w.opts.Store, w.opts.Recordings, w.opts.Logger) })
	return nil
}

// Wake makes the dispatcher look into the inbox at once.
func (w *Worker) Wake() { w.dispatcher.Wake() }

// Stop ends dispatching, lets running activities finish, and sends what the
// gateways have gathered. A worker that was not started stops at once.
func (w *Worker) Stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	w.running.Wait()
	w.opts.Portals.Close()
}

// run keeps workers up until the context ends. One that gives up for good,
// because the namespace went away or its credentials were revoked, is started
// anew: a process that only looks alive would help nobody.
func (w *Worker) run(ctx context.Context) {
	var dispatching sync.WaitGroup
	defer dispatching.Wait()
	var once sync.Once
	for {
		workers, broken, ok := w.connect(ctx)
		if !ok {
			return
		}
		once.Do(func() { dispatching.Go(func() { w.dispatcher.Run(ctx) }) })
		select {
		case <-ctx.Done():
			stopAll(workers)
			return
		case err := <-broken:
			w.opts.Logger.ErrorContext(ctx, "A worker gave up; starting anew", "error", err)
			stopAll(workers)
			_ = wait.For(ctx, retryEvery)
		}
	}
}

// retryEvery is the first wait before another try to reach Temporal; it grows
// up to ten times as long.
const retryEvery = time.Second

// connect brings search attributes and workers up; ok is false when stopped
// before. broken tells the first fatal error of one of the workers.
func (w *Worker) connect(ctx context.Context) (workers []worker.Worker, broken <-chan error, ok bool) {
	for attempt := 1; ctx.Err() == nil; attempt++ {
		workers, broken, err := w.up(ctx)
		if err == nil {
			w.opts.Logger.InfoContext(ctx, "The worker runs",
				"queues", []string{workflows.DialogsQueue, workflows.Bitrix24Queue, workflows.Chat2DeskQueue})
			return workers, broken, true
		}
		if ctx.Err() == nil {
			rest := min(time.Duration(attempt)*retryEvery, 10*retryEvery)
			w.opts.Logger.WarnContext(ctx, "Temporal is not ready; trying again", "error", err, "wait", rest)
			_ = wait.For(ctx, rest)
		}
	}
	return nil, nil, false
}

func (w *Worker) up(ctx context.Context) ([]worker.Worker, <-chan error, error) {
	if err := w.searchAttributes(ctx); err != nil {
		return nil, nil, err
	}
	broken := make(chan error, 1)
	var started []worker.Worker
	for _, each := range w.build(broken) {
		if err := each.Start(); err != nil {
			stopAll(started)
			return nil, nil, fmt.Errorf("start the worker: %w", err)
		}
		started = append(started, each)
	}
	return started, broken, nil
}

// searchAttributes registers them. Where that is not allowed, somebody has done
// it by hand, or the starts of workflows will say what is missing.
func (w *Worker) searchAttributes(ctx context.Context) error {
	err := RegisterSearchAttributes(ctx, w.opts.Temporal, w.opts.Namespace)
	var denied *serviceerror.PermissionDenied
	var unknown *serviceerror.Unimplemented
	if errors.As(err, &denied) || errors.As(err, &unknown) {
		w.opts.Logger.WarnContext(ctx, "The search attributes cannot be registered from here: add them to the namespace by hand",
			"namespace", w.opts.Namespace, "attributes", attributeNames(), "error", err)
		return nil
	}
	return err
}

// stopAll stops workers at the same time: each may take as long as its longest activity.
func stopAll(workers []worker.Worker) {
	var stopping sync.WaitGroup
	for _, each := range workers {
		stopping.Go(each.Stop)
	}
	stopping.Wait()
}
