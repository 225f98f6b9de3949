package contactcenter

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"puente/phone"
	"puente/settings"
	"puente/texts"
)

// ContactPart is what a request tells of the contact: its contact data, the
// phone of its call, and the UTM tags of the request.
func (r Request) ContactPart(s settings.Settings) ContactData {
	var d ContactData
	if r.Contact != nil {
		d = *r.Contact
	}
	if r.Call != nil && !hasNumber(d.Phones, r.Call.Phone, s.General.Country) {
		d.Phones = append(slices.Clone(d.Phones), Multi{Value: r.Call.Phone})
	}
	d.UTM = r.utmOf(d.UTM)
	return d
}

// CompanyPart is what a request tells of the company.
func (r Request) CompanyPart() CompanyData {
	if r.Company == nil {
		return CompanyData{}
	}
	d := *r.Company
	d.UTM = r.utmOf(d.UTM)
	return d
}

// DealPart is what a request tells of the deal: its deal data, its product, its
// UTM tags, and the fields of the form that the settings map. What the deal
// names itself wins over the form. Title, pipeline and stage of a new deal are
// the caller's (DealTitle, Place).
func (r Request) DealPart(s settings.Settings) DealData {
	var d DealData
	if r.Deal != nil {
		d = *r.Deal
	}
	d.Product, d.UTM = r.ProductName(), r.utmOf(d.UTM)
	fields := map[string]string{}
	for _, row := range s.ContactCenter.Fields {
		for name, value := range r.Fields {
			if settings.SameName(name, row.Name) && strings.TrimSpace(value) != "" {
				fields[row.Deal] = value
			}
		}
	}
	maps.Copy(fields, d.Fields)
	if d.Fields = fields; len(fields) == 0 {
		d.Fields = nil
	}
	return d
}

// utmOf is the tags of a part, else those of the request.
func (r Request) utmOf(own *UTM) *UTM {
	if own == nil {
		return r.UTM
	}
	return own
}

func hasNumber(rows []Multi, raw, country string) bool {
	number, ok := phone.Normalize(raw, country)
	return ok && slices.ContainsFunc(rows, func(m Multi) bool {
		other, readable := phone.Normalize(m.Value, country)
		return readable && other.E164 == number.E164
	})
}

// DealTitle is the title of a new deal that names none: product and client.
func (r Request) DealTitle(t texts.Bundle) string {
	if r.Deal != nil && r.Deal.Title != "" {
		return oneLine(r.Deal.Title)
	}
	product, client := oneLine(r.ProductName()), r.ClientName()
	switch {
	case product == "" && client == "":
		return t.T("cc.deal_title_unknown", map[string]any{"id": r.ExternalID})
	case product == "" || client == "":
		return product + client
	}
	return t.T("cc.deal_title", map[string]any{"product": product, "client": client})
}

// ClientName is how the client of a request is called for people: the company's
// title, else the contact's name, phone or e-mail; "" if nothing is told.
func (r Request) ClientName() string {
	if c := r.Company; c != nil && c.Title+c.LegalName != "" {
		return oneLine(cmp.Or(c.Title, c.LegalName))
	}
	var c ContactData
	if r.Contact != nil {
		c = *r.Contact
	}
	if name := contactName(c); name != "" {
		return name
	}
	for _, m := range slices.Concat(c.Phones, c.Emails) {
		return oneLine(m.Value)
	}
	if r.Call != nil {
		return oneLine(r.Call.Phone)
	}
	return ""
}

func contactName(c ContactData) string {
	return oneLine(c.Name + " " + c.SecondName + " " + c.LastName)
}

// Responsible is the Bitrix24 user of a new deal: who the deal names, else by
// the rule of its product. contactResponsible is that of the contact, 0 if
// there is none.
func (r Request) Responsible(s settings.Settings, contactResponsible int64) int64 {
	if r.Deal != nil && r.Deal.ResponsibleID != 0 {
		return r.Deal.ResponsibleID
	}
	product, _ := ProductOf(s, r.ProductName())
	switch {
	case product.Responsible == settings.ResponsibleUser && product.User != 0:
		return product.User
	case product.Responsible == settings.ResponsibleContact && contactResponsible != 0:
		return contactResponsible
	}
	user, _ := r.Operator(s)
	return user
}

// Operator is the Bitrix24 user who took the request: of its call, else the
// fallback. unmapped says that its operator is not in the settings.
func (r Request) Operator(s settings.Settings) (user int64, unmapped bool) {
	if r.Call == nil {
		user, _ = s.UserFor(0)
		return user, false
	}
	return ActingUser(*r.Call, s)
}

// SourceOf is the SOURCE of what a request makes, by its channel; "" = what
// crm.source_id says, else the portal's default.
func (r Request) SourceOf(s settings.Settings) string {
	return cmp.Or(s.ContactCenter.Sources[r.Channel], s.CRM.SourceID)
}
