package bitrix24

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// encodeQuery writes parameters the way PHP reads them back: fields[PHONE][0][VALUE]=… (bitrix24 reference §1.2). Keys
// are sorted, so that the same parameters always give the same text.
//
// A query knows text only: true and false become 1 and 0, null becomes an empty value. An empty list becomes "key[]=",
// as the vendor's own SDKs write it; an empty map has no form at all and is left out.
func encodeQuery(p Params) (string, error) {
	if len(p) == 0 {
		return "", nil
	}
	plain, err := plainJSON(p)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	writeQuery(&out, "", plain)
	return out.String(), nil
}

// plainJSON reduces any Go value to what JSON can say, so that a call and a command of a batch carry the same.
func plainJSON(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("the parameters cannot be written as JSON: %w", err)
	}
	return decodePlain(raw)
}

// decodePlain reads JSON without turning numbers into float64: long ids and money would not survive that.
func decodePlain(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var plain any
	err := dec.Decode(&plain)
	return plain, err
}

func writeQuery(out *strings.Builder, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			writeQuery(out, innerKey(key, name), v[name])
		}
	case []any:
		if len(v) == 0 {
			writePair(out, key+"[]", "")
		}
		for i, item := range v {
			writeQuery(out, innerKey(key, strconv.Itoa(i)), item)
		}
	default:
		writePair(out, key, scalarText(v))
	}
}

// innerKey appends a key. The brackets stay as they are, what is between them is escaped.
func innerKey(outer, name string) string {
	if outer == "" {
		return url.QueryEscape(name)
	}
	return outer + "[" + url.QueryEscape(name) + "]"
}

func writePair(out *strings.Builder, key, value string) {
	if out.Len() > 0 {
		out.WriteByte('&')
	}
	out.WriteString(key)
	out.WriteByte('=')
	out.WriteString(url.QueryEscape(value))
}

func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
		return "0"
	default: // null
		return ""
	}
}
