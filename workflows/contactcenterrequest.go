package workflows

import (
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
	"puente/settings"
)

// RequestResult is how a request ended; its answer is in the database.
type RequestResult struct {
	SyncID    string                   `json:"sync_id"`
	Status    Status                   `json:"status"`
	Revision  int                      `json:"revision"`
	Decisions []contactcenter.Decision `json:"decisions,omitempty"`
}

type requestRun struct {
	parking
	in        RequestInput
	revised   workflow.ReceiveChannel
	newest    int // revision that a signal told of
	tried     int // newest when this attempt began
	done      int // revision that is answered
	opened    OpenedRequest
	found     contactcenter.RequestFound
	decisions []contactcenter.Decision
	notes     []string
}

// ContactCenterRequest brings one request of the contact center into the CRM
// (product D2): it finds the client among the candidates, makes or completes
// contact, company and deal, attaches the call, writes the request on their
// timelines and tells people. Corrections of the same request run one after the
// other in it. What cannot go on, and a choice among equal candidates, parks it.
//
// There are at most 500 corrections (store.MaxRevisions), each of some 70
// events, so that the history of one run stays below Temporal's limit.
func ContactCenterRequest(ctx workflow.Context, in RequestInput) (RequestResult, error) {
	r := &requestRun{in: in, parking: newParking(ctx, in.Portal, in.SyncID, "Contact center request")}
	r.revised = workflow.GetSignalChannelWithOptions(ctx, SignalRequestRevised, workflow.SignalChannelOptions{
		Description: "A newer revision of the request was accepted; it is in the database",
	})
	if err := r.handlers(ctx); err != nil {
		return RequestResult{}, err
	}
	err := r.loop(ctx)
	return RequestResult{SyncID: in.SyncID, Status: r.state.Status, Revision: r.done, Decisions: r.decisions}, err
}

// loop works until no revision is left. Whatever ends an attempt, a correction
// that came meanwhile is tried before the run ends or waits for a person.
func (r *requestRun) loop(ctx workflow.Context) error {
	for {
		err := r.attempt(ctx)
		if err != nil && !r.corrected() {
			again, err := r.park(ctx, err, max(r.tried, r.opened.Revision), r.corrected)
			if err != nil {
				return err
			}
			if again {
				continue
			}
		}
		if err := handled(ctx); err != nil {
			return err
		}
		if !r.corrected() { // the last look before the end: nothing blocks in between
			return nil
		}
	}
}

// corrected takes the news that have arrived, without blocking. It tells whether
// there is a revision that this attempt does not know; the revisions themselves
// are in the database.
func (r *requestRun) corrected() bool {
	var signal RequestRevised
	for r.revised.ReceiveAsync(&signal) {
		r.newest = max(r.newest, signal.Revision)
	}
	return r.newest > max(r.tried, r.opened.Revision)
}

// attempt brings the newest revision into the CRM. Steps that succeeded before
// are no-ops: the ledger knows them. The returned error is what parks the run.
func (r *requestRun) attempt(ctx workflow.Context) error {
	r.corrected()
	r.tried = r.newest
	if err := r.open(ctx); err != nil {
		return err
	}
	if r.opened.Answered == r.opened.Revision {
		return r.goOn(ctx)
	}
	call, on, err := r.commit(ctx)
	if err != nil {
		return err
	}
	return r.answer(ctx, call, on)
}

func (r *requestRun) open(ctx workflow.Context) error {
	r.state.Status = Syncing
	opened, err := run[OpenedRequest](storeStep(ctx, "Open the request and read the settings"), OpenRequestStep,
		OpenRequestInput{Portal: r.in.Portal, SyncID: r.in.SyncID, Rerun: r.state.Reruns, Choice: r.choice})
	if err != nil {
		return err
	}
	r.opened, r.choice = opened, nil
	r.story.title = RequestSummary(r.safeID(), opened.Channel)
	if opened.Answered < opened.Revision {
		r.story.add("Settings", fmt.Sprintf("version %d; revision %d of the request", opened.Version, opened.Revision))
	}
	return r.show(ctx, Syncing)
}

// safeID is the external id as the id of the workflow has it: fit for the eyes
// of everybody, which the contact center's own may not be.
func (r *requestRun) safeID() string {
	return strings.TrimPrefix(r.owner, ContactCenterRequestID(r.in.Portal, ""))
}

// goOn does what is left of a request that was answered before: its recording,
// which a person lets be tried again; else there is at most the ledger to end.
func (r *requestRun) goOn(ctx workflow.Context) error {
	r.done = r.opened.Answered
	switch {
	case r.opened.Status == Done || r.opened.Status == Skipped || r.opened.Status == Abandoned:
		return r.show(ctx, r.opened.Status)
	case r.opened.Recording:
		return r.attach(ctx)
	default:
		return r.finish(ctx, Done, "")
	}
}

// commit finds the client, decides, and writes. It starts over when the ground
// moved in between: another run took the client's keys, or an entity was deleted.
func (r *requestRun) commit(ctx workflow.Context) (call *contactcenter.CallAnswer, on []contactcenter.Ref, err error) {
	for tries := 1; ; tries++ {
		call, on, err = r.write(ctx)
		moved := errorType(err) == ErrClaimLost || errorType(err) == ErrEntityGone
		if !moved || tries == maxRefinds {
			return call, on, err
		}
		r.story.add("Find again", failureOf(err).Text)
		if err := refindPause(ctx, tries); err != nil {
			return nil, nil, err
		}
	}
}

func (r *requestRun) write(ctx workflow.Context) (*contactcenter.CallAnswer, []contactcenter.Ref, error) {
	plan, err := r.find(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.save(ctx, plan); err != nil {
		return nil, nil, err
	}
	return r.tell(ctx)
}

func (r *requestRun) find(ctx workflow.Context) (contactcenter.Plan, error) {
	r.found, r.decisions, r.notes = contactcenter.RequestFound{}, nil, slices.Clone(r.opened.Notes)
	found, err := run[contactcenter.RequestFound](crmStep(ctx, "Find the client in the CRM"), FindRequestStep, r.step())
	if err != nil {
		return contactcenter.Plan{}, err
	}
	r.found = found
	plan := contactcenter.Decide(found, r.opened.Wants, settings.AmbiguityRule(r.opened.Ambiguous), r.opened.Choice)
	r.decisions = []contactcenter.Decision{plan.Contact, plan.Company, plan.Deal}
	for _, d := range r.decisions {
		r.story.add("Decision", decisionWords(d))
	}
	if len(plan.Ambiguous) > 0 {
		return plan, choiceNeeded(plan.Ambiguous)
	}
	return plan, r.show(ctx, Syncing)
}

func decisionWords(d contactcenter.Decision) string {
	words := fmt.Sprintf("%s: %s", d.Kind, d.Rule)
	if len(d.Candidates) > 1 {
		words += fmt.Sprintf(" (candidates: %s)", strings.Trim(fmt.Sprint(d.Candidates), "[]"))
	}
	return words
}

// choiceNeeded parks the run for a person (setting contact_center.ambiguous: ask).
func choiceNeeded(parts []contactcenter.AmbiguousPart) error {
	var words []string
	for _, p := range parts {
		var ids []string
		for _, c := range p.Candidates {
			ids = append(ids, fmt.Sprint(c.ID))
		}
		words = append(words, fmt.Sprintf("%s %s", p.Kind, strings.Join(ids, " or ")))
	}
	text := fmt.Sprintf("several entities match equally well: %s. What to do: run it again with a choice, "+
		`for example {"choice":{"%[2]s_id":%[3]d}} or {"choice":{"new_%[2]s":true}}`,
		strings.Join(words, "; "), parts[0].Kind, parts[0].Candidates[0].ID)
	return temporal.NewNonRetryableApplicationError(text, ErrChoiceNeeded, nil, Failure{Step: "find", Code: ErrChoiceNeeded, Text: text})
}

// answer ends the revision with its result and lets the next request of the
// client go on; then it tells people, and attaches the recording, which may take
// long.
func (r *requestRun) answer(ctx workflow.Context, call *contactcenter.CallAnswer, on []contactcenter.Ref) error {
	recording := call != nil && call.Recording == contactcenter.RecordingPending
	_, err := run[bool](storeStep(ctx, "Answer, and let the next request of this client go on"), AnswerRequestStep, AnswerRequestInput{
		Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Choice: r.opened.Choice, Final: !recording,
		Answer: contactcenter.RequestAnswer{
			Revision: r.opened.Revision, Decisions: r.decisions, Call: call, Timeline: on, Notes: r.notes,
		},
	})
	if err != nil {
		return err
	}
	r.done = r.opened.Revision
	r.story.add("Answered", fmt.Sprintf("revision %d", r.done))
	if r.opened.Notify { // nobody waits for it any more
		r.notify(ctx)
	}
	if recording {
		return r.attach(ctx)
	}
	return r.show(ctx, Done)
}

// attach brings the recording of the call into the portal. That may take days,
// for which no correction waits: if one comes, the recording is let go and begun
// again after it. What is loaded of it by then stays on our disk.
func (r *requestRun) attach(ctx workflow.Context) error {
	r.story.add("Recording", "is being attached to the call")
	if err := r.show(ctx, Syncing); err != nil {
		return err
	}
	line, interrupted, err := r.attachUnlessCorrected(ctx)
	switch {
	case err != nil:
		return err
	case interrupted:
		r.story.add("Recording", "waits for a correction of the request")
		return nil
	}
	r.story.add("Recording", line)
	return r.finish(ctx, Done, "")
}

func (r *requestRun) attachUnlessCorrected(ctx workflow.Context) (line string, interrupted bool, err error) {
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	attached, settle := workflow.NewFuture(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		settle.Set(attachRecording(ctx, RecordingInput{Portal: r.in.Portal, SyncID: r.in.SyncID, CallID: r.opened.CallID}))
	})
	if err := workflow.Await(ctx, func() bool { return attached.IsReady() || r.corrected() }); err != nil {
		return "", false, err
	}
	if !attached.IsReady() {
		return "", true, nil
	}
	err = attached.Get(ctx, &line)
	return line, false, err
}
