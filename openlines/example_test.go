package openlines_test

import (
	"fmt"
	"time"

	"puente/openlines"
)

// The offer of a Friday evening goes on where it stopped when the line opens.
func ExampleSchedule_Due() {
	line, err := openlines.Parse([]byte(`
name: Support
timezone: Europe/Madrid
hours_enabled: true
holidays: ["25.12"]
`))
	if err != nil {
		panic(err)
	}
	schedule, err := openlines.NewSchedule(line)
	if err != nil {
		panic(err)
	}
	zone, _ := time.LoadLocation(line.TimeZone)
	for _, offered := range []time.Time{
		time.Date(2026, 11, 20, 10, 0, 0, 0, zone),
		time.Date(2026, 11, 20, 17, 58, 0, 0, zone),
		time.Date(2026, 12, 24, 17, 58, 0, 0, zone),
	} {
		due, _ := schedule.Due(offered, line.PassTime.Duration())
		fmt.Println(offered.Format("Mon 2 Jan 15:04"), "→", due.In(zone).Format("Mon 2 Jan 15:04"))
	}
	// Output:
	// Fri 20 Nov 10:00 → Fri 20 Nov 10:05
	// Fri 20 Nov 17:58 → Mon 23 Nov 09:03
	// Thu 24 Dec 17:58 → Mon 28 Dec 09:03
}

// Everything that is wrong is told at once, with its place.
func ExampleValidate() {
	line, err := openlines.Parse([]byte(`
name: Support
timezone: Europe/Atlantis
members: [{user: 301}, {user: 301}]
pass_time: 45
hours_enabled: true
week:
  mon: ["09:00-14:00", "13:30-18:00"]
holidays: ["31.04"]
auto_close_time: 60
auto_close_warning: 60
vote_good: ["yes"]
vote_bad: ["Yes!"]
`))
	if err != nil {
		panic(err)
	}
	for _, problem := range openlines.Validate(line, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)) {
		fmt.Println(problem)
	}
	// Output:
	// timezone: unknown time zone "Europe/Atlantis"; an IANA name like Europe/Madrid is needed
	// members[1]: stands in the list twice
	// pass_time: must be from 1 to 30, not 45
	// week.mon[1]: 13:30-18:00 overlaps 09:00-14:00
	// holidays[0]: "31.04" is no date; write it as 25.12 for each year or as 2026-12-24
	// auto_close_warning: must be less than auto_close_time, 60, not 60
	// vote_bad[0]: "Yes!" is the same as vote_good[0]
}
