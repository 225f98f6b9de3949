package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/chat2desk"
	"puente/dialog"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// directoryAge is how old names of operators and channels may be.
const directoryAge = time.Hour

// loader gathers the snapshot of one cycle.
type loader struct {
	store    *store.Store
	api      *chat2desk.API
	settings settings.Settings
	in       workflows.SyncInput
	patient  bool // early attempts insist on Chat2Desk's answer
}

func (l *loader) load(ctx context.Context) (dialog.Snapshot, error) {
	hooks, err := l.webhooks(ctx)
	if err != nil {
		return dialog.Snapshot{}, err
	}
	messages, source, err := l.messages(ctx, hooks)
	if err != nil {
		return dialog.Snapshot{}, err
	}
	s := dialog.Snapshot{
		DialogID: l.in.DialogID, RequestID: l.in.RequestID, ChannelID: l.in.ChannelID, Transport: l.in.Transport,
		OperatorID: l.in.OperatorID, RequestTags: l.in.Tags, ClosedAt: l.in.ClosedAt, Source: source,
		Client: dialog.Client{ID: l.in.ClientID},
	}
	l.fromMessages(&s, messages)
	if err := l.client(ctx, &s, hooks); err != nil {
		return s, err
	}
	if err := l.analytics(ctx, &s, messages); err != nil {
		return s, err
	}
	return s, l.names(ctx, &s)
}

// webhooks reads the message events of the request from the inbox.
func (l *loader) webhooks(ctx context.Context) ([]chat2desk.Event, error) {
	rows, err := l.store.RequestMessages(ctx, l.in.Portal, l.in.RequestID)
	if err != nil {
		return nil, err
	}
	var events []chat2desk.Event
	for _, row := range rows {
		parsed, err := chat2desk.ParseEvents(row.Body)
		if err != nil {
			continue // it was accepted as unknown; there is no line in it
		}
		for _, e := range parsed {
			if e.RequestID == l.in.RequestID {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

// messages is the transcript recipe: the request's messages from the API, else
// the dialog's filtered by request, completed by the webhooks.
func (l *loader) messages(ctx context.Context, hooks []chat2desk.Event) ([]chat2desk.Message, dialog.Source, error) {
	fromAPI, given, err := l.ask(ctx)
	if err != nil {
		return nil, "", err
	}
	known := map[int64]bool{}
	for _, m := range fromAPI {
		known[m.ID] = true
	}
	all, source := fromAPI, dialog.SourceAPI
	for _, e := range hooks {
		m, isMessage := e.Message()
		if !isMessage || known[m.ID] {
			continue
		}
		known[m.ID] = true
		all, source = append(all, m), dialog.SourceBoth
	}
	if !given {
		source = dialog.SourceWebhooks
	}
	slices.SortStableFunc(all, func(a, b chat2desk.Message) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return slices.DeleteFunc(all, l.foreign), source, nil
}

// ask gets the messages from Chat2Desk; given is false if it cannot give them.
func (l *loader) ask(ctx context.Context) (messages []chat2desk.Message, given bool, err error) {
	if l.in.RequestID != 0 {
		messages, err = l.api.RequestMessages(ctx, l.in.RequestID)
		if err == nil {
			return messages, true, nil
		}
		if err := l.tolerate(err); err != nil {
			return nil, false, err
		}
	}
	if l.in.DialogID == 0 {
		return nil, false, nil
	}
	messages, err = l.api.DialogMessages(ctx, l.in.DialogID, l.in.RequestID)
	if err != nil {
		return nil, false, l.tolerate(err)
	}
	return messages, len(messages) > 0, nil
}

// foreign reports whether a message belongs to an earlier cycle of the request.
func (l *loader) foreign(m chat2desk.Message) bool {
	return !l.in.Since.IsZero() && !m.Time.IsZero() && !m.Time.After(l.in.Since)
}

// fromMessages turns messages into lines and learns from them what the close
// itself did not tell.
func (l *loader) fromMessages(s *dialog.Snapshot, messages []chat2desk.Message) {
	s.Messages = make([]dialog.Message, 0, len(messages))
	for _, m := range messages {
		s.Messages = append(s.Messages, line(m))
		s.DialogID = cmp.Or(s.DialogID, m.DialogID)
		s.ChannelID = cmp.Or(s.ChannelID, m.ChannelID)
		s.Transport = cmp.Or(s.Transport, m.Transport)
		if l.in.OperatorID == 0 && m.OperatorID != 0 && m.Type == chat2desk.TypeToClient {
			s.OperatorID = m.OperatorID // the last one who wrote leads
		}
	}
	if len(messages) > 0 {
		s.OpenedAt = messages[0].Time
	}
}

var authors = map[string]dialog.Author{
	chat2desk.TypeFromClient: dialog.AuthorClient,
	chat2desk.TypeToClient:   dialog.AuthorOperator,
	chat2desk.TypeSystem:     dialog.AuthorSystem,
	chat2desk.TypeComment:    dialog.AuthorComment,
}

func line(m chat2desk.Message) dialog.Message {
	author, known := authors[m.Type]
	if !known {
		author = dialog.AuthorBot
	}
	out := dialog.Message{ID: m.ID, Time: m.Time, Author: author, OperatorID: m.OperatorID, Text: m.Text, Location: m.Location}
	for _, f := range m.Attachments {
		out.Files = append(out.Files, dialog.File{Name: f.Name, URL: f.Link})
	}
	return out
}

// client reads the person. If Chat2Desk cannot tell, the webhooks do.
func (l *loader) client(ctx context.Context, s *dialog.Snapshot, hooks []chat2desk.Event) error {
	c, err := l.api.Client(ctx, l.in.ClientID)
	if err != nil {
		if err := l.tolerate(err); err != nil {
			return err
		}
		s.Client = clientOfHooks(l.in.ClientID, hooks)
		s.Client.TagIDs = l.in.ClientTags
		return nil
	}
	s.Client = clientOf(c, s.Transport)
	return nil
}

func clientOfHooks(id int64, hooks []chat2desk.Event) dialog.Client {
	out := dialog.Client{ID: id}
	for _, e := range hooks {
		if e.Client == nil {
			continue
		}
		out = person(id, e.Client.AssignedName, e.Client.Name, e.Client.Phone, e.Client.ClientPhone, e.Transport)
	}
	return out
}

func clientOf(c chat2desk.Client, transport string) dialog.Client {
	out := person(c.ID, c.AssignedName, c.Name, c.Phone, c.ClientPhone, transport)
	for _, t := range c.Tags {
		out.TagIDs = append(out.TagIDs, t.ID)
	}
	out.CustomFields = map[string]string{}
	for key, raw := range c.CustomFields {
		if text := plain(raw); text != "" {
			out.CustomFields[key] = text
		}
	}
	return out
}

// person tells identity, phone and e-mail apart (chat2desk reference §3.2, §6):
// phone is the identity in the transport and a real phone only unbracketed.
func person(id int64, assigned, name, identity, phone, transport string) dialog.Client {
	out := dialog.Client{ID: id, Name: cmp.Or(known(assigned), known(name)), Identity: identity, Phone: phone}
	switch {
	case strings.Contains(identity, "@") && !strings.ContainsAny(identity, "[] "):
		out.Email = identity
	case out.Phone == "" && !strings.HasPrefix(identity, "[") && transport != "external":
		out.Phone = identity
	}
	return out
}

// known is a name, or "" for what Chat2Desk writes when it has none.
func known(name string) string {
	name = strings.TrimSpace(name)
	if strings.EqualFold(name, "unknown") {
		return ""
	}
	return name
}

// plain is a JSON scalar as text; objects and lists stay JSON.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	if s := strings.TrimSpace(string(raw)); s != "null" {
		return s
	}
	return ""
}

// analytics reads web analytics if a field is mapped to them. The newest row of
// the request counts; keys in messages fill what is missing.
func (l *loader) analytics(ctx context.Context, s *dialog.Snapshot, messages []chat2desk.Message) error {
	if len(l.settings.Analytics.Fields) == 0 && l.settings.Analytics.Combined == "" {
		return nil
	}
	rows, err := l.api.WebAnalytics(ctx, l.in.ClientID)
	if err != nil {
		if err := l.tolerate(err); err != nil {
			return err
		}
	}
	s.Analytics = map[string]string{}
	for _, row := range rows {
		if row.RequestID == l.in.RequestID || row.RequestID == 0 {
			fill(s.Analytics, row.Values)
		}
	}
	for _, m := range messages {
		fill(s.Analytics, m.Analytics)
	}
	for i := range s.Messages { // the message that brought the client here
		if s.Messages[i].Author == dialog.AuthorClient {
			fill(s.Analytics, map[string]string{"message_id": fmt.Sprint(s.Messages[i].ID)})
			break
		}
	}
	return nil
}

func fill(into, from map[string]string) {
	for key, value := range from {
		if into[key] == "" && value != "" {
			into[key] = value
		}
	}
}

// names fills in the names of operators and channel; without them the
// transcript shows ids.
func (l *loader) names(ctx context.Context, s *dialog.Snapshot) error {
	operators, err := l.directory(ctx, "chat2desk:operators", func() (map[int64]string, error) {
		list, err := l.api.Operators(ctx)
		out := map[int64]string{}
		for _, o := range list {
			out[o.ID] = strings.TrimSpace(o.FirstName + " " + o.LastName)
		}
		return out, err
	})
	if err != nil {
		return err
	}
	channels, err := l.directory(ctx, "chat2desk:channels", func() (map[int64]string, error) {
		list, err := l.api.Channels(ctx)
		out := map[int64]string{}
		for _, c := range list {
			out[c.ID] = c.Name
		}
		return out, err
	})
	s.OperatorName, s.ChannelName = operators[s.OperatorID], channels[s.ChannelID]
	for i := range s.Messages {
		s.Messages[i].Name = operators[s.Messages[i].OperatorID]
	}
	return err
}

// directory reads names through the cache.
func (l *loader) directory(ctx context.Context, name string, fetch func() (map[int64]string, error)) (map[int64]string, error) {
	out := map[int64]string{}
	raw, age, found, err := l.store.Directory(ctx, l.in.Portal, name)
	if err != nil {
		return nil, err
	}
	if found && age < directoryAge && json.Unmarshal(raw, &out) == nil {
		return out, nil
	}
	fresh, err := fetch()
	if err != nil {
		return out, l.tolerate(err) // old names are better than none
	}
	raw, err = json.Marshal(fresh)
	if err != nil {
		return nil, err
	}
	return fresh, l.store.SaveDirectory(ctx, l.in.Portal, name, raw)
}
