package bitrix24

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// ids are the ids of a crm.item.list answer.
func (a answer) ids(t *testing.T) []int {
	t.Helper()
	out := []int{}
	for _, row := range a.object(t)["items"].([]any) {
		out = append(out, int(row.(map[string]any)["id"].(float64)))
	}
	return out
}

// filterDeals is a portal with five deals to filter.
func filterDeals(t *testing.T) *harness {
	t.Helper()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"A"}}`)
	h.id("crm.contact.add", `{"fields":{"NAME":"B"}}`)
	h.id("crm.company.add", `{"fields":{"TITLE":"Acme"}}`)
	h.id("crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"FLAG","USER_TYPE_ID":"boolean"}}`)
	for _, fields := range []string{
		`"TITLE":"Alpha","OPPORTUNITY":100,"CONTACT_ID":1,"ORIGIN_ID":"d-1","UF_CRM_FLAG":"1"`,
		`"TITLE":"alphabet","OPPORTUNITY":200,"CONTACT_IDS":[2,1],"STAGE_ID":"WON"`,
		`"TITLE":"Beta 50%","OPPORTUNITY":300,"COMPANY_ID":1`,
		`"TITLE":"Gamma","OPPORTUNITY":50.5,"CATEGORY_ID":1,"STAGE_ID":"C1:LOSE"`,
		`"TITLE":"Delta","OPPORTUNITY":0,"ASSIGNED_BY_ID":7`,
	} {
		h.id("crm.deal.add", `{"fields":{`+fields+`}}`)
	}
	return h
}

func TestItemFilters(t *testing.T) {
	t.Parallel()
	h := filterDeals(t)
	for _, tc := range []struct {
		filter string
		want   []int
	}{
		{`{}`, []int{1, 2, 3, 4, 5}},
		{`{"id":3}`, []int{3}},
		{`{"@id":[5,1,99]}`, []int{1, 5}},
		{`{"=id":[2,3]}`, []int{2, 3}},
		{`{"!id":3,">id":1}`, []int{2, 4, 5}},
		{`{"!@id":[1,2,3]}`, []int{4, 5}},
		{`{"%title":"ALPHA"}`, []int{1, 2}},
		{`{"=%title":"%a"}`, []int{1, 4, 5}},
		{`{"%=title":"al%b%t"}`, []int{2}},
		{`{"!%title":"a"}`, []int{}},
		{`{"!=%title":"alpha%"}`, []int{3, 4, 5}},
		{`{"!%=title":"%a"}`, []int{2, 3}},
		{`{">=opportunity":200}`, []int{2, 3}},
		{`{"<opportunity":"100.00"}`, []int{4, 5}},
		{`{">opportunity":50,"<=opportunity":100}`, []int{1, 4}},
		{`{"contactId":1}`, []int{1}},
		{`{"contactIds":1}`, []int{1, 2}},
		{`{"@contactIds":[2]}`, []int{2}},
		{`{"companyId":1}`, []int{3}},
		{`{"companyId":0}`, []int{1, 2, 4, 5}},
		{`{"originId":"D-1"}`, []int{1}},
		{`{"stageSemanticId":"P"}`, []int{1, 3, 5}},
		{`{"@stageSemanticId":["S","F"]}`, []int{2, 4}},
		{`{"stageId":"C1:LOSE"}`, []int{4}},
		{`{"assignedById":7}`, []int{5}},
		{`{"closed":"Y"}`, []int{2, 4}},
		{`{">createdTime":"2026-01-05T10:00:00+03:00"}`, []int{}},
		{`{"ufCrm_FLAG":1}`, []int{1}},
		{`{"logic":"OR","id":1,"title":"Delta"}`, []int{1, 5}},
		{`{">=createdTime":"2026-01-05T10:00:00+03:00"}`, []int{1, 2, 3, 4, 5}},
		{`{"0":{"logic":"OR","0":{"title":"Alpha"},"1":{"title":"Delta"}},"!assignedById":7}`, []int{1}},
	} {
		got := h.ok("crm.item.list", `{"entityTypeId":2,"select":["id"],"filter":`+tc.filter+`}`)
		require.Equal(t, tc.want, got.ids(t), tc.filter)
		require.Equal(t, len(tc.want), *got.Total, tc.filter)
	}
}

func TestItemFilterErrors(t *testing.T) {
	t.Parallel()
	h := filterDeals(t)
	for body, text := range map[string]string{
		`"filter":{"nope":1}`:          "Invalid filter: field 'nope' is not allowed in filter",
		`"filter":{"phone":"+7"}`:      "Invalid filter: field 'phone' is not allowed in filter",
		`"filter":{"TITLE":"x"}`:       "Invalid filter: field 'TITLE' is not allowed in filter",
		`"filter":{">id":"abc"}`:       "Invalid filter: field 'id' has invalid value",
		`"filter":{"createdTime":"?"}`: "Invalid filter: field 'createdTime' has invalid value",
		`"filter":{"ufCrm_FLAG":"Y"}`:  "Invalid filter: field 'ufCrm_FLAG' has invalid value",
		`"filter":{"title":{"a":{}}}`:  "Invalid filter: field 'title' has invalid value",
		`"filter":{"0":{"nope":1}}`:    "Invalid filter: field 'nope' is not allowed in filter",
		`"order":{"nope":"ASC"}`:       "Invalid order: field 'nope' is not allowed in order",
		`"order":{"id":"sideways"}`:    "Invalid order: allowed sort directions are `ASC, DESC`. But got 'sideways' for field 'id'",
	} {
		a := h.call("crm.item.list", `{"entityTypeId":2,`+body+`}`)
		require.Equal(t, http.StatusBadRequest, a.Status, body)
		require.Equal(t, "INVALID_ARG_VALUE", a.Error, body)
		require.Equal(t, text, a.Text, body)
	}
}

func TestItemOrderAndSelect(t *testing.T) {
	t.Parallel()
	h := filterDeals(t)
	a := h.ok("crm.item.list", `{"entityTypeId":2,"order":{"opportunity":"DESC"},"select":["id","title","lastName","fm"]}`)
	require.Equal(t, []int{3, 2, 1, 4, 5}, a.ids(t))
	require.Equal(t, map[string]any{"id": 3.0, "title": "Beta 50%"}, a.object(t)["items"].([]any)[0])
	require.Equal(t, []int{5, 4, 3, 2, 1}, h.ok("crm.item.list", `{"entityTypeId":2,"order":{"id":"desc"}}`).ids(t))
	all := h.ok("crm.item.list", `{"entityTypeId":3,"select":["*"]}`).object(t)["items"].([]any)[0].(map[string]any)
	require.Contains(t, all, "fm")
}

func TestFlatPhoneCanBeSelected(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"A","PHONE":[{"VALUE":"+71","VALUE_TYPE":"HOME"},{"VALUE":"+72","VALUE_TYPE":"WORK"}]}}`)
	row := h.ok("crm.item.list", `{"entityTypeId":3,"select":["id","phone","phoneWork"]}`).object(t)["items"].([]any)[0]
	require.Equal(t, map[string]any{"id": 1.0, "phone": "+71", "phoneWork": "+72"}, row)
}

func TestPagingByIDWithoutCounting(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for range 120 {
		h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	}
	var seen []int
	for last := 0; ; {
		a := h.ok("crm.item.list", fmt.Sprintf(`{"entityTypeId":2,"select":["id"],"order":{"id":"ASC"},"filter":{">id":%d},"start":-1}`, last))
		require.Equal(t, 0, *a.Total)
		page := a.ids(t)
		seen = append(seen, page...)
		if len(page) < 50 {
			break
		}
		last = page[len(page)-1]
	}
	require.Len(t, seen, 120)
}

func TestMultifieldTraps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fm   string
		want []string
	}{
		"a list always adds, even what is there":    {`[{"typeId":"PHONE","valueType":"WORK","value":"+71"}]`, []string{"PHONE WORK +71", "PHONE WORK +71"}},
		"without typeId nothing changes":            {`{"1":{"valueType":"HOME","value":"+72"}}`, []string{"PHONE WORK +71"}},
		"an unknown id adds":                        {`{"555":{"typeId":"PHONE","value":"+72"}}`, []string{"PHONE WORK +71", "PHONE WORK +72"}},
		"an unknown type is stored":                 {`{"n0":{"typeId":"FAXX","valueType":"ODD","value":"1"}}`, []string{"PHONE WORK +71", "FAXX ODD 1"}},
		"a text is ignored":                         {`"+72"`, []string{"PHONE WORK +71"}},
		"an empty value deletes":                    {`{"1":{"typeId":"PHONE","value":""}}`, nil},
		"an id changes, what is not named stays":    {`{"1":{"typeId":"PHONE","valueType":"HOME","value":"+79"}}`, []string{"PHONE HOME +79"}},
		"a new entry without a value is not stored": {`{"n0":{"typeId":"PHONE","value":""}}`, []string{"PHONE WORK +71"}},
		"a list with an id still adds":              {`[{"id":1,"typeId":"PHONE","value":"+73"}]`, []string{"PHONE WORK +71", "PHONE WORK +73"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := fresh(t)
			h.ok("crm.item.add", `{"entityTypeId":3,"fields":{"name":"A","fm":[{"typeId":"PHONE","valueType":"WORK","value":"+71"}]}}`)
			item := h.ok("crm.item.update", `{"entityTypeId":3,"id":1,"fields":{"fm":`+tc.fm+`}}`).item(t)
			var got []string
			for _, row := range item["fm"].([]any) {
				m := row.(map[string]any)
				got = append(got, fmt.Sprint(m["typeId"], " ", m["valueType"], " ", m["value"]))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestClassicMultifields(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"A","PHONE":[{"VALUE":"+71","VALUE_TYPE":"WORK"},{"VALUE":"+72"}],"EMAIL":[{"VALUE":"a@b.ru"}]}}`)
	h.ok("crm.contact.update", `{"id":1,"fields":{"PHONE":[{"ID":1,"VALUE":"+79"},{"ID":2,"DELETE":"Y"},{"VALUE":"+73","VALUE_TYPE":"HOME"}]}}`)
	contact := h.ok("crm.contact.get", `{"id":1}`).object(t)
	require.Equal(t, []any{
		map[string]any{"ID": "1", "VALUE_TYPE": "WORK", "VALUE": "+79", "TYPE_ID": "PHONE"},
		map[string]any{"ID": "4", "VALUE_TYPE": "HOME", "VALUE": "+73", "TYPE_ID": "PHONE"},
	}, contact["PHONE"])
	require.Len(t, contact["EMAIL"], 1)
	require.NotContains(t, contact, "WEB")
	bad := h.call("crm.contact.add", `{"fields":{"NAME":"A","EMAIL":[{"VALUE":"nonsense"}]}}`)
	require.Equal(t, "ERROR_CORE", bad.Error)
	rows := h.ok("crm.contact.list", `{"filter":{"PHONE":"+79"},"select":["ID","PHONE"]}`).list(t)
	require.Len(t, rows, 1)
	require.Contains(t, rows[0], "PHONE")
	require.Empty(t, h.ok("crm.contact.list", `{"filter":{"PHONE":"79"}}`).list(t))
}

func TestPhonesMatchOnAllDigits(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"A","PHONE":[{"VALUE":"+7 (999) 123-45-67 ext. 12"}],"EMAIL":[{"VALUE":"Ivan@Example.com"}]}}`)
	for value, found := range map[string]bool{
		"+79991234567": true, "79991234567": true, "7-999-123-45-67": true, "79991234567;99": true,
		"89991234567": false, "9991234567": false, "": false,
	} {
		a := h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["`+value+`"]}`)
		require.Equal(t, found, a.without(t) == `{"result":{"CONTACT":[1]}}`, "%q: %s", value, a.Body)
	}
	require.JSONEq(t, `{"result":{"CONTACT":[1]}}`, h.ok("crm.duplicate.findbycomm", `{"type":"EMAIL","values":["ivan@example.com"]}`).without(t))
}

func TestDuplicatesStopAfterTwentyOfAKind(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.p.SetMode(false, 0)
	for range 21 {
		h.id("crm.lead.add", `{"fields":{"TITLE":"x","PHONE":[{"VALUE":"+71"}]}}`)
	}
	h.id("crm.contact.add", `{"fields":{"NAME":"A","PHONE":[{"VALUE":"+71"}]}}`)
	a := h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["+71"]}`).object(t)
	require.Len(t, a["LEAD"], 20)
	require.NotContains(t, a, "CONTACT")
	require.JSONEq(t, `{"result":{"CONTACT":[1]}}`, h.ok("crm.duplicate.findbycomm", `{"type":"PHONE","values":["+71"],"entity_type":"CONTACT"}`).without(t))
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	for body, want := range map[string][2]string{
		`{"fields":{}}`:                                {"100", "Could not find value for parameter {entityTypeId}"},
		`{"entityTypeId":2}`:                           {"100", "Could not find value for parameter {fields}"},
		`{"entityTypeId":5,"fields":{}}`:               {"ENTITY_TYPE_NOT_SUPPORTED", "Entity type INVOICE is not supported"},
		`{"entityTypeId":2,"fields":{"contactIds":5}}`: {"100", "Expected iterable value for multiple field, but got integer instead"},
		`{"entityTypeId":3,"fields":{"fm":"+7"}}`:      {"100", "Expected iterable value for multiple field, but got string instead"},
		`{"entityTypeId":3,"fields":{"fm":[{"typeId":"PHONE","valueType":"ODD","value":"1"}]}}`: {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "fm"`},
		`{"entityTypeId":2,"fields":{"opportunity":"much"}}`:                                    {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Amount"`},
		`{"entityTypeId":2,"fields":{"stageId":"C1:NEW"}}`:                                      {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Deal Stage"`},
		`{"entityTypeId":2,"fields":{"categoryId":77}}`:                                         {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Category"`},
		`{"entityTypeId":2,"fields":{"sourceId":"NOPE"}}`:                                       {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Source"`},
		`{"entityTypeId":2,"fields":{"assignedById":404}}`:                                      {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Responsible"`},
		`{"entityTypeId":2,"fields":{"contactIds":[404]}}`:                                      {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Contacts"`},
		`{"entityTypeId":2,"fields":{"closedate":"soon"}}`:                                      {"CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "Close Date"`},
	} {
		a := h.call("crm.item.add", body)
		require.Equal(t, http.StatusBadRequest, a.Status, body)
		require.Equal(t, want, [2]string{toStr(a.Error), a.Text}, body)
	}
	require.Equal(t, 1, *h.ok("crm.deal.list", `{}`).Total)
}

func TestClassicErrors(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for call, text := range map[[2]string]string{
		{"crm.deal.get", `{"id":0}`}:                                "ID is not defined or invalid.",
		{"crm.deal.get", `{"id":5}`}:                                "Not found",
		{"crm.deal.add", `{}`}:                                      "Parameter 'fields' must be array.",
		{"crm.deal.list", `{"filter":"x"}`}:                         "Parameter 'filter' must be array.",
		{"crm.deal.add", `{"fields":{"CURRENCY_ID":"XXX"}}`}:        `Invalid value for the "Currency" field`,
		{"crm.deal.contact.add", `{"fields":{"CONTACT_ID":1}}`}:     "The parameter 'ownerEntityID' is invalid or not defined.",
		{"crm.deal.contact.add", `{"id":9,"fields":{}}`}:            "Not found.",
		{"crm.timeline.comment.get", `{"id":0}`}:                    "ID is not defined or invalid.",
		{"crm.timeline.comment.get", `{"id":9}`}:                    "Not found.",
		{"crm.timeline.bindings.bind", `{"fields":{"OWNER_ID":1}}`}: "OWNER_ID is not defined or invalid.",
		{"crm.activity.get", `{"id":0}`}:                            "ID is not defined or invalid.",
		{"crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"A"}}`}: "The 'USER_TYPE_ID' field is not found.",
		{"crm.status.add", `{"fields":{"ENTITY_ID":"SOURCE"}}`}:     "The field STATUS_ID is required.",
	} {
		a := h.call(call[0], call[1])
		require.Equal(t, http.StatusBadRequest, a.Status, call)
		require.Empty(t, a.Error, call)
		require.Equal(t, text, a.Text, call)
	}
}

func TestMandatoryUserFieldIsRefusedInThePortalsWords(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"CITY","USER_TYPE_ID":"string","MANDATORY":"Y","EDIT_FORM_LABEL":"City"}}`)
	a := h.call("crm.item.add", `{"entityTypeId":2,"fields":{"title":"x"}}`)
	require.Equal(t, http.StatusBadRequest, a.Status)
	require.JSONEq(t, `{"error":"CRM_FIELD_ERROR_REQUIRED","error_description":"The \"City\" field is required"}`, a.Body)
	classic := h.call("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	require.JSONEq(t, `{"error":"","error_description":"The \"City\" field is required"}`, classic.Body)
	require.Equal(t, 0, *h.ok("crm.deal.list", `{}`).Total)
	item := h.ok("crm.item.add", `{"entityTypeId":2,"useOriginalUfNames":"Y","fields":{"title":"x","UF_CRM_CITY":"Madrid"}}`).item(t)
	require.Equal(t, "Madrid", item["UF_CRM_CITY"])
}

func TestUserFieldNamesInTheItemView(t *testing.T) {
	t.Parallel()
	for uf, item := range map[string]string{
		"UF_CRM_10_DIGIT": "ufCrm10Digit", "UF_CRM_3_1747309727": "ufCrm3_1747309727", "UF_CRM_10_DIGIT10": "ufCrm_10_DIGIT10",
		"UF_CRM_1747309879": "ufCrm_1747309879", "UF_CRM_CITY": "ufCrm_CITY",
	} {
		require.Equal(t, item, itemName(uf))
	}
	h := fresh(t)
	h.id("crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"CITY","USER_TYPE_ID":"string"}}`)
	item := h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"ufCrm_CITY":"a","UF_CRM_CITY":"b"}}`).item(t)
	require.Equal(t, "a", item["ufCrm_CITY"])
	require.NotContains(t, item, "UF_CRM_CITY")
}

func TestUserFieldTypes(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for name, kind := range map[string]string{"N": "integer", "D": "double", "B": "boolean", "T": "datetime", "M": "money", "E": "enumeration", "L": "string"} {
		h.id("crm.deal.userfield.add", fmt.Sprintf(`{"fields":{"FIELD_NAME":%q,"USER_TYPE_ID":%q,"MULTIPLE":%q,"LIST":[{"VALUE":"Red"},{"VALUE":"Blue"}]}}`,
			name, kind, yn(name == "L")))
	}
	list := h.ok("crm.deal.userfield.list", `{"filter":{"FIELD_NAME":"UF_CRM_E"}}`).list(t)[0].(map[string]any)["LIST"].([]any)
	red := list[0].(map[string]any)["ID"].(string)
	item := h.ok("crm.item.add", `{"entityTypeId":2,"useOriginalUfNames":"Y","fields":{"UF_CRM_N":"5","UF_CRM_D":"1.5","UF_CRM_B":"1",
		"UF_CRM_T":"2026-02-03 10:00:00","UF_CRM_M":"100|EUR","UF_CRM_E":"`+red+`","UF_CRM_L":["a","b"]}}`).item(t)
	for name, want := range map[string]any{
		"UF_CRM_N": 5.0, "UF_CRM_D": 1.5, "UF_CRM_B": "Y", "UF_CRM_T": "2026-02-03T10:00:00+03:00", "UF_CRM_M": "100|EUR", "UF_CRM_E": red,
		"UF_CRM_L": []any{"a", "b"},
	} {
		require.Equal(t, want, item[name], name)
	}
	classic := h.ok("crm.deal.get", `{"id":1}`).object(t)
	require.Equal(t, []any{"5", "1", red}, []any{classic["UF_CRM_N"], classic["UF_CRM_B"], classic["UF_CRM_E"]})
	text := h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"useOriginalUfNames":"Y","fields":{"UF_CRM_E":"Red"}}`).item(t)
	require.Nil(t, text["UF_CRM_E"], "the text of an option is not its id")
	bad := h.call("crm.item.update", `{"entityTypeId":2,"id":1,"useOriginalUfNames":"Y","fields":{"UF_CRM_N":"five"}}`)
	require.Equal(t, "CRM_FIELD_ERROR_VALUE_NOT_VALID", bad.Error)
}

func TestUpdateWithoutChangeSavesNothing(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x","OPPORTUNITY":10}}`)
	h.clock.Advance(90e9)
	same := h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"title":"x","opportunity":10,"unknown":"y"}}`).item(t)
	require.Equal(t, "2026-01-05T10:00:00+03:00", same["updatedTime"])
	changed := h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"title":"z"}}`).item(t)
	require.Equal(t, "2026-01-05T10:01:30+03:00", changed["updatedTime"])
	require.Equal(t, "2026-01-05T10:00:00+03:00", changed["createdTime"])
}

func TestTitleAndNameRules(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	require.Equal(t, "Deal #1", h.ok("crm.item.add", `{"entityTypeId":2,"fields":{}}`).item(t)["title"])
	require.Equal(t, "Deal #1", h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"title":""}}`).item(t)["title"])
	require.Equal(t, "Contact #1", h.ok("crm.item.add", `{"entityTypeId":3,"fields":{}}`).item(t)["name"])
	cleared := h.call("crm.item.update", `{"entityTypeId":3,"id":1,"fields":{"name":"","lastName":""}}`)
	require.Equal(t, "CRM_FIELD_ERROR_REQUIRED", cleared.Error)
}

func TestMovingADealBetweenPipelines(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	h.ok("crm.deal.update", `{"id":1,"fields":{"CATEGORY_ID":1}}`)
	require.Equal(t, "0", h.ok("crm.deal.get", `{"id":1}`).object(t)["CATEGORY_ID"], "the classic method cannot move a deal")
	moved := h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"categoryId":1,"stageId":"C1:WON"}}`).item(t)
	require.Equal(t, []any{1.0, "C1:WON", "S", "Y"}, []any{moved["categoryId"], moved["stageId"], moved["stageSemanticId"], moved["closed"]})
	history := h.ok("crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":1}}`).object(t)["items"].([]any)
	require.Len(t, history, 2)
	require.InDelta(t, changePipeline, history[1].(map[string]any)["TYPE_ID"], 0)
}

func TestLinksOfContactsAndCompanies(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for range 3 {
		h.id("crm.contact.add", `{"fields":{}}`)
	}
	h.ok("crm.item.add", `{"entityTypeId":4,"fields":{"title":"Acme","contactIds":[2,3]}}`)
	require.Equal(t, []any{2.0, 3.0}, h.ok("crm.item.get", `{"entityTypeId":4,"id":1}`).item(t)["contactIds"])
	require.Equal(t, []any{1.0}, h.ok("crm.item.get", `{"entityTypeId":3,"id":3}`).item(t)["companyIds"])
	h.ok("crm.company.contact.items.set", `{"id":1,"items":[{"CONTACT_ID":1}]}`)
	require.Equal(t, []any{1.0}, h.ok("crm.item.get", `{"entityTypeId":4,"id":1}`).item(t)["contactIds"])
	require.Equal(t, []any{}, h.ok("crm.item.get", `{"entityTypeId":3,"id":3}`).item(t)["companyIds"])
	deal := h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"contactIds":[3,1],"companyId":1,"observers":[7,1,7]}}`).item(t)
	require.Equal(t, []any{3.0, []any{3.0, 1.0}, []any{7.0, 1.0}}, []any{deal["contactId"], deal["contactIds"], deal["observers"]})
	h.ok("crm.contact.delete", `{"id":3}`)
	h.ok("crm.item.delete", `{"entityTypeId":4,"id":1}`)
	deal = h.ok("crm.item.get", `{"entityTypeId":2,"id":1}`).item(t)
	require.Equal(t, []any{1.0, []any{1.0}, 0.0}, []any{deal["contactId"], deal["contactIds"], deal["companyId"]})
}

func TestImportSetsDates(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	require.JSONEq(t, `{"result":{"item":{"id":1}}}`, h.ok("crm.item.import",
		`{"entityTypeId":2,"fields":{"title":"old","createdTime":"2020-01-02T03:04:05+03:00","createdBy":7}}`).without(t))
	item := h.ok("crm.item.get", `{"entityTypeId":2,"id":1}`).item(t)
	require.Equal(t, []any{"2020-01-02T03:04:05+03:00", 7.0}, []any{item["createdTime"], item["createdBy"]})
	plain := h.ok("crm.item.add", `{"entityTypeId":2,"fields":{"createdTime":"2020-01-02T03:04:05+03:00"}}`).item(t)
	require.Equal(t, "2026-01-05T10:00:00+03:00", plain["createdTime"])
}

func TestItemFields(t *testing.T) {
	t.Parallel()
	fields := fresh(t).ok("crm.item.fields", `{"entityTypeId":2}`).object(t)["fields"].(map[string]any)
	require.Equal(t, map[string]any{
		"type": "crm_status", "isRequired": false, "isReadOnly": false, "isImmutable": false, "isMultiple": false, "isDynamic": false,
		"statusType": "SOURCE", "title": "Source", "upperName": "SOURCE_ID",
	}, fields["sourceId"])
	require.Contains(t, fields, "contactIds")
	require.NotContains(t, fields, "fm")
}
