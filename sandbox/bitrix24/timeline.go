package bitrix24

import (
	"slices"
	"strconv"
)

// logEntry is a record that crm.timeline.logmessage.add put on a timeline.
type logEntry struct {
	ID, Author                 int
	On                         binding
	Title, Text, Icon, Created string
}

func timelineMethods() []method {
	return []method{
		{name: "crm.timeline.bindings.bind", scope: "crm", write: true, run: (*call).bindingAdd},
		{name: "crm.timeline.bindings.list", scope: "crm", run: (*call).bindingList},
		{name: "crm.timeline.bindings.unbind", scope: "crm", write: true, run: (*call).bindingDelete},
		{name: "crm.timeline.bindings.fields", scope: "crm", run: (*call).bindingFields},
		{name: "crm.timeline.logmessage.add", scope: "crm", write: true, run: (*call).logAdd},
		{name: "crm.timeline.logmessage.get", scope: "crm", run: (*call).logGet},
		{name: "crm.timeline.logmessage.list", scope: "crm", run: (*call).logList},
		{name: "crm.timeline.logmessage.delete", scope: "crm", write: true, run: (*call).logDelete},
	}
}

// bindingParams reads the comment and the entity that fields name.
func (c *call) bindingParams() (*comment, binding, error) {
	fields := orEmpty(c.array("fields"))
	owner, _ := fields.get("OWNER_ID")
	found, ok := c.p.state.comments.get(toID(owner))
	if !ok {
		return nil, binding{}, legacy("OWNER_ID is not defined or invalid.")
	}
	if id, _ := fields.get("ENTITY_ID"); toID(id) <= 0 {
		return nil, binding{}, legacy("ENTITY_ID is not defined or invalid.")
	}
	name, _ := fields.get("ENTITY_TYPE")
	if _, ok := kindNamed(toStr(name)); !ok {
		return nil, binding{}, legacy("ENTITY_TYPE is not defined or invalid.")
	}
	b, ok := c.p.state.owner(fields)
	if !ok {
		return nil, binding{}, legacy("ENTITY_ID is not defined or invalid.")
	}
	return found, b, nil
}

// bindingAdd puts a comment on one more timeline; false if it is there already.
func (c *call) bindingAdd() (any, error) {
	found, b, err := c.bindingParams()
	if err != nil {
		return nil, err
	}
	if slices.Contains(found.Bindings, b) {
		return false, nil
	}
	next := *found
	next.Bindings = append(slices.Clone(found.Bindings), b)
	c.p.state.comments.put(next.ID, &next)
	c.p.state.bindComment(next.ID, &next)
	return true, nil
}

func (c *call) bindingDelete() (any, error) {
	found, b, err := c.bindingParams()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(found.Bindings, b) {
		return nil, legacy("Not found.")
	}
	if len(found.Bindings) == 1 { // the last one: a comment is never without a timeline
		return false, nil
	}
	next := *found
	next.Bindings = slices.DeleteFunc(slices.Clone(found.Bindings), func(o binding) bool { return o == b })
	c.p.state.unbindComment(next.ID, b)
	c.p.state.comments.put(next.ID, &next)
	return true, nil
}

func (c *call) bindingList() (any, error) {
	owner, _ := orEmpty(c.array("filter")).get("OWNER_ID")
	found, ok := c.p.state.comments.get(toID(owner))
	if !ok {
		return nil, legacy("OWNER_ID is not defined or invalid.")
	}
	rows := newDict()
	for _, b := range paged(c, found.Bindings, c.start()) {
		rows.append(newDict("OWNER_ID", strconv.Itoa(found.ID), "ENTITY_ID", strconv.Itoa(b.ID), "ENTITY_TYPE", b.Kind))
	}
	return rows, nil
}

func (c *call) bindingFields() (any, error) {
	return newDict(
		"OWNER_ID", describeField("integer", "Timeline record ID", "qi"), "ENTITY_ID", describeField("integer", "Element ID", "qi"),
		"ENTITY_TYPE", describeField("string", "Element type", "qi"),
	), nil
}

// logAdd puts a log entry on a timeline (bitrix24 reference §4.2).
func (c *call) logAdd() (any, error) {
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	get := func(name string) any { v, _ := fields.get(name); return v }
	for _, name := range []string{"entityTypeId", "entityId", "title", "text", "iconCode"} {
		if empty(get(name)) {
			return nil, badRequest("100", "Required fields: %s", name)
		}
	}
	t, ok := c.p.state.entities[toID(get("entityTypeId"))]
	if !ok || !t.exists(toID(get("entityId"))) {
		return nil, errOwner
	}
	entry := &logEntry{
		ID: c.p.state.logs.newID(), Author: c.who.user, On: binding{t.kind.name, toID(get("entityId"))},
		Title: toStr(get("title")), Text: toStr(get("text")), Icon: toStr(get("iconCode")), Created: c.p.stamp(),
	}
	c.p.state.logs.put(entry.ID, entry)
	return newDict("logMessage", c.logRow(entry)), nil
}

func (c *call) logRow(e *logEntry) *dict {
	return newDict("id", e.ID, "created", c.p.shown(e.Created), "authorId", e.Author, "title", e.Title, "text", e.Text, "iconCode", e.Icon)
}

func (c *call) logEntry() (*logEntry, error) {
	e, ok := c.p.state.logs.get(c.id("id"))
	if !ok {
		return nil, badRequest("NOT_FOUND", "Not found")
	}
	return e, nil
}

func (c *call) logGet() (any, error) {
	e, err := c.logEntry()
	if err != nil {
		return nil, err
	}
	return newDict("logMessage", c.logRow(e)), nil
}

func (c *call) logList() (any, error) {
	t, ok := c.p.state.entities[c.id("entityTypeId")]
	if !ok || !t.exists(c.id("entityId")) {
		return nil, errOwner
	}
	var found []*logEntry
	for _, e := range c.p.state.logs.all() {
		if e.On == (binding{t.kind.name, c.id("entityId")}) {
			found = append(found, e)
		}
	}
	rows := newDict()
	for _, e := range paged(c, found, c.start()) {
		rows.append(c.logRow(e))
	}
	return newDict("logMessages", rows), nil
}

func (c *call) logDelete() (any, error) {
	e, err := c.logEntry()
	if err != nil {
		return nil, err
	}
	c.p.state.logs.del(e.ID)
	return nil, nil
}
