package contactcenter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"puente/dialog"
)

// head is what is known of the request, one fact per line, and what became of
// it in the CRM.
func (t *timeline) head() string {
	var out strings.Builder
	title := t.options.Texts.T("cc.title", map[string]any{"channel": t.word("cc.channel_", t.request.Channel)})
	out.WriteString(t.style.bold(title) + "\n")
	for _, fact := range t.facts() {
		if value := t.bounded(fact.value); value != "" {
			out.WriteString(t.t(fact.id) + ": " + t.style.line(value) + "\n")
		}
	}
	for _, d := range t.options.Decisions {
		if d.ID != 0 {
			out.WriteString(t.decision(d) + "\n")
		}
	}
	return out.String()
}

type fact struct{ id, value string }

func (t *timeline) facts() []fact {
	r := t.request
	at := r.OccurredAt
	if at.IsZero() {
		at = t.options.Received
	}
	return []fact{
		{"cc.number", t.number()},
		{"cc.product", r.ProductName()},
		{"cc.time", dialog.RenderOptions{Texts: t.options.Texts, Zone: t.options.Zone}.DateTime(at)},
		{"cc.contact", contactFact(r.Contact)},
		{"cc.company", companyFact(r.Company)},
		{"cc.deal", dealFact(r.Deal)},
		{"cc.call", t.callFact(r.Call)},
		{"cc.utm", utmFact(r.UTM)},
	}
}

// number is the external id; a correction says so.
func (t *timeline) number() string {
	if t.options.Revision < 2 {
		return t.request.ExternalID
	}
	correction := t.options.Texts.T("cc.correction", map[string]any{"n": t.options.Revision - 1})
	return t.request.ExternalID + " (" + correction + ")"
}

func contactFact(c *ContactData) string {
	if c == nil {
		return ""
	}
	return listed(slices.Concat([]string{contactName(*c), c.Post}, values(c.Phones), values(c.Emails), []string{c.Comments})...)
}

func companyFact(c *CompanyData) string {
	if c == nil {
		return ""
	}
	codes := []string{coded("INN", c.INN), coded("KPP", c.KPP), coded("OGRN", c.OGRN), c.Address}
	return listed(slices.Concat([]string{c.Title, c.LegalName}, codes, values(c.Phones), values(c.Emails), []string{c.Comments})...)
}

func dealFact(d *DealData) string {
	if d == nil {
		return ""
	}
	amount := ""
	if d.Amount != nil {
		amount = strings.TrimSpace(strconv.FormatFloat(*d.Amount, 'f', 2, 64) + " " + d.Currency)
	}
	return listed(d.Title, amount, d.Comments)
}

func (t *timeline) callFact(c *Call) string {
	if c == nil {
		return ""
	}
	duration := ""
	if c.Duration > 0 {
		duration = fmt.Sprintf("%d:%02d", c.Duration/60, c.Duration%60)
	}
	return listed(t.word("cc.call_", c.Direction), c.Phone, t.word("cc.status_", c.Status), duration, c.Line)
}

func utmFact(u *UTM) string {
	if u == nil {
		return ""
	}
	return listed(coded("source", u.Source), coded("medium", u.Medium), coded("campaign", u.Campaign),
		coded("content", u.Content), coded("term", u.Term))
}

// decision says what became of one kind of entity, with a link to its card.
func (t *timeline) decision(d Decision) string {
	name := t.options.Texts.T("notify."+d.Kind, map[string]any{"id": d.ID})
	words := t.t("cc." + d.Outcome)
	if n := len(d.Candidates); n > 1 {
		words += ", " + t.options.Texts.T("cc.candidates", map[string]any{"count": n})
	}
	if d.Kind == KindDeal && t.options.Stays {
		words += ", " + t.t("cc.stays")
	}
	card := t.options.Links.Card(dialog.Ref{Kind: dialog.Kind(d.Kind), ID: d.ID})
	if card == "" {
		return t.style.line(name) + ": " + words
	}
	return t.style.link(card, name) + ": " + words
}

// word is a known word in the language of the portal.
func (t *timeline) word(prefix, word string) string {
	if word == "" {
		return ""
	}
	return t.t(prefix + word)
}

// listed joins what is not empty.
func listed(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return strings.TrimSpace(w) == "" }), ", ")
}

func coded(name, value string) string {
	if value == "" {
		return ""
	}
	return name + " " + value
}

func values(rows []Multi) []string {
	all := make([]string, len(rows))
	for i, m := range rows {
		all[i] = m.Value
	}
	return all
}
