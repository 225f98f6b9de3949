package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"puente/chat2desk"
	"puente/dialog"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/texts"
	"puente/workflows"
)

// notifier turns the notices of one dialog into notifications and sends them.
type notifier struct {
	visit
	in     workflows.NotifyInput
	texts  texts.Bundle
	links  dialog.Links
	dialog store.DialogRow
	out    workflows.Notified
}

// message is one notification to one user.
type message struct {
	notice workflows.Notice
	user   int64
	key    string // what makes it the same again; also its TAG
	text   string
	client string // name of the client, not to be repeated in errors
}

// messages are the notifications that were not sent yet, in the order of the
// notices; none if the portal wants none.
func (n *notifier) messages(ctx context.Context, registry *portals.Registry) ([]message, error) {
	var err error
	if n.settings, _, err = n.store.Settings(ctx, n.portal); err != nil {
		return nil, err
	}
	onLine, err := n.onLine(ctx)
	if err != nil {
		return nil, err
	}
	var out []message
	for _, notice := range n.in.Notices {
		for _, user := range recipients(n.settings, notice, onLine) {
			key := fmt.Sprintf("%s|%s|u%d", notice.Kind, notice.Key, user)
			out = append(out, message{notice: notice, user: user, key: key})
		}
	}
	if out, err = n.unsent(ctx, out); err != nil || len(out) == 0 {
		return nil, err
	}
	return out, n.write(ctx, registry, out)
}

// onLine tells whether the channel of the dialog belongs to an open line that is
// active. The line chooses the operator and tells him of his offer.
func (n *notifier) onLine(ctx context.Context) (bool, error) {
	_, line, found, err := n.store.LineOfChannel(ctx, n.portal, n.in.ChannelID)
	return found && line.Active, err
}

// recipients are the users who get a notice. On a channel of an open line only
// the operator who has the dialog is told of messages: everything else is told
// by the line.
func recipients(s settings.Settings, notice workflows.Notice, onLine bool) []int64 {
	if !s.General.NotifyIncoming {
		return nil
	}
	if user, mapped := s.UserFor(notice.OperatorID); onLine {
		if notice.Kind == workflows.NoticeIncoming && mapped {
			return []int64{user}
		}
		return nil
	}
	switch notice.Kind {
	case workflows.NoticeAppoint:
		return dialog.Appointers(s)
	case workflows.NoticeAssigned:
		if user, mapped := s.UserFor(notice.OperatorID); mapped {
			return []int64{user}
		}
		return nil
	default:
		return dialog.Recipients(s, notice.OperatorID)
	}
}

// write fills in the texts. They are made from the webhooks; of one that was
// deleted after its retention only the ids are told.
func (n *notifier) write(ctx context.Context, registry *portals.Registry, messages []message) error {
	portal, err := registry.Portal(ctx, n.portal)
	if err != nil {
		return err
	}
	n.texts = texts.For(n.settings.General.Language, n.settings.General.Texts)
	n.links = dialog.Links{Portal: portals.WebURL(portal), Web: portal.Chat2Desk.WebURL, General: n.settings.General}
	if n.dialog, err = n.dialogRow(ctx); err != nil {
		return err
	}
	hooks, err := n.hooks(ctx, messages)
	if err != nil {
		return err
	}
	for i := range messages {
		messages[i].client, messages[i].text = n.text(messages[i].notice, hooks[messages[i].notice.EventID])
	}
	return nil
}

// hooks are the webhooks that the notices are about, by inbox row.
func (n *notifier) hooks(ctx context.Context, messages []message) (map[string]chat2desk.Event, error) {
	var ids []string
	for _, m := range messages {
		ids = append(ids, m.notice.EventID)
	}
	slices.Sort(ids)
	rows, err := n.store.InboxEvents(ctx, n.portal, slices.Compact(ids))
	hooks := map[string]chat2desk.Event{}
	for _, row := range rows {
		events, parseErr := chat2desk.ParseEvents(row.Body)
		if parseErr != nil || len(events) == 0 {
			continue
		}
		hook, wordsErr := n.withWords(ctx, events[0])
		hooks[row.ID], err = hook, errors.Join(err, wordsErr)
	}
	return hooks, err
}

// withWords gives an event that names no client, as an assignment does, the
// client and the words of the last message of its request.
func (n *notifier) withWords(ctx context.Context, e chat2desk.Event) (chat2desk.Event, error) {
	if e.Client != nil || e.RequestID == 0 {
		return e, nil
	}
	rows, err := n.store.RequestMessages(ctx, n.portal, e.RequestID)
	for _, row := range slices.Backward(rows) {
		events, parseErr := chat2desk.ParseEvents(row.Body)
		if parseErr == nil && len(events) > 0 && events[0].Client != nil && events[0].HookType == chat2desk.HookInbox {
			last := events[0]
			e.Client, e.Text, e.Attachments, e.Transport = last.Client, last.Text, last.Attachments, last.Transport
			break
		}
	}
	return e, err
}

func (n *notifier) text(notice workflows.Notice, e chat2desk.Event) (client, text string) {
	person := dialog.Client{ID: n.in.ClientID}
	if e.Client != nil {
		person = clientOfRef(n.in.ClientID, *e.Client)
	}
	dialogID := cmp.Or(n.in.DialogID, n.dialog.DialogID)
	in := dialog.NotificationInput{
		Texts: n.texts, ClientName: dialog.ClientName(person, n.texts), Channel: e.Transport, Text: e.Text, Files: len(e.Attachments),
		DialogID: dialogID, Entities: n.entities(), DialogURL: n.links.Dialog(dialogID, n.in.ClientID, e.RequestID, n.refs()...),
	}
	switch notice.Kind {
	case workflows.NoticeAppoint:
		return person.Name, dialog.AppointText(in)
	case workflows.NoticeAssigned:
		return person.Name, dialog.AssignedText(in)
	default:
		return person.Name, dialog.NotificationText(in)
	}
}

// refs are the entities known of the dialog, the most telling first.
func (n *notifier) refs() []dialog.Ref {
	var out []dialog.Ref
	add := func(kind dialog.Kind, id int64) {
		if id != 0 {
			out = append(out, dialog.Ref{Kind: kind, ID: id})
		}
	}
	add(dialog.Deal, n.dialog.DealID)
	add(dialog.Lead, n.dialog.LeadID)
	add(dialog.Contact, n.dialog.ContactID)
	return out
}

func (n *notifier) entities() []dialog.EntityLink {
	var out []dialog.EntityLink
	for _, r := range n.refs() {
		out = append(out, dialog.EntityLink{Ref: r, URL: n.links.Card(r)})
	}
	return out
}
