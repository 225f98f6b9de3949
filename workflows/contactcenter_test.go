package workflows_test

import (
	"fmt"
	"slices"
	"sync"
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
)

const (
	syncID   = "0199a0b0-0000-7000-8000-000000000001"
	external = "form-77"
)

// desk stands for the activities of the contact center and for the tables behind
// them. Each step notes when it was begun with what, and answers with the next
// error of fails, as long as there is one.
type desk struct {
	*testsuite.TestWorkflowEnvironment
	mu     sync.Mutex
	began  time.Time
	opened workflows.OpenedRequest
	found  contactcenter.RequestFound
	ran    workflows.MethodRan
	call   workflows.SavedCall
	fails  map[string][]error
	during map[string]func() // happens while a step is at work
	steps  []step
	clicks int               // of people
	attrs  map[string]string // search attributes
}

// step is one attempt of an activity.
type step struct {
	name string
	at   time.Duration // since the start of the run
	in   any
}

func setupDesk(t *testing.T) *desk {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	d := &desk{
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(), began: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC),
		fails: map[string][]error{}, during: map[string]func(){}, attrs: map[string]string{},
		opened: workflows.OpenedRequest{
			ExternalID: external, Channel: contactcenter.Site, Status: workflows.Open, Revision: 1, Version: 3, Ambiguous: "first_by_rule",
			Wants: contactcenter.Wants{Contact: true, Company: true, Deal: true, Pipeline: 4}, PortalURL: "https://p.example",
		},
		ran:  workflows.MethodRan{Status: workflows.Done, HTTP: 200, Story: []string{"contact 42 created"}, PortalURL: "https://p.example"},
		call: workflows.SavedCall{CallID: "call-1", BitrixCallID: "externalCall.1", ActivityID: 900, State: "finished", UserID: 8},
	}
	d.SetTestTimeout(20 * time.Second)
	d.SetStartTime(d.began)
	d.RegisterWorkflowWithOptions(workflows.ContactCenterMethod, workflow.RegisterOptions{Name: workflows.ContactCenterMethodWorkflow})
	d.RegisterWorkflowWithOptions(workflows.ContactCenterRequest, workflow.RegisterOptions{Name: workflows.ContactCenterRequestWorkflow})
	d.RegisterActivity(&deskSteps{d: d})
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

// begin notes a step and gives the error it is to answer with.
func (d *desk) begin(name string, in any) error {
	d.mu.Lock()
	d.steps = append(d.steps, step{name: name, at: d.Now().Sub(d.began), in: in})
	var err error
	if list := d.fails[name]; len(list) > 0 {
		err, d.fails[name] = list[0], list[1:]
	}
	meanwhile := d.during[name]
	delete(d.during, name)
	d.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return err
}

// deskSteps are the activities, by their names.
type deskSteps struct{ d *desk }

func (s *deskSteps) RunMethod(in workflows.RunMethodInput) (workflows.MethodRan, error) {
	return s.d.ran, s.d.begin(workflows.RunMethodStep, in)
}

func (s *deskSteps) OpenRequest(in workflows.OpenRequestInput) (workflows.OpenedRequest, error) {
	if err := s.d.begin(workflows.OpenRequestStep, in); err != nil {
		return workflows.OpenedRequest{}, err
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if in.Choice != nil {
		s.d.opened.Choice = *in.Choice
	}
	out := s.d.opened
	if out.Answered < out.Revision {
		s.d.opened.Status = workflows.Syncing
	}
	return out, nil
}

func (s *deskSteps) FindRequest(in workflows.RequestStepInput) (contactcenter.RequestFound, error) {
	return s.d.found, s.d.begin(workflows.FindRequestStep, in)
}

func (s *deskSteps) SaveContact(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.ContactID, 42), s.d.begin(workflows.SaveContactStep, in)
}

func (s *deskSteps) SaveCompany(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.CompanyID, 52), s.d.begin(workflows.SaveCompanyStep, in)
}

func (s *deskSteps) SaveDeal(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.DealID, 62), s.d.begin(workflows.SaveDealStep, in)
}

// saved is what a step made, or changed in what was found.
func saved(found, fresh int64) workflows.SavedEntity {
	if found != 0 {
		return workflows.SavedEntity{ID: found, Changed: []string{"EMAIL"}}
	}
	return workflows.SavedEntity{ID: fresh, Created: true}
}

func (s *deskSteps) LinkCompany(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return workflows.SavedEntity{ID: in.CompanyID}, s.d.begin(workflows.LinkCompanyStep, in)
}

func (s *deskSteps) SaveCall(in workflows.RequestStepInput) (workflows.SavedCall, error) {
	return s.d.call, s.d.begin(workflows.SaveCallStep, in)
}

func (s *deskSteps) WriteTimeline(in workflows.RequestStepInput) (workflows.WroteTimeline, error) {
	var out workflows.WroteTimeline
	for _, decision := range in.Decisions {
		if decision.ID != 0 {
			out.On = append(out.On, contactcenter.Ref{Kind: decision.Kind, ID: decision.ID})
		}
	}
	return out, s.d.begin(workflows.WriteTimelineStep, in)
}

func (s *deskSteps) NotifyRequest(in workflows.RequestStepInput) (workflows.Notified, error) {
	return workflows.Notified{Sent: 1}, s.d.begin(workflows.NotifyRequestStep, in)
}

func (s *deskSteps) AnswerRequest(in workflows.AnswerRequestInput) (bool, error) {
	err := s.d.begin(workflows.AnswerRequestStep, in)
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if err == nil {
		s.d.opened.Answered = in.Answer.Revision
		if in.Final {
			s.d.opened.Status = workflows.Done
		}
	}
	return err == nil, err
}

func (s *deskSteps) FetchRecording(in workflows.RecordingInput) (workflows.FetchedRecording, error) {
	return workflows.FetchedRecording{RecordingID: "r-1", Bytes: 4096}, s.d.begin(workflows.FetchRecordingStep, in)
}

func (s *deskSteps) AttachRecording(in workflows.RecordingInput) (workflows.AttachedRecording, error) {
	return workflows.AttachedRecording{FileID: 77, Bytes: 4096}, s.d.begin(workflows.AttachRecordingStep, in)
}

func (s *deskSteps) FinishRun(in workflows.FinishRunInput) (bool, error) {
	err := s.d.begin(workflows.FinishRunStep, in)
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.opened.Status = in.Status
	return err == nil, err
}

func (s *deskSteps) ParkRun(in workflows.ParkRunInput) (bool, error) {
	err := s.d.begin(workflows.ParkRunStep, in)
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.opened.Status = workflows.Failed
	return err == nil, err
}

// passing is an error that passes after the given time: it makes a step last.
func passing(after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions("connection refused", "Unavailable", temporal.ApplicationErrorOptions{NextRetryDelay: after})
}

// did are the names of the steps in the order in which they were begun.
func (d *desk) did() (names []string) {
	for _, s := range d.steps {
		names = append(names, s.name)
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
	for _, s := range d.steps {
		if s.name == name {
			in, ok := s.in.(T)
			require.True(t, ok, name)
			all = append(all, in)
		}
	}
	return all
}

// at is when each attempt of a step was begun.
func (d *desk) at(name string) (all []time.Duration) {
	for _, s := range d.steps {
		if s.name == name {
			all = append(all, s.at)
		}
	}
	return all
}

// after lets something happen while the run is at work.
func (d *desk) after(wait time.Duration, f func()) { d.RegisterDelayedCallback(f, wait) }

// correct accepts a revision of the request and tells the run of it.
func (d *desk) correct(revision int) {
	d.mu.Lock()
	d.opened.Revision = revision
	if d.opened.Status == workflows.Done || d.opened.Status == workflows.Abandoned {
		d.opened.Status = workflows.Open
	}
	d.mu.Unlock()
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
