package contactcenter

import "puente/dialog"

// CRMTitle is a title as the CRM stores it: one line, not longer than it takes.
func CRMTitle(title string) string { return dialog.Shorten(oneLine(title), dialog.MaxTitle) }
