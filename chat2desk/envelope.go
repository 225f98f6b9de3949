package chat2desk

import (
	"bytes"
	"encoding/json"
	"strings"
)

// readEnvelope finds the data of an answer, or what it complains about. The
// body's own status counts for more than the HTTP status, which is 200 on some
// errors (reference §2.3, §2.4).
func readEnvelope(status int, body []byte) (reply, *Error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
	good := status >= 200 && status < 300
	switch {
	case good && len(body) == 0:
		return reply{}, nil
	case !json.Valid(body):
		return reply{}, &Error{Kind: kindOfPage(status), Message: excerpt(body)}
	case body[0] == '[' && good:
		return reply{Data: body}, nil // some lists come without the envelope
	case body[0] != '{':
		return reply{}, &Error{Kind: kindOfPage(status), Message: excerpt(body)}
	}
	o := readObject(body)
	if failure := findFailure(o, status); failure != nil {
		return reply{}, failure
	}
	data, ok := o["data"]
	if !ok && !o.has("status") {
		data = body // an object without its envelope
	}
	return reply{Data: data, Total: o.object("meta").int("total")}, nil
}

// findFailure returns the error that an envelope reports, in its root or, as
// answers of 2017 did, inside data; nil if it reports none.
func findFailure(o object, status int) *Error {
	nested := o.object("data")
	switch {
	case strings.EqualFold(o.text("status"), "error"):
		return newFailure(o, status)
	// A message or an operator has a status of its own, but also an id.
	case strings.EqualFold(nested.text("status"), "error") && !nested.has("id"):
		return newFailure(nested, status)
	case status < 200 || status > 299, o.has("errors") && !o.has("status") && !o.has("data") && !o.has("id"):
		return newFailure(o, status)
	}
	return nil
}

func newFailure(o object, status int) *Error {
	e := &Error{Message: shorten(o.text("message")), Fields: readFields(o["errors"])}
	if e.Message == "" {
		e.Message = shorten(o.text("error"))
	}
	e.Kind = classify(status, e.words(), len(e.Fields) > 0)
	return e
}

// readFields reads errors given as an object of texts or lists, as a list, or
// as plain text; the latter two stand under "".
func readFields(raw json.RawMessage) map[string][]string {
	if isEmpty(raw) {
		return nil
	}
	fields := map[string][]string{}
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		m = map[string]json.RawMessage{"": raw}
	}
	for name, value := range m {
		fields[name] = errorTexts(value)
	}
	return fields
}

// errorTexts flattens one field's errors. What is neither text nor a list is
// kept as it is written.
func errorTexts(raw json.RawMessage) []string {
	list := readList(raw)
	if list == nil {
		list = []json.RawMessage{raw}
	}
	texts := make([]string, 0, len(list))
	for _, item := range list {
		text := flexText(item)
		if text == "" {
			text = string(item)
		}
		texts = append(texts, shorten(text))
	}
	return texts
}
