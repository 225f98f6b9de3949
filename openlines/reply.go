package openlines

import (
	"slices"
	"time"
)

// reply is a public message by an employee in an open session. The client has
// it already, so it counts also when its author's offer is long over (§10).
func (st *step) reply(s *Session, ev Event) {
	here := position{ev.At, ev.Message.Order}
	had := slices.Contains(s.Queue.Had, ev.By)
	st.said(s, ev.At)
	s.Warned = time.Time{}
	st.record(s, ev.At, Record{Kind: MessageOut, Message: ev.Message.ID, User: ev.By, Seen: st.readUntil(s, here, ev.By)})
	if s.LastReply.At.IsZero() || here.after(s.LastReply) {
		s.LastReply = here
	}
	if s.FirstReply.IsZero() {
		s.FirstReply = ev.At
	}
	st.leadReplied(s, ev.By)
	s.Queue.Had = nil
	st.settleOwner(s, ev, had)
}

// readUntil takes the messages that a reply answers off the unread list and
// ends their waiting cycle. Messages after the reply wait on, in a new cycle.
func (st *step) readUntil(s *Session, reply position, by UserID) []string {
	var seen []string
	left := slices.DeleteFunc(slices.Clone(s.Unread), func(u Unread) bool {
		if u.after(reply) {
			return false
		}
		seen = append(seen, u.ID)
		return true
	})
	if len(seen) == 0 {
		return nil
	}
	st.measureReply(s, reply.At, by)
	s.Unread = left
	st.beginCycle(s)
	return seen
}

// measureReply notes how long the client waited for a reply (§9).
func (st *step) measureReply(s *Session, at time.Time, by UserID) {
	l := st.of(s)
	r := Record{Kind: NextReplied, User: by, Span: l.read(&s.Wait, at)}
	sla := l.Settings.SLANextReply
	if s.FirstReply.IsZero() {
		r.Kind, sla = FirstReplied, l.Settings.SLAFirstReply
		r.Span = l.read(&s.Age, at)
	}
	if sla > 0 {
		r.N, r.On = 1, r.Span.Work <= l.span(sla)
	}
	st.record(s, at, r)
}

// settleOwner says whose the session is after a reply. had: the author had an
// offer in this waiting cycle, and nobody has replied in it before him.
func (st *step) settleOwner(s *Session, ev Event, had bool) {
	switch {
	case s.queued(): // T9
		st.takeOver(s, ev.By)
		s.Queue = Queueing{Pass: 1}
	case s.State == Closing: // T24
		st.reopen(s, "employee")
		if !st.fit(s.Owner) {
			st.own(s, ev.By, "replied")
		}
	case s.Owner == ev.By: // T13
	case s.Owner == 0, ev.Message.Intercept, s.offerTo(ev.By) != nil: // T16, T14, T17
		st.takeOver(s, ev.By)
	case had: // his offer is over and somebody accepted, but his reply is the first
		st.takeOver(s, ev.By)
	}
}

// takeOver makes the author of a reply the owner.
func (st *step) takeOver(s *Session, to UserID) {
	o := s.offerTo(to)
	st.withdrawAll(s, "answered")
	st.own(s, to, "replied")
	st.transferDone(s, o)
}

// own makes somebody the owner of an ACTIVE session; 0 leaves it without.
func (st *step) own(s *Session, user UserID, how string) {
	before := s.Owner
	st.endOwning(s)
	s.State, s.Owner = Active, user
	s.Off = Clock{}
	if user != 0 {
		s.Owning = startMeter(st.now)
	}
	st.leaveQueue(s)
	st.record(s, st.now, Record{Kind: OwnerSet, User: user, Other: before, Reason: how})
	st.command(s, Command{Kind: DoAssign, User: user})
}

// leaveQueue stops what runs only while the session looks for an operator.
// T_unanswered goes on: an operator who accepted has not replied yet.
func (st *step) leaveQueue(s *Session) {
	q := &s.Queue
	q.Idle, q.Parked, q.AllPass = Clock{}, Clock{}, Clock{}
	q.ToAll, q.Told, q.Seen = false, nil, nil
	st.changed()
}

// endOwning books the time that the owner had the session.
func (st *step) endOwning(s *Session) {
	if s.Owning.Began.IsZero() {
		return
	}
	st.record(s, st.now, Record{Kind: OwnerHandled, User: s.Owner, Span: st.of(s).read(&s.Owning, st.now)})
	s.Owning = Meter{}
}

// changed says that routing may have something to do and loads are different.
func (st *step) changed() { st.dirty, st.load = true, nil }
