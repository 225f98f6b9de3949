package lines

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/openlines"
)

// Hours are the opening hours of a line on some dates.
type Hours struct {
	TimeZone string `json:"timezone"`
	OpenNow  bool   `json:"open_now"`
	Days     []Day  `json:"days"`
}

// Day is one date.
type Day struct {
	Date    string `json:"date"`
	Weekday string `json:"weekday"`
	Rule    string `json:"rule" enum:"always,special_day,holiday,day_off,week" doc:"which setting rules the date"`
	Open    []Open `json:"open" doc:"when the line is open on that date; hours that began the day before count"`
	Seconds int64  `json:"open_seconds"`
	Length  int64  `json:"day_seconds" doc:"86400, except on days on which the clock changes"`
}

// Open is a time in which the line is open; the end is excluded.
type Open struct {
	From time.Time `json:"from" doc:"with the offset of the zone then"`
	To   time.Time `json:"to"`
}

// HoursOf computes the opening hours of a line on the dates from that of first
// on. The error means settings that Validate refuses.
func HoursOf(doc openlines.Settings, first time.Time, days int) (Hours, error) {
	schedule, err := openlines.NewSchedule(doc)
	if err != nil {
		return Hours{}, err
	}
	zone := ZoneOf(doc)
	out := Hours{TimeZone: doc.TimeZone, OpenNow: schedule.Open(time.Now()), Days: []Day{}}
	for i := range days {
		date := time.Date(first.Year(), first.Month(), first.Day()+i, 0, 0, 0, 0, time.UTC)
		out.Days = append(out.Days, hoursOn(schedule, doc, date, zone))
	}
	return out, nil
}

// hoursOn walks through one date. Only instants are compared: on days on which
// the clock changes, wall-clock times do not tell how long something lasts.
func hoursOn(schedule *openlines.Schedule, doc openlines.Settings, date time.Time, zone *time.Location) Day {
	begin, end := dateBegins(date, zone), dateBegins(date.AddDate(0, 0, 1), zone)
	day := Day{
		Date: date.Format(time.DateOnly), Weekday: strings.ToLower(date.Format("Mon")), Rule: ruleOf(doc, date),
		Open: []Open{}, Length: int64(end.Sub(begin).Seconds()),
	}
	for at := begin; at.Before(end); {
		next, ok := schedule.NextChange(at)
		if !ok || next.After(end) {
			next = end
		}
		if schedule.Open(at) {
			day.Open = append(day.Open, Open{From: at.In(zone), To: next.In(zone)})
			day.Seconds += int64(next.Sub(at).Seconds())
		}
		at = next
	}
	return day
}

// dateBegins is the first instant of a date in a zone. Clock changes may leave
// out its midnight or repeat it, so it is looked for, in the quarters of an hour
// on which all zones change dates.
func dateBegins(date time.Time, zone *time.Location) time.Time {
	const quarter = 15 * time.Minute
	want := date.Format(time.DateOnly)
	at := date.Add(-26 * time.Hour) // no zone is that far ahead
	for at.In(zone).Format(time.DateOnly) < want {
		at = at.Add(quarter)
	}
	return at
}

// ParseTime reads an instant as in RFC 3339, or a date, which means its
// beginning in a zone.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		return dateBegins(date, zone).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date like 2026-11-20 nor an instant like 2026-11-20T09:00:00Z", text)
	}
	return at.UTC(), nil
}

// ruleOf says which setting rules a date (openlines reference §6).
func ruleOf(doc openlines.Settings, date time.Time) string {
	_, special := doc.SpecialDays[date.Format(time.DateOnly)]
	holiday := func(text string) bool { return text == date.Format(time.DateOnly) || text == date.Format("02.01") }
	switch {
	case !doc.HoursEnabled:
		return "always"
	case special:
		return "special_day"
	case slices.ContainsFunc(doc.Holidays, holiday):
		return "holiday"
	case slices.Contains(doc.DaysOff, openlines.Day(strings.ToLower(fmt.Sprintf("%.3s", date.Weekday())))):
		return "day_off"
	}
	return "week"
}
