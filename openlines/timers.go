package openlines

import (
	"cmp"
	"slices"
	"time"
)

// timerKind orders timers that are due at the same instant.
type timerKind int

const (
	timerWake timerKind = iota // routing has to look again
	timerOwnerGone
	timerLost
	timerPass
	timerAllPass
	timerIdle
	timerParked
	timerUnanswered
	timerOffline
	timerSLA
	timerWarning
	timerAutoClose
	timerGrace
)

// timer is something that will be due. Timers are not stored: they follow from
// the state, so one whose offer or cycle is over is simply not there.
type timer struct {
	due     time.Time
	kind    timerKind
	session *Session
	offer   *Offer
	why     string
}

// fireTimers does what is due. What becomes due through that is done too; the
// bound is there so that a mistake here could not hang a workflow.
func (st *step) fireTimers() {
	for range 8 {
		due := st.dueTimers()
		if len(due) == 0 {
			return
		}
		for _, t := range due {
			if st.stillDue(t) {
				st.fire(t)
			}
		}
	}
}

// dueTimers lists them in the order in which they were due.
func (st *step) dueTimers() []timer {
	var due []timer
	for _, s := range st.desk.Sessions {
		if s.next.After(st.now) {
			continue
		}
		if s.State == Active {
			st.watchOwner(s)
		}
		for _, t := range st.timers(s) {
			if t.kind != timerWake && !t.due.After(st.now) {
				due = append(due, t)
			}
		}
	}
	slices.SortStableFunc(due, func(a, b timer) int {
		if c := a.due.Compare(b.due); c != 0 {
			return c
		}
		if c := cmp.Compare(a.session.ID, b.session.ID); c != 0 {
			return c
		}
		return cmp.Compare(a.kind, b.kind)
	})
	return due
}

// stillDue looks again: an earlier timer may have ended the offer or cycle.
func (st *step) stillDue(t timer) bool {
	for _, now := range st.timers(t.session) {
		if now.kind == t.kind && now.offer == t.offer && !now.due.After(st.now) {
			return true
		}
	}
	return false
}

// next is when the desk has to be woken.
func (st *step) next() time.Time {
	next, wake := never, never
	waiting := false
	for _, s := range st.desk.Sessions {
		waiting = waiting || s.State == Waiting || s.State == Held
		if !s.next.After(st.now) {
			st.lookUpNext(s)
		}
		next, wake = earliest(next, s.next), earliest(wake, s.wake)
	}
	st.desk.Wake = time.Time{}
	if wake.Before(never) {
		st.desk.Wake = wake
	}
	if retry := st.desk.Routed.Add(retryEvery); waiting && retry.Before(next) { // T_retry
		next = retry
	}
	if next.Equal(never) {
		return time.Time{}
	}
	return latest(next, st.now.Add(time.Second/100))
}

// lookUpNext finds the first timers of a session. They stay as they are until
// the session is touched, an operator changes, or they are due.
func (st *step) lookUpNext(s *Session) {
	s.next, s.wake = never, never
	for _, t := range st.timers(s) {
		s.next = earliest(s.next, t.due)
		if t.kind == timerWake {
			s.wake = earliest(s.wake, t.due)
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// timers lists what runs for a session now.
func (st *step) timers(s *Session) []timer {
	out := make([]timer, 0, 4)
	add := func(kind timerKind, due time.Time) {
		out = append(out, timer{due: due, kind: kind, session: s})
	}
	l := st.of(s)
	if s.State == Closed {
		return nil
	}
	if s.State == Closing {
		add(timerGrace, s.Finished.Add(l.span(l.Settings.GraceTime)))
		return out
	}
	for _, o := range s.Offers {
		out = append(out, st.offerTimers(l, s, o)...)
	}
	st.queueTimers(l, s, add)
	if s.State == Active {
		st.activeTimers(l, s, add)
	}
	if limit := s.sla(l); limit > 0 && s.clientWaits() && !s.Alerted {
		add(timerSLA, l.due(&s.Wait.Clock, working, limit))
	}
	return out
}

func (st *step) offerTimers(l *Line, s *Session, o *Offer) (out []timer) {
	if o.Pass.running() {
		out = append(out, timer{l.due(&o.Pass, routing, l.span(l.Settings.PassTime)), timerPass, s, o, ""})
	}
	if at, why, lost := st.offerLost(l, s, o); lost {
		out = append(out, timer{at, timerLost, s, o, why})
	}
	return out
}

func (st *step) queueTimers(l *Line, s *Session, add func(timerKind, time.Time)) {
	q, pass := &s.Queue, l.span(l.Settings.PassTime)
	if q.Unans.running() {
		add(timerUnanswered, l.due(&q.Unans, routing, l.bound()))
	}
	if q.AllPass.running() {
		add(timerAllPass, l.due(&q.AllPass, routing, pass))
	}
	if s.State != Waiting && s.State != Held {
		return
	}
	if q.Idle.running() {
		add(timerIdle, l.due(&q.Idle, routing, pass))
	}
	if q.Parked.running() {
		add(timerParked, l.due(&q.Parked, routing, pass))
	}
	if !q.ToAll {
		add(timerWake, l.nextChange(st.now)) // HELD and WAITING follow the hours
	}
	if !q.Begun && s.awaitsLookup(l, st.now) {
		add(timerWake, s.CRM.Until)
	}
}

func (st *step) activeTimers(l *Line, s *Session, add func(timerKind, time.Time)) {
	if s.Owner != 0 && st.operator(s.Owner).Dismissed {
		add(timerOwnerGone, time.Time{})
	}
	if s.clientWaits() {
		if s.Off.running() {
			add(timerOffline, l.due(&s.Off, working, l.span(l.Settings.OfflineReturnTime)))
		} else if since, fails := st.ownerFails(l, s); fails && since.After(st.now) && l.Settings.OfflineReturnTime > 0 {
			add(timerWake, since)
		}
		return
	}
	if warn, due := s.autoClose(l); !due.IsZero() {
		if warn {
			add(timerWarning, due)
		} else {
			add(timerAutoClose, due)
		}
	}
}

// sla is the limit for the reply that the client waits for; 0: none.
func (s *Session) sla(l *Line) time.Duration {
	if s.FirstReply.IsZero() {
		return l.span(l.Settings.SLAFirstReply)
	}
	return l.span(l.Settings.SLANextReply)
}

// autoClose says when a quiet session is warned or closed; zero: never. Even
// when both are overdue the client has the time of the warning.
func (s *Session) autoClose(l *Line) (warn bool, due time.Time) {
	set := l.Settings
	if set.AutoCloseTime == 0 || s.Pinned || s.LastReply.At.IsZero() {
		return false, time.Time{}
	}
	due = s.LastReply.At.Add(l.span(set.AutoCloseTime))
	lead := l.span(set.AutoCloseWarning)
	if lead == 0 || !l.has(TextAutoWarning) {
		return false, due
	}
	if s.Warned.IsZero() {
		return true, due.Add(-lead)
	}
	return false, latest(due, s.Warned.Add(lead))
}

// fire lets one timer take effect.
func (st *step) fire(t timer) {
	s := t.session
	st.touch(s)
	st.dirty = true
	switch t.kind {
	case timerOwnerGone:
		st.ownerGone(s)
	case timerLost:
		st.offerIsLost(s, t.offer, t.why)
	case timerPass:
		st.passDue(s, t.offer, t.due)
	case timerAllPass:
		st.allPassDue(s, t.due)
	case timerIdle:
		st.idleDue(s, t.due)
	case timerParked:
		st.endPark(s)
	case timerUnanswered:
		st.unansweredDue(s, t.due)
	case timerOffline:
		st.record(s, st.now, Record{Kind: OwnerWentOff, User: s.Owner})
		st.enterQueue(s, "the owner went off while the client waits", nil)
	case timerSLA:
		st.alertSLA(s)
	case timerWarning:
		s.Warned = st.now
		st.texts = append(st.texts, autoText{session: s, id: TextAutoWarning, due: t.due})
	case timerAutoClose:
		st.finish(s, 0, ByAutoClose, t.due)
	case timerGrace:
		st.close(s)
	}
}

// offerIsLost is T8.
func (st *step) offerIsLost(s *Session, o *Offer, why string) {
	if s.State == Active {
		st.sideOfferOver(st.of(s), s, o, why)
		return
	}
	st.endOffer(s, o, why)
}

func (st *step) alertSLA(s *Session) {
	s.Alerted = true
	st.record(s, st.now, Record{Kind: AlertSent, Reason: NoteSLA})
	st.command(s, Command{Kind: DoNotify, Reason: NoteSLA})
}
