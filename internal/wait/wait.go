// Package wait waits for a while, or until a context ends.
package wait

import (
	"context"
	"time"
)

// For waits for d. If the context ends before, it returns at once, with the cause
// of that end.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
