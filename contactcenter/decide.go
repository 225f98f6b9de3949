package contactcenter

import (
	"fmt"
	"slices"
	"time"

	"puente/settings"
)

// Seen is a contact or company that may be the client of a request. By holds
// the ways in which it matched (ByLink, ByPhone …).
type Seen struct {
	ID          int64     `json:"id"`
	By          []string  `json:"by"`
	Created     time.Time `json:"created,omitzero"`
	Responsible int64     `json:"responsible,omitempty"`
}

// SeenDeal is an open deal of a contact or company that was found. Contacts are
// further contacts of the deal beside ContactID.
type SeenDeal struct {
	ID          int64     `json:"id"`
	ContactID   int64     `json:"contact_id,omitempty"`
	Contacts    []int64   `json:"contacts,omitempty"`
	CompanyID   int64     `json:"company_id,omitempty"`
	Pipeline    int64     `json:"pipeline,omitempty"`
	Created     time.Time `json:"created,omitzero"`
	Responsible int64     `json:"responsible,omitempty"`
}

// RequestFound is what the CRM holds of the client of a request: ids only. Own…
// are entities that this very request made before, known by their origin mark.
type RequestFound struct {
	Contacts   []Seen     `json:"contacts,omitempty"`
	Companies  []Seen     `json:"companies,omitempty"`
	Deals      []SeenDeal `json:"deals,omitempty"` // open ones
	OwnContact int64      `json:"own_contact,omitempty"`
	OwnCompany int64      `json:"own_company,omitempty"`
	OwnDeal    int64      `json:"own_deal,omitempty"`
}

// Choice is what a person picked for a request: an existing entity, or that a
// new one is to be made. A zero value picks nothing.
type Choice struct {
	ContactID  int64 `json:"contact_id,omitempty" minimum:"0"`
	CompanyID  int64 `json:"company_id,omitempty" minimum:"0"`
	DealID     int64 `json:"deal_id,omitempty" minimum:"0"`
	NewContact bool  `json:"new_contact,omitempty"`
	NewCompany bool  `json:"new_company,omitempty"`
	NewDeal    bool  `json:"new_deal,omitempty"`
}

// Outcomes of a Decision.
const (
	OutcomeFound   = "found"   // ID is an entity that is there
	OutcomeCreated = "created" // ID 0 = still to be made
	OutcomeNone    = "none"    // nothing of that kind is wanted, or a person must choose first
)

// Plan says which entities a request goes to, and why.
type Plan struct {
	Contact   Decision        `json:"contact"`
	Company   Decision        `json:"company"`
	Deal      Decision        `json:"deal"`
	Ambiguous []AmbiguousPart `json:"ambiguous,omitempty"` // a person must choose before anything is made
}

// AmbiguousPart is one kind of entity for which several match equally well.
type AmbiguousPart struct {
	Kind       string `json:"kind" enum:"contact,company"`
	Candidates []Seen `json:"candidates"` // those that match best
}

// Decide chooses contact, company and deal of a request. What wins for a
// contact or company, in this order: the choice of a person; what this very
// request made before; the candidate that matches best (remembered link,
// external id, phone and e-mail together, phone, e-mail; for companies after
// the external id: INN with KPP, INN, OGRN, then the same, then the exact
// title); a new one. Of several that match equally well first_by_rule takes the
// oldest (lowest id), newest the one created last, ask none: the plan is then
// ambiguous.
//
// For a deal: the choice of a person; what this request made before; the newest
// open deal of the chosen contact or company in the pipeline of the product; a
// new one. Deals of contacts that were not chosen do not count.
//
// The plan depends on the candidates only, not on their order.
func Decide(found RequestFound, wants Wants, rule settings.AmbiguityRule, choice Choice) Plan {
	var p Plan
	p.Contact = p.client(part{
		kind: KindContact, wanted: wants.Contact, seen: found.Contacts, own: found.OwnContact,
		chosen: choice.ContactID, fresh: choice.NewContact, rule: rule,
	})
	p.Company = p.client(part{
		kind: KindCompany, wanted: wants.Company, seen: found.Companies, own: found.OwnCompany,
		chosen: choice.CompanyID, fresh: choice.NewCompany, rule: rule,
	})
	p.Deal = p.deal(found, wants, choice)
	return p
}

// part is one kind of client that is decided.
type part struct {
	kind          string
	wanted, fresh bool // fresh: a person wants a new one
	seen          []Seen
	own, chosen   int64
	rule          settings.AmbiguityRule
}

func (p *Plan) client(in part) Decision {
	sorted := sortedSeen(in.seen)
	d := Decision{Kind: in.kind, Outcome: OutcomeFound, Candidates: idsOf(sorted)}
	switch {
	case in.chosen != 0:
		d.ID, d.Rule = in.chosen, fmt.Sprintf("a person chose %s %d", in.kind, in.chosen)
	case !in.wanted:
		d.Outcome, d.Rule = OutcomeNone, fmt.Sprintf("the request tells nothing of a %s", in.kind)
	case in.own != 0:
		d.ID, d.Rule = in.own, fmt.Sprintf("this request itself made %s %d before", in.kind, in.own)
	case in.fresh:
		d.Outcome, d.Rule = OutcomeCreated, fmt.Sprintf("a person chose a new %s", in.kind)
	case len(sorted) == 0:
		d.Outcome, d.Rule = OutcomeCreated, fmt.Sprintf("no %s of the CRM matches, so a new one is made", in.kind)
	default:
		p.best(&d, in, sorted)
	}
	return d
}

// best picks among those that match best.
func (p *Plan) best(d *Decision, in part, sorted []Seen) {
	equal := slices.IndexFunc(sorted, func(s Seen) bool { return rank(s.By) != rank(sorted[0].By) })
	if equal < 0 {
		equal = len(sorted)
	}
	top := sorted[:equal]
	matched := "matches by " + ways(top[0].By)
	switch {
	case equal == 1 && len(sorted) == 1:
		d.ID, d.Rule = top[0].ID, fmt.Sprintf("%s %d %s", in.kind, top[0].ID, matched)
	case equal == 1:
		d.ID, d.Rule = top[0].ID, fmt.Sprintf("%s %d %s, better than %d others", in.kind, top[0].ID, matched, len(sorted)-1)
	case in.rule == settings.Ask:
		d.Outcome = OutcomeNone
		d.Rule = fmt.Sprintf("%d candidates match equally well by %s; a person must choose the %s", equal, ways(top[0].By), in.kind)
		p.Ambiguous = append(p.Ambiguous, AmbiguousPart{Kind: in.kind, Candidates: top})
	case in.rule == settings.Newest:
		last := slices.MaxFunc(top, byAge)
		d.ID, d.Rule = last.ID, fmt.Sprintf("%s %d %s; it was created last of %d that match equally well", in.kind, last.ID, matched, equal)
	default:
		d.ID, d.Rule = top[0].ID, fmt.Sprintf("%s %d %s; it is the oldest of %d that match equally well", in.kind, top[0].ID, matched, equal)
	}
}
