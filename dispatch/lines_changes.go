package dispatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"puente/chat2desk"
	"puente/dialog"
	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// assigned: somebody gave the dialog to an operator in Chat2Desk. What that means
// for the session the desk knows; what Puente assigned itself changes nothing.
func (l lineRow) assigned(ctx context.Context) ([]openlines.Event, error) {
	if l.hook.OperatorID == 0 {
		return nil, nil
	}
	if newest, err := l.newest(ctx, store.AssignedKey(l.chat())); err != nil || !newest {
		return nil, err
	}
	ours, err := l.ours(ctx, store.AssignKey(l.chat(), l.hook.OperatorID))
	if err != nil || ours {
		return nil, err
	}
	user, mapped := l.user(ctx, l.hook.OperatorID)
	if !mapped {
		return nil, nil
	}
	event := l.lineEvent(openlines.DialogAssigned, "")
	event.Chat, event.Happened, event.To = l.chat(), l.hook.Time, user
	return []openlines.Event{event}, nil
}

// ratingRequest is the kind of request that only polls the client after a close.
const ratingRequest = "rating"

// closed: somebody closed the dialog in Chat2Desk, which finishes the session.
// What Puente closed itself, the polls that follow each close, and what is told too
// late, change nothing.
func (l lineRow) closed(ctx context.Context) ([]openlines.Event, error) {
	if ours, err := l.ours(ctx, store.CloseKey(l.chat())); err != nil || ours {
		return nil, err
	}
	if poll, err := l.isPoll(ctx); err != nil || poll {
		return nil, err
	}
	if late, err := l.overtaken(ctx); err != nil || late {
		return nil, err
	}
	event := l.lineEvent(openlines.DialogClosed, "")
	event.Chat, event.Happened = l.chat(), l.hook.Time
	operator, err := l.closer(ctx)
	if user, mapped := l.user(ctx, operator); mapped {
		event.By = user
	}
	return []openlines.Event{event}, err
}

func (l lineRow) isPoll(ctx context.Context) (bool, error) {
	if l.hook.HookType != chat2desk.HookCloseRequest || l.event.RequestID == 0 {
		return false, nil
	}
	row, err := l.dispatcher.store.Request(ctx, l.row.Portal, l.event.RequestID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return row.Type == ratingRequest, err
}

// closer is the operator of a dialog that was closed, 0 if nobody knows.
func (l lineRow) closer(ctx context.Context) (int64, error) {
	if l.hook.OperatorID != 0 {
		return l.hook.OperatorID, nil
	}
	row, err := l.dispatcher.store.Dialog(ctx, l.row.Portal, l.event.ClientID, l.event.ChannelID)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return row.OperatorID, err
}

// client: the person was blocked, or changed; both concern all chats of the
// person on channels of lines.
func (l lineRow) client(ctx context.Context) ([]openlines.Event, error) {
	dialogs, err := l.dispatcher.store.DialogsOfClient(ctx, l.row.Portal, l.hook.ClientID)
	if err != nil {
		return nil, err
	}
	var out []openlines.Event
	for _, row := range dialogs {
		l.event.ClientID, l.event.ChannelID = row.ClientID, row.ChannelID
		some, err := l.onLine(ctx, lineRow.clientChanged)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

func (l lineRow) clientChanged(ctx context.Context) ([]openlines.Event, error) {
	if l.hook.HookType == chat2desk.HookClientUpdated {
		return l.contactLearned(), nil
	}
	_, err := l.dispatcher.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: l.row.Portal, WriteKey: store.BlockedKey(l.chat()), State: store.WriteDone,
	})
	event := l.lineEvent(openlines.ClientBlocked, string(l.chat()))
	event.Chat, event.On = l.chat(), true
	return []openlines.Event{event}, err
}

// contactLearned: a phone or e-mail is known of the client. The desk knows
// whether an item of the CRM stands for him already.
func (l lineRow) contactLearned() []openlines.Event {
	contact := dialog.ContactKey(l.conf, l.person())
	if contact == "" {
		return nil
	}
	event := l.lineEvent(openlines.ContactLearned, string(l.chat()))
	event.Chat = l.chat()
	event.CRM = &openlines.CRMFacts{Identity: l.dispatcher.store.Pseudonym(l.row.Portal, contact), Writable: true}
	return []openlines.Event{event}
}

// undelivered: the messenger refused an automatic text after Chat2Desk had taken
// it (chat2desk reference §4.4, outbox_status).
func (l lineRow) undelivered(ctx context.Context) ([]openlines.Event, error) {
	words := strings.ToLower(l.hook.Status + " " + l.hook.Error)
	if l.hook.Error == "" && !strings.Contains(words, "fail") && !strings.Contains(words, "error") {
		return nil, nil
	}
	key, ours := workflows.LineTextKey(l.row.Portal, l.hook.ExternalID)
	if !ours {
		w, found, err := l.dispatcher.store.LineWrite(ctx, l.row.Portal, store.MessageKey(l.hook.MessageID))
		if err != nil || !found {
			return nil, err
		}
		key = w.Detail
	}
	session, text, known := workflows.ParseLineTextKey(key)
	if !known {
		return nil, nil
	}
	event := l.lineEvent(openlines.TextRefused, "")
	event.Session, event.Text, event.Reason = session, text, workflows.RefusalReason(words)
	return []openlines.Event{event}, nil
}

// operator: an operator came, went or takes a break. Only those who are mapped
// to a Bitrix24 user can have chats. The desk is told at once what is known of him
// now, in the way of package lines: news of several sources do not pass each other.
func (l lineRow) operator(ctx context.Context) ([]openlines.Event, error) {
	lines, err := l.dispatcher.store.Lines(ctx, l.row.Portal)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	if l.conf, err = l.settings(ctx); err != nil {
		return nil, err
	}
	user, mapped := l.conf.UserFor(l.hook.OperatorID)
	if !mapped || user == 0 {
		return nil, nil
	}
	if newest, err := l.newest(ctx, store.PresenceKey(l.hook.OperatorID)); err != nil || !newest {
		return nil, err
	}
	presence := openlines.ChannelPresence(l.hook.Online, l.hook.OfflineType != "")
	change := store.OperatorChange{Presence: &presence}
	_, err = l.dispatcher.desk().SaveOperator(ctx, l.row.Portal, openlines.UserID(user), change, store.SourceChat2Desk)
	return nil, err
}

// newest tells whether no webhook told of anything later under a key: Chat2Desk
// repeats one that we did not take after minutes or hours (chat2desk reference
// §4.2), when what it tells may long be over.
func (l lineRow) newest(ctx context.Context, key string) (bool, error) {
	at := min(l.at().UnixMilli(), l.row.ReceivedAt.UnixMilli())
	return l.dispatcher.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: l.row.Portal, WriteKey: key, State: store.WriteDone, Version: at,
	})
}

// overtaken tells whether the client wrote after a close, and his message came
// first: it has opened the dialog again, and must not be closed without an answer.
func (l lineRow) overtaken(ctx context.Context) (bool, error) {
	if l.hook.Time.IsZero() {
		return false, nil
	}
	after := l.hook.Time.Add(sameTime)
	return l.dispatcher.store.SaidBefore(ctx, l.row.Portal, l.event.ClientID, l.event.ChannelID, after, l.row.ReceivedAt)
}

// sameTime is how exact the times of webhooks are taken to be; one that was not
// taken is repeated ten seconds later at the earliest.
const sameTime = 2 * time.Second
