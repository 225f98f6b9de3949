package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// testWorkflow is the id under which the test environment runs activities.
const testWorkflow = "default-test-workflow-id"

func (b *bundle) openSync(in workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	return run[workflows.OpenedSync](b, workflows.OpenSyncStep, in)
}

func syncInput() workflows.SyncInput {
	return workflows.SyncInput{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 4401, RequestID: 99, Cycle: 1, OperatorID: 301}
}

func TestDialogRecallsWhatEarlierRunsLearned(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.General.SettleSeconds = 3 })
	in := workflows.RecallInput{Portal: "demo", ClientID: 7, ChannelID: 12}
	out, err := run[workflows.Recalled](b, workflows.RecallDialogStep, in)
	require.NoError(t, err)
	require.Equal(t, workflows.Recalled{SettleSeconds: 3}, out, "a new dialog")

	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 4401, OperatorID: 301}))
	at := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	for i := range int64(3) {
		closed, err := run[workflows.ClosedCycle](b, workflows.CloseCycleStep, workflows.RecordCloseInput{
			Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 4401, Closed: dialog.Closed{RequestID: 99 + i, Number: 1, ClosedAt: at},
		})
		require.NoError(t, err)
		require.Equal(t, workflows.ClosedCycle{Wanted: true, DialogID: 4401}, closed)
	}
	out, err = run[workflows.Recalled](b, workflows.RecallDialogStep, in)
	require.NoError(t, err)
	require.Equal(t, int64(4401), out.DialogID)
	require.Equal(t, int64(301), out.OperatorID)
	require.Len(t, out.Closed, 3)
	require.Equal(t, int64(99), out.Closed[0].RequestID, "oldest first")
	require.True(t, at.Equal(out.Closed[0].ClosedAt))
}

func TestDialogOfAPortalWithoutSettingsIsFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	out, err := run[workflows.Recalled](b, workflows.RecallDialogStep, workflows.RecallInput{Portal: "new", ClientID: 7, ChannelID: 12})
	require.NoError(t, err, "an error would end the workflow and lose its signals")
	require.Equal(t, settings.DefaultSettleSeconds, out.SettleSeconds)
}

func TestQualityPollIsNothingToHandOver(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.NoError(t, b.store.LearnRequest(t.Context(), store.RequestRow{Portal: "demo", RequestID: 99, Type: dialog.TypeRating}))
	for id, want := range map[int64]bool{99: false, 100: true, 0: true} {
		in := workflows.RecordCloseInput{Portal: "demo", Closed: dialog.Closed{RequestID: id, Number: 1}}
		got, err := run[workflows.ClosedCycle](b, workflows.CloseCycleStep, in)
		require.NoError(t, err)
		require.Equal(t, want, got.Wanted, id)
		old, err := run[bool](b, workflows.RecordCloseStep, in)
		require.NoError(t, err)
		require.Equal(t, want, old, "runs of the first release ask so")
	}
}

func TestOneRequestIsSyncedUnderOneDialog(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	provisional := workflows.RecordCloseInput{Portal: "demo", ClientID: 7, Closed: dialog.Closed{RequestID: 99, Number: 1}}
	named := provisional
	named.ChannelID, named.DialogID = 12, 4401
	closeCycle := func(in workflows.RecordCloseInput) int64 {
		out, err := run[workflows.ClosedCycle](b, workflows.CloseCycleStep, in)
		require.NoError(t, err)
		return out.DialogID
	}
	require.Zero(t, closeCycle(provisional), "nobody knows the dialog yet")
	require.NoError(t, b.store.LearnRequest(t.Context(), store.RequestRow{Portal: "demo", RequestID: 99, DialogID: 4401}))
	require.Equal(t, int64(4401), closeCycle(provisional), "known from the store")
	require.Equal(t, int64(4401), closeCycle(named))

	_, _, err := b.store.OpenSync(t.Context(), store.Sync{Portal: "demo", Kind: "dialog", WorkflowID: workflows.DialogSyncID("demo", 0, 99, 1)})
	require.NoError(t, err)
	require.Zero(t, closeCycle(named), "a sync was begun before the dialog was known: it is the same one")
	again := named
	again.Closed.Number = 2
	require.Equal(t, int64(4401), closeCycle(again), "the next cycle is one of its own")
}

func TestLedgerRowIsOpenedOnceAndRunAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	first, err := b.openSync(workflows.OpenSyncInput{Sync: syncInput()})
	require.NoError(t, err)
	require.Equal(t, workflows.Syncing, first.Status)
	require.True(t, first.Mapped)
	require.Equal(t, settings.EntityDeal, first.Channel.Entity)
	require.NotEmpty(t, first.PortalURL)

	b.configure(t, func(s *settings.Settings) { s.CRM.Channels[0].Entity = settings.EntityLead })
	again, err := b.openSync(workflows.OpenSyncInput{Sync: syncInput(), Rerun: 1, Correction: &dialog.Correction{Responsible: 9}})
	require.NoError(t, err)
	require.Equal(t, first.SyncID, again.SyncID)
	require.Equal(t, settings.EntityLead, again.Channel.Entity, "settings are read anew")
	require.Equal(t, int64(9), again.Correction.Responsible)
	last, err := b.openSync(workflows.OpenSyncInput{Sync: syncInput(), Rerun: 2})
	require.NoError(t, err)
	require.Equal(t, int64(9), last.Correction.Responsible, "no correction keeps the last one")
	row, err := b.store.Sync(t.Context(), "demo", first.SyncID)
	require.NoError(t, err)
	require.Equal(t, 2, row.Reruns)
	require.Equal(t, 3, row.Attempts)
	require.Equal(t, b.version, row.SettingsVersion)
}

func TestEndedLedgerRowIsLeftAlone(t *testing.T) {
	t.Parallel()
	for status, c := range map[workflows.Status]struct {
		rerun int
		ended bool
	}{
		workflows.Done:      {1, true},
		workflows.Abandoned: {1, true},
		workflows.Skipped:   {0, true},
		workflows.Failed:    {0, false},
		workflows.Open:      {0, false},
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			opened, err := b.openSync(workflows.OpenSyncInput{Sync: syncInput()})
			require.NoError(t, err)
			require.NoError(t, b.store.UpdateSync(t.Context(), "demo", opened.SyncID, func(s *store.Sync) { s.Status = string(status) }))
			again, err := b.openSync(workflows.OpenSyncInput{Sync: syncInput(), Rerun: c.rerun})
			require.NoError(t, err)
			require.Equal(t, c.ended, again.Status == status)
		})
	}
}

func TestSyncOfAPortalThatIsNotReadyIsSeenInTheLedger(t *testing.T) {
	t.Parallel()
	for name, portal := range map[string]string{"without settings": "new", "deleted": "gone"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{Slug: "new"}))
			in := syncInput()
			in.Portal = portal
			_, err := b.openSync(workflows.OpenSyncInput{Sync: in})
			f, app := failure(t, err)
			require.True(t, app.NonRetryable())
			ok, err := run[bool](b, workflows.ParkSyncStep, workflows.ParkInput{Portal: portal, Owner: testWorkflow, Failure: f})
			require.NoError(t, err)
			require.True(t, ok)
			row, err := b.store.SyncByWorkflow(t.Context(), portal, testWorkflow)
			require.NoError(t, err)
			require.Equal(t, store.SyncFailed, row.Status)
			require.NotEmpty(t, row.ErrorText)
		})
	}
}

func TestParkingWithoutALedgerRowIsNoFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	ok, err := run[bool](b, workflows.ParkSyncStep, workflows.ParkInput{Portal: "demo", Owner: "unknown"})
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = run[bool](b, workflows.FinishSyncStep, workflows.FinishInput{Portal: "demo", Owner: "unknown"})
	require.NoError(t, err)
	require.False(t, ok)
}

func TestFinishedSyncIsRememberedAndGivesTheClientFree(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 7, nil)
	c.find(t)
	_, err := run[bool](b, workflows.FinishSyncStep, workflows.FinishInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Status: workflows.Done, Rule: "a rule", Sync: c.in,
		ContactID: 42, Entity: dialog.Ref{Kind: dialog.Lead, ID: 15}, DealID: 16,
	})
	require.NoError(t, err)
	contact, linked, err := b.store.Link(t.Context(), "demo", "client:7")
	require.NoError(t, err)
	require.True(t, linked)
	require.Equal(t, int64(42), contact)
	row, err := b.store.Dialog(t.Context(), "demo", 7, 12)
	require.NoError(t, err)
	require.Equal(t, []int64{42, 16, 15}, []int64{row.ContactID, row.DealID, row.LeadID})
	sync, err := b.store.Sync(t.Context(), "demo", c.syncID)
	require.NoError(t, err)
	require.Equal(t, []int64{42, 16, 15}, []int64{sync.ContactID, sync.DealID, sync.LeadID})
	require.Equal(t, "a rule", sync.Rule)
	require.False(t, sync.FinishedAt.IsZero())
	ok, _, err := b.store.Claim(t.Context(), "demo", "somebody else", []string{"client:7"}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
}

func TestAbandonedSyncKeepsWhatItMadeAndLearnsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.open(t, 7, nil)
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	_, err = run[bool](b, workflows.FinishSyncStep, workflows.FinishInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Status: workflows.Abandoned, Reason: "spam", Sync: c.in,
	})
	require.NoError(t, err)
	row, err := b.store.Sync(t.Context(), "demo", c.syncID)
	require.NoError(t, err)
	require.Equal(t, store.SyncAbandoned, row.Status)
	require.Equal(t, "spam", row.Reason)
	require.Equal(t, done.Entity.ID, row.DealID)
	require.Equal(t, done.ContactID, row.ContactID)
	_, linked, err := b.store.Link(t.Context(), "demo", "client:7")
	require.NoError(t, err)
	require.False(t, linked)
}
