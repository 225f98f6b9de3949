package bitrix24

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// edit is one write to an entity: what the caller sent, and the entity it becomes.
type edit struct {
	c      *call
	t      *entities
	view   view
	e      *entity
	isNew  bool
	system bool // dates and authors may be set: import
}

// importable are the fields that only an import may set.
var importable = []string{"DATE_CREATE", "DATE_MODIFY", "MOVED_TIME", "CREATED_BY_ID", "MODIFY_BY_ID", "MOVED_BY_ID"}

// create makes an entity of the fields sent and stores it.
func (c *call) create(kindID int, fields *dict, vw view, system bool) (*entity, error) {
	t := c.p.state.entities[kindID]
	ed := &edit{c, t, vw, &entity{V: map[string]any{}}, true, system}
	if err := ed.apply(fields); err != nil {
		return nil, err
	}
	if err := ed.finish(nil); err != nil {
		return nil, err
	}
	ed.e.ID = t.newID()
	ed.defaultTitle()
	t.put(ed.e.ID, ed.e)
	c.p.recordStage(t, ed.e, nil)
	c.p.scheduleConversion(t.kind, ed.e)
	return ed.e, nil
}

// update applies fields to an entity. If nothing is different afterwards,
// nothing is saved: dates and authors stay.
func (c *call) update(t *entities, old *entity, fields *dict, vw view) (*entity, error) {
	ed := &edit{c, t, vw, old.clone(), false, false}
	if err := ed.apply(fields); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(old, ed.e) {
		return old, nil
	}
	if err := ed.finish(old); err != nil {
		return nil, err
	}
	t.put(ed.e.ID, ed.e)
	c.p.recordStage(t, ed.e, old)
	c.p.scheduleConversion(t.kind, ed.e)
	return ed.e, nil
}

// apply takes over every field that the view knows and that may be written;
// unknown ones are ignored without a word (bitrix24 reference §9.11).
func (ed *edit) apply(fields *dict) error {
	sc := ed.c.p.state.schema[ed.t.kind.id]
	for _, name := range fields.keys {
		raw, _ := fields.get(name)
		if done, err := ed.multifields(name, raw); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if f := sc.named(name, ed.view); f != nil && ed.writable(f) {
			if err := ed.set(f, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ed *edit) writable(f *field) bool {
	switch {
	case f.disabled && !ed.view.classic, f.flat:
		return false
	case f.immutable && !ed.isNew && ed.view.classic:
		return false
	case f.readOnly:
		return f.itemWritable && !ed.view.classic || ed.system && slices.Contains(importable, f.classic)
	default:
		return true
	}
}

// multifields handles fm and, in the classic view, PHONE, EMAIL and so on.
func (ed *edit) multifields(name string, raw any) (done bool, err error) {
	if ed.t.kind.id == kindDeal {
		return false, nil
	}
	if ed.view.classic {
		if !slices.Contains(multiOrder, name) {
			return false, nil
		}
		return true, ed.c.p.state.classicFM(ed.e, name, raw)
	}
	if name != "fm" {
		return false, nil
	}
	if ed.isNew {
		return true, ed.c.p.state.addFM(ed.e, raw)
	}
	ed.c.p.state.updateFM(ed.e, raw)
	return true, nil
}

// set stores one field.
func (ed *edit) set(f *field, raw any) error {
	if f.multiple && !ed.view.classic && raw != nil {
		if _, isList := raw.(*dict); !isList {
			return notIterable(raw)
		}
	}
	if ed.keepsOld(f, raw) {
		return nil
	}
	v, err := ed.c.p.canonical(f, raw)
	if err != nil {
		return ed.refused(f, err)
	}
	if !ed.view.classic && f.classic != ed.t.kind.stage { // the stage is checked by finishStage
		err = ed.c.p.state.checkReferences(f, v)
	} else if f.kind == "crm_currency" && v != nil && !ed.c.p.state.exists(f, v) {
		err = notValid(f.title)
	}
	if err != nil {
		return ed.refused(f, err)
	}
	ed.store(f, v)
	return nil
}

// refused puts an error into the words of the view.
func (ed *edit) refused(f *field, err error) error {
	if !ed.view.classic {
		return err
	}
	return legacy(`Invalid value for the "%s" field`, f.title)
}

// keepsOld knows two fields that cannot be emptied: the title, and a multiple
// list, whose old values stay although the call succeeds.
func (ed *edit) keepsOld(f *field, raw any) bool {
	d, isDict := raw.(*dict)
	return f.classic == "TITLE" && empty(raw) || f.kind == "enumeration" && f.multiple && isDict && d.len() == 0
}

func (ed *edit) store(f *field, v any) {
	list, _ := v.([]any)
	n := toID(v)
	links := &ed.e.Contacts
	if ed.t.kind.id == kindContact {
		links = &ed.e.Companies
	}
	switch {
	case f.classic == "OBSERVERS":
		ed.e.Observers = linkIDs(relink(ints(list)))
	case f.classic == "CONTACT_IDS" && ed.t.kind.id == kindCompany:
		ed.e.V["CONTACT_IDS"] = v // moved to the contacts by finish
	case f.classic == "CONTACT_IDS", f.classic == "COMPANY_IDS":
		*links = relink(ed.known(f, ints(list)))
	case f.classic == "CONTACT_ID", f.classic == "COMPANY_ID" && ed.t.kind.id == kindContact:
		if n == 0 || len(ed.known(f, []int{n})) == 1 {
			*links = withPrimary(*links, n)
		}
	case v == nil:
		delete(ed.e.V, f.classic)
	default:
		ed.e.V[f.classic] = v
	}
}

// known drops ids that point nowhere, as the classic methods do.
func (ed *edit) known(f *field, ids []int) []int {
	return slices.DeleteFunc(ids, func(id int) bool { return id == 0 || !ed.c.p.state.exists(f, id) })
}

func ints(list []any) []int {
	out := make([]int, 0, len(list))
	for _, v := range list {
		out = append(out, toID(v))
	}
	return out
}

// finish checks what must hold of a saved entity and fills what follows: stage,
// defaults, authors, dates.
func (ed *edit) finish(old *entity) error {
	if err := ed.finishStage(old); err != nil {
		return err
	}
	if err := ed.required(old); err != nil {
		return err
	}
	if ed.isNew {
		ed.defaults()
	}
	ed.stamps(old)
	ed.moveCompanyContacts()
	return nil
}

// required checks mandatory user fields and, on update, that a contact keeps a name.
func (ed *edit) required(old *entity) error {
	for _, f := range ed.c.p.state.schema[ed.t.kind.id].fields {
		if f.uf == nil || !f.required {
			continue
		}
		if v := ed.e.V[f.classic]; v == nil || reflect.DeepEqual(v, []any{}) {
			return ed.lacks(f.title)
		}
	}
	nameless := ed.e.str("NAME") == "" && ed.e.str("LAST_NAME") == ""
	if ed.t.kind.id == kindContact && old != nil && nameless && !ed.view.classic {
		return ed.lacks("First Name")
	}
	return nil
}

// lacks is the error for a required field without a value.
func (ed *edit) lacks(title string) error {
	if ed.view.classic {
		return legacy(`The "%s" field is required`, title)
	}
	return badRequest("CRM_FIELD_ERROR_REQUIRED", `The "%s" field is required`, title)
}

// defaults are what a new entity gets without being told.
func (ed *edit) defaults() {
	base := map[string]any{"OPENED": "Y", "ASSIGNED_BY_ID": ed.c.who.user}
	now := ed.c.p.clock.Now().In(ed.c.p.zone)
	switch ed.t.kind.id {
	case kindDeal:
		base["BEGINDATE"], base["CLOSEDATE"] = now.Format(storedDate), now.Add(7*24*time.Hour).Format(storedDate)
		base["CURRENCY_ID"] = ed.c.p.state.baseCurrency()
	case kindLead:
		base["CURRENCY_ID"] = ed.c.p.state.baseCurrency()
	case kindContact:
		base["EXPORT"] = "Y"
	case kindCompany:
		base["CURRENCY_ID"] = ed.c.p.state.baseCurrency()
	}
	for _, f := range ed.c.p.state.schema[ed.t.kind.id].fields {
		if f.kind == "crm_status" && f.uf == nil && f.directory != "HONORIFIC" && f.classic != ed.t.kind.stage {
			if first := ed.c.p.state.firstStatus(f.directory); first != "" && ed.t.kind.id != kindLead {
				base[f.classic] = first
			}
		}
	}
	for name, v := range base {
		if ed.e.V[name] == nil {
			ed.e.V[name] = v
		}
	}
	ed.userDefaults()
}

// userDefaults sets the default values of user fields.
func (ed *edit) userDefaults() {
	for _, f := range ed.c.p.state.schema[ed.t.kind.id].fields {
		if f.uf == nil || ed.e.V[f.classic] != nil {
			continue
		}
		if v := f.uf.defaultValue(); v != nil {
			ed.e.V[f.classic] = v
		}
	}
}

func (ed *edit) defaultTitle() {
	name := pick(ed.t.kind.id == kindContact, "NAME", "TITLE")
	if ed.e.str(name) == "" && ed.e.str("LAST_NAME") == "" || name == "TITLE" && ed.e.str(name) == "" {
		ed.e.V[name] = fmt.Sprintf("%s #%d", ed.t.kind.title, ed.e.ID)
	}
}

// stamps sets authors and dates; an import keeps what it set itself.
func (ed *edit) stamps(old *entity) {
	set := func(name string, v any) {
		if !ed.system || ed.e.V[name] == nil {
			ed.e.V[name] = v
		}
	}
	now, user := ed.c.p.stamp(), ed.c.who.user
	set("DATE_MODIFY", now)
	set("MODIFY_BY_ID", user)
	if old == nil {
		set("DATE_CREATE", now)
		set("CREATED_BY_ID", user)
		ed.e.V["LAST_ACTIVITY_TIME"], ed.e.V["LAST_ACTIVITY_BY"] = ed.e.V["DATE_CREATE"], ed.e.V["CREATED_BY_ID"]
	}
	stage := ed.t.kind.stage
	if stage == "" || old != nil && old.str(stage) == ed.e.str(stage) {
		return
	}
	set("MOVED_TIME", now)
	set("MOVED_BY_ID", user)
	if ed.t.kind.id == kindLead {
		delete(ed.e.V, "DATE_CLOSED")
		if ed.c.p.state.semantics(ed.t.kind, ed.e) != "P" {
			ed.e.V["DATE_CLOSED"] = now
		}
	}
}

// moveCompanyContacts writes contactIds of a company where the relation is kept: on the contacts.
func (ed *edit) moveCompanyContacts() {
	list, given := ed.e.V["CONTACT_IDS"].([]any)
	delete(ed.e.V, "CONTACT_IDS")
	if !given || ed.t.kind.id != kindCompany {
		return
	}
	if ed.isNew {
		ed.e.ID = ed.t.next // the id that create takes next
	}
	ed.c.p.state.setCompanyContacts(ed.e.ID, ints(list))
}

// finishStage puts the entity into a stage of its pipeline.
func (ed *edit) finishStage(old *entity) error {
	k := ed.t.kind
	if k.stage == "" {
		return nil
	}
	s, category := ed.c.p.state, ed.e.int("CATEGORY_ID")
	if k.id == kindDeal {
		if ed.e.V["CATEGORY_ID"] = category; s.dealCategory(category) == nil {
			return ed.refused(s.schema[k.id].byClassic["CATEGORY_ID"], notValid("Category"))
		}
	}
	stage := ed.e.str(k.stage)
	moved := old != nil && old.int("CATEGORY_ID") != category && old.str(k.stage) == stage
	if stage == "" || moved {
		ed.e.V[k.stage] = s.firstStage(k, category)
		return nil
	}
	if s.statusAt[statusKey(k.stages(category), stage)] == nil {
		f := s.schema[k.id].byClassic[k.stage]
		return ed.refused(f, notValid(f.title))
	}
	return nil
}

// stages is the directory of the stages of a pipeline.
func (k kind) stages(category int) string {
	if k.id == kindDeal && category > 0 {
		return k.directory + "_" + toStr(category)
	}
	return k.directory
}
