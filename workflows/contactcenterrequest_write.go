package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
	"puente/dialog"
)

// step is the input of the next step: what was decided and made so far.
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
	for _, d := range r.found.Deals {
		if d.ID == in.DealID {
			in.DealResponsible = d.Responsible
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
	return workflow.ExecuteActivity(crmStep(ctx, oneLine(verb+": "+d.Rule, 300)), name, r.step())
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

// tell brings the call in and writes the request down, side by side; on are the
// entities on whose timelines it stands.
func (r *requestRun) tell(ctx workflow.Context) (call *contactcenter.CallAnswer, on []contactcenter.Ref, err error) {
	timeline := workflow.ExecuteActivity(crmStep(ctx, "Write the request on the timelines"), WriteTimelineStep, r.step())
	call, errCall := r.call(ctx)
	var wrote WroteTimeline
	if err := firstOf(timeline.Get(ctx, &wrote), errCall); err != nil {
		return nil, nil, err
	}
	if len(wrote.On) > 0 {
		r.story.add("Timeline", "written on "+cards(r.opened.PortalURL, wrote.On))
	}
	return call, wrote.On, nil
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
	answer := &contactcenter.CallAnswer{
		CallID: saved.CallID, BitrixCallID: saved.BitrixCallID, State: saved.State, ActivityID: saved.ActivityID,
		Bound: saved.Bound, UserID: saved.UserID, Recording: saved.Recording,
	}
	if r.opened.Recording && saved.Recording != contactcenter.RecordingAttached {
		answer.Recording = contactcenter.RecordingPending
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

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
