package contactcenter

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"puente/dialog"
	"puente/phone"
)

const (
	maxUTM = 255
	// maxComments is the bytes of comments up to which more is added: the portal
	// keeps them in a column of 64 KiB.
	maxComments = 60_000
)

// title writes text of at most limit characters. What is longer is cut so that
// one sees it, and stands whole in the comments.
func (w *writer) title(name, key, text string, limit int) {
	text = oneLine(text)
	size := utf8.RuneCountInString(text)
	if size > limit {
		w.note("%s has %d characters; the CRM holds %d, so it was cut and stands whole in the comments", key, size, limit)
		w.loose = append(w.loose, text)
		text = dialog.Shorten(text, limit)
	}
	w.set(name, key, text)
}

// names writes first and last name. A name without a last name may be a whole
// name: its first word is then the first name, the rest the last name, unless
// the entity bears that whole name already, in whichever order or split.
func (w *writer) names(d ContactData) {
	name, last := oneLine(d.Name), oneLine(d.LastName)
	if last == "" && name != "" {
		if w.bears(name) {
			return
		}
		name, last = splitName(name)
	}
	w.title("name", "name", name, dialog.MaxName)
	w.title("lastName", "last_name", last, dialog.MaxName)
}

func (w *writer) bears(whole string) bool {
	first, last := w.current.text("name"), w.current.text("lastName")
	return strings.EqualFold(oneLine(first+" "+last), whole) || strings.EqualFold(oneLine(last+" "+first), whole)
}

// splitName parts a whole name as dialogs do; what dialogs would cut stays whole here.
func splitName(whole string) (name, last string) {
	if _, parted := dialog.SplitName(whole); parted == "" {
		return whole, ""
	}
	name, last, _ = strings.Cut(whole, " ")
	return name, last
}

// multi adds phones and e-mails that the entity does not have yet, each once.
func (w *writer) multi(phones, emails []Multi) {
	var rows []any
	for _, m := range phones {
		if n, value := w.readPhone(m.Value); value != "" && !w.hasPhone(n, value, rows) {
			rows = append(rows, row("PHONE", m.Type, value))
		}
	}
	for _, m := range emails {
		if value := strings.TrimSpace(m.Value); value != "" && !w.hasEmail(value, rows) {
			rows = append(rows, row("EMAIL", m.Type, value))
		}
	}
	if len(rows) > 0 {
		theirs := append(w.current.multi("PHONE"), w.current.multi("EMAIL")...)
		w.put("fm", FieldDifference{Field: "phones and emails", Yours: valuesOf(rows), Theirs: theirs, adds: true}, rows)
	}
}

func row(typeID, valueType, value string) map[string]any {
	if valueType == "" {
		valueType = "WORK"
	}
	return map[string]any{"typeId": typeID, "valueType": valueType, "value": value}
}

// numbered are rows under the keys by which an update adds them.
func numbered(rows []any) map[string]any {
	all := make(map[string]any, len(rows))
	for i, r := range rows {
		all["n"+strconv.Itoa(i)] = r
	}
	return all
}

func valuesOf(rows []any) []string {
	values := make([]string, len(rows))
	for i := range rows {
		values[i] = textOf(rows[i].(map[string]any)["value"])
	}
	return values
}

// readPhone gives a number in the form it is stored in; one that cannot be read
// is stored as it was given.
func (w *writer) readPhone(raw string) (phone.Number, string) {
	if n, ok := phone.Normalize(raw, w.country); ok {
		return n, n.String()
	}
	return phone.Number{}, oneLine(raw)
}

func (w *writer) hasPhone(n phone.Number, value string, rows []any) bool {
	there := append(w.current.multi("PHONE"), typed(rows, "PHONE")...)
	return slices.ContainsFunc(there, func(raw string) bool { return samePhone(raw, n, value, w.country) })
}

// samePhone compares a stored number, in any written form, with one that is
// given. Numbers with different extensions are different.
func samePhone(raw string, n phone.Number, value, country string) bool {
	if stored, ok := phone.Normalize(raw, country); ok || n.E164 == "" {
		return stored == n && (ok || oneLine(raw) == value)
	}
	// A national form of another country, which only the number itself explains.
	digits := onlyDigitsOf(raw)
	const tail = 4
	if len(digits) < tail || !strings.HasSuffix(n.E164+n.Extension, digits[len(digits)-tail:]) {
		return false // the forms of a number end alike
	}
	return slices.ContainsFunc(phone.Variants(n), func(form string) bool { return onlyDigitsOf(form)+n.Extension == digits })
}

func onlyDigitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

func (w *writer) hasEmail(value string, rows []any) bool {
	there := append(w.current.multi("EMAIL"), typed(rows, "EMAIL")...)
	return slices.ContainsFunc(there, func(raw string) bool { return lowerEmail(raw) == lowerEmail(value) })
}

// typed are the values of new rows of one type.
func typed(rows []any, typeID string) []string { return Entity{"fm": rows}.multi(typeID) }

// common writes what contacts, companies and deals have alike, but no extra
// fields: those need the types of the portal (ConvertFields, With).
func (w *writer) common(d Common) {
	w.setID("assignedById", "responsible_id", d.ResponsibleID)
	w.set("sourceId", "source", d.Source)
	if d.UTM == nil {
		return
	}
	for _, tag := range []struct{ name, key, value string }{
		{"utmSource", "utm.source", d.UTM.Source},
		{"utmMedium", "utm.medium", d.UTM.Medium},
		{"utmCampaign", "utm.campaign", d.UTM.Campaign},
		{"utmContent", "utm.content", d.UTM.Content},
		{"utmTerm", "utm.term", d.UTM.Term},
	} {
		w.set(tag.name, tag.key, dialog.Shorten(oneLine(tag.value), maxUTM))
	}
}

// comments adds text below the comments that are there, each once. Comments are
// BB code: what was given is shown as it is.
func (w *writer) comments(text string) {
	there := w.current.text("comments")
	var added []string
	for _, part := range append(w.loose, text) {
		have := plainWords(there + "\n" + strings.Join(added, "\n"))
		if words := plainWords(dialog.BB(part)); words != "" && !strings.Contains(" "+have+" ", " "+words+" ") {
			added = append(added, dialog.BB(part))
		}
	}
	if len(added) == 0 {
		return
	}
	all := strings.TrimSpace(there + "\n" + strings.Join(added, "\n"))
	switch {
	case len(all) <= maxComments:
	case there != "":
		w.note("the comments of the entity are full, so nothing was added to them")
		return
	default:
		w.note("the comments are longer than the CRM holds, so they were cut")
		all = dialog.Shorten(all, maxComments/utf8.UTFMax)
	}
	w.put("comments", FieldDifference{Field: "comments", Yours: text, Theirs: there, adds: there != ""}, all)
}
