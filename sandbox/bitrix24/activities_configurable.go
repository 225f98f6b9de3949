package bitrix24

import (
	"encoding/json"
	"strconv"
)

var (
	errContext   = badRequest("ERROR_WRONG_CONTEXT", "Application context required")
	errOtherApp  = badRequest("ERROR_WRONG_APPLICATION", "Activity can be updated only by the application that created it")
	errIncoming  = badRequest("INCOMING_ACTIVITY_CAN_NOT_BE_WITH_DEADLINE", "Incoming activity can not be with deadline")
	errNoLayout  = badRequest("ERROR_EMPTY_LAYOUT", "Layout should not be empty")
	incomingFlag = "IS_INCOMING_CHANNEL"
)

// configurableAdd makes an activity whose look the application describes
// (bitrix24 reference §4.3). A webhook is told so with a code of its own.
func (c *call) configurableAdd() (any, error) {
	if c.who.kind != authApp {
		return nil, errContext
	}
	if err := c.require("ownerTypeId", "ownerId", "fields", "layout"); err != nil {
		return nil, err
	}
	owner := activityBinding{c.id("ownerTypeId"), c.id("ownerId")}
	if !c.p.state.holds(owner) {
		return nil, errOwner
	}
	a := &activity{App: c.who.app, V: map[string]string{
		"TYPE_ID": typeProvider, "PROVIDER_ID": providerConfigurable, "PROVIDER_TYPE_ID": "CONFIGURABLE", "COMPLETED": "N",
		"RESPONSIBLE_ID": strconv.Itoa(c.who.user), incomingFlag: "N",
	}}
	if err := c.readConfigurable(a); err != nil {
		return nil, err
	}
	a.bind(owner)
	c.saveNew(a)
	return newDict("activity", newDict("id", a.ID)), nil
}

func (c *call) configurableUpdate() (any, error) {
	if err := c.require("id", "fields", "layout"); err != nil {
		return nil, err
	}
	old, err := c.configurable()
	if err != nil {
		return nil, err
	}
	if old.App != c.who.app {
		return nil, errOtherApp
	}
	a := old.clone()
	if err := c.readConfigurable(a); err != nil {
		return nil, err
	}
	c.saveChanged(a)
	return newDict("activity", newDict("id", a.ID)), nil
}

// configurable finds a configurable activity for an application.
func (c *call) configurable() (*activity, error) {
	if c.who.kind != authApp {
		return nil, errContext
	}
	a, ok := c.p.state.activities.get(c.id("id"))
	if !ok || a.V["PROVIDER_ID"] != providerConfigurable {
		return nil, errTodoGone
	}
	return a, nil
}

// readConfigurable takes over fields and layout.
func (c *call) readConfigurable(a *activity) error {
	fields, layout := orEmpty(c.array("fields")), c.array("layout")
	if layout.len() == 0 {
		return errNoLayout
	}
	if err := layoutShape("layout", layout); err != nil {
		return err
	}
	if err := c.readConfigurableFields(a, fields); err != nil {
		return err
	}
	if a.V[incomingFlag] == "Y" && a.V["DEADLINE"] != "" {
		return errIncoming
	}
	a.V["STATUS"] = pick(a.V["COMPLETED"] == "Y", "2", "1")
	header, _ := layout.get("header")
	title, _ := asDict(header).get("title")
	a.V["SUBJECT"] = translated(title)
	a.Layout, _ = json.Marshal(layout)
	return nil
}

func (c *call) readConfigurableFields(a *activity, fields *dict) error {
	for _, name := range fields.keys {
		v, _ := fields.get(name)
		if !c.setConfigurable(a, name, v) {
			return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", name)
		}
	}
	return nil
}

// setConfigurable sets one field; false if its value is wrong. Types other than
// the default one are made by crm.activity.type.add, which is absent here.
func (c *call) setConfigurable(a *activity, name string, v any) bool {
	switch name {
	case "typeId":
		return toStr(v) == "" || toStr(v) == "CONFIGURABLE"
	case "completed", "isIncomingChannel":
		b, ok := toBool(v)
		a.V[pick(name == "completed", "COMPLETED", incomingFlag)] = yn(b)
		return ok
	case "deadline":
		t, ok := c.p.toTime(v)
		if ok {
			a.V["DEADLINE"] = t.UTC().Format(storedMoment)
		}
		return ok || toStr(v) == ""
	case "pingOffsets":
		a.Pings = ints(asDict(v).values())
	case "responsibleId":
		a.V["RESPONSIBLE_ID"] = toStr(v)
		return c.isUser(toStr(v))
	case "badgeCode":
		a.Badge = toStr(v)
		return a.Badge == "" || c.p.state.badge(a.Badge) != nil
	case "originatorId":
		a.V["ORIGINATOR_ID"] = toStr(v)
	case "originId":
		a.V["ORIGIN_ID"] = toStr(v)
	}
	return true
}

func (c *call) configurableGet() (any, error) {
	a, err := c.configurable()
	if err != nil {
		return nil, err
	}
	fields := newDict(
		"typeId", a.V["PROVIDER_TYPE_ID"], "completed", a.V["COMPLETED"] == "Y", "deadline", emptyNil(c.p.shown(a.V["DEADLINE"])),
		"pingOffsets", listOf(a.Pings), "isIncomingChannel", a.V[incomingFlag] == "Y", "responsibleId", toID(a.V["RESPONSIBLE_ID"]),
		"badgeCode", a.Badge, "originatorId", emptyNil(a.V["ORIGINATOR_ID"]), "originId", emptyNil(a.V["ORIGIN_ID"]),
	)
	owner := a.Bindings[0]
	return newDict("activity", newDict(
		"id", a.ID, "ownerTypeId", owner.Kind, "ownerId", owner.ID, "fields", fields, "layout", stored(a.Layout),
	)), nil
}

// badge is a mark that a configurable activity puts on cards of the kanban.
type badge struct {
	ID                       int
	Code, Title, Value, Type string
}

func (s *state) badge(code string) *badge {
	for _, b := range s.badges.all() {
		if b.Code == code {
			return b
		}
	}
	return nil
}

func (b *badge) row() *dict {
	return newDict("code", b.Code, "title", b.Title, "value", b.Value, "type", b.Type)
}

// badgeAdd adds a badge, or replaces the one with the same code.
func (c *call) badgeAdd() (any, error) {
	for _, name := range []string{"code", "title", "value", "type"} {
		if c.require(name) != nil {
			return nil, badRequest("REQUIRED_ARG_MISSING", "Required argument %s is missing", name)
		}
	}
	title, _ := c.param("title")
	value, _ := c.param("value")
	b := &badge{Code: c.str("code"), Title: translated(title), Value: translated(value), Type: c.str("type")}
	if old := c.p.state.badge(b.Code); old != nil {
		b.ID = old.ID
	} else {
		b.ID = c.p.state.badges.newID()
	}
	c.p.state.badges.put(b.ID, b)
	return newDict("badge", b.row()), nil
}

func (c *call) badgeGet() (any, error) {
	b := c.p.state.badge(c.str("code"))
	if b == nil {
		return nil, errTodoGone
	}
	return newDict("badge", b.row()), nil
}

func (c *call) badgeList() (any, error) {
	out := newDict()
	for _, b := range c.p.state.badges.all() {
		out.append(b.row())
	}
	return newDict("badges", out), nil
}

func (c *call) badgeDelete() (any, error) {
	b := c.p.state.badge(c.str("code"))
	if b == nil {
		return nil, errTodoGone
	}
	c.p.state.badges.del(b.ID)
	return true, nil
}
