package openlines

import (
	"slices"
	"time"
)

// ChannelPresence is how an operator is present in the channel where he works. Who
// is there and takes no new chats has a break.
func ChannelPresence(there, away bool) Presence {
	switch {
	case !there:
		return Offline
	case away:
		return DayPaused
	}
	return Online
}

// lossPatience is how long an operator with an offer or a chat may be off duty
// in open time before it counts (§5.1).
const lossPatience = 60 * time.Second

// operatorChanged takes over what is known of an employee now: all of it. News
// that was overtaken by later news changes nothing.
func (st *step) operatorChanged(ev Event) AnswerCode {
	d, fresh := st.desk, *ev.Operator
	i, known := d.findOperator(fresh.ID)
	before := Operator{ID: fresh.ID}
	if known {
		before = *d.Operators[i]
	}
	if ev.At.Before(before.Changed) {
		return NoChange
	}
	fresh.follow(before, ev.At)
	if known {
		d.Operators[i] = &fresh
	} else {
		d.Operators = slices.Insert(d.Operators, i, &fresh)
	}
	for _, s := range d.Sessions {
		s.next = time.Time{}
		if before.Supervisor && s.State == Active && s.Owner == fresh.ID && !st.access(st.of(s), fresh.ID) {
			st.ownerGone(s) // T16: he has lost access
		}
	}
	st.changed()
	st.record(nil, ev.At, Record{Kind: OperatorRecorded, User: fresh.ID, Reason: fresh.summary()})
	return OK
}

// follow dates what is known of an operator now.
func (o *Operator) follow(before Operator, at time.Time) {
	o.LeaveSince, o.AwaySince, o.Changed = time.Time{}, time.Time{}, at
	if o.OnLeave {
		o.LeaveSince = since(before.LeaveSince, at)
	}
	if !o.onDuty() {
		o.AwaySince = since(before.AwaySince, at)
	}
}

// since keeps an earlier beginning.
func since(before, now time.Time) time.Time {
	if before.IsZero() {
		return now
	}
	return before
}

func (o *Operator) summary() string {
	switch {
	case o.Dismissed:
		return "dismissed"
	case o.OnLeave:
		return "on leave"
	}
	return string(o.Presence)
}

// offerLost says when, if at all, an offered operator counts as lost (T8), and
// why. A zero instant means at once.
func (st *step) offerLost(l *Line, s *Session, o *Offer) (at time.Time, why string, lost bool) {
	op := st.operator(o.To)
	switch {
	case op.Dismissed:
		return time.Time{}, string(LeftDismiss), true
	case o.byQueue() && !slices.Contains(l.Members, o.To):
		return time.Time{}, string(LeftMember), true
	case op.OnLeave:
		return time.Time{}, string(LeftOnLeave), true
	case o.Kept || !l.Settings.CheckOnline || op.onDuty() || op.AwaySince.IsZero():
		return time.Time{}, "", false
	case o.Kind == DirectOffer && l.Settings.CRMForwardPass == ForwardKeep:
		return time.Time{}, "", false
	case op.AwaySince.Before(o.Made) || !o.byQueue() && op.AwaySince.Equal(o.Made):
		return time.Time{}, "", false // he got it although he was off duty: he cannot lose what he had not
	}
	return l.after(routing, op.AwaySince, lossPatience), string(LeftOffDuty), true
}

// byQueue offers need a member on duty.
func (o *Offer) byQueue() bool {
	return o.Kind == QueueOffer || o.Kind == AllOffer || o.Kind == StickyOffer
}

// ownerFails says whether the owner fails E1 to E3, and since when that counts,
// which may be in the future.
func (st *step) ownerFails(l *Line, s *Session) (since time.Time, fails bool) {
	op := st.operator(s.Owner)
	switch {
	case s.Owner == 0 || op.Dismissed:
		return time.Time{}, true
	case op.OnLeave:
		return op.LeaveSince, true
	case !l.Settings.CheckOnline || op.onDuty():
		return time.Time{}, false
	}
	away := op.AwaySince
	if away.IsZero() { // nobody ever saw him on duty
		away = s.Started
	}
	return l.after(routing, away, lossPatience), true
}

// watchOwner starts and stops T_offline.
func (st *step) watchOwner(s *Session) {
	l := st.of(s)
	since, fails := st.ownerFails(l, s)
	if l.Settings.OfflineReturnTime == 0 || !fails || since.After(st.now) || !s.clientWaits() {
		s.Off = Clock{}
		return
	}
	if !s.Off.running() {
		s.Off.From = latest(since, s.WaitingSince(), s.Owning.Began)
	}
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(first) {
			first = t
		}
	}
	return first
}

// ownerGone is T16.
func (st *step) ownerGone(s *Session) {
	if s.clientWaits() {
		st.enterQueue(s, "the owner is gone", nil)
		return
	}
	st.own(s, 0, "gone")
}
