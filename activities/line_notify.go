package activities

import (
	"context"
	"fmt"

	"puente/chat2desk"
	"puente/dialog"
	"puente/openlines"
	"puente/portals"
	"puente/texts"
	"puente/workflows"
)

// LineNotify tells people about a session: whom it is offered to, whom it was
// handed over to, that a reply is late. Each notification reaches a user at most
// once: the store remembers what was sent, and the TAG makes a repetition after a
// lost answer replace the first (bitrix24 reference §6.2). What the portal
// refuses for good is told as a note: the session goes on.
func (a *Bitrix24) LineNotify(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	n := &lineNotice{notifier: notifier{visit: a.visit(in.Portal, "")}, command: in.Command, seq: in.Seq}
	err := n.tell(ctx, a.Portals)
	return n.done(), classify(ctx, "", err)
}

// lineNotice is one notice of an open line on its way to people.
type lineNotice struct {
	notifier
	command openlines.Command
	seq     int64
	line    openlines.Settings
}

func (n *lineNotice) tell(ctx context.Context, registry *portals.Registry) (err error) {
	if n.in.ClientID, n.in.ChannelID, err = workflows.ParseLineChat(n.command.Chat); err != nil {
		return final("", errInvalid, err.Error())
	}
	if n.settings, _, err = n.store.Settings(ctx, n.portal); err != nil {
		return err
	}
	if n.line, _, err = lineOf(ctx, n.store, n.portal, n.command.Line); err != nil {
		return err
	}
	messages, err := n.unsent(ctx, n.people())
	if err != nil || len(messages) == 0 {
		return err
	}
	if n.gateway, err = registry.Gateway(ctx, n.portal); err != nil {
		return err
	}
	text, client, err := n.words(ctx, registry)
	if err != nil {
		return err
	}
	for i := range messages {
		messages[i].text, messages[i].client = text, client
	}
	return n.send(ctx, messages)
}

// people are the users who are told, each with the key of the notification.
func (n *lineNotice) people() (out []message) {
	what := "line|" + n.command.Reason
	switch {
	case n.command.Kind == openlines.DoOffer:
		what = fmt.Sprintf("line|offer:%d", n.command.Offer)
	case n.command.Session != 0:
		what = fmt.Sprintf("line|%s:%d:%d", n.command.Reason, n.command.Session, n.seq)
	}
	for _, user := range n.recipients() {
		out = append(out, message{user: user, key: fmt.Sprintf("%s|u%d", what, user)})
	}
	return out
}

func (n *lineNotice) recipients() []int64 {
	switch {
	case n.command.User != 0:
		return []int64{int64(n.command.User)}
	case n.command.Reason == openlines.NoteSLA && len(n.line.SLANotify) > 0:
		return n.line.SLANotify
	case len(n.settings.Operators.Supervisors) > 0:
		return n.settings.Operators.Supervisors
	case n.settings.Operators.Administrator != 0:
		return []int64{n.settings.Operators.Administrator}
	}
	return nil
}

// what is the id of the text, after line.notify.
func (n *lineNotice) what() string {
	switch {
	case n.command.Kind != openlines.DoOffer:
		return n.command.Reason
	case n.command.Offered == openlines.TransferOffer:
		return "transfer"
	case n.command.Due.IsZero():
		return "offer"
	}
	return "offer_until"
}

// words are the text and the name of the client in it.
func (n *lineNotice) words(ctx context.Context, registry *portals.Registry) (text, client string, err error) {
	portal, err := registry.Portal(ctx, n.portal)
	if err != nil {
		return "", "", err
	}
	if n.dialog, err = n.dialogRow(ctx); err != nil {
		return "", "", err
	}
	last, err := n.withWords(ctx, chat2desk.Event{RequestID: n.dialog.LastRequestID, Transport: n.dialog.Transport})
	if err != nil {
		return "", "", err
	}
	person := dialog.Client{ID: n.in.ClientID}
	if last.Client != nil {
		person = clientOfRef(n.in.ClientID, *last.Client)
	}
	n.texts = texts.For(n.settings.General.Language, n.settings.General.Texts)
	n.links = dialog.Links{Portal: portals.WebURL(portal), Web: portal.Chat2Desk.WebURL, General: n.settings.General}
	in := dialog.NotificationInput{
		Texts: n.texts, ClientName: dialog.ClientName(person, n.texts), Channel: last.Transport, Text: last.Text, Files: len(last.Attachments),
		DialogID: n.dialog.DialogID, Entities: n.entities(), Line: n.line.Name,
		DialogURL: n.links.Dialog(n.dialog.DialogID, n.in.ClientID, n.dialog.LastRequestID, n.refs()...),
	}
	if !n.command.Due.IsZero() {
		in.Until = n.command.Due.In(zoneOf(n.line)).Format("15:04")
	}
	return dialog.LineText(in, n.what()), person.Name, nil
}

// done tells what could not be delivered.
func (n *lineNotice) done() (out workflows.LineCommandDone) {
	for _, problem := range n.out.Problems {
		out.Note = "⚠ not notified: " + problem
	}
	return out
}
