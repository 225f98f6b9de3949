package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/lines"
	"puente/openlines"
)

type statisticsInput struct {
	PortalInput
	From     string `query:"from" required:"true" maxLength:"40" doc:"sessions that began then or later: a date, or an instant as in RFC 3339"`
	To       string `query:"to" maxLength:"40" doc:"and before then; none = until now"`
	Line     string `query:"line" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"its zone rules dates; without it the zone of the portal"`
	Channel  int64  `query:"channel" minimum:"1" doc:"Chat2Desk channel"`
	Operator int64  `query:"operator" minimum:"1" doc:"Bitrix24 user who took part; replies, votes and handling are his only"`
	By       string `query:"by" enum:"line,channel,operator,day,week,month" doc:"split the figures up as well"`
	Source   string `query:"source" enum:"kept,log" default:"kept" doc:"log: compute all anew from the log, as far as it is kept"`
	Format   string `query:"format" enum:"json,csv" default:"json"`
}

// statisticsAnswer is JSON or CSV.
type statisticsAnswer struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

const (
	csvType = "text/csv"
	csvFile = `attachment; filename="statistics.csv"`
)

func (s *server) lineStatisticsRoutes() {
	operation(s, http.MethodGet, "/statistics", "line-statistics", "Figures of open lines over sessions that began in a time", s.statistics,
		lineGroup, func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
				jsonType: {Schema: s.schema(lines.Statistics{})}, csvType: {Schema: &huma.Schema{Type: huma.TypeString}},
			}}}
		})
}

func (s *server) statistics(ctx context.Context, in *statisticsInput) (*statisticsAnswer, error) {
	query, err := s.statisticsQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	figures, err := s.Lines.Statistics(ctx, query, time.Now())
	if err != nil {
		return nil, s.fail(ctx, "statistics", err)
	}
	var out bytes.Buffer
	if in.Format == "csv" {
		err = figures.WriteCSV(&out)
		return &statisticsAnswer{ContentType: csvType + "; charset=utf-8", Disposition: csvFile, Body: out.Bytes()}, err
	}
	err = json.NewEncoder(&out).Encode(figures)
	return &statisticsAnswer{ContentType: jsonType, Body: out.Bytes()}, err
}

func (s *server) statisticsQuery(ctx context.Context, in *statisticsInput) (lines.Query, error) {
	q := lines.Query{
		Portal: in.Portal, Line: openlines.LineID(in.Line), Channel: in.Channel, Operator: openlines.UserID(in.Operator),
		By: in.By, FromLog: in.Source == "log",
	}
	var err error
	if q.Zone, err = s.Lines.Zone(ctx, in.Portal, q.Line); err != nil {
		return q, s.fail(ctx, "line", err)
	}
	if q.From, err = boundary("query.from", in.From, q.Zone); err != nil {
		return q, err
	}
	if in.To != "" {
		q.To, err = boundary("query.to", in.To, q.Zone)
	}
	return q, err
}

// boundary reads one end of a period.
func boundary(field, text string, zone *time.Location) (time.Time, error) {
	at, err := lines.ParseTime(text, zone)
	if err != nil {
		return at, huma.Error422UnprocessableEntity("the period is not valid", &huma.ErrorDetail{Location: field, Message: err.Error()})
	}
	return at, nil
}
