package openlines

import (
	"slices"
	"time"
)

// Mark is what the CRM shows of a session: the state of its chat activity (§8).
// It follows from the log alone, see MarkFromLog.
type Mark struct {
	// Open: the activity is open, and counts (green) for the responsible. Else
	// it is completed and grey.
	Open bool `json:"open,omitempty"`
	// Unread is how many client messages wait for a reply; 0 = no mark.
	Unread  int       `json:"unread,omitempty"`
	Created time.Time `json:"created,omitzero"`
	Closed  time.Time `json:"closed,omitzero"` // when the session was finished; zero while open
	// Responsible is the owner, else the responsible employee of the item.
	Responsible UserID `json:"responsible,omitempty"`
	// Version grows with each mark of a session. An older mark must never be
	// written over a newer one; intermediate ones may be skipped.
	Version int64 `json:"version,omitempty"`
	// OpenSince is the first version of the current stretch of open marks.
	OpenSince int64 `json:"open_since,omitempty"`
	// Item is what the activity is bound to.
	Item Item `json:"item,omitzero"`
}

// Counter is what the activity adds to the counter of its responsible.
func (m Mark) Counter() int {
	if m.Open {
		return 1
	}
	return 0
}

// mark of a session as it stands.
func (s *Session) mark() Mark {
	m := Mark{Created: s.Started, Closed: s.Finished, Responsible: s.Owner, Item: s.CRM.Item}
	if m.Responsible == 0 {
		m.Responsible = s.CRM.Responsible
	}
	if s.Open() {
		m.Open, m.Unread = true, len(s.Unread)
	}
	return m
}

// writeMark orders the mark of a session if it has changed. Without an item
// there is nothing to hang it on; binding comes later then.
func (st *step) writeMark(s *Session) {
	last, m := s.CRM.Mark, s.mark()
	m.Version, m.OpenSince = last.Version, last.OpenSince
	if m.Item.ID == 0 || m == last {
		return
	}
	m.Version++
	if m.Open && !last.Open {
		m.OpenSince = m.Version
	}
	s.CRM.Mark = m
	st.command(s, Command{Kind: DoWriteMark, Item: m.Item, Mark: &m})
}

// MarkFromLog computes what the CRM has to show from the records of one
// session: Open, Unread, Created and Closed. It is a second way to the same
// marks, for checks and for repair after the fact.
func MarkFromLog(records []Record) Mark {
	var m Mark
	var unread []string
	for _, r := range records {
		switch r.Kind {
		case SessionStarted:
			m.Open, m.Created = true, r.At
		case MessageIn:
			if r.On {
				unread = append(unread, r.Message)
			}
		case MessageOut:
			unread = slices.DeleteFunc(unread, func(id string) bool { return slices.Contains(r.Seen, id) })
		case MessageGone:
			unread = slices.DeleteFunc(unread, func(id string) bool { return id == r.Message })
		case SessionFinished:
			m.Open, m.Closed = false, r.At
		case SessionReopened:
			m.Open, m.Closed = true, time.Time{}
		}
	}
	if m.Open {
		m.Unread = len(unread)
	}
	return m
}
