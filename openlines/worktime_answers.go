package openlines

import "time"

// Open says whether the line is open at an instant.
func (s *Schedule) Open(t time.Time) bool {
	for stretch := range s.walk(t) {
		return stretch.open
	}
	return false
}

// NextOpen is t itself while the line is open, else the next opening. ok is
// false if there is none within NeverAfter.
func (s *Schedule) NextOpen(t time.Time) (at time.Time, ok bool) {
	return s.first(t, true)
}

// NextChange is the next instant after t at which the line opens, if it is
// closed at t, or closes, if it is open. ok is false if nothing changes within
// NeverAfter.
func (s *Schedule) NextChange(t time.Time) (at time.Time, ok bool) {
	return s.first(t, !s.Open(t))
}

// first is the first instant from t on at which the line is in a state.
func (s *Schedule) first(t time.Time, open bool) (time.Time, bool) {
	for stretch := range s.walk(t) {
		if stretch.begin >= NeverAfter {
			break
		}
		if stretch.open == open {
			return t.Add(stretch.begin), true
		}
	}
	return time.Time{}, false
}

// Between is the working time from a to b: the elapsed time in which the line
// was open; 0 if b is not after a.
func (s *Schedule) Between(a, b time.Time) time.Duration {
	var sum time.Duration
	span := b.Sub(a)
	for stretch := range s.walk(a) {
		if stretch.begin >= span {
			break
		}
		if stretch.open {
			sum += min(stretch.end, span) - stretch.begin
		}
	}
	return sum
}

// Due is when a timer of working time that runs since start is due: the first
// instant at which Between(start, instant) reaches d. Started while closed it
// begins at the next opening; d <= 0 is due at once. ok is false, "never", if
// the line stays closed for NeverAfter before d is reached.
func (s *Schedule) Due(start time.Time, d time.Duration) (at time.Time, ok bool) {
	if d <= 0 {
		return start, true
	}
	lastOpen, left := time.Duration(0), d
	for stretch := range s.walk(start) {
		switch {
		case stretch.open && stretch.length() >= left:
			return start.Add(stretch.begin + left), true
		case stretch.open:
			lastOpen, left = stretch.end, left-stretch.length()
		case stretch.end-lastOpen >= NeverAfter:
			return time.Time{}, false
		}
	}
	return time.Time{}, false
}

// ClosedPeriod is the closed period around t: from when the line closed until
// it opens again. The start tells one period from another: texts that are sent
// once per closed period remember it. ok is false while the line is open. A
// start or end more than NeverAfter away is the zero time.
func (s *Schedule) ClosedPeriod(t time.Time) (start, end time.Time, ok bool) {
	if s.Open(t) {
		return time.Time{}, time.Time{}, false
	}
	end, _ = s.NextOpen(t)
	return s.lastOpen(t), end, true
}

// lastOpen is the latest end of open time up to t. Most lines were open within
// days, so it looks there first.
func (s *Schedule) lastOpen(t time.Time) time.Time {
	for back := 2 * 24 * time.Hour; ; back = min(4*back, NeverAfter) {
		if at := s.lastOpenSince(t.Add(-back), t); !at.IsZero() || back == NeverAfter {
			return at
		}
	}
}

func (s *Schedule) lastOpenSince(from, to time.Time) (at time.Time) {
	for stretch := range s.walk(from) {
		if !from.Add(stretch.begin).Before(to) {
			break
		}
		if stretch.open {
			at = from.Add(stretch.end)
		}
	}
	return at
}
