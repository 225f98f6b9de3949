package openlines_test

import (
	"fmt"
	"slices"
	"time"

	ol "puente/openlines"
)

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
