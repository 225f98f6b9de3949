package openlines_test

import (
	"encoding/json"
	"fmt"
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
			session := fmt.Sprint("session ", cmd.Session)
			if c.leads[cmd.Key] || c.leads[session] {
				c.failf("I13: a second lead for %s, or for %s", cmd.Key, session)
			}
			c.leads[cmd.Key], c.leads[session] = true, true
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
	case s.State == ol.Closing && len(s.Offers) > 0, s.State == ol.Active && len(s.Offers) > 0 && s.Offers[0].Kind != ol.TransferOffer:
		c.failf("I1: session %d is %s and still offered", s.ID, s.State)
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
