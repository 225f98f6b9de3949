package lines_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puente/lines"
	"puente/lines/linestest"
	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

// bundle is a service over a store and a desk of its own.
type bundle struct {
	*lines.Service
	store  *store.Store
	desk   *linestest.Desk
	fault  error // of the accounts
	wrong  []openlines.Problem
	expand map[int64][]openlines.UserID
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{store: storetest.Open(t, storetest.SQLiteURL(t))}
	b.desk = &linestest.Desk{Store: b.store}
	b.Service = &lines.Service{Store: b.store, Temporal: b.desk, Loader: b, Validator: b}
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
	return b
}

// LineEvent expands departments as the portal would.
func (b *bundle) LineEvent(_ context.Context, line store.Line) (openlines.Event, error) {
	var fault error
	members := openlines.ExpandMembers(line.Settings.Members, func(id int64) []openlines.UserID {
		fault = b.fault
		return b.expand[id]
	})
	return openlines.Event{Kind: openlines.LineChanged, Line: line.ID, Settings: &line.Settings, Members: members}, fault
}

func (b *bundle) ValidateLine(context.Context, string, openlines.Settings) ([]openlines.Problem, error) {
	return b.wrong, b.fault
}

func support(change func(*openlines.Settings)) lines.Change {
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.Members = "Support", []int64{1}, []openlines.Member{{User: 301}, {User: 302}}
	if change != nil {
		change(&doc)
	}
	return lines.Change{Portal: "demo", Line: "support", Settings: doc, Author: "Ana", Reason: "new"}
}

func (b *bundle) save(t *testing.T, c lines.Change) lines.Saved {
	t.Helper()
	saved, err := b.Save(t.Context(), c)
	require.NoError(t, err)
	return saved
}

func TestSavedLineIsInForce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	saved := b.save(t, support(nil))
	require.Equal(t, []any{1, true}, []any{saved.Version, saved.Created})
	require.Equal(t, []openlines.UserID{301, 302}, b.desk.Events[0].Members)

	again := b.save(t, support(nil))
	require.Equal(t, []any{1, false}, []any{again.Version, again.Created}, "a repetition makes no version")
	require.Len(t, b.desk.Events, 2, "but the desk is told")
	require.Equal(t, 2, b.save(t, support(func(s *openlines.Settings) { s.PassTime = 9 })).Version)
	audit, _, err := b.store.AuditLog(t.Context(), "demo", "line:support", store.Page{})
	require.NoError(t, err)
	require.Len(t, audit, 2)
	require.Equal(t, []string{"Ana", "line.save", "new"}, []string{audit[0].Actor, audit[0].Action, audit[0].Reason})
}

func TestDepartmentsAreExpandedForTheDesk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.expand = map[int64][]openlines.UserID{5: {303, 301, 304}}
	withDepartment := support(func(s *openlines.Settings) { s.Members = append(s.Members, openlines.Member{Department: 5}) })
	b.save(t, withDepartment)
	require.Equal(t, []openlines.UserID{301, 302, 303, 304}, b.desk.Events[0].Members)
}

// kindOf is what went wrong, "" if the error is another one.
func kindOf(err error) lines.Kind {
	var known *lines.Error
	if errors.As(err, &known) {
		return known.Kind
	}
	return ""
}

func TestLineThatCannotBeToldIsSavedAndToldByARepetition(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.desk.Fault = errors.New("temporal is down")
	_, err := b.Save(t.Context(), support(nil))
	require.Equal(t, lines.Unreachable, kindOf(err))
	require.ErrorContains(t, err, "version 1 of the line is saved but not in force yet")
	b.desk.Fault = nil
	require.Equal(t, 1, b.save(t, support(nil)).Version)
	require.Len(t, b.desk.Events, 1)
}

func TestWrongLineIsNotSaved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := support(func(s *openlines.Settings) { s.Channels = []int64{7, 8} })
	other.Line = "sales"
	b.save(t, other)
	cases := map[string]func(*openlines.Settings){
		"pass_time":   func(s *openlines.Settings) { s.PassTime = 0 },
		"channels[1]": func(s *openlines.Settings) { s.Channels = []int64{1, 8} },
		"language":    func(s *openlines.Settings) { s.Language = "de" },
	}
	for field, change := range cases {
		_, err := b.Save(t.Context(), support(change))
		var invalid *lines.Error
		require.ErrorAs(t, err, &invalid)
		require.Equal(t, lines.Invalid, invalid.Kind)
		require.Len(t, invalid.Problems, 1, field)
		require.Equal(t, field, invalid.Problems[0].Field)
	}
	b.wrong = []openlines.Problem{{Field: "members[0].user", Message: "there is no such user"}}
	_, err := b.Save(t.Context(), support(nil))
	require.Equal(t, lines.Invalid, kindOf(err))
	_, err = b.store.Line(t.Context(), "demo", "support")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestLineInAnotherLanguageHasItsOwnTexts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save(t, support(func(s *openlines.Settings) { s.Language = "pt-BR" }))
	b.save(t, support(func(s *openlines.Settings) {
		s.Language, s.Texts = "de", map[openlines.TextID]string{}
		for _, id := range openlines.TextIDs() {
			s.Texts[id] = "Hallo"
		}
	}))
}

func TestAccountsThatDoNotAnswerAreAWarning(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault = errors.New("no answer")
	require.Len(t, b.save(t, support(nil)).Warnings, 1)
}

func TestLineIsNotSavedOverANewerVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save(t, support(nil))
	b.save(t, support(func(s *openlines.Settings) { s.PassTime = 6 }))
	late := support(func(s *openlines.Settings) { s.PassTime = 7 })
	late.IfVersion = 1
	_, err := b.Save(t.Context(), late)
	require.Equal(t, lines.Changed, kindOf(err))
}

func TestDeskEndsWithTheNewestVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.save(t, support(nil))
	b.Temporal = &passing{Desk: b.desk, b: b, t: t}
	saved := b.save(t, support(func(s *openlines.Settings) { s.PassTime = 6 }))
	require.Equal(t, 3, saved.Version, "what is in force")
	last := b.desk.Events[len(b.desk.Events)-1]
	require.Equal(t, openlines.Minutes(7), last.Settings.PassTime)
}

// passing is a desk that hears of version 3 before version 2.
type passing struct {
	*linestest.Desk
	b    *bundle
	t    *testing.T
	once bool
}

func (p *passing) SignalWithStartWorkflow(
	ctx context.Context, id, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	if !p.once {
		p.once = true
		p.b.save(p.t, support(func(s *openlines.Settings) { s.PassTime = 7 }))
	}
	return p.Desk.SignalWithStartWorkflow(ctx, id, signal, arg, o, workflow, args...)
}

func TestOperatorIsToldToTheDesk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	online, yes := openlines.Online, true
	_, err := b.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Presence: &online}, "Ana")
	require.NoError(t, err)
	got, err := b.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{OnLeave: &yes}, "Ana")
	require.NoError(t, err)
	require.Equal(t, &got.Operator, b.desk.Events[1].Operator)
	require.Equal(t, openlines.Operator{ID: 301, Presence: openlines.Online, OnLeave: true}, got.Operator)
	audit, _, err := b.store.AuditLog(t.Context(), "demo", "operator:301", store.Page{})
	require.NoError(t, err)
	require.Len(t, audit, 1, "coming and going is not worth an entry")
	b.desk.Fault = errors.New("temporal is down")
	_, err = b.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Presence: &online}, "Ana")
	require.Equal(t, lines.Unreachable, kindOf(err))
}

func TestPreviewAndActsNeedADesk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Preview(t.Context(), "demo", "support")
	require.Equal(t, lines.Conflict, kindOf(err))
	_, err = b.Act(t.Context(), "demo", lines.Act{Action: "take", Session: 1, By: 301})
	require.Equal(t, lines.Conflict, kindOf(err))
	b.save(t, support(nil))
	_, err = b.Preview(t.Context(), "demo", "sales")
	require.Equal(t, lines.Conflict, kindOf(err))
	decision, err := b.Preview(t.Context(), "demo", "support")
	require.NoError(t, err)
	require.Equal(t, "offered to nobody: nobody is eligible; operator 301 left out: never on duty so far; operator 302 left out: never on duty so far",
		decision.Sentence(time.UTC))
	b.desk.Fault = context.DeadlineExceeded
	_, err = b.Act(t.Context(), "demo", lines.Act{Action: "take", Session: 1, By: 301})
	require.Equal(t, lines.Unreachable, kindOf(err))
}

// someDays runs six sessions of two operators through the desk, two a day.
func (b *bundle) someDays(t *testing.T) {
	t.Helper()
	b.desk.Now = time.Date(2026, 11, 20, 23, 30, 0, 0, time.UTC)
	b.save(t, support(func(s *openlines.Settings) {
		s.CheckOnline, s.CRMCheck, s.GraceTime, s.CloseRule = false, false, 0, openlines.CloseRating
	}))
	step := func(after time.Duration, events ...openlines.Event) {
		b.desk.Now = b.desk.Now.Add(after)
		_, err := b.desk.Step(t.Context(), "demo", events...)
		require.NoError(t, err)
	}
	for i := range openlines.SessionID(6) {
		chat, by := openlines.ChatID(fmt.Sprint("c", i%4)), openlines.UserID(301+i%2)
		message := func() *openlines.Message { return &openlines.Message{ID: store.NewID(), Channel: 1} }
		step(0, openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: message()})
		step(time.Minute, openlines.Event{Kind: openlines.EmployeeMessage, Chat: chat, By: by, Message: message()})
		if i < 5 {
			step(time.Minute, openlines.Event{Kind: openlines.Finish, Session: i + 1, By: by})
		}
		step(12 * time.Hour)
	}
}

func TestStatisticsFromTheLogAreThoseThatWereKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.someDays(t)
	madrid, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	for _, by := range []string{"", lines.ByLine, lines.ByChannel, lines.ByOperator, lines.ByDay, lines.ByWeek, lines.ByMonth} {
		q := lines.Query{Portal: "demo", From: b.desk.Now.AddDate(0, 0, -30), Zone: madrid, By: by}
		kept, err := b.Statistics(t.Context(), q, b.desk.Now)
		require.NoError(t, err)
		q.FromLog = true
		logged, err := b.Statistics(t.Context(), q, b.desk.Now)
		require.NoError(t, err)
		require.Equal(t, logged, kept, by)
		require.Equal(t, []int{6, 4, 5, 5, 1}, []int{kept.Total.Started, kept.Total.Clients, kept.Total.Closed, kept.Total.Answered, kept.Total.OpenNow})
		require.InDelta(t, 60, kept.Total.FirstReply.Calendar.Median, 0.001)
	}
}

func TestStatisticsAreSplitUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.someDays(t)
	madrid, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	for by, want := range map[string][]string{
		lines.ByLine: {"support 6"}, lines.ByChannel: {"1 6"}, lines.ByOperator: {"301 3", "302 3"},
		lines.ByDay:   {"2026-11-21 2", "2026-11-22 2", "2026-11-23 2"}, // 23:30 UTC is the next day in Madrid
		lines.ByWeek:  {"2026-W47 4", "2026-W48 2"},
		lines.ByMonth: {"2026-11 6"},
	} {
		got, err := b.Statistics(t.Context(), lines.Query{Portal: "demo", Zone: madrid, By: by}, b.desk.Now)
		require.NoError(t, err)
		var keys []string
		for _, g := range got.Groups {
			keys = append(keys, fmt.Sprint(g.Key, " ", g.Started))
		}
		require.Equal(t, want, keys, by)
	}
	one, err := b.Statistics(t.Context(), lines.Query{Portal: "demo", Operator: 302, By: lines.ByOperator, Channel: 1}, b.desk.Now)
	require.NoError(t, err)
	require.Len(t, one.Groups, 1)
	require.Equal(t, one.Total, one.Groups[0].Figures)
	none, err := b.Statistics(t.Context(), lines.Query{Portal: "demo", Channel: 9}, b.desk.Now)
	require.NoError(t, err)
	require.Zero(t, none.Total.Started)
}

// endless is a store in which each page of sessions has another one behind it.
type endless struct {
	lines.Store
	pages int
}

func (e *endless) SessionFacts(
	_ context.Context, _ string, _, _ time.Time, _ openlines.LineID, p store.Page,
) ([]openlines.SessionFacts, string, error) {
	e.pages++
	facts := make([]openlines.SessionFacts, p.Limit)
	for i := range facts {
		facts[i] = openlines.SessionFacts{Started: time.Unix(1, 0), State: openlines.Closed, Chat: "7-12"}
	}
	return facts, "more", nil
}

func TestReportOfTooManySessionsIsRefused(t *testing.T) {
	t.Parallel()
	e := &endless{}
	_, err := (&lines.Service{Store: e}).Statistics(t.Context(), lines.Query{Portal: "demo"}, time.Now())
	require.Equal(t, lines.Invalid, kindOf(err))
	require.ErrorContains(t, err, "more than 1000000 sessions")
	require.Equal(t, 2001, e.pages)
}

func TestStatisticsAsCSVHaveAllFigures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.someDays(t)
	got, err := b.Statistics(t.Context(), lines.Query{Portal: "demo", By: lines.ByOperator}, b.desk.Now)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, got.WriteCSV(&out))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"operator", "301", "302", "total"}, []string{rows[0][0], rows[1][0], rows[2][0], rows[3][0]})
	total := map[string]string{}
	for i, name := range rows[0] {
		require.NotContains(t, total, name, "names are unique")
		total[name] = rows[3][i]
	}
	require.Equal(t, []string{"6", "5", "60", "5", "5", "0"}, []string{
		total["started"], total["closed_by_operator"], total["first_reply_time_calendar_p90"], total["offers"], total["votes_requested"], total["missed"],
	})

	// Each number of the document stands in the table as well.
	raw, err := json.Marshal(got.Total)
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(raw, &doc))
	for key, value := range doc {
		if _, isNumber := value.(float64); isNumber {
			require.Contains(t, total, key)
		}
	}
}
