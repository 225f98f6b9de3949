package chat2desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// restMessage is a message of GET /messages (reference §3.1).
func restMessage(m *message) object {
	return object{
		"id": m.ID, "text": orNull(m.Text), "type": orNull(m.Type), "transport": m.Transport, "created": stamp(m.Created),
		"read": number(m.Read), "photo": orNull(m.Photo), "video": orNull(m.Video), "audio": orNull(m.Audio), "pdf": orNull(m.PDF),
		"attachments": attachmentsOf(m), "coordinates": orNull(m.Coordinates), "remote_id": nil, "recipient_status": orNull(m.StatusError),
		"status": orNull(m.Status), "operator_id": idOrNull(m.OperatorID), "channel_id": m.ChannelID, "dialog_id": m.DialogID,
		"client_id": m.ClientID, "request_id": idOrNull(m.RequestID), "is_new": number(!m.Read), "ai_tips": nil,
		"external_id": orNull(m.ExternalID), "reply_message_id": idOrNull(m.ReplyTo), "inline_buttons": m.Buttons, "keyboard": m.Keyboard,
		"encrypted": m.Encrypted, "extra_data": extraOf(m),
	}
}

func extraOf(m *message) any {
	if m.Extra == nil {
		return object{}
	}
	return m.Extra
}

// requestMessage is a message of GET /requests/:id/messages: other names, Unix
// time and the vocabulary in, out, system.
func (c *Company) requestMessage(m *message) object {
	return object{
		"id": m.ID, "text": orNull(m.Text), "video": orNull(m.Video), "photo": orNull(m.Photo), "audio": orNull(m.Audio),
		"pdf": orNull(m.PDF), "coordinates": orNull(m.Coordinates), "transport": m.Transport, "type": directionOf(m.Type),
		"read": number(m.Read), "created": m.Created.Unix(), "clientID": m.ClientID, "operatorID": m.OperatorID,
		"channelID": m.ChannelID, "companyID": c.s.Company.ID, "dialogID": m.DialogID, "gateway_status": orNull(m.Status),
		"attachments": attachmentsOf(m), "extra_data": extraOf(m),
	}
}

// directionOf keeps the words the old vocabulary has none for.
func directionOf(kind string) any {
	switch kind {
	case typeClient:
		return "in"
	case typeOperator:
		return "out"
	}
	return orNull(kind)
}

// listMessages has the traps of reference §2.6: offset is ignored, a window of
// dates is cut at 200 rows, start_id and dates exclude each other.
func (c *Company) listMessages(q *call) answer {
	dated := q.has("start_date") || q.has("finish_date")
	if dated && q.has("start_id") {
		return failure{http.StatusBadRequest, TextStartID, nil}.answer()
	}
	keep, bad := c.messageFilter(q)
	if bad != "" {
		return invalid(bad, "is not a date in the form dd-mm-yyyy")
	}
	rows := c.s.Messages.rows
	if id := q.id("dialog_id"); id != 0 {
		rows = c.s.byDialog[id]
	}
	var kept []*message
	for _, m := range rows {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	if q.has("start_id") && q.flag("direction_reverse", false) {
		slices.Reverse(kept)
	} else if !q.has("start_id") {
		kept = ordered(kept, q.params)
	}
	return pageOf(kept, q.limit(), 0, restMessage)
}

// messageFilter names the parameter that is wrong, "" if none is.
func (c *Company) messageFilter(q *call) (keep func(*message) bool, bad string) {
	from, to, bad := c.dateWindow(q)
	if bad != "" {
		return nil, bad
	}
	startID, down := q.id("start_id"), q.flag("direction_reverse", false)
	return func(m *message) bool {
		switch {
		case q.has("start_id") && !down && m.ID < startID, q.has("start_id") && down && m.ID > startID:
			return false
		case !from.IsZero() && m.Created.Before(from), !to.IsZero() && !m.Created.Before(to):
			return false
		case q.has("read") && q.flag("read", false) != m.Read:
			return false
		}
		return q.matches("transport", m.Transport) && q.matches("type", m.Type) && q.matchesID("channel_id", m.ChannelID) &&
			q.matchesID("client_id", m.ClientID) && q.matchesID("dialog_id", m.DialogID) && q.matchesID("operator_id", m.OperatorID)
	}, ""
}

// dateWindow reads start_date and finish_date: days of the account's zone, the
// latter not included.
func (c *Company) dateWindow(q *call) (from, to time.Time, bad string) {
	for _, bound := range []struct {
		key  string
		into *time.Time
	}{{"start_date", &from}, {"finish_date", &to}} {
		if !q.has(bound.key) {
			continue
		}
		day, err := time.ParseInLocation(queryDate, q.text(bound.key), c.options.TimeZone)
		if err != nil {
			return from, to, bound.key
		}
		*bound.into = day
	}
	return from, to, ""
}

func (p params) matches(key, value string) bool { return !p.has(key) || p.text(key) == value }

func (p params) matchesID(key string, value int64) bool { return !p.has(key) || p.id(key) == value }

func (c *Company) getMessage(q *call) answer {
	m, ok := c.s.Messages.get(q.path("id"))
	if !ok {
		return unknown("Message", q.r.PathValue("id"))
	}
	return one(restMessage(m))
}

func (c *Company) readMessage(q *call) answer   { return c.markRead(q, true) }
func (c *Company) unreadMessage(q *call) answer { return c.markRead(q, false) }

func (c *Company) markRead(q *call, read bool) answer {
	m, ok := c.s.Messages.get(q.path("id"))
	if !ok {
		return unknown("Message", q.r.PathValue("id"))
	}
	m.Read = read
	return done()
}

// sendMessage is POST /messages (reference §3.1.1).
func (c *Company) sendMessage(q *call) answer {
	cl, ok := c.s.Clients.get(q.id("client_id"))
	if !ok {
		return failure{http.StatusNotFound, TextNotFound, object{"client_id": []string{"client not found"}}}.answer()
	}
	m, bad := q.outgoing()
	if bad.status != 0 {
		return bad
	}
	d, bad := c.targetDialog(q, cl)
	if bad.status != 0 {
		return bad
	}
	operator := q.id("operator_id")
	if operator != 0 && c.operator(operator) == nil {
		return failure{http.StatusNotFound, TextNotFound, "operator not found"}.answer()
	}
	if q.flag("open_dialog", true) || d.LastRequestID == 0 {
		c.openRequest(d, false)
	}
	if operator == 0 {
		operator = d.OperatorID // even a comment is attributed to the dialog's operator
	}
	m.OperatorID = operator
	return one(sentMessage(c.say(d, m)))
}

func sentMessage(m *message) object {
	return object{
		"message_id": m.ID, "channel_id": m.ChannelID, "operator_id": idOrNull(m.OperatorID), "transport": m.Transport,
		"type": m.Type, "client_id": m.ClientID, "dialog_id": m.DialogID, "request_id": idOrNull(m.RequestID),
	}
}

// outgoing reads the message of POST /messages; a bad answer has a status.
func (q *call) outgoing() (*message, answer) {
	m := &message{
		Type: q.text("type"), Text: q.text("text"), Transport: q.text("transport"), ExternalID: q.text("external_id"), FromAPI: true,
		Encrypted: q.flag("encrypted", false), ReplyTo: q.id("reply_message_id"), Buttons: q.params["inline_buttons"],
		Keyboard: q.params["keyboard"], Status: "sent",
	}
	if m.Type == "" {
		m.Type = typeOperator
	}
	if !slices.Contains([]string{typeOperator, typeAutoreply, typeSystem, typeComment}, m.Type) {
		return nil, invalid("type", "is not a type of message")
	}
	for _, key := range []string{"attachment", "pdf"} {
		link := q.text(key)
		if link == "" {
			continue
		}
		if !reachable(link) {
			return nil, invalid(key, "file is not available by this url")
		}
		name := q.text("attachment_filename")
		if name == "" {
			name = link[strings.LastIndex(link, "/")+1:]
		}
		m.Attachments = append(m.Attachments, Attachment{name, link})
	}
	if m.Text == "" && len(m.Attachments) == 0 {
		return nil, invalid("text", "can't be blank")
	}
	m.fillSlots()
	return m, answer{}
}

// reachable believes every web address but those under .invalid, the domain
// that is reserved to never exist: the sandbox makes no calls of its own.
func reachable(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.HasSuffix(u.Hostname(), ".invalid")
}

// targetDialog is where POST /messages goes: by default the channel and the
// transport of the client's last message.
func (c *Company) targetDialog(q *call, cl *client) (*dialog, answer) {
	channel, transport := q.id("channel_id"), q.text("transport")
	if last := c.lastOf(cl); last != nil && channel == 0 {
		channel = last.ChannelID
	}
	if channel == 0 && len(cl.Channels) > 0 {
		channel = cl.Channels[0].ID
	}
	ch := c.channel(channel)
	if ch == nil {
		return nil, failure{http.StatusNotFound, TextNotFound, object{"channel_id": []string{"channel not found"}}}.answer()
	}
	if transport != "" && !slices.Contains(ch.Transports, transport) {
		return nil, invalid("transport", "transport is incorrect for this channel")
	}
	if transport == "" {
		transport = ch.Transports[0]
	}
	return c.dialogOf(cl, channel, transport), answer{}
}

// lastOf is the client's newest own message.
func (c *Company) lastOf(cl *client) *message {
	for i := len(c.s.Messages.rows) - 1; i >= 0; i-- {
		if m := c.s.Messages.rows[i]; m.ClientID == cl.ID && m.Type == typeClient {
			return m
		}
	}
	return nil
}
