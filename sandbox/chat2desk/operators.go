package chat2desk

import (
	"slices"
	"strconv"
)

// restOperator shows both generations of accounts (reference §1.2).
func (c *Company) restOperator(op Operator) object {
	out := object{
		"id": op.ID, "email": op.Email, "phone": orNull(op.Phone), "first_name": op.FirstName, "last_name": op.LastName, "avatar": nil,
		"role": op.Role, "online": number(op.Online), "offline_type": orNull(op.OfflineType), "last_visit": nil,
		"opened_dialogs": c.openDialogs(op.ID), "external_id": op.ExternalID, "status_id": op.StatusID, "two_factor": false,
	}
	if op.New {
		out["external_id"] = orNull(op.ExternalID)
		out["status"], out["access_right_id"], out["access_right_name"] = op.Status, op.AccessRight, c.rightName(op.AccessRight)
	}
	return out
}

func (c *Company) rightName(id int64) any {
	for _, right := range c.s.AccessRights {
		if right.ID == id {
			return right.Name
		}
	}
	return nil
}

func (c *Company) openDialogs(operator int64) (count int) {
	for _, d := range c.s.Dialogs.rows {
		if d.OperatorID == operator && d.State == stateOpen {
			count++
		}
	}
	return count
}

func (c *Company) listOperators(q *call) answer {
	var kept []Operator
	for _, op := range c.s.Operators {
		online := !q.has("online") || q.flag("online", false) == op.Online
		if online && q.matches("phone", op.Phone) && q.matches("email", op.Email) && q.matches("role", op.Role) &&
			q.matchesID("status_id", int64(op.StatusID)) {
			kept = append(kept, op)
		}
	}
	return listed(kept, q.params, c.restOperator)
}

func (c *Company) getOperator(q *call) answer {
	op := c.operator(q.path("id"))
	if op == nil {
		return unknown("Operator", q.r.PathValue("id"))
	}
	return one(c.restOperator(*op))
}

// createOperator makes an account of the new generation.
func (c *Company) createOperator(q *call) answer {
	if q.text("email") == "" {
		return invalid("email", "can't be blank")
	}
	if slices.ContainsFunc(c.s.Operators, func(op Operator) bool { return op.Email == q.text("email") }) {
		return refused("email", "already used")
	}
	op := Operator{ID: next(&c.s.Ids.Other), Role: "operator", New: true, Status: "enabled", AccessRight: 1}
	applyOperator(&op, q.params)
	c.s.Operators = append(c.s.Operators, op)
	return one(c.restOperator(op))
}

// updateOperator serves PUT /operators/:id and /operators/statuses/:id.
func (c *Company) updateOperator(q *call) answer {
	op := c.operator(q.path("id"))
	if op == nil {
		return unknown("Operator", q.r.PathValue("id"))
	}
	before := *op
	applyOperator(op, q.params)
	if before != *op {
		c.raiseOperator(op)
	}
	return one(c.restOperator(*op))
}

func applyOperator(op *Operator, p params) {
	for key, into := range map[string]*string{
		"email": &op.Email, "phone": &op.Phone, "first_name": &op.FirstName, "last_name": &op.LastName, "role": &op.Role,
		"offline_type": &op.OfflineType, "external_id": &op.ExternalID, "status": &op.Status,
	} {
		if _, given := p[key]; given {
			*into = p.text(key)
		}
	}
	if p.has("status_id") {
		op.StatusID = int(p.id("status_id"))
	}
	if p.has("access_right_id") {
		op.AccessRight = p.id("access_right_id")
	}
	op.Online = p.flag("online", op.Online)
}

// raiseOperator tells of a changed operator; the id is text there (§4.4).
func (c *Company) raiseOperator(op *Operator) {
	at := c.tick()
	state := "offline"
	switch {
	case op.Online && op.OfflineType != "":
		state = op.OfflineType
	case op.Online:
		state = "online"
	}
	c.s.Activity = append(c.s.Activity, operatorEvent{op.ID, state, at, 0})
	c.raise(HookOperatorStatus, 0, 0, at, object{
		"id": strconv.FormatInt(op.ID, 10), "email": op.Email, "online": number(op.Online), "offline_type": orNull(op.OfflineType),
		"status_id": op.StatusID,
	})
}

// operatorStatuses is a bare list (reference §2.3).
func (c *Company) operatorStatuses(*call) answer {
	names := []string{"offline", "online", "break", "busy", "study", "holiday", "tech break"}
	out := []object{}
	for i, name := range names {
		out = append(out, object{"id": i, "name": object{"en": name, "ru": name}})
	}
	return bare(out)
}

func (c *Company) listGroups(q *call) answer { return listed(c.s.Groups, q.params, plain[Group]) }

func (c *Company) listAccessRights(q *call) answer {
	return listed(c.s.AccessRights, q.params, plain[AccessRight])
}

func (c *Company) getAccessRight(q *call) answer {
	for _, right := range c.s.AccessRights {
		if right.ID == q.path("id") {
			return one(right)
		}
	}
	return unknown("Access right", q.r.PathValue("id"))
}
