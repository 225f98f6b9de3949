// Package activities holds the side effects of the workflows, one struct per
// outside system. Every method may run more than once and is idempotent:
// what an earlier attempt did is found again by the ledger or by a mark in the
// outside system.
package activities

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// Types of application errors, as shown in the Temporal UI. Every error an
// activity returns is built here, last: Temporal looks only at the outermost
// error, so wrapping one of these would lose its verdict.
const (
	errRateLimited    = "RateLimited"
	errOperatingLimit = "OperatingLimit"
	errAuthExpired    = "AuthExpired"
	errAmbiguous      = "Ambiguous"
	errInvalid        = "Invalid"
	errNotFound       = "NotFound"
	errAccessDenied   = "AccessDenied"
	errAccount        = "Account"
	errStorage        = "Storage"
	errBusy           = "ClientBusy"
	errInFlight       = "InFlight"
	errNotConverted   = "NotConverted"
)

// verdict is how one kind of error is treated.
type verdict struct {
	name   string
	final  bool          // no retry: a person has to mend something
	delay  time.Duration // before the next attempt; 0 = by the retry policy
	benign bool          // expected under load; no alarm
	advice string        // what a person does about a final one
}

// usedUpGrant is the code of tokens that the portal takes no more (bitrix24
// reference §1.3).
const usedUpGrant = "invalid_grant"

var crmVerdicts = map[bitrix24.Kind]verdict{
	bitrix24.KindRateLimited:    {name: errRateLimited, benign: true},
	bitrix24.KindOperatingLimit: {name: errOperatingLimit, benign: true},
	bitrix24.KindAuthExpired:    {name: errAuthExpired},
	bitrix24.KindAmbiguous:      {name: errAmbiguous},
	bitrix24.KindInvalid: {
		name: errInvalid, final: true,
		advice: "correct what the portal complains of (settings, mapping or the portal's own fields), and run it again",
	},
	bitrix24.KindNotFound: {name: errNotFound, final: true, advice: "look whether somebody deleted it in the portal, and run it again"},
	bitrix24.KindAccessDenied: {
		name: errAccessDenied, final: true,
		advice: "give the user of the webhook or application this right, or renew the account, and run it again",
	},
	bitrix24.KindUnknown: {name: errInvalid, final: true, advice: "look at the portal, and run it again"},
}

var chatVerdicts = map[chat2desk.Kind]verdict{
	chat2desk.KindRateLimited: {name: errRateLimited, benign: true},
	chat2desk.KindQuota:       {name: errRateLimited, delay: quotaDelay},
	chat2desk.KindAuth:        {name: errAccessDenied, final: true, advice: "correct the API token of the Chat2Desk account, and run it again"},
	chat2desk.KindNotFound:    {name: errNotFound, final: true, advice: "look at the dialog in Chat2Desk"},
	chat2desk.KindAlreadyDone: {name: errInvalid, final: true, advice: "look at the dialog in Chat2Desk"},
	chat2desk.KindInvalid:     {name: errInvalid, final: true, advice: "look at the settings of the Chat2Desk account, and run it again"},
	chat2desk.KindUnknown:     {name: errInvalid, final: true, advice: "look at the Chat2Desk account, and run it again"},
	chat2desk.KindAmbiguous:   {name: errAmbiguous},
}

// classify turns any error into what Temporal is to do about it. step names
// the step of the ledger that failed; "" if there is none. The words of
// secrets, which a system may repeat in its errors, are left out: the failure
// stands in histories that outlive the person's data.
func classify(ctx context.Context, step string, err error, secrets ...string) error {
	var app *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err() // the worker stops: the SDK knows what that means
	case errors.As(err, &app):
		return app // already judged
	}
	v, failure := judge(ctx, err)
	var placed *fieldError
	if errors.As(err, &placed) {
		failure.Field = placed.field
	}
	failure.Step, failure.Text = step, advised(mask(failure.Text, secrets), v)
	return temporal.NewApplicationErrorWithOptions(failure.Text, v.name, temporal.ApplicationErrorOptions{
		NonRetryable: v.final, NextRetryDelay: v.delay, Category: category(v), Details: []any{failure},
	})
}

func judge(ctx context.Context, err error) (verdict, workflows.Failure) {
	var crm *bitrix24.Error
	if errors.As(err, &crm) {
		v := named(crmVerdicts[crm.Kind])
		if crm.Code == usedUpGrant {
			v.advice = "run it again afterwards" // the error itself says what to do
		}
		v.delay = crmDelay(ctx, crm, v)
		return v, workflows.Failure{Code: cmp.Or(crm.Code, v.name), Text: crm.Error()}
	}
	var chat *chat2desk.Error
	if errors.As(err, &chat) {
		v := named(chatVerdicts[chat.Kind])
		v.delay = chatDelay(ctx, chat, v)
		return v, workflows.Failure{Code: v.name, Text: chat.Error()}
	}
	return judgeOwn(err)
}

// judgeOwn is for the errors of our own database and accounts.
func judgeOwn(err error) (verdict, workflows.Failure) {
	v := verdict{name: errStorage}
	switch {
	case errors.Is(err, portals.ErrNoAccount), errors.Is(err, portals.ErrBadAccount):
		v = verdict{name: errAccount, final: true, advice: "run it again afterwards"}
	case errors.Is(err, store.ErrNotFound):
		v = verdict{name: errNotFound, final: true, advice: "look whether the portal still has its settings, and run it again"}
	case errors.Is(err, store.ErrTooMany):
		v = verdict{name: errInvalid, final: true, advice: "the dialog is too long to be transferred; abandon it with a reason"}
	}
	return v, workflows.Failure{Code: v.name, Text: err.Error()}
}

// named makes the kinds without a verdict of their own retried ambiguities.
func named(v verdict) verdict {
	if v.name == "" {
		v.name = errAmbiguous
	}
	return v
}

func advised(text string, v verdict) string {
	if v.advice == "" {
		return text
	}
	return text + ". What to do: " + v.advice
}

func category(v verdict) temporal.ApplicationErrorCategory {
	if v.benign {
		return temporal.ApplicationErrorCategoryBenign
	}
	return temporal.ApplicationErrorCategoryUnspecified
}

// fieldError says which field of an input an error is about.
type fieldError struct {
	field string
	err   error
}

func (f *fieldError) Error() string { return f.err.Error() }
func (f *fieldError) Unwrap() error { return f.err }

// final is an error that a person has to mend; text says how.
func final(step, code, text string) error {
	return finalFailure(workflows.Failure{Step: step, Code: code, Text: text})
}

// finalAt is a final error about a field of the input.
func finalAt(field, code, text string) error {
	return finalFailure(workflows.Failure{Field: field, Code: code, Text: text})
}

func finalFailure(failure workflows.Failure) error {
	return temporal.NewApplicationErrorWithOptions(failure.Text, failure.Code,
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{failure}})
}

// again is an error that is retried after the given wait, 0 = by the retry
// policy, and alarms nobody.
func again(kind, text string, wait time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(text, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: wait, Category: temporal.ApplicationErrorCategoryBenign, Details: []any{workflows.Failure{Code: kind, Text: text}},
	})
}

// shortestSecret keeps mask from tearing ordinary words: a name of two letters
// occurs everywhere.
const shortestSecret = 4

// mask leaves foreign people's data out of a text.
func mask(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); len(secret) >= shortestSecret {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}
