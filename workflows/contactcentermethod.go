package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
	"puente/dialog"
)

// MethodResult is how a method call ended; its answer is in the database.
type MethodResult struct {
	SyncID string `json:"sync_id"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
}

type methodRun struct {
	parking
	in  MethodInput
	ran MethodRan // RunMethod is done; only a recording may be left
}

// ContactCenterMethod runs one call of one of the sixteen methods (product D1).
// The caller's answer is stored as soon as there is one; the recording of a call
// is attached afterwards. What the portal refuses parks the run, like DialogSync.
func ContactCenterMethod(ctx workflow.Context, in MethodInput) (MethodResult, error) {
	m := &methodRun{in: in, parking: newParking(ctx, in.Portal, in.SyncID, MethodSummary(in))}
	if err := m.handlers(ctx); err != nil {
		return MethodResult{}, err
	}
	for {
		err := m.attempt(ctx)
		if err == nil {
			break
		}
		again, err := m.park(ctx, err, 0, func() bool { return false }) // a method call is never corrected
		if err != nil {
			return MethodResult{}, err
		}
		if !again {
			m.ran.Reason = m.abandon.Reason
			break
		}
	}
	return MethodResult{SyncID: in.SyncID, Status: m.state.Status, Reason: m.ran.Reason}, handled(ctx)
}

func (m *methodRun) attempt(ctx workflow.Context) error {
	m.state.Status = Syncing
	if err := m.run(ctx); err != nil {
		return err
	}
	if m.ran.CallID != "" {
		return m.recording(ctx)
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
	if len(ran.Entities) > 0 {
		m.story.add("Cards", cards(ran.PortalURL, ran.Entities))
	}
	if ran.Reason != "" {
		m.story.add("Answered", fmt.Sprintf("%d: %s", ran.HTTP, ran.Reason))
	}
	return m.attrs.set(ctx, refKeywords(ran.Entities)...)
}

func (m *methodRun) recording(ctx workflow.Context) error {
	m.story.add("Recording", "is being attached to the call")
	if err := m.show(ctx, Syncing); err != nil {
		return err
	}
	line, err := attachRecording(ctx, RecordingInput{Portal: m.in.Portal, SyncID: m.in.SyncID, CallID: m.ran.CallID})
	if err != nil {
		return err
	}
	m.story.add("Recording", line)
	return m.finish(ctx, Done, "")
}

// attachRecording fetches the recording of a call and attaches it, each retried
// for three days.
func attachRecording(ctx workflow.Context, in RecordingInput) (string, error) {
	fetched, err := run[FetchedRecording](recordingStep(ctx, "Fetch the recording"), FetchRecordingStep, in)
	if err != nil {
		return "", err
	}
	summary := fmt.Sprintf("Attach the recording, %d bytes", fetched.Bytes)
	attached, err := run[AttachedRecording](recordingStep(ctx, summary), AttachRecordingStep, in)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("attached as file %d, %d bytes", attached.FileID, attached.Bytes), nil
}

// cards links entities to the CRM.
func cards(portal string, list []contactcenter.Ref) string {
	var links []string
	for _, ref := range list {
		links = append(links, card(portal, dialog.Ref{Kind: dialog.Kind(ref.Kind), ID: ref.ID}))
	}
	return strings.Join(links, ", ")
}

// refKeywords are the search attributes of entities; other kinds have none.
func refKeywords(list []contactcenter.Ref) []keyword {
	keys := map[string]temporal.SearchAttributeKeyKeyword{
		contactcenter.KindContact: ContactKey, contactcenter.KindCompany: CompanyKey, contactcenter.KindDeal: DealKey,
	}
	var out []keyword
	for _, ref := range list {
		if key, known := keys[ref.Kind]; known {
			out = append(out, idKeyword(key, ref.ID))
		}
	}
	return out
}
