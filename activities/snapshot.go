package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
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
	person   chat2desk.Client
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

// webhooks reads the message events of the request from the inbox. An event
// that does not tell its time happened when it came in.
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
			if e.Time.IsZero() {
				e.Time = row.ReceivedAt
			}
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
		if !isMessage || m.ID != 0 && known[m.ID] {
			continue
		}
		known[m.ID] = true
		m.Attachments = l.api.ResolveLinks(m.Attachments)
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
	if err != nil && !errors.Is(err, chat2desk.ErrIncomplete) {
		return nil, false, l.tolerate(err)
	}
	return messages, err == nil && len(messages) > 0, nil
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
	l.person, s.Client = c, clientOf(c)
	return nil
}

func clientOfHooks(id int64, hooks []chat2desk.Event) dialog.Client {
	out := dialog.Client{ID: id}
	for _, e := range hooks {
		if e.Client == nil {
			continue
		}
		out = clientOfRef(id, *e.Client)
	}
	return out
}

// clientOfRef is what a webhook tells of the person.
func clientOfRef(id int64, c chat2desk.ClientRef) dialog.Client {
	return dialog.Client{ID: id, Name: c.DisplayName(), Identity: c.Phone, Phone: c.RealPhone()}
}

func clientOf(c chat2desk.Client) dialog.Client {
	out := dialog.Client{
		ID: c.ID, Name: c.DisplayName(), Identity: c.Phone, Phone: c.RealPhone(), Email: c.Email(), CustomFields: c.CustomFieldTexts(),
	}
	for _, t := range c.Tags {
		out.TagIDs = append(out.TagIDs, t.ID)
	}
	return out
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
	fields, err := directory(ctx, l, "chat2desk:fields", l.api.CustomClientFields)
	if err != nil {
		return err
	}
	fill(s.Analytics, chat2desk.ClientAnalytics(l.person, fields))
	for i := range s.Messages { // the message that brought the client here
		if s.Messages[i].Author == dialog.AuthorClient {
			fill(s.Analytics, map[string]string{"message_id": strconv.FormatInt(s.Messages[i].ID, 10)})
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
	operators, err := directory(ctx, l, "chat2desk:operators", l.api.Operators)
	if err != nil {
		return err
	}
	channels, err := directory(ctx, l, "chat2desk:channels", l.api.Channels)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, o := range operators {
		names[o.ID] = o.Name()
	}
	s.OperatorName = names[s.OperatorID]
	for i := range s.Messages {
		s.Messages[i].Name = names[s.Messages[i].OperatorID]
	}
	for _, c := range channels {
		if c.ID == s.ChannelID {
			s.ChannelName = c.Name
		}
	}
	return nil
}

// directory reads a list of the account through the cache (D5). If Chat2Desk
// cannot give it, the old one serves.
func directory[T any](ctx context.Context, l *loader, name string, fetch func(context.Context) ([]T, error)) ([]T, error) {
	var out []T
	raw, age, found, err := l.store.Directory(ctx, l.in.Portal, name)
	if err != nil {
		return nil, err
	}
	if found {
		err = json.Unmarshal(raw, &out)
	}
	if found && err == nil && age < directoryAge {
		return out, nil
	}
	fresh, err := fetch(ctx)
	if err != nil {
		return out, l.tolerate(err)
	}
	raw, err = json.Marshal(fresh)
	if err != nil {
		return nil, err
	}
	return fresh, l.store.SaveDirectory(ctx, l.in.Portal, name, raw)
}
