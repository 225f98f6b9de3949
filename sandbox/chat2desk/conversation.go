package chat2desk

import (
	"slices"
	"time"
)

// dialogOf is the one dialog of a client on a channel. A new one is closed:
// the first request opens it.
func (c *Company) dialogOf(cl *client, channel int64, transport string) *dialog {
	pair := [2]int64{cl.ID, channel}
	if d := c.s.byPair[pair]; d != nil {
		return d
	}
	d := &dialog{ID: next(&c.s.Ids.Dialog), ClientID: cl.ID, ChannelID: channel, Transport: transport, State: stateClosed}
	c.s.Dialogs.add(d)
	c.s.byPair[pair] = d
	cl.joinChannel(channel, transport)
	return d
}

func (c *client) joinChannel(channel int64, transport string) {
	for i := range c.Channels {
		if c.Channels[i].ID == channel {
			if !slices.Contains(c.Channels[i].Transports, transport) {
				c.Channels[i].Transports = append(c.Channels[i].Transports, transport)
			}
			return
		}
	}
	c.Channels = append(c.Channels, clientChannel{channel, []string{transport}})
}

// currentRequest is the open request of the dialog, nil if it is closed.
func (c *Company) currentRequest(d *dialog) *request {
	if r, ok := c.s.Requests.get(d.LastRequestID); ok && r.Closed.IsZero() && d.State == stateOpen {
		return r
	}
	return nil
}

// openRequest returns the open request, or opens the dialog with a new one.
// The client's own request has no operator until somebody takes it.
func (c *Company) openRequest(d *dialog, byClient bool) (r *request, opened bool) {
	if r = c.currentRequest(d); r != nil {
		return r, false
	}
	at := c.tick()
	if d.State == stateClosed {
		d.State, d.Begin, d.End = stateOpen, at, time.Time{}
	}
	if byClient {
		d.OperatorID = 0
	}
	return c.newRequest(d, requestCommon, byClient, at), true
}

func (c *Company) newRequest(d *dialog, kind string, byClient bool, at time.Time) *request {
	r := &request{
		ID: next(&c.s.Ids.Request), DialogID: d.ID, ClientID: d.ClientID, ChannelID: d.ChannelID, Transport: d.Transport,
		Type: kind, ByClient: byClient, Opened: at, OperatorID: d.OperatorID,
	}
	c.s.Requests.add(r)
	d.LastRequestID = r.ID
	if kind == requestCommon {
		d.LastCommonID = r.ID
	}
	c.raise(HookNewRequest, d.ClientID, d.ChannelID, at, object{
		"request_id": r.ID, "client_id": d.ClientID, "dialog_id": d.ID, "channel_id": d.ChannelID, "transport": d.Transport,
		"type": kind, "by_client": byClient,
	})
	return r
}

// assign gives the dialog and its open request to an operator.
func (c *Company) assign(d *dialog, operator int64) {
	event := "take chat"
	if d.OperatorID != 0 && d.OperatorID != operator {
		event = "transfer chat"
	}
	at := c.tick()
	d.OperatorID = operator
	if r := c.currentRequest(d); r != nil {
		r.OperatorID = operator
	}
	c.s.Activity = append(c.s.Activity, operatorEvent{operator, event, at, d.ID})
	c.raise(HookTransferred, d.ClientID, d.ChannelID, at, object{
		"dialog_id": d.ID, "client_id": d.ClientID, "request_id": idOrNull(d.LastRequestID), "operator_id": operator,
	})
}

// closeDialog closes the open request and the dialog, then polls for a rating.
func (c *Company) closeDialog(d *dialog) *request {
	r := c.currentRequest(d)
	if r != nil {
		c.closeRequest(r)
	}
	at := c.tick()
	d.State, d.End = stateClosed, at
	c.raise(HookCloseDialog, d.ClientID, d.ChannelID, at, object{
		"dialog_id": d.ID, "client_id": d.ClientID, "operator_id": idOrNull(d.OperatorID),
	})
	if r != nil && r.Type == requestCommon && c.s.Settings.Rating {
		c.poll(d, r)
	}
	return r
}

func (c *Company) closeRequest(r *request) {
	r.Closed = c.tick()
	c.raise(HookCloseRequest, r.ClientID, r.ChannelID, r.Closed, object{"request_id": r.ID, "client_id": r.ClientID})
}

// poll asks for a rating: a request of its own, with one message of no type
// that raises no event, closed at once.
func (c *Company) poll(d *dialog, judged *request) {
	r := c.newRequest(d, requestRating, false, c.tick())
	r.Rates = judged.ID
	c.store(&message{
		ClientID: d.ClientID, ChannelID: d.ChannelID, DialogID: d.ID, RequestID: r.ID, Type: typeNone, Transport: d.Transport,
		Text: "Please rate our work from 1 to 5", Status: "sent",
	})
	c.closeRequest(r)
}

// store gives a message its id and time and keeps it.
func (c *Company) store(m *message) *message {
	m.ID, m.Created = next(&c.s.Ids.Message), c.tick()
	c.s.Messages.add(m)
	c.s.indexMessage(m)
	if m.Type != typeClient {
		return m
	}
	if cl, ok := c.s.Clients.get(m.ClientID); ok {
		if cl.First.IsZero() {
			cl.First = m.Created
		}
		cl.Last = m.Created
	}
	return m
}

// say puts a message into the dialog and tells the webhooks. It belongs to the
// open request, or to the last one that was no poll when the dialog stays closed.
func (c *Company) say(d *dialog, m *message) *message {
	m.ClientID, m.ChannelID, m.DialogID, m.RequestID = d.ClientID, d.ChannelID, d.ID, d.LastCommonID
	if m.Transport == "" {
		m.Transport = d.Transport
	}
	if m.Type == typeClient {
		m.OperatorID = d.OperatorID
	}
	c.store(m)
	c.raiseMessage(m)
	if c.s.Settings.OutboxStatus && m.reachesClient() {
		c.raiseStatus(m, "delivered", "")
	}
	return m
}

// hear is a message of the client: it opens a request if none is open.
func (c *Company) hear(d *dialog, m *message) *message {
	cl, _ := c.s.Clients.get(d.ClientID)
	m.Type, m.NewClient = typeClient, cl != nil && cl.First.IsZero()
	_, m.NewRequest = c.openRequest(d, true)
	return c.say(d, m)
}

func (m *message) reachesClient() bool {
	return m.Type == typeOperator || m.Type == typeAutoreply || m.Type == typeNone
}

// raiseStatus tells how the delivery of a message went.
func (c *Company) raiseStatus(m *message, status, problem string) {
	m.Status, m.StatusError = status, problem
	data := object{"message_id": m.ID, "client_id": m.ClientID, "status": status, "error": orNull(problem)}
	if m.ExternalID != "" {
		data["external_id"] = m.ExternalID
	}
	c.raise(HookOutboxStatus, m.ClientID, m.ChannelID, c.tick(), object{"data": data})
}

// tag puts a tag on a request and tells; nothing happens if it is there already.
func (c *Company) tagRequest(r *request, id int64) {
	if slices.Contains(r.Tags, id) {
		return
	}
	r.Tags = append(r.Tags, id)
	c.raise(HookTagRequest, r.ClientID, r.ChannelID, c.tick(), c.tagEvent(id, object{"client_id": r.ClientID, "request_id": r.ID}))
}

// tagClient puts a tag on a client and tells; channel is where, 0 if unknown.
func (c *Company) tagClient(cl *client, id, channel int64) {
	if slices.Contains(cl.Tags, id) {
		return
	}
	cl.Tags = append(cl.Tags, id)
	if channel == 0 && len(cl.Channels) > 0 {
		channel = cl.Channels[0].ID
	}
	fields := object{"client_id": cl.ID, "channel_id": idOrNull(channel)}
	c.raise(HookTagClient, cl.ID, channel, c.tick(), c.tagEvent(id, fields))
}

// tagEvent adds id and label of the tag: on tag events "id" is the tag's.
func (c *Company) tagEvent(id int64, fields object) object {
	fields["id"] = id
	if t := c.tag(id); t != nil {
		fields["label"] = t.Label
	}
	return fields
}

func (c *Company) tag(id int64) *Tag {
	for i := range c.s.Tags {
		if c.s.Tags[i].ID == id {
			return &c.s.Tags[i]
		}
	}
	return nil
}

func (c *Company) channel(id int64) *Channel {
	for i := range c.s.Channels {
		if c.s.Channels[i].ID == id {
			return &c.s.Channels[i]
		}
	}
	return nil
}

func (c *Company) operator(id int64) *Operator {
	for i := range c.s.Operators {
		if c.s.Operators[i].ID == id {
			return &c.s.Operators[i]
		}
	}
	return nil
}
