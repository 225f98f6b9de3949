package activities

import (
	"context"
	"fmt"

	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

// request is one step of a ContactCenterRequest.
type request struct {
	*desk
	in   workflows.RequestStepInput
	req  contactcenter.Request // all revisions together
	own  contactcenter.Request // what this revision tells itself
	keys []string              // of the client
}

// request opens a step of a request.
func (a *Bitrix24) request(ctx context.Context, in workflows.RequestStepInput) (*request, error) {
	d, err := a.desk(ctx, in.Portal, in.SyncID, in.Version)
	r := &request{desk: d, in: in}
	if err != nil {
		return r, err
	}
	if r.req, err = merged(d.revisions, in.Revision); err != nil {
		return r, err
	}
	if r.req.ExternalID == "" {
		return r, final("open", errInvalid, inputDeleted)
	}
	for _, one := range d.revisions {
		if one.Revision == in.Revision {
			d.submission = one
		}
	}
	r.own, err = merged([]store.Submission{d.submission}, 0)
	r.keys = contactcenter.Keys(r.req, d.settings)
	return r, err
}

// inputDeleted is why a run cannot go on whose body retention has emptied.
const inputDeleted = "the input was deleted after its retention (setting general.retention_days): send it anew"

// mergedRequest is the request as all its revisions up to one make it; 0 = all.
func mergedRequest(ctx context.Context, s *store.Store, portal, syncID string, revision int) (contactcenter.Request, error) {
	all, err := s.Revisions(ctx, portal, syncID)
	if err != nil {
		return contactcenter.Request{}, err
	}
	return merged(all, revision)
}

func merged(all []store.Submission, revision int) (contactcenter.Request, error) {
	var bodies [][]byte
	for _, one := range all {
		if revision == 0 || one.Revision <= revision {
			bodies = append(bodies, one.Body)
		}
	}
	out, err := contactcenter.MergeRevisions(bodies)
	if err != nil {
		err = final("open", errInvalid, "the stored request cannot be read: "+err.Error())
	}
	return out, err
}

// step is the name of a step of the ledger: each revision has its own.
func (r *request) step(name string) string {
	if r.in.Revision > 1 {
		return fmt.Sprintf("%s.%d", name, r.in.Revision)
	}
	return name
}

// origin is the mark of what the request makes.
func (r *request) origin() string { return originRequest + r.req.ExternalID }
