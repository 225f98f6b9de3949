package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func permit(t *testing.T, s *store.Store, rate float64, burst int) time.Duration {
	t.Helper()
	wait, err := s.TakePermit(t.Context(), "demo", "10.0.0.1", rate, burst)
	require.NoError(t, err)
	return wait
}

func TestBurstIsFreeThenTheBucketTellsHowLongToWait(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for range 5 {
				require.Zero(t, permit(t, s, 0.01, 5))
			}
			wait := permit(t, s, 0.01, 5)
			require.LessOrEqual(t, wait, 100*time.Second)
			require.Greater(t, wait, 80*time.Second)
			require.Zero(t, permit(t, s, 0.01, 6), "a wider bucket has room at once")
			wait, err := s.TakePermit(t.Context(), "demo", "10.0.0.2", 0.01, 5)
			require.NoError(t, err)
			require.Zero(t, wait, "another source has another bucket")
		})
	}
}

func TestBucketDrainsByTheClockOfTheDatabase(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := storetest.Open(t, url), rawPool(t, url)
			const rate = 0.001 // so slow that the time of the test itself does not matter
			for range 10 {
				require.Zero(t, permit(t, s, rate, 10))
			}
			_, err := pool.Exec("UPDATE budgets SET updated_at = updated_at - 5000000000") // 5,000 s go by
			require.NoError(t, err)
			for i := range 5 {
				require.Zero(t, permit(t, s, rate, 10), "permit %d", i)
			}
			wait := permit(t, s, rate, 10)
			require.LessOrEqual(t, wait, 1000*time.Second)
			require.Greater(t, wait, 800*time.Second)
			// The clock was ahead and is set back: nothing drains, nothing breaks.
			_, err = pool.Exec("UPDATE budgets SET updated_at = updated_at + 3600000000")
			require.NoError(t, err)
			require.Positive(t, permit(t, s, rate, 10))
		})
	}
}

func TestWaitIsAccurate(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			const rate = 5
			require.Zero(t, permit(t, s, rate, 1))
			begin := time.Now()
			tries := 0
			for wait := permit(t, s, rate, 1); wait > 0; wait = permit(t, s, rate, 1) {
				require.LessOrEqual(t, wait, time.Second/rate)
				<-time.After(wait)
				tries++
			}
			require.LessOrEqual(t, tries, 3)
			require.GreaterOrEqual(t, time.Since(begin), time.Second/rate-50*time.Millisecond)
		})
	}
}

func TestPenaltyClosesTheBucketAndIsNeverShortened(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			penalize := func(d time.Duration) {
				t.Helper()
				require.NoError(t, s.Penalize(t.Context(), "demo", "10.0.0.1", time.Now().Add(d)))
			}
			penalize(time.Hour)
			penalize(time.Minute)
			wait := permit(t, s, 2, 50)
			require.LessOrEqual(t, wait, time.Hour)
			require.Greater(t, wait, 59*time.Minute)
		})
	}
}

func TestPenaltyEnds(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.Penalize(t.Context(), "demo", "10.0.0.1", time.Now().Add(100*time.Millisecond)))
			require.Positive(t, permit(t, s, 2, 50))
			require.Eventually(t, func() bool { return permit(t, s, 2, 50) == 0 }, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestBucketNeedsASize(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for _, c := range []struct {
				rate  float64
				burst int
			}{{0, 1}, {-1, 1}, {1, 0}} {
				_, err := s.TakePermit(t.Context(), "demo", "", c.rate, c.burst)
				require.Error(t, err, "%v", c)
			}
		})
	}
}

// TestConcurrentTakersNeverExceedTheBudget: in any time the takers together
// get at most burst + rate·time, and when all want all the time, about that.
func TestConcurrentTakersNeverExceedTheBudget(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rate, burst, span = 40.0, 10, time.Second
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			ctx, cancel := context.WithTimeout(t.Context(), span)
			defer cancel()
			var taken atomic.Int64
			var group sync.WaitGroup
			begin := time.Now()
			for i := range 6 {
				group.Go(func() { taken.Add(takeUntil(ctx, t, stores[i%2], rate, burst)) })
			}
			group.Wait()
			allowed := burst + rate*time.Since(begin).Seconds()
			require.LessOrEqual(t, float64(taken.Load()), allowed+1, fmt.Sprint("in ", time.Since(begin)))
			require.Greater(t, taken.Load(), int64(burst))
		})
	}
}

func takeUntil(ctx context.Context, t *testing.T, s *store.Store, rate float64, burst int) (taken int64) {
	t.Helper()
	for ctx.Err() == nil {
		wait, err := s.TakePermit(context.WithoutCancel(ctx), "demo", "ip", rate, burst)
		switch {
		case err != nil:
			t.Error(err)
			return taken
		case wait == 0:
			taken++
		default:
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
	return taken
}
