package dialog

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// isoLayouts are unambiguous; those without a zone are in the portal's.
var isoLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02", "20060102", "2006/01/02", "2006.01.02",
}

// clocks are what can follow a date that begins with the day or the month.
var clocks = []string{"", " 15:04", " 15:04:05", ", 15:04", ", 15:04:05"}

var errDate = errors.New("not a date; write it as 2026-01-31")

func date(value string, l Locale) (any, error) {
	t, err := moment(value, l)
	if err != nil {
		return nil, err
	}
	return t.Format(time.DateOnly), nil
}

func dateTime(value string, l Locale) (any, error) {
	t, err := moment(value, l)
	if err != nil {
		return nil, err
	}
	return t.Format(time.RFC3339), nil
}

// moment reads a date or time in the forms of Chat2Desk (chat2desk reference
// §8) and of people, in the portal's zone.
func moment(value string, l Locale) (time.Time, error) {
	t, err := anyForm(value, l)
	if err != nil {
		return time.Time{}, err
	}
	t = t.In(l.zone())
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errDate
	}
	return t, nil
}

func anyForm(value string, l Locale) (time.Time, error) {
	if t, ok := unix(value); ok {
		return t, nil
	}
	zone := l.zone()
	if rest, utc := strings.CutSuffix(value, " UTC"); utc {
		value, zone = rest, time.UTC
	}
	for _, layout := range isoLayouts {
		if t, err := time.ParseInLocation(layout, value, zone); err == nil {
			return t, nil
		}
	}
	return numeric(value, zone, l)
}

// unix reads seconds or milliseconds since 1970: ten or thirteen digits, so
// from 2001 on.
func unix(value string) (time.Time, bool) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return time.Time{}, false
	case len(value) == 10:
		return time.Unix(n, 0), true
	case len(value) == 13:
		return time.UnixMilli(n), true
	}
	return time.Time{}, false
}

// numeric reads 31.01.2026 and 31-01-2026, always with the day first, and
// 01/31/2026, whose order depends on where one is.
func numeric(value string, zone *time.Location, l Locale) (time.Time, error) {
	for _, day := range []string{"2.1.2006", "2-1-2006"} {
		if t, ok := parseDay(day, value, zone); ok {
			return t, nil
		}
	}
	dayFirst, isDay := parseDay("2/1/2006", value, zone)
	monthFirst, isMonth := parseDay("1/2/2006", value, zone)
	switch {
	case isDay && (!isMonth || l.DayFirst || dayFirst.Equal(monthFirst)):
		return dayFirst, nil
	case isMonth && (!isDay || l.MonthFirst):
		return monthFirst, nil
	case isDay && isMonth:
		return time.Time{}, errors.New("ambiguous: it is not clear which is the day and which the month; write it as 2026-01-31")
	}
	return time.Time{}, errDate
}

func parseDay(day, value string, zone *time.Location) (time.Time, bool) {
	for _, clock := range clocks {
		if t, err := time.ParseInLocation(day+clock, value, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
