package dispatch

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"puente/chat2desk"
	"puente/dialog"
	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// message is a message of the client, of an operator, or an internal note. What
// bots, menus and Puente itself say is no reply (openlines reference §1).
func (l lineRow) message(ctx context.Context) ([]openlines.Event, error) {
	if _, ours := workflows.LineTextKey(l.row.Portal, l.hook.ExternalID); ours {
		return nil, nil
	}
	switch l.hook.Type {
	case chat2desk.TypeFromClient:
		return l.fromClient(ctx)
	case chat2desk.TypeToClient, chat2desk.TypeComment:
		return l.fromOperator(ctx)
	}
	return nil, nil
}

// oldest is how old a message may be that was imported: histories are imported
// too, and begin no session.
const oldest = time.Hour

func (l lineRow) fromClient(ctx context.Context) ([]openlines.Event, error) {
	if l.old() {
		return nil, nil
	}
	event := l.lineEvent(openlines.ClientMessage, "")
	event.Chat, event.Happened = l.chat(), l.hook.Time
	message, err := l.lineMessage(ctx)
	if err != nil {
		return nil, err
	}
	message.Window = window(l.hook.Transport, l.row.ReceivedAt)
	if len(l.hook.Attachments) == 0 {
		message.Vote = l.line.ParseVote(l.hook.Text)
	}
	event.Message = message
	return []openlines.Event{event}, nil
}

// old reports whether an imported message belongs to the past.
func (l lineRow) old() bool {
	return l.hook.HookType == chat2desk.HookImported && l.row.ReceivedAt.Sub(l.at()) > oldest
}

// fromOperator is a reply, or an internal note. One that names no operator was
// sent by a machine.
func (l lineRow) fromOperator(ctx context.Context) ([]openlines.Event, error) {
	if l.hook.OperatorID == 0 || l.old() {
		return nil, nil
	}
	event := l.lineEvent(openlines.EmployeeMessage, "")
	event.Chat, event.Happened = l.chat(), l.hook.Time
	message, err := l.lineMessage(ctx)
	if err != nil {
		return nil, err
	}
	message.Internal = l.hook.Type == chat2desk.TypeComment
	event.Message = message
	event.By, _ = l.user(ctx, l.hook.OperatorID)
	return []openlines.Event{event}, nil
}

// lineMessage is the message without its text, with what a session that it
// begins has to know of the client. Ids of Chat2Desk grow with time, so they are
// the order of the channel.
func (l lineRow) lineMessage(ctx context.Context) (*openlines.Message, error) {
	m := &openlines.Message{ID: l.row.Key, Channel: l.event.ChannelID, Order: l.hook.MessageID}
	if l.hook.MessageID != 0 {
		m.ID = strconv.FormatInt(l.hook.MessageID, 10)
	}
	contact := dialog.ContactKey(l.conf, l.person())
	m.Writable = contact != "" || writesFirst(l.hook.Transport)
	if contact != "" {
		m.Identity = l.dispatcher.store.Pseudonym(l.row.Portal, contact)
	}
	var err error
	m.Past, err = l.past(ctx)
	return m, err
}

func (l lineRow) person() dialog.Client {
	if l.hook.Client == nil {
		return dialog.Client{}
	}
	ref := chat2desk.Client{Phone: l.hook.Client.Phone, ClientPhone: l.hook.Client.ClientPhone}
	return dialog.Client{Phone: ref.RealPhone(), Email: ref.Email()}
}

// past is what the chat's last session left. That the client was blocked is
// known also of chats that had no session since.
func (l lineRow) past(ctx context.Context) (openlines.Past, error) {
	past, _, err := l.dispatcher.store.ChatPast(ctx, l.row.Portal, l.chat())
	if err != nil || past.Blocked {
		return past, err
	}
	_, past.Blocked, err = l.dispatcher.store.LineWrite(ctx, l.row.Portal, store.BlockedKey(l.chat()))
	return past, err
}

// providerWindow is how long providers of business messengers let us write after
// the client's last message (chat2desk reference §6).
const providerWindow = 24 * time.Hour

// windowed are the transports with a messaging window; names that begin so.
var windowed = []string{"wa_", "facebook", "insta"}

// window is until when the channel lets us write; zero: always.
func window(transport string, received time.Time) time.Time {
	if slices.ContainsFunc(windowed, func(name string) bool { return strings.HasPrefix(transport, name) }) {
		return received.Add(providerWindow)
	}
	return time.Time{}
}

// passive are the transports in which nobody can be written to whenever we like:
// visitors of a site, and networks that demand a message of the client before.
var passive = []string{"widget", "facebook", "insta", "yandex_dialogs", "wechat", "skype", "system", "-"}

// writesFirst reports whether the channel lets us write first (openlines
// reference §8; chat2desk reference §6).
func writesFirst(transport string) bool {
	return transport != "" && !slices.ContainsFunc(passive, func(name string) bool { return strings.HasPrefix(transport, name) })
}
