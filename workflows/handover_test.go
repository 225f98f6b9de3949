package workflows_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
	"puente/workflows"
)

// alone is an event that names no request, as close_dialog does.
func alone(e *dialog.Event) { e.RequestID = 0 }

func request(id int64) func(*dialog.Event) {
	return func(e *dialog.Event) { e.RequestID, e.Type = id, "from_client" }
}

// status asks the run what it knows.
func (b *dialogBundle) status(t *testing.T) workflows.DialogState {
	t.Helper()
	value, err := b.env.QueryWorkflow(workflows.QueryDialogStatus)
	require.NoError(t, err)
	var state workflows.DialogState
	require.NoError(t, value.Get(&state))
	return state
}

// outage fails a number of times, almost a day apart.
func outage(days int) func() error {
	return func() error {
		if days--; days < 0 {
			return nil
		}
		return temporal.NewApplicationErrorWithOptions("connection refused", "Storage",
			temporal.ApplicationErrorOptions{NextRetryDelay: 23 * time.Hour})
	}
}

func TestNoCycleIsLostWithTheDatabase(t *testing.T) {
	t.Parallel()
	final := func() error { return refused("NotFound", "no such portal") }
	for name, c := range map[string]struct {
		recall, noteClose func() error
		problems          int
	}{
		"away when the run begins":  {recall: outage(5)},
		"away when a cycle closes":  {noteClose: outage(5)},
		"nothing can be recalled":   {recall: final, problems: 1},
		"the close cannot be noted": {noteClose: final, problems: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupDialog(t)
			b.recall = c.recall
			b.env.OnActivity(workflows.CloseCycleStep, mock.Anything).Return(func(in workflows.RecordCloseInput) (workflows.ClosedCycle, error) {
				if c.noteClose != nil {
					return workflows.ClosedCycle{Wanted: true, DialogID: in.DialogID}, c.noteClose()
				}
				return workflows.ClosedCycle{Wanted: true, DialogID: in.DialogID}, nil
			})
			b.signal(0, dialog.KindInbox, fromClient)
			b.signal(time.Minute, dialog.KindClosed, nil)
			b.run(t)
			require.Len(t, b.syncs, 1)
			require.Equal(t, int64(4401), b.syncs[0].DialogID)
			require.Len(t, b.status(t).Problems, c.problems, "an outage is waited for, however long; what is final is told")
		})
	}
}

func TestSyncThatCannotBeStartedIsStartedLater(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.refusals = 3
	b.signal(0, dialog.KindInbox, fromClient)
	b.signal(time.Minute, dialog.KindClosed, nil)
	b.signal(2*time.Minute, dialog.KindInbox, request(9902))
	b.signal(time.Hour, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = 9902 })
	b.run(t)
	require.Len(t, b.syncs, 2)
	require.Equal(t, int64(9901), b.syncs[0].RequestID)
	require.Equal(t, 2, b.status(t).Handed)
	require.NotEmpty(t, b.status(t).Problems)
}

func TestDialogGoesOnWhileChat2DeskIsAsked(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{RequestID: 9905}, nil).After(10 * time.Hour).Once()
	b.signal(0, dialog.KindDialogClose, alone)
	b.signal(time.Hour, dialog.KindInbox, request(9906))
	b.signal(2*time.Hour, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = 9906 })
	b.env.RegisterDelayedCallback(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Len(t, b.notices, 2, "a message came, and nobody leads the dialog")
		require.Len(t, b.syncs, 1)
	}, 3*time.Hour)
	b.run(t)
	require.Len(t, b.syncs, 2)
	require.Equal(t, []int64{9906, 9905}, []int64{b.syncs[0].RequestID, b.syncs[1].RequestID})
}

func TestMessageThatComesLateTellsTheRequestBeforeChat2DeskDoes(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{RequestID: 9905}, nil).After(10 * time.Hour).Once()
	b.signal(0, dialog.KindDialogClose, alone)
	b.signal(time.Hour, dialog.KindInbox, func(e *dialog.Event) { request(9905)(e); e.Time = e.Time.Add(-2 * time.Hour) })
	b.run(t)
	require.Len(t, b.syncs, 1, "told twice, handed over once")
	require.Equal(t, int64(9905), b.syncs[0].RequestID)
}

func TestRunThatContinuesAsksAgainForItsHeldCycle(t *testing.T) {
	t.Parallel()
	first := setupDialog(t)
	first.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{}, nil).After(10 * time.Hour).Maybe()
	first.signal(0, dialog.KindDialogClose, alone)
	first.env.RegisterDelayedCallback(func() { first.env.SetContinueAsNewSuggested(true) }, time.Minute)
	first.signal(time.Hour, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 301 })
	second := setupDialog(t)
	second.in = first.continued(t)
	second.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{RequestID: 9905}, nil).Once()
	second.signal(time.Minute, dialog.KindClosed, nil) // of the transferred one
	second.run(t)
	require.Len(t, second.syncs, 2)
}

func TestUnknownRequestsAreSyncedEachByItself(t *testing.T) {
	t.Parallel()
	begun := map[string]string{} // origin → id
	for _, hour := range []int{10, 11} {
		b := setupDialog(t)
		b.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{}, nil).Once()
		b.signal(0, dialog.KindDialogClose, func(e *dialog.Event) {
			alone(e)
			e.Time = time.Date(2026, 2, 3, hour, 0, 0, 0, time.UTC)
		})
		b.run(t)
		begun[workflows.Origin(b.syncs[0])] = b.syncIDs[0]
	}
	require.Equal(t, map[string]string{
		"dialog:4401:0:1:20260203T100000Z": "dialog-sync:demo:4401:0:20260203T100000Z",
		"dialog:4401:0:1:20260203T110000Z": "dialog-sync:demo:4401:0:20260203T110000Z",
	}, begun)
}

func TestSyncIsNamedByTheDialogThatIsKnown(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnActivity(workflows.CloseCycleStep, mock.Anything).Return(workflows.ClosedCycle{Wanted: true, DialogID: 4401}, nil).Once()
	b.signal(0, dialog.KindClosed, func(e *dialog.Event) { e.DialogID, e.ChannelID = 0, 0 })
	b.run(t)
	require.Equal(t, []string{"dialog-sync:demo:4401:9901"}, b.syncIDs)
	require.Equal(t, int64(4401), b.syncs[0].DialogID)
}

func TestPollThatOnlyTheStoreKnowsStartsNoSync(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnActivity(workflows.CloseCycleStep, mock.Anything).Return(workflows.ClosedCycle{}, nil).Once()
	b.signal(0, dialog.KindClosed, nil)
	b.run(t)
	require.Empty(t, b.syncs)
}

func TestNotificationsThatAreTooManyAreDroppedVisibly(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	portal := outage(1)
	b.notify = func(in workflows.NotifyInput) (workflows.Notified, error) {
		if err := portal(); err != nil {
			return workflows.Notified{}, err
		}
		b.notices = append(b.notices, in.Notices...)
		return workflows.Notified{Sent: len(in.Notices)}, nil
	}
	const messages = 600
	for i := range messages {
		b.signal(time.Duration(i)*time.Second, dialog.KindInbox, fromClient)
	}
	b.env.RegisterDelayedCallback(func() {
		state := b.status(t)
		require.Len(t, state.Notices, 500)
		require.Equal(t, messages+1-500, state.Dropped, "the messages, and one request to appoint somebody")
		require.Contains(t, state.Problems[len(state.Problems)-1], "incoming of event inbox:9901:")
	}, time.Hour)
	b.signal(48*time.Hour, dialog.KindClosed, nil)
	b.run(t)
	require.Len(t, b.notices, 500)
	require.Equal(t, fmt.Sprintf("inbox:9901:%s", (messages-1)*time.Second), b.notices[499].EventID, "the newest are told")
}

func TestRunOfTheFirstReleaseGoesOnAsItBegan(t *testing.T) {
	t.Parallel()
	b := setupDialog(t)
	b.env.OnGetVersion("hand-over", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	b.env.OnActivity(workflows.LearnRequestStep, mock.Anything).Return(workflows.LearnedRequest{}, nil).Once()
	b.env.OnActivity(workflows.RecordCloseStep, mock.Anything).Return(true, nil).Once()
	b.signal(0, dialog.KindDialogClose, alone)
	b.run(t)
	require.Equal(t, []string{"dialog-sync:demo:4401:0"}, b.syncIDs)
	b.env.AssertNotCalled(t, workflows.CloseCycleStep, mock.Anything)
}
