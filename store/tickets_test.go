package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

func requireTurn(t *testing.T, s *store.Store, sub store.Submission, ahead int, first string, keys ...string) {
	t.Helper()
	n, who, err := s.Turn(t.Context(), "demo", sub.SyncID, keys)
	require.NoError(t, err)
	require.Equal(t, []any{ahead, first}, []any{n, who})
}

func TestRequestsOfOneClientComeInOrderOfAcceptance(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptRequest(t, s, request("1", "a"), "phone:1")
		two, _ := acceptRequest(t, s, request("2", "b"), "phone:1", "email:x")
		three, _ := acceptRequest(t, s, request("3", "c"), "email:x", "phone:1")
		other, _ := acceptRequest(t, s, request("4", "d"), "phone:2")
		requireTurn(t, s, one, 0, "", "phone:1")
		requireTurn(t, s, two, 1, one.SyncID, "phone:1", "email:x")
		requireTurn(t, s, three, 2, one.SyncID, "phone:1", "email:x")
		requireTurn(t, s, other, 0, "", "phone:2")
		requireTurn(t, s, other, 0, "")

		require.NoError(t, s.DropTickets(t.Context(), "demo", one.SyncID))
		requireTurn(t, s, three, 1, two.SyncID, "phone:1", "email:x")
		require.NoError(t, s.DropTickets(t.Context(), "demo", two.SyncID))
		require.NoError(t, s.DropTickets(t.Context(), "demo", two.SyncID))
		requireTurn(t, s, three, 0, "", "phone:1", "email:x")
	})
}

func TestKeyLearnedLaterKeepsThePlace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptRequest(t, s, request("1", "a"), "phone:1")
		two, _ := acceptRequest(t, s, request("2", "b"), "email:x")
		require.NoError(t, s.AddTickets(t.Context(), "demo", two.SyncID, []string{"contact:5"}))
		require.NoError(t, s.AddTickets(t.Context(), "demo", one.SyncID, []string{"contact:5", "contact:5"}))
		requireTurn(t, s, one, 0, "", "phone:1", "contact:5")
		requireTurn(t, s, two, 1, one.SyncID, "email:x", "contact:5")
		require.ErrorIs(t, s.AddTickets(t.Context(), "demo", store.NewID(), []string{"k"}), store.ErrNotFound)
		_, _, err := s.Turn(t.Context(), "other", one.SyncID, []string{"phone:1"})
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestCorrectionKeepsThePlaceOfARequestThatWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptRequest(t, s, request("1", "a"), "phone:1")
		two, _ := acceptRequest(t, s, request("2", "b"), "phone:1")
		acceptRequest(t, s, request("1", "corrected"), "phone:1", "email:x")
		requireTurn(t, s, one, 0, "", "phone:1", "email:x")
		requireTurn(t, s, two, 1, one.SyncID, "phone:1")

		require.NoError(t, s.DropTickets(t.Context(), "demo", one.SyncID))
		acceptRequest(t, s, request("1", "corrected again"), "phone:1")
		requireTurn(t, s, one, 1, two.SyncID, "phone:1")
	})
}

func TestTicketsRunOut(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		acceptRequest(t, s, request("1", "a"), "phone:1")
		two, _ := acceptRequest(t, s, request("2", "b"), "phone:1")
		n, err := s.PurgeTickets(t.Context(), "demo")
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, s.DB().Exec("UPDATE claim_tickets SET expires_at = 1").Error)
		requireTurn(t, s, two, 0, "", "phone:1")
		require.NoError(t, s.AddTickets(t.Context(), "demo", two.SyncID, []string{"phone:1"}))
		n, err = s.PurgeTickets(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, 1, n, "the renewed one stays")
	})
}

func TestQuietTicketsAreThoseOfStartedRunsThatOthersWaitFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptRequest(t, s, request("1", "a"), "phone:1", "email:x")
		two, _ := acceptRequest(t, s, request("2", "b"), "phone:1", "email:y")
		three, _ := acceptRequest(t, s, request("3", "c"), "phone:1")
		alone, _ := acceptRequest(t, s, request("4", "d"), "phone:4")
		quiet := func() (all []store.TicketHolder) {
			all, err := s.QuietTickets(t.Context(), time.Hour, 10)
			require.NoError(t, err)
			return all
		}
		for _, sub := range []store.Submission{two, three, alone} {
			require.NoError(t, s.MarkStarted(t.Context(), sub.ID, "run"))
		}
		age(t, s, time.Hour)
		require.Empty(t, quiet(), "the first is not started yet, and nobody waits for the others alone")
		require.NoError(t, s.MarkStarted(t.Context(), one.ID, "run"))
		require.Equal(t, []store.TicketHolder{{Portal: "demo", SyncID: one.SyncID, WorkflowID: "request:demo:1"}}, quiet())

		require.NoError(t, s.RenewTickets(t.Context(), "demo", one.SyncID))
		require.Empty(t, quiet())
		dropped, err := s.DropQuietTickets(t.Context(), "demo", one.SyncID, time.Hour)
		require.NoError(t, err)
		require.False(t, dropped, "it gave a sign of life meanwhile")
		requireTurn(t, s, two, 1, one.SyncID, "phone:1", "email:y")

		age(t, s, time.Hour)
		requireTurn(t, s, two, 1, one.SyncID, "phone:1", "email:y")
		dropped, err = s.DropQuietTickets(t.Context(), "demo", one.SyncID, time.Hour)
		require.NoError(t, err)
		require.True(t, dropped)
		requireTurn(t, s, two, 0, "", "phone:1", "email:y")
		require.Equal(t, two.SyncID, quiet()[0].SyncID, "now the third waits for the second alone")
	})
}

// age lets time pass for all tickets.
func age(t *testing.T, s *store.Store, passed time.Duration) {
	t.Helper()
	require.NoError(t, s.DB().Exec("UPDATE claim_tickets SET expires_at = expires_at - ?", passed.Microseconds()).Error)
}

// Whoever sees that it is its turn has a lower number than all that are
// accepted after that moment: turns never come out of order.
func TestOfManyAcceptedAtOnceExactlyOneIsNext(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		var mu sync.Mutex
		var turns []int64
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				sub, _, err := s.AcceptRequest(t.Context(), request(fmt.Sprint(i), "a"), []string{"phone:1", fmt.Sprint("email:", i%3)})
				for err == nil {
					var ahead int
					if ahead, _, err = s.Turn(t.Context(), "demo", sub.SyncID, []string{"phone:1"}); err == nil && ahead == 0 {
						break
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				turns = append(turns, sub.Seq)
				mu.Unlock()
				if err := s.DropTickets(t.Context(), "demo", sub.SyncID); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Len(t, turns, 20)
		require.IsIncreasing(t, turns)
	})
}
