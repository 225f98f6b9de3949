// Package settings describes how one portal wants to be served: which entity a
// channel makes, which tags gate, who is notified, which field gets what.
//
// The package is pure. Settings are one document of sections; each accepted
// change makes a new version of the whole document, and every run records the
// version it used.
package settings

// Settings is the whole document. JSON and YAML use the same names.
type Settings struct {
	General   General   `json:"general" yaml:"general"`
	Tags      Tags      `json:"tags" yaml:"tags"`
	Analytics Analytics `json:"analytics" yaml:"analytics"`
	Fields    []Field   `json:"fields" yaml:"fields"`
	Operators Operators `json:"operators" yaml:"operators"`
	CRM       CRM       `json:"crm" yaml:"crm"`
	// ContactCenter is the section of the contact center (product D).
	ContactCenter ContactCenter `json:"contact_center" yaml:"contact_center"`
}

// General holds language, zone and notification habits of the portal.
type General struct {
	Language string `json:"language" yaml:"language"`   // en, es, ru or pt
	TimeZone string `json:"time_zone" yaml:"time_zone"` // IANA name
	// Country is the ISO 3166 code by which local phone numbers are read.
	Country string `json:"country" yaml:"country"`
	// OwnPhones are the company's own numbers: never taken for a client's.
	OwnPhones []string `json:"own_phones,omitempty" yaml:"own_phones,omitempty"`
	// NotifyIncoming sends a Bitrix24 notification for each client message (A9).
	NotifyIncoming bool `json:"notify_incoming" yaml:"notify_incoming"`
	// OpenLinksIn is where links of notifications lead: chat2desk or bitrix24.
	OpenLinksIn string `json:"open_links_in" yaml:"open_links_in"`
	// DialogLink overrides the address of a dialog in notifications: a URL with
	// {portal}, {web}, {dialog}, {client}, {request}; "" = what OpenLinksIn says.
	DialogLink string `json:"dialog_link,omitempty" yaml:"dialog_link,omitempty"`
	// StrictSignature refuses unsigned Chat2Desk webhooks; a wrong signature is always refused.
	StrictSignature bool `json:"strict_signature" yaml:"strict_signature"`
	// SettleSeconds is how long a closed cycle waits for events that are still under way.
	SettleSeconds int `json:"settle_seconds" yaml:"settle_seconds"`
	// RetentionDays is how long raw webhook bodies and transcripts are kept; 0 = for ever.
	RetentionDays int `json:"retention_days" yaml:"retention_days"`
	// Texts overrides shown texts: message id → text (F8).
	Texts map[string]string `json:"texts,omitempty" yaml:"texts,omitempty"`
}

// TagMode says how tags gate what goes to the CRM (A4).
type TagMode string

// The three tag modes.
const (
	TagsIgnore TagMode = "ignore"
	TagsOnly   TagMode = "only_tagged"
	TagsNot    TagMode = "not_tagged"
)

// Tags is the tag gate: any of IDs on the request or the client counts.
type Tags struct {
	Mode TagMode `json:"mode" yaml:"mode"`
	IDs  []int64 `json:"ids,omitempty" yaml:"ids,omitempty"`
}

// Analytics maps web analytics to fields of the deal or lead (A5). Keys:
// utm_source, utm_medium, utm_campaign, utm_content, utm_term, client_id,
// message_id, click_time; values: crm.item field names (utmSource, UF_CRM_…).
type Analytics struct {
	Fields map[string]string `json:"fields,omitempty" yaml:"fields,omitempty"`
	// Combined is a string field that gets all UTM tags together; "" = none.
	Combined string `json:"combined,omitempty" yaml:"combined,omitempty"`
}

// Field maps a Chat2Desk custom client field to fields of the deal and the lead (A6).
type Field struct {
	Custom string `json:"custom" yaml:"custom"` // id of the custom client field as text, or its symbolic name
	Deal   string `json:"deal,omitempty" yaml:"deal,omitempty"`
	Lead   string `json:"lead,omitempty" yaml:"lead,omitempty"`
}

// Operators maps Chat2Desk operators to Bitrix24 users (A8) and names who is told (A9).
type Operators struct {
	Users         []OperatorUser `json:"users,omitempty" yaml:"users,omitempty"`
	Fallback      int64          `json:"fallback,omitempty" yaml:"fallback,omitempty"`       // user for unmapped operators; 0 = the administrator
	Supervisors   []int64        `json:"supervisors,omitempty" yaml:"supervisors,omitempty"` // Bitrix24 users
	Administrator int64          `json:"administrator" yaml:"administrator"`                 // Bitrix24 user
}

// OperatorUser says that a Chat2Desk operator is that Bitrix24 user.
type OperatorUser struct {
	Operator int64 `json:"operator" yaml:"operator"`
	User     int64 `json:"user" yaml:"user"`
}

// CRMMode says whether the portal works with leads.
type CRMMode string

// The CRM modes; auto asks the portal (crm.settings.mode.get).
const (
	ModeAuto    CRMMode = "auto"
	ModeSimple  CRMMode = "simple"
	ModeClassic CRMMode = "classic"
)

// EntityKind is what a channel makes at close: deal, lead or none.
type EntityKind string

// The entities a channel can make; EntityDefault is the default of the CRM mode.
const (
	EntityDefault EntityKind = ""
	EntityDeal    EntityKind = "deal"
	EntityLead    EntityKind = "lead"
	EntityNone    EntityKind = "none"
)

// CRM is the CRM section (A7).
type CRM struct {
	Mode     CRMMode   `json:"mode" yaml:"mode"`
	Channels []Channel `json:"channels,omitempty" yaml:"channels,omitempty"`
	// OnlyOwnPipeline switches off the step "else the newest open deal in any direction".
	OnlyOwnPipeline bool `json:"only_own_pipeline,omitempty" yaml:"only_own_pipeline,omitempty"`
	// CommentOnContact puts the transcript on the contact as well.
	CommentOnContact bool `json:"comment_on_contact,omitempty" yaml:"comment_on_contact,omitempty"`
	// SourceID is the SOURCE of created entities (crm.status, ENTITY_ID SOURCE); "" = the portal's default.
	SourceID string `json:"source_id,omitempty" yaml:"source_id,omitempty"`
	// Currency is the ISO 4217 code of amounts that name none, for fields of the
	// type money; "" = such an amount is a problem.
	Currency string `json:"currency,omitempty" yaml:"currency,omitempty"`
}

// Channel says what one Chat2Desk channel makes.
type Channel struct {
	ID       int64      `json:"id" yaml:"id"`
	Entity   EntityKind `json:"entity" yaml:"entity"`
	Pipeline int64      `json:"pipeline,omitempty" yaml:"pipeline,omitempty"` // categoryId of a deal
	Stage    string     `json:"stage,omitempty" yaml:"stage,omitempty"`       // first stage; "" = the pipeline's first
}
