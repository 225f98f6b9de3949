package bitrix24

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"puente/internal/wait"
)

const (
	// pauseAfterRefusal is how long nobody sends after a 503: every second the portal makes room again (reference §2.1).
	pauseAfterRefusal = 2 * time.Second
	// operatingPause is the longest wait after a 429 before the portal is asked again. The reset heard last belongs to an
	// older answer and may lie up to ten minutes ahead, although a part of the budget is free again after each minute
	// (reference §2.2); being refused once more costs one request.
	operatingPause = 30 * time.Second
	// bookkeeping bounds the word to the bucket, which must get through although the caller may be gone.
	bookkeeping = 5 * time.Second
)

// limits remembers which methods the portal has blocked for their operating time, and until when. The cost of a batch is
// billed to its methods or to "batch" itself, documents and measurements disagree (reference §2.2): whichever of them
// the portal refuses is the one that waits.
type limits struct {
	mu      sync.Mutex
	blocked map[string]time.Time
	resets  map[string]time.Time // as last heard in a successful answer: errors do not carry the time
}

// refusal is the error for a call of any of the methods while one of them is blocked, otherwise nil.
func (l *limits) refusal(methods ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range methods {
		until, blocked := l.blocked[strings.ToLower(m)]
		if !blocked {
			continue
		}
		if time.Now().Before(until) {
			return &Error{
				Kind: KindOperatingLimit, Method: m, ResetAt: until,
				Description: "the portal has blocked this method for its operating time; not sent",
			}
		}
		delete(l.blocked, strings.ToLower(m))
	}
	return nil
}

// heard keeps the reset time of an answer.
func (l *limits) heard(method string, reset time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resets == nil {
		l.resets = map[string]time.Time{}
	}
	l.resets[strings.ToLower(method)] = reset
}

// block starts the wait of a method and returns its end.
func (l *limits) block(method string, reset time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	name, now := strings.ToLower(method), time.Now()
	if !reset.After(now) {
		reset = l.resets[name]
	}
	if longest := now.Add(operatingPause); !reset.After(now) || reset.After(longest) {
		reset = longest
	}
	if l.blocked == nil {
		l.blocked = map[string]time.Time{}
	}
	l.blocked[name] = reset
	return reset
}

// note draws the conclusions from one outcome: counters, operating budget, penalty of the bucket.
func (c *Client) note(ctx context.Context, method string, timing Timing, err error) {
	if !timing.OperatingResetAt.IsZero() {
		c.limits.heard(method, timing.OperatingResetAt)
	}
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	switch e.Kind {
	case KindOperatingLimit:
		e.ResetAt = c.limits.block(method, e.ResetAt)
		c.stats.operating.Add(1)
	case KindRateLimited:
		if e.Err == nil { // said by the portal, not by ourselves
			c.penalize(ctx)
		}
	case KindAmbiguous:
		c.stats.ambiguous.Add(1)
	default:
	}
}

// penalize tells all processes to wait. If the bucket cannot be told, the next refusal will tell it.
func (c *Client) penalize(ctx context.Context) {
	c.stats.limited.Add(1)
	if c.cfg.Bucket == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	_ = c.cfg.Bucket.Penalize(ctx, time.Now().Add(pauseAfterRefusal))
}

// permit waits until one HTTP request is allowed.
func (c *Client) permit(ctx context.Context, method string) error {
	if ctx.Err() != nil {
		return notSent(method, "not sent", context.Cause(ctx))
	}
	if c.cfg.Bucket == nil {
		return nil
	}
	for {
		rest, err := c.cfg.Bucket.Take(ctx)
		if err != nil {
			return notSent(method, "no permit for a request could be had", err)
		}
		if rest <= 0 {
			return nil
		}
		if err := wait.For(ctx, max(rest, time.Millisecond)); err != nil {
			return notSent(method, "gave up waiting for a permit", err)
		}
	}
}
