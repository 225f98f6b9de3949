package openlines

import (
	"slices"
	"time"
)

// Filter chooses the sessions of a report. Zero values choose all.
type Filter struct {
	From, To time.Time // of the start of the session; To is excluded
	Line     LineID
	Channel  int64
	Operator UserID // took part: was offered, replied or owned; replies and handling are then his only
}

// Report is the numbers of §9. Open sessions count in Started, Clients,
// OffHours, OpenNow, WaitingNow and LongestWait only.
type Report struct {
	Started     int           `json:"started"`
	Clients     int           `json:"clients"` // different chats
	OffHours    int           `json:"off_hours"`
	OpenNow     int           `json:"open_now"`
	WaitingNow  int           `json:"waiting_now"` // the client waits for a reply
	LongestWait time.Duration `json:"longest_wait"`

	Closed    map[CloseReason]int `json:"closed"`
	Reopened  int                 `json:"reopened"`
	Answered  int                 `json:"answered"`
	Missed    int                 `json:"missed"`
	Fired     int                 `json:"fired"`
	OwnerOff  int                 `json:"owner_off"`
	Leads     int                 `json:"leads"`
	NoContact int                 `json:"no_contact"`
	SLAMet    int                 `json:"sla_met"`
	SLABroken int                 `json:"sla_broken"`
	Votes     Votes               `json:"votes"`
	Passes    int                 `json:"passes"` // of all sessions together

	Accept     Figures `json:"accept"`
	FirstReply Figures `json:"first_reply"`
	NextReply  Figures `json:"next_reply"`
	Duration   Figures `json:"duration"`
	ToClose    Figures `json:"to_close"`
	Handling   Figures `json:"handling"` // per operator and session

	Operators []OperatorReport `json:"operators"` // by user
}

// Votes are ratings.
type Votes struct {
	Asked int `json:"asked"`
	Good  int `json:"good"`
	Bad   int `json:"bad"`
}

// Rate is the share of requests that were answered, 0 to 1.
func (v Votes) Rate() float64 {
	if v.Asked == 0 {
		return 0
	}
	return float64(v.Good+v.Bad) / float64(v.Asked)
}

// OperatorReport is what one operator did. Handling is the sum of all sessions.
type OperatorReport struct {
	OperatorFacts
	Sessions int   `json:"sessions"`
	Votes    Votes `json:"votes"`
}

// Figures describe one duration in working and in calendar time.
type Figures struct {
	Work     Summary `json:"work"`
	Calendar Summary `json:"calendar"`
}

// Summary of durations. The median of an even number is the mean of the middle
// two, P90 the smallest value that at least 90 % do not exceed.
type Summary struct {
	Count  int           `json:"count"`
	Median time.Duration `json:"median"`
	P90    time.Duration `json:"p90"`
	Mean   time.Duration `json:"mean"`
}

// Summarize describes durations, which it sorts.
func Summarize(values []time.Duration) Summary {
	n := len(values)
	if n == 0 {
		return Summary{}
	}
	slices.Sort(values)
	var sum time.Duration
	for _, v := range values {
		sum += v
	}
	return Summary{
		Count:  n,
		Median: (values[(n-1)/2] + values[n/2]) / 2,
		P90:    values[(n*9+9)/10-1],
		Mean:   sum / time.Duration(n),
	}
}

// samples gathers spans.
type samples struct{ work, calendar []time.Duration }

func (s *samples) add(span Span) {
	s.work, s.calendar = append(s.work, span.Work), append(s.calendar, span.Calendar)
}

func (s *samples) figures() Figures { return Figures{Summarize(s.work), Summarize(s.calendar)} }

// Reporter is a report in the making: sessions are added one by one, so that
// many of them need not be in memory at once. It keeps their durations, some
// hundred bytes of each closed session, because medians need them all.
type Reporter struct {
	report                                          Report
	filter                                          Filter
	chats                                           map[ChatID]bool
	accept, first, next, duration, toClose, handled samples
	operators                                       map[UserID]*OperatorReport
}

// NewReporter begins a report of the sessions that a filter chooses.
func NewReporter(filter Filter) *Reporter {
	return &Reporter{
		report: Report{Closed: map[CloseReason]int{}}, filter: filter, chats: map[ChatID]bool{}, operators: map[UserID]*OperatorReport{},
	}
}

// Add sums the facts of one session up as of now, if the filter chooses it.
func (r *Reporter) Add(f *SessionFacts, now time.Time) {
	if r.filter.chooses(f) {
		r.add(f, now)
	}
}

// MakeReport sums the facts of sessions up as of now.
func MakeReport(facts []SessionFacts, filter Filter, now time.Time) Report {
	r := NewReporter(filter)
	for i := range facts {
		r.Add(&facts[i], now)
	}
	return r.Report()
}

// chooses says whether a session belongs to the report.
func (filter Filter) chooses(f *SessionFacts) bool {
	switch {
	case f.Started.IsZero(): // its beginning is not in the log
		return false
	case !filter.From.IsZero() && f.Started.Before(filter.From), !filter.To.IsZero() && !f.Started.Before(filter.To):
		return false
	case filter.Line != "" && f.Line != filter.Line, filter.Channel != 0 && f.Channel != filter.Channel:
		return false
	}
	return filter.Operator == 0 || slices.ContainsFunc(f.Operators, func(o OperatorFacts) bool { return o.User == filter.Operator })
}

// mine says whether something of an operator counts.
func (filter Filter) mine(user UserID) bool { return filter.Operator == 0 || filter.Operator == user }

func (r *Reporter) add(f *SessionFacts, now time.Time) {
	r.report.Started++
	r.chats[f.Chat] = true
	if f.OffHours {
		r.report.OffHours++
	}
	if f.State != Closed {
		r.addOpen(f, now)
		return
	}
	r.addClosed(f)
	r.addDurations(f)
	for _, o := range f.Operators {
		if r.filter.mine(o.User) {
			r.addOperator(o)
		}
	}
	r.addVotes(f)
}

func (r *Reporter) addOpen(f *SessionFacts, now time.Time) {
	r.report.OpenNow++
	if len(f.Unread) == 0 || f.State == Closing {
		return
	}
	r.report.WaitingNow++
	r.report.LongestWait = max(r.report.LongestWait, now.Sub(f.Unread[0].At))
}

func (r *Reporter) addClosed(f *SessionFacts) {
	r.report.Closed[f.Reason]++
	if f.Replied {
		r.report.Answered++
	}
	if f.Missed {
		r.report.Missed++
	}
	r.report.Reopened += f.Reopened
	r.report.Fired += f.Fired
	r.report.OwnerOff += f.OwnerOff
	r.report.Leads += f.Leads
	r.report.NoContact += f.NoContact
	r.report.SLAMet += f.SLAMet
	r.report.SLABroken += f.SLABroken
	r.report.Passes += f.Passes
}

func (r *Reporter) addDurations(f *SessionFacts) {
	if f.Accept != nil {
		r.accept.add(*f.Accept)
	}
	if f.First != nil && r.filter.mine(f.First.By) {
		r.first.add(f.First.Span)
	}
	for _, n := range f.Next {
		if r.filter.mine(n.By) {
			r.next.add(n.Span)
		}
	}
	r.duration.add(f.Lasted)
	r.toClose.add(f.Total)
}

func (r *Reporter) operator(user UserID) *OperatorReport {
	o := r.operators[user]
	if o == nil {
		o = &OperatorReport{OperatorFacts: OperatorFacts{User: user}}
		r.operators[user] = o
	}
	return o
}

func (r *Reporter) addOperator(f OperatorFacts) {
	o := r.operator(f.User)
	o.Sessions++
	o.Offers += f.Offers
	o.Expired += f.Expired
	o.Declined += f.Declined
	o.Answered += f.Answered
	o.In += f.In
	o.Out += f.Out
	if f.Handling != (Span{}) {
		o.Handling = o.Handling.plus(f.Handling)
		r.handled.add(f.Handling)
	}
}

func (r *Reporter) addVotes(f *SessionFacts) {
	if !f.VoteAsked || !r.filter.mine(f.VoteFor) {
		return
	}
	r.report.Votes.count(f.Vote)
	if f.VoteFor != 0 {
		r.operator(f.VoteFor).Votes.count(f.Vote)
	}
}

func (v *Votes) count(vote Vote) {
	v.Asked++
	switch vote {
	case VoteGood:
		v.Good++
	case VoteBad:
		v.Bad++
	}
}

// Report is the report of what was added so far.
func (r *Reporter) Report() Report {
	out := r.report
	out.Clients = len(r.chats)
	out.Accept, out.FirstReply, out.NextReply = r.accept.figures(), r.first.figures(), r.next.figures()
	out.Duration, out.ToClose, out.Handling = r.duration.figures(), r.toClose.figures(), r.handled.figures()
	for _, o := range r.operators {
		out.Operators = append(out.Operators, *o)
	}
	slices.SortFunc(out.Operators, func(a, b OperatorReport) int { return int(a.User - b.User) })
	return out
}
