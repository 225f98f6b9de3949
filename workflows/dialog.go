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
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"puente/dialog"
	"puente/settings"
)

const (
	// noticesPerStep bounds one activity: fifty commands fit one batch.
	noticesPerStep = 20
	// maxNotices bounds what waits while a portal takes no notifications: the
	// state is copied into every continued run.
	maxNotices = 500
)

// DialogState is what a Dialog run carries over continue-as-new, and what the
// query dialog-status answers.
type DialogState struct {
	Dialog   dialog.State  `json:"dialog"`
	Notices  []Notice      `json:"notices,omitempty"` // still to be sent
	Settle   time.Duration `json:"settle"`
	Dropped  int           `json:"dropped,omitempty"`  // notifications that were too many
	Problems []string      `json:"problems,omitempty"` // the last ones, in words
	Handed   int           `json:"handed"`             // cycles handed over to a sync
}

type dialogRun struct {
	in     DialogInput
	state  DialogState
	events workflow.ReceiveChannel
	attrs  attributes
	story  story
	first  bool // the run began under the first release and goes on as it did

	sending  workflow.Future // the notifications under way; nil if there are none
	sent     int             // how many of the first ones they are
	learning workflow.Future // which request was closed; nil if Chat2Desk is not asked
}

// Dialog follows one client on one channel: it folds the webhooks into
// request cycles, notifies people, and hands each closed cycle to a
// DialogSync. It ends when nothing is open; the next event starts the next
// run under the same id. No exit leaves a signal unread.
func Dialog(ctx workflow.Context, in DialogInput) error {
	d := &dialogRun{
		in: in, attrs: attributes{}, first: ofFirstRelease(ctx),
		story: story{title: fmt.Sprintf("Client %d on channel %d", in.ClientID, in.ChannelID)},
	}
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
	} else {
		d.recall(ctx)
	}
	d.state.Dialog.Lenient = d.first
	return nil
}

// ofFirstRelease reports whether the run began before closes without a request
// were learned beside the conversation, and syncs were named by the dialog that
// the store knows.
func ofFirstRelease(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "hand-over", workflow.DefaultVersion, 1) == workflow.DefaultVersion
}

// recall learns what earlier runs knew, so that late news opens nothing anew.
// A dialog of which that cannot be learned is followed like a new one: to end
// here would lose its signals.
func (d *dialogRun) recall(ctx workflow.Context) {
	known, err := run[Recalled](storeStep(ctx, "Recall what earlier runs learned of this dialog"), RecallDialogStep,
		RecallInput{Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID})
	if err != nil {
		known = Recalled{SettleSeconds: settings.DefaultSettleSeconds}
		d.problem("what earlier runs learned could not be recalled: " + err.Error())
	}
	d.state.Settle = known.settleTime()
	d.state.Dialog = dialog.State{
		DialogID: known.DialogID, Transport: known.Transport, Closed: known.Closed,
		Operator: dialog.Operator{ID: known.OperatorID},
	}
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
		case d.learning != nil && d.learning.IsReady():
			if err := d.learned(ctx); err != nil {
				return err
			}
		case d.learning == nil && d.state.Dialog.Holds():
			d.learn(ctx)
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
		d.queue(Notice{Kind: NoticeIncoming, EventID: e.ID, Key: e.Key})
	}
	if effect.Appoint {
		d.queue(Notice{Kind: NoticeAppoint, EventID: e.ID, Key: fmt.Sprintf("request:%d", e.RequestID)})
	}
	if effect.Assigned {
		d.queue(Notice{Kind: NoticeAssigned, EventID: e.ID, Key: e.Key, OperatorID: e.OperatorID})
	}
}

// queue adds a notification. Of too many, the oldest that is not under way is
// dropped, visibly: it helps least.
func (d *dialogRun) queue(n Notice) {
	d.state.Notices = append(d.state.Notices, n)
	if d.first || len(d.state.Notices) <= maxNotices {
		return
	}
	dropped := d.state.Notices[d.sent]
	d.state.Notices = slices.Delete(d.state.Notices, d.sent, d.sent+1)
	d.state.Dropped++
	d.problem(fmt.Sprintf("notification %s of event %s was dropped: %d wait already", dropped.Kind, dropped.EventID, maxNotices))
}

func (d *dialogRun) problem(words ...string) {
	d.state.Problems = last(append(d.state.Problems, words...), 5)
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
	d.state.Notices = append([]Notice(nil), d.state.Notices[d.sent:]...)
	d.sending, d.sent = nil, 0
	d.problem(sent.Problems...)
}

// wait waits for news, or until the oldest close has settled. What came before
// leaves a timer behind that runs out together with the last one: that costs an
// event each, as cancelling it would, and no task of its own.
func (d *dialogRun) wait(ctx workflow.Context) error {
	news := func() bool {
		return d.events.Len() > 0 || d.sending != nil && d.sending.IsReady() || d.learning != nil && d.learning.IsReady()
	}
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
