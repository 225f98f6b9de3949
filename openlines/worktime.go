package openlines

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"puente/internal/strictdoc"
)

// NeverAfter is how long a schedule may be closed without a break: one without
// open time in the next 366 days counts as one that never opens again (§6).
const NeverAfter = 366 * 24 * time.Hour

const daySeconds = 24 * 60 * 60

// Schedule is the opening hours of a line, ready to compute with. Whether it is
// open is decided from the instant to the wall clock, never the other way
// round: hours that a clock change skips contribute nothing, hours that it
// repeats count twice (§6). The zero Schedule is always open, which makes
// working time equal to calendar time. A Schedule is never changed after
// NewSchedule and safe for concurrent use.
type Schedule struct {
	limited bool // false: always open
	zone    *time.Location
	week    [7]dayHours        // by time.Weekday, days off applied
	yearly  map[monthDay]bool  // holidays of each year
	closed  map[int64]bool     // dated holidays, by day number
	special map[int64]dayHours // by day number
}

type monthDay struct {
	month time.Month
	day   int
}

// dayHours is the open time that begins on one date, in wall-clock seconds
// since its midnight.
type dayHours struct {
	parts []span // sorted by start, within the date
	spill int64  // open on the next date until then
}

type span struct{ from, to int64 }

// NewSchedule compiles the opening hours of a line. It wants settings in which
// Validate found no problem; the error names the first value that it cannot use.
func NewSchedule(s Settings) (*Schedule, error) {
	if !s.HoursEnabled {
		return &Schedule{}, nil
	}
	zone, err := loadZone(s.TimeZone)
	if err != nil {
		return nil, err
	}
	out := &Schedule{
		limited: true, zone: zone,
		yearly: map[monthDay]bool{}, closed: map[int64]bool{}, special: map[int64]dayHours{},
	}
	if err := out.setWeek(s); err != nil {
		return nil, err
	}
	if err := out.setHolidays(s.Holidays); err != nil {
		return nil, err
	}
	if err := out.setSpecialDays(s.SpecialDays); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Schedule) setWeek(settings Settings) error {
	for i, day := range Days() {
		if slices.Contains(settings.DaysOff, day) {
			continue
		}
		hours, err := compileHours(settings.Week.On(day))
		if err != nil {
			return fmt.Errorf("week.%s: %w", day, err)
		}
		s.week[(i+1)%7] = hours // Days begins on Monday, time.Weekday on Sunday
	}
	return nil
}

func (s *Schedule) setHolidays(holidays []string) error {
	for _, text := range holidays {
		if date, ok := parseYearly(text); ok {
			s.yearly[date] = true
			continue
		}
		day, err := parseDate(text)
		if err != nil {
			return fmt.Errorf("holidays: %w", err)
		}
		s.closed[day] = true
	}
	return nil
}

func (s *Schedule) setSpecialDays(days map[string][]Interval) error {
	for _, date := range strictdoc.SortedKeys(days) {
		day, err := parseDate(date)
		if err != nil {
			return fmt.Errorf("special_days: %w", err)
		}
		if s.special[day], err = compileHours(days[date]); err != nil {
			return fmt.Errorf("special_days.%s: %w", date, err)
		}
	}
	return nil
}

// compileHours sorts the intervals of a date and cuts them at its midnight.
func compileHours(intervals []Interval) (dayHours, error) {
	var out dayHours
	for _, interval := range intervals {
		from, to, err := interval.bounds()
		if err != nil {
			return dayHours{}, err
		}
		out.parts = append(out.parts, span{from, min(to, daySeconds)})
		out.spill = max(out.spill, to-daySeconds)
	}
	slices.SortFunc(out.parts, func(a, b span) int { return int(a.from - b.from) })
	return out, nil
}

// hours is the open time that begins on a date: what a special day says, else
// none on a holiday, else the week.
func (s *Schedule) hours(day int64) dayHours {
	if hours, ok := s.special[day]; ok {
		return hours
	}
	if s.closed[day] || s.isYearlyHoliday(day) {
		return dayHours{}
	}
	return s.week[weekday(day)]
}

func (s *Schedule) isYearlyHoliday(day int64) bool {
	if len(s.yearly) == 0 {
		return false
	}
	date := time.Unix(day*daySeconds, 0).UTC()
	return s.yearly[monthDay{date.Month(), date.Day()}]
}

// weekday of a day number; day 0, 1 January 1970, was a Thursday.
func weekday(day int64) int64 { return floorMod(day+int64(time.Thursday), 7) }

// stretch is a piece of time, as offsets from where a walk began, in which the
// line is open, or closed, throughout.
type stretch struct {
	begin, end time.Duration
	open       bool
}

// length in elapsed time.
func (s stretch) length() time.Duration { return s.end - s.begin }

// endless is the longest Duration, about 292 years.
const endless = time.Duration(1<<63 - 1)

// walk returns the time from an instant on, cut into stretches that follow each
// other without gaps. Neighbours may have the same state. It does not end
// before endless: the caller stops it.
func (s *Schedule) walk(from time.Time) iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		if !s.limited {
			yield(stretch{0, endless, true})
			return
		}
		w := walker{schedule: s, origin: from, at: from.Unix(), yield: yield}
		for w.at-from.Unix() < int64(endless/time.Second)-2*daySeconds && w.date() {
			continue
		}
	}
}

// walker is the state of one walk. Within one date and one UTC offset the wall
// clock runs evenly, so these are the pieces that it works through.
type walker struct {
	schedule *Schedule
	origin   time.Time
	at       int64 // Unix seconds: everything before has been told
	offset   int64 // of the zone, from UTC, in seconds
	offsetTo int64 // Unix seconds: the offset holds until then
	yield    func(stretch) bool
}

// date tells the rest of the current date, or of the current offset if that
// ends first; false means that nobody listens any more.
func (w *walker) date() bool {
	w.lookUpOffset()
	day := floorDiv(w.at+w.offset, daySeconds)
	midnight := day*daySeconds - w.offset
	until := min(midnight+daySeconds, w.offsetTo)
	spilled := span{0, w.schedule.hours(day - 1).spill}
	if !w.part(spilled, midnight, until) {
		return false
	}
	for _, part := range w.schedule.hours(day).parts {
		if !w.part(part, midnight, until) {
			return false
		}
	}
	return w.tell(until, false)
}

// lookUpOffset asks the zone again where its last answer ends.
func (w *walker) lookUpOffset() {
	if w.at < w.offsetTo {
		return
	}
	local := time.Unix(w.at, 0).In(w.schedule.zone)
	_, offset := local.Zone()
	_, end := local.ZoneBounds()
	w.offset, w.offsetTo = int64(offset), end.Unix()
	if end.IsZero() { // for ever
		w.offsetTo = 1<<63 - 1
	}
}

// part tells one open part of a date, and the closed time before it.
func (w *walker) part(part span, midnight, until int64) bool {
	from, to := min(midnight+part.from, until), min(midnight+part.to, until)
	return w.tell(from, false) && w.tell(to, true)
}

// tell yields the stretch up to an instant, unless it has been told before.
func (w *walker) tell(to int64, open bool) bool {
	if to <= w.at {
		return true
	}
	out := stretch{max(w.sinceOrigin(w.at), 0), w.sinceOrigin(to), open}
	w.at = to
	return w.yield(out)
}

func (w *walker) sinceOrigin(at int64) time.Duration {
	return time.Duration(at-w.origin.Unix())*time.Second - time.Duration(w.origin.Nanosecond())
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

func floorDiv(a, b int64) int64 { return (a - floorMod(a, b)) / b }
