package chat2desk

import (
	"fmt"
	"net/http"
	"time"
)

func (c *Company) restDialog(d *dialog) object {
	lines := c.s.byDialog[d.ID]
	var last any
	if len(lines) > 0 {
		m := lines[len(lines)-1]
		last = object{"id": m.ID, "message": orNull(m.Text), "type": orNull(m.Type), "created": stamp(m.Created)}
	}
	return object{
		"id": d.ID, "state": d.State, "begin": stamp(d.Begin), "end": stamp(d.End), "operator_id": idOrNull(d.OperatorID),
		"client_id": d.ClientID, "channel_id": d.ChannelID, "last_message": last, "last_request_id": idOrNull(d.LastRequestID),
		"messages": len(lines),
	}
}

// listDialogs ignores client_id, as the service does (reference §2.6).
func (c *Company) listDialogs(q *call) answer {
	if q.has("state") && q.text("state") != stateOpen && q.text("state") != stateClosed {
		return invalid("state", "state is incorrect")
	}
	var kept []*dialog
	for _, d := range c.s.Dialogs.rows {
		if q.matches("state", d.State) && q.matchesID("operator_id", d.OperatorID) {
			kept = append(kept, d)
		}
	}
	return listed(ordered(kept, q.params), q.params, c.restDialog)
}

// unansweredDialogs are the open ones whose client has waited for at least limit seconds.
func (c *Company) unansweredDialogs(q *call) answer {
	overdue := 600 * time.Second
	if q.has("limit") {
		overdue = time.Duration(q.id("limit")) * time.Second
	}
	var kept []*dialog
	for _, d := range c.s.Dialogs.rows {
		if m := c.unanswered(d); m != nil && d.State == stateOpen && c.now().Sub(m.Created) >= overdue {
			kept = append(kept, d)
		}
	}
	return pageOf(kept, maxLimit, 0, c.restDialog)
}

// unanswered is the client's last message, nil if somebody wrote after it.
func (c *Company) unanswered(d *dialog) *message {
	lines := c.s.byDialog[d.ID]
	for i := len(lines) - 1; i >= 0; i-- {
		switch m := lines[i]; m.Type {
		case typeClient:
			return m
		case typeOperator, typeAutoreply:
			return nil
		}
	}
	return nil
}

func (c *Company) getDialog(q *call) answer {
	d, ok := c.s.Dialogs.get(q.path("id"))
	if !ok {
		return unknown("Dialog", q.r.PathValue("id"))
	}
	return one(c.restDialog(d))
}

// updateDialog assigns and opens or closes (reference §3.3).
func (c *Company) updateDialog(q *call) answer {
	d, ok := c.s.Dialogs.get(q.path("id"))
	if !ok {
		return unknown("Dialog", q.r.PathValue("id"))
	}
	operator, state := q.id("operator_id"), q.text("state")
	switch {
	case operator == 0:
		return invalid("operator_id", "can't be blank")
	case c.operator(operator) == nil:
		return failure{http.StatusNotFound, TextNotFound, "operator not found"}.answer()
	case state == d.State && operator == d.OperatorID:
		return refused("state", "Dialog already has state "+state)
	case state == stateClosed && d.State == stateClosed:
		return refused("state", "Dialog already has state "+state)
	case state != "" && state != stateOpen && state != stateClosed:
		return invalid("state", "state is incorrect")
	}
	if state == stateOpen {
		c.openRequest(d, false)
	}
	if d.OperatorID != operator {
		c.assign(d, operator)
	}
	if state == stateClosed {
		c.closeDialog(d)
	}
	return one(c.restDialog(d))
}

func restRequest(r *request) object {
	state := stateOpen
	if !r.Closed.IsZero() {
		state = stateClosed
	}
	return object{
		"id": r.ID, "dialog_id": r.DialogID, "client_id": r.ClientID, "channel_id": r.ChannelID, "operator_id": idOrNull(r.OperatorID),
		"type": r.Type, "transport": r.Transport, "state": state, "begin": stamp(r.Opened), "end": stamp(r.Closed),
		"tags": idsOf(r.Tags),
	}
}

func idsOf(ids []int64) []int64 {
	if ids == nil {
		return []int64{}
	}
	return ids
}

func (c *Company) getRequest(q *call) answer {
	r, ok := c.s.Requests.get(q.path("id"))
	if !ok {
		return unknown("Request", q.r.PathValue("id"))
	}
	out := restRequest(r)
	out["tags"] = c.tagRows(r.Tags)
	return one(out)
}

// requestMessages answers with a bare list, an error with an object (reference §2.3).
func (c *Company) requestMessages(q *call) answer {
	if _, ok := c.s.Requests.get(q.path("id")); !ok {
		return unknown("Request", q.r.PathValue("id"))
	}
	out := []object{}
	for _, m := range c.s.byRequest[q.path("id")] {
		out = append(out, c.requestMessage(m))
	}
	return bare(out)
}

// closeRequestCall is PUT /requests/close, by request_id or client_id. With the
// request its dialog closes.
func (c *Company) closeRequestCall(q *call) answer {
	var open []*request
	for _, r := range c.s.Requests.rows {
		if q.has("request_id") && r.ID == q.id("request_id") && !r.Closed.IsZero() {
			return refused("state", "Request already has state closed")
		}
		if r.Closed.IsZero() && (r.ID == q.id("request_id") || !q.has("request_id") && r.ClientID == q.id("client_id")) {
			open = append(open, r)
		}
	}
	if len(open) == 0 {
		return failure{http.StatusNotFound, TextNotFound, fmt.Sprintf("Request %s not found", q.text("request_id"))}.answer()
	}
	for _, r := range open {
		if d, ok := c.s.Dialogs.get(r.DialogID); ok {
			c.closeDialog(d)
		}
	}
	return done()
}
