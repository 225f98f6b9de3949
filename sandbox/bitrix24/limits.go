package bitrix24

import (
	"maps"
	"math"
	"sync"
	"time"
)

// Limits are the request and operating limits of a plan (bitrix24 reference §2.1, §2.2).
type Limits struct {
	// Rate is by how much the request counter falls once a second.
	Rate float64 `json:"rate"`
	// Burst is how high the counter may stand; 0 switches the request limit off.
	Burst float64 `json:"burst"`
	// OperatingLimit is how many seconds one method may work in ten minutes for
	// one webhook or application; 0 switches the limit off.
	OperatingLimit float64 `json:"operating_limit_s"`
	// OperatingCost sets what a call of a method costs in seconds; "*" is for all
	// others. Without it a call costs the time it really took.
	OperatingCost map[string]float64 `json:"operating_cost_s,omitempty"`
}

// limiter keeps the leaky buckets per source address and the operating budgets.
type limiter struct {
	mu      sync.Mutex
	clock   Clock
	limits  Limits
	buckets map[string]*bucket
	budgets map[budgetKey]*budget
}

type bucket struct {
	level float64
	since time.Time // of the last leak
}

type budgetKey struct{ caller, method string }

// budget is the time used in each of the last ten minutes.
type budget [operatingMinutes]struct {
	minute  int64
	seconds float64
}

const (
	operatingMinutes = 10
	// minCost: shorter calls do not count towards the operating limit.
	minCost = 0.1
)

func newLimiter(clock Clock, limits Limits) *limiter {
	l := &limiter{clock: clock}
	l.reset(limits)
	return l
}

func (l *limiter) reset(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
	l.limits.OperatingCost = maps.Clone(limits.OperatingCost)
	l.buckets = map[string]*bucket{}
	l.budgets = map[budgetKey]*budget{}
}

func (l *limiter) current() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}

// take counts a request of a source; false means that it is refused. The
// counter falls in steps, once per second, and a refused request does not raise it.
func (l *limiter) take(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.Burst <= 0 {
		return true
	}
	now := l.clock.Now()
	b, ok := l.buckets[source]
	if !ok {
		b = &bucket{since: now}
		l.buckets[source] = b
	}
	if steps := math.Floor(now.Sub(b.since).Seconds()); steps > 0 {
		b.level = max(0, b.level-steps*l.limits.Rate)
		b.since = b.since.Add(time.Duration(steps) * time.Second)
	}
	if b.level >= l.limits.Burst {
		return false
	}
	b.level++
	return true
}

// mayOperate says whether a method has budget left. The call that crosses the
// limit still runs; the next one does not.
func (l *limiter) mayOperate(key budgetKey) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.OperatingLimit <= 0 {
		return true
	}
	used, _ := l.budgets[key].used(l.clock.Now())
	return used < l.limits.OperatingLimit
}

// charge books a call and gives what the time block shows: the seconds used and
// the Unix time at which the oldest minute is forgotten.
func (l *limiter) charge(key budgetKey, took time.Duration) (operating float64, resetAt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	cost := l.cost(key.method, took)
	if cost < minCost {
		return l.budgets[key].used(now)
	}
	if l.budgets[key] == nil {
		l.budgets[key] = &budget{}
	}
	l.budgets[key].add(now, cost)
	return l.budgets[key].used(now)
}

// show gives the figures of the time block without booking anything.
func (l *limiter) show(key budgetKey) (operating float64, resetAt int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.budgets[key].used(l.clock.Now())
}

func (l *limiter) cost(method string, took time.Duration) float64 {
	if cost, ok := l.limits.OperatingCost[method]; ok {
		return cost
	}
	if cost, ok := l.limits.OperatingCost["*"]; ok {
		return cost
	}
	return took.Seconds()
}

func (b *budget) add(now time.Time, seconds float64) {
	minute := now.Unix() / 60
	slot := &b[minute%operatingMinutes]
	if slot.minute != minute {
		slot.minute, slot.seconds = minute, 0
	}
	slot.seconds += seconds
}

func (b *budget) used(now time.Time) (seconds float64, resetAt int) {
	minute := now.Unix() / 60
	oldest := minute
	if b == nil {
		return 0, int(minute+operatingMinutes) * 60
	}
	for _, slot := range b {
		if slot.seconds > 0 && slot.minute > minute-operatingMinutes {
			seconds += slot.seconds
			oldest = min(oldest, slot.minute)
		}
	}
	return seconds, int(oldest+operatingMinutes) * 60
}
