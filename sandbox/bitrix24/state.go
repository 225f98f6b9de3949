package bitrix24

import "time"

// CRM modes as crm.settings.mode.get answers them.
const (
	crmClassic = 1
	crmSimple  = 2
)

// state is everything a portal knows. Portal.mu guards it.
type state struct {
	entities   map[int]*entities // by entityTypeId
	comments   *records[comment]
	files      *records[file]
	logs       *records[logEntry]
	notes      *records[notification]
	users      *records[user]
	offices    *records[department]
	statuses   *records[status]
	categories *records[category]
	userFields *records[userField]
	currencies *records[currency]
	activities *records[activity]
	requisites *records[requisite]
	addresses  *records[address]
	history    *records[stageChange]
	account    *account
	badges     *records[badge]
	telephony

	timeline map[string][]int // "deal:5" → comment ids
	statusAt map[string]*status
	schema   map[int]*schema // by entityTypeId; rebuilt when user fields change
	tables   map[string]table
	dirty    map[rowKey]struct{}
	keepNote bool
	happened []happening // since events were last published
}

// rowKey names one row of one table.
type rowKey struct {
	table string
	id    int
}

// account is what exists once per portal. It is stored as one row.
type account struct {
	Mode     int
	Lag      time.Duration
	NextFM   int
	Webhooks []webhook
	Apps     []app
	Tokens   []token
	Codes    []authCode
	Handlers []eventHandler
	LastBind int    // the id of the newest handler
	Base     string // the portal's address, as the last request saw it
	Pending  []conversion
	MovedTo  string
	note     func(string, int)
}

const accountTable = "account"

func (a *account) touch() { a.note(accountTable, 1) }

func (p *Portal) newState() *state {
	s := &state{
		entities: map[int]*entities{}, timeline: map[string][]int{}, statusAt: map[string]*status{},
		schema: map[int]*schema{}, tables: map[string]table{}, dirty: map[rowKey]struct{}{}, keepNote: p.opts.Path != "",
	}
	for _, kind := range kinds {
		s.entities[kind.id] = newEntities(kind, s.note)
		s.entities[kind.id].tell = s.tell
		s.tables[kind.name] = s.entities[kind.id]
	}
	s.comments = addTable[comment](s, "comment")
	s.files = addTable[file](s, "file")
	s.logs = addTable[logEntry](s, "log")
	s.notes = addTable[notification](s, "notification")
	s.users = addTable[user](s, "user")
	s.offices = addTable[department](s, "department")
	s.statuses = addTable[status](s, "status")
	s.categories = addTable[category](s, "category")
	s.userFields = addTable[userField](s, "userfield")
	s.currencies = addTable[currency](s, "currency")
	s.activities = addTable[activity](s, "activity")
	s.activities.tell = s.tell
	s.requisites = addTable[requisite](s, "requisite")
	s.addresses = addTable[address](s, "address")
	s.history = addTable[stageChange](s, "stagehistory")
	s.telephony = newTelephony(s)
	s.badges = addTable[badge](s, "badge")
	s.account = &account{NextFM: 1, note: s.note}
	return s
}

func addTable[T any](s *state, name string) *records[T] {
	r := newRecords[T](name, s.note)
	s.tables[name] = r
	return r
}

// note marks a row as changed since it was last on disk.
func (s *state) note(table string, id int) {
	if s.keepNote {
		s.dirty[rowKey{table, id}] = struct{}{}
	}
}

// nextFM reserves an id for a multifield.
func (s *state) nextFM() int {
	s.account.NextFM++
	s.account.touch()
	return s.account.NextFM - 1
}

// reindex rebuilds what is derived from the rows, after they were read from disk.
func (s *state) reindex() {
	for _, id := range s.comments.order {
		s.bindComment(id, s.comments.rows[id])
	}
	for _, st := range s.statuses.all() {
		s.statusAt[statusKey(st.EntityID, st.StatusID)] = st
	}
	for _, k := range kinds {
		s.rebuild(k)
	}
}
