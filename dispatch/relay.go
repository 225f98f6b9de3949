package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"

	"puente/internal/wait"
	"puente/store"
)

// Habits of the relay.
const (
	// relayAge is how old a submission is before the relay takes it: whoever
	// accepted it starts it within this time, or has failed.
	relayAge      = 5 * time.Second
	relayRows     = 64
	relayPoll     = time.Second
	relayMost     = 10 * time.Second // between two tries while Temporal is away
	relayParallel = 8
	relayRefused  = time.Hour // at most between two tries of what Temporal refuses
)

// relay starts the submissions of the contact center that were accepted while
// Temporal could not take them, or whose process died in between. It ends with
// the context; what is under way at the stop is handed out again by the store.
func (d *Dispatcher) relay(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		some, err := d.store.UnstartedSubmissions(ctx, relayAge, relayRows)
		if err == nil {
			err = d.startAll(ctx, some)
		}
		switch {
		case err != nil && ctx.Err() == nil:
			failures++
			d.log.WarnContext(ctx, "Submissions of the contact center wait; trying again", "error", err, "failures", failures)
			_ = wait.For(ctx, min(backoff(failures), relayMost))
		case len(some) < relayRows:
			failures = 0
			_ = wait.For(ctx, relayPoll)
		}
	}
}

// startAll starts submissions, a few at a time, each for itself: one that
// cannot be started holds none of the others up. Only when Temporal is away
// nothing more is begun, since it would fail as well. The first error is
// returned; of what Temporal refused for good there is none (see refused).
func (d *Dispatcher) startAll(ctx context.Context, all []store.Submission) error {
	var first firstError
	var group sync.WaitGroup
	slots := make(chan struct{}, relayParallel)
	for _, sub := range all {
		slots <- struct{}{}
		if ctx.Err() != nil || isAway(first.get()) {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			first.set(d.startOne(ctx, sub))
		})
	}
	group.Wait()
	return first.get()
}

// startOne starts a submission unless somebody has given it up meanwhile.
func (d *Dispatcher) startOne(ctx context.Context, sub store.Submission) error {
	line, err := d.store.Sync(ctx, sub.Portal, sub.SyncID)
	switch {
	case err != nil:
		return err
	case line.Status == store.SyncAbandoned:
		return d.store.MarkStarted(ctx, sub.ID, "")
	}
	err = d.starter.Start(ctx, sub)
	var invalid *serviceerror.InvalidArgument
	if errors.As(err, &invalid) {
		return d.refused(ctx, sub, err)
	}
	return err
}

// refused shows in the ledger what Temporal will not start as it is, for example
// because a search attribute is not registered, and puts it off: the older it
// grows, the longer. Once the cause is mended it starts by itself, or at once if
// somebody runs the line again.
func (d *Dispatcher) refused(ctx context.Context, sub store.Submission, cause error) error {
	d.log.ErrorContext(ctx, "Temporal refuses a submission of the contact center", "sync", sub.SyncID, "portal", sub.Portal, "error", cause)
	rest := min(max(time.Since(sub.CreatedAt), relayMost), relayRefused)
	if err := d.store.PutOffSubmission(ctx, sub.ID, rest); err != nil {
		return err
	}
	return d.store.UpdateSync(ctx, sub.Portal, sub.SyncID, func(line *store.Sync) {
		if line.Status == store.SyncOpen || line.Status == store.SyncFailed {
			line.Status, line.ErrorStep, line.ErrorCode = store.SyncFailed, "start", "NOT_STARTED"
			line.ErrorText = "Temporal does not take the run: " + cause.Error()
		}
	})
}

// isAway tells whether an error is one that every other start would meet too.
func isAway(err error) bool {
	var unavailable *serviceerror.Unavailable
	var busy *serviceerror.ResourceExhausted
	var late *serviceerror.DeadlineExceeded
	return errors.As(err, &unavailable) || errors.As(err, &busy) || errors.As(err, &late) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// firstError keeps the first of many errors.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || isAway(err) {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
