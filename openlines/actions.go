package openlines

import "slices"

// currentOffer finds the offer that an answer is for, or says that it is over.
func (s *Session) currentOffer(id OfferID, user UserID) *Offer {
	for _, o := range s.Offers {
		if o.ID == id && o.To == user {
			return o
		}
	}
	return nil
}

// accept is T10, and the acceptance of a transfer (T17).
func (st *step) accept(s *Session, ev Event) AnswerCode {
	o := s.currentOffer(ev.Offer, ev.By)
	switch {
	case o == nil:
		return OfferExpired
	case o.Accepted:
		return NoChange
	}
	st.acceptOffer(st.of(s), s, o, ev)
	return OK
}

// acceptOffer reserves a session, or gives it away where accepting is enough.
func (st *step) acceptOffer(l *Line, s *Session, o *Offer, ev Event) {
	r := Record{Kind: OfferAccepted, User: o.To, Offer: o.ID, Offered: o.Kind}
	if !s.Answered {
		s.Answered, r.Span = true, l.read(&s.Age, ev.At)
	}
	st.record(s, ev.At, r)
	side := s.State == Active
	if side || l.Settings.AnsweredBy == AnsweredByAccept {
		st.withdrawAll(s, "accepted")
		st.own(s, o.To, "accepted")
		st.transferDone(s, o)
		return
	}
	o.Accepted = true
	if o.Kind == AllOffer {
		o.Pass = Clock{From: st.now}
	}
	st.withdrawBut(s, o, "accepted by somebody else")
	st.changed()
}

// decline is T7.
func (st *step) decline(s *Session, ev Event) AnswerCode {
	o := s.currentOffer(ev.Offer, ev.By)
	if o == nil {
		return OfferExpired
	}
	if s.State == Active {
		st.sideOfferOver(st.of(s), s, o, EndDeclined)
		return OK
	}
	st.endOffer(s, o, EndDeclined)
	if !slices.Contains(s.Queue.Out, ev.By) {
		s.Queue.Out = append(s.Queue.Out, ev.By)
	}
	return OK
}

// take is T11; also for a session that somebody keeps without a deadline.
func (st *step) take(s *Session, ev Event) AnswerCode {
	l := st.of(s)
	switch {
	case ev.Offer != 0 && s.currentOffer(ev.Offer, ev.By) == nil:
		return OfferExpired
	case !st.access(l, ev.By) || !s.takable():
		return NotAllowed
	}
	st.withdrawAll(s, "taken")
	st.backFromAll(s)
	o := st.offer(l, s, ev.By, TakenOffer, &Decision{To: []UserID{ev.By}, Kind: TakenOffer, Why: "took it himself"})
	st.acceptOffer(l, s, o, ev)
	return OK
}

func (s *Session) takable() bool {
	kept := slices.ContainsFunc(s.Offers, func(o *Offer) bool { return o.Kept })
	return s.State == Waiting || s.State == Held || s.State == Offered && kept
}

// backFromAll ends open-to-all and a rest: a person has moved the session on.
func (st *step) backFromAll(s *Session) {
	q := &s.Queue
	if q.ToAll {
		q.Pass = 0
		q.nextPass()
	}
	q.ToAll, q.Told, q.Begun = false, nil, true
	q.Parked, q.Seen = Clock{}, nil
	st.moved(s, q.Fired)
}

// transfer is T17.
func (st *step) transfer(s *Session, ev Event) AnswerCode {
	l := st.of(s)
	switch {
	case s.State == Closing || !st.mayHandle(l, s, ev.By):
		return NotAllowed
	case !st.fit(ev.To) || ev.To == s.Owner:
		return NotEligible
	}
	st.withdrawAll(s, "transferred")
	if s.State != Active {
		st.backFromAll(s)
	}
	st.record(s, ev.At, Record{Kind: TransferAsked, User: ev.To, Other: ev.By})
	o := st.offer(l, s, ev.To, TransferOffer, &Decision{To: []UserID{ev.To}, Kind: TransferOffer, Why: "a colleague hands it over"})
	o.From = ev.By
	return OK
}

// transferDone: the colleague has taken the session. No other offer than one of
// a transfer means anything here.
func (st *step) transferDone(s *Session, o *Offer) {
	if o == nil || o.Kind != TransferOffer {
		return
	}
	st.record(s, st.now, Record{Kind: TransferDone, User: o.To, Other: o.From})
	if st.of(s).Settings.CRMTransferSetsResponsible && s.CRM.Item.ID != 0 {
		s.CRM.Responsible = o.To
		st.command(s, Command{Kind: DoResponsible, Item: s.CRM.Item, User: o.To})
	}
}

// mayHandle: his own session, his offer, or access to the line. 0 is Puente.
func (st *step) mayHandle(l *Line, s *Session, user UserID) bool {
	return user == 0 || user == s.Owner || s.offerTo(user) != nil || st.access(l, user)
}

// transferLine is T18. The time that clocks have used stays with them.
func (st *step) transferLine(s *Session, ev Event) AnswerCode {
	l, to := st.of(s), st.desk.line(ev.Line)
	switch {
	case !st.mayHandle(l, s, ev.By) || to == nil || to == l:
		return NotAllowed
	case !to.Settings.Active:
		return NotEligible
	}
	if s.State == Closing {
		st.reopened(s, "transfer")
	}
	st.endOwning(s)
	st.withdrawAll(s, "transferred")
	st.record(s, ev.At, Record{Kind: LineLeft, User: ev.By, Reason: string(to.ID)})
	l.rebaseAll(s, st.now)
	fired := s.Queue.Fired
	s.Line = to.ID
	s.Queue.Pass = max(s.Queue.Pass, 1) // direct and sticky offers belong to the first line
	st.enterQueue(s, "transferred to this line", nil)
	st.moved(s, fired)
	return OK
}

// moved: people have moved the session about while the client waits. The
// waiting cycle goes on, and its unanswered rule fires once.
func (st *step) moved(s *Session, fired bool) {
	s.Queue.Moved = true
	s.Queue.Fired = fired && s.clientWaits()
	if !s.Queue.Unans.running() || s.Queue.Fired {
		st.startUnanswered(s)
	}
}

// returnToQueue is T19.
func (st *step) returnToQueue(s *Session, ev Event) AnswerCode {
	mine := ev.By == s.Owner && s.State == Active || s.offerTo(ev.By) != nil
	if s.State != Offered && s.State != Active || !mine && !st.operator(ev.By).Supervisor {
		return NotAllowed
	}
	leftOut := []UserID{ev.By}
	if s.State == Active && s.Owner != 0 && s.Owner != ev.By {
		leftOut = append(leftOut, s.Owner)
	}
	fired := s.Queue.Fired
	s.Queue.Pass = max(s.Queue.Pass, 1)
	st.enterQueue(s, "returned to the queue", leftOut)
	st.moved(s, fired)
	return OK
}

// setFlag is pinning, and silent mode of one operator.
func (st *step) setFlag(s *Session, ev Event) AnswerCode {
	if !st.mayHandle(st.of(s), s, ev.By) {
		return NotAllowed
	}
	if ev.Kind == Pin {
		s.Pinned = ev.On
		st.record(s, ev.At, Record{Kind: SessionPinned, User: ev.By, On: ev.On})
		return OK
	}
	s.Silent = slices.DeleteFunc(s.Silent, func(u UserID) bool { return u == ev.By })
	if ev.On {
		s.Silent = append(s.Silent, ev.By)
	}
	st.record(s, ev.At, Record{Kind: SilentSet, User: ev.By, On: ev.On})
	return OK
}
