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

// outcome is where a row was delivered; workflow "" means nowhere.
type outcome struct{ row, status, workflow string }

type outcomes []outcome

// deliver signals the workflow of the event's dialog, starting it if needed.
// An event that concerns no dialog is done at once.
func (d *Dispatcher) deliver(ctx context.Context, each delivery) (outcome, error) {
	out := outcome{row: each.row.ID, status: store.InboxDone}
	if !each.known {
		return out, nil
	}
	if each.event.Kind == dialog.KindTagClient || each.event.Kind == dialog.KindUntagClient {
		told, err := d.deliverToAll(ctx, each)
		out.workflow = told
		return out, err
	}
	if err := d.route(ctx, &each); err != nil {
		return out, err
	}
	if each.event.ClientID == 0 {
		d.log.WarnContext(ctx, "An event names no client and nobody knows its request: kept, not delivered",
			"portal", each.row.Portal, "hook_type", each.row.HookType, "inbox", each.row.ID)
		out.status = store.InboxFailed
		return out, nil
	}
	id, err := d.signal(ctx, each)
	out.workflow = id
	return out, err
}

func (d *Dispatcher) signal(ctx context.Context, each delivery) (string, error) {
	e := each.event
	in := workflows.DialogInput{Portal: each.row.Portal, ClientID: e.ClientID, ChannelID: e.ChannelID}
	id := workflows.DialogID(in.Portal, in.ClientID, in.ChannelID)
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	_, err := d.temporal.SignalWithStartWorkflow(ctx, id, workflows.SignalDialogEvent, e, client.StartWorkflowOptions{
		TaskQueue:             workflows.DialogsQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         fmt.Sprintf("Client %d on channel %d", in.ClientID, in.ChannelID),
		TypedSearchAttributes: workflows.DialogAttributes(in),
	}, workflows.DialogWorkflow, in)
	return id, err
}

// deliverToAll tells every running dialog of a client; a tag alone starts none.
func (d *Dispatcher) deliverToAll(ctx context.Context, each delivery) (told string, err error) {
	dialogs, err := d.store.DialogsOfClient(ctx, each.row.Portal, each.event.ClientID)
	if err != nil {
		return "", err
	}
	for _, row := range dialogs {
		id := workflows.DialogID(each.row.Portal, row.ClientID, row.ChannelID)
		err := d.temporal.SignalWorkflow(ctx, id, "", workflows.SignalDialogEvent, each.event)
		if err != nil && !isNotFound(err) {
			return told, err
		}
		if err == nil {
			told = id
		}
	}
	return told, nil
}

// finish ends delivered rows: one write for all that went the same way. If it
// is lost, they are delivered once more, and the workflow knows their keys.
func (d *Dispatcher) finish(ctx context.Context, done outcomes) error {
	for len(done) > 0 {
		first, n := done[0], 1
		ids := []string{first.row}
		for n < len(done) && done[n].status == first.status && done[n].workflow == first.workflow {
			ids = append(ids, done[n].row)
			n++
		}
		if err := d.store.FinishInbox(ctx, ids, first.status, first.workflow); err != nil {
			return err
		}
		done = done[n:]
	}
	return nil
}
