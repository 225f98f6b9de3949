// Package openlines is the engine of open lines: it gives each request of a
// client to one employee, watches that somebody answers, keeps the opening
// hours, asks for a rating, closes quiet sessions and says what the CRM has to
// show. The rules are those of the reference "Open Lines" (openlines reference
// §1–§12), and comments name its sections.
//
// The package is pure: it has no clock, no I/O and no randomness. Instants come
// in as arguments, what has to be done goes out as values. The same events
// therefore always give the same states, texts and statistics (I14), in a test,
// in a workflow that is replayed, and when numbers are computed again.
//
// Time zones are the one thing from outside: NewSchedule asks time.LoadLocation,
// which prefers the zone database of the machine and falls back to the one that
// the binary carries (package settings imports time/tzdata). Machines that work
// for one portal should have the same one.
package openlines
