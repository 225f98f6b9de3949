package openlines

import "time"

// channelSlack is how much the clock of a channel may be behind ours. It matters
// where only ours tells when a session began.
const channelSlack = 5 * time.Second

// dialogAssigned: somebody gave the dialog to an operator in the channel. What
// waits is taken by him, what is offered to everybody is accepted by him, and
// what others have is handed over to him.
func (st *step) dialogAssigned(s *Session, ev Event) AnswerCode {
	o := s.offerTo(ev.To)
	switch {
	case s.State == Closing, s.follows(ev), s.Owner == ev.To, o != nil && o.single():
		return NoChange
	case o != nil:
		st.acceptOffer(st.of(s), s, o, ev)
		return OK
	case s.takable() && st.access(st.of(s), ev.To):
		ev.By = ev.To
		return st.take(s, ev)
	}
	return st.transfer(s, ev)
}

// dialogClosed: somebody closed the dialog in the channel, which finishes the
// session (T20): whoever could do that there was permitted to.
func (st *step) dialogClosed(s *Session, ev Event) AnswerCode {
	if !s.Open() || s.follows(ev) {
		return NoChange
	}
	st.finish(s, ev.By, s.endReason(ev.By), ev.At)
	return OK
}

// follows says that something happened in the channel before the session began:
// it belongs to an earlier one.
func (s *Session) follows(ev Event) bool {
	began := s.Began
	if began.IsZero() {
		began = s.Started.Add(-channelSlack)
	}
	return ev.Happened.Before(began) && !ev.Happened.IsZero()
}

// reasonVote is why a dialog is closed once more.
const reasonVote = "vote"

// closeAgain closes the dialog after a vote: as every message of the client, the
// vote has opened it again in the channel, and nobody has to answer it.
func (st *step) closeAgain(s *Session, ev Event) {
	c := Command{Kind: DoCloseDialog, Reason: reasonVote}
	switch p := st.desk.Chats[ev.Chat].Poll; {
	case s == nil:
		c.Session, c.Chat, c.Line = p.Session, ev.Chat, p.Line
		st.command(nil, c)
	case !s.Open():
		st.command(s, c)
	}
}
