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

// MaxSessions bounds the sessions of one report.
const MaxSessions = 100_000

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
	facts, err := s.facts(ctx, q)
	if err != nil {
		return Statistics{}, err
	}
	filter := openlines.Filter{From: q.From, To: q.To, Line: q.Line, Channel: q.Channel, Operator: q.Operator}
	out := Statistics{TimeZone: q.Zone.String(), By: q.By, Total: figuresOf(openlines.MakeReport(facts, filter, now))}
	out.From, out.To = bound(q.From), bound(q.To)
	if q.By == ByOperator {
		out.Groups = byOperator(facts, filter, now)
	} else if q.By != "" {
		out.Groups = grouped(facts, filter, now, keyOf(q.By, q.Zone))
	}
	return out, nil
}

// bound leaves out an open end.
func bound(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// facts reads the sessions page by page.
func (s *Service) facts(ctx context.Context, q Query) (all []openlines.SessionFacts, err error) {
	for p := (store.Page{Limit: pageOfSessions}); ; {
		some, next, err := s.pageOf(ctx, q, p)
		if err != nil {
			return nil, err
		}
		for _, f := range some {
			if q.Channel == 0 || f.Channel == q.Channel {
				all = append(all, f)
			}
		}
		if len(all) > MaxSessions {
			return nil, &Error{Kind: Invalid, Text: fmt.Sprintf("there are more than %d sessions in that time; choose a shorter one", MaxSessions)}
		}
		if p.After = next; next == "" {
			return all, nil
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

func grouped(facts []openlines.SessionFacts, filter openlines.Filter, now time.Time, key func(openlines.SessionFacts) string) (groups []Group) {
	parts := map[string][]openlines.SessionFacts{}
	for _, f := range facts {
		parts[key(f)] = append(parts[key(f)], f)
	}
	for name, part := range parts {
		report := openlines.MakeReport(part, filter, now)
		if report.Started > 0 {
			groups = append(groups, Group{Key: name, Figures: figuresOf(report)})
		}
	}
	slices.SortFunc(groups, byKey)
	return groups
}

// byOperator makes a report for each employee who took part: replies, votes and
// handling in it are his only.
func byOperator(facts []openlines.SessionFacts, filter openlines.Filter, now time.Time) (groups []Group) {
	parts := map[openlines.UserID][]openlines.SessionFacts{}
	for _, f := range facts {
		for _, o := range f.Operators {
			parts[o.User] = append(parts[o.User], f)
		}
	}
	for user, part := range parts {
		if filter.Operator != 0 && filter.Operator != user {
			continue
		}
		one := filter
		one.Operator = user
		if report := openlines.MakeReport(part, one, now); report.Started > 0 {
			groups = append(groups, Group{Key: strconv.FormatInt(int64(user), 10), Figures: figuresOf(report)})
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
