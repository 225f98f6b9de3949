package dispatch

import (
	"context"
	"sync"
	"time"

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
			sleep(ctx, min(backoff(failures), relayMost))
		case len(some) < relayRows:
			failures = 0
			sleep(ctx, relayPoll)
		}
	}
}

// startAll starts submissions, a few at a time. After a failure nothing more
// is begun: the others would most likely fail as well. The first error is
// returned.
func (d *Dispatcher) startAll(ctx context.Context, all []store.Submission) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	slots := make(chan struct{}, relayParallel)
	for _, sub := range all {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-slots }()
			if err := d.starter.Start(ctx, sub); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
