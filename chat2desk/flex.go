package chat2desk

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The flexible scalars below never fail: a value that cannot be understood is
// the zero value, which means "not given" everywhere in this package. One odd
// field must not cost the whole webhook or the whole list (reference §8).

// flexText reads a scalar as text: text as it is, numbers and booleans as they
// are written, null, objects and lists as "".
func flexText(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	case '{', '[', 'n':
		return ""
	default:
		return string(raw)
	}
}

// flexInt reads an id or a count: 5, "5", " 5 ", 5.0; anything else is 0.
func flexInt(raw json.RawMessage) int64 {
	s := strings.TrimSpace(flexText(raw))
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	// Beyond 2^53 a float no longer says which integer was meant.
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0
	}
	return int64(f)
}

// flexBool reads true, 1, "1", "true", "yes", "on" as true, all else as false.
func flexBool(raw json.RawMessage) bool {
	switch strings.ToLower(strings.TrimSpace(flexText(raw))) {
	case "true", "yes", "y", "on":
		return true
	}
	return flexInt(raw) != 0
}

// The date forms of reference §8 after normalisation: a space instead of T, no
// trailing UTC. Fractions of a second are accepted by time.Parse everywhere.
var (
	zonedLayouts = []string{
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700",
		"2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 Z0700",
	}
	plainLayouts = []string{
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
		"2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006", "2-1-2006 15:04:05", "2-1-2006",
	}
)

// lastUnix bounds what counts as a moment. Unix times from it on are taken for
// milliseconds.
const lastUnix = 253402300800 // 10000-01-01 in seconds

// flexTime reads a moment in any of the forms of reference §8, in UTC. loc is
// the zone of texts that name none: the account's. The zero time means absent.
func flexTime(raw json.RawMessage, loc *time.Location) time.Time {
	s := strings.TrimSpace(flexText(raw))
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return unixTime(n)
	}
	if len(s) < len("1.1.2006") {
		return time.Time{}
	}
	if len(s) > 10 && s[10] == 'T' {
		s = s[:10] + " " + s[11:]
	}
	for _, utc := range []string{" UTC", " GMT"} {
		if cut, ok := strings.CutSuffix(s, utc); ok {
			return parseTime(strings.TrimSpace(cut), plainLayouts, time.UTC)
		}
	}
	if t := parseTime(s, zonedLayouts, time.UTC); !t.IsZero() {
		return t
	}
	return parseTime(s, plainLayouts, loc)
}

// unixTime reads seconds or milliseconds since 1970, to the microsecond.
func unixTime(n float64) time.Time {
	if n >= lastUnix {
		n /= 1000
	}
	if !(n >= 1 && n < lastUnix) { // also refuses NaN
		return time.Time{}
	}
	sec, frac := math.Modf(n)
	return time.Unix(int64(sec), int64(frac*1e6)*1000).UTC()
}

func parseTime(s string, layouts []string, loc *time.Location) time.Time {
	if loc == nil {
		loc = time.UTC
	}
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, s, loc)
		if unix := t.Unix(); err == nil && unix > 0 && unix < lastUnix {
			return t.UTC()
		}
	}
	return time.Time{}
}
