package chat2desk_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

// G17: custom fields mix texts, numbers and symbolic keys.
func TestClientKeepsCustomFieldsAsTheyAre(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/clients/7001": `{"status":"success","data":{"id":7001,"name":"unknown","assigned_name":"Ana",
		"phone":"[chat] ab12","client_phone":null,"custom_fields":{"6":"Ana","888":268,"old_email":"a@example.org","utm_source":"ya","9":"x",
		"7":null},"external_id":null,"external_ids":{},"channels":[{"id":126,"transports":["widget"]}],
		"tags":[{"id":1,"label":"vip","group_id":3,"group_name":"G","description":null}]}}`}.ServeHTTP)
	c, err := s.api().Client(t.Context(), 7001)
	require.NoError(t, err)
	require.Equal(t, chat2desk.Client{
		ID: 7001, Name: "unknown", AssignedName: "Ana", Phone: "[chat] ab12",
		CustomFields: map[string]json.RawMessage{
			"6": json.RawMessage(`"Ana"`), "888": json.RawMessage(`268`), "old_email": json.RawMessage(`"a@example.org"`),
			"utm_source": json.RawMessage(`"ya"`), "9": json.RawMessage(`"x"`), "7": json.RawMessage(`null`),
		},
		Channels: []chat2desk.ClientChannel{{ID: 126, Transports: []string{"widget"}}},
		Tags:     []chat2desk.Tag{{ID: 1, Label: "vip", GroupID: 3, GroupName: "G"}},
	}, c)
	require.Equal(t, map[string]string{"6": "Ana", "888": "268", "old_email": "a@example.org", "utm_source": "ya", "9": "x"}, c.CustomFieldTexts())
	require.Equal(t, map[string]string{"utm_source": "ya", "utm_term": "x"}, chat2desk.ClientAnalytics(c, []chat2desk.CustomField{
		{ID: 9, Name: "UTM_Term", TrackingField: true}, {ID: 6, Name: "utm_medium"},
	}))
	require.Equal(t, []asked{{"GET", "/v1/clients/7001", "", testToken, ""}}, s.requests(), "the bare token, no Bearer")
}

func TestAClientWithEmptyListsForObjectsIsRead(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{`[]`, `null`, `{}`, `""`} {
		s := newServer(t, answers{
			"GET /v1/clients/1": `{"status":"success","data":{"id":"1","custom_fields":` + empty + `,"tags":` + empty + `,"channels":` + empty + `}}`,
		}.ServeHTTP)
		c, err := s.api().Client(t.Context(), 1)
		require.NoError(t, err, empty)
		require.EqualValues(t, 1, c.ID)
		require.Empty(t, c.CustomFields)
		require.Empty(t, c.Tags)
		require.Empty(t, c.Channels)
	}
}

func TestNameAndPhoneOfAClient(t *testing.T) {
	t.Parallel()
	tests := []struct {
		client             chat2desk.Client
		name, phone, email string
	}{
		{chat2desk.Client{Name: "Ana", AssignedName: "Ana Pérez", Phone: "34600111222"}, "Ana Pérez", "34600111222", ""},
		{chat2desk.Client{Name: "Unknown", Phone: "[tg] 5551", ClientPhone: "+34 600 111 222"}, "", "+34 600 111 222", ""},
		{chat2desk.Client{Name: " Petra ", Phone: "[wa_gupshup] KZ.9265551122"}, "Petra", "", ""},
		{chat2desk.Client{Phone: "ana1@example.org"}, "", "", "ana1@example.org"},
		{chat2desk.Client{Phone: "[email] ana1@example.org"}, "", "", ""},
		{chat2desk.Client{}, "", "", ""},
	}
	for _, tt := range tests {
		require.Equal(t, tt.name, tt.client.DisplayName())
		require.Equal(t, tt.phone, tt.client.RealPhone())
		require.Equal(t, tt.email, tt.client.Email())
	}
	ref := chat2desk.ClientRef{Name: "unknown", AssignedName: "Bo", Phone: "[tg] 1", ClientPhone: "+34600111222"}
	require.Equal(t, "Bo", ref.DisplayName())
	require.Equal(t, "+34600111222", ref.RealPhone())
}

func TestDialogsAndRequests(t *testing.T) {
	t.Parallel()
	dialog := `{"id":4401,"state":"closed","begin":"2026-01-05T09:00:00 UTC","end":"05.01.2026 13:00:00","operator_id":301,
		"last_message":{"client_id":7001,"channel_id":12,"request_id":9901},"messages":"12"}`
	api := newServer(t, answers{
		"GET /v1/dialogs/4401":           `{"data":` + dialog + `,"status":"success"}`,
		"GET /v1/clients/7001/dialogs":   `{"data":[` + dialog + `],"meta":{"total":"1"},"status":"success"}`,
		"GET /v1/clients/7001/transport": `{"data":[{"channel_id":12,"transports":["telegram","sms"]}],"status":"success"}`,
		"GET /v1/requests/9901":          `{"data":{"id":9901,"dialog_id":"4401","type":"Rating"},"status":"success"}`,
		"GET /v1/clients/7002/dialogs":   `{"data":[],"status":"success"}`,
		"GET /v1/clients/7003/dialogs":   `{"data":null,"status":"success"}`,
		"GET /v1/clients/7004/dialogs":   `{"data":{"surprise":1},"status":"success"}`,
		"GET /v1/dialogs/4402":           `{"status":"success"}`,
		"GET /v1/clients/7005/transport": `[{"channel_id":12,"transports":["telegram"]}]`,
	}.ServeHTTP).api()
	want := chat2desk.Dialog{
		ID: 4401, State: chat2desk.StateClosed, Begin: at("2026-01-05T09:00:00Z"), End: at("2026-01-05T10:00:00Z"),
		OperatorID: 301, ClientID: 7001, ChannelID: 12, LastRequestID: 9901, Messages: 12,
	}
	d, err := api.Dialog(t.Context(), 4401)
	require.NoError(t, err)
	require.Equal(t, want, d)
	list, err := api.ClientDialogs(t.Context(), 7001)
	require.NoError(t, err)
	require.Equal(t, []chat2desk.Dialog{want}, list)
	for _, id := range []int64{7002, 7003} {
		list, err = api.ClientDialogs(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, list)
	}
	_, err = api.ClientDialogs(t.Context(), 7004)
	requireKind(t, chat2desk.KindAmbiguous, err)
	_, err = api.Dialog(t.Context(), 4402)
	requireKind(t, chat2desk.KindAmbiguous, err)

	channels, err := api.ClientTransports(t.Context(), 7001)
	require.NoError(t, err)
	require.Equal(t, []chat2desk.ClientChannel{{ID: 12, Transports: []string{"telegram", "sms"}}}, channels)
	channels, err = api.ClientTransports(t.Context(), 7005)
	require.NoError(t, err)
	require.Len(t, channels, 1)

	r, err := api.Request(t.Context(), 9901)
	require.NoError(t, err)
	require.EqualValues(t, 4401, r.DialogID)
	require.EqualValues(t, 9901, r.ID)
	require.Equal(t, "rating", r.Type)
}

// G18: rows of both generations.
func TestOperatorRolesOfBothGenerations(t *testing.T) {
	t.Parallel()
	api := newServer(t, answers{"GET /v1/operators": `{"status":"success","meta":{"total":8},"data":[
		{"id":1,"role":"admin","first_name":"A","last_name":"B","online":1,"phone":null,"external_id":"","offline_type":null},
		{"id":2,"role":"supervisor","email":"s@example.org","online":"0"},
		{"id":3,"role":"disabled"},
		{"id":4,"role":"operator","status":"enabled","access_right_name":"[Супервайзер]"},
		{"id":5,"role":"operator","status":"enabled","access_right_name":"Supervisor(a)","offline_type":"tech break","status_id":"3"},
		{"id":6,"role":"operator","status":"deleted","access_right_name":"Operator"},
		{"id":7,"role":"operator","status":"admin"},
		{"id":8,"status":"enabled","access_right_name":"Оператор"}]}`}.ServeHTTP).api()
	list, err := api.Operators(t.Context())
	require.NoError(t, err)
	var roles []chat2desk.Role
	for _, op := range list {
		roles = append(roles, op.Role)
	}
	require.Equal(t, []chat2desk.Role{"admin", "supervisor", "disabled", "supervisor", "supervisor", "deleted", "admin", "operator"}, roles)
	require.Equal(t, "A B", list[0].Name())
	require.Equal(t, "s@example.org", list[1].Name())
	require.True(t, list[0].Online)
	require.True(t, list[0].Active())
	require.False(t, list[2].Active())
	require.False(t, list[5].Active())
	require.Equal(t, "tech break", list[4].OfflineType)
	require.EqualValues(t, 3, list[4].StatusID)
}

func TestDirectories(t *testing.T) {
	t.Parallel()
	api := newServer(t, answers{
		"GET /v1/channels":    `{"status":"success","data":[{"id":12,"name":"WA","phone":"34600111222","transports":["whatsapp"]}]}`,
		"GET /v1/channels/12": `{"status":"success","data":{"id":12,"name":"WA"}}`,
		"GET /v1/tags":        `{"status":"success","data":[{"id":1,"group_id":2,"group_name":"G","label":"vip","description":""}]}`,
		// G16: the status is "ok".
		"GET /v1/custom_client_fields": `{"status":"ok","data":[{"id":12,"name":"Budget","type":"text","value":"","editable":true,
			"viewable":1,"tracking_field":"0"}]}`,
		"GET /v1/companies/api_info": `{"status":"success","data":{"companyID":479,"partnerID":2,"company_name":"C","mode":"mid",
			"requests_this_month":"17","api_calls":{"x":1}}}`,
	}.ServeHTTP).api()
	channels, err := api.Channels(t.Context())
	require.NoError(t, err)
	require.Equal(t, []chat2desk.Channel{{ID: 12, Name: "WA", Phone: "34600111222", Transports: []string{"whatsapp"}}}, channels)
	channel, err := api.Channel(t.Context(), 12)
	require.NoError(t, err)
	require.Equal(t, "WA", channel.Name)
	tags, err := api.Tags(t.Context())
	require.NoError(t, err)
	require.Equal(t, []chat2desk.Tag{{ID: 1, GroupID: 2, GroupName: "G", Label: "vip"}}, tags)
	fields, err := api.CustomClientFields(t.Context())
	require.NoError(t, err)
	require.Equal(t, []chat2desk.CustomField{{ID: 12, Name: "Budget", Type: "text", Editable: true, Viewable: true}}, fields)
	info, err := api.APIInfo(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 479, info.CompanyID)
	require.EqualValues(t, 17, info.RequestsThisMonth)
	require.Equal(t, "mid", info.Mode)
	require.Contains(t, string(info.Raw), "api_calls")
}

func TestWebAnalyticsAcceptsUTMHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/web_analytics_data": `{"status":"success","data":[
		{"client_id":77,"request_id":31,"created_at":"2026-01-02T03:04:05 UTC","url":"https://shop.example/p?utm_source=url&UTM_Content=banner",
		 "UTM_Source":"ya","utm_medium":"cpc","utm_term":null,"data":{"Utm_Campaign":"spring"},"yandex_id":"1"},
		{"client_id":78,"utm_source":"of another client"}]}`}.ServeHTTP)
	rows, err := s.api().WebAnalytics(t.Context(), 77)
	require.NoError(t, err)
	require.Equal(t, []chat2desk.Analytics{{RequestID: 31, Values: map[string]string{
		"client_id": "77", "request_id": "31", "created_at": "2026-01-02T03:04:05 UTC", "yandex_id": "1",
		"url": "https://shop.example/p?utm_source=url&UTM_Content=banner", "utm_source": "ya", "utm_medium": "cpc",
		"utm_campaign": "spring", "utm_content": "banner",
	}}}, rows)
	require.Equal(t, "/v1/web_analytics_data?client_id=77&limit=200&order=desc", s.requests()[0].uri)
}

// G15: a bare list, Unix times, camel case ids, any order.
func TestRequestMessagesAreSortedAndComplete(t *testing.T) {
	t.Parallel()
	api := newServer(t, answers{"GET /v1/requests/9901/messages": `[
		{"id":3,"text":"100","type":"out","created":1767604860,"clientID":7001,"operatorID":301,"channelID":12,"dialogID":4401},
		{"id":2,"text":"Price?","type":"in","created":1767604800,"clientID":7001,"operatorID":0,"photo":"m/a.jpg","read":1,"extra_data":{}},
		{"id":1,"text":"Hi","type":"in","created":1767604800,"clientID":7001,"companyID":479},
		{"id":3,"text":"100","type":"out","created":1767604860},
		{"id":4,"text":"Closed by inactivity","type":"system","created":"05.01.2026 12:22:00","client_id":7001}]`}.ServeHTTP).api()
	messages, err := api.RequestMessages(t.Context(), 9901)
	require.NoError(t, err)
	require.Equal(t, []chat2desk.Message{
		{ID: 1, ClientID: 7001, RequestID: 9901, Type: "from_client", Text: "Hi", Time: at("2026-01-05T09:20:00Z")},
		{
			ID: 2, ClientID: 7001, RequestID: 9901, Type: "from_client", Text: "Price?", Time: at("2026-01-05T09:20:00Z"),
			Attachments: []chat2desk.Attachment{{Name: "a.jpg", Link: "https://storage.example/m/a.jpg"}},
		},
		{
			ID: 3, ClientID: 7001, OperatorID: 301, ChannelID: 12, DialogID: 4401, RequestID: 9901, Type: "to_client", Text: "100",
			Time: at("2026-01-05T09:21:00Z"),
		},
		{ID: 4, ClientID: 7001, RequestID: 9901, Type: "system", Text: "Closed by inactivity", Time: at("2026-01-05T09:22:00Z")},
	}, messages)
}

func TestRequestMessagesOfAnUnknownRequest(t *testing.T) {
	t.Parallel()
	api := answering(t, 200, `{"status":"error","message":"not_found","errors":"Request 1 not found"}`)
	messages, err := api.RequestMessages(t.Context(), 1)
	requireKind(t, chat2desk.KindNotFound, err)
	require.Empty(t, messages)
	var e *chat2desk.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, map[string][]string{"": {"Request 1 not found"}}, e.Fields)
	require.EqualError(t, err, "chat2desk GET /v1/requests/1/messages: not_found (HTTP 200): not_found: Request 1 not found")
}

func TestErrorsOfOtherKindsHaveNoKindOfTheirOwn(t *testing.T) {
	t.Parallel()
	require.Empty(t, chat2desk.KindOf(nil))
	require.Equal(t, chat2desk.KindUnknown, chat2desk.KindOf(errors.New("of another package")))
}
