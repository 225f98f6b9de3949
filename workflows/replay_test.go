package workflows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puente/workflows/workflowstest"
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
			require.NoError(t, workflowstest.Replayer().ReplayWorkflowHistoryFromJSONFile(nil, file))
		})
	}
	require.Positive(t, recorded["Dialog"], "no history of a Dialog is recorded")
	require.Positive(t, recorded["DialogSync"], "no history of a DialogSync is recorded")
	require.Positive(t, recorded["ContactCenterMethod"], "no history of a ContactCenterMethod is recorded")
	require.Positive(t, recorded["ContactCenterRequest"], "no history of a ContactCenterRequest is recorded")
	require.Positive(t, recorded["LineQueue"], "no history of a LineQueue is recorded")
	require.Positive(t, recorded["LineSession"], "no history of a LineSession is recorded")
}

// TestRecordedHistoriesHoldNobodysData looks at all that is in them, also at
// what Temporal keeps encoded.
func TestRecordedHistoriesHoldNobodysData(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/replay/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.Open(file)
		require.NoError(t, err)
		history, err := client.HistoryFromJSON(raw, client.HistoryJSONOptions{})
		require.NoError(t, err)
		require.NoError(t, raw.Close())
		trouble, err := workflowstest.Trouble(history)
		require.NoError(t, err)
		require.Empty(t, trouble, file)
	}
}
