// Package servertest runs the workflows on a real Temporal server, for what
// the test environment of the SDK cannot show: signals that arrive while a run
// ends or continues as new.
package servertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/temporaltest"

	"puente/dialog"
	"puente/worker"
	"puente/workflows"
)

// recorder stands for the activities; it remembers what was asked of them.
type recorder struct {
	mu      sync.Mutex
	notices map[string]int // key → how often
	syncs   map[string]int // sync workflow → how often opened
}

func (r *recorder) RecallDialog(context.Context, workflows.RecallInput) (workflows.Recalled, error) {
	return workflows.Recalled{SettleSeconds: 1}, nil
}

func (r *recorder) CloseCycle(_ context.Context, in workflows.RecordCloseInput) (workflows.ClosedCycle, error) {
	return workflows.ClosedCycle{Wanted: true, DialogID: in.DialogID}, nil
}

func (r *recorder) Notify(_ context.Context, in workflows.NotifyInput) (workflows.Notified, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range in.Notices {
		if n.Kind == workflows.NoticeIncoming {
			r.notices[n.Key]++
		}
	}
	return workflows.Notified{Sent: len(in.Notices)}, nil
}

// OpenSync ends each sync at once: the ledger has it as done.
func (r *recorder) OpenSync(ctx context.Context, _ workflows.OpenSyncInput) (workflows.OpenedSync, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.syncs[activity.GetInfo(ctx).WorkflowExecution.ID]++
	return workflows.OpenedSync{Status: workflows.Done}, nil
}

// setup starts a server that suggests to continue as new after 60 events.
func setup(t *testing.T) (client.Client, *recorder) {
	t.Helper()
	r := &recorder{notices: map[string]int{}, syncs: map[string]int{}}
	return serve(t, r, workflows.DialogsQueue, workflows.Bitrix24Queue), r
}

// serve starts a server with workers for some queues; activities stand for what
// the workflows ask for.
func serve(t *testing.T, activities any, queues ...string) client.Client {
	t.Helper()
	server := temporaltest.NewServer(temporaltest.WithT(t), temporaltest.WithBaseServerOptions(
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.HistoryCountSuggestContinueAsNew.Key():        60,
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		})))
	c := server.GetDefaultClient()
	attributes := map[string]enumspb.IndexedValueType{}
	for _, key := range workflows.SearchAttributes() {
		attributes[key.GetName()] = key.GetValueType()
	}
	_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace: server.GetDefaultNamespace(), SearchAttributes: attributes,
	})
	require.NoError(t, err)
	for _, queue := range queues {
		server.NewWorker(queue, func(registry sdk.Registry) {
			worker.RegisterWorkflows(registry)
			registry.RegisterActivity(activities)
		})
	}
	return c
}

func TestNoSignalIsLostAcrossContinueAsNewAndEnd(t *testing.T) {
	t.Parallel()
	c, r := setup(t)
	const requests, messages = 40, 10
	in := workflows.DialogInput{Portal: "demo", ClientID: 7001, ChannelID: 12}
	id := workflows.DialogID(in.Portal, in.ClientID, in.ChannelID)
	signal := func(e dialog.Event) {
		_, err := c.SignalWithStartWorkflow(t.Context(), id, workflows.SignalDialogEvents, []dialog.Event{e}, client.StartWorkflowOptions{
			TaskQueue: workflows.DialogsQueue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		}, workflows.DialogWorkflow, in)
		require.NoError(t, err)
	}
	began := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	for request := range int64(requests) {
		event := func(n int, kind dialog.EventKind, typ string) dialog.Event {
			key := fmt.Sprintf("%s:%d:%d", kind, request, n)
			return dialog.Event{
				ID: key, Key: key, Kind: kind, Type: typ, ClientID: 7001, ChannelID: 12, DialogID: 4401, RequestID: 1000 + request,
				Time: began.Add(time.Duration(request)*time.Hour + time.Duration(n)*time.Second),
			}
		}
		for n := range messages {
			signal(event(n, dialog.KindInbox, "from_client"))
		}
		signal(event(messages, dialog.KindClosed, ""))
		signal(event(messages, dialog.KindClosed, "")) // repeated
	}
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.notices) == requests*messages && len(r.syncs) == requests
	}, time.Minute, 100*time.Millisecond)
	for sync, times := range r.syncs {
		require.Equal(t, 1, times, sync)
	}
	require.Eventually(t, func() bool {
		run, err := c.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}, 30*time.Second, 100*time.Millisecond, "the last run ends when nothing is open")
	require.Positive(t, continued(t, c, id), "the run had to continue as new")
}

// continued counts the runs that ended by continuing as new.
func continued(t *testing.T, c client.Client, id string) int {
	t.Helper()
	count := 0
	run, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	for runID := run.GetWorkflowExecutionInfo().GetExecution().GetRunId(); runID != ""; {
		history := c.GetWorkflowHistory(t.Context(), id, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		first, err := history.Next()
		require.NoError(t, err)
		runID = first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
		if runID != "" {
			count++
		}
	}
	return count
}
