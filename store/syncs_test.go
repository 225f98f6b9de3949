package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/store"
	"puente/store/storetest"
)

func openSync(t *testing.T, s *store.Store, sync store.Sync) store.Sync {
	t.Helper()
	sync.Portal = "demo"
	stored, created, err := s.OpenSync(t.Context(), sync)
	require.NoError(t, err)
	require.True(t, created)
	return stored
}

func fullSync() store.Sync {
	return store.Sync{
		ID: store.NewID(), Portal: "demo", Kind: "dialog", WorkflowID: "dialog-sync:demo:44:90", RunID: "r", Status: store.SyncFailed,
		Reason: "parked", ClientID: 1, ChannelID: 2, DialogID: 3, RequestID: 4, Cycle: 5, ContactID: 6, CompanyID: 7, DealID: 8,
		LeadID: 9, Operator: 10, Rule: "the newest", SettingsVersion: 11, Input: json.RawMessage(`{"a": 1}`),
		Correction: json.RawMessage(`{}`), ErrorStep: "fields", ErrorCode: "E", ErrorText: "in the portal's words", Attempts: 12,
		Reruns: 13, Requests: 14, CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC),
		UpdatedAt: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), FinishedAt: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC),
	}
}

func TestSyncIsOpenedOnceAndComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			want := fullSync()
			require.Equal(t, want, openSync(t, s, want))
			again, created, err := s.OpenSync(t.Context(), store.Sync{Portal: "demo", WorkflowID: want.WorkflowID, Status: store.SyncDone})
			require.NoError(t, err)
			require.False(t, created)
			require.Equal(t, want, again)
			for _, get := range []func() (store.Sync, error){
				func() (store.Sync, error) { return s.Sync(t.Context(), "demo", want.ID) },
				func() (store.Sync, error) { return s.SyncByWorkflow(t.Context(), "demo", want.WorkflowID) },
			} {
				got, err := get()
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			_, err = s.Sync(t.Context(), "other", want.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			defaults := openSync(t, s, store.Sync{WorkflowID: "w"})
			require.Equal(t, store.SyncOpen, defaults.Status)
			require.WithinDuration(t, time.Now(), defaults.CreatedAt, time.Minute)
			require.Nil(t, defaults.Input)
			_, _, err = s.OpenSync(t.Context(), store.Sync{ID: want.ID, Portal: "demo", WorkflowID: "other"})
			require.ErrorIs(t, err, store.ErrDuplicate)
		})
	}
}

func TestOneOfManyConcurrentOpeningsCreates(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := []*store.Store{storetest.Open(t, url), storetest.Open(t, url)}
			var created atomic.Int32
			seen := make([]string, 8)
			var group sync.WaitGroup
			for i := range seen {
				group.Go(func() {
					row, isNew, err := stores[i%2].OpenSync(t.Context(), store.Sync{Portal: "demo", WorkflowID: "w"})
					if err != nil {
						t.Error(err)
					}
					if isNew {
						created.Add(1)
					}
					seen[i] = row.ID
				})
			}
			group.Wait()
			require.EqualValues(t, 1, created.Load())
			for _, id := range seen {
				require.Equal(t, seen[0], id)
			}
		})
	}
}

func TestUpdateSyncChangesAllButIdentity(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			row := openSync(t, s, store.Sync{WorkflowID: "w"})
			want := fullSync()
			require.NoError(t, s.UpdateSync(t.Context(), "demo", row.ID, func(sync *store.Sync) {
				require.Equal(t, row, *sync)
				*sync = want
				sync.Portal, sync.ErrorText = "stolen", "bad \x00 text"
			}))
			got, err := s.Sync(t.Context(), "demo", row.ID)
			require.NoError(t, err)
			require.True(t, got.UpdatedAt.After(row.CreatedAt))
			want.ID, want.WorkflowID, want.CreatedAt, want.UpdatedAt, want.ErrorText = row.ID, "w", row.CreatedAt, got.UpdatedAt, "bad  text"
			require.Equal(t, want, got)
			require.NoError(t, s.UpdateSync(t.Context(), "demo", row.ID, func(sync *store.Sync) { sync.DealID, sync.Input = 0, nil }))
			got, err = s.Sync(t.Context(), "demo", row.ID)
			require.NoError(t, err)
			require.Zero(t, got.DealID, "zero values are saved, too")
			require.Nil(t, got.Input)
			require.ErrorIs(t, s.UpdateSync(t.Context(), "other", row.ID, func(*store.Sync) {}), store.ErrNotFound)
		})
	}
}

// workflowIDs lists what a filter chooses, over all pages.
func workflowIDs(t *testing.T, s *store.Store, f store.SyncFilter) string {
	t.Helper()
	var all []string
	for {
		rows, next, err := s.Syncs(t.Context(), "demo", f)
		require.NoError(t, err)
		for _, row := range rows {
			all = append(all, row.WorkflowID)
		}
		if f.Page.After = next; next == "" {
			return strings.Join(all, " ")
		}
	}
}

func TestSyncsAreListedNewestFirstInPages(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i := range 7 { // pairs at the same instant
				openSync(t, s, store.Sync{WorkflowID: fmt.Sprint(i), CreatedAt: at.Add(time.Duration(i/2) * time.Minute)})
			}
			for _, limit := range []int{0, 1, 2, 3, 7, 1000} {
				require.Equal(t, "6 5 4 3 2 1 0", workflowIDs(t, s, store.SyncFilter{Page: store.Page{Limit: limit}}), "pages of %d", limit)
			}
			between := store.SyncFilter{Since: at.Add(time.Minute), Until: at.Add(2 * time.Minute)}
			require.Equal(t, "3 2", workflowIDs(t, s, between))
			_, _, err := s.Syncs(t.Context(), "demo", store.SyncFilter{Page: store.Page{After: "x"}})
			require.ErrorIs(t, err, store.ErrBadCursor)
		})
	}
}

func TestSyncsAreFilteredAndCounted(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			openSync(t, s, store.Sync{WorkflowID: "a", Kind: "dialog", Status: store.SyncDone, DialogID: 77, DealID: 501})
			openSync(t, s, store.Sync{WorkflowID: "b", Kind: "dialog", Status: store.SyncFailed, ErrorText: `100% of "UF_X" \ missing`})
			openSync(t, s, store.Sync{WorkflowID: "c", Kind: "request", Status: store.SyncFailed, ClientID: 77, ErrorCode: "ERROR_CORE"})
			openSync(t, s, store.Sync{WorkflowID: "d", Kind: "dialog", Status: store.SyncSkipped, RequestID: 500, Reason: "Rating"})
			for query, want := range map[string]string{
				"77": "c a", "501": "a", "500": "d", "50": "", "100%": "b", "%": "b", "_": "c b", "uf_x": "b", `\`: "b", " error_core ": "c",
				"rating": "d", "nothing": "", "\x00": "d c b a", "'; DROP TABLE syncs": "", "99999999999999999999": "", "0": "b",
			} {
				require.Equal(t, want, workflowIDs(t, s, store.SyncFilter{Query: query}), "query %q", query)
			}
			require.Equal(t, "c b", workflowIDs(t, s, store.SyncFilter{Status: []string{store.SyncFailed}}))
			require.Equal(t, "d b", workflowIDs(t, s, store.SyncFilter{Status: []string{store.SyncFailed, store.SyncSkipped}, Kind: "dialog"}))
			counts, err := s.CountSyncs(t.Context(), "demo", store.SyncFilter{Page: store.Page{Limit: 1}})
			require.NoError(t, err)
			require.Equal(t, map[string]int{store.SyncDone: 1, store.SyncFailed: 2, store.SyncSkipped: 1}, counts)
			counts, err = s.CountSyncs(t.Context(), "demo", store.SyncFilter{Query: "77"})
			require.NoError(t, err)
			require.Equal(t, map[string]int{store.SyncDone: 1, store.SyncFailed: 1}, counts)
		})
	}
}

func TestStepsKeepTheirOrderWhenOneIsDoneAgain(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			row := openSync(t, s, store.Sync{WorkflowID: "w"})
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, name := range []string{"load", "contact", "comment"} {
				step := store.Step{SyncID: row.ID, Name: name, Status: store.StepFailed, Error: "\x00no", At: at.Add(time.Duration(i) * time.Second)}
				require.NoError(t, s.SaveStep(t.Context(), step))
			}
			done := store.Step{
				SyncID: row.ID, Name: "contact", Status: store.StepDone, EntityKind: "contact", EntityID: 5, Detail: "made", Requests: 2,
				At: at.Add(time.Minute),
			}
			require.NoError(t, s.SaveStep(t.Context(), done))
			steps, err := s.Steps(t.Context(), row.ID)
			require.NoError(t, err)
			require.Len(t, steps, 3)
			require.Equal(t, []string{"load", "contact", "comment"}, []string{steps[0].Name, steps[1].Name, steps[2].Name})
			require.Equal(t, done, steps[1])
			require.Equal(t, "no", steps[0].Error)
			require.ErrorIs(t, s.SaveStep(t.Context(), store.Step{SyncID: "none", Name: "x"}), store.ErrNotFound)
		})
	}
}

func TestLongSnapshotComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			row := openSync(t, s, store.Sync{WorkflowID: "w"})
			want := dialog.Snapshot{DialogID: 44, Analytics: map[string]string{"utm_source": "ñ"}, ClosedAt: time.Unix(5, 0).UTC()}
			for i := range 5000 {
				text := strings.Repeat(fmt.Sprint("message ", i, " \x00🙂 שלום "), 10)
				want.Messages = append(want.Messages, dialog.Message{ID: int64(i), Author: dialog.AuthorClient, Text: text, Time: time.Unix(int64(i), 0).UTC()})
			}
			_, err := s.Snapshot(t.Context(), "demo", row.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			require.NoError(t, s.SaveSnapshot(t.Context(), "demo", row.ID, dialog.Snapshot{}))
			require.NoError(t, s.SaveSnapshot(t.Context(), "demo", row.ID, want))
			got, err := s.Snapshot(t.Context(), "demo", row.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
			_, err = s.Snapshot(t.Context(), "other", row.ID)
			require.ErrorIs(t, err, store.ErrNotFound)
			require.ErrorIs(t, s.SaveSnapshot(t.Context(), "demo", "none", want), store.ErrNotFound)

			n, err := s.PurgeSnapshots(t.Context(), "demo", time.Now().Add(-time.Hour))
			require.NoError(t, err)
			require.Zero(t, n)
			n, err = s.PurgeSnapshots(t.Context(), "demo", time.Now().Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}
