package chat2desk

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what an error means for the caller.
type Kind string

// The kinds of errors (reference §2.4, §2.5).
const (
	KindAuth        Kind = "auth"         // token missing or wrong; permanent until it is corrected
	KindRateLimited Kind = "rate_limited" // not done; try again later
	KindQuota       Kind = "quota"        // the month's calls are used up; not done
	KindNotFound    Kind = "not_found"    // the id is unknown or another company's
	KindAlreadyDone Kind = "already_done" // already in that state, used or existing
	KindInvalid     Kind = "invalid"      // the request is wrong; permanent
	KindAmbiguous   Kind = "ambiguous"    // no usable answer: it may or may not have been done
	KindUnknown     Kind = "unknown"      // an error text nobody knows; permanent
)

// Error is every error of the API's methods. It never contains the token.
type Error struct {
	Kind       Kind
	HTTPStatus int                 // 0 if there was no answer
	Message    string              // the service's words, shortened
	Fields     map[string][]string // validation errors by field; "" holds errors given as plain text
	Method     string              // HTTP method
	Path       string              // without the query, which may hold personal data
	RetryAfter time.Duration       // as asked for by the service; 0 if it did not say
	Err        error               // cause, if there was no answer
}

// KindOf returns the kind of err: KindUnknown if err is of another type, the
// empty Kind if err is nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Kind
	default:
		return KindUnknown
	}
}

// Error tells what was asked, what came back and how it is understood.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "chat2desk %s %s: %s", e.Method, e.Path, e.Kind)
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTPStatus)
	}
	for _, part := range e.parts() {
		b.WriteString(": " + part)
	}
	return b.String()
}

// Unwrap returns the cause, so that context errors can be recognised.
func (e *Error) Unwrap() error { return e.Err }
