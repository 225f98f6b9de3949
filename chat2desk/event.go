package chat2desk

import (
	"encoding/json"
	"time"
)

// The hook types that mean something to this package (reference §4.4).
const (
	HookInbox         = "inbox"
	HookOutbox        = "outbox"
	HookOutboxStatus  = "outbox_status"
	HookImported      = "imported_message"
	HookComment       = "comment"
	HookSystem        = "system_message"
	HookNewClient     = "new_client"
	HookClientUpdated = "client_updated"
	HookBlacklisted   = "client_added_to_blacklist"
	HookNewRequest    = "new_request"
	HookCloseRequest  = "close_request"
	HookCloseDialog   = "close_dialog"
	HookTransferred   = "dialog_transferred"
	HookTagClient     = "add_tag_to_client"
	HookUntagClient   = "delete_tag_from_client"
	HookTagRequest    = "add_tag_to_request"
	HookUntagRequest  = "delete_tag_from_request"
	// HookOperator also stands for its older name operator_status_changed.
	HookOperator = "operator_status_updated"
)

// Event is one webhook. Ids are 0, texts empty and Time zero where the webhook
// did not carry them; the overloaded id of the body has been put where it
// belongs by hook type.
type Event struct {
	HookType   string
	MessageID  int64
	ClientID   int64 // of the client object if there is one, else client_id
	DialogID   int64
	ChannelID  int64
	RequestID  int64
	OperatorID int64
	TagID      int64
	// Type is the normalised kind of message on message events; on new_request
	// the kind of request, common or rating; else as received.
	Type         string
	Text         string
	Transport    string
	Time         time.Time // event_time in UTC
	ByClient     bool      // new_request: opened by the client
	IsNewRequest bool      // this message opened the request
	Client       *ClientRef
	Attachments  []Attachment // links may be relative: see ResolveLinks
	Location     string
	ExternalID   string
	Status       string            // outbox_status: state of delivery
	Error        string            // outbox_status: why delivery failed
	Online       bool              // operator_status_updated: logged in
	OfflineType  string            // operator_status_updated: busy, break, …: takes no new chats; empty if none
	Analytics    map[string]string // utm_* keys found in extra_data; nil if none
	Raw          json.RawMessage   // this event's body as received
}

// ClientRef is the client as described inside a webhook.
type ClientRef struct {
	ID           int64
	Name         string
	AssignedName string
	Phone        string
	ClientPhone  string
}
