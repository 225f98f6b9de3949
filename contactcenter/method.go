package contactcenter

import "slices"

// Method is the name of one of the sixteen methods (product D1), as it stands in
// the address of the API.
type Method string

// The sixteen methods.
const (
	ContactFind         Method = "contact.find"
	ContactCreate       Method = "contact.create"
	ContactUpdate       Method = "contact.update"
	ContactDeals        Method = "contact.deals"
	CompanyFind         Method = "company.find"
	CompanyCreate       Method = "company.create"
	CompanyUpdate       Method = "company.update"
	CompanyDeals        Method = "company.deals"
	DealFind            Method = "deal.find"
	DealCreate          Method = "deal.create"
	DealUpdate          Method = "deal.update"
	DealUsers           Method = "deal.users"
	CallCreate          Method = "call.create"
	CallAttachRecording Method = "call.attach_recording"
	CallAttachToCRM     Method = "call.attach_to_crm"
	DirectoriesList     Method = "directories.list"
)

// Methods lists all sixteen in the order of the documentation.
func Methods() []Method {
	return []Method{
		ContactFind, ContactCreate, ContactUpdate, ContactDeals, CompanyFind, CompanyCreate, CompanyUpdate, CompanyDeals,
		DealFind, DealCreate, DealUpdate, DealUsers, CallCreate, CallAttachRecording, CallAttachToCRM, DirectoriesList,
	}
}

// Known reports whether m is one of the sixteen.
func (m Method) Known() bool { return slices.Contains(Methods(), m) }

// ReadOnly reports whether m only looks: a repetition changes nothing, and the
// answer repeats what the CRM knows of people.
func (m Method) ReadOnly() bool {
	switch m {
	case ContactFind, ContactDeals, CompanyFind, CompanyDeals, DealFind, DealUsers, DirectoriesList:
		return true
	default:
		return false
	}
}
