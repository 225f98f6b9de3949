// Package workflows orchestrates dialogs: one Dialog run per client and
// channel follows a conversation, one DialogSync run per closed request cycle
// brings it into the CRM.
//
// Workflows hold decisions, not rules: the rules live in the pure domain
// packages, side effects in activities, which are called by name through the
// contracts of steps.go.
package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
)

// noticesPerStep bounds one activity: fifty commands fit one batch.
const noticesPerStep = 20

// DialogState is what a Dialog run carries over continue-as-new, and what the
// query dialog-status answers.
type DialogState struct {
	Dialog   dialog.State  `json:"dialog"`
	Notices  []Notice      `json:"notices,omitempty"` // still to be sent
	Settle   time.Duration `json:"settle"`
	Problems []string      `json:"problems,omitempty"` // last refused notifications
	Handed   int           `json:"handed"`             // cycles handed over to a sync
}

type dialogRun struct {
	in     DialogInput
	state  DialogState
	events workflow.ReceiveChannel
	attrs  attributes
	story  story

	sending workflow.Future // the notifications under way; nil if there are none
	sent    int             // how many of the first ones they are
}

// Dialog follows one client on one channel: it folds the webhooks into
// request cycles, notifies people, and hands each closed cycle to a
// DialogSync. It ends when nothing is open; the next event starts the next
// run under the same id. No exit leaves a signal unread.
func Dialog(ctx workflow.Context, in DialogInput) error {
	d := &dialogRun{in: in, attrs: attributes{}, story: story{title: fmt.Sprintf("Client %d on channel %d", in.ClientID, in.ChannelID)}}
	if err := d.setup(ctx); err != nil {
		return err
	}
	return d.run(ctx)
}

func (d *dialogRun) setup(ctx workflow.Context) error {
	d.events = workflow.GetSignalChannelWithOptions(ctx, SignalDialogEvents, workflow.SignalChannelOptions{
		Description: "Chat2Desk webhooks in order, ids only; sent by the dispatcher",
	})
	err := workflow.SetQueryHandlerWithOptions(ctx, QueryDialogStatus, func() (DialogState, error) { return d.state, nil },
		workflow.QueryHandlerOptions{Description: "What the run knows of the dialog"})
	if err != nil {
		return err
	}
	if d.in.State != nil {
		d.state = *d.in.State
		return nil
	}
	return d.recall(ctx)
}

// recall learns what earlier runs knew, so that late news opens nothing anew.
func (d *dialogRun) recall(ctx workflow.Context) error {
	known, err := run[Recalled](storeStep(ctx, "Recall what earlier runs learned of this dialog"), RecallDialogStep,
		RecallInput{Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID})
	if err != nil {
		return err
	}
	d.state.Settle = known.settleTime()
	d.state.Dialog = dialog.State{
		DialogID: known.DialogID, Transport: known.Transport, Closed: known.Closed,
		Operator: dialog.Operator{ID: known.OperatorID},
	}
	return nil
}

func (d *dialogRun) run(ctx workflow.Context) error {
	for {
		d.drain(ctx)
		if err := d.show(ctx); err != nil {
			return err
		}
		cycle, settled := d.state.Dialog.TakeSettled(workflow.Now(ctx))
		switch {
		case settled:
			if err := d.handOver(ctx, cycle); err != nil {
				return err
			}
		case d.sending != nil && d.sending.IsReady():
			d.noteSent(ctx)
		case d.sending == nil && len(d.state.Notices) > 0:
			d.notify(ctx)
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return d.continueAsNew(ctx)
		case d.over():
			return nil
		default:
			if err := d.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// drain folds all signals that have arrived into the state.
func (d *dialogRun) drain(ctx workflow.Context) {
	var events []dialog.Event
	for d.events.ReceiveAsync(&events) {
		for _, e := range events {
			d.note(e, d.state.Dialog.Apply(e, workflow.Now(ctx), d.state.Settle))
		}
		events = nil
	}
}

// note queues the notifications an event asks for. Who gets them is decided
// when they are sent, by the operator who leads the dialog then.
func (d *dialogRun) note(e dialog.Event, effect dialog.Effect) {
	if effect.Incoming {
		d.state.Notices = append(d.state.Notices, Notice{Kind: NoticeIncoming, EventID: e.ID, Key: e.Key})
	}
	if effect.Appoint {
		d.state.Notices = append(d.state.Notices, Notice{Kind: NoticeAppoint, EventID: e.ID, Key: fmt.Sprintf("request:%d", e.RequestID)})
	}
	if effect.Assigned {
		d.state.Notices = append(d.state.Notices, Notice{Kind: NoticeAssigned, EventID: e.ID, Key: e.Key, OperatorID: e.OperatorID})
	}
}

// over reports whether nothing is open, under way or unread.
func (d *dialogRun) over() bool {
	return len(d.state.Dialog.Cycles) == 0 && len(d.state.Notices) == 0 && d.sending == nil && d.events.Len() == 0
}

// notify begins to send the oldest notifications. The dialog does not wait for
// them: a portal that refuses notifications must not hold a sync back.
func (d *dialogRun) notify(ctx workflow.Context) {
	d.sent = min(len(d.state.Notices), noticesPerStep)
	in := NotifyInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID,
		DialogID: d.state.Dialog.DialogID, Notices: append([]Notice(nil), d.state.Notices[:d.sent]...),
	}
	for i := range in.Notices {
		if in.Notices[i].OperatorID == 0 {
			in.Notices[i].OperatorID = d.state.Dialog.Operator.ID
		}
	}
	d.sending = workflow.ExecuteActivity(noticeStep(ctx, noticeSummary(in.Notices)), NotifyStep, in)
}

// noteSent takes the outcome. What could not be sent within a day is dropped,
// visibly. Until then the notifications stay in the state, so that a run that
// continues as new begins them again; who got one gets no second.
func (d *dialogRun) noteSent(ctx workflow.Context) {
	var sent Notified
	if err := d.sending.Get(ctx, &sent); err != nil {
		sent.Problems = append(sent.Problems, err.Error())
	}
	d.sending = nil
	d.state.Notices = append([]Notice(nil), d.state.Notices[d.sent:]...)
	d.state.Problems = last(append(d.state.Problems, sent.Problems...), 5)
}

// handOver gives a closed cycle to its sync. The sync goes on by itself; the
// dialog does not wait for it.
func (d *dialogRun) handOver(ctx workflow.Context, c dialog.Cycle) error {
	if c.Type == dialog.TypeRating {
		return nil
	}
	if c.RequestID == 0 && !d.learn(ctx, &c) {
		return nil
	}
	closed := dialog.Closed{RequestID: c.RequestID, Number: c.Number, ClosedAt: c.ClosedAt}
	wanted, err := run[bool](storeStep(ctx, fmt.Sprintf("Note the close of request %d", c.RequestID)), RecordCloseStep, RecordCloseInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: d.state.Dialog.DialogID, Closed: closed,
	})
	if err != nil || !wanted {
		return err
	}
	d.state.Handed++
	return d.startSync(ctx, c)
}

// learn asks Chat2Desk which request a close without an id was about. It is
// false if that request was handed over already.
func (d *dialogRun) learn(ctx workflow.Context, c *dialog.Cycle) bool {
	learned, err := run[LearnedRequest](chatStep(ctx, "Ask Chat2Desk which request was closed"), LearnRequestStep, LearnRequestInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: d.state.Dialog.DialogID,
	})
	if err != nil {
		d.state.Problems = last(append(d.state.Problems, "the closed request could not be learned: "+err.Error()), 5)
	}
	if learned.DialogID != 0 {
		d.state.Dialog.DialogID = learned.DialogID
	}
	if learned.RequestID != 0 && d.state.Dialog.Known(learned.RequestID) {
		return false
	}
	c.RequestID = learned.RequestID
	d.state.Dialog.Remember(dialog.Closed{RequestID: c.RequestID, Number: c.Number, ClosedAt: c.ClosedAt})
	return true
}

func (d *dialogRun) startSync(ctx workflow.Context, c dialog.Cycle) error {
	operator := c.Operator.ID
	if operator == 0 {
		operator = d.state.Dialog.Operator.ID
	}
	in := SyncInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: d.state.Dialog.DialogID,
		RequestID: c.RequestID, Cycle: c.Number, Transport: d.state.Dialog.Transport, OperatorID: operator,
		Tags: dialog.On(c.Tags), ClientTags: dialog.On(d.state.Dialog.ClientTags), Since: c.Since, ClosedAt: c.ClosedAt,
	}
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            DialogSyncID(in.Portal, in.DialogID, in.RequestID, in.Cycle),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         SyncSummary(in),
		TypedSearchAttributes: SyncAttributes(in),
	})
	err := workflow.ExecuteChildWorkflow(child, DialogSyncWorkflow, in).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return nil // a close that came twice
	}
	return err
}

func (d *dialogRun) wait(ctx workflow.Context) error {
	news := func() bool { return d.events.Len() > 0 || d.sending != nil && d.sending.IsReady() }
	due, closing := d.state.Dialog.Due()
	if !closing {
		return workflow.Await(ctx, news)
	}
	wait := max(due.Sub(workflow.Now(ctx)), time.Second)
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      wait,
		TimerOptions: workflow.TimerOptions{Summary: "Closed: wait for events still under way"},
	}, news)
	return err
}

func (d *dialogRun) continueAsNew(ctx workflow.Context) error {
	d.drain(ctx)
	next := d.in
	next.State = &d.state
	return workflow.NewContinueAsNewError(ctx, DialogWorkflow, next)
}

// show brings search attributes and details up to date.
func (d *dialogRun) show(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, d.story.dialog(d.state))
	request := int64(0)
	if n := len(d.state.Dialog.Cycles); n > 0 {
		request = d.state.Dialog.Cycles[n-1].RequestID
	}
	status := Open
	if len(d.state.Dialog.Cycles) == 0 && len(d.state.Notices) == 0 {
		status = Done
	}
	return d.attrs.set(ctx, keyword{StatusKey, string(status)}, idKeyword(DialogKey, d.state.Dialog.DialogID), idKeyword(RequestKey, request))
}
