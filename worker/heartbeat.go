package worker

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// heartbeatEvery is well below the heartbeat time-out of every step
// (workflows/options.go).
const heartbeatEvery = 5 * time.Second

// heartbeats lets every activity tell Temporal that it is alive, so that a
// step of a killed worker is given to another one after seconds instead of
// after its full time-out, which holds minutes of waiting for a portal.
type heartbeats struct {
	interceptor.WorkerInterceptorBase

	every time.Duration
}

// InterceptActivity wraps each execution.
func (h *heartbeats) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &beating{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, every: h.every}
}

type beating struct {
	interceptor.ActivityInboundInterceptorBase

	every time.Duration
}

// ExecuteActivity heartbeats until the activity returns.
func (b *beating) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	done := make(chan struct{})
	defer close(done)
	go b.beat(ctx, done)
	return b.Next.ExecuteActivity(ctx, in)
}

func (b *beating) beat(ctx context.Context, done <-chan struct{}) {
	ticker := time.NewTicker(b.every)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}
