package bitrix24

import (
	"slices"
	"sync"
	"time"
)

// job is one caller's group, or one plain call, on its way through the loader.
type job struct {
	commands []Command // plain JSON; exactly one for a call
	bytes    int
	halt     bool
	call     bool
	lane     int
	since    time.Time
	done     chan outcome // holds one outcome, so that answering never blocks
}

// outcome is what a job comes back with.
type outcome struct {
	answer  Answer // of a call
	results []Result
	err     error
}

// alone reports whether the job must have a request of its own. A halting group must, or a stranger's error would stop
// it, and its own error everybody else.
func (j *job) alone() bool { return j.call || j.halt }

// lanes of the queue, first served first.
const (
	laneInteractive = iota
	laneLive
	laneBackground
	laneCount
)

func laneOf(p Priority) int {
	switch p {
	case Interactive:
		return laneInteractive
	case Live:
		return laneLive
	default:
		return laneBackground
	}
}

// queue holds jobs that wait for a request, first come first served inside a lane.
type queue struct {
	maxCommands int           // bound of everything that waits
	maxWait     time.Duration // after that a job goes before better lanes

	mu       sync.Mutex
	lanes    [laneCount][]*job
	commands int
	refused  int64
	closed   bool
	wake     chan struct{} // holds one token: something changed
}

func newQueue(maxCommands int, maxWait time.Duration) *queue {
	return &queue{maxCommands: maxCommands, maxWait: maxWait, wake: make(chan struct{}, 1)}
}

// push adds a job, or refuses it when the queue is full or closed. A full queue refuses instead of blocking, so that the
// caller can give its worker slot back and come again.
func (q *queue) push(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	method := j.commands[0].Method
	if q.closed {
		return notSent(method, "the gateway is shutting down", nil)
	}
	if q.commands+len(j.commands) > q.maxCommands {
		q.refused++
		return notSent(method, "too many calls wait for this portal", nil)
	}
	j.since = time.Now()
	q.lanes[j.lane] = append(q.lanes[j.lane], j)
	q.commands += len(j.commands)
	q.signal()
	return nil
}

// remove takes a job out again; false means that it is already on its way.
func (q *queue) remove(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.drop(j)
}

func (q *queue) drop(j *job) bool {
	at := slices.Index(q.lanes[j.lane], j)
	if at < 0 {
		return false
	}
	q.lanes[j.lane] = slices.Delete(q.lanes[j.lane], at, at+1)
	q.commands -= len(j.commands)
	return true
}

// collect takes the jobs of the next request: the leader, and whatever fits beside it, best lanes first. It returns
// nothing if nothing waits any more.
func (q *queue) collect(maxCommands, maxBytes int) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	lead := q.leader(time.Now())
	if lead == nil {
		return nil
	}
	q.drop(lead)
	taken := []*job{lead}
	if lead.alone() {
		return taken
	}
	commands, bytes := len(lead.commands), lead.bytes
	for lane := range q.lanes {
		q.lanes[lane] = slices.DeleteFunc(q.lanes[lane], func(j *job) bool {
			fits := !j.alone() && commands+len(j.commands) <= maxCommands && bytes+j.bytes <= maxBytes
			if fits {
				taken = append(taken, j)
				commands, bytes, q.commands = commands+len(j.commands), bytes+j.bytes, q.commands-len(j.commands)
			}
			return fits
		})
	}
	return taken
}

// leader is the job that must go next: the longest waiting one that has waited too long, else the first of the best lane.
func (q *queue) leader(now time.Time) *job {
	var best, oldest *job
	for _, lane := range q.lanes {
		if len(lane) == 0 {
			continue
		}
		if best == nil {
			best = lane[0]
		}
		if oldest == nil || lane[0].since.Before(oldest.since) {
			oldest = lane[0]
		}
	}
	if oldest != nil && now.Sub(oldest.since) > q.maxWait {
		return oldest
	}
	return best
}

// next blocks until something waits and tells since when; false means that the queue is closed and empty.
func (q *queue) next() (since time.Time, more bool) {
	for {
		q.mu.Lock()
		lead, closed := q.leader(time.Now()), q.closed
		q.mu.Unlock()
		if lead != nil {
			return lead.since, true
		}
		if closed {
			return time.Time{}, false
		}
		<-q.wake
	}
}

// size is the number of commands that wait.
func (q *queue) size() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.commands
}

// close refuses new jobs; those that wait stay.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // the token is already there
	}
}
