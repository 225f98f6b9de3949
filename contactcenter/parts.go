package contactcenter

import "puente/dialog"

// CRMTitle is a title as the CRM stores it: one line, not longer than it takes.
func CRMTitle(title string) string { return dialog.Shorten(oneLine(title), dialog.MaxTitle) }

// Refs are the entities of which the id is known, in the order in which lists
// name them.
func Refs(contact, company, deal int64) (refs []Ref) {
	for _, ref := range []Ref{{KindContact, contact}, {KindCompany, company}, {KindDeal, deal}} {
		if ref.ID != 0 {
			refs = append(refs, ref)
		}
	}
	return refs
}
