package chat2desk

import "slices"

// maxTicketLinks is how many requests one ticket can be linked to (reference §1).
const maxTicketLinks = 20

var ticketStatuses = []string{"new", "in_progress", "done", "closed"}

func restTicket(t *ticket) object {
	return object{
		"id": t.ID, "title": t.Title, "description": t.Description, "status": t.Status, "reporter_id": idOrNull(t.ReporterID),
		"client_id": idOrNull(t.ClientID), "request_ids": idsOf(t.Requests), "created_at": stamp(t.Created),
	}
}

func (c *Company) listTickets(q *call) answer {
	return listed(ordered(c.s.Tickets.rows, q.params), q.params, restTicket)
}

func (c *Company) getTicket(q *call) answer {
	t, ok := c.s.Tickets.get(q.path("id"))
	if !ok {
		return unknown("Ticket", q.r.PathValue("id"))
	}
	return one(restTicket(t))
}

func (c *Company) createTicket(q *call) answer {
	if q.text("title") == "" {
		return invalid("title", "can't be blank")
	}
	t := &ticket{ID: c.s.Ids.Ticket + 1, Status: ticketStatuses[0], Created: c.tick()}
	if bad := applyTicket(t, q.params); bad.status != 0 {
		return bad
	}
	c.s.Ids.Ticket++
	c.s.Tickets.add(t)
	c.raise(HookNewTicket, t.ClientID, 0, t.Created, object{"ticket": restTicket(t)})
	return one(restTicket(t))
}

func (c *Company) updateTicket(q *call) answer {
	t, ok := c.s.Tickets.get(q.path("id"))
	if !ok {
		return unknown("Ticket", q.r.PathValue("id"))
	}
	if bad := applyTicket(t, q.params); bad.status != 0 {
		return bad
	}
	c.raise(HookTicketUpdated, t.ClientID, 0, c.tick(), object{"ticket": restTicket(t)})
	return one(restTicket(t))
}

// applyTicket changes nothing when a parameter is wrong.
func applyTicket(t *ticket, p params) answer {
	if p.has("status") && !slices.Contains(ticketStatuses, p.text("status")) {
		return invalid("status", "status is incorrect")
	}
	if len(p.list("request_ids")) > maxTicketLinks {
		return invalid("request_ids", "too many requests")
	}
	for key, into := range map[string]*string{"title": &t.Title, "description": &t.Description, "status": &t.Status} {
		if p.has(key) {
			*into = p.text(key)
		}
	}
	if p.has("reporter_id") {
		t.ReporterID = p.id("reporter_id")
	}
	if p.has("client_id") {
		t.ClientID = p.id("client_id")
	}
	if p.has("request_ids") {
		t.Requests = p.ids("request_ids")
	}
	return answer{}
}

func (c *Company) deleteTicket(q *call) answer {
	t, ok := c.s.Tickets.get(q.path("id"))
	if !ok {
		return unknown("Ticket", q.r.PathValue("id"))
	}
	c.s.Tickets.remove(t.ID)
	c.raise(HookTicketDeleted, t.ClientID, 0, c.tick(), object{"ticket": restTicket(t)})
	return done()
}
