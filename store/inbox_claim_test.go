package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// holdLease is the lease of owners that die.
const holdLease = 300 * time.Millisecond

func TestRowsOfADeadProcessAreHandedOutAgain(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"), event("1", "b"), event("2", "c"))
			startChild(t, url, "hold", "victim").wait(t)
			var rows []store.InboxEvent
			require.Eventually(t, func() bool { rows = append(rows, claim(t, s, "heir", 10)...); return len(rows) == 3 },
				10*time.Second, 10*time.Millisecond)
			require.NoError(t, s.RetryInbox(t.Context(), "victim", rows[0].ID, "too late", time.Now()))
			require.Empty(t, claim(t, s, "third", 10), "who lost the lease cannot free the heir's key")
		})
	}
}

func TestEventsAcceptedByTwoProcessesAreAllHandedOut(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			children := []child{startChild(t, url, "accept", "a"), startChild(t, url, "accept", "b")}
			seen := map[string]bool{}
			done := make(chan struct{})
			go func() {
				defer close(done)
				for _, c := range children {
					if err := c.cmd.Wait(); err != nil {
						t.Errorf("%v: %s", err, c.out)
					}
				}
			}()
			next := map[byte]int{} // per process: its events come in its order
			drain := func() {
				for _, row := range claim(t, s, "me", 7) {
					require.False(t, seen[row.Key])
					seen[row.Key] = true
					require.Equal(t, fmt.Sprint(string(row.Key[0]), next[row.Key[0]]), row.Key)
					next[row.Key[0]]++
					finish(t, s, row)
				}
			}
			require.Eventually(t, func() bool { drain(); return len(seen) == 2*rounds }, 60*time.Second, time.Millisecond)
			<-done
			drain()
			require.Len(t, seen, 2*rounds)
			count, _, err := s.InboxBacklog(t.Context())
			require.NoError(t, err)
			require.Zero(t, count)
		})
	}
}

// TestClaimProperties lets several dispatchers with several stores drain
// random rows while more come in: they finish, fail, or die at random.
func TestClaimProperties(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		dying bool
		lease time.Duration
	}{{"without deaths each row is handed out once", false, time.Hour}, {"with deaths none is lost", true, time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, url := range storetest.Databases(t) {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					w := &claimWorld{
						t: t, dying: c.dying, lease: c.lease, stores: []*store.Store{storetest.Open(t, url), storetest.Open(t, url)},
						owned: map[string]owning{}, handed: map[string]int{}, begun: map[string]bool{}, ended: map[string]time.Time{},
					}
					w.run(300, 25, 4)
				})
			}
		})
	}
}

// claimWorld watches over dispatchers that share an inbox. Rows are known by
// name: order key, a slash, the row's number within its key.
type claimWorld struct {
	t      *testing.T
	stores []*store.Store
	dying  bool
	lease  time.Duration

	mu     sync.Mutex
	owned  map[string]owning    // by order key: who has it now
	handed map[string]int       // by row: how often handed out without a retry asked for
	begun  map[string]bool      // by row: somebody is finishing it or has
	ended  map[string]time.Time // by row: when it was surely finished
}

// owning is the right of one dispatcher to a key. The lease began after since.
type owning struct {
	owner string
	since time.Time
}

func rowName(key string, number int64) string { return fmt.Sprint(key, "/", number) }

func (w *claimWorld) run(rows, orderKeys, dispatchers int) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	group.Go(func() { w.accept(ctx, rows, orderKeys) })
	for i := range dispatchers {
		group.Go(func() { w.dispatch(ctx, i, rows) })
	}
	group.Wait()
	require.NoError(w.t, ctx.Err())
	count, _, err := w.stores[0].InboxBacklog(w.t.Context())
	require.NoError(w.t, err)
	require.Zero(w.t, count)
}

// accept stores rows of random keys in small lists; the message id is the row's number.
func (w *claimWorld) accept(ctx context.Context, rows, orderKeys int) {
	numbers := map[string]int64{}
	for n := 0; n < rows; {
		var list []store.InboxEvent
		for range min(1+rand.IntN(5), rows-n) {
			key := fmt.Sprint(rand.IntN(orderKeys))
			e := event(key, rowName(key, numbers[key]))
			e.MessageID = numbers[key]
			numbers[key]++
			list = append(list, e)
			n++
		}
		if _, err := w.stores[n%2].Accept(ctx, list); err != nil {
			w.t.Error(err)
			return
		}
	}
}

func (w *claimWorld) dispatch(ctx context.Context, number, rows int) {
	s := w.stores[number%2]
	for life := 0; !w.drained(rows); life++ {
		owner := fmt.Sprint(number, ".", life)
		begin := time.Now()
		events, err := s.ClaimInbox(ctx, owner, 1+rand.IntN(20), w.lease)
		if err != nil {
			w.t.Error(err)
			return
		}
		for key, run := range w.take(owner, begin, events) {
			if err := w.work(ctx, s, owner, key, run); err != nil {
				w.t.Error(err)
				return
			}
		}
	}
}

func (w *claimWorld) drained(rows int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ended) == rows
}

// take checks a hand-out and notes the new owner of its keys.
func (w *claimWorld) take(owner string, begin time.Time, events []store.InboxEvent) map[string][]store.InboxEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	runs := map[string][]store.InboxEvent{}
	for _, e := range events {
		w.checkRow(begin, e, runs[e.OrderKey])
		runs[e.OrderKey] = append(runs[e.OrderKey], e)
	}
	for key := range runs {
		if now, taken := w.owned[key]; taken && time.Since(now.since) < w.lease {
			w.t.Errorf("key %s went to %s, but %s has it", key, owner, now.owner)
		}
		w.owned[key] = owning{owner, begin}
	}
	return runs
}

// checkRow: a finished row never comes again, a row comes once, and all rows
// before it are in the same hand-out or finished.
func (w *claimWorld) checkRow(begin time.Time, e store.InboxEvent, before []store.InboxEvent) {
	if at, ended := w.ended[e.Key]; ended && at.Before(begin) {
		w.t.Errorf("row %s was handed out after it was finished", e.Key)
	}
	if w.handed[e.Key]++; w.handed[e.Key] > 1 && !w.dying {
		w.t.Errorf("row %s was handed out twice", e.Key)
	}
	with := map[string]bool{}
	for _, b := range before {
		with[b.Key] = true
	}
	for n := range e.MessageID {
		if name := rowName(e.OrderKey, n); !with[name] && !w.begun[name] {
			w.t.Errorf("row %s was handed out before %s", e.Key, name)
		}
	}
}

// work finishes a run, one by one or at once, fails in the middle or dies.
func (w *claimWorld) work(ctx context.Context, s *store.Store, owner, key string, run []store.InboxEvent) error {
	if rand.IntN(3) == 0 {
		return w.finish(ctx, s, owner, key, run, true)
	}
	for i, e := range run {
		switch dice := rand.IntN(12); {
		case dice == 0:
			w.giveBack(owner, key, run[i:])
			return s.RetryInbox(ctx, owner, e.ID, "bad luck", time.Now().Add(time.Duration(rand.IntN(20))*time.Millisecond))
		case dice == 1 && w.dying:
			return nil // dead: the lease has to end
		}
		if err := w.finish(ctx, s, owner, key, run[i:i+1], i == len(run)-1); err != nil {
			return err
		}
	}
	return nil
}

// finish ends rows; with the last one of the run the key is free.
func (w *claimWorld) finish(ctx context.Context, s *store.Store, owner, key string, rows []store.InboxEvent, last bool) error {
	w.mu.Lock()
	for _, e := range rows {
		w.begun[e.Key] = true
	}
	w.mu.Unlock()
	if last {
		w.giveBack(owner, key, nil)
	}
	err := s.FinishInbox(ctx, ids(rows), store.InboxDone, "w")
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range rows {
		if _, before := w.ended[e.Key]; !before {
			w.ended[e.Key] = time.Now()
		}
	}
	return err
}

// giveBack notes that a key is about to be free, and that rows of it may come again.
func (w *claimWorld) giveBack(owner, key string, again []store.InboxEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owned[key].owner == owner {
		delete(w.owned, key)
	}
	for _, e := range again {
		w.handed[e.Key] = 0
	}
}
