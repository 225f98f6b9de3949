package servertest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puente/contactcenter"
	"puente/internal/histories"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

const (
	portal = "demo"
	syncID = "0199a0b0-0000-7000-8000-000000000001"
)

// center is one run of the contact center on a server of its own.
type center struct {
	*workflowstest.Desk
	client.Client
	t  *testing.T
	id string // of the workflow
}

// branch is one way that a run can take.
type branch struct {
	arrange func(c *center) // before the run
	play    func(c *center) // what people do meanwhile
	ends    enumspb.WorkflowExecutionStatus
}

const (
	completed = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	canceled  = enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED
)

// methodBranches and requestBranches are named by what their recordings are
// named by.
func methodBranches() map[string]branch {
	return map[string]branch{
		"done": {ends: completed, arrange: func(c *center) {
			c.Ran.Entities = []contactcenter.Ref{{Kind: contactcenter.KindContact, ID: 42}, {Kind: contactcenter.KindDeal, ID: 62}}
		}},
		"recording":         {ends: completed, arrange: func(c *center) { c.Ran.CallID = "call-1" }},
		"retried":           {ends: completed, arrange: deniedAt(workflows.RunMethodStep), play: (*center).retry},
		"recording-retried": {ends: completed, arrange: both(func(c *center) { c.Ran.CallID = "call-1" }, deniedAt(workflows.AttachRecordingStep)), play: (*center).retry},
		"abandoned":         {ends: completed, arrange: deniedAt(workflows.RunMethodStep), play: (*center).abandon},
		"cancelled":         {ends: canceled, arrange: cancelledAt(workflows.RunMethodStep)},
	}
}

func requestBranches() map[string]branch {
	return map[string]branch{
		"new-client": {ends: completed, arrange: withCall},
		"asked": {ends: completed, arrange: ambiguous, play: func(c *center) {
			c.update(workflows.UpdateRetrySync, workflows.RetrySync{Actor: "anna", Choice: &contactcenter.Choice{ContactID: 8}})
		}},
		"found-again":                {ends: completed, arrange: both(withCall, movedTwice)},
		"retried":                    {ends: completed, arrange: deniedAt(workflows.SaveDealStep), play: (*center).retry},
		"recording-retried":          {ends: completed, arrange: both(withCall, deniedAt(workflows.FetchRecordingStep)), play: (*center).retry},
		"abandoned":                  {ends: completed, arrange: deniedAt(workflows.SaveDealStep), play: (*center).abandon},
		"cancelled":                  {ends: canceled, arrange: cancelledAt(workflows.SaveDealStep)},
		"answered-before":            {ends: completed, arrange: func(c *center) { c.Opened.Status, c.Opened.Answered = workflows.Done, 1 }},
		"corrected":                  {ends: completed, arrange: both(withCall, correctedAt(workflows.SaveDealStep))},
		"corrected-at-the-end":       {ends: completed, arrange: correctedAt(workflows.AnswerRequestStep)},
		"corrected-during-recording": {ends: completed, arrange: both(withCall, correctedAt(workflows.FetchRecordingStep))},
		"corrected-while-parked": {ends: completed, arrange: deniedAt(workflows.SaveDealStep), play: func(c *center) {
			c.isParked()
			c.correct()
		}},
		"abandoned-and-corrected": {
			ends: completed, arrange: both(deniedAt(workflows.SaveDealStep), correctedAt(workflows.FinishRunStep)), play: (*center).abandon,
		},
	}
}

func both(first, second func(c *center)) func(c *center) {
	return func(c *center) {
		first(c)
		second(c)
	}
}

func withCall(c *center) {
	c.Opened.Call, c.Opened.Recording, c.Opened.CallID, c.Opened.Notify = true, true, "call-1", true
}

func ambiguous(c *center) {
	by := []string{contactcenter.ByPhone}
	c.Opened.Ambiguous, c.Found.Contacts = "ask", []contactcenter.Seen{{ID: 7, By: by}, {ID: 8, By: by}}
}

func movedTwice(c *center) {
	c.Fails[workflows.SaveContactStep] = []error{workflowstest.Refused(workflows.ErrEntityGone, "contact 7 was deleted meanwhile")}
	c.Fails[workflows.WriteTimelineStep] = []error{workflowstest.Refused(workflows.ErrClaimLost, "another run took over the client")}
}

func deniedAt(step string) func(c *center) {
	return func(c *center) { c.Fails[step] = []error{workflowstest.Refused("ACCESS_DENIED", "Access denied.")} }
}

// cancelledAt lets somebody cancel the run while a step waits for the portal.
func cancelledAt(step string) func(c *center) {
	return func(c *center) {
		c.Fails[step] = []error{workflowstest.Passing(time.Hour)}
		c.During[step] = func() { c.must(c.CancelWorkflow(c.t.Context(), c.id, "")) }
	}
}

// correctedAt lets a correction come while a step is at work; a recording would
// still take an hour then.
func correctedAt(step string) func(c *center) {
	return func(c *center) {
		c.During[step] = c.correct
		if step == workflows.FetchRecordingStep {
			c.Fails[step] = []error{workflowstest.Passing(time.Hour)}
		}
	}
}

// The runs of the contact center go through a server as their unit tests say,
// keep its limits and hold nobody's data. PUENTE_RECORD=1 keeps their histories
// for the replay test; a history that was released stays as it is.
func TestContactCenterRunsOnAServer(t *testing.T) {
	t.Parallel()
	for name, b := range methodBranches() {
		t.Run("ContactCenterMethod-"+name, func(t *testing.T) {
			t.Parallel()
			in := workflows.MethodInput{Portal: portal, SyncID: syncID, Method: contactcenter.CallCreate}
			c := newCenter(t, workflows.ContactCenterMethodID(portal, in.Method, "key-1"))
			b.take(c, func() {
				_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
					ID: c.id, TaskQueue: workflows.DialogsQueue, StaticSummary: workflows.MethodSummary(in),
					TypedSearchAttributes: workflows.MethodAttributes(in),
				}, workflows.ContactCenterMethodWorkflow, in)
				require.NoError(t, err)
			})
		})
	}
	for name, b := range requestBranches() {
		t.Run("ContactCenterRequest-"+name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t, workflows.ContactCenterRequestID(portal, workflowstest.ExternalID))
			b.take(c, func() { c.tell(1) })
		})
	}
}

func newCenter(t *testing.T, id string) *center {
	t.Helper()
	desk := workflowstest.NewDesk(time.Now)
	queues := []string{workflows.DialogsQueue, workflows.Bitrix24Queue, workflows.RecordingsQueue}
	return &center{Desk: desk, Client: serve(t, desk.Activities(), queues...), t: t, id: id}
}

// take starts a run, does what people do meanwhile, and looks at its history.
func (b branch) take(c *center, start func()) {
	if b.arrange != nil {
		b.arrange(c)
	}
	start()
	if b.play != nil {
		b.play(c)
	}
	c.endsAs(b.ends)
	history, err := histories.Read(c.t.Context(), c.Client, c.id, "")
	require.NoError(c.t, err)
	trouble, err := workflowstest.Trouble(history)
	require.NoError(c.t, err)
	require.Empty(c.t, trouble)
	require.NoError(c.t, workflowstest.Replayer().ReplayWorkflowHistory(nil, history))
	if os.Getenv("PUENTE_RECORD") != "" {
		require.NoError(c.t, histories.Save(history, filepath.Join("..", "testdata", "replay", filepath.Base(c.t.Name())+".json")))
	}
}

// tell signals a revision, starting the run if needed, as acceptance does.
func (c *center) tell(revision int) {
	in := workflows.RequestInput{Portal: portal, SyncID: syncID}
	_, err := c.SignalWithStartWorkflow(c.t.Context(), c.id, workflows.SignalRequestRevised, workflows.RequestRevised{Revision: revision},
		client.StartWorkflowOptions{
			TaskQueue: workflows.DialogsQueue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			StaticSummary:         workflows.RequestSummary(workflowstest.ExternalID, contactcenter.Site),
			TypedSearchAttributes: workflows.RequestAttributes(in, workflowstest.ExternalID, contactcenter.Site),
		}, workflows.ContactCenterRequestWorkflow, in)
	c.must(err)
}

// must is for what may happen in an activity, where the test cannot be stopped.
func (c *center) must(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

func (c *center) correct() {
	c.Accept(2)
	c.tell(2)
}

func (c *center) isParked() {
	require.Eventually(c.t, func() bool {
		return slices.ContainsFunc(c.Steps(), func(s workflowstest.Step) bool { return s.Name == workflows.ParkRunStep })
	}, time.Minute, 20*time.Millisecond)
}

func (c *center) retry() { c.update(workflows.UpdateRetrySync, workflows.RetrySync{Actor: "anna"}) }

func (c *center) abandon() {
	c.update(workflows.UpdateAbandonSync, workflows.AbandonSync{Actor: "anna", Reason: "spam"})
}

// update waits until the run is parked: then it is accepted.
func (c *center) update(name string, in any) {
	require.Eventually(c.t, func() bool {
		handle, err := c.UpdateWorkflow(c.t.Context(), client.UpdateWorkflowOptions{
			WorkflowID: c.id, UpdateID: uuid.NewString(), UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		return err == nil && handle.Get(c.t.Context(), nil) == nil
	}, time.Minute, 50*time.Millisecond)
}

func (c *center) endsAs(status enumspb.WorkflowExecutionStatus) {
	require.Eventually(c.t, func() bool {
		run, err := c.DescribeWorkflowExecution(c.t.Context(), c.id, "")
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == status
	}, time.Minute, 50*time.Millisecond)
}

// A correction may come at the very moment in which a run ends: the server runs
// the last task again, or starts a new run. Either way it is brought in.
func TestNoCorrectionIsLostWhereRunsEnd(t *testing.T) {
	t.Parallel()
	const revisions = 60
	c := newCenter(t, workflows.ContactCenterRequestID(portal, workflowstest.ExternalID))
	for revision := 1; revision <= revisions; revision++ {
		c.Accept(revision)
		c.tell(revision)
		if revision%3 == 0 { // now and then the run comes to its end first
			c.answered(revision)
		}
	}
	c.answered(revisions)
	c.endsAs(completed)
	require.Equal(t, workflows.Done, c.status())
}

func (c *center) answered(revision int) {
	require.Eventually(c.t, func() bool {
		var answered int
		c.Do(func() { answered = c.Opened.Answered })
		return answered >= revision
	}, time.Minute, time.Millisecond)
}

func (c *center) status() (status workflows.Status) {
	c.Do(func() { status = c.Opened.Status })
	return status
}
