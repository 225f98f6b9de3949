package openlines_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// problemsOf validates the line of the scenarios after a change.
func problemsOf(t *testing.T, change func(*openlines.Settings)) []string {
	t.Helper()
	s := madrid()
	require.Empty(t, openlines.Validate(s, today), "only the change is wrong")
	change(&s)
	var out []string
	for _, problem := range openlines.Validate(s, today) {
		out = append(out, problem.String())
	}
	return out
}

func TestRangesOfALine(t *testing.T) {
	t.Parallel()
	number := func(name string, value int) openlines.Settings {
		s, err := openlines.Parse(fmt.Appendf(nil, "name: Support\nauto_close_time: 43200\n%s: %d", name, value))
		require.NoError(t, err)
		return s
	}
	for name, limits := range map[string][2]int{
		"pass_time": {1, 30}, "max_passes": {1, 20}, "member_limit": {0, 1000}, "max_pending_offers": {1, 100},
		"sticky_hours": {0, 720}, "offline_return_time": {0, 60}, "priority": {0, 9}, "aging_time": {5, 600},
		"unanswered_time": {0, 720}, "auto_text_max_age": {1, 120}, "grace_time": {0, 60}, "vote_window": {1, 168},
		"sla_first_reply": {0, 1440}, "sla_next_reply": {0, 1440}, "auto_close_warning": {0, 43199},
	} {
		require.Empty(t, openlines.Validate(number(name, limits[0]), today), name)
		require.Empty(t, openlines.Validate(number(name, limits[1]), today), name)
		for _, wrong := range []int{limits[0] - 1, limits[1] + 1} {
			problems := openlines.Validate(number(name, wrong), today)
			require.Len(t, problems, 1, "%s = %d", name, wrong)
			require.Equal(t, name, problems[0].Field)
			require.Contains(t, problems[0].Message, fmt.Sprintf("not %d", wrong))
		}
	}
}

func TestWordsOfALine(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"mode", "answered_by", "limit_counts", "unanswered_rule", "offhours_rule", "offhours_routing", "welcome_rule",
		"close_rule", "auto_close_rule", "crm_forward_pass", "crm_create",
	} {
		s, err := openlines.Parse([]byte("name: Support\n" + name + ": nonsense"))
		require.NoError(t, err)
		problems := openlines.Validate(s, today)
		require.Len(t, problems, 1, name)
		require.Equal(t, name, problems[0].Field)
		require.Contains(t, problems[0].Message, `not "nonsense"`)
	}
}

func TestWhatIsWrongWithALine(t *testing.T) {
	t.Parallel()
	type line = openlines.Settings
	tests := map[string]struct {
		change  func(*line)
		problem string
	}{
		"no name":                  {func(s *line) { s.Name = "" }, "name: must have from 1 to 100 characters"},
		"a name of blanks":         {func(s *line) { s.Name = "  " }, "name: must have from 1 to 100 characters"},
		"a long name":              {func(s *line) { s.Name = strings.Repeat("ñ", 101) }, "it has 101"},
		"a channel twice":          {func(s *line) { s.Channels = []int64{7, 7} }, "channels[1]: 7 stands in the list twice"},
		"no channel":               {func(s *line) { s.Channels = []int64{0} }, "channels[0]: must be a positive id, not 0"},
		"no language":              {func(s *line) { s.Language = "" }, "language: "},
		"a language in words":      {func(s *line) { s.Language = "in Spanish" }, `language: "in Spanish" is no language tag`},
		"no zone":                  {func(s *line) { s.TimeZone = "" }, `timezone: unknown time zone ""`},
		"the zone of the machine":  {func(s *line) { s.TimeZone = "Local" }, `timezone: unknown time zone "Local"`},
		"an unknown zone":          {func(s *line) { s.TimeZone = "Madrid" }, `timezone: unknown time zone "Madrid"`},
		"a member who is nobody":   {func(s *line) { s.Members = []openlines.Member{{}} }, "members[0]: either user or department must be set"},
		"a member who is two":      {func(s *line) { s.Members = []openlines.Member{{User: 1, Department: 1}} }, "members[0]: either user or department must be set"},
		"a negative member":        {func(s *line) { s.Members = []openlines.Member{{User: -4}} }, "members[0]: an id must be positive, not -4"},
		"a member twice":           {func(s *line) { s.Members = []openlines.Member{{User: 1}, {Department: 1}, {User: 1}} }, "members[2]: stands in the list twice"},
		"a short auto-close":       {func(s *line) { s.AutoCloseTime = 9 }, "auto_close_time: must be 0 or from 10 to 43200, not 9"},
		"a long auto-close":        {func(s *line) { s.AutoCloseTime = 43201 }, "auto_close_time: must be 0 or from 10 to 43200, not 43201"},
		"a warning of nothing":     {func(s *line) { s.AutoCloseWarning = 5 }, "auto_close_warning: must be 0 while auto_close_time is 0, not 5"},
		"a warning at the close":   {func(s *line) { s.AutoCloseTime, s.AutoCloseWarning = 60, 60 }, "auto_close_warning: must be less than auto_close_time, 60, not 60"},
		"an SLA contact twice":     {func(s *line) { s.SLANotify = []int64{3, 3} }, "sla_notify[1]: 3 stands in the list twice"},
		"an unknown text":          {func(s *line) { s.Texts = map[openlines.TextID]string{"goodbye": "x"} }, "texts.goodbye: unknown text; known: welcome, offhours,"},
		"a long text":              {func(s *line) { s.Texts = map[openlines.TextID]string{"close": strings.Repeat("я", 2001)} }, "texts.close: must have from 1 to 2000 characters"},
		"a blank text":             {func(s *line) { s.Texts = map[openlines.TextID]string{"close": "\n"} }, "texts.close: must have from 1 to 2000 characters and not only blanks; it has 1"},
		"a text in another coding": {func(s *line) { s.Texts = map[openlines.TextID]string{"close": "\xff"} }, "texts.close: is not valid UTF-8"},
		"a vote word twice":        {func(s *line) { s.VoteGood = []string{"Good", "good!"} }, `vote_good[1]: "good!" is the same as vote_good[0]`},
		"a vote word in both":      {func(s *line) { s.VoteGood, s.VoteBad = []string{"sí"}, []string{"SÍ."} }, `vote_bad[0]: "SÍ." is the same as vote_good[0]`},
		"a vote word of signs":     {func(s *line) { s.VoteBad = []string{" ?!"} }, `vote_bad[0]: " ?!" has nothing but blanks and punctuation`},
		"digits the wrong way":     {func(s *line) { s.VoteGood, s.VoteBad = []string{"0"}, nil }, `vote_good[0]: "0" always means bad`},
		"thumbs the wrong way":     {func(s *line) { s.VoteBad = []string{"👍🏽"} }, `vote_bad[0]: "👍🏽" always means good`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, test.change)
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], test.problem)
		})
	}
}

func TestWhatIsRightWithALine(t *testing.T) {
	t.Parallel()
	type line = openlines.Settings
	for name, change := range map[string]func(*line){
		"a text that is switched off":           func(s *line) { s.Texts = map[openlines.TextID]string{"welcome": ""} },
		"a text of 2000 letters of two bytes":   func(s *line) { s.Texts = map[openlines.TextID]string{"close": strings.Repeat("я", 2000)} },
		"a user and a department with one id":   func(s *line) { s.Members = []openlines.Member{{User: 1}, {Department: 1}} },
		"no members, no vote words, no channel": func(s *line) { s.Members, s.VoteGood, s.VoteBad = nil, nil, nil },
		"the shortest and the longest auto-close": func(s *line) {
			s.AutoCloseTime, s.AutoCloseWarning = 10, 9
		},
		"hours that touch": func(s *line) { s.Week.Mon = []openlines.Interval{"09:00-12:00", "12:00-18:00"} },
		"a night before a day off that has hours": func(s *line) {
			s.Week.Fri, s.Week.Sat = []openlines.Interval{"22:00-06:00"}, []openlines.Interval{"00:00-24:00"}
		},
		"no open time while hours are off": func(s *line) { s.HoursEnabled, s.Week = false, openlines.Week{} },
		"a special day is all the hours": func(s *line) {
			s.Week, s.SpecialDays = openlines.Week{}, map[string][]openlines.Interval{"2026-12-24": {"09:00-10:00"}}
		},
	} {
		require.Empty(t, problemsOf(t, change), name)
	}
}

func TestWhatIsWrongWithHours(t *testing.T) {
	t.Parallel()
	type line = openlines.Settings
	type hours = []openlines.Interval
	special := func(date string, intervals ...openlines.Interval) func(*line) {
		return func(s *line) { s.SpecialDays = map[string][]openlines.Interval{date: intervals} }
	}
	tests := map[string]struct {
		change  func(*line)
		problem string
	}{
		"no interval":        {func(s *line) { s.Week.Mon = hours{"9-18"} }, `week.mon[0]: "9-18" is no interval; write it as 09:00-18:00`},
		"one digit":          {func(s *line) { s.Week.Mon = hours{"9:00-18:00"} }, `week.mon[0]: "9:00-18:00" is no interval`},
		"24:00 at the start": {func(s *line) { s.Week.Mon = hours{"24:00-06:00"} }, `week.mon[0]: "24:00-06:00" is no interval`},
		"after 24:00":        {func(s *line) { s.Week.Mon = hours{"09:00-24:01"} }, `week.mon[0]: "09:00-24:01" is no interval`},
		"seven intervals": {func(s *line) {
			s.Week.Tue = hours{"01:00-02:00", "03:00-04:00", "05:00-06:00", "07:00-08:00", "09:00-10:00", "11:00-12:00", "13:00-14:00"}
		}, "week.tue: may have at most 6 intervals, not 7"},
		"overlap on a day":             {func(s *line) { s.Week.Tue = hours{"09:00-14:00", "13:59-15:00"} }, "week.tue[1]: 13:59-15:00 overlaps 09:00-14:00"},
		"overlap with a night":         {func(s *line) { s.Week.Tue = hours{"22:00-06:00", "23:00-24:00"} }, "week.tue[1]: 23:00-24:00 overlaps 22:00-06:00"},
		"overlap with tomorrow":        {func(s *line) { s.Week.Tue = hours{"22:00-09:01"} }, "week.tue: runs past midnight into the hours of wed"},
		"overlap over the weekend":     {func(s *line) { s.DaysOff, s.Week.Sun = nil, hours{"20:00-10:00"} }, "week.sun: runs past midnight into the hours of mon"},
		"an unknown day off":           {func(s *line) { s.DaysOff = []openlines.Day{"sunday"} }, `days_off[0]: must be one of mon, tue, wed, thu, fri, sat, sun; not "sunday"`},
		"a day off twice":              {func(s *line) { s.DaysOff = []openlines.Day{"sun", "sun"} }, "days_off[1]: sun stands in the list twice"},
		"a holiday that never is":      {func(s *line) { s.Holidays = []string{"30.02"} }, `holidays[0]: "30.02" is no date`},
		"a holiday in another form":    {func(s *line) { s.Holidays = []string{"1.1"} }, `holidays[0]: "1.1" is no date`},
		"29 February of a common year": {func(s *line) { s.Holidays = []string{"2027-02-29"} }, `holidays[0]: "2027-02-29" is no date`},
		"a holiday twice":              {func(s *line) { s.Holidays = []string{"25.12", "25.12"} }, "holidays[1]: 25.12 stands in the list twice"},
		"a yearly special day":         {special("24.12"), `special_days.24.12: "24.12" is no date; write it as 2026-12-24`},
		"a special day overlaps":       {special("2026-12-24", "09:00-10:00", "09:30-11:00"), "special_days.2026-12-24[1]: 09:30-11:00 overlaps 09:00-10:00"},
		"a special night":              {special("2026-11-23", "20:00-09:30"), "special_days.2026-11-23: runs past midnight into the hours of the next date"},
		"a night before a special day": {func(s *line) { s.Week.Mon = hours{"20:00-08:00"}; special("2026-11-24", "07:00-08:00")(s) }, "special_days.2026-11-24: begins before the hours of the date before have ended"},
		"never open":                   {func(s *line) { s.Week = openlines.Week{} }, "week: the line would not open within the next 366 days"},
		"only days off":                {func(s *line) { s.DaysOff = openlines.Days() }, "week: the line would not open within the next 366 days"},
		"special days that are over":   {func(s *line) { s.Week = openlines.Week{}; special("2026-11-19", "09:00-10:00")(s) }, "week: the line would not open"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, test.change)
			require.Len(t, problems, 1)
			require.Contains(t, problems[0], test.problem)
		})
	}
}

func TestTwoSpecialNightsAreReportedOnce(t *testing.T) {
	t.Parallel()
	problems := problemsOf(t, func(s *openlines.Settings) {
		s.SpecialDays = map[string][]openlines.Interval{"2026-12-05": {"20:00-10:00"}, "2026-12-06": {"09:00-12:00"}}
	})
	require.Equal(t, []string{"special_days.2026-12-05: runs past midnight into the hours of the next date"}, problems)
}

func TestOpenTimeIsJudgedFromNow(t *testing.T) {
	t.Parallel()
	s := madrid()
	s.Week = openlines.Week{}
	s.SpecialDays = map[string][]openlines.Interval{"2028-01-10": {"09:00-10:00"}}
	require.Len(t, openlines.Validate(s, today), 1)
	require.Empty(t, openlines.Validate(s, time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)))
}
