package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

// SaveContact makes the contact of a request or adds to the one that was found
// what the request tells (product D2, D3).
func (a *Bitrix24) SaveContact(ctx context.Context, in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return a.save(ctx, in, stepContact, func(r *request, step string) (workflows.SavedEntity, error) {
		data := r.req.ContactPart(r.settings)
		r.redo(step, in.ContactID)
		if in.ContactID == 0 {
			id, notes, err := r.addContact(ctx, step, r.origin(), data, r.defaultsFor(data.Common))
			return workflows.SavedEntity{ID: id, Created: true, Notes: notes}, err
		}
		change := r.gently(r.contactChange(step, in.ContactID, data, nil), r.own.ContactPart(r.settings))
		changes, err := r.update(ctx, change)
		return workflows.SavedEntity{ID: in.ContactID, Changed: changes.Changed, Notes: changes.Notes}, err
	})
}

// SaveCompany is SaveContact for the company, with its requisites.
func (a *Bitrix24) SaveCompany(ctx context.Context, in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return a.save(ctx, in, stepCompany, func(r *request, step string) (workflows.SavedEntity, error) {
		data := r.req.CompanyPart()
		r.redo(step, in.CompanyID)
		if in.CompanyID == 0 {
			id, notes, err := r.addCompany(ctx, step, r.origin(), data, r.defaultsFor(data.Common))
			return workflows.SavedEntity{ID: id, Created: true, Notes: notes}, err
		}
		change := r.gently(r.companyChange(step, in.CompanyID, data, nil), r.own.CompanyPart())
		changes, err := r.changeCompany(ctx, change, data)
		return workflows.SavedEntity{ID: in.CompanyID, Changed: changes.Changed, Notes: changes.Notes}, err
	})
}

// SaveDeal makes the deal of a request in the pipeline of its product, or adds
// to the open one that was found.
func (a *Bitrix24) SaveDeal(ctx context.Context, in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return a.save(ctx, in, stepDeal, func(r *request, step string) (workflows.SavedEntity, error) {
		data := r.dealData()
		r.redo(step, in.DealID)
		if in.DealID == 0 {
			with := r.defaultsFor(data.Common)
			with.ResponsibleID, with.Title = r.req.Responsible(r.settings, in.ContactResponsible), r.req.DealTitle(r.texts())
			id, notes, err := r.addDeal(ctx, step, r.origin(), data, with)
			return workflows.SavedEntity{ID: id, Created: true, Notes: notes}, err
		}
		data.Pipeline, data.Stage = nil, "" // where a deal stands is the salespeople's business
		change := r.keepingPlace(r.dealChange(step, in.DealID, data, nil), data)
		changes, err := r.update(ctx, r.gently(change, r.own.DealPart(r.settings)))
		return workflows.SavedEntity{ID: in.DealID, Changed: changes.Changed, Notes: changes.Notes}, err
	})
}

// LinkCompany makes the contact one of the company's; it is no error that it is
// one already. Another contact or company, chosen by a person afterwards, is
// another link.
func (a *Bitrix24) LinkCompany(ctx context.Context, in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return a.save(ctx, in, "link", func(r *request, step string) (workflows.SavedEntity, error) {
		step += fmt.Sprintf("-%d-%d", in.ContactID, in.CompanyID)
		if r.steps.has(step) {
			return workflows.SavedEntity{ID: in.CompanyID}, nil
		}
		if err := r.linkContacts(ctx, in.CompanyID, []int64{in.ContactID}); err != nil {
			return workflows.SavedEntity{}, err
		}
		ref := contactcenter.Ref{Kind: contactcenter.KindCompany, ID: in.CompanyID}
		return workflows.SavedEntity{ID: in.CompanyID}, r.done(ctx, step, ref, "the contact belongs to the company")
	})
}

// save runs a writing step of a request while it holds the client's keys. An
// entity that vanished since it was found sends the request back to finding.
func (a *Bitrix24) save(
	ctx context.Context, in workflows.RequestStepInput, step string, f func(r *request, step string) (workflows.SavedEntity, error),
) (workflows.SavedEntity, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return workflows.SavedEntity{}, r.end(ctx, step, err)
	}
	if err := r.hold(ctx); err != nil {
		return workflows.SavedEntity{}, r.end(ctx, step, err)
	}
	out, err := f(r, r.step(step))
	return out, r.end(ctx, step, r.vanished(err))
}

// redo forgets what the ledger tells of a step that went to another entity than
// the one decided on by now: a person chose otherwise, or it was deleted. What is
// to be made is looked up by its mark first.
func (r *request) redo(step string, id int64) {
	done := r.steps[step]
	if !r.steps.has(step) || id != 0 && done.EntityID == id {
		return
	}
	for _, name := range []string{step, step + sentSuffix, step + requisiteSuffix} {
		delete(r.steps, name)
	}
	if id == 0 {
		r.steps[step+sentSuffix] = store.Step{Status: store.StepFailed}
	}
}

// hold renews the claim to the client's keys.
func (r *request) hold(ctx context.Context) error {
	ok, holder, err := r.store.Claim(ctx, r.portal, r.row.WorkflowID, r.keys, claimLease)
	if err == nil && !ok {
		err = final("find", workflows.ErrClaimLost, "another run took over the client: "+holder)
	}
	return err
}

func (r *request) vanished(err error) error {
	var no *refusal
	if errors.As(err, &no) && no.status == http.StatusNotFound {
		return final("find", workflows.ErrEntityGone, no.detail+": deleted meanwhile; the client is looked up again")
	}
	return err
}

// gently keeps an update from overwriting what a person changed after the
// request was accepted: then it only adds what is missing (product D3). A
// correction repeats what earlier revisions told; told is what it tells itself.
func (r *request) gently(c change, told any) change {
	at := r.submission.CreatedAt
	c.since, c.gentle, c.first, c.anew = &at, true, r.revisions[0].CreatedAt, contactcenter.Tells(told)
	return c
}

func (r *request) defaultsFor(c contactcenter.Common) contactcenter.Defaults {
	with := r.defaults(c)
	with.Source = cmp.Or(r.settings.ContactCenter.Sources[r.req.Channel], with.Source)
	return with
}

// keepingPlace leaves a deal with the company it has, because the contact may
// speak for another one, and in its pipeline; that a product which this revision
// tells belongs to another pipeline is noted.
func (r *request) keepingPlace(c change, data contactcenter.DealData) change {
	pipeline, _, _ := r.req.Place(r.settings)
	c.diff = func(current contactcenter.Entity) contactcenter.Changes {
		var has struct {
			Company  bitrix24.ID  `json:"companyId"`
			Pipeline *bitrix24.ID `json:"categoryId"`
		}
		raw, err := json.Marshal(current)
		read := err == nil && json.Unmarshal(raw, &has) == nil
		if read && has.Company != 0 {
			data.CompanyID = 0
		}
		out := contactcenter.DealChanges(current, data)
		if read && r.own.TellsPlace() && has.Pipeline != nil && int64(*has.Pipeline) != pipeline {
			out.Notes = append(out.Notes, r.staysNote())
		}
		return out
	}
	return c
}

// staysNote says that the deal is in another pipeline than that of the request.
func (r *request) staysNote() string {
	pipeline, _, _ := r.req.Place(r.settings)
	return fmt.Sprintf("deal %d stays in its pipeline, although the request belongs to pipeline %d: "+
		"where a deal stands is for those who work on it", r.in.DealID, pipeline)
}

// dealData is what the request tells of its deal, with its place and its client.
func (r *request) dealData() contactcenter.DealData {
	data := r.req.DealPart(r.settings)
	pipeline, stage, _ := r.req.Place(r.settings)
	data.Pipeline, data.Stage = &pipeline, stage
	if r.in.ContactID != 0 {
		data.ContactIDs = append([]int64{r.in.ContactID}, data.ContactIDs...)
	}
	data.CompanyID = cmp.Or(data.CompanyID, r.in.CompanyID)
	return data
}

// SaveCall brings the call of a request into the CRM and onto the timelines of
// its entities, in one request.
func (a *Bitrix24) SaveCall(ctx context.Context, in workflows.RequestStepInput) (workflows.SavedCall, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return workflows.SavedCall{}, r.end(ctx, stepCall, err)
	}
	call := *r.req.Call
	call.ContactID, call.CompanyID = cmp.Or(call.ContactID, in.ContactID), cmp.Or(call.CompanyID, in.CompanyID)
	call.DealID = cmp.Or(call.DealID, in.DealID)
	c, err := r.call(ctx, r.step(stepCall), call)
	if err != nil {
		return workflows.SavedCall{}, r.end(ctx, stepCall, err)
	}
	answer := c.answer()
	out := workflows.SavedCall{
		CallID: call.CallID, BitrixCallID: answer.BitrixCallID, ActivityID: answer.ActivityID, State: answer.State, Bound: c.wanted(),
		UserID: answer.UserID, Notes: answer.Notes,
	}
	if c.known.FileID != 0 {
		out.Recording = answer.Recording
	}
	return out, r.end(ctx, stepCall, nil)
}
