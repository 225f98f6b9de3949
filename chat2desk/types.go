package chat2desk

import (
	"encoding/json"
	"time"
)

// The kinds of messages after normalisation (reference §5.1). The older words
// in and out become from_client and to_client; a missing or unknown type
// becomes autoreply, because that is what the rating poll sends.
const (
	TypeFromClient = "from_client"
	TypeToClient   = "to_client"
	TypeAutoreply  = "autoreply"
	TypeSystem     = "system"
	TypeComment    = "comment"
)

// The states of a dialog (reference §3.3).
const (
	StateOpen   = "open"
	StateClosed = "closed"
)

// Message is one line of a dialog, the same from REST and from webhooks
// (reference §3.1, §3.3, §4.5). Ids are 0 where the service gave none.
type Message struct {
	ID         int64
	ClientID   int64
	OperatorID int64
	ChannelID  int64
	DialogID   int64
	RequestID  int64
	Type       string // one of the Type constants
	Text       string // as received: may contain HTML, is escaped for nothing
	Transport  string
	Time       time.Time // UTC; zero if the service gave none
	// Attachments merges the four media slots and the attachment list: links
	// absolute where a storage host is known, no file twice.
	Attachments []Attachment
	Location    string            // "lat,lon" or whatever text the messenger gave
	ExternalID  string            // the id given to SendMessage, if it comes back
	Analytics   map[string]string // utm_* keys found in extra_data, lower case; nil if none
}

// Attachment is one file of a message.
type Attachment struct {
	Name string // may be empty
	Link string // never empty; relative only if the storage host is unknown
}

// Client is a person as known through one messenger identity (reference §3.2).
type Client struct {
	ID           int64
	Name         string // profile name in the messenger; may be the literal "unknown"
	Username     string
	AssignedName string // typed by operators, wins for display
	Phone        string // identity in the transport, not always a phone
	ClientPhone  string // phone typed by an operator or given by the client
	Avatar       string
	Comment      string
	ExternalID   string
	// CustomFields maps the field id, sometimes a symbolic name, to its value.
	CustomFields map[string]json.RawMessage
	Channels     []ClientChannel
	Tags         []Tag
}

// ClientChannel is a channel and the transports by which a client can be
// written there.
type ClientChannel struct {
	ID         int64
	Transports []string
}

// Dialog is the long-lived conversation of one client on one channel
// (reference §1.1, §3.3).
type Dialog struct {
	ID            int64
	State         string // open or closed
	Begin, End    time.Time
	OperatorID    int64
	ClientID      int64 // 0 where the service does not tell
	ChannelID     int64 // 0 where the service does not tell
	LastRequestID int64
	Messages      int64 // count
}

// Request is one appeal inside a dialog (reference §1). Only DialogID is
// known to be always present.
type Request struct {
	ID         int64
	DialogID   int64
	ClientID   int64
	ChannelID  int64
	OperatorID int64
	Type       string // common or rating; empty if unknown
	Transport  string
	Raw        json.RawMessage
}

// Operator is a user of Chat2Desk (reference §1.2).
type Operator struct {
	ID          int64
	Email       string
	Phone       string
	FirstName   string
	LastName    string
	Role        Role // resolved from both generations of operator rows
	Online      bool
	OfflineType string // busy, break, ...; empty if none
	StatusID    int64
	ExternalID  string
	LastVisit   time.Time
}

// Channel is one of the company's accounts in a messenger.
type Channel struct {
	ID         int64
	Name       string
	Phone      string
	Transports []string
}

// Tag is a label that can be put on clients and on requests.
type Tag struct {
	ID          int64
	GroupID     int64
	GroupName   string
	Label       string
	Description string
}

// CustomField describes a company-defined client field (reference §3.6).
type CustomField struct {
	ID            int64
	Name          string
	Type          string
	Value         string
	Editable      bool
	Viewable      bool
	TrackingField bool // filled by web analytics
}

// Analytics is one row of web analytics (reference §3.8). Values holds every
// non-empty scalar under its lower-case name; the names are not documented.
type Analytics struct {
	RequestID int64
	Values    map[string]string
}

// OutMessage is a message to be sent (reference §3.1.1). ClientID is required,
// and one of Text, Attachment and PDF. The zero OpenDialog leaves a closed
// dialog closed: the service's own default is never relied on.
type OutMessage struct {
	ClientID           int64
	Text               string
	Attachment         string // direct URL of a file
	AttachmentFilename string
	PDF                string // direct URL
	Type               string // to_client if empty
	Transport          string // that of the client's last message if empty
	ChannelID          int64  // that of the client's last message if 0
	OperatorID         int64  // that of the dialog if 0
	OpenDialog         bool
	Encrypted          bool
	ExternalID         string // comes back in the outbox webhook
	ReplyMessageID     int64
}

// Sent is the answer to SendMessage.
type Sent struct {
	MessageID  int64
	ClientID   int64
	ChannelID  int64
	OperatorID int64
	DialogID   int64
	RequestID  int64
	Transport  string
	Type       string
}

// Webhook is one registration at Chat2Desk (reference §4.1), at most five per
// company.
type Webhook struct {
	ID       int64
	Name     string
	URL      string
	Events   []string
	Status   string  // enable or disable
	Channels []int64 // empty = all
	Errors   []WebhookError
}

// WebhookError is a failed delivery that the service remembers.
type WebhookError struct {
	Text string
	Time time.Time
}

// Info tells about the company and its quota (reference §3.6).
type Info struct {
	CompanyID         int64
	PartnerID         int64
	CompanyName       string
	Mode              string
	RequestsThisMonth int64 // 0 if the service tells it in another way; see Raw
	Raw               json.RawMessage
}
