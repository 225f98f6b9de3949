package chat2desk

// Ids, names and secrets of the demo company. The demo portal, the sandbox
// Bitrix24 and the end-to-end tests agree on them.
const (
	DefaultToken = "sandbox-token" // Options.Token when empty

	ChannelWhatsApp int64 = 12
	ChannelTelegram int64 = 13
	ChannelWidget   int64 = 14
	ChannelSMS      int64 = 15
	ChannelExternal int64 = 16 // the only channel POST /messages/inbox accepts

	OperatorAna   int64 = 301
	OperatorBoris int64 = 302 // supervisor
	OperatorChen  int64 = 303 // account of the old generation, mapped to nobody

	TagVIP  int64 = 1
	TagSpam int64 = 2
	TagSale int64 = 3

	FieldCity int64 = 6 // custom client field "City"
)

// Seed is what a company owns before the first client writes. Rows keep the
// ids they are given here.
type Seed struct {
	Company      CompanyInfo
	Channels     []Channel
	Operators    []Operator
	Groups       []Group
	TagGroups    []TagGroup
	Tags         []Tag
	CustomFields []CustomField
	Templates    []Template
	MenuItems    []MenuItem
	AccessRights []AccessRight
	QRCodes      map[string]string // image_path → decoded text
}

// CompanyInfo is the account itself (chat2desk reference §3.6).
type CompanyInfo struct {
	ID           int64
	PartnerID    int64
	Name         string
	AdminEmail   string
	Mode         string
	Hook         string         // pre-2018 webhook: kept and reported, never called
	CloseHook    string         // pre-2018 close webhook: likewise
	CustomFields map[string]any // set by PUT /companies
}

// Channel is one account of the company in a messenger.
type Channel struct {
	ID         int64    `json:"id"`
	Name       string   `json:"name"`
	Phone      string   `json:"phone"`
	Transports []string `json:"transports"`
}

// Operator is a user of Chat2Desk. New marks the account generation of 2026
// (reference §1.2): there Status and AccessRight are the truth and Role is
// not; old accounts have only Role.
type Operator struct {
	ID          int64
	Email       string
	Phone       string
	FirstName   string
	LastName    string
	Role        string
	Online      bool
	OfflineType string
	ExternalID  string
	StatusID    int
	New         bool
	Status      string // enabled, disabled, deleted or admin
	AccessRight int64
}

// Group is a named set of operators.
type Group struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	OperatorIDs []int64 `json:"operator_ids"`
}

// TagGroup holds tags.
type TagGroup struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Tag is a label for clients and requests alike.
type Tag struct {
	ID          int64  `json:"id"`
	GroupID     int64  `json:"group_id"`
	GroupName   string `json:"group_name"`
	Label       string `json:"label"`
	Description string `json:"description"`
}

// CustomField is a field the company defined on its clients.
type CustomField struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	Type          string `json:"type"`
	Value         string `json:"value"`
	Editable      bool   `json:"editable"`
	Viewable      bool   `json:"viewable"`
	TrackingField bool   `json:"tracking_field"`
}

// Template is a prepared answer.
type Template struct {
	ID      int64  `json:"id"`
	Command string `json:"command"`
	Text    string `json:"text"`
	Name    string `json:"name"`
	Created string `json:"created"`
}

// MenuItem is a line of the self-service menu; ChannelID 0 means every channel.
type MenuItem struct {
	ID        int64  `json:"id"`
	ChannelID int64  `json:"channel_id"`
	Level     int64  `json:"level"`
	Text      string `json:"text"`
	Answer    string `json:"-"`
}

// AccessRight is a role of the custom role model.
type AccessRight struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// DemoSeed is the company of puente-dev (design §7).
func DemoSeed() Seed {
	return Seed{
		Company:      CompanyInfo{ID: 479, PartnerID: 1, Name: "Puente Demo", AdminEmail: "admin@example.org", Mode: "standard"},
		Channels:     demoChannels(),
		Operators:    demoOperators(),
		Groups:       []Group{{ID: 21, Name: "Sales", OperatorIDs: []int64{OperatorAna, OperatorBoris}}},
		TagGroups:    []TagGroup{{ID: 1, Name: "Requests"}},
		Tags:         demoTags(),
		CustomFields: demoFields(),
		Templates: []Template{
			{ID: 1, Command: "hi", Text: "Hello! How can I help?", Name: "Greeting", Created: "2026-01-02T09:00:00 UTC"},
		},
		MenuItems: []MenuItem{
			{ID: 1, Level: 1, Text: "Prices", Answer: "Our price list: https://example.org/prices"},
			{ID: 2, Level: 1, Text: "Opening hours", Answer: "Mo-Fr 9:00-18:00"},
		},
		AccessRights: []AccessRight{{ID: 1, Name: "Operator"}, {ID: 2, Name: "Супервайзер (Supervisor)"}, {ID: 3, Name: "Admin"}},
	}
}

func demoChannels() []Channel {
	return []Channel{
		{ID: ChannelWhatsApp, Name: "WhatsApp sales", Phone: "34600000012", Transports: []string{"whatsapp"}},
		{ID: ChannelTelegram, Name: "Telegram bot", Phone: "puente_demo_bot", Transports: []string{"telegram"}},
		{ID: ChannelWidget, Name: "Site widget", Phone: "", Transports: []string{"widget"}},
		{ID: ChannelSMS, Name: "SMS", Phone: "34600000015", Transports: []string{"sms"}},
		{ID: ChannelExternal, Name: "External", Phone: "", Transports: []string{"external"}},
	}
}

func demoOperators() []Operator {
	return []Operator{
		{
			ID: OperatorAna, Email: "ana@example.org", Phone: "+7 700 000 0301", FirstName: "Ana", LastName: "Ruiz", Role: "operator",
			Online: true, StatusID: 1, New: true, Status: "enabled", AccessRight: 1,
		},
		{
			ID: OperatorBoris, Email: "boris@example.org", FirstName: "Boris", LastName: "Petrov", Role: "operator",
			Online: true, StatusID: 1, New: true, Status: "enabled", AccessRight: 2, ExternalID: "boris",
		},
		{ID: OperatorChen, Email: "chen@example.org", FirstName: "Chen", LastName: "Li", Role: "operator", Online: true, StatusID: 1},
	}
}

func demoTags() []Tag {
	tag := func(id int64, label string) Tag {
		return Tag{ID: id, GroupID: 1, GroupName: "Requests", Label: label, Description: label}
	}
	return []Tag{tag(TagVIP, "vip"), tag(TagSpam, "spam"), tag(TagSale, "sale")}
}

func demoFields() []CustomField {
	field := func(id int64, name, kind string) CustomField {
		return CustomField{ID: id, Name: name, Type: kind, Editable: true, Viewable: true}
	}
	return []CustomField{field(FieldCity, "City", "text"), field(7, "Budget", "number"), field(8, "Birthday", "date")}
}
