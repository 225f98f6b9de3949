package lines_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/lines"
	"puente/openlines"
)

// zones change their clocks at midnight, at one, by half an hour, past the date
// line, or not at all.
var zones = []string{
	"Europe/Madrid", "America/Santiago", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "America/St_Johns", "UTC", "Africa/Cairo",
}

func hoursOf(t require.TestingT, doc openlines.Settings, date string, days int) lines.Hours {
	first, err := time.Parse(time.DateOnly, date)
	require.NoError(t, err)
	hours, err := lines.HoursOf(doc, first, days)
	require.NoError(t, err)
	return hours
}

func TestHoursSayWhichRuleHolds(t *testing.T) {
	t.Parallel()
	doc := openlines.Default()
	doc.TimeZone, doc.HoursEnabled = "Europe/Madrid", true
	doc.Holidays = []string{"25.12", "2026-12-28", "29.02"}
	doc.SpecialDays = map[string][]openlines.Interval{"2026-12-24": {"09:00-14:00"}, "2026-12-26": {}}
	var rules []string
	for _, day := range hoursOf(t, doc, "2026-12-23", 6).Days {
		rules = append(rules, fmt.Sprint(day.Weekday, " ", day.Rule, " ", day.Seconds/3600))
	}
	require.Equal(t, []string{"wed week 9", "thu special_day 5", "fri holiday 0", "sat special_day 0", "sun day_off 0", "mon holiday 0"}, rules)
	require.Equal(t, "week", hoursOf(t, doc, "2027-03-01", 1).Days[0].Rule, "no date stands for a 29 February")
	doc.HoursEnabled = false
	always := hoursOf(t, doc, "2026-12-25", 1).Days[0]
	require.Equal(t, []any{"always", int64(24 * 3600)}, []any{always.Rule, always.Seconds})
	doc.TimeZone, doc.HoursEnabled = "Europe/Atlantis", true
	_, err := lines.HoursOf(doc, time.Now(), 1)
	require.Error(t, err)
}

func TestDatesBeginWhereTheClockSaysSo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		zone, date, begins string
		hours              float64
	}{
		{"America/Santiago", "2026-09-06", "2026-09-06T01:00:00-03:00", 23}, // there is no midnight
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", 25},   // there are two
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", 24.5},
		{"Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", 0}, // there was no such date
	} {
		zone, err := time.LoadLocation(tc.zone)
		require.NoError(t, err)
		begins, err := lines.ParseTime(tc.date, zone)
		require.NoError(t, err)
		require.Equal(t, tc.begins, begins.In(zone).Format(time.RFC3339))
		doc := openlines.Default()
		doc.TimeZone = tc.zone
		require.InDelta(t, tc.hours*3600, hoursOf(t, doc, tc.date, 1).Days[0].Length, 0)
	}
}

// TestHoursOfDatesAddUp compares with the schedule itself: the dates follow each
// other without gaps, and what they say is the working time of the whole.
func TestHoursOfDatesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc := openlines.Default()
		doc.HoursEnabled, doc.DaysOff = true, nil
		doc.TimeZone = rapid.SampledFrom(zones).Draw(t, "zone")
		doc.Week = openlines.EveryDay(rapid.SampledFrom([]openlines.Interval{
			"00:00-24:00", "22:00-06:00", "09:00-18:00", "00:30-02:30", "23:00-24:00",
		}).Draw(t, "interval"))
		date := time.Date(2026, 1, 1+rapid.IntRange(0, 730).Draw(t, "date"), 0, 0, 0, 0, time.UTC)
		zone, err := time.LoadLocation(doc.TimeZone)
		require.NoError(t, err)
		days := hoursOf(t, doc, date.Format(time.DateOnly), 9).Days
		schedule, err := openlines.NewSchedule(doc)
		require.NoError(t, err)
		begin, err := lines.ParseTime(days[0].Date, zone)
		require.NoError(t, err)
		end, err := lines.ParseTime(date.AddDate(0, 0, 9).Format(time.DateOnly), zone)
		require.NoError(t, err)
		var open, length int64
		for _, day := range days {
			open, length = open+day.Seconds, length+day.Length
			for _, o := range day.Open {
				require.True(t, schedule.Open(o.From))
				require.Equal(t, day.Date, o.From.Format(time.DateOnly))
			}
		}
		require.Equal(t, int64(end.Sub(begin).Seconds()), length)
		require.Equal(t, int64(schedule.Between(begin, end).Seconds()), open)
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-11-20")
	f.Add("2026-11-20T09:00:00+01:00")
	f.Add("0000-01-01")
	f.Add("9999-12-31")
	zone, err := time.LoadLocation("America/Santiago")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		at, err := lines.ParseTime(text, zone)
		if err == nil {
			require.Equal(t, time.UTC, at.Location())
		}
	})
}
