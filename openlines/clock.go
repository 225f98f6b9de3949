package openlines

import "time"

// Clock counts time towards a limit. It is data: whether it is due follows from
// where it began, what it used before, the schedule and the limit. After a
// change of settings it keeps what it used and goes on under the new schedule
// and limit (§2). The zero Clock is stopped.
type Clock struct {
	From time.Time     `json:"from,omitzero"`
	Used time.Duration `json:"used,omitzero"` // before From

	due   time.Time // the last answer of Line.due,
	limit time.Duration
	asked base // for this limit and base
}

func (c *Clock) running() bool { return !c.From.IsZero() }

// base says which time a clock counts.
type base int

const (
	working base = iota + 1 // while the line is open
	routing                 // while operators may get offers: all the time with offhours_routing=route (§4)
)

// never is the due instant of a timer that no open time can reach.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// counts says whether a base is calendar time on this line.
func (l *Line) calendar(b base) bool {
	return b == routing && l.Settings.OffhoursRouting == OffhoursRoute
}

// spent is how much time of a base lies between two instants.
func (l *Line) spent(b base, from, to time.Time) time.Duration {
	if l.calendar(b) {
		return max(to.Sub(from), 0)
	}
	return l.schedule.Between(from, to)
}

// after is the first instant at which d of a base has passed since an instant.
func (l *Line) after(b base, since time.Time, d time.Duration) time.Time {
	if l.calendar(b) {
		return since.Add(max(d, 0))
	}
	at, ok := l.schedule.Due(since, d)
	if !ok {
		return never
	}
	return at
}

// due is when a running clock reaches its limit. The answer is kept, because it
// is asked for in each step and changes only with the settings.
func (l *Line) due(c *Clock, b base, limit time.Duration) time.Time {
	if c.due.IsZero() || c.limit != limit || c.asked != b {
		c.due, c.limit, c.asked = l.after(b, c.From, limit-c.Used), limit, b
	}
	return c.due
}

// rebase books what a clock has used until now, before its line changes.
func (l *Line) rebase(c *Clock, b base, now time.Time) {
	if c.running() {
		*c = Clock{From: now, Used: c.Used + l.spent(b, c.From, now)}
	}
}

// Span is a length of time measured twice (§9).
type Span struct {
	Work     time.Duration `json:"work,omitzero"`     // while the line was open
	Calendar time.Duration `json:"calendar,omitzero"` // elapsed
}

// Meter measures a Span from its beginning on. The zero Meter is stopped.
type Meter struct {
	Began time.Time `json:"began,omitzero"`
	Clock Clock     `json:"clock,omitzero"`
}

func startMeter(at time.Time) Meter { return Meter{Began: at, Clock: Clock{From: at}} }

// read is the span from the beginning to an instant.
func (l *Line) read(m *Meter, at time.Time) Span {
	if m.Began.IsZero() {
		return Span{}
	}
	return Span{
		Work:     m.Clock.Used + l.spent(working, m.Clock.From, at),
		Calendar: max(at.Sub(m.Began), 0),
	}
}

// rebaseAll books the time of all clocks of a session on this line.
func (l *Line) rebaseAll(s *Session, now time.Time) {
	for _, c := range []*Clock{&s.Age.Clock, &s.Wait.Clock, &s.Owning.Clock, &s.Off} {
		l.rebase(c, working, now)
	}
	q := &s.Queue
	for _, c := range []*Clock{&q.Parked, &q.Idle, &q.AllPass, &q.Unans} {
		l.rebase(c, routing, now)
	}
	for _, o := range s.Offers {
		l.rebase(&o.Pass, routing, now)
	}
}
