package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

func TestRequestIsRevisedByAnotherBodyAndRepeatedByTheSame(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		first, _ := acceptRequest(t, s, request("form-1", "a"))
		second, fresh := acceptRequest(t, s, request("form-1", "b"))
		require.True(t, fresh)
		require.Equal(t, 2, second.Revision)
		require.Equal(t, first.SyncID, second.SyncID)
		require.Greater(t, second.Seq, first.Seq)
		again, fresh := acceptRequest(t, s, request("form-1", "a"))
		require.False(t, fresh, "the same body as an earlier revision, so soon after it")
		require.Equal(t, first, again)

		latest, err := s.SubmissionBySync(t.Context(), "demo", first.SyncID)
		require.NoError(t, err)
		require.Equal(t, second, latest)
		all, err := s.Revisions(t.Context(), "demo", first.SyncID)
		require.NoError(t, err)
		require.Equal(t, []store.Submission{first, second}, all)
		line, err := s.SyncByWorkflow(t.Context(), "demo", "request:demo:form-1")
		require.NoError(t, err)
		require.Equal(t, []string{first.SyncID, "request"}, []string{line.ID, line.Kind})
	})
}

func TestOldBodyTakesACorrectionBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		pass := func(d time.Duration) {
			require.NoError(t, s.DB().Exec("UPDATE submissions SET created_at = created_at - ?", d.Microseconds()).Error)
		}
		send := func(body string, revision int, fresh bool) {
			got, isNew := acceptRequest(t, s, request("form-1", body))
			require.Equal(t, []any{revision, fresh}, []any{got.Revision, isNew}, body)
		}
		send("a", 1, true)
		pass(store.RetryWindow - time.Minute)
		send("b", 2, true)
		send("a", 1, false) // a retry that b overtook
		pass(2 * time.Minute)
		send("b", 2, false) // the newest
		send("a", 3, true)
		send("a", 3, false)
		send("b", 2, false) // a retry of it
		pass(store.RetryWindow)
		send("a", 3, false) // the newest, at any time
		send("b", 4, true)
	})
}

func TestManyWhoTakeACorrectionBackAtOnceMakeOneRevision(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		acceptRequest(t, s, request("form-1", "a"))
		acceptRequest(t, s, request("form-1", "b"))
		require.NoError(t, s.DB().Exec("UPDATE submissions SET created_at = created_at - ?", store.RetryWindow.Microseconds()).Error)
		var fresh atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				got, isNew, err := s.AcceptRequest(t.Context(), request("form-1", "a"), nil)
				if isNew {
					fresh.Add(1)
				}
				if err != nil || got.Revision != 3 {
					t.Error(got.Revision, err)
				}
			})
		}
		group.Wait()
		require.Equal(t, int32(1), fresh.Load())
	})
}

func TestIdempotencyKeyOfARequestStandsForOneBody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		first, _ := acceptRequest(t, s, keyed(request("form-1", "a"), "k1"))
		again, fresh := acceptRequest(t, s, keyed(request("form-1", "a"), "k1"))
		require.False(t, fresh)
		require.Equal(t, first.ID, again.ID)
		_, _, err := s.AcceptRequest(t.Context(), keyed(request("form-1", "b"), "k1"), nil)
		require.ErrorIs(t, err, store.ErrKeyReused)
		_, _, err = s.AcceptRequest(t.Context(), keyed(request("form-2", "b"), "k1"), nil)
		require.ErrorIs(t, err, store.ErrKeyReused)
		_, err = s.SyncByWorkflow(t.Context(), "demo", "request:demo:form-2")
		require.ErrorIs(t, err, store.ErrNotFound, "what was refused leaves nothing")
		second, fresh := acceptRequest(t, s, keyed(request("form-1", "b"), "k2"))
		require.True(t, fresh)
		require.Equal(t, 2, second.Revision)
		_, _, err = s.AcceptMethod(t.Context(), method("k1", "z"))
		require.NoError(t, err, "keys of methods are others")
	})
}

func TestRevisionsOfManyAtOnceAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		var group sync.WaitGroup
		for i := range 30 {
			group.Go(func() {
				sub := keyed(request("form-1", fmt.Sprint("body ", i%10)), fmt.Sprint("key ", i%10))
				if _, _, err := s.AcceptRequest(t.Context(), sub, []string{"phone:1"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		lines, _, err := s.Syncs(t.Context(), "demo", store.SyncFilter{})
		require.NoError(t, err)
		require.Len(t, lines, 1)
		all, err := s.Revisions(t.Context(), "demo", lines[0].ID)
		require.NoError(t, err)
		require.Len(t, all, 10)
		for i, sub := range all {
			require.Equal(t, []int64{int64(i + 1), int64(i + 1)}, []int64{int64(sub.Revision), sub.Seq})
		}
	})
}
