package bitrix24

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what may be done about an error (bitrix24 reference §11.3).
type Kind string

// The kinds. Only Ambiguous leaves open whether the portal did what was asked.
const (
	// KindRateLimited: refused before execution, by the portal, by the queue or because no permit could be had.
	KindRateLimited Kind = "RateLimited"
	// KindOperatingLimit: this method is blocked until Error.ResetAt; others go on.
	KindOperatingLimit Kind = "OperatingLimit"
	// KindAuthExpired: the access token is too old and could not be exchanged for a new one by the client itself.
	KindAuthExpired Kind = "AuthExpired"
	// KindAmbiguous: no understandable answer. The call may have run: look before creating anything again.
	KindAmbiguous Kind = "Ambiguous"
	// KindInvalid: the portal refuses the parameters or does not know the method. Permanent.
	KindInvalid Kind = "Invalid"
	// KindNotFound: the object does not exist, or not for this user. Permanent.
	KindNotFound Kind = "NotFound"
	// KindAccessDenied: rights, scope, payment, a dead application or a blocked portal. A person has to act.
	KindAccessDenied Kind = "AccessDenied"
	// KindUnknown: none of the above. Permanent.
	KindUnknown Kind = "Unknown"
)

// String returns the name of the kind.
func (k Kind) String() string { return string(k) }

// ErrNotRun is wrapped by the result of a command that the portal never started, because an earlier command of a group
// with Halt failed.
var ErrNotRun = errors.New("not run: an earlier command of the group failed")

// Error is the only error type of this package.
type Error struct {
	Kind Kind
	// Code and Description are the portal's own words. Code is often empty in the older CRM methods (reference §1.5).
	Code, Description string
	// HTTPStatus is 0 when there was no answer, and for the result of a single command of a batch.
	HTTPStatus int
	// Method is the method that failed; "batch" when a batch failed as a whole.
	Method string
	// ResetAt is set with KindOperatingLimit: no call of Method will be accepted before.
	ResetAt time.Time
	// Err is the cause, if there is one on our side: a context error, a network error, ErrNotRun.
	Err error
}

// Error returns one short line: method, code, the portal's words. It never contains an address or a credential.
func (e *Error) Error() string {
	var parts []string
	for _, p := range []string{e.Method, e.Code, e.Description} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) <= 1 { // neither code nor words: the older methods do that
		parts = append(parts, "the portal gave no reason")
	}
	text := strings.Join(parts, ": ")
	if e.HTTPStatus >= 300 {
		text += fmt.Sprintf(" (HTTP %d)", e.HTTPStatus)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of an error of this package, KindUnknown for a foreign error and "" for nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && e.Kind != "":
		return e.Kind
	default:
		return KindUnknown
	}
}

// lost is the error of a request whose answer did not arrive or cannot be read.
func lost(method string, status int, what string, cause error) *Error {
	return &Error{Kind: KindAmbiguous, Method: method, HTTPStatus: status, Description: what, Err: cause}
}

// notSent is the error of a request that never left: it may be tried again without looking.
func notSent(method, why string, cause error) *Error {
	return &Error{Kind: KindRateLimited, Method: method, Description: why, Err: cause}
}

// refuse is the error of a request that we ourselves find wrong, before anything is sent.
func refuse(method, format string, args ...any) *Error {
	return &Error{Kind: KindInvalid, Method: method, Description: fmt.Sprintf(format, args...)}
}
