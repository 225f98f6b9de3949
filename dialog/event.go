// Package dialog holds the rules of a Chat2Desk dialog: when a request cycle
// is open or closed, whether it may go to the CRM, which entity it belongs to,
// and what its transcript and notifications say.
//
// The package is pure: no I/O, no clock, no randomness. Workflows call it to
// decide, activities call it to format; both are tested without either.
package dialog

import "time"

// EventKind names what happened in Chat2Desk. Its values are the hook_type of
// the webhook (chat2desk reference §4.4), reduced to those a dialog reacts to.
type EventKind string

// The kinds of events a dialog reacts to.
const (
	KindInbox       EventKind = "inbox"                   // the client wrote
	KindOutbox      EventKind = "outbox"                  // an operator, a bot or the API wrote
	KindImported    EventKind = "imported_message"        // written in the phone app; has no inbox or outbox twin
	KindComment     EventKind = "comment"                 // internal note of an operator
	KindSystem      EventKind = "system_message"          // line of the service itself
	KindNewRequest  EventKind = "new_request"             // a request (common or rating) was opened
	KindClosed      EventKind = "close_request"           // a request was closed
	KindDialogClose EventKind = "close_dialog"            // the dialog was closed
	KindTransferred EventKind = "dialog_transferred"      // an operator was assigned
	KindTagClient   EventKind = "add_tag_to_client"       // tag put on the client
	KindUntagClient EventKind = "delete_tag_from_client"  // tag taken from the client
	KindTag         EventKind = "add_tag_to_request"      // tag put on the request
	KindUntag       EventKind = "delete_tag_from_request" // tag taken from the request
)

// Event is one webhook as the workflow sees it: ids and times only. Texts and
// names stay in the inbox row that ID points to, so that they never stand in a
// Temporal history. A zero id means that the webhook did not carry it.
type Event struct {
	ID         string    `json:"id"`  // inbox row
	Key        string    `json:"key"` // dedupe key (chat2desk reference §4.7)
	Kind       EventKind `json:"kind"`
	Time       time.Time `json:"time"` // event_time, else the time of receipt; UTC
	ClientID   int64     `json:"client_id,omitempty"`
	ChannelID  int64     `json:"channel_id,omitempty"`
	DialogID   int64     `json:"dialog_id,omitempty"`
	RequestID  int64     `json:"request_id,omitempty"`
	MessageID  int64     `json:"message_id,omitempty"`
	OperatorID int64     `json:"operator_id,omitempty"`
	TagID      int64     `json:"tag_id,omitempty"`
	Transport  string    `json:"transport,omitempty"`
	// Type is the kind of message (from_client, to_client, autoreply, system,
	// comment) or, on new_request, the kind of request (common, rating).
	Type string `json:"type,omitempty"`
}
