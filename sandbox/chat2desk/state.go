package chat2desk

import (
	"encoding/json"
	"time"
)

// state is everything the company remembers; it is saved as one JSON document.
type state struct {
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
	QRCodes      map[string]string

	Clients   table[*client]
	Dialogs   table[*dialog]
	Requests  table[*request]
	Messages  table[*message]
	Webhooks  table[*webhook]
	Tickets   table[*ticket]
	Analytics []analyticsRow
	Activity  []operatorEvent // for the statistics

	Pending  []*delivery // filled only when saving
	Settings Settings
	Ids      counters
	LastTime time.Time // the newest time handed out: times only grow
	Month    string    // the month Used counts, YYYY-MM
	Used     int       // API calls of that month

	byIdentity map[string]*client
	byPair     map[[2]int64]*dialog
	byDialog   map[int64][]*message
	byRequest  map[int64][]*message
}

// counters are the last ids given out. They survive a reset, so that no id
// ever means two things to who listens.
type counters struct{ Client, Dialog, Request, Message, Webhook, Ticket, Other int64 }

// newState starts ids where the samples of the reference do.
func newState(seed Seed, settings Settings) *state {
	s := &state{
		Company: seed.Company, Channels: seed.Channels, Operators: seed.Operators, Groups: seed.Groups, TagGroups: seed.TagGroups,
		Tags: seed.Tags, CustomFields: seed.CustomFields, Templates: seed.Templates, MenuItems: seed.MenuItems,
		AccessRights: seed.AccessRights, QRCodes: seed.QRCodes, Settings: settings,
		Ids: counters{Client: 7000, Dialog: 4400, Request: 9900, Message: 880010, Webhook: 50, Other: 1000},
	}
	s.index()
	return s
}

// index rebuilds the lookups that are not saved.
func (s *state) index() {
	s.byIdentity = map[string]*client{}
	s.byPair = map[[2]int64]*dialog{}
	s.byDialog = map[int64][]*message{}
	s.byRequest = map[int64][]*message{}
	for _, cl := range s.Clients.rows {
		s.byIdentity[cl.Identity] = cl
	}
	for _, d := range s.Dialogs.rows {
		s.byPair[[2]int64{d.ClientID, d.ChannelID}] = d
	}
	for _, m := range s.Messages.rows {
		s.indexMessage(m)
	}
}

func (s *state) indexMessage(m *message) {
	s.byDialog[m.DialogID] = append(s.byDialog[m.DialogID], m)
	s.byRequest[m.RequestID] = append(s.byRequest[m.RequestID], m)
}

func next(counter *int64) int64 {
	*counter++
	return *counter
}

// client is a person writing through one messenger identity.
type client struct {
	ID           int64
	Identity     string // the field "phone" of the API: digits or "[tg] 5551"
	Name         string // profile name; "" is shown as the literal "unknown"
	AssignedName string
	ClientPhone  string // a real phone, when the identity is none
	Avatar       string
	Comment      string
	Extra        [3]string
	CustomFields map[string]any
	ExternalID   any
	ExternalIDs  map[string]any
	Channels     []clientChannel
	Tags         []int64
	Created      time.Time
	First, Last  time.Time // of the client's messages
}

type clientChannel struct {
	ID         int64    `json:"id"`
	Transports []string `json:"transports"`
}

// The states of a dialog.
const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// dialog is the long conversation of one client on one channel.
type dialog struct {
	ID, ClientID, ChannelID int64
	Transport, State        string
	Begin, End              time.Time
	OperatorID              int64
	LastRequestID           int64
	LastCommonID            int64 // the last request that is no rating poll
}

// The kinds of requests.
const (
	requestCommon = "common"
	requestRating = "rating"
)

// request is one appeal inside a dialog.
type request struct {
	ID, DialogID, ClientID, ChannelID int64
	Transport, Type                   string
	ByClient                          bool
	Opened, Closed                    time.Time // Closed is zero while open
	OperatorID                        int64
	Tags                              []int64
	Rates                             int64 // the request a rating request judges
	Score                             int
}

// The kinds of messages (reference §5.1); typeNone is a JSON null.
const (
	typeClient    = "from_client"
	typeOperator  = "to_client"
	typeAutoreply = "autoreply"
	typeSystem    = "system"
	typeComment   = "comment"
	typeNone      = ""
)

// Attachment is a file of a message. Link is a full URL.
type Attachment struct {
	Name string `json:"name"`
	Link string `json:"link"`
}

// message is one line of a dialog.
type message struct {
	ID, ClientID, OperatorID, ChannelID, DialogID, RequestID int64
	Type, Transport, Text                                    string
	Created                                                  time.Time
	Read                                                     bool
	Photo, Video, Audio, PDF                                 string
	Attachments                                              []Attachment
	Coordinates                                              string
	ExternalID                                               string
	Status                                                   string
	StatusError                                              string
	Extra                                                    map[string]any
	Buttons                                                  any
	Keyboard                                                 any
	ReplyTo                                                  int64
	Encrypted                                                bool
	FromAPI                                                  bool
	Imported                                                 bool // written in the phone app
	NewRequest, NewClient                                    bool
}

// webhook is a registered receiver of events.
type webhook struct {
	ID           int64
	Name, URL    string
	Events       []string
	Channels     []int64
	Status       string
	Order        int64
	Errors       []webhookError
	Seeded       bool      // registered by Options
	FailingSince time.Time // of the first failure after the last success
}

type webhookError struct {
	Text      string `json:"text"`
	CreatedAt int64  `json:"created_at"`
}

type ticket struct {
	ID, ReporterID, ClientID int64
	Title, Description       string
	Status                   string
	Requests                 []int64
	Created                  time.Time
}

// analyticsRow is one line of web analytics (reference §3.8).
type analyticsRow struct {
	ClientID, RequestID int64
	Created             time.Time
	Values              map[string]string
}

// operatorEvent is one line of the operator_events statistics.
type operatorEvent struct {
	OperatorID int64
	Event      string
	At         time.Time
	DialogID   int64 // that he took or was given; 0 = none
}

func (c *client) rowID() int64  { return c.ID }
func (d *dialog) rowID() int64  { return d.ID }
func (r *request) rowID() int64 { return r.ID }
func (m *message) rowID() int64 { return m.ID }
func (w *webhook) rowID() int64 { return w.ID }
func (t *ticket) rowID() int64  { return t.ID }

// table keeps rows by id in the order they were added, which is that of ids.
type table[T interface{ rowID() int64 }] struct {
	rows []T
	byID map[int64]T
}

func (t *table[T]) add(row T) {
	if t.byID == nil {
		t.byID = map[int64]T{}
	}
	t.rows = append(t.rows, row)
	t.byID[row.rowID()] = row
}

func (t *table[T]) get(id int64) (T, bool) {
	row, ok := t.byID[id]
	return row, ok
}

func (t *table[T]) remove(id int64) {
	delete(t.byID, id)
	kept := t.rows[:0:0]
	for _, row := range t.rows {
		if row.rowID() != id {
			kept = append(kept, row)
		}
	}
	t.rows = kept
}

// MarshalJSON writes the rows as a list.
func (t table[T]) MarshalJSON() ([]byte, error) {
	if t.rows == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(t.rows)
}

// UnmarshalJSON reads the rows and indexes them.
func (t *table[T]) UnmarshalJSON(raw []byte) error {
	var rows []T
	if err := json.Unmarshal(raw, &rows); err != nil {
		return err
	}
	*t = table[T]{}
	for _, row := range rows {
		t.add(row)
	}
	return nil
}
