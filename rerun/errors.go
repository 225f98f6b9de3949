package rerun

import (
	"errors"
	"fmt"

	"puente/store"
)

// Kind says what an Error means for the one who asked.
type Kind string

// The kinds of errors.
const (
	NotFound    Kind = "not_found"   // the portal has no such sync
	Refused     Kind = "refused"     // the sync is not in a state for this; Text says which
	Invalid     Kind = "invalid"     // the request or the correction is wrong
	Unreachable Kind = "unreachable" // Temporal or the worker did not answer; ask again with the same RequestID
)

// Error is a re-run that was not accepted.
type Error struct {
	Kind Kind
	Text string // one sentence for a person
	Err  error  // cause, if there is one
}

// Error is the sentence for a person; the cause is left to the log.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func ledgerError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return &Error{Kind: NotFound, Text: "the portal has no such sync", Err: err}
	default:
		return fmt.Errorf("read the ledger: %w", err)
	}
}
