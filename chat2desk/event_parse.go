package chat2desk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ParseError says why a webhook body was refused.
type ParseError struct {
	Index  int    // which event of a list; 0 for the first or only one
	Field  string // the field that is wrong; empty if the whole body is
	Reason string
}

// Error names the event, the field and what is wrong with it.
func (e *ParseError) Error() string {
	if e.Field == "" {
		return "chat2desk webhook: " + e.Reason
	}
	return fmt.Sprintf("chat2desk webhook: event %d: %s: %s", e.Index+1, e.Field, e.Reason)
}

// ParseEvents reads the body of a webhook: one event, or a list of them
// (reference §4.2). It is strict only where nothing could be done with the
// result: a body that is not JSON, an event that is no object or has no
// hook_type is a *ParseError. Unknown hook types are parsed with what is
// there. The caller bounds the size of body.
func ParseEvents(body []byte) ([]Event, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	list := []json.RawMessage{bytes.Clone(body)}
	if body[0] == '[' {
		list = readList(body)
	}
	events := make([]Event, len(list))
	for i, raw := range list {
		event, err := parseEvent(raw)
		if err != nil {
			err.Index = i
			return nil, err
		}
		events[i] = event
	}
	return events, nil
}

func checkJSON(body []byte) error {
	if len(body) == 0 {
		return &ParseError{Reason: "the body is empty"}
	}
	var any json.RawMessage
	if err := json.Unmarshal(body, &any); err != nil {
		return &ParseError{Reason: "the body is not JSON: " + err.Error()}
	}
	if body[0] != '{' && body[0] != '[' {
		return &ParseError{Reason: "the body is neither an object nor a list"}
	}
	return nil
}

func parseEvent(raw json.RawMessage) (Event, *ParseError) {
	o := readObject(raw)
	if o == nil {
		return Event{}, &ParseError{Field: "event", Reason: "is not an object"}
	}
	hook := hookType(o.text("hook_type"))
	if hook == "" {
		return Event{}, &ParseError{Field: "hook_type", Reason: "is missing"}
	}
	o.addData()
	e := Event{
		HookType: hook, MessageID: o.int("message_id"), ClientID: clientID(o), DialogID: o.int("dialog_id"),
		ChannelID: o.int("channel_id"), RequestID: o.int("request_id"), OperatorID: o.int("operator_id"),
		TagID: o.int("tag_id"), Type: strings.ToLower(o.text("type")), Text: o.text("text"),
		Transport: o.text("transport"), Time: o.time("event_time", time.UTC), ByClient: o.bool("by_client"),
		IsNewRequest: o.bool("is_new_request"), Client: readClientRef(o.object("client")),
		Attachments: readAttachments(o), Location: readLocation(o["coordinates"]),
		ExternalID: o.text("external_id"), Analytics: readUTM(o["extra_data"]), Raw: raw,
	}
	e.place(o)
	return e, nil
}

// hookType unifies the two names of the operator event (reference §4.4).
func hookType(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if text == "operator_status_changed" {
		return HookOperator
	}
	return text
}

// addData takes over the fields of a nested data object, where outbox_status
// keeps its own, as far as the root does not have them.
func (o object) addData() {
	for key, value := range o.object("data") {
		if !o.has(key) {
			o[key] = value
		}
	}
}

// place puts the overloaded id and the fields special to a hook type where
// they belong (reference §4.4).
func (e *Event) place(o object) {
	id := o.int("id")
	switch e.HookType {
	case HookInbox, HookOutbox, HookComment, HookSystem, HookImported:
		e.MessageID = cmp.Or(e.MessageID, id)
		e.Type = messageType(e.Type, typeOfHook(e.HookType))
	case HookOutboxStatus:
		e.MessageID = cmp.Or(e.MessageID, id)
		e.Status, e.Error = o.text("status"), o.text("error")
	case HookNewClient, HookClientUpdated, HookBlacklisted:
		e.placeClient(o, id)
	case HookNewRequest, HookCloseRequest:
		e.RequestID = cmp.Or(e.RequestID, id)
	case HookCloseDialog, HookTransferred:
		e.DialogID = cmp.Or(e.DialogID, id)
	case HookTagClient, HookUntagClient, HookTagRequest, HookUntagRequest:
		e.TagID = cmp.Or(e.TagID, id)
	case HookOperator:
		e.OperatorID = cmp.Or(e.OperatorID, id)
		e.Online, e.OfflineType = o.bool("online"), o.text("offline_type")
	}
}

// placeClient reads a client event, whose client stands at the top level.
func (e *Event) placeClient(o object, id int64) {
	if e.Client == nil {
		e.Client = readClientRef(o)
	}
	if e.Client.ID == 0 {
		e.Client.ID = cmp.Or(id, e.ClientID)
	}
	e.ClientID = e.Client.ID
	channels := readClientChannels(o.list("channels"))
	if len(channels) != 1 || e.ChannelID != 0 {
		return
	}
	e.ChannelID = channels[0].ID
	if len(channels[0].Transports) == 1 && e.Transport == "" {
		e.Transport = channels[0].Transports[0]
	}
}

func readClientRef(o object) *ClientRef {
	if len(o) == 0 {
		return nil
	}
	return &ClientRef{
		ID: o.int("id"), Name: o.text("name"), AssignedName: o.text("assigned_name"),
		Phone: o.text("phone"), ClientPhone: cmp.Or(o.text("client_phone"), o.text("assigned_phone")),
	}
}

// typeOfHook is the type of a message whose event names none.
func typeOfHook(hook string) string {
	switch hook {
	case HookInbox:
		return TypeFromClient
	case HookComment:
		return TypeComment
	case HookSystem:
		return TypeSystem
	}
	return TypeAutoreply
}

// Message returns the message that a message event carries; false for all
// other events. Its ID is 0 if the webhook gave none.
func (e Event) Message() (Message, bool) {
	switch e.HookType {
	case HookInbox, HookOutbox, HookComment, HookSystem, HookImported:
	default:
		return Message{}, false
	}
	return Message{
		ID: e.MessageID, ClientID: e.ClientID, OperatorID: e.OperatorID, ChannelID: e.ChannelID,
		DialogID: e.DialogID, RequestID: e.RequestID, Type: e.Type, Text: e.Text, Transport: e.Transport,
		Time: e.Time, Attachments: e.Attachments, Location: e.Location, ExternalID: e.ExternalID, Analytics: e.Analytics,
	}, true
}
