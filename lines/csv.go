package lines

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"puente/openlines"
)

// closeReasons are the columns of sessions by how they were closed.
var closeReasons = []openlines.CloseReason{
	openlines.ByOperator, openlines.ByOtherEmployee, openlines.ByAutoClose, openlines.ByCRM, openlines.BySpam, openlines.BySystem,
}

// column is one figure of a row.
type column struct {
	name  string
	value func(f *Figures) string
}

// WriteCSV writes a row for each group, and the total as the last one, under a
// header (RFC 4180). The operators within a report have no columns: split up by
// operator to get them as rows.
func (s Statistics) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	columns := csvColumns()
	header := []string{s.By}
	if s.By == "" {
		header[0] = "period"
	}
	for _, c := range columns {
		header = append(header, c.name)
	}
	rows := [][]string{header}
	for _, group := range s.Groups {
		rows = append(rows, csvRow(group.Key, &group.Figures, columns))
	}
	rows = append(rows, csvRow("total", &s.Total, columns))
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func csvRow(key string, f *Figures, columns []column) []string {
	row := []string{key}
	for _, c := range columns {
		row = append(row, c.value(f))
	}
	return row
}

func csvColumns() []column {
	columns := []column{
		count("started", func(f *Figures) int { return f.Started }), count("clients", func(f *Figures) int { return f.Clients }),
		count("off_hours", func(f *Figures) int { return f.OffHours }),
		number("off_hours_share", func(f *Figures) float64 { return f.OffHoursShare }),
		count("open_now", func(f *Figures) int { return f.OpenNow }), count("waiting_now", func(f *Figures) int { return f.WaitingNow }),
		number("longest_wait", func(f *Figures) float64 { return f.LongestWait }), count("closed", func(f *Figures) int { return f.Closed }),
	}
	for _, reason := range closeReasons {
		columns = append(columns, count("closed_by_"+string(reason), func(f *Figures) int { return f.ClosedBy[string(reason)] }))
	}
	columns = append(columns, csvOutcomes()...)
	columns = append(columns, csvOperator()...)
	for _, name := range slices.Sorted(maps.Keys(durationsByName)) {
		columns = append(columns, csvDurations(name, durationsByName[name])...)
	}
	return columns
}

func csvOutcomes() []column {
	return []column{
		count("reopened", func(f *Figures) int { return f.Reopened }), count("answered", func(f *Figures) int { return f.Answered }),
		count("missed", func(f *Figures) int { return f.Missed }), count("unanswered_rule_fired", func(f *Figures) int { return f.Fired }),
		count("returned_after_owner_went_off", func(f *Figures) int { return f.OwnerOff }),
		count("leads_created", func(f *Figures) int { return f.Leads }), count("leads_refused", func(f *Figures) int { return f.NoContact }),
		count("sla_met", func(f *Figures) int { return f.SLAMet }), count("sla_broken", func(f *Figures) int { return f.SLABroken }),
		count("passes", func(f *Figures) int { return f.Passes }), number("passes_per_session", func(f *Figures) float64 { return f.PassesEach }),
		count("votes_requested", func(f *Figures) int { return f.Votes.Requested }),
		count("votes_good", func(f *Figures) int { return f.Votes.Good }), count("votes_bad", func(f *Figures) int { return f.Votes.Bad }),
		number("votes_response_rate", func(f *Figures) float64 { return f.Votes.Rate }),
	}
}

// csvOperator sums what operators did; in a report of one operator it is his.
func csvOperator() []column {
	sum := func(of func(o OperatorFigures) int) func(f *Figures) int {
		return func(f *Figures) (n int) {
			for _, o := range f.Operators {
				n += of(o)
			}
			return n
		}
	}
	return []column{
		count("offers", sum(func(o OperatorFigures) int { return o.Offers })),
		count("offers_expired", sum(func(o OperatorFigures) int { return o.Expired })),
		count("offers_declined", sum(func(o OperatorFigures) int { return o.Declined })),
		count("offers_answered", sum(func(o OperatorFigures) int { return o.Answered })),
		count("transfers_in", sum(func(o OperatorFigures) int { return o.TransfersIn })),
		count("transfers_out", sum(func(o OperatorFigures) int { return o.TransfersOut })),
	}
}

// durationsByName are the durations that have columns.
var durationsByName = map[string]func(f *Figures) Durations{
	"time_to_accept":   func(f *Figures) Durations { return f.Accept },
	"first_reply_time": func(f *Figures) Durations { return f.FirstReply },
	"next_reply_time":  func(f *Figures) Durations { return f.NextReply },
	"duration":         func(f *Figures) Durations { return f.Duration },
	"time_to_close":    func(f *Figures) Durations { return f.TimeToClose },
	"handling_time":    func(f *Figures) Durations { return f.HandlingTime },
}

// csvDurations are the eight columns of one duration, in seconds.
func csvDurations(name string, of func(f *Figures) Durations) (columns []column) {
	for _, base := range []struct {
		name string
		of   func(d Durations) Spread
	}{
		{"working", func(d Durations) Spread { return d.Work }}, {"calendar", func(d Durations) Spread { return d.Calendar }},
	} {
		prefix, spread := name+"_"+base.name+"_", func(f *Figures) Spread { return base.of(of(f)) }
		columns = append(columns,
			count(prefix+"count", func(f *Figures) int { return spread(f).Count }),
			number(prefix+"median", func(f *Figures) float64 { return spread(f).Median }),
			number(prefix+"p90", func(f *Figures) float64 { return spread(f).P90 }),
			number(prefix+"mean", func(f *Figures) float64 { return spread(f).Mean }))
	}
	return columns
}

func count(name string, of func(f *Figures) int) column {
	return column{name, func(f *Figures) string { return strconv.Itoa(of(f)) }}
}

func number(name string, of func(f *Figures) float64) column {
	return column{name, func(f *Figures) string { return strconv.FormatFloat(of(f), 'f', -1, 64) }}
}
