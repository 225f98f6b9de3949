package contactcenter

import (
	"reflect"
	"slices"
	"strings"

	"puente/settings"
)

// Validate returns everything that is wrong with the input of a method, each
// problem with its JSON path; nil = it can be used. What only the portal can
// tell (whether an id, a field or a stage exists) is not checked here.
// The input is a value as Decode gives it.
func Validate(input any, s settings.Settings, how ...Leniency) []settings.Problem {
	v := validation{settings: s, plainURLs: slices.Contains(how, PlainURLs)}
	v.limits("", reflect.ValueOf(input))
	v.semantics(input)
	return v.Problems
}

// Leniency is something that is let pass.
type Leniency int

// PlainURLs lets recordings lie at http addresses: for development on one machine.
const PlainURLs Leniency = 1

// validation is one input that is looked through.
type validation struct {
	check
	settings settings.Settings
	// plainURLs takes http addresses of recordings too.
	plainURLs bool
	own       []string // E.164 of the company's own phones, read when needed
}

// semantics goes to the rules that tags cannot tell.
func (v *validation) semantics(input any) {
	switch in := input.(type) {
	case ContactQuery:
		v.contactQuery(in)
	case CompanyQuery:
		v.companyQuery(in)
	case DealQuery:
		v.dealQuery(in)
	case ContactDealsQuery:
		v.wantsKey(in.ContactID != 0, in.Phone, in.Email)
		v.searchedPhone("phone", in.Phone)
		v.searchedEmail("email", in.Email)
	case CompanyDealsQuery:
		v.wantsKey(in.CompanyID != 0, in.Title, in.INN)
		v.code("inn", in.INN, CheckINN)
	default:
		v.writes(input)
	}
}

// writes are the methods that change something, and what cannot be wrong.
func (v *validation) writes(input any) {
	switch in := input.(type) {
	case ContactData:
		v.newContact("", in)
	case CompanyData:
		v.newCompany("", in)
	case DealData:
		v.something(in)
		v.deal("", in)
	case ContactUpdateInput:
		v.something(in.ContactData)
		v.contact("", in.ContactData)
	case CompanyUpdateInput:
		v.something(in.CompanyData)
		v.company("", in.CompanyData)
	case DealUpdateInput:
		v.something(in.DealData)
		v.dealUpdate(in.DealData)
	case Call:
		v.call("", in)
	case AttachRecordingInput:
		v.recording("", in.Recording)
	case AttachToCRMInput:
		if in.ContactID == 0 && in.CompanyID == 0 && in.DealID == 0 {
			v.Add("", "give contact_id, company_id or deal_id: what the call is to be attached to")
		}
	}
}

func (v *validation) dealUpdate(d DealData) {
	if d.Product != "" {
		v.Add("product", "places new deals only; move this one by pipeline and stage")
	}
	v.dealValues("", d)
}

func (v *validation) contactQuery(in ContactQuery) {
	v.wantsKey(in.ID != 0, in.Phone, in.Email, in.Name)
	v.searchedPhone("phone", in.Phone)
	v.searchedEmail("email", in.Email)
}

func (v *validation) companyQuery(in CompanyQuery) {
	v.wantsKey(in.ID != 0, in.Title, in.Phone, in.Email, in.INN, in.KPP, in.OGRN)
	v.searchedPhone("phone", in.Phone)
	v.searchedEmail("email", in.Email)
	v.codes("", in.INN, in.KPP, in.OGRN)
}

func (v *validation) dealQuery(in DealQuery) {
	given := in.ID != 0 || in.ContactID != 0 || in.CompanyID != 0 || in.Pipeline != nil
	v.wantsKey(given, in.Title, in.Product, in.Stage, in.ExternalID)
	v.product("product", in.Product)
	v.stage("stage", in.Stage, in.Pipeline)
}

// wantsKey refuses a search for nothing: it would list the whole CRM.
func (v *validation) wantsKey(given bool, texts ...string) {
	if !given && strings.Join(texts, "") == "" {
		v.Add("", "give at least one thing to search by")
	}
}

// something refuses input that says nothing.
func (v *validation) something(data any) {
	if isNothing(treeOf(data)) {
		v.Add("", "nothing is given that could be written")
	}
}

// product wants one that the settings know, or that something stands for.
func (v *validation) product(path, name string) {
	if _, known := ProductOf(v.settings, name); name != "" && !known {
		v.Add(path, "there is no product %q in the settings; known: %s", shortened(name), productNames(v.settings))
	}
}

func productNames(s settings.Settings) string {
	names := []string{"none"}
	if len(s.ContactCenter.Products) > 0 {
		names = nil
	}
	for _, p := range s.ContactCenter.Products {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
