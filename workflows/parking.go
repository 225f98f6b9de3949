package workflows

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/contactcenter"
)

// parking keeps a run of the contact center whose step cannot go on until a
// person retries or abandons it (temporal reference §1.4).
type parking struct {
	state   RunState
	retry   bool
	abandon *AbandonSync
	choice  *contactcenter.Choice // of the last retry
	actor   string
	reason  string
}

// RunState answers the query sync-status of a run of the contact center.
type RunState struct {
	Status  Status   `json:"status"`
	Failure *Failure `json:"failure,omitempty"` // why it is parked
	Reruns  int      `json:"reruns"`
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

// wait waits for a person, at most 30 days, or for news: whatever else lets the
// run go on. again is false if the run ends.
func (p *parking) wait(ctx workflow.Context, failure Failure, news func() bool) (again bool, err error) {
	woken, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      parkedFor,
		TimerOptions: workflow.TimerOptions{Summary: "Parked: waits for retry-sync or abandon-sync"},
	}, func() bool { return p.retry || p.abandon != nil || news() })
	switch {
	case err != nil:
		return false, err
	case p.abandon != nil:
		return false, nil
	case !woken:
		return false, temporal.NewNonRetryableApplicationError("parked for 30 days: "+failure.Text, "Parked", nil, failure)
	}
	p.retry, p.state.Failure, p.state.Status = false, nil, Syncing
	return true, nil
}
