package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
	"puente/settings"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

const portal = "demo"

// fakes stand for the activities: a step without an expectation fails the test.
type fakes struct{}

func (*fakes) RecallDialog(workflows.RecallInput) (workflows.Recalled, error) {
	return workflows.Recalled{}, nil
}

func (*fakes) LearnRequest(workflows.LearnRequestInput) (workflows.LearnedRequest, error) {
	return workflows.LearnedRequest{}, nil
}
func (*fakes) RecordClose(workflows.RecordCloseInput) (bool, error) { return true, nil }
func (*fakes) CloseCycle(in workflows.RecordCloseInput) (workflows.ClosedCycle, error) {
	return workflows.ClosedCycle{Wanted: true, DialogID: in.DialogID}, nil
}

func (*fakes) Notify(workflows.NotifyInput) (workflows.Notified, error) {
	return workflows.Notified{}, nil
}

func (*fakes) OpenSync(workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	return workflows.OpenedSync{}, nil
}

func (*fakes) LoadDialog(workflows.LoadInput) (workflows.LoadedDialog, error) {
	return workflows.LoadedDialog{}, nil
}
func (*fakes) FindClient(workflows.FindInput) (dialog.Found, error) { return dialog.Found{}, nil }
func (*fakes) CommitDialog(workflows.CommitInput) (workflows.Committed, error) {
	return workflows.Committed{}, nil
}

func (*fakes) AwaitConversion(workflows.ConversionInput) (workflows.Converted, error) {
	return workflows.Converted{}, nil
}
func (*fakes) FinishSync(workflows.FinishInput) (bool, error) { return true, nil }
func (*fakes) ParkSync(workflows.ParkInput) (bool, error)     { return true, nil }

func newEnv(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(patient)
	env.SetTestTimeout(20 * time.Second)
	env.SetStartTime(time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC))
	env.RegisterWorkflowWithOptions(workflows.Dialog, workflow.RegisterOptions{Name: workflows.DialogWorkflow})
	env.RegisterWorkflowWithOptions(workflows.DialogSync, workflow.RegisterOptions{Name: workflows.DialogSyncWorkflow})
	env.RegisterActivity(&fakes{})
	return env
}

// syncBundle is a sync of one plain dialog on a mapped channel.
type syncBundle struct {
	env    *testsuite.TestWorkflowEnvironment
	in     workflows.SyncInput
	opened workflows.OpenedSync
	loaded workflows.LoadedDialog
}

func setupSync(t *testing.T) *syncBundle {
	t.Helper()
	return &syncBundle{
		env: newEnv(t),
		in: workflows.SyncInput{
			Portal: portal, ClientID: 7001, ChannelID: 12, DialogID: 4401, RequestID: 9901, Cycle: 1, OperatorID: 301,
			ClosedAt: time.Date(2026, 2, 3, 9, 59, 0, 0, time.UTC),
		},
		opened: workflows.OpenedSync{
			SyncID: "s1", Status: workflows.Syncing, Version: 3, Mapped: true,
			Channel: settings.Channel{ID: 12, Entity: settings.EntityDeal}, Tags: settings.Tags{Mode: settings.TagsIgnore},
			CRM: settings.CRM{Mode: settings.ModeSimple}, PortalURL: "https://p.example",
		},
		loaded: workflows.LoadedDialog{DialogID: 4401, ChannelID: 12, OperatorID: 301, Messages: 3, Talked: true, Source: dialog.SourceAPI},
	}
}

func (b *syncBundle) opens() {
	b.env.OnActivity(workflows.OpenSyncStep, mock.Anything).Return(b.opened, nil)
}

func (b *syncBundle) loads() {
	b.env.OnActivity(workflows.LoadDialogStep, mock.Anything).Return(b.loaded, nil).Once()
}

func (b *syncBundle) finds(f dialog.Found) *testsuite.MockCallWrapper {
	return b.env.OnActivity(workflows.FindClientStep, mock.Anything).Return(f, nil)
}

func (b *syncBundle) commits() *testsuite.MockCallWrapper {
	return b.env.OnActivity(workflows.CommitDialogStep, mock.Anything).Return(workflows.Committed{
		ContactID: 42, Entity: dialog.Ref{Kind: dialog.Deal, ID: 394}, CommentID: 999, NewEntity: true,
	}, nil)
}

func (b *syncBundle) finishes(want workflows.Status) {
	b.env.OnActivity(workflows.FinishSyncStep, mock.MatchedBy(func(in workflows.FinishInput) bool { return in.Status == want })).Return(true, nil).Once()
}

func (b *syncBundle) run(t *testing.T) workflows.SyncResult {
	t.Helper()
	b.env.ExecuteWorkflow(workflows.DialogSyncWorkflow, b.in)
	require.True(t, b.env.IsWorkflowCompleted())
	require.NoError(t, b.env.GetWorkflowError())
	var result workflows.SyncResult
	require.NoError(t, b.env.GetWorkflowResult(&result))
	b.env.AssertExpectations(t)
	return result
}

func refused(code, text string) error { return workflowstest.Refused(code, text) }

func TestSyncCommitsAClosedDialog(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opens()
	b.loads()
	b.finds(dialog.Found{Simple: true}).Once()
	b.commits().Once()
	b.finishes(workflows.Done)
	result := b.run(t)
	require.Equal(t, dialog.Ref{Kind: dialog.Deal, ID: 394}, result.Entity)
	require.NotEmpty(t, result.Rule)
}

func TestSyncSkipsAChannelThatMakesNothing(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opened.Channel.Entity = settings.EntityNone
	b.opens()
	b.finishes(workflows.Skipped)
	require.Equal(t, workflows.Skipped, b.run(t).Status)
	b.env.AssertNotCalled(t, workflows.LoadDialogStep, mock.Anything)
	b.env.AssertNotCalled(t, workflows.FindClientStep, mock.Anything)
}

func TestSyncIsGatedByTags(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tags settings.Tags
		want workflows.Status
	}{
		"only tagged, without":  {settings.Tags{Mode: settings.TagsOnly, IDs: []int64{1}}, workflows.Skipped},
		"only tagged, with":     {settings.Tags{Mode: settings.TagsOnly, IDs: []int64{2}}, workflows.Done},
		"not tagged, with":      {settings.Tags{Mode: settings.TagsNot, IDs: []int64{2}}, workflows.Skipped},
		"not tagged, on client": {settings.Tags{Mode: settings.TagsNot, IDs: []int64{7}}, workflows.Skipped},
		"ignored":               {settings.Tags{Mode: settings.TagsIgnore}, workflows.Done},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSync(t)
			b.opened.Tags, b.loaded.Tags, b.loaded.ClientTags = c.tags, []int64{2}, []int64{7}
			b.opens()
			b.loads()
			if c.want == workflows.Done {
				b.finds(dialog.Found{}).Once()
				b.commits().Once()
			}
			b.finishes(c.want)
			require.Equal(t, c.want, b.run(t).Status)
		})
	}
}

func TestParkedSyncShowsThePortalsWordsAndGoesOnAfterARetry(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opens()
	b.env.OnActivity(workflows.LoadDialogStep, mock.Anything).Return(b.loaded, nil)
	b.finds(dialog.Found{})
	b.env.OnActivity(workflows.CommitDialogStep, mock.Anything).Return(workflows.Committed{}, refused("CRM_FIELD_ERROR_REQUIRED", "City is required")).Once()
	b.env.OnActivity(workflows.ParkSyncStep, mock.MatchedBy(func(in workflows.ParkInput) bool {
		return in.Failure.Text == "City is required" && in.Failure.Step == "entity"
	})).Return(true, nil).Once()
	b.commits().Once()
	b.finishes(workflows.Done)
	accepted := &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) },
		OnComplete: func(any, error) {},
	}
	b.env.RegisterDelayedCallback(func() {
		b.assertStatus(t, workflows.Failed)
		b.env.UpdateWorkflow(workflows.UpdateRetrySync, "click-1", accepted, workflows.RetrySync{Actor: "anna", Reason: "mapped the city"})
	}, time.Hour)
	require.Equal(t, workflows.Done, b.run(t).Status)
}

func (b *syncBundle) assertStatus(t *testing.T, want workflows.Status) {
	t.Helper()
	value, err := b.env.QueryWorkflow(workflows.QuerySyncStatus)
	require.NoError(t, err)
	var state workflows.SyncState
	require.NoError(t, value.Get(&state))
	require.Equal(t, want, state.Status)
}

func TestSecondRetryIsRefusedWhileTheFirstBegins(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.env.OnActivity(workflows.OpenSyncStep, mock.Anything).Return(b.opened, nil).Once()
	b.env.OnActivity(workflows.OpenSyncStep, mock.Anything).Return(b.opened, nil).After(time.Hour).Once() // the database is away
	b.env.OnActivity(workflows.LoadDialogStep, mock.Anything).Return(b.loaded, nil)
	b.env.OnActivity(workflows.FindClientStep, mock.Anything).Return(dialog.Found{}, refused("ACCESS_DENIED", "Access denied.")).Once()
	b.env.OnActivity(workflows.ParkSyncStep, mock.Anything).Return(true, nil).Once()
	b.finds(dialog.Found{}).Once()
	b.commits().Once()
	b.finishes(workflows.Done)
	outcomes := make(chan error, 2)
	click := func(id string) func() {
		return func() {
			b.env.UpdateWorkflow(workflows.UpdateRetrySync, id, &testsuite.TestUpdateCallback{
				OnAccept: func() { outcomes <- nil }, OnReject: func(err error) { outcomes <- err }, OnComplete: func(any, error) {},
			}, workflows.RetrySync{Actor: "anna"})
		}
	}
	b.env.RegisterDelayedCallback(click("click-1"), time.Hour)
	b.env.RegisterDelayedCallback(click("click-2"), time.Hour+time.Minute)
	b.run(t)
	require.NoError(t, <-outcomes)
	require.ErrorContains(t, <-outcomes, "only a parked")
}

func TestRetryOfASyncThatIsNotParkedIsRefused(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opens()
	b.loads()
	b.finds(dialog.Found{}).After(time.Hour).Once()
	b.commits().Once()
	b.finishes(workflows.Done)
	rejected := make(chan error, 1)
	b.env.RegisterDelayedCallback(func() {
		b.env.UpdateWorkflow(workflows.UpdateRetrySync, "click-1", &testsuite.TestUpdateCallback{
			OnAccept: func() { rejected <- nil }, OnReject: func(err error) { rejected <- err }, OnComplete: func(any, error) {},
		}, workflows.RetrySync{Actor: "anna"})
	}, time.Minute)
	b.run(t)
	require.ErrorContains(t, <-rejected, "only a parked")
}

func TestAbandonedSyncEndsWithItsReason(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opens()
	b.loads()
	b.env.OnActivity(workflows.FindClientStep, mock.Anything).Return(dialog.Found{}, refused("ACCESS_DENIED", "Access denied.")).Once()
	b.env.OnActivity(workflows.ParkSyncStep, mock.Anything).Return(true, nil).Once()
	b.finishes(workflows.Abandoned)
	b.env.RegisterDelayedCallback(func() {
		b.env.UpdateWorkflow(workflows.UpdateAbandonSync, "click-1", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(err error) { require.NoError(t, err) }, OnComplete: func(any, error) {},
		}, workflows.AbandonSync{Actor: "anna", Reason: "spam"})
	}, time.Hour)
	result := b.run(t)
	require.Equal(t, workflows.Abandoned, result.Status)
	require.Equal(t, "spam", result.Reason)
}

func TestParkedSyncFailsAfterThirtyDays(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opens()
	b.loads()
	b.env.OnActivity(workflows.FindClientStep, mock.Anything).Return(dialog.Found{}, refused("ACCESS_DENIED", "Access denied.")).Once()
	b.env.OnActivity(workflows.ParkSyncStep, mock.Anything).Return(true, nil).Once()
	b.env.ExecuteWorkflow(workflows.DialogSyncWorkflow, b.in)
	require.True(t, b.env.IsWorkflowCompleted())
	require.ErrorContains(t, b.env.GetWorkflowError(), "parked for 30 days")
}

func TestSyncFindsAgainWhenTheGroundMoved(t *testing.T) {
	t.Parallel()
	for _, code := range []string{workflows.ErrClaimLost, workflows.ErrEntityGone} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := setupSync(t)
			b.opens()
			b.loads()
			var found []time.Time
			b.env.OnActivity(workflows.FindClientStep, mock.Anything).Return(func(workflows.FindInput) (dialog.Found, error) {
				found = append(found, b.env.Now())
				return dialog.Found{}, nil
			}).Times(3)
			b.env.OnActivity(workflows.CommitDialogStep, mock.Anything).Return(workflows.Committed{}, refused(code, "look again")).Twice()
			b.commits().Once()
			b.finishes(workflows.Done)
			b.run(t)
			require.GreaterOrEqual(t, found[1].Sub(found[0]), time.Second, "whoever moved the ground gets time to finish")
			require.GreaterOrEqual(t, found[2].Sub(found[1]), 2*time.Second, "and more each time")
		})
	}
}

func TestLeadIsFollowedToTheDealBitrix24MakesOfIt(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opened.Channel.Entity = settings.EntityLead
	b.opens()
	b.loads()
	b.finds(dialog.Found{Simple: true}).Once()
	b.env.OnActivity(workflows.CommitDialogStep, mock.Anything).Return(workflows.Committed{
		Entity: dialog.Ref{Kind: dialog.Lead, ID: 15}, CommentID: 7, NewEntity: true,
	}, nil).Once()
	b.env.OnActivity(workflows.AwaitConversionStep, mock.Anything).Return(workflows.Converted{DealID: 16, ContactID: 43}, nil).Once()
	b.finishes(workflows.Done)
	var patience, each time.Duration
	b.env.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		if info.ActivityType.Name == workflows.AwaitConversionStep {
			patience, each = info.ScheduleToCloseTimeout, info.StartToCloseTimeout
		}
	})
	result := b.run(t)
	require.Equal(t, []time.Duration{15 * time.Minute, 5 * time.Minute}, []time.Duration{patience, each}, "a busy portal's permits are waited for")
	require.Equal(t, int64(16), result.DealID)
	require.Equal(t, int64(43), result.ContactID)
}

func TestEndedLedgerRowIsNotTouchedAgain(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.opened.Status = workflows.Done
	b.opens()
	require.Equal(t, workflows.Done, b.run(t).Status)
	b.env.AssertNotCalled(t, workflows.LoadDialogStep, mock.Anything)
}

func TestChannelLearnedFromTheTranscriptIsObeyed(t *testing.T) {
	t.Parallel()
	b := setupSync(t)
	b.in.ChannelID, b.opened.Mapped = 0, false
	b.opened.Channel = settings.Channel{}
	b.env.OnActivity(workflows.OpenSyncStep, mock.Anything).Return(b.opened, nil).Once()
	none := b.opened
	none.Mapped, none.Channel = true, settings.Channel{ID: 12, Entity: settings.EntityNone}
	b.env.OnActivity(workflows.OpenSyncStep, mock.MatchedBy(func(in workflows.OpenSyncInput) bool { return in.Sync.ChannelID == 12 })).
		Return(none, nil).Once()
	b.loads()
	b.finishes(workflows.Skipped)
	require.Contains(t, b.run(t).Reason, "channel 12")
}
