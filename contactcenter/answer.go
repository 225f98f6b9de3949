package contactcenter

import "time"

// Kinds of CRM entities.
const (
	KindContact = "contact"
	KindCompany = "company"
	KindDeal    = "deal"
)

// Ways to match, the values of Match.By.
const (
	ByID         = "id"
	ByLink       = "link" // remembered: a person chose it, or an earlier request made it
	ByExternalID = "external_id"
	ByPhone      = "phone"
	ByEmail      = "email"
	ByINN        = "inn"
	ByKPP        = "kpp"
	ByOGRN       = "ogrn"
	ByTitle      = "title"
	ByName       = "name"
	ByFilter     = "filter" // nothing that tells one from another: stage, pipeline
)

// Ref is a CRM entity: contact, company or deal.
type Ref struct {
	Kind string `json:"kind" enum:"contact,company,deal"`
	ID   int64  `json:"id"`
}

// Match says by what a candidate was found.
type Match struct {
	By string `json:"by" enum:"id,link,external_id,phone,email,inn,kpp,ogrn,title,name,filter"`
}

// User is an employee of the portal.
type User struct {
	ID   int64  `json:"id"`
	Name string `json:"name,omitempty"`
}

// Candidate is one contact, company or deal that a find came upon.
type Candidate struct {
	Ref
	Title       string      `json:"title"` // name of a contact
	MatchedBy   []Match     `json:"matched_by"`
	Responsible User        `json:"responsible"`
	URL         string      `json:"url"` // of the card in the CRM
	Phones      []string    `json:"phones,omitempty"`
	Emails      []string    `json:"emails,omitempty"`
	CreatedAt   time.Time   `json:"created_at,omitzero"`
	UpdatedAt   time.Time   `json:"updated_at,omitzero"`
	Deals       []DealBrief `json:"deals,omitempty"`
}

// DealBrief is a deal as lists show it.
type DealBrief struct {
	ID            int64     `json:"id"`
	Title         string    `json:"title"`
	Pipeline      int64     `json:"pipeline"`
	Stage         string    `json:"stage"`
	Open          bool      `json:"open"`
	Amount        float64   `json:"amount"`
	Currency      string    `json:"currency,omitempty"`
	ContactID     int64     `json:"contact_id,omitempty"`
	CompanyID     int64     `json:"company_id,omitempty"`
	ResponsibleID int64     `json:"responsible_id"`
	URL           string    `json:"url"`
	CreatedAt     time.Time `json:"created_at,omitzero"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"`
}

// Found answers contact.find, company.find and deal.find: best candidate first.
type Found struct {
	Candidates []Candidate `json:"candidates"`
	NextCursor string      `json:"next_cursor,omitempty"`
}

// Deals answers contact.deals and company.deals: open before closed, newest first.
type Deals struct {
	Of         []Ref       `json:"of"` // whose deals: all contacts or companies that matched
	Deals      []DealBrief `json:"deals"`
	NextCursor string      `json:"next_cursor,omitempty"`
}

// Saved answers the creates and updates.
type Saved struct {
	Ref
	URL     string   `json:"url"`
	Created bool     `json:"created"`
	Changed []string `json:"changed,omitempty"` // CRM names of what an update changed; none = everything was so already
	Notes   []string `json:"notes,omitempty"`   // what was done otherwise than asked, and why
}

// DealUser is one person of a deal.
type DealUser struct {
	User
	Roles   []string `json:"roles"` // responsible, observer, creator, last_editor
	Phones  []string `json:"phones,omitempty"`
	Email   string   `json:"email,omitempty"`
	Active  bool     `json:"active"`            // not dismissed
	Working string   `json:"working,omitempty"` // opened, paused, closed, expired; unknown = the portal does not tell
}

// DealUsersAnswer answers deal.users.
type DealUsersAnswer struct {
	DealID int64      `json:"deal_id"`
	Users  []DealUser `json:"users"`
}

// The states of the recording of a call, the values of CallAnswer.Recording.
const (
	RecordingPending  = "pending"  // on its way to the portal
	RecordingAttached = "attached" // in the portal
	RecordingFailed   = "failed"   // its run is parked, or was given up
)

// CallAnswer answers call.create and call.attach_to_crm.
type CallAnswer struct {
	CallID       string   `json:"call_id"`
	BitrixCallID string   `json:"bitrix_call_id"`
	State        string   `json:"state" enum:"registered,finished"`
	ActivityID   int64    `json:"activity_id,omitempty"` // of the call on the timelines
	Bound        []Ref    `json:"bound,omitempty"`
	UserID       int64    `json:"user_id"`
	Recording    string   `json:"recording,omitempty" enum:"pending,attached,failed"`
	Notes        []string `json:"notes,omitempty"`
}

// RecordingAnswer answers call.attach_recording.
type RecordingAnswer struct {
	CallID string `json:"call_id"`
	FileID int64  `json:"file_id"` // in the portal
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Directory is one list of the portal.
type Directory struct {
	Items      []DirectoryItem `json:"items"`
	SavedAt    time.Time       `json:"saved_at"`
	AgeSeconds int64           `json:"age_seconds"`
}

// DirectoryItem is one entry. Of is what it belongs to: the pipeline of a stage.
type DirectoryItem struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Of      string            `json:"of,omitempty"`
	Details map[string]string `json:"details,omitempty"` // semantics of a stage, type of a field …
	Options []DirectoryItem   `json:"options,omitempty"` // of a list field
}

// Directories answers directories.list, by name.
type Directories struct {
	Directories map[string]Directory `json:"directories"`
}

// Decision explains one entity of a request.
type Decision struct {
	Kind       string  `json:"kind" enum:"contact,company,deal"`
	Outcome    string  `json:"outcome" enum:"found,created,none"`
	ID         int64   `json:"id,omitempty"`
	Rule       string  `json:"rule"`
	Candidates []int64 `json:"candidates,omitempty"` // all that came into question
}

// RequestAnswer is the result of a request.
type RequestAnswer struct {
	ExternalID string      `json:"external_id"`
	Revision   int         `json:"revision"`
	Decisions  []Decision  `json:"decisions"`
	Call       *CallAnswer `json:"call,omitempty"`
	Timeline   []Ref       `json:"timeline,omitempty"` // where the request was written down
	Notes      []string    `json:"notes,omitempty"`
}
