package activities

import (
	"cmp"
	"context"
	"slices"
	"time"

	"puente/chat2desk"
	"puente/dialog"
)

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
// the dialog's filtered by request, completed by the webhooks (chat2desk
// reference §3.3). A dialog of which neither can tell anything is no dialog in
// which nobody wrote: it waits for Chat2Desk.
func (l *loader) messages(ctx context.Context, hooks []chat2desk.Event) ([]chat2desk.Message, dialog.Source, error) {
	fromAPI, given, err := l.ask(ctx)
	if err != nil {
		return nil, "", err
	}
	all, added := l.complete(fromAPI, hooks)
	unknown := chat2desk.KindOf(l.refusal) == chat2desk.KindNotFound
	if !given && !unknown && l.refusal != nil && !slices.ContainsFunc(all, talk) {
		return nil, "", l.refusal
	}
	source := dialog.SourceAPI
	switch {
	case !given && len(fromAPI) == 0:
		source = dialog.SourceWebhooks
	case !given, added:
		source = dialog.SourceBoth
	}
	return l.ofCycle(all, hooks), source, nil
}

// complete adds the messages that only webhooks brought, in their place.
func (l *loader) complete(all []chat2desk.Message, hooks []chat2desk.Event) (_ []chat2desk.Message, added bool) {
	known := map[int64]bool{}
	for _, m := range all {
		known[m.ID] = true
	}
	for _, e := range hooks {
		m, isMessage := e.Message()
		if !isMessage || m.ID != 0 && known[m.ID] {
			continue
		}
		known[m.ID] = true
		m.Attachments = l.api.ResolveLinks(m.Attachments)
		all, added = append(all, m), true
	}
	slices.SortStableFunc(all, func(a, b chat2desk.Message) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return all, added
}

// ask gets the messages from Chat2Desk; given is false if it cannot give them.
func (l *loader) ask(ctx context.Context) (messages []chat2desk.Message, given bool, err error) {
	if l.in.RequestID != 0 {
		messages, given, err = consult(l, func() ([]chat2desk.Message, error) { return l.api.RequestMessages(ctx, l.in.RequestID) })
		if given || err != nil {
			return messages, given, err
		}
	}
	if l.in.DialogID == 0 {
		return nil, false, nil
	}
	// What a walk found before it gave up is better than nothing.
	messages, given, err = consult(l, func() ([]chat2desk.Message, error) { return l.api.DialogMessages(ctx, l.in.DialogID, l.in.RequestID) })
	if l.in.RequestID == 0 {
		messages = ofLastTalk(messages)
	}
	return messages, given && len(messages) > 0, err
}

// ofLastTalk keeps the messages of the last request in which a person wrote:
// it is the one that was closed, if nobody can tell which.
func ofLastTalk(messages []chat2desk.Message) []chat2desk.Message {
	last := newestTalk(messages)
	return slices.DeleteFunc(messages, func(m chat2desk.Message) bool { return last != 0 && m.RequestID != last })
}

// ofCycle keeps the messages of this cycle of the request. A request that was
// reopened goes on under its id: what was written before this cycle belongs to
// the comment of an earlier one, and from the message that reopened the request
// after this close everything belongs to the next. The webhooks tell which that
// is, because by them the cycles were counted; a message without a time stays.
func (l *loader) ofCycle(all []chat2desk.Message, hooks []chat2desk.Event) []chat2desk.Message {
	begin, end := 0, len(all)
	if reopening := openers(hooks, l.in.ClosedAt); !l.in.ClosedAt.IsZero() && len(reopening) > 0 {
		if at := slices.IndexFunc(all, func(m chat2desk.Message) bool { return reopening[m.ID] }); at >= 0 {
			end = at
		}
	}
	if !l.in.Since.IsZero() {
		opening := openers(hooks, l.in.Since)
		begin = slices.IndexFunc(all, func(m chat2desk.Message) bool { return m.Time.After(l.in.Since) || opening[m.ID] })
	}
	var kept []chat2desk.Message
	for i, m := range all {
		if begin >= 0 && begin <= i && i < end || m.Time.IsZero() && i < end {
			kept = append(kept, m)
		}
	}
	return kept
}

// openers are the ids of messages by which people reopened the request after a close.
func openers(hooks []chat2desk.Event, closed time.Time) map[int64]bool {
	out := map[int64]bool{}
	for _, e := range hooks {
		if m, ok := e.Message(); ok && m.ID != 0 && talk(m) && e.Time.After(closed.Add(dialog.ReopenSlack)) {
			out[m.ID] = true
		}
	}
	return out
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
