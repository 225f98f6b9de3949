package bitrix24

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// phones is a portal with an application's token, one contact and one deal.
type phones struct {
	*harness
	access string
}

func openPhones(t *testing.T) phones {
	t.Helper()
	h := fresh(t)
	t.Cleanup(func() { require.NoError(t, h.p.Close()) })
	h.id("crm.contact.add", `{"fields":{"NAME":"Anna","LAST_NAME":"Ruiz","ASSIGNED_BY_ID":7,"PHONE":[{"VALUE":"+7 999 123-45-67"}]}}`)
	h.id("crm.deal.add", `{"fields":{"TITLE":"Tour","CONTACT_ID":1}}`)
	return phones{h, h.issue(DemoOperator)}
}

// app calls a method as the application.
func (h phones) app(method, body string) answer {
	h.Helper()
	return h.post("/rest/"+method+"?auth="+h.access, "application/json", body)
}

// as is the portal seen by another application.
func (h phones) as(clientID string) phones {
	h.Helper()
	var p pair
	answer := h.control(http.MethodPost, "/sandbox/tokens", fmt.Sprintf(`{"client_id":%q,"user_id":7}`, clientID))
	require.NoError(h, json.Unmarshal([]byte(answer.Body), &p))
	return phones{h.harness, p.Access}
}

// done is the result of a method that must succeed.
func (h phones) done(method, body string) map[string]any {
	h.Helper()
	a := h.app(method, body)
	require.Equal(h, http.StatusOK, a.Status, "%s: %s", method, a.Body)
	return a.object(h.T)
}

const ringing = `{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":2,"SHOW":0,"ADD_TO_CHAT":0,"EXTERNAL_CALL_ID":"%s","LINE_NUMBER":"line-1"}`

// register announces an incoming call of the contact.
func (h phones) register(external string) string {
	h.Helper()
	return h.done("telephony.externalCall.register", fmt.Sprintf(ringing, external))["CALL_ID"].(string)
}

// finish registers and finishes a call of 41 seconds.
func (h phones) finish(external string) (callID string, activity int) {
	h.Helper()
	callID = h.register(external)
	out := h.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"DURATION":41,"STATUS_CODE":"200"}`, callID))
	return callID, int(out["CRM_ACTIVITY_ID"].(float64))
}

// calls is what GET /sandbox/calls says.
func (h phones) calls() []PhoneCall {
	h.Helper()
	var out []PhoneCall
	require.NoError(h, json.Unmarshal([]byte(h.control(http.MethodGet, "/sandbox/calls", "").Body), &out))
	return out
}

func TestGoldenRegister(t *testing.T) { // G18
	t.Parallel()
	h := openPhones(t)
	body := `{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":2,"SHOW":0,"ADD_TO_CHAT":0,"EXTERNAL_CALL_ID":"c2d-555","CRM_ENTITY_TYPE":"CONTACT","CRM_ENTITY_ID":1}`
	a := h.app("telephony.externalCall.register", body)
	callID := a.object(t)["CALL_ID"].(string)
	require.Regexp(t, `^externalCall\.[0-9a-f]{32}\.`+fmt.Sprint(start.Unix())+`$`, callID)
	require.JSONEq(t, fmt.Sprintf(`{"result":{"CALL_ID":%q,"CRM_CREATED_LEAD":null,"CRM_CREATED_ENTITIES":[],"CRM_ENTITY_TYPE":"CONTACT","CRM_ENTITY_ID":1}}`, callID), a.without(t))
	require.JSONEq(t, a.without(t), h.app("TELEPHONY.externalcall.REGISTER", body).without(t), "a repeat gives the same call")
	refused := h.call("telephony.externalCall.register", body)
	require.Equal(t, http.StatusForbidden, refused.Status)
	require.Equal(t, "WRONG_AUTH_TYPE", refused.Error)
}

func TestGoldenFinish(t *testing.T) { // G19
	t.Parallel()
	h := openPhones(t)
	callID := h.register("c2d-555")
	attach := fmt.Sprintf(`{"CALL_ID":%q,"FILENAME":"a.mp3","FILE_CONTENT":"SUQz"}`, callID)
	early := h.app("telephony.externalCall.attachRecord", attach)
	require.Equal(t, http.StatusBadRequest, early.Status)
	require.JSONEq(t, `{"error":"ERROR_CORE","error_description":"Call is not found in the statistic table. It looks like it is not finished yet."}`, early.Body)

	finish := fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"DURATION":41,"STATUS_CODE":"200"}`, callID)
	a := h.app("telephony.externalCall.finish", finish)
	require.JSONEq(t, fmt.Sprintf(`{"result":{"CALL_ID":%q,"EXTERNAL_CALL_ID":"c2d-555","PORTAL_USER_ID":7,"PHONE_NUMBER":"79991234567",
		"PORTAL_NUMBER":"line-1","INCOMING":"2","CALL_DURATION":41,"CALL_START_DATE":{},"CALL_STATUS":1,"CALL_VOTE":null,"COST":0,
		"COST_CURRENCY":"","CALL_FAILED_CODE":"200","CALL_FAILED_REASON":"","REST_APP_ID":"1","REST_APP_NAME":%q,"CRM_ACTIVITY_ID":1,
		"COMMENT":null,"CRM_ENTITY_TYPE":"CONTACT","CRM_ENTITY_ID":1,"ID":1}}`, callID, DemoClientID), a.without(t))
	again := h.app("telephony.externalCall.finish", finish)
	require.Equal(t, http.StatusBadRequest, again.Status)
	require.JSONEq(t, `{"error":"ERROR_CORE","error_description":"Call is not found (call should be registered prior to finishing)"}`, again.Body)

	require.InDelta(t, 1, h.done("telephony.externalCall.attachRecord", attach)["FILE_ID"], 0)
	bind := `{"activityId":1,"entityTypeId":2,"entityId":1}`
	require.Equal(t, true, h.ok("crm.activity.binding.add", bind).Result)
	require.Equal(t, "ACTIVITY_IS_ALREADY_BOUND", h.call("crm.activity.binding.add", bind).Error)

	calls := h.calls()
	require.Len(t, calls, 1)
	require.Equal(t, []CallBinding{{3, 1}, {2, 1}}, calls[0].Bindings)
	require.Equal(t, &CallRecord{
		FileID: 1, Name: "a.mp3", Size: 3, SHA256: "041149186b23a9502aea5a4e81bbc9620d2b4b76b4bad94e36c744abcf9d3771", AttachedTimes: 1,
	}, calls[0].Record)
}

func TestFinishingMakesOneCallActivity(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	id := h.done("telephony.externalCall.register", `{"USER_PHONE_INNER":"107","PHONE_NUMBER":"7 (999) 123-45-67","TYPE":"1","CALL_START_DATE":"2026-01-05T09:00:00+03:00"}`)["CALL_ID"]
	h.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":1,"DURATION":"90"}`, id))
	rows := h.ok("crm.activity.list", `{"filter":{"PROVIDER_ID":"VOXIMPLANT_CALL"},"select":["*","COMMUNICATIONS","FILES"]}`).list(t)
	require.Len(t, rows, 1)
	row := rows[0].(map[string]any)
	for name, want := range map[string]any{
		"TYPE_ID": "2", "PROVIDER_TYPE_ID": "CALL", "OWNER_TYPE_ID": "3", "OWNER_ID": "1", "DIRECTION": "2", "COMPLETED": "Y", "STATUS": "2",
		"SUBJECT": "Outgoing call Anna Ruiz", "START_TIME": "2026-01-05T09:00:00+03:00", "END_TIME": "2026-01-05T09:01:30+03:00",
		"RESPONSIBLE_ID": "1", "ORIGIN_ID": "VI_" + id.(string), "DEADLINE": "2026-01-05T09:00:00+03:00", "FILES": []any{},
	} {
		require.Equal(t, want, row[name], name)
	}
	communication := row["COMMUNICATIONS"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"PHONE", "7 (999) 123-45-67", "1", "3"}, []any{
		communication["TYPE"], communication["VALUE"], communication["ENTITY_ID"], communication["ENTITY_TYPE_ID"],
	})
}

func TestMissedCallsStayOpen(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	out := h.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"FAILED_REASON":"nobody was there"}`, h.register("x")))
	require.Equal(t, []any{"304", 0.0, "nobody was there"}, []any{out["CALL_FAILED_CODE"], out["CALL_STATUS"], out["CALL_FAILED_REASON"]})
	require.Equal(t, []any{"N", "1"}, []any{
		h.ok("crm.activity.get", `{"id":1}`).object(t)["COMPLETED"], h.ok("crm.activity.get", `{"id":1}`).object(t)["DIRECTION"],
	})
}

func TestRegistrationsAreDeduplicatedForHalfAnHour(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.control(http.MethodPost, "/sandbox/apps", `{"client_id":"other","client_secret":"s"}`)
	one := h.register("a")
	for body, why := range map[string]string{
		`{"USER_ID":7,"PHONE_NUMBER":"7 999 123 45 67","TYPE":2}`:                                                                                          "without line and outside id nothing else is compared",
		`{"USER_PHONE_INNER":"107","PHONE_NUMBER":"+79991234567","TYPE":2,"LINE_NUMBER":"line-1"}`:                                                         "the inner number names the same user",
		`{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":2,"EXTERNAL_CALL_ID":"a","CRM_ENTITY_TYPE":"CONTACT","CALL_START_DATE":"2026-01-05T09:00:00Z"}`: "the client and the start are no part of the key",
	} {
		require.Equal(t, one, h.done("telephony.externalCall.register", body)["CALL_ID"], why)
	}
	for body, why := range map[string]string{
		`{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":2,"EXTERNAL_CALL_ID":"b"}`: "another outside id",
		`{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":2,"LINE_NUMBER":"line-2"}`: "another line",
		`{"USER_ID":7,"PHONE_NUMBER":"+79991234567","TYPE":1,"EXTERNAL_CALL_ID":"a"}`: "another type",
		`{"USER_ID":1,"PHONE_NUMBER":"+79991234567","TYPE":2,"EXTERNAL_CALL_ID":"a"}`: "another user",
		`{"USER_ID":7,"PHONE_NUMBER":"+79991234568","TYPE":2,"EXTERNAL_CALL_ID":"a"}`: "another phone",
	} {
		require.NotEqual(t, one, h.done("telephony.externalCall.register", body)["CALL_ID"], why)
	}
	require.NotEqual(t, one, h.as("other").register("a"), "another application")
	h.clock.Advance(30*time.Minute - time.Second)
	require.Equal(t, one, h.register("a"))
	h.clock.Advance(time.Second)
	require.NotEqual(t, one, h.register("a"), "half an hour is over")
}

func TestParallelAnnouncementsMakeOneCallAndOneActivity(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.control(http.MethodPut, "/sandbox/limits", `{"burst":0}`)
	const callers = 20
	answers := make(chan answer, callers)
	for range callers {
		go func() {
			a := h.app("telephony.externalCall.register", fmt.Sprintf(ringing, "same"))
			id, _ := a.Result.(map[string]any)["CALL_ID"].(string)
			answers <- h.app("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"DURATION":5}`, id))
		}()
	}
	finished := 0
	for range callers {
		finished += pick((<-answers).Status == http.StatusOK, 1, 0)
	}
	require.Equal(t, 1, finished)
	require.Len(t, h.calls(), 1)
	require.Len(t, h.ok("crm.activity.list", `{}`).list(t), 1)
}

func TestAFinishedCallIsAnnouncedAnewWhereItIsForgotten(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	done, _ := h.finish("a")
	require.Equal(t, done, h.register("a"), "as a rule a finished call is found")
	h.p.opts.Variants.ForgetFinished = true
	anew := h.register("a")
	require.NotEqual(t, done, anew)
	require.Equal(t, anew, h.register("a"))
}

func TestRegisterFindsTheClientByPhone(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.id("crm.company.add", `{"fields":{"TITLE":"Alfa","PHONE":[{"VALUE":"+34600111222"}]}}`)
	out := h.done("telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+34 600 111-222","TYPE":2}`)
	require.Equal(t, []any{"COMPANY", 1.0}, []any{out["CRM_ENTITY_TYPE"], out["CRM_ENTITY_ID"]})
	out = h.done("telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+4930","TYPE":2}`)
	require.Equal(t, []any{nil, nil}, []any{out["CRM_ENTITY_TYPE"], out["CRM_ENTITY_ID"]})
	nobody := h.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7}`, out["CALL_ID"]))
	require.Nil(t, nobody["CRM_ACTIVITY_ID"], "there is no timeline to put it on")
}

func TestRegisterCreatesTheClientIfAsked(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	body := `{"USER_ID":7,"PHONE_NUMBER":"+3460099%d","TYPE":%d,"CRM_CREATE":1,"CRM_SOURCE":"WEB","LINE_NUMBER":"quiet"}`
	simple := h.done("telephony.externalCall.register", fmt.Sprintf(body, 1, 2))
	require.Equal(t, []any{"CONTACT", 2.0, nil}, []any{simple["CRM_ENTITY_TYPE"], simple["CRM_ENTITY_ID"], simple["CRM_CREATED_LEAD"]})
	require.Len(t, simple["CRM_CREATED_ENTITIES"], 2)
	h.control(http.MethodPut, "/sandbox/mode", `{"mode":"classic"}`)
	classic := h.done("telephony.externalCall.register", fmt.Sprintf(body, 2, 2))
	require.Equal(t, []any{map[string]any{"ENTITY_TYPE": "LEAD", "ENTITY_ID": 1.0}}, classic["CRM_CREATED_ENTITIES"])
	require.InDelta(t, 1, classic["CRM_CREATED_LEAD"], 0)
	h.done("telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":1,"DURATION":5}`, classic["CALL_ID"]))
	lead := h.ok("crm.lead.get", `{"id":1}`).object(t)
	require.Equal(t, []any{"1", "WEB"}, []any{lead["ASSIGNED_BY_ID"], lead["SOURCE_ID"]}, "who finishes the call gets the lead")

	h.done("telephony.externalLine.add", `{"NUMBER":"quiet","CRM_AUTO_CREATE":"N"}`)
	out := h.done("telephony.externalCall.register", fmt.Sprintf(body, 3, 1))
	require.Nil(t, out["CRM_ENTITY_ID"], "the line forbids it for outgoing calls")
}

func TestTelephonyErrors(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	open, _ := h.register("open"), 0
	done, _ := h.finish("done")
	file := func(rest string) string { return fmt.Sprintf(`{"CALL_ID":%q,%s}`, done, rest) }
	text := func(rest string) string { return file(`"MESSAGES":[` + rest + `]`) }
	for _, c := range []struct{ method, body, want string }{
		{"telephony.externalCall.register", `{"PHONE_NUMBER":"+7999","TYPE":2}`, "USER_ID or USER_PHONE_INNER should be set"},
		{"telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+7999","TYPE":9}`, "Unknown TYPE"},
		{"telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+7999"}`, "Unknown TYPE"},
		{"telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"anonymous","TYPE":2}`, "Unsupported phone number format"},
		{"telephony.externalCall.register", `{"USER_ID":7,"TYPE":2}`, "Unsupported phone number format"},
		{"telephony.externalCall.register", `{"USER_ID":99,"PHONE_NUMBER":"+7999","TYPE":2}`, "User is not found or is not active"},
		{"telephony.externalCall.register", `{"USER_PHONE_INNER":"999","PHONE_NUMBER":"+7999","TYPE":2}`, "User is not found or is not active"},
		{"telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+7999","TYPE":2,"CALL_START_DATE":"2026-01-05 10:00:00"}`, "CALL_START_DATE should be in the ISO-8601 format"},
		{"telephony.externalCall.register", `{"USER_ID":7,"PHONE_NUMBER":"+7999","TYPE":2,"CRM_ENTITY_TYPE":"DEAL","CRM_ENTITY_ID":1}`, "CRM_ENTITY_TYPE should be CONTACT, COMPANY or LEAD"},
		{"telephony.externalCall.finish", `{"CALL_ID":5,"USER_ID":7}`, "CALL_ID must be a string"},
		{"telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q}`, open), "USER_ID or USER_PHONE_INNER should be set"},
		{"telephony.externalCall.finish", `{"CALL_ID":"no such call","USER_ID":7}`, "Call is not found (call should be registered prior to finishing)"},
		{"telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":99}`, open), "User is not found or is not active"},
		{"telephony.externalCall.finish", fmt.Sprintf(`{"CALL_ID":%q,"USER_ID":7,"STATUS_CODE":"777"}`, open), "Unknown STATUS_CODE"},
		{"telephony.externalCall.attachRecord", fmt.Sprintf(`{"CALL_ID":%q}`, done), "Required parameters are not set. Request should contain either URL or FILENAME parameter"},
		{"telephony.externalCall.attachRecord", file(`"FILENAME":""`), "File name is empty"},
		{"telephony.externalCall.attachRecord", file(`"FILENAME":"a.ogg","FILE_CONTENT":"SUQz"`), "Wrong file extension. Only wav and mp3 are allowed"},
		{"telephony.externalCall.attachRecord", file(`"FILENAME":"a.wav","FILE_CONTENT":""`), "File content is empty."},
		{"telephony.externalCall.attachRecord", file(`"FILENAME":"a.wav","FILE_CONTENT":"*"`), "File content is not properly encoded. Base64 encoding is expected."},
		{"telephony.externalCall.attachRecord", file(`"RECORD_URL":"` + h.srv.URL + `/nothing.wav"`), "Server returns HTTP error code 404"},
		{"telephony.externalCall.searchCrmEntities", `{}`, "PHONE_NUMBER is empty"},
		{"telephony.call.attachTranscription", `{}`, "CALL_ID should be set"},
		{"telephony.call.attachTranscription", file(`"MESSAGES":"x"`), "MESSAGES should be an array"},
		{"telephony.call.attachTranscription", text(`{"SIDE":"Bot"}`), "MESSAGES[0][SIDE] should be either Client or User"},
		{"telephony.call.attachTranscription", text(`{"SIDE":"User","START_TIME":-1}`), "MESSAGES[0][START_TIME] should be greater or equal to zero"},
		{"telephony.call.attachTranscription", text(`{"SIDE":"User","START_TIME":0,"STOP_TIME":0}`), "MESSAGES[0][STOP_TIME] should be greater than zero"},
		{"telephony.call.attachTranscription", text(`{"SIDE":"User","START_TIME":0,"STOP_TIME":1}`), "MESSAGES[0][MESSAGE] is empty"},
		{"telephony.call.attachTranscription", fmt.Sprintf(`{"CALL_ID":%q,"MESSAGES":[]}`, open), "Call " + open + " is not found. Is it finished?"},
		{"telephony.externalLine.add", `{}`, "NUMBER should not be empty"},
		{"telephony.externalLine.update", `{"NUMBER":"1","NAME":"x"}`, "Could not find line with number 1"},
		{"telephony.externalLine.delete", `{"NUMBER":"1"}`, "Could not find line with number 1"},
	} {
		a := h.app(c.method, c.body)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %s: %s", c.method, c.body, a.Body)
		require.Equal(t, c.want, a.Text, "%s %s", c.method, c.body)
		require.Contains(t, []any{"ERROR_CORE", "INVALID_ARGUMENT"}, a.Error)
	}
}

func TestExternalLines(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	require.InDelta(t, 1, h.done("telephony.externalLine.add", `{"NUMBER":"line-1","NAME":"Support"}`)["ID"], 0)
	require.Equal(t, "Line already exists", h.app("telephony.externalLine.add", `{"NUMBER":"line-1"}`).Text)
	require.Equal(t, "There are no fields to update", h.app("telephony.externalLine.update", `{"NUMBER":"line-1"}`).Text)
	require.Equal(t, "1", h.done("telephony.externalLine.update", `{"NUMBER":"line-1","CRM_AUTO_CREATE":"N"}`)["ID"])
	require.JSONEq(t, `{"result":[{"NUMBER":"line-1","NAME":"Support","CRM_AUTO_CREATE":"N"}]}`, h.app("telephony.externalLine.get", `{}`).without(t))
	require.JSONEq(t, `{"result":[]}`, h.app("telephony.externalLine.delete", `{"NUMBER":"line-1"}`).without(t))
	require.Equal(t, "WRONG_AUTH_TYPE", h.call("telephony.externalLine.get", `{}`).Error)
}

func TestCallCardsAreShownAndHidden(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	id := h.register("a")
	for _, step := range []struct {
		method, users string
		want          []int
	}{
		{"show", ``, []int{7}}, {"show", `,"USER_ID":[1,7]`, []int{1, 7}}, {"hide", `,"USER_ID":1`, []int{7}}, {"hide", ``, []int{}},
	} {
		a := h.ok("telephony.externalCall."+step.method, fmt.Sprintf(`{"CALL_ID":%q%s}`, id, step.users))
		require.Equal(t, true, a.Result)
		require.Equal(t, step.want, h.calls()[0].ShownTo)
	}
	require.Equal(t, false, h.ok("telephony.externalCall.show", `{"CALL_ID":"unknown"}`).Result)
	require.False(t, h.calls()[0].InChat)
}

func TestSearchForClientsOfACall(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	require.JSONEq(t, `{"result":[{"CRM_ENTITY_TYPE":"CONTACT","CRM_ENTITY_ID":1,"ASSIGNED_BY_ID":7,"NAME":"Anna Ruiz","ASSIGNED_BY":{"ID":"7",
		"TIMEMAN_STATUS":"CLOSED","USER_PHONE_INNER":"107","WORK_PHONE":null,"PERSONAL_PHONE":null,"PERSONAL_MOBILE":null}}]}`,
		h.ok("telephony.externalCall.searchCrmEntities", `{"PHONE_NUMBER":"7 999 1234567"}`).without(t))
}

func TestACallTakesOneBatch(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	content := strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte("ID3 ÿ?~")), "+", "%2B")
	a := h.done("batch", fmt.Sprintf(`{"halt":1,"cmd":{
		"r":"telephony.externalCall.register?USER_ID=7&PHONE_NUMBER=%%2B79991234567&TYPE=2&EXTERNAL_CALL_ID=x",
		"f":"telephony.externalCall.finish?CALL_ID=$result[r][CALL_ID]&USER_ID=7&DURATION=9",
		"d":"crm.activity.binding.add?activityId=$result[f][CRM_ACTIVITY_ID]&entityTypeId=2&entityId=1",
		"a":"telephony.externalCall.attachRecord?CALL_ID=$result[r][CALL_ID]&FILENAME=x.mp3&FILE_CONTENT=%s"}}`, content))
	require.Equal(t, []any{}, a["result_error"])
	require.Equal(t, []CallBinding{{3, 1}, {2, 1}}, h.calls()[0].Bindings)
	require.Equal(t, int64(8), h.calls()[0].Record.Size)
}

func TestTelephonyNeedsItsScope(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.control(http.MethodPost, "/sandbox/webhooks", `{"user":1,"secret":"onlycrm0000","scopes":["crm"]}`)
	for _, method := range []string{"telephony.externalCall.show", "voximplant.statistic.get", "telephony.externalCall.attachRecord"} {
		a := h.post("/rest/1/onlycrm0000/"+method, "application/json", `{}`)
		require.Equal(t, http.StatusForbidden, a.Status)
		require.Equal(t, "insufficient_scope", a.Error)
	}
}

func TestActivitiesOfADeletedClient(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	_, activity := h.finish("a")
	h.ok("crm.activity.binding.add", fmt.Sprintf(`{"activityId":%d,"entityTypeId":2,"entityId":1}`, activity))
	h.ok("crm.contact.delete", `{"id":1}`)
	require.Equal(t, "2", h.ok("crm.activity.get", `{"id":1}`).object(t)["OWNER_TYPE_ID"], "the deal owns it now")
	h.ok("crm.deal.delete", `{"id":1}`)
	require.Equal(t, "Activity is not found.", h.call("crm.activity.get", `{"id":1}`).Text)
	require.Empty(t, h.calls()[0].Bindings)
}
