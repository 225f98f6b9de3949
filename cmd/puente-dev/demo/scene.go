package demo

// The channels and people of the demo company (design §7).
const (
	whatsApp = 12 // makes a deal in pipeline 0
	telegram = 13 // makes a deal in pipeline 1
	widget   = 14 // makes a lead
	sms      = 15 // makes nothing

	ana   = 301 // Bitrix24 user 7
	boris = 302 // supervisor, Bitrix24 user 8
	chen  = 303 // nobody in Bitrix24: the administrator, user 1, stands in

	tagVIP, tagSpam, tagSale = 1, 2, 3

	fieldCity = "6"
)

// The states of a sync that end a wait.
const (
	statusDone      = "done"
	statusSkipped   = "skipped"
	statusFailed    = "failed"
	statusAbandoned = "abandoned"
)

// Scene is one closed cycle of a dialog, and how it is to end.
type Scene struct {
	Title  string
	Person string // the same name is the same person, whatever the channel
	Burst  string // scenes in a row with the same burst are played at once
	// Later waits until all scenes before have ended: dialogs of one person on several channels are independent
	// runs, and the first to be committed makes the deal.
	Later  bool
	Script script
	Expect Expect
}

// Expect is how a scene is to end. Empty fields are not looked at.
type Expect struct {
	Status      string // done, skipped or failed
	Words       string // part of the reason or of the error
	Parked      string // part of the error before a person ran it again
	Kind        string // deal or lead: where the transcript stands
	EntityID    int64
	ContactID   int64             // a contact the CRM had before
	Same        string            // scenes with the same value end at the same entity
	Fields      map[string]string // classic names: CATEGORY_ID, ASSIGNED_BY_ID, UTM_SOURCE …
	Reference   string            // stands in exactly one comment of the entity
	Says        []string          // stand in that comment too
	NoContact   bool              // nobody may be found or made
	MaxRequests int               // HTTP requests to the portal; 0 = not looked at
}

// Known is a contact the CRM had before the day.
type Known struct {
	ID        int64
	Name      string
	Phone     string         // with + and digits only
	OpenDeals map[string]int // pipeline → newest open deal
}

// script is the body of POST /sandbox/dialogs.
type script struct {
	Client     client            `json:"client"`
	ChannelID  int               `json:"channel_id"`
	OperatorID int               `json:"operator_id,omitempty"`
	Tags       []int             `json:"tags,omitempty"`
	UTM        map[string]string `json:"utm,omitempty"`
	Messages   []line            `json:"messages"`
	Repeat     int               `json:"repeat,omitempty"`
	Close      bool              `json:"close"`
	Score      int               `json:"score,omitempty"`
	Deliver    *deliver          `json:"deliver,omitempty"`
}

type client struct {
	ID           int64             `json:"id,omitempty"` // a client that wrote before
	Name         string            `json:"name,omitempty"`
	Phone        string            `json:"phone,omitempty"`
	CustomFields map[string]string `json:"custom_fields,omitempty"`
	Tags         []int             `json:"tags,omitempty"`
}

type line struct {
	From        string       `json:"from"`
	OperatorID  int64        `json:"operator_id,omitempty"`
	Text        string       `json:"text,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`
}

type attachment struct {
	Name string `json:"name"`
	Link string `json:"link"`
}

type deliver struct {
	Duplicate int      `json:"duplicate,omitempty"`
	Shuffle   bool     `json:"shuffle,omitempty"`
	Drop      []string `json:"drop,omitempty"`
	DelayMS   int      `json:"delay_ms,omitempty"`
}

// Programme is what a day holds. Parked are the scenes of the hour in which
// the portal wants a field that nobody fills.
type Programme struct {
	Scenes []Scene
	Parked []Scene
}

// dialogs counts dialogs: one per person and channel.
func (d Programme) dialogs() int {
	seen := map[[2]any]bool{}
	for _, list := range [][]Scene{d.Scenes, d.Parked} {
		for _, s := range list {
			seen[[2]any{s.Person, s.Script.ChannelID}] = true
		}
	}
	return len(seen)
}

// newcomers are the people of the scenes before the parked hour for whom the
// CRM must have exactly one contact more.
func (d Programme) newcomers() int {
	seen := map[string]bool{}
	for _, s := range d.Scenes {
		if s.Expect.Status == statusDone && s.Expect.ContactID == 0 && !s.Expect.NoContact {
			seen[s.Person] = true
		}
	}
	return len(seen)
}
