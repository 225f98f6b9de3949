package bitrix24

import (
	"sync"
	"time"
)

// Clock tells the portal what time it is. Everything that depends on time
// (tokens, the request bucket, operating budgets, lead conversion, dates of
// entities) asks it, so a test can move the portal through hours at once.
type Clock interface {
	// Now is the current time; it must never go back.
	Now() time.Time
}

// SystemClock is the wall clock of the machine.
type SystemClock struct{}

// Now is the machine's current time.
func (SystemClock) Now() time.Time { return time.Now() }

// ManualClock stands still until it is moved. It is safe for concurrent use.
type ManualClock struct {
	mu  sync.Mutex
	now time.Time
}

// NewManualClock makes a clock that shows start.
func NewManualClock(start time.Time) *ManualClock { return &ManualClock{now: start} }

// Now is the time the clock was last moved to.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward by d; a negative d is ignored.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > 0 {
		c.now = c.now.Add(d)
	}
}
