package chat2desk

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// newClient adds a client; the caller announces it.
func (c *Company) newClient(identity, phone string) *client {
	cl := &client{ID: next(&c.s.Ids.Client), Identity: identity, ClientPhone: phone, Created: c.tick()}
	c.s.Clients.add(cl)
	c.s.byIdentity[identity] = cl
	return cl
}

// restClient is the full client object of reference §3.2.
func (c *Company) restClient(cl *client) object {
	channels := cl.Channels
	if channels == nil {
		channels = []clientChannel{}
	}
	externals := cl.ExternalIDs
	if externals == nil {
		externals = object{}
	}
	return object{
		"id": cl.ID, "name": cl.shownName(), "username": nil, "assigned_name": orNull(cl.AssignedName), "phone": cl.Identity,
		"client_phone": orNull(cl.ClientPhone), "avatar": orNull(cl.Avatar), "comment": orNull(cl.Comment), "region_id": nil,
		"country_id": nil, "first_client_message": stamp(cl.First), "last_client_message": stamp(cl.Last),
		"extra_comment_1": orNull(cl.Extra[0]), "extra_comment_2": orNull(cl.Extra[1]), "extra_comment_3": orNull(cl.Extra[2]),
		"custom_fields": cl.fields(), "client_external_id": cl.ExternalID, "external_id": cl.ExternalID, "external_ids": externals,
		"channels": channels, "tags": c.tagRows(cl.Tags),
	}
}

// listClients filters by phone, tags and created_after; search and query are
// ignored, as the service does (reference §2.6).
func (c *Company) listClients(q *call) answer {
	tags := q.ids("tags")
	var after time.Time
	if q.has("created_after") {
		day, err := time.ParseInLocation(queryDate, q.text("created_after"), c.options.TimeZone)
		if err != nil {
			return invalid("created_after", "is not a date in the form dd-mm-yyyy")
		}
		after = day
	}
	var kept []*client
	for _, cl := range c.s.Clients.rows {
		if q.matches("phone", cl.Identity) && cl.Created.After(after) && hasAny(cl.Tags, tags) {
			kept = append(kept, cl)
		}
	}
	return listed(ordered(kept, q.params), q.params, c.restClient)
}

func hasAny(have, wanted []int64) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(id int64) bool { return slices.Contains(have, id) })
}

func (c *Company) clientOf(q *call) (*client, answer) {
	cl, ok := c.s.Clients.get(q.path("id"))
	if !ok {
		return nil, unknown("Client", q.r.PathValue("id"))
	}
	return cl, answer{}
}

func (c *Company) getClient(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	return one(c.restClient(cl))
}

// createClient answers a known identity with its id inside the error (case G14).
func (c *Company) createClient(q *call) answer {
	phone, transport, channel := q.text("phone"), q.text("transport"), q.id("channel_id")
	if phone == "" {
		return invalid("phone", "can't be blank")
	}
	if channel == 0 {
		channel = c.channelFor(transport)
	}
	ch := c.channel(channel)
	switch {
	case transport != "" && !slices.Contains(transports, transport):
		return invalid("transport", "transport is incorrect")
	case ch == nil:
		return failure{http.StatusNotFound, TextNotFound, object{"channel_id": []string{"channel not found"}}}.answer()
	case transport == "":
		transport = ch.Transports[0]
	case !slices.Contains(ch.Transports, transport):
		return invalid("transport", "transport is incorrect for this channel")
	}
	if known := c.s.byIdentity[phone]; known != nil {
		details := []string{TextClientExists, fmt.Sprintf(`{"id":%d}`, known.ID)}
		return failure{http.StatusOK, "", object{"client": details}}.answer()
	}
	cl := c.newClient(phone, q.text("assigned_phone"))
	cl.AssignedName = q.text("nickname")
	cl.joinChannel(channel, transport)
	c.raise(HookNewClient, cl.ID, channel, c.tick(), clientEvent(cl))
	return one(c.restClient(cl))
}

// channelFor is the first channel of the company with that transport.
func (c *Company) channelFor(transport string) int64 {
	for _, ch := range c.s.Channels {
		if transport == "" || slices.Contains(ch.Transports, transport) {
			return ch.ID
		}
	}
	return 0
}

func (c *Company) updateClient(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	for key, into := range map[string]*string{
		"nickname": &cl.AssignedName, "comment": &cl.Comment, "assigned_phone": &cl.ClientPhone,
		"extra_comment_1": &cl.Extra[0], "extra_comment_2": &cl.Extra[1], "extra_comment_3": &cl.Extra[2],
	} {
		if _, given := q.params[key]; given {
			*into = q.text(key)
		}
	}
	cl.setFields(q.object("custom_fields"))
	if service := q.text("external_service"); service != "" {
		if cl.ExternalIDs == nil {
			cl.ExternalIDs = map[string]any{}
		}
		cl.ExternalIDs[service] = q.params["external_id"]
	} else if q.has("external_id") {
		cl.ExternalID = q.params["external_id"]
	}
	c.raise(HookClientUpdated, cl.ID, 0, c.tick(), clientEvent(cl))
	return one(c.restClient(cl))
}

func (c *Company) clientTransports(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	out := []object{}
	for _, ch := range cl.Channels {
		out = append(out, object{"channel_id": ch.ID, "transports": ch.Transports})
	}
	return one(out)
}

// lastQuestion is the client's newest message nobody answered.
func (c *Company) lastQuestion(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	var newest *message
	for _, d := range c.dialogsOf(cl) {
		if m := c.unanswered(d); m != nil && (newest == nil || m.ID > newest.ID) {
			newest = m
		}
	}
	if newest == nil {
		return one(nil)
	}
	return one(restMessage(newest))
}

func (c *Company) dialogsOf(cl *client) []*dialog {
	var out []*dialog
	for _, d := range c.s.Dialogs.rows {
		if d.ClientID == cl.ID {
			out = append(out, d)
		}
	}
	return out
}

func (c *Company) clientDialogs(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	return listed(c.dialogsOf(cl), q.params, c.restDialog)
}

// clientQuestions are the client's requests opened in the window of days.
func (c *Company) clientQuestions(q *call) answer {
	cl, bad := c.clientOf(q)
	if cl == nil {
		return bad
	}
	from, to, wrong := c.dateWindow(q)
	if wrong != "" {
		return invalid(wrong, "is not a date in the form dd-mm-yyyy")
	}
	var kept []*request
	for _, r := range c.s.Requests.rows {
		inWindow := !r.Opened.Before(from) && (to.IsZero() || r.Opened.Before(to))
		if r.ClientID == cl.ID && inWindow {
			kept = append(kept, r)
		}
	}
	return listed(ordered(kept, q.params), q.params, restRequest)
}
