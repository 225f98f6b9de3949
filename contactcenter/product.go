package contactcenter

import (
	"strings"

	"puente/settings"
)

// ProductOf finds the product that a request or deal names; case and spaces
// around the name do not count. A name that the settings do not list stands for
// the product contact_center.unknown_product; without that setting known is
// false, and a person has to decide. No name at all means pipeline 0 with the
// operator responsible, unless unknown_product is set.
func ProductOf(s settings.Settings, name string) (product settings.Product, known bool) {
	if p, ok := s.ContactCenter.Product(name); ok {
		return p, true
	}
	if p, ok := s.ContactCenter.Product(s.ContactCenter.UnknownProduct); ok {
		return p, true
	}
	return settings.Product{Responsible: settings.ResponsibleOperator}, strings.TrimSpace(name) == ""
}

// ProductName is what a request is about: its own product, else that of its deal.
func (r Request) ProductName() string {
	if r.Product == "" && r.Deal != nil {
		return r.Deal.Product
	}
	return r.Product
}

// Wants says which entities a request is about, and in which pipeline its deal
// is looked for.
type Wants struct {
	Contact  bool  `json:"contact,omitempty"`
	Company  bool  `json:"company,omitempty"`
	Deal     bool  `json:"deal,omitempty"`
	Pipeline int64 `json:"pipeline,omitempty"`
}

// Wants tells by the filled fields what is to be found or made (product D2): a
// contact by contact data or a call, whose phone is the client's; a company by
// company data; a deal by deal data or a product.
func (r Request) Wants(s settings.Settings) Wants {
	w := Wants{
		Contact: !isEmpty(r.Contact) || r.Call != nil && r.Call.Phone != "",
		Company: !isEmpty(r.Company),
		Deal:    !isEmpty(r.Deal) || r.Product != "",
	}
	if w.Deal {
		w.Pipeline, _, _ = r.Place(s)
	}
	return w
}

// Place is the pipeline and first stage ("" = the pipeline's first) of the
// deal of a request. Deal.Pipeline and Deal.Stage win over the product; known
// is false if neither they nor the product say where.
func (r Request) Place(s settings.Settings) (pipeline int64, stage string, known bool) {
	var d DealData
	if r.Deal != nil {
		d = *r.Deal
	}
	d.Product = r.ProductName()
	return d.Place(s)
}

// TellsPlace says whether a request, or one revision of it, names a product or
// pipeline at all.
func (r Request) TellsPlace() bool {
	return r.ProductName() != "" || r.Deal != nil && r.Deal.Pipeline != nil
}

// Place is the pipeline and first stage of a new deal.
func (d DealData) Place(s settings.Settings) (pipeline int64, stage string, known bool) {
	p, known := ProductOf(s, d.Product)
	pipeline, stage = p.Pipeline, p.Stage
	if d.Pipeline != nil {
		if *d.Pipeline != pipeline {
			stage = "" // that of the product belongs to the other pipeline
		}
		pipeline, known = *d.Pipeline, true
	}
	if d.Stage != "" {
		stage = d.Stage
	}
	return pipeline, stage, known
}
