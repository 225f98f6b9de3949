package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"puente/contactcenter"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

// kindOfRun is one of the two workflows of the contact center: they park alike.
type kindOfRun struct {
	first string // step that asks the portal first
	owner string
	start func(t *testing.T, d *desk)
}

func onBothKinds(t *testing.T, test func(t *testing.T, d *desk, k kindOfRun)) {
	t.Helper()
	for name, k := range map[string]kindOfRun{
		"method": {workflows.RunMethodStep, "method:demo:call.create:key-1", func(t *testing.T, d *desk) {
			t.Helper()
			d.execute(t, workflows.ContactCenterMethodWorkflow, "method:demo:call.create:key-1",
				workflows.MethodInput{Portal: portal, SyncID: syncID, Method: contactcenter.CallCreate})
		}},
		"request": {workflows.FindRequestStep, "request:demo:form-77", func(t *testing.T, d *desk) {
			t.Helper()
			d.execute(t, workflows.ContactCenterRequestWorkflow, "request:demo:form-77", workflows.RequestInput{Portal: portal, SyncID: syncID})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setupDesk(t), k)
		})
	}
}

func TestParkedRunSaysWhyAndGoesOnAfterARetry(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("CRM_FIELD_ERROR_REQUIRED", "City is required")}
		d.after(time.Hour, func() {
			failure := workflows.Failure{Step: "entity", Code: "CRM_FIELD_ERROR_REQUIRED", Text: "City is required"}
			require.Equal(t, workflows.RunState{Status: workflows.Failed, Failure: &failure}, d.state(t))
			parked := asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0]
			parked.Revision = 0
			require.Equal(t, workflows.ParkRunInput{
				Portal: portal, SyncID: syncID, Owner: k.owner, Kind: "CRM_FIELD_ERROR_REQUIRED", Failure: failure,
			}, parked)
			require.Equal(t, "failed", d.attrs["PuenteStatus"])
			require.Contains(t, d.details(t), "City is required")
			d.Fails[k.first] = []error{workflowstest.Passing(time.Hour)}
			d.retry(t, workflows.RetrySync{Actor: "anna", Reason: "mapped the city"})
		})
		d.after(time.Hour+time.Minute, func() {
			require.Equal(t, workflows.RunState{Status: workflows.Syncing, Reruns: 1}, d.state(t))
			require.Equal(t, "syncing", d.attrs["PuenteStatus"], "the portal is asked again: that may take days")
		})
		k.start(t, d)
		require.NoError(t, d.GetWorkflowError())
		require.Equal(t, workflows.Done, d.state(t).Status)
		require.Equal(t, "done", d.attrs["PuenteStatus"])
		require.Contains(t, d.details(t), "- **Re-run 1**: by anna mapped the city\n")
	})
}

func TestSecondRetryIsRefusedWhileTheFirstIsAtWork(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("ACCESS_DENIED", "Access denied."), workflowstest.Passing(time.Hour)}
		var first, second, third, fourth <-chan error
		d.after(time.Hour, func() {
			first = d.ask(workflows.UpdateRetrySync, "1", workflows.RetrySync{Actor: "anna"})
			second = d.ask(workflows.UpdateRetrySync, "2", workflows.RetrySync{Actor: "boris"})
			third = d.ask(workflows.UpdateAbandonSync, "3", workflows.AbandonSync{Actor: "boris", Reason: "spam"})
		})
		d.after(time.Hour+time.Minute, func() { fourth = d.ask(workflows.UpdateRetrySync, "4", workflows.RetrySync{Actor: "boris"}) })
		k.start(t, d)
		require.NoError(t, d.GetWorkflowError())
		require.NoError(t, <-first)
		require.ErrorContains(t, <-second, "only a parked")
		require.ErrorContains(t, <-third, "only a parked")
		require.ErrorContains(t, <-fourth, "the run is syncing")
		require.Equal(t, 1, d.state(t).Reruns)
	})
}

func TestRunIsAbandonedWithAReasonOnly(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("ACCESS_DENIED", "Access denied.")}
		var refusal <-chan error
		d.after(time.Hour, func() {
			refusal = d.ask(workflows.UpdateAbandonSync, "1", workflows.AbandonSync{Actor: "anna", Reason: " "})
			d.abandon(t)
		})
		k.start(t, d)
		require.NoError(t, d.GetWorkflowError())
		require.ErrorContains(t, <-refusal, "say why")
		require.Equal(t, workflows.FinishRunInput{
			Portal: portal, SyncID: syncID, Owner: k.owner, Status: workflows.Abandoned, Reason: "spam",
		}, asked[workflows.FinishRunInput](t, d, workflows.FinishRunStep)[0])
		require.Equal(t, workflows.Abandoned, d.state(t).Status)
		require.Equal(t, "abandoned", d.attrs["PuenteStatus"])
		require.Contains(t, d.details(t), "by anna: spam")
		require.Equal(t, 1, d.times(k.first))
	})
}

func TestRunThatNobodyLooksAfterFailsAfterThirtyDays(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("ACCESS_DENIED", "Access denied.")}
		d.after(30*24*time.Hour-time.Minute, func() { require.Equal(t, workflows.Failed, d.state(t).Status) })
		k.start(t, d)
		require.ErrorContains(t, d.GetWorkflowError(), "parked for 30 days: Access denied.")
	})
}

func TestParkingWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("ACCESS_DENIED", "Access denied.")}
		for range 5 {
			d.Fails[workflows.ParkRunStep] = append(d.Fails[workflows.ParkRunStep], workflowstest.Passing(24*time.Hour))
		}
		d.after(6*24*time.Hour, func() { d.retry(t, workflows.RetrySync{Actor: "anna"}) })
		k.start(t, d)
		require.NoError(t, d.GetWorkflowError())
	})
}

func TestPortalThatIsAwayForDaysParksTheRun(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		for range 4 { // 92 hours; the run has patience for 72
			d.Fails[k.first] = append(d.Fails[k.first], workflowstest.Passing(23*time.Hour))
		}
		d.after(80*time.Hour, func() {
			parked := asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)
			require.Len(t, parked, 1)
			require.Equal(t, "connection refused", parked[0].Failure.Text, "the last words of the portal, not those of Temporal")
			require.Equal(t, "Unavailable", parked[0].Kind)
			d.Fails[k.first] = nil
			d.retry(t, workflows.RetrySync{Actor: "anna"})
		})
		k.start(t, d)
		require.NoError(t, d.GetWorkflowError())
	})
}

func TestCancelledRunIsLeftToAPersonAndBlocksNobody(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{workflowstest.Passing(time.Hour)}
		d.after(time.Minute, d.CancelWorkflow)
		k.start(t, d)
		var cancelled *temporal.CanceledError
		require.ErrorAs(t, d.GetWorkflowError(), &cancelled)
		parked := asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)
		require.Len(t, parked, 1, "the ledger shows it as failed, and the claims of the client are free")
		require.Equal(t, workflows.ErrCancelled, parked[0].Kind)
		require.Equal(t, workflows.ErrCancelled, parked[0].Failure.Code)
		require.Equal(t, "failed", d.attrs["PuenteStatus"])
	})
}

func TestRunThatIsCancelledWhileParkedStaysFailed(t *testing.T) {
	t.Parallel()
	onBothKinds(t, func(t *testing.T, d *desk, k kindOfRun) {
		t.Helper()
		d.Fails[k.first] = []error{refused("ACCESS_DENIED", "Access denied.")}
		d.after(time.Hour, d.CancelWorkflow)
		k.start(t, d)
		require.True(t, temporal.IsCanceledError(errors.Unwrap(d.GetWorkflowError())))
		require.Len(t, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep), 1)
		require.Equal(t, 0, d.times(workflows.FinishRunStep))
	})
}
