package workflows

import (
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"
)

// handlers registers how people reach a sync. They only set flags: the loop of
// DialogSync works.
func (s *syncRun) handlers(ctx workflow.Context) error {
	err := workflow.SetQueryHandlerWithOptions(ctx, QuerySyncStatus, func() (SyncState, error) { return s.state, nil },
		workflow.QueryHandlerOptions{Description: "Status, failure and result of the sync"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, UpdateRetrySync, s.onRetry, workflow.UpdateHandlerOptions{
		Validator:   func(RetrySync) error { return s.mustBeParked() },
		Description: `Run a parked sync again: {"actor":"you","reason":"why","correction":{…}}; finished steps are not repeated`,
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, UpdateAbandonSync, s.onAbandon, workflow.UpdateHandlerOptions{
		Validator:   s.validAbandon,
		Description: `End a parked sync for good: {"actor":"you","reason":"why"}`,
	})
}

func (s *syncRun) onRetry(ctx workflow.Context, in RetrySync) (RetryAccepted, error) {
	s.retry = true
	s.state.Reruns++
	if in.Correction != nil {
		s.correction = in.Correction
	}
	s.story.add(fmt.Sprintf("Re-run %d", s.state.Reruns), strings.TrimSpace("by "+in.Actor+" "+in.Reason))
	return RetryAccepted{Attempt: s.state.Reruns}, nil
}

func (s *syncRun) onAbandon(ctx workflow.Context, in AbandonSync) error {
	s.abandon = &in
	return nil
}

func (s *syncRun) mustBeParked() error {
	if s.state.Status != Failed || s.retry || s.abandon != nil {
		return fmt.Errorf("the sync is %s; only a parked (failed) one can be run again or abandoned", s.state.Status)
	}
	return nil
}

func (s *syncRun) validAbandon(in AbandonSync) error {
	if strings.TrimSpace(in.Reason) == "" {
		return errors.New("reason: say why the sync is given up")
	}
	return s.mustBeParked()
}
