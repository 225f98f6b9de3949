package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/internal/wait"
	"puente/sandbox/chat2desk"
)

var regulars = []Known{
	{ID: 1, Name: "A", Phone: "+34600000001", OpenDeals: map[string]int{"0": 5, "1": 9}},
	{ID: 2, Name: "B", Phone: "+34600000002"},
	{ID: 3, Name: "C", Phone: "+34600000003"},
	{ID: 4, Name: "D", Phone: "+34600000004"},
}

func TestTheDayIsLongEnoughAndItsReferencesAreUnique(t *testing.T) {
	t.Parallel()
	day := Day(1_767_323_045, regulars)
	require.GreaterOrEqual(t, day.dialogs(), 30)
	references, channels := map[string]bool{}, map[int]bool{}
	for _, s := range append(day.Scenes, day.Parked...) {
		channels[s.Script.ChannelID] = true
		if ref := s.Expect.Reference; ref != "" {
			require.False(t, references[ref], ref)
			require.Contains(t, s.Script.Messages[0].Text, ref)
			references[ref] = true
		}
	}
	require.Len(t, channels, 4)
}

func TestEverySceneIsOneTheSandboxPlays(t *testing.T) {
	t.Parallel()
	company, err := chat2desk.New(chat2desk.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, company.Close()) })
	server := httptest.NewServer(company)
	t.Cleanup(server.Close)
	day := Day(1_767_323_045, regulars)
	rows := make([]Row, len(day.Scenes))
	require.NoError(t, chat{caller{server.Client(), server.URL, nil}}.playAll(t.Context(), day.Scenes, rows))
	dialogs, requests := map[int64]bool{}, map[int64]bool{}
	for _, row := range rows {
		dialogs[row.DialogID], requests[row.RequestID] = true, true
	}
	require.Len(t, dialogs, Programme{Scenes: day.Scenes}.dialogs())
	require.Len(t, requests, len(rows))
}

func TestKnownPeopleGoToTheirOpenDeals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		deals    map[string]int
		pipeline string
		want     int64
	}{
		"in the channel's direction":     {map[string]int{"0": 5, "1": 9}, "0", 5},
		"else the newest of any":         {map[string]int{"2": 5, "1": 9}, "0", 9},
		"a lead's channel, any":          {map[string]int{"2": 5}, "", 5},
		"none is open: a new one is due": {nil, "0", 0},
	} {
		require.Equal(t, tc.want, Known{OpenDeals: tc.deals}.entityFor(tc.pipeline), name)
	}
}

func TestOnlyUnmistakableContactsAreKnown(t *testing.T) {
	t.Parallel()
	var rows []classicContact
	require.NoError(t, json.Unmarshal([]byte(`[
		{"ID":"1","NAME":"No phone","PHONE":[]},
		{"ID":"2","NAME":"Local","PHONE":[{"VALUE":"8 495 1234567"}]},
		{"ID":"3","NAME":"Twin","PHONE":[{"VALUE":"+34 600 1"}]},
		{"ID":"4","NAME":"Twin","PHONE":[{"VALUE":"+346001"}]},
		{"ID":5,"NAME":"Good","LAST_NAME":"One","PHONE":[{"VALUE":"+34 600 000 002"}]}]`), &rows))
	require.Equal(t, []Known{{ID: 5, Name: "Good One", Phone: "+34600000002"}}, unique(rows, 4))
}

// good is a row that is exactly as expected.
func good() Row {
	return Row{
		Scene: Scene{Title: "T", Person: "P", Expect: Expect{
			Status: statusDone, Kind: "deal", EntityID: 7, ContactID: 3, Reference: "R1", Says: []string{"hello"},
			Fields: map[string]string{"CATEGORY_ID": "0"}, MaxRequests: 3,
		}},
		ids: ids{DialogID: 1, RequestID: 2}, Syncs: 1, Status: statusDone, Requests: 3,
		Entities: []Entity{{Kind: "contact", ID: 3}, {Kind: "deal", ID: 7}},
		Fields:   map[string]text{"CATEGORY_ID": "0"}, Comments: []string{"R1 hello"},
	}
}

func TestEveryMismatchIsNamed(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Row){
		"":                                func(*Row) {},
		"no sync appeared":                func(r *Row) { r.Syncs = 0 },
		"2 syncs appeared":                func(r *Row) { r.Syncs = 2 },
		`ended as "failed" instead`:       func(r *Row) { r.Status = statusFailed },
		`ended as "" instead of "done"`:   func(r *Row) { r.Status = "" },
		`says "", without "mandatory"`:    func(r *Row) { r.Scene.Expect.Words = "mandatory" },
		`was parked with "", without "x"`: func(r *Row) { r.Scene.Expect.Parked = "x" },
		"touched the CRM: contact 3":      func(r *Row) { r.Scene.Expect.NoContact = true },
		"took 4 requests":                 func(r *Row) { r.Requests = 4 },
		"belongs to contact 0 instead":    func(r *Row) { r.Entities = r.Entities[1:] },
		"has no lead, only contact 3":     func(r *Row) { r.Scene.Expect.Kind = "lead" },
		"went to deal 8 instead of 7":     func(r *Row) { r.Entities[1].ID = 8 },
		`CATEGORY_ID of deal 7 is "1"`:    func(r *Row) { r.Fields["CATEGORY_ID"] = "1" },
		"0 comments instead of one":       func(r *Row) { r.Comments = nil },
		"2 comments instead of one":       func(r *Row) { r.Comments = append(r.Comments, "R1 hello") },
		`the transcript lacks "hello"`:    func(r *Row) { r.Comments = []string{"R1"} },
	} {
		row := good()
		spoil(&row)
		report := Report{Rows: []Row{row}}
		report.judge()
		require.Equal(t, want == "", report.OK, want)
		require.Contains(t, strings.Join(report.Problems, "\n"), want)
		if want != "" {
			require.Contains(t, report.Problems[0], "T (dialog 1, request 2)")
		}
	}
}

func TestRowsAreComparedWithEachOther(t *testing.T) {
	t.Parallel()
	row := func(person, same string, contact, deal int64) Row {
		return Row{
			Scene:    Scene{Person: person, Expect: Expect{Kind: "deal", Same: same}},
			Entities: []Entity{{Kind: "contact", ID: contact}, {Kind: "deal", ID: deal}},
		}
	}
	for want, rows := range map[string][]Row{
		"":                               {row("A", "a", 1, 5), row("A", "a", 1, 5), row("B", "", 2, 6)},
		"A: deal 5 and deal 6":           {row("A", "a", 1, 5), row("A", "a", 1, 6)},
		"A became two contacts, 1 and 2": {row("A", "", 1, 5), row("A", "", 2, 5)},
		"A and B share contact 1":        {row("A", "", 1, 5), row("B", "", 1, 6)},
	} {
		problems := append(checkSame(rows), checkPeople(rows)...)
		require.Equal(t, want == "", len(problems) == 0, want)
		require.Contains(t, strings.Join(problems, "\n"), want)
	}
}

func TestNewcomersAreCountedOnce(t *testing.T) {
	t.Parallel()
	day := Programme{Scenes: []Scene{
		{Person: "A", Expect: Expect{Status: statusDone}},
		{Person: "A", Expect: Expect{Status: statusDone}},
		{Person: "known", Expect: Expect{Status: statusDone, ContactID: 5}},
		{Person: "sms", Expect: Expect{Status: statusSkipped, NoContact: true}},
	}}
	require.Empty(t, checkContacts(day, 10, 11))
	require.Equal(t, []string{"the CRM has 2 new contacts for 1 new people"}, checkContacts(day, 10, 12))
}

func TestOutcomesFindTheirRows(t *testing.T) {
	t.Parallel()
	rows := []Row{{ids: ids{DialogID: 1, RequestID: 2}}, {ids: ids{DialogID: 1, RequestID: 3}}, {ids: ids{DialogID: 9, RequestID: 9}}}
	var found []sync
	require.NoError(t, json.Unmarshal([]byte(`[
		{"id":"a","status":"done","dialog_id":1,"request_id":2,"workflow_id":"dialog-sync:demo:1:2","requests":3},
		{"id":"b","status":"syncing","dialog_id":1,"request_id":3,"run_url":"http://ui/run"}]`), &found))
	require.Equal(t, 1, match(rows, found, "http://ui/"))
	require.Equal(t, "http://ui/namespaces/default/workflows/dialog-sync:demo:1:2", rows[0].RunURL)
	require.Equal(t, "http://ui/run", rows[1].RunURL)
	require.Zero(t, rows[2].Syncs)

	rows[0].Parked = "mandatory"
	require.Zero(t, match(rows, found, ""), "the ledger does not know of the re-run yet")
	found[0].Reruns = 1
	require.Equal(t, 1, match(rows, found, ""))
}

func TestTheTableShowsEveryRowAndTheVerdict(t *testing.T) {
	t.Parallel()
	row := good()
	row.RunURL, row.Entities[1].URL, row.Parked = "http://ui/run", "http://crm/deal/7", "x"
	bad := good()
	bad.Status = ""
	report := Report{Rows: []Row{row, bad}, Portal: PortalStats{Requests: 9}}
	report.judge()
	var out strings.Builder
	report.print(&out)
	for _, want := range []string{
		"✓", "1/2", "done after re-run", "deal 7", "http://ui/run", "http://crm/deal/7", "(none)", "1 outcomes are not", "its start: 9 requests",
	} {
		require.Contains(t, out.String(), want)
	}
}

// portal answers Bitrix24 methods from a table.
func portal(t *testing.T, answers map[string]string) (crm, *[]string) {
	t.Helper()
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/rest/")
		calls = append(calls, name)
		answer, ok := answers[name]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"error":"ERROR_METHOD_NOT_FOUND"}`
		}
		_, _ = fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return crm{caller{server.Client(), server.URL + "/rest", nil}, server.URL}, &calls
}

func TestRowsLearnWhatTheCRMHolds(t *testing.T) {
	t.Parallel()
	c, calls := portal(t, map[string]string{"batch": `{"result":{"result":{
		"deal7":{"ID":"7","CATEGORY_ID":"0","ASSIGNED_BY_ID":7,"CLOSED":false,"LIST":[1]},
		"deal7_comments":[{"ID":"1","COMMENT":"R1 hello"},{"ID":"2","COMMENT":"another"}]},"result_error":[]}}`})
	row := good()
	row.Fields, row.Comments = nil, nil
	rows := []Row{row, {}}
	require.NoError(t, c.look(t.Context(), rows))
	require.Equal(t, []string{"batch"}, *calls)
	require.Equal(t, text("7"), rows[0].Fields["ASSIGNED_BY_ID"])
	require.Equal(t, []string{"R1 hello"}, rows[0].Comments)
}

func TestMissingPeopleAreMade(t *testing.T) {
	t.Parallel()
	c, calls := portal(t, map[string]string{
		"crm.contact.list": `{"result":[],"total":12}`, "crm.contact.add": `{"result":"15"}`,
		"crm.deal.list": `{"result":[{"ID":"4","CATEGORY_ID":"1"},{"ID":"6","CATEGORY_ID":"1"}]}`,
	})
	known, err := c.known(t.Context(), 1, 1_767_323_045)
	require.NoError(t, err)
	require.Equal(t, []Known{{ID: 15, Name: "Regular 1", Phone: "+79990323045", OpenDeals: map[string]int{"1": 6}}}, known)
	require.Len(t, *calls, 3)
	total, err := c.contacts(t.Context())
	require.NoError(t, err)
	require.Equal(t, 12, total)
}

func TestTheMandatoryFieldIsRemovedIfItIsThere(t *testing.T) {
	t.Parallel()
	c, calls := portal(t, map[string]string{
		"crm.deal.userfield.list": `{"result":[{"ID":"31"}],"total":1}`, "crm.deal.userfield.delete": `{"result":true}`,
	})
	require.NoError(t, c.removeMandatoryField(t.Context()))
	require.Equal(t, []string{"crm.deal.userfield.list", "crm.deal.userfield.delete"}, *calls)
	require.ErrorContains(t, c.addMandatoryField(t.Context()), "ERROR_METHOD_NOT_FOUND")
}

func TestAServiceThatDoesNotAnswerEndsThePlay(t *testing.T) {
	t.Parallel()
	report, err := Play(t.Context(), Config{Bitrix24Webhook: "http://127.0.0.1:1/rest/1/x/"})
	require.ErrorContains(t, err, "play the demo")
	require.False(t, report.OK)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, wait.For(ctx, time.Hour), context.Canceled)
}
