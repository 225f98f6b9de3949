package bitrix24

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// entity is a lead, deal, contact or company. Values are kept by classic name
// in one stored form (see canonical); what follows from others is computed.
type entity struct {
	ID        int
	V         map[string]any
	FM        []multifield `json:",omitempty"`
	Contacts  []link       `json:",omitempty"` // of a deal or lead
	Companies []link       `json:",omitempty"` // of a contact; also the company's contacts
	Observers []int        `json:",omitempty"`
}

// multifield is one phone, e-mail, site or messenger.
type multifield struct {
	ID                     int
	Type, ValueType, Value string
}

// link is one end of a relation between entities.
type link struct {
	ID, Sort, Role int
	Primary        bool
}

func (e *entity) str(name string) string { return toStr(e.V[name]) }
func (e *entity) int(name string) int    { return toID(e.V[name]) }

func (e *entity) clone() *entity {
	c := *e
	c.V = maps.Clone(e.V)
	c.FM = slices.Clone(e.FM)
	c.Contacts, c.Companies, c.Observers = slices.Clone(e.Contacts), slices.Clone(e.Companies), slices.Clone(e.Observers)
	return &c
}

// primary is the id of the primary link, 0 if there is none.
func primary(links []link) int {
	for _, l := range links {
		if l.Primary {
			return l.ID
		}
	}
	return 0
}

func linkIDs(links []link) []int {
	out := make([]int, len(links))
	for i, l := range links {
		out[i] = l.ID
	}
	return out
}

// relink makes links to ids in their order; the first is primary, as the portal
// does when a whole set is written.
func relink(ids []int) []link {
	var out []link
	for _, id := range ids {
		if !slices.ContainsFunc(out, func(l link) bool { return l.ID == id }) {
			out = append(out, link{ID: id, Sort: 10 * (len(out) + 1), Primary: len(out) == 0})
		}
	}
	return out
}

// withPrimary makes id the primary link and keeps the others; 0 removes the primary one.
func withPrimary(links []link, id int) []link {
	rest := slices.DeleteFunc(linkIDs(links), func(n int) bool { return n == id || n == primary(links) })
	if id == 0 {
		return relink(rest)
	}
	return relink(append([]int{id}, rest...))
}

// entities is the table of one kind with its indexes.
type entities struct {
	*records[entity]
	kind  kind
	index map[string]map[int]struct{}
	keys  map[int][]string // what each row is indexed under
}

func newEntities(k kind, note func(string, int)) *entities {
	return &entities{newRecords[entity](k.name, note), k, map[string]map[int]struct{}{}, map[int][]string{}}
}

func (t *entities) put(id int, e *entity) {
	what := pick(t.exists(id), whatUpdate, whatAdd)
	t.keep(id, e)
	t.changed(id, what)
}

// keep stores a row of which nobody is told.
func (t *entities) keep(id int, e *entity) {
	t.records.keep(id, e)
	t.unindex(id)
	for _, key := range t.indexKeys(e) {
		if t.index[key] == nil {
			t.index[key] = map[int]struct{}{}
		}
		t.index[key][id] = struct{}{}
		t.keys[id] = append(t.keys[id], key)
	}
}

func (t *entities) del(id int) {
	t.records.del(id)
	t.unindex(id)
}

func (t *entities) decode(id int, body []byte) error {
	if err := t.records.decode(id, body); err != nil {
		return err
	}
	t.keep(id, t.rows[id])
	return nil
}

func (t *entities) unindex(id int) {
	for _, key := range t.keys[id] {
		delete(t.index[key], id)
		if len(t.index[key]) == 0 {
			delete(t.index, key)
		}
	}
	delete(t.keys, id)
}

// indexed are the fields whose equality filters need no scan.
var indexed = []string{"ORIGIN_ID", "LEAD_ID", "COMPANY_ID", "CONTACT_ID"}

func (t *entities) indexKeys(e *entity) []string {
	var keys []string
	for _, name := range indexed {
		if v := t.value(e, name); !empty(v) {
			keys = append(keys, indexKey(name, toStr(v)))
		}
	}
	for _, l := range e.Contacts {
		keys = append(keys, indexKey("CONTACT_IDS", strconv.Itoa(l.ID)))
	}
	for _, l := range e.Companies {
		keys = append(keys, indexKey("COMPANY_IDS", strconv.Itoa(l.ID)))
	}
	for _, m := range e.FM {
		keys = append(keys, indexKey("FM", m.Type+":"+commKey(m.Type, m.Value)))
	}
	return keys
}

func indexKey(field, value string) string { return field + "\x00" + strings.ToLower(value) }

// under are the ids indexed under a key, ascending.
func (t *entities) under(field, value string) []int {
	return slices.Sorted(maps.Keys(t.index[indexKey(field, value)]))
}

// value is the stored value of a field without a directory look-up; links are
// resolved, computed fields are not.
func (t *entities) value(e *entity, name string) any {
	switch name {
	case "ID":
		return e.ID
	case "CONTACT_ID":
		return zeroNil(primary(e.Contacts))
	case "COMPANY_ID":
		if t.kind.id == kindContact {
			return zeroNil(primary(e.Companies))
		}
	}
	return e.V[name]
}

func zeroNil(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// value is any field of an entity in its stored form, computed ones included.
func (s *state) value(t *entities, e *entity, f *field) any {
	switch {
	case f.flat:
		return flatValue(e, f.classic)
	case f.classic == t.kind.semantics && f.classic != "":
		return s.semantics(t.kind, e)
	}
	switch f.classic {
	case "CONTACT_IDS":
		return anys(s.contactIDs(t, e))
	case "COMPANY_IDS":
		return anys(linkIDs(e.Companies))
	case "OBSERVERS":
		return anys(e.Observers)
	case "HAS_PHONE", "HAS_EMAIL", "HAS_IMOL":
		return hasComm(e, strings.TrimPrefix(f.classic, "HAS_"))
	case "CLOSED":
		return yn(s.semantics(t.kind, e) != "P")
	case "IS_NEW":
		return yn(e.str(t.kind.stage) == s.firstStage(t.kind, e.int("CATEGORY_ID")))
	default:
		return t.value(e, f.classic)
	}
}

// contactIDs are the contacts of a deal, lead or company.
func (s *state) contactIDs(t *entities, e *entity) []int {
	if t.kind.id == kindCompany {
		return s.entities[kindContact].under("COMPANY_IDS", strconv.Itoa(e.ID))
	}
	return linkIDs(e.Contacts)
}

func anys(ids []int) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// compareValues orders two stored values of one field; nothing comes first.
func compareValues(a, b any) int {
	if a == nil || b == nil {
		return cmp.Compare(pick(a == nil, 0, 1), pick(b == nil, 0, 1))
	}
	x, okX := a.(string)
	y, okY := b.(string)
	if okX && okY {
		return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
	}
	fx, _ := toFloat(a)
	fy, _ := toFloat(b)
	return cmp.Compare(fx, fy)
}
