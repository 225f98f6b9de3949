package openlines

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// intervalForm is HH:MM-HH:MM; only an end may be 24:00.
var intervalForm = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$`)

// bounds in wall-clock seconds since the midnight of its date. An interval that
// runs past midnight has an end above daySeconds.
func (i Interval) bounds() (from, to int64, err error) {
	found := intervalForm.FindStringSubmatch(string(i))
	if found == nil {
		return 0, 0, fmt.Errorf("%q is no interval; write it as 09:00-18:00, the end may be 24:00", string(i))
	}
	from, to = clock(found[1], found[2]), clock(found[3], found[4])
	if found[3] == "" {
		return from, daySeconds, nil
	}
	if to <= from {
		to += daySeconds
	}
	return from, to, nil
}

func clock(hours, minutes string) int64 {
	h, _ := strconv.ParseInt(hours, 10, 64) // the form has checked them
	m, _ := strconv.ParseInt(minutes, 10, 64)
	return (h*60 + m) * 60
}

var (
	yearlyForm = regexp.MustCompile(`^\d\d\.\d\d$`)
	dateForm   = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// parseYearly reads DD.MM, a date that exists in leap years at least.
func parseYearly(text string) (monthDay, bool) {
	if !yearlyForm.MatchString(text) {
		return monthDay{}, false
	}
	date, err := time.Parse("02.01.2006", text+".2000") // 2000 has a 29 February
	return monthDay{date.Month(), date.Day()}, err == nil
}

// parseDate reads YYYY-MM-DD as a day number: days since 1 January 1970.
func parseDate(text string) (int64, error) {
	date, err := time.Parse(time.DateOnly, text)
	if err != nil || !dateForm.MatchString(text) {
		return 0, fmt.Errorf("%q is no date; write it as 2026-12-24", text)
	}
	return floorDiv(date.Unix(), daySeconds), nil
}

// loadZone refuses the names that mean the zone of this machine.
func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q; an IANA name like Europe/Madrid is needed", name)
	}
	return zone, nil
}
