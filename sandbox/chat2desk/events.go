package chat2desk

import (
	"slices"
	"strconv"
	"time"
)

// The events of reference §4.4.
const (
	HookInbox           = "inbox"
	HookOutbox          = "outbox"
	HookOutboxStatus    = "outbox_status"
	HookImported        = "imported_message"
	HookComment         = "comment"
	HookSystem          = "system_message"
	HookNewClient       = "new_client"
	HookClientUpdated   = "client_updated"
	HookBlacklisted     = "client_added_to_blacklist"
	HookNewRequest      = "new_request"
	HookCloseRequest    = "close_request"
	HookCloseDialog     = "close_dialog"
	HookTransferred     = "dialog_transferred"
	HookTagClient       = "add_tag_to_client"
	HookUntagClient     = "delete_tag_from_client"
	HookTagRequest      = "add_tag_to_request"
	HookUntagRequest    = "delete_tag_from_request"
	HookOperatorStatus  = "operator_status_changed" // subscribed by this name
	HookOperatorUpdated = "operator_status_updated" // sent under this one
	HookNewTicket       = "new_ticket"
	HookTicketUpdated   = "ticket_updated"
	HookTicketDeleted   = "ticket_deleted"
	HookQR              = "new_qr_code"
)

// EventNames are the names a webhook can subscribe to.
func EventNames() []string {
	return []string{
		HookInbox, HookOutbox, HookOutboxStatus, HookImported, HookComment, HookSystem, HookNewClient, HookClientUpdated, HookBlacklisted,
		HookNewRequest, HookCloseRequest, HookCloseDialog, HookTransferred, HookTagClient, HookUntagClient, HookTagRequest, HookUntagRequest,
		HookOperatorStatus, HookNewTicket, HookTicketUpdated, HookTicketDeleted, HookQR,
	}
}

// event is something to tell the webhooks. client orders deliveries, channel
// is for the filter of a webhook; both 0 if the event has none.
type event struct {
	hook            string // the name subscribed to
	client, channel int64
	fields          object
}

// raise notes an event; it is sent when the call that caused it is through.
func (c *Company) raise(hook string, client, channel int64, at time.Time, fields object) {
	name := hook
	if hook == HookOperatorStatus {
		name = HookOperatorUpdated
	}
	fields["hook_type"] = name
	if !c.s.Settings.NoEventTime {
		fields["event_time"] = at.UTC().Format(eventTime)
	}
	c.events = append(c.events, event{hook, client, channel, fields})
}

// takeEvents hands over what was raised.
func (c *Company) takeEvents() []event {
	out := c.events
	c.events = nil
	return out
}

// send makes a delivery of each event for each webhook that wants it and
// queues them, disturbed as told. It returns what was queued; with watch each
// can be waited for.
func (c *Company) send(events []event, how Deliver, watch bool) []*delivery {
	var queue []*delivery
	for _, ev := range events {
		c.stats.Webhooks.ByHook[ev.hook]++
		for _, hook := range c.s.Webhooks.rows {
			if hook.wants(ev) {
				queue = append(queue, c.deliveries(ev, hook, how)...)
			}
		}
	}
	for _, item := range queue {
		if watch {
			item.done = make(chan struct{})
		}
	}
	if how.Shuffle {
		c.random.Shuffle(len(queue), func(i, j int) { queue[i], queue[j] = queue[j], queue[i] })
	}
	refused := c.out.enqueue(queue)
	queue = queue[:len(queue)-refused]
	c.stats.Webhooks.Queued += len(queue)
	c.stats.Webhooks.Overflowed += refused
	return queue
}

// deliveries are the copies of one event for one webhook; none if it is dropped.
func (c *Company) deliveries(ev event, hook *webhook, how Deliver) []*delivery {
	if slices.Contains(how.Drop.Hooks, ev.hook) || c.random.Float64() < how.Drop.Probability {
		c.stats.Webhooks.Dropped++
		return nil
	}
	now := c.now()
	out := make([]*delivery, 0, 1+int(how.Duplicate))
	for range 1 + int(how.Duplicate) {
		out = append(out, &delivery{
			Webhook: hook.ID, Hook: ev.hook, Client: ev.client, Body: c.s.Settings.render(ev.fields),
			Stamp: strconv.FormatInt(now.Unix(), 10), Due: now.Add(time.Duration(how.DelayMS) * time.Millisecond),
			Unordered: how.Shuffle,
		})
	}
	c.stats.Webhooks.Duplicated += int(how.Duplicate)
	return out
}

func (h *webhook) wants(ev event) bool {
	if h.Status != hookEnabled || !slices.Contains(h.Events, ev.hook) {
		return false
	}
	return len(h.Channels) == 0 || ev.channel == 0 || slices.Contains(h.Channels, ev.channel)
}

// raiseMessage tells of a message under the hook that its type and origin ask for.
func (c *Company) raiseMessage(m *message) {
	fields := c.messageEvent(m)
	if m.Type == typeClient && !m.Imported {
		fields["is_new_request"], fields["is_new_client"], fields["insta_comment"], fields["is_new"] = m.NewRequest, m.NewClient, false, true
	}
	if m.Type == typeClient && c.s.Settings.NullDialogID && m.OperatorID == 0 {
		fields["dialog_id"] = nil
	}
	c.raise(m.hook(), m.ClientID, m.ChannelID, m.Created, fields)
}

func (m *message) hook() string {
	switch {
	case m.Imported:
		return HookImported
	case m.Type == typeClient:
		return HookInbox
	case m.Type == typeComment:
		return HookComment
	case m.Type == typeSystem && !m.FromAPI:
		return HookSystem
	}
	return HookOutbox
}

// messageEvent is the body of reference §4.5.
func (c *Company) messageEvent(m *message) object {
	extra := m.Extra
	if extra == nil {
		extra = object{}
	}
	fields := object{
		"message_id": m.ID, "type": orNull(m.Type), "text": orNull(m.Text), "transport": m.Transport,
		"client_id": m.ClientID, "operator_id": idOrNull(m.OperatorID), "dialog_id": m.DialogID, "channel_id": m.ChannelID,
		"request_id": idOrNull(m.RequestID), "photo": orNull(m.Photo), "video": orNull(m.Video), "audio": orNull(m.Audio),
		"pdf": orNull(m.PDF), "coordinates": orNull(m.Coordinates), "attachments": attachmentsOf(m), "extra_data": extra,
	}
	if m.ExternalID != "" {
		fields["external_id"] = m.ExternalID
	}
	if cl, ok := c.s.Clients.get(m.ClientID); ok {
		fields["client"] = object{
			"id": cl.ID, "phone": cl.Identity, "client_phone": orNull(cl.ClientPhone), "name": cl.shownName(),
			"assigned_name": orNull(cl.AssignedName), "external_id": cl.ExternalID,
		}
	}
	return fields
}

func attachmentsOf(m *message) []Attachment {
	if m.Attachments == nil {
		return []Attachment{}
	}
	return m.Attachments
}

// clientEvent is the body of new_client and its kin: the client at top level.
func clientEvent(cl *client) object {
	return object{
		"id": cl.ID, "name": cl.shownName(), "phone": cl.Identity, "client_phone": orNull(cl.ClientPhone),
		"assigned_name": orNull(cl.AssignedName), "channels": cl.Channels, "custom_fields": cl.fields(),
	}
}

func (c *client) shownName() string {
	if c.Name == "" {
		return "unknown"
	}
	return c.Name
}

func (c *client) fields() map[string]any {
	if c.CustomFields == nil {
		return map[string]any{}
	}
	return c.CustomFields
}
