package openlines

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decision tells why an offer went to somebody, or to nobody.
type Decision struct {
	To   []UserID  `json:"to,omitempty"` // several only in mode all
	Kind OfferKind `json:"kind,omitempty"`
	Why  string    `json:"why"`
	Left []LeftOut `json:"left,omitempty"`
}

// Sentence is a decision in English, with times of day in a zone: "offered to
// operator 301: the oldest last offer on this line; operator 302 left out:
// offline since 10:42". It names nobody: ids are all that it has.
func (d *Decision) Sentence(zone *time.Location) string {
	var out strings.Builder
	switch len(d.To) {
	case 0:
		out.WriteString("offered to nobody: ")
	case 1:
		fmt.Fprintf(&out, "offered to operator %d: ", d.To[0])
	default:
		fmt.Fprintf(&out, "offered to operators %s: ", joinUsers(d.To))
	}
	out.WriteString(d.Why)
	for _, left := range d.Left {
		fmt.Fprintf(&out, "; operator %d left out: %s", left.User, left.sentence(zone))
	}
	return out.String()
}

func joinUsers(users []UserID) string {
	out := make([]string, len(users))
	for i, user := range users {
		out[i] = fmt.Sprint(user)
	}
	return strings.Join(out, ", ")
}

// dutyWords says why somebody is off duty.
var dutyWords = map[Presence]string{
	"": "never on duty so far", Offline: "offline", DayPaused: "on a break", DayEnded: "day ended",
}

func (l LeftOut) sentence(zone *time.Location) string {
	text := string(l.Reason)
	if l.Reason == LeftOffDuty {
		text = dutyWords[l.Presence]
	}
	if !l.Since.IsZero() {
		text += " since " + l.Since.In(zone).Format("15:04")
	}
	return text
}

// Preview says who would get a new session of a line now, and why; or, if
// nobody would, why not.
func (d *Desk) Preview(id LineID, now time.Time) (Decision, bool) {
	l := d.line(id)
	if l == nil {
		return Decision{}, false
	}
	st := &step{desk: d, now: now}
	if !l.routes(now) {
		return Decision{Why: "the line is closed"}, true
	}
	if l.Settings.Mode == OfferAll {
		return st.pickAll(l, &Session{Line: id}), true
	}
	return st.pick(l, &Session{Line: id}), true
}

// pick finds who is next in the queue (§5.3). Nobody: To is empty.
func (st *step) pick(l *Line, s *Session) Decision {
	d := Decision{Kind: QueueOffer, Why: "nobody is eligible"}
	var eligible []UserID
	for _, user := range l.Members {
		left := st.free(l, s, user)
		if left.Reason == NotLeft && slices.Contains(s.Queue.Out, user) {
			left.Reason = LeftHadTurn
		}
		if left.Reason == NotLeft {
			eligible = append(eligible, user)
			continue
		}
		d.Left = append(d.Left, left)
	}
	if l.Settings.Mode == Strict {
		eligible = eligible[st.passed(l, s, eligible):]
	}
	if len(eligible) == 0 {
		return d
	}
	to, why := l.choose(eligible)
	d.To, d.Why = []UserID{to}, why
	return d
}

// passed is how many of the eligible members, in the order of the queue, stand
// before the last one offered in this pass: strict does not turn round.
func (st *step) passed(l *Line, s *Session, eligible []UserID) int {
	if s.Queue.LastTo == 0 {
		return 0
	}
	last := slices.Index(l.Members, s.Queue.LastTo)
	if last < 0 { // he left the line: those who moved up to his place are next
		last = s.Queue.LastPos - 1
	}
	n := 0
	for n < len(eligible) && slices.Index(l.Members, eligible[n]) <= last {
		n++
	}
	return n
}

// choose takes one of the eligible members, who stand in the order of the queue.
func (l *Line) choose(eligible []UserID) (UserID, string) {
	if l.Settings.Mode == Strict {
		return eligible[0], "the first free position of this pass"
	}
	best := eligible[0]
	for _, user := range eligible[1:] {
		if l.Turns[user].No < l.Turns[best].No {
			best = user
		}
	}
	switch {
	case l.Turns[best].No == 0:
		return best, "never had an offer on this line"
	case len(eligible) == 1:
		return best, "the only one who is free"
	}
	return best, "the oldest last offer on this line"
}

// pickAll finds who joins the offers to everybody.
func (st *step) pickAll(l *Line, s *Session) Decision {
	d := Decision{Kind: AllOffer, Why: "nobody is eligible"}
	for _, user := range l.Members {
		left := st.free(l, s, user)
		switch {
		case s.offerTo(user) != nil:
			continue
		case left.Reason == NotLeft && slices.Contains(s.Queue.Out, user):
			left.Reason = LeftHadTurn
		}
		if left.Reason != NotLeft {
			d.Left = append(d.Left, left)
			continue
		}
		d.To, d.Why = append(d.To, user), "everybody who is free gets it at once"
	}
	return d
}

func (s *Session) offerTo(user UserID) *Offer {
	for _, o := range s.Offers {
		if o.To == user {
			return o
		}
	}
	return nil
}
