package openlines

import (
	"fmt"
	"time"
)

// offhoursQuiet is how long after an employee reply an ACTIVE session gets no
// off-hours text (§7.2).
const offhoursQuiet = 15 * time.Minute

// autoText is an automatic text that may go out at the end of the step. It is
// decided there, because a reply in the same step makes it needless (§7.1).
type autoText struct {
	session *Session
	id      TextID    // "" = whatever the client message calls for
	due     time.Time // when it should have gone out
	message *Event    // the client message it answers
	first   bool      // the message began the session
	active  bool      // it met an ACTIVE or CLOSING session
	waiting bool      // pointless once somebody replied
	owner   UserID    // at the time of the request for a vote
	poll    *Poll     // the vote it thanks for
}

// sendTexts decides on the texts of this step.
func (st *step) sendTexts() {
	for _, t := range st.texts {
		switch {
		case t.poll != nil:
			st.sendThanks(t)
		case t.session.Reason == BySpam:
		case t.id == "":
			st.answerMessage(t)
		case t.waiting && (!t.session.clientWaits() || !t.session.Open()):
			st.skip(t.session, t.id, "answered")
		case t.id == TextVoteRequest:
			st.askForVote(t)
		default:
			st.sendIf(t.session, t.id, t.due)
		}
	}
}

// answerMessage sends at most one text for a client message: the off-hours
// text, else the welcome (§7.1). Receipt decides what is off-hours.
func (st *step) answerMessage(t autoText) {
	s, at := t.session, t.message.At
	l := st.of(s)
	closed := !l.schedule.Open(at)
	switch {
	case closed && st.wantsOffhours(l, t):
		if st.answered(t, TextOffhours) {
			return
		}
		if st.sendIf(s, TextOffhours, at) {
			st.desk.Chats[s.Chat].Past.Offhours = at
		}
	case closed && l.Settings.OffhoursRouting == OffhoursHold:
	case t.first && st.wantsWelcome(l, s) && !st.answered(t, TextWelcome):
		st.sendIf(s, TextWelcome, at)
	}
}

// answered says that an employee replied to the message before any text could
// go out, and notes it.
func (st *step) answered(t autoText, id TextID) bool {
	s := t.session
	m := position{t.message.At, t.message.Message.Order}
	if s.LastReply.At.IsZero() || m.after(s.LastReply) {
		return false
	}
	st.skip(s, id, "answered")
	return true
}

// wantsOffhours: once per closed period and chat, and not into a lively chat.
func (st *step) wantsOffhours(l *Line, t autoText) bool {
	if l.Settings.OffhoursRule != OffhoursText || !l.has(TextOffhours) {
		return false
	}
	at, s := t.message.At, t.session
	last := st.desk.Chats[s.Chat].Past.Offhours
	if !last.IsZero() && l.spent(working, last, at) == 0 {
		return false
	}
	quiet := s.LastReply.At.IsZero() || at.Sub(s.LastReply.At) >= offhoursQuiet
	return quiet || !t.active
}

func (st *step) wantsWelcome(l *Line, s *Session) bool {
	switch l.Settings.WelcomeRule {
	case WelcomeEverySession:
		return l.has(TextWelcome)
	case WelcomeFirstContact:
		return l.has(TextWelcome) && s.Parent == 0
	}
	return false
}

// sendIf sends a text unless it is too late or the channel forbids it.
func (st *step) sendIf(s *Session, id TextID, due time.Time) bool {
	l := st.of(s)
	until := due.Add(l.span(l.Settings.AutoTextMaxAge))
	switch {
	case !l.has(id):
		return false
	case st.desk.Rules >= 1 && st.desk.Chats[s.Chat].Blocked: // §7.7
		st.skip(s, id, "blocked")
		return false
	case st.now.After(until):
		st.skip(s, id, "late")
		return false
	case !s.Window.IsZero() && st.now.After(s.Window):
		st.skip(s, id, "window")
		return false
	}
	st.record(s, st.now, Record{Kind: TextSent, Text: id})
	key := fmt.Sprintf("%d-%s-%d", s.ID, id, st.desk.LastRecord)
	st.command(s, Command{Kind: DoSendText, Text: id, Key: key, Until: until})
	return true
}

func (st *step) skip(s *Session, id TextID, reason string) {
	st.record(s, st.now, Record{Kind: TextSkipped, Text: id, Reason: reason})
}

// askForVote sends the request and opens the vote.
func (st *step) askForVote(t autoText) {
	s := t.session
	if !st.sendIf(s, TextVoteRequest, t.due) {
		return
	}
	st.record(s, st.now, Record{Kind: VoteAsked, User: t.owner})
	window := st.of(s).Settings.VoteWindow.Duration()
	st.desk.Chats[s.Chat].Poll = &Poll{Session: s.ID, Line: s.Line, Owner: t.owner, Asked: st.now, Until: st.now.Add(window)}
}

// sendThanks thanks for a vote, also when its session is long closed.
func (st *step) sendThanks(t autoText) {
	l := st.desk.line(t.poll.Line)
	m := t.message.Message
	until := t.due.Add(l.span(l.Settings.AutoTextMaxAge))
	r := Record{Kind: TextSent, Session: t.poll.Session, Line: t.poll.Line, Channel: m.Channel, Text: t.id}
	switch {
	case !l.has(t.id):
		return
	case st.now.After(until):
		r.Kind, r.Reason = TextSkipped, "late"
	case !m.Window.IsZero() && st.now.After(m.Window):
		r.Kind, r.Reason = TextSkipped, "window"
	}
	st.record(nil, st.now, r)
	if r.Kind == TextSkipped {
		return
	}
	st.command(nil, Command{
		Kind: DoSendText, Session: t.poll.Session, Chat: t.message.Chat, Line: t.poll.Line,
		Text: t.id, Key: fmt.Sprintf("%d-%s", t.poll.Session, t.id), Until: until,
	})
}

// textRefused: the channel refused a text after all. A request for a vote that
// never arrived opens no vote.
func (st *step) textRefused(s *Session, ev Event) AnswerCode {
	st.skip(s, ev.Text, ev.Reason)
	st.desk.Chats[s.Chat].refused(s.ID, ev.Text)
	return OK
}

// refusedAfterEnd is textRefused for a session that has closed already.
func (st *step) refusedAfterEnd(ev Event) {
	if ev.Kind != TextRefused || st.desk.Rules < 1 {
		return
	}
	for _, chat := range st.desk.Chats {
		chat.refused(ev.Session, ev.Text)
	}
}

// refused forgets a vote whose request the client never got.
func (c *Chat) refused(session SessionID, text TextID) {
	if p := c.Poll; text == TextVoteRequest && p != nil && p.Session == session && p.Given == NoVote {
		c.Poll = nil
	}
}
