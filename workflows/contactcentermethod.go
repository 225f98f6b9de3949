package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
)

// MethodResult is how a method call ended; its answer is in the database.
type MethodResult struct {
	SyncID string `json:"sync_id"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

type methodRun struct {
	parking
	in    MethodInput
	owner string
	attrs attributes
	story story
	ran   MethodRan // RunMethod is done; only a recording may be left
}

// ContactCenterMethod runs one call of one of the sixteen methods (product D1).
// The caller's answer is stored as soon as there is one; the recording of a call
// is attached afterwards. What the portal refuses parks the run, like DialogSync.
func ContactCenterMethod(ctx workflow.Context, in MethodInput) (MethodResult, error) {
	m := &methodRun{
		in: in, owner: workflow.GetInfo(ctx).WorkflowExecution.ID, attrs: attributes{}, story: story{title: MethodSummary(in)},
	}
	m.state.Status = Open
	if err := m.handlers(ctx); err != nil {
		return MethodResult{}, err
	}
	for {
		err := m.attempt(ctx)
		if err == nil {
			break
		}
		if again, err := m.park(ctx, err); !again {
			return m.result(), err
		}
	}
	return m.result(), workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (m *methodRun) result() MethodResult {
	return MethodResult{SyncID: m.in.SyncID, Status: m.state.Status, Reason: m.ran.Reason}
}

func (m *methodRun) attempt(ctx workflow.Context) error {
	m.state.Status = Syncing
	if err := m.run(ctx); err != nil {
		return err
	}
	if m.ran.CallID != "" {
		if err := m.recording(ctx); err != nil {
			return err
		}
	}
	return m.show(ctx, m.ran.Status)
}

// run runs the method unless an earlier attempt did.
func (m *methodRun) run(ctx workflow.Context) error {
	if m.ran.Status != "" {
		return nil
	}
	ran, err := run[MethodRan](crmStep(ctx, string(m.in.Method)), RunMethodStep, RunMethodInput{
		Portal: m.in.Portal, SyncID: m.in.SyncID, Method: m.in.Method, Rerun: m.state.Reruns,
	})
	if err != nil {
		return err
	}
	m.ran = ran
	for _, line := range ran.Story {
		m.story.add("CRM", line)
	}
	if ran.Reason != "" {
		m.story.add("Answered", fmt.Sprintf("%d: %s", ran.HTTP, ran.Reason))
	}
	return m.attrs.set(ctx, refKeywords(ran.Entities)...)
}

func (m *methodRun) recording(ctx workflow.Context) error {
	line, err := attachRecording(ctx, RecordingInput{Portal: m.in.Portal, SyncID: m.in.SyncID, CallID: m.ran.CallID})
	if err != nil {
		return err
	}
	m.story.add("Recording", line)
	_, err = run[bool](storeStep(ctx, "Finish: done"), FinishRunStep, FinishRunInput{
		Portal: m.in.Portal, SyncID: m.in.SyncID, Owner: m.owner, Status: Done,
	})
	return err
}

// attachRecording fetches the recording of a call and attaches it, each retried
// for three days.
func attachRecording(ctx workflow.Context, in RecordingInput) (string, error) {
	fetched, err := run[FetchedRecording](recordingStep(ctx, "Fetch the recording"), FetchRecordingStep, in)
	if err != nil {
		return "", err
	}
	attached, err := run[AttachedRecording](recordingStep(ctx, fmt.Sprintf("Attach the recording, %d bytes", fetched.Bytes)), AttachRecordingStep, in)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("file %d, %d bytes", attached.FileID, attached.Bytes), nil
}

// park keeps the run with its failure until a person retries or abandons it.
func (m *methodRun) park(ctx workflow.Context, cause error) (again bool, err error) {
	if temporal.IsCanceledError(cause) {
		return false, cause
	}
	failure := failureOf(cause)
	m.state.Failure = &failure
	m.story.failed(failure)
	_, err = run[bool](storeStep(ctx, "Park: "+oneLine(failure.Text, 200)), ParkRunStep,
		ParkRunInput{Portal: m.in.Portal, SyncID: m.in.SyncID, Owner: m.owner, Kind: errorType(cause), Failure: failure})
	if err != nil {
		return false, err
	}
	if err := m.show(ctx, Failed); err != nil {
		return false, err
	}
	again, err = m.wait(ctx, failure, func() bool { return false })
	if err != nil {
		return false, err
	}
	if again {
		m.story.add(fmt.Sprintf("Re-run %d", m.state.Reruns), "by "+m.actor+" "+m.reason)
		return true, nil
	}
	return false, m.giveUp(ctx)
}

func (m *methodRun) giveUp(ctx workflow.Context) error {
	m.ran.Reason = m.abandon.Reason
	m.story.add("Abandoned", "by "+m.abandon.Actor+": "+m.abandon.Reason)
	_, err := run[bool](storeStep(ctx, "Finish: abandoned"), FinishRunStep, FinishRunInput{
		Portal: m.in.Portal, SyncID: m.in.SyncID, Owner: m.owner, Status: Abandoned, Reason: m.abandon.Reason,
	})
	if err != nil {
		return err
	}
	if err := m.show(ctx, Abandoned); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (m *methodRun) show(ctx workflow.Context, status Status) error {
	m.state.Status = status
	workflow.SetCurrentDetails(ctx, m.story.markdown(status))
	return m.attrs.set(ctx, keyword{StatusKey, string(status)})
}

func refKeywords(refs []contactcenter.Ref) []keyword {
	keys := map[string]temporal.SearchAttributeKeyKeyword{
		contactcenter.KindContact: ContactKey, contactcenter.KindCompany: CompanyKey, contactcenter.KindDeal: DealKey,
	}
	var out []keyword
	for _, ref := range refs {
		out = append(out, idKeyword(keys[ref.Kind], ref.ID))
	}
	return out
}
