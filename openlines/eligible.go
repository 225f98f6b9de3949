package openlines

import (
	"slices"
	"time"
)

// Left says why a member gets no offer (§5.1).
type Left string

// The reasons, in the order of the rules E1 to E6.
const (
	NotLeft     Left = ""
	LeftDismiss Left = "dismissed"           // E1
	LeftMember  Left = "not a member"        // E1
	LeftOnLeave Left = "on leave"            // E2
	LeftOffDuty Left = "off duty"            // E3, see Presence
	LeftLimit   Left = "at the line's limit" // E4
	LeftOverall Left = "at the limit over all lines"
	LeftPending Left = "too many unanswered offers"
	LeftHadTurn Left = "had his turn in this pass" // E5
	LeftSkill   Left = "lacks a skill"             // E6
)

// LeftOut is a member who gets no offer.
type LeftOut struct {
	User     UserID    `json:"user"`
	Reason   Left      `json:"reason"`
	Presence Presence  `json:"presence,omitempty"` // of one who is off duty
	Since    time.Time `json:"since,omitzero"`     // where it began at some time
}

// operator finds an employee; one that nobody told of is active and off duty.
func (st *step) operator(id UserID) *Operator {
	if i, ok := st.desk.findOperator(id); ok {
		return st.desk.Operators[i]
	}
	return &Operator{ID: id}
}

func (d *Desk) findOperator(id UserID) (int, bool) {
	return slices.BinarySearchFunc(d.Operators, id, func(o *Operator, id UserID) int { return int(o.ID - id) })
}

// fit says E1 and E2, all that a direct offer or a transfer needs.
func (st *step) fit(user UserID) bool {
	op := st.operator(user)
	return user != 0 && !op.Dismissed && !op.OnLeave
}

// access says whether somebody may work with the sessions of a line.
func (st *step) access(l *Line, user UserID) bool {
	op := st.operator(user)
	return !op.Dismissed && (op.Supervisor || slices.Contains(l.Members, user))
}

// free says why a member cannot get a new offer of a session, leaving E5 aside.
func (st *step) free(l *Line, s *Session, user UserID) LeftOut {
	out := st.ready(l, user)
	if out.Reason == NotLeft && !st.skilled(s, user) {
		out.Reason = LeftSkill
	}
	return out
}

// ready says E1 to E4, which are the same for all sessions of a line.
func (st *step) ready(l *Line, user UserID) LeftOut {
	op := st.operator(user)
	out := LeftOut{User: user}
	switch {
	case op.Dismissed:
		out.Reason = LeftDismiss
	case !slices.Contains(l.Members, user):
		out.Reason = LeftMember
	case op.OnLeave:
		out.Reason, out.Since = LeftOnLeave, op.LeaveSince
	case l.Settings.CheckOnline && !op.onDuty():
		out.Reason, out.Presence, out.Since = LeftOffDuty, op.Presence, op.AwaySince
	default:
		out.Reason = st.full(l, user)
	}
	return out
}

// full is E4.
func (st *step) full(l *Line, user UserID) Left {
	loads := st.loads()
	here := loads.on[lineUser{l.ID, user}]
	limit := l.Settings.MemberLimit
	switch {
	case loads.overall[user] >= MaxSessions:
		return LeftOverall
	case limit > 0 && here.sessions >= limit:
		return LeftLimit
	case here.pending >= l.Settings.MaxPendingOffers:
		return LeftPending
	}
	return NotLeft
}

// skilled is E6.
func (st *step) skilled(s *Session, user UserID) bool {
	if s == nil || len(s.Needs) == 0 {
		return true
	}
	has := st.operator(user).Skills
	for _, need := range s.Needs {
		if !slices.Contains(has, need) {
			return false
		}
	}
	return true
}

// loads is how busy everybody is.
type loads struct {
	overall map[UserID]int
	on      map[lineUser]load
	room    map[LineID]bool // some member passes E1 to E4; filled when asked
}

type lineUser struct {
	line LineID
	user UserID
}

// load of an operator on one line.
type load struct{ sessions, pending int }

// loads counts anew if anything has changed.
func (st *step) loads() *loads {
	if st.load == nil {
		st.load = &loads{overall: map[UserID]int{}, on: map[lineUser]load{}, room: map[LineID]bool{}}
		for _, s := range st.desk.Sessions {
			st.load.count(s, st.of(s).Settings.LimitCounts)
		}
	}
	return st.load
}

// count books one session. The limit over all lines counts what an operator
// owns and what is offered to him alone, whatever his lines count.
func (c *loads) count(s *Session, counts LimitCounts) {
	if s.Owner != 0 && s.State == Active {
		c.add(s.Line, s.Owner, 1, 0)
		c.overall[s.Owner]++
	}
	if s.Owner != 0 && s.State == Closing && counts == CountAllOpen {
		c.add(s.Line, s.Owner, 1, 0)
	}
	for _, o := range s.Offers {
		if !o.single() {
			continue
		}
		c.overall[o.To]++
		sessions, pending := 1, 0
		if counts == CountAnswered {
			sessions = 0
		}
		if o.Kind == QueueOffer {
			pending = 1
		}
		c.add(s.Line, o.To, sessions, pending)
	}
}

func (c *loads) add(line LineID, user UserID, sessions, pending int) {
	key := lineUser{line, user}
	l := c.on[key]
	c.on[key] = load{l.sessions + sessions, l.pending + pending}
}

// hasRoom says whether any member of a line could get any offer now. It spares
// a long queue the question for each of its sessions.
func (st *step) hasRoom(l *Line) bool {
	loads := st.loads()
	room, asked := loads.room[l.ID]
	if !asked {
		room = slices.ContainsFunc(l.Members, func(u UserID) bool { return st.ready(l, u).Reason == NotLeft })
		loads.room[l.ID] = room
	}
	return room
}

// eligible lists the members who could get a session now, E5 aside.
func (st *step) eligible(l *Line, s *Session) []UserID {
	var out []UserID
	for _, user := range l.Members {
		if st.free(l, s, user).Reason == NotLeft {
			out = append(out, user)
		}
	}
	return out
}
