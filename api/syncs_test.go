package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"puente/api"
	"puente/dialog"
	"puente/store"
	"puente/workflows"
)

type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

// open puts a row into the ledger; what OpenSync leaves out follows by UpdateSync.
func (b *bundle) open(t *testing.T, s store.Sync) store.Sync {
	t.Helper()
	if s.Portal == "" {
		s.Portal = "demo"
	}
	s.Kind = "dialog"
	row, created, err := b.store.OpenSync(t.Context(), s)
	require.NoError(t, err)
	require.True(t, created)
	return row
}

// failed is a parked sync.
func (b *bundle) failed(t *testing.T) store.Sync {
	t.Helper()
	input, err := json.Marshal(workflows.SyncInput{Portal: "demo", ClientID: 7, DialogID: 1, RequestID: 2, Cycle: 1})
	require.NoError(t, err)
	return b.open(t, store.Sync{
		WorkflowID: "dialog-sync:demo:1:2", RunID: "run-1", Status: store.SyncFailed, ClientID: 7, DialogID: 1, RequestID: 2, Cycle: 1,
		ContactID: 40, DealID: 41, Input: input, ErrorStep: "fields", ErrorCode: "CRM_FIELD_ERROR_REQUIRED", ErrorText: "City is required",
	})
}

func TestLedgerIsListedFilteredAndPaged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for i := range 5 {
		status := store.SyncDone
		if i%2 == 0 {
			status = store.SyncFailed
		}
		b.open(t, store.Sync{
			WorkflowID: fmt.Sprintf("dialog-sync:demo:%d:1", i), DialogID: int64(100 + i), Status: status, CreatedAt: start.Add(time.Duration(i) * time.Hour),
		})
	}
	require.Equal(t, []int64{104, 103}, firstPage(t, b, "limit=2"))
	require.Equal(t, []int64{104, 102, 100}, firstPage(t, b, "status=failed"))
	require.Equal(t, []int64{104, 103, 102, 101, 100}, firstPage(t, b, "status=failed,done&kind=dialog"))
	require.Equal(t, []int64{102, 101}, firstPage(t, b, "since=2026-01-02T04:00:00Z&until=2026-01-02T06:00:00Z"))
	require.Equal(t, []int64{103}, firstPage(t, b, "q=103"))

	sums := decode[map[string]int](t, b.get("/v1/portals/demo/syncs/summary"), http.StatusOK)
	require.Equal(t, map[string]int{"open": 0, "syncing": 0, "failed": 3, "done": 2, "skipped": 0, "abandoned": 0}, sums)
	sums = decode[map[string]int](t, b.get("/v1/portals/demo/syncs/summary?since=2026-01-02T06:30:00Z"), http.StatusOK)
	require.Equal(t, 1, sums["failed"])
}

func firstPage(t *testing.T, b *bundle, query string) []int64 {
	t.Helper()
	var ids []int64
	for _, s := range decode[page[api.Sync]](t, b.get("/v1/portals/demo/syncs?"+query), http.StatusOK).Items {
		ids = append(ids, s.DialogID)
	}
	return ids
}

func TestPagesFollowTheCursorToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 7 {
		b.open(t, store.Sync{WorkflowID: fmt.Sprintf("dialog-sync:demo:%d:1", i), DialogID: int64(i + 1)})
	}
	seen, cursor := map[int64]bool{}, ""
	for range 4 {
		p := decode[page[api.Sync]](t, b.get("/v1/portals/demo/syncs?limit=2&cursor="+url.QueryEscape(cursor)), http.StatusOK)
		for _, s := range p.Items {
			require.False(t, seen[s.DialogID])
			seen[s.DialogID] = true
		}
		cursor = p.NextCursor
	}
	require.Len(t, seen, 7)
	require.Empty(t, cursor)
}

func TestWrongFiltersAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for query, field := range map[string]string{
		"status=broken": "query.status", "since=yesterday": "query.since", "limit=0": "query.limit", "limit=1000": "query.limit", "cursor=zz!": "query.cursor",
	} {
		p := requireProblem(t, b.get("/v1/portals/demo/syncs?"+query), http.StatusUnprocessableEntity)
		require.Len(t, p.Errors, 1, query)
		require.Contains(t, p.Errors[0].Location, field)
		require.NotEmpty(t, p.Errors[0].Message)
	}
}

func TestOneSyncTellsStepsErrorAndLinks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	row := b.failed(t)
	require.NoError(t, b.store.SaveStep(t.Context(), store.Step{
		SyncID: row.ID, Name: "entity", Status: "done", EntityKind: "deal", EntityID: 41, Detail: "created", Requests: 1,
	}))
	require.NoError(t, b.store.SaveSnapshot(t.Context(), "demo", row.ID, dialog.Snapshot{
		Source: dialog.SourceAPI, Messages: []dialog.Message{
			{Author: dialog.AuthorClient, Text: "¿hola?", Files: []dialog.File{{Name: "a"}}}, {Author: dialog.AuthorOperator, Text: "hi"},
		},
	}))
	got := decode[api.SyncDetail](t, b.get("/v1/portals/demo/syncs/"+row.ID), http.StatusOK)
	require.Equal(t, &api.SyncError{Step: "fields", Code: "CRM_FIELD_ERROR_REQUIRED", Text: "City is required"}, got.Error)
	require.Equal(t, "http://ui:8233/namespaces/default/workflows/dialog-sync:demo:1:2/run-1", got.RunURL)
	require.Equal(t, []api.Entity{
		{Kind: "contact", ID: 40, URL: "https://demo.bitrix24.example/crm/contact/details/40/"},
		{Kind: "deal", ID: 41, URL: "https://demo.bitrix24.example/crm/deal/details/41/"},
	}, got.Entities)
	require.Len(t, got.Steps, 1)
	require.Equal(t, "https://demo.bitrix24.example/crm/deal/details/41/", got.Steps[0].Entity.URL)
	require.Equal(t, []int{2, 1, 1, 1, 8}, []int{
		got.Transcript.Messages, got.Transcript.FromClient, got.Transcript.FromOperator, got.Transcript.Files, got.Transcript.Characters,
	})
	require.Contains(t, string(got.Input), `"dialog_id":1`)
	require.NotContains(t, b.get("/v1/portals/demo/syncs/"+row.ID).Body.String(), "rest/1/hook", "the webhook of the portal is a secret")
}

func TestUnknownSyncIsNotFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireProblem(t, b.get("/v1/portals/demo/syncs/01890000-0000-7000-8000-000000000000"), http.StatusNotFound)
	requireProblem(t, b.get("/v1/portals/demo/syncs/a%00b"), http.StatusUnprocessableEntity)
}

func TestParkedSyncIsRunAgainWithACorrection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	row := b.failed(t)
	w := b.send(http.MethodPost, "/v1/portals/demo/syncs/"+row.ID+"/rerun",
		`{"reason":"field was added","correction":{"fields":{"UF_CRM_CITY":"Lima"}}}`, "X-Puente-Actor", "Ana", "Idempotency-Key", "click-1")
	got := decode[map[string]string](t, w, http.StatusAccepted)
	require.Equal(t, "continued", got["how"])
	require.Equal(t, "click-1", got["request_id"])

	require.Len(t, b.temporal.updates, 1)
	update := b.temporal.updates[0]
	require.Equal(t, []string{row.WorkflowID, "click-1", workflows.UpdateRetrySync}, []string{update.WorkflowID, update.UpdateID, update.UpdateName})
	require.Equal(t, workflows.RetrySync{
		Actor: "Ana", Reason: "field was added", Correction: &dialog.Correction{Fields: map[string]string{"UF_CRM_CITY": "Lima"}},
	}, update.Args[0])

	type entry struct{ Actor, Action, Subject, Reason string }
	audit := decode[page[entry]](t, b.get("/v1/portals/demo/audit?subject=sync:"+row.ID), http.StatusOK)
	require.Equal(t, []entry{{"Ana", "sync.rerun", "sync:" + row.ID, "field was added"}}, audit.Items)
}

func TestRerunWithoutABodyIsEnough(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	row := b.failed(t)
	require.Equal(t, http.StatusAccepted, b.send(http.MethodPost, "/v1/portals/demo/syncs/"+row.ID+"/rerun", "").Code)
}

func TestRefusedReruns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	row := b.failed(t)
	path := "/v1/portals/demo/syncs/" + row.ID

	p := requireProblem(t, b.send(http.MethodPost, path+"/rerun", `{"correction":{"colour":"red"}}`), http.StatusUnprocessableEntity)
	require.Contains(t, p.Errors[0].Location, "colour")
	requireProblem(t, b.send(http.MethodPost, path+"/rerun", `{"correction":{"entity":{"kind":"contact","id":5}}}`), http.StatusUnprocessableEntity)
	requireProblem(t, b.send(http.MethodPost, path+"/abandon", `{"reason":""}`), http.StatusUnprocessableEntity)
	requireProblem(t, b.send(http.MethodPost, path+"/rerun", `{`), http.StatusBadRequest)
	require.Empty(t, b.temporal.updates)

	b.temporal.refusal = temporal.NewApplicationError("the sync is syncing; only a parked (failed) one can be run again", "")
	p = requireProblem(t, b.send(http.MethodPost, path+"/rerun", `{}`), http.StatusConflict)
	require.Contains(t, p.Detail, "only a parked")

	done := b.open(t, store.Sync{WorkflowID: "dialog-sync:demo:8:8", Status: store.SyncDone})
	p = requireProblem(t, b.send(http.MethodPost, "/v1/portals/demo/syncs/"+done.ID+"/rerun", `{}`), http.StatusConflict)
	require.Contains(t, p.Detail, "done")
}

func TestSyncIsAbandonedWithAReason(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.temporal.status = enumspb.WORKFLOW_EXECUTION_STATUS_FAILED
	row := b.failed(t)
	decode[map[string]string](t, b.send(http.MethodPost, "/v1/portals/demo/syncs/"+row.ID+"/abandon", `{"reason":"a test"}`), http.StatusAccepted)
	got := decode[api.SyncDetail](t, b.get("/v1/portals/demo/syncs/"+row.ID), http.StatusOK)
	require.Equal(t, []string{"abandoned", "a test"}, []string{got.Status, got.Reason})
	require.NotNil(t, got.FinishedAt)
}
