package workflows_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"puente/workflows"
)

// TestRecordedHistoriesReplay runs the histories that real runs left through
// the code of today. A failure means that running workflows would break: the
// change needs workflow.GetVersion, not a new recording (docs/operations.md).
func TestRecordedHistoriesReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	recorded := map[string]int{}
	for _, file := range files {
		name := filepath.Base(file)
		kind, _, _ := strings.Cut(name, "-")
		recorded[kind]++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replayer().ReplayWorkflowHistoryFromJSONFile(nil, file))
		})
	}
	require.Positive(t, recorded["Dialog"], "no history of a Dialog is recorded")
	require.Positive(t, recorded["DialogSync"], "no history of a DialogSync is recorded")
}

func replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflowWithOptions(workflows.Dialog, workflow.RegisterOptions{Name: workflows.DialogWorkflow})
	r.RegisterWorkflowWithOptions(workflows.DialogSync, workflow.RegisterOptions{Name: workflows.DialogSyncWorkflow})
	return r
}
