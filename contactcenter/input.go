package contactcenter

import "time"

// Paging bounds the lists that finds answer. Cursor is next_cursor of the page before.
type Paging struct {
	Limit  int    `json:"limit,omitempty" minimum:"0" maximum:"50" doc:"candidates on a page; 0 = 20"`
	Cursor string `json:"cursor,omitempty" maxLength:"200" doc:"next_cursor of the page before"`
}

// ContactQuery is the input of contact.find; what is given adds up: a candidate
// matches by any of it.
type ContactQuery struct {
	ID        int64  `json:"id,omitempty" minimum:"0"`
	Phone     string `json:"phone,omitempty" maxLength:"100" doc:"in any written form"`
	Email     string `json:"email,omitempty" maxLength:"320"`
	Name      string `json:"name,omitempty" maxLength:"300" doc:"part of the first or last name, or both"`
	WithDeals bool   `json:"with_deals,omitempty" doc:"with the deals of each candidate"`
	Paging
}

// CompanyQuery is the input of company.find. Deals come along unless told otherwise.
type CompanyQuery struct {
	ID           int64  `json:"id,omitempty" minimum:"0"`
	Title        string `json:"title,omitempty" maxLength:"300" doc:"part of the title"`
	Phone        string `json:"phone,omitempty" maxLength:"100" doc:"in any written form"`
	Email        string `json:"email,omitempty" maxLength:"320"`
	INN          string `json:"inn,omitempty" maxLength:"20" doc:"taxpayer number, 10 or 12 digits; its checksum is verified"`
	KPP          string `json:"kpp,omitempty" maxLength:"20" doc:"9 characters"`
	OGRN         string `json:"ogrn,omitempty" maxLength:"20" doc:"13 or 15 digits; its checksum is verified"`
	WithoutDeals bool   `json:"without_deals,omitempty"`
	Paging
}

// DealQuery is the input of deal.find; what is given narrows: a candidate matches all of it.
type DealQuery struct {
	ID         int64  `json:"id,omitempty" minimum:"0"`
	Title      string `json:"title,omitempty" maxLength:"300" doc:"part of the title"`
	ContactID  int64  `json:"contact_id,omitempty" minimum:"0"`
	CompanyID  int64  `json:"company_id,omitempty" minimum:"0"`
	Product    string `json:"product,omitempty" maxLength:"100" doc:"stands for the pipeline that the settings give it"`
	Pipeline   *int64 `json:"pipeline,omitempty" minimum:"0"`
	Stage      string `json:"stage,omitempty" maxLength:"50" doc:"STATUS_ID, for example C2:NEW"`
	ExternalID string `json:"external_id,omitempty" maxLength:"200" doc:"given to deal.create or to a request"`
	OpenOnly   bool   `json:"open_only,omitempty"`
	Paging
}

// ContactDealsQuery is the input of contact.deals: by the contact's id, phone or e-mail.
type ContactDealsQuery struct {
	ContactID int64  `json:"contact_id,omitempty" minimum:"0"`
	Phone     string `json:"phone,omitempty" maxLength:"100"`
	Email     string `json:"email,omitempty" maxLength:"320"`
	OpenOnly  bool   `json:"open_only,omitempty"`
	Pipeline  *int64 `json:"pipeline,omitempty" minimum:"0"`
	Paging
}

// CompanyDealsQuery is the input of company.deals: by the company's id, title or INN.
type CompanyDealsQuery struct {
	CompanyID int64  `json:"company_id,omitempty" minimum:"0"`
	Title     string `json:"title,omitempty" maxLength:"300"`
	INN       string `json:"inn,omitempty" maxLength:"20"`
	OpenOnly  bool   `json:"open_only,omitempty"`
	Pipeline  *int64 `json:"pipeline,omitempty" minimum:"0"`
	Paging
}

// Multi is one phone or e-mail. Type is that of the CRM (bitrix24 reference
// §3.4): WORK, MOBILE, HOME, FAX … ; "" = WORK.
type Multi struct {
	Value string `json:"value" maxLength:"320"`
	Type  string `json:"type,omitempty" enum:"WORK,MOBILE,FAX,HOME,PAGER,MAILING,OTHER"`
}

// UTM is where a request came from; each goes to the field of the same name.
type UTM struct {
	Source   string `json:"source,omitempty" maxLength:"255"`
	Medium   string `json:"medium,omitempty" maxLength:"255"`
	Campaign string `json:"campaign,omitempty" maxLength:"255"`
	Content  string `json:"content,omitempty" maxLength:"255"`
	Term     string `json:"term,omitempty" maxLength:"255"`
}

// ContactData is what is known of a person. What is empty is left alone by an update.
type ContactData struct {
	Name       string  `json:"name,omitempty" maxLength:"1000" doc:"first name, or the whole name if there is no last_name"`
	LastName   string  `json:"last_name,omitempty" maxLength:"1000"`
	SecondName string  `json:"second_name,omitempty" maxLength:"1000"`
	Post       string  `json:"post,omitempty" maxLength:"1000" doc:"position in the company"`
	Phones     []Multi `json:"phones,omitempty" maxItems:"20"`
	Emails     []Multi `json:"emails,omitempty" maxItems:"20"`
	Comments   string  `json:"comments,omitempty" maxLength:"20000"`
	CompanyID  int64   `json:"company_id,omitempty" minimum:"0"`
	Common
}

// CompanyData is what is known of a company.
type CompanyData struct {
	Title      string  `json:"title,omitempty" maxLength:"1000"`
	Phones     []Multi `json:"phones,omitempty" maxItems:"20"`
	Emails     []Multi `json:"emails,omitempty" maxItems:"20"`
	INN        string  `json:"inn,omitempty" maxLength:"20"`
	KPP        string  `json:"kpp,omitempty" maxLength:"20"`
	OGRN       string  `json:"ogrn,omitempty" maxLength:"20"`
	LegalName  string  `json:"legal_name,omitempty" maxLength:"1000"`
	Address    string  `json:"address,omitempty" maxLength:"1000" doc:"legal address, one text"`
	Comments   string  `json:"comments,omitempty" maxLength:"20000"`
	ContactIDs []int64 `json:"contact_ids,omitempty" maxItems:"50"`
	Common
}

// DealData is what is known of a deal.
type DealData struct {
	Title string `json:"title,omitempty" maxLength:"1000"`
	// Product chooses pipeline, first stage and responsible user by the settings;
	// Pipeline and Stage win where given.
	Product    string   `json:"product,omitempty" maxLength:"100"`
	Pipeline   *int64   `json:"pipeline,omitempty" minimum:"0"`
	Stage      string   `json:"stage,omitempty" maxLength:"50"`
	ContactIDs []int64  `json:"contact_ids,omitempty" maxItems:"50" doc:"added to those that are there; the first is the main one of a new deal"`
	CompanyID  int64    `json:"company_id,omitempty" minimum:"0"`
	Amount     *float64 `json:"amount,omitempty"`
	Currency   string   `json:"currency,omitempty" maxLength:"3" doc:"ISO 4217; empty = the portal's"`
	Observers  []int64  `json:"observers,omitempty" maxItems:"50" doc:"users, added to those that are there"`
	Comments   string   `json:"comments,omitempty" maxLength:"20000"`
	Common
}

// Common is what contacts, companies and deals have alike.
type Common struct {
	ResponsibleID int64  `json:"responsible_id,omitempty" minimum:"0" doc:"Bitrix24 user; empty = by the settings"`
	Source        string `json:"source,omitempty" maxLength:"50" doc:"STATUS_ID of the directory SOURCE"`
	UTM           *UTM   `json:"utm,omitempty"`
	// Fields are further fields by their crm.item name (UF_CRM_…), as text; each
	// is converted to the field's type.
	Fields map[string]string `json:"fields,omitempty" doc:"further fields by their CRM name, as text"`
	// ExternalID is the contact center's own id of the object; it can be found by it.
	ExternalID string `json:"external_id,omitempty" maxLength:"200"`
}

// Guard keeps an update from overwriting what a person changed meanwhile.
type Guard struct {
	// IfUnchangedSince refuses the update with 409 and the difference if the entity
	// was changed after this instant by anybody but this integration.
	IfUnchangedSince *time.Time `json:"if_unchanged_since,omitempty"`
}

// ContactUpdateInput is the input of contact.update.
type ContactUpdateInput struct {
	ID int64 `json:"id" minimum:"1"`
	ContactData
	Guard
}

// CompanyUpdateInput is the input of company.update.
type CompanyUpdateInput struct {
	ID int64 `json:"id" minimum:"1"`
	CompanyData
	Guard
}

// DealUpdateInput is the input of deal.update.
type DealUpdateInput struct {
	ID int64 `json:"id" minimum:"1"`
	DealData
	Guard
}

// DealUsersQuery is the input of deal.users.
type DealUsersQuery struct {
	ID int64 `json:"id" minimum:"1"`
}

// Directions and outcomes of a call.
const (
	Incoming = "incoming"
	Outgoing = "outgoing"

	Answered  = "answered"
	Missed    = "missed"
	Busy      = "busy"
	Declined  = "declined"
	Cancelled = "cancelled"
	Failed    = "failed"
)

// Call is the input of call.create, and the call of a request. The same call_id
// may come again: first without status while it rings, later with how it ended.
type Call struct {
	CallID    string `json:"call_id" minLength:"1" maxLength:"200" doc:"the contact center's own id of the call"`
	Direction string `json:"direction" enum:"incoming,outgoing"`
	Phone     string `json:"phone" minLength:"1" maxLength:"100" doc:"of the client"`
	Line      string `json:"line,omitempty" maxLength:"100" doc:"the company's number or line"`
	// OperatorID is an operator of the contact center (setting
	// contact_center.operators), UserID a Bitrix24 user; UserID wins. An operator
	// that is not mapped is replaced by operators.fallback, visibly.
	OperatorID string `json:"operator_id,omitempty" maxLength:"100"`
	UserID     int64  `json:"user_id,omitempty" minimum:"0"`
	// Transfers are the operators to whom the call was passed, in order; the last
	// one finished it.
	Transfers []Transfer `json:"transfers,omitempty" maxItems:"20"`
	StartedAt time.Time  `json:"started_at" doc:"RFC 3339 with zone"`
	// Status is how the call ended; empty = it still goes on.
	Status   string `json:"status,omitempty" enum:"answered,missed,busy,declined,cancelled,failed"`
	Duration int    `json:"duration,omitempty" minimum:"0" maximum:"86400" doc:"seconds of talk"`
	// Links to the CRM; a request fills them with what it found or made.
	ContactID int64 `json:"contact_id,omitempty" minimum:"0"`
	CompanyID int64 `json:"company_id,omitempty" minimum:"0"`
	DealID    int64 `json:"deal_id,omitempty" minimum:"0"`
	// Recording is attached when the call has ended.
	Recording *Recording `json:"recording,omitempty"`
}

// Transfer passed a call to another operator.
type Transfer struct {
	OperatorID string    `json:"operator_id,omitempty" maxLength:"100"`
	UserID     int64     `json:"user_id,omitempty" minimum:"0"`
	At         time.Time `json:"at,omitzero"`
}

// Recording says where the sound of a call is: at a URL, or uploaded to us
// before (POST …/contact-center/recordings). wav or mp3, 512 MiB at most.
type Recording struct {
	URL         string `json:"url,omitempty" maxLength:"2000" doc:"https, public"`
	RecordingID string `json:"recording_id,omitempty" maxLength:"64" doc:"answer of the upload"`
	FileName    string `json:"file_name,omitempty" maxLength:"200" doc:"ends in .wav or .mp3; empty = by the URL or the upload"`
}

// AttachRecordingInput is the input of call.attach_recording.
type AttachRecordingInput struct {
	CallID string `json:"call_id" minLength:"1" maxLength:"200"`
	Recording
}

// AttachToCRMInput is the input of call.attach_to_crm: at least one entity.
type AttachToCRMInput struct {
	CallID    string `json:"call_id" minLength:"1" maxLength:"200"`
	ContactID int64  `json:"contact_id,omitempty" minimum:"0"`
	CompanyID int64  `json:"company_id,omitempty" minimum:"0"`
	DealID    int64  `json:"deal_id,omitempty" minimum:"0"`
}

// Directory names of directories.list.
const (
	Pipelines     = "pipelines"
	Stages        = "stages"
	Sources       = "sources"
	Currencies    = "currencies"
	DealTypes     = "deal_types"
	ContactTypes  = "contact_types"
	CompanyTypes  = "company_types"
	DealFields    = "deal_fields"
	ContactFields = "contact_fields"
	CompanyFields = "company_fields"
	Users         = "users"
)

// DirectoriesQuery is the input of directories.list.
type DirectoriesQuery struct {
	Names   []string `json:"names,omitempty" maxItems:"11" enum:"pipelines,stages,sources,currencies,deal_types,contact_types,company_types,deal_fields,contact_fields,company_fields,users" doc:"none = all"` //nolint:lll // one tag
	Refresh bool     `json:"refresh,omitempty" doc:"ask the portal now, whatever the age of what is known"`
}
