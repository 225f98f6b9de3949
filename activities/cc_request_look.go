package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/settings"
	"puente/workflows"
)

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
