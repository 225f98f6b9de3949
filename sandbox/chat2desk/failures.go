package chat2desk

import (
	"fmt"
	"net/http"
	"strings"
)

// The error texts of the service (chat2desk reference §2.4), as far as they
// are fixed. A fault of kind "error" with one of them as message takes the
// status and the shape that the service would use.
const (
	TextBadToken     = "Token is not correct" //nolint:gosec // words about a token
	TextNoToken      = "You have to specify your token"
	TextNeedAuth     = "You need to auth"
	TextRate         = "Number of API requests exceeded"
	TextQuota        = "API calls exceeded API limit per month"
	TextNoPage       = "Page not found"
	TextNotFound     = "not_found"
	TextValidation   = "validation_error"
	TextStartID      = "start_date/finish_date and start_id must be used separately"
	TextClientExists = "Client already exist"
)

// failure is an error of the API.
type failure struct {
	status  int
	message string
	errors  any // nil, a text, or an object of lists of texts
}

func (f failure) answer() answer {
	body := object{"status": "error"}
	if f.message != "" {
		body["message"] = f.message
	}
	if f.errors != nil {
		body["errors"] = f.errors
	}
	return answer{f.status, body}
}

func fail(status int, message string) answer {
	return failure{status: status, message: message}.answer()
}

// unknown says that an object does not exist or belongs to another company.
func unknown(what string, id any) answer {
	return failure{http.StatusNotFound, TextNotFound, fmt.Sprintf("%s %v not found", what, id)}.answer()
}

// invalid is a validation error of one field. The service answers these with
// 400 when a parameter is malformed.
func invalid(field, text string) answer {
	return failure{http.StatusBadRequest, TextValidation, object{field: []string{text}}}.answer()
}

// refused is an error of the business rules: HTTP 200 with status "error".
func refused(field, text string) answer {
	return failure{http.StatusOK, TextValidation, object{field: []string{text}}}.answer()
}

// textRow gives a known error text its status and field.
type textRow struct {
	part   string // substring, lower case
	status int
	field  string // "" = the text is the message
}

var textRows = []textRow{
	{"token is not correct", http.StatusForbidden, ""},
	{"specify your token", http.StatusUnauthorized, ""},
	{"need to auth", http.StatusUnauthorized, ""},
	{"requests exceeded", http.StatusTooManyRequests, ""},
	{"api limit per month", http.StatusTooManyRequests, ""},
	{"page not found", http.StatusNotFound, ""},
	{"already has state", http.StatusOK, "state"},
	{"already used", http.StatusOK, "url"},
	{"already exist", http.StatusOK, "client"},
	{"does not belong", http.StatusOK, "assignee_id"},
	{"tag does not exist", http.StatusOK, "tag"},
	{"transport", http.StatusBadRequest, "transport"},
	{"operator", http.StatusNotFound, "operator"},
	{"channel", http.StatusNotFound, "channel_id"},
	{"start_id", http.StatusBadRequest, ""},
	{"not_found", http.StatusNotFound, ""},
	{"not found", http.StatusNotFound, "id"},
}

// failureFor shapes an injected error text as the service would. An unknown
// text is an answer of 200 with status "error".
func failureFor(text string) failure {
	lower := strings.ToLower(text)
	for _, row := range textRows {
		if !strings.Contains(lower, row.part) {
			continue
		}
		if row.field == "" {
			return failure{status: row.status, message: text}
		}
		return failure{row.status, TextValidation, object{row.field: []string{text}}}
	}
	return failure{status: http.StatusOK, message: text}
}
