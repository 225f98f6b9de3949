package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/lines"
	"puente/openlines"
	"puente/store"
)

// LineInput names an open line of a portal.
type LineInput struct {
	PortalInput
	Line string `path:"line" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"slug of the line"`
}

type getLineInput struct {
	LineInput
	Version int `query:"version" minimum:"0" doc:"an earlier version; 0 = the newest"`
}

type putLineInput struct {
	LineInput
	ChangeInput
	RawBody []byte `contentType:"application/json"`
}

type validateLineInput struct {
	PortalInput
	Line    string `query:"line" pattern:"^[a-z0-9][a-z0-9_-]{0,62}$" doc:"slug of the line; none = a new one"`
	RawBody []byte `contentType:"application/json"`
}

type lineVersionsInput struct {
	LineInput
	PageInput
}

type lineHoursInput struct {
	LineInput
	Date string `query:"date" format:"date" doc:"the first date, in the zone of the line; none = today"`
	Days int    `query:"days" minimum:"1" maximum:"62" default:"7" doc:"how many dates"`
}

// Line is an open line with its settings.
type Line struct {
	ID        string             `json:"id" doc:"slug"`
	Version   int                `json:"version"`
	OpenNow   bool               `json:"open_now" doc:"by its hours"`
	Settings  openlines.Settings `json:"settings"`
	UpdatedAt *time.Time         `json:"updated_at,omitempty"`
	Warnings  []string           `json:"warnings,omitempty" doc:"what could not be checked"`
}

// lineAnswer is a line with its version as ETag.
type lineAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Line
}

// LineCheck is what is wrong with settings of a line.
type LineCheck struct {
	Valid    bool          `json:"valid"`
	Problems []LineProblem `json:"problems"`
	Warnings []string      `json:"warnings,omitempty" doc:"what could not be checked"`
}

// LineProblem is one thing that is wrong.
type LineProblem struct {
	Field   string `json:"field" doc:"JSON path; none = the document as a whole"`
	Message string `json:"message"`
}

// LinePreview is what the desk would decide now.
type LinePreview struct {
	Sentence string           `json:"sentence"`
	Offered  []int64          `json:"offered" doc:"Bitrix24 users who would get it; several only in mode all"`
	Why      string           `json:"why"`
	LeftOut  []LinePreviewOut `json:"left_out" doc:"members who would not get it"`
}

// LinePreviewOut is a member who would get no offer.
type LinePreviewOut struct {
	User     int64      `json:"user"`
	Reason   string     `json:"reason"`
	Presence string     `json:"presence,omitempty" doc:"of one who is off duty"`
	Since    *time.Time `json:"since,omitempty"`
}

var lineGroup = tagged("open lines")

func (s *server) lineRoutes() {
	missing := errorsToo(http.StatusNotFound)
	operation(s, http.MethodGet, "/lines", "list-lines", "The open lines with their settings, by slug", s.listLines, lineGroup)
	operation(s, http.MethodPost, "/lines/validate", "validate-line", "Tell what is wrong with settings of a line, without saving them",
		s.validateLine, lineGroup, errorsToo(http.StatusBadRequest), s.takes(openlines.Settings{}))
	operation(s, http.MethodGet, "/lines/{line}", "get-line", "One open line", s.getLine, lineGroup, missing)
	operation(s, http.MethodPut, "/lines/{line}", "put-line", "Make or change an open line; what is left out has its default",
		s.putLine, lineGroup, s.takes(openlines.Settings{}), errorsToo(
			http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusServiceUnavailable))
	operation(s, http.MethodGet, "/lines/{line}/versions", "list-line-versions", "Who changed the line, when and why", s.lineVersions, lineGroup)
	operation(s, http.MethodGet, "/lines/{line}/preview", "preview-line", "Who would get a chat of this line now, and why",
		s.previewLine, lineGroup, missing, errorsToo(http.StatusConflict, http.StatusServiceUnavailable))
	operation(s, http.MethodGet, "/lines/{line}/hours", "preview-line-hours", "The opening hours on given dates", s.lineHours, lineGroup, missing)
	s.lineSessionRoutes()
	s.lineOperatorRoutes()
	s.lineStatisticsRoutes()
}

// lineFault is why something about open lines was not done.
func (s *server) lineFault(ctx context.Context, err *lines.Error) error {
	switch err.Kind {
	case lines.Invalid:
		return named(err.Text, err.Problems, "body")
	case lines.Conflict, lines.Changed:
		return huma.Error409Conflict(err.Text)
	}
	s.log.WarnContext(ctx, "the desk of open lines was not reached", "what", err.Text, "error", err.Err, "request_id", requestID(ctx))
	return huma.Error503ServiceUnavailable(err.Text)
}

func (s *server) listLines(ctx context.Context, in *PortalInput) (*body[list[Line]], error) {
	all, err := s.Store.Lines(ctx, in.Portal)
	if err != nil {
		return nil, s.fail(ctx, "lines", err)
	}
	return page(all, "", showLine), nil
}

func showLine(l store.Line) Line {
	out := Line{ID: string(l.ID), Version: l.Version, Settings: l.Settings, UpdatedAt: instant(l.UpdatedAt)}
	if schedule, err := openlines.NewSchedule(l.Settings); err == nil {
		out.OpenNow = schedule.Open(time.Now())
	}
	return out
}

func (s *server) getLine(ctx context.Context, in *getLineInput) (*lineAnswer, error) {
	line, err := s.Store.Line(ctx, in.Portal, openlines.LineID(in.Line))
	if err == nil && in.Version != 0 {
		line.Version, line.UpdatedAt = in.Version, time.Time{}
		line.Settings, err = s.Store.LineVersion(ctx, in.Portal, line.ID, in.Version)
	}
	if err != nil {
		return nil, s.fail(ctx, "line, or version of it", err)
	}
	return &lineAnswer{Status: http.StatusOK, ETag: etag(line.Version), Body: showLine(line)}, nil
}

func (s *server) putLine(ctx context.Context, in *putLineInput) (*lineAnswer, error) {
	doc, err := openlines.Parse(in.RawBody)
	if err != nil {
		return nil, unreadable(err, "body")
	}
	ifVersion, err := in.expected()
	if err != nil {
		return nil, err
	}
	saved, err := s.Lines.Save(ctx, lines.Change{
		Portal: in.Portal, Line: openlines.LineID(in.Line), Settings: doc, Author: callerOf(ctx).Actor, Reason: in.Reason, IfVersion: ifVersion,
	})
	var refused *lines.Error
	if errors.As(err, &refused) && refused.Kind == lines.Changed && in.IfMatch != "" {
		return nil, huma.Error412PreconditionFailed(refused.Text)
	}
	if err != nil {
		return nil, s.fail(ctx, "line", err)
	}
	out := &lineAnswer{Status: http.StatusOK, ETag: etag(saved.Version), Body: showLine(saved.Line)}
	if out.Body.Warnings = saved.Warnings; saved.Created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

func (s *server) validateLine(ctx context.Context, in *validateLineInput) (*body[LineCheck], error) {
	doc, err := openlines.Parse(in.RawBody)
	var problems openlines.Problems
	var warnings []string
	switch {
	case errors.As(err, &problems):
	case err != nil:
		return nil, huma.Error400BadRequest(err.Error())
	default:
		if problems, warnings, err = s.Lines.Check(ctx, in.Portal, openlines.LineID(in.Line), doc); err != nil {
			return nil, s.fail(ctx, "lines", err)
		}
	}
	out := LineCheck{Valid: len(problems) == 0, Problems: make([]LineProblem, len(problems)), Warnings: warnings}
	for i, p := range problems {
		out.Problems[i] = LineProblem{Field: p.Field, Message: p.Message}
	}
	return &body[LineCheck]{Body: out}, nil
}

func (s *server) lineVersions(ctx context.Context, in *lineVersionsInput) (*body[list[settingsVersion]], error) {
	rows, next, err := s.Store.LineHistory(ctx, in.Portal, openlines.LineID(in.Line), in.page())
	if err != nil {
		return nil, s.fail(ctx, "page of the versions", err)
	}
	return page(rows, next, func(r store.LineChange) settingsVersion {
		return settingsVersion{Version: r.Version, Author: r.Author, Reason: r.Reason, At: r.CreatedAt}
	}), nil
}

func (s *server) previewLine(ctx context.Context, in *LineInput) (*body[LinePreview], error) {
	line, err := s.Store.Line(ctx, in.Portal, openlines.LineID(in.Line))
	if err != nil {
		return nil, s.fail(ctx, "line", err)
	}
	decision, err := s.Lines.Preview(ctx, in.Portal, line.ID)
	if err != nil {
		return nil, s.fail(ctx, "line", err)
	}
	out := LinePreview{Why: decision.Why, Offered: []int64{}, LeftOut: []LinePreviewOut{}}
	out.Sentence = decision.Sentence(lines.ZoneOf(line.Settings))
	for _, user := range decision.To {
		out.Offered = append(out.Offered, int64(user))
	}
	for _, left := range decision.Left {
		out.LeftOut = append(out.LeftOut, LinePreviewOut{
			User: int64(left.User), Reason: string(left.Reason), Presence: string(left.Presence), Since: instant(left.Since),
		})
	}
	return &body[LinePreview]{Body: out}, nil
}

func (s *server) lineHours(ctx context.Context, in *lineHoursInput) (*body[lines.Hours], error) {
	line, err := s.Store.Line(ctx, in.Portal, openlines.LineID(in.Line))
	if err != nil {
		return nil, s.fail(ctx, "line", err)
	}
	first := time.Now().In(lines.ZoneOf(line.Settings))
	if in.Date != "" {
		if first, err = time.Parse(time.DateOnly, in.Date); err != nil {
			return nil, huma.Error422UnprocessableEntity("the date is not valid", &huma.ErrorDetail{Location: "query.date", Message: err.Error()})
		}
	}
	hours, err := lines.HoursOf(line.Settings, first, in.Days)
	if err != nil {
		return nil, s.fail(ctx, "line", err)
	}
	return &body[lines.Hours]{Body: hours}, nil
}
