package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
	"puente/dialog"
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
	owner     string
	attrs     attributes
	story     story
	revised   workflow.ReceiveChannel
	opened    OpenedRequest
	found     contactcenter.RequestFound
	decisions []contactcenter.Decision
	notes     []string
	done      int // revisions that are answered
}

// ContactCenterRequest brings one request of the contact center into the CRM
// (product D2): it finds the client among the candidates, makes or completes
// contact, company and deal, attaches the call, writes the request on their
// timelines and tells people. Corrections of the same request run one after the
// other in it. What cannot go on, and a choice among equal candidates, parks it.
func ContactCenterRequest(ctx workflow.Context, in RequestInput) (RequestResult, error) {
	r := &requestRun{
		in: in, owner: workflow.GetInfo(ctx).WorkflowExecution.ID, attrs: attributes{},
		story: story{title: "Contact center request"}, revised: workflow.GetSignalChannel(ctx, SignalRequestRevised),
	}
	r.state.Status = Open
	if err := r.handlers(ctx); err != nil {
		return RequestResult{}, err
	}
	for {
		r.drain()
		err := r.attempt(ctx)
		if err != nil {
			if again, err := r.park(ctx, err); !again {
				return r.result(), err
			}
			continue
		}
		if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
			return r.result(), err
		}
		if !r.drain() { // a correction may have come while this revision was at work
			return r.result(), nil
		}
	}
}

func (r *requestRun) result() RequestResult {
	return RequestResult{SyncID: r.in.SyncID, Status: r.state.Status, Revision: r.done, Decisions: r.decisions}
}

// drain takes the news of corrections; the revisions themselves are in the
// database. It tells whether there was one that is not answered yet.
func (r *requestRun) drain() bool {
	news := false
	var signal RequestRevised
	for r.revised.ReceiveAsync(&signal) {
		news = news || signal.Revision > r.done
	}
	return news
}

// attempt brings the newest revision into the CRM. Steps that succeeded before
// are no-ops: the ledger knows them. The returned error is what parks the run.
func (r *requestRun) attempt(ctx workflow.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	if r.opened.Answered == r.opened.Revision {
		return r.attachLate(ctx)
	}
	if err := r.commit(ctx); err != nil {
		return err
	}
	call, err := r.tell(ctx)
	if err != nil {
		return err
	}
	return r.finish(ctx, call)
}

func (r *requestRun) open(ctx workflow.Context) error {
	r.state.Status = Syncing
	opened, err := run[OpenedRequest](storeStep(ctx, "Open the request and read the settings"), OpenRequestStep,
		OpenRequestInput{Portal: r.in.Portal, SyncID: r.in.SyncID, Rerun: r.state.Reruns, Choice: r.choice})
	if err != nil {
		return err
	}
	r.opened, r.choice = opened, nil
	r.decisions, r.notes = nil, opened.Notes
	r.story.title = RequestSummary(opened.ExternalID, opened.Channel)
	if opened.Answered == opened.Revision {
		r.done = opened.Answered
		return r.show(ctx, opened.Status)
	}
	r.story.add("Settings", fmt.Sprintf("version %d; revision %d of the request", opened.Version, opened.Revision))
	return r.show(ctx, Syncing)
}

// commit finds the client, decides, and saves. It starts over when the ground
// moved in between: another run took the client's keys, or an entity was deleted.
func (r *requestRun) commit(ctx workflow.Context) error {
	for tries := 1; ; tries++ {
		plan, err := r.find(ctx)
		if err == nil {
			err = r.save(ctx, plan)
		}
		if tries < maxRefinds && (errorType(err) == ErrClaimLost || errorType(err) == ErrEntityGone) {
			r.story.add("Find again", failureOf(err).Text)
			if err := pauseBeforeRefind(ctx, tries); err != nil {
				return err
			}
			continue
		}
		return err
	}
}

func (r *requestRun) find(ctx workflow.Context) (contactcenter.Plan, error) {
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
	text := "several entities match equally well: " + strings.Join(words, "; ") +
		`. What to do: run it again with a choice, for example {"choice":{"contact_id":…}} or {"choice":{"new_contact":true}}`
	return temporal.NewNonRetryableApplicationError(text, ErrChoiceNeeded, nil, Failure{Step: "find", Code: ErrChoiceNeeded, Text: text})
}

func (r *requestRun) step() RequestStepInput {
	in := RequestStepInput{
		Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Version: r.opened.Version, Revision: r.opened.Revision,
		Decisions: r.decisions, Notes: r.notes,
	}
	for _, d := range r.decisions {
		switch d.Kind {
		case contactcenter.KindContact:
			in.ContactID = d.ID
		case contactcenter.KindCompany:
			in.CompanyID = d.ID
		case contactcenter.KindDeal:
			in.DealID = d.ID
		}
	}
	for _, c := range r.found.Contacts {
		if c.ID == in.ContactID {
			in.ContactResponsible = c.Responsible
		}
	}
	return in
}

// save makes or completes contact and company side by side, then the deal, which
// belongs to both, and the link between the two.
func (r *requestRun) save(ctx workflow.Context, plan contactcenter.Plan) error {
	contact := r.begin(ctx, plan.Contact, SaveContactStep, r.opened.Wants.Contact)
	company := r.begin(ctx, plan.Company, SaveCompanyStep, r.opened.Wants.Company)
	errContact, errCompany := r.end(ctx, contact, 0), r.end(ctx, company, 1)
	if err := firstOf(errContact, errCompany); err != nil {
		return err
	}
	deal := r.begin(ctx, plan.Deal, SaveDealStep, r.opened.Wants.Deal)
	errLink := r.link(ctx)
	return firstOf(r.end(ctx, deal, 2), errLink)
}

// begin starts a step for one entity; nil if the request tells nothing of it.
func (r *requestRun) begin(ctx workflow.Context, d contactcenter.Decision, name string, wanted bool) workflow.Future {
	if d.Outcome == contactcenter.OutcomeNone || !wanted {
		return nil
	}
	verb := fmt.Sprintf("%s.update %d", d.Kind, d.ID)
	if d.Outcome == contactcenter.OutcomeCreated {
		verb = d.Kind + ".create"
	}
	return workflow.ExecuteActivity(crmStep(ctx, verb+": "+d.Rule), name, r.step())
}

// end waits for a step and notes what it made in the decision.
func (r *requestRun) end(ctx workflow.Context, step workflow.Future, decision int) error {
	if step == nil {
		return nil
	}
	var saved SavedEntity
	if err := step.Get(ctx, &saved); err != nil {
		return err
	}
	d := &r.decisions[decision]
	d.ID = saved.ID
	r.notes = append(r.notes, saved.Notes...)
	r.story.add("Saved", savedWords(r.opened.PortalURL, *d, saved))
	return r.attrs.set(ctx, refKeywords([]contactcenter.Ref{{Kind: d.Kind, ID: d.ID}})...)
}

func savedWords(portal string, d contactcenter.Decision, saved SavedEntity) string {
	name := card(portal, dialog.Ref{Kind: dialog.Kind(d.Kind), ID: saved.ID})
	switch {
	case saved.Created:
		return "created " + name
	case len(saved.Changed) == 0:
		return name + " has all of it already"
	default:
		return name + " changed: " + strings.Join(saved.Changed, ", ")
	}
}

// link makes the contact one of the company's.
func (r *requestRun) link(ctx workflow.Context) error {
	in := r.step()
	if in.ContactID == 0 || in.CompanyID == 0 {
		return nil
	}
	_, err := run[SavedEntity](crmStep(ctx, fmt.Sprintf("Contact %d belongs to company %d", in.ContactID, in.CompanyID)), LinkCompanyStep, in)
	return err
}

// tell brings the call in and writes the request down, side by side, and then
// tells people.
func (r *requestRun) tell(ctx workflow.Context) (*contactcenter.CallAnswer, error) {
	timeline := workflow.ExecuteActivity(crmStep(ctx, "Write the request on the timelines"), WriteTimelineStep, r.step())
	call, errCall := r.call(ctx)
	var wrote WroteTimeline
	if err := firstOf(timeline.Get(ctx, &wrote), errCall); err != nil {
		return nil, err
	}
	if r.opened.Notify {
		r.notify(ctx)
	}
	return call, nil
}

func (r *requestRun) call(ctx workflow.Context) (*contactcenter.CallAnswer, error) {
	if !r.opened.Call {
		return nil, nil
	}
	saved, err := run[SavedCall](crmStep(ctx, "call.create: register, finish and attach to the CRM"), SaveCallStep, r.step())
	if err != nil {
		return nil, err
	}
	r.story.add("Call", fmt.Sprintf("%s, activity %d", saved.State, saved.ActivityID))
	r.notes = append(r.notes, saved.Notes...)
	answer := &contactcenter.CallAnswer{CallID: saved.CallID, State: saved.State, ActivityID: saved.ActivityID, Bound: saved.Bound}
	if r.opened.Recording {
		answer.Recording = "pending"
	}
	return answer, nil
}

// notify tells people; a request does not fail because nobody could be told.
func (r *requestRun) notify(ctx workflow.Context) {
	told, err := run[Notified](noticeStep(ctx, "Notify the responsible user"), NotifyRequestStep, r.step())
	switch {
	case err != nil:
		r.story.add("Notification", "not sent: "+failureOf(err).Text)
	case len(told.Problems) > 0:
		r.story.add("Notification", "refused: "+strings.Join(told.Problems, "; "))
	}
}

// finish answers, lets the next request of the client go on, and then attaches
// the recording, which may take long.
func (r *requestRun) finish(ctx workflow.Context, call *contactcenter.CallAnswer) error {
	recording := call != nil && call.Recording != ""
	_, err := run[bool](storeStep(ctx, "Answer, and let the next request of this client go on"), AnswerRequestStep, AnswerRequestInput{
		Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Choice: r.opened.Choice, Final: !recording, Answer: r.answer(call),
	})
	if err != nil {
		return err
	}
	r.done = r.opened.Revision
	if recording {
		if err := r.attach(ctx); err != nil {
			return err
		}
	}
	return r.show(ctx, Done)
}

func (r *requestRun) answer(call *contactcenter.CallAnswer) contactcenter.RequestAnswer {
	in := r.step()
	out := contactcenter.RequestAnswer{
		ExternalID: r.opened.ExternalID, Revision: r.opened.Revision, Decisions: r.decisions, Call: call, Notes: r.notes,
	}
	for _, ref := range []contactcenter.Ref{
		{Kind: contactcenter.KindContact, ID: in.ContactID}, {Kind: contactcenter.KindCompany, ID: in.CompanyID},
		{Kind: contactcenter.KindDeal, ID: in.DealID},
	} {
		if ref.ID != 0 {
			out.Timeline = append(out.Timeline, ref)
		}
	}
	return out
}

// attachLate attaches a recording of a request that was answered before: it had
// failed, and a person lets it go on.
func (r *requestRun) attachLate(ctx workflow.Context) error {
	if !r.opened.Recording {
		return nil
	}
	if err := r.attach(ctx); err != nil {
		return err
	}
	return r.show(ctx, Done)
}

func (r *requestRun) attach(ctx workflow.Context) error {
	line, err := attachRecording(ctx, RecordingInput{Portal: r.in.Portal, SyncID: r.in.SyncID, CallID: r.opened.CallID})
	if err != nil {
		return err
	}
	r.story.add("Recording", line)
	_, err = run[bool](storeStep(ctx, "Finish: done"), FinishRunStep, FinishRunInput{
		Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Status: Done,
	})
	return err
}

// park keeps the run until a person acts, or a correction of the request comes.
func (r *requestRun) park(ctx workflow.Context, cause error) (again bool, err error) {
	if temporal.IsCanceledError(cause) {
		return false, cause
	}
	failure := failureOf(cause)
	r.state.Failure = &failure
	r.story.failed(failure)
	_, err = run[bool](storeStep(ctx, "Park: "+oneLine(failure.Text, 200)), ParkRunStep,
		ParkRunInput{Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Kind: errorType(cause), Failure: failure})
	if err != nil {
		return false, err
	}
	if err := r.show(ctx, Failed); err != nil {
		return false, err
	}
	again, err = r.wait(ctx, failure, func() bool { return r.revised.Len() > 0 })
	switch {
	case err != nil:
		return false, err
	case again:
		r.story.add("Again", strings.TrimSpace(r.actor+" "+r.reason))
		return true, nil
	default:
		return false, r.giveUp(ctx)
	}
}

func (r *requestRun) giveUp(ctx workflow.Context) error {
	r.story.add("Abandoned", "by "+r.abandon.Actor+": "+r.abandon.Reason)
	_, err := run[bool](storeStep(ctx, "Finish: abandoned"), FinishRunStep, FinishRunInput{
		Portal: r.in.Portal, SyncID: r.in.SyncID, Owner: r.owner, Status: Abandoned, Reason: r.abandon.Reason,
	})
	if err != nil {
		return err
	}
	if err := r.show(ctx, Abandoned); err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func (r *requestRun) show(ctx workflow.Context, status Status) error {
	r.state.Status = status
	workflow.SetCurrentDetails(ctx, r.story.markdown(status))
	return r.attrs.set(ctx, keyword{StatusKey, string(status)})
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
