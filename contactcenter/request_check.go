package contactcenter

import (
	"reflect"
	"slices"
	"strings"

	"puente/settings"
)

// ValidateRequest returns everything that is wrong with a request, each problem
// with its JSON path; nil = it can be accepted. Of several revisions the merged
// one is to be checked: a correction need not repeat what its product requires.
//
// A product that nobody knows is no problem: such a request is accepted and
// parks until a person decides (see ProductOf).
func ValidateRequest(r Request, s settings.Settings, how ...Leniency) []settings.Problem {
	v := validation{settings: s, plainURLs: slices.Contains(how, PlainURLs)}
	v.limits("", reflect.ValueOf(r))
	if isEmpty(r.Contact) && isEmpty(r.Company) && isEmpty(r.Deal) && r.Call == nil && r.Comment == "" && len(r.Fields) == 0 {
		v.Add("", "a request needs a contact, a company, a deal, a call, a comment or fields")
	}
	switch {
	case isEmpty(r.Contact):
	case r.Call != nil: // whose phone makes up for what the contact lacks
		v.contact("contact", *r.Contact)
	default:
		v.newContact("contact", *r.Contact)
	}
	if !isEmpty(r.Company) {
		v.newCompany("company", *r.Company)
	}
	v.requestDeal(r)
	v.requestCall(r.Call)
	v.fields("fields", r.Fields)
	v.required(r)
	return v.Problems
}

func (v *validation) requestDeal(r Request) {
	if r.Deal == nil {
		return
	}
	v.dealValues("deal", *r.Deal)
	if r.Product != "" && r.Deal.Product != "" && !settings.SameName(r.Product, r.Deal.Product) {
		v.Add("deal.product", "differs from the product of the request; give one of them")
	}
}

// requestCall refuses links: the request itself finds or makes what they lead to.
func (v *validation) requestCall(c *Call) {
	if c == nil {
		return
	}
	v.call("call", *c)
	for name, id := range map[string]int64{"contact_id": c.ContactID, "company_id": c.CompanyID, "deal_id": c.DealID} {
		if id != 0 {
			v.Add("call."+name, "must be left out: the request finds or makes it")
		}
	}
}

// required wants what the product of the request demands.
func (v *validation) required(r Request) {
	product, _ := ProductOf(v.settings, r.ProductName())
	if len(product.Required) == 0 {
		return
	}
	tree := treeOf(r)
	for _, path := range product.Required {
		if !filled(tree, path) {
			v.Add(path, "is missing: the product %s needs it", product.Name)
		}
	}
}

// filled follows a path like contact.phones or fields.region; the name of a
// form field may have points itself.
func filled(tree map[string]any, path string) bool {
	value := tree[path]
	if head, rest, nested := strings.Cut(path, "."); nested && value == nil {
		inner, _ := tree[head].(map[string]any)
		return filled(inner, rest)
	}
	switch v := value.(type) {
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return value != nil
}
