package submit

import (
	"context"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

// startTimeout bounds one call to Temporal: somebody may be waiting, and the
// relay tries again.
const startTimeout = 5 * time.Second

// Temporal is the part of client.Client that starts runs.
type Temporal interface {
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	SignalWithStartWorkflow(ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions,
		workflow any, args ...any) (client.WorkflowRun, error)
}

// Ledger keeps which submissions were handed over; *store.Store is one.
type Ledger interface {
	MarkStarted(ctx context.Context, id, runID string) error
}

// Starter hands submissions to Temporal. Both parts are required.
type Starter struct {
	Temporal Temporal
	Store    Ledger
}

// Start begins the run of a method, or tells the run of a request that there
// is a revision, starting it if needed. Doing it twice for one submission is
// harmless: a method that runs or ran is left alone, and a request that finds
// nothing new ends.
func (s *Starter) Start(ctx context.Context, sub store.Submission) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	start := s.method
	if sub.Kind == store.KindRequest {
		start = s.request
	}
	run, err := start(ctx, sub)
	if err != nil {
		return fmt.Errorf("start %s: %w", sub.WorkflowID, err)
	}
	return s.Store.MarkStarted(ctx, sub.ID, run.GetRunID())
}

func (s *Starter) method(ctx context.Context, sub store.Submission) (client.WorkflowRun, error) {
	in := workflows.MethodInput{Portal: sub.Portal, SyncID: sub.SyncID, Method: contactcenter.Method(sub.Name)}
	return s.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: sub.WorkflowID, TaskQueue: workflows.DialogsQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         workflows.MethodSummary(in),
		TypedSearchAttributes: workflows.MethodAttributes(in),
	}, workflows.ContactCenterMethodWorkflow, in)
}

func (s *Starter) request(ctx context.Context, sub store.Submission) (client.WorkflowRun, error) {
	in := workflows.RequestInput{Portal: sub.Portal, SyncID: sub.SyncID}
	id := SafeID(sub.Key)
	revised := workflows.RequestRevised{Revision: sub.Revision}
	return s.Temporal.SignalWithStartWorkflow(ctx, sub.WorkflowID, workflows.SignalRequestRevised, revised, client.StartWorkflowOptions{
		TaskQueue:             workflows.DialogsQueue,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         workflows.RequestSummary(id, sub.Name),
		TypedSearchAttributes: workflows.RequestAttributes(in, id, sub.Name),
	}, workflows.ContactCenterRequestWorkflow, in)
}
