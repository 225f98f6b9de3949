package bitrix24

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The golden cases of bitrix24 reference §10 that concern the methods here. G3
// is in oauth_test.go, G4 and G5 in limits_test.go. Ids differ from the
// reference: they are those of this portal.

func TestGoldenProfile(t *testing.T) { // G1
	t.Parallel()
	h := fresh(t)
	a := h.ok("profile.json", `{}`)
	require.JSONEq(t, `{"result":{"ID":"1","ADMIN":true,"NAME":"Anna","LAST_NAME":"Orlova","PERSONAL_GENDER":"","TIME_ZONE":""}}`, a.without(t))
	require.Equal(t, "2026-01-05T10:00:00+03:00", a.Time["date_start"])
	for _, name := range []string{"start", "finish", "duration", "processing", "operating", "operating_reset_at"} {
		require.Contains(t, a.Time, name)
	}
}

func TestGoldenWrongSecret(t *testing.T) { // G2
	t.Parallel()
	a := fresh(t).post("/rest/1/wrong/profile.json", "application/json", `{}`)
	require.Equal(t, http.StatusUnauthorized, a.Status)
	require.JSONEq(t, `{"error":"NO_AUTH_FOUND","error_description":"Wrong authorization data"}`, a.Body)
}

func TestGoldenDuplicates(t *testing.T) { // G6
	t.Parallel()
	h := fresh(t)
	id := h.id("crm.contact.add", `{"fields":{"NAME":"Ivan","PHONE":[{"VALUE":"+79991234567","VALUE_TYPE":"WORK"}]}}`)
	found := h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["+79991234567"],"entity_type":"CONTACT"}`)
	require.JSONEq(t, fmt.Sprintf(`{"result":{"CONTACT":[%d]}}`, id), found.without(t))
	require.JSONEq(t, `{"result":[]}`, h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["+79990000000"]}`).without(t))
	missing := h.call("crm.duplicate.findbycomm", `{"type":"PHONE"}`)
	require.Equal(t, http.StatusBadRequest, missing.Status)
	require.Equal(t, "Communication values is not defined", missing.Error)
}

func TestGoldenCreateContact(t *testing.T) { // G7
	t.Parallel()
	item := fresh(t).ok("crm.item.add", `{"entityTypeId":3,"fields":{"name":"Ivan","lastName":"Petrov","originatorId":"c2d","originId":"77",
		"fm":[{"typeId":"PHONE","valueType":"MOBILE","value":"+79991234567"}]}}`).item(t)
	for name, want := range map[string]any{
		"id": 1.0, "name": "Ivan", "lastName": "Petrov", "hasPhone": "Y", "hasEmail": "N", "originatorId": "c2d", "originId": "77",
		"companyIds": []any{}, "observers": []any{}, "entityTypeId": 3.0, "secondName": nil, "phone": "+79991234567",
	} {
		require.Contains(t, item, name)
		require.Equal(t, want, item[name], name)
	}
	fm := item["fm"].([]any)[0].(map[string]any)
	require.Equal(t, "MOBILE", fm["valueType"])
	require.IsType(t, 1.0, fm["id"])
}

func TestGoldenChangePhones(t *testing.T) { // G8
	t.Parallel()
	h := fresh(t)
	fm := h.ok("crm.item.add", `{"entityTypeId":3,"fields":{"name":"Ivan","fm":[{"typeId":"PHONE","valueType":"MOBILE","value":"+79991234567"},
		{"typeId":"EMAIL","valueType":"WORK","value":"old@example.com"},{"typeId":"PHONE","valueType":"HOME","value":"+7495"}]}}`).item(t)["fm"].([]any)
	id := func(i int) int { return int(fm[i].(map[string]any)["id"].(float64)) }
	item := h.ok("crm.item.update", fmt.Sprintf(`{"entityTypeId":3,"id":1,"fields":{"fm":{"%d":{"typeId":"PHONE","valueType":"WORK","value":"+79990000000"},
		"%d":{"typeId":"EMAIL","value":""},"n0":{"typeId":"EMAIL","valueType":"WORK","value":"a@b.ru"}}}}`, id(0), id(1))).item(t)
	var got []string
	for _, row := range item["fm"].([]any) {
		m := row.(map[string]any)
		got = append(got, fmt.Sprint(m["id"], m["valueType"], m["value"]))
	}
	require.Equal(t, []string{fmt.Sprint(id(0), "WORK", "+79990000000"), fmt.Sprint(id(2), "HOME", "+7495"), fmt.Sprint(id(2)+1, "WORK", "a@b.ru")}, got)
}

func TestGoldenDealPages(t *testing.T) { // G9
	t.Parallel()
	h := fresh(t)
	contact := h.id("crm.contact.add", `{"fields":{"NAME":"Ivan"}}`)
	for range 60 {
		h.id("crm.deal.add", fmt.Sprintf(`{"fields":{"CONTACT_ID":%d}}`, contact))
	}
	page := func(start int) answer {
		return h.ok("crm.item.list", fmt.Sprintf(`{"entityTypeId":2,"select":["id","stageId"],"filter":{"contactId":%d},"order":{"id":"ASC"},"start":%d}`, contact, start))
	}
	one, two, free := page(0), page(50), page(-1)
	require.Equal(t, []int{50, 60}, []int{*one.Next, *one.Total})
	require.Equal(t, map[string]any{"id": 1.0, "stageId": "NEW"}, one.object(t)["items"].([]any)[0])
	require.Len(t, one.object(t)["items"], 50)
	require.Len(t, two.object(t)["items"], 10)
	require.Nil(t, two.Next)
	require.Equal(t, 60, *two.Total)
	require.Equal(t, 0, *free.Total)
	require.Nil(t, free.Next)
	require.Len(t, free.object(t)["items"], 50)
}

func TestGoldenItemErrors(t *testing.T) { // G10, G11
	t.Parallel()
	h := fresh(t)
	for body, want := range map[string]string{
		`{"entityTypeId":2,"filter":{"foo":1}}`: `{"error":"INVALID_ARG_VALUE","error_description":"Invalid filter: field 'foo' is not allowed in filter"}`,
	} {
		a := h.call("crm.item.list", body)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.JSONEq(t, want, a.Body)
	}
	a := h.call("crm.item.get", `{"entityTypeId":2,"id":999999}`)
	require.JSONEq(t, `{"error":"NOT_FOUND","error_description":"Item not found"}`, a.Body)
	a = h.call("crm.item.get", `{"entityTypeId":7777,"id":1}`)
	require.JSONEq(t, `{"error":"NOT_FOUND","error_description":"Smart process not found"}`, a.Body)
}

func TestGoldenClassicDeal(t *testing.T) { // G12
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"1721244482250","USER_TYPE_ID":"string"}}`)
	id := h.id("crm.deal.add", `{"fields":{"TITLE":"Chat 77","CATEGORY_ID":0,"STAGE_ID":"NEW","UTM_SOURCE":"google","UF_CRM_1721244482250":"x"}}`)
	deal := h.ok("crm.deal.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)
	for name, want := range map[string]any{
		"ID": fmt.Sprint(id), "TITLE": "Chat 77", "STAGE_ID": "NEW", "OPPORTUNITY": "0.00", "CATEGORY_ID": "0", "UTM_SOURCE": "google",
		"UTM_MEDIUM": nil, "LEAD_ID": nil, "DATE_CREATE": "2026-01-05T10:00:00+03:00", "UF_CRM_1721244482250": "x",
	} {
		require.Contains(t, deal, name)
		require.Equal(t, want, deal[name], name)
	}
	unknown := h.call("crm.deal.get", `{"id":999}`)
	require.Equal(t, http.StatusBadRequest, unknown.Status)
	require.JSONEq(t, `{"error":"","error_description":"Not found"}`, unknown.Body)
}

func TestGoldenLinkContact(t *testing.T) { // G14
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"Ivan"}}`)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	require.Equal(t, true, h.ok("crm.deal.contact.add", `{"id":1,"fields":{"CONTACT_ID":1}}`).Result)
	require.Equal(t, false, h.ok("crm.deal.contact.add", `{"id":1,"fields":{"CONTACT_ID":1}}`).Result)
	require.JSONEq(t, `{"result":[{"CONTACT_ID":1,"SORT":10,"ROLE_ID":0,"IS_PRIMARY":"Y"}]}`, h.ok("crm.deal.contact.items.get", `{"id":1}`).without(t))
}

func TestGoldenStages(t *testing.T) { // G15
	t.Parallel()
	a := fresh(t).ok("crm.status.list", `{"filter":{"ENTITY_ID":"DEAL_STAGE_1"},"order":{"SORT":"ASC"}}`)
	require.Equal(t, 8, *a.Total)
	row := a.list(t)[0].(map[string]any)
	delete(row, "ID")
	require.Equal(t, map[string]any{
		"ENTITY_ID": "DEAL_STAGE_1", "STATUS_ID": "C1:NEW", "NAME": "New", "NAME_INIT": "New", "SORT": "10", "SYSTEM": "Y",
		"CATEGORY_ID": "1", "COLOR": "#39A8EF", "SEMANTICS": nil, "EXTRA": map[string]any{"SEMANTICS": "process", "COLOR": "#39A8EF"},
	}, row)
}

func TestGoldenTranscript(t *testing.T) { // G16
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	id := h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_ID":1,"ENTITY_TYPE":"deal","COMMENT":"[b]Dialog 77[/b]","FILES":[["dialog.txt","aGk="]]}}`)
	for body, code := range map[string]string{
		`{"fields":{"ENTITY_ID":1,"ENTITY_TYPE":"deal","COMMENT":""}}`:    "INVALID_ARG_VALUE",
		`{"fields":{"ENTITY_ID":99,"ENTITY_TYPE":"deal","COMMENT":"x"}}`:  "OWNER_NOT_FOUND",
		`{"fields":{"ENTITY_ID":1,"ENTITY_TYPE":"thing","COMMENT":"x"}}`:  "OWNER_NOT_FOUND",
		`{"fields":{"ENTITY_TYPE":"deal","COMMENT":"x"}}`:                 "100",
		`{"FIELDS":{"ENTITY_ID":1,"ENTITY_TYPE":"deal","COMMENT":"low"}}`: "100",
	} {
		a := h.call("crm.timeline.comment.add", body)
		require.Equal(t, http.StatusBadRequest, a.Status, body)
		require.Equal(t, code, a.Error, body)
	}
	list := h.ok("crm.timeline.comment.list", `{"filter":{"ENTITY_ID":1,"ENTITY_TYPE":"deal"}}`)
	require.Equal(t, 1, *list.Total)
	row := list.list(t)[0].(map[string]any)
	require.Equal(t, []any{fmt.Sprint(id), "1", "deal", "[b]Dialog 77[/b]", "1"},
		[]any{row["ID"], row["ENTITY_ID"], row["ENTITY_TYPE"], row["COMMENT"], row["AUTHOR_ID"]})
	file := row["FILES"].(map[string]any)["1"].(map[string]any)
	require.Equal(t, "dialog.txt", file["name"])
	resp, err := http.Get(file["urlDownload"].(string)) //nolint:noctx // a test
	require.NoError(t, err)
	require.Equal(t, "hi", h.read(resp).Body)
}

func TestGoldenNotification(t *testing.T) { // G17
	t.Parallel()
	h := fresh(t)
	send := `{"USER_ID":7,"MESSAGE":"New dialog","TAG":"c2d|77","CLIENT_ID":"c2dbridge"}`
	first, second := h.id("im.notify.personal.add", send), h.id("im.notify.personal.add", send)
	require.Equal(t, first+1, second)
	left := h.p.Notifications(7)
	require.Len(t, left, 1)
	require.Equal(t, second, left[0].ID)
	a := h.call("im.notify.personal.add", `{"USER_ID":0,"MESSAGE":"x"}`)
	require.Equal(t, http.StatusBadRequest, a.Status)
	require.JSONEq(t, `{"error":"USER_ID_EMPTY","error_description":"User ID can't be empty"}`, a.Body)
}

func TestGoldenBatch(t *testing.T) { // G25
	t.Parallel()
	h := fresh(t)
	a := h.ok("batch", `{"halt":1,"cmd":{"c":"crm.contact.add?fields[NAME]=Anna",
		"n":"crm.timeline.comment.add?fields[ENTITY_ID]=$result[c]&fields[ENTITY_TYPE]=contact&fields[COMMENT]=hi","x":"crm.deal.get?id=0"}}`)
	result := a.object(t)
	require.Equal(t, map[string]any{"c": 1.0, "n": 1.0}, result["result"])
	require.Equal(t, map[string]any{"x": map[string]any{"error": "", "error_description": "ID is not defined or invalid."}}, result["result_error"])
	require.Equal(t, []any{}, result["result_total"])
	require.Equal(t, []any{}, result["result_next"])
	require.Len(t, result["result_time"], 2)
}

func TestSimpleModeConvertsLeadsAfterItsLag(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.p.SetMode(true, time.Minute)
	require.Equal(t, crmSimple, h.id("crm.settings.mode.get", `{}`))
	named := h.id("crm.lead.add", `{"fields":{"TITLE":"Ask","NAME":"Ivan","UTM_SOURCE":"google","PHONE":[{"VALUE":"+7999"}]}}`)
	nameless := h.id("crm.lead.add", `{"fields":{"TITLE":"Ask"}}`)
	status := func(id int) any { return h.ok("crm.lead.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)["STATUS_ID"] }
	require.Equal(t, "NEW", status(named))
	h.clock.Advance(time.Minute)
	require.Equal(t, "CONVERTED", status(named))
	require.Equal(t, "NEW", status(nameless))
	deal := h.ok("crm.deal.list", fmt.Sprintf(`{"filter":{"LEAD_ID":%d}}`, named)).list(t)[0].(map[string]any)
	require.Equal(t, []any{"1", "Ask", "google", "NEW"}, []any{deal["CONTACT_ID"], deal["TITLE"], deal["UTM_SOURCE"], deal["STAGE_ID"]})
	contact := h.ok("crm.contact.get", `{"id":1}`).object(t)
	require.Equal(t, "+7999", contact["PHONE"].([]any)[0].(map[string]any)["VALUE"])
}

func TestConversionReusesTheContactOfTheLead(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"Ivan"}}`)
	h.id("crm.lead.add", `{"fields":{"NAME":"Ivan","CONTACT_ID":1}}`)
	require.Equal(t, "1", h.ok("crm.deal.get", `{"id":1}`).object(t)["CONTACT_ID"])
	require.Equal(t, 1, *h.ok("crm.contact.list", `{}`).Total)
}

func TestClassicModeKeepsLeads(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPut, "/sandbox/mode", `{"mode":"classic"}`)
	require.Equal(t, crmClassic, h.id("crm.settings.mode.get", `{}`))
	h.id("crm.lead.add", `{"fields":{"NAME":"Ivan"}}`)
	h.clock.Advance(time.Hour)
	require.Equal(t, "NEW", h.ok("crm.lead.get", `{"id":1}`).object(t)["STATUS_ID"])
}
