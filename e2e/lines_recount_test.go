package e2e

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
)

// log is everything that the desk recorded of the sessions of a line, in order.
func (d *lineDesk) log(line string) (all []openlines.Record) {
	d.t.Helper()
	for page := (store.Page{Limit: store.MaxPage}); ; {
		some, next, err := d.store.RecordsSince(context.Background(), "demo", time.Time{}, time.Time{}, openlines.LineID(line), page)
		require.NoError(d.t, err)
		all = append(all, some...)
		if page.After = next; next == "" {
			slices.SortFunc(all, func(a, b openlines.Record) int { return cmp.Compare(a.No, b.No) })
			return all
		}
	}
}

// recount reads the log of a line in mode evenly, all of whose members are on
// duty all the time, and counts for itself who has what after each record. It
// shares no code with the desk. What is wrong goes to faults.
type recount struct {
	members []openlines.UserID
	limit   int       // sessions that one member may own and be offered
	pending int       // offers that one member may hold
	calm    time.Time // until then workers were killed; what waited so long counts from here

	now     time.Time
	chats   map[openlines.ChatID]int
	queue   map[openlines.SessionID]*turn // sessions that look for an operator
	offers  map[openlines.OfferID]openlines.Record
	owners  map[openlines.SessionID]openlines.UserID
	fair    map[[2]openlines.UserID]*lead
	since   time.Time     // somebody waits although somebody is free; zero: not so
	idle    time.Duration // the longest that it was so
	spread  int           // the largest difference of two members' offers
	busiest int           // the most sessions that one member had
	faults  []string
}

// turn is where a session stands in the queue.
type turn struct{ had []openlines.UserID } // in this pass

// lead is by how many offers one member is ahead of another while both were
// eligible at each decision, and its extremes.
type lead struct{ now, low, high int }

// recounted goes through a log and wants nothing wrong in it.
func recounted(t testing.TB, log []openlines.Record, r recount) recount {
	t.Helper()
	r.chats, r.queue = map[openlines.ChatID]int{}, map[openlines.SessionID]*turn{}
	r.offers, r.owners = map[openlines.OfferID]openlines.Record{}, map[openlines.SessionID]openlines.UserID{}
	r.fair = map[[2]openlines.UserID]*lead{}
	for _, rec := range log {
		if rec.At.After(r.now) {
			r.now = rec.At
		}
		r.read(rec)
		r.lookWhoIsIdle()
	}
	require.Empty(t, r.faults)
	return r
}

func (r *recount) failf(rec openlines.Record, format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf("record %d of session %d at %s: ", rec.No, rec.Session, rec.At.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (r *recount) read(rec openlines.Record) {
	switch rec.Kind {
	case openlines.SessionStarted:
		if r.chats[rec.Chat]++; r.chats[rec.Chat] > 1 {
			r.failf(rec, "I2: a second session of chat %s", rec.Chat)
		}
		r.queue[rec.Session] = &turn{}
	case openlines.SessionQueued:
		r.queue[rec.Session] = &turn{}
		delete(r.owners, rec.Session)
	case openlines.PassEnded:
		if t := r.queue[rec.Session]; t != nil {
			t.had = nil
		}
	case openlines.OfferMade:
		r.offered(rec)
	case openlines.OfferEnded:
		delete(r.offers, rec.Offer)
	case openlines.OwnerSet:
		r.owned(rec)
	case openlines.OpenToAll:
		delete(r.queue, rec.Session)
	case openlines.SessionFinished, openlines.SessionEnded:
		delete(r.queue, rec.Session)
		delete(r.owners, rec.Session)
	}
}

// offered is I1, I4 and I5.
func (r *recount) offered(rec openlines.Record) {
	for _, other := range r.offers {
		if other.Session == rec.Session {
			r.failf(rec, "I1: offered to %d while %d has an offer", rec.User, other.User)
		}
	}
	if owner := r.owners[rec.Session]; owner != 0 {
		r.failf(rec, "offered although %d owns it", owner)
	}
	r.offers[rec.Offer] = rec
	if t := r.queue[rec.Session]; t != nil {
		t.had = append(t.had, rec.User)
	}
	sessions, pending := r.load(rec.User)
	if sessions > r.limit || pending > r.pending {
		r.failf(rec, "I4: operator %d has %d of %d sessions, %d of %d offers", rec.User, sessions, r.limit, pending, r.pending)
	}
	r.busiest = max(r.busiest, sessions)
	r.judge(rec)
}

// load is what an operator has: what he owns and is offered, and the offers.
func (r *recount) load(user openlines.UserID) (sessions, pending int) {
	for _, owner := range r.owners {
		if owner == user {
			sessions++
		}
	}
	for _, offer := range r.offers {
		if offer.User == user {
			sessions, pending = sessions+1, pending+1
		}
	}
	return sessions, pending
}

// judge is I5: of two members who were both eligible at each decision, none gets
// two offers more than the other.
func (r *recount) judge(rec openlines.Record) {
	left := map[openlines.UserID]bool{}
	for _, out := range rec.Why.Left {
		left[out.User] = true
	}
	for i, a := range r.members {
		for _, b := range r.members[i+1:] {
			key := [2]openlines.UserID{a, b}
			if r.fair[key] == nil || left[a] || left[b] {
				r.fair[key] = &lead{}
			}
			if left[a] || left[b] {
				continue
			}
			l := r.fair[key]
			l.count(rec.User, a, b)
			if r.spread = max(r.spread, l.high-l.low); l.high-l.low > 1 {
				r.failf(rec, "I5: offers of %d and %d differ by %d", a, b, l.high-l.low)
			}
		}
	}
}

func (l *lead) count(user, a, b openlines.UserID) {
	switch user {
	case a:
		l.now++
	case b:
		l.now--
	}
	l.low, l.high = min(l.low, l.now), max(l.high, l.now)
}

// owned is I1: there is never a second owner.
func (r *recount) owned(rec openlines.Record) {
	if has := r.owners[rec.Session]; has != rec.Other {
		r.failf(rec, "I1: %d takes it over from %d, but %d owns it", rec.User, rec.Other, has)
	}
	delete(r.queue, rec.Session)
	if r.owners[rec.Session] = rec.User; rec.User == 0 {
		delete(r.owners, rec.Session)
	}
}

// lookWhoIsIdle is I7: how long somebody waits although somebody is free.
func (r *recount) lookWhoIsIdle() {
	switch could := r.couldBeOffered(); {
	case !could:
		r.since = time.Time{}
	case r.since.IsZero():
		r.since = r.now
	case r.now.After(r.calm):
		r.idle = max(r.idle, r.now.Sub(latest(r.since, r.calm)))
	}
}

func (r *recount) couldBeOffered() bool {
	var free []openlines.UserID
	for _, user := range r.members {
		if sessions, pending := r.load(user); sessions < r.limit && pending < r.pending {
			free = append(free, user)
		}
	}
	has := map[openlines.SessionID]bool{}
	for _, offer := range r.offers {
		has[offer.Session] = true
	}
	for session, t := range r.queue {
		if !has[session] && slices.ContainsFunc(free, func(u openlines.UserID) bool { return !slices.Contains(t.had, u) }) {
			return true
		}
	}
	return false
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
