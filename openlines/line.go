package openlines

import (
	"slices"
	"time"
)

// Line is one line in force.
type Line struct {
	ID       LineID   `json:"id"`
	Settings Settings `json:"settings"`
	// Members are the operators in the order of the queue, see ExpandMembers.
	Members []UserID `json:"members,omitempty"`
	// Minute is what counts as a minute of the settings, see Event.Minute.
	Minute time.Duration `json:"minute,omitempty"`
	// Turns survive restarts, changes of settings and absences (§5.3).
	Turns map[UserID]Turn `json:"turns,omitempty"`

	schedule *Schedule // of Settings
	change   change    // the last answer of nextChange
}

// change is an instant at which the line opens or closes, and from where it was
// looked for.
type change struct{ asked, at time.Time }

// ExpandMembers puts the active employees of a department in its place; a
// person counts once, at the first position (§2). The order within a department
// is the one that department gives.
func ExpandMembers(members []Member, department func(id int64) []UserID) []UserID {
	var out []UserID
	for _, m := range members {
		users := []UserID{UserID(m.User)}
		if m.Department != 0 {
			users = department(m.Department)
		}
		for _, user := range users {
			if !slices.Contains(out, user) {
				out = append(out, user)
			}
		}
	}
	return out
}

// routes says whether operators may get offers on this line now (§5.1).
func (l *Line) routes(now time.Time) bool {
	return l.Settings.OffhoursRouting == OffhoursRoute || l.schedule.Open(now)
}

// nextChange is when the line opens or closes next; never if it does not.
func (l *Line) nextChange(now time.Time) time.Time {
	if c := l.change; !now.Before(c.asked) && now.Before(c.at) {
		return c.at
	}
	at, ok := l.schedule.NextChange(now)
	if !ok {
		at = never
	}
	l.change = change{now, at}
	return at
}

// serves says whether the line takes new sessions of a channel.
func (l *Line) serves(channel int64) bool {
	return l.Settings.Active && slices.Contains(l.Settings.Channels, channel)
}

// has says whether a text of the line is sent at all: a rule whose text is
// empty behaves as none (§2).
func (l *Line) has(id TextID) bool {
	text, set := l.Settings.Texts[id]
	return !set || text != ""
}

// unansweredRule is the rule in force: one whose text is empty behaves as none.
func (l *Line) unansweredRule() UnansweredRule {
	if l.Settings.UnansweredRule == UnansweredText && !l.has(TextUnanswered) {
		return UnansweredNone
	}
	return l.Settings.UnansweredRule
}

// bound is the limit of T_unanswered: what is set, else the reaction bound I8.
func (l *Line) bound() time.Duration {
	if l.Settings.UnansweredTime > 0 {
		return l.span(l.Settings.UnansweredTime)
	}
	return time.Duration(len(l.Members)+2) * l.span(l.Settings.PassTime)
}

// span is how long a number of minutes of the settings lasts on this line.
func (l *Line) span(m Minutes) time.Duration {
	if l.Minute == 0 {
		return m.Duration()
	}
	return time.Duration(m) * l.Minute
}
