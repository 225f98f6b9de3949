package openlines

import (
	"slices"
	"time"
)

// SessionFacts is what statistics need of one session (§9): a fold over its
// records. It is small enough for a row of a table, and adding the records as
// they come gives the same as adding them all afterwards.
type SessionFacts struct {
	Session  SessionID `json:"session"`
	Chat     ChatID    `json:"chat,omitempty"`
	Line     LineID    `json:"line,omitempty"` // the line that has it now
	Channel  int64     `json:"channel,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	OffHours bool      `json:"off_hours,omitempty"` // began while the line was closed
	State    State     `json:"state,omitempty"`     // Closed, else only whether somebody owns it: Active, or Waiting
	Unread   []Unread  `json:"unread,omitempty"`

	Replied   bool        `json:"replied,omitempty"`
	Missed    bool        `json:"missed,omitempty"`
	Reopened  int         `json:"reopened,omitempty"`
	Passes    int         `json:"passes,omitempty"`
	Fired     int         `json:"fired,omitempty"`     // the unanswered rule
	OwnerOff  int         `json:"owner_off,omitempty"` // returns after the owner went off
	Reason    CloseReason `json:"reason,omitempty"`
	Leads     int         `json:"leads,omitempty"`
	NoContact int         `json:"no_contact,omitempty"` // leads refused
	SLAMet    int         `json:"sla_met,omitempty"`
	SLABroken int         `json:"sla_broken,omitempty"`
	Late      bool        `json:"late,omitempty"` // alerted, and still no reply

	Accept *Span   `json:"accept,omitempty"`
	First  *Reply  `json:"first,omitempty"`
	Next   []Reply `json:"next,omitempty"`
	Lasted Span    `json:"lasted,omitzero"` // start to last message
	Total  Span    `json:"total,omitzero"`  // start to closed

	VoteAsked bool   `json:"vote_asked,omitempty"`
	Vote      Vote   `json:"vote,omitempty"`
	VoteFor   UserID `json:"vote_for,omitempty"`

	Operators []OperatorFacts `json:"operators,omitempty"` // by user
}

// Reply is how long a client waited for a reply, and who gave it.
type Reply struct {
	By   UserID `json:"by"`
	Span Span   `json:"span"`
}

// OperatorFacts is what one operator did in one session.
type OperatorFacts struct {
	User     UserID `json:"user"`
	Offers   int    `json:"offers,omitempty"`
	Expired  int    `json:"expired,omitempty"`
	Declined int    `json:"declined,omitempty"`
	Answered int    `json:"answered,omitempty"` // became the owner
	In       int    `json:"in,omitempty"`       // transfers to him
	Out      int    `json:"out,omitempty"`      // transfers by him
	Handling Span   `json:"handling,omitzero"`  // time owned while open
}

// operator finds or makes the row of an employee.
func (f *SessionFacts) operator(user UserID) *OperatorFacts {
	i, ok := slices.BinarySearchFunc(f.Operators, user, func(o OperatorFacts, u UserID) int { return int(o.User - u) })
	if !ok {
		f.Operators = slices.Insert(f.Operators, i, OperatorFacts{User: user})
	}
	return &f.Operators[i]
}

// Add takes the next record of the session.
func (f *SessionFacts) Add(r Record) {
	f.Session, f.Line, f.Channel = r.Session, r.Line, r.Channel
	switch r.Kind {
	case SessionStarted:
		f.Chat, f.Started, f.OffHours, f.State = r.Chat, r.At, r.On, Waiting
	case MessageIn, MessageOut, MessageGone:
		f.addMessage(r)
	case OfferMade, OfferEnded, OfferAccepted, OwnerSet, OwnerHandled, TransferDone, OwnerWentOff:
		f.addHandling(r)
	case FirstReplied, NextReplied, AlertSent:
		f.addReply(r)
	case SessionReopened, SessionFinished, SessionEnded, SessionHeld, SessionQueued:
		f.addState(r)
	default:
		f.addOther(r)
	}
}

func (f *SessionFacts) addMessage(r Record) {
	switch {
	case r.Kind == MessageIn && r.On:
		f.Unread = insertUnread(f.Unread, Unread{ID: r.Message, position: position{r.At, r.N}})
	case r.Kind == MessageGone:
		f.Unread = slices.DeleteFunc(f.Unread, func(u Unread) bool { return u.ID == r.Message })
	case r.Kind == MessageOut:
		f.Replied = true
		f.Unread = slices.DeleteFunc(f.Unread, func(u Unread) bool { return slices.Contains(r.Seen, u.ID) })
	}
}

func (f *SessionFacts) addHandling(r Record) {
	switch r.Kind {
	case OfferMade:
		f.operator(r.User).Offers++
	case OfferEnded:
		if r.Reason == EndExpired {
			f.operator(r.User).Expired++
		}
		if r.Reason == EndDeclined {
			f.operator(r.User).Declined++
		}
	case OfferAccepted:
		if f.Accept == nil {
			span := r.Span
			f.Accept = &span
		}
	case OwnerSet:
		f.State = Active
		if r.User != 0 {
			f.operator(r.User).Answered++
		}
	case OwnerHandled:
		o := f.operator(r.User)
		o.Handling = o.Handling.plus(r.Span)
	case TransferDone:
		f.operator(r.User).In++
		f.operator(r.Other).Out++
	case OwnerWentOff:
		f.OwnerOff++
	}
}

func (s Span) plus(other Span) Span { return Span{s.Work + other.Work, s.Calendar + other.Calendar} }

func (f *SessionFacts) addReply(r Record) {
	if r.Kind == AlertSent {
		f.Late = true
		return
	}
	f.Late = false
	reply := Reply{By: r.User, Span: r.Span}
	if r.Kind == FirstReplied {
		f.First = &reply
	} else {
		f.Next = append(f.Next, reply)
	}
	switch {
	case r.N == 0: // no SLA
	case r.On:
		f.SLAMet++
	default:
		f.SLABroken++
	}
}

func (f *SessionFacts) addState(r Record) {
	switch r.Kind {
	case SessionHeld, SessionQueued:
		f.State = Waiting
	case SessionReopened:
		if r.Reason == reopenedByClient { // T22 alone counts (§9)
			f.Reopened++
		}
		f.State = Active
	case SessionFinished:
		f.State, f.Reason = Closing, CloseReason(r.Reason)
	case SessionEnded:
		f.State, f.Reason, f.Missed = Closed, CloseReason(r.Reason), r.On
		f.Total, f.Lasted = r.Span, r.Lasted
		if f.Late {
			f.Late = false
			f.SLABroken++
		}
	}
}

func (f *SessionFacts) addOther(r Record) {
	switch r.Kind {
	case PassEnded:
		f.Passes++
	case RuleFired:
		f.Fired++
	case LeadMade:
		f.Leads++
	case LeadRefused:
		f.NoContact++
	case VoteAsked:
		f.VoteAsked, f.VoteFor = true, r.User
	case VoteGiven:
		f.Vote = r.Vote
	}
}

// Facts folds a log into the facts of its sessions, by session.
func Facts(log []Record) []SessionFacts {
	var out []SessionFacts
	for _, r := range log {
		if r.Session == 0 {
			continue
		}
		i, ok := slices.BinarySearchFunc(out, r.Session, func(f SessionFacts, id SessionID) int { return int(f.Session - id) })
		if !ok {
			out = slices.Insert(out, i, SessionFacts{})
		}
		out[i].Add(r)
	}
	return out
}
