package bitrix24

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the contact center needs of users, directories and crm.item.* besides
// the golden cases.

// names are the values of one member of all rows.
func names(rows []any, member string) []any {
	out := []any{}
	for _, row := range rows {
		out = append(out, row.(map[string]any)[member])
	}
	return out
}

func TestUserFilters(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	h.ok("user.update", `{"ID":10,"ACTIVE":false}`)
	for filter, want := range map[string][]any{
		`{"ACTIVE":true}`:                   {"1", "7", "8", "9"},
		`{"ACTIVE":false}`:                  {"10"},
		`{}`:                                {"1", "7", "8", "9", "10"},
		`{"@ID":[7,8]}`:                     {"7", "8"},
		`{"ID":["7","99"]}`:                 {"7"},
		`{"UF_PHONE_INNER":"107"}`:          {"7"},
		`{"UF_PHONE_INNER":"999"}`:          {},
		`{"%LAST_NAME":"MIRN"}`:             {"7"},
		`{"UF_DEPARTMENT":2}`:               {"7", "8"},
		`{"NAME_SEARCH":"pavel vol"}`:       {"8"},
		`{"USER_TYPE":"employee"}`:          {"1", "7", "8", "9", "10"},
		`{"WORK_PHONE":"+7 495 200-00-07"}`: {"7"},
	} {
		require.Equal(t, want, names(h.ok("user.get", `{"FILTER":`+filter+`}`).list(t), "ID"), filter)
	}
	rows := h.ok("user.get", `{"FILTER":{"ID":7},"select":["ID","NAME","WORK_PHONE","UF_*","NONE"]}`).list(t)
	require.Equal(t, []any{map[string]any{
		"ID": "7", "NAME": "Olga", "WORK_PHONE": "+7 495 200-00-07", "UF_PHONE_INNER": "107", "UF_DEPARTMENT": []any{2.0}, "UF_EMPLOYMENT_DATE": "",
	}}, rows)
	require.Equal(t, []any{"10", "9"}, names(h.ok("user.get", `{"sort":"ID","order":"DESC","FILTER":{"UF_DEPARTMENT":3}}`).list(t), "ID"))
}

func TestUserSearchGoesByHowWordsBegin(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	for filter, want := range map[string][]any{
		`{"NAME":"ol"}`:                                {"7"},
		`{"NAME":"lga"}`:                               {},
		`{"LAST_NAME":"Volkov","NAME":"pavel"}`:        {"8"},
		`{"UF_DEPARTMENT_NAME":"sal"}`:                 {"7", "8"},
		`{"UF_DEPARTMENT_NAME":"none"}`:                {},
		`{"FIND":"support"}`:                           {"9", "10"},
		`{"FIND":"smirnova olga"}`:                     {"7"},
		`{"FIND":"smirnova pavel"}`:                    {},
		`{"WORK_POSITION":"head","USER_TYPE":"email"}`: {},
	} {
		require.Equal(t, want, names(h.ok("user.search", `{"FILTER":`+filter+`}`).list(t), "ID"), filter)
	}
}

func TestSmallScopesHideContactDetails(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	for scope, want := range map[string][]string{
		"user_brief": {"NAME", "UF_PHONE_INNER", "WORK_POSITION"},
		"user_basic": {"NAME", "UF_PHONE_INNER", "WORK_PHONE", "PERSONAL_MOBILE", "EMAIL"},
		"user":       {"NAME", "UF_PHONE_INNER", "WORK_PHONE", "PERSONAL_MOBILE", "EMAIL", "USER_TYPE"},
	} {
		h.control(http.MethodPost, "/sandbox/webhooks", fmt.Sprintf(`{"user":7,"secret":"only%s","scopes":[%q]}`, scope, scope))
		row := h.get("/rest/7/only" + scope + "/user.current").object(t)
		for _, name := range []string{"NAME", "UF_PHONE_INNER", "WORK_POSITION", "WORK_PHONE", "PERSONAL_MOBILE", "EMAIL", "USER_TYPE"} {
			require.Equal(t, strings.Contains(strings.Join(want, " ")+" WORK_POSITION", name), func() bool { _, ok := row[name]; return ok }(), "%s %s", scope, name)
		}
	}
}

func TestWorkDays(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	status := func() map[string]any { return h.ok("timeman.status", `{"USER_ID":7}`).object(t) }
	never := status()
	require.Equal(t, []any{"CLOSED", nil, nil, "00:00:00"}, []any{never["STATUS"], never["TIME_START"], never["TIME_FINISH"], never["DURATION"]})
	set := func(s string) { h.control(http.MethodPut, "/sandbox/workday", `{"user_id":7,"status":"`+s+`"}`) }
	set("opened")
	opened := status()
	require.Equal(t, []any{"OPENED", "2026-01-05T10:00:00+03:00", nil, 10800.0},
		[]any{opened["STATUS"], opened["TIME_START"], opened["TIME_FINISH"], opened["TZ_OFFSET"]})
	h.clock.Advance(time.Hour)
	set("paused")
	require.Equal(t, []any{"PAUSED", "2026-01-05T10:00:00+03:00"}, []any{status()["STATUS"], status()["TIME_START"]})
	set("closed")
	closed := status()
	require.Equal(t, []any{"CLOSED", "2026-01-05T11:00:00+03:00", "01:00:00"}, []any{closed["STATUS"], closed["TIME_FINISH"], closed["DURATION"]})
	set("opened")
	h.clock.Advance(24 * time.Hour)
	require.Equal(t, "EXPIRED", status()["STATUS"], "a day that was not closed")
	require.Equal(t, "2026-01-05T20:00:00+03:00", status()["TIME_FINISH_DEFAULT"])
	set("expired")
	require.Equal(t, "EXPIRED", status()["STATUS"])

	unknown := h.call("timeman.status", `{"USER_ID":99}`)
	require.JSONEq(t, `{"error":"","error_description":"User not found"}`, unknown.Body)
	h.control(http.MethodPost, "/sandbox/webhooks", `{"user":7,"secret":"operator","scopes":["timeman"]}`)
	require.Equal(t, "EXPIRED", h.get("/rest/7/operator/timeman.status").object(t)["STATUS"])
	require.Equal(t, "ACCESS_DENIED", h.get("/rest/7/operator/timeman.status?USER_ID=1").Error)
	for _, body := range []string{`{"user_id":7,"status":"asleep"}`, `{"user_id":99,"status":"opened"}`} {
		req, err := http.NewRequest(http.MethodPut, h.srv.URL+"/sandbox/workday", strings.NewReader(body)) //nolint:noctx // a test
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, h.read(resp).Status)
	}
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	list := h.ok("crm.currency.list", `{"order":{"CURRENCY":"asc"}}`)
	require.Equal(t, []any{"EUR", "RUB", "USD"}, names(list.list(t), "CURRENCY"))
	require.Equal(t, 0, *list.Total)
	require.Equal(t, "USD", h.ok("crm.currency.base.get", `{}`).Result)
	one := h.ok("crm.currency.get", `{"id":"EUR"}`).object(t)
	require.Equal(t, []any{"N", "1.0800", "200", "€#"}, []any{one["BASE"], one["AMOUNT"], one["SORT"], one["LANG"].(map[string]any)["en"].(map[string]any)["FORMAT_STRING"]})
	fields := h.ok("crm.currency.fields", `{}`).object(t)
	require.Equal(t, map[string]any{
		"type": "double", "isRequired": false, "isReadOnly": false, "isImmutable": false, "isMultiple": false, "isDynamic": false, "title": "Exchange rate",
	}, fields["AMOUNT"])
	for _, tc := range [][3]string{
		{"crm.currency.get", `{"id":"XXX"}`, `{"error":"","error_description":"Not found"}`},
		{"crm.currency.add", `{"fields":{"AMOUNT":1}}`, `{"error":"ERROR_CORE","error_description":"Undefined array key \"CURRENCY\""}`},
		{"crm.currency.delete", `{"id":"USD"}`, `{"error":"","error_description":"Cannot delete base currency."}`},
	} {
		require.JSONEq(t, tc[2], h.call(tc[0], tc[1]).Body, tc)
	}
}

func TestDirectoriesOfStatuses(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	items := h.ok("crm.status.entity.items", `{"entityId":"DEAL_STAGE_2"}`).list(t)
	require.Equal(t, map[string]any{"NAME": "New", "SORT": 10.0, "STATUS_ID": "C2:NEW"}, items[0])
	for _, id := range []string{"", "NOTHING", "DEAL_STAGE_9"} {
		a := h.call("crm.status.entity.items", `{"entityId":"`+id+`"}`)
		require.Equal(t, http.StatusBadRequest, a.Status)
		require.Equal(t, "The parameter entityId is not defined or invalid.", a.Error)
	}
	types := map[any]map[string]any{}
	for _, row := range h.ok("crm.status.entity.types", `{}`).list(t) {
		types[row.(map[string]any)["ID"]] = row.(map[string]any)
	}
	require.Equal(t, []any{"C2", "2", "DEAL_STAGE", "Subsidies stages"},
		[]any{types["DEAL_STAGE_2"]["PREFIX"], types["DEAL_STAGE_2"]["CATEGORY_ID"], types["DEAL_STAGE_2"]["PARENT_ID"], types["DEAL_STAGE_2"]["NAME"]})
	require.Equal(t, "C2:WON", types["DEAL_STAGE_2"]["SEMANTIC_INFO"].(map[string]any)["FINAL_SUCCESS_FIELD"])
	source := h.ok("crm.status.list", `{"filter":{"ENTITY_ID":"SOURCE","STATUS_ID":"WEB"},"select":["ID"]}`).list(t)[0].(map[string]any)
	require.Equal(t, []any{"Website", nil, nil}, []any{source["NAME"], source["CATEGORY_ID"], source["SEMANTICS"]})
	require.NotContains(t, source, "EXTRA")
	wrong := h.call("crm.status.list", `{"filter":{"ENTITY_ID":["SOURCE"]}}`)
	require.Equal(t, "Invalid parameters.", wrong.Error)
	pipelines := h.ok("crm.category.list", `{"entityTypeId":2}`)
	require.Equal(t, []any{"General", "Messengers", "Subsidies"}, names(pipelines.object(t)["categories"].([]any), "name"))
}

func TestLabelsOfUserFieldsNeedALanguage(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for _, k := range kinds {
		h.id("crm."+k.name+".userfield.add", `{"fields":{"FIELD_NAME":"COLOUR","USER_TYPE_ID":"enumeration","LABEL":"Colour",
			"LIST":[{"VALUE":"Red","DEF":"Y","XML_ID":"red"},{"VALUE":"Blue","SORT":100}]}}`)
		row := h.ok("crm."+k.name+".userfield.list", `{"filter":{"LANG":"ru"}}`).list(t)[0].(map[string]any)
		require.Equal(t, []any{k.uf, "UF_CRM_COLOUR", "enumeration", "Colour", "N", "N"},
			[]any{row["ENTITY_ID"], row["FIELD_NAME"], row["USER_TYPE_ID"], row["EDIT_FORM_LABEL"], row["MULTIPLE"], row["SHOW_FILTER"]})
		require.Equal(t, []any{"Blue", "Red"}, names(row["LIST"].([]any), "VALUE"))
		bare := h.ok("crm."+k.name+".userfield.list", `{"filter":{"USER_TYPE_ID":"enumeration"}}`).list(t)[0].(map[string]any)
		require.NotContains(t, bare, "EDIT_FORM_LABEL")
		require.Contains(t, bare, "LIST")
	}
}

func TestItemListFiltersOfTheContactCenter(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.ok("crm.item.add", `{"entityTypeId":4,"fields":{"title":"Рога и Копыта"}}`)
	for _, name := range []string{"Ivan", "Anna"} {
		h.ok("crm.item.add", `{"entityTypeId":3,"fields":{"name":"`+name+`"}}`)
	}
	h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"title":"First","companyId":1,"contactIds":[1,2],"originatorId":"puente","originId":"r-1","observers":[7]}}`)
	h.clock.Advance(time.Hour)
	h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"title":"Second","categoryId":1,"contactIds":[2],"originatorId":"puente","originId":"r-2"}}`)
	h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"title":"Third","stageId":"WON"}}`)
	for filter, want := range map[string][]any{
		`{"%title":"ir"}`:     {1.0, 3.0},
		`{"%title":"FIRST"}`:  {1.0},
		`{"=%title":"%d"}`:    {2.0, 3.0},
		`{"@id":[1,3,99]}`:    {1.0, 3.0},
		`{"id":[]}`:           {},
		`{"companyId":1}`:     {1.0},
		`{"contactId":1}`:     {1.0},
		`{"contactId":2}`:     {2.0}, // only the primary contact
		`{"contactIds":2}`:    {1.0, 2.0},
		`{"@contactIds":[1]}`: {1.0},
		`{"observers":7}`:     {1.0},
		`{"!observers":7}`:    {2.0, 3.0},
		`{"originatorId":"puente","originId":"r-2"}`:                    {2.0},
		`{">=updatedTime":"2026-01-05T11:00:00+03:00"}`:                 {2.0, 3.0},
		`{"<updatedTime":"2026-01-05T08:00:00+00:00"}`:                  {1.0},
		`{"categoryId":0,"closed":"N"}`:                                 {1.0},
		`{"stageSemanticId":"S"}`:                                       {3.0},
		`{"0":{"logic":"OR","0":{"companyId":1},"1":{"contactIds":2}}}`: {1.0, 2.0},
	} {
		got := h.ok("crm.item.list", `{"entityTypeId":2,"select":["id"],"filter":`+filter+`}`).object(t)["items"].([]any)
		require.Equal(t, want, names(got, "id"), filter)
	}
	require.Len(t, h.ok("crm.item.list", `{"entityTypeId":4,"filter":{"%title":"копыт"}}`).object(t)["items"], 1)
	newest := h.ok("crm.item.list", `{"entityTypeId":2,"select":["id","title"],"order":{"createdTime":"DESC","id":"DESC"}}`).object(t)["items"].([]any)
	require.Equal(t, []any{3.0, 2.0, 1.0}, names(newest, "id"))
	for filter, text := range map[string]string{
		`{"phone":"+7999"}`:    "Invalid filter: field 'phone' is not allowed in filter",
		`{"fm":"+7999"}`:       "Invalid filter: field 'fm' is not allowed in filter",
		`{"companyId":"acme"}`: "Invalid filter: field 'companyId' has invalid value",
	} {
		a := h.call("crm.item.list", `{"entityTypeId":3,"filter":`+filter+`}`)
		require.Equal(t, "INVALID_ARG_VALUE", a.Error, filter)
		require.Equal(t, text, a.Text)
	}
}

func TestItemUpdateReplacesContactsAndObservers(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for range 3 {
		h.ok("crm.item.add", `{"entityTypeId":3,"fields":{}}`)
	}
	h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"contactIds":[1,2],"observers":[1]}}`)
	update := func(fields string) map[string]any {
		return h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":`+fields+`}`).item(t)
	}
	deal := update(`{"contactIds":[3,2],"observers":[7,1]}`)
	require.Equal(t, []any{[]any{3.0, 2.0}, 3.0, []any{7.0, 1.0}}, []any{deal["contactIds"], deal["contactId"], deal["observers"]})
	deal = update(`{"title":"x"}`)
	require.Equal(t, []any{[]any{3.0, 2.0}, []any{7.0, 1.0}}, []any{deal["contactIds"], deal["observers"]}, "what is not named stays")
	deal = update(`{"contactIds":[],"observers":[]}`)
	require.Equal(t, []any{[]any{}, 0.0, []any{}}, []any{deal["contactIds"], deal["contactId"], deal["observers"]})
	bad := h.call("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"observers":[404]}}`)
	require.Equal(t, "CRM_FIELD_ERROR_VALUE_NOT_VALID", bad.Error)
	require.NotContains(t, h.ok("crm.deal.get", `{"id":1}`).object(t), "OBSERVERS", "the classic methods do not know observers")
}
