package dispatch

import (
	"context"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"puente/internal/wait"
	"puente/store"
)

// Habits of looking after tickets.
const (
	ticketSweep = 30 * time.Second
	// ticketQuiet is how long the run of a request may hold others up without a
	// sign of life before Temporal is asked whether it lives.
	ticketQuiet = 2 * time.Minute
	ticketRows  = 64
)

// watchTickets lets requests go on that wait for one whose run is gone: somebody
// terminated it, so that it could not give its tickets back. Runs that live keep
// their place, however long they take and however long Temporal or all workers
// were away. It ends with the context.
func (d *Dispatcher) watchTickets(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.checkTickets(ctx, ticketQuiet); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "Requests of the contact center that others wait for cannot be checked; trying again", "error", err)
		}
		_ = wait.For(ctx, ticketSweep)
	}
}

// checkTickets asks Temporal about those that were quiet for so long. While it
// does not answer, everybody keeps their place.
func (d *Dispatcher) checkTickets(ctx context.Context, quiet time.Duration) error {
	all, err := d.store.QuietTickets(ctx, quiet, ticketRows)
	if err != nil {
		return err
	}
	for _, holder := range all {
		lives, err := d.lives(ctx, holder.WorkflowID)
		switch {
		case err != nil:
			return err
		case lives:
			err = d.store.RenewTickets(ctx, holder.Portal, holder.SyncID)
		default:
			err = d.letOthersPass(ctx, holder, quiet)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Dispatcher) lives(ctx context.Context, workflowID string) (bool, error) {
	if workflowID == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	answer, err := d.temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if isNotFound(err) { // past its retention
		return false, nil
	}
	return answer.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, err
}

// letOthersPass drops the tickets of a run that has ended, and shows in the
// ledger that it did so before its work was done. What it claimed stays claimed
// until the lease ends: its last request may still be at work in the portal.
func (d *Dispatcher) letOthersPass(ctx context.Context, holder store.TicketHolder, quiet time.Duration) error {
	dropped, err := d.store.DropQuietTickets(ctx, holder.Portal, holder.SyncID, quiet)
	if err != nil || !dropped || holder.WorkflowID == "" {
		return err
	}
	d.log.WarnContext(ctx, "The run of a request was ended in Temporal; others of its client go on",
		"portal", holder.Portal, "sync", holder.SyncID)
	return d.store.UpdateSync(ctx, holder.Portal, holder.SyncID, func(line *store.Sync) {
		if line.Status == store.SyncOpen || line.Status == store.SyncSyncing {
			line.Status, line.ErrorStep, line.ErrorCode = store.SyncFailed, "run", "ENDED"
			line.ErrorText = "the run was ended in Temporal before its work was done; run it again, or abandon it"
		}
	})
}
