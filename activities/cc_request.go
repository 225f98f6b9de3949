package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/settings"
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

// Waiting for the client: requests of one client are handled in the order of
// acceptance.
const (
	nearTurn     = 8 // so close to its turn a request looks again and again
	turnPoll     = 100 * time.Millisecond
	turnPatience = 20 * time.Second
)

// FindRequest waits until no earlier request of the same client is at work,
// claims the client's keys, and looks contact, company and open deals up. It
// answers with ids only. Requests: 2, or 1 if nobody is found.
func (a *Bitrix24) FindRequest(ctx context.Context, in workflows.RequestStepInput) (contactcenter.RequestFound, error) {
	r, err := a.request(ctx, in)
	if err != nil {
		return contactcenter.RequestFound{}, r.end(ctx, "find", err)
	}
	found, err := r.find(ctx)
	if err == nil {
		err = r.done(ctx, r.step("find"), contactcenter.Ref{}, seenWords(found))
	}
	return found, r.end(ctx, "find", err)
}

func (r *request) find(ctx context.Context) (contactcenter.RequestFound, error) {
	if attempt(ctx) > 1 { // the first one follows OpenRequest, which queued up
		if err := r.store.AddTickets(ctx, r.portal, r.syncID, r.keys); err != nil {
			return contactcenter.RequestFound{}, err
		}
	}
	if err := r.awaitTurn(ctx); err != nil {
		return contactcenter.RequestFound{}, err
	}
	if err := r.claim(ctx, r.keys...); err != nil {
		return contactcenter.RequestFound{}, err
	}
	found, err := r.lookUp(ctx)
	if err != nil {
		return found, err
	}
	return found, r.claim(ctx, entityKeys(found)...)
}

// awaitTurn waits behind earlier requests of the client. Far behind it comes
// back later; near its turn it keeps looking, so that one follows the other
// without a pause.
func (r *request) awaitTurn(ctx context.Context) error {
	limit := time.Now().Add(turnPatience)
	for {
		ahead, first, err := r.store.Turn(ctx, r.portal, r.syncID, r.keys)
		if err != nil || ahead == 0 {
			return err
		}
		if ahead > nearTurn || time.Now().After(limit) {
			words := fmt.Sprintf("%d earlier requests of the same client come first; the first of them is sync %s", ahead, first)
			return again(errBusy, words, spread(min(time.Duration(ahead)*busyDelay/4, maxBusyDelay)))
		}
		if err := sleep(ctx, turnPoll); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func entityKeys(found contactcenter.RequestFound) []string {
	var keys []string
	for _, c := range found.Contacts {
		keys = append(keys, fmt.Sprintf("contact:%d", c.ID))
	}
	for _, c := range found.Companies {
		keys = append(keys, fmt.Sprintf("company:%d", c.ID))
	}
	return keys
}

// lookUp asks who the client is in one request, and looks at the candidates and
// their open deals in a second one.
func (r *request) lookUp(ctx context.Context) (contactcenter.RequestFound, error) {
	var found contactcenter.RequestFound
	contacts, err := r.contactProbes(ctx)
	if err != nil {
		return found, err
	}
	companies, err := r.companyProbes(ctx)
	if err != nil {
		return found, err
	}
	contacts, companies = prefixed("contact-", contacts), prefixed("company-", companies)
	own := map[dialog.Kind]*int64{dialog.Contact: &found.OwnContact, dialog.Company: &found.OwnCompany, dialog.Deal: &found.OwnDeal}
	all := slices.Concat(contacts, companies)
	for kind := range own {
		all = append(all, probe{command: byOrigin("own-"+string(kind), kind, r.origin())})
	}
	res, err := r.send(ctx, all)
	if err != nil {
		return found, err
	}
	for kind, into := range own {
		if *into, err = lastID(res, "own-"+string(kind)); err != nil {
			return found, err
		}
	}
	hitContacts, err := hitsOf(res, contacts)
	if err != nil {
		return found, err
	}
	hitCompanies, err := hitsOf(res, companies)
	if err != nil {
		return found, err
	}
	hitContacts.add(found.OwnContact, contactcenter.ByLink)
	hitCompanies.add(found.OwnCompany, contactcenter.ByLink)
	return found, r.look(ctx, &found, hitContacts, hitCompanies)
}

func lastID(res results, key string) (int64, error) {
	rows, err := res.rows(key)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return int64(rows[len(rows)-1].ID), nil
}

func prefixed(prefix string, probes []probe) []probe {
	out := slices.Clone(probes)
	for i := range out {
		out[i].command.Key = prefix + strings.TrimPrefix(out[i].command.Key, prefix)
	}
	return out
}

func (r *request) contactProbes(ctx context.Context) ([]probe, error) {
	if !r.req.Wants(r.settings).Contact {
		return nil, nil
	}
	probes, err := r.remembered(ctx, dialog.Contact)
	data := r.req.ContactPart(r.settings)
	for i, p := range data.Phones {
		probes = append(probes, numbered(r.byPhone(dialog.Contact, p.Value), i)...)
	}
	for i, e := range data.Emails {
		probes = append(probes, numbered(r.byEmail(dialog.Contact, e.Value), i)...)
	}
	return append(probes, r.byExternal(dialog.Contact, data.ExternalID)...), err
}

func (r *request) companyProbes(ctx context.Context) ([]probe, error) {
	if !r.req.Wants(r.settings).Company {
		return nil, nil
	}
	probes, err := r.remembered(ctx, dialog.Company)
	data := r.req.CompanyPart()
	for i, p := range data.Phones {
		probes = append(probes, numbered(r.byPhone(dialog.Company, p.Value), i)...)
	}
	for i, e := range data.Emails {
		probes = append(probes, numbered(r.byEmail(dialog.Company, e.Value), i)...)
	}
	probes = append(probes, r.byRequisites(data.INN, data.KPP, data.OGRN)...)
	if data.Title != "" {
		filter := map[string]any{"=title": contactcenter.CRMTitle(data.Title)}
		probes = append(probes, r.byFilter("title", contactcenter.ByTitle, dialog.Company, literal(filter)))
	}
	return append(probes, r.byExternal(dialog.Company, data.ExternalID)...), err
}

func numbered(probes []probe, n int) []probe {
	for i := range probes {
		probes[i].command.Key += fmt.Sprintf("%d", n)
	}
	return probes
}

func (r *request) byExternal(kind dialog.Kind, externalID string) []probe {
	if externalID == "" {
		return nil
	}
	filter := map[string]any{"originatorId": workflows.Originator, "@originId": originsOf(externalID)}
	return []probe{r.byFilter("external", contactcenter.ByExternalID, kind, filter)}
}

// remembered is the entity that a person chose for a key of the client.
func (r *request) remembered(ctx context.Context, kind dialog.Kind) ([]probe, error) {
	var probes []probe
	for _, key := range keysOf(kind, r.req, r.settings) {
		id, found, err := r.store.Link(ctx, r.portal, linkKey(kind, key))
		if err != nil {
			return nil, err
		}
		if found && !slices.ContainsFunc(probes, func(p probe) bool { return p.command.Params["id"] == id }) {
			p := r.byID(kind, id)
			p.command.Key, p.way = fmt.Sprintf("link%d", len(probes)), contactcenter.ByLink
			probes = append(probes, p)
		}
	}
	return probes, nil
}

// keysOf are the keys under which a choice of that kind is remembered: a contact
// chosen for one employee must not become that of the whole company.
func keysOf(kind dialog.Kind, req contactcenter.Request, conf settings.Settings) []string {
	if kind == dialog.Company {
		return contactcenter.CompanyKeys(req, conf)
	}
	return contactcenter.ContactKeys(req, conf)
}

func linkKey(kind dialog.Kind, key string) string { return "cc-" + string(kind) + ":" + key }

// look reads the candidates and their open deals in the pipeline of the product.
func (r *request) look(ctx context.Context, found *contactcenter.RequestFound, contacts, companies *hits) error {
	commands := r.lookCommands(contacts, companies)
	if len(commands) == 0 {
		return nil
	}
	res, err := r.ask(ctx, commands)
	if err != nil {
		return err
	}
	if found.Contacts, err = seen(res, "see-contact", contacts); err != nil {
		return err
	}
	if found.Companies, err = seen(res, "see-company", companies); err != nil {
		return err
	}
	if found.Companies, err = r.sameINN(res, found.Companies); err != nil {
		return err
	}
	for _, c := range commands {
		if !strings.HasPrefix(c.Key, "open-") {
			continue
		}
		rows, err := readCards(res, c.Key)
		if err != nil {
			return err
		}
		for _, one := range rows {
			found.Deals = append(found.Deals, contactcenter.SeenDeal{
				ID: int64(one.ID), ContactID: int64(one.ContactID), Contacts: ids(one.ContactIDs), CompanyID: int64(one.CompanyID),
				Pipeline: int64(one.CategoryID), Created: one.Created.UTC(), Responsible: int64(one.Responsible),
			})
		}
	}
	return nil
}

func (r *request) lookCommands(contacts, companies *hits) []bitrix24.Command {
	var commands []bitrix24.Command
	wants := r.req.Wants(r.settings)
	add := func(kind dialog.Kind, h *hits) {
		if len(h.order) == 0 {
			return
		}
		of := h.order[:min(len(h.order), maxLooked)]
		commands = append(commands, bitrix24.Command{Key: "see-" + string(kind), Method: "crm.item.list", Params: bitrix24.Params{
			"entityTypeId": entityTypes[kind], "filter": bitrix24.Params{"@id": of}, "select": []string{"id", "createdTime", "assignedById"},
		}})
		if !wants.Deal {
			return
		}
		for _, id := range of {
			filter := ofOwner(kind, id)
			filter["stageSemanticId"], filter["categoryId"] = "P", wants.Pipeline
			commands = append(commands, dealsCommand(fmt.Sprintf("open-%s-%d", kind, id), filter, 0))
		}
	}
	add(dialog.Contact, contacts)
	add(dialog.Company, companies)
	if r.wantsINN() && len(companies.order) > 0 {
		commands = append(commands, requisitesOf(companies.order[:min(len(companies.order), maxLooked)]))
	}
	return commands
}

// maxLooked is how many candidates of a kind are looked at: as many as fit into
// one request with their deals.
const maxLooked = 20

func seen(res results, key string, h *hits) ([]contactcenter.Seen, error) {
	rows, err := readCards(res, key)
	var out []contactcenter.Seen
	for _, c := range rows {
		out = append(out, contactcenter.Seen{
			ID: int64(c.ID), By: h.by[int64(c.ID)], Created: c.Created.UTC(), Responsible: int64(c.Responsible),
		})
	}
	return out, err
}

// seenWords tells a person what was found, ids only.
func seenWords(f contactcenter.RequestFound) string {
	var words []string
	for kind, list := range map[string][]contactcenter.Seen{"contact": f.Contacts, "company": f.Companies} {
		for _, s := range list {
			words = append(words, fmt.Sprintf("%s %d (by %s)", kind, s.ID, strings.Join(s.By, " and ")))
		}
	}
	slices.Sort(words)
	for _, d := range f.Deals {
		words = append(words, fmt.Sprintf("open deal %d in pipeline %d", d.ID, d.Pipeline))
	}
	if len(words) == 0 {
		return "nobody"
	}
	return strings.Join(words, "; ")
}
