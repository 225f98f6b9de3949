package bitrix24

import (
	"fmt"
	"net/http"
)

// restError is an error answer: an HTTP status and the legacy envelope
// {"error": code, "error_description": text} (bitrix24 reference §1.5). The
// code may be text, "" or a number.
type restError struct {
	status int
	code   any
	text   string
}

func (e *restError) Error() string { return fmt.Sprintf("%v: %s", e.code, e.text) }

func (e *restError) body() *dict {
	return newDict("error", e.code, "error_description", e.text)
}

// System errors of any method.
var (
	errNoAuth         = &restError{http.StatusUnauthorized, "NO_AUTH_FOUND", "Wrong authorization data"}
	errCredentials    = &restError{http.StatusUnauthorized, "INVALID_CREDENTIALS", "Invalid request credentials"}
	errExpiredToken   = &restError{http.StatusUnauthorized, "expired_token", "The access token provided has expired"}
	errInvalidToken   = &restError{http.StatusUnauthorized, "invalid_token", "Unable to get application by token"}
	errNotInstalled   = &restError{http.StatusUnauthorized, "NOT_INSTALLED", "Application not installed"}
	errNoUser         = &restError{http.StatusUnauthorized, "authorization_error", "Unable to authorize user"}
	errQueryLimit     = &restError{http.StatusServiceUnavailable, "QUERY_LIMIT_EXCEEDED", "Too many requests"}
	errOverload       = &restError{http.StatusServiceUnavailable, "OVERLOAD_LIMIT", "REST API is blocked due to overload."}
	errOperating      = &restError{http.StatusTooManyRequests, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit."}
	errMethodNotFound = &restError{http.StatusNotFound, "ERROR_METHOD_NOT_FOUND", "Method not found!"}
	errBatchMethod    = &restError{http.StatusMethodNotAllowed, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage"}
	errBatchLength    = &restError{http.StatusBadRequest, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"}
	errWrongAuth      = &restError{http.StatusForbidden, "WRONG_AUTH_TYPE", "Current authorization type is denied for this method"}
	errHTTPS          = &restError{http.StatusBadRequest, "INVALID_REQUEST", "Https required."}
	errInternal       = &restError{http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Internal server error"}
	errDenied         = &restError{http.StatusForbidden, "ACCESS_DENIED", "Access denied!"}
)

// systemErrors are the errors that a fault rule may name by code, also those
// that nothing but a rule brings about here.
var systemErrors = []*restError{
	errNoAuth, errCredentials, errExpiredToken, errInvalidToken, errNotInstalled, errNoUser, errQueryLimit, errOverload, errOperating,
	errMethodNotFound, errBatchMethod, errBatchLength, errWrongAuth, errHTTPS, errInternal, errDenied,
	{http.StatusInternalServerError, "ERROR_UNEXPECTED_ANSWER", "Server returned an unexpected response."},
	{http.StatusUnauthorized, "ERROR_OAUTH", "Application not installed"},
	{http.StatusUnauthorized, "APPLICATION_NOT_FOUND", "Application not found"},
	{http.StatusUnauthorized, "PAYMENT_REQUIRED", "Subscription has been ended"},
	{http.StatusUnauthorized, "METHOD_CONFIRM_WAITING", "Waiting for confirmation"},
	{http.StatusForbidden, "METHOD_CONFIRM_DENIED", "Method call denied"},
	{http.StatusForbidden, "user_access_error", "The user does not have access to the application."},
	{http.StatusForbidden, "insufficient_scope", "The request requires higher privileges than provided by the webhook token"},
	{http.StatusForbidden, "allowed_only_intranet_user", "Action is allowed only to intranet users"},
	{http.StatusNotFound, "ERROR_MANIFEST_IS_NOT_AVAILABLE", "Manifest is not available"},
	{http.StatusInternalServerError, "PORTAL_DELETED", "Portal was deleted"},
}

// badRequest is a 400 with a code, the way most methods refuse.
func badRequest(code any, format string, args ...any) *restError {
	return &restError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// legacy is an error of the older CRM methods: an empty code and a sentence.
func legacy(format string, args ...any) *restError { return badRequest("", format, args...) }

// missing is the error for a required parameter that was not sent.
func missing(param string) *restError {
	return badRequest("100", "Could not find value for parameter {%s}", param)
}
