package dispatch

import (
	"context"
	"errors"

	"puente/chat2desk"
	"puente/portals"
	"puente/store"
)

// askAttempts is how often Chat2Desk is asked where an event belongs before
// the event goes to a provisional dialog (channel 0).
const askAttempts = 5

// route completes the ids of an event, so that it finds its workflow: client
// and channel from the event itself, else from what was learned, else from
// Chat2Desk. An event whose channel nobody knows keeps channel 0.
func (d *Dispatcher) route(ctx context.Context, each *delivery) error {
	if each.event.ClientID != 0 && each.event.ChannelID != 0 {
		return nil
	}
	found, err := d.routeByStore(ctx, each)
	if err != nil || found {
		return err
	}
	found, err = d.routeByAPI(ctx, each)
	if err != nil && !d.mayPass(each.row, err) {
		return err
	}
	if found {
		return nil
	}
	return d.routeByClient(ctx, each)
}

// mayPass reports whether an error of asking Chat2Desk may be passed over: it
// does not know, or there is no account to ask, or it has been away for long.
// Errors of our own store are no answer.
func (d *Dispatcher) mayPass(row store.InboxEvent, err error) bool {
	switch chat2desk.KindOf(err) {
	case chat2desk.KindAmbiguous, chat2desk.KindRateLimited:
		return row.Attempts >= askAttempts && !errors.Is(err, context.Canceled)
	case chat2desk.KindUnknown:
		var api *chat2desk.Error
		return errors.As(err, &api) || errors.Is(err, portals.ErrNoAccount) || errors.Is(err, store.ErrNotFound)
	default:
		return true
	}
}

func (d *Dispatcher) routeByStore(ctx context.Context, each *delivery) (bool, error) {
	e := each.event
	if e.RequestID != 0 {
		row, err := d.store.DialogByRequest(ctx, each.row.Portal, e.RequestID)
		if found, err := each.take(row, err); err != nil || found {
			return found, err
		}
	}
	if e.DialogID == 0 {
		return false, nil
	}
	row, err := d.store.DialogByID(ctx, each.row.Portal, e.DialogID)
	return each.take(row, err)
}

// take completes the event from a learned dialog.
func (each *delivery) take(row store.DialogRow, err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	each.fill(row.ClientID, row.ChannelID, row.DialogID)
	return each.event.ChannelID != 0, nil
}

func (each *delivery) fill(client, channel, dialogID int64) {
	for _, pair := range []struct {
		into  *int64
		value int64
	}{{&each.event.ClientID, client}, {&each.event.ChannelID, channel}, {&each.event.DialogID, dialogID}} {
		if *pair.into == 0 {
			*pair.into = pair.value
		}
	}
}

// routeByAPI asks Chat2Desk about the request, then about the dialog.
func (d *Dispatcher) routeByAPI(ctx context.Context, each *delivery) (bool, error) {
	api, err := d.portals.Chat2Desk(ctx, each.row.Portal)
	if err != nil {
		return false, err
	}
	request := each.event.RequestID
	if request == 0 && each.event.DialogID != 0 {
		known, err := api.Dialog(ctx, each.event.DialogID)
		if err != nil {
			return false, err
		}
		each.fill(known.ClientID, known.ChannelID, known.ID)
		request = known.LastRequestID
	}
	if each.event.ClientID != 0 && each.event.ChannelID != 0 {
		return true, d.learn(ctx, []delivery{*each})
	}
	if request == 0 {
		return false, nil
	}
	messages, err := api.RequestMessages(ctx, request)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		each.fill(m.ClientID, m.ChannelID, m.DialogID)
	}
	found := each.event.ClientID != 0 && each.event.ChannelID != 0
	return found, d.learn(ctx, []delivery{*each})
}

// routeByClient takes the only dialog a client has.
func (d *Dispatcher) routeByClient(ctx context.Context, each *delivery) error {
	if each.event.ClientID == 0 {
		return nil
	}
	dialogs, err := d.store.DialogsOfClient(ctx, each.row.Portal, each.event.ClientID)
	if err == nil && len(dialogs) == 1 && (each.event.DialogID == 0 || dialogs[0].DialogID == 0 || dialogs[0].DialogID == each.event.DialogID) {
		each.fill(dialogs[0].ClientID, dialogs[0].ChannelID, dialogs[0].DialogID)
	}
	return err
}
