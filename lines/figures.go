package lines

import (
	"math"
	"time"

	"puente/openlines"
)

// Figures are the numbers of a report. Durations are seconds. Open sessions
// count in started, clients, off_hours and the waiting figures only.
type Figures struct {
	Started       int     `json:"started"`
	Clients       int     `json:"clients" doc:"different chats"`
	OffHours      int     `json:"off_hours" doc:"began while the line was closed"`
	OffHoursShare float64 `json:"off_hours_share" doc:"of those that began, 0 to 1"`
	OpenNow       int     `json:"open_now"`
	WaitingNow    int     `json:"waiting_now"`
	LongestWait   float64 `json:"longest_wait"`

	Closed       int            `json:"closed"`
	ClosedBy     map[string]int `json:"closed_by" doc:"operator, other_employee, auto, crm, spam, system"`
	Reopened     int            `json:"reopened"`
	Answered     int            `json:"answered" doc:"closed with a reply"`
	Missed       int            `json:"missed" doc:"closed without any, while the client waited"`
	Fired        int            `json:"unanswered_rule_fired"`
	OwnerOff     int            `json:"returned_after_owner_went_off"`
	Leads        int            `json:"leads_created"`
	NoContact    int            `json:"leads_refused"`
	SLAMet       int            `json:"sla_met"`
	SLABroken    int            `json:"sla_broken"`
	Passes       int            `json:"passes"`
	PassesEach   float64        `json:"passes_per_session"`
	Votes        Votes          `json:"votes"`
	Accept       Durations      `json:"time_to_accept"`
	FirstReply   Durations      `json:"first_reply_time"`
	NextReply    Durations      `json:"next_reply_time"`
	Duration     Durations      `json:"duration" doc:"start to last message"`
	TimeToClose  Durations      `json:"time_to_close"`
	HandlingTime Durations      `json:"handling_time" doc:"owned while open, per operator and session"`

	Operators []OperatorFigures `json:"operators"`
}

// Votes are ratings.
type Votes struct {
	Requested int     `json:"requested"`
	Good      int     `json:"good"`
	Bad       int     `json:"bad"`
	Rate      float64 `json:"response_rate" doc:"0 to 1"`
}

// Durations describe how long something took, in working and in calendar time.
type Durations struct {
	Work     Spread `json:"working"`
	Calendar Spread `json:"calendar"`
}

// Spread describes durations in seconds.
type Spread struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P90    float64 `json:"p90"`
	Mean   float64 `json:"mean"`
}

// OperatorFigures is what one operator did in closed sessions.
type OperatorFigures struct {
	User             int64   `json:"user"`
	Sessions         int     `json:"sessions"`
	Offers           int     `json:"offers"`
	Expired          int     `json:"expired"`
	Declined         int     `json:"declined"`
	Answered         int     `json:"answered"`
	TransfersIn      int     `json:"transfers_in"`
	TransfersOut     int     `json:"transfers_out"`
	HandlingWork     float64 `json:"handling_working"`
	HandlingCalendar float64 `json:"handling_calendar"`
	Votes            Votes   `json:"votes"`
}

func figuresOf(r openlines.Report) Figures {
	out := Figures{
		Started: r.Started, Clients: r.Clients, OffHours: r.OffHours, OffHoursShare: share(r.OffHours, r.Started),
		OpenNow: r.OpenNow, WaitingNow: r.WaitingNow, LongestWait: seconds(r.LongestWait),
		ClosedBy: map[string]int{}, Reopened: r.Reopened, Answered: r.Answered, Missed: r.Missed, Fired: r.Fired, OwnerOff: r.OwnerOff,
		Leads: r.Leads, NoContact: r.NoContact, SLAMet: r.SLAMet, SLABroken: r.SLABroken, Passes: r.Passes, Votes: votesOf(r.Votes),
		Accept: durationsOf(r.Accept), FirstReply: durationsOf(r.FirstReply), NextReply: durationsOf(r.NextReply),
		Duration: durationsOf(r.Duration), TimeToClose: durationsOf(r.ToClose), HandlingTime: durationsOf(r.Handling),
		Operators: make([]OperatorFigures, len(r.Operators)),
	}
	for reason, n := range r.Closed {
		out.ClosedBy[string(reason)] = n
		out.Closed += n
	}
	out.PassesEach = share(r.Passes, out.Closed)
	for i, o := range r.Operators {
		out.Operators[i] = OperatorFigures{
			User: int64(o.User), Sessions: o.Sessions, Offers: o.Offers, Expired: o.Expired, Declined: o.Declined, Answered: o.Answered,
			TransfersIn: o.In, TransfersOut: o.Out, Votes: votesOf(o.Votes),
			HandlingWork: seconds(o.Handling.Work), HandlingCalendar: seconds(o.Handling.Calendar),
		}
	}
	return out
}

func votesOf(v openlines.Votes) Votes {
	return Votes{Requested: v.Asked, Good: v.Good, Bad: v.Bad, Rate: round(v.Rate())}
}

func durationsOf(f openlines.Figures) Durations {
	return Durations{Work: spreadOf(f.Work), Calendar: spreadOf(f.Calendar)}
}

func spreadOf(s openlines.Summary) Spread {
	return Spread{Count: s.Count, Median: seconds(s.Median), P90: seconds(s.P90), Mean: seconds(s.Mean)}
}

func seconds(d time.Duration) float64 { return round(d.Seconds()) }

// share is a part of a whole; 0 of nothing.
func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return round(float64(part) / float64(whole))
}

// round to thousandths: the clocks of the desk are that exact.
func round(v float64) float64 { return math.Round(v*1000) / 1000 }
