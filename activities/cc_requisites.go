package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// Steps of a contact-center run, beside contact, as the ledger names them.
const (
	stepCompany = "company"
	stepDeal    = "deal"
	stepCall    = "call"
)

// requisiteSuffix ends the step that makes the requisite of a company.
const requisiteSuffix = "-requisite"

// presetsDirectory keeps the templates of requisites.
const presetsDirectory = "bitrix24:presets"

// requisite is a company's requisite as crm.requisite.list shows it.
type requisite struct {
	ID       bitrix24.ID   `json:"ID"`
	Modified bitrix24.Time `json:"DATE_MODIFY"`
	By       bitrix24.ID   `json:"MODIFY_BY_ID"`
	contactcenter.Requisite
}

// saveRequisite puts taxpayer numbers, legal name and address where the CRM
// keeps them: the company's requisite with the same number, else its first, made
// if there is none (bitrix24 reference §3.11). It names what it changed.
func (d *desk) saveRequisite(ctx context.Context, c change, in contactcenter.CompanyData) ([]string, error) {
	if !contactcenter.HasRequisite(in) {
		return nil, nil
	}
	current, err := d.requisiteNow(ctx, c, in)
	if err != nil {
		return nil, err
	}
	var changed []string
	id := int64(current.ID)
	if id == 0 {
		id, err = d.addRequisite(ctx, c.step+requisiteSuffix, c.id, in)
		changed = append(changed, "requisite")
	} else {
		changed, err = d.changeRequisite(ctx, c, current, in)
	}
	if err != nil {
		return changed, err
	}
	return changed, d.saveAddress(ctx, c, id, in)
}

func requisitesCommand(company int64) bitrix24.Command {
	return bitrix24.Command{Key: "requisites", Method: "crm.requisite.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ENTITY_TYPE_ID": entityTypes[dialog.Company], "ENTITY_ID": company},
		"order":  bitrix24.Params{"ID": "ASC"}, "select": []string{
			"ID", "RQ_INN", "RQ_KPP", "RQ_OGRN", "RQ_OGRNIP", "RQ_COMPANY_NAME",
			"DATE_MODIFY", "MODIFY_BY_ID",
		},
	}}
}

func (d *desk) requisiteOf(ctx context.Context, company int64, in contactcenter.CompanyData) (requisite, error) {
	res, err := d.batch(ctx, false, requisitesCommand(company))
	if err != nil {
		return requisite{}, err
	}
	return pickRequisite(res, in)
}

// pickRequisite is the company's requisite that an input is about; id 0 = it has none.
func pickRequisite(res results, in contactcenter.CompanyData) (requisite, error) {
	var rows []requisite
	if err := res.read("requisites", &rows); err != nil || len(rows) == 0 {
		return requisite{}, err
	}
	plain := make([]contactcenter.Requisite, len(rows))
	for i, row := range rows {
		plain[i] = row.Requisite
	}
	return rows[contactcenter.PickRequisite(plain, in)], nil
}

// requisiteNow is the requisite as it was read along with the company, else as it
// is now.
func (d *desk) requisiteNow(ctx context.Context, c change, in contactcenter.CompanyData) (requisite, error) {
	if d.requisites != nil {
		return pickRequisite(d.requisites, in)
	}
	return d.requisiteOf(ctx, c.id, in)
}

func (d *desk) addRequisite(ctx context.Context, step string, company int64, in contactcenter.CompanyData) (int64, error) {
	preset, err := d.preset(ctx)
	if err != nil {
		return 0, err
	}
	fields := contactcenter.RequisiteFields(in)
	fields["ENTITY_TYPE_ID"], fields["ENTITY_ID"], fields["PRESET_ID"] = entityTypes[dialog.Company], company, preset
	fields["XML_ID"] = originRun + d.syncID
	return d.once(ctx, write{
		step: step, kind: "requisite", detail: "created",
		look: func(ctx context.Context) (int64, error) {
			found, err := d.requisiteOf(ctx, company, in)
			return int64(found.ID), err
		},
		send: func(ctx context.Context) (int64, error) {
			res, err := d.batch(ctx, false, bitrix24.Command{
				Key: "requisite", Method: "crm.requisite.add", Params: bitrix24.Params{"fields": literal(fields)},
			})
			if err != nil {
				return 0, err
			}
			return madeID(res["requisite"].Answer), res.trouble("requisite")
		},
	})
}

// changeRequisite fills in what is given and differs; setting it twice does no
// harm. What a person changed after the input was told is left to that person.
func (d *desk) changeRequisite(ctx context.Context, c change, current requisite, in contactcenter.CompanyData) ([]string, error) {
	fields, changed := contactcenter.RequisiteChanges(current.Requisite, in)
	if len(fields) == 0 {
		return nil, nil
	}
	newer, err := d.changedByPerson(ctx, c, current.Modified.Time, int64(current.By))
	switch {
	case err != nil:
		return nil, err
	case newer && !c.gentle:
		words := fmt.Sprintf("the requisite of company %d was changed by user %d after if_unchanged_since", c.id, current.By)
		return nil, refuse(http.StatusConflict, words, "body.if_unchanged_since", c.since)
	case newer:
		fields, changed = contactcenter.MissingRequisites(current.Requisite, in)
	}
	if len(fields) == 0 {
		return nil, nil
	}
	res, err := d.batch(ctx, false, bitrix24.Command{
		Key: "requisite", Method: "crm.requisite.update", Params: bitrix24.Params{"id": current.ID, "fields": literal(fields)},
	})
	if err != nil {
		return nil, err
	}
	return changed, res.trouble("requisite")
}

// changedByPerson tells whether a person changed something after the input of a
// change was told.
func (d *desk) changedByPerson(ctx context.Context, c change, at time.Time, by int64) (bool, error) {
	if c.since == nil {
		return false, nil
	}
	if later := at.After(*c.since) || c.gentle && at.After(c.first); !later {
		return false, nil
	}
	me, err := d.me(ctx)
	return by != me, err
}

const (
	legalAddress  = 6 // TYPE_ID of a legal address (bitrix24 reference §3.11)
	requisiteType = 8 // entityTypeId of a requisite (§3.1)
)

// saveAddress sets the legal address: there is one of each type, so that it is
// updated where it exists. Setting it twice does no harm.
func (d *desk) saveAddress(ctx context.Context, c change, requisite int64, in contactcenter.CompanyData) error {
	fields := contactcenter.AddressFields(in)
	if fields == nil {
		return nil
	}
	of := bitrix24.Params{"TYPE_ID": legalAddress, "ENTITY_TYPE_ID": requisiteType, "ENTITY_ID": requisite}
	res, err := d.batch(ctx, false, bitrix24.Command{Key: "has", Method: "crm.address.list", Params: bitrix24.Params{
		"filter": of, "select": []string{"TYPE_ID", "ADDRESS_1"},
	}})
	if err != nil {
		return err
	}
	var rows []struct {
		Line string `json:"ADDRESS_1"`
	}
	if err := res.read("has", &rows); err != nil {
		return err
	}
	method := "crm.address.add"
	switch {
	case len(rows) > 0 && rows[0].Line == fields["ADDRESS_1"]:
		return nil
	case len(rows) > 0 && c.gentle:
		return nil // a person may have put it right, and addresses do not tell who
	case len(rows) > 0:
		method = "crm.address.update"
	}
	maps.Copy(fields, of)
	res, err = d.batch(ctx, false, bitrix24.Command{Key: "address", Method: method, Params: bitrix24.Params{"fields": literal(fields)}})
	if err != nil {
		return err
	}
	return res.trouble("address")
}

// preset is the template of new requisites: by the settings, else the portal's first.
func (d *desk) preset(ctx context.Context) (int64, error) {
	if id := d.settings.ContactCenter.RequisitePreset; id != 0 {
		return id, nil
	}
	var rows []item
	raw, age, found, err := d.store.Directory(ctx, d.portal, presetsDirectory)
	if err != nil {
		return 0, err
	}
	if found && age < directoryAge && json.Unmarshal(raw, &rows) == nil && len(rows) > 0 {
		return int64(rows[0].ID), nil
	}
	res, err := d.batch(ctx, false, bitrix24.Command{Key: "presets", Method: "crm.requisite.preset.list", Params: bitrix24.Params{
		"select": []string{"ID"}, "order": bitrix24.Params{"ID": "ASC"},
	}})
	if err != nil {
		return 0, err
	}
	if err := res.read("presets", &rows); err != nil {
		return 0, err
	}
	if len(rows) == 0 {
		return 0, final("requisite", "NO_PRESET",
			"the portal has no template of requisites. What to do: add one in the portal, or set contact_center.requisite_preset, and run it again")
	}
	return int64(rows[0].ID), d.store.SaveDirectory(ctx, d.portal, presetsDirectory, res["presets"].Value)
}
