package openlines

import (
	"slices"
	"time"
)

// offer shows a session to somebody and reserves his capacity in the same step.
func (st *step) offer(l *Line, s *Session, to UserID, kind OfferKind, why *Decision) *Offer {
	st.desk.LastOffer++
	o := &Offer{ID: st.desk.LastOffer, To: to, Kind: kind, Made: st.now}
	if kind != AllOffer {
		o.Pass.From = st.now
	}
	s.Offers = append(s.Offers, o)
	if s.State != Active {
		s.State = Offered
	}
	st.bookOffer(l, s, o)
	var due time.Time
	if o.Pass.running() {
		due = l.due(&o.Pass, routing, l.span(l.Settings.PassTime))
	}
	st.record(s, st.now, Record{Kind: OfferMade, User: to, Offer: o.ID, Offered: kind, Why: why})
	st.command(s, Command{Kind: DoOffer, User: to, Offer: o.ID, Offered: kind, Due: due, Why: why})
	return o
}

// bookOffer notes what an offer means for the pass and for the turns.
func (st *step) bookOffer(l *Line, s *Session, o *Offer) {
	q := &s.Queue
	st.changed()
	if s.FirstOffer == 0 {
		s.FirstOffer = o.To
	}
	if !slices.Contains(q.Had, o.To) {
		q.Had = append(q.Had, o.To)
	}
	if q.Idle.running() { // the rest of it counts if there is nobody again
		q.Idle = Clock{Used: q.Idle.Used + l.spent(routing, q.Idle.From, st.now)}
	}
	if o.Kind == AllOffer {
		if !q.AllPass.running() && !q.Over {
			q.AllPass.From = st.now
		}
		return
	}
	st.bookTurn(l, q, o)
}

// bookTurn notes an offer to one operator: he is not asked again in this pass.
func (st *step) bookTurn(l *Line, q *Queueing, o *Offer) {
	if o.Kind == QueueOffer {
		q.Used, q.LastTo, q.LastPos = true, o.To, slices.Index(l.Members, o.To)
	}
	if o.Kind == QueueOffer || o.Kind != TakenOffer && l.Settings.DirectCountsAsTurn {
		st.takeTurn(l, o.To)
	}
	if !slices.Contains(q.Out, o.To) {
		q.Out = append(q.Out, o.To)
	}
}

func (st *step) takeTurn(l *Line, user UserID) {
	st.desk.LastTurn++
	if l.Turns == nil {
		l.Turns = map[UserID]Turn{}
	}
	l.Turns[user] = Turn{No: st.desk.LastTurn, At: st.now}
}

// Reasons for which an offer ends, besides those of Left.
const (
	EndExpired  = "expired"
	EndDeclined = "declined"
)

// endOffer takes an offer back. A session that nobody has any more waits.
func (st *step) endOffer(s *Session, o *Offer, reason string) {
	s.Offers = slices.DeleteFunc(s.Offers, func(other *Offer) bool { return other == o })
	st.changed()
	st.record(s, st.now, Record{Kind: OfferEnded, User: o.To, Offer: o.ID, Offered: o.Kind, Reason: reason})
	st.command(s, Command{Kind: DoWithdraw, User: o.To, Offer: o.ID, Reason: reason})
	if s.State == Offered && len(s.Offers) == 0 {
		s.State = Waiting
	}
}

// withdrawAll takes back every offer of a session.
func (st *step) withdrawAll(s *Session, reason string) { st.withdrawBut(s, nil, reason) }

func (st *step) withdrawBut(s *Session, keep *Offer, reason string) {
	for _, o := range slices.Clone(s.Offers) {
		if o != keep {
			st.endOffer(s, o, reason)
		}
	}
}

// passDue is T_pass: T5, T6 and T17.
func (st *step) passDue(s *Session, o *Offer, due time.Time) {
	l := st.of(s)
	rule := l.unansweredRule()
	switch {
	case s.State == Active:
		st.sideOfferOver(l, s, o, EndExpired)
	case o.Kind == DirectOffer && l.Settings.CRMForwardPass == ForwardKeep:
		st.keepDirect(l, s, o)
	case rule == UnansweredNone && st.lastOfPass(l, s, o):
		st.fireNone(l, s, o)
	default:
		if st.expired == nil {
			st.expired = map[*Session]time.Time{}
		}
		st.expired[s] = due
		st.endOffer(s, o, EndExpired)
	}
}

// lastOfPass says whether the rule none lets an operator keep the session: it
// is due, or was before, and nobody else is left in this pass.
func (st *step) lastOfPass(l *Line, s *Session, o *Offer) bool {
	if o.Kind == DirectOffer || o.Kind == StickyOffer || l.Settings.Mode == OfferAll {
		return false
	}
	due := s.Queue.Fired || l.Settings.UnansweredTime == 0
	return due && l.routes(st.now) && len(st.pick(l, s).To) == 0
}

// fireNone is the end of the pass under the rule none.
func (st *step) fireNone(l *Line, s *Session, o *Offer) {
	st.record(s, st.now, Record{Kind: PassEnded, N: int64(s.Queue.Pass)})
	if !s.Queue.Fired {
		st.fireRule(l, s, st.now)
	}
	o.Kept, o.Pass, s.Queue.Over = true, Clock{}, true
}

// keepDirect: the responsible employee keeps the session (crm_forward_pass).
// Without unanswered_time the unanswered rule runs now.
func (st *step) keepDirect(l *Line, s *Session, o *Offer) {
	due := l.due(&o.Pass, routing, l.span(l.Settings.PassTime))
	o.Kept, o.Pass = true, Clock{}
	if l.Settings.UnansweredTime > 0 || s.Queue.Fired {
		return
	}
	st.fireRule(l, s, due)
	if l.unansweredRule() == UnansweredRequeue {
		st.endOffer(s, o, EndExpired)
	}
}

// sideOfferOver: a colleague did not take an ACTIVE session (T17).
func (st *step) sideOfferOver(l *Line, s *Session, o *Offer, reason string) {
	st.endOffer(s, o, reason)
	if since, fails := st.ownerFails(l, s); fails && !since.After(st.now) {
		st.record(s, st.now, Record{Kind: OwnerWentOff, User: s.Owner})
		st.enterQueue(s, "the colleague did not take it and the owner is off", nil)
		return
	}
	st.command(s, Command{Kind: DoNotify, User: s.Owner, Reason: NoteBack})
}
