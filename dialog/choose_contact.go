package dialog

import (
	"cmp"
	"slices"
)

// strength orders the ways of recognition, strongest first. A contact made for
// this very client is as sure as a link, but the link is what people corrected.
var strength = map[MatchedBy]int{ByLink: 0, ByOrigin: 1, ByPhone: 2, ByEmail: 3}

// weakest is the strength of a way of recognition that nobody knows.
const weakest = 4

// pickContact takes the contact a person chose, else the candidate recognised
// in the strongest way. Among duplicates recognised in the same way, one with
// an entity that fits goes first, so that none is made beside it; then the
// oldest, which has the smallest id.
func (ch *chooser) pickContact() {
	if ch.correction.ContactID != 0 {
		ch.contact = Candidate{ID: ch.correction.ContactID}
		return
	}
	if candidates := ch.candidates(); len(candidates) > 0 {
		ch.contact = candidates[0]
	}
}

// candidates is the contacts in the order of the rule, each once.
func (ch *chooser) candidates() []Candidate {
	sorted := slices.DeleteFunc(slices.Clone(ch.found.Contacts), func(c Candidate) bool { return c.ID == 0 })
	slices.SortFunc(sorted, func(a, b Candidate) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(ch.misfit(a.ID), ch.misfit(b.ID)),
			cmp.Compare(a.ID, b.ID),
		)
	})
	seen := map[int64]bool{}
	return slices.DeleteFunc(sorted, func(c Candidate) bool {
		again := seen[c.ID]
		seen[c.ID] = true
		return again
	})
}

func rank(c Candidate) int {
	if n, ok := strength[c.MatchedBy]; ok {
		return n
	}
	return weakest
}

// misfit is 0 for a contact with an open entity in the channel's pipeline, 1
// with one elsewhere that the rules would take too, 2 without any.
func (ch *chooser) misfit(contact int64) int {
	fit := 2
	for _, d := range ch.found.Deals {
		switch {
		case !ch.belongs(d, contact):
		case ch.kind == Lead || d.Pipeline == ch.rule.Pipeline:
			return 0
		case !ch.crm.OnlyOwnPipeline:
			fit = 1
		}
	}
	for _, l := range ch.found.Leads {
		if ch.kind == Lead && l.ContactID == contact {
			return 0
		}
	}
	return fit
}

// dealsIn is the open deals of the chosen contact, in one pipeline or, with
// nil, in all.
func (ch *chooser) dealsIn(pipeline *int64) []OpenEntity {
	var deals []OpenEntity
	for _, d := range ch.found.Deals {
		if ch.belongs(d, ch.contact.ID) && (pipeline == nil || d.Pipeline == *pipeline) {
			deals = append(deals, d)
		}
	}
	return deals
}

// belongs says whether a deal is the contact's. The portal found the deal by
// the candidates; it may name somebody else as its main contact, or nobody, and
// is then taken for a deal of each of them.
func (ch *chooser) belongs(d OpenEntity, contact int64) bool {
	if d.ContactID == contact {
		return true
	}
	isMain := func(c Candidate) bool { return c.ID == d.ContactID }
	isCandidate := func(c Candidate) bool { return c.ID == contact }
	return !slices.ContainsFunc(ch.found.Contacts, isMain) && slices.ContainsFunc(ch.found.Contacts, isCandidate)
}

// others names what was not chosen: contacts in the order of the rule, then
// deals and leads, newest first.
func (ch *chooser) others(plan Plan) []Ref {
	var others []Ref
	for _, c := range ch.candidates() {
		others = append(others, Ref{Kind: Contact, ID: c.ID})
	}
	others = append(others, refs(Deal, ch.found.Deals)...)
	others = append(others, refs(Lead, ch.found.Leads)...)
	chosen := Ref{Kind: Contact, ID: plan.Contact}
	others = slices.DeleteFunc(others, func(r Ref) bool { return r.ID == 0 || r == chosen || r == plan.Entity })
	if len(others) == 0 {
		return nil
	}
	return others
}

func refs(kind Kind, entities []OpenEntity) []Ref {
	sorted := slices.Clone(entities)
	slices.SortFunc(sorted, func(a, b OpenEntity) int { return byAge(b, a) })
	sorted = slices.CompactFunc(sorted, func(a, b OpenEntity) bool { return a.ID == b.ID })
	list := make([]Ref, len(sorted))
	for i, e := range sorted {
		list[i] = Ref{Kind: kind, ID: e.ID}
	}
	return list
}
