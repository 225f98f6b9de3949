package contactcenter

import (
	"slices"
	"strings"

	"puente/dialog"
)

// ClientOf is what a request tells of its contact. Who called is known by the
// phone of the call, even if nothing else is told.
func ClientOf(r Request) ContactData {
	var data ContactData
	if r.Contact != nil {
		data = *r.Contact
	}
	if r.Call != nil && len(data.Phones) == 0 && r.Call.Phone != "" {
		data.Phones = []Multi{{Value: r.Call.Phone}}
	}
	if data.UTM == nil {
		data.UTM = r.UTM
	}
	return data
}

// CRMTitle is a title as the CRM stores it: one line, not longer than it takes.
func CRMTitle(title string) string { return dialog.Shorten(oneLine(title), dialog.MaxTitle) }

// RequestTitle names the deal of a request that names none: the product and
// whoever the client is.
func RequestTitle(r Request) string {
	client := strings.TrimSpace(ClientOf(r).Name + " " + ClientOf(r).LastName)
	if r.Company != nil && r.Company.Title != "" {
		client = r.Company.Title
	}
	parts := slices.DeleteFunc([]string{r.ProductName(), client}, func(s string) bool { return s == "" })
	if len(parts) == 0 {
		return ""
	}
	return CRMTitle(strings.Join(parts, ": "))
}
