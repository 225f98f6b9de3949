package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// method is a call of contact.create.
func method(key, body string) store.Submission {
	return store.Submission{
		Portal: "demo", Kind: store.KindMethod, Name: "contact.create", Key: key, IdempotencyKey: key, BodyHash: "hash of " + body, Body: []byte(body),
		WorkflowID: "method:demo:contact.create:" + key,
	}
}

// request is a revision of a request without idempotency key.
func request(externalID, body string) store.Submission {
	return store.Submission{
		Portal: "demo", Kind: store.KindRequest, Name: "site", Key: externalID, BodyHash: "hash of " + body, Body: []byte(body),
		WorkflowID: "request:demo:" + externalID,
	}
}

func keyed(sub store.Submission, key string) store.Submission {
	sub.IdempotencyKey = key
	return sub
}

func acceptMethod(t *testing.T, s *store.Store, sub store.Submission) (store.Submission, bool) {
	t.Helper()
	stored, fresh, err := s.AcceptMethod(t.Context(), sub)
	require.NoError(t, err)
	return stored, fresh
}

func acceptRequest(t *testing.T, s *store.Store, sub store.Submission, keys ...string) (store.Submission, bool) {
	t.Helper()
	stored, fresh, err := s.AcceptRequest(t.Context(), sub, keys)
	require.NoError(t, err)
	return stored, fresh
}

// onBoth runs a test on a fresh store of each database.
func onBoth(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, storetest.Open(t, url))
		})
	}
}

func TestMethodIsAcceptedOnceWithItsLineInTheLedger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		first, fresh := acceptMethod(t, s, method("k1", "a"))
		require.True(t, fresh)
		require.Equal(t, store.KindMethod, first.Kind)
		require.Equal(t, []int64{1, 1}, []int64{int64(first.Revision), first.Seq})
		again, fresh := acceptMethod(t, s, method("k1", "a"))
		require.False(t, fresh)
		require.Equal(t, first, again)
		_, _, err := s.AcceptMethod(t.Context(), method("k1", "b"))
		require.ErrorIs(t, err, store.ErrKeyReused)
		second, _ := acceptMethod(t, s, method("k2", "a"))
		require.Equal(t, int64(2), second.Seq)

		line, err := s.Sync(t.Context(), "demo", first.SyncID)
		require.NoError(t, err)
		require.Equal(t, []string{"method", "method:demo:contact.create:k1", "open"}, []string{line.Kind, line.WorkflowID, line.Status})
		require.JSONEq(t, `{"portal":"demo","sync_id":"`+line.ID+`","method":"contact.create"}`, string(line.Input))
		got, err := s.Submission(t.Context(), "demo", first.ID)
		require.NoError(t, err)
		require.Equal(t, first, got)
		_, err = s.Submission(t.Context(), "other", first.ID)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestFiftyCallsOfOneKeyAtOnceAreOne(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			var fresh atomic.Int32
			var ids sync.Map
			var group sync.WaitGroup
			for i := range 50 {
				group.Go(func() {
					stored, isNew, err := stores[i%2].AcceptMethod(t.Context(), method("k", "a"))
					if err != nil {
						t.Error(err)
						return
					}
					if isNew {
						fresh.Add(1)
					}
					ids.Store(stored.ID, true)
				})
			}
			group.Wait()
			require.Equal(t, int32(1), fresh.Load())
			require.Equal(t, 1, size(&ids))
			lines, _, err := stores[0].Syncs(t.Context(), "demo", store.SyncFilter{})
			require.NoError(t, err)
			require.Len(t, lines, 1)
		})
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

func TestOneKeyForTwoRequestsAtOnceIsRefusedToOneOfThem(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		for round := range 5 {
			var reused, fresh atomic.Int32
			var group sync.WaitGroup
			for i := range 4 {
				group.Go(func() {
					id := fmt.Sprintf("form-%d-%d", round, i)
					_, isNew, err := s.AcceptRequest(t.Context(), keyed(request(id, id), fmt.Sprint("k", round)), nil)
					switch {
					case err == nil && isNew:
						fresh.Add(1)
					case errors.Is(err, store.ErrKeyReused):
						reused.Add(1)
					default:
						t.Error(isNew, err)
					}
				})
			}
			group.Wait()
			require.Equal(t, []int32{1, 3}, []int32{fresh.Load(), reused.Load()})
		}
	})
}

func TestCorrectionOfAFinishedRequestOpensItsLineAgain(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		for status, want := range map[string]string{
			store.SyncDone: store.SyncOpen, store.SyncAbandoned: store.SyncOpen, store.SyncFailed: store.SyncFailed, store.SyncSyncing: store.SyncSyncing,
		} {
			sub, _ := acceptRequest(t, s, request(status, "a"))
			require.NoError(t, s.UpdateSync(t.Context(), "demo", sub.SyncID, func(line *store.Sync) {
				line.Status, line.Reason, line.DealID = status, "because", 5
			}))
			acceptRequest(t, s, request(status, "b"))
			line, err := s.Sync(t.Context(), "demo", sub.SyncID)
			require.NoError(t, err)
			require.Equal(t, []any{want, int64(5)}, []any{line.Status, line.DealID})
		}
	})
}

func TestAnswerIsKeptAndCoversEarlierRevisions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptRequest(t, s, request("form-1", "a"))
		acceptRequest(t, s, request("form-1", "b"))
		acceptRequest(t, s, request("form-1", "c"))
		require.NoError(t, s.SaveAnswer(t.Context(), "demo", one.SyncID, 2, 200, []byte(`{"id":1}`)))
		all, err := s.Revisions(t.Context(), "demo", one.SyncID)
		require.NoError(t, err)
		require.Equal(t, []int{200, 200, 0}, []int{all[0].StatusCode, all[1].StatusCode, all[2].StatusCode})
		require.True(t, all[2].AnsweredAt.IsZero())
		require.NoError(t, s.SaveAnswer(t.Context(), "demo", one.SyncID, 3, 409, []byte(`{"id":2}`)))
		all, err = s.Revisions(t.Context(), "demo", one.SyncID)
		require.NoError(t, err)
		require.JSONEq(t, `{"id":1}`, string(all[0].Answer))
		require.JSONEq(t, `{"id":2}`, string(all[2].Answer))
		require.WithinDuration(t, time.Now(), all[2].AnsweredAt, time.Minute)
		require.ErrorIs(t, s.SaveAnswer(t.Context(), "demo", one.SyncID, 4, 200, nil), store.ErrNotFound)
		require.ErrorIs(t, s.SaveAnswer(t.Context(), "other", one.SyncID, 1, 200, nil), store.ErrNotFound)
	})
}

func TestUnstartedSubmissionsAreHandedToOneProcessOnly(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		one, _ := acceptMethod(t, s, method("k1", "a"))
		two, _ := acceptMethod(t, s, method("k2", "a"))
		none, err := s.UnstartedSubmissions(t.Context(), time.Hour, 10)
		require.NoError(t, err)
		require.Empty(t, none, "they are young: whoever accepted them starts them")
		waiting, oldest, err := s.SubmissionBacklog(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, waiting)
		require.Equal(t, one.CreatedAt, oldest)
		require.NoError(t, s.MarkStarted(t.Context(), two.ID, "run-2"))

		got, err := s.UnstartedSubmissions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Equal(t, []store.Submission{one}, got)
		got, err = s.UnstartedSubmissions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, got, "leased")
		require.NoError(t, s.PutOffSubmission(t.Context(), one.ID, 0))
		require.NoError(t, s.PutOffSubmission(t.Context(), two.ID, 0))
		got, err = s.UnstartedSubmissions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, got, 1, "the lease is over; what was taken stays so")
		require.NoError(t, s.PutOffSubmission(t.Context(), one.ID, time.Hour))
		got, err = s.UnstartedSubmissions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, got, "put off")
		line, err := s.Sync(t.Context(), "demo", two.SyncID)
		require.NoError(t, err)
		require.Equal(t, "run-2", line.RunID)
		require.ErrorIs(t, s.MarkStarted(t.Context(), store.NewID(), ""), store.ErrNotFound)
	})
}

func TestManyRelaysNeverGetTheSameSubmission(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		for i := range 60 {
			acceptMethod(t, s, method(fmt.Sprint("k", i), "a"))
		}
		var mu sync.Mutex
		times := map[string]int{}
		var group sync.WaitGroup
		for range 6 {
			group.Go(func() {
				for range 10 {
					got, err := s.UnstartedSubmissions(t.Context(), 0, 7)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, sub := range got {
						times[sub.ID]++
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		require.Len(t, times, 60)
		for id, n := range times {
			require.Equal(t, 1, n, id)
		}
	})
}

func TestStartOfARevisionCoversEarlierOnes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		acceptRequest(t, s, request("form-1", "a"))
		two, _ := acceptRequest(t, s, request("form-1", "b"))
		acceptRequest(t, s, request("form-1", "c"))
		require.NoError(t, s.MarkStarted(t.Context(), two.ID, ""))
		got, err := s.UnstartedSubmissions(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, 3, got[0].Revision)
	})
}

func TestSubmissionsAreListedNewestFirstWithoutBodies(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		for i := range 3 {
			acceptMethod(t, s, method(fmt.Sprint("k", i), "a"))
			acceptRequest(t, s, request(fmt.Sprint("r", i), "a"))
		}
		page, next, err := s.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{Page: store.Page{Limit: 4}})
		require.NoError(t, err)
		require.Equal(t, []string{"r2", "k2", "r1", "k1"}, []string{page[0].Key, page[1].Key, page[2].Key, page[3].Key})
		require.Empty(t, page[0].Body)
		page, next, err = s.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{Page: store.Page{Limit: 4, After: next}})
		require.NoError(t, err)
		require.Len(t, page, 2)
		require.Empty(t, next)
		page, _, err = s.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{Kind: store.KindRequest, Name: "site"})
		require.NoError(t, err)
		require.Len(t, page, 3)
		_, _, err = s.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{Page: store.Page{After: "?"}})
		require.ErrorIs(t, err, store.ErrBadCursor)
	})
}

func is(t *testing.T, s *store.Store, sub store.Submission, status string) {
	t.Helper()
	require.NoError(t, s.UpdateSync(t.Context(), "demo", sub.SyncID, func(row *store.Sync) { row.Status = status }))
}

func TestPurgedSubmissionsAreStillRecognised(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		done, _ := acceptMethod(t, s, method("k1", "a"))
		open, _ := acceptMethod(t, s, method("k2", "a"))
		find := method("k3", "a")
		find.Name, find.WorkflowID = "contact.find", "method:demo:contact.find:k3"
		found, _ := acceptMethod(t, s, find)
		for _, sub := range []store.Submission{done, found} {
			require.NoError(t, s.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, 200, []byte(`{"id":1}`)))
			is(t, s, sub, store.SyncDone)
		}
		parked, _ := acceptMethod(t, s, method("k4", "a"))
		require.NoError(t, s.SaveAnswer(t.Context(), "demo", parked.SyncID, 1, 502, []byte(`{}`)))
		is(t, s, parked, store.SyncFailed)
		n, err := s.PurgeSubmissions(t.Context(), "demo", []string{"contact.find"}, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, 2, n, "what has no answer, or waits for a person, is kept")
		n, err = s.PurgeSubmissions(t.Context(), "demo", nil, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Zero(t, n)
		again, fresh := acceptMethod(t, s, method("k1", "a"))
		require.False(t, fresh)
		require.Equal(t, "{}", string(again.Body))
		require.JSONEq(t, `{"id":1}`, string(again.Answer))
		again, _ = acceptMethod(t, s, find)
		require.Equal(t, 410, again.StatusCode)
		require.Empty(t, again.Answer)
		kept, err := s.Submission(t.Context(), "demo", open.ID)
		require.NoError(t, err)
		require.Equal(t, "a", string(kept.Body))
	})
}

func TestRequestCannotBeCorrectedForEver(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	for i := range store.MaxRevisions {
		acceptRequest(t, s, request("form-1", fmt.Sprint(i)))
	}
	_, _, err := s.AcceptRequest(t.Context(), request("form-1", "one more"), nil)
	require.ErrorIs(t, err, store.ErrTooMany)
}
