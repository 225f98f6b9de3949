package dispatch

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"

	"puente/contactcenter"
	"puente/store"
	"puente/store/storetest"
	"puente/submit"
)

// TestRunThatEndedInTemporalLetsOthersPass has two requests of one client, of
// which the first never gives its tickets back.
func TestRunThatEndedInTemporalLetsOthersPass(t *testing.T) {
	t.Parallel()
	const first = "request:demo:one"
	for name, c := range map[string]struct {
		status enumspb.WorkflowExecutionStatus
		err    error
		failed string // what the check reports
		passes bool
	}{
		"terminated":         {enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, nil, "", true},
		"past its retention": {0, serviceerror.NewNotFound("gone"), "", true},
		"alive":              {enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, nil, "", false},
		"nobody can tell":    {0, serviceerror.NewUnavailable("down"), "down", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, storetest.SQLiteURL(t))
			temporal := &mocks.Client{}
			temporal.On("DescribeWorkflowExecution", mock.Anything, first, "").Return(&workflowservice.DescribeWorkflowExecutionResponse{
				WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: c.status},
			}, c.err)
			d := New(Options{Store: s, Temporal: temporal, Logger: slog.New(slog.DiscardHandler)})
			accept := func(id string) store.Submission {
				sub, _, err := s.AcceptRequest(t.Context(),
					submit.Request("demo", contactcenter.Request{ExternalID: id, Channel: contactcenter.Site}, "", []byte(`{}`)), []string{"phone:1"})
				require.NoError(t, err)
				require.NoError(t, s.MarkStarted(t.Context(), sub.ID, "run"))
				return sub
			}
			one, two := accept("one"), accept("two")
			require.NoError(t, d.checkTickets(t.Context(), ticketQuiet))
			temporal.AssertNotCalled(t, "DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything)

			err := d.checkTickets(t.Context(), 0)
			if c.failed == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.failed)
			}
			ahead, _, err := s.Turn(t.Context(), "demo", two.SyncID, []string{"phone:1"})
			require.NoError(t, err)
			require.Equal(t, c.passes, ahead == 0)
			line, err := s.Sync(t.Context(), "demo", one.SyncID)
			require.NoError(t, err)
			require.Equal(t, c.passes, line.Status == store.SyncFailed)
		})
	}
}
