package bitrix24

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"puente/internal/wait"
)

// Habits of the queue server (docs: events/index): it is asynchronous, keeps no
// order, and never repeats what failed.
const (
	senderRoom     = 4096 // events that wait; what comes above is lost
	senderWorkers  = 4
	senderRemember = 200 // last deliveries that GET /sandbox/events shows
)

// notice is one event on its way to one handler.
type notice struct {
	Handler    int
	Event, URL string
	body       *dict
}

// Delivery is an event that left the portal, or was lost, as GET /sandbox/events
// shows it.
type Delivery struct {
	Handler int    `json:"event_handler_id"`
	Event   string `json:"event"`
	ID      string `json:"id"` // of the object; "" if the event names none
	URL     string `json:"url"`
	Status  int    `json:"status"`          // what the handler answered; 0 = nothing
	Error   string `json:"error,omitempty"` // why nothing came back
	Lost    bool   `json:"lost,omitempty"`  // by the knob "lose", or because the queue was full
}

// Knobs make the delivery of events worse than it is.
type Knobs struct {
	DelayMS  int `json:"delay_ms"`  // each event waits that long
	JitterMS int `json:"jitter_ms"` // and by chance up to that long: events overtake each other
	Lose     int `json:"lose"`      // so many of the next deliveries are lost; -1 = all
	Repeat   int `json:"repeat"`    // so many of the next deliveries come twice; -1 = all
}

// sender delivers events in the background. It starts with the first event.
type sender struct {
	log   *slog.Logger
	ctx   context.Context
	end   context.CancelFunc
	once  sync.Once
	group sync.WaitGroup
	queue chan notice

	mu      sync.Mutex
	knobs   Knobs
	waiting int // queued or under way
	sent    int // answered with 2xx
	failed  int // answered otherwise, or not at all
	lost    int
	last    []Delivery
}

func newSender(log *slog.Logger) *sender {
	ctx, end := context.WithCancel(context.Background())
	return &sender{log: log, ctx: ctx, end: end, queue: make(chan notice, senderRoom)}
}

// enqueue never waits: what finds no room is lost.
func (s *sender) enqueue(n notice) {
	s.once.Do(func() {
		for range senderWorkers {
			s.group.Go(s.work)
		}
	})
	for range s.copies(n) {
		select {
		case s.queue <- n:
		default:
			s.done(n, Delivery{Lost: true, Error: "the queue is full"})
		}
	}
}

// copies turns the knobs: how often a notice is delivered.
func (s *sender) copies(n notice) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spend(&s.knobs.Lose) {
		s.note(n, Delivery{Lost: true})
		return 0
	}
	times := pick(spend(&s.knobs.Repeat), 2, 1)
	s.waiting += times
	return times
}

// spend takes one of a number of times; a negative number never ends.
func spend(times *int) bool {
	if *times == 0 {
		return false
	}
	if *times > 0 {
		*times--
	}
	return true
}

// work delivers until the portal is closed.
func (s *sender) work() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case n := <-s.queue:
			s.deliver(n)
		}
	}
}

// deliver posts one event once: a handler that fails has missed it.
func (s *sender) deliver(n notice) {
	if wait.For(s.ctx, s.pause()) != nil {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, handlerPatience)
	defer cancel()
	answer, err := postForm(ctx, n.URL, n.body)
	d := Delivery{Status: answer.Status}
	if err != nil {
		d.Error = err.Error()
	}
	s.done(n, d)
	s.log.DebugContext(ctx, "event", "event", n.Event, "handler", n.Handler, "status", d.Status, "error", d.Error)
}

func (s *sender) pause() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.knobs.DelayMS
	if s.knobs.JitterMS > 0 {
		ms += rand.IntN(s.knobs.JitterMS)
	}
	return time.Duration(ms) * time.Millisecond
}

// done counts a delivery that is over.
func (s *sender) done(n notice, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
	s.note(n, d)
}

// note remembers how a delivery ended; mu is held.
func (s *sender) note(n notice, d Delivery) {
	switch {
	case d.Lost:
		s.lost++
	case d.Status >= 200 && d.Status < 300:
		s.sent++
	default:
		s.failed++
	}
	d.Handler, d.Event, d.URL = n.Handler, n.Event, n.URL
	data, _ := n.body.get("data")
	fields, _ := asDict(data).get("FIELDS")
	id, _ := asDict(fields).get("ID")
	d.ID = toStr(id)
	s.last = append(s.last, d)
	s.last = s.last[max(0, len(s.last)-senderRemember):]
}

// reset forgets what waits, the counters and the knobs.
func (s *sender) reset() {
	for range len(s.queue) {
		select {
		case n := <-s.queue:
			s.done(n, Delivery{Lost: true})
		default:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knobs, s.sent, s.failed, s.lost, s.last = Knobs{}, 0, 0, 0, nil
}

// stop ends the deliveries; what waits is dropped.
func (s *sender) stop() {
	s.once.Do(func() {}) // an event that comes later starts nothing
	s.end()
	s.group.Wait()
}
