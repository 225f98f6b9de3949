package rerun_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"puente/dialog"
	"puente/rerun"
	"puente/store"
	"puente/workflows"
)

const workflowID = "dialog-sync:demo:1:2"

type bundle struct {
	*rerun.Service
	store    *store.Store
	temporal *mocks.Client
	row      store.Sync
}

var input = workflows.SyncInput{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 1, RequestID: 2, Cycle: 1}

// setup has one sync in the given state.
func setup(t *testing.T, status string) *bundle {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "p.db"), store.Options{
		SecretKey: []byte("a passphrase for tests, long enough"), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	raw, err := json.Marshal(input)
	require.NoError(t, err)
	row, _, err := s.OpenSync(t.Context(), store.Sync{
		Portal: "demo", Kind: "dialog", WorkflowID: workflowID, Status: status, Reason: "as it was", DialogID: 1, RequestID: 2, Input: raw,
		Correction: json.RawMessage(`{"contact_id":5}`), ErrorCode: "E", ErrorText: "refused",
	})
	require.NoError(t, err)
	temporal := &mocks.Client{}
	temporal.Test(t)
	t.Cleanup(func() { temporal.AssertExpectations(t) })
	return &bundle{Service: &rerun.Service{Store: s, Temporal: temporal}, store: s, temporal: temporal, row: row}
}

func (b *bundle) workflowIs(status enumspb.WorkflowExecutionStatus) {
	b.temporal.On("DescribeWorkflowExecution", mock.Anything, workflowID, "").Return(&workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: status},
	}, nil)
}

func (b *bundle) current(t *testing.T) store.Sync {
	t.Helper()
	row, err := b.store.Sync(t.Context(), "demo", b.row.ID)
	require.NoError(t, err)
	return row
}

func (b *bundle) audited(t *testing.T) []store.AuditEntry {
	t.Helper()
	entries, _, err := b.store.AuditLog(t.Context(), "demo", "sync:"+b.row.ID, store.Page{})
	require.NoError(t, err)
	return entries
}

func ask(r rerun.Request) rerun.Request {
	r.Actor = "Ana"
	return r
}

func requireKind(t *testing.T, err error, kind rerun.Kind) {
	t.Helper()
	var e *rerun.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, err.Error())
	require.NotEmpty(t, e.Text)
}

func TestParkedSyncGoesOnByItsUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	correction := &dialog.Correction{Responsible: 9}
	handle := &mocks.WorkflowUpdateHandle{}
	handle.On("Get", mock.Anything, nil).Return(nil)
	b.temporal.On("UpdateWorkflow", mock.Anything, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateID: "click-1", UpdateName: "retry-sync", WaitForStage: client.WorkflowUpdateStageAccepted,
		Args: []any{workflows.RetrySync{Actor: "Ana", Reason: "fixed", Correction: correction}},
	}).Return(handle, nil)

	out, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "fixed", Correction: correction, RequestID: "click-1"}))
	require.NoError(t, err)
	require.Equal(t, rerun.Continued, out.How)
	require.Equal(t, b.row.Input, b.current(t).Input, "the original input stays")
	require.Equal(t, store.SyncFailed, b.current(t).Status, "the run itself tells how it goes on")

	audit := b.audited(t)
	require.Len(t, audit, 1)
	require.Equal(t, []string{"Ana", "sync.rerun", "fixed"}, []string{audit[0].Actor, audit[0].Action, audit[0].Reason})
	require.JSONEq(t, `{"status":"failed","error":"E refused","correction":{"contact_id":5}}`, string(audit[0].Before))
	require.JSONEq(t, `{"how":"continued","request_id":"click-1","correction":{"responsible":9}}`, string(audit[0].After))
}

func TestRunThatIsNotParkedRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncSyncing)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	handle := &mocks.WorkflowUpdateHandle{}
	handle.On("Get", mock.Anything, nil).Return(temporal.NewApplicationError("the sync is syncing; only a parked one", ""))
	b.temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(handle, nil)
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Refused)
	require.Contains(t, err.Error(), "only a parked one")
	require.Empty(t, b.audited(t))
}

func TestRunThatIsJustParkingIsAskedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	early, late := &mocks.WorkflowUpdateHandle{}, &mocks.WorkflowUpdateHandle{}
	early.On("Get", mock.Anything, nil).Return(temporal.NewApplicationError("the sync is syncing; only a parked one", ""))
	late.On("Get", mock.Anything, nil).Return(nil)
	b.temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(early, nil).Once()
	b.temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(late, nil).Once()
	out, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	require.NoError(t, err)
	require.Equal(t, rerun.Continued, out.How)
}

// TestClosedRunIsStartedAgain: every way a run can end without its work done.
func TestClosedRunIsStartedAgain(t *testing.T) {
	t.Parallel()
	failedOnly, duplicate := enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	for name, tc := range map[string]struct {
		ledger string
		closed enumspb.WorkflowExecutionStatus
		policy enumspb.WorkflowIdReusePolicy
	}{
		"parked for too long":       {store.SyncFailed, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, failedOnly},
		"timed out":                 {store.SyncFailed, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT, failedOnly},
		"terminated by a person":    {store.SyncSyncing, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, failedOnly},
		"terminated at the start":   {store.SyncOpen, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, failedOnly},
		"skipped by the settings":   {store.SyncSkipped, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, duplicate},
		"abandoned, then regretted": {store.SyncAbandoned, enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, duplicate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, tc.ledger)
			b.workflowIs(tc.closed)
			run := &mocks.WorkflowRun{}
			run.On("GetRunID").Return("run-2")
			b.temporal.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
				return o.ID == workflowID && o.TaskQueue == workflows.DialogsQueue && o.WorkflowIDReusePolicy == tc.policy &&
					o.WorkflowExecutionErrorWhenAlreadyStarted && o.StaticSummary != "" && o.TypedSearchAttributes.Size() > 0
			}), workflows.DialogSyncWorkflow, input).Return(run, nil)

			out, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{Correction: &dialog.Correction{IgnoreTags: true}}))
			require.NoError(t, err)
			require.Equal(t, []string{"started", "run-2"}, []string{string(out.How), out.RunID})
			row := b.current(t)
			require.Equal(t, store.SyncOpen, row.Status, "a run that finds its row ended does nothing")
			require.Equal(t, 1, row.Reruns)
			require.JSONEq(t, `{"ignore_tags":true}`, string(row.Correction))
			require.JSONEq(t, string(b.row.Input), string(row.Input))
			require.Len(t, b.audited(t), 1)
		})
	}
}

func TestRunPastItsRetentionIsStartedAgainAndKeepsItsCorrection(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.temporal.On("DescribeWorkflowExecution", mock.Anything, workflowID, "").Return(nil, serviceerror.NewNotFound("gone"))
	run := &mocks.WorkflowRun{}
	run.On("GetRunID").Return("run-2")
	b.temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, input).Return(run, nil)
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	require.NoError(t, err)
	require.JSONEq(t, `{"contact_id":5}`, string(b.current(t).Correction))
}

func TestRefusedStartPutsTheLedgerBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		kind rerun.Kind
	}{
		"completed meanwhile": {serviceerror.NewWorkflowExecutionAlreadyStarted("started", "r", "run"), rerun.Refused},
		"Temporal is down":    {serviceerror.NewUnavailable("down"), rerun.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, store.SyncFailed)
			b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_FAILED)
			b.temporal.On("ExecuteWorkflow", mock.Anything, mock.Anything, mock.Anything, input).Return(nil, tc.err)
			_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{Correction: &dialog.Correction{Responsible: 3}}))
			requireKind(t, err, tc.kind)
			row := b.current(t)
			require.Equal(t, []any{b.row.Status, b.row.Reason, 0}, []any{row.Status, row.Reason, row.Reruns})
			require.JSONEq(t, `{"contact_id":5}`, string(row.Correction))
			require.Empty(t, b.audited(t))
		})
	}
}

func TestDoneSyncIsNotRunAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncDone)
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Refused)
	_, err = b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "no"}))
	requireKind(t, err, rerun.Refused)
}

func TestWrongRequestsNeverReachTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	negative := int64(-1)
	for name, r := range map[string]rerun.Request{
		"nobody asks":       {Actor: "  "},
		"negative contact":  ask(rerun.Request{Correction: &dialog.Correction{ContactID: -5}}),
		"negative pipeline": ask(rerun.Request{Correction: &dialog.Correction{Pipeline: &negative}}),
		"no such kind":      ask(rerun.Request{Correction: &dialog.Correction{Entity: &dialog.Ref{Kind: "company", ID: 4}}}),
		"entity without id": ask(rerun.Request{Correction: &dialog.Correction{Entity: &dialog.Ref{Kind: "deal"}}}),
	} {
		_, err := b.One(t.Context(), "demo", b.row.ID, r)
		requireKind(t, err, rerun.Invalid)
		require.NotEmpty(t, name)
	}
	_, err := b.One(t.Context(), "other", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.NotFound)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Invalid)
	_, err = b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "x", Correction: &dialog.Correction{}}))
	requireKind(t, err, rerun.Invalid)
}

func TestTemporalThatDoesNotAnswerIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.temporal.On("DescribeWorkflowExecution", mock.Anything, workflowID, "").Return(nil, context.DeadlineExceeded)
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Unreachable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestRunThatEndsInTheSameMomentIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	b.temporal.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(nil, serviceerror.NewNotFound("workflow execution already completed"))
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Refused)
}

func TestUnreadableInputIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	require.NoError(t, b.store.UpdateSync(t.Context(), "demo", b.row.ID, func(s *store.Sync) { s.Input = nil }))
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_FAILED)
	_, err := b.One(t.Context(), "demo", b.row.ID, ask(rerun.Request{}))
	requireKind(t, err, rerun.Refused)
}

func TestParkedSyncIsAbandonedByItsUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	handle := &mocks.WorkflowUpdateHandle{}
	handle.On("Get", mock.Anything, nil).Return(nil)
	b.temporal.On("UpdateWorkflow", mock.Anything, mock.MatchedBy(func(o client.UpdateWorkflowOptions) bool {
		return o.UpdateName == "abandon-sync" && o.Args[0] == workflows.AbandonSync{Actor: "Ana", Reason: "spam"} && o.UpdateID != ""
	})).Return(handle, nil)
	_, err := b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "spam"}))
	require.NoError(t, err)
	require.Equal(t, "sync.abandon", b.audited(t)[0].Action)
}

func TestClosedRunIsAbandonedInTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	_, err := b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "spam"}))
	require.NoError(t, err)
	row := b.current(t)
	require.Equal(t, []string{store.SyncAbandoned, "spam"}, []string{row.Status, row.Reason})
	require.False(t, row.FinishedAt.IsZero())
}

// brokenAudit is a ledger that cannot write down who did what.
type brokenAudit struct{ *store.Store }

var errDisk = errors.New("disk full")

func (brokenAudit) Audit(context.Context, store.AuditEntry) error { return errDisk }

func TestRerunThatCannotBeWrittenDownIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t, store.SyncFailed)
	b.workflowIs(enumspb.WORKFLOW_EXECUTION_STATUS_FAILED)
	b.Store = brokenAudit{b.store}
	_, err := b.Abandon(t.Context(), "demo", b.row.ID, ask(rerun.Request{Reason: "spam"}))
	require.ErrorIs(t, err, errDisk)
}
