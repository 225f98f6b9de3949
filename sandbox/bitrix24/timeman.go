package bitrix24

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Statuses of a work day as timeman.status answers them.
const (
	dayOpened  = "OPENED"
	dayPaused  = "PAUSED"
	dayClosed  = "CLOSED"
	dayExpired = "EXPIRED" // opened before today and not closed
)

// workDay is the last work day of a user. Start and Finish are stored moments;
// Finish is "" while the day is not over.
type workDay struct {
	Start, Finish string
	Paused        bool
}

// timemanMethods tell whether somebody is at work. Days are changed by
// PUT /sandbox/workday only: timeman.open and its like are absent.
func timemanMethods() []method {
	return []method{{name: "timeman.status", scope: "timeman", run: (*call).timemanStatus}}
}

// workStatus is the status of a user's day; a user who never opened one has it closed.
func (p *Portal) workStatus(u *user) string {
	switch {
	case u.Day == nil || u.Day.Finish != "":
		return dayClosed
	case p.when(u.Day.Start)[:len(storedDate)] < p.when(p.stamp())[:len(storedDate)]:
		return dayExpired
	case u.Day.Paused:
		return dayPaused
	default:
		return dayOpened
	}
}

// timemanStatus shows the caller's day, or that of USER_ID. Only
// administrators see the days of others: the docs ask for the right to manage
// them (api-reference/timeman/base).
func (c *call) timemanStatus() (any, error) {
	id := c.who.user
	if v, ok := c.param("USER_ID"); ok && !empty(v) {
		id = toID(v)
	}
	u, ok := c.p.state.users.get(id)
	if !ok {
		return nil, legacy("User not found")
	}
	if id != c.who.user && !c.caller().Admin {
		return nil, errDenied
	}
	return c.p.dayRow(u), nil
}

// dayRow is a work day without breaks and places, which nobody records here.
func (p *Portal) dayRow(u *user) *dict {
	day := u.Day
	if day == nil {
		day = &workDay{}
	}
	_, offset := p.clock.Now().In(p.zone).Zone()
	row := newDict(
		"STATUS", p.workStatus(u), "TIME_START", emptyNil(p.shown(day.Start)), "TIME_FINISH", emptyNil(p.shown(day.Finish)),
		"DURATION", day.duration(), "TIME_LEAKS", "00:00:00", "ACTIVE", true, "IP_OPEN", "", "IP_CLOSE", "", "LAT_OPEN", 0, "LON_OPEN", 0,
		"LAT_CLOSE", 0, "LON_CLOSE", 0, "TZ_OFFSET", offset,
	)
	if p.workStatus(u) == dayExpired {
		start, _ := time.Parse(storedMoment, day.Start) // written by SetWorkDay
		row.set("TIME_FINISH_DEFAULT", p.shown(start.Add(9*time.Hour).Format(storedMoment)))
	}
	return row
}

// duration is the length of a finished day as HH:MM:SS.
func (d *workDay) duration() string {
	start, err := time.Parse(storedMoment, d.Start)
	finish, errFinish := time.Parse(storedMoment, d.Finish)
	if err != nil || errFinish != nil {
		return "00:00:00"
	}
	n := int(finish.Sub(start).Seconds())
	return fmt.Sprintf("%02d:%02d:%02d", n/3600, n/60%60, n%60)
}

// SetWorkDay puts a user's work day into a status: OPENED, PAUSED, CLOSED or
// EXPIRED, in any case. An opened day starts now unless one is already open; an
// expired one started yesterday. It fails on an unknown user or status.
func (p *Portal) SetWorkDay(userID int, status string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.state.users.get(userID)
	if !ok {
		return fmt.Errorf("there is no user %d", userID)
	}
	next := *u
	now, day := p.stamp(), workDay{Start: p.stamp()}
	if old := p.workStatus(u); old == dayOpened || old == dayPaused {
		day.Start = u.Day.Start
	}
	switch strings.ToUpper(status) {
	case dayOpened:
	case dayPaused:
		day.Paused = true
	case dayClosed:
		day.Finish = now
	case dayExpired:
		day.Start = p.clock.Now().UTC().Add(-24 * time.Hour).Format(storedMoment)
	default:
		return fmt.Errorf("status must be opened, paused, closed or expired, not %q", status)
	}
	next.Day = &day
	p.state.users.put(userID, &next)
	return nil
}

func (p *Portal) controlWorkDay(w http.ResponseWriter, r *http.Request) {
	var d struct {
		User   int    `json:"user_id"`
		Status string `json:"status"`
	}
	if !control(w, r, &d) {
		return
	}
	if err := p.SetWorkDay(d.User, d.Status); err != nil {
		refuseControl(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
