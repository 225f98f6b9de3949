package chat2desk

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

// object is a JSON object whose keys are in snake case, whatever the service
// wrote (client_id, clientID, clientId: reference §8). All answers and webhooks
// are read through its methods, which never fail: see flexText and the others.
type object map[string]json.RawMessage

// readObject reads raw as an object. Anything else, such as the [] that stands
// for an empty object, gives nil, on which all methods work.
func readObject(raw json.RawMessage) object {
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	// In order, so that of two spellings always the same one wins.
	slices.Sort(keys)
	for _, key := range keys {
		name := snakeCase(key)
		if old, ok := m[name]; !ok || isEmpty(old) {
			m[name] = m[key]
		}
	}
	return m
}

// snakeCase turns clientID, clientId and ClientID into client_id.
func snakeCase(key string) string {
	if strings.IndexFunc(key, unicode.IsUpper) < 0 {
		return key
	}
	var b strings.Builder
	lower := false // the letter before was lower case
	for _, r := range key {
		if unicode.IsUpper(r) && lower {
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// isEmpty reports whether raw is one of the ways to say nothing.
func isEmpty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`, "{}", "[]":
		return true
	}
	return false
}

// has reports whether key is there and says something.
func (o object) has(key string) bool { return !isEmpty(o[key]) }

func (o object) text(key string) string { return flexText(o[key]) }

func (o object) bool(key string) bool { return flexBool(o[key]) }

func (o object) time(key string, loc *time.Location) time.Time { return flexTime(o[key], loc) }

// int returns the first of keys that holds a number other than 0.
func (o object) int(keys ...string) int64 {
	for _, key := range keys {
		if n := flexInt(o[key]); n != 0 {
			return n
		}
	}
	return 0
}

func (o object) object(key string) object { return readObject(o[key]) }

// list returns the elements of a list; null, absent and {} are empty lists.
func (o object) list(key string) []json.RawMessage { return readList(o[key]) }

func readList(raw json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

func (o object) texts(key string) []string {
	var texts []string
	for _, raw := range o.list(key) {
		if s := flexText(raw); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

func (o object) ints(key string) []int64 {
	var ints []int64
	for _, raw := range o.list(key) {
		if n := flexInt(raw); n != 0 {
			ints = append(ints, n)
		}
	}
	return ints
}
