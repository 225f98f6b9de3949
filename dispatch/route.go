package dispatch

import (
	"context"
	"errors"
	"fmt"

	"puente/chat2desk"
	"puente/dialog"
	"puente/store"
)

// askAttempts is how often Chat2Desk is asked where an event belongs before
// the event goes to a provisional dialog (channel 0).
const askAttempts = 5

// learn keeps what an event tells about ids: dialog, channel, client, request.
func (d *Dispatcher) learn(ctx context.Context, each delivery) error {
	e := each.event
	if !each.known || e.ClientID == 0 || e.ChannelID == 0 {
		return nil
	}
	if fact := fmt.Sprintf("d|%s|%d|%d|%d|%d", each.row.Portal, e.ClientID, e.ChannelID, e.DialogID, leader(e)); !d.learned.has(fact) {
		err := d.store.LearnDialog(ctx, store.DialogRow{
			Portal: each.row.Portal, ClientID: e.ClientID, ChannelID: e.ChannelID, DialogID: e.DialogID,
			OperatorID: leader(e), LastRequestID: e.RequestID, Transport: e.Transport,
		})
		if err != nil {
			return err
		}
		d.learned.note(fact)
	}
	return d.learnRequest(ctx, each)
}

func (d *Dispatcher) learnRequest(ctx context.Context, each delivery) error {
	e := each.event
	if e.RequestID == 0 {
		return nil
	}
	row := store.RequestRow{Portal: each.row.Portal, RequestID: e.RequestID, DialogID: e.DialogID, ClientID: e.ClientID, ChannelID: e.ChannelID}
	if e.Kind == dialog.KindNewRequest {
		row.Type = e.Type
	}
	fact := fmt.Sprintf("r|%s|%d|%d|%s", row.Portal, row.RequestID, row.DialogID, row.Type)
	if d.learned.has(fact) {
		return nil
	}
	if err := d.store.LearnRequest(ctx, row); err != nil {
		return err
	}
	d.learned.note(fact)
	return nil
}

// leader is the operator an event makes responsible, if it does.
func leader(e dialog.Event) int64 {
	if e.Kind == dialog.KindTransferred || e.Kind == dialog.KindOutbox && e.Type == chat2desk.TypeToClient {
		return e.OperatorID
	}
	return 0
}

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
	if err != nil && each.row.Attempts < askAttempts && worthRetry(err) {
		return err
	}
	if found {
		return nil
	}
	return d.routeByClient(ctx, each)
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
		return true, d.learn(ctx, *each)
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
	return found, d.learn(ctx, *each)
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

func worthRetry(err error) bool {
	switch chat2desk.KindOf(err) {
	case chat2desk.KindAmbiguous, chat2desk.KindRateLimited:
		return true
	default:
		return false
	}
}
