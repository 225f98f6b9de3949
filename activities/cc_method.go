package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"puente/contactcenter"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// reply is how a method was answered.
type reply struct {
	body     any // the answer; nil with a refusal
	status   int // HTTP; 0 = 200
	story    []string
	entities []contactcenter.Ref
	callID   string // of a call whose recording is still to be attached
}

// refusal is an answer that says no, for good and without anything done: what
// the caller named does not exist, or a person changed it meanwhile.
type refusal struct {
	status int
	detail string
	errors []problemDetail
}

func (r *refusal) Error() string { return r.detail }

// problem is an RFC 9457 document, in the form of the API's own.
type problem struct {
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Errors []problemDetail `json:"errors,omitempty"`
	Code   string          `json:"code,omitempty"` // of the portal
	Run    string          `json:"run,omitempty"`  // id of the sync that waits for a person
}

type problemDetail struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
	Value    any    `json:"value,omitempty"`
}

func problemOf(status int, detail string, details ...problemDetail) problem {
	return problem{Title: http.StatusText(status), Status: status, Detail: detail, Errors: details}
}

// absentEntity refuses an id that the portal does not know.
func absentEntity(field, kind string, id int64) error {
	words := fmt.Sprintf("there is no %s %d in the CRM, or the account may not see it", kind, id)
	return refuse(http.StatusNotFound, words, field, id)
}

// refuse says no because of one field.
func refuse(status int, words, field string, value any) error {
	return &refusal{status: status, detail: words, errors: []problemDetail{{Message: words, Location: field, Value: value}}}
}

// method runs one of the sixteen with its decoded input.
type method func(ctx context.Context, d *desk, name contactcenter.Method) (reply, error)

// taking decodes the stored body as it was decoded at acceptance: tidied.
func taking[I any](run func(d *desk, ctx context.Context, in I) (reply, error)) method {
	return func(ctx context.Context, d *desk, name contactcenter.Method) (reply, error) {
		input, _ := contactcenter.Decode(name, d.body)
		in, ok := input.(I)
		if !ok {
			return reply{}, final("input", errInvalid, "the stored input cannot be read")
		}
		return run(d, ctx, in)
	}
}

var methods = map[contactcenter.Method]method{
	contactcenter.ContactFind:         taking((*desk).findContacts),
	contactcenter.ContactCreate:       taking((*desk).createContact),
	contactcenter.ContactUpdate:       taking((*desk).updateContact),
	contactcenter.ContactDeals:        taking((*desk).contactDeals),
	contactcenter.CompanyFind:         taking((*desk).findCompanies),
	contactcenter.CompanyCreate:       taking((*desk).createCompany),
	contactcenter.CompanyUpdate:       taking((*desk).updateCompany),
	contactcenter.CompanyDeals:        taking((*desk).companyDeals),
	contactcenter.DealFind:            taking((*desk).findDeals),
	contactcenter.DealCreate:          taking((*desk).createDeal),
	contactcenter.DealUpdate:          taking((*desk).updateDeal),
	contactcenter.DealUsers:           taking((*desk).dealUsers),
	contactcenter.CallCreate:          taking((*desk).createCall),
	contactcenter.CallAttachRecording: taking((*desk).askForRecording),
	contactcenter.CallAttachToCRM:     taking((*desk).bindCall),
	contactcenter.DirectoriesList:     taking((*desk).directories),
}

// RunMethod runs one of the sixteen methods (product D1), stores its answer and
// ends its line of the ledger, unless a recording is still to be attached. A
// repetition after a lost answer does nothing twice: creates look for their mark
// first, updates compare with what is there.
func (a *Bitrix24) RunMethod(ctx context.Context, in workflows.RunMethodInput) (workflows.MethodRan, error) {
	d, err := a.desk(ctx, in.Portal, in.SyncID, 0)
	if err != nil {
		return workflows.MethodRan{}, d.end(ctx, "open", err)
	}
	run, known := methods[in.Method]
	if !known {
		return workflows.MethodRan{}, d.end(ctx, "open", final("open", errInvalid, "there is no method "+string(in.Method)))
	}
	if done, out, err := d.answered(in.Rerun); done || err != nil {
		return out, d.end(ctx, "open", err)
	}
	if d.emptied(in.Method) {
		return workflows.MethodRan{}, d.end(ctx, "open", final("open", errInvalid, inputDeleted))
	}
	if err := d.begin(ctx); err != nil {
		return workflows.MethodRan{}, d.end(ctx, "open", err)
	}
	got, err := run(ctx, d, in.Method)
	var no *refusal
	if errors.As(err, &no) {
		got, err = reply{status: no.status, body: problemOf(no.status, no.detail, no.errors...)}, nil
	}
	if err != nil {
		return workflows.MethodRan{}, d.end(ctx, string(in.Method), err)
	}
	out, err := d.answer(ctx, got, no)
	return out, d.end(ctx, "answer", err)
}

// answered tells whether an earlier attempt has answered already.
func (d *desk) answered(rerun int) (bool, workflows.MethodRan, error) {
	status := workflows.Status(d.row.Status)
	if status != workflows.Done && (status != workflows.Skipped || rerun > 0) {
		return false, workflows.MethodRan{}, nil
	}
	return true, workflows.MethodRan{Status: status, Reason: d.row.Reason, HTTP: d.submission.StatusCode, PortalURL: d.url}, nil
}

// emptied tells whether retention has deleted the input: no other method than
// directories.list can be called with nothing.
func (d *desk) emptied(m contactcenter.Method) bool {
	return m != contactcenter.DirectoriesList && string(d.body) == "{}"
}

// begin shows in the ledger that the method is at work.
func (d *desk) begin(ctx context.Context) error {
	return d.store.UpdateSync(ctx, d.portal, d.syncID, func(row *store.Sync) {
		row.Status, row.SettingsVersion = string(workflows.Syncing), d.version
		row.Attempts++
	})
}

func (d *desk) answer(ctx context.Context, got reply, no *refusal) (workflows.MethodRan, error) {
	ctx, cancel := kept(ctx)
	defer cancel()
	out := workflows.MethodRan{
		Status: workflows.Done, HTTP: got.status, Story: got.story, Entities: got.entities, CallID: got.callID, PortalURL: d.url,
	}
	if out.HTTP == 0 {
		out.HTTP = http.StatusOK
	}
	if no != nil {
		out.Status, out.Reason = workflows.Skipped, no.detail
	}
	if got.body != nil { // else the recording answers
		if err := d.saveAnswer(ctx, out.HTTP, got.body); err != nil {
			return out, err
		}
	}
	if err := d.store.Release(ctx, d.portal, d.row.WorkflowID); err != nil {
		return out, err
	}
	return out, d.store.UpdateSync(ctx, d.portal, d.syncID, func(row *store.Sync) {
		touch(row, got.entities)
		if got.callID == "" {
			finishRow(row, out.Status, out.Reason)
		}
	})
}

func (d *desk) saveAnswer(ctx context.Context, status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return d.store.SaveAnswer(ctx, d.portal, d.syncID, d.submission.Revision, status, raw)
}

// touch notes the entities in the ledger: the last of each kind.
func touch(row *store.Sync, entities []contactcenter.Ref) {
	for _, e := range entities {
		switch e.Kind {
		case contactcenter.KindContact:
			row.ContactID = e.ID
		case contactcenter.KindCompany:
			row.CompanyID = e.ID
		case contactcenter.KindDeal:
			row.DealID = e.ID
		}
	}
}

// productOf is the product's setting, or the one for unknown products.
func (d *desk) productOf(name string) (settings.Product, bool) {
	return contactcenter.ProductOf(d.settings, name)
}
