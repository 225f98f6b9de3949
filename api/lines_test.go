package api_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/lines"
	"puente/openlines"
	"puente/store"
)

const (
	lineRoute    = "/v1/portals/demo/lines/support"
	sessionRoute = "/v1/portals/demo/sessions/"
	supportLine  = `{"name":"Support","channels":[1],"timezone":"Europe/Madrid","members":[{"user":301},{"user":302}],"crm_check":false}`
)

// withLine has the line support with 301 and 302 online.
func withLine(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.desk.Now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	decode[api.Line](t, b.send(http.MethodPut, lineRoute, supportLine), http.StatusCreated)
	for _, user := range []string{"301", "302"} {
		decode[api.Operator](t, b.send(http.MethodPut, "/v1/portals/demo/operators/"+user, `{"presence":"online"}`), http.StatusOK)
	}
	return b
}

// later lets time pass and gives events to the desk.
func (b *bundle) later(t *testing.T, after time.Duration, events ...openlines.Event) {
	t.Helper()
	b.desk.Now = b.desk.Now.Add(after)
	_, err := b.desk.Step(t.Context(), "demo", events...)
	require.NoError(t, err)
}

func writes(chat openlines.ChatID) openlines.Event {
	return openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: &openlines.Message{ID: store.NewID(), Channel: 1}}
}

func replies(chat openlines.ChatID, by openlines.UserID) openlines.Event {
	return openlines.Event{Kind: openlines.EmployeeMessage, Chat: chat, By: by, Message: &openlines.Message{ID: store.NewID(), Channel: 1}}
}

func (b *bundle) actOn(session int, action, body string, headers ...string) (status int, code string) {
	w := b.send(http.MethodPost, fmt.Sprint(sessionRoute, session, "/", action), body, headers...)
	var answer struct {
		Code   string
		Errors []struct{ Value string }
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // what it is not shows as an empty code
	if len(answer.Errors) > 0 {
		return w.Code, answer.Errors[0].Value
	}
	return w.Code, answer.Code
}

func TestLineIsMadeChangedAndListed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.send(http.MethodPut, lineRoute+"?reason=first", supportLine, "X-Puente-Actor", "Ana")
	made := decode[api.Line](t, w, http.StatusCreated)
	require.Equal(t, []any{"support", 1, `"1"`, true}, []any{made.ID, made.Version, w.Header().Get("ETag"), made.OpenNow})
	require.Equal(t, openlines.Minutes(5), made.Settings.PassTime, "what is left out has its default")
	require.Equal(t, []openlines.UserID{301, 302}, b.desk.Events[0].Members)

	changed := strings.Replace(supportLine, "{", `{"pass_time":7,`, 1)
	requireProblem(t, b.send(http.MethodPut, lineRoute, changed, "If-Match", `"7"`), http.StatusPreconditionFailed)
	requireProblem(t, b.send(http.MethodPut, lineRoute+"?if_version=7", changed), http.StatusConflict)
	require.Equal(t, 2, decode[api.Line](t, b.send(http.MethodPut, lineRoute, changed, "If-Match", `"1"`), http.StatusOK).Version)
	require.Equal(t, 2, decode[api.Line](t, b.send(http.MethodPut, lineRoute, changed, "If-Match", `"1"`), http.StatusOK).Version, "a repetition")

	require.Equal(t, openlines.Minutes(7), decode[api.Line](t, b.get(lineRoute), http.StatusOK).Settings.PassTime)
	require.Equal(t, openlines.Minutes(5), decode[api.Line](t, b.get(lineRoute+"?version=1"), http.StatusOK).Settings.PassTime)
	require.Len(t, decode[page[api.Line]](t, b.get("/v1/portals/demo/lines"), http.StatusOK).Items, 1)
	type version struct {
		Version        int
		Author, Reason string
	}
	require.Equal(t, []version{{2, "api-key", ""}, {1, "Ana", "first"}}, decode[page[version]](t, b.get(lineRoute+"/versions"), http.StatusOK).Items)
	requireProblem(t, b.get(lineRoute+"?version=9"), http.StatusNotFound)
	requireProblem(t, b.get("/v1/portals/demo/lines/sales"), http.StatusNotFound)
}

func TestWrongLineIsNamedByJSONPath(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	sales := "/v1/portals/demo/lines/sales"
	for body, path := range map[string]string{
		`{"name":"Sales","colour":"red"}`:                    "body.colour",
		`{"name":"Sales","pass_time":"5"}`:                   "body.pass_time",
		`{"name":"Sales","members":[{"user":1},{"user":1}]}`: "body.members[1]",
		`{"name":"Sales","language":"de"}`:                   "body.language",
		`{"name":"Sales","channels":[2,1]}`:                  "body.channels[1]",
		`{"name":"Sales","week":{"mon":["9-18"]}}`:           "body.week.mon[0]",
		`{"name":"Sales","special_days":{"2026-13-01":[]}}`:  "body.special_days.2026-13-01",
		`{"name":""}`: "body.name",
	} {
		p := requireProblem(t, b.send(http.MethodPut, sales, body), http.StatusUnprocessableEntity)
		require.Equal(t, path, p.Errors[0].Location, body)

		check := decode[api.LineCheck](t, b.send(http.MethodPost, "/v1/portals/demo/lines/validate", body), http.StatusOK)
		require.False(t, check.Valid)
		require.Equal(t, path, "body."+check.Problems[0].Field)
	}
	requireProblem(t, b.send(http.MethodPut, sales, `{`), http.StatusBadRequest)
	requireProblem(t, b.send(http.MethodPost, "/v1/portals/demo/lines/validate", `{`), http.StatusBadRequest)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/lines/Sales", `{"name":"Sales"}`), http.StatusUnprocessableEntity)
	check := decode[api.LineCheck](t, b.send(http.MethodPost, "/v1/portals/demo/lines/validate?line=support", supportLine), http.StatusOK)
	require.Equal(t, api.LineCheck{Valid: true, Problems: []api.LineProblem{}}, check, "its own channel is no problem")
}

func TestLineThatCannotBeToldSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.desk.Fault = errors.New("dial tcp 10.0.0.7: refused")
	p := requireProblem(t, b.send(http.MethodPut, lineRoute, supportLine), http.StatusServiceUnavailable)
	require.Contains(t, p.Detail, "version 1 of the line is saved but not in force yet")
	require.NotContains(t, p.Detail, "10.0.0.7")
	require.Contains(t, b.log.String(), "10.0.0.7", "the log has the cause")
	b.desk.Fault = nil
	require.Equal(t, 1, decode[api.Line](t, b.send(http.MethodPut, lineRoute, supportLine), http.StatusOK).Version)
}

func TestPreviewTellsWhoWouldGetAChatAndWhy(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	b.later(t, 42*time.Minute)
	b.send(http.MethodPut, "/v1/portals/demo/operators/302", `{"presence":"offline"}`)
	got := decode[api.LinePreview](t, b.get(lineRoute+"/preview"), http.StatusOK)
	require.Equal(t, "offered to operator 301: never had an offer on this line; operator 302 left out: offline since 11:42", got.Sentence)
	require.Equal(t, []int64{301}, got.Offered)
	require.Equal(t, []any{int64(302), "off duty", "offline"}, []any{got.LeftOut[0].User, got.LeftOut[0].Reason, got.LeftOut[0].Presence})
	requireProblem(t, b.get("/v1/portals/demo/lines/sales/preview"), http.StatusNotFound)
	b.desk.Fault = errors.New("down")
	requireProblem(t, b.get(lineRoute+"/preview"), http.StatusServiceUnavailable)
}

func TestPreviewWithoutADeskSaysHowToStartOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.store.SaveLine(t.Context(), "demo", "support", openlines.Default(), "", "", 0)
	require.NoError(t, err)
	p := requireProblem(t, b.get(lineRoute+"/preview"), http.StatusConflict)
	require.Contains(t, p.Detail, "save a line")
}

func TestHoursOfDatesAreShownWithClockChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	decode[api.Line](t, b.send(http.MethodPut, lineRoute, `{"name":"Night","timezone":"Europe/Madrid","hours_enabled":true,"days_off":[],
		"week":{"fri":["22:00-06:00"],"sat":["22:00-06:00"],"sun":["22:00-06:00"]}}`), http.StatusCreated)
	got := decode[lines.Hours](t, b.get(lineRoute+"/hours?date=2026-10-24&days=2"), http.StatusOK)
	require.Equal(t, "2026-10-25", got.Days[1].Date)
	require.Equal(t, []int64{9 * 3600, 25 * 3600}, []int64{got.Days[1].Seconds, got.Days[1].Length}, "the clock goes back at 03:00")
	require.Equal(t, "2026-10-25T00:00:00+02:00", got.Days[1].Open[0].From.Format(time.RFC3339))
	require.Equal(t, "2026-10-25T06:00:00+01:00", got.Days[1].Open[0].To.Format(time.RFC3339))
	require.Len(t, decode[lines.Hours](t, b.get(lineRoute+"/hours"), http.StatusOK).Days, 7)
	p := requireProblem(t, b.get(lineRoute+"/hours?date=24.10.2026"), http.StatusUnprocessableEntity)
	require.Equal(t, "query.date", p.Errors[0].Location)
	requireProblem(t, b.get("/v1/portals/demo/lines/sales/hours"), http.StatusNotFound)
}

func TestSessionsAreListedByAttention(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	for _, chat := range []openlines.ChatID{"7-1", "8-1", "9-1"} {
		b.later(t, time.Minute, writes(chat))
	}
	b.later(t, time.Minute, replies("7-1", 301))
	ids := func(route string) (ids []int64) {
		for _, s := range decode[page[api.LineSession]](t, b.get("/v1/portals/demo/"+route), http.StatusOK).Items {
			ids = append(ids, s.ID)
		}
		return ids
	}
	require.Equal(t, []int64{2, 3, 1}, ids("sessions"))
	require.Equal(t, []int64{2, 3}, ids("sessions?state=offered,waiting&line=support"))
	require.Equal(t, []int64{3, 1}, ids("sessions?operator=301"))
	require.Empty(t, ids("sessions?line=sales"))
	attention := decode[api.AttentionList](t, b.get("/v1/portals/demo/attention?limit=1"), http.StatusOK)
	require.Equal(t, map[string]int{"held": 0, "waiting": 0, "offered": 2, "active": 1, "closing": 0}, attention.States)
	first := decode[page[api.LineSession]](t, b.get("/v1/portals/demo/attention?limit=1"), http.StatusOK)
	require.Equal(t, []any{int64(2), "unread", 1}, []any{first.Items[0].ID, first.Items[0].Attention, first.Items[0].Unread})
	require.Equal(t, []int64{3, 1}, ids("attention?cursor="+first.NextCursor))
	requireProblem(t, b.get("/v1/portals/demo/sessions?state=lost"), http.StatusUnprocessableEntity)
	requireProblem(t, b.get("/v1/portals/demo/sessions?cursor=x"), http.StatusUnprocessableEntity)
}

func TestSessionTellsItsLogInSentencesAndLinks(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	b.later(t, 0, writes("7-1"))
	b.later(t, time.Minute, replies("7-1", 301))
	got := decode[api.LineSessionDetail](t, b.get(sessionRoute+"1"), http.StatusOK)
	require.Equal(t, []any{"active", int64(301), "7-1"}, []any{got.State, got.Owner, got.Chat})
	require.Equal(t, "http://ui:8233/namespaces/default/workflows/line:demo:session:1", got.RunURL)
	require.Equal(t, "http://ui:8233/namespaces/default/workflows/line:demo:queue", got.QueueURL)
	var told []string
	for _, r := range got.Log {
		told = append(told, r.At.Format("15:04 ")+r.Text)
	}
	require.Contains(t, told, "11:00 offer 1: offered to operator 301: never had an offer on this line")
	require.Contains(t, told, "11:01 first reply by operator 301 after 1m0s, 1m0s of it working time")
	requireProblem(t, b.get(sessionRoute+"2"), http.StatusNotFound)
}

func TestPeopleActOnSessions(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	decode[api.Line](t, b.send(http.MethodPut, "/v1/portals/demo/lines/sales", `{"name":"Sales","members":[{"user":301}]}`), http.StatusCreated)
	b.later(t, 0, writes("7-1"))
	for _, act := range []struct {
		action, body string
		status       int
		code         string
	}{
		{"decline", `{"by":302,"offer":1}`, http.StatusConflict, "offer_expired"},
		{"decline", `{"by":301,"offer":1}`, http.StatusOK, "ok"},
		{"accept", `{"by":302,"offer":2}`, http.StatusOK, "ok"},
		{"accept", `{"by":302,"offer":2}`, http.StatusOK, "no_change"},
		{"pin", `{"by":302}`, http.StatusOK, "ok"},
		{"pin", `{"by":302,"on":false}`, http.StatusOK, "ok"},
		{"silent", `{"by":302}`, http.StatusOK, "ok"},
		{"lead", `{"by":302}`, http.StatusConflict, "not_allowed"},
		{"transfer", `{"by":302,"to":301}`, http.StatusOK, "ok"},
		{"transfer-line", `{"by":302,"line":"nowhere"}`, http.StatusConflict, "not_allowed"},
		{"transfer-line", `{"by":302,"line":"sales"}`, http.StatusOK, "ok"},
		{"return", `{"by":301}`, http.StatusOK, "ok"},
		{"take", `{"by":301}`, http.StatusOK, "ok"},
		{"finish", `{"by":999}`, http.StatusConflict, "not_allowed"},
		{"finish", `{"by":301}`, http.StatusOK, "ok"},
		{"spam", `{"by":301}`, http.StatusOK, "ok"},
		{"spam", `{"by":301}`, http.StatusConflict, "session_closed"},
	} {
		status, code := b.actOn(1, act.action, act.body)
		require.Equal(t, []any{act.status, act.code}, []any{status, code}, "%s %s", act.action, act.body)
	}
	status, _ := b.actOn(5, "take", `{"by":301}`)
	require.Equal(t, http.StatusNotFound, status)
	got := decode[api.LineSessionDetail](t, b.get(sessionRoute+"1"), http.StatusOK)
	require.Equal(t, []any{"closed", "spam", "sales"}, []any{got.State, got.Reason, got.Line})
}

func TestRepeatedActionTakesEffectOnce(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	b.later(t, 0, writes("7-1"))
	status, code := b.actOn(1, "pin", `{"by":301}`, "Idempotency-Key", "click 1")
	require.Equal(t, []any{http.StatusOK, "ok"}, []any{status, code})
	status, code = b.actOn(1, "pin", `{"by":301}`, "Idempotency-Key", "click 1")
	require.Equal(t, []any{http.StatusOK, "repeated"}, []any{status, code})
	status, code = b.actOn(1, "silent", `{"by":301}`, "Idempotency-Key", "click 1")
	require.Equal(t, []any{http.StatusOK, "ok"}, []any{status, code}, "another action under the same key")
	require.Equal(t, b.desk.Options[0].UpdateID, b.desk.Options[1].UpdateID)
	require.NotEqual(t, b.desk.Options[1].UpdateID, b.desk.Options[2].UpdateID)
	require.Equal(t, b.desk.Options[0].UpdateID, b.desk.Options[0].Args[0].(openlines.Event).ID)
}

func TestIncompleteActionsAreNamed(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	for request, path := range map[[2]string]string{
		{"accept", `{"by":301}`}:              "body.offer",
		{"decline", `{"by":301}`}:             "body.offer",
		{"transfer", `{"by":301}`}:            "body.to",
		{"transfer-line", `{"by":301}`}:       "body.line",
		{"take", `{}`}:                        "body",
		{"take", `{"by":0}`}:                  "body.by",
		{"take", `{"by":301,"colour":"red"}`}: "body.colour",
		{"explode", `{"by":301}`}:             "path.action",
	} {
		w := b.send(http.MethodPost, sessionRoute+"1/"+request[0], request[1])
		require.Equal(t, path, requireProblem(t, w, http.StatusUnprocessableEntity).Errors[0].Location, request)
	}
	w := b.send(http.MethodPost, sessionRoute+"1/take", `{"by":301}`, "Idempotency-Key", strings.Repeat("x", 201))
	require.Equal(t, "header.Idempotency-Key", requireProblem(t, w, http.StatusUnprocessableEntity).Errors[0].Location)
	require.Empty(t, b.desk.Options, "nothing reached the desk")
	b.desk.Fault = errors.New("down")
	requireProblem(t, b.send(http.MethodPost, sessionRoute+"1/take", `{"by":301}`), http.StatusServiceUnavailable)
}

func TestOperatorsAreMergedAndListed(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	got := decode[api.Operator](t, b.send(http.MethodPut, "/v1/portals/demo/operators/301", `{"on_leave":true,"skills":["es"],"supervisor":true}`), http.StatusOK)
	require.Equal(t, []any{"online", true, true, []string{"es"}}, []any{got.Presence, got.OnLeave, got.Supervisor, got.Skills})
	all := decode[page[api.Operator]](t, b.get("/v1/portals/demo/operators"), http.StatusOK).Items
	require.Equal(t, []int64{301, 302}, []int64{all[0].User, all[1].User})
	require.Equal(t, openlines.Operator{ID: 301, Presence: openlines.Online, OnLeave: true, Supervisor: true, Skills: []string{"es"}},
		*b.desk.Events[len(b.desk.Events)-1].Operator)
	p := requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/operators/301", `{"presence":"asleep"}`), http.StatusUnprocessableEntity)
	require.Equal(t, "body.presence", p.Errors[0].Location)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/operators/0", `{}`), http.StatusUnprocessableEntity)
}

func TestStatisticsAreAnsweredAsJSONAndCSV(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	b.later(t, 0, writes("7-1"))
	b.later(t, time.Minute, replies("7-1", 301))
	b.later(t, 0, openlines.Event{Kind: openlines.MarkSpam, Session: 1, By: 301})
	b.desk.Now = b.desk.Now.Add(13 * time.Hour) // the next day in Madrid
	b.later(t, 0, writes("8-1"))
	const route = "/v1/portals/demo/statistics?from=2026-11-01"
	got := decode[lines.Statistics](t, b.get(route+"&line=support&by=day"), http.StatusOK)
	require.Equal(t, []any{"Europe/Madrid", 2, 1, 1}, []any{got.TimeZone, got.Total.Started, got.Total.Closed, got.Total.ClosedBy["spam"]})
	require.Equal(t, []string{"2026-11-20", "2026-11-21"}, []string{got.Groups[0].Key, got.Groups[1].Key})
	same := decode[lines.Statistics](t, b.get(route+"&line=support&by=day&source=log"), http.StatusOK)
	same.Total.LongestWait, got.Total.LongestWait = 0, 0
	require.Equal(t, got.Total, same.Total)
	require.Equal(t, 1, decode[lines.Statistics](t, b.get(route+"&to=2026-11-21&line=support"), http.StatusOK).Total.Started)
	require.Equal(t, 1, decode[lines.Statistics](t, b.get("/v1/portals/demo/statistics?from=2026-11-20T10:00:01Z"), http.StatusOK).Total.Started)

	w := b.get(route + "&by=operator&format=csv")
	require.Equal(t, "text/csv; charset=utf-8", w.Header().Get("Content-Type"))
	rows, err := csv.NewReader(w.Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"operator", "301", "302", "total"}, []string{rows[0][0], rows[1][0], rows[2][0], rows[3][0]})

	for query, field := range map[string]string{
		"": "query.from", "?from=yesterday": "query.from", "?from=2026-11-01&to=x": "query.to", "?from=2026-11-01&by=mood": "query.by",
	} {
		p := requireProblem(t, b.get("/v1/portals/demo/statistics"+query), http.StatusUnprocessableEntity)
		require.Equal(t, field, p.Errors[0].Location)
	}
	requireProblem(t, b.get(route+"&line=sales"), http.StatusNotFound)
}

func TestOpenLinesOfAnotherPortalAreOutOfReach(t *testing.T) {
	t.Parallel()
	b := withLine(t)
	for _, route := range []string{"lines", "lines/support", "sessions", "attention", "operators", "statistics?from=2026-11-01"} {
		requireProblem(t, b.get("/v1/portals/other/"+route), http.StatusForbidden)
		requireProblem(t, b.call(http.MethodGet, "/v1/portals/demo/"+route, ""), http.StatusUnauthorized)
	}
}
