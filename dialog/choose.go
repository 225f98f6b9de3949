package dialog

import (
	"cmp"
	"fmt"
	"slices"

	"puente/settings"
)

// NoEntity is the kind of a channel that makes nothing.
const NoEntity Kind = ""

// EntityFor returns what a channel makes: Deal, Lead or NoEntity (A7). Without
// a choice of its own it makes a deal in simple CRM mode and a lead in classic
// mode; mode auto takes simplePortal, what the portal answered.
func EntityFor(rule settings.Channel, mode settings.CRMMode, simplePortal bool) Kind {
	switch rule.Entity {
	case settings.EntityDeal:
		return Deal
	case settings.EntityLead:
		return Lead
	case settings.EntityNone:
		return NoEntity
	}
	if mode == settings.ModeSimple || mode == settings.ModeAuto && simplePortal {
		return Deal
	}
	return Lead
}

// Choose decides which contact and which deal or lead a closed cycle goes to,
// and whether they are still to be made (product "Which entity"). What wins,
// in this order: a correction by a person; an entity made earlier for this very
// cycle; for a deal the newest open deal of the contact in the channel's
// pipeline, then in any pipeline, then a new one; for a lead the newest open
// lead of the client, then the newest open deal of the contact, then a new one.
//
// The answer depends on the candidates only, not on their order: of equally
// new entities the greater id wins. With a channel that makes nothing the plan
// has no entity.
func Choose(rule settings.Channel, crm settings.CRM, f Found, c Correction) Plan {
	kind := EntityFor(rule, crm.Mode, f.Simple)
	if e := c.Entity; e != nil && e.ID == 0 && (e.Kind == Deal || e.Kind == Lead) {
		kind = e.Kind // a person wants another kind, whichever entity that is
	}
	ch := chooser{rule: rule, crm: crm, found: f, correction: c, kind: kind}
	if kind == NoEntity && (c.Entity == nil || c.Entity.ID == 0) {
		return Plan{Rule: fmt.Sprintf("channel %d makes nothing in the CRM", rule.ID)}
	}
	ch.pickContact()
	plan := ch.pickEntity()
	plan.Others = ch.others(plan)
	return plan
}

// chooser carries the inputs of one decision.
type chooser struct {
	rule       settings.Channel
	crm        settings.CRM
	found      Found
	correction Correction
	kind       Kind
	contact    Candidate // ID 0 = nobody
}

// pickEntity goes through the rules from the strongest to the weakest.
func (ch *chooser) pickEntity() Plan {
	if ref := ch.correction.Entity; ref != nil && ref.ID != 0 {
		return ch.corrected(*ref)
	}
	if own := ch.found.Own; own.ID != 0 {
		plan := ch.plan(own, "made earlier for this very dialog cycle")
		plan.Pipeline = ch.pipelineOf(own)
		return plan
	}
	if ch.kind == Lead {
		return ch.lead()
	}
	return ch.deal()
}

func (ch *chooser) corrected(ref Ref) Plan {
	plan := ch.plan(ref, "chosen by a person")
	plan.Pipeline = ch.pipelineOf(ref)
	if ref.Kind == Contact {
		plan.Contact = ref.ID
	}
	return plan
}

func (ch *chooser) deal() Plan {
	own := ch.rule.Pipeline
	if deal, ok := newest(ch.dealsIn(&own)); ok {
		return ch.existing(Deal, deal, fmt.Sprintf("newest open deal of the contact in pipeline %d", own))
	}
	if deal, ok := newest(ch.dealsIn(nil)); ok && !ch.crm.OnlyOwnPipeline {
		rule := fmt.Sprintf("newest open deal of the contact, in pipeline %d because pipeline %d has none", deal.Pipeline, own)
		return ch.existing(Deal, deal, rule)
	}
	return ch.newDeal()
}

func (ch *chooser) newDeal() Plan {
	pipeline := ch.rule.Pipeline
	if ch.correction.Pipeline != nil {
		pipeline = *ch.correction.Pipeline
	}
	why := "the contact has no open deal"
	switch {
	case ch.contact.ID == 0:
		why = "the client is not in the CRM yet"
	case ch.crm.OnlyOwnPipeline:
		why = fmt.Sprintf("the contact has no open deal in pipeline %d", ch.rule.Pipeline)
	}
	plan := ch.plan(Ref{Kind: Deal}, fmt.Sprintf("new deal in pipeline %d: %s", pipeline, why))
	plan.Pipeline = pipeline
	plan.CreateContact = ch.contact.ID == 0
	return plan
}

func (ch *chooser) lead() Plan {
	if lead, ok := newest(ch.found.Leads); ok {
		return ch.existing(Lead, lead, "newest open lead of the client")
	}
	if deal, ok := newest(ch.dealsIn(nil)); ok {
		return ch.existing(Deal, deal, "newest open deal of the contact: the client has no open lead")
	}
	if ch.contact.ID != 0 {
		return ch.plan(Ref{Kind: Lead}, "repeat lead: the client is a contact without an open lead or deal")
	}
	return ch.plan(Ref{Kind: Lead}, "new lead: the client is not in the CRM yet")
}

func (ch *chooser) existing(kind Kind, e OpenEntity, rule string) Plan {
	plan := ch.plan(Ref{Kind: kind, ID: e.ID}, rule)
	plan.Pipeline = e.Pipeline
	if plan.Contact == 0 { // a lead found without a contact candidate may still name one
		plan.Contact = e.ContactID
	}
	return plan
}

// plan starts a plan with the contact and says how it was recognised.
func (ch *chooser) plan(ref Ref, rule string) Plan {
	switch {
	case ch.correction.ContactID != 0:
		rule += " (contact chosen by a person)"
	case ch.contact.ID != 0:
		rule += fmt.Sprintf(" (contact recognised by %s)", ch.contact.MatchedBy)
	}
	return Plan{Contact: ch.contact.ID, Entity: ref, Rule: rule}
}

// pipelineOf is the pipeline of a known open deal, else 0.
func (ch *chooser) pipelineOf(ref Ref) int64 {
	for _, d := range ch.found.Deals {
		if ref.Kind == Deal && d.ID == ref.ID {
			return d.Pipeline
		}
	}
	return 0
}

// newest is the entity created last; of several the one with the greatest id.
func newest(entities []OpenEntity) (OpenEntity, bool) {
	if len(entities) == 0 {
		return OpenEntity{}, false
	}
	return slices.MaxFunc(entities, byAge), true
}

func byAge(a, b OpenEntity) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}
