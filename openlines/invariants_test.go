package openlines_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	ol "puente/openlines"
)

// entry is one step of a replayable log: what Step was given.
type entry struct {
	Now     time.Time  `json:"now"`
	Events  []ol.Event `json:"events,omitempty"`
	Restart bool       `json:"restart,omitempty"` // the desk was written and read again before
}

// checker runs a desk and looks at the invariants I1 to I15 (openlines
// reference §11) after each step. It stops at the first that does not hold.
type checker struct {
	desk    *ol.Desk
	log     []entry
	records []ol.Record
	err     error

	next      time.Time
	schedules map[ol.LineID]*ol.Schedule
	sessions  map[ol.SessionID]*seen
	live      map[ol.SessionID]*ol.SessionFacts
	fair      map[string]*stretch
	offhours  map[ol.ChatID]time.Time
	messages  map[string]int // how often a message came to an end of I3
	given     map[string]bool
	leads     map[string]bool
	late      bool // a timer was woken late, or settings changed: I8 has no clean clock
}

// seen is what the log says of one session.
type seen struct {
	chat    ol.ChatID
	line    ol.LineID
	log     []ol.Record
	unread  []string
	cycle   int
	texts   map[string]int // by text and unit
	pinned  bool
	ended   bool
	mark    ol.Mark
	marked  bool
	byQueue bool // in the queue since its beginning: I8 has its plain form
	fired   bool
	moved   bool // by people: takes, transfers, returns
}

// stretch is the difference of two members' queue offers while both were
// eligible at every decision: now, and its extremes (I5).
type stretch struct{ diff, low, high int }

func newChecker() *checker {
	return &checker{
		desk: ol.NewDesk(), schedules: map[ol.LineID]*ol.Schedule{}, sessions: map[ol.SessionID]*seen{},
		live: map[ol.SessionID]*ol.SessionFacts{}, fair: map[string]*stretch{}, offhours: map[ol.ChatID]time.Time{},
		messages: map[string]int{}, given: map[string]bool{}, leads: map[string]bool{},
	}
}

func (c *checker) failf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// step runs one entry of a log.
func (c *checker) step(e entry) ol.Outcome {
	c.log = append(c.log, e)
	if e.Restart {
		c.desk = reborn(c.desk)
	}
	if !c.next.IsZero() && e.Now.After(c.next) {
		c.late = true
	}
	busy := len(c.desk.Sessions) > 0
	out := c.desk.Step(e.Now, e.Events...)
	for i, ev := range e.Events {
		if ev.Kind == ol.LineChanged && ev.Settings != nil && out.Answers[i].Code == ol.OK {
			c.late = c.late || busy
			clear(c.fair)
			c.schedules[ev.Line], _ = ol.NewSchedule(*ev.Settings)
		}
	}
	c.next = out.Next
	c.records = append(c.records, out.Records...)
	if !out.Next.IsZero() && !out.Next.After(e.Now) {
		c.failf("wants to be woken at %s, which is not after now", out.Next)
	}
	c.readRecords(out.Records)
	c.readCommands(out.Commands)
	c.checkMessages(e.Events, out.Answers)
	c.checkState(e.Now)
	c.checkOffers(out.Records)
	return out
}

// reborn writes a desk and reads it again.
func reborn(d *ol.Desk) *ol.Desk {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	fresh := &ol.Desk{}
	if err := json.Unmarshal(data, fresh); err != nil {
		panic(err)
	}
	return fresh
}

func (c *checker) readRecords(records []ol.Record) {
	for _, r := range records {
		if r.Session == 0 {
			c.messages[r.Message]++
			continue
		}
		if c.live[r.Session] == nil {
			c.live[r.Session] = &ol.SessionFacts{}
		}
		c.live[r.Session].Add(r)
		s := c.sessions[r.Session]
		if s == nil {
			s = &seen{texts: map[string]int{}}
			c.sessions[r.Session] = s
		}
		s.log = append(s.log, r)
		c.readRecord(s, r)
	}
}

func (c *checker) readRecord(s *seen, r ol.Record) {
	switch r.Kind {
	case ol.SessionStarted:
		s.chat, s.byQueue = r.Chat, r.User == 0 && r.At.Equal(c.desk.Now)
	case ol.MessageIn, ol.VoteGiven, ol.VoteRepeated, ol.MessageStored:
		c.messages[r.Message]++
		if r.Kind == ol.MessageIn && r.On {
			s.unread = append(s.unread, r.Message)
			s.byQueue = s.byQueue && r.At.Equal(c.desk.Now) // else it was handed over late
		}
	case ol.MessageOut:
		s.unread = slices.DeleteFunc(s.unread, func(id string) bool { return slices.Contains(r.Seen, id) })
		if len(r.Seen) > 0 {
			s.cycle++
			s.fired = false
		}
	case ol.MessageGone:
		s.unread = slices.DeleteFunc(s.unread, func(id string) bool { return id == r.Message })
		if len(s.unread) == 0 {
			s.cycle++
			s.fired = false
		}
	case ol.OwnerSet, ol.SessionReopened:
		s.byQueue = false
	case ol.RuleFired:
		s.fired = true
	case ol.OfferMade:
		s.moved = s.moved || r.Offered == ol.TransferOffer || r.Offered == ol.TakenOffer
	case ol.LineLeft, ol.LookupRecorded:
		s.moved = true
	case ol.SessionQueued:
		s.moved = s.moved || r.Reason == "returned to the queue"
	case ol.SessionPinned:
		s.pinned = r.On
	case ol.TextSent:
		c.checkText(s, r)
	case ol.SessionFinished:
		if r.Reason == string(ol.ByAutoClose) && (len(s.unread) > 0 || s.pinned) {
			c.failf("I10: session %d closed itself, waiting for %v, pinned %v", r.Session, s.unread, s.pinned)
		}
	case ol.SessionEnded:
		s.ended = true
		if r.Reason == "" {
			c.failf("I3: session %d closed without a reason", r.Session)
		}
	}
	s.line = r.Line
}

// checkText is I9.
func (c *checker) checkText(s *seen, r ol.Record) {
	unit := string(r.Text)
	switch r.Text {
	case ol.TextUnanswered:
		unit += fmt.Sprint(s.cycle)
	case ol.TextOffhours:
		last, sent := c.offhours[s.chat]
		at := r.At
		if sent && c.schedules[r.Line].Between(last, at) == 0 {
			c.failf("I9: off-hours text twice in one closed period of chat %s, at %s and %s", s.chat, last, at)
		}
		c.offhours[s.chat] = at
		return
	case ol.TextAutoWarning:
		unit += fmt.Sprint(s.cycle, "/", countKind(s.log, ol.MessageOut), countKind(s.log, ol.MessageIn))
	case ol.TextVoteThanksBad, ol.TextVoteThanksGood:
		unit = "thanks"
	}
	s.texts[unit]++
	if s.texts[unit] > 1 {
		c.failf("I9: text %s twice in session %d", unit, r.Session)
	}
}

func countKind(log []ol.Record, kind ol.RecordKind) int {
	n := 0
	for _, r := range log {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

func (c *checker) readCommands(commands []ol.Command) {
	for _, cmd := range commands {
		switch cmd.Kind {
		case ol.DoCreateLead:
			if c.leads[cmd.Key] {
				c.failf("I13: a second lead for %s", cmd.Key)
			}
			c.leads[cmd.Key] = true
		case ol.DoWriteMark:
			s := c.sessions[cmd.Session]
			if cmd.Mark.Version <= s.mark.Version {
				c.failf("mark %d of session %d after %d", cmd.Mark.Version, cmd.Session, s.mark.Version)
			}
			s.mark, s.marked = *cmd.Mark, true
		}
	}
}

// checkMessages is I3: each message has one end, however often it came.
func (c *checker) checkMessages(events []ol.Event, answers []ol.Answer) {
	for i, ev := range events {
		if ev.Kind != ol.ClientMessage || ev.Message == nil {
			continue
		}
		if again := c.given[ev.ID]; again != (answers[i].Code == ol.Repeated) {
			c.failf("message %s came again: %v, answer %s", ev.ID, again, answers[i].Code)
		}
		c.given[ev.ID] = true
		if n := c.messages[ev.Message.ID]; n != 1 {
			c.failf("I3: message %s ended %d times, answer %s", ev.Message.ID, n, answers[i].Code)
		}
	}
}

// checkState looks at all sessions of the desk.
func (c *checker) checkState(now time.Time) {
	open := map[ol.ChatID]ol.SessionID{}
	for _, s := range c.desk.Sessions {
		c.checkShape(s)
		c.checkMark(s)
		if s.State == ol.Closed {
			continue
		}
		if other, twice := open[s.Chat]; twice {
			c.failf("I2: chat %s has sessions %d and %d", s.Chat, other, s.ID)
		}
		open[s.Chat] = s.ID
		if c.desk.Chats[s.Chat] == nil || c.desk.Chats[s.Chat].Open != s.ID {
			c.failf("I2: chat %s does not know its session %d", s.Chat, s.ID)
		}
		c.checkIdle(s, now)
		c.checkReaction(s, now)
	}
	for id, s := range c.sessions {
		if !s.ended && open[s.chat] != id {
			c.failf("I3: session %d is gone", id)
		}
	}
}

// checkShape is I1, and that states agree with offers and owners.
func (c *checker) checkShape(s *ol.Session) {
	single := 0
	for _, o := range s.Offers {
		if o.Kind != ol.AllOffer || o.Accepted {
			single++
		}
	}
	switch {
	case single > 1 || single == 1 && len(s.Offers) > 1:
		c.failf("I1: session %d has %d offers, %d single", s.ID, len(s.Offers), single)
	case s.State == ol.Offered && len(s.Offers) == 0, (s.State == ol.Waiting || s.State == ol.Held) && len(s.Offers) > 0:
		c.failf("session %d is %s with %d offers", s.ID, s.State, len(s.Offers))
	case s.Owner != 0 && (s.State == ol.Held || s.State == ol.Waiting || s.State == ol.Offered):
		c.failf("I1: session %d is %s with owner %d", s.ID, s.State, s.Owner)
	case s.Owner == 0 && s.State == ol.Active && len(s.Unread) > 0:
		c.failf("I3: session %d waits for nobody", s.ID)
	}
}

// checkMark is I11 and I12, and the mark as a function of the log.
func (c *checker) checkMark(s *ol.Session) {
	log := c.sessions[s.ID]
	want := ol.MarkFromLog(log.log)
	unread := 0
	if s.Open() {
		unread = len(s.Unread)
	}
	if want.Open != s.Open() || want.Unread != unread {
		c.failf("I11, I12: session %d is open %v, unread %d; its log says %v, %d", s.ID, s.Open(), unread, want.Open, want.Unread)
	}
	if s.CRM.Item.ID == 0 {
		return
	}
	m := log.mark
	if !log.marked || m.Open != want.Open || m.Unread != want.Unread || !m.Created.Equal(want.Created) || !m.Closed.Equal(want.Closed) {
		c.failf("I11, I12: the CRM of session %d was told %+v; the log says %+v", s.ID, m, want)
	}
}

// line in force.
func (c *checker) line(id ol.LineID) *ol.Line {
	for _, l := range c.desk.Lines {
		if l.ID == id {
			return l
		}
	}
	return nil
}

func (c *checker) routes(l *ol.Line, now time.Time) bool {
	return l.Settings.OffhoursRouting == ol.OffhoursRoute || c.schedules[l.ID].Open(now)
}

// mayBeOffered: not held, not open to all, not resting, not waiting for the CRM.
func (c *checker) mayBeOffered(s *ol.Session, now time.Time) bool {
	l, q := c.line(s.Line), s.Queue
	lookup := !q.Begun && s.CRM.Lookup == ol.LookupPending && now.Before(s.CRM.Until) && l.Settings.CRMCheck && l.Settings.CRMForward
	return s.State == ol.Waiting && !q.ToAll && q.Parked.From.IsZero() && !lookup
}

// checkIdle is I7, and stricter: nobody is idle for a moment.
func (c *checker) checkIdle(s *ol.Session, now time.Time) {
	l := c.line(s.Line)
	if !c.routes(l, now) && s.State == ol.Waiting && !s.Queue.ToAll {
		c.failf("session %d waits on a closed line", s.ID)
	}
	if c.routes(l, now) && s.State == ol.Held {
		c.failf("session %d is held on an open line", s.ID)
	}
	if !c.mayBeOffered(s, now) {
		return
	}
	for pos, user := range l.Members {
		if c.eligible(l, s, user, pos) {
			c.failf("I7: session %d waits although operator %d is eligible", s.ID, user)
		}
	}
}

// eligible is E1 to E6 by an own count.
func (c *checker) eligible(l *ol.Line, s *ol.Session, user ol.UserID, pos int) bool {
	op := ol.Operator{}
	for _, o := range c.desk.Operators {
		if o.ID == user {
			op = *o
		}
	}
	duty := op.Presence == ol.Online || op.Presence == ol.DayStarted
	sessions, pending := c.load(l, user)
	switch {
	case op.Dismissed, op.OnLeave, l.Settings.CheckOnline && !duty:
		return false
	case l.Settings.MemberLimit > 0 && sessions >= l.Settings.MemberLimit, pending >= l.Settings.MaxPendingOffers:
		return false
	case slices.Contains(s.Queue.Out, user):
		return false
	case l.Settings.Mode == ol.Strict && s.Queue.LastTo != 0 && pos <= max(slices.Index(l.Members, s.Queue.LastTo), -1):
		return false
	case l.Settings.Mode == ol.Strict && s.Queue.LastTo != 0 && !slices.Contains(l.Members, s.Queue.LastTo):
		return false // undecided: he left the line in the middle of the pass
	}
	for _, need := range s.Needs {
		if !slices.Contains(op.Skills, need) {
			return false
		}
	}
	return true
}

// load counts an operator's sessions and pending queue offers on a line.
func (c *checker) load(l *ol.Line, user ol.UserID) (sessions, pending int) {
	for _, s := range c.desk.Sessions {
		if s.Line != l.ID {
			continue
		}
		if s.Owner == user && (s.State == ol.Active || s.State == ol.Closing && l.Settings.LimitCounts == ol.CountAllOpen) {
			sessions++
		}
		for _, o := range s.Offers {
			if o.To != user || o.Kind == ol.AllOffer && !o.Accepted {
				continue
			}
			if l.Settings.LimitCounts != ol.CountAnswered {
				sessions++
			}
			if o.Kind == ol.QueueOffer {
				pending++
			}
		}
	}
	return sessions, pending
}

// checkReaction is I8, where the clocks ran on time.
func (c *checker) checkReaction(s *ol.Session, now time.Time) {
	l, log := c.line(s.Line), c.sessions[s.ID]
	queued := s.State == ol.Held || s.State == ol.Waiting || s.State == ol.Offered
	if c.late || log.fired || !queued || len(s.Unread) == 0 || !log.byQueue {
		return
	}
	bound := l.Settings.UnansweredTime.Duration()
	if bound == 0 {
		bound = time.Duration(len(l.Members)+2) * l.Settings.PassTime.Duration()
	}
	waited := now.Sub(s.WaitingSince())
	if l.Settings.OffhoursRouting != ol.OffhoursRoute {
		waited = c.schedules[l.ID].Between(s.WaitingSince(), now)
	}
	if waited > bound {
		c.failf("I8: session %d waits for %s, the rule has not fired", s.ID, waited)
	}
}

// checkOffers is I4, I5 and I6 for the offers of this step.
func (c *checker) checkOffers(records []ol.Record) {
	people := map[ol.UserID]int{} // offers in this step that need no free slot
	for _, r := range records {
		if r.Kind == ol.OfferMade && (r.Offered == ol.DirectOffer || r.Offered == ol.TransferOffer || r.Offered == ol.TakenOffer) {
			people[r.User]++
		}
	}
	for _, r := range records {
		if r.Kind != ol.OfferMade {
			continue
		}
		l := c.line(r.Line)
		if r.Offered == ol.QueueOffer || r.Offered == ol.StickyOffer {
			c.checkLimit(l, r, people[r.User])
		}
		switch {
		case r.Offered == ol.QueueOffer:
			c.checkFair(l, r)
			c.checkOvertaking(l, r)
		case l.Settings.DirectCountsAsTurn: // a turn that the queue did not give
			clear(c.fair)
		}
	}
}

func (c *checker) checkLimit(l *ol.Line, r ol.Record, slack int) {
	sessions, pending := c.load(l, r.User)
	limit := l.Settings.MemberLimit
	if limit > 0 && sessions > limit+slack {
		c.failf("I4: operator %d has %d of %d sessions", r.User, sessions, limit)
	}
	if r.Offered == ol.QueueOffer && pending > l.Settings.MaxPendingOffers {
		c.failf("I4: operator %d has %d of %d pending offers", r.User, pending, l.Settings.MaxPendingOffers)
	}
}

// checkFair is I5, from what the decision said of everybody.
func (c *checker) checkFair(l *ol.Line, r ol.Record) {
	if l.Settings.Mode != ol.Evenly {
		return
	}
	eligible := func(u ol.UserID) bool {
		return !slices.ContainsFunc(r.Why.Left, func(o ol.LeftOut) bool { return o.User == u })
	}
	for i, a := range l.Members {
		for _, b := range l.Members[i+1:] {
			key := fmt.Sprint(l.ID, min(a, b), max(a, b))
			s := c.fair[key]
			if s == nil || !eligible(a) || !eligible(b) {
				s = &stretch{}
				c.fair[key] = s
			}
			if !eligible(a) || !eligible(b) {
				continue
			}
			switch r.User {
			case min(a, b):
				s.diff++
			case max(a, b):
				s.diff--
			}
			s.low, s.high = min(s.low, s.diff), max(s.high, s.diff)
			if s.high-s.low > 1 {
				c.failf("I5: offers of %s differ by %d", key, s.high-s.low)
			}
		}
	}
}

// checkOvertaking is I6: nobody older was passed over for this operator.
func (c *checker) checkOvertaking(l *ol.Line, r ol.Record) {
	var x *ol.Session
	for _, s := range c.desk.Sessions {
		if s.ID == r.Session {
			x = s
		}
	}
	if x == nil || len(x.Unread) == 0 {
		return
	}
	for _, y := range c.desk.Sessions {
		if y.Line != l.ID || len(y.Unread) == 0 || !y.WaitingSince().Before(x.WaitingSince()) || !c.mayBeOffered(y, r.At) {
			continue
		}
		same := y.Priority >= x.Priority && slices.Equal(x.Needs, y.Needs) && !slices.Contains(y.Queue.Out, r.User)
		if same && l.Settings.Mode != ol.Strict {
			c.failf("I6: session %d got operator %d before session %d", x.ID, r.User, y.ID)
		}
	}
}

// checkReplay is I14 and I15 on the whole log: a second desk, which is written
// and read again at other places, must tell exactly the same; and statistics
// are the same live and afterwards.
func (c *checker) checkReplay() {
	again := ol.NewDesk()
	var records []ol.Record
	for i, e := range c.log {
		if (i+len(c.log))%8 == 0 {
			again = reborn(again)
		}
		records = append(records, again.Step(e.Now, e.Events...).Records...)
	}
	if !reflect.DeepEqual(records, c.records) {
		for i := range min(len(records), len(c.records)) {
			if !reflect.DeepEqual(records[i], c.records[i]) {
				c.failf("I14, I15: replayed record %+v was %+v", records[i], c.records[i])
			}
		}
		c.failf("I14, I15: %d records on replay, %d before", len(records), len(c.records))
	}
	before, _ := json.Marshal(c.desk)
	after, _ := json.Marshal(again)
	if string(before) != string(after) {
		c.failf("I14, I15: the replayed desk is\n%s\nnot\n%s", after, before)
	}
	c.checkStatistics()
}

func (c *checker) checkStatistics() {
	data, err := json.Marshal(c.records)
	if err != nil {
		panic(err)
	}
	var log []ol.Record
	if err := json.Unmarshal(data, &log); err != nil {
		panic(err)
	}
	var live []ol.SessionFacts
	for id := ol.SessionID(1); id <= c.desk.LastSession; id++ {
		live = append(live, *c.live[id])
	}
	now := c.log[len(c.log)-1].Now
	one, two := ol.MakeReport(live, ol.Filter{}, now), ol.MakeReport(ol.Facts(log), ol.Filter{}, now)
	if !reflect.DeepEqual(one, two) {
		c.failf("I14: live statistics %+v, recomputed %+v", one, two)
	}
	for id, s := range c.sessions {
		if first := c.live[id].First; first != nil && first.Span.Calendar != firstReply(s.log) {
			c.failf("first reply of session %d took %s, by its messages %s", id, first.Span.Calendar, firstReply(s.log))
		}
	}
}

// firstReply is the time from the first client message to the first reply.
func firstReply(log []ol.Record) time.Duration {
	var in time.Time
	for _, r := range log {
		if r.Kind == ol.MessageIn && in.IsZero() {
			in = r.At
		}
		if r.Kind == ol.MessageOut && !in.IsZero() {
			return max(r.At.Sub(in), 0) // the channel may say that it came later, receipt that it came before
		}
	}
	return -1
}
