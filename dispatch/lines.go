package dispatch

import (
	"context"
	"errors"
	"time"

	"puente/chat2desk"
	linework "puente/lines"
	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// tellLines tells the desk of the open lines what rows of one client mean for
// them, in their order. The dialogs get every event as well: open lines take
// nothing away from them (product A12). A row that is delivered again brings the
// same event ids, which the desk knows.
func (d *Dispatcher) tellLines(ctx context.Context, rows []delivery) error {
	var events []openlines.Event
	for _, each := range rows {
		some, err := d.lineEvents(ctx, each)
		if err != nil {
			return err
		}
		events = append(events, some...)
	}
	if len(events) == 0 {
		return nil
	}
	return d.desk().Tell(ctx, rows[0].row.Portal, events...)
}

// desk reaches the desks of portals.
func (d *Dispatcher) desk() *linework.Service {
	return &linework.Service{Store: d.store, Temporal: d.temporal, Log: d.log}
}

// lineEvents is what one row means for open lines; nothing if its channel
// belongs to none.
func (d *Dispatcher) lineEvents(ctx context.Context, each delivery) ([]openlines.Event, error) {
	if each.row.Source == store.SourceBitrix24 {
		return d.crmEvents(ctx, each.row)
	}
	l := lineRow{dispatcher: d, delivery: each}
	switch each.hook.HookType {
	case chat2desk.HookInbox, chat2desk.HookOutbox, chat2desk.HookImported, chat2desk.HookComment:
		return l.onLine(ctx, lineRow.message)
	case chat2desk.HookTransferred:
		return l.onLine(ctx, lineRow.assigned)
	case chat2desk.HookCloseDialog, chat2desk.HookCloseRequest:
		return l.onLine(ctx, lineRow.closed)
	case chat2desk.HookBlacklisted, chat2desk.HookClientUpdated:
		return l.client(ctx)
	case chat2desk.HookOutboxStatus:
		return l.undelivered(ctx)
	case chat2desk.HookOperator:
		return l.operator(ctx)
	}
	return nil, nil
}

// lineRow is one row that may concern an open line.
type lineRow struct {
	delivery
	dispatcher *Dispatcher
	line       openlines.Settings // of the row's channel
	conf       settings.Settings  // of the portal
}

// onLine reads what a row means if its channel belongs to a line. The line is
// looked up for each row: what was just saved counts.
func (l lineRow) onLine(ctx context.Context, read func(lineRow, context.Context) ([]openlines.Event, error)) ([]openlines.Event, error) {
	if l.event.ClientID == 0 || l.event.ChannelID == 0 {
		return nil, nil
	}
	_, line, found, err := l.dispatcher.store.LineOfChannel(ctx, l.row.Portal, l.event.ChannelID)
	if err != nil || !found {
		return nil, err
	}
	l.line = line
	if l.conf, err = l.settings(ctx); err != nil {
		return nil, err
	}
	return read(l, ctx)
}

// settings of the portal. One that has none maps nobody yet, and must not hold
// its dialogs up.
func (l lineRow) settings(ctx context.Context) (settings.Settings, error) {
	conf, _, err := l.dispatcher.store.Settings(ctx, l.row.Portal)
	if errors.Is(err, store.ErrNotFound) {
		return settings.Settings{}, nil
	}
	return conf, err
}

func (l lineRow) chat() openlines.ChatID {
	return workflows.LineChatID(l.event.ClientID, l.event.ChannelID)
}

// event is an event of this row; part tells several of one row apart.
func (l lineRow) lineEvent(kind openlines.EventKind, part string) openlines.Event {
	id := l.row.Key
	if part != "" {
		id += "|" + part
	}
	return openlines.Event{ID: id, Kind: kind, At: l.row.ReceivedAt}
}

// at is when it happened, by the clock of Chat2Desk where it tells.
func (l lineRow) at() time.Time {
	if l.hook.Time.IsZero() {
		return l.row.ReceivedAt
	}
	return l.hook.Time
}

// user is the Bitrix24 user of an operator. One who is not mapped counts as the
// fallback user, and the log says so: his chats would be somebody else's.
func (l lineRow) user(ctx context.Context, operator int64) (user openlines.UserID, mapped bool) {
	id, mapped := l.conf.UserFor(operator)
	if !mapped && operator != 0 {
		l.dispatcher.log.WarnContext(ctx, "An operator of an open line is mapped to no Bitrix24 user (setting operators.users)",
			"portal", l.row.Portal, "operator", operator, "counts_as_user", id)
	}
	return openlines.UserID(id), mapped
}

// ours reports whether Puente itself has just done what a webhook tells of: the
// write was announced before it was made, the times agree, and no other webhook
// of this kind told of it: the next one tells of what a person did.
func (l lineRow) ours(ctx context.Context, key string) (bool, error) {
	for {
		w, found, err := l.dispatcher.store.LineWrite(ctx, l.row.Portal, key)
		if err != nil || !found {
			return false, err
		}
		if late := l.at().Sub(w.UpdatedAt); late <= -clockSlack || late >= chat2desk.DefaultTimeout+clockSlack {
			return false, nil
		}
		first, changed, err := l.dispatcher.store.ToldOfLineWrite(ctx, w, l.hook.HookType, l.row.Key)
		if err != nil || !changed {
			return first, err
		}
	}
}

// clockSlack is how much the clocks of Chat2Desk and of this machine may differ.
const clockSlack = 30 * time.Second
