package openlines_test

import (
	"testing"
	"time"
	_ "time/tzdata" // all machines test with zones

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// madrid is the line of the scenarios (openlines reference §12).
func madrid() openlines.Settings {
	s := openlines.Default()
	s.Name, s.TimeZone, s.HoursEnabled = "Support", "Europe/Madrid", true
	s.Holidays = []string{"25.12", "01.01"}
	return s
}

// allWeek is the line of the scenarios with other hours, the same on all days.
func allWeek(zone string, intervals ...openlines.Interval) openlines.Settings {
	s := madrid()
	s.TimeZone, s.DaysOff, s.Week = zone, nil, openlines.EveryDay(intervals...)
	return s
}

func compiled(t testing.TB, s openlines.Settings) *openlines.Schedule {
	t.Helper()
	schedule, err := openlines.NewSchedule(s)
	require.NoError(t, err)
	return schedule
}

// instant reads a time with its UTC offset, as hours that occur twice need it.
func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04:05 -07:00", text)
	require.NoError(t, err)
	return at
}

func TestDueInstantsOfTheScenarios(t *testing.T) {
	t.Parallel()
	lunch := madrid()
	lunch.Week.Fri = []openlines.Interval{"09:00-14:00", "16:00-19:00"}
	christmasEve := madrid()
	christmasEve.SpecialDays = map[string][]openlines.Interval{"2026-12-24": {"09:00-14:00"}}
	night := allWeek("Europe/Madrid", "22:00-06:00")
	longer := madrid()
	longer.Week.Fri = []openlines.Interval{"09:00-20:00"}
	tests := map[string]struct {
		settings openlines.Settings
		start    string
		minutes  openlines.Minutes
		due      string
	}{
		"S03 passes while open":                    {madrid(), "2026-11-20 10:00:00 +01:00", 5, "2026-11-20 10:05:00 +01:00"},
		"S25 the clock starts at the opening":      {madrid(), "2026-11-21 10:00:00 +01:00", 5, "2026-11-23 09:05:00 +01:00"},
		"S26 over the weekend":                     {madrid(), "2026-11-20 17:58:00 +01:00", 5, "2026-11-23 09:03:00 +01:00"},
		"S27 over a holiday":                       {madrid(), "2026-12-24 17:59:00 +01:00", 3, "2026-12-28 09:02:00 +01:00"},
		"S29 over the lunch break":                 {lunch, "2026-11-20 13:58:00 +01:00", 5, "2026-11-20 16:03:00 +01:00"},
		"S30 over a missing hour":                  {night, "2027-03-28 01:50:00 +01:00", 30, "2027-03-28 03:20:00 +02:00"},
		"S31 into a repeated hour":                 {night, "2026-10-25 02:50:00 +02:00", 30, "2026-10-25 02:20:00 +01:00"},
		"S32 midnight does not exist":              {allWeek("America/Santiago", "00:00-24:00"), "2026-09-05 23:58:00 -04:00", 5, "2026-09-06 01:03:00 -03:00"},
		"S33 after a special day":                  {christmasEve, "2026-12-24 13:59:00 +01:00", 3, "2026-12-28 09:02:00 +01:00"},
		"S35 before the change":                    {madrid(), "2026-11-20 17:25:00 +01:00", 60, "2026-11-23 09:25:00 +01:00"},
		"S35 the rest under the new hours":         {longer, "2026-11-20 17:30:00 +01:00", 55, "2026-11-20 18:25:00 +01:00"},
		"due at the instant of closing, not later": {madrid(), "2026-11-20 17:55:00 +01:00", 5, "2026-11-20 18:00:00 +01:00"},
		"nothing to wait for is due at once":       {madrid(), "2026-11-21 10:00:00 +01:00", 0, "2026-11-21 10:00:00 +01:00"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, openlines.Validate(test.settings, instant(t, test.start)))
			due, ok := compiled(t, test.settings).Due(instant(t, test.start), test.minutes.Duration())
			require.True(t, ok)
			require.Equal(t, instant(t, test.due).UTC(), due.UTC())
		})
	}
}

func TestOpenAtTheInstantsOfTheScenarios(t *testing.T) {
	t.Parallel()
	night := allWeek("Europe/Madrid", "22:00-06:00")
	anyDay := allWeek("America/Santiago", "00:00-24:00")
	tests := []struct {
		name     string
		settings openlines.Settings
		at       string
		open     bool
	}{
		{"S28 the start is included", madrid(), "2026-11-20 09:00:00 +01:00", true},
		{"S28 the end is excluded", madrid(), "2026-11-20 18:00:00 +01:00", false},
		{"S28 the last second", madrid(), "2026-11-20 17:59:59 +01:00", true},
		{"S25 a day off", madrid(), "2026-11-21 10:00:00 +01:00", false},
		{"S34 a night belongs to the day on which it starts", night, "2026-12-25 03:00:00 +01:00", true},
		{"S34 the night of the holiday", night, "2026-12-25 23:00:00 +01:00", false},
		{"S34 the morning after the holiday", night, "2026-12-26 03:00:00 +01:00", false},
		{"S32 the minute before midnight", anyDay, "2026-09-05 23:59:59 -04:00", true},
		{"S32 the minute after it", anyDay, "2026-09-06 01:00:00 -03:00", true},
		{"a repeated hour before midnight, first", allWeek("America/Santiago", "23:00-24:00"), "2027-04-03 23:30:00 -03:00", true},
		{"a repeated hour before midnight, second", allWeek("America/Santiago", "23:00-24:00"), "2027-04-03 23:30:00 -04:00", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.open, compiled(t, test.settings).Open(instant(t, test.at)))
		})
	}
}

func TestANightOfAClockChangeHasSevenOrNineHours(t *testing.T) {
	t.Parallel()
	night := compiled(t, allWeek("Europe/Madrid", "22:00-06:00"))
	for evening, hours := range map[string]time.Duration{
		"2027-03-27 12:00:00 +01:00": 7, "2026-10-24 12:00:00 +02:00": 9, "2026-11-20 12:00:00 +01:00": 8,
	} {
		from := instant(t, evening)
		require.Equal(t, hours*time.Hour, night.Between(from, from.Add(24*time.Hour)), evening)
	}
}

func TestWhichIntervalsADateHas(t *testing.T) {
	t.Parallel()
	s := madrid()
	s.Holidays = []string{"29.02", "2027-03-01", "24.12"}
	s.SpecialDays = map[string][]openlines.Interval{
		"2026-11-20": {}, "2026-11-21": {"10:00-11:00"}, "2026-12-24": {"22:00-02:00"},
	}
	schedule := compiled(t, s)
	require.Empty(t, openlines.Validate(s, instant(t, "2026-01-01 00:00:00 +01:00")))
	for at, open := range map[string]bool{
		"2028-02-29 10:00:00 +01:00": false, // the holiday exists in leap years
		"2027-03-01 10:00:00 +01:00": false, // a dated holiday,
		"2028-03-01 10:00:00 +01:00": true,  // in its year only; and 29.02 does not move
		"2026-11-20 10:00:00 +01:00": false, // an empty special day closes
		"2026-11-21 10:30:00 +01:00": true,  // wins over a day off
		"2026-12-24 23:00:00 +01:00": true,  // wins over a holiday
		"2026-12-25 01:59:59 +01:00": true,  // runs past midnight
		"2027-12-24 10:00:00 +01:00": false, // is for its year only
	} {
		require.Equal(t, open, schedule.Open(instant(t, at)), at)
	}
}

func TestNextOpenAndNextChange(t *testing.T) {
	t.Parallel()
	schedule := compiled(t, madrid())
	friday, saturday, monday := instant(t, "2026-11-20 10:00:00 +01:00"), instant(t, "2026-11-21 10:00:00 +01:00"), instant(t, "2026-11-23 09:00:00 +01:00")

	at, ok := schedule.NextOpen(friday)
	require.True(t, ok)
	require.Equal(t, friday, at)
	at, ok = schedule.NextOpen(saturday)
	require.True(t, ok)
	require.True(t, monday.Equal(at))
	at, ok = schedule.NextChange(friday)
	require.True(t, ok)
	require.True(t, instant(t, "2026-11-20 18:00:00 +01:00").Equal(at))
	at, ok = schedule.NextChange(saturday)
	require.True(t, ok)
	require.True(t, monday.Equal(at))

	_, ok = compiled(t, allWeek("America/Santiago", "00:00-24:00")).NextChange(friday)
	require.True(t, ok, "the holidays still close")
	always := allWeek("America/Santiago", "00:00-24:00")
	always.Holidays = nil
	_, ok = compiled(t, always).NextChange(friday)
	require.False(t, ok)
}

func TestClosedPeriodIsTheSameAllTheTime(t *testing.T) {
	t.Parallel()
	schedule := compiled(t, madrid())
	for _, at := range []string{"2026-11-20 18:00:00 +01:00", "2026-11-21 10:00:00 +01:00", "2026-11-23 08:59:59 +01:00"} {
		start, end, ok := schedule.ClosedPeriod(instant(t, at))
		require.True(t, ok)
		require.True(t, instant(t, "2026-11-20 18:00:00 +01:00").Equal(start), at)
		require.True(t, instant(t, "2026-11-23 09:00:00 +01:00").Equal(end), at)
	}
	_, _, ok := schedule.ClosedPeriod(instant(t, "2026-11-23 09:00:00 +01:00"))
	require.False(t, ok)
}

func TestClosedPeriodFindsADistantStart(t *testing.T) {
	t.Parallel()
	s := madrid()
	s.Week = openlines.Week{}
	s.SpecialDays = map[string][]openlines.Interval{"2026-01-02": {"09:00-10:00"}, "2026-12-24": {"09:00-10:00"}}
	schedule := compiled(t, s)
	start, end, ok := schedule.ClosedPeriod(instant(t, "2026-12-01 10:00:00 +01:00"))
	require.True(t, ok)
	require.True(t, instant(t, "2026-01-02 10:00:00 +01:00").Equal(start))
	require.True(t, instant(t, "2026-12-24 09:00:00 +01:00").Equal(end))
	start, end, ok = schedule.ClosedPeriod(instant(t, "2030-12-01 10:00:00 +01:00"))
	require.True(t, ok)
	require.True(t, start.IsZero())
	require.True(t, end.IsZero())
}

func TestNeverIsTheLackOfOpenTimeIn366Days(t *testing.T) {
	t.Parallel()
	s := madrid()
	s.Week = openlines.Week{}
	s.SpecialDays = map[string][]openlines.Interval{"2027-11-22": {"09:00-10:00"}}
	schedule := compiled(t, s)
	opening := instant(t, "2027-11-22 09:00:00 +01:00")
	tooEarly := opening.Add(-openlines.NeverAfter)

	_, ok := schedule.Due(tooEarly, time.Minute)
	require.False(t, ok)
	_, ok = schedule.NextOpen(tooEarly)
	require.False(t, ok)
	due, ok := schedule.Due(tooEarly.Add(time.Second), time.Hour)
	require.True(t, ok)
	require.True(t, opening.Add(time.Hour).Equal(due))
	_, ok = schedule.Due(tooEarly.Add(time.Second), time.Hour+time.Nanosecond)
	require.False(t, ok, "the line does not open again")
	s.SpecialDays["2028-11-22"] = []openlines.Interval{"09:59-12:00"} // 366 days after, less a minute
	due, ok = compiled(t, s).Due(opening, 2*time.Hour)
	require.True(t, ok, "the wait counts from the last open instant")
	require.True(t, instant(t, "2028-11-22 10:59:00 +01:00").Equal(due))
	s.SpecialDays["2028-11-22"] = []openlines.Interval{"10:00-12:00"}
	_, ok = compiled(t, s).Due(opening, 2*time.Hour)
	require.False(t, ok)
	require.Equal(t, time.Hour, schedule.Between(tooEarly, opening.AddDate(5, 0, 0)), "Between has no such bound")
}

func TestWithoutHoursWorkingTimeIsCalendarTime(t *testing.T) {
	t.Parallel()
	s := madrid()
	s.HoursEnabled = false
	saturday := instant(t, "2026-11-21 10:00:00 +01:00")
	for _, schedule := range []*openlines.Schedule{compiled(t, s), {}} {
		require.True(t, schedule.Open(saturday))
		due, ok := schedule.Due(saturday, 90*time.Minute)
		require.True(t, ok)
		require.Equal(t, saturday.Add(90*time.Minute), due)
		require.Equal(t, time.Hour, schedule.Between(saturday, saturday.Add(time.Hour)))
		require.Zero(t, schedule.Between(saturday, saturday.Add(-time.Hour)))
		_, ok = schedule.NextChange(saturday)
		require.False(t, ok)
		_, _, ok = schedule.ClosedPeriod(saturday)
		require.False(t, ok)
	}
}

func TestNewScheduleNamesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*openlines.Settings){
		"week.tue":                func(s *openlines.Settings) { s.Week.Tue = []openlines.Interval{"9-18"} },
		"holidays":                func(s *openlines.Settings) { s.Holidays = []string{"31.04"} },
		"special_days.2026-12-24": func(s *openlines.Settings) { s.SpecialDays = map[string][]openlines.Interval{"2026-12-24": {"x"}} },
		"special_days: ":          func(s *openlines.Settings) { s.SpecialDays = map[string][]openlines.Interval{"24.12": nil} },
		"Europe/Atlantis":         func(s *openlines.Settings) { s.TimeZone = "Europe/Atlantis" },
	} {
		s := madrid()
		change(&s)
		_, err := openlines.NewSchedule(s)
		require.ErrorContains(t, err, want)
	}
}
