package contactcenter

import (
	"fmt"
	"slices"

	"puente/internal/strictdoc"
)

// Changes are what an update has to write: only what was given and differs from
// the entity as it is. Nothing is ever blanked out.
type Changes struct {
	Fields  map[string]any `json:"-"`                 // of crm.item.update; empty = all of it is there already
	Changed []string       `json:"changed,omitempty"` // CRM names of Fields, in the order of writing
	Notes   []string       `json:"notes,omitempty"`   // what was done otherwise than asked, and why
	// Differences show both sides of each change; they hold personal data.
	Differences []FieldDifference `json:"-"`
}

// FieldDifference is one field that an update would change. Field is the key of
// the input (last_name, phones, fields.UF_CRM_CITY).
type FieldDifference struct {
	Field  string `json:"field"`
	Yours  any    `json:"yours"`
	Theirs any    `json:"theirs"` // in the CRM now
	// adds says that the change only adds to what is there.
	adds bool
}

// With adds further fields, converted to the types of the portal (see
// ConvertFields), where they differ.
func (c Changes) With(current Entity, more map[string]any) Changes {
	w := writer{current: current, out: c}
	for _, name := range strictdoc.SortedKeys(more) {
		w.set(name, "fields."+name, more[name])
	}
	return w.out
}

// OnlyMissing leaves alone what the entity has a value for: for input that is
// older than a change by a person. Lists still grow, and fields that are
// told anew are written; nil = none. What was left is noted.
func (c Changes) OnlyMissing(anew func(field string) bool) Changes {
	out := Changes{Fields: map[string]any{}, Notes: slices.Clone(c.Notes)}
	for i, d := range c.Differences {
		name := c.Changed[i]
		if !d.adds && !isBlank(d.Theirs) && textOf(d.Theirs) != "0" && (anew == nil || !anew(d.Field)) {
			out.Notes = append(out.Notes, fmt.Sprintf("%s was left as it is: a person changed the CRM after this was told", d.Field))
			continue
		}
		out.Fields[name] = c.Fields[name]
		out.Changed, out.Differences = append(out.Changed, name), append(out.Differences, d)
	}
	return out
}

// Tells says which fields a part of a request (ContactData, DealData …) holds,
// by the names of FieldDifference. A name alone may be a whole name.
func Tells(part any) func(field string) bool {
	tree := treeOf(part)
	return func(field string) bool { return filled(tree, field) || field == "last_name" && filled(tree, "name") }
}

// writer collects fields, in new entities as well: those are written over an
// entity that has nothing.
type writer struct {
	current Entity
	country string   // by which phones are read
	loose   []string // texts that no field holds, for the comments
	out     Changes
}

// set writes a value unless it is empty or there already.
func (w *writer) set(name, key string, value any) {
	if isBlank(value) || same(w.current[name], value) {
		return
	}
	w.put(name, FieldDifference{Field: key, Yours: value, Theirs: w.current[name]}, value)
}

// put writes a value. Changed and Differences go side by side.
func (w *writer) put(name string, d FieldDifference, value any) {
	if w.out.Fields == nil {
		w.out.Fields = map[string]any{}
	}
	if _, again := w.out.Fields[name]; !again {
		w.out.Changed = append(w.out.Changed, name)
		w.out.Differences = append(w.out.Differences, d)
	}
	w.out.Fields[name] = value
}

func (w *writer) setID(name, key string, id int64) {
	if id > 0 && w.current.id(name) != id {
		w.put(name, FieldDifference{Field: key, Yours: id, Theirs: w.current[name]}, id)
	}
}

// join adds ids to a list of the entity.
func (w *writer) join(name, key string, ids []int64, there []int64) {
	all := slices.Clone(there)
	for _, id := range ids {
		if id > 0 && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) > len(there) {
		w.put(name, FieldDifference{Field: key, Yours: ids, Theirs: there, adds: true}, all)
	}
}

func (w *writer) note(format string, args ...any) {
	w.out.Notes = append(w.out.Notes, fmt.Sprintf(format, args...))
}
