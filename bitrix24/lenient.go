package bitrix24

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is an identifier as the portal writes it: 5 or "5"; null, "", 0, "0" and false all mean none, which is 0
// (bitrix24 reference §9.6, §9.8). It is written as a number.
type ID int64

// String returns the decimal form.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// UnmarshalJSON reads any of the forms above and fails on everything else.
func (id *ID) UnmarshalJSON(data []byte) error {
	text, ok := scalar(data)
	if !ok {
		return fmt.Errorf("%s is not an id", brief(data))
	}
	if text == "" || text == "false" {
		*id = 0
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not an id", brief(data))
	}
	*id = ID(n)
	return nil
}

// Bool is a truth value as the portal writes it: true, "Y", "1", 1, or false, "N", "0", 0, "", null (reference §9.7).
type Bool bool

// UnmarshalJSON reads any of the forms above and fails on everything else.
func (b *Bool) UnmarshalJSON(data []byte) error {
	text, ok := scalar(data)
	if !ok {
		return fmt.Errorf("%s is not a truth value", brief(data))
	}
	switch strings.ToLower(text) {
	case "y", "1", "true":
		*b = true
	case "n", "0", "false", "":
		*b = false
	default:
		return fmt.Errorf("%s is not a truth value", brief(data))
	}
	return nil
}

// Time is a moment as the portal writes it: ISO 8601 with an offset, a date alone, or Unix seconds. Null, "", false and
// the objects and lists that PHP leaves behind for an unserialised date are the zero time (reference §9.5, §9.9).
type Time struct{ time.Time }

// timeLayouts are the forms found in the reference. Those without a zone are read as UTC.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// UnmarshalJSON reads any of the forms above and fails on everything else.
func (t *Time) UnmarshalJSON(data []byte) error {
	*t = Time{}
	text, ok := scalar(data)
	if !ok || text == "" || text == "false" {
		return nil
	}
	for _, layout := range timeLayouts {
		if parsed, err := time.Parse(layout, text); err == nil {
			t.Time = parsed
			return nil
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is not a time", brief(data))
	}
	t.Time = time.Unix(seconds, 0).UTC()
	return nil
}

// MarshalJSON writes ISO 8601, or "" for the zero time, which is how the portal clears a date.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte(`""`), nil
	}
	return json.Marshal(t.Format(time.RFC3339))
}

// Map is an object of the portal. PHP writes an empty one as [] and one whose keys are 0, 1, 2 … as a list; both are
// read as the map they mean (reference §9.4).
type Map[V any] map[string]V

// UnmarshalJSON reads an object, or a list as an object keyed by position.
func (m *Map[V]) UnmarshalJSON(data []byte) error {
	var plain map[string]V
	if err := json.Unmarshal(objectOf(data), &plain); err != nil {
		return err
	}
	*m = plain
	return nil
}

// objectOf turns a JSON list into the object PHP would have meant: {"0":…,"1":…}. Anything else is returned as it is.
func objectOf(data []byte) []byte {
	var list []json.RawMessage
	if !startsWith(data, '[') || json.Unmarshal(data, &list) != nil {
		return data
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, item := range list {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `"%d":`, i)
		out.Write(item)
	}
	out.WriteByte('}')
	return out.Bytes()
}

// scalar returns the text of a JSON string, number or boolean, "" for null, and false for objects and lists.
func scalar(data []byte) (string, bool) {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0 || startsWith(data, '{') || startsWith(data, '['):
		return "", false
	case string(data) == "null":
		return "", true
	case data[0] != '"':
		return string(data), true
	}
	var text string
	err := json.Unmarshal(data, &text)
	return strings.TrimSpace(text), err == nil
}

func startsWith(data []byte, c byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == c
}

// brief is a piece of foreign input short enough for an error text.
func brief(data []byte) string {
	return shorten(string(bytes.TrimSpace(data)), 40)
}

// shorten cuts a text to at most limit characters, without cutting one in two.
func shorten(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}
