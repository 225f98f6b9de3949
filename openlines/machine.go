package openlines

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"
)

// The machine.
//
// One Desk per portal holds all lines, operators and sessions, and one function
// changes it: Step. Turns and capacity of a line, the limit and the presence of
// an operator over all lines, a transfer between lines and "one lead per
// client" need one decision each that sees all of it; with one state they are
// plain sequential code, and no two decisions can use the same slot. The
// alternative, a machine per session that asks a board for operators, needs a
// protocol between the two whose every race would have to be proved.
//
// A workflow drives it like this: it gathers what was signalled, calls Step
// with the time of the workflow, hands each command to the workflow of its
// session (which only carries out, in order, and is what people look at), and
// sleeps until Outcome.Next or the next signal. A step is a single pass over
// the open sessions. The desk is small enough to be carried through
// continue-as-new, see the benchmarks for size and speed.

// maxSeen bounds the ids of events that are remembered. A repeat comes within
// seconds or minutes; what comes later is caught where events are stored.
const maxSeen = 4096

// lookupPatience is how long routing waits for the CRM (§8).
const lookupPatience = 10 * time.Second

// retryEvery is T_retry (§4).
const retryEvery = time.Minute

// step is one call of Step at work.
type step struct {
	desk    *Desk
	now     time.Time
	out     Outcome
	dirty   bool                   // routing may have something to do
	load    *loads                 // nil: to be counted again
	texts   []autoText             // decided at the end, when it is known who replied
	touched []*Session             // whose mark may have changed
	expired map[*Session]time.Time // when T_pass was due that has taken an offer back
}

// Step lets events take effect and does what is due at now.
//
// The events are those that were received and not yet handled, in any order:
// they take effect by time of receipt, within a chat in the order of the
// channel. Timers come after them, so that a reply that was received in time
// beats the timer; each overdue timer takes effect once (§10). Then free
// operators get the waiting sessions, and automatic texts that are still wanted
// go out. Step never fails: what cannot be done is told in the answers.
func (d *Desk) Step(now time.Time, events ...Event) Outcome {
	st := d.begin(now)
	answers := make([]Answer, len(events))
	for _, i := range inOrder(events) {
		answers[i] = st.apply(events[i])
	}
	st.out.Answers = answers
	st.fireTimers()
	st.route()
	st.sendTexts()
	st.followCRM()
	st.forget()
	st.out.Next = st.next()
	return st.out
}

func (d *Desk) begin(now time.Time) *step {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(d.Now) {
		now = d.Now
	}
	d.Now = now
	return &step{desk: d, now: now, dirty: !d.Wake.IsZero() && !now.Before(d.Wake)}
}

// inOrder returns the places of the events in the order of their effect.
func inOrder(events []Event) []int {
	order := make([]int, len(events))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return events[order[a]].At.Before(events[order[b]].At) })
	orderChats(events, order)
	return order
}

// orderChats puts the messages of each chat into the order of the channel,
// leaving the places that they have together.
func orderChats(events []Event, order []int) {
	places := map[ChatID][]int{}
	for place, i := range order {
		if m := events[i].Message; m != nil && m.Order > 0 {
			places[events[i].Chat] = append(places[events[i].Chat], place)
		}
	}
	for _, of := range places {
		sorted := make([]int, len(of))
		for k, place := range of {
			sorted[k] = order[place]
		}
		sort.SliceStable(sorted, func(a, b int) bool {
			return events[sorted[a]].Message.Order < events[sorted[b]].Message.Order
		})
		for k, place := range of {
			order[place] = sorted[k]
		}
	}
}

// apply lets one event take effect, once.
func (st *step) apply(ev Event) Answer {
	if st.desk.repeats(ev.ID) {
		return Answer{Event: ev.ID, Code: Repeated}
	}
	if !ev.complete() {
		return Answer{Event: ev.ID, Session: ev.Session, Code: NotAllowed}
	}
	ev.At = ev.At.UTC().Truncate(time.Millisecond)
	if ev.At.IsZero() || ev.At.After(st.now) {
		ev.At = st.now
	}
	session, code := st.handle(ev)
	return Answer{Event: ev.ID, Session: session, Code: code}
}

// repeats says whether an event took effect before, and remembers it.
func (d *Desk) repeats(id string) bool {
	if id == "" {
		return false
	}
	if d.known == nil {
		d.known = make(map[string]bool, len(d.Seen))
		for _, seen := range d.Seen {
			d.known[seen] = true
		}
	}
	if d.known[id] {
		return true
	}
	if len(d.Seen) >= maxSeen {
		d.forgetOldest(maxSeen / 4)
	}
	d.Seen = append(d.Seen, id)
	d.known[id] = true
	return false
}

// forgetOldest drops the oldest ids of events.
func (d *Desk) forgetOldest(n int) {
	for _, seen := range d.Seen[:n] {
		delete(d.known, seen)
	}
	d.Seen = slices.Clone(d.Seen[n:])
}

// handle finds what an event is about.
func (st *step) handle(ev Event) (SessionID, AnswerCode) {
	switch ev.Kind {
	case ClientMessage, EmployeeMessage, MessageDeleted, ClientBlocked:
		return st.chatEvent(ev)
	case OperatorChanged:
		return 0, st.operatorChanged(ev)
	case LineChanged:
		return 0, st.lineChanged(ev)
	case LeadCreated:
		return 0, st.leadCreated(ev)
	case ResponsibleChanged:
		return 0, st.responsibleChanged(ev)
	}
	if ev.Session == 0 && ev.Chat != "" {
		return st.openSessionEvent(ev)
	}
	s := st.desk.session(ev.Session)
	if s == nil {
		if ev.Session > 0 && ev.Session <= st.desk.LastSession {
			st.refusedAfterEnd(ev)
			return ev.Session, SessionClosed
		}
		return ev.Session, UnknownSession
	}
	return s.ID, st.sessionEvent(s, ev)
}

// openSessionEvent is an event of whoever knows the chat only: it concerns the
// session of it that is not closed. Without one there is nothing to change.
func (st *step) openSessionEvent(ev Event) (SessionID, AnswerCode) {
	if chat := st.desk.Chats[ev.Chat]; chat != nil {
		if s := st.desk.session(chat.Open); s != nil {
			return s.ID, st.sessionEvent(s, ev)
		}
	}
	return 0, NoChange
}

// sessionEvent is an event that names its session.
func (st *step) sessionEvent(s *Session, ev Event) AnswerCode {
	st.touch(s)
	if ev.Kind == LookupDone { // may come after the session has closed
		return st.lookupDone(s, ev)
	}
	if s.State == Closed {
		st.refusedAfterEnd(ev)
		return SessionClosed
	}
	switch ev.Kind {
	case Accept:
		return st.accept(s, ev)
	case Decline:
		return st.decline(s, ev)
	case Take:
		return st.take(s, ev)
	case Transfer:
		return st.transfer(s, ev)
	case TransferLine:
		return st.transferLine(s, ev)
	case Return:
		return st.returnToQueue(s, ev)
	case Finish, MarkSpam:
		return st.endedBy(s, ev)
	case DialogAssigned:
		return st.dialogAssigned(s, ev)
	case DialogClosed:
		return st.dialogClosed(s, ev)
	case Pin, GoSilent:
		return st.setFlag(s, ev)
	case ContactLearned, LeadAsked, ActivityChanged:
		return st.crmEvent(s, ev)
	case TextRefused:
		return st.textRefused(s, ev)
	}
	return NoChange
}

// session finds one that is still on the desk.
func (d *Desk) session(id SessionID) *Session {
	i, ok := slices.BinarySearchFunc(d.Sessions, id, func(s *Session, id SessionID) int { return int(s.ID - id) })
	if !ok {
		return nil
	}
	return d.Sessions[i]
}

// line finds a line that was told of; nil if there was none.
func (d *Desk) line(id LineID) *Line {
	i, ok := slices.BinarySearchFunc(d.Lines, id, func(l *Line, id LineID) int { return compare(l.ID, id) })
	if !ok {
		return nil
	}
	return d.Lines[i]
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// of is the line that serves a session.
func (st *step) of(s *Session) *Line { return st.desk.line(s.Line) }

// UnmarshalJSON reads a desk that was written as JSON and makes it ready: it
// goes on exactly where it stood. An error names a line whose hours cannot be
// used, which no desk that was ever written has.
func (d *Desk) UnmarshalJSON(data []byte) error {
	type plain Desk
	if err := json.Unmarshal(data, (*plain)(d)); err != nil {
		return err
	}
	if d.Chats == nil {
		d.Chats = map[ChatID]*Chat{}
	}
	if d.Leads == nil {
		d.Leads = map[string]*Lead{}
	}
	d.known = nil
	for _, l := range d.Lines {
		schedule, err := NewSchedule(l.Settings)
		if err != nil {
			return fmt.Errorf("line %s: %w", l.ID, err)
		}
		l.schedule = schedule
	}
	return nil
}

// touch notes that a session may look different to the CRM, and have other
// timers, now.
func (st *step) touch(s *Session) {
	s.next = time.Time{}
	if !s.touched {
		s.touched = true
		st.touched = append(st.touched, s)
	}
}

// record adds to the log of a session; at is when it took effect.
func (st *step) record(s *Session, at time.Time, r Record) {
	st.desk.LastRecord++
	r.No, r.At = st.desk.LastRecord, at
	if s != nil {
		r.Session, r.Line, r.Channel = s.ID, s.Line, s.Channel
		st.touch(s)
	}
	st.out.Records = append(st.out.Records, r)
}

// command orders something for a session.
func (st *step) command(s *Session, c Command) {
	if s != nil {
		c.Session, c.Chat, c.Line = s.ID, s.Chat, s.Line
		st.touch(s)
	}
	st.out.Commands = append(st.out.Commands, c)
}
