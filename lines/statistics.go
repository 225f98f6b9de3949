package lines

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"puente/openlines"
	"puente/store"
)

// The ways statistics can be split up.
const (
	ByLine     = "line"
	ByChannel  = "channel"
	ByOperator = "operator"
	ByDay      = "day"
	ByWeek     = "week"
	ByMonth    = "month"
)

// Splits lists the ways.
func Splits() []string { return []string{ByLine, ByChannel, ByOperator, ByDay, ByWeek, ByMonth} }

// MaxSessions bounds the sessions of one report: their durations are kept until
// it is complete, which takes some hundred megabytes of that many.
const MaxSessions = 1_000_000

// pageOfSessions is how many sessions are read at once.
const pageOfSessions = 500

// Query says what statistics are wanted (openlines reference §9). Zero fields
// choose all.
type Query struct {
	Portal   string
	From, To time.Time // of the start of sessions; To is excluded
	Zone     *time.Location
	Line     openlines.LineID
	Channel  int64
	Operator openlines.UserID
	By       string // "" = one report; else one for each value as well
	// FromLog computes from the log instead of the figures that were kept while
	// it grew. Both are equal, but old parts of the log may be gone.
	FromLog bool
}

// Statistics are reports over sessions.
type Statistics struct {
	From     *time.Time `json:"from,omitempty"`
	To       *time.Time `json:"to,omitempty"`
	TimeZone string     `json:"timezone" doc:"of days, weeks and months"`
	Total    Figures    `json:"total"`
	By       string     `json:"by,omitempty"`
	Groups   []Group    `json:"groups,omitempty"`
}

// Group is the report of one line, channel, operator, day, week or month.
type Group struct {
	Key string `json:"key"`
	Figures
}

// Statistics sums sessions up as of now. Too many sessions are an *Error of the
// kind Invalid; other errors are those of the store.
func (s *Service) Statistics(ctx context.Context, q Query, now time.Time) (Statistics, error) {
	if q.Zone == nil {
		q.Zone = time.UTC
	}
	if q.By != "" && !slices.Contains(Splits(), q.By) {
		return Statistics{}, &Error{Kind: Invalid, Text: "figures can be split up by " + strings.Join(Splits(), ", ")}
	}
	sum := newSums(q)
	if err := s.eachSession(ctx, q, func(f *openlines.SessionFacts) { sum.add(f, now) }); err != nil {
		return Statistics{}, err
	}
	out := Statistics{TimeZone: q.Zone.String(), By: q.By, Total: figuresOf(sum.total.Report()), Groups: sum.list()}
	out.From, out.To = bound(q.From), bound(q.To)
	return out, nil
}

// bound leaves out an open end.
func bound(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// eachSession reads the sessions page by page.
func (s *Service) eachSession(ctx context.Context, q Query, take func(*openlines.SessionFacts)) error {
	n := 0
	for p := (store.Page{Limit: pageOfSessions}); ; {
		some, next, err := s.pageOf(ctx, q, p)
		if err != nil {
			return err
		}
		if n += len(some); n > MaxSessions {
			return &Error{Kind: Invalid, Text: fmt.Sprintf("there are more than %d sessions in that time; choose a shorter one", MaxSessions)}
		}
		for i := range some {
			take(&some[i])
		}
		if p.After = next; next == "" {
			return nil
		}
	}
}

func (s *Service) pageOf(ctx context.Context, q Query, p store.Page) ([]openlines.SessionFacts, string, error) {
	if !q.FromLog {
		return s.Store.SessionFacts(ctx, q.Portal, q.From, q.To, q.Line, p)
	}
	records, next, err := s.Store.RecordsSince(ctx, q.Portal, q.From, q.To, q.Line, p)
	return openlines.Facts(records), next, err
}

// keyOf says to which group a session belongs; a key that sorts as it should.
func keyOf(by string, zone *time.Location) func(f openlines.SessionFacts) string {
	layouts := map[string]string{ByDay: time.DateOnly, ByMonth: "2006-01"}
	return func(f openlines.SessionFacts) string {
		switch by {
		case ByLine:
			return string(f.Line)
		case ByChannel:
			return strconv.FormatInt(f.Channel, 10)
		case ByWeek:
			year, week := f.Started.In(zone).ISOWeek()
			return fmt.Sprintf("%d-W%02d", year, week)
		}
		return f.Started.In(zone).Format(layouts[by])
	}
}

// sums are the reports of a query in the making.
type sums struct {
	by     string
	key    func(openlines.SessionFacts) string
	filter openlines.Filter
	total  *openlines.Reporter
	parts  map[string]*openlines.Reporter
}

func newSums(q Query) *sums {
	filter := openlines.Filter{From: q.From, To: q.To, Line: q.Line, Channel: q.Channel, Operator: q.Operator}
	return &sums{
		by: q.By, key: keyOf(q.By, q.Zone), filter: filter, total: openlines.NewReporter(filter), parts: map[string]*openlines.Reporter{},
	}
}

func (s *sums) add(f *openlines.SessionFacts, now time.Time) {
	s.total.Add(f, now)
	switch s.by {
	case "":
	case ByOperator:
		s.addOperators(f, now)
	default:
		s.part(s.key(*f), s.filter).Add(f, now)
	}
}

// addOperators adds a session to the report of each employee who took part:
// replies, votes and handling in it are his only.
func (s *sums) addOperators(f *openlines.SessionFacts, now time.Time) {
	for _, o := range f.Operators {
		if s.filter.Operator == 0 || s.filter.Operator == o.User {
			one := s.filter
			one.Operator = o.User
			s.part(strconv.FormatInt(int64(o.User), 10), one).Add(f, now)
		}
	}
}

func (s *sums) part(key string, filter openlines.Filter) *openlines.Reporter {
	if s.parts[key] == nil {
		s.parts[key] = openlines.NewReporter(filter)
	}
	return s.parts[key]
}

// list gives the groups that have any session, in order.
func (s *sums) list() (groups []Group) {
	for key, part := range s.parts {
		if report := part.Report(); report.Started > 0 {
			groups = append(groups, Group{Key: key, Figures: figuresOf(report)})
		}
	}
	slices.SortFunc(groups, byKey)
	return groups
}

// byKey orders numbers as numbers.
func byKey(a, b Group) int {
	return cmp.Or(cmp.Compare(len(digits(a.Key)), len(digits(b.Key))), cmp.Compare(a.Key, b.Key))
}

// digits is a key that is a number, else "".
func digits(key string) string {
	if _, err := strconv.ParseInt(key, 10, 64); err != nil {
		return ""
	}
	return key
}
