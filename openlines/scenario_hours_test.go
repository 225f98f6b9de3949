package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Scenarios S25 to S35 of the reference: working time.

func TestS25TheWeekend(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("2026-11-21 10:00").client("x").at("2026-11-21 11:00").client("x")
	w.is("x", ol.Held, 0).autoTexts("x", "offhours 2026-11-21 10:00")
	w.at("2026-11-23 09:02").reply("x", A).offers("x", "A 2026-11-23 09:00")
	require.Equal(t, 2*time.Minute, w.of("x", ol.FirstReplied)[0].Span.Work)
	require.Equal(t, 47*time.Hour+2*time.Minute, w.of("x", ol.FirstReplied)[0].Span.Calendar)
}

func TestS26AnOfferIsFrozenOverTheWeekend(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("17:58").client("x").at("18:00").presence(A, ol.Offline)
	w.at("2026-11-23 09:00:30").presence(A, ol.Online).holds("x", "A 2026-11-23 09:03")
	w.at("2026-11-23 09:03").offers("x", "A 17:58", "B 2026-11-23 09:03")
}

func TestS26SixtySecondsOfOpenTimeCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("17:58").client("x").at("18:00").presence(A, ol.Offline)
	w.at("2026-11-23 09:01:00").offers("x", "A 17:58", "B 2026-11-23 09:01")
	require.Equal(t, string(ol.LeftOffDuty), w.of("x", ol.OfferEnded)[0].Reason)
}

func TestS27OverAHoliday(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.PassTime = 3 }).at("2026-12-24 17:59").client("x")
	w.holds("x", "A 2026-12-28 09:02").at("2026-12-28 09:02").holds("x", "B 2026-12-28 09:05")
}

func TestS28TheBoundsOfTheDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("2026-11-23 09:00:00").client("x").is("x", ol.Offered, 0)
	w.at("2026-11-23 18:00:00").client("y").is("y", ol.Held, 0)
}

func TestS29TheLunchBreak(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Week.Fri = []ol.Interval{"09:00-14:00", "16:00-19:00"} })
	w.at("13:58").client("x").holds("x", "A 16:03").at("16:03").offers("x", "A 13:58", "B 16:03")
}

// nights is a line that works at night.
func nights(s *ol.Settings) {
	s.PassTime, s.DaysOff, s.Week = 30, nil, ol.EveryDay("22:00-06:00")
}

func TestS30AMissingHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nights).at("2027-03-28 01:50").client("x")
	w.holds("x", "A 2027-03-28 03:20").at("2027-03-28 03:20").holds("x", "B 2027-03-28 03:50")
}

func TestS31ARepeatedHour(t *testing.T) {
	t.Parallel()
	w := newYear(t, nights).at("2026-10-25T02:50:00+02:00").client("x")
	w.at("2026-10-25T02:19:59+01:00")
	require.Len(t, w.of("x", ol.OfferMade), 1)
	w.at("2026-10-25T02:20:00+01:00")
	require.Len(t, w.of("x", ol.OfferMade), 2)
}

func TestS32MidnightDoesNotExist(t *testing.T) {
	t.Parallel()
	w := newYear(t, func(s *ol.Settings) {
		s.TimeZone, s.DaysOff, s.Week = "America/Santiago", nil, ol.EveryDay("00:00-24:00")
	})
	w.at("2026-09-05 23:58").client("x").holds("x", "A 2026-09-06 01:03").at("2026-09-06 01:03")
	w.offers("x", "A 2026-09-05 23:58", "B 2026-09-06 01:03").at("2026-09-07 00:00")
	require.Empty(t, w.of("x", ol.SessionHeld))
}

func TestS33ASpecialDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) {
		s.PassTime, s.SpecialDays = 3, map[string][]ol.Interval{"2026-12-24": {"09:00-14:00"}}
	})
	w.at("2026-12-24 13:59").client("x").holds("x", "A 2026-12-28 09:02")
}

func TestS34TheNightOfAHoliday(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nights).at("2026-12-25 03:00").client("x").is("x", ol.Offered, 0)
	w.at("2026-12-25 23:00").client("y").is("y", ol.Held, 0)
}

func TestS35TheHoursChangeWhileAClientWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredTime = 60 }).at("17:25").client("x").at("17:30")
	w.settings.Week.Fri = []ol.Interval{"09:00-20:00"}
	w.lineChanged().at("18:24:59")
	require.Empty(t, w.of("x", ol.RuleFired))
	w.at("18:25")
	require.Len(t, w.of("x", ol.RuleFired), 1)
}
