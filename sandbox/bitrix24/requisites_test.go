package bitrix24

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// demoRequisite is a company with one requisite, written as the vendor's PHP SDK does.
func (h *harness) demoRequisite() (company, requisite int) {
	h.Helper()
	company = h.id("crm.company.add", `{"fields":{"TITLE":"Acme"}}`)
	requisite = h.id("crm.requisite.add", fmt.Sprintf(`{"fields":{"ENTITY_TYPE_ID":4,"ENTITY_ID":%d,"PRESET_ID":"1","NAME":"Main","ACTIVE":"Y",
		"ADDRESS_ONLY":"N","SORT":500,"RQ_COMPANY_NAME":"ACME INC","RQ_INN":"7707083893","RQ_KPP":"770501001","RQ_OGRN":"5077746476209",
		"XML_ID":"018f-uuid","ORIGINATOR_ID":"puente"}}`, company))
	return company, requisite
}

func TestGoldenINNSearch(t *testing.T) { // G13
	t.Parallel()
	h := fresh(t)
	company, id := h.demoRequisite()
	a := h.ok("crm.requisite.list", `{"filter":{"RQ_INN":"7707083893","ENTITY_TYPE_ID":4},"select":["ID","ENTITY_ID","NAME"]}`)
	require.JSONEq(t, fmt.Sprintf(`{"result":[{"ID":"%d","ENTITY_ID":"%d","NAME":"Main"}],"total":1}`, id, company), a.without(t))
}

func TestRequisiteRowsAreTextAndNull(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	_, id := h.demoRequisite()
	row := h.ok("crm.requisite.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)
	for name, want := range map[string]any{
		"ID": "1", "ENTITY_TYPE_ID": "4", "ENTITY_ID": "1", "PRESET_ID": "1", "DATE_CREATE": "2026-01-05T10:00:00+03:00", "DATE_MODIFY": "",
		"CREATED_BY_ID": "1", "MODIFY_BY_ID": nil, "NAME": "Main", "CODE": nil, "XML_ID": "018f-uuid", "ORIGINATOR_ID": "puente",
		"ACTIVE": "Y", "ADDRESS_ONLY": "N", "SORT": "500", "RQ_INN": "7707083893", "RQ_KPP": "770501001", "RQ_NAME": nil, "RQ_VAT_PAYER": "N",
	} {
		require.Contains(t, row, name)
		require.Equal(t, want, row[name], name)
	}
	require.Len(t, row, len(h.ok("crm.requisite.fields", `{}`).object(t)))
}

func TestRequisiteKeepsOwnerAndTemplateOnUpdate(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	_, id := h.demoRequisite()
	other := h.id("crm.company.add", `{"fields":{"TITLE":"Other"}}`)
	a := h.ok("crm.requisite.update", fmt.Sprintf(`{"id":%d,"fields":{"NAME":"Branch","RQ_KPP":"","ENTITY_ID":%d,"PRESET_ID":3,"ID":77,"NONE":"x"}}`, id, other))
	require.Equal(t, true, a.Result)
	row := h.ok("crm.requisite.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)
	for name, want := range map[string]any{
		"NAME": "Branch", "RQ_KPP": nil, "RQ_INN": "7707083893", "ENTITY_ID": "1", "PRESET_ID": "1", "MODIFY_BY_ID": "1",
		"DATE_MODIFY": "2026-01-05T10:00:00+03:00",
	} {
		require.Equal(t, want, row[name], name)
	}
}

func TestRequisiteFilterPrefixesOrderAndPages(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	company, _ := h.demoRequisite()
	add := func(inn, name string) {
		h.id("crm.requisite.add", fmt.Sprintf(`{"fields":{"ENTITY_TYPE_ID":4,"ENTITY_ID":%d,"PRESET_ID":1,"NAME":%q,"RQ_INN":%q}}`, company, name, inn))
	}
	add("07707083893", "Leading zero")
	add("7839004506", "North branch")
	add("", "Nothing")
	for filter, want := range map[string][]string{
		`{"RQ_INN":"7707083893"}`:                       {"1"}, // text, not a number: the zero counts
		`{"RQ_INN":7707083893}`:                         {"1"},
		`{"@RQ_INN":["7707083893","7839004506"]}`:       {"1", "3"},
		`{"RQ_INN":["7707083893","7839004506"]}`:        {"1", "3"},
		`{"!@RQ_INN":["7707083893"]}`:                   {"2", "3", "4"},
		`{"%RQ_INN":"0708"}`:                            {"1", "2"},
		`{"=%RQ_INN":"7707%"}`:                          {"1"},
		`{"%=NAME":"%branch"}`:                          {"3"},
		`{"!%NAME":"branch"}`:                           {"1", "2", "4"},
		`{"RQ_INN":""}`:                                 {"4"},
		`{"!RQ_INN":""}`:                                {"1", "2", "3"},
		`{"%NAME":"NORTH"}`:                             {"3"},
		`{">ID":"2"}`:                                   {"3", "4"},
		`{">=ID":2,"<ID":4}`:                            {"2", "3"},
		`{"ENTITY_ID":99}`:                              {},
		`{"ENTITY_ID":"none"}`:                          {},
		`{">=DATE_CREATE":"2026-01-05T10:00:00+03:00"}`: {"1", "2", "3", "4"},
		`{">DATE_CREATE":"2026-01-05T10:00:00+03:00"}`:  {},
		`{"NO_SUCH_FIELD":"x"}`:                         {"1", "2", "3", "4"},
	} {
		got := []string{}
		for _, row := range h.ok("crm.requisite.list", `{"filter":`+filter+`}`).list(t) {
			got = append(got, row.(map[string]any)["ID"].(string))
		}
		require.Equal(t, want, got, filter)
	}
	first := h.ok("crm.requisite.list", `{"order":{"ID":"desc"},"select":["ID"]}`).list(t)[0]
	require.Equal(t, map[string]any{"ID": "4"}, first)
	for range 50 {
		add("", "More")
	}
	one, free := h.ok("crm.requisite.list", `{"select":["ID"]}`), h.ok("crm.requisite.list", `{"select":["ID"],"start":-1}`)
	require.Equal(t, []int{50, 54}, []int{*one.Next, *one.Total})
	require.Len(t, h.ok("crm.requisite.list", `{"select":["ID"],"start":50}`).list(t), 4)
	require.Equal(t, 0, *free.Total)
	require.Nil(t, free.Next)
}

func TestLegalErrors(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	_, id := h.demoRequisite()
	key := fmt.Sprintf(`"TYPE_ID":1,"ENTITY_TYPE_ID":8,"ENTITY_ID":%d`, id)
	h.ok("crm.address.add", `{"fields":{`+key+`,"ADDRESS_1":"x"}}`)
	for _, tc := range [][3]string{
		{"crm.requisite.add", `{"fields":{"ENTITY_TYPE_ID":2,"ENTITY_ID":1,"PRESET_ID":1}}`, "ENTITY_TYPE_ID is not defined or invalid."},
		{"crm.requisite.add", `{"fields":{"ENTITY_TYPE_ID":4,"PRESET_ID":1}}`, "ENTITY_ID is not defined or invalid."},
		{"crm.requisite.add", `{"fields":{"ENTITY_TYPE_ID":4,"ENTITY_ID":1}}`, "PRESET_ID is not defined or invalid."},
		{"crm.requisite.add", `{"fields":{"ENTITY_TYPE_ID":4,"ENTITY_ID":99,"PRESET_ID":1}}`, "Entity not found."},
		{"crm.requisite.add", `{}`, "Parameter 'fields' must be array."},
		{"crm.requisite.get", `{"id":99}`, "The Requisite with ID '99' is not found"},
		{"crm.requisite.update", `{"id":0,"fields":{}}`, "ID is not defined or invalid."},
		{"crm.requisite.update", `{"id":99,"fields":{}}`, "The Requisite with ID '99' is not found"},
		{"crm.requisite.delete", `{"id":99}`, "The Requisite with ID '99' is not found"},
		{"crm.requisite.preset.get", `{"id":99}`, "The Preset with ID '99' is not found"},
		{"crm.requisite.preset.field.list", `{"preset":{"ID":99}}`, "The Preset with ID '99' is not found"},
		{"crm.address.add", `{"fields":{"TYPE_ID":2,"ENTITY_TYPE_ID":8,"ENTITY_ID":1}}`, "TYPE_ID is not defined or invalid."},
		{"crm.address.add", `{"fields":{"TYPE_ID":1,"ENTITY_TYPE_ID":4,"ENTITY_ID":1}}`, "ENTITY_TYPE_ID is not defined or invalid."},
		{"crm.address.add", `{"fields":{"TYPE_ID":1,"ENTITY_TYPE_ID":8}}`, "ENTITY_ID is not defined or invalid."},
		{"crm.address.add", `{"fields":{"TYPE_ID":1,"ENTITY_TYPE_ID":8,"ENTITY_ID":99}}`, "ENTITY_ID is not defined or invalid."},
		{"crm.address.add", `{"fields":{` + key + `}}`, "TypeAddress exists."},
		{"crm.address.update", `{"fields":{"TYPE_ID":6,"ENTITY_TYPE_ID":8,"ENTITY_ID":1}}`, "TypeAddress not found."},
		{"crm.address.delete", `{"fields":{"TYPE_ID":6,"ENTITY_TYPE_ID":8,"ENTITY_ID":1}}`, "TypeAddress not found."},
	} {
		a := h.call(tc[0], tc[1])
		require.Equal(t, http.StatusBadRequest, a.Status, tc)
		require.JSONEq(t, fmt.Sprintf(`{"error":"","error_description":%q}`, tc[2]), a.Body, tc)
	}
}

func TestUnknownTemplateIsAccepted(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.company.add", `{"fields":{"TITLE":"Acme"}}`)
	id := h.id("crm.requisite.add", `{"fields":{"ENTITY_TYPE_ID":4,"ENTITY_ID":1,"PRESET_ID":404,"NAME":"x"}}`)
	require.Equal(t, "404", h.ok("crm.requisite.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)["PRESET_ID"])
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	a := h.ok("crm.requisite.preset.list", `{"select":["ID","NAME"]}`)
	require.JSONEq(t, `{"result":[{"ID":"1","NAME":"Organization"},{"ID":"2","NAME":"Sole Proprietorship"},{"ID":"3","NAME":"Individual"}],"total":3}`, a.without(t))
	require.Empty(t, h.ok("crm.requisite.preset.list", `{"filter":{"COUNTRY_ID":46}}`).list(t))
	one := h.ok("crm.requisite.preset.get", `{"id":1}`).object(t)
	require.Equal(t, []any{"8", "1", "", nil, "Y"},
		[]any{one["ENTITY_TYPE_ID"], one["COUNTRY_ID"], one["DATE_MODIFY"], one["MODIFY_BY_ID"], one["ACTIVE"]})
	fields := h.ok("crm.requisite.preset.field.list", `{"preset":{"ID":1}}`).list(t)
	require.Equal(t, map[string]any{"ID": 1.0, "FIELD_NAME": "RQ_INN", "FIELD_TITLE": "", "IN_SHORT_LIST": "Y", "SORT": 510.0}, fields[0])
	require.Equal(t, map[string]any{"ID": 1.0, "CODE": "RU", "TITLE": "Russia"}, h.ok("crm.requisite.preset.countries", `{}`).list(t)[0])
	require.Equal(t, true, h.ok("crm.requisite.preset.fields", `{}`).object(t)["NAME"].(map[string]any)["isRequired"])
}

func TestFieldDescriptionsOfRequisites(t *testing.T) {
	t.Parallel()
	fields := fresh(t).ok("crm.requisite.fields", `{}`).object(t)
	require.Equal(t, map[string]any{
		"type": "integer", "isRequired": true, "isReadOnly": false, "isImmutable": true, "isMultiple": false, "isDynamic": false, "title": "Preset ID",
	}, fields["PRESET_ID"])
	require.Equal(t, []any{"RQ_IDENT_TYPE_CO"}, fields["RQ_IDENT_TYPE"].(map[string]any)["statusType"])
}

func TestAddressesOfRequisitesAndLeads(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.p.SetMode(false, 0)
	company, id := h.demoRequisite()
	lead := h.id("crm.lead.add", `{"fields":{"TITLE":"x"}}`)
	for _, tc := range [][2]int{{kindRequisite, id}, {kindLead, lead}} {
		require.Equal(t, true, h.ok("crm.address.add", fmt.Sprintf(
			`{"fields":{"TYPE_ID":"6","ENTITY_TYPE_ID":%d,"ENTITY_ID":%d,"ADDRESS_1":"1 Main St","CITY":"Madrid"}}`, tc[0], tc[1])).Result)
	}
	a := h.ok("crm.address.list", `{"filter":{"TYPE_ID":6,"ENTITY_TYPE_ID":8,"ENTITY_ID":1},"order":{"TYPE_ID":"asc"},"limit":10}`)
	require.JSONEq(t, fmt.Sprintf(`{"result":[{"TYPE_ID":"6","ENTITY_TYPE_ID":"8","ENTITY_ID":"%d","ADDRESS_1":"1 Main St","ADDRESS_2":null,
		"CITY":"Madrid","POSTAL_CODE":null,"REGION":null,"PROVINCE":null,"COUNTRY":null,"COUNTRY_CODE":null,"LOC_ADDR_ID":"1",
		"ANCHOR_TYPE_ID":"4","ANCHOR_ID":"%d"}],"total":1}`, id, company), a.without(t))
	h.ok("crm.address.update", fmt.Sprintf(`{"fields":{"TYPE_ID":6,"ENTITY_TYPE_ID":8,"ENTITY_ID":%d,"CITY":"Granada"}}`, id))
	rows := h.ok("crm.address.list", `{"select":["ADDRESS_1","CITY"],"filter":{"ANCHOR_TYPE_ID":4}}`).list(t)
	require.Equal(t, []any{map[string]any{"ADDRESS_1": "1 Main St", "CITY": "Granada"}}, rows)
	h.ok("crm.address.delete", fmt.Sprintf(`{"fields":{"TYPE_ID":6,"ENTITY_TYPE_ID":8,"ENTITY_ID":%d}}`, id))
	require.Equal(t, 1, *h.ok("crm.address.list", `{}`).Total)
	h.ok("crm.lead.delete", fmt.Sprintf(`{"id":%d}`, lead))
	require.Equal(t, 0, *h.ok("crm.address.list", `{}`).Total)
}

func TestRequisitesGoWithTheirOwner(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]string{
		"crm.item.delete": `{"entityTypeId":4,"id":1}`, "crm.company.delete": `{"id":1}`, "crm.requisite.delete": `{"id":1}`,
	} {
		h := fresh(t)
		_, id := h.demoRequisite()
		h.ok("crm.address.add", fmt.Sprintf(`{"fields":{"TYPE_ID":1,"ENTITY_TYPE_ID":8,"ENTITY_ID":%d,"CITY":"x"}}`, id))
		h.ok(name, remove)
		require.Equal(t, 0, *h.ok("crm.requisite.list", `{}`).Total, name)
		require.Equal(t, 0, *h.ok("crm.address.list", `{}`).Total, name)
	}
}

func TestRequisitesAreKeptOnDisk(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/portal.db"
	h := open(t, Options{Path: path, Seeds: BaseSeeds})
	_, id := h.demoRequisite()
	h.ok("crm.address.add", fmt.Sprintf(`{"fields":{"TYPE_ID":1,"ENTITY_TYPE_ID":8,"ENTITY_ID":%d,"CITY":"Madrid"}}`, id))
	require.NoError(t, h.p.Close())
	again := open(t, Options{Path: path, Seeds: BaseSeeds})
	t.Cleanup(func() { require.NoError(t, again.p.Close()) })
	require.Equal(t, "7707083893", again.ok("crm.requisite.get", fmt.Sprintf(`{"id":%d}`, id)).object(t)["RQ_INN"])
	require.Equal(t, 1, *again.ok("crm.address.list", `{"filter":{"CITY":"madrid"}}`).Total)
}
