package openlines

import "slices"

// lineChanged puts a version of settings in force (§2): running timers keep the
// time that they have used and go on under the new schedule and limits.
// Settings whose hours cannot be used are refused.
func (st *step) lineChanged(ev Event) AnswerCode {
	schedule, err := NewSchedule(*ev.Settings)
	if err != nil {
		return NotAllowed
	}
	l := st.desk.line(ev.Line)
	if l == nil {
		l = &Line{ID: ev.Line, schedule: schedule}
		i, _ := slices.BinarySearchFunc(st.desk.Lines, ev.Line, func(l *Line, id LineID) int { return compare(l.ID, id) })
		st.desk.Lines = slices.Insert(st.desk.Lines, i, l)
	}
	sessions := st.onLine(l)
	for _, s := range sessions {
		l.rebaseAll(s, st.now)
	}
	before := l.Members
	l.Settings, l.Members, l.schedule, l.change = *ev.Settings, slices.Clone(ev.Members), schedule, change{}
	l.Minute = ev.Minute
	for _, s := range sessions {
		st.touch(s)
		st.adapt(l, s, before)
	}
	st.changed()
	st.record(nil, st.now, Record{Kind: LineRecorded, Line: l.ID})
	return OK
}

func (st *step) onLine(l *Line) []*Session {
	var out []*Session
	for _, s := range st.desk.Sessions {
		if s.Line == l.ID && s.State != Closed {
			out = append(out, s)
		}
	}
	return out
}

// adapt brings one session into agreement with new settings.
func (st *step) adapt(l *Line, s *Session, before []UserID) {
	if s.Owner != 0 && s.State == Active && slices.Contains(before, s.Owner) && !st.access(l, s.Owner) {
		st.ownerGone(s) // T16: he has lost access
	}
	if !s.queued() {
		return
	}
	if wanted := l.Settings.UnansweredTime > 0 || s.Queue.Moved; wanted != s.Queue.Unans.running() {
		st.startUnanswered(s)
	}
	if l.Settings.Mode == OfferAll {
		st.withdrawKind(s, QueueOffer)
	} else {
		st.withdrawKind(s, AllOffer)
		s.Queue.AllPass, s.Queue.Over = Clock{}, false
	}
}

// withdrawKind takes back the offers of the mode that is no more, except one
// that is reserved.
func (st *step) withdrawKind(s *Session, kind OfferKind) {
	for _, o := range slices.Clone(s.Offers) {
		if o.Kind == kind && !o.Accepted {
			st.endOffer(s, o, "another mode")
		}
	}
}
