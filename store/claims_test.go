package store_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// tryClaim claims for a minute and tells who has the keys.
func tryClaim(t *testing.T, s *store.Store, owner string, keys ...string) (ok bool, holder string) {
	t.Helper()
	ok, holder, err := s.Claim(t.Context(), "demo", owner, keys, time.Minute)
	require.NoError(t, err)
	return ok, holder
}

func TestClaimIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			ok, holder := tryClaim(t, s, "one", "b", "a", "b", "\x00c")
			require.True(t, ok)
			require.Equal(t, "one", holder)
			ok, holder = tryClaim(t, s, "two", "x", "c", "y")
			require.False(t, ok)
			require.Equal(t, "one", holder)
			ok, _ = tryClaim(t, s, "three", "x", "y")
			require.True(t, ok, "two has got nothing")
			ok, _ = tryClaim(t, s, "one")
			require.True(t, ok)
			ok, _, err := s.Claim(t.Context(), "other", "two", []string{"a"}, time.Minute)
			require.NoError(t, err)
			require.True(t, ok, "portals do not touch each other")
		})
	}
}

func TestClaimIsReentrantAndReleased(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			holds := func(owner string, keys ...string) bool {
				t.Helper()
				held, err := s.HoldsClaims(t.Context(), "demo", owner, keys)
				require.NoError(t, err)
				return held
			}
			tryClaim(t, s, "one", "a")
			ok, _ := tryClaim(t, s, "one", "a", "b")
			require.True(t, ok)
			require.True(t, holds("one", "b", "a", "a"))
			require.True(t, holds("two"))
			require.False(t, holds("two", "a"))
			require.False(t, holds("one", "a", "c"))
			require.NoError(t, s.Release(t.Context(), "demo", "one"))
			require.NoError(t, s.Release(t.Context(), "demo", "one"))
			require.False(t, holds("one", "a"))
			ok, _ = tryClaim(t, s, "two", "a", "b")
			require.True(t, ok)
		})
	}
}

func TestExpiredClaimIsTakenOver(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			ok, _, err := s.Claim(t.Context(), "demo", "dead", []string{"a", "b"}, 100*time.Millisecond)
			require.NoError(t, err)
			require.True(t, ok)
			require.Eventually(t, func() bool { ok, _ := tryClaim(t, s, "heir", "b"); return ok }, 10*time.Second, 10*time.Millisecond)
			held, err := s.HoldsClaims(t.Context(), "demo", "dead", []string{"a"})
			require.NoError(t, err)
			require.False(t, held, "a lease that ended is not held, although nobody took it")
			ok, holder := tryClaim(t, s, "dead", "a", "b")
			require.False(t, ok)
			require.Equal(t, "heir", holder)
		})
	}
}

func TestNoTwoOwnersHaveAKeyAtOnceAndNobodyDeadlocks(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			var mu sync.Mutex
			holders := map[string]string{}
			enter := func(owner string, keys []string) {
				mu.Lock()
				defer mu.Unlock()
				for _, key := range keys {
					if other := holders[key]; other != "" && other != owner {
						t.Errorf("%s and %s have %s", owner, other, key)
					}
					holders[key] = owner
				}
			}
			leave := func(keys []string) {
				mu.Lock()
				defer mu.Unlock()
				for _, key := range keys {
					delete(holders, key)
				}
			}
			var group sync.WaitGroup
			for i := range 6 {
				group.Go(func() {
					owner, s := fmt.Sprint("owner", i), stores[i%2]
					for range 25 {
						var keys []string
						for range 3 {
							keys = append(keys, fmt.Sprint("key", rand.IntN(6)))
						}
						ok, _, err := s.Claim(t.Context(), "demo", owner, keys, time.Minute)
						if err != nil {
							t.Error(err)
							return
						}
						if !ok {
							continue
						}
						enter(owner, keys)
						leave(keys)
						if err := s.Release(t.Context(), "demo", owner); err != nil {
							t.Error(err)
						}
					}
				})
			}
			group.Wait()
		})
	}
}
