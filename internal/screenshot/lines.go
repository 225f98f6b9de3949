package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// lineShots are the desk of the open lines, and of the session that needs attention first its run and its deal.
func lineShots(ctx context.Context, at addresses) ([]shot, error) {
	var page struct {
		Items []struct {
			ID     int64  `json:"id"`
			RunURL string `json:"run_url"`
			Item   struct {
				URL string `json:"url"`
			} `json:"item"`
		} `json:"items"`
	}
	if err := read(ctx, at.API+"/v1/portals/demo/attention?line=support&limit=1", &page); err != nil {
		return nil, err
	}
	if len(page.Items) == 0 {
		return nil, fmt.Errorf("no session of an open line needs attention: nothing to photograph")
	}
	session := page.Items[0]
	id := fmt.Sprintf("line:demo:session:%d", session.ID)
	run, err := newestRun(ctx, at, id, session.RunURL)
	if err != nil {
		return nil, err
	}
	queue := "line:demo:queue"
	desk, err := newestRun(ctx, at, queue, strings.Replace(session.RunURL, id, queue, 1))
	return []shot{
		{"temporal-line-session-details", run + "/user-metadata", id},
		{"temporal-line-queue-details", desk + "/user-metadata", queue},
		{"sandbox-chat", session.Item.URL, "Unread messages"},
	}, err
}

// newestRun is the address of the newest run of a workflow. Without the run the UI finds it by itself, but it loads the
// page anew then, while it is being looked at.
func newestRun(ctx context.Context, at addresses, id, address string) (string, error) {
	var answer struct {
		Info struct {
			Execution struct {
				RunID string `json:"runId"`
			} `json:"execution"`
		} `json:"workflowExecutionInfo"`
	}
	err := read(ctx, at.TemporalUI+"/api/v1/namespaces/default/workflows/"+url.PathEscape(id), &answer)
	return address + "/" + answer.Info.Execution.RunID, err
}
