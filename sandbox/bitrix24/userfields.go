package bitrix24

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// userField is a custom field of a kind of entity (bitrix24 reference §3.9).
type userField struct {
	ID                                                int
	EntityID, Name, Type, XMLID                       string
	Sort                                              int
	Multiple, Mandatory, InList, Editable, Searchable bool
	ShowFilter                                        string
	Settings                                          json.RawMessage   `json:",omitempty"`
	Labels                                            map[string]string // label name → text for all languages
	List                                              []option
}

// option is one value of an enumeration.
type option struct {
	ID, Sort     int
	Value, XMLID string
	Default      bool
}

var userTypes = []string{
	"string", "integer", "double", "boolean", "datetime", "date", "money", "url", "address", "enumeration", "file", "employee",
	"crm_status", "iblock_section", "iblock_element", "crm",
}

var labelNames = []string{"EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LIST_FILTER_LABEL", "ERROR_MESSAGE", "HELP_MESSAGE"}

func userFieldMethods() []method {
	var out []method
	for _, k := range kinds {
		prefix := "crm." + k.name + ".userfield."
		bind := func(run func(*call, kind) (any, error)) func(*call) (any, error) {
			return func(c *call) (any, error) { return run(c, k) }
		}
		out = append(out,
			method{name: prefix + "add", scope: "crm", write: true, admin: true, run: bind((*call).userFieldAdd)},
			method{name: prefix + "list", scope: "crm", run: bind((*call).userFieldList)},
			method{name: prefix + "get", scope: "crm", run: bind((*call).userFieldGet)},
			method{name: prefix + "update", scope: "crm", write: true, admin: true, run: bind((*call).userFieldUpdate)},
			method{name: prefix + "delete", scope: "crm", write: true, admin: true, run: bind((*call).userFieldDelete)},
		)
	}
	return out
}

// field is the user field as a member of a schema.
func (u *userField) field() *field {
	kind := u.Type
	return &field{
		classic: u.Name, item: itemName(u.Name), kind: kind, title: u.label("EDIT_FORM_LABEL"), required: u.Mandatory,
		multiple: u.Multiple, inClassic: true, inItem: true, uf: u,
	}
}

func (u *userField) label(name string) string {
	if text := u.Labels[name]; text != "" {
		return text
	}
	return u.Name
}

// describe adds what user fields show in crm.*.fields.
func (u *userField) describe(d *dict, v view) {
	title := u.label("EDIT_FORM_LABEL")
	if v.classic {
		d.set("title", u.Name)
		d.set("listLabel", u.label("LIST_COLUMN_LABEL"))
		d.set("formLabel", title)
		d.set("filterLabel", u.label("LIST_FILTER_LABEL"))
	} else {
		d.set("title", title)
	}
	d.set("settings", u.settings())
	if u.Type == "enumeration" {
		items := newDict()
		for _, o := range u.List {
			items.append(newDict("ID", strconv.Itoa(o.ID), "VALUE", o.Value))
		}
		d.set("items", items)
	}
	if !v.classic {
		d.set("upperName", u.Name)
	}
}

// settings are the stored settings, completed by the defaults of the type.
func (u *userField) settings() *dict {
	out := newDict()
	switch u.Type {
	case "string":
		out = newDict("SIZE", 20, "ROWS", 1, "REGEXP", "", "MIN_LENGTH", 0, "MAX_LENGTH", 0, "DEFAULT_VALUE", "")
	case "integer":
		out = newDict("SIZE", 20, "MIN_VALUE", 0, "MAX_VALUE", 0, "DEFAULT_VALUE", nil)
	case "double":
		out = newDict("PRECISION", 2, "SIZE", 20, "MIN_VALUE", 0, "MAX_VALUE", 0, "DEFAULT_VALUE", nil)
	case "boolean":
		out = newDict("DEFAULT_VALUE", 0, "DISPLAY", "CHECKBOX", "LABEL", newDict("0", "", "1", ""), "LABEL_CHECKBOX", "")
	case "enumeration":
		out = newDict("DISPLAY", "LIST", "LIST_HEIGHT", 1, "CAPTION_NO_VALUE", "", "SHOW_NO_VALUE", "Y")
	}
	if v, err := readJSON(u.Settings); err == nil {
		orEmpty(asDict(v)).each(out.set)
	}
	return out
}

// defaultValue is what a new entity gets in this field; nil for nothing.
func (u *userField) defaultValue() any {
	for _, o := range u.List {
		if o.Default && u.Type == "enumeration" {
			return pick(u.Multiple, any([]any{strconv.Itoa(o.ID)}), any(strconv.Itoa(o.ID)))
		}
	}
	v, _ := u.settings().get("DEFAULT_VALUE")
	switch u.Type {
	case "string":
		return pick(u.Multiple, nil, emptyNil(toStr(v)))
	case "boolean":
		return pick[any](truthy(v), "Y", nil)
	default:
		return nil
	}
}

// option reads a written value of an enumeration: only the id of an option is
// one; anything else is stored as nothing.
func (u *userField) option(text string) any {
	id := toID(text)
	if slices.ContainsFunc(u.List, func(o option) bool { return o.ID == id }) {
		return strconv.Itoa(id)
	}
	return nil
}

// row shows a user field; labels are texts in a list with LANG, maps in get, absent otherwise.
func (u *userField) row(labels func(text string) any) *dict {
	row := newDict(
		"ID", strconv.Itoa(u.ID), "ENTITY_ID", u.EntityID, "FIELD_NAME", u.Name, "USER_TYPE_ID", u.Type, "XML_ID", emptyNil(u.XMLID),
		"SORT", strconv.Itoa(u.Sort), "MULTIPLE", yn(u.Multiple), "MANDATORY", yn(u.Mandatory), "SHOW_FILTER", u.ShowFilter,
		"SHOW_IN_LIST", yn(u.InList), "EDIT_IN_LIST", yn(u.Editable), "IS_SEARCHABLE", yn(u.Searchable), "SETTINGS", u.settings(),
	)
	if labels != nil {
		for _, name := range labelNames {
			row.set(name, labels(u.Labels[name]))
		}
	}
	if u.Type == "enumeration" {
		list := newDict()
		for _, o := range u.List {
			list.append(newDict("ID", strconv.Itoa(o.ID), "SORT", strconv.Itoa(o.Sort), "VALUE", o.Value, "DEF", yn(o.Default), "XML_ID", o.XMLID))
		}
		row.set("LIST", list)
	}
	return row
}

var fieldName = regexp.MustCompile(`^[A-Z0-9_]+$`)

// fullName completes a field code to UF_CRM_….
func fullName(code string) string {
	code = strings.ToUpper(strings.TrimSpace(code))
	if strings.HasPrefix(code, "UF_CRM_") {
		return code
	}
	return "UF_CRM_" + strings.TrimPrefix(code, "UF_")
}

func (c *call) userFieldAdd(k kind) (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	get := func(name string) string { v, _ := fields.get(name); return toStr(v) }
	name := fullName(get("FIELD_NAME"))
	switch {
	case get("FIELD_NAME") == "":
		return nil, legacy("The 'FIELD_NAME' field is not found.")
	case len(name) > 50:
		return nil, badRequest("ERROR_CORE", "Field name is too long (more than 50 characters).")
	case !fieldName.MatchString(name):
		return nil, badRequest("ERROR_CORE", "Field name contains invalid characters. Allowed characters are: A-Z, 0-9 and _.")
	case get("USER_TYPE_ID") == "":
		return nil, legacy("The 'USER_TYPE_ID' field is not found.")
	case !slices.Contains(userTypes, get("USER_TYPE_ID")):
		return nil, badRequest("ERROR_CORE", "Incorrect custom type specified.")
	case c.p.state.schema[k.id].byClassic[name] != nil:
		return nil, badRequest("ERROR_CORE", "Field %s for object %s already exists.", name, k.uf)
	}
	u := &userField{
		EntityID: k.uf, Name: name, Type: get("USER_TYPE_ID"), Sort: 100, InList: true, Editable: true, ShowFilter: "N",
		Labels: map[string]string{},
	}
	if err := c.readUserField(u, fields); err != nil {
		return nil, err
	}
	u.ID = c.p.state.userFields.newID()
	c.p.state.userFields.put(u.ID, u)
	c.p.state.rebuild(k)
	return u.ID, nil
}

// readUserField takes over everything but name and type.
func (c *call) readUserField(u *userField, fields *dict) error {
	flag := func(name string, to *bool) {
		if v, ok := fields.get(name); ok {
			*to = toStr(v) == "Y" || toStr(v) == "1"
		}
	}
	flag("MULTIPLE", &u.Multiple)
	flag("MANDATORY", &u.Mandatory)
	flag("SHOW_IN_LIST", &u.InList)
	flag("EDIT_IN_LIST", &u.Editable)
	flag("IS_SEARCHABLE", &u.Searchable)
	u.Multiple = u.Multiple && u.Type != "boolean"
	fields.each(func(name string, v any) {
		switch name {
		case "XML_ID":
			u.XMLID = toStr(v)
		case "SORT":
			u.Sort = max(toID(v), 1)
		case "SHOW_FILTER":
			u.ShowFilter = pick(toStr(v) == "Y", "I", toStr(v))
		case "SETTINGS":
			u.Settings, _ = json.Marshal(orEmpty(asDict(v)))
		}
	})
	u.readLabels(fields)
	if list := asDict(first(fields.get("LIST"))); list != nil && u.Type == "enumeration" {
		return c.readOptions(u, list)
	}
	return nil
}

func first(v any, _ bool) any { return v }

// readLabels sets the labels: LABEL is for all that are not given. A label may
// be one text or a map by language, of which English, or else any, is kept.
func (u *userField) readLabels(fields *dict) {
	common, _ := fields.get("LABEL")
	for _, name := range labelNames {
		v, given := fields.get(name)
		if byLang, ok := v.(*dict); ok {
			v, _ = byLang.get("en")
			for _, text := range byLang.values() {
				if empty(v) {
					v = text
				}
			}
		}
		switch {
		case given && toStr(v) != "":
			u.Labels[name] = toStr(v)
		case toStr(common) != "" && u.Labels[name] == "":
			u.Labels[name] = toStr(common)
		}
	}
}

// readOptions merges LIST: a row with a known ID changes it, or deletes it with
// DEL=Y; other rows are new.
func (c *call) readOptions(u *userField, list *dict) error {
	for _, item := range list.values() {
		row := orEmpty(asDict(item))
		get := func(name string) string { v, _ := row.get(name); return toStr(v) }
		i := slices.IndexFunc(u.List, func(o option) bool { return o.ID == toID(get("ID")) && o.ID > 0 })
		if i >= 0 && get("DEL") == "Y" {
			u.List = slices.Delete(u.List, i, i+1)
			continue
		}
		o := option{Sort: 500}
		if i >= 0 {
			o = u.List[i]
		}
		o.Value = pick(get("VALUE") == "", o.Value, get("VALUE"))
		o.Sort = pick(get("SORT") == "", o.Sort, toID(get("SORT")))
		o.XMLID = pick(get("XML_ID") == "", o.XMLID, get("XML_ID"))
		o.Default = get("DEF") == "Y" || o.Default && get("DEF") == ""
		if o.XMLID != "" && slices.ContainsFunc(u.List, func(p option) bool { return p.XMLID == o.XMLID && p.ID != o.ID }) {
			return badRequest("ERROR_CORE", "List item with value XML_ID=%s already exists.", o.XMLID)
		}
		if i >= 0 {
			u.List[i] = o
			continue
		}
		o.ID = c.p.state.nextFM()
		o.XMLID = pick(o.XMLID == "", secret()[:32], o.XMLID)
		u.List = append(u.List, o)
	}
	slices.SortStableFunc(u.List, func(a, b option) int { return a.Sort - b.Sort })
	return nil
}

func (c *call) userField(k kind) (*userField, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, legacy("ID is not defined or invalid.")
	}
	u, ok := c.p.state.userFields.get(id)
	if !ok {
		return nil, badRequest("ERROR_NOT_FOUND", "The entity with ID '%d' is not found.", id)
	}
	if u.EntityID != k.uf {
		return nil, &restError{403, "", "Access denied."}
	}
	return u, nil
}

// Languages of label maps.
var languages = []string{"ar", "br", "de", "en", "fr", "hi", "id", "it", "ja", "kz", "la", "ms", "pl", "ru", "sc", "tc", "th", "tr", "ua", "vn"}

func allLanguages(text string) any {
	d := newDict()
	for _, lang := range languages {
		d.set(lang, text)
	}
	return d
}

func (c *call) userFieldGet(k kind) (any, error) {
	u, err := c.userField(k)
	if err != nil {
		return nil, err
	}
	return u.row(allLanguages), nil
}

func (c *call) userFieldList(k kind) (any, error) {
	filter, err := c.arrayParam("filter")
	if err != nil {
		return nil, err
	}
	order, err := c.arrayParam("order")
	if err != nil {
		return nil, err
	}
	var labels func(string) any
	if lang, _ := filter.get("LANG"); !empty(lang) {
		labels = func(text string) any { return emptyNil(text) }
	}
	var rows []*dict
	for _, u := range c.p.state.userFields.all() {
		if u.EntityID == k.uf {
			rows = append(rows, u.row(labels))
		}
	}
	rows = filterRows(rows, filter)
	orderRows(rows, order)
	c.setTotal(len(rows))
	return listOf(rows), nil
}

func (c *call) userFieldUpdate(k kind) (any, error) {
	old, err := c.userField(k)
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	u := *old
	u.List = slices.Clone(old.List)
	u.Labels = map[string]string{}
	for name, text := range old.Labels {
		u.Labels[name] = text
	}
	if err := c.readUserField(&u, fields); err != nil {
		return nil, err
	}
	c.p.state.userFields.put(u.ID, &u)
	c.p.state.rebuild(k)
	return true, nil
}

func (c *call) userFieldDelete(k kind) (any, error) {
	u, err := c.userField(k)
	if err != nil {
		return nil, err
	}
	c.p.state.userFields.del(u.ID)
	c.p.state.rebuild(k)
	return true, nil
}
