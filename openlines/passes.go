package openlines

import (
	"slices"
	"time"
)

// endPass is T6: the pass is complete (§5.5). It says whether the session goes
// on with the next pass at once.
func (st *step) endPass(l *Line, s *Session) bool {
	q := &s.Queue
	if !q.Over {
		st.record(s, st.now, Record{Kind: PassEnded, N: int64(q.Pass)})
	}
	rest := false
	if !q.Fired && l.Settings.UnansweredTime == 0 {
		st.fireRule(l, s, st.passEnded(s))
		rest = l.unansweredRule() == UnansweredRequeue
	}
	if q.Pass >= l.Settings.MaxPasses {
		st.openToAll(l, s)
		return false
	}
	if rest {
		st.park(l, s)
		return false
	}
	s.Queue.nextPass()
	return true
}

// passEnded is when the pass was complete: after an outage before now, which
// makes the text of the rule too old (§10).
func (st *step) passEnded(s *Session) time.Time {
	if due, expired := st.expired[s]; expired {
		return due
	}
	return st.now
}

// nextPass begins a pass in which everybody may be asked again.
func (q *Queueing) nextPass() {
	q.Pass++
	q.Out, q.Used, q.Over, q.LastTo, q.LastPos = nil, false, false, 0, 0
	q.Idle = Clock{}
}

// fireRule is the unanswered rule, once per waiting cycle: here its text, while
// what happens to the offers is up to the caller. due is when it was due.
func (st *step) fireRule(l *Line, s *Session, due time.Time) {
	q := &s.Queue
	q.Fired, q.Unans = true, Clock{}
	st.record(s, st.now, Record{Kind: RuleFired, Reason: string(l.unansweredRule())})
	if l.unansweredRule() == UnansweredText && s.clientWaits() && !s.Texted {
		s.Texted = true
		st.texts = append(st.texts, autoText{session: s, id: TextUnanswered, due: due, waiting: true})
	}
}

// unansweredDue is T_unanswered, in whatever state the session is.
func (st *step) unansweredDue(s *Session, due time.Time) {
	l := st.of(s)
	st.fireRule(l, s, due)
	if !s.queued() || s.Queue.ToAll {
		return
	}
	switch l.unansweredRule() {
	case UnansweredRequeue:
		st.requeue(l, s)
	case UnansweredNone:
		st.keepLast(s)
	}
}

// keepLast lets the operator who has the session alone keep it (rule none).
func (st *step) keepLast(s *Session) {
	for _, o := range s.Offers {
		if o.single() {
			o.Kept, o.Pass = true, Clock{}
		}
	}
}

// requeue is the rule requeue at T_unanswered. After a direct offer the queue
// starts, otherwise the session rests until the next pass.
func (st *step) requeue(l *Line, s *Session) {
	if s.State != Offered {
		return // nobody has it; it is offered as soon as somebody can have it
	}
	direct := s.Offers[0].Kind == DirectOffer
	st.withdrawAll(s, "requeued")
	switch {
	case direct:
	case s.Queue.Pass >= l.Settings.MaxPasses && l.Settings.Mode != OfferAll:
		st.openToAll(l, s)
	default:
		st.park(l, s)
	}
}

// park lets a session rest until somebody newly becomes eligible, or for one
// pass_time (rule requeue).
func (st *step) park(l *Line, s *Session) {
	s.Queue.Parked = Clock{From: st.now}
	s.Queue.Seen = st.eligible(l, s)
}

// unpark ends the rest if there is somebody new. Those who become ineligible
// are forgotten, so that they count as new when they come back.
func (st *step) unpark(l *Line, s *Session) bool {
	q := &s.Queue
	now := st.eligible(l, s)
	fresh := slices.ContainsFunc(now, func(u UserID) bool { return !slices.Contains(q.Seen, u) })
	if !fresh {
		q.Seen = slices.DeleteFunc(q.Seen, func(u UserID) bool { return !slices.Contains(now, u) })
		return false
	}
	st.endPark(s)
	return true
}

func (st *step) endPark(s *Session) {
	s.Queue.Parked, s.Queue.Seen = Clock{}, nil
	s.Queue.nextPass()
	st.dirty = true
}

// openToAll ends the single offers: everybody may take the session, nobody is
// asked any more (§5.5).
func (st *step) openToAll(l *Line, s *Session) {
	q := &s.Queue
	q.ToAll, q.Idle = true, Clock{}
	s.State = Waiting // also while the line is closed: nothing is offered
	for _, user := range l.Members {
		if st.ready(l, user).onDuty() {
			q.Told = append(q.Told, user)
		}
	}
	st.record(s, st.now, Record{Kind: OpenToAll})
	st.command(s, Command{Kind: DoNotify, Reason: NoteToAll})
}

// onDuty: E1 to E3 hold, whatever his load.
func (l LeftOut) onDuty() bool {
	switch l.Reason {
	case LeftDismiss, LeftMember, LeftOnLeave, LeftOffDuty:
		return false
	}
	return true
}

// tellLateMembers notifies a member who was added or came on duty after the
// session was opened to all; each once.
func (st *step) tellLateMembers(l *Line, s *Session) {
	if !l.routes(st.now) {
		return
	}
	for _, user := range l.Members {
		if slices.Contains(s.Queue.Told, user) || !st.ready(l, user).onDuty() {
			continue
		}
		s.Queue.Told = append(s.Queue.Told, user)
		st.command(s, Command{Kind: DoNotify, User: user, Reason: NoteTakable})
	}
}

// idleDue: for one pass_time there was nobody to offer to (§5.4). Members who
// were left out of this pass come into question again.
func (st *step) idleDue(s *Session, due time.Time) {
	l, q := st.of(s), &s.Queue
	q.Idle = Clock{}
	if !q.Fired && l.Settings.UnansweredTime == 0 {
		st.fireRule(l, s, due)
	}
	if len(q.Out) == 0 {
		return
	}
	if q.Pass >= l.Settings.MaxPasses {
		st.openToAll(l, s)
		return
	}
	q.nextPass()
}

// allPassDue: in mode all the only pass is complete.
func (st *step) allPassDue(s *Session, due time.Time) {
	l, q := st.of(s), &s.Queue
	q.AllPass, q.Over = Clock{}, true
	q.Out = nil // who declined in the pass is asked once more
	st.record(s, st.now, Record{Kind: PassEnded, N: int64(q.Pass)})
	if q.Fired || l.Settings.UnansweredTime > 0 {
		return
	}
	st.fireRule(l, s, due)
	if l.unansweredRule() == UnansweredRequeue {
		st.requeue(l, s)
	}
}
