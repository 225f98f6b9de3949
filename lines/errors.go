package lines

import (
	"errors"

	"go.temporal.io/api/serviceerror"

	"puente/openlines"
)

// Kind says what an Error means for the one who asked.
type Kind string

// The kinds of errors.
const (
	Invalid     Kind = "invalid"     // Problems name what is wrong
	Conflict    Kind = "conflict"    // the state does not allow it; Text says why
	Changed     Kind = "changed"     // somebody else saved a newer version meanwhile
	Unreachable Kind = "unreachable" // Temporal or the worker did not answer; do it again
)

// Error is a request that was not carried out, or not to its end.
type Error struct {
	Kind     Kind
	Text     string              // one sentence for a person
	Problems []openlines.Problem // Field is the JSON path
	Err      error               // cause, if there is one
}

// Error is the sentence for a person; the cause is left to the log.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// deskFault tells a desk that was never started from one that does not answer.
func deskFault(err error) error {
	var missing *serviceerror.NotFound
	var failed *serviceerror.QueryFailed
	switch {
	case errors.As(err, &missing):
		return &Error{Kind: Conflict, Text: "the open lines of this portal do not run: save a line to start them", Err: err}
	case errors.As(err, &failed):
		return &Error{Kind: Conflict, Text: failed.Message, Err: err}
	}
	return &Error{Kind: Unreachable, Text: "the open lines do not answer: Temporal or the worker is away; try again", Err: err}
}
