package openlines

import "time"

// endedBy is T20 and T26: a person ends the session.
func (st *step) endedBy(s *Session, ev Event) AnswerCode {
	l := st.of(s)
	switch {
	case !st.mayHandle(l, s, ev.By):
		return NotAllowed
	case ev.Kind == MarkSpam:
		st.closeAsSpam(s)
		return OK
	case s.State == Closing:
		return NoChange
	}
	st.finish(s, ev.By, s.endReason(ev.By), ev.At)
	return OK
}

// endReason says who ends a session; 0 is Puente, or somebody nobody knows.
func (s *Session) endReason(by UserID) CloseReason {
	switch by {
	case 0:
		return BySystem
	case s.Owner:
		return ByOperator
	}
	return ByOtherEmployee
}

// finish ends an open session (T20, T21): the after-close rule runs, once per
// session, and the grace time begins. due is when it was due, for the age of texts.
func (st *step) finish(s *Session, by UserID, reason CloseReason, due time.Time) {
	l := st.of(s)
	st.settle(s, by, reason)
	rule, text := l.Settings.CloseRule, TextClose
	if reason == ByAutoClose {
		rule, text = l.Settings.AutoCloseRule, TextAutoClose
	}
	st.afterClose(s, rule, text, due)
	st.command(s, Command{Kind: DoCloseDialog, Reason: string(reason)})
	if reason == ByCRM || l.Settings.GraceTime == 0 {
		st.close(s)
	}
}

// settle takes a session out of the open states.
func (st *step) settle(s *Session, by UserID, reason CloseReason) {
	st.endOwning(s)
	st.withdrawAll(s, "finished")
	st.leaveQueue(s)
	s.Queue.Unans, s.Off = Clock{}, Clock{}
	s.State, s.Reason, s.Finished = Closing, reason, st.now
	st.record(s, st.now, Record{Kind: SessionFinished, Reason: string(reason), User: by})
}

// afterClose runs once per session, at its first finish (§7.3).
func (st *step) afterClose(s *Session, rule CloseRule, text TextID, due time.Time) {
	if rule == CloseNone || rule == "" || s.AskedEnd {
		return
	}
	s.AskedEnd = true
	if rule == CloseRating {
		text = TextVoteRequest
	}
	st.texts = append(st.texts, autoText{session: s, id: text, due: due, owner: s.Owner})
}

// close is T23, and the end of T25, T26: the session is over for good.
func (st *step) close(s *Session) {
	chat := st.desk.Chats[s.Chat]
	missed := s.clientWaits() && s.FirstReply.IsZero()
	s.State = Closed
	chat.Open = 0
	chat.Past.Session, chat.Past.Owner, chat.Past.Closed = s.ID, s.Owner, st.now
	chat.Past.Blocked = chat.Blocked
	past := chat.Past
	st.changed()
	st.record(s, st.now, Record{
		Kind: SessionEnded, Chat: s.Chat, Reason: string(s.Reason), User: s.Owner, On: missed,
		Span: st.of(s).read(&s.Age, st.now), Lasted: s.Lasted, Past: &past,
	})
}

// closeAsSpam is T26: no texts, no rating, no lead.
func (st *step) closeAsSpam(s *Session) {
	if s.State != Closing {
		st.settle(s, 0, BySpam)
		st.command(s, Command{Kind: DoCloseDialog, Reason: string(BySpam)})
	}
	s.Reason, s.AskedEnd = BySpam, true
	if chat := st.desk.Chats[s.Chat]; chat.Poll != nil && chat.Poll.Session == s.ID {
		chat.Poll = nil
	}
	st.close(s)
}

// reopenedByClient is the reason of T22.
const reopenedByClient = "client"

// reopen is T22 and T24: the same session goes on with its owner.
func (st *step) reopen(s *Session, by string) {
	st.reopened(s, by)
	s.State = Active
	if s.Owner != 0 {
		s.Owning = startMeter(st.now)
	}
}

// reopened takes back that a session was finished.
func (st *step) reopened(s *Session, by string) {
	s.Reason, s.Finished = "", time.Time{}
	st.changed()
	st.record(s, st.now, Record{Kind: SessionReopened, Reason: by})
}

// vote takes a vote (§7.4): it is no message to answer, never reopens, and the
// first one is final.
func (st *step) vote(chat *Chat, s *Session, ev Event) {
	defer st.closeAgain(s, ev)
	p := chat.Poll
	r := Record{
		Kind: VoteGiven, Session: p.Session, Line: p.Line, Channel: ev.Message.Channel,
		User: p.Owner, Vote: ev.Message.Vote, Message: ev.Message.ID,
	}
	if p.Given != NoVote {
		r.Kind = VoteRepeated
		st.record(nil, ev.At, r)
		return
	}
	p.Given = ev.Message.Vote
	st.record(nil, ev.At, r)
	st.thank(ev, p)
	if s != nil && s.ID == p.Session && s.State == Closing && st.of(s).Settings.VoteCloseOnReceipt {
		st.close(s)
	}
}

func (st *step) thank(ev Event, p *Poll) {
	id := TextVoteThanksGood
	if p.Given == VoteBad {
		id = TextVoteThanksBad
	}
	st.texts = append(st.texts, autoText{id: id, due: ev.At, message: &ev, poll: p})
}
