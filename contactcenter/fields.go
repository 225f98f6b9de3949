package contactcenter

import (
	"cmp"
	"strings"

	"puente/dialog"
	"puente/internal/strictdoc"
	"puente/settings"
)

// Defaults are what a new entity gets where the input says nothing.
type Defaults struct {
	ResponsibleID     int64  // Bitrix24 user; 0 = the calling one
	Source            string // STATUS_ID of the directory SOURCE; "" = the portal's default
	SourceDescription string
	Country           string // ISO 3166, by which phones are read
	Title             string // of a deal or company that names none
}

// NewContact gives the crm.item.add fields of a new contact (bitrix24 reference
// §3.3), without origin marks and without extra fields (see ConvertFields).
// Notes say what was done otherwise than asked. Its name is never empty: a
// contact without one is called by phone or e-mail.
func NewContact(d ContactData, with Defaults) (fields map[string]any, notes []string) {
	if d.Name == "" && d.LastName == "" {
		d.Name = nameless(d.Phones, d.Emails, with.Country)
	}
	w := writer{country: with.Country}
	w.contact(d)
	return w.fresh(with)
}

// NewCompany gives the crm.item.add fields of a new company, without origin
// marks, extra fields, requisites and contacts (which are linked by
// crm.company.contact.add). A company without a title is called by its legal
// name, its INN, phone or e-mail.
func NewCompany(d CompanyData, with Defaults) (fields map[string]any, notes []string) {
	inn := ""
	if d.INN != "" {
		inn = "INN " + d.INN
	}
	d.Title = cmp.Or(d.Title, d.LegalName, with.Title, inn, nameless(d.Phones, d.Emails, with.Country))
	w := writer{country: with.Country}
	w.company(d)
	return w.fresh(with)
}

// NewDeal gives the crm.item.add fields of a new deal in the pipeline of
// d.Pipeline (nil = 0), without origin marks and extra fields. The product is
// the caller's to resolve (see Place); it names a deal that has no title.
func NewDeal(d DealData, with Defaults) (fields map[string]any, notes []string) {
	d.Title = cmp.Or(d.Title, with.Title, d.Product)
	w := writer{country: with.Country}
	w.deal(d)
	fields, notes = w.fresh(with)
	if d.Pipeline == nil {
		fields["categoryId"] = int64(0)
	}
	return fields, notes
}

// ContactChanges is what an update of a contact has to write. Phones are the
// same in whichever form they are written, e-mails in whichever case; comments
// and companies are added to those that are there. country is that by which
// phones are read.
func ContactChanges(current Entity, d ContactData, country string) Changes {
	w := writer{current: current, country: country}
	w.contact(d)
	return w.changes()
}

// CompanyChanges is what an update of a company has to write; see ContactChanges.
func CompanyChanges(current Entity, d CompanyData, country string) Changes {
	w := writer{current: current, country: country}
	w.company(d)
	return w.changes()
}

// DealChanges is what an update of a deal has to write: contacts, observers and
// comments are added to those that are there, everything else that was given
// replaces what differs. The product is not looked at: it only places new deals.
func DealChanges(current Entity, d DealData) Changes {
	w := writer{current: current}
	w.deal(d)
	return w.changes()
}

func (w *writer) contact(d ContactData) {
	w.names(d)
	w.title("secondName", "second_name", d.SecondName, dialog.MaxName)
	w.title("post", "post", d.Post, dialog.MaxTitle)
	w.multi(d.Phones, d.Emails)
	w.ofCompany(d.CompanyID)
	w.common(d.Common)
	w.comments(d.Comments)
}

// ofCompany adds a company to those of a contact.
func (w *writer) ofCompany(id int64) {
	there := w.current.ids("companyIds")
	if main := w.current.id("companyId"); main != 0 && len(there) == 0 {
		there = []int64{main}
	}
	if len(there) == 0 {
		w.setID("companyId", "company_id", id)
		return
	}
	w.join("companyIds", "company_id", []int64{id}, there)
}

func (w *writer) company(d CompanyData) {
	w.title("title", "title", d.Title, dialog.MaxTitle)
	w.multi(d.Phones, d.Emails)
	w.common(d.Common)
	w.comments(d.Comments)
}

func (w *writer) deal(d DealData) {
	w.title("title", "title", d.Title, dialog.MaxTitle)
	if d.Pipeline != nil && (w.current["categoryId"] == nil || w.current.id("categoryId") != *d.Pipeline) {
		w.put("categoryId", FieldDifference{Field: "pipeline", Yours: *d.Pipeline, Theirs: w.current["categoryId"]}, *d.Pipeline)
	}
	w.set("stageId", "stage", d.Stage)
	w.join("contactIds", "contact_ids", d.ContactIDs, w.current.ids("contactIds"))
	w.setID("companyId", "company_id", d.CompanyID)
	if d.Amount != nil && !same(w.current["opportunity"], *d.Amount) {
		w.amount(*d.Amount)
	}
	w.set("currencyId", "currency", d.Currency)
	w.join("observers", "observers", d.Observers, w.current.ids("observers"))
	w.common(d.Common)
	w.comments(d.Comments)
}

// amount is written together with its flag: else the portal would compute the
// sum from the products of the deal.
func (w *writer) amount(amount float64) {
	d := FieldDifference{Field: "amount", Yours: amount, Theirs: w.current["opportunity"]}
	w.put("opportunity", d, amount)
	if !same(w.current["isManualOpportunity"], "Y") {
		w.put("isManualOpportunity", d, "Y")
	}
}

// fresh is what was collected, for crm.item.add.
func (w *writer) fresh(with Defaults) (map[string]any, []string) {
	fields := w.out.Fields
	if fields == nil {
		fields = map[string]any{}
	}
	fields["opened"] = "Y" // colleagues may see it
	if _, given := fields["assignedById"]; !given && with.ResponsibleID > 0 {
		fields["assignedById"] = with.ResponsibleID
	}
	if _, given := fields["sourceId"]; !given && with.Source != "" {
		fields["sourceId"] = with.Source
	}
	if with.SourceDescription != "" {
		fields["sourceDescription"] = with.SourceDescription
	}
	return fields, w.out.Notes
}

// changes is what was collected, for crm.item.update: new rows of fm are n0,
// n1 … there (bitrix24 reference §3.4).
func (w *writer) changes() Changes {
	if rows, ok := w.out.Fields["fm"].([]any); ok {
		w.out.Fields["fm"] = numbered(rows)
	}
	return w.out
}

// nameless is what somebody without a name is called by.
func nameless(phones, emails []Multi, country string) string {
	w := writer{country: country}
	for _, m := range phones {
		_, value := w.readPhone(m.Value)
		return value
	}
	for _, m := range emails {
		return strings.TrimSpace(m.Value)
	}
	return ""
}

// ConvertFields turns additional fields, by their CRM names, into values of the
// portal's types (crm.item.fields with useOriginalUfNames). Empty texts fill
// nothing. A problem names the field by its path in the input.
func ConvertFields(
	fields map[string]string, types map[string]settings.FieldType, locale dialog.Locale,
) (values map[string]any, problems []settings.Problem) {
	var c check
	values = map[string]any{}
	for _, name := range strictdoc.SortedKeys(fields) {
		t, ok := types[name]
		switch {
		case strings.TrimSpace(fields[name]) == "":
		case !ok:
			c.Add("fields."+name, "the CRM has no field %s", name)
		case t.ReadOnly:
			c.Add("fields."+name, "the CRM does not let anybody write the field %s", name)
		default:
			c.convert(values, name, fields[name], t, locale)
		}
	}
	return values, c.Problems
}

func (c *check) convert(values map[string]any, name, text string, t settings.FieldType, locale dialog.Locale) {
	value, err := dialog.Convert(text, t, locale)
	if err != nil {
		c.Add("fields."+name, "does not fit the field %s of the type %s: %s", name, t.Type, err)
		return
	}
	values[name] = value
}
