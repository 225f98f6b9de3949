package devserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"puente/devserver"
)

const queue = "test"

func start(t *testing.T, o devserver.Options) *devserver.Server {
	t.Helper()
	s, err := devserver.Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

func dial(t *testing.T, s *devserver.Server) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: s.Address()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// greet runs a workflow with one activity to its end and returns what it said.
func greet(t *testing.T, c client.Client, o client.StartWorkflowOptions) string {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(greeting, workflow.RegisterOptions{Name: "Greeting"})
	w.RegisterActivity(hello)
	require.NoError(t, w.Start())
	defer w.Stop()
	o.TaskQueue = queue
	run, err := c.ExecuteWorkflow(t.Context(), o, "Greeting", "Ana")
	require.NoError(t, err)
	var said string
	require.NoError(t, run.Get(t.Context(), &said))
	return said
}

func greeting(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var said string
	err := workflow.ExecuteActivity(ctx, hello, name).Get(ctx, &said)
	return said, err
}

func hello(_ context.Context, name string) (string, error) { return "hola " + name, nil }

func listed(t *testing.T, c client.Client, query string) []string {
	t.Helper()
	answer, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
	require.NoError(t, err)
	ids := make([]string, 0, len(answer.Executions))
	for _, e := range answer.Executions {
		ids = append(ids, e.Execution.WorkflowId)
	}
	return ids
}

func eventuallyListed(t *testing.T, c client.Client, query, id string) {
	t.Helper()
	require.Eventually(t, func() bool { ids := listed(t, c, query); return len(ids) == 1 && ids[0] == id },
		10*time.Second, 50*time.Millisecond)
}

func TestWorkflowRunsOnAServerInMemory(t *testing.T) {
	t.Parallel()
	s := start(t, devserver.Options{})
	require.NoError(t, s.Ready(t.Context()))
	require.Empty(t, s.UIAddress())
	require.Equal(t, "hola Ana", greet(t, dial(t, s), client.StartWorkflowOptions{ID: "one"}))
}

func TestServersInMemoryShareNothing(t *testing.T) {
	t.Parallel()
	one, two := dial(t, start(t, devserver.Options{})), dial(t, start(t, devserver.Options{}))
	greet(t, one, client.StartWorkflowOptions{ID: "only-here"})
	eventuallyListed(t, one, "", "only-here")
	require.Empty(t, listed(t, two, ""))
}

func TestNamespaceKeepsHistoryForThirtyDays(t *testing.T) {
	t.Parallel()
	c := dial(t, start(t, devserver.Options{}))
	answer, err := c.WorkflowService().DescribeNamespace(t.Context(),
		&workflowservice.DescribeNamespaceRequest{Namespace: devserver.Namespace})
	require.NoError(t, err)
	require.Equal(t, 30*24*time.Hour, answer.Config.WorkflowExecutionRetentionTtl.AsDuration())
}

func TestWorkflowAndItsSearchAttributeAreListedAfterARestartOnTheSameFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	portal := temporal.NewSearchAttributeKeyKeyword("PuentePortal")
	first := start(t, devserver.Options{DataDir: dir})
	c := dial(t, first)
	_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace:        devserver.Namespace,
		SearchAttributes: map[string]enums.IndexedValueType{portal.GetName(): enums.INDEXED_VALUE_TYPE_KEYWORD},
	})
	require.NoError(t, err)
	greet(t, c, client.StartWorkflowOptions{
		ID: "kept", TypedSearchAttributes: temporal.NewSearchAttributes(portal.ValueSet("demo")),
	})
	eventuallyListed(t, c, "PuentePortal='demo'", "kept")
	c.Close()
	first.Stop()

	second := start(t, devserver.Options{DataDir: dir, GRPCAddr: first.Address()})
	require.Equal(t, first.Address(), second.Address(), "a restart takes the same port again")
	c = dial(t, second)
	eventuallyListed(t, c, "PuentePortal='demo' AND ExecutionStatus='Completed'", "kept")
	require.Equal(t, "hola Ana", greet(t, c, client.StartWorkflowOptions{ID: "after"}))
}

func TestUIAnswersAndReachesTheServer(t *testing.T) {
	t.Parallel()
	s := start(t, devserver.Options{UIAddr: "127.0.0.1:0"})
	for path, want := range map[string]string{"/": "<html", "/api/v1/namespaces/default": `"default"`} {
		response, err := http.Get("http://" + s.UIAddress() + path) //nolint:noctx // a test's own server
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Contains(t, string(body), want)
	}
}

func TestTakenPortIsAnErrorThatNamesTheAddress(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	address := taken.Addr().String()
	_, err = devserver.Start(t.Context(), devserver.Options{GRPCAddr: address})
	require.ErrorContains(t, err, address)
	_, err = devserver.Start(t.Context(), devserver.Options{UIAddr: address})
	require.ErrorContains(t, err, address)
}

func TestStopTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	s := start(t, devserver.Options{UIAddr: "127.0.0.1:0"})
	s.Stop()
	s.Stop()
	require.Error(t, s.Ready(t.Context()))
}
