package contactcenter

import (
	"slices"
	"strings"

	"puente/phone"
	"puente/settings"
)

// Keys are what a request claims before anything is looked up, sorted: requests
// and dialogs of one client wait for each other, in the order of acceptance. The
// formats of phone and e-mail are those of dialogs. What cannot be read, and
// the company's own phones, give no key; the request itself always gives one.
// Keys hold personal data: they belong into the table of claims only.
func Keys(r Request, s settings.Settings) []string {
	k := newKeys(s)
	k.all = append(k.all, "request:"+r.ExternalID)
	k.contact(r)
	k.company(r)
	return k.sorted()
}

// ContactKeys are those of Keys that stand for the contact: what a person chose
// for it is remembered under them. Those of its company stand for its
// colleagues as well.
func ContactKeys(r Request, s settings.Settings) []string {
	k := newKeys(s)
	k.contact(r)
	return k.sorted()
}

// CompanyKeys are those of Keys that stand for the company.
func CompanyKeys(r Request, s settings.Settings) []string {
	k := newKeys(s)
	k.company(r)
	return k.sorted()
}

type keys struct {
	country string
	own     []string
	all     []string
}

func newKeys(s settings.Settings) keys { return keys{country: s.General.Country, own: ownPhones(s)} }

func (k *keys) contact(r Request) {
	if r.Contact != nil {
		k.people(r.Contact.Phones, r.Contact.Emails)
	}
	if r.Call != nil {
		k.phone(r.Call.Phone)
	}
}

func (k *keys) company(r Request) {
	c := r.Company
	if c == nil {
		return
	}
	k.people(c.Phones, c.Emails)
	k.add("inn:", c.INN)
	k.add("ogrn:", c.OGRN)
	k.add("title:", strings.ToLower(oneLine(c.Title)))
}

func (k *keys) sorted() []string {
	slices.Sort(k.all)
	return slices.Compact(k.all)
}

func (k *keys) people(phones, emails []Multi) {
	for _, m := range phones {
		k.phone(m.Value)
	}
	for _, m := range emails {
		k.add("email:", lowerEmail(m.Value))
	}
}

func (k *keys) phone(raw string) {
	if n, ok := phone.Normalize(raw, k.country); ok && !slices.Contains(k.own, n.E164) {
		k.add("phone:", n.E164)
	}
}

func (k *keys) add(prefix, value string) {
	if value != "" {
		k.all = append(k.all, prefix+value)
	}
}

// lowerEmail is an address as addresses are compared.
func lowerEmail(raw string) string { return strings.ToLower(strings.TrimSpace(raw)) }
