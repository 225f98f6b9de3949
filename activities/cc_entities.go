package activities

import (
	"context"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/settings"
)

// defaults are what a new entity gets where the caller says nothing.
func (d *desk) defaults(c contactcenter.Common) contactcenter.Defaults {
	return contactcenter.Defaults{
		ResponsibleID: d.responsible(c.ResponsibleID), Source: d.settings.CRM.SourceID, Country: d.settings.General.Country,
	}
}

func (d *desk) createContact(ctx context.Context, in contactcenter.ContactData) (reply, error) {
	if err := d.unique(ctx, dialog.Contact, stepContact, in.ExternalID); err != nil {
		return reply{}, err
	}
	id, notes, err := d.addContact(ctx, stepContact, d.origin(in.ExternalID), in, d.defaults(in.Common))
	return d.saved(dialog.Contact, id, true, nil, notes), err
}

func (d *desk) addContact(
	ctx context.Context, step, origin string, in contactcenter.ContactData, with contactcenter.Defaults,
) (int64, []string, error) {
	fields, notes := contactcenter.NewContact(in, with)
	id, err := d.create(ctx, creation{kind: dialog.Contact, step: step, origin: origin, fields: fields, extra: in.Fields})
	return id, notes, err
}

func (d *desk) updateContact(ctx context.Context, in contactcenter.ContactUpdateInput) (reply, error) {
	changes, err := d.update(ctx, d.contactChange(stepContact, in.ID, in.ContactData, in.IfUnchangedSince))
	return d.saved(dialog.Contact, in.ID, false, changes.Changed, changes.Notes), err
}

func (d *desk) contactChange(step string, id int64, in contactcenter.ContactData, since *time.Time) change {
	return change{
		kind: dialog.Contact, id: id, field: "body.id", step: step, since: since, extra: in.Fields,
		diff: func(current contactcenter.Entity) contactcenter.Changes {
			return contactcenter.ContactChanges(current, in, d.settings.General.Country)
		},
	}
}

func (d *desk) createCompany(ctx context.Context, in contactcenter.CompanyData) (reply, error) {
	if err := d.unique(ctx, dialog.Company, stepCompany, in.ExternalID); err != nil {
		return reply{}, err
	}
	id, notes, err := d.addCompany(ctx, stepCompany, d.origin(in.ExternalID), in, d.defaults(in.Common))
	if err != nil {
		return reply{}, err
	}
	return d.saved(dialog.Company, id, true, nil, notes), d.linkContacts(ctx, id, in.ContactIDs)
}

func (d *desk) addCompany(
	ctx context.Context, step, origin string, in contactcenter.CompanyData, with contactcenter.Defaults,
) (int64, []string, error) {
	fields, notes := contactcenter.NewCompany(in, with)
	id, err := d.create(ctx, creation{kind: dialog.Company, step: step, origin: origin, fields: fields, extra: in.Fields})
	if err != nil {
		return 0, nil, err
	}
	_, err = d.saveRequisite(ctx, change{id: id, step: step}, in)
	return id, notes, err
}

func (d *desk) updateCompany(ctx context.Context, in contactcenter.CompanyUpdateInput) (reply, error) {
	changes, err := d.changeCompany(ctx, d.companyChange(stepCompany, in.ID, in.CompanyData, in.IfUnchangedSince), in.CompanyData)
	return d.saved(dialog.Company, in.ID, false, changes.Changed, changes.Notes), err
}

func (d *desk) companyChange(step string, id int64, in contactcenter.CompanyData, since *time.Time) change {
	return change{
		kind: dialog.Company, id: id, field: "body.id", step: step, since: since, extra: in.Fields,
		requisites: contactcenter.HasRequisite(in),
		diff: func(current contactcenter.Entity) contactcenter.Changes {
			return contactcenter.CompanyChanges(current, in, d.settings.General.Country)
		},
	}
}

// changeCompany updates a company, its requisites and its contacts.
func (d *desk) changeCompany(ctx context.Context, c change, in contactcenter.CompanyData) (contactcenter.Changes, error) {
	changes, err := d.update(ctx, c)
	if err != nil {
		return changes, err
	}
	changed, err := d.saveRequisite(ctx, c, in)
	changes.Changed = append(changes.Changed, changed...)
	if err != nil {
		return changes, err
	}
	return changes, d.linkContacts(ctx, c.id, in.ContactIDs)
}

// linkContacts adds contacts to a company; those that are there are left alone
// (bitrix24 reference §3.12).
func (d *desk) linkContacts(ctx context.Context, company int64, contacts []int64) error {
	var commands []bitrix24.Command
	for _, id := range contacts {
		commands = append(commands, bitrix24.Command{
			Key: "c" + bitrix24.ID(id).String(), Method: "crm.company.contact.add",
			Params: bitrix24.Params{"id": company, "fields": bitrix24.Params{"CONTACT_ID": id}},
		})
	}
	res, err := d.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, c := range commands {
		if err := res.trouble(c.Key); err != nil {
			return &fieldError{field: "body.contact_ids", err: err}
		}
	}
	return nil
}

func (d *desk) createDeal(ctx context.Context, in contactcenter.DealData) (reply, error) {
	if err := d.unique(ctx, dialog.Deal, stepDeal, in.ExternalID); err != nil {
		return reply{}, err
	}
	with := d.defaults(in.Common)
	in = d.placeDeal(in, &with)
	id, notes, err := d.addDeal(ctx, stepDeal, d.origin(in.ExternalID), in, with)
	return d.saved(dialog.Deal, id, true, nil, notes), err
}

// placeDeal gives a new deal the pipeline, stage and user of its product.
func (d *desk) placeDeal(in contactcenter.DealData, with *contactcenter.Defaults) contactcenter.DealData {
	pipeline, stage, known := in.Place(d.settings)
	if known {
		in.Pipeline, in.Stage = &pipeline, stage
	}
	if product, _ := d.productOf(in.Product); in.ResponsibleID == 0 && product.Responsible == settings.ResponsibleUser {
		with.ResponsibleID = product.User
	}
	return in
}

func (d *desk) addDeal(
	ctx context.Context, step, origin string, in contactcenter.DealData, with contactcenter.Defaults,
) (int64, []string, error) {
	fields, notes := contactcenter.NewDeal(in, with)
	id, err := d.create(ctx, creation{kind: dialog.Deal, step: step, origin: origin, fields: fields, extra: in.Fields})
	return id, notes, err
}

func (d *desk) updateDeal(ctx context.Context, in contactcenter.DealUpdateInput) (reply, error) {
	changes, err := d.update(ctx, d.dealChange(stepDeal, in.ID, in.DealData, in.IfUnchangedSince))
	return d.saved(dialog.Deal, in.ID, false, changes.Changed, changes.Notes), err
}

func (d *desk) dealChange(step string, id int64, in contactcenter.DealData, since *time.Time) change {
	return change{
		kind: dialog.Deal, id: id, field: "body.id", step: step, since: since, extra: in.Fields,
		diff: func(current contactcenter.Entity) contactcenter.Changes {
			return contactcenter.DealChanges(current, in)
		},
	}
}
