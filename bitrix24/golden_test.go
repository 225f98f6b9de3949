package bitrix24

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden is one request/response pair of bitrix24 reference §10: what must stand on the wire for the parameters, and
// what must be understood of the answer.
type golden struct {
	name, method string
	params       Params
	wire         string // JSON of the request
	status       int    // 0 means 200
	answer       string
	kind         Kind // "" means success
	check        func(t *testing.T, a Answer, e *Error)
}

func decoded[T any](t *testing.T, a Answer) T {
	t.Helper()
	var dst T
	require.NoError(t, a.Decode(&dst))
	return dst
}

// idItem is the answer of crm.item.add and crm.item.get.
type idItem struct {
	Item struct {
		ID         ID      `json:"id"`
		Name       string  `json:"name"`
		HasPhone   Bool    `json:"hasPhone"`
		CompanyIDs []ID    `json:"companyIds"`
		CompanyID  ID      `json:"companyId"`
		FM         []idRow `json:"fm"`
	} `json:"item"`
}

type idRow struct {
	ID    ID     `json:"id"`
	Value string `json:"value"`
}

var goldenCalls = []golden{
	{
		name: "G1 webhook call", method: "profile", wire: `{}`,
		answer: `{"result":{"ID":"1","ADMIN":true,"NAME":"Anna","LAST_NAME":"Orlova","PERSONAL_GENDER":"","TIME_ZONE":""}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			user := decoded[struct {
				ID    ID
				Admin Bool `json:"ADMIN"`
			}](t, a)
			require.Equal(t, ID(1), user.ID)
			require.True(t, bool(user.Admin))
		},
	},
	{
		name: "G2 bad secret", method: "profile", wire: `{}`, status: 401, kind: KindAccessDenied,
		answer: `{"error":"NO_AUTH_FOUND","error_description":"Wrong authorization data"}`,
	},
	{
		name: "G4 rate limit", method: "profile", wire: `{}`, status: 503, kind: KindRateLimited,
		answer: `{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`,
	},
	{name: "G5 operating limit", method: "crm.item.list", wire: `{}`, status: 429, kind: KindOperatingLimit, answer: operatingLimit},
	{
		name: "G6 find duplicate", method: "crm.duplicate.findbycomm",
		params: Params{"type": "PHONE", "values": []string{"+79991234567"}, "entity_type": "CONTACT"},
		wire:   `{"type":"PHONE","values":["+79991234567"],"entity_type":"CONTACT"}`, answer: `{"result":{"CONTACT":[42]}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			require.Equal(t, Map[[]ID]{"CONTACT": {42}}, decoded[Map[[]ID]](t, a))
		},
	},
	{
		name: "G6 no duplicate", method: "crm.duplicate.findbycomm", wire: `{}`, answer: `{"result":[]}`,
		check: func(t *testing.T, a Answer, _ *Error) { t.Helper(); require.Empty(t, decoded[map[string][]ID](t, a)) },
	},
	{
		name: "G6 no values", method: "crm.duplicate.findbycomm", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"Communication values is not defined","error_description":"..."}`,
	},
	{
		name: "G7 create contact", method: "crm.item.add",
		params: Params{"entityTypeId": 3, "fields": Params{"name": "Ivan", "fm": []Params{{"typeId": "PHONE", "value": "+79991234567"}}}},
		wire:   `{"entityTypeId":3,"fields":{"name":"Ivan","fm":[{"typeId":"PHONE","value":"+79991234567"}]}}`,
		answer: `{"result":{"item":{"id":42,"name":"Ivan","lastName":"Petrov","hasPhone":"Y","hasEmail":"N","companyId":null,
			"fm":[{"id":101,"valueType":"MOBILE","value":"+79991234567","typeId":"PHONE"}],"companyIds":[],"observers":[],"entityTypeId":3}}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			got := decoded[idItem](t, a).Item
			require.Equal(t, ID(42), got.ID)
			require.True(t, bool(got.HasPhone))
			require.Zero(t, got.CompanyID)
			require.Equal(t, []idRow{{ID: 101, Value: "+79991234567"}}, got.FM)
		},
	},
	{
		name: "G8 change one phone", method: "crm.item.update",
		params: Params{"entityTypeId": 3, "id": ID(42), "fields": Params{"fm": Map[any]{"101": Params{"value": "+79990000000"}}}},
		wire:   `{"entityTypeId":3,"id":42,"fields":{"fm":{"101":{"value":"+79990000000"}}}}`, answer: `{"result":{"item":{"id":"42"}}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			require.Equal(t, ID(42), decoded[idItem](t, a).Item.ID)
		},
	},
	{
		name: "G9 page of deals", method: "crm.item.list", params: Params{"start": 0, "select": []string{"id"}, "filter": Params{"contactId": 42}},
		wire: `{"start":0,"select":["id"],"filter":{"contactId":42}}`, answer: `{"result":{"items":[{"id":1}]},"next":50,"total":60}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			require.Equal(t, 50, *a.Next)
			require.Equal(t, 60, *a.Total)
		},
	},
	{
		name: "G9 without counting", method: "crm.item.list", params: Params{"start": -1}, wire: `{"start":-1}`, answer: `{"result":{"items":[]},"total":0}`,
		check: func(t *testing.T, a Answer, _ *Error) { t.Helper(); require.Nil(t, a.Next); require.Zero(t, *a.Total) },
	},
	{
		name: "G10 bad filter", method: "crm.item.list", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"INVALID_ARG_VALUE","error_description":"Invalid filter: field 'foo' is not allowed in filter"}`,
		check:  func(t *testing.T, _ Answer, e *Error) { t.Helper(); require.Contains(t, e.Error(), "field 'foo'") },
	},
	{
		name: "G11 missing item", method: "crm.item.get", wire: `{}`, status: 400, kind: KindNotFound,
		answer: `{"error":"NOT_FOUND","error_description":"Item not found"}`,
	},
	{
		name: "G12 classic add", method: "crm.deal.add", params: Params{"fields": Params{"TITLE": "Chat 77"}}, wire: `{"fields":{"TITLE":"Chat 77"}}`,
		answer: `{"result":394}`, check: func(t *testing.T, a Answer, _ *Error) { t.Helper(); require.Equal(t, ID(394), decoded[ID](t, a)) },
	},
	{
		name: "G12 classic get", method: "crm.deal.get", params: Params{"id": 394}, wire: `{"id":394}`,
		answer: `{"result":{"ID":"394","OPPORTUNITY":"0.00","CATEGORY_ID":"0","UTM_MEDIUM":null,"LEAD_ID":null,"DATE_CREATE":"2026-01-05T10:00:00+03:00"}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			deal := decoded[struct {
				ID          ID
				CategoryID  ID   `json:"CATEGORY_ID"`
				LeadID      ID   `json:"LEAD_ID"`
				DateCreate  Time `json:"DATE_CREATE"`
				Opportunity json.RawMessage
			}](t, a)
			require.Equal(t, ID(394), deal.ID)
			require.Zero(t, deal.CategoryID+deal.LeadID)
			require.Equal(t, "2026-01-05T07:00:00Z", deal.DateCreate.UTC().Format("2006-01-02T15:04:05Z"))
		},
	},
	{
		name: "G12 unknown deal", method: "crm.deal.get", params: Params{"id": 1}, wire: `{"id":1}`, status: 400, kind: KindNotFound,
		answer: `{"error":"","error_description":"Not found"}`,
	},
	{
		name: "G14 linked already", method: "crm.deal.contact.add", wire: `{}`, answer: `{"result":false}`,
		check: func(t *testing.T, a Answer, _ *Error) { t.Helper(); require.False(t, bool(decoded[Bool](t, a))) },
	},
	{
		name: "G15 stages", method: "crm.status.list", wire: `{}`,
		answer: `{"result":[{"ID":"201","STATUS_ID":"C1:NEW","SORT":"10","SYSTEM":"Y","CATEGORY_ID":"1","SEMANTICS":null}],"total":8}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			rows := decoded[[]struct {
				StatusID string `json:"STATUS_ID"`
				System   Bool   `json:"SYSTEM"`
			}](t, a)
			require.Equal(t, "C1:NEW", rows[0].StatusID)
		},
	},
	{
		name: "G16 empty comment", method: "crm.timeline.comment.add", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"INVALID_ARG_VALUE","error_description":"x"}`,
	},
	{
		name: "G16 unknown owner", method: "crm.timeline.comment.add", wire: `{}`, status: 400, kind: KindNotFound,
		answer: `{"error":"OWNER_NOT_FOUND","error_description":"x"}`,
	},
	{
		name: "G17 nobody to notify", method: "im.notify.personal.add", params: Params{"USER_ID": 0}, wire: `{"USER_ID":0}`, status: 400, kind: KindInvalid,
		answer: `{"error":"USER_ID_EMPTY","error_description":"User ID can't be empty"}`,
	},
	{
		name: "G18 webhook instead of app", method: "telephony.externalCall.register", wire: `{}`, status: 403, kind: KindAccessDenied,
		answer: `{"error":"WRONG_AUTH_TYPE","error_description":"Current authorization type is denied for this method"}`,
	},
	{
		name: "G19 finish", method: "telephony.externalCall.finish", wire: `{}`,
		answer: `{"result":{"CRM_ACTIVITY_ID":7001,"CALL_STATUS":1,"CALL_START_DATE":{},"ID":7}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			call := decoded[struct {
				Start Time `json:"CALL_START_DATE"`
				ID    ID   `json:"CRM_ACTIVITY_ID"`
			}](t, a)
			require.True(t, call.Start.IsZero())
			require.Equal(t, ID(7001), call.ID)
		},
	},
	{
		name: "G19 too early", method: "telephony.externalCall.attachRecord", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"ERROR_CORE","error_description":"Call is not found in the statistic table. It looks like it is not finished yet."}`,
	},
	{
		name: "G20 refusal inside a result", method: "imconnector.register", wire: `{}`,
		answer: `{"result":{"result":false,"error":"APPLICATION_REGISTRATION_ERROR_POINT","error_description":"..."}}`,
		check: func(t *testing.T, a Answer, _ *Error) {
			t.Helper()
			require.Contains(t, a.String(), "APPLICATION_REGISTRATION_ERROR_POINT")
		},
	},
	{
		name: "G21 no line", method: "imconnector.activate", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"ERROR_ARGUMENT","error_description":"Argument 'LINE' is null or empty"}`,
	},
	{
		name: "G22 inactive line", method: "imconnector.send.messages", wire: `{}`, status: 400, kind: KindInvalid,
		answer: `{"error":"NOT_ACTIVE_LINE","error_description":"The line with this ID is inactive or does not exist"}`,
	},
	{
		name: "G24 unknown chat", method: "imopenlines.dialog.get", wire: `{}`, status: 400, kind: KindAccessDenied,
		answer: `{"error":"ACCESS_ERROR","error_description":"You do not have access to the specified dialog"}`,
	},
	{
		name: "unknown method", method: "crm.nothing", wire: `{}`, status: 404, kind: KindInvalid,
		answer: `{"error":"ERROR_METHOD_NOT_FOUND","error_description":"Method not found!"}`,
	},
}

func TestGoldenCalls(t *testing.T) {
	t.Parallel()
	for _, g := range goldenCalls {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			if g.status == 0 {
				g.status = http.StatusOK
			}
			p := replying(t, g.status, g.answer)
			answer, err := p.client(t).Call(t.Context(), g.method, g.params)
			require.Len(t, p.all(), 1)
			require.Equal(t, "/rest/1/s3cret-hook/"+g.method, p.all()[0].path)
			require.JSONEq(t, g.wire, p.all()[0].raw)
			var e *Error
			if g.kind == "" {
				require.NoError(t, err)
			} else {
				got := errorOf(t, err, g.kind)
				e = &got
				require.Equal(t, g.method, e.Method)
				require.Equal(t, g.status, e.HTTPStatus)
			}
			if g.check != nil {
				g.check(t, answer, e)
			}
		})
	}
}

// TestGoldenBatch is G25: a chain with a reference, and a failure at its end.
func TestGoldenBatch(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":{"result":{"c":46,"n":1001},"result_error":{"x":{"error":"","error_description":"ID is not defined or invalid."}},
		"result_total":[],"result_next":[],"result_time":{"c":{"start":1,"finish":2},"n":{}}},"time":{"start":1,"finish":2}}`)
	results, err := p.client(t).Batch(t.Context(), Group{Halt: true, Commands: []Command{
		{Key: "c", Method: "crm.contact.add", Params: Params{"fields": Params{"NAME": "Anna"}}},
		{Key: "n", Method: "crm.timeline.comment.add", Params: Params{"fields": Params{
			"ENTITY_ID": Ref("c"), "ENTITY_TYPE": "contact", "COMMENT": "hi",
		}}},
		{Key: "x", Method: "crm.deal.get", Params: Params{"id": 0}},
	}})
	require.NoError(t, err)
	want := `{"halt":1,"cmd":{"c":"crm.contact.add?fields[NAME]=Anna",` +
		`"n":"crm.timeline.comment.add?fields[COMMENT]=hi&fields[ENTITY_ID]=%24result%5Bc%5D&fields[ENTITY_TYPE]=contact","x":"crm.deal.get?id=0"}}`
	require.JSONEq(t, want, p.all()[0].raw)
	require.Less(t, strings.Index(p.all()[0].raw, `"c":`), strings.Index(p.all()[0].raw, `"n":`))
	require.Equal(t, ID(46), decoded[ID](t, results[0].Answer))
	require.Equal(t, ID(1001), decoded[ID](t, results[1].Answer))
	e := errorOf(t, results[2].Err, KindInvalid)
	require.Equal(t, "crm.deal.get: ID is not defined or invalid.", e.Error())
}

// TestGoldenRefresh is G3; the pieces are in the tests of the tokens.
func TestGoldenRefresh(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	c, _ := p.app(t)
	_, err := c.Call(t.Context(), "user.current", nil)
	require.NoError(t, err)
	paths := make([]string, 0, 3)
	for _, s := range p.all() {
		paths = append(paths, s.path)
	}
	require.Equal(t, []string{"/rest/user.current", "/oauth/token/", "/rest/user.current"}, paths)
}
