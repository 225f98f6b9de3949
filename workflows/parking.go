package workflows

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
)

// parking is what all runs of the contact center share: how they show where they
// stand, and how a run whose step cannot go on is kept until a person retries or
// abandons it (temporal reference §1.4).
type parking struct {
	portal, syncID, owner string // owner of the claims: the workflow id
	attrs                 attributes
	story                 story
	state                 RunState
	retry                 bool
	abandon               *AbandonSync
	choice                *contactcenter.Choice // of the last retry, until it is stored
	actor, reason         string                // of the last retry
}

// RunState answers the query sync-status of a run of the contact center.
type RunState struct {
	Status  Status   `json:"status"`
	Failure *Failure `json:"failure,omitempty"` // why it is parked
	Reruns  int      `json:"reruns"`
}

func newParking(ctx workflow.Context, portal, syncID, title string) parking {
	return parking{
		portal: portal, syncID: syncID, owner: workflow.GetInfo(ctx).WorkflowExecution.ID,
		attrs: attributes{}, story: story{title: title}, state: RunState{Status: Open},
	}
}

// handlers registers how people reach the run. They only set flags: the loop of
// the workflow works.
func (p *parking) handlers(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, QuerySyncStatus, func() (RunState, error) { return p.state, nil },
		workflow.QueryHandlerOptions{Description: "Status and failure of the run"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateRetrySync, p.onRetry, workflow.UpdateHandlerOptions{
		Validator:   func(RetrySync) error { return p.mustBeParked() },
		Description: `Run a parked run again: {"actor":"you","reason":"why","choice":{…}}; finished steps are not repeated`,
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateAbandonSync, p.onAbandon, workflow.UpdateHandlerOptions{
		Validator:   p.validAbandon,
		Description: `End a parked run for good: {"actor":"you","reason":"why"}`,
	})
}

func (p *parking) onRetry(_ workflow.Context, in RetrySync) (RetryAccepted, error) {
	p.retry, p.actor, p.reason = true, in.Actor, in.Reason
	p.state.Reruns++
	if in.Choice != nil {
		p.choice = in.Choice
	}
	return RetryAccepted{Attempt: p.state.Reruns}, nil
}

func (p *parking) onAbandon(_ workflow.Context, in AbandonSync) error {
	p.abandon = &in
	return nil
}

func (p *parking) mustBeParked() error {
	if p.state.Status != Failed || p.retry || p.abandon != nil {
		return fmt.Errorf("the run is %s; only a parked (failed) one can be run again or abandoned", p.state.Status)
	}
	return nil
}

func (p *parking) validAbandon(in AbandonSync) error {
	if strings.TrimSpace(in.Reason) == "" {
		return errors.New("reason: say why the run is given up")
	}
	return p.mustBeParked()
}

// park keeps the run with its failure until a person retries or abandons it, or
// until news lets it go on: whatever else may, asked without blocking. again is
// false if it was abandoned. A cancelled run does not wait; it ends with the
// error returned, as one does that nobody looked after for 30 days.
func (p *parking) park(ctx workflow.Context, cause error, revision int, news func() bool) (again bool, err error) {
	if temporal.IsCanceledError(cause) {
		return false, p.cancelled(ctx, cause, revision)
	}
	failure := failureOf(cause)
	p.story.failed(failure)
	if err := p.leave(ctx, errorType(cause), failure, revision); err != nil {
		return false, err
	}
	if err := p.wait(ctx, failure, news); err != nil {
		return false, err
	}
	if p.abandon != nil {
		p.story.add("Abandoned", "by "+p.abandon.Actor+": "+p.abandon.Reason)
		return false, p.finish(ctx, Abandoned, p.abandon.Reason)
	}
	return true, p.resume(ctx)
}

// leave gives the run into a person's hands: the ledger shows why, whoever waits
// is answered, and the client's claims are free for others.
func (p *parking) leave(ctx workflow.Context, kind string, failure Failure, revision int) error {
	p.state.Failure = &failure
	_, err := run[bool](storeStep(ctx, "Park: "+oneLine(failure.Text, 200)), ParkRunStep, ParkRunInput{
		Portal: p.portal, SyncID: p.syncID, Owner: p.owner, Revision: revision, Kind: kind, Failure: failure,
	})
	if err != nil {
		return err
	}
	return p.show(ctx, Failed)
}

// cancelled leaves a run that somebody cancelled in Temporal as failed in the
// ledger, where it can be started again. Without that, other requests of the
// client would wait for it.
func (p *parking) cancelled(ctx workflow.Context, cause error, revision int) error {
	ctx, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	failure := Failure{Code: ErrCancelled, Text: "the run was cancelled in Temporal; run it again, or abandon it"}
	p.story.add("Cancelled", failure.Text)
	if err := p.leave(ctx, ErrCancelled, failure, revision); err != nil {
		return err
	}
	return cause
}

// wait waits for a person or for news, at most 30 days.
func (p *parking) wait(ctx workflow.Context, failure Failure, news func() bool) error {
	p.retry, p.abandon = false, nil
	woken, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      parkedFor,
		TimerOptions: workflow.TimerOptions{Summary: "Parked: waits for retry-sync or abandon-sync"},
	}, func() bool { return p.retry || p.abandon != nil || news() })
	if err == nil && !woken {
		err = temporal.NewNonRetryableApplicationError("parked for 30 days: "+failure.Text, "Parked", nil, failure)
	}
	return err
}

// resume ends the parking. From here on the run counts as under way: a second
// retry would run everything twice.
func (p *parking) resume(ctx workflow.Context) error {
	if p.retry {
		p.story.add(fmt.Sprintf("Re-run %d", p.state.Reruns), strings.TrimSpace("by "+p.actor+" "+p.reason))
	} else {
		p.story.add("Again", "a correction came")
	}
	p.state.Failure = nil
	return p.show(ctx, Syncing)
}

// finish ends the line of the ledger.
func (p *parking) finish(ctx workflow.Context, status Status, reason string) error {
	_, err := run[bool](storeStep(ctx, "Finish: "+string(status)), FinishRunStep, FinishRunInput{
		Portal: p.portal, SyncID: p.syncID, Owner: p.owner, Status: status, Reason: reason,
	})
	if err != nil {
		return err
	}
	return p.show(ctx, status)
}

// show brings state, details and search attributes up to date.
func (p *parking) show(ctx workflow.Context, status Status) error {
	p.state.Status = status
	workflow.SetCurrentDetails(ctx, p.story.markdown(status))
	return p.attrs.set(ctx, keyword{StatusKey, string(status)})
}

// handled waits until everybody who sent an update has the answer.
func handled(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}
