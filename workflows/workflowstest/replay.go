package workflowstest

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"puente/workflows"
)

// Replayer runs histories through the workflows of today.
func Replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	for name, w := range map[string]any{
		workflows.DialogWorkflow: workflows.Dialog, workflows.DialogSyncWorkflow: workflows.DialogSync,
		workflows.ContactCenterMethodWorkflow:  workflows.ContactCenterMethod,
		workflows.ContactCenterRequestWorkflow: workflows.ContactCenterRequest,
		workflows.LineQueueWorkflow:            workflows.LineQueue, workflows.LineSessionWorkflow: workflows.LineSession,
	} {
		r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	return r
}
