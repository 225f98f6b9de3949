package bitrix24

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxDepth bounds the nesting of JSON and bracket parameters.
const maxDepth = 64

var errTooDeep = errors.New("nested too deeply")

// MarshalJSON writes the dict as PHP's json_encode would: a list, also the
// empty one, as an array, anything else as an object.
func (d *dict) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := writeJSON(&b, d)
	return b.Bytes(), err
}

// writeJSON appends v. It knows the types that make up most answers, so that a
// page of rows is written in one pass.
func writeJSON(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int:
		b.Write(strconv.AppendInt(b.AvailableBuffer(), int64(v), 10))
	case string:
		return writeString(b, v)
	case *dict:
		return writeDict(b, v)
	default:
		raw, err := json.Marshal(v)
		b.Write(raw)
		return err
	}
	return nil
}

func writeDict(b *bytes.Buffer, d *dict) error {
	if d == nil {
		b.WriteString("null")
		return nil
	}
	list := d.isList()
	b.WriteByte(pick(list, byte('['), byte('{')))
	for i, k := range d.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writePair(b, k, d.vals[k], list); err != nil {
			return err
		}
	}
	b.WriteByte(pick(list, byte(']'), byte('}')))
	return nil
}

func writePair(b *bytes.Buffer, key string, v any, list bool) error {
	if !list {
		if err := writeString(b, key); err != nil {
			return err
		}
		b.WriteByte(':')
	}
	return writeJSON(b, v)
}

// writeString quotes plain ASCII itself and leaves the rest to encoding/json.
func writeString(b *bytes.Buffer, s string) error {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return writeQuoted(b, s)
		}
	}
	b.WriteByte('"')
	b.WriteString(s)
	b.WriteByte('"')
	return nil
}

func writeQuoted(b *bytes.Buffer, s string) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("quote a string: %w", err)
	}
	b.Truncate(b.Len() - 1) // the encoder ends with a newline
	return nil
}

// readJSON decodes one JSON value and keeps the order of object keys, because
// batch commands run in that order. Objects and arrays become a *dict, numbers
// an int or a float64.
func readJSON(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	v, err := readValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func readValue(dec *json.Decoder, depth int) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if delim, ok := tok.(json.Delim); ok {
		if depth >= maxDepth {
			return nil, errTooDeep
		}
		return readDict(dec, delim == '[', depth+1)
	}
	if n, ok := tok.(json.Number); ok {
		return number(n.String()), nil
	}
	return tok, nil
}

func readDict(dec *json.Decoder, list bool, depth int) (*dict, error) {
	d := newDict()
	for dec.More() {
		key := strconv.Itoa(d.next)
		if !list {
			tok, err := dec.Token()
			if err != nil {
				return nil, fmt.Errorf("read JSON key: %w", err)
			}
			key, _ = tok.(string)
		}
		v, err := readValue(dec, depth)
		if err != nil {
			return nil, err
		}
		d.set(key, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read JSON end: %w", err)
	}
	return d, nil
}

// number reads a JSON number as PHP does: whole numbers that fit are integers.
func number(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return f
}

func pick[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}
