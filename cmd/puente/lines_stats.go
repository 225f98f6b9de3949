package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puente/lines"
	"puente/openlines"
	"puente/service"
)

func (a *app) linesStats(with onPortal) *cobra.Command {
	var q lines.Query
	var from, to, line string
	var operator int64
	var asCSV bool
	c := &cobra.Command{Use: "stats", Short: "Figures over sessions that began in a time", Args: cobra.NoArgs}
	c.RunE = with(func(ctx context.Context, s *service.Service, portal string) (err error) {
		q.Portal, q.Line, q.Operator = portal, openlines.LineID(line), openlines.UserID(operator)
		if q.Zone, err = s.Lines.Zone(ctx, portal, q.Line); err != nil {
			return noLine(line, err)
		}
		if q.From, q.To, err = period(from, to, q.Zone); err != nil {
			return err
		}
		figures, err := s.Lines.Statistics(ctx, q, time.Now())
		switch {
		case err != nil:
			return err
		case asCSV:
			return figures.WriteCSV(a.out)
		case a.json:
			return printJSON(a.out, figures)
		}
		return a.printFigures(figures)
	})
	c.Flags().StringVar(&from, "from", "", "a date or an instant; seven days ago without it")
	c.Flags().StringVar(&to, "to", "", "and before; now without it")
	c.Flags().StringVarP(&line, "line", "l", "", "of this line; its zone rules dates")
	c.Flags().Int64Var(&q.Channel, "channel", 0, "of this Chat2Desk channel")
	c.Flags().Int64Var(&operator, "operator", 0, "in which this Bitrix24 user took part")
	c.Flags().StringVar(&q.By, "by", "", "split up by "+strings.Join(lines.Splits(), ", "))
	c.Flags().BoolVar(&q.FromLog, "from-log", false, "compute anew from the log")
	c.Flags().BoolVar(&asCSV, "csv", false, "all figures as CSV")
	return c
}

// period reads both ends; the beginning is seven days ago if it is not given.
func period(from, to string, zone *time.Location) (begin, end time.Time, err error) {
	if from == "" {
		from = time.Now().In(zone).AddDate(0, 0, -7).Format(time.DateOnly)
	}
	if begin, err = lines.ParseTime(from, zone); err != nil || to == "" {
		return begin, end, err
	}
	end, err = lines.ParseTime(to, zone)
	return begin, end, err
}

// printFigures shows the most important ones; CSV and JSON have all.
func (a *app) printFigures(s lines.Statistics) error {
	row := func(key string, f lines.Figures) []string {
		return []string{
			key, fmt.Sprint(f.Started), fmt.Sprint(f.OpenNow), fmt.Sprint(f.WaitingNow), fmt.Sprint(f.Answered), fmt.Sprint(f.Missed),
			span(f.FirstReply.Calendar.Median), span(f.FirstReply.Calendar.P90),
			fmt.Sprintf("%d/%d of %d", f.Votes.Good, f.Votes.Bad, f.Votes.Requested),
		}
	}
	var rows [][]string
	for _, g := range s.Groups {
		rows = append(rows, row(g.Key, g.Figures))
	}
	rows = append(rows, row("total", s.Total))
	return table(a.out, []string{"", "STARTED", "OPEN", "WAITING", "ANSWERED", "MISSED", "FIRST REPLY", "P90", "VOTES +/-"}, rows)
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}
