package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

const (
	syncID   = "0199a0b0-0000-7000-8000-000000000001"
	external = workflowstest.ExternalID
)

// desk is one run in the test environment, with time that skips.
type desk struct {
	*workflowstest.Desk
	*testsuite.TestWorkflowEnvironment
	began  time.Time
	attrs  map[string]string // search attributes
	clicks int               // of people
}

func setupDesk(t *testing.T) *desk {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(patient)
	d := &desk{
		Desk: workflowstest.NewDesk(env.Now), TestWorkflowEnvironment: env,
		began: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC), attrs: map[string]string{},
	}
	d.SetTestTimeout(20 * time.Second)
	d.SetStartTime(d.began)
	d.RegisterWorkflowWithOptions(workflows.ContactCenterMethod, workflow.RegisterOptions{Name: workflows.ContactCenterMethodWorkflow})
	d.RegisterWorkflowWithOptions(workflows.ContactCenterRequest, workflow.RegisterOptions{Name: workflows.ContactCenterRequestWorkflow})
	d.RegisterActivity(d.Activities())
	d.OnUpsertTypedSearchAttributes(mock.MatchedBy(d.noteAttributes)).Return(nil).Maybe()
	return d
}

// noteAttributes may be asked more than once for one upsert.
func (d *desk) noteAttributes(set temporal.SearchAttributes) bool {
	for key, value := range set.GetUntypedValues() {
		d.attrs[key.GetName()], _ = value.(string)
	}
	return true
}

// did are the names of the steps in the order in which they were begun.
func (d *desk) did() (names []string) {
	for _, s := range d.Steps() {
		names = append(names, s.Name)
	}
	return names
}

// times is how often a step was begun.
func (d *desk) times(name string) int {
	return len(slices.DeleteFunc(d.did(), func(n string) bool { return n != name }))
}

// asked are the inputs of all attempts of a step.
func asked[T any](t *testing.T, d *desk, name string) (all []T) {
	t.Helper()
	for _, s := range d.Steps() {
		if s.Name == name {
			in, ok := s.In.(T)
			require.True(t, ok, name)
			all = append(all, in)
		}
	}
	return all
}

// at is when each attempt of a step was begun.
func (d *desk) at(name string) (all []time.Duration) {
	for _, s := range d.Steps() {
		if s.Name == name {
			all = append(all, s.At.Sub(d.began))
		}
	}
	return all
}

// after lets something happen while the run is at work.
func (d *desk) after(wait time.Duration, f func()) { d.RegisterDelayedCallback(f, wait) }

// correct accepts a revision of the request and tells the run of it.
func (d *desk) correct(revision int) {
	d.Accept(revision)
	d.repeat(revision)
}

// repeat tells the run of a revision that it may know.
func (d *desk) repeat(revision int) {
	d.SignalWorkflow(workflows.SignalRequestRevised, workflows.RequestRevised{Revision: revision})
}

// ask sends an update and gives its outcome later: nil if it was accepted.
func (d *desk) ask(name, id string, in any) <-chan error {
	outcome := make(chan error, 1)
	d.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept: func() { outcome <- nil }, OnReject: func(err error) { outcome <- err }, OnComplete: func(any, error) {},
	}, in)
	return outcome
}

func (d *desk) click() string {
	d.clicks++
	return fmt.Sprint("click ", d.clicks)
}

func (d *desk) retry(t *testing.T, in workflows.RetrySync) {
	t.Helper()
	d.accepted(t, d.ask(workflows.UpdateRetrySync, d.click(), in))
}

func (d *desk) abandon(t *testing.T) {
	t.Helper()
	d.accepted(t, d.ask(workflows.UpdateAbandonSync, d.click(), workflows.AbandonSync{Actor: "anna", Reason: "spam"}))
}

// accepted checks the outcome of an update at the end of the test.
func (d *desk) accepted(t *testing.T, outcome <-chan error) {
	t.Helper()
	t.Cleanup(func() {
		select {
		case err := <-outcome:
			require.NoError(t, err)
		default:
			t.Error("the update was not answered")
		}
	})
}

// state asks the run where it stands.
func (d *desk) state(t *testing.T) workflows.RunState {
	t.Helper()
	value, err := d.QueryWorkflow(workflows.QuerySyncStatus)
	require.NoError(t, err)
	var state workflows.RunState
	require.NoError(t, value.Get(&state))
	return state
}

// details are what the Temporal UI shows of the run.
func (d *desk) details(t *testing.T) string {
	t.Helper()
	value, err := d.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var shown sdkpb.WorkflowMetadata
	require.NoError(t, value.Get(&shown))
	return shown.GetCurrentDetails()
}

// execute runs a workflow to its end.
func (d *desk) execute(t *testing.T, name, id string, in any) {
	t.Helper()
	d.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: id, TaskQueue: workflows.DialogsQueue})
	d.ExecuteWorkflow(name, in)
	require.True(t, d.IsWorkflowCompleted())
}

func (d *desk) request(t *testing.T) workflows.RequestResult {
	t.Helper()
	d.execute(t, workflows.ContactCenterRequestWorkflow, workflows.ContactCenterRequestID(portal, external),
		workflows.RequestInput{Portal: portal, SyncID: syncID})
	require.NoError(t, d.GetWorkflowError())
	var result workflows.RequestResult
	require.NoError(t, d.GetWorkflowResult(&result))
	return result
}

func (d *desk) method(t *testing.T) workflows.MethodResult {
	t.Helper()
	d.execute(t, workflows.ContactCenterMethodWorkflow, workflows.ContactCenterMethodID(portal, contactcenter.CallCreate, "key-1"),
		workflows.MethodInput{Portal: portal, SyncID: syncID, Method: contactcenter.CallCreate})
	require.NoError(t, d.GetWorkflowError())
	var result workflows.MethodResult
	require.NoError(t, d.GetWorkflowResult(&result))
	return result
}
