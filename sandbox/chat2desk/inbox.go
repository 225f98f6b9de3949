package chat2desk

import (
	"net/http"
	"slices"
	"strings"
)

// receiveMessage is POST /messages/inbox: a message of a client, brought in by
// the company itself over an external channel.
func (c *Company) receiveMessage(q *call) answer {
	ch := c.channel(q.id("channel_id"))
	if ch == nil {
		return failure{http.StatusNotFound, TextNotFound, object{"channel_id": []string{"channel not found"}}}.answer()
	}
	if !slices.Contains(ch.Transports, "external") {
		return invalid("channel_id", "channel is not external")
	}
	m := q.incoming()
	if m.Text == "" && m.Photo == "" && m.Video == "" && m.Coordinates == "" {
		return invalid("body", "can't be blank")
	}
	cl, bad := c.externalClient(q.object("from_client"), ch.ID)
	if bad.status != 0 {
		return bad
	}
	d := c.dialogOf(cl, ch.ID, "external")
	return one(sentMessage(c.hear(d, m)))
}

func (q *call) incoming() *message {
	m := &message{Text: q.text("body"), Photo: q.text("image"), Video: q.text("video"), ExternalID: q.text("external_id"), Transport: "external"}
	if place := q.object("location"); place != nil {
		m.Coordinates = place.text("lat") + "," + place.text("lon")
	}
	for _, link := range []string{m.Photo, m.Video} {
		if link != "" {
			m.Attachments = append(m.Attachments, Attachment{link[strings.LastIndex(link, "/")+1:], link})
		}
	}
	return m
}

// externalClient wants exactly one of id and phone.
func (c *Company) externalClient(from params, channel int64) (*client, answer) {
	if from.has("id") == from.has("phone") {
		return nil, invalid("from_client", "exactly one of id and phone must be given")
	}
	if from.has("id") {
		cl, ok := c.s.Clients.get(from.id("id"))
		if !ok {
			return nil, unknown("Client", from.text("id"))
		}
		return cl, answer{}
	}
	phone := from.text("phone")
	if digitsOf(phone) != phone {
		return nil, invalid("from_client.phone", "must contain digits only")
	}
	if cl := c.s.byIdentity[phone]; cl != nil {
		return cl, answer{}
	}
	cl := c.newClient(phone, "")
	cl.Name, cl.Avatar = from.text("nickname"), from.text("avatar")
	cl.joinChannel(channel, "external")
	c.raise(HookNewClient, cl.ID, channel, c.tick(), clientEvent(cl))
	return cl, answer{}
}

// transfer hands the dialog of a message to an operator. It is a GET with
// effects, as in production; its answer is a status only.
func (c *Company) transfer(q *call) answer {
	d, bad := c.dialogOfMessage(q)
	if d == nil {
		return bad
	}
	if c.operator(q.id("operator_id")) == nil {
		return failure{http.StatusNotFound, TextNotFound, "operator not found"}.answer()
	}
	c.openRequest(d, false)
	c.assign(d, q.id("operator_id"))
	return done()
}

// transferToGroup gives the dialog to the first operator of the group who is
// online and takes chats, else to the first one.
func (c *Company) transferToGroup(q *call) answer {
	d, bad := c.dialogOfMessage(q)
	if d == nil {
		return bad
	}
	i := slices.IndexFunc(c.s.Groups, func(g Group) bool { return g.ID == q.id("group_id") })
	if i < 0 || len(c.s.Groups[i].OperatorIDs) == 0 {
		return failure{http.StatusNotFound, TextNotFound, "operator group not found"}.answer()
	}
	members := c.s.Groups[i].OperatorIDs
	chosen := members[0]
	for _, id := range members {
		if op := c.operator(id); op != nil && op.Online && op.OfflineType == "" {
			chosen = id
			break
		}
	}
	c.openRequest(d, false)
	c.assign(d, chosen)
	return done()
}

func (c *Company) dialogOfMessage(q *call) (*dialog, answer) {
	m, ok := c.s.Messages.get(q.path("id"))
	if !ok {
		return nil, failure{http.StatusNotFound, TextNotFound, "message not found"}.answer()
	}
	d, ok := c.s.Dialogs.get(m.DialogID)
	if !ok {
		return nil, unknown("Dialog", m.DialogID)
	}
	return d, answer{}
}
