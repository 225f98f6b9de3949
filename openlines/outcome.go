package openlines

import "time"

// Outcome is what one step brought.
type Outcome struct {
	// Records tell what happened and why: the log of the sessions.
	Records []Record `json:"records,omitempty"`
	// Commands are what has to be done now, in this order.
	Commands []Command `json:"commands,omitempty"`
	// Answers are for those who gave the events, in the order of the events.
	Answers []Answer `json:"answers,omitempty"`
	// Next is when the desk has to be woken if nothing happens before; zero: not at all.
	Next time.Time `json:"next,omitzero"`
}

// Answer says what became of an event.
type Answer struct {
	Event   string     `json:"event,omitempty"`
	Session SessionID  `json:"session,omitempty"` // the event concerned it
	Code    AnswerCode `json:"code"`
}

// AnswerCode is the answer to an event.
type AnswerCode string

// The answers. Only OK changed a session.
const (
	OK             AnswerCode = "ok"
	Repeated       AnswerCode = "repeated"        // took effect before
	Stored         AnswerCode = "stored"          // a message without effect: blocked client, inactive line, note
	VoteTaken      AnswerCode = "vote"            // the message was a vote
	OfferExpired   AnswerCode = "offer_expired"   // the offer is not current any more
	SessionClosed  AnswerCode = "session_closed"  // T28
	UnknownSession AnswerCode = "unknown_session" // never was
	NotAllowed     AnswerCode = "not_allowed"     // not in this state, or not by this person
	NotEligible    AnswerCode = "not_eligible"    // the target of a transfer fails E1 or E2, or owns it
	NoContact      AnswerCode = "no_contact"      // a lead was refused: the client cannot be written back to
	NoChange       AnswerCode = "no_change"       // an echo, or nothing to change
)

// CommandKind says what has to be done.
type CommandKind string

// The commands. Each names the fields of Command that it uses besides Session,
// Chat and Line.
const (
	DoOffer       CommandKind = "offer"        // User, Offer, Kind: show it, assign single offers
	DoWithdraw    CommandKind = "withdraw"     // User, Offer, Reason: not his any more
	DoAssign      CommandKind = "assign"       // User: the owner; 0 = nobody
	DoSendText    CommandKind = "send_text"    // Text, Key, Until
	DoNotify      CommandKind = "notify"       // User (0 = as set for SLA, else the supervisors), Reason
	DoCloseDialog CommandKind = "close_dialog" // close it in the channel
	DoLookup      CommandKind = "lookup"       // look the client up in the CRM; answer LookupDone
	DoCreateLead  CommandKind = "create_lead"  // Key = identity, User = responsible; answer LeadCreated
	DoResponsible CommandKind = "responsible"  // Item, User; From: only while that one is responsible, 0 = anyway
	DoWriteMark   CommandKind = "write_mark"   // Item, Mark: the chat activity
)

// Reasons of DoNotify.
const (
	NoteSLA       = "sla"             // a reply is late
	NoteToAll     = "open_to_all"     // supervisors: nobody took it in all passes
	NoteTakable   = "may_be_taken"    // a member who came later
	NoteBack      = "transfer_failed" // to the owner: the colleague did not take it
	NoteCRMHolder = "redirected"      // to an operator: the responsible employee was found late
)

// Command is one thing to be done. A text goes out once per Key.
type Command struct {
	Kind    CommandKind `json:"kind"`
	Session SessionID   `json:"session,omitempty"`
	Chat    ChatID      `json:"chat,omitempty"`
	Line    LineID      `json:"line,omitempty"`
	User    UserID      `json:"user,omitempty"`
	From    UserID      `json:"from,omitempty"`
	Offer   OfferID     `json:"offer,omitempty"`
	Offered OfferKind   `json:"offered,omitempty"`
	Due     time.Time   `json:"due,omitzero"` // deadline of an offer; zero: none
	Text    TextID      `json:"text,omitempty"`
	Key     string      `json:"key,omitempty"`
	Until   time.Time   `json:"until,omitzero"` // later it must not be sent (auto_text_max_age)
	Reason  string      `json:"reason,omitempty"`
	Item    Item        `json:"item,omitzero"`
	Mark    *Mark       `json:"mark,omitempty"`
	Why     *Decision   `json:"why,omitempty"`
}
