package bitrix24

import (
	"slices"
	"time"
)

// conversion is a lead that simple mode will convert, and when.
type conversion struct {
	Lead int
	Due  time.Time
}

// scheduleConversion plans the conversion of a new or changed lead. A lead
// without a name is left alone (bitrix24 reference §3.13).
func (p *Portal) scheduleConversion(k kind, e *entity) {
	a := p.state.account
	planned := slices.ContainsFunc(a.Pending, func(c conversion) bool { return c.Lead == e.ID })
	if k.id != kindLead || a.Mode != crmSimple || planned || !p.convertible(e) {
		return
	}
	a.Pending = append(a.Pending, conversion{e.ID, p.clock.Now().Add(a.Lag)})
	a.touch()
}

func (p *Portal) convertible(lead *entity) bool {
	return lead.str("NAME") != "" && p.state.semantics(kinds[0], lead) == "P"
}

// convertDue converts the leads whose time has come. It runs before every call,
// so a conversion is never seen later than its time, and never in the middle of
// a call.
func (p *Portal) convertDue() {
	p.mu.RLock()
	due := slices.ContainsFunc(p.state.account.Pending, func(c conversion) bool { return !p.clock.Now().Before(c.Due) })
	p.mu.RUnlock()
	if !due {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, now := p.state.account, p.clock.Now()
	var rest []conversion
	for _, c := range a.Pending {
		if now.Before(c.Due) {
			rest = append(rest, c)
			continue
		}
		if lead, ok := p.state.entities[kindLead].get(c.Lead); ok && p.convertible(lead) {
			p.convert(lead.clone())
		}
	}
	a.Pending = rest
	a.touch()
	p.publish(0, "")
}

// carried are the fields that a deal takes over from its lead.
var carried = []string{
	"TITLE", "SOURCE_ID", "SOURCE_DESCRIPTION", "OPPORTUNITY", "CURRENCY_ID", "IS_MANUAL_OPPORTUNITY", "COMMENTS", "ASSIGNED_BY_ID",
	"OPENED", "COMPANY_ID", "UTM_SOURCE", "UTM_MEDIUM", "UTM_CAMPAIGN", "UTM_CONTENT", "UTM_TERM",
}

// convert makes a deal of a lead, with the lead's contact or a new one, and
// closes the lead as converted.
func (p *Portal) convert(lead *entity) {
	s := p.state
	if primary(lead.Contacts) == 0 {
		lead.Contacts = relink([]int{p.contactOf(lead)})
	}
	deal := &entity{ID: s.entities[kindDeal].newID(), V: map[string]any{"LEAD_ID": lead.ID}, Contacts: slices.Clone(lead.Contacts)}
	p.carry(lead, deal, kindDeal, carried)
	p.born(deal, lead)
	deal.V["CATEGORY_ID"], deal.V["STAGE_ID"] = 0, s.firstStage(kinds[1], 0)
	today := p.clock.Now().In(p.zone)
	deal.V["BEGINDATE"], deal.V["CLOSEDATE"] = today.Format(storedDate), today.AddDate(0, 0, 7).Format(storedDate)
	deal.V["MOVED_TIME"], deal.V["MOVED_BY_ID"] = deal.V["DATE_CREATE"], deal.V["CREATED_BY_ID"]
	s.entities[kindDeal].put(deal.ID, deal)
	p.recordStage(s.entities[kindDeal], deal, nil)

	old := s.entities[kindLead].rows[lead.ID]
	now := p.stamp()
	lead.V["STATUS_ID"], lead.V["DATE_CLOSED"], lead.V["DATE_MODIFY"], lead.V["MOVED_TIME"] = "CONVERTED", now, now, now
	s.entities[kindLead].put(lead.ID, lead)
	p.recordStage(s.entities[kindLead], lead, old)
}

// contactOf makes a contact of the person in a lead.
func (p *Portal) contactOf(lead *entity) int {
	t := p.state.entities[kindContact]
	contact := &entity{ID: t.newID(), V: map[string]any{"LEAD_ID": lead.ID, "EXPORT": "Y"}}
	p.carry(lead, contact, kindContact, []string{
		"NAME", "SECOND_NAME", "LAST_NAME", "HONORIFIC", "BIRTHDATE", "POST", "SOURCE_ID", "SOURCE_DESCRIPTION", "ASSIGNED_BY_ID", "OPENED",
		"UTM_SOURCE", "UTM_MEDIUM", "UTM_CAMPAIGN", "UTM_CONTENT", "UTM_TERM",
	})
	for _, m := range lead.FM {
		p.state.appendFM(contact, m)
	}
	if company := lead.int("COMPANY_ID"); company > 0 {
		contact.Companies = relink([]int{company})
	}
	p.born(contact, lead)
	t.put(contact.ID, contact)
	return contact.ID
}

// carry copies fields, and the user fields that both kinds have under one name.
func (p *Portal) carry(from, to *entity, kindID int, names []string) {
	for _, name := range names {
		if v, ok := from.V[name]; ok {
			to.V[name] = v
		}
	}
	for _, f := range p.state.schema[kindID].fields {
		if v, ok := from.V[f.classic]; ok && f.uf != nil {
			to.V[f.classic] = v
		}
	}
}

// born sets the dates and authors of what a conversion made.
func (p *Portal) born(e, lead *entity) {
	now := p.stamp()
	for _, name := range []string{"DATE_CREATE", "DATE_MODIFY", "LAST_ACTIVITY_TIME"} {
		e.V[name] = now
	}
	for _, name := range []string{"CREATED_BY_ID", "MODIFY_BY_ID", "LAST_ACTIVITY_BY"} {
		e.V[name] = lead.int("CREATED_BY_ID")
	}
}
