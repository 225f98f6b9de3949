package openlines_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// oracle is a slow second opinion on opening hours. It converts every single
// minute with time.In and looks the wall clock up in a table of its date; it
// shares no code with Schedule.
type oracle struct {
	settings openlines.Settings
	year     int
	day      int           // of the year
	minutes  [24 * 60]bool // of that date
}

// open wants an instant that time.In has brought to the zone of the line.
func (o *oracle) open(local time.Time) bool {
	if local.YearDay() != o.day || local.Year() != o.year {
		year, month, day := local.Date()
		o.year, o.day = year, local.YearDay()
		o.fill(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)) // UTC: here only a name of the date
	}
	return o.minutes[local.Hour()*60+local.Minute()]
}

func (o *oracle) fill(date time.Time) {
	o.minutes = [24 * 60]bool{}
	for _, interval := range o.intervals(date) {
		from, to := oracleBounds(interval)
		for m := from; m < 24*60 && (to <= from || m < to); m++ {
			o.minutes[m] = true
		}
	}
	for _, interval := range o.intervals(date.AddDate(0, 0, -1)) {
		from, to := oracleBounds(interval)
		for m := 0; to <= from && m < to; m++ {
			o.minutes[m] = true
		}
	}
}

func (o *oracle) intervals(date time.Time) []openlines.Interval {
	s := o.settings
	if special, ok := s.SpecialDays[date.Format("2006-01-02")]; ok {
		return special
	}
	name := openlines.Day([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[date.Weekday()])
	off := slices.Contains(s.DaysOff, name) ||
		slices.Contains(s.Holidays, date.Format("02.01")) || slices.Contains(s.Holidays, date.Format("2006-01-02"))
	if off {
		return nil
	}
	return map[openlines.Day][]openlines.Interval{
		"mon": s.Week.Mon, "tue": s.Week.Tue, "wed": s.Week.Wed, "thu": s.Week.Thu, "fri": s.Week.Fri, "sat": s.Week.Sat, "sun": s.Week.Sun,
	}[name]
}

// oracleBounds in minutes; an end that is not after the start is on the next day.
func oracleBounds(interval openlines.Interval) (from, to int) {
	var fromHour, fromMinute, toHour, toMinute int
	if _, err := fmt.Sscanf(string(interval), "%d:%d-%d:%d", &fromHour, &fromMinute, &toHour, &toMinute); err != nil {
		panic(err)
	}
	return fromHour*60 + fromMinute, toHour*60 + toMinute
}

// oracleZones are the zones with the strangest clocks of 2020–2030, and quiet ones.
var oracleZones = []string{
	"UTC", "Europe/Madrid", "Europe/London", "Europe/Dublin", "Europe/Moscow", "Europe/Volgograd", "Atlantic/Azores",
	"America/New_York", "America/Santiago", "America/Asuncion", "America/Sao_Paulo", "America/Havana", "America/Mexico_City",
	"America/St_Johns", "America/Nuuk", "America/Scoresbysund", "America/Whitehorse", "Africa/Casablanca", "Africa/Cairo", "Africa/Juba",
	"Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Tehran", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Almaty", "Asia/Tokyo",
	"Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Fiji",
	"Pacific/Norfolk", "Pacific/Kiritimati", "Antarctica/Troll",
}

// oracleLines are schedules that between them use all rules of §6.
func oracleLines(zone string) map[string]openlines.Settings {
	office := allWeek(zone, "09:00-14:00", "16:00-19:30")
	office.DaysOff = []openlines.Day{"sat", "sun"}
	office.Holidays = []string{"25.12", "01.01", "29.02", "2025-04-21"}
	night := allWeek(zone, "22:00-06:00")
	night.Holidays = []string{"25.12", "2021-03-28"}
	whole := allWeek(zone, "00:00-24:00")
	whole.Holidays, whole.DaysOff = nil, []openlines.Day{"wed"}
	odd := allWeek(zone, "00:15-00:45", "01:30-02:10", "02:40-03:05", "12:00-12:01", "23:10-00:05")
	odd.DaysOff = []openlines.Day{"tue"}
	odd.SpecialDays = map[string][]openlines.Interval{}
	for year := 2020; year < 2031; year++ { // the nights of many clock changes, and two ordinary days
		odd.SpecialDays[fmt.Sprintf("%d-03-28", year)] = []openlines.Interval{"20:00-00:10"}
		odd.SpecialDays[fmt.Sprintf("%d-10-04", year)] = []openlines.Interval{"00:10-00:10"}
		odd.SpecialDays[fmt.Sprintf("%d-10-25", year)] = nil
		odd.SpecialDays[fmt.Sprintf("%d-12-31", year)] = []openlines.Interval{"00:30-24:00"}
	}
	return map[string]openlines.Settings{"office": office, "night": night, "whole": whole, "odd": odd}
}

// TestWorkingTimeEqualsTheSlowOracle compares minute by minute: the whole of
// 2020–2030 in a soak run, else the days around each clock change of these
// years, a leap day and two turns of a year.
func TestWorkingTimeEqualsTheSlowOracle(t *testing.T) {
	t.Parallel()
	for _, zone := range oracleZones {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			for name, line := range oracleLines(zone) {
				if os.Getenv("PUENTE_SOAK") != "" {
					compareWithOracle(t, name, line, oracleFrom, oracleTo, 5000)
					continue
				}
				for _, day := range interestingDays(t, zone) {
					compareWithOracle(t, name, line, day.AddDate(0, 0, -2), day.AddDate(0, 0, 3), 20)
				}
			}
		})
	}
}

var (
	oracleFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	oracleTo   = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
)

func interestingDays(t *testing.T, name string) []time.Time {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	days := []time.Time{
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	offset := func(day time.Time) int {
		_, seconds := day.In(zone).Zone()
		return seconds
	}
	for day := oracleFrom; day.Before(oracleTo); day = day.AddDate(0, 0, 1) {
		if offset(day) != offset(day.AddDate(0, 0, 1)) {
			days = append(days, day)
		}
	}
	return days
}

// compareWithOracle checks every answer of a Schedule from the oracle's minutes:
// all changes, and the sums between a number of pairs of instants.
func compareWithOracle(t *testing.T, name string, line openlines.Settings, from, to time.Time, pairs int) {
	t.Helper()
	require.Empty(t, openlines.Validate(line, from), name)
	zone, err := time.LoadLocation(line.TimeZone)
	require.NoError(t, err)
	slow, schedule := oracle{settings: line}, compiled(t, line)
	minutes := make([]bool, int(to.Sub(from)/time.Minute))
	worked := make([]int, len(minutes)+1) // open minutes before each minute
	for i := range minutes {
		minutes[i] = slow.open(from.Add(time.Duration(i) * time.Minute).In(zone))
		worked[i+1] = worked[i]
		if minutes[i] {
			worked[i+1]++
		}
	}
	require.NotZero(t, worked[len(minutes)], "%s: the oracle must see open time", name)
	compareChanges(t, name, schedule, from, minutes)
	compareSums(t, name, schedule, from, minutes, worked, pairs)
}

// compareChanges follows NextChange through the whole time: the line must
// change when the oracle does and at no other instant.
func compareChanges(t *testing.T, name string, schedule *openlines.Schedule, from time.Time, minutes []bool) {
	t.Helper()
	want := []int{}
	for i := 1; i < len(minutes); i++ {
		if minutes[i] != minutes[i-1] {
			want = append(want, i)
		}
	}
	end := from.Add(time.Duration(len(minutes)) * time.Minute)
	got := []int{}
	for at := from; ; {
		next, ok := schedule.NextChange(at)
		require.True(t, ok, name)
		if !next.Before(end) {
			break
		}
		require.Zero(t, next.Sub(from)%time.Minute, name)
		got = append(got, int(next.Sub(from)/time.Minute))
		at = next
	}
	require.Equal(t, want, got, name)
}

// compareSums draws instants and checks Open, Between, Due and ClosedPeriod.
func compareSums(t *testing.T, name string, schedule *openlines.Schedule, from time.Time, minutes []bool, worked []int, pairs int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(from.Unix())))
	at := func(minute int) time.Time { return from.Add(time.Duration(minute) * time.Minute) }
	for range pairs {
		a := random.IntN(len(minutes))
		b := min(a+random.IntN(60*24*30), len(minutes)-1)
		require.Equal(t, minutes[a], schedule.Open(at(a)), "%s: open at %s", name, at(a))
		require.Equal(t, minutes[a], schedule.Open(at(a).Add(59*time.Second)), "%s: open at the end of %s", name, at(a))
		sum := worked[b] - worked[a]
		require.Equal(t, time.Duration(sum)*time.Minute, schedule.Between(at(a), at(b)), "%s: from %s to %s", name, at(a), at(b))
		if sum > 0 {
			due := sort.SearchInts(worked, worked[a]+sum) // the first minute at whose start enough has been worked
			got, ok := schedule.Due(at(a), time.Duration(sum)*time.Minute)
			require.True(t, ok, name)
			require.Equal(t, at(due), got, "%s: %d min from %s", name, sum, at(a))
		}
		compareClosedPeriod(t, name, schedule, from, minutes, a)
	}
}

func compareClosedPeriod(t *testing.T, name string, schedule *openlines.Schedule, from time.Time, minutes []bool, a int) {
	t.Helper()
	start, end, ok := schedule.ClosedPeriod(from.Add(time.Duration(a) * time.Minute))
	require.Equal(t, !minutes[a], ok, name)
	first, last := a, a
	for first > 0 && !minutes[first-1] {
		first--
	}
	for last < len(minutes) && !minutes[last] {
		last++
	}
	if minutes[a] || first == 0 || last == len(minutes) { // open, or the period reaches out of what the oracle saw
		return
	}
	require.Equal(t, from.Add(time.Duration(first)*time.Minute), start, name)
	require.Equal(t, from.Add(time.Duration(last)*time.Minute), end, name)
}
