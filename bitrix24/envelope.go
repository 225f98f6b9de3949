package bitrix24

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// maxWords bounds what is kept of the portal's own words, in characters.
const maxWords = 500

// envelope is the outer object of every answer (bitrix24 reference §1.4, §1.5). Everything in it is kept raw, because
// any of it may come in another type than documented.
type envelope struct {
	Result      json.RawMessage `json:"result"`
	Total       json.RawMessage `json:"total"`
	Next        json.RawMessage `json:"next"`
	Time        json.RawMessage `json:"time"`
	Error       json.RawMessage `json:"error"`
	Description json.RawMessage `json:"error_description"`
}

// decodeEnvelope reads one answer. An error of the portal becomes an *Error with its kind; whatever is not an envelope,
// such as the HTML page of a proxy, is KindAmbiguous.
func decodeEnvelope(method string, status int, body []byte) (Answer, error) {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xEF\xBB\xBF"))
	var env envelope
	if !startsWith(body, '{') || json.Unmarshal(body, &env) != nil {
		return Answer{}, lost(method, status, notJSON(body), nil)
	}
	answer := env.answer(method)
	if env.failed(status) {
		return answer, env.failure(method, status, answer.Time)
	}
	if env.Result == nil {
		return Answer{}, lost(method, status, "the answer has neither a result nor an error", nil)
	}
	return answer, nil
}

// failed reports whether the envelope is an error. The status decides nothing alone: errors come with 200 as well, and
// an empty "error" beside a result is none.
func (e envelope) failed(status int) bool {
	named := e.Error != nil && string(e.Error) != "null"
	if named && (e.Result == nil || e.Description != nil) {
		return true
	}
	return status >= http.StatusBadRequest
}

func (e envelope) failure(method string, status int, timing Timing) *Error {
	code, description := errorWords(e.Error, e.Description)
	return &Error{
		Kind: classify(status, code, description), Code: code, Description: description,
		HTTPStatus: status, Method: method, ResetAt: timing.OperatingResetAt,
	}
}

func (e envelope) answer(method string) Answer {
	return Answer{Value: e.Result, Total: count(e.Total), Next: count(e.Next), Time: timing(e.Time), method: method}
}

// errorWords reads both forms of an error: a code beside a description, and the object of REST 3.0 (reference §1.6).
func errorWords(code, description json.RawMessage) (string, string) {
	var object struct {
		Code        json.RawMessage `json:"code"`
		Message     json.RawMessage `json:"message"`
		Error       json.RawMessage `json:"error"`
		Description json.RawMessage `json:"error_description"`
	}
	if startsWith(code, '{') && json.Unmarshal(code, &object) == nil {
		code, description = first(object.Code, object.Error), first(object.Message, object.Description, description)
	}
	return words(code), words(description)
}

func first(values ...json.RawMessage) json.RawMessage {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// words is the text of a scalar, or the JSON of anything else.
func words(raw json.RawMessage) string {
	text, ok := scalar(raw)
	if !ok {
		text = string(raw)
	}
	return shorten(text, maxWords)
}

// notJSON describes a body that is not an envelope without repeating it.
func notJSON(body []byte) string {
	switch {
	case len(body) == 0:
		return "the answer is empty"
	case startsWith(body, '<'):
		return "the answer is an HTML page instead of JSON"
	default:
		return "the answer is not a complete JSON object"
	}
}

// count reads a number of rows; nil if it is absent or not a whole number.
func count(raw json.RawMessage) *int {
	text, ok := scalar(raw)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil
	}
	return &n
}

// timing reads the member "time". A part that is missing or of another type is left zero.
func timing(raw json.RawMessage) Timing {
	var parts map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return Timing{}
	}
	t := Timing{Processing: seconds(parts["processing"]), Operating: seconds(parts["operating"])}
	if reset := seconds(parts["operating_reset_at"]); reset > 0 && reset < math.MaxInt32*4.0 {
		t.OperatingResetAt = time.Unix(int64(reset), 0).UTC()
	}
	return t
}

func seconds(raw json.RawMessage) float64 {
	text, ok := scalar(raw)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) {
		return 0
	}
	return n
}

// Decode reads the value into dst. An empty list is read as an empty object where dst is a struct or a map, and a list
// as a map keyed by position where dst is a map, because PHP writes them so (reference §9.4); inside a value, [Map]
// does the same. An error is an [*Error] of KindUnknown: the call ran, but its answer is of another shape than expected.
func (a Answer) Decode(dst any) error {
	raw := a.Value
	switch kindOf(dst) {
	case reflect.Struct:
		if emptyList(raw) {
			raw = json.RawMessage(`{}`)
		}
	case reflect.Map:
		raw = objectOf(raw)
	default:
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		return &Error{Kind: KindUnknown, Method: a.method, Description: "the answer is of an unexpected shape", Err: err}
	}
	return nil
}

// kindOf is the kind of what dst points to; Invalid if its type reads JSON by itself.
func kindOf(dst any) reflect.Kind {
	if _, own := dst.(json.Unmarshaler); own || dst == nil {
		return reflect.Invalid
	}
	t := reflect.TypeOf(dst)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind()
}

func emptyList(raw json.RawMessage) bool {
	var list []json.RawMessage
	return startsWith(raw, '[') && json.Unmarshal(raw, &list) == nil && len(list) == 0
}

// String is the JSON text of the value, for logs and test failures.
func (a Answer) String() string { return string(a.Value) }
