package bitrix24

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsGetTheKindThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status            int
		code, description string
		want              Kind
	}{
		// system errors, reference §1.5
		{503, "QUERY_LIMIT_EXCEEDED", "Too many requests", KindRateLimited},
		{200, "query_limit_exceeded", "", KindRateLimited},
		{503, "", "Too many requests", KindRateLimited},
		{429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.", KindOperatingLimit},
		{0, "OPERATION_TIME_LIMIT", "", KindOperatingLimit},
		{503, "OVERLOAD_LIMIT", "REST API is blocked due to overload", KindAccessDenied},
		{401, "expired_token", "The access token provided has expired", KindAuthExpired},
		{401, "EXPIRED_TOKEN", "", KindAuthExpired},
		{500, "INTERNAL_SERVER_ERROR", "Internal server error", KindAmbiguous},
		{0, "INTERNAL_SERVER_ERROR", "", KindAmbiguous},
		{500, "ERROR_UNEXPECTED_ANSWER", "", KindAmbiguous},
		{500, "", "", KindAmbiguous},
		{502, "", "", KindAmbiguous},
		{408, "", "", KindAmbiguous},
		{405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "", KindInvalid},
		{400, "ERROR_BATCH_LENGTH_EXCEEDED", "", KindInvalid},
		{401, "NO_AUTH_FOUND", "Wrong authorization data", KindAccessDenied},
		{401, "invalid_token", "Unable to get application by token", KindAccessDenied},
		{401, "authorization_error", "Unable to authorize user", KindAccessDenied},
		{401, "ERROR_OAUTH", "Application not installed", KindAccessDenied},
		{401, "APPLICATION_NOT_FOUND", "Application not found", KindAccessDenied},
		{401, "PAYMENT_REQUIRED", "Subscription has been ended", KindAccessDenied},
		{401, "METHOD_CONFIRM_WAITING", "Waiting for confirmation", KindAccessDenied},
		{403, "METHOD_CONFIRM_DENIED", "Method call denied", KindAccessDenied},
		{400, "INVALID_REQUEST", "Https required", KindInvalid},
		{403, "ACCESS_DENIED", "REST API is available only on commercial plans", KindAccessDenied},
		{400, "ACCESS_DENIED", "Access denied.", KindAccessDenied},
		{401, "INVALID_CREDENTIALS", "", KindAccessDenied},
		{403, "insufficient_scope", "", KindAccessDenied},
		{0, "insufficient_scope", "", KindAccessDenied},
		{403, "user_access_error", "", KindAccessDenied},
		{403, "WRONG_AUTH_TYPE", "Application context required", KindAccessDenied},
		{403, "ALLOWED_ONLY_INTRANET_USER", "", KindAccessDenied},
		{404, "ERROR_METHOD_NOT_FOUND", "Method not found!", KindInvalid},
		{404, "ERROR_MANIFEST_IS_NOT_AVAILABLE", "", KindInvalid},
		{500, "PORTAL_DELETED", "Portal was deleted", KindAccessDenied},
		{410, "PORTAL_DELETED", "", KindAccessDenied},
		// errors of methods
		{400, "NOT_FOUND", "Item not found", KindNotFound},
		{400, "OWNER_NOT_FOUND", "", KindNotFound},
		{400, "ERROR_ENTITY_NOT_FOUND", "", KindNotFound},
		{400, "", "Not found", KindNotFound},
		{0, "", "Not found", KindNotFound},
		{200, "0", "Contact is not found", KindNotFound},
		{400, "100", "Could not find value for parameter {fields}", KindInvalid},
		{400, "", "ID is not defined or invalid.", KindInvalid},
		{0, "", "ID is not defined or invalid.", KindInvalid},
		{400, "", "Access denied.", KindAccessDenied},
		{400, "0", "Access denied.", KindAccessDenied},
		{400, "Communication values is not defined", "", KindInvalid},
		{400, "Status not found", "", KindNotFound},
		{400, "ERROR_CORE", "Call is not found in the statistic table.", KindInvalid},
		{400, "ERROR_ARGUMENT", "Argument 'LINE' is null or empty", KindInvalid},
		{400, "ACCESS_ERROR", "You do not have access to the specified dialog", KindAccessDenied},
		{500, "ERROR_CORE", "", KindAmbiguous},
		{422, "", "", KindInvalid},
		{404, "", "", KindNotFound},
		{403, "", "", KindAccessDenied},
		{429, "", "", KindRateLimited},
		{302, "", "", KindUnknown},
		// REST 3.0, reference §1.6
		{403, "BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION", "", KindAccessDenied},
		{400, "BITRIX_REST_V3_EXCEPTION_ENTITYNOTFOUNDEXCEPTION", "", KindNotFound},
		{429, "BITRIX_REST_V3_EXCEPTION_RATELIMITEXCEPTION", "", KindRateLimited},
		{400, "BITRIX_REST_V3_EXCEPTION_INVALIDJSONEXCEPTION", "", KindInvalid},
	} {
		require.Equal(t, c.want, classify(c.status, c.code, c.description), "%d %q %q", c.status, c.code, c.description)
	}
}

func TestErrorTextIsOneShortLine(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*Error{
		"crm.item.get: NOT_FOUND: Item not found (HTTP 400)":   {Method: "crm.item.get", Code: "NOT_FOUND", Description: "Item not found", HTTPStatus: 400},
		"crm.deal.get: Not found":                              {Method: "crm.deal.get", Description: "Not found"},
		"profile: the portal gave no reason (HTTP 500)":        {Method: "profile", HTTPStatus: 500},
		"profile: no answer: context deadline exceeded":        {Method: "profile", Description: "no answer", Err: context.DeadlineExceeded},
		"x: not run: an earlier command of the group failed":   {Method: "x", Err: ErrNotRun},
		"the access token could not be loaded: store is down!": {Description: "the access token could not be loaded", Err: errors.New("store is down!")},
		"batch: QUERY_LIMIT_EXCEEDED: Too many requests (HTTP 503)": {
			Method: "batch", Code: "QUERY_LIMIT_EXCEEDED", Description: "Too many requests", HTTPStatus: 503,
		},
	} {
		require.Equal(t, want, e.Error())
	}
}

func TestKindOfForeignErrors(t *testing.T) {
	t.Parallel()
	require.Empty(t, KindOf(nil))
	require.Equal(t, KindUnknown, KindOf(errors.New("x")))
	require.Equal(t, KindUnknown, KindOf(&Error{}))
	require.Equal(t, KindNotFound, KindOf(fmt.Errorf("load the deal: %w", &Error{Kind: KindNotFound})))
	require.Equal(t, "NotFound", KindNotFound.String())
}

func TestEnvelopesInEveryForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind // "" for success
		words  string
		value  string
	}{
		"object":                      {200, `{"result":{"a":1},"time":{}}`, "", "", `{"a":1}`},
		"number":                      {200, `{"result":46}`, "", "", `46`},
		"null":                        {200, `{"result":null}`, "", "", `null`},
		"byte order mark":             {200, "\xEF\xBB\xBF" + `{"result":true}`, "", "", `true`},
		"empty error beside a result": {200, `{"result":true,"error":""}`, "", "", `true`},
		"null error":                  {200, `{"result":true,"error":null,"error_description":null}`, "", "", `true`},
		"error in 200":                {200, `{"error":"ACCESS_DENIED","error_description":"Access denied"}`, KindAccessDenied, "ACCESS_DENIED: Access denied", ""},
		"error without description":   {200, `{"error":"wrong_client"}`, KindAccessDenied, "wrong_client", ""},
		"empty code":                  {400, `{"error":"","error_description":"Not found"}`, KindNotFound, "Not found", ""},
		"number as code":              {400, `{"error":0,"error_description":"Access denied."}`, KindAccessDenied, "0: Access denied.", ""},
		"quoted number":               {400, `{"error":"100","error_description":"x"}`, KindInvalid, "100: x", ""},
		"object as code":              {400, `{"error":{"code":"X_NOT_FOUND","message":"m","validation":[]}}`, KindNotFound, "X_NOT_FOUND: m", ""},
		"description is a list":       {400, `{"error":"E","error_description":["a","b"]}`, KindInvalid, `E: ["a","b"]`, ""},
		"status without words":        {500, `{}`, KindAmbiguous, "no reason", ""},
		"result beside a bad status":  {403, `{"result":true}`, KindAccessDenied, "no reason", ""},
		"neither result nor error":    {200, `{}`, KindAmbiguous, "neither", ""},
		"empty":                       {200, ``, KindAmbiguous, "empty", ""},
		"only a list":                 {200, `[]`, KindAmbiguous, "complete JSON object", ""},
		"cut off":                     {200, `{"result":{"a":`, KindAmbiguous, "complete JSON object", ""},
		"warnings of PHP before it":   {200, "Warning: x\n{\"result\":1}", KindAmbiguous, "complete JSON object", ""},
		"page of a proxy":             {502, "\n<html><title>502 Bad Gateway</title></html>", KindAmbiguous, "HTML page", ""},
		"page with a friendly status": {200, "<!DOCTYPE html><html></html>", KindAmbiguous, "HTML page", ""},
		"page that forbids":           {403, "<html></html>", KindAmbiguous, "HTML page", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, err := decodeEnvelope("m", c.status, []byte(c.body))
			if c.kind == "" {
				require.NoError(t, err)
				require.Equal(t, c.value, answer.String())
				return
			}
			e := errorOf(t, err, c.kind)
			require.Contains(t, e.Error(), c.words)
			require.Equal(t, c.status, e.HTTPStatus)
		})
	}
}

func TestEnvelopePartsMayBeOfAnyType(t *testing.T) {
	t.Parallel()
	a, err := decodeEnvelope("m", 200, []byte(`{"result":[],"total":"123","next":50,
		"time":{"start":1,"processing":"0.5","operating":2.5,"operating_reset_at":1780000600}}`))
	require.NoError(t, err)
	require.Equal(t, 123, *a.Total)
	require.Equal(t, 50, *a.Next)
	require.InDelta(t, 0.5, a.Time.Processing, 1e-9)
	require.InDelta(t, 2.5, a.Time.Operating, 1e-9)
	require.Equal(t, int64(1780000600), a.Time.OperatingResetAt.Unix())

	for _, body := range []string{
		`{"result":1,"total":[],"next":null,"time":[]}`, `{"result":1,"total":{},"next":"x","time":"soon"}`,
		`{"result":1,"time":{"operating":null,"operating_reset_at":1e300,"processing":{}}}`,
	} {
		a, err := decodeEnvelope("m", 200, []byte(body))
		require.NoError(t, err)
		require.Nil(t, a.Total)
		require.Nil(t, a.Next)
		require.Equal(t, Timing{}, a.Time)
	}
}

func TestThePortalsWordsAreBounded(t *testing.T) {
	t.Parallel()
	_, err := decodeEnvelope("m", 400, []byte(`{"error":"E","error_description":"`+strings.Repeat("ж", 10_000)+`"}`))
	require.LessOrEqual(t, len([]rune(err.Error())), maxWords+50)
	require.Contains(t, err.Error(), "…")
}
