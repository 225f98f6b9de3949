package chat2desk

import (
	"context"
	"net/http"
	"strings"
)

// Dialog returns one dialog (GET /dialogs/:id, reference §3.3). An unknown id
// is KindNotFound.
func (a *API) Dialog(ctx context.Context, id int64) (Dialog, error) {
	o, _, err := a.getObject(ctx, path("dialogs/%d", id))
	if err != nil {
		return Dialog{}, err
	}
	return a.readDialog(o), nil
}

// Request returns one request (GET /requests/:id): at least its dialog.
func (a *API) Request(ctx context.Context, id int64) (Request, error) {
	o, raw, err := a.getObject(ctx, path("requests/%d", id))
	if err != nil {
		return Request{}, err
	}
	return Request{
		ID: id, DialogID: o.int("dialog_id"), ClientID: clientID(o), ChannelID: o.int("channel_id"),
		OperatorID: o.int("operator_id"), Type: strings.ToLower(o.text("type")), Transport: o.text("transport"), Raw: raw,
	}, nil
}

// SetDialog assigns a dialog to an operator and sets its state, StateOpen or
// StateClosed (PUT /dialogs/:id). Both always travel together, because no
// known caller of the service does otherwise. A dialog that already has the
// state is a success.
func (a *API) SetDialog(ctx context.Context, id, operatorID int64, state string) error {
	body := map[string]any{"state": state}
	if operatorID != 0 {
		body["operator_id"] = operatorID
	}
	_, err := a.do(ctx, call{method: http.MethodPut, path: path("dialogs/%d", id), body: body})
	return unlessDone(err)
}

// CloseRequest closes a request (PUT /requests/close). A request that is
// closed already is a success.
func (a *API) CloseRequest(ctx context.Context, id int64) error {
	body := map[string]any{"request_id": id}
	_, err := a.do(ctx, call{method: http.MethodPut, path: path("requests/close"), body: body})
	return unlessDone(err)
}

// unlessDone forgives that the wanted state was there before.
func unlessDone(err error) error {
	if KindOf(err) == KindAlreadyDone {
		return nil
	}
	return err
}

func (a *API) readDialog(o object) Dialog {
	d := Dialog{
		ID: o.int("id", "dialog_id"), State: strings.ToLower(o.text("state")),
		Begin: o.time("begin", a.cfg.Location), End: o.time("end", a.cfg.Location),
		OperatorID: o.int("operator_id"), ClientID: clientID(o), ChannelID: o.int("channel_id"),
		LastRequestID: o.int("last_request_id"), Messages: o.int("messages"),
	}
	// What the row itself leaves out may stand in its last message.
	last := o.object("last_message")
	if d.ClientID == 0 {
		d.ClientID = clientID(last)
	}
	if d.ChannelID == 0 {
		d.ChannelID = last.int("channel_id")
	}
	if d.LastRequestID == 0 {
		d.LastRequestID = last.int("request_id")
	}
	return d
}

// clientID prefers the id of the client object: where the two disagree, the
// vendor's own samples are right there (reference §4.5).
func clientID(o object) int64 {
	if id := o.object("client").int("id"); id != 0 {
		return id
	}
	return o.int("client_id")
}
