package dialog

import "time"

// What other rules need to bring foreign text to the timeline and to CRM fields
// in the same way as dialogs do.

// BB is foreign text of several lines, ready to stand in BB code: shown as it
// is, HTML and tags included, and unable to form a tag.
func BB(text string) string { return bb(text) }

// BBLine is BB on a single line.
func BBLine(text string) string { return bbLine(text) }

// BBLink is a link with a name in BB code; an address that is not http or https
// is shown as text.
func BBLink(address, name string) string { return bbLink(address, name) }

// Plain is foreign text of several lines for a text file: line breaks are \n,
// control characters visible, UTF-8 valid.
func Plain(text string) string { return clean(text) }

// Shorten cuts text to at most limit characters, the last of them an ellipsis.
func Shorten(text string, limit int) string { return shorten(text, limit) }

// The lengths Bitrix24 stores of names and titles, in characters.
const (
	MaxName  = maxName
	MaxTitle = maxTitle
)

// DateTime writes a time with the zone it is shown in, as the head of a
// transcript does; "" for no time.
func (o RenderOptions) DateTime(t time.Time) string {
	r := renderer{options: o}
	if r.options.Zone == nil {
		r.options.Zone = time.UTC
	}
	return r.dateTime(t)
}
