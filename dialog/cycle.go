package dialog

import (
	"slices"
	"time"
)

// Bounds of a State: it is copied into every continued run.
const (
	maxSeen   = 256
	maxClosed = 64
)

// ReopenSlack is how much later than its close a message of the same request
// must be written to count as a reopening. Closing texts of the service follow
// within a second; people are slower.
const ReopenSlack = 2 * time.Second

// TypeRating is the type of the quality poll that follows a closed dialog: a
// request of its own that is no CRM work (chat2desk reference §1.1).
const TypeRating = "rating"

// State is what one Dialog run knows of a dialog. It is a fold over the events
// and does not depend on their order of arrival: what can change twice carries
// the time of the event that set it, and the newest event wins.
type State struct {
	DialogID   int64     `json:"dialog_id,omitempty"` // 0 until learned
	Transport  string    `json:"transport,omitempty"`
	Operator   Operator  `json:"operator"`
	ClientTags []TagMark `json:"client_tags,omitempty"`
	Cycles     []Cycle   `json:"cycles,omitempty"` // open, or closed and not yet synced
	Closed     []Closed  `json:"closed,omitempty"` // the last ones, oldest first
	Seen       []string  `json:"seen,omitempty"`   // keys of the last events

	// Lenient names cycles without a request as the first release did. Runs that
	// began under it go on so to their end: their histories must replay.
	Lenient bool `json:"-"`
}

// Operator is who leads the dialog, and since when.
type Operator struct {
	ID int64     `json:"id,omitempty"`
	At time.Time `json:"at"`
}

// TagMark is a tag that was put on or taken off.
type TagMark struct {
	ID int64     `json:"id"`
	On bool      `json:"on"`
	At time.Time `json:"at"`
}

// Cycle is one request between its opening and its close. A request that is
// written to after its close starts the next cycle under the same id.
type Cycle struct {
	RequestID int64     `json:"request_id,omitempty"` // 0 until learned
	Number    int       `json:"number"`               // 1 for the first close of the request
	Type      string    `json:"type,omitempty"`       // common, rating, or "" if no webhook told
	Since     time.Time `json:"since"`                // close of the cycle before; zero for the first
	Operator  Operator  `json:"operator"`
	Tags      []TagMark `json:"tags,omitempty"`
	Asked     bool      `json:"asked,omitempty"` // "a responsible person must be appointed" was asked for
	ClosedAt  time.Time `json:"closed_at"`       // event time; zero while open
	SettledAt time.Time `json:"settled_at"`      // when the close counts as complete; zero while open
	Held      bool      `json:"held,omitempty"`  // settled, but its request has to be learned first
}

// Closed is a cycle that was handed over.
type Closed struct {
	RequestID int64     `json:"request_id"`
	Number    int       `json:"number"`
	ClosedAt  time.Time `json:"closed_at"`
}

// Effect is what an event asks for beyond the state.
type Effect struct {
	Incoming bool // a client wrote: tell the responsible people
	Appoint  bool // nobody leads this cycle yet: ask for an appointment, once
	Assigned bool // the dialog got this operator: tell them
}

// Apply folds one event into the state. now is the time of processing and
// settle how long a close waits for events that are still under way; both are
// given, so that the same events always give the same state.
func (s *State) Apply(e Event, now time.Time, settle time.Duration) Effect {
	if e.Key != "" && slices.Contains(s.Seen, e.Key) {
		return Effect{}
	}
	s.see(e)
	switch e.Kind {
	case KindTagClient, KindUntagClient:
		s.ClientTags = mark(s.ClientTags, e.TagID, e.Kind == KindTagClient, e.Time)
		return Effect{}
	case KindDialogClose:
		s.closeDialog(e, now, settle)
		return Effect{}
	}
	c := s.cycleOf(e)
	if c == nil {
		return s.assign(nil, e)
	}
	effect := s.applyTo(c, e, now, settle)
	if !c.SettledAt.IsZero() { // events of before the close still arrive: wait for the others too
		c.SettledAt = settledAt(c.SettledAt, now, settle)
	}
	return effect
}

func (s *State) see(e Event) {
	s.Seen = keepLast(append(s.Seen, e.Key), maxSeen)
	if e.DialogID != 0 {
		s.DialogID = e.DialogID
	}
	if e.Transport != "" {
		s.Transport = e.Transport
	}
}

func (s *State) applyTo(c *Cycle, e Event, now time.Time, settle time.Duration) Effect {
	switch e.Kind {
	case KindNewRequest:
		c.Type = e.Type
	case KindTag, KindUntag:
		c.Tags = mark(c.Tags, e.TagID, e.Kind == KindTag, e.Time)
	case KindClosed:
		c.close(e.Time, now, settle)
	case KindInbox:
		return s.incoming(c)
	case KindOutbox, KindImported, KindTransferred:
		return s.assign(c, e)
	}
	return Effect{}
}

// incoming tells people of a client message; polls are answered to nobody.
func (s *State) incoming(c *Cycle) Effect {
	if c.Type == TypeRating {
		return Effect{}
	}
	effect := Effect{Incoming: true, Appoint: s.Operator.ID == 0 && !c.Asked}
	c.Asked = c.Asked || effect.Appoint
	return effect
}

// assign notes who leads the dialog: the operator of a transfer, or the one
// who wrote. Only a transfer is told to the operator: who writes knows it.
func (s *State) assign(c *Cycle, e Event) Effect {
	leads := e.Kind == KindTransferred || (e.Type == "to_client" && (e.Kind == KindOutbox || e.Kind == KindImported))
	if e.OperatorID == 0 || !leads {
		return Effect{}
	}
	if !e.Time.Before(s.Operator.At) {
		s.Operator = Operator{ID: e.OperatorID, At: e.Time}
	}
	if c == nil || e.Time.Before(c.Operator.At) {
		return Effect{}
	}
	changed := c.Operator.ID != e.OperatorID // who led an earlier request is told of the new one too
	c.Operator = Operator{ID: e.OperatorID, At: e.Time}
	return Effect{Assigned: changed && c.ClosedAt.IsZero() && e.Kind == KindTransferred}
}

// closeDialog closes whatever common cycle is open. A close of a dialog of
// which nothing is known makes a cycle whose request is still to be learned.
func (s *State) closeDialog(e Event, now time.Time, settle time.Duration) {
	if e.RequestID != 0 {
		if c := s.cycleOf(e); c != nil {
			c.close(e.Time, now, settle)
		}
		return
	}
	if !slices.ContainsFunc(s.Cycles, func(c Cycle) bool { return !c.Held }) {
		if s.closedLately(e.Time) {
			return // the close_dialog that follows each close_request
		}
		s.Cycles = append(s.Cycles, Cycle{Number: 1})
	}
	for i := range s.Cycles {
		if s.Cycles[i].Type != TypeRating {
			s.Cycles[i].close(e.Time, now, settle)
		}
	}
}

// closedLately reports whether the last close is that of the same minute.
func (s *State) closedLately(at time.Time) bool {
	var last time.Time
	if n := len(s.Closed); n > 0 {
		last = s.Closed[n-1].ClosedAt
	}
	for _, c := range s.Cycles {
		if c.ClosedAt.After(last) {
			last = c.ClosedAt
		}
	}
	return !last.IsZero() && !at.After(last.Add(time.Minute))
}

// cycleOf finds the cycle an event belongs to, opens one if the event says
// that there is one, and is nil for late news of a cycle already handed over.
func (s *State) cycleOf(e Event) *Cycle {
	if e.RequestID == 0 {
		return s.cycleWithoutID(e)
	}
	if c := s.newest(e.RequestID); c != nil {
		if c.ClosedAt.IsZero() || !reopens(e, c.ClosedAt) {
			return c
		}
		return s.open(Cycle{RequestID: e.RequestID, Number: c.Number + 1, Type: c.Type, Since: c.ClosedAt})
	}
	if c := s.adopt(e); c != nil {
		return c
	}
	if last, found := s.lastClosed(e.RequestID); found {
		if !reopens(e, last.ClosedAt) {
			return nil
		}
		return s.open(Cycle{RequestID: e.RequestID, Number: last.Number + 1, Since: last.ClosedAt})
	}
	return s.open(Cycle{RequestID: e.RequestID, Number: 1})
}

// cycleWithoutID takes the newest cycle; only a line of a conversation opens one.
func (s *State) cycleWithoutID(e Event) *Cycle {
	for i := len(s.Cycles) - 1; i >= 0; i-- {
		if !s.Cycles[i].Held {
			return &s.Cycles[i]
		}
	}
	if !talk(e) {
		return nil
	}
	return s.open(Cycle{Number: 1})
}

// adopt gives the cycle of an unknown request the id that an event brings. A
// request that has a cycle already takes no other one's place.
func (s *State) adopt(e Event) *Cycle {
	if !s.Lenient && s.Known(e.RequestID) {
		return nil
	}
	for i := range s.Cycles {
		c := &s.Cycles[i]
		if c.RequestID == 0 && s.mayName(e, *c) {
			c.RequestID = e.RequestID
			return c
		}
	}
	return nil
}

// mayName reports whether an event can tell the request of a cycle without
// one. A close does not tell its type, and may be that of the quality poll of
// the dialog before: it names no open cycle. A closed one it may, because the
// poll is closed after the dialog.
func (s *State) mayName(e Event, c Cycle) bool {
	if c.ClosedAt.IsZero() {
		return e.Type != TypeRating && (s.Lenient || e.Kind != KindClosed)
	}
	return e.Type != TypeRating && !e.Time.After(c.ClosedAt)
}

func (s *State) open(c Cycle) *Cycle {
	s.Cycles = append(s.Cycles, c)
	return &s.Cycles[len(s.Cycles)-1]
}

func (s *State) newest(requestID int64) *Cycle {
	for i := len(s.Cycles) - 1; i >= 0; i-- {
		if s.Cycles[i].RequestID == requestID {
			return &s.Cycles[i]
		}
	}
	return nil
}

func (s *State) lastClosed(requestID int64) (Closed, bool) {
	for _, c := range slices.Backward(s.Closed) {
		if c.RequestID == requestID {
			return c, true
		}
	}
	return Closed{}, false
}

// Due is when the next closed cycle is settled; ok is false while none is closed.
func (s *State) Due() (at time.Time, ok bool) {
	for _, c := range s.Cycles {
		if !c.SettledAt.IsZero() && !c.waits() && (!ok || c.SettledAt.Before(at)) {
			at, ok = c.SettledAt, true
		}
	}
	return at, ok
}

// TakeSettled removes and returns the first cycle that is closed and settled.
func (s *State) TakeSettled(now time.Time) (Cycle, bool) {
	for i, c := range s.Cycles {
		if c.SettledAt.IsZero() || c.SettledAt.After(now) || c.waits() {
			continue
		}
		s.Cycles = slices.Delete(s.Cycles, i, i+1)
		s.Remember(Closed{RequestID: c.RequestID, Number: c.Number, ClosedAt: c.ClosedAt})
		return c, true
	}
	return Cycle{}, false
}

// Remember notes a cycle as handed over, so that late news of it opens nothing.
func (s *State) Remember(c Closed) {
	if c.RequestID == 0 {
		return
	}
	s.Closed = keepLast(append(s.Closed, c), maxClosed)
}

// Known reports whether a cycle of that request was handed over already, or
// will be under its own name.
func (s *State) Known(requestID int64) bool {
	_, found := s.lastClosed(requestID)
	return found || !s.Lenient && s.newest(requestID) != nil
}

// On lists the ids of the tags that are set, ascending.
func On(marks []TagMark) []int64 {
	var ids []int64
	for _, m := range marks {
		if m.On {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// close keeps the first close: the dialog's close follows the request's.
func (c *Cycle) close(at, now time.Time, settle time.Duration) {
	if !c.ClosedAt.IsZero() {
		return
	}
	c.ClosedAt, c.SettledAt = at, now.Add(settle)
}

// settledAt moves the end of the waiting, so that a sync starts half a settle
// time after the last late event. A conversation that goes on cannot hold it
// back: its messages are later than the close and open the next cycle.
func settledAt(was, now time.Time, settle time.Duration) time.Time {
	if next := now.Add(settle / 2); next.After(was) {
		return next
	}
	return was
}

func reopens(e Event, closed time.Time) bool {
	return talk(e) && e.Time.After(closed.Add(ReopenSlack))
}

// talk reports whether a person said something: the client or an operator.
func talk(e Event) bool {
	switch e.Kind {
	case KindInbox:
		return true
	case KindOutbox, KindImported:
		return e.Type == "to_client" || e.Type == "from_client"
	}
	return false
}

func mark(marks []TagMark, id int64, on bool, at time.Time) []TagMark {
	for i := range marks {
		if marks[i].ID == id {
			if !at.Before(marks[i].At) {
				marks[i].On, marks[i].At = on, at
			}
			return marks
		}
	}
	return append(marks, TagMark{ID: id, On: on, At: at})
}

func keepLast[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	return slices.Clone(list[len(list)-n:])
}
