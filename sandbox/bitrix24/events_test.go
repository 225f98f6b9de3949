package bitrix24

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// subscriber is a handler that keeps the forms it gets.
func subscriber(t *testing.T, status int) (address string, got chan url.Values) {
	t.Helper()
	got = make(chan url.Values, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(raw))
		w.WriteHeader(status)
		got <- form
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/events", got
}

// bind subscribes the demo application to events of the CRM.
func (h *harness) bind(address string, events ...string) {
	h.Helper()
	for _, event := range events {
		a := h.post("/rest/event.bind?auth="+h.issue(1), "application/json", fmt.Sprintf(`{"event":%q,"handler":%q}`, event, address))
		require.Equal(h, true, a.Result, a.Body)
	}
}

// events waits until nothing is under way.
func (h *harness) events() EventState {
	h.Helper()
	var s EventState
	require.Eventually(h, func() bool {
		s = EventState{}
		require.NoError(h, json.Unmarshal([]byte(h.get("/sandbox/events").Body), &s))
		return s.Waiting == 0
	}, 10*time.Second, 5*time.Millisecond)
	return s
}

// told are the events that were sent, with the ids of their objects, in any order.
func (s EventState) told() []string {
	var out []string
	for _, d := range s.Last {
		out = append(out, d.Event+" "+d.ID)
	}
	slices.Sort(out)
	return out
}

func TestEventsOfAnApplicationAreFormsWithItsProof(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := subscriber(t, http.StatusOK)
	h.bind(address, "onCrmDealAdd", "ONCRMDEALUPDATE")
	deal := h.id("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	form := <-got
	for name, want := range map[string]string{
		"event": "ONCRMDEALADD", "event_handler_id": "1", "data[FIELDS][ID]": fmt.Sprint(deal), "ts": "1767596400",
		"auth[member_id]": DefaultMemberID, "auth[expires_in]": "3600", "auth[status]": "L", "auth[user_id]": "1",
		"auth[client_endpoint]": h.srv.URL + "/rest/", "auth[domain]": host(h.srv.URL),
	} {
		require.Equal(t, want, form.Get(name), name)
	}
	require.Len(t, form.Get("auth[application_token]"), 32)
	require.False(t, form.Has("auth[refresh_token]"), "only installations and offline events bring one")
	require.Equal(t, "1", h.get("/rest/user.current?auth=" + form.Get("auth[access_token]")).object(t)["ID"])
	require.Equal(t, []string{fmt.Sprintf("ONCRMDEALADD %d", deal)}, h.events().told())
}

func TestEveryWriteOfTheCRMIsTold(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, _ := subscriber(t, http.StatusOK)
	for _, object := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "ACTIVITY"} {
		h.bind(address, "ONCRM"+object+"ADD", "ONCRM"+object+"UPDATE", "ONCRM"+object+"DELETE")
	}
	deal := h.id("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	contact := h.id("crm.contact.add", `{"fields":{"NAME":"Ana"}}`)
	h.ok("crm.item.update", fmt.Sprintf(`{"entityTypeId":2,"id":%d,"fields":{"assignedById":7}}`, deal))
	h.ok("crm.item.update", fmt.Sprintf(`{"entityTypeId":2,"id":%d,"fields":{"assignedById":7}}`, deal)) // changes nothing
	h.ok("crm.deal.contact.add", fmt.Sprintf(`{"id":%d,"fields":{"CONTACT_ID":%d}}`, deal, contact))
	h.ok("crm.timeline.comment.add", fmt.Sprintf(`{"fields":{"ENTITY_ID":%d,"ENTITY_TYPE":"deal","COMMENT":"x"}}`, deal))
	activity := int(h.ok("crm.activity.todo.add", fmt.Sprintf(`{"ownerTypeId":2,"ownerId":%d,"deadline":"2026-02-01T10:00:00+03:00"}`, deal)).
		object(t)["id"].(float64))
	h.ok("crm.activity.update", fmt.Sprintf(`{"id":%d,"fields":{"COMPLETED":"Y"}}`, activity))
	h.ok("crm.company.add", `{"fields":{"TITLE":"Alfa"}}`)
	h.ok("crm.company.delete", `{"id":1}`)
	h.ok("crm.contact.delete", fmt.Sprintf(`{"id":%d}`, contact))
	h.ok("crm.deal.delete", fmt.Sprintf(`{"id":%d}`, deal))
	require.Equal(t, []string{
		"ONCRMACTIVITYADD 1", "ONCRMACTIVITYDELETE 1", "ONCRMACTIVITYUPDATE 1", "ONCRMCOMPANYADD 1", "ONCRMCOMPANYDELETE 1", "ONCRMCONTACTADD 1",
		"ONCRMCONTACTDELETE 1", "ONCRMDEALADD 1", "ONCRMDEALDELETE 1", "ONCRMDEALUPDATE 1", "ONCRMDEALUPDATE 1",
	}, h.events().told())
}

func TestConversionOfALeadIsToldWithoutAToken(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPut, "/sandbox/mode", `{"mode":"simple","conversion_lag_ms":1000}`)
	address, got := subscriber(t, http.StatusOK)
	h.bind(address, "ONCRMDEALADD")
	h.ok("crm.lead.add", `{"fields":{"NAME":"Ana"}}`)
	h.clock.Advance(2 * time.Second)
	h.ok("profile", `{}`)
	form := <-got
	require.False(t, form.Has("auth[access_token]"), "nobody did it")
	require.NotEmpty(t, form.Get("auth[application_token]"))
	require.Equal(t, host(h.srv.URL), form.Get("auth[domain]"))
}

func TestFailedEventIsNotRepeated(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, _ := subscriber(t, http.StatusServiceUnavailable)
	h.bind(address, "ONCRMDEALADD")
	h.bind("http://127.0.0.1:1/gone", "ONCRMDEALADD")
	h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	s := h.events()
	require.Equal(t, []int{0, 2, 0}, []int{s.Sent, s.Failed, s.Lost})
	require.Equal(t, []int{0, 503}, slices.Sorted(slices.Values([]int{s.Last[0].Status, s.Last[1].Status})))
	require.NotEmpty(t, s.Last[0].Error+s.Last[1].Error)
}

func TestHandlersEndWithUnbindingAndUninstallation(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, _ := subscriber(t, http.StatusOK)
	h.bind(address, "ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMDEALDELETE")
	a := h.post("/rest/event.unbind?auth="+h.issue(1), "application/json", fmt.Sprintf(`{"event":"onCrmDealAdd","handler":%q}`, address))
	require.JSONEq(t, `{"result":{"count":1}}`, a.without(t))
	h.bind(address, "ONCRMDEALADD")
	ids := map[int]bool{}
	for _, one := range h.events().Handlers {
		ids[one.ID] = true
	}
	require.Len(t, ids, 3, "an id is never used twice")
	h.control(http.MethodPost, "/sandbox/uninstall", `{"handler_url":"`+address+`"}`)
	h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	require.Empty(t, h.events().Handlers)
	require.Empty(t, h.events().Last)
}

func TestApplicationWithoutThePermissionHearsNothing(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/apps", `{"client_id":"small","client_secret":"s","redirect_uri":"","scopes":["im"]}`)
	var p pair
	require.NoError(t, json.Unmarshal([]byte(h.control(http.MethodPost, "/sandbox/tokens", `{"client_id":"small"}`).Body), &p))
	require.Equal(t, true, h.get("/rest/event.bind?event=ONCRMDEALADD&handler=http://127.0.0.1:1/x&auth="+p.Access).Result)
	h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	require.Empty(t, h.events().Last)
}

func TestEmployeeBindsForHimselfOnly(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	auth := "?auth=" + h.issue(DemoOperator)
	post := func(method, body string) answer { return h.post("/rest/"+method+auth, "application/json", body) }
	require.Equal(t, "Access denied! Event binding with AUTH_TYPE requires administrator access rights",
		post("event.bind", `{"event":"ONCRMDEALADD","handler":"https://a.example","auth_type":1}`).Text)
	require.Equal(t, "Access denied! Offline events binding requires administrator access rights",
		post("event.bind", `{"event":"ONCRMDEALADD","event_type":"offline"}`).Text)
	require.Equal(t, "Access denied! Event unbinding with AUTH_TYPE requires administrator access rights",
		post("event.unbind", `{"event":"ONCRMDEALADD","handler":"https://a.example","auth_type":1}`).Text)
	require.Equal(t, true, post("event.bind", `{"event":"ONCRMDEALADD","handler":"https://a.example"}`).Result)
	h.bind("https://a.example", "ONCRMDEALADD")
	require.JSONEq(t, `{"result":[{"event":"ONCRMDEALADD","handler":"https://a.example","auth_type":"7","offline":0}]}`, post("event.get", `{}`).without(t))
	require.JSONEq(t, `{"result":{"count":1}}`, post("event.unbind", `{"event":"ONCRMDEALADD","handler":"https://a.example"}`).without(t))
	require.Len(t, h.events().Handlers, 1)
}

func TestOutgoingWebhookGetsNoTokens(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := subscriber(t, http.StatusOK)
	var made struct {
		ID    int    `json:"id"`
		Token string `json:"application_token"`
	}
	a := h.control(http.MethodPost, "/sandbox/outgoing", `{"handler_url":"`+address+`","events":["onCrmDealAdd","ONCRMDEALUPDATE"]}`)
	require.NoError(t, json.Unmarshal([]byte(a.Body), &made))
	deal := h.id("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	form := <-got
	require.Equal(t, url.Values{
		"event": {"ONCRMDEALADD"}, "event_handler_id": {fmt.Sprint(made.ID)}, "data[FIELDS][ID]": {fmt.Sprint(deal)}, "ts": {"1767596400"},
		"auth[domain]": {host(h.srv.URL)}, "auth[client_endpoint]": {h.srv.URL + "/rest/"}, "auth[server_endpoint]": {h.srv.URL + "/rest/"},
		"auth[member_id]": {DefaultMemberID}, "auth[application_token]": {made.Token},
	}, form)
	require.Empty(t, h.get("/rest/event.get?auth="+h.issue(1)).list(t), "no application sees it")
	h.control(http.MethodDelete, fmt.Sprintf("/sandbox/outgoing/%d", made.ID), "")
	require.Empty(t, h.events().Handlers)
	for _, body := range []string{
		`{"handler_url":"x","events":["ONCRMDEALADD"]}`, `{"handler_url":"http://a.example"}`,
		`{"handler_url":"http://a.example","events":["ONAPPINSTALL"]}`, `{"handler_url":"http://a.example","events":["ONNOTHING"]}`,
	} {
		require.Equal(t, http.StatusBadRequest, h.post("/sandbox/outgoing", "application/json", body).Status, body)
	}
}

func TestWhatPeopleDoByHandIsToldToo(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := subscriber(t, http.StatusOK)
	h.bind(address, "ONCRMACTIVITYUPDATE", "ONCRMACTIVITYDELETE", "ONCRMDEALUPDATE")
	deal := h.id("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	add := fmt.Sprintf(`{"ownerTypeId":2,"ownerId":%d,"fields":{},"layout":%s}`, deal,
		`{"icon":{"code":"call-completed"},"header":{"title":"Chat","tags":{"s":{"title":"2 unread","type":"failure"}}},`+
			`"body":{"logo":{"code":"call-incoming"},"blocks":{"t":{"type":"text","properties":{"value":"created 10:00"}}}}}`)
	require.Equal(t, http.StatusOK, h.post("/rest/crm.activity.configurable.add?auth="+h.issue(1), "application/json", add).Status)
	h.control(http.MethodPut, "/sandbox/activities/1", `{"user_id":7,"completed":true}`)
	form := <-got
	require.Equal(t, []string{"ONCRMACTIVITYUPDATE", "7"}, []string{form.Get("event"), form.Get("auth[user_id]")})
	row := h.ok("crm.activity.get", `{"id":1}`).object(t)
	require.Equal(t, []any{"Y", "2", "7"}, []any{row["COMPLETED"], row["STATUS"], row["EDITOR_ID"]})
	card := fmt.Sprintf("/crm/deal/details/%d/", deal)
	page := h.get(card).Body
	for _, text := range []string{"2 unread", "created 10:00", "completed", "Reopen", "Olga Smirnova"} {
		require.Contains(t, page, text)
	}
	h.form("/crm/activity/1/completed", "completed=N")
	require.Contains(t, h.get(card).Body, "Complete")
	h.form(fmt.Sprintf("/crm/deal/%d/responsible", deal), "user=7")
	require.Equal(t, "7", h.ok("crm.deal.get", fmt.Sprintf(`{"id":%d}`, deal)).object(t)["ASSIGNED_BY_ID"])
	h.control(http.MethodPut, fmt.Sprintf("/sandbox/entities/deal/%d", deal), `{"user_id":7,"responsible_id":1}`)
	h.control(http.MethodDelete, "/sandbox/activities/1?user_id=7", "")
	require.Equal(t, []string{
		"ONCRMACTIVITYDELETE 1", "ONCRMACTIVITYUPDATE 1", "ONCRMACTIVITYUPDATE 1", "ONCRMDEALUPDATE 1", "ONCRMDEALUPDATE 1",
	}, h.events().told())
}

func TestPeopleCannotChangeWhatIsNotThere(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	for path, body := range map[string]string{
		"/sandbox/activities/9": `{"completed":true}`, "/sandbox/entities/deal/9": `{"responsible_id":1}`,
		"/sandbox/entities/deal/1": `{"responsible_id":99}`, "/sandbox/entities/car/1": `{"responsible_id":1}`,
	} {
		require.Equal(t, http.StatusBadRequest, h.send(http.MethodPut, path, body).StatusCode, path)
	}
	require.Equal(t, http.StatusBadRequest, h.send(http.MethodDelete, "/sandbox/activities/9", "").StatusCode)
	require.Equal(t, http.StatusBadRequest, h.send(http.MethodDelete, "/sandbox/outgoing/9", "").StatusCode)
}

func TestKnobsLoseRepeatAndDelayEvents(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, _ := subscriber(t, http.StatusOK)
	h.bind(address, "ONCRMDEALADD")
	add := func() { h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`) }
	h.control(http.MethodPut, "/sandbox/events", `{"lose":1,"repeat":1}`)
	add()
	require.Equal(t, 1, h.events().Lost)
	add()
	s := h.events()
	require.Equal(t, []int{2, 1}, []int{s.Sent, s.Lost})
	h.control(http.MethodPut, "/sandbox/events", `{"lose":-1}`)
	add()
	add()
	require.Equal(t, 3, h.events().Lost)
	h.control(http.MethodPut, "/sandbox/events", `{"lose":0,"delay_ms":1,"jitter_ms":5}`)
	add()
	require.Equal(t, 3, h.events().Sent)
	require.Equal(t, http.StatusBadRequest, h.send(http.MethodPut, "/sandbox/events", `{"lose":-2}`).StatusCode)
	h.control(http.MethodPost, "/sandbox/reset", "")
	require.Equal(t, EventState{Handlers: []EventHandler{}, Last: []Delivery{}}, h.events())
}

func TestFullQueueLosesEventsAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := newSender(nil)
	s.once.Do(func() {}) // nobody delivers
	for range senderRoom + 3 {
		s.enqueue(notice{body: newDict()})
	}
	require.Equal(t, 3, s.lost)
	require.Equal(t, senderRoom, s.waiting)
	s.reset()
	require.Zero(t, s.waiting)
}

func TestTestEventReachesItsHandlerOnly(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := subscriber(t, http.StatusOK)
	h.bind(address, "ONAPPTEST", "ONCRMDEALADD")
	require.InDelta(t, 1, h.get("/rest/event.test?any=thing&auth="+h.issue(1)).Result, 0)
	require.Equal(t, "thing", (<-got).Get("data[QUERY][any]"))
	require.Len(t, h.events().Last, 1)
}

func TestSlowHandlerDoesNotHoldTheCRMUp(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	release := make(chan struct{})
	var begun atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun.Add(1); <-release }))
	t.Cleanup(srv.Close)
	h.bind(srv.URL, "ONCRMDEALADD")
	for range 3 * senderWorkers {
		h.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	}
	require.Eventually(t, func() bool { return begun.Load() == senderWorkers }, 5*time.Second, time.Millisecond)
	close(release)
	require.Equal(t, 3*senderWorkers, h.events().Sent)
}

func TestHandlersSurviveARestart(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/crm.db"
	h := open(t, Options{Path: path})
	address, got := subscriber(t, http.StatusOK)
	h.bind(address, "ONCRMDEALADD", "ONCRMDEALUPDATE")
	require.NoError(t, h.p.Close())
	again := open(t, Options{Path: path})
	t.Cleanup(func() { require.NoError(t, again.p.Close()) })
	require.Empty(t, again.events().Last, "what is read from disk is no news")
	again.ok("crm.deal.add", `{"fields":{"TITLE":"Test"}}`)
	require.Equal(t, "ONCRMDEALADD", (<-got).Get("event"))
}

// form sends a form of a page and expects to be led back.
func (h *harness) form(path, body string) {
	h.Helper()
	req, err := http.NewRequest(http.MethodPost, h.srv.URL+path, strings.NewReader(body)) //nolint:noctx // a test
	require.NoError(h, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Referer", h.srv.URL+"/calls/")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	require.NoError(h, err)
	require.NoError(h, resp.Body.Close())
	require.Equal(h, []any{http.StatusSeeOther, "/calls/"}, []any{resp.StatusCode, resp.Header.Get("Location")})
}

// send sends a control request that may fail.
func (h *harness) send(method, path, body string) *http.Response {
	h.Helper()
	req, err := http.NewRequest(method, h.srv.URL+path, strings.NewReader(body)) //nolint:noctx // a test
	require.NoError(h, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	require.NoError(h, resp.Body.Close())
	return resp
}
