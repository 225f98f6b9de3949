package contactcenter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func (p *Plan) deal(found RequestFound, wants Wants, choice Choice) Decision {
	open := p.openDeals(found.Deals, wants.Pipeline)
	d := Decision{Kind: KindDeal, Outcome: OutcomeFound}
	for _, deal := range open {
		d.Candidates = append(d.Candidates, deal.ID)
	}
	switch {
	case choice.DealID != 0:
		d.ID, d.Rule = choice.DealID, fmt.Sprintf("a person chose deal %d", choice.DealID)
	case !wants.Deal:
		d.Outcome, d.Rule = OutcomeNone, "the request tells neither a product nor anything of a deal"
	case len(p.Ambiguous) > 0:
		d.Outcome, d.Rule = OutcomeNone, "a person must choose the client first"
	case found.OwnDeal != 0:
		d.ID, d.Rule = found.OwnDeal, fmt.Sprintf("this request itself made deal %d before", found.OwnDeal)
	case choice.NewDeal:
		d.Outcome, d.Rule = OutcomeCreated, "a person chose a new deal"
	case len(open) == 0:
		d.Outcome, d.Rule = OutcomeCreated, fmt.Sprintf("the client has no open deal in pipeline %d, so a new one is made", wants.Pipeline)
	default:
		d.ID, d.Rule = open[0].ID, fmt.Sprintf("deal %d is the newest open one of the client in pipeline %d", open[0].ID, wants.Pipeline)
	}
	return d
}

// openDeals are those of the chosen contact or company in a pipeline, newest
// first, each once.
func (p *Plan) openDeals(deals []SeenDeal, pipeline int64) []SeenDeal {
	var open []SeenDeal
	for _, d := range deals {
		if d.ID != 0 && d.Pipeline == pipeline && (d.hasContact(p.Contact.ID) || p.Company.ID != 0 && d.CompanyID == p.Company.ID) {
			open = append(open, d)
		}
	}
	slices.SortFunc(open, func(a, b SeenDeal) int {
		return cmp.Or(newerFirst(a.Created, b.Created), cmp.Compare(b.ID, a.ID))
	})
	return slices.CompactFunc(open, func(a, b SeenDeal) bool { return a.ID == b.ID })
}

func (d SeenDeal) hasContact(id int64) bool {
	return id != 0 && (d.ContactID == id || slices.Contains(d.Contacts, id))
}

// sortedSeen are the candidates in the order of the rule, each once with all
// its ways; the input stays as it is.
func sortedSeen(seen []Seen) []Seen {
	var once []Seen
	for _, s := range seen {
		i := slices.IndexFunc(once, func(o Seen) bool { return o.ID == s.ID })
		switch {
		case s.ID == 0:
		case i < 0:
			s.By = slices.Clone(s.By)
			once = append(once, s)
		default:
			once[i].By = append(once[i].By, s.By...)
		}
	}
	for i := range once {
		slices.SortFunc(once[i].By, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
		once[i].By = slices.Compact(once[i].By)
	}
	slices.SortFunc(once, func(a, b Seen) int { return cmp.Or(cmp.Compare(rank(a.By), rank(b.By)), cmp.Compare(a.ID, b.ID)) })
	return once
}

// byAge orders by creation, of equal ones by id.
func byAge(a, b Seen) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) }

func idsOf(seen []Seen) []int64 {
	var ids []int64
	for _, s := range seen {
		ids = append(ids, s.ID)
	}
	return ids
}

// shownWays is how a rule names a way to match.
var shownWays = map[string]string{
	ByLink: "remembered link", ByExternalID: "external id", ByEmail: "e-mail", ByINN: "INN", ByKPP: "KPP", ByOGRN: "OGRN",
}

// ways names ways to match for people, surest first.
func ways(by []string) string {
	names := make([]string, len(by))
	for i, way := range by {
		if names[i] = shownWays[way]; names[i] == "" {
			names[i] = way
		}
	}
	return strings.Join(names, " and ")
}
