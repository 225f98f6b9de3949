package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

func TestWhatIsKnownOfACallAddsUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		require.NoError(t, s.SaveCall(t.Context(), store.Call{
			Portal: "demo", CallID: "c1", BitrixCallID: "externalCall.1", State: store.CallRegistered, UserID: 7, ContactID: 1, UpdatedAt: at,
		}))
		require.NoError(t, s.SaveCall(t.Context(), store.Call{
			Portal: "demo", CallID: "c1", State: store.CallFinished, ActivityID: 9, CompanyID: 2, DealID: 3, UserID: 8, UpdatedAt: at,
		}))
		require.NoError(t, s.SaveCall(t.Context(), store.Call{
			Portal: "demo", CallID: "c1", State: store.CallRegistered, FileID: 5, SHA256: "ab", Bytes: 6, UpdatedAt: at,
		}))
		got, err := s.Call(t.Context(), "demo", "c1")
		require.NoError(t, err)
		require.Equal(t, store.Call{
			Portal: "demo", CallID: "c1", BitrixCallID: "externalCall.1", ActivityID: 9, State: store.CallFinished, UserID: 8,
			ContactID: 1, CompanyID: 2, DealID: 3, FileID: 5, SHA256: "ab", Bytes: 6, UpdatedAt: at,
		}, got)
		_, err = s.Call(t.Context(), "other", "c1")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestRecordingGoesItsWay(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		uploaded, err := s.SaveRecording(t.Context(), store.Recording{
			Portal: "demo", Source: store.RecordingUpload, FileName: "a.wav", Path: "demo/a.wav", Bytes: 100, SHA256: "ab", State: store.RecordingStored,
		})
		require.NoError(t, err)
		require.NotEmpty(t, uploaded.ID)
		attached := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		got, err := s.SaveRecording(t.Context(), store.Recording{
			ID: uploaded.ID, Portal: "demo", CallID: "c1", SyncID: "s1", State: store.RecordingAttached, AttachedAt: attached,
		})
		require.NoError(t, err)
		want := uploaded
		want.CallID, want.SyncID, want.State, want.AttachedAt = "c1", "s1", store.RecordingAttached, attached
		require.Equal(t, want, got)
		_, err = s.SaveRecording(t.Context(), store.Recording{ID: uploaded.ID, Portal: "other", CallID: "theirs"})
		require.ErrorIs(t, err, store.ErrNotFound)

		fromURL, err := s.SaveRecording(t.Context(), store.Recording{
			Portal: "demo", SyncID: "s1", Source: store.RecordingURL, URL: "https://x.example/a.mp3", CreatedAt: uploaded.CreatedAt.Add(time.Second),
		})
		require.NoError(t, err)
		require.Equal(t, store.RecordingWaiting, fromURL.State)
		got, err = s.RecordingOfSync(t.Context(), "demo", "s1")
		require.NoError(t, err)
		require.Equal(t, fromURL, got, "the newest one")
		_, err = s.RecordingOfSync(t.Context(), "demo", "")
		require.ErrorIs(t, err, store.ErrNotFound)
		got, err = s.Recording(t.Context(), "demo", uploaded.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestUsageCountsWhatIsOnDisk(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		for _, r := range []store.Recording{
			{Portal: "demo", Path: "a", Bytes: 1, State: store.RecordingStored},
			{Portal: "demo", Path: "b", Bytes: 10, State: store.RecordingAttached},
			{Portal: "demo", Path: "c", Bytes: 100, State: store.RecordingGone},
			{Portal: "demo", Bytes: 1000, State: store.RecordingWaiting},
			{Portal: "other", Path: "d", Bytes: 10000, State: store.RecordingStored},
		} {
			_, err := s.SaveRecording(t.Context(), r)
			require.NoError(t, err)
		}
		n, err := s.RecordingsUsage(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, int64(11), n)
		n, err = s.RecordingsUsage(t.Context(), "empty")
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestOnlyRecordingsThatNobodyWantsExpire(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		now := time.Now().UTC().Truncate(time.Second)
		old := now.AddDate(0, 0, -30)
		sync := func(status string) string {
			return openSync(t, s, store.Sync{WorkflowID: status, Status: status}).ID
		}
		for _, r := range []store.Recording{
			{CallID: "attached long ago", State: store.RecordingAttached, AttachedAt: now.AddDate(0, 0, -8)},
			{CallID: "attached lately", State: store.RecordingAttached, AttachedAt: now.AddDate(0, 0, -2)},
			{CallID: "never used", State: store.RecordingStored},
			{CallID: "given up", State: store.RecordingStored, SyncID: sync(store.SyncAbandoned)},
			{CallID: "parked", State: store.RecordingStored, SyncID: sync(store.SyncFailed)},
			{CallID: "at work", State: store.RecordingStored, SyncID: sync(store.SyncSyncing)},
			{CallID: "not fetched", State: store.RecordingWaiting, SyncID: sync(store.SyncOpen)},
			{CallID: "gone", State: store.RecordingGone, AttachedAt: old},
			{CallID: "new", State: store.RecordingStored, CreatedAt: now},
		} {
			r.Portal = "demo"
			if r.CreatedAt.IsZero() {
				r.CreatedAt = old
			}
			_, err := s.SaveRecording(t.Context(), r)
			require.NoError(t, err)
		}
		got, err := s.ExpiredRecordings(t.Context(), "demo", now.AddDate(0, 0, -7), now.AddDate(0, 0, -7), 10)
		require.NoError(t, err)
		var names []string
		for _, r := range got {
			names = append(names, r.CallID)
		}
		require.ElementsMatch(t, []string{"attached long ago", "never used", "given up"}, names)
	})
}
