package dispatch

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puente/chat2desk"
	"puente/dialog"
	"puente/store"
	"puente/workflows"
)

// delivery is one inbox row on its way: parsed, and completed by its route.
type delivery struct {
	row   store.InboxEvent
	hook  chat2desk.Event
	event dialog.Event
	known bool // a kind of event that dialogs react to
}

// kinds are the hook types a dialog reacts to.
var kinds = map[string]dialog.EventKind{}

func init() {
	for _, k := range []dialog.EventKind{
		dialog.KindInbox, dialog.KindOutbox, dialog.KindImported, dialog.KindComment, dialog.KindSystem, dialog.KindNewRequest,
		dialog.KindClosed, dialog.KindDialogClose, dialog.KindTransferred, dialog.KindTagClient, dialog.KindUntagClient,
		dialog.KindTag, dialog.KindUntag,
	} {
		kinds[string(k)] = k
	}
}

func newDelivery(row store.InboxEvent) delivery {
	d := delivery{row: row}
	events, err := chat2desk.ParseEvents(row.Body)
	if err != nil || len(events) == 0 || row.Source != store.SourceChat2Desk {
		return d
	}
	d.hook = events[0]
	kind, known := kinds[d.hook.HookType]
	d.known = known
	d.event = dialog.Event{
		ID: row.ID, Key: row.Key, Kind: kind, Time: d.hook.Time, ClientID: d.hook.ClientID, ChannelID: d.hook.ChannelID,
		DialogID: d.hook.DialogID, RequestID: d.hook.RequestID, MessageID: d.hook.MessageID, OperatorID: d.hook.OperatorID,
		TagID: d.hook.TagID, Transport: d.hook.Transport, Type: d.hook.Type,
	}
	if d.event.Time.IsZero() {
		d.event.Time = row.ReceivedAt
	}
	return d
}

// parcel is what goes the same way: consecutive events of one client with the
// same workflow travel in one signal.
type parcel struct {
	workflow string // "" = nowhere
	in       workflows.DialogInput
	everyone bool // every running dialog of the client; starts none
	status   string
	rows     []delivery
}

// stop is the row at which packing had to end, and why.
type stop struct {
	row store.InboxEvent
	err error
}

// pack addresses the rows of one client and joins neighbours with the same
// address. The first row that cannot be addressed ends it: order is kept.
func (d *Dispatcher) pack(ctx context.Context, line []delivery) ([]parcel, stop) {
	var out []parcel
	for _, each := range line {
		p, err := d.address(ctx, each)
		if err != nil {
			return out, stop{row: each.row, err: err}
		}
		if n := len(out); n > 0 && out[n-1].joins(p) {
			out[n-1].rows = append(out[n-1].rows, p.rows...)
			continue
		}
		out = append(out, p)
	}
	return out, stop{}
}

func (p parcel) joins(next parcel) bool {
	return p.workflow == next.workflow && p.status == next.status && !p.everyone && !next.everyone
}

// address finds where an event goes. One that concerns no dialog goes nowhere
// and is done.
func (d *Dispatcher) address(ctx context.Context, each delivery) (parcel, error) {
	p := parcel{status: store.InboxDone, rows: []delivery{each}}
	if !each.known {
		return p, nil
	}
	if each.event.Kind == dialog.KindTagClient || each.event.Kind == dialog.KindUntagClient {
		p.everyone = true
		return p, nil
	}
	if err := d.route(ctx, &each); err != nil {
		return p, err
	}
	p.rows[0] = each
	if each.event.ClientID == 0 {
		d.log.WarnContext(ctx, "An event names no client and nobody knows its request: kept, not delivered",
			"portal", each.row.Portal, "hook_type", each.row.HookType, "inbox", each.row.ID)
		p.status = store.InboxFailed
		return p, nil
	}
	p.in = workflows.DialogInput{Portal: each.row.Portal, ClientID: each.event.ClientID, ChannelID: each.event.ChannelID}
	p.workflow = workflows.DialogID(p.in.Portal, p.in.ClientID, p.in.ChannelID)
	return p, nil
}

// deliver carries a parcel to its workflow and finishes its rows. If the
// finishing is lost, they are delivered once more, and the workflow knows them.
func (d *Dispatcher) deliver(ctx context.Context, p parcel) (err error) {
	told := p.workflow
	switch {
	case p.everyone:
		told, err = d.signalAll(ctx, p)
	case p.workflow != "":
		err = d.signal(ctx, p)
	}
	if err == nil {
		err = d.tellLines(ctx, p.rows)
	}
	if err != nil {
		return err
	}
	ids := make([]string, 0, len(p.rows))
	for _, each := range p.rows {
		ids = append(ids, each.row.ID)
	}
	return d.store.FinishInbox(ctx, ids, p.status, told)
}

func (p parcel) events() []dialog.Event {
	out := make([]dialog.Event, 0, len(p.rows))
	for _, each := range p.rows {
		out = append(out, each.event)
	}
	return out
}

// signal tells the workflow of a dialog, starting it if it does not run.
func (d *Dispatcher) signal(ctx context.Context, p parcel) error {
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	_, err := d.temporal.SignalWithStartWorkflow(ctx, p.workflow, workflows.SignalDialogEvents, p.events(), client.StartWorkflowOptions{
		TaskQueue:             workflows.DialogsQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         fmt.Sprintf("Client %d on channel %d", p.in.ClientID, p.in.ChannelID),
		TypedSearchAttributes: workflows.DialogAttributes(p.in),
	}, workflows.DialogWorkflow, p.in)
	return err
}

// signalAll tells every running dialog of a client; a tag alone starts none.
func (d *Dispatcher) signalAll(ctx context.Context, p parcel) (told string, err error) {
	portal, clientID := p.rows[0].row.Portal, p.rows[0].event.ClientID
	dialogs, err := d.store.DialogsOfClient(ctx, portal, clientID)
	if err != nil {
		return "", err
	}
	for _, row := range dialogs {
		id := workflows.DialogID(portal, row.ClientID, row.ChannelID)
		err := d.temporal.SignalWorkflow(ctx, id, "", workflows.SignalDialogEvents, p.events())
		if err != nil && !isNotFound(err) {
			return told, err
		}
		if err == nil {
			told = id
		}
	}
	return told, nil
}
