package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
)

// startAgain is how long a cycle whose sync could not be started waits.
const startAgain = time.Minute

// handOver gives a closed cycle to its sync. The sync goes on by itself; the
// dialog does not wait for it, nor for Chat2Desk to tell which request a close
// without an id was about.
func (d *dialogRun) handOver(ctx workflow.Context, c dialog.Cycle) error {
	switch {
	case c.Type == dialog.TypeRating:
		return nil
	case c.RequestID != 0:
		return d.record(ctx, c)
	case d.first:
		var answer LearnedRequest
		err := d.ask(ctx).Get(ctx, &answer)
		return d.named(ctx, c, answer, err)
	default:
		d.state.Dialog.Hold(c)
		return nil
	}
}

// ask asks Chat2Desk which request was closed.
func (d *dialogRun) ask(ctx workflow.Context) workflow.Future {
	return workflow.ExecuteActivity(chatStep(ctx, "Ask Chat2Desk which request was closed"), LearnRequestStep, LearnRequestInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: d.state.Dialog.DialogID,
	})
}

// learn begins to ask for the cycles that are held. They stay in the state
// until the answer is there, so that a run that continues as new asks again.
func (d *dialogRun) learn(ctx workflow.Context) { d.learning = d.ask(ctx) }

// learned takes the answer, unless a late message has told meanwhile.
func (d *dialogRun) learned(ctx workflow.Context) error {
	var answer LearnedRequest
	err := d.learning.Get(ctx, &answer)
	d.learning = nil
	c, held := d.state.Dialog.TakeHeld()
	if !held {
		return nil
	}
	return d.named(ctx, c, answer, err)
}

// named hands over a cycle with the request that was learned, 0 if nobody could
// tell. Of a request that is handed over by itself nothing is left to do.
func (d *dialogRun) named(ctx workflow.Context, c dialog.Cycle, answer LearnedRequest, err error) error {
	if temporal.IsCanceledError(err) {
		return err
	}
	if err != nil {
		d.problem("the closed request could not be learned: " + err.Error())
	}
	if answer.DialogID != 0 {
		d.state.Dialog.DialogID = answer.DialogID
	}
	if answer.RequestID != 0 && d.state.Dialog.Known(answer.RequestID) {
		return nil
	}
	c.RequestID = answer.RequestID
	d.state.Dialog.Remember(closedOf(c))
	return d.record(ctx, c)
}

// record notes the close and starts the sync. If it cannot be noted, the sync
// is started nevertheless: it finds out what there is to do.
func (d *dialogRun) record(ctx workflow.Context, c dialog.Cycle) error {
	noted, err := d.noteClose(ctx, c)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil:
		d.problem(fmt.Sprintf("the close of request %d could not be noted: %s", c.RequestID, err))
		noted = ClosedCycle{Wanted: true, DialogID: d.state.Dialog.DialogID}
	}
	if !noted.Wanted {
		return nil
	}
	return d.startSync(ctx, c, noted.DialogID)
}

// noteClose stores the close and tells the dialog by which the sync is named.
func (d *dialogRun) noteClose(ctx workflow.Context, c dialog.Cycle) (ClosedCycle, error) {
	step := storeStep(ctx, fmt.Sprintf("Note the close of request %d", c.RequestID))
	in := RecordCloseInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: d.state.Dialog.DialogID, Closed: closedOf(c),
	}
	if d.first {
		wanted, err := run[bool](step, RecordCloseStep, in)
		return ClosedCycle{Wanted: wanted, DialogID: in.DialogID}, err
	}
	return run[ClosedCycle](step, CloseCycleStep, in)
}

func closedOf(c dialog.Cycle) dialog.Closed {
	return dialog.Closed{RequestID: c.RequestID, Number: c.Number, ClosedAt: c.ClosedAt}
}

// startSync starts the sync. A cycle whose sync cannot be started is put back
// and tried again: the dialog goes on.
func (d *dialogRun) startSync(ctx workflow.Context, c dialog.Cycle, dialogID int64) error {
	in := d.syncInput(c, dialogID)
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            SyncID(in),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         SyncSummary(in),
		TypedSearchAttributes: SyncAttributes(in),
	})
	err := workflow.ExecuteChildWorkflow(child, DialogSyncWorkflow, in).GetChildWorkflowExecution().Get(ctx, nil)
	switch {
	case temporal.IsCanceledError(err):
		return err
	case err != nil && !temporal.IsWorkflowExecutionAlreadyStartedError(err): // already started: a close that came twice
		d.problem(fmt.Sprintf("the sync of request %d could not be started: %s", c.RequestID, err))
		d.state.Dialog.PutBack(c, workflow.Now(ctx).Add(startAgain))
		return nil
	}
	d.state.Handed++
	return nil
}

func (d *dialogRun) syncInput(c dialog.Cycle, dialogID int64) SyncInput {
	operator := c.Operator.ID
	if operator == 0 {
		operator = d.state.Dialog.Operator.ID
	}
	return SyncInput{
		Portal: d.in.Portal, ClientID: d.in.ClientID, ChannelID: d.in.ChannelID, DialogID: dialogID,
		RequestID: c.RequestID, Cycle: c.Number, ByClose: c.RequestID == 0 && !d.first,
		Transport: d.state.Dialog.Transport, OperatorID: operator,
		Tags: dialog.On(c.Tags), ClientTags: dialog.On(d.state.Dialog.ClientTags), Since: c.Since, ClosedAt: c.ClosedAt,
	}
}
