package bitrix24

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Activity types that stand for a meeting, a call, and one of a provider.
const (
	typeMeeting  = "1"
	typeCall     = "2"
	typeProvider = "6"
)

// activityAdd makes an activity of the older kind (bitrix24 reference §4.3).
func (c *call) activityAdd() (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	get := func(name string) any { v, _ := fields.get(name); return v }
	a := &activity{V: map[string]string{"TYPE_ID": strconv.Itoa(toID(get("TYPE_ID")))}}
	if err := c.readActivity(a, fields); err != nil {
		return nil, err
	}
	communications := asDict(get("COMMUNICATIONS"))
	if err := c.checkActivity(a, communications); err != nil {
		return nil, err
	}
	c.readCommunications(a, communications)
	owner := activityBinding{toID(get("OWNER_TYPE_ID")), toID(get("OWNER_ID"))}
	if !c.p.state.holds(owner) {
		return nil, legacy("Could not build binding. Please ensure that owner info and communications are defined correctly.")
	}
	a.bind(owner)
	c.saveNew(a)
	return a.ID, nil
}

// checkActivity says what a new activity lacks.
func (c *call) checkActivity(a *activity, communications *dict) error {
	kind, provider := a.V["TYPE_ID"], a.V["PROVIDER_ID"]
	switch {
	case kind == "0":
		return legacy("The field TYPE_ID is not defined or invalid.")
	case strings.TrimSpace(a.V["SUBJECT"]) == "":
		return legacy("The field SUBJECT is not defined or empty.")
	case !c.isUser(a.V["RESPONSIBLE_ID"]):
		return legacy("The field RESPONSIBLE_ID is not defined or invalid.")
	case communications == nil && kind != typeProvider:
		return legacy("The field COMMUNICATIONS is not defined or invalid.")
	case communications.len() > 1 && (kind == typeMeeting || kind == typeCall):
		return legacy("The only one communication is allowed for activity of specified type.")
	case kind == typeProvider && provider == "":
		return legacy("The custom activity without provider is not supported in current context.")
	case provider == providerConfigurable:
		return legacy("Use crm.activity.configurable.add for this activity provider.")
	case provider == providerApp && c.who.kind != authApp:
		return legacy("Application context required.")
	}
	return nil
}

func (c *call) isUser(id string) bool {
	_, ok := c.p.state.users.get(toID(id))
	return ok
}

// saveNew stores a new activity with its dates and author. The deadline follows
// the other times unless the kind of activity has one of its own.
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
	if provider := a.V["PROVIDER_ID"]; provider != providerTodo && provider != providerConfigurable {
		a.deriveDeadline()
	}
	c.p.state.activities.put(a.ID, a)
}

// deriveDeadline takes the deadline from the start of a call or meeting, and
// from the end of anything else: it cannot be set.
func (a *activity) deriveDeadline() {
	a.V["DEADLINE"] = a.V[pick(a.V["TYPE_ID"] == typeMeeting || a.V["TYPE_ID"] == typeCall, "START_TIME", "END_TIME")]
}

// readActivity takes over the writable columns.
func (c *call) readActivity(a *activity, fields *dict) error {
	for _, col := range activityColumns {
		v, ok := fields.get(col[0])
		if !ok || strings.HasPrefix(col[1], "!") || col[0] == "DEADLINE" || col[0] == "STATUS" {
			continue
		}
		text := toStr(v)
		if col[1] == "datetime" && text != "" {
			t, ok := c.p.toTime(text)
			if !ok {
				return legacy("The field %s is not defined or invalid.", col[0])
			}
			text = t.UTC().Format(storedMoment)
		}
		a.V[col[0]] = text
	}
	a.V["STATUS"] = pick(a.V["COMPLETED"] == "Y", "2", "1")
	for name, to := range map[string]*json.RawMessage{"PROVIDER_PARAMS": &a.Params, "SETTINGS": &a.Settings} {
		if d := asDict(first(fields.get(name))); d != nil {
			*to, _ = json.Marshal(d)
		}
	}
	delete(a.V, "PROVIDER_PARAMS")
	delete(a.V, "SETTINGS")
	return nil
}

// readCommunications keeps the partners of an activity and binds it to them.
func (c *call) readCommunications(a *activity, list *dict) {
	a.Communications = nil
	for _, item := range list.values() {
		d := asDict(item)
		get := func(name string) any { v, _ := d.get(name); return v }
		m := communication{c.p.state.nextFM(), toID(get("ENTITY_TYPE_ID")), toID(get("ENTITY_ID")), toStr(get("TYPE")), toStr(get("VALUE"))}
		a.Communications = append(a.Communications, m)
		partner := activityBinding{m.Kind, m.Entity}
		if c.p.state.holds(partner) && !slices.Contains(a.Bindings, partner) {
			a.Bindings = append(a.Bindings, partner)
		}
	}
}

// activityUpdate changes an activity; its owner and type stay.
func (c *call) activityUpdate() (any, error) {
	old, err := c.activity()
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	if err := c.mayUpdate(old); err != nil {
		return nil, err
	}
	a := old.clone()
	if err := c.readActivity(a, fields); err != nil {
		return nil, err
	}
	if strings.TrimSpace(a.V["SUBJECT"]) == "" {
		return nil, legacy("The field SUBJECT is not defined or empty.")
	}
	if !c.isUser(a.V["RESPONSIBLE_ID"]) {
		return nil, legacy("The field RESPONSIBLE_ID is not defined or invalid.")
	}
	if list := asDict(first(fields.get("COMMUNICATIONS"))); list != nil {
		c.readCommunications(a, list)
	}
	if a.V["PROVIDER_ID"] != providerTodo {
		a.deriveDeadline()
	}
	c.saveChanged(a)
	return true, nil
}

func (c *call) mayUpdate(a *activity) error {
	switch provider := a.V["PROVIDER_ID"]; {
	case provider == providerConfigurable:
		return legacy("Use crm.activity.configurable.update for this activity provider.")
	case provider == providerApp && c.who.kind != authApp:
		return legacy("Application context required.")
	}
	return nil
}

// saveChanged stores a changed copy.
func (c *call) saveChanged(a *activity) {
	a.V["LAST_UPDATED"], a.V["EDITOR_ID"] = c.p.stamp(), strconv.Itoa(c.who.user)
	c.p.state.activities.put(a.ID, a)
}
