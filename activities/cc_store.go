package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"puente/contactcenter"
	"puente/dialog"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// OpenRequest reads what a request asks for and the settings that decide it. The
// settings are read anew on each re-run: a corrected mapping is what re-runs are
// for. A person's choice among candidates is kept in the ledger.
func (a *Store) OpenRequest(ctx context.Context, in workflows.OpenRequestInput) (workflows.OpenedRequest, error) {
	out, err := a.openRequest(ctx, in)
	return out, classify(ctx, "open", err)
}

func (a *Store) openRequest(ctx context.Context, in workflows.OpenRequestInput) (workflows.OpenedRequest, error) {
	row, err := a.Store.Sync(ctx, in.Portal, in.SyncID)
	if err != nil {
		return workflows.OpenedRequest{}, err
	}
	revisions, err := a.Store.Revisions(ctx, in.Portal, in.SyncID)
	if err != nil {
		return workflows.OpenedRequest{}, err
	}
	out := opened(row, revisions)
	if out.Answered == out.Revision {
		return a.recordingDue(ctx, in, out)
	}
	conf, version, err := a.Store.Settings(ctx, in.Portal)
	if errors.Is(err, store.ErrNotFound) {
		return out, errNoSettings()
	}
	if err != nil {
		return out, err
	}
	out.Version = version
	if out.Choice, err = a.keepChoice(ctx, row, in, version); err != nil {
		return out, err
	}
	return a.describe(ctx, in, out, conf)
}

// opened tells which revisions there are, and which of them is done.
func opened(row store.Sync, revisions []store.Submission) workflows.OpenedRequest {
	out := workflows.OpenedRequest{Status: workflows.Status(row.Status)}
	for _, r := range revisions {
		out.Revision, out.Channel = r.Revision, r.Name
		if r.StatusCode != 0 && r.StatusCode < http.StatusMultipleChoices {
			out.Answered = r.Revision
		}
	}
	if out.Status == workflows.Abandoned { // a correction, or a person, would have opened it again
		out.Answered = out.Revision
	}
	return out
}

// recordingDue tells of a request that is answered whether its recording is
// still to be attached.
func (a *Store) recordingDue(ctx context.Context, in workflows.OpenRequestInput, out workflows.OpenedRequest) (workflows.OpenedRequest, error) {
	recording, err := a.Store.RecordingOfSync(ctx, in.Portal, in.SyncID)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	out.Recording, out.CallID = err == nil && recording.AttachedAt.IsZero(), recording.CallID
	return out, err
}

// keepChoice marks the row as at work, and stores or reads a person's choice.
func (a *Store) keepChoice(ctx context.Context, row store.Sync, in workflows.OpenRequestInput, version int) (contactcenter.Choice, error) {
	var kept struct {
		Choice contactcenter.Choice `json:"choice"`
	}
	if len(row.Correction) > 0 {
		_ = json.Unmarshal(row.Correction, &kept) // what is not a choice chooses nothing
	}
	if in.Choice != nil {
		kept.Choice = *in.Choice
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return kept.Choice, err
	}
	return kept.Choice, a.Store.UpdateSync(ctx, in.Portal, row.ID, func(s *store.Sync) {
		s.Status, s.SettingsVersion, s.Reruns = string(workflows.Syncing), version, max(s.Reruns, in.Rerun)
		s.Reason, s.FinishedAt = "", time.Time{} // of an earlier revision that ended after this one was accepted
		s.Attempts++
		if kept.Choice != (contactcenter.Choice{}) {
			s.Correction = raw
		}
	})
}

// describe says which parts the request fills, ids and settings only.
func (a *Store) describe(
	ctx context.Context, in workflows.OpenRequestInput, out workflows.OpenedRequest, conf settings.Settings,
) (workflows.OpenedRequest, error) {
	req, err := mergedRequest(ctx, a.Store, in.Portal, in.SyncID, out.Revision)
	if err != nil {
		return out, err
	}
	if _, _, known := req.Place(conf); !known {
		return out, finalAt("body.product", "UNKNOWN_PRODUCT", fmt.Sprintf("product %q stands for no pipeline. "+
			"What to do: add it to the setting contact_center.products, or set contact_center.unknown_product, and run it again", req.ProductName()))
	}
	portal, err := a.Portals.Portal(ctx, in.Portal)
	if err != nil {
		return out, err
	}
	out.PortalURL, out.Wants = portals.WebURL(portal), req.Wants(conf)
	out.Ambiguous, out.Notify = string(cmp.Or(conf.ContactCenter.Ambiguous, settings.FirstByRule)), conf.ContactCenter.Notify
	out.Notes = notesOn(req, out.Wants, conf)
	if req.Call != nil {
		out.Call, out.CallID = true, req.Call.CallID
		out.Recording = req.Call.Recording != nil && req.Call.Status != ""
	}
	return out, a.Store.AddTickets(ctx, in.Portal, in.SyncID, contactcenter.Keys(req, conf))
}

// notesOn tells the caller what is done otherwise than the request reads.
func notesOn(req contactcenter.Request, wants contactcenter.Wants, conf settings.Settings) (notes []string) {
	if !wants.Contact && !wants.Company && !wants.Deal {
		notes = append(notes, "the request names neither a client nor a product: it stands in the ledger only, on no card of the CRM")
	}
	if _, listed := conf.ContactCenter.Product(req.ProductName()); wants.Deal && !listed && req.ProductName() != "" {
		notes = append(notes, "the product is not listed in the settings: "+conf.ContactCenter.UnknownProduct+" stands for it")
	}
	return notes
}

// AnswerRequest stores the result of a revision, remembers what a person chose,
// and lets the next request of the client go on. The line of the ledger ends
// unless a recording is still to be attached.
func (a *Store) AnswerRequest(ctx context.Context, in workflows.AnswerRequestInput) (bool, error) {
	err := a.answerRequest(ctx, in)
	return err == nil, classify(ctx, "answer", err)
}

func (a *Store) answerRequest(ctx context.Context, in workflows.AnswerRequestInput) error {
	sub, err := a.Store.SubmissionBySync(ctx, in.Portal, in.SyncID)
	if err != nil {
		return err
	}
	in.Answer.ExternalID = sub.Key // may be somebody's phone: no history holds it
	raw, err := json.Marshal(in.Answer)
	if err != nil {
		return err
	}
	if err := a.Store.SaveAnswer(ctx, in.Portal, in.SyncID, in.Answer.Revision, http.StatusOK, raw); err != nil {
		return err
	}
	if err := a.rememberChoice(ctx, in); err != nil {
		return err
	}
	err = a.Store.UpdateSync(ctx, in.Portal, in.SyncID, func(s *store.Sync) {
		s.Rule = rules(in.Answer.Decisions)
		for _, d := range in.Answer.Decisions {
			touch(s, []contactcenter.Ref{{Kind: d.Kind, ID: d.ID}})
		}
		if in.Final {
			finishRow(s, workflows.Done, "")
		}
	})
	if err != nil {
		return err
	}
	return a.letGo(ctx, in.Portal, in.SyncID, in.Owner)
}

func rules(decisions []contactcenter.Decision) string {
	var out string
	for i, d := range decisions {
		if i > 0 {
			out += "; "
		}
		out += d.Rule
	}
	return out
}

// rememberChoice links the keys of the client to what a person chose: the next
// request of that client goes there by itself.
func (a *Store) rememberChoice(ctx context.Context, in workflows.AnswerRequestInput) error {
	if in.Choice == (contactcenter.Choice{}) {
		return nil
	}
	req, err := mergedRequest(ctx, a.Store, in.Portal, in.SyncID, in.Answer.Revision)
	if err != nil {
		return err
	}
	conf, _, err := a.Store.Settings(ctx, in.Portal)
	if err != nil {
		return err
	}
	chosen := map[dialog.Kind]bool{
		dialog.Contact: in.Choice.ContactID != 0 || in.Choice.NewContact, dialog.Company: in.Choice.CompanyID != 0 || in.Choice.NewCompany,
	}
	for _, d := range in.Answer.Decisions {
		if kind := dialog.Kind(d.Kind); chosen[kind] && d.ID != 0 {
			if err := a.link(ctx, in.Portal, kind, d.ID, keysOf(kind, req, conf)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Store) link(ctx context.Context, portal string, kind dialog.Kind, id int64, keys []string) error {
	for _, key := range keys {
		if err := a.Store.SaveLink(ctx, portal, linkKey(kind, key), id); err != nil {
			return err
		}
	}
	return nil
}

// letGo gives the keys of the client free.
func (a *Store) letGo(ctx context.Context, portal, syncID, owner string) error {
	return errors.Join(a.Store.Release(ctx, portal, owner), a.Store.DropTickets(ctx, portal, syncID))
}

// FinishRun ends a run of the contact center in the ledger and gives its claims free.
func (a *Store) FinishRun(ctx context.Context, in workflows.FinishRunInput) (bool, error) {
	err := a.Store.UpdateSync(ctx, in.Portal, in.SyncID, func(s *store.Sync) { finishRow(s, in.Status, in.Reason) })
	if err == nil {
		err = a.letGo(ctx, in.Portal, in.SyncID, in.Owner)
	}
	return err == nil, classify(ctx, "finish", err)
}

// ParkRun marks a run as failed with the outside system's words, answers whoever
// waits with a problem document, and gives the client's keys free: other
// requests of that client go on.
func (a *Store) ParkRun(ctx context.Context, in workflows.ParkRunInput) (bool, error) {
	err := a.parkRun(ctx, in)
	return err == nil, classify(ctx, "park", err)
}

func (a *Store) parkRun(ctx context.Context, in workflows.ParkRunInput) error {
	sub, err := a.tried(ctx, in)
	if err != nil {
		return err
	}
	doc := parkedProblem(in)
	raw, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if sub.StatusCode == 0 || sub.StatusCode >= http.StatusMultipleChoices { // a recording that fails later changes no answer
		if err := a.Store.SaveAnswer(ctx, in.Portal, in.SyncID, sub.Revision, doc.Status, raw); err != nil {
			return err
		}
	}
	made, err := a.made(ctx, in.SyncID)
	if err != nil {
		return err
	}
	err = a.Store.UpdateSync(ctx, in.Portal, in.SyncID, func(s *store.Sync) {
		s.Status = string(workflows.Failed)
		s.ErrorStep, s.ErrorCode, s.ErrorText = in.Failure.Step, in.Failure.Code, in.Failure.Text
		setEntities(s, made)
		s.CompanyID = cmp.Or(made[dialog.Company], s.CompanyID)
	})
	if err != nil {
		return err
	}
	return a.letGo(ctx, in.Portal, in.SyncID, in.Owner)
}

// tried is the revision that failed: a newer one, of which the run did not know
// yet, must not be answered with that.
func (a *Store) tried(ctx context.Context, in workflows.ParkRunInput) (store.Submission, error) {
	all, err := a.Store.Revisions(ctx, in.Portal, in.SyncID)
	if err != nil {
		return store.Submission{}, err
	}
	for _, one := range all {
		if one.Revision == in.Revision {
			return one, nil
		}
	}
	return a.Store.SubmissionBySync(ctx, in.Portal, in.SyncID)
}

// parkedProblem tells the caller what the run waits for.
func parkedProblem(in workflows.ParkRunInput) problem {
	out := problemOf(parkedStatus(in.Kind), in.Failure.Text)
	out.Code, out.Run = in.Failure.Code, in.SyncID
	if in.Failure.Field != "" {
		out.Errors = []problemDetail{{Message: in.Failure.Text, Location: in.Failure.Field}}
	}
	return out
}

// parkedStatus: 422 for what the caller can mend, 409 for what a person must
// choose, 502 where the portal or our account there is at fault.
func parkedStatus(kind string) int {
	switch kind {
	case errInvalid, errNotFound, "FIELD_VALUE", "UNKNOWN_PRODUCT", "REQUIRED":
		return http.StatusUnprocessableEntity
	case workflows.ErrChoiceNeeded:
		return http.StatusConflict
	default:
		return http.StatusBadGateway
	}
}
