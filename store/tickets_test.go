package store_test

import (
	"fmt"
	"sync"
	"testing"

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
