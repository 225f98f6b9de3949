package dialog

import "time"

// Author says who wrote a line of a transcript.
type Author string

// The authors of transcript lines (chat2desk reference §5.1).
const (
	AuthorClient   Author = "client"
	AuthorOperator Author = "operator"
	AuthorBot      Author = "bot"     // autoreply, or a type nobody knows
	AuthorSystem   Author = "system"  // assignments and the like, never shown to the client
	AuthorComment  Author = "comment" // internal note, never shown to the client
)

// Message is one line of a transcript. Texts are as Chat2Desk gave them:
// nothing is escaped yet.
type Message struct {
	ID         int64     `json:"id"`
	Time       time.Time `json:"time"` // UTC
	Author     Author    `json:"author"`
	OperatorID int64     `json:"operator_id,omitempty"`
	Name       string    `json:"name,omitempty"` // of the operator; the client's stands in the Snapshot
	Text       string    `json:"text,omitempty"`
	Files      []File    `json:"files,omitempty"`
	Location   string    `json:"location,omitempty"`
}

// File is an attachment: a name to show and an absolute link.
type File struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Client is the person as Chat2Desk knows them.
type Client struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name,omitempty"`     // assigned_name, else name; never the literal "unknown"
	Identity     string            `json:"identity,omitempty"` // client.phone as received, for example "[tg] 5551"
	Phone        string            `json:"phone,omitempty"`    // a real phone as received, unnormalised; never a bracketed identity
	Email        string            `json:"email,omitempty"`
	TagIDs       []int64           `json:"tag_ids,omitempty"`
	CustomFields map[string]string `json:"custom_fields,omitempty"` // field id (or symbolic name) → value as text
}

// Source says where a transcript came from.
type Source string

// The sources of a transcript.
const (
	SourceAPI      Source = "api"      // complete, from Chat2Desk
	SourceWebhooks Source = "webhooks" // only what webhooks brought; the API could not give it
	SourceBoth     Source = "both"     // from Chat2Desk, completed by webhooks
)

// Snapshot is everything known of one closed request cycle at its close. It is
// stored, not carried through Temporal.
type Snapshot struct {
	DialogID     int64             `json:"dialog_id"`
	RequestID    int64             `json:"request_id"`
	Client       Client            `json:"client"`
	ChannelID    int64             `json:"channel_id"`
	ChannelName  string            `json:"channel_name,omitempty"`
	Transport    string            `json:"transport,omitempty"`
	OperatorID   int64             `json:"operator_id,omitempty"`
	OperatorName string            `json:"operator_name,omitempty"`
	RequestTags  []int64           `json:"request_tags,omitempty"`
	Analytics    map[string]string `json:"analytics,omitempty"` // utm_source … utm_term, client_id, message_id, click_time; lower case
	Messages     []Message         `json:"messages,omitempty"`  // by time, then id
	OpenedAt     time.Time         `json:"opened_at"`
	ClosedAt     time.Time         `json:"closed_at"`
	Source       Source            `json:"source"`
}

// Kind is a kind of CRM entity, in the words of Bitrix24.
type Kind string

// The kinds of CRM entities Puente works with.
const (
	Contact Kind = "contact"
	Company Kind = "company"
	Deal    Kind = "deal"
	Lead    Kind = "lead"
)

// Ref points to one CRM entity. ID 0 means none, or one still to be created.
type Ref struct {
	Kind Kind  `json:"kind"`
	ID   int64 `json:"id"`
}

// MatchedBy says how a contact was recognised.
type MatchedBy string

// The ways a client is recognised, strongest first.
const (
	ByLink   MatchedBy = "link"   // remembered Chat2Desk client → contact
	ByOrigin MatchedBy = "origin" // created by Puente for this very client, answer lost
	ByPhone  MatchedBy = "phone"
	ByEmail  MatchedBy = "email"
)

// Candidate is a contact that may be the client.
type Candidate struct {
	ID        int64     `json:"id"`
	MatchedBy MatchedBy `json:"matched_by"`
}

// OpenEntity is an open (not won, not lost) deal or lead of the client.
type OpenEntity struct {
	ID        int64     `json:"id"`
	Pipeline  int64     `json:"pipeline,omitempty"` // categoryId; deals only
	ContactID int64     `json:"contact_id,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// Found is what the CRM answered about a client: ids only.
type Found struct {
	Simple   bool         `json:"simple"` // the portal works without leads (crm.settings.mode.get = 2)
	Contacts []Candidate  `json:"contacts,omitempty"`
	Deals    []OpenEntity `json:"deals,omitempty"`  // open deals of those contacts
	Leads    []OpenEntity `json:"leads,omitempty"`  // open leads of the client
	Own      Ref          `json:"own"`              // entity created earlier for this very cycle, found by its origin
	Healed   []string     `json:"healed,omitempty"` // links that pointed to deleted or merged entities
}

// Plan is the decision which CRM entity a cycle goes to, and why.
type Plan struct {
	Contact       int64  `json:"contact,omitempty"` // existing contact; 0 with CreateContact = make one
	CreateContact bool   `json:"create_contact,omitempty"`
	Entity        Ref    `json:"entity"` // ID 0 = make one
	Pipeline      int64  `json:"pipeline,omitempty"`
	Rule          string `json:"rule"`             // the rule that chose, one sentence in English
	Others        []Ref  `json:"others,omitempty"` // candidates not chosen
}
