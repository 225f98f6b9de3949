package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	sdk "go.temporal.io/sdk/worker"
)

func TestLongActivityTellsThatItIsAlive(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(sdk.Options{Interceptors: []interceptor.WorkerInterceptor{&heartbeats{every: time.Millisecond}}})
	beats := make(chan struct{}, 100)
	env.SetOnActivityHeartbeatListener(func(*activity.Info, converter.EncodedValues) {
		select {
		case beats <- struct{}{}:
		default:
		}
	})
	wait := func(context.Context) (string, error) {
		<-beats
		return "done", nil
	}
	env.RegisterActivityWithOptions(wait, activity.RegisterOptions{Name: "wait"})
	value, err := env.ExecuteActivity("wait")
	require.NoError(t, err)
	var out string
	require.NoError(t, value.Get(&out))
	require.Equal(t, "done", out)
}

func TestHeartbeatsFitTheTimeOutOfTheSteps(t *testing.T) {
	t.Parallel()
	w := &Worker{opts: Options{StopTimeout: time.Second}}
	o := w.options(7, make(chan error, 1))
	require.Equal(t, heartbeatEvery, o.MaxHeartbeatThrottleInterval, "else the SDK holds them back until the time-out is nearly over")
	require.Equal(t, 7, o.MaxConcurrentActivityExecutionSize)
	require.Equal(t, time.Second, o.WorkerStopTimeout)
}

func TestFirstFatalErrorIsTold(t *testing.T) {
	t.Parallel()
	broken := make(chan error, 1)
	o := (&Worker{}).options(1, broken)
	o.OnFatalError(context.Canceled)
	o.OnFatalError(context.DeadlineExceeded) // nobody is held up
	require.ErrorIs(t, <-broken, context.Canceled)
}
