package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// patientAttempts is how often Chat2Desk is asked before the webhooks have to
// do: about half a minute with the retry policy of chatStep.
const patientAttempts = 6

// loader gathers the snapshot of one cycle.
type loader struct {
	store    *store.Store
	api      *chat2desk.API
	settings settings.Settings
	in       workflows.SyncInput
	attempt  int              // early attempts insist on Chat2Desk's answer
	down     error            // why Chat2Desk is not asked any more in this attempt
	refusal  error            // the last thing it could not give
	person   chat2desk.Client // as the API gave it
	client   dialog.Client    // as known
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
	if err := l.loadClient(ctx, hooks); err != nil {
		return dialog.Snapshot{}, err
	}
	s := dialog.Snapshot{
		DialogID: l.in.DialogID, RequestID: l.in.RequestID, ChannelID: l.in.ChannelID, Transport: l.in.Transport,
		OperatorID: l.in.OperatorID, RequestTags: l.in.Tags, ClosedAt: l.in.ClosedAt, Source: source, Client: l.client,
	}
	l.fromMessages(&s, messages)
	if err := l.analytics(ctx, &s, messages); err != nil {
		return s, err
	}
	return s, l.names(ctx, &s)
}

// consult asks Chat2Desk for one thing. given is false if it cannot give it
// and the snapshot has to do without.
func consult[T any](l *loader, fetch func() (T, error)) (value T, given bool, err error) {
	if l.down != nil {
		return value, false, nil
	}
	value, err = fetch()
	if err == nil {
		return value, true, nil
	}
	return value, false, l.tolerate(err)
}

// tolerate decides whether an error of Chat2Desk may be passed over: what is
// permanent, or lasts longer than the first attempts, must not keep a dialog
// out of the CRM. Where the next question would fare no better none is asked:
// each may take half a minute, and the attempt has to end in time.
func (l *loader) tolerate(err error) error {
	var api *chat2desk.Error
	if !errors.As(err, &api) {
		return err
	}
	l.refusal = err
	switch api.Kind {
	case chat2desk.KindAmbiguous, chat2desk.KindRateLimited:
		if l.attempt < patientAttempts {
			return err
		}
		l.down = err
	case chat2desk.KindAuth, chat2desk.KindQuota:
		l.down = err
	}
	return nil
}

// secrets are the client's words that must not stand in an error.
func (l *loader) secrets() []string {
	return []string{l.client.Name, l.client.Email, l.client.Phone, l.client.Identity}
}

// fromMessages turns messages into lines and learns from them what the close
// itself did not tell.
func (l *loader) fromMessages(s *dialog.Snapshot, messages []chat2desk.Message) {
	s.Messages = make([]dialog.Message, 0, len(messages))
	for _, m := range messages {
		s.Messages = append(s.Messages, line(m))
		s.DialogID = cmp.Or(s.DialogID, m.DialogID)
		s.RequestID = cmp.Or(s.RequestID, m.RequestID)
		s.ChannelID = cmp.Or(s.ChannelID, m.ChannelID)
		s.Transport = cmp.Or(s.Transport, m.Transport)
		if s.OpenedAt.IsZero() {
			s.OpenedAt = m.Time
		}
		if l.in.OperatorID == 0 && m.OperatorID != 0 && m.Type == chat2desk.TypeToClient {
			s.OperatorID = m.OperatorID // the last one who wrote leads
		}
	}
}

// loadClient reads the person. If Chat2Desk cannot tell, the webhooks do; but
// tags and custom fields stand in no webhook: while they decide something, the
// step waits for them.
func (l *loader) loadClient(ctx context.Context, hooks []chat2desk.Event) error {
	c, given, err := consult(l, func() (chat2desk.Client, error) { return l.api.Client(ctx, l.in.ClientID) })
	switch {
	case err != nil:
		return err
	case given:
		l.person, l.client = c, clientOf(c)
		return nil
	case l.down != nil && l.needsClient():
		return l.down
	}
	l.client = clientOfHooks(l.in.ClientID, hooks)
	l.client.TagIDs = l.in.ClientTags
	return nil
}

func (l *loader) needsClient() bool {
	return l.settings.Tags.Mode != settings.TagsIgnore || len(l.settings.Fields) > 0
}

func clientOfHooks(id int64, hooks []chat2desk.Event) dialog.Client {
	out := dialog.Client{ID: id}
	for _, e := range hooks {
		if e.Client != nil {
			out = clientOfRef(id, *e.Client)
		}
	}
	return out
}

// clientOfRef is what a webhook tells of the person.
func clientOfRef(id int64, c chat2desk.ClientRef) dialog.Client {
	return clientOf(chat2desk.Client{ID: id, Name: c.Name, AssignedName: c.AssignedName, Phone: c.Phone, ClientPhone: c.ClientPhone})
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
	rows, _, err := consult(l, func() ([]chat2desk.Analytics, error) { return l.api.WebAnalytics(ctx, l.in.ClientID) })
	if err != nil {
		return err
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
	if l.settings.Analytics.Fields["message_id"] != "" { // nobody reads it elsewhere
		fill(s.Analytics, map[string]string{"message_id": firstOfClient(s.Messages)})
	}
	return nil
}

// firstOfClient is the id of the message that brought the client here.
func firstOfClient(messages []dialog.Message) string {
	for _, m := range messages {
		if m.Author == dialog.AuthorClient && m.ID != 0 {
			return strconv.FormatInt(m.ID, 10)
		}
	}
	return ""
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
	var old []T
	raw, age, found, err := l.store.Directory(ctx, l.in.Portal, name)
	if err != nil {
		return nil, err
	}
	if found && json.Unmarshal(raw, &old) == nil && age < directoryAge {
		return old, nil
	}
	fresh, given, err := consult(l, func() ([]T, error) { return fetch(ctx) })
	if err != nil || !given {
		return old, err
	}
	raw, err = json.Marshal(fresh)
	if err != nil {
		return nil, err
	}
	return fresh, l.store.SaveDirectory(ctx, l.in.Portal, name, raw)
}
