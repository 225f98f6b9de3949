package openlines_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/openlines"
)

// base is where random schedules and instants lie around.
var base = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// drawInterval gives whole minutes; half of the bounds are the hours in which
// clocks change.
func drawInterval(t *rapid.T) openlines.Interval {
	minute := rapid.OneOf(rapid.IntRange(0, 24*60-1), rapid.IntRange(0, 4*60))
	from, to := minute.Draw(t, "from"), rapid.OneOf(minute, rapid.Just(24*60)).Draw(t, "to")
	return openlines.Interval(fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60))
}

// drawLine gives any hours, also ones that overlap: then they are one.
func drawLine(t *rapid.T) openlines.Settings {
	s := openlines.Default()
	s.HoursEnabled, s.TimeZone = true, rapid.SampledFrom(oracleZones).Draw(t, "zone")
	intervals := rapid.SliceOfN(rapid.Custom(drawInterval), 0, 3)
	week := &s.Week
	for _, day := range []*[]openlines.Interval{&week.Mon, &week.Tue, &week.Wed, &week.Thu, &week.Fri, &week.Sat, &week.Sun} {
		*day = intervals.Draw(t, "day")
	}
	s.DaysOff = rapid.SliceOfNDistinct(rapid.SampledFrom(openlines.Days()), 0, 3, rapid.ID).Draw(t, "days off")
	s.Holidays = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return drawDate(t).Format(rapid.SampledFrom([]string{"02.01", time.DateOnly}).Draw(t, "form"))
	}), 0, 8).Draw(t, "holidays")
	s.SpecialDays = map[string][]openlines.Interval{}
	for range rapid.IntRange(0, 8).Draw(t, "special days") {
		s.SpecialDays[drawDate(t).Format(time.DateOnly)] = intervals.Draw(t, "special day")
	}
	return s
}

// drawDate is a day near base, or one on which the clock of some zone changes.
func drawDate(t *rapid.T) time.Time {
	days := rapid.OneOf(rapid.IntRange(-30, 60), rapid.SampledFrom([]int{7, 28, 189, 217, 238, 245, 730, -1096 + 365}))
	return base.AddDate(0, 0, days.Draw(t, "date"))
}

// drawInstant is any instant within about a year of base, to the nanosecond.
func drawInstant(t *rapid.T) time.Time {
	return drawDate(t).Add(time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "time of day")))
}

func drawSchedule(t *rapid.T) *openlines.Schedule {
	schedule, err := openlines.NewSchedule(drawLine(t))
	require.NoError(t, err)
	return schedule
}

func TestPropertyEveryMinuteOfARandomScheduleEqualsTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line, from := drawLine(t), drawDate(t)
		requireOracleDays(t, line, from, 3)
	})
}

// requireOracleDays compares all answers about some days with the oracle.
func requireOracleDays(t require.TestingT, line openlines.Settings, from time.Time, days int) {
	schedule, err := openlines.NewSchedule(line)
	require.NoError(t, err)
	zone, err := time.LoadLocation(line.TimeZone)
	require.NoError(t, err)
	slow, sum := oracle{settings: line}, time.Duration(0)
	for at := from; at.Before(from.AddDate(0, 0, days)); at = at.Add(time.Minute) {
		open := slow.open(at.In(zone))
		if schedule.Open(at) != open { // require formats its arguments each time: too slow for each minute
			require.Failf(t, "the oracle differs", "it says open=%v at %s", open, at)
		}
		if open {
			sum += time.Minute
			if due, ok := schedule.Due(from, sum); !ok || !due.Equal(at.Add(time.Minute)) {
				require.Failf(t, "the oracle differs", "it says %s after %s, not %s", sum, at.Add(time.Minute), due)
			}
		}
		if at.Minute() == 0 {
			require.Equal(t, sum, schedule.Between(from, at.Add(time.Minute)))
		}
	}
}

func TestPropertyDueIsTheFirstInstantAtWhichEnoughWasWorked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule, start := drawSchedule(t), drawInstant(t)
		d := time.Duration(rapid.Int64Range(1, int64(400*time.Hour)).Draw(t, "duration"))
		due, ok := schedule.Due(start, d)
		if !ok { // then what is left until the line closes for good is too little
			require.Less(t, schedule.Between(start, lastChange(schedule, start)), d)
			return
		}
		require.Equal(t, d, schedule.Between(start, due))
		require.Less(t, schedule.Between(start, due.Add(-1)), d)
		require.True(t, schedule.Open(due.Add(-1)), "time is only used while open")
	})
}

// lastChange is the last instant before a closed time of NeverAfter.
func lastChange(schedule *openlines.Schedule, from time.Time) time.Time {
	for {
		next, ok := schedule.NextChange(from)
		if !ok {
			return from
		}
		from = next
	}
}

func TestPropertyWorkingTimeAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule, a := drawSchedule(t), drawInstant(t)
		step := rapid.Int64Range(0, int64(60*24*time.Hour))
		b := a.Add(time.Duration(step.Draw(t, "a to b")))
		c := b.Add(time.Duration(step.Draw(t, "b to c")))
		require.Equal(t, schedule.Between(a, c), schedule.Between(a, b)+schedule.Between(b, c))
		require.LessOrEqual(t, schedule.Between(a, b), b.Sub(a))
		require.Zero(t, schedule.Between(c, c))
	})
}

func TestPropertyDueGrowsWithStartAndDuration(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule, start := drawSchedule(t), drawInstant(t)
		duration := rapid.Int64Range(1, int64(100*time.Hour))
		first, more := time.Duration(duration.Draw(t, "duration")), time.Duration(duration.Draw(t, "more"))
		whole, ok := schedule.Due(start, first+more)
		if !ok {
			return
		}
		part, ok := schedule.Due(start, first)
		require.True(t, ok, "less is due earlier")
		require.True(t, part.Before(whole))
		rest, ok := schedule.Due(part, more)
		require.True(t, ok)
		require.Equal(t, whole, rest, "a timer may be stopped and go on with what is left")
		later, ok := schedule.Due(start.Add(more), first)
		require.True(t, !ok || !later.Before(part), "a later start is not due earlier")
	})
}

func TestPropertyChangesAreWhereTheStateChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule, at := drawSchedule(t), drawInstant(t)
		change, ok := schedule.NextChange(at)
		if !ok {
			return
		}
		open := schedule.Open(at)
		require.True(t, change.After(at))
		require.Equal(t, !open, schedule.Open(change))
		require.Equal(t, open, schedule.Open(change.Add(-1)))
		worked := map[bool]time.Duration{true: change.Sub(at)}[open]
		require.Equal(t, worked, schedule.Between(at, change), "the state holds until then")
		opening, ok := schedule.NextOpen(at)
		require.True(t, ok)
		require.Equal(t, map[bool]time.Time{true: at, false: change}[open], opening)
	})
}

func TestPropertyAClosedPeriodHasOneIdentity(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		schedule, at := drawSchedule(t), drawInstant(t)
		start, end, ok := schedule.ClosedPeriod(at)
		require.Equal(t, !schedule.Open(at), ok)
		if !ok || start.IsZero() || end.IsZero() {
			return
		}
		require.False(t, start.After(at))
		require.True(t, end.After(at))
		require.Zero(t, schedule.Between(start, end))
		require.True(t, schedule.Open(start.Add(-1)))
		require.True(t, schedule.Open(end))
		inside := start.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(start))-1).Draw(t, "inside")))
		again, _, ok := schedule.ClosedPeriod(inside)
		require.True(t, ok)
		require.True(t, start.Equal(again))
	})
}

func FuzzSchedule(f *testing.F) {
	f.Add("Europe/Madrid", "22:00-06:00", "09:00-14:00", "28.03", int64(1_806_019_200))
	f.Add("America/Santiago", "00:00-24:00", "23:30-00:30", "2026-09-06", int64(1_788_566_400))
	f.Add("Pacific/Apia", "20:00-20:00", "01:00-02:00", "29.02", int64(1_325_203_200)) // a date that did not exist
	f.Fuzz(func(t *testing.T, zone, first, second, date string, from int64) {
		line := allWeek(zone, openlines.Interval(first))
		line.Week.Sun = append(line.Week.Sun[:1:1], openlines.Interval(second))
		line.Holidays = []string{date}
		// From 1980 on all offsets are whole minutes, which is the oracle's step.
		start := time.Unix(floorTo(from, 24*60*60), 0).UTC()
		if _, err := openlines.NewSchedule(line); err != nil || start.Year() < 1980 || start.Year() > 2200 {
			return
		}
		requireOracleDays(t, line, start, 2)
	})
}

func floorTo(n, step int64) int64 { return n - n%step }
