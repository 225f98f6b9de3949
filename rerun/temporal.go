package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puente/store"
	"puente/workflows"
)

// callTimeout bounds one call to Temporal: a person is waiting, and an update
// needs a live worker to be accepted.
const callTimeout = 15 * time.Second

// running asks Temporal; the ledger may lag or have missed a termination.
func (s *Service) running(ctx context.Context, workflowID string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := s.Temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone): // past its retention
		return false, nil
	case err != nil:
		return false, unreachable(err)
	}
	return answer.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}

// retry sends the update to a parked run (temporal reference §7).
func (s *Service) retry(ctx context.Context, row store.Sync, r Request) error {
	return s.update(ctx, row, workflows.UpdateRetrySync, r.RequestID,
		workflows.RetrySync{Actor: r.Actor, Reason: r.Reason, Correction: r.Correction, Choice: r.Choice})
}

// A run that parks says so in the ledger some milliseconds before it takes
// updates; a script may be faster than that.
const (
	parkTries = 5
	parkPause = 200 * time.Millisecond
)

// update sends an update to a run that the ledger shows as parked, or as under
// way. The validator of the run refuses when it is not parked; that leaves no
// trace in history, so that the same update may be sent again.
func (s *Service) update(ctx context.Context, row store.Sync, name, id string, arg any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for tries := 1; ; tries++ {
		err := s.updateOnce(ctx, row.WorkflowID, name, id, arg)
		var refused *Error
		if tries == parkTries || row.Status != store.SyncFailed || !errors.As(err, &refused) || refused.Kind != Refused {
			return err
		}
		select {
		case <-time.After(parkPause):
		case <-ctx.Done():
			return err
		}
	}
}

// updateOnce waits until the run accepted, not until it is through.
func (s *Service) updateOnce(ctx context.Context, workflowID, name, id string, arg any) error {
	handle, err := s.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateID: id, UpdateName: name, Args: []any{arg},
		WaitForStage: client.WorkflowUpdateStageAccepted,
	})
	if err == nil { // a refusal comes as the outcome; the handlers of a sync only set flags, so it is there at once
		err = handle.Get(ctx, nil)
	}
	var refused *temporal.ApplicationError
	var gone *serviceerror.NotFound
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return &Error{Kind: Refused, Text: refused.Message(), Err: err}
	case errors.As(err, &gone):
		return &Error{Kind: Refused, Text: "the run has just ended; look at it again", Err: err}
	default:
		return unreachable(err)
	}
}

// start begins a closed run anew with its original input. The correction and
// the status go to the ledger first, because the run reads them there; if
// Temporal then refuses, the row is put back.
func (s *Service) start(ctx context.Context, row store.Sync, r Request) (runID string, err error) {
	begin, err := beginning(row)
	if err != nil {
		return "", err
	}
	if err := s.reopen(ctx, row, r); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	run, err := s.Temporal.ExecuteWorkflow(ctx, begin.options, begin.workflow, begin.input)
	if err == nil {
		return run.GetRunID(), nil
	}
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &already) {
		err = &Error{Kind: Refused, Text: "the run is under way or has completed meanwhile; look at it again", Err: err}
	} else {
		err = unreachable(err)
	}
	return "", errors.Join(err, s.restore(context.WithoutCancel(ctx), row))
}

// start is how a closed run begins anew.
type start struct {
	workflow string
	input    any
	options  client.StartWorkflowOptions
}

// beginning reads from the ledger what a run was started with. Failed runs may
// be started again under their id. A skipped or abandoned run has completed as
// Temporal sees it, although its work was not done, and needs the wider policy;
// so does a request, which completes with each of its revisions.
func beginning(row store.Sync) (start, error) {
	out := start{options: client.StartWorkflowOptions{
		ID: row.WorkflowID, TaskQueue: workflows.DialogsQueue, WorkflowExecutionErrorWhenAlreadyStarted: true,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
	}}
	switch workflows.Status(row.Status) {
	case workflows.Skipped, workflows.Abandoned:
		out.options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	}
	var err error
	switch row.Kind {
	case workflows.KindMethod:
		var in workflows.MethodInput
		err = json.Unmarshal(row.Input, &in)
		out.workflow, out.input, out.options.StaticSummary = workflows.ContactCenterMethodWorkflow, in, workflows.MethodSummary(in)
		out.options.TypedSearchAttributes = workflows.MethodAttributes(in)
	case workflows.KindRequest:
		var in workflows.RequestInput
		err = json.Unmarshal(row.Input, &in)
		external := strings.TrimPrefix(row.WorkflowID, workflows.ContactCenterRequestID(row.Portal, ""))
		out.workflow, out.input, out.options.StaticSummary = workflows.ContactCenterRequestWorkflow, in, workflows.RequestSummary(external, "")
		out.options.TypedSearchAttributes = workflows.RequestAttributes(in, external, "")
		out.options.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	default:
		var in workflows.SyncInput
		err = json.Unmarshal(row.Input, &in)
		out.workflow, out.input, out.options.StaticSummary = workflows.DialogSyncWorkflow, in, workflows.SyncSummary(in)
		out.options.TypedSearchAttributes = workflows.SyncAttributes(in)
	}
	if err != nil {
		err = &Error{Kind: Refused, Text: "the ledger does not hold the input of this sync", Err: err}
	}
	return out, err
}

// reopen makes the row startable: a run that finds it finished does nothing.
func (s *Service) reopen(ctx context.Context, row store.Sync, r Request) error {
	correction, err := corrected(r)
	if err != nil {
		return fmt.Errorf("write the correction: %w", err)
	}
	return ledgerError(s.Store.UpdateSync(ctx, row.Portal, row.ID, func(x *store.Sync) {
		x.Status, x.Reason, x.FinishedAt = string(workflows.Open), "", time.Time{}
		x.Reruns++
		if correction != nil {
			x.Correction = correction
		}
	}))
}

// corrected is what a person changes, as the ledger keeps it; nil = nothing.
func corrected(r Request) (json.RawMessage, error) {
	switch {
	case r.Correction != nil:
		return json.Marshal(r.Correction)
	case r.Choice != nil:
		return json.Marshal(map[string]any{"choice": r.Choice})
	default:
		return nil, nil
	}
}

func (s *Service) restore(ctx context.Context, row store.Sync) error {
	return s.Store.UpdateSync(ctx, row.Portal, row.ID, func(x *store.Sync) {
		x.Status, x.Reason, x.FinishedAt, x.Reruns, x.Correction = row.Status, row.Reason, row.FinishedAt, row.Reruns, row.Correction
	})
}

func unreachable(err error) error {
	return &Error{Kind: Unreachable, Text: "Temporal or its worker does not answer; ask again", Err: err}
}
