package bitrix24

import (
	"encoding/json"
	"maps"
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
	Settings       json.RawMessage `json:",omitempty"`
	Files          []int           `json:",omitempty"`

	// Of a configurable activity.
	App    string          `json:",omitempty"`
	Layout json.RawMessage `json:",omitempty"`
	Pings  []int           `json:",omitempty"`
	Badge  string          `json:",omitempty"`
}

type activityBinding struct{ Kind, ID int }

type communication struct {
	ID, Kind, Entity int
	Type, Value      string
}

// maxActivityBindings is how many entities one activity may be bound to.
const maxActivityBindings = 100

// Providers of activities that are made by methods of their own, or by an
// application (bitrix24 reference §4.3).
const (
	providerTodo         = "CRM_TODO"
	providerConfigurable = "CONFIGURABLE_REST_APP"
	providerApp          = "REST_APP"
	providerCall         = "VOXIMPLANT_CALL"
)

// activityColumns are the columns of a row in order: name, type, title, and the
// value of an untouched one, where "-" stands for null. A "!" before the type
// means that a caller cannot set it.
var activityColumns = [][4]string{
	{"PROVIDER_ID", "string", "Provider ID", "-"},
	{"PROVIDER_TYPE_ID", "string", "Provider Type", "-"},
	{"PROVIDER_GROUP_ID", "string", "Connector Type", "-"},
	{"ASSOCIATED_ENTITY_ID", "!integer", "Associated Entity ID", "0"},
	{"SUBJECT", "string", "Subject", ""},
	{"CREATED", "!datetime", "Creation Date", ""},
	{"LAST_UPDATED", "!datetime", "Last Updated Date", ""},
	{"START_TIME", "datetime", "Start", ""},
	{"END_TIME", "datetime", "Deadline", ""},
	{"DEADLINE", "datetime", "Execution Deadline", ""},
	{"COMPLETED", "char", "Completed", "N"},
	{"STATUS", "crm_enum_activitystatus", "Status", "1"},
	{"RESPONSIBLE_ID", "user", "Responsible", ""},
	{"PRIORITY", "crm_enum_activitypriority", "Priority", "2"},
	{"NOTIFY_TYPE", "crm_enum_activitynotifytype", "Notification Type", "0"},
	{"NOTIFY_VALUE", "integer", "Notification Parameter", "0"},
	{"DESCRIPTION", "string", "Description", ""},
	{"DESCRIPTION_TYPE", "crm_enum_contenttype", "Description Type", "1"},
	{"DIRECTION", "crm_enum_activitydirection", "Direction", "0"},
	{"LOCATION", "string", "Location", ""},
	{"SETTINGS", "object", "Settings", ""},
	{"ORIGINATOR_ID", "string", "External Source", "-"},
	{"ORIGIN_ID", "string", "External Code", "-"},
	{"AUTHOR_ID", "!user", "Created By", ""},
	{"EDITOR_ID", "!user", "Edited By", ""},
	{"PROVIDER_PARAMS", "object", "Provider Parameters", ""},
	{"PROVIDER_DATA", "string", "Provider Data", "-"},
	{"RESULT_MARK", "integer", "RESULT_MARK", "0"},
	{"RESULT_VALUE", "double", "RESULT_VALUE", "-"},
	{"RESULT_SUM", "double", "RESULT_SUM", "-"},
	{"RESULT_CURRENCY_ID", "string", "RESULT_CURRENCY_ID", "-"},
	{"RESULT_STATUS", "integer", "RESULT_STATUS", "0"},
	{"RESULT_STREAM", "integer", "RESULT_STREAM", "0"},
	{"RESULT_SOURCE_ID", "string", "RESULT_SOURCE_ID", "-"},
	{"AUTOCOMPLETE_RULE", "integer", "Autocomplete", "0"},
}

func activityMethods() []method {
	return []method{
		{name: "crm.activity.add", scope: "crm", write: true, run: (*call).activityAdd},
		{name: "crm.activity.update", scope: "crm", write: true, run: (*call).activityUpdate},
		{name: "crm.activity.get", scope: "crm", run: (*call).activityGet},
		{name: "crm.activity.list", scope: "crm", run: (*call).activityList},
		{name: "crm.activity.delete", scope: "crm", write: true, run: (*call).activityDelete},
		{name: "crm.activity.fields", scope: "crm", run: (*call).activityFields},
		{name: "crm.activity.communication.fields", scope: "crm", run: (*call).communicationFields},
		{name: "crm.activity.call.getTranscript", scope: "crm", run: (*call).activityTranscript},
		{name: "crm.activity.todo.add", scope: "crm", write: true, run: (*call).todoAdd},
		{name: "crm.activity.todo.update", scope: "crm", write: true, run: (*call).todoUpdate},
		{name: "crm.activity.todo.updateDeadline", scope: "crm", write: true, run: (*call).todoDeadline},
		{name: "crm.activity.todo.updateDescription", scope: "crm", write: true, run: (*call).todoDescription},
		{name: "crm.activity.todo.updateColor", scope: "crm", write: true, run: (*call).todoColor},
		{name: "crm.activity.todo.updateResponsibleUser", scope: "crm", write: true, run: (*call).todoResponsible},
		{name: "crm.activity.configurable.add", scope: "crm", write: true, run: (*call).configurableAdd},
		{name: "crm.activity.configurable.update", scope: "crm", write: true, run: (*call).configurableUpdate},
		{name: "crm.activity.configurable.get", scope: "crm", run: (*call).configurableGet},
		{name: "crm.activity.badge.add", scope: "crm", write: true, admin: true, run: (*call).badgeAdd},
		{name: "crm.activity.badge.get", scope: "crm", run: (*call).badgeGet},
		{name: "crm.activity.badge.list", scope: "crm", run: (*call).badgeList},
		{name: "crm.activity.badge.delete", scope: "crm", write: true, admin: true, run: (*call).badgeDelete},
		{name: "crm.activity.binding.add", scope: "crm", write: true, run: (*call).activityBind},
		{name: "crm.activity.binding.delete", scope: "crm", write: true, run: (*call).activityUnbind},
		{name: "crm.activity.binding.move", scope: "crm", write: true, run: (*call).activityMove},
		{name: "crm.activity.binding.list", scope: "crm", run: (*call).activityBindings},
		{name: "crm.stagehistory.list", scope: "crm", run: (*call).stageHistory},
	}
}

// clone is a copy whose values may be changed; lists are replaced, not changed.
func (a *activity) clone() *activity {
	next := *a
	next.V = maps.Clone(a.V)
	next.Bindings = slices.Clone(a.Bindings)
	return &next
}

// bind makes b the owner.
func (a *activity) bind(b activityBinding) {
	a.Bindings = append([]activityBinding{b}, slices.DeleteFunc(a.Bindings, func(o activityBinding) bool { return o == b })...)
}

// holds says whether an entity is there.
func (s *state) holds(b activityBinding) bool {
	t, ok := s.entities[b.Kind]
	return ok && t.exists(b.ID)
}

// dropActivities removes a deleted entity from the activities: the next entity
// becomes the owner, an activity without any goes too. The record of a call
// stays with the statistics of calls.
func (s *state) dropActivities(kindID, id int) {
	gone := activityBinding{kindID, id}
	for _, a := range s.activities.all() {
		if !slices.Contains(a.Bindings, gone) {
			continue
		}
		next := a.clone()
		next.Bindings = slices.DeleteFunc(next.Bindings, func(b activityBinding) bool { return b == gone })
		if len(next.Bindings) == 0 {
			s.activities.del(a.ID)
		} else {
			s.activities.put(a.ID, next)
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
		v, ok := a.V[col[0]]
		switch {
		case col[0] == "SETTINGS":
			row.set(col[0], stored(a.Settings))
		case col[0] == "PROVIDER_PARAMS":
			row.set(col[0], stored(a.Params))
		case strings.HasSuffix(col[1], "datetime"):
			row.set(col[0], c.p.shown(v))
		case ok:
			row.set(col[0], v)
		case col[3] == "-":
			row.set(col[0], nil)
		default:
			row.set(col[0], col[3])
		}
	}
	return row
}

// stored reads what was kept as JSON; nothing is an empty array.
func stored(raw json.RawMessage) any {
	v, err := readJSON(raw)
	if err != nil {
		return newDict()
	}
	return v
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

// activity finds the activity that the parameter id of the older methods names.
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

// activityDelete removes an activity of any kind.
func (c *call) activityDelete() (any, error) {
	a, err := c.activity()
	if err != nil {
		return nil, err
	}
	if a.V["PROVIDER_ID"] == providerApp && c.who.kind != authApp {
		return nil, legacy("Application context required.")
	}
	c.p.state.activities.del(a.ID)
	return true, nil
}

// activityFields describes the columns and what is not shown in rows.
func (c *call) activityFields() (any, error) {
	out := newDict("ID", describeField("integer", "ID", "r"), "OWNER_ID", describeField("integer", "Owner ID", "i"),
		"OWNER_TYPE_ID", describeField("crm_enum_ownertype", "Owner Type", "i"), "TYPE_ID", describeField("crm_enum_activitytype", "Type", "qi"))
	for _, col := range activityColumns {
		kind, readOnly := strings.CutPrefix(col[1], "!")
		required := col[0] == "SUBJECT" || col[0] == "RESPONSIBLE_ID"
		out.set(col[0], describeField(kind, col[2], pick(readOnly, "r", "")+pick(required, "q", "")))
	}
	out.set("BINDINGS", describeField("crm_activity_binding", "Bindings", "rm"))
	out.set("COMMUNICATIONS", describeField("crm_activity_communication", "Communication Channel", "qm"))
	out.set("FILES", describeField("diskfile", "Files", "m"))
	out.set("IS_INCOMING_CHANNEL", describeField("char", "IS_INCOMING_CHANNEL", "r"))
	return out, nil
}

func (c *call) communicationFields() (any, error) {
	return newDict(
		"ID", describeField("integer", "ID", "r"), "ACTIVITY_ID", describeField("integer", "Activity", "r"),
		"ENTITY_ID", describeField("integer", "Entity element ID", ""), "ENTITY_TYPE_ID", describeField("integer", "Entity type", ""),
		"TYPE", describeField("string", "Type", ""), "VALUE", describeField("string", "Value", ""),
	), nil
}

// activityTranscript gives the transcript that the portal's own speech
// recognition made of a call: there is none here, hence null for every call.
func (c *call) activityTranscript() (any, error) {
	_, err := c.bindingActivity()
	return nil, err
}
