package bitrix24

import (
	"net/http"
	"strconv"
	"strings"
)

// kindByCode lists the codes of bitrix24 reference §1.3, §1.5 and §1.6 whose meaning does not depend on the method.
// The same code may be written in any case and comes with different HTTP statuses, so both are ignored here.
var kindByCode = map[string]Kind{
	"QUERY_LIMIT_EXCEEDED": KindRateLimited,
	"OPERATION_TIME_LIMIT": KindOperatingLimit,
	"EXPIRED_TOKEN":        KindAuthExpired,

	// The portal broke while or after it ran the method.
	"INTERNAL_SERVER_ERROR":   KindAmbiguous,
	"ERROR_UNEXPECTED_ANSWER": KindAmbiguous,

	"NO_AUTH_FOUND":              KindAccessDenied,
	"INVALID_TOKEN":              KindAccessDenied,
	"AUTHORIZATION_ERROR":        KindAccessDenied,
	"ERROR_OAUTH":                KindAccessDenied,
	"NOT_INSTALLED":              KindAccessDenied,
	"APPLICATION_NOT_FOUND":      KindAccessDenied,
	"PAYMENT_REQUIRED":           KindAccessDenied,
	"METHOD_CONFIRM_WAITING":     KindAccessDenied,
	"METHOD_CONFIRM_DENIED":      KindAccessDenied,
	"ACCESS_DENIED":              KindAccessDenied,
	"ACCESS_ERROR":               KindAccessDenied,
	"ALLOWED_ONLY_INTRANET_USER": KindAccessDenied,
	"INVALID_CREDENTIALS":        KindAccessDenied,
	"INSUFFICIENT_SCOPE":         KindAccessDenied,
	"INVALID_SCOPE":              KindAccessDenied,
	"USER_ACCESS_ERROR":          KindAccessDenied,
	"WRONG_AUTH_TYPE":            KindAccessDenied,
	"ERROR_WRONG_CONTEXT":        KindAccessDenied, // the same, said by configurable activities
	"PORTAL_DELETED":             KindAccessDenied,
	"OVERLOAD_LIMIT":             KindAccessDenied, // a block set by hand, in spite of its status 503
	"INVALID_CLIENT":             KindAccessDenied,
	"WRONG_CLIENT":               KindAccessDenied,
	"INVALID_GRANT":              KindAccessDenied,

	"ERROR_METHOD_NOT_FOUND":          KindInvalid,
	"ERROR_MANIFEST_IS_NOT_AVAILABLE": KindInvalid,
	"ERROR_BATCH_METHOD_NOT_ALLOWED":  KindInvalid,
	"ERROR_BATCH_LENGTH_EXCEEDED":     KindInvalid,
	"INVALID_REQUEST":                 KindInvalid,
	"INVALID_ARG_VALUE":               KindInvalid,
	"ERROR_ARGUMENT":                  KindInvalid,
	"NOT_FOUND":                       KindNotFound,

	"BITRIX_REST_V3_EXCEPTION_ACCESSDENIEDEXCEPTION":      KindAccessDenied,
	"BITRIX_REST_V3_EXCEPTION_INSUFFICIENTSCOPEEXCEPTION": KindAccessDenied,
	"BITRIX_REST_V3_EXCEPTION_ENTITYNOTFOUNDEXCEPTION":    KindNotFound,
	"BITRIX_REST_V3_EXCEPTION_RATELIMITEXCEPTION":         KindRateLimited,
}

// wordsOf tell the kind when the code does not: the older CRM methods answer with an empty or numeric code, or with a
// sentence in its place (reference §1.5).
var wordsOf = []struct {
	words string
	kind  Kind
}{
	{"too many requests", KindRateLimited},
	{"operation time limit", KindOperatingLimit},
	{"internal server error", KindAmbiguous},
	{"access denied", KindAccessDenied},
	{"not found", KindNotFound},
}

// classify gives the kind of an error answer. Status 0 stands for a command of a batch, which has none of its own and
// would have been a 400 alone.
func classify(status int, code, description string) Kind {
	upper := strings.ToUpper(strings.TrimSpace(code))
	if kind, known := kindByCode[upper]; known {
		return kind
	}
	if strings.HasSuffix(upper, "_NOT_FOUND") && status < 500 { // OWNER_NOT_FOUND, ERROR_ENTITY_NOT_FOUND …
		return KindNotFound
	}
	if !meansSomething(upper) {
		text := strings.ToLower(code + " " + description)
		for _, w := range wordsOf {
			if strings.Contains(text, w.words) {
				return w.kind
			}
		}
	}
	return kindByStatus(status)
}

// meansSomething reports whether a code is a name, and not empty, a number or a sentence.
func meansSomething(code string) bool {
	if code == "" || strings.ContainsAny(code, " \t") {
		return false
	}
	_, err := strconv.ParseFloat(code, 64)
	return err != nil
}

func kindByStatus(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired,
		status == http.StatusForbidden, status == http.StatusGone:
		return KindAccessDenied
	case status == http.StatusNotFound:
		return KindNotFound
	case status == http.StatusRequestTimeout:
		return KindAmbiguous
	case status == http.StatusTooManyRequests:
		return KindRateLimited
	case status >= 500:
		return KindAmbiguous
	case status >= 300 && status < 400:
		return KindUnknown
	default: // 400 and its like, and errors that come with 200 (reference §9.12)
		return KindInvalid
	}
}
