package dialog

import (
	"slices"
	"time"
)

// Hold puts back a settled cycle of which nobody knows the request, until
// somebody tells: Chat2Desk when it is asked, or a message that comes late.
// The dialog goes on meanwhile, and so do its other cycles.
func (s *State) Hold(c Cycle) {
	c.Held = true
	s.Cycles = slices.Insert(s.Cycles, 0, c)
}

// Holds reports whether a cycle waits to learn its request.
func (s *State) Holds() bool {
	return slices.ContainsFunc(s.Cycles, Cycle.waits)
}

// TakeHeld removes and returns the first cycle that waits to learn its request.
func (s *State) TakeHeld() (Cycle, bool) {
	i := slices.IndexFunc(s.Cycles, Cycle.waits)
	if i < 0 {
		return Cycle{}, false
	}
	c := s.Cycles[i]
	s.Cycles = slices.Delete(s.Cycles, i, i+1)
	return c, true
}

// PutBack returns a cycle that could not be handed over. It is settled again at
// the given time.
func (s *State) PutBack(c Cycle, until time.Time) {
	s.Closed = slices.DeleteFunc(s.Closed, func(k Closed) bool { return k.RequestID == c.RequestID && k.Number == c.Number })
	c.SettledAt, c.Held = until, false
	s.Cycles = slices.Insert(s.Cycles, 0, c)
}

// waits reports whether the cycle's request is still to be learned.
func (c Cycle) waits() bool { return c.Held && c.RequestID == 0 }
