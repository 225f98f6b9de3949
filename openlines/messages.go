package openlines

import (
	"slices"
	"time"
)

// chatEvent is an event that names its chat; the session follows from it.
func (st *step) chatEvent(ev Event) (SessionID, AnswerCode) {
	chat := st.chat(ev)
	s := st.desk.session(chat.Open)
	if s != nil {
		st.touch(s)
	}
	var code AnswerCode
	switch ev.Kind {
	case ClientMessage:
		code = st.clientMessage(chat, s, ev)
	case EmployeeMessage:
		code = st.employeeMessage(chat, s, ev)
	case MessageDeleted:
		code = st.messageDeleted(s, ev)
	case ClientBlocked:
		chat.Blocked, code = ev.On, OK
	}
	if code == OK && chat.Open != 0 {
		return chat.Open, code
	}
	if s != nil {
		return s.ID, code
	}
	return 0, code
}

// chat finds a chat, and takes up what the caller remembers of it if that is
// more than the desk does.
func (st *step) chat(ev Event) *Chat {
	chat := st.desk.Chats[ev.Chat]
	if chat == nil {
		chat = &Chat{}
		if ev.Message != nil {
			chat.Blocked = ev.Message.Past.Blocked
		}
		st.desk.Chats[ev.Chat] = chat
	}
	if m := ev.Message; m != nil && m.Past.Session > chat.Past.Session {
		chat.Past = m.Past
	}
	return chat
}

// stored notes a message that is kept by the caller and has no effect here.
func (st *step) stored(s *Session, ev Event, reason string) AnswerCode {
	st.record(s, ev.At, Record{Kind: MessageStored, Chat: ev.Chat, Message: ev.Message.ID, Channel: ev.Message.Channel, Reason: reason})
	return Stored
}

// clientMessage is T1, T12, T22 and T27.
func (st *step) clientMessage(chat *Chat, s *Session, ev Event) AnswerCode {
	m := ev.Message
	if chat.Blocked {
		return st.stored(s, ev, "blocked")
	}
	if m.Vote != NoVote && chat.Poll.open(ev.At) {
		st.vote(chat, s, ev)
		return VoteTaken
	}
	late := chat.LastReply.after(position{ev.At, m.Order})
	switch {
	case s == nil:
		return st.clientBegins(chat, ev, late)
	case late:
		st.said(s, ev.At)
		st.record(s, ev.At, Record{Kind: MessageIn, Message: m.ID, N: m.Order})
	default:
		st.clientSaid(s, ev, false)
		st.clientIsBack(s)
	}
	return OK
}

// clientBegins is T1. late: an employee replied after the message.
func (st *step) clientBegins(chat *Chat, ev Event, late bool) AnswerCode {
	line := st.lineOf(ev.Message.Channel)
	if line == nil || late {
		return st.stored(nil, ev, storedWhy(line))
	}
	s := st.start(chat, line, ev)
	st.record(s, ev.At, Record{Kind: SessionStarted, Chat: s.Chat, N: int64(s.Parent), On: !line.schedule.Open(ev.At)})
	st.clientSaid(s, ev, true)
	st.lookUp(s, st.now.Add(lookupPatience))
	st.enterQueue(s, "the client wrote", nil)
	return OK
}

func storedWhy(line *Line) string {
	if line == nil {
		return "no active line"
	}
	return "belongs to what is over"
}

// lineOf finds the line that takes new sessions of a channel.
func (st *step) lineOf(channel int64) *Line {
	for _, l := range st.desk.Lines {
		if l.serves(channel) {
			return l
		}
	}
	return nil
}

// start makes the session of T1 and T2. Its state is set by the caller.
func (st *step) start(chat *Chat, line *Line, ev Event) *Session {
	st.desk.LastSession++
	s := &Session{
		ID: st.desk.LastSession, Chat: ev.Chat, Line: line.ID, Channel: ev.Message.Channel, Parent: chat.Past.Session,
		Started: ev.At, Began: ev.Happened, State: Waiting, Needs: ev.Message.Needs, Priority: ev.Message.Priority,
		Age: startMeter(ev.At), Window: ev.Message.Window,
	}
	s.CRM = CRMLink{Writable: ev.Message.Writable, Identity: ev.Message.Identity}
	if s.CRM.Identity == "" {
		s.CRM.Identity = "chat:" + string(ev.Chat)
	}
	chat.Open = s.ID
	st.desk.Sessions = append(st.desk.Sessions, s)
	st.touch(s)
	return s
}

// clientSaid books a client message that nobody has replied to.
func (st *step) clientSaid(s *Session, ev Event, first bool) {
	m := ev.Message
	st.record(s, ev.At, Record{Kind: MessageIn, Message: m.ID, N: m.Order, On: true})
	st.said(s, ev.At)
	s.Heard, s.Window, s.Warned = true, m.Window, time.Time{}
	st.learnContact(s, m)
	waited := s.clientWaits()
	st.addUnread(s, Unread{ID: m.ID, position: position{ev.At, m.Order}})
	if !waited {
		st.beginCycle(s)
	}
	st.texts = append(st.texts, autoText{session: s, message: &ev, first: first, active: s.State == Active || s.State == Closing})
}

// addUnread keeps the messages in channel order. waiting_since stays with the
// earliest; a message that the channel places before it moves it.
func (st *step) addUnread(s *Session, u Unread) {
	s.Unread = insertUnread(s.Unread, u)
	if len(s.Unread) > 1 && s.Unread[0].ID == u.ID {
		st.restartWait(s)
	}
}

func insertUnread(list []Unread, u Unread) []Unread {
	i := len(list)
	for i > 0 && list[i-1].after(u.position) {
		i--
	}
	return slices.Insert(list, i, u)
}

// said keeps how long the session has lasted.
func (st *step) said(s *Session, at time.Time) {
	if at.After(s.LastMessage) {
		s.LastMessage = at
		s.Lasted = st.of(s).read(&s.Age, at)
	}
}

// beginCycle starts what runs while the client waits (§1).
func (st *step) beginCycle(s *Session) {
	s.Alerted, s.Texted = false, false
	s.Off, s.Queue.Unans = Clock{}, Clock{}
	s.Queue.Fired, s.Queue.Had = false, nil
	s.Queue.Moved = s.Queue.Moved || s.queued() && s.clientWaits() // all messages were deleted: this cycle begins within a pass, or after all
	st.restartWait(s)
}

// restartWait lets the clocks of the waiting cycle begin at waiting_since.
func (st *step) restartWait(s *Session) {
	s.Wait = Meter{}
	if since := s.WaitingSince(); !since.IsZero() {
		s.Wait = startMeter(since)
	}
	switch {
	case !s.clientWaits():
		s.Queue.Unans = Clock{}
	case s.queued():
		st.startUnanswered(s)
	}
}

// clientIsBack is T12 and T22, and T16 for a session without an owner.
func (st *step) clientIsBack(s *Session) {
	switch {
	case s.State == Closing && st.fit(s.Owner):
		st.reopen(s, reopenedByClient)
		st.command(s, Command{Kind: DoAssign, User: s.Owner}) // the channel has opened the dialog anew, for nobody
	case s.State == Closing:
		st.reopened(s, reopenedByClient)
		st.enterQueue(s, "the owner is gone", nil)
	case s.State == Active && s.Owner == 0:
		st.enterQueue(s, "it has no owner", nil)
	}
}

// employeeMessage is T2, T9, T13, T14 and T24.
func (st *step) employeeMessage(chat *Chat, s *Session, ev Event) AnswerCode {
	switch {
	case ev.Message.Internal:
		return st.stored(s, ev, "note")
	case s != nil && slices.Contains(s.Silent, ev.By):
		return st.stored(s, ev, "silent")
	case s != nil:
		st.voidPoll(chat, ev)
		st.reply(s, ev)
		chat.LastReply = s.LastReply
		return OK
	}
	line := st.lineOf(ev.Message.Channel)
	if line == nil || chat.Blocked || ev.At.Before(chat.Past.Closed) { // the last: it was part of the closed session
		return st.stored(nil, ev, storedWhy(line))
	}
	st.voidPoll(chat, ev)
	st.writeFirst(chat, line, ev)
	return OK
}

// voidPoll: a reply after the request ends the vote (§7.4).
func (st *step) voidPoll(chat *Chat, ev Event) {
	if p := chat.Poll; p.open(ev.At) {
		p.Void = ev.At
	}
}

// writeFirst is T2.
func (st *step) writeFirst(chat *Chat, line *Line, ev Event) {
	s := st.start(chat, line, ev)
	s.Outbound, s.FirstReply = true, ev.At
	s.LastReply = position{ev.At, ev.Message.Order}
	chat.LastReply = s.LastReply
	st.record(s, ev.At, Record{Kind: SessionStarted, Chat: s.Chat, N: int64(s.Parent), User: ev.By, On: !line.schedule.Open(ev.At)})
	st.record(s, ev.At, Record{Kind: MessageOut, Message: ev.Message.ID, User: ev.By})
	st.said(s, ev.At)
	st.lookUp(s, time.Time{})
	st.own(s, ev.By, "wrote first")
}

// messageDeleted lowers the unread number, and ends the waiting with the last
// message that nobody replied to (§8).
func (st *step) messageDeleted(s *Session, ev Event) AnswerCode {
	if s == nil {
		return NoChange
	}
	i := slices.IndexFunc(s.Unread, func(u Unread) bool { return u.ID == ev.Message.ID })
	if i < 0 {
		return NoChange
	}
	s.Unread = slices.Delete(s.Unread, i, i+1)
	st.record(s, ev.At, Record{Kind: MessageGone, Message: ev.Message.ID})
	if i == 0 {
		st.restartWait(s)
	}
	return OK
}
