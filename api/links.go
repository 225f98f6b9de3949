package api

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"puente/portals"
	"puente/store"
)

// linker shows rows of one portal with addresses that people can open.
type linker struct {
	Links
	crm string // https://host of the portal, "" if it is not known
}

func (s *server) linker(ctx context.Context, portal string) (linker, error) {
	p, err := s.portals.get(ctx, portal)
	if err != nil {
		return linker{}, s.fail(ctx, "portal", err)
	}
	return linker{Links: s.Links, crm: portals.WebURL(p.Portal)}, nil
}

// run is the page of a run in the Temporal UI. Without a run id it shows the
// latest run of the workflow.
func (l linker) run(workflowID, runID string) string {
	if l.TemporalUI == "" || workflowID == "" {
		return ""
	}
	at := strings.TrimRight(l.TemporalUI, "/") + "/namespaces/" + url.PathEscape(l.Namespace) + "/workflows/" + url.PathEscape(workflowID)
	if runID != "" {
		at += "/" + url.PathEscape(runID)
	}
	return at
}

// entity is a card of the CRM (bitrix24 reference §6.2); nil for id 0.
func (l linker) entity(kind string, id int64) *Entity {
	if id == 0 {
		return nil
	}
	e := &Entity{Kind: kind, ID: id}
	if l.crm != "" {
		e.URL = fmt.Sprintf("%s/crm/%s/details/%d/", l.crm, kind, id)
	}
	return e
}

func (l linker) sync(r store.Sync) Sync {
	return Sync{
		ID: r.ID, Kind: r.Kind, Status: r.Status, Reason: r.Reason, WorkflowID: r.WorkflowID,
		ClientID: r.ClientID, ChannelID: r.ChannelID, DialogID: r.DialogID, RequestID: r.RequestID, Cycle: r.Cycle,
		Operator: r.Operator, Rule: r.Rule, Settings: r.SettingsVersion, Error: syncError(r),
		Attempts: r.Attempts, Reruns: r.Reruns, Requests: r.Requests, Entities: l.entities(r), RunURL: l.run(r.WorkflowID, r.RunID),
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, FinishedAt: instant(r.FinishedAt),
	}
}

func (l linker) entities(r store.Sync) []Entity {
	var all []Entity
	for _, e := range []*Entity{
		l.entity("contact", r.ContactID), l.entity("company", r.CompanyID), l.entity("deal", r.DealID), l.entity("lead", r.LeadID),
	} {
		if e != nil {
			all = append(all, *e)
		}
	}
	return all
}

func (l linker) detail(r store.Sync, steps []store.Step) SyncDetail {
	d := SyncDetail{Sync: l.sync(r), Steps: make([]Step, len(steps)), Input: r.Input, Correction: r.Correction}
	for i, st := range steps {
		d.Steps[i] = Step{
			Name: st.Name, Status: st.Status, Entity: l.entity(st.EntityKind, st.EntityID),
			Detail: st.Detail, Error: st.Error, Requests: st.Requests, At: st.At,
		}
	}
	return d
}
