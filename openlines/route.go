package openlines

import (
	"cmp"
	"slices"
	"time"
)

// route gives waiting sessions to free operators (§5). It runs at the end of a
// step in which anything changed, and at T_retry. One pass over the sessions in
// their order is enough: an offer only takes capacity away.
func (st *step) route() {
	if !st.dirty && st.now.Before(st.desk.Routed.Add(retryEvery)) {
		return
	}
	st.desk.Routed = st.now
	for _, s := range st.inQueueOrder() {
		s.next = time.Time{}
		st.routeOne(s)
	}
}

// inQueueOrder lists the sessions that look for an operator, of all lines, by
// §5.2: higher effective priority, older waiting_since, lower id.
func (st *step) inQueueOrder() []*Session {
	var out []*Session
	for _, s := range st.desk.Sessions {
		if s.queued() {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b *Session) int {
		if c := cmp.Compare(st.priority(b), st.priority(a)); c != 0 {
			return c
		}
		if c := a.place().Compare(b.place()); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return out
}

// place is what orders waiting sessions: waiting_since, or, for a session whose
// client does not wait, when it came into the queue.
func (s *Session) place() time.Time {
	if s.clientWaits() {
		return s.WaitingSince()
	}
	return s.Queue.Since
}

// priority is that of the line or the client, plus one per full aging_time.
func (st *step) priority(s *Session) int {
	l := st.of(s)
	waited := max(st.now.Sub(s.place()), 0)
	return max(l.Settings.Priority, s.Priority) + int(waited/max(l.span(l.Settings.AgingTime), time.Second))
}

// routeOne makes the offer that a session may get now, if any.
func (st *step) routeOne(s *Session) {
	l := st.of(s)
	if s.State == Offered {
		st.joinAll(l, s)
		return
	}
	if !st.mayBeOffered(l, s) {
		return
	}
	if !s.Queue.Begun {
		s.Queue.Begun = true
		if st.offerDirect(l, s) || st.offerSticky(l, s) {
			return
		}
	}
	if l.Settings.Mode == OfferAll {
		st.offerAll(l, s)
		return
	}
	st.offerNext(l, s)
}

// mayBeOffered brings HELD and WAITING up to date (T3, §5.1) and says whether
// the session takes part in routing now.
func (st *step) mayBeOffered(l *Line, s *Session) bool {
	q := &s.Queue
	if q.ToAll {
		st.tellLateMembers(l, s)
		return false
	}
	if !l.routes(st.now) {
		if s.State != Held {
			s.State = Held
			st.record(s, st.now, Record{Kind: SessionHeld})
		}
		return false
	}
	if s.State == Held {
		s.State = Waiting
		st.record(s, st.now, Record{Kind: SessionQueued, Reason: "the line is open"})
	}
	if !q.Begun && s.awaitsLookup(l, st.now) {
		return false
	}
	return !q.Parked.running() || st.unpark(l, s)
}

// offerNext makes the next queue offer, going through ends of passes on the way.
func (st *step) offerNext(l *Line, s *Session) {
	q := &s.Queue
	for {
		if st.hasRoom(l) {
			if d := st.pick(l, s); len(d.To) > 0 {
				st.offer(l, s, d.To[0], QueueOffer, &d)
				return
			}
		}
		if !q.Used { // nobody at all in this pass: §5.4
			st.startIdle(l, s)
			return
		}
		if !st.endPass(l, s) {
			return
		}
	}
}

// offerAll offers a session to everybody who is free (mode all).
func (st *step) offerAll(l *Line, s *Session) {
	st.joinAll(l, s)
	switch {
	case s.State == Offered:
	case s.Queue.Over && len(s.Queue.Out) > 0: // all who could have it declined, twice
		st.openToAll(l, s)
	default:
		st.startIdle(l, s)
	}
}

// joinAll offers a session also to members who became free later.
func (st *step) joinAll(l *Line, s *Session) {
	if l.Settings.Mode != OfferAll || !l.routes(st.now) || !s.offeredToAll() || !st.hasRoom(l) {
		return
	}
	d := st.pickAll(l, s)
	for _, user := range d.To {
		st.offer(l, s, user, AllOffer, &Decision{To: []UserID{user}, Kind: AllOffer, Why: d.Why, Left: d.Left})
	}
}

// offeredToAll: nobody has it alone.
func (s *Session) offeredToAll() bool {
	return !slices.ContainsFunc(s.Offers, (*Offer).single)
}

// offerDirect offers a session to the responsible employee of the CRM (§5.3).
func (st *step) offerDirect(l *Line, s *Session) bool {
	to := s.CRM.Responsible
	if !l.Settings.forwards() || s.CRM.Lookup != LookupFound || !st.fit(to) {
		return false
	}
	st.offer(l, s, to, DirectOffer, &Decision{To: []UserID{to}, Kind: DirectOffer, Why: "responsible for the client in the CRM"})
	return true
}

func (s *Settings) forwards() bool { return s.CRMCheck && s.CRMForward }

// offerSticky offers a session of a returning client to his last owner.
func (st *step) offerSticky(l *Line, s *Session) bool {
	past := st.desk.Chats[s.Chat].Past
	if past.Owner == 0 || past.Session != s.Parent || l.Settings.StickyHours == 0 {
		return false
	}
	if s.Started.Sub(past.Closed) > l.Settings.StickyHours.Duration() {
		return false
	}
	if st.ready(l, past.Owner).Reason != NotLeft {
		return false
	}
	st.offer(l, s, past.Owner, StickyOffer, &Decision{To: []UserID{past.Owner}, Kind: StickyOffer, Why: "served this client last"})
	return true
}

// enterQueue makes a session wait for an operator in a new routing cycle. Those
// left out are not asked in the first pass.
func (st *step) enterQueue(s *Session, why string, leftOut []UserID) {
	st.endOwning(s)
	st.withdrawAll(s, "requeued")
	s.State, s.Owner, s.Off = Waiting, 0, Clock{}
	begun := s.Queue.Pass > 0 || s.Outbound
	s.Queue = Queueing{Since: st.now, Begun: begun, Pass: 1, Out: leftOut, Had: s.Queue.Had}
	st.startUnanswered(s)
	st.startIdle(st.of(s), s)
	st.changed()
	st.record(s, st.now, Record{Kind: SessionQueued, Reason: why})
}

// startIdle runs while there is nobody to offer to (§5.4).
func (st *step) startIdle(l *Line, s *Session) {
	q := &s.Queue
	wanted := len(q.Out) > 0 || !q.Fired && l.Settings.UnansweredTime == 0
	if !q.Idle.running() && wanted {
		q.Idle.From = st.now
	}
}

// startUnanswered starts T_unanswered, which counts from waiting_since. Without
// unanswered_time the rule fires at the end of the first pass; only where
// people moved the session about, which can put that off, does the timer see to
// it that the reaction bound I8 holds.
func (st *step) startUnanswered(s *Session) {
	q, l := &s.Queue, st.of(s)
	q.Unans = Clock{}
	if s.clientWaits() && !q.Fired && (l.Settings.UnansweredTime > 0 || q.Moved) {
		q.Unans = Clock{From: st.now, Used: l.spent(routing, s.WaitingSince(), st.now)}
	}
}
