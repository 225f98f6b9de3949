package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func claim(t *testing.T, s *store.Store, owner string, limit int) []store.InboxEvent {
	t.Helper()
	rows, err := s.ClaimInbox(t.Context(), owner, limit, time.Minute)
	require.NoError(t, err)
	return rows
}

func keys(rows []store.InboxEvent) string {
	var all []string
	for _, row := range rows {
		all = append(all, row.Key)
	}
	return strings.Join(all, " ")
}

func ids(rows []store.InboxEvent) []string {
	var all []string
	for _, row := range rows {
		all = append(all, row.ID)
	}
	return all
}

func accept(t *testing.T, s *store.Store, events ...store.InboxEvent) {
	t.Helper()
	stored, err := s.Accept(t.Context(), events)
	require.NoError(t, err)
	require.Equal(t, len(events), stored)
}

func finish(t *testing.T, s *store.Store, rows ...store.InboxEvent) {
	t.Helper()
	require.NoError(t, s.FinishInbox(t.Context(), ids(rows), store.InboxDone, "w"))
}

func TestAcceptedEventComesBackAsItCame(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			at := time.Date(2026, 2, 3, 10, 15, 0, 123_456_000, time.FixedZone("", 3600))
			in := store.InboxEvent{
				Portal: "demo", Source: store.SourceChat2Desk, Key: "inbox:1", HookType: "in\x00box\xff", ClientID: 1, ChannelID: 2,
				DialogID: 3, RequestID: 4, MessageID: 5, EventTime: at, Body: []byte("\x00\xffnot JSON"), OrderKey: "1",
			}
			accept(t, s, in)
			got := claim(t, s, "me", 10)[0]
			require.Equal(t, in.Body, got.Body)
			require.Equal(t, "inbox\uFFFD", got.HookType)
			require.Equal(t, at.UTC(), got.EventTime)
			require.WithinDuration(t, time.Now(), got.ReceivedAt, time.Minute)
			require.Equal(t, []int64{1, 2, 3, 4, 5}, []int64{got.ClientID, got.ChannelID, got.DialogID, got.RequestID, got.MessageID})
			require.Equal(t, store.InboxNew, got.Status)
			require.Equal(t, "me", got.Owner)
			same, err := s.InboxEvent(t.Context(), "demo", got.ID)
			require.NoError(t, err)
			require.Equal(t, got, same)
			_, err = s.InboxEvent(t.Context(), "other", got.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestRepeatedEventsAreCountedNotStored(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			stored, err := s.Accept(t.Context(), []store.InboxEvent{event("1", "a"), event("1", "b"), event("1", "a")})
			require.NoError(t, err)
			require.Equal(t, 2, stored)
			other := event("1", "a")
			other.Portal = "other"
			stored, err = s.Accept(t.Context(), []store.InboxEvent{event("2", "b"), event("1", "c"), other})
			require.NoError(t, err)
			require.Equal(t, 2, stored)
			stored, err = s.Accept(t.Context(), nil)
			require.NoError(t, err)
			require.Zero(t, stored)

			rows := claim(t, s, "me", 10)
			require.Equal(t, "a b c a", keys(rows))
			require.Equal(t, []int{1, 1, 0, 0}, []int{rows[0].Duplicates, rows[1].Duplicates, rows[2].Duplicates, rows[3].Duplicates})
			finish(t, s, rows...)
			stored, err = s.Accept(t.Context(), []store.InboxEvent{event("1", "a")})
			require.NoError(t, err)
			require.Zero(t, stored)
			require.Empty(t, claim(t, s, "me", 10), "a repeated event is not delivered again")
		})
	}
}

func TestConcurrentAcceptsOfTheSameEventsStoreEachOnce(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			var stored atomic.Int32
			var group sync.WaitGroup
			for i := range 8 {
				group.Go(func() {
					var events []store.InboxEvent
					for n := range 20 {
						events = append(events, event(fmt.Sprint(n%3), fmt.Sprint(n)))
					}
					if i%2 == 0 {
						slices.Reverse(events)
					}
					n, err := stores[i%2].Accept(t.Context(), events)
					if err != nil {
						t.Error(err)
					}
					stored.Add(int32(n))
				})
			}
			group.Wait()
			require.EqualValues(t, 20, stored.Load())
			count, _, err := stores[0].InboxBacklog(t.Context())
			require.NoError(t, err)
			require.Equal(t, 20, count)
		})
	}
}

func TestRowsOfAKeyComeInOrderAndToOneOwner(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "z"), event("1", "a"), event("2", "x"), event("1", "m"))
			first := claim(t, s, "one", 10)
			require.Equal(t, "z a x m", keys(first))
			accept(t, s, event("1", "late"), event("3", "y"))
			require.Equal(t, "y", keys(claim(t, s, "two", 10)), "1 and 2 are leased")
			require.Empty(t, claim(t, s, "one", 10), "also for the owner itself")

			finish(t, s, first[:3]...)
			require.Empty(t, claim(t, s, "two", 10), "m is still at work")
			finish(t, s, first[3])
			require.Equal(t, "late", keys(claim(t, s, "two", 10)))
		})
	}
}

func TestLimitCutsARunAndTheRestFollows(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"), event("1", "b"), event("1", "c"), event("2", "d"))
			first := claim(t, s, "one", 2)
			require.Equal(t, "a b", keys(first))
			require.Equal(t, "d", keys(claim(t, s, "two", 2)), "the rest of 1 is not given to another")
			finish(t, s, first...)
			require.Equal(t, "c", keys(claim(t, s, "two", 2)))
			require.Empty(t, claim(t, s, "two", 0))
		})
	}
}

func TestFailedRowHoldsUpItsKeyOnly(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"), event("1", "b"), event("2", "c"))
			rows := claim(t, s, "one", 10)
			require.NoError(t, s.RetryInbox(t.Context(), "one", rows[0].ID, "temporal is \x00down", time.Now().Add(time.Hour)))
			finish(t, s, rows[2])
			accept(t, s, event("1", "d"), event("2", "e"))
			require.Equal(t, "e", keys(claim(t, s, "one", 10)))

			require.NoError(t, s.RetryInbox(t.Context(), "one", rows[0].ID, "again", time.Now()))
			require.Empty(t, claim(t, s, "one", 10), "the row is nobody's: the pause stays")
			failed, err := s.InboxEvent(t.Context(), "demo", rows[0].ID)
			require.NoError(t, err)
			require.Equal(t, store.InboxNew, failed.Status)
		})
	}
}

func TestRetriedRowComesAgainBeforeTheRestOfItsKey(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"), event("1", "b"))
			rows := claim(t, s, "one", 10)
			require.NoError(t, s.RetryInbox(t.Context(), "one", rows[0].ID, "temporal is \x00down", time.Now().Add(50*time.Millisecond)))
			require.Eventually(t, func() bool { rows = claim(t, s, "two", 10); return len(rows) > 0 }, 10*time.Second, 5*time.Millisecond)
			require.Equal(t, "a b", keys(rows))
			require.Equal(t, 1, rows[0].Attempts)
			require.Equal(t, "temporal is down", rows[0].LastError)
			require.Zero(t, rows[1].Attempts)
			require.NoError(t, s.FinishInbox(t.Context(), ids(rows[:1]), store.InboxFailed, ""))
			given, err := s.InboxEvents(t.Context(), "demo", ids(rows))
			require.NoError(t, err)
			require.Equal(t, []string{store.InboxFailed, store.InboxNew}, []string{given[0].Status, given[1].Status})
		})
	}
}

func TestOnlyFinalStatesFinish(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"))
			rows := claim(t, s, "one", 10)
			require.Error(t, s.FinishInbox(t.Context(), ids(rows), store.InboxNew, ""))
			finish(t, s, rows...)
			require.NoError(t, s.FinishInbox(t.Context(), ids(rows), store.InboxIgnored, ""))
			row, err := s.InboxEvent(t.Context(), "demo", rows[0].ID)
			require.NoError(t, err)
			require.Equal(t, store.InboxDone, row.Status)
			require.Equal(t, "w", row.WorkflowID)
			require.False(t, row.FinishedAt.IsZero())
			require.NoError(t, s.FinishInbox(t.Context(), []string{"unknown"}, store.InboxDone, ""))
			require.NoError(t, s.RetryInbox(t.Context(), "one", "unknown", "", time.Now()))
		})
	}
}

func TestBacklogTellsCountAndAge(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			count, oldest, err := s.InboxBacklog(t.Context())
			require.NoError(t, err)
			require.Zero(t, count)
			require.True(t, oldest.IsZero())
			accept(t, s, event("1", "a"), event("2", "b"))
			count, oldest, err = s.InboxBacklog(t.Context())
			require.NoError(t, err)
			require.Equal(t, 2, count)
			require.WithinDuration(t, time.Now(), oldest, time.Minute)
		})
	}
}

func TestReplayDeliversFinishedRowsAgainInTheirOrder(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			accept(t, s, event("1", "a"), event("1", "b"), event("1", "c"))
			rows := claim(t, s, "one", 10)
			finish(t, s, rows...)
			n, err := s.ReplayInbox(t.Context(), "demo", []string{rows[2].ID, rows[0].ID, "unknown"})
			require.NoError(t, err)
			require.Equal(t, 2, n)
			n, err = s.ReplayInbox(t.Context(), "other", ids(rows))
			require.NoError(t, err)
			require.Zero(t, n)
			require.Equal(t, "a c", keys(claim(t, s, "two", 10)))
		})
	}
}
