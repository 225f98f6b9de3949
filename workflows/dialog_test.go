package workflows_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
	"puente/workflows"
)

// dialogBundle runs a Dialog whose syncs are recorded instead of run.
type dialogBundle struct {
	env *testsuite.TestWorkflowEnvironment
	in  workflows.DialogInput

	recalled workflows.Recalled
	recall   func() error                                            // nil = recalled is what is known
	notify   func(workflows.NotifyInput) (workflows.Notified, error) // nil = all are sent
	refusals int                                                     // how many starts of a sync fail

	mu      sync.Mutex
	syncs   []workflows.SyncInput
	syncIDs []string
	notices []workflows.Notice
}

func setupDialog(t *testing.T) *dialogBundle {
	t.Helper()
	b := &dialogBundle{
		env: newEnv(t), in: workflows.DialogInput{Portal: portal, ClientID: 7001, ChannelID: 12}, recalled: workflows.Recalled{SettleSeconds: 5},
	}
	b.env.OnActivity(workflows.RecallDialogStep, mock.Anything).Return(
		func(workflows.RecallInput) (workflows.Recalled, error) {
			if b.recall != nil {
				return b.recalled, b.recall()
			}
			return b.recalled, nil
		}).Maybe()
	b.env.OnActivity(workflows.NotifyStep, mock.Anything).Return(func(in workflows.NotifyInput) (workflows.Notified, error) {
		if b.notify != nil {
			return b.notify(in)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.notices = append(b.notices, in.Notices...)
		return workflows.Notified{Sent: len(in.Notices)}, nil
	}).Maybe()
	b.env.OnWorkflow(workflows.DialogSyncWorkflow, mock.Anything, mock.Anything).Return(
		func(ctx workflow.Context, in workflows.SyncInput) (workflows.SyncResult, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.refusals > 0 {
				b.refusals--
				return workflows.SyncResult{}, testsuite.ErrMockStartChildWorkflowFailed
			}
			b.syncs = append(b.syncs, in)
			b.syncIDs = append(b.syncIDs, workflow.GetInfo(ctx).WorkflowExecution.ID)
			return workflows.SyncResult{Status: workflows.Done}, nil
		}).Maybe()
	return b
}

// signal delivers an event after the given time.
func (b *dialogBundle) signal(after time.Duration, kind dialog.EventKind, with func(*dialog.Event)) {
	e := dialog.Event{Kind: kind, ClientID: 7001, ChannelID: 12, DialogID: 4401, RequestID: 9901}
	e.Time = time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC).Add(after)
	if with != nil {
		with(&e)
	}
	e.Key = fmt.Sprintf("%s:%d:%s", kind, e.RequestID, after)
	e.ID = e.Key
	b.env.RegisterDelayedCallback(func() { b.env.SignalWorkflow(workflows.SignalDialogEvents, []dialog.Event{e}) }, after)
}

func (b *dialogBundle) run(t *testing.T) {
	t.Helper()
	b.env.ExecuteWorkflow(workflows.DialogWorkflow, b.in)
	require.True(t, b.env.IsWorkflowCompleted())
	require.NoError(t, b.env.GetWorkflowError())
}

func fromClient(e *dialog.Event) { e.Type = "from_client" }

func TestDialogHandsAClosedCycleToItsSyncAndEnds(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.signal(0, dialog.KindInbox, fromClient)
	b.signal(time.Second, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 301 })
	b.signal(2*time.Second, dialog.KindTag, func(e *dialog.Event) { e.TagID = 3 })
	b.signal(time.Hour, dialog.KindClosed, nil)
	b.signal(time.Hour+time.Second, dialog.KindDialogClose, func(e *dialog.Event) { e.RequestID = 0 })
	b.run(t)
	require.Len(t, b.syncs, 1)
	got := b.syncs[0]
	require.Equal(t, []int64{3}, got.Tags)
	require.Equal(t, int64(301), got.OperatorID)
	require.Equal(t, int64(9901), got.RequestID)
	require.Equal(t, int64(4401), got.DialogID)
	require.Equal(t, 1, got.Cycle)
}

func TestDialogTellsPeopleOncePerMessage(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.signal(0, dialog.KindInbox, fromClient)
	b.signal(time.Second, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 301 })
	b.signal(time.Minute, dialog.KindInbox, fromClient)
	b.signal(time.Hour, dialog.KindClosed, nil)
	b.run(t)
	var kinds []workflows.NoticeKind
	for _, n := range b.notices {
		kinds = append(kinds, n.Kind)
	}
	require.Equal(t, []workflows.NoticeKind{
		workflows.NoticeIncoming, workflows.NoticeAppoint, workflows.NoticeAssigned, workflows.NoticeIncoming,
	}, kinds)
	require.Equal(t, int64(301), b.notices[3].OperatorID)
}

func TestNotificationsThatFailHoldNoSyncBack(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.notify = func(workflows.NotifyInput) (workflows.Notified, error) {
		return workflows.Notified{}, errors.New("502")
	}
	b.signal(0, dialog.KindInbox, fromClient)
	b.signal(time.Minute, dialog.KindClosed, nil)
	b.env.RegisterDelayedCallback(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Len(t, b.syncs, 1, "handed over while the notification is still tried")
	}, time.Hour)
	b.run(t)
}

func TestRatingPollStartsNoSync(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.signal(0, dialog.KindNewRequest, func(e *dialog.Event) { e.Type = dialog.TypeRating })
	b.signal(time.Minute, dialog.KindClosed, nil)
	b.run(t)
	require.Empty(t, b.syncs)
}

func TestCloseAloneLearnsItsRequestFromChat2Desk(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{RequestID: 9905, DialogID: 4401}, nil).Once()
	b.signal(0, dialog.KindDialogClose, func(e *dialog.Event) { e.RequestID = 0 })
	b.run(t)
	require.Len(t, b.syncs, 1)
	require.Equal(t, int64(9905), b.syncs[0].RequestID)
}

func TestLateNewsOfAHandedOverCycleEndsTheRunAtOnce(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.recalled.Closed = []dialog.Closed{{RequestID: 9901, Number: 1, ClosedAt: time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)}}
	b.signal(0, dialog.KindInbox, fromClient)
	b.run(t)
	require.Empty(t, b.syncs)
}

func TestAnEventDuringTheCloseIsNotLost(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.signal(0, dialog.KindInbox, fromClient)
	b.signal(time.Hour, dialog.KindClosed, nil)
	// the next request comes while the first is being handed over
	b.signal(time.Hour+5*time.Second, dialog.KindInbox, func(e *dialog.Event) { e.Type, e.RequestID = "from_client", 9902 })
	b.signal(2*time.Hour, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = 9902 })
	b.run(t)
	require.Len(t, b.syncs, 2)
}

// continued runs the dialog and returns what the next run begins with.
func (b *dialogBundle) continued(t *testing.T) workflows.DialogInput {
	t.Helper()
	b.env.ExecuteWorkflow(workflows.DialogWorkflow, b.in)
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, b.env.GetWorkflowError(), &next)
	var in workflows.DialogInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.NotNil(t, in.State)
	return in
}

func TestContinueAsNewCarriesEverythingOver(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.signal(0, dialog.KindInbox, fromClient)
	b.env.RegisterDelayedCallback(func() { b.env.SetContinueAsNewSuggested(true) }, time.Minute)
	b.signal(time.Hour, dialog.KindInbox, fromClient)
	in := b.continued(t)
	require.Len(t, in.State.Dialog.Cycles, 1)
	require.Equal(t, 5*time.Second, in.State.Settle)

	second := setupDialog(t)
	second.in = in
	second.signal(time.Minute, dialog.KindClosed, nil)
	second.run(t)
	require.Len(t, second.syncs, 1)
}

func TestIDsAreBuiltAndRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, "dialog:demo:7001-12", workflows.DialogID("demo", 7001, 12))
	require.Equal(t, "dialog-sync:demo:4401:9901", workflows.DialogSyncID("demo", 4401, 9901, 1))
	require.Equal(t, "dialog-sync:demo:4401:9901.2", workflows.DialogSyncID("demo", 4401, 9901, 2))
	byClose := workflows.SyncInput{Portal: "demo", DialogID: 4401, Cycle: 1, ByClose: true, ClosedAt: time.Date(2026, 2, 3, 13, 0, 0, 0, time.FixedZone("", 3*3600))}
	require.Equal(t, "dialog-sync:demo:4401:0:20260203T100000Z", workflows.SyncID(byClose))
	require.Equal(t, "dialog:4401:0:1:20260203T100000Z", workflows.Origin(byClose))
	require.Equal(t, "demo", workflows.PortalOf("dialog-sync:demo:4401:9901"))
	require.Empty(t, workflows.PortalOf("other"))
}
