// Package histories saves the histories of workflow runs in the form that the
// replay tests take (workflows/testdata/replay).
package histories

import (
	"context"
	"fmt"
	"os"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/client"
)

// Read gives the whole history of a run; an empty runID is the last run.
func Read(ctx context.Context, c client.Client, workflowID, runID string) (*historypb.History, error) {
	var history historypb.History
	events := c.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("history of %s: %w", workflowID, err)
		}
		history.Events = append(history.Events, event)
	}
	return &history, nil
}

// Save writes a history as JSON.
func Save(history *historypb.History, file string) error {
	raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(history)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.WriteFile(file, raw, 0o600)
}
