package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/sandbox/chat2desk"
)

func TestTheLinesOfTheDemoAreValidAndOneIsClosed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	for name, settings := range lines(now) {
		raw, err := json.Marshal(settings)
		require.NoError(t, err)
		line, err := openlines.Parse(raw)
		require.NoError(t, err)
		require.Empty(t, openlines.Validate(line, now), name)
		schedule, err := openlines.NewSchedule(line)
		require.NoError(t, err)
		for _, at := range []time.Time{now, now.Add(time.Minute)} { // also past midnight
			require.Equal(t, name == "support", schedule.Open(at), name)
		}
	}
}

func TestEveryClientOfTheDemoHasANumberOfHisOwn(t *testing.T) {
	t.Parallel()
	l := &lineDay{began: time.Now()}
	seen := map[string]bool{}
	for _, row := range l.people(7) {
		require.Regexp(t, `^\+7958\d{7}$`, row.Chat.Phone)
		require.False(t, seen[row.Chat.Phone])
		seen[row.Chat.Phone] = true
	}
	for _, act := range l.acts() {
		require.Less(t, act.Who, len(seen), act.Title)
	}
}

const goodLog = `{"id":4,"state":"active","attention":"answered","chat":"7001-17","owner":7,"item":{"kind":"deal","id":9,"url":"http://crm/9"},
	"run_url":"http://ui/session:4","queue_url":"http://ui/queue","log":[
	{"kind":"offered","text":"offer 5: offered to operator 8: never had an offer on this line; operator 9 left out: offline since 10:42"},
	{"kind":"offer_ended","text":"offer 5 to operator 8 ended: expired"},
	{"kind":"offered","text":"offer 6: offered to operator 7: the only one who is free"},
	{"kind":"first_reply","text":"first reply by operator 7 after 10s, 10s of it working time"},
	{"kind":"offer_ended","text":"offer 6 to operator 7 ended: answered"},
	{"kind":"vote","text":"vote good for operator 7"}]}`

// goodLine is a row that is exactly as expected.
func goodLine(t *testing.T) LineRow {
	t.Helper()
	row := LineRow{
		Chat: LineChat{Name: "N", Line: "support", Channel: 17, Wants: LineWants{
			State: "active", Ends: []string{"expired", "answered"}, Whys: []string{"never had", "free"}, Owner: 2, Vote: "good",
			Texts: []string{"welcome"}, First: 8, Transcript: true,
		}},
		Texts: []string{"welcome"}, Contacts: 1, Transcript: true, DealFields: map[string]text{"ASSIGNED_BY_ID": "7"},
		Activities: []chatActivity{{Origin: "line:4:2", Completed: "N", Responsible: "7"}},
	}
	require.NoError(t, json.Unmarshal([]byte(goodLog), &row.Session))
	return row
}

func TestEveryMismatchOfALineIsNamed(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*LineRow){
		"":                                 func(*LineRow) {},
		"did not happen in time: offer 1":  func(r *LineRow) { r.Stuck = (&stuckError{"offer 1"}).Error() },
		`is "active" instead of "closed"`:  func(r *LineRow) { r.Chat.Wants.State = "closed" },
		`was closed by "" instead`:         func(r *LineRow) { r.Chat.Wants.Reason = "operator" },
		"1 messages wait instead of 0":     func(r *LineRow) { r.Session.Unread = 1 },
		"the client got the texts []":      func(r *LineRow) { r.Texts = nil },
		`the vote is "good" instead of ""`: func(r *LineRow) { r.Chat.Wants.Vote = "" },
		`first reply after "10s"`:          func(r *LineRow) { r.Chat.Wants.Owner, r.Session.Owner = 0, 0 },
		"2 offers were made instead of 1":  func(r *LineRow) { r.Chat.Wants.Ends = r.Chat.Wants.Ends[1:] },
		`ended as "expired" instead`:       func(r *LineRow) { r.Chat.Wants.Ends = []string{"declined", "answered"} },
		`without "responsible"`:            func(r *LineRow) { r.Chat.Wants.Whys[1] = "responsible" },
		"offered to user 8 instead of 9":   func(r *LineRow) { r.Chat.Wants.First = 9 },
		"user 8 owns it instead of 7":      func(r *LineRow) { r.Session.Owner = 8 },
		"the CRM does not show it":         func(r *LineRow) { r.Session.Item = nil },
		"shown on deal 9 instead of 8":     func(r *LineRow) { r.Chat.Wants.Item = 8 },
		"it is shown on a lead":            func(r *LineRow) { r.Session.Item.Kind = "lead" },
		"2 contacts of the client":         func(r *LineRow) { r.Contacts = 2 },
		"the transcript does not stand":    func(r *LineRow) { r.Transcript = false },
		"0 chat activities instead of one": func(r *LineRow) { r.Activities = nil },
		"its activity is completed: true":  func(r *LineRow) { r.Activities[0].Completed = "Y" },
		"its activity is that of user 8":   func(r *LineRow) { r.Activities[0].Responsible = "8" },
		"user 8 is responsible instead":    func(r *LineRow) { r.DealFields["ASSIGNED_BY_ID"] = "8" },
	} {
		row := goodLine(t)
		spoil(&row)
		report := LineReport{Rows: []LineRow{row}, Kept: LineFigures{Started: 1}, FromLog: LineFigures{Started: 1}}
		report.Kept.Votes.Good, report.FromLog.Votes.Good = 1, 1
		report.judge()
		problems := strings.Join(report.Problems, "\n")
		require.Equal(t, want == "", report.OK, problems)
		require.Contains(t, problems, want)
	}
}

func TestLinesAreComparedWithEachOtherAndWithTheFigures(t *testing.T) {
	t.Parallel()
	first, second := goodLine(t), goodLine(t)
	zero := 0
	second.Chat.Wants.Another = &zero
	report := LineReport{Rows: []LineRow{first, second}, Kept: LineFigures{Started: 1, Closed: 1}}
	report.Attention = []LineSession{{ID: 1, Attention: "answered"}, {ID: 2, Attention: "unread"}}
	report.judge()
	problems := strings.Join(report.Problems, "\n")
	for _, want := range []string{
		"N (session 4): its first offer went to user 8 again", "count 1 sessions instead of 2", "count 1 closed sessions instead of 0",
		"count 0 good votes instead of 2", "are not those of the log", "has session 1 (answered) before 2 (unread)",
	} {
		require.Contains(t, problems, want)
	}
}

func TestTheTableOfLinesShowsDecisionsAndTheVerdict(t *testing.T) {
	t.Parallel()
	bad := goodLine(t)
	bad.Session, bad.Stuck = LineSession{}, "x"
	report := LineReport{Rows: []LineRow{goodLine(t), bad}, Kept: LineFigures{Started: 2}}
	report.Kept.FirstReply.Calendar.Median = 10.04
	report.judge()
	var out strings.Builder
	report.print(&out)
	for _, want := range []string{
		"✓", "✗", "8 expired, 7 answered", "10s", "deal 9", "http://ui/session:4", "http://crm/9", "http://ui/queue", "(none)",
		"to user 8: never had an offer on this line; operator 9 left out: offline since 10:42", "first reply after 10s", "outcomes are not",
	} {
		require.Contains(t, out.String(), want)
	}
}

// lineDesk answers the routes of sessions: those of one chat, with one offer to user 7 from its third reading on.
func lineDesk(t *testing.T) (api *httptest.Server, acts *[]string) {
	t.Helper()
	acts, reads := &[]string{}, 0
	api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			*acts = append(*acts, strings.TrimPrefix(r.URL.Path, "/v1/portals/demo/sessions/"))
			_, _ = fmt.Fprint(w, `{}`)
		case strings.HasSuffix(r.URL.Path, "/attention") && r.URL.Query().Get("cursor") == "":
			_, _ = fmt.Fprint(w, `{"items":[{"id":1,"chat":"1-17"}],"next_cursor":"next"}`)
		case strings.HasSuffix(r.URL.Path, "/attention"):
			_, _ = fmt.Fprint(w, `{"items":[{"id":4,"chat":"7001-17"}]}`)
		default:
			log := ""
			if reads++; reads > 2 {
				log = `{"kind":"offered","text":"offer 5: offered to operator 7: never had an offer on this line"}`
			}
			_, _ = fmt.Fprintf(w, `{"id":4,"state":"offered","log":[%s]}`, log)
		}
	}))
	t.Cleanup(api.Close)
	return api, acts
}

func TestStepsActAsTheOperatorWhoGotTheOffer(t *testing.T) {
	t.Parallel()
	seed := chat2desk.DemoSeed()
	seed.Channels = append(seed.Channels, chat2desk.Channel{ID: channelSupport, Name: "Support", Transports: []string{"whatsapp"}})
	company, err := chat2desk.New(chat2desk.Options{Seeds: func() chat2desk.Seed { return seed }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, company.Close()) })
	server := httptest.NewServer(company)
	t.Cleanup(server.Close)
	api, acts := lineDesk(t)
	l := newLineDay(Config{APIURL: api.URL, Chat2DeskURL: server.URL, Deadline: 300 * time.Millisecond}.withDefaults())
	l.report.Rows = l.people(7)

	require.NoError(t, l.act(t.Context(), lineAct{Title: "offered and answered", Who: elena, Steps: []step{
		l.writes("Hello?"), l.offered(1), l.answers("Good morning!"), l.does("decline", nil),
	}}))
	row := &l.report.Rows[elena]
	require.Empty(t, row.Stuck)
	require.Equal(t, int64(4), row.Session.ID)
	require.Equal(t, []string{"4/decline"}, *acts)
	received := company.Received(row.ClientID)
	require.Equal(t, "Good morning!", received[len(received)-1].Text)
	require.Equal(t, chat2desk.OperatorAna, received[len(received)-1].OperatorID)

	require.NoError(t, l.act(t.Context(), lineAct{Title: "what does not happen", Who: elena, Steps: []step{l.isIn("closed"), l.does("finish", nil)}}))
	require.Contains(t, row.Stuck, "it is closed")
	require.NoError(t, l.act(t.Context(), lineAct{Title: "what comes after that", Who: elena, Steps: []step{l.does("spam", nil)}}))
	require.Equal(t, []string{"4/decline"}, *acts, "nobody goes on with a chat that is stuck")
}

func TestOnlyAutomaticTextsOfThisPortalCount(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"messages":[{"external_id":"puente:line:demo:1-welcome-10"},{"external_id":"puente:line:other:1-close-10"},
			{"external_id":""},{"external_id":"puente:line:demo:1-vote_thanks_good"}]}`)
	}))
	t.Cleanup(server.Close)
	l := newLineDay(Config{Chat2DeskURL: server.URL}.withDefaults())
	row := LineRow{}
	require.NoError(t, l.readTexts(t.Context(), &row))
	require.Equal(t, []string{"welcome", "vote_thanks_good"}, row.Texts)
}

func TestLinesThatCannotBeReachedEndThePlay(t *testing.T) {
	t.Parallel()
	report, err := PlayLines(t.Context(), Config{APIURL: "http://127.0.0.1:1"})
	require.ErrorContains(t, err, "play the open lines")
	require.False(t, report.OK)
}
