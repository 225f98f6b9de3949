package bitrix24

import (
	"encoding/json"
	"slices"
	"strconv"
)

var (
	errTodoGone      = badRequest("NOT_FOUND", "Not found.")
	errTodoDone      = badRequest("CAN_NOT_UPDATE_COMPLETED_TODO", "Completed activity cannot be updated")
	errTodoDate      = badRequest("WRONG_DATETIME_FORMAT", "Wrong datetime format")
	errTodoColor     = badRequest("CAN_NOT_UPDATE_WRONG_COLOR_TODO", "Wrong color")
	errTodoColorDone = badRequest("CAN_NOT_UPDATE_COLOR_COMPLETED_TODO", "Color of a completed activity cannot be updated")
	errTodoUserDone  = badRequest("CAN_NOT_UPDATE_RESPONSIBLE_USER_COMPLETED_TODO", "Responsible user of a completed activity cannot be updated")
)

// todoColors are the colours of a universal activity besides the default one.
var todoColors = []string{"1", "2", "3", "4", "5", "6", "7"}

// todoSettings are what a universal activity keeps beside the columns.
type todoSettings struct {
	Color  string `json:"COLOR,omitempty"`
	Pings  []int  `json:"PING_OFFSETS,omitempty"`
	Parent int    `json:"PARENT_ACTIVITY_ID,omitempty"`
}

// todoAdd makes a universal activity.
func (c *call) todoAdd() (any, error) {
	if err := c.require("ownerTypeId", "ownerId", "deadline"); err != nil {
		return nil, err
	}
	owner := activityBinding{c.id("ownerTypeId"), c.id("ownerId")}
	if !c.p.state.holds(owner) {
		return nil, errOwner
	}
	a := &activity{V: map[string]string{
		"TYPE_ID": typeProvider, "PROVIDER_ID": providerTodo, "PROVIDER_TYPE_ID": "TODO", "COMPLETED": "N", "SUBJECT": "To-do",
		"RESPONSIBLE_ID": strconv.Itoa(c.who.user),
	}}
	if err := c.readTodo(a); err != nil {
		return nil, err
	}
	a.bind(owner)
	c.saveNew(a)
	return newDict("id", a.ID), nil
}

// readTodo takes over the parameters that add and update share; those not sent stay.
func (c *call) readTodo(a *activity) error {
	deadline, ok := c.p.toTime(c.str("deadline"))
	if !ok {
		return errTodoDate
	}
	a.V["DEADLINE"] = deadline.UTC().Format(storedMoment)
	a.V["START_TIME"], a.V["END_TIME"] = a.V["DEADLINE"], a.V["DEADLINE"]
	for param, column := range map[string]string{"title": "SUBJECT", "description": "DESCRIPTION", "responsibleId": "RESPONSIBLE_ID"} {
		if text := c.str(param); text != "" {
			a.V[column] = text
		}
	}
	if !c.isUser(a.V["RESPONSIBLE_ID"]) {
		return errTodoGone
	}
	return c.readTodoSettings(a)
}

func (c *call) readTodoSettings(a *activity) error {
	var s todoSettings
	_ = json.Unmarshal(a.Settings, &s) // empty on a new one
	if color := c.str("colorId"); color != "" {
		s.Color = color
	}
	if s.Color != "" && !slices.Contains(todoColors, s.Color) {
		return errTodoColor
	}
	if list := c.array("pingOffsets"); list != nil {
		s.Pings = ints(list.values())
	}
	if parent := c.id("parentActivityId"); parent != 0 {
		found, ok := c.p.state.activities.get(parent)
		switch {
		case !ok:
			return errTodoGone
		case found.V["COMPLETED"] == "Y":
			return badRequest("ERROR_PARENT_ACTIVITY_RESTRICT", "Activity cannot be scheduled for a completed one")
		}
		s.Parent = parent
	}
	a.Settings, _ = json.Marshal(s)
	return nil
}

// todo finds a universal activity on the timeline of its owner as a copy to change.
func (c *call) todo(needed ...string) (*activity, error) {
	if err := c.require(append([]string{"id", "ownerTypeId", "ownerId"}, needed...)...); err != nil {
		return nil, err
	}
	owner := activityBinding{c.id("ownerTypeId"), c.id("ownerId")}
	if !c.p.state.holds(owner) {
		return nil, errOwner
	}
	a, ok := c.p.state.activities.get(c.id("id"))
	if !ok || a.V["PROVIDER_ID"] != providerTodo || !slices.Contains(a.Bindings, owner) {
		return nil, errTodoGone
	}
	return a.clone(), nil
}

// saveTodo stores a change of an activity that is not completed.
func (c *call) saveTodo(a *activity, completed error) (any, error) {
	if a.V["COMPLETED"] == "Y" {
		return nil, completed
	}
	c.saveChanged(a)
	return newDict("id", a.ID), nil
}

func (c *call) todoUpdate() (any, error) {
	a, err := c.todo("deadline")
	if err != nil {
		return nil, err
	}
	if err := c.readTodo(a); err != nil {
		return nil, err
	}
	return c.saveTodo(a, errTodoDone)
}

func (c *call) todoDeadline() (any, error) {
	a, err := c.todo("value")
	if err != nil {
		return nil, err
	}
	deadline, ok := c.p.toTime(c.str("value"))
	if !ok {
		return nil, errTodoDate
	}
	a.V["DEADLINE"] = deadline.UTC().Format(storedMoment)
	return c.saveTodo(a, errTodoDone)
}

func (c *call) todoDescription() (any, error) {
	a, err := c.todo("value")
	if err != nil {
		return nil, err
	}
	a.V["DESCRIPTION"] = c.str("value")
	return c.saveTodo(a, errTodoDone)
}

func (c *call) todoColor() (any, error) {
	a, err := c.todo("colorId")
	if err != nil {
		return nil, err
	}
	if err := c.readTodoSettings(a); err != nil {
		return nil, err
	}
	return c.saveTodo(a, errTodoColorDone)
}

func (c *call) todoResponsible() (any, error) {
	a, err := c.todo("responsibleId")
	if err != nil {
		return nil, err
	}
	if c.id("responsibleId") <= 0 {
		return nil, badRequest("INVALID_ARG_VALUE", `Parameter "responsibleId" must be greater than 0`)
	}
	if !c.isUser(c.str("responsibleId")) {
		return nil, errTodoGone
	}
	a.V["RESPONSIBLE_ID"] = c.str("responsibleId")
	return c.saveTodo(a, errTodoUserDone)
}
