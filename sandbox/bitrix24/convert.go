package bitrix24

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// toStr casts as PHP's (string) does; an array becomes "".
func toStr(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return pick(v, "1", "")
	default:
		return ""
	}
}

// toInt reads a whole number; ok is false if v is none (an empty value is none).
func toInt(v any) (n int, ok bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case bool:
		return pick(v, 1, 0), true
	case string:
		n, err := strconv.Atoi(strings.TrimSpace(v))
		return n, err == nil
	default:
		return 0, false
	}
}

// toID reads an id; anything that is no whole number is 0.
func toID(v any) int {
	n, ok := toInt(v)
	if !ok {
		return 0
	}
	return n
}

func toFloat(v any) (f float64, ok bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case bool:
		return pick(v, 1.0, 0.0), true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	default:
		return 0, false
	}
}

// toBool reads the many ways in which Bitrix24 takes a boolean
// (bitrix24 reference §9.7); ok is false for anything else.
func toBool(v any) (b, ok bool) {
	switch strings.ToUpper(toStr(v)) {
	case "Y", "1", "TRUE":
		return true, true
	case "N", "0", "FALSE", "":
		_, isArray := v.(*dict)
		return false, !isArray
	default:
		return false, false
	}
}

// truthy is PHP's (bool) cast with "N" and "false" as false.
func truthy(v any) bool {
	if d, isArray := v.(*dict); isArray {
		return d.len() > 0
	}
	b, ok := toBool(v)
	return b || !ok
}

// empty is PHP's empty().
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case *dict:
		return v.len() == 0
	default:
		s := toStr(v)
		return s == "" || s == "0"
	}
}

// ids reads a list of positive ids, or one id.
func ids(v any) []int {
	list, isList := v.(*dict)
	if !isList {
		list = listOf([]any{v})
	}
	var out []int
	for _, item := range list.values() {
		if n := toID(item); n > 0 {
			out = append(out, n)
		}
	}
	return out
}

func yn(b bool) string { return pick(b, "Y", "N") }

// phpTimeLayouts are the written forms in which dates are taken.
var phpTimeLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
	"01/02/2006 15:04:05", "01/02/2006",
}

// toTime reads a date or a moment; without an offset it is in the portal's zone.
func (p *Portal) toTime(v any) (time.Time, bool) {
	s := strings.TrimSpace(toStr(v))
	for _, layout := range phpTimeLayouts {
		if t, err := time.ParseInLocation(layout, s, p.zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// Stored moments are UTC text, so that they sort and compare as text.
const (
	storedMoment = "2006-01-02T15:04:05Z"
	storedDate   = "2006-01-02"
	shownMoment  = "2006-01-02T15:04:05-07:00"
)

// stamp is the current moment as stored.
func (p *Portal) stamp() string { return p.clock.Now().UTC().Format(storedMoment) }

// shown turns a stored moment into ISO 8601 with the server's offset. A stored
// date is midnight UTC, so it is shown shifted, as the real portal does
// (bitrix24 reference §9.9).
func (p *Portal) shown(stored string) string {
	if stored == "" {
		return ""
	}
	layout := pick(len(stored) == len(storedDate), storedDate, storedMoment)
	t, err := time.Parse(layout, stored)
	if err != nil {
		return stored
	}
	return t.In(p.zone).Format(shownMoment)
}
