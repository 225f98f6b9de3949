package activities

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/dialog"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/texts"
	"puente/workflows"
)

// notifyClient is the CLIENT_ID that makes TAG work with a webhook (bitrix24
// reference §6.2).
const notifyClient = "puente"

// Notify sends the notifications of a dialog (A9), each at most once per
// message and recipient: the store remembers what was sent, and the TAG makes
// a repetition after a lost answer replace the first. What the portal refuses
// for good is reported, not retried: a dialog must not wait for it.
func (a *Bitrix24) Notify(ctx context.Context, in workflows.NotifyInput) (workflows.Notified, error) {
	n, err := a.notifier(ctx, in)
	if err != nil {
		return workflows.Notified{}, classify("", err)
	}
	out, err := n.send(ctx)
	return out, classify("", err)
}

// notifier sends the notifications of one dialog.
type notifier struct {
	in       workflows.NotifyInput
	store    *store.Store
	gateway  bitrix24.Gateway
	settings settings.Settings
	texts    texts.Bundle
	links    dialog.Links
	dialog   store.DialogRow
}

// message is one notification to one user.
type message struct {
	key  string // what makes it the same again; also its TAG
	user int64
	text string
}

func (a *Bitrix24) notifier(ctx context.Context, in workflows.NotifyInput) (*notifier, error) {
	n := &notifier{in: in, store: a.Store}
	var err error
	if n.settings, _, err = a.Store.Settings(ctx, in.Portal); err != nil {
		return nil, err
	}
	portal, err := a.Portals.Portal(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	n.texts = texts.For(n.settings.General.Language, n.settings.General.Texts)
	n.links = dialog.Links{Portal: portals.WebURL(portal), Web: portal.Chat2Desk.WebURL, General: n.settings.General}
	n.dialog, err = a.Store.Dialog(ctx, in.Portal, in.ClientID, in.ChannelID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	n.gateway, err = a.Portals.Gateway(ctx, in.Portal)
	return n, err
}

func (n *notifier) send(ctx context.Context) (workflows.Notified, error) {
	messages, err := n.messages(ctx)
	if err != nil {
		return workflows.Notified{}, err
	}
	messages, err = n.unsent(ctx, messages)
	if err != nil || len(messages) == 0 {
		return workflows.Notified{}, err
	}
	var out workflows.Notified
	for start := 0; start < len(messages); start += bitrix24.MaxBatch {
		part := messages[start:min(start+bitrix24.MaxBatch, len(messages))]
		if err := n.sendPart(ctx, part, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (n *notifier) sendPart(ctx context.Context, part []message, out *workflows.Notified) error {
	var commands []bitrix24.Command
	for i, m := range part {
		commands = append(commands, bitrix24.Command{Key: strconv.Itoa(i), Method: "im.notify.system.add", Params: bitrix24.Params{
			"USER_ID": m.user, "MESSAGE": bitrix24.Literal(m.text), "TAG": "puente|" + m.key, "CLIENT_ID": notifyClient,
		}})
	}
	res, err := n.gateway.Batch(ctx, bitrix24.Group{Commands: commands})
	if err != nil {
		return err
	}
	var retry error
	for i, r := range res {
		err := r.Err
		switch {
		case err == nil:
			out.Sent++
			var id bitrix24.ID
			_ = r.Decode(&id) // false instead of an id: it is not known, the notification stands
			err = n.store.MarkSent(ctx, n.in.Portal, part[i].key, id.String())
			retry = errors.Join(retry, err)
		case crmVerdicts[bitrix24.KindOf(err)].final:
			out.Problems = append(out.Problems, fmt.Sprintf("user %d: %s", part[i].user, err))
		default:
			retry = err
		}
	}
	return retry
}

// messages turns notices into texts for their recipients.
func (n *notifier) messages(ctx context.Context) ([]message, error) {
	ids := make([]string, 0, len(n.in.Notices))
	for _, notice := range n.in.Notices {
		ids = append(ids, notice.EventID)
	}
	rows, err := n.store.InboxEvents(ctx, n.in.Portal, ids)
	if err != nil {
		return nil, err
	}
	bodies := map[string]chat2desk.Event{}
	for _, row := range rows {
		if events, err := chat2desk.ParseEvents(row.Body); err == nil && len(events) > 0 {
			bodies[row.ID] = events[0]
		}
	}
	var out []message
	for _, notice := range n.in.Notices {
		text := n.text(notice, bodies[notice.EventID])
		for _, user := range n.recipients(notice) {
			key := fmt.Sprintf("%s|%s|u%d", notice.Kind, notice.Key, user)
			out = append(out, message{key: key, user: user, text: text})
		}
	}
	return out, nil
}

// unsent leaves out what was sent before.
func (n *notifier) unsent(ctx context.Context, all []message) ([]message, error) {
	keys := make([]string, 0, len(all))
	for _, m := range all {
		keys = append(keys, m.key)
	}
	sent, err := n.store.WasSent(ctx, n.in.Portal, keys)
	var out []message
	for _, m := range all {
		if !sent[m.key] {
			out = append(out, m)
		}
	}
	return out, err
}

func (n *notifier) recipients(notice workflows.Notice) []int64 {
	if !n.settings.General.NotifyIncoming {
		return nil
	}
	switch notice.Kind {
	case workflows.NoticeAppoint:
		return dialog.Appointers(n.settings)
	case workflows.NoticeAssigned:
		if user, mapped := n.settings.UserFor(notice.OperatorID); mapped {
			return []int64{user}
		}
		return nil
	default:
		return dialog.Recipients(n.settings, notice.OperatorID)
	}
}

func (n *notifier) text(notice workflows.Notice, e chat2desk.Event) string {
	client := dialog.Client{ID: n.in.ClientID}
	if e.Client != nil {
		client = clientOfRef(n.in.ClientID, *e.Client)
	}
	in := dialog.NotificationInput{
		Texts: n.texts, ClientName: dialog.ClientName(client, n.texts), Channel: e.Transport, Text: e.Text, Files: len(e.Attachments),
		DialogID: n.in.DialogID, Entities: n.entities(),
	}
	in.DialogURL = n.links.Dialog(n.in.DialogID, n.in.ClientID, e.RequestID, n.refs()...)
	switch notice.Kind {
	case workflows.NoticeAppoint:
		return dialog.AppointText(in)
	case workflows.NoticeAssigned:
		return dialog.AssignedText(in)
	default:
		return dialog.NotificationText(in)
	}
}

// refs are the entities known of the dialog, the most telling first.
func (n *notifier) refs() []dialog.Ref {
	var out []dialog.Ref
	for _, r := range []dialog.Ref{{Kind: dialog.Deal, ID: n.dialog.DealID}, {Kind: dialog.Lead, ID: n.dialog.LeadID}, {Kind: dialog.Contact, ID: n.dialog.ContactID}} {
		if r.ID != 0 {
			out = append(out, r)
		}
	}
	return out
}

func (n *notifier) entities() []dialog.EntityLink {
	var out []dialog.EntityLink
	for _, r := range n.refs() {
		out = append(out, dialog.EntityLink{Ref: r, URL: n.links.Card(r)})
	}
	return out
}
