package openlines

import (
	"fmt"
	"slices"
	"time"

	"puente/internal/strictdoc"
)

// MaxIntervals is how many intervals a day may have (§2).
const MaxIntervals = 6

// hours checks the opening hours also while they are switched off; only whether
// the line opens at all does not matter then.
func (c *check) hours(s Settings, now time.Time) {
	before := len(c.Problems)
	for _, day := range Days() {
		c.intervals("week."+string(day), s.Week.On(day))
	}
	c.daysOff(s.DaysOff)
	c.holidays(s.Holidays)
	for _, date := range strictdoc.SortedKeys(s.SpecialDays) {
		at := "special_days." + date
		if _, err := parseDate(date); err != nil {
			c.Add(at, "%s", err)
		}
		c.intervals(at, s.SpecialDays[date])
	}
	oneOf(c, "offhours_rule", s.OffhoursRule, OffhoursText, OffhoursNone)
	oneOf(c, "offhours_routing", s.OffhoursRouting, OffhoursHold, OffhoursRoute)
	if _, err := loadZone(s.TimeZone); err == nil && len(c.Problems) == before {
		c.wholeSchedule(s, now)
	}
}

// intervals checks the intervals of one date among themselves.
func (c *check) intervals(field string, intervals []Interval) {
	if len(intervals) > MaxIntervals {
		c.Add(field, "may have at most %d intervals, not %d", MaxIntervals, len(intervals))
	}
	for i, interval := range intervals {
		at := fmt.Sprintf("%s[%d]", field, i)
		from, to, err := interval.bounds()
		if err != nil {
			c.Add(at, "%s", err)
			continue
		}
		for _, other := range intervals[:i] {
			otherFrom, otherTo, err := other.bounds()
			if err == nil && from < otherTo && otherFrom < to {
				c.Add(at, "%s overlaps %s", interval, other)
			}
		}
	}
}

func (c *check) daysOff(days []Day) {
	for i, day := range days {
		at := fmt.Sprintf("days_off[%d]", i)
		oneOf(c, at, day, Days()...)
		if slices.Index(days, day) < i {
			c.Add(at, "%s stands in the list twice", day)
		}
	}
}

func (c *check) holidays(holidays []string) {
	for i, text := range holidays {
		at := fmt.Sprintf("holidays[%d]", i)
		_, yearly := parseYearly(text)
		if _, err := parseDate(text); err != nil && !yearly {
			c.Add(at, "%q is no date; write it as 25.12 for each year or as 2026-12-24", text)
		}
		if slices.Index(holidays, text) < i {
			c.Add(at, "%s stands in the list twice", text)
		}
	}
}

// wholeSchedule checks what only the days together show: intervals that run
// into those of the next date, and whether the line ever opens. The hours are
// compiled although they may be switched off.
func (c *check) wholeSchedule(s Settings, now time.Time) {
	on := s
	on.HoursEnabled = true
	schedule, err := NewSchedule(on)
	if err != nil { // every cause has been looked at before
		c.Add("week", "%s", err)
		return
	}
	c.spillsOfWeek(schedule)
	c.spillsOfSpecialDays(s, schedule)
	if _, ok := schedule.NextOpen(now); s.HoursEnabled && !ok {
		c.Add("week", "the line would not open within the next 366 days; add hours or switch hours_enabled off")
	}
}

func (c *check) spillsOfWeek(schedule *Schedule) {
	days := Days()
	for i, day := range days {
		today, tomorrow := schedule.week[(i+1)%7], schedule.week[(i+2)%7]
		if today.overlaps(tomorrow) {
			c.Add("week."+string(day), "runs past midnight into the hours of %s", days[(i+1)%7])
		}
	}
}

// spillsOfSpecialDays looks at each special day and its neighbours as they
// really are, holidays and days off applied.
func (c *check) spillsOfSpecialDays(s Settings, schedule *Schedule) {
	for _, date := range strictdoc.SortedKeys(s.SpecialDays) {
		day, err := parseDate(date)
		if err != nil { // found before
			continue
		}
		at := "special_days." + date
		if schedule.hours(day).overlaps(schedule.hours(day + 1)) {
			c.Add(at, "runs past midnight into the hours of the next date")
		}
		if _, special := schedule.special[day-1]; !special && schedule.hours(day-1).overlaps(schedule.hours(day)) {
			c.Add(at, "begins before the hours of the date before have ended")
		}
	}
}

// overlaps says whether hours run into those of the next date.
func (h dayHours) overlaps(next dayHours) bool {
	return len(next.parts) > 0 && next.parts[0].from < h.spill
}
