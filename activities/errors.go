// Package activities holds the side effects of the workflows, one struct per
// outside system. Every method may run more than once and is idempotent:
// what an earlier attempt did is found again by the ledger or by a mark in the
// outside system.
package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"puente/bitrix24"
	"puente/chat2desk"
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
	errStorage        = "Storage"
	errBusy           = "ClientBusy"
	errNotConverted   = "NotConverted"
)

// Waits before the next attempt, where the outside system gives none.
const (
	rateDelay      = 2 * time.Second
	operatingDelay = time.Minute
	quotaDelay     = time.Hour
	busyDelay      = time.Second
)

// verdict is how one kind of error is treated.
type verdict struct {
	name   string
	final  bool          // no retry: a person has to mend something
	delay  time.Duration // before the next attempt; 0 = by the retry policy
	benign bool          // expected under load; no alarm
}

var crmVerdicts = map[bitrix24.Kind]verdict{
	bitrix24.KindRateLimited:    {name: errRateLimited, delay: rateDelay, benign: true},
	bitrix24.KindOperatingLimit: {name: errOperatingLimit, delay: operatingDelay, benign: true},
	bitrix24.KindAuthExpired:    {name: errAuthExpired},
	bitrix24.KindAmbiguous:      {name: errAmbiguous},
	bitrix24.KindInvalid:        {name: errInvalid, final: true},
	bitrix24.KindNotFound:       {name: errNotFound, final: true},
	bitrix24.KindAccessDenied:   {name: errAccessDenied, final: true},
	bitrix24.KindUnknown:        {name: errInvalid, final: true},
}

var chatVerdicts = map[chat2desk.Kind]verdict{
	chat2desk.KindRateLimited: {name: errRateLimited, delay: rateDelay, benign: true},
	chat2desk.KindQuota:       {name: errRateLimited, delay: quotaDelay},
	chat2desk.KindAuth:        {name: errAccessDenied, final: true},
	chat2desk.KindNotFound:    {name: errNotFound, final: true},
	chat2desk.KindInvalid:     {name: errInvalid, final: true},
	chat2desk.KindAmbiguous:   {name: errAmbiguous},
}

// classify turns any error into what Temporal is to do about it. step names
// the step of the ledger that failed; "" if there is none.
func classify(step string, err error) error {
	var app *temporal.ApplicationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &app):
		return app // already judged
	case errors.Is(err, context.Canceled):
		return err
	}
	v, failure := judge(err)
	failure.Step = step
	return temporal.NewApplicationErrorWithOptions(failure.Text, v.name, temporal.ApplicationErrorOptions{
		NonRetryable: v.final, NextRetryDelay: v.delay, Category: category(v), Details: []any{failure},
	})
}

func judge(err error) (verdict, workflows.Failure) {
	var crm *bitrix24.Error
	if errors.As(err, &crm) {
		v := crmVerdicts[crm.Kind]
		if crm.Kind == bitrix24.KindOperatingLimit && !crm.ResetAt.IsZero() {
			v.delay = max(time.Until(crm.ResetAt), time.Second)
		}
		return named(v), workflows.Failure{Code: crm.Code, Text: crm.Error()}
	}
	var chat *chat2desk.Error
	if errors.As(err, &chat) {
		return named(chatVerdicts[chat.Kind]), workflows.Failure{Code: chatVerdicts[chat.Kind].name, Text: chat.Error()}
	}
	if errors.Is(err, store.ErrNotFound) {
		return verdict{name: errNotFound, final: true}, workflows.Failure{Code: errNotFound, Text: err.Error()}
	}
	return verdict{name: errStorage}, workflows.Failure{Code: errStorage, Text: err.Error()}
}

// named makes the kinds without a verdict of their own retried ambiguities.
func named(v verdict) verdict {
	if v.name == "" {
		v.name = errAmbiguous
	}
	return v
}

func category(v verdict) temporal.ApplicationErrorCategory {
	if v.benign {
		return temporal.ApplicationErrorCategoryBenign
	}
	return temporal.ApplicationErrorCategoryUnspecified
}

// final is an error that a person has to mend; text says how.
func final(step, code, text string) error {
	failure := workflows.Failure{Step: step, Code: code, Text: text}
	return temporal.NewApplicationErrorWithOptions(text, code, temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{failure}})
}

// again is an error that is retried after the given wait and alarms nobody.
func again(kind, text string, wait time.Duration) error {
	return temporal.NewApplicationErrorWithOptions(text, kind, temporal.ApplicationErrorOptions{
		NextRetryDelay: wait, Category: temporal.ApplicationErrorCategoryBenign, Details: []any{workflows.Failure{Code: kind, Text: text}},
	})
}
