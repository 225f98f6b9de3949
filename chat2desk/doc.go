// Package chat2desk speaks the public API of Chat2Desk and understands its
// webhooks. It is pure protocol: no product rules, no storage, no logging, and
// nothing of Puente is imported.
//
// The service answers the same thing in many shapes (numbers as text, [] for
// an empty object, an error under HTTP 200, a list without its envelope). All
// of that is absorbed here; callers see plain Go values and one error type,
// *Error, whose Kind says what can be done about it.
//
// References of the form "reference §N" point to the Chat2Desk fact sheet of
// the project.
package chat2desk
