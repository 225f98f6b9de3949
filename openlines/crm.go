package openlines

import "time"

// CRMLink is what a session has to do with the CRM (§8).
type CRMLink struct {
	Lookup      LookupResult `json:"lookup,omitempty"`
	Until       time.Time    `json:"until,omitzero"` // routing waits for the lookup until then
	Identity    string       `json:"identity,omitempty"`
	Writable    bool         `json:"writable,omitempty"` // the client can be written back to
	Item        Item         `json:"item,omitzero"`      // what the chat activity is bound to
	Responsible UserID       `json:"responsible,omitempty"`
	Asked       bool         `json:"asked,omitempty"`   // an employee asked for a lead
	Refused     bool         `json:"refused,omitempty"` // no lead for lack of contact, told once
	Mark        Mark         `json:"mark,omitzero"`     // the last that was ordered
}

// Lead is a lead that a line makes for one client identity: one, whatever the
// sessions of that client (I13).
type Lead struct {
	Item        Item      `json:"item,omitzero"` // zero while it is being made
	Session     SessionID `json:"session"`       // that wanted it
	Ordered     time.Time `json:"ordered"`
	Responsible UserID    `json:"responsible,omitempty"` // as ordered by the line
	Replier     UserID    `json:"replier,omitempty"`     // the first who replied to this client
	ByPerson    bool      `json:"by_person,omitempty"`   // a person chose the responsible
}

// awaitsLookup: routing waits a little for the responsible employee (§8).
func (s *Session) awaitsLookup(l *Line, now time.Time) bool {
	return l.Settings.forwards() && s.CRM.Lookup == LookupPending && now.Before(s.CRM.Until)
}

// lookUp starts a lookup. until: how long routing waits for it; zero: not.
func (st *step) lookUp(s *Session, until time.Time) {
	if !st.of(s).Settings.CRMCheck {
		return
	}
	s.CRM.Lookup, s.CRM.Until = LookupPending, until
	st.command(s, Command{Kind: DoLookup})
}

// lookupDone takes the answer of the CRM, which may come late (§8).
func (st *step) lookupDone(s *Session, ev Event) AnswerCode {
	facts := ev.CRM
	if s.CRM.Lookup == LookupFound || s.CRM.Item.ID != 0 || s.CRM.Lookup == LookupNone {
		return NoChange
	}
	s.CRM.Lookup = facts.Result
	s.CRM.Writable = s.CRM.Writable || facts.Writable
	st.identify(s, facts.Identity)
	st.dirty = true
	st.record(s, ev.At, Record{Kind: LookupRecorded, Reason: string(facts.Result)})
	if facts.Result == LookupFound {
		s.CRM.Responsible = facts.Responsible
		st.bind(s, facts.Item)
		st.redirect(s)
	}
	return OK
}

// redirect brings a client who was found late to the responsible employee,
// unless somebody has replied, accepted or got it from a colleague.
func (st *step) redirect(s *Session) {
	l := st.of(s)
	if !s.queued() || !s.Queue.Begun || s.Queue.ToAll || !s.FirstReply.IsZero() || !l.Settings.forwards() || !st.fit(s.CRM.Responsible) {
		return
	}
	for _, o := range s.Offers {
		if o.Accepted || o.Kind == TransferOffer || o.Kind == DirectOffer {
			return
		}
	}
	st.withdrawAll(s, NoteCRMHolder)
	s.Queue.Begun, s.Queue.Parked, s.Queue.Seen = false, Clock{}, nil
}

// bind says which item of the CRM shows the chat.
func (st *step) bind(s *Session, item Item) {
	if s.CRM.Item == item {
		return
	}
	s.CRM.Item = item
	st.record(s, st.now, Record{Kind: ItemBound, Item: item})
}

// crmEvent is news from the CRM about one session.
func (st *step) crmEvent(s *Session, ev Event) AnswerCode {
	switch ev.Kind {
	case ContactLearned:
		return st.contactLearned(s, ev)
	case LeadAsked:
		return st.leadAsked(s, ev.By)
	}
	return st.activityChanged(s, ev)
}

// contactLearned: a phone or e-mail is known now, so the client is looked up
// again; a lead follows if he is not found (§8).
func (st *step) contactLearned(s *Session, ev Event) AnswerCode {
	s.CRM.Writable = true
	if ev.CRM != nil {
		st.identify(s, ev.CRM.Identity)
	}
	if s.CRM.Item.ID != 0 || !st.of(s).Settings.CRMCheck {
		return NoChange
	}
	st.lookUp(s, s.CRM.Until)
	return OK
}

// identify takes over a better key of the client. Once a lead was ordered by the
// key that the session has, that one stays: it is what the lead is known by, and
// a second one must not be made by another (I13).
func (st *step) identify(s *Session, key string) {
	ordered := st.desk.Rules >= 1 && st.desk.Leads[s.CRM.Identity] != nil
	if key != "" && !ordered {
		s.CRM.Identity = key
	}
}

// learnContact: a message brings the first contact of a client who could not be
// written back to. He is looked up by it before a lead is made.
func (st *step) learnContact(s *Session, m *Message) {
	if !m.Writable || s.CRM.Writable {
		return
	}
	s.CRM.Writable = true
	if st.desk.Rules >= 1 && m.Identity != "" && m.Identity != s.CRM.Identity {
		st.contactLearned(s, Event{CRM: &CRMFacts{Identity: m.Identity}})
	}
}

// leadAsked is the command of an operator on a line whose leads are made by hand.
func (st *step) leadAsked(s *Session, by UserID) AnswerCode {
	switch {
	case !st.mayHandle(st.of(s), s, by):
		return NotAllowed
	case st.of(s).Settings.CRMCreate != CreateManual || s.CRM.Lookup != LookupNotFound || s.CRM.Item.ID != 0:
		return NotAllowed
	case !s.CRM.Writable:
		st.record(s, st.now, Record{Kind: LeadRefused})
		return NoContact
	}
	s.CRM.Asked = true
	return OK
}

// activityChanged is T25: a person completed the activity. What we wrote
// ourselves, and what changes nothing, is ignored (§8). Version tells them
// apart: it is that of the last mark that the activity carries; a completed
// activity that carries a mark of before the chat was last opened is ours.
func (st *step) activityChanged(s *Session, ev Event) AnswerCode {
	if !ev.On || !s.Open() || ev.Version != 0 && ev.Version < s.CRM.Mark.OpenSince {
		return NoChange
	}
	st.finish(s, 0, ByCRM, ev.At)
	return OK
}

// responsibleChanged: a person chose another responsible employee.
func (st *step) responsibleChanged(ev Event) AnswerCode {
	code := NoChange
	for _, lead := range st.desk.Leads {
		if lead.Item == ev.CRM.Item && lead.Item.ID != 0 {
			lead.ByPerson, code = true, OK
		}
	}
	for _, s := range st.desk.Sessions {
		if s.CRM.Item == ev.CRM.Item && s.CRM.Item.ID != 0 && s.CRM.Responsible != ev.CRM.Responsible {
			s.CRM.Responsible, code = ev.CRM.Responsible, OK
			st.touch(s)
		}
	}
	return code
}

// followCRM orders leads and marks, after all decisions of the step.
func (st *step) followCRM() {
	for i := 0; i < len(st.touched); i++ { // touched grows here
		st.wantLead(st.touched[i])
	}
	for _, s := range st.touched {
		st.writeMark(s)
		s.touched = false
	}
	st.touched = nil
}

// wantLead makes a lead, or joins the one of another session of this client.
// After T2 there is none before the client answers.
func (st *step) wantLead(s *Session) {
	if s.CRM.Item.ID != 0 || s.CRM.Lookup != LookupNotFound || s.Reason == BySpam || !s.Heard && !s.CRM.Asked {
		return
	}
	create := st.of(s).Settings.CRMCreate
	if create == CreateNone || create == CreateManual && !s.CRM.Asked {
		return
	}
	lead := st.desk.Leads[s.CRM.Identity]
	switch {
	case lead != nil && lead.Item.ID != 0:
		st.bind(s, lead.Item)
		s.CRM.Responsible = lead.Responsible
	case lead != nil: // it is being made
	case s.CRM.Writable:
		st.orderLead(s)
	case !s.CRM.Refused:
		s.CRM.Refused = true
		st.record(s, st.now, Record{Kind: LeadRefused})
	}
}

func (st *step) orderLead(s *Session) {
	lead := &Lead{Session: s.ID, Ordered: st.now, Responsible: st.leadHolder(s)}
	if st.desk.Rules >= 1 && s.replied() { // who replies later takes nothing from him
		lead.Replier = lead.Responsible
	}
	st.desk.Leads[s.CRM.Identity] = lead
	st.record(s, st.now, Record{Kind: LeadWanted})
	st.command(s, Command{Kind: DoCreateLead, Key: s.CRM.Identity, User: lead.Responsible})
}

// leadHolder is who a new lead belongs to: the first who replied, else the
// first offered operator, else the first member (§8).
func (st *step) leadHolder(s *Session) UserID {
	switch {
	case s.replied():
		return s.Owner
	case s.FirstOffer != 0:
		return s.FirstOffer
	}
	if members := st.of(s).Members; len(members) > 0 {
		return members[0]
	}
	return 0
}

// replied: somebody has replied, and the session is his, as far as the desk knows.
func (s *Session) replied() bool { return !s.FirstReply.IsZero() && s.Owner != 0 }

// leadReplied: the first employee who replies becomes responsible for the lead.
func (st *step) leadReplied(s *Session, by UserID) {
	lead := st.desk.Leads[s.CRM.Identity]
	if lead == nil || lead.Replier != 0 {
		return
	}
	lead.Replier = by
	st.settleLead(lead)
}

// settleLead makes the CRM agree with who replied first.
func (st *step) settleLead(lead *Lead) {
	if lead.Item.ID == 0 || lead.Replier == 0 || lead.Replier == lead.Responsible || lead.ByPerson {
		return
	}
	st.command(nil, Command{Kind: DoResponsible, Item: lead.Item, User: lead.Replier, From: lead.Responsible})
	lead.Responsible = lead.Replier
	for _, s := range st.desk.Sessions {
		if s.CRM.Item == lead.Item {
			s.CRM.Responsible = lead.Replier
			st.touch(s)
		}
	}
}

// leadCreated binds all sessions of the client to his lead.
func (st *step) leadCreated(ev Event) AnswerCode {
	lead := st.desk.Leads[ev.CRM.Identity]
	if lead == nil || lead.Item.ID != 0 {
		return NoChange
	}
	lead.Item = ev.CRM.Item
	if s := st.desk.session(lead.Session); s != nil {
		st.record(s, ev.At, Record{Kind: LeadMade, Item: lead.Item})
	}
	for _, s := range st.desk.Sessions {
		if s.CRM.Identity == ev.CRM.Identity && s.CRM.Item.ID == 0 {
			st.bind(s, lead.Item)
			s.CRM.Responsible = lead.Responsible
		}
	}
	st.settleLead(lead)
	return OK
}
