package activities

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.temporal.io/sdk/activity"

	"puente/bitrix24"
	"puente/chat2desk"
)

// Waits before the next attempt, where the outside system gives none. All are
// spread by chance: what waited together must not come back together.
const (
	rateDelay      = 2 * time.Second
	maxRateDelay   = time.Minute
	operatingDelay = time.Minute
	quotaDelay     = time.Hour
	busyDelay      = time.Second
	maxBusyDelay   = 20 * time.Second
	// settleDelay is how long a portal that did not answer in time may still be
	// at work on the request: looking for its result earlier would find nothing.
	settleDelay = 10 * time.Second
)

// attempt is the number of this attempt, from 1.
func attempt(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	return int(activity.GetInfo(ctx).Attempt)
}

// growing doubles a wait with each attempt up to a limit, and spreads it.
func growing(ctx context.Context, first, limit time.Duration) time.Duration {
	wait := first << min(max(attempt(ctx)-1, 0), 10)
	return spread(min(wait, limit))
}

// spread is a random time between three quarters and five quarters of wait.
func spread(wait time.Duration) time.Duration {
	if wait < 4 {
		return wait
	}
	return wait*3/4 + time.Duration(rand.Int64N(int64(wait/2))) //nolint:gosec // not a secret
}

func crmDelay(ctx context.Context, e *bitrix24.Error, v verdict) time.Duration {
	switch {
	case e.Kind == bitrix24.KindRateLimited:
		return growing(ctx, rateDelay, maxRateDelay)
	case e.Kind == bitrix24.KindOperatingLimit && e.ResetAt.IsZero():
		return spread(operatingDelay)
	case e.Kind == bitrix24.KindOperatingLimit:
		return max(time.Until(e.ResetAt), 0) + spread(rateDelay)
	case e.Kind == bitrix24.KindAmbiguous && errors.Is(e, context.DeadlineExceeded):
		return max(spread(settleDelay), growing(ctx, rateDelay, maxRateDelay))
	default:
		return v.delay
	}
}

func chatDelay(ctx context.Context, e *chat2desk.Error, v verdict) time.Duration {
	switch {
	case e.RetryAfter > 0:
		return e.RetryAfter + spread(rateDelay)
	case e.Kind == chat2desk.KindRateLimited:
		return growing(ctx, rateDelay, maxRateDelay)
	case v.delay > 0:
		return spread(v.delay)
	default:
		return 0
	}
}
