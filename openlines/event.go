package openlines

import "time"

// EventKind says what has happened.
type EventKind string

// The events. Each names the fields of Event that it reads besides ID and At.
const (
	ClientMessage   EventKind = "client_message"   // Chat, Message
	EmployeeMessage EventKind = "employee_message" // Chat, By, Message
	MessageDeleted  EventKind = "message_deleted"  // Chat, Message.ID
	ClientBlocked   EventKind = "client_blocked"   // Chat, On

	Accept       EventKind = "accept"        // Session, Offer, By
	Decline      EventKind = "decline"       // Session, Offer, By
	Take         EventKind = "take"          // Session, By; Offer if he saw one
	Transfer     EventKind = "transfer"      // Session, By, To
	TransferLine EventKind = "transfer_line" // Session, By, Line
	Return       EventKind = "return"        // Session, By
	Finish       EventKind = "finish"        // Session, By; 0 = Puente itself
	MarkSpam     EventKind = "spam"          // Session, By
	Pin          EventKind = "pin"           // Session, By, On
	GoSilent     EventKind = "silent"        // Session, By, On

	DialogAssigned EventKind = "dialog_assigned" // Chat, To: somebody gave the dialog to an operator in the channel
	DialogClosed   EventKind = "dialog_closed"   // Chat, Happened, By: somebody closed it there; 0 = nobody knows who

	OperatorChanged EventKind = "operator" // Operator
	LineChanged     EventKind = "line"     // Line, Settings, Members, Minute

	LookupDone         EventKind = "lookup_done"         // Session, CRM
	ContactLearned     EventKind = "contact_learned"     // Session, CRM.Identity: a phone or e-mail is known now
	LeadAsked          EventKind = "lead_asked"          // Session, By
	LeadCreated        EventKind = "lead_created"        // CRM.Identity, CRM.Item
	ResponsibleChanged EventKind = "responsible_changed" // CRM.Item, CRM.Responsible: by a person
	ActivityChanged    EventKind = "activity_changed"    // Session, On = completed, Version
	TextRefused        EventKind = "text_refused"        // Session, Text, Reason
)

// Event is something that happened. It carries ids and times, never names,
// phones or texts: it may be written to histories and logs.
//
// Whoever does not know the session gives the chat instead, with Session 0: the
// desk finds the session of the chat that is not closed. A store tells that only
// after the desk has delivered it.
type Event struct {
	// ID makes the event take effect once. "" = the caller vouches that it is new.
	ID   string    `json:"id,omitempty"`
	Kind EventKind `json:"kind"`
	// At is when we received it; zero or later than now counts as now.
	At time.Time `json:"at,omitzero"`
	// Happened is when it happened by the clock of the channel; zero: unknown. It
	// is compared with other times of that clock, and decides nothing else.
	Happened time.Time `json:"happened,omitzero"`

	Chat     ChatID    `json:"chat,omitempty"`
	Session  SessionID `json:"session,omitempty"`
	Offer    OfferID   `json:"offer,omitempty"`
	By       UserID    `json:"by,omitempty"`
	To       UserID    `json:"to,omitempty"`
	On       bool      `json:"on,omitempty"`
	Message  *Message  `json:"message,omitempty"`
	Operator *Operator `json:"operator,omitempty"` // as he is now; the times in it are ignored
	Line     LineID    `json:"line,omitempty"`
	Settings *Settings `json:"settings,omitempty"` // validated
	Members  []UserID  `json:"members,omitempty"`
	// Minute is what counts as a minute of the settings; 0 = a minute. Only
	// development plays them faster; hours of the week and votes stay as they are.
	Minute  time.Duration `json:"minute,omitempty"`
	CRM     *CRMFacts     `json:"crm,omitempty"`
	Version int64         `json:"version,omitempty"`
	Text    TextID        `json:"text,omitempty"`
	Reason  string        `json:"reason,omitempty"`
}

// complete says whether the event has what its kind reads; a machine that runs
// for months must not fall over one that has not.
func (ev *Event) complete() bool {
	switch ev.Kind {
	case ClientMessage, EmployeeMessage, MessageDeleted:
		return ev.Message != nil && ev.Chat != ""
	case ClientBlocked, DialogClosed:
		return ev.Chat != ""
	case DialogAssigned:
		return ev.Chat != "" && ev.To != 0
	case OperatorChanged:
		return ev.Operator != nil
	case LineChanged:
		return ev.Settings != nil && ev.Line != ""
	case LookupDone, LeadCreated, ResponsibleChanged:
		return ev.CRM != nil
	}
	return true
}

// Message is a message in a chat, without its text.
type Message struct {
	ID      string `json:"id"` // unique within the chat
	Channel int64  `json:"channel,omitempty"`
	// Order is the place in the chat that the channel gives; 0 = none.
	Order int64 `json:"order,omitempty"`
	// Vote is what Settings.ParseVote made of the whole text, or what a button carries.
	Vote Vote `json:"vote,omitempty"`
	// Internal: a note that never reaches the client.
	Internal bool `json:"internal,omitempty"`
	// Intercept: the author takes the session over.
	Intercept bool `json:"intercept,omitempty"`
	// Window is until when the channel lets us write; zero: always.
	Window   time.Time `json:"window,omitzero"`
	Needs    []string  `json:"needs,omitempty"`    // skills or languages asked for (E6)
	Priority int       `json:"priority,omitempty"` // of this client
	// Writable: the channel lets us write first, or a phone or e-mail is known (§8).
	Writable bool `json:"writable,omitempty"`
	// Identity is a stable key of the client, the same on all channels where
	// phone or e-mail tell so. It must not show them. "" = the chat itself.
	Identity string `json:"identity,omitempty"`
	// Past is what the last session of the chat left, as of when the event is
	// handed over.
	Past Past `json:"past,omitzero"`
}

// CRMFacts is what the CRM said.
type CRMFacts struct {
	Result      LookupResult `json:"result,omitempty"`
	Item        Item         `json:"item,omitzero"`
	Responsible UserID       `json:"responsible,omitempty"`
	Identity    string       `json:"identity,omitempty"`
	Writable    bool         `json:"writable,omitempty"`
}

// Item is a deal, contact, company or lead of the CRM; zero: none.
type Item struct {
	Kind string `json:"kind,omitempty"`
	ID   int64  `json:"id,omitempty"`
}

// LookupResult is what came of looking the client up (§8).
type LookupResult string

// The results; LookupPending is one that is still awaited.
const (
	LookupNone     LookupResult = ""
	LookupPending  LookupResult = "pending"
	LookupFound    LookupResult = "found"
	LookupNotFound LookupResult = "not_found"
	LookupUnknown  LookupResult = "unknown"
)
