package bitrix24

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// activity is a task, call, e-mail or other item with a state on a timeline.
type activity struct {
	ID             int
	V              map[string]string // by classic name, in stored form
	Bindings       []activityBinding // the first is the owner
	Communications []communication
	Params         json.RawMessage `json:",omitempty"` // PROVIDER_PARAMS
	Files          []int           `json:",omitempty"`
}

type activityBinding struct{ Kind, ID int }

type communication struct {
	ID, Kind, Entity int
	Type, Value      string
}

// maxActivityBindings is how many entities one activity may be bound to.
const maxActivityBindings = 100

// activityColumns are the columns of a row in order, with the value of an
// untouched one; "-" stands for null.
var activityColumns = []string{
	"PROVIDER_ID=-", "PROVIDER_TYPE_ID=-", "PROVIDER_GROUP_ID=-", "ASSOCIATED_ENTITY_ID=0", "SUBJECT=", "CREATED=", "LAST_UPDATED=",
	"START_TIME=", "END_TIME=", "DEADLINE=", "COMPLETED=N", "STATUS=1", "RESPONSIBLE_ID=", "PRIORITY=2", "NOTIFY_TYPE=0",
	"NOTIFY_VALUE=0", "DESCRIPTION=", "DESCRIPTION_TYPE=1", "DIRECTION=0", "LOCATION=", "ORIGINATOR_ID=-", "ORIGIN_ID=-", "AUTHOR_ID=",
	"EDITOR_ID=", "PROVIDER_DATA=-", "RESULT_MARK=0", "RESULT_VALUE=-", "RESULT_SUM=-", "RESULT_CURRENCY_ID=-", "RESULT_STATUS=0",
	"RESULT_STREAM=0", "RESULT_SOURCE_ID=-", "AUTOCOMPLETE_RULE=0",
}

// activityReadOnly are the columns that a caller cannot set.
var activityReadOnly = []string{"CREATED", "LAST_UPDATED", "AUTHOR_ID", "EDITOR_ID", "STATUS", "ASSOCIATED_ENTITY_ID", "PROVIDER_GROUP_ID"}

func activityMethods() []method {
	return []method{
		{name: "crm.activity.add", scope: "crm", write: true, run: (*call).activityAdd},
		{name: "crm.activity.update", scope: "crm", write: true, run: (*call).activityUpdate},
		{name: "crm.activity.get", scope: "crm", run: (*call).activityGet},
		{name: "crm.activity.list", scope: "crm", run: (*call).activityList},
		{name: "crm.activity.delete", scope: "crm", write: true, run: (*call).activityDelete},
		{name: "crm.activity.fields", scope: "crm", run: (*call).activityFields},
		{name: "crm.activity.todo.add", scope: "crm", write: true, run: (*call).todoAdd},
		{name: "crm.activity.binding.add", scope: "crm", write: true, run: (*call).activityBind},
		{name: "crm.activity.binding.delete", scope: "crm", write: true, run: (*call).activityUnbind},
		{name: "crm.activity.binding.list", scope: "crm", run: (*call).activityBindings},
		{name: "crm.stagehistory.list", scope: "crm", run: (*call).stageHistory},
	}
}

// dropActivities removes a deleted entity from the activities; one without any goes too.
func (s *state) dropActivities(kindID, id int) {
	gone := activityBinding{kindID, id}
	for _, a := range s.activities.all() {
		if !slices.Contains(a.Bindings, gone) {
			continue
		}
		next := *a
		next.Bindings = slices.DeleteFunc(slices.Clone(a.Bindings), func(b activityBinding) bool { return b == gone })
		if len(next.Bindings) == 0 {
			s.activities.del(a.ID)
		} else {
			s.activities.put(a.ID, &next)
		}
	}
}

// activityRow shows an activity; FILES and COMMUNICATIONS come only when selected.
func (c *call) activityRow(a *activity) *dict {
	owner := a.Bindings[0]
	row := newDict(
		"ID", strconv.Itoa(a.ID), "OWNER_ID", strconv.Itoa(owner.ID), "OWNER_TYPE_ID", strconv.Itoa(owner.Kind), "TYPE_ID", a.V["TYPE_ID"],
	)
	for _, col := range activityColumns {
		name, fallback, _ := strings.Cut(col, "=")
		v, ok := a.V[name]
		switch {
		case name == "CREATED", name == "LAST_UPDATED", name == "DEADLINE", strings.HasSuffix(name, "_TIME"):
			row.set(name, c.p.shown(v))
		case ok:
			row.set(name, v)
		case fallback == "-":
			row.set(name, nil)
		default:
			row.set(name, fallback)
		}
	}
	row.set("SETTINGS", newDict())
	params, err := readJSON(a.Params)
	row.set("PROVIDER_PARAMS", pick(err == nil, params, any(newDict())))
	return row
}

func (a *activity) communications() *dict {
	out := newDict()
	for _, m := range a.Communications {
		out.append(newDict(
			"ID", strconv.Itoa(m.ID), "TYPE", m.Type, "VALUE", m.Value, "ENTITY_ID", strconv.Itoa(m.Entity),
			"ENTITY_TYPE_ID", strconv.Itoa(m.Kind), "ENTITY_SETTINGS", newDict(),
		))
	}
	return out
}

// activityFiles are the files of an activity with their links.
func (c *call) activityFiles(a *activity) *dict {
	out := newDict()
	for _, id := range a.Files {
		if f, ok := c.p.state.files.get(id); ok {
			out.append(newDict("id", f.ID, "url", c.base+"/disk/downloadFile/"+strconv.Itoa(f.ID)+"/"))
		}
	}
	return out
}

// activityAdd makes an activity of the older kind (bitrix24 reference §4.3).
func (c *call) activityAdd() (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	a := &activity{V: map[string]string{}}
	if err := c.readActivity(a, fields); err != nil {
		return nil, err
	}
	get := func(name string) any { v, _ := fields.get(name); return v }
	a.V["TYPE_ID"] = strconv.Itoa(toID(get("TYPE_ID")))
	communications := asDict(get("COMMUNICATIONS"))
	switch {
	case a.V["TYPE_ID"] == "0":
		return nil, legacy("The field TYPE_ID is not defined or invalid.")
	case strings.TrimSpace(a.V["SUBJECT"]) == "":
		return nil, legacy("The field SUBJECT is not defined or empty.")
	case toID(a.V["RESPONSIBLE_ID"]) <= 0:
		return nil, legacy("The field RESPONSIBLE_ID is not defined or invalid.")
	case communications == nil && a.V["TYPE_ID"] != "6":
		return nil, legacy("The field COMMUNICATIONS is not defined or invalid.")
	case communications.len() > 1 && (a.V["TYPE_ID"] == "1" || a.V["TYPE_ID"] == "2"):
		return nil, legacy("The only one communication is allowed for activity of specified type.")
	case a.V["PROVIDER_ID"] == "CONFIGURABLE_REST_APP":
		return nil, legacy("Use crm.activity.configurable.add for this activity provider.")
	case a.V["PROVIDER_ID"] == "REST_APP" && c.who.kind != authApp:
		return nil, legacy("Application context required.")
	}
	c.readCommunications(a, communications)
	owner := activityBinding{toID(get("OWNER_TYPE_ID")), toID(get("OWNER_ID"))}
	if t, ok := c.p.state.entities[owner.Kind]; !ok || !t.exists(owner.ID) {
		return nil, legacy("Could not build binding. Please ensure that owner info and communications are defined correctly.")
	}
	a.bind(owner)
	c.saveNew(a)
	return a.ID, nil
}

func (a *activity) bind(b activityBinding) {
	a.Bindings = append([]activityBinding{b}, slices.DeleteFunc(a.Bindings, func(o activityBinding) bool { return o == b })...)
}

func (c *call) saveNew(a *activity) {
	now := c.p.stamp()
	a.ID = c.p.state.activities.newID()
	a.V["CREATED"], a.V["LAST_UPDATED"] = now, now
	a.V["AUTHOR_ID"], a.V["EDITOR_ID"] = strconv.Itoa(c.who.user), strconv.Itoa(c.who.user)
	for _, name := range []string{"START_TIME", "END_TIME"} {
		if a.V[name] == "" {
			a.V[name] = pick(a.V["DEADLINE"] == "", now, a.V["DEADLINE"])
		}
	}
	if a.V["DEADLINE"] == "" {
		begun := a.V["TYPE_ID"] == "1" || a.V["TYPE_ID"] == "2"
		a.V["DEADLINE"] = a.V[pick(begun, "START_TIME", "END_TIME")]
	}
	c.p.state.activities.put(a.ID, a)
}

// readActivity takes over the writable columns.
func (c *call) readActivity(a *activity, fields *dict) error {
	for _, col := range activityColumns {
		name, _, _ := strings.Cut(col, "=")
		v, ok := fields.get(name)
		if !ok || slices.Contains(activityReadOnly, name) {
			continue
		}
		text := toStr(v)
		if (name == "DEADLINE" || strings.HasSuffix(name, "_TIME")) && text != "" {
			t, ok := c.p.toTime(text)
			if !ok {
				return legacy("The field %s is not defined or invalid.", name)
			}
			text = t.UTC().Format(storedMoment)
		}
		a.V[name] = text
	}
	if a.V["COMPLETED"] == "Y" {
		a.V["STATUS"] = "2"
	} else {
		a.V["STATUS"] = "1"
	}
	if d := asDict(first(fields.get("PROVIDER_PARAMS"))); d != nil {
		a.Params, _ = json.Marshal(d)
	}
	return nil
}

// readCommunications keeps the partners of an activity and binds it to them.
func (c *call) readCommunications(a *activity, list *dict) {
	for _, item := range list.values() {
		d := asDict(item)
		get := func(name string) any { v, _ := d.get(name); return v }
		m := communication{c.p.state.nextFM(), toID(get("ENTITY_TYPE_ID")), toID(get("ENTITY_ID")), toStr(get("TYPE")), toStr(get("VALUE"))}
		a.Communications = append(a.Communications, m)
		if t, ok := c.p.state.entities[m.Kind]; ok && t.exists(m.Entity) {
			a.bind(activityBinding{m.Kind, m.Entity})
		}
	}
}

func (c *call) activity() (*activity, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, legacy("ID is not defined or invalid.")
	}
	a, ok := c.p.state.activities.get(id)
	if !ok {
		return nil, legacy("Activity is not found.")
	}
	return a, nil
}

func (c *call) activityGet() (any, error) {
	a, err := c.activity()
	if err != nil {
		return nil, err
	}
	return c.activityRow(a), nil
}

func (c *call) activityUpdate() (any, error) {
	old, err := c.activity()
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	a := *old
	a.V = map[string]string{}
	for k, v := range old.V {
		a.V[k] = v
	}
	if err := c.readActivity(&a, fields); err != nil {
		return nil, err
	}
	a.V["LAST_UPDATED"], a.V["EDITOR_ID"] = c.p.stamp(), strconv.Itoa(c.who.user)
	c.p.state.activities.put(a.ID, &a)
	return true, nil
}

func (c *call) activityDelete() (any, error) {
	a, err := c.activity()
	if err != nil {
		return nil, err
	}
	c.p.state.activities.del(a.ID)
	return true, nil
}

// activityList filters, orders (by START_TIME if not said otherwise) and pages.
func (c *call) activityList() (any, error) {
	filter := orEmpty(c.array("filter"))
	bound := asDict(first(filter.get("BINDINGS")))
	var rows []*dict
	for _, a := range c.p.state.activities.all() {
		if bound == nil || a.boundTo(bound) {
			rows = append(rows, c.activityRow(a))
		}
	}
	rows = filterRows(rows, filter)
	order := c.array("order")
	if order.len() == 0 {
		order = newDict("START_TIME", "ASC")
	}
	orderRows(rows, order)
	names, out := c.array("select").values(), newDict()
	for _, row := range paged(c, rows, c.start()) {
		shown := selected(row, names)
		id, _ := row.get("ID")
		a := c.p.state.activities.rows[toID(id)]
		if slices.Contains(names, any("COMMUNICATIONS")) {
			shown.set("COMMUNICATIONS", a.communications())
		}
		if slices.Contains(names, any("FILES")) || slices.Contains(names, any("STORAGE_ELEMENT_IDS")) {
			shown.set("FILES", c.activityFiles(a))
		}
		out.append(shown)
	}
	return out, nil
}

// boundTo says whether the activity is bound to one of {OWNER_TYPE_ID, OWNER_ID}.
func (a *activity) boundTo(list *dict) bool {
	return slices.ContainsFunc(list.values(), func(v any) bool {
		d := asDict(v)
		kindID, _ := d.get("OWNER_TYPE_ID")
		id, _ := d.get("OWNER_ID")
		return slices.Contains(a.Bindings, activityBinding{toID(kindID), toID(id)})
	})
}

func (c *call) activityFields() (any, error) {
	out := newDict("ID", describeField("integer", "ID", "r"), "OWNER_ID", describeField("integer", "Owner ID", "i"),
		"OWNER_TYPE_ID", describeField("crm_enum_ownertype", "Owner Type", "i"), "TYPE_ID", describeField("crm_enum_activitytype", "Type", "qi"))
	for _, col := range activityColumns {
		name, _, _ := strings.Cut(col, "=")
		out.set(name, describeField("string", name, pick(slices.Contains(activityReadOnly, name), "r", "")))
	}
	out.set("COMMUNICATIONS", describeField("crm_activity_communication", "Communications", "qm"))
	return out, nil
}

// todoAdd makes a universal activity.
func (c *call) todoAdd() (any, error) {
	for _, name := range []string{"ownerTypeId", "ownerId", "deadline"} {
		if _, ok := c.param(name); !ok {
			return nil, missing(name)
		}
	}
	t, ok := c.p.state.entities[c.id("ownerTypeId")]
	if !ok || !t.exists(c.id("ownerId")) {
		return nil, errOwner
	}
	deadline, ok := c.p.toTime(c.str("deadline"))
	if !ok {
		return nil, badRequest("WRONG_DATETIME_FORMAT", "Wrong datetime format")
	}
	responsible := c.id("responsibleId")
	a := &activity{V: map[string]string{
		"TYPE_ID": "6", "PROVIDER_ID": "CRM_TODO", "PROVIDER_TYPE_ID": "TODO", "SUBJECT": pick(c.str("title") == "", "To-do", c.str("title")),
		"DESCRIPTION": c.str("description"), "DEADLINE": deadline.UTC().Format(storedMoment),
		"RESPONSIBLE_ID": strconv.Itoa(pick(responsible == 0, c.who.user, responsible)),
	}}
	a.bind(activityBinding{t.kind.id, c.id("ownerId")})
	c.saveNew(a)
	return newDict("id", a.ID), nil
}

// activityTarget reads the activity and entity of the binding methods.
func (c *call) activityTarget() (*activity, activityBinding, error) {
	a, ok := c.p.state.activities.get(c.id("activityId"))
	if !ok {
		return nil, activityBinding{}, badRequest("NOT_FOUND", "Element not found")
	}
	b := activityBinding{c.id("entityTypeId"), c.id("entityId")}
	if t, ok := c.p.state.entities[b.Kind]; !ok || !t.exists(b.ID) {
		return nil, b, errOwner
	}
	return a, b, nil
}

func (c *call) activityBind() (any, error) {
	old, b, err := c.activityTarget()
	if err != nil {
		return nil, err
	}
	switch {
	case slices.Contains(old.Bindings, b):
		return nil, badRequest("ACTIVITY_IS_ALREADY_BOUND", "Activity is already bound to this item")
	case len(old.Bindings) >= maxActivityBindings:
		return nil, badRequest("TOO_MANY_BINDINGS", "Too many bindings")
	}
	a := *old
	a.Bindings = append(slices.Clone(old.Bindings), b)
	c.p.state.activities.put(a.ID, &a)
	return true, nil
}

func (c *call) activityUnbind() (any, error) {
	old, b, err := c.activityTarget()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(old.Bindings, b) {
		return nil, badRequest("BINDING_NOT_FOUND", "Binding not found")
	}
	if len(old.Bindings) == 1 {
		return nil, badRequest("LAST_BINDING_CANNOT_BE_DELETED", "The last binding cannot be deleted")
	}
	a := *old
	a.Bindings = slices.DeleteFunc(slices.Clone(old.Bindings), func(o activityBinding) bool { return o == b })
	c.p.state.activities.put(a.ID, &a)
	return true, nil
}

func (c *call) activityBindings() (any, error) {
	a, ok := c.p.state.activities.get(c.id("activityId"))
	if !ok {
		return nil, badRequest("NOT_FOUND", "Element not found")
	}
	out := newDict()
	for _, b := range a.Bindings {
		out.append(newDict("entityTypeId", b.Kind, "entityId", b.ID))
	}
	return out, nil
}
