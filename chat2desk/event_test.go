package chat2desk_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

// parse reads the one event of a body; the raw body is left out, it is checked
// on its own.
func parse(t *testing.T, body string) chat2desk.Event {
	t.Helper()
	events, err := chat2desk.ParseEvents([]byte(body))
	require.NoError(t, err)
	require.Len(t, events, 1)
	events[0].Raw = nil
	return events[0]
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// The golden cases of reference §8 with the samples of §4.5 and §4.6.
func TestEventsOfEveryHookType(t *testing.T) {
	t.Parallel()
	type event = chat2desk.Event
	tests := []struct {
		name, body string
		want       event
	}{
		{
			"G1 inbox of a widget",
			`{"hook_type":"inbox","message_id":11,"type":"from_client","text":"Hola","transport":"widget","client_id":7001,"operator_id":null,
			"dialog_id":4401,"channel_id":14,"request_id":9901,"client":{"id":7001,"phone":"[chat] 1f3a","client_phone":null,"name":"unknown",
			"assigned_name":null},"is_new_request":false,"insta_comment":false,"extra_data":{},"event_time":"2026-02-03T10:15:00.123456Z"}`,
			event{
				HookType: "inbox", MessageID: 11, ClientID: 7001, DialogID: 4401, ChannelID: 14, RequestID: 9901, Type: "from_client",
				Text: "Hola", Transport: "widget", Time: at("2026-02-03T10:15:00.123456Z"),
				Client: &chat2desk.ClientRef{ID: 7001, Name: "unknown", Phone: "[chat] 1f3a"},
			},
		},
		{
			"G2 inbox of telegram without a dialog",
			`{"message_id":61,"type":"from_client","text":"Hi","transport":"telegram","client_id":100,"operator_id":null,"dialog_id":null,
			"channel_id":17,"photo":"","coordinates":"","audio":"","pdf":"","client":{"id":7002,"phone":"[tg] 5552","client_phone":"",
			"name":"Petra","assigned_name":"","external_id":""},"hook_type":"inbox","request_id":"8725","attachments":[],"is_new_request":1,
			"is_new_client":"","extra_data":[],"event_time":"2026-01-05T09:00:00Z"}`,
			event{
				HookType: "inbox", MessageID: 61, ClientID: 7002, ChannelID: 17, RequestID: 8725, Type: "from_client", Text: "Hi",
				Transport: "telegram", Time: at("2026-01-05T09:00:00Z"), IsNewRequest: true,
				Client: &chat2desk.ClientRef{ID: 7002, Name: "Petra", Phone: "[tg] 5552"},
			},
		},
		{
			"G3 outbox of an operator",
			`{"hook_type":"outbox","message_id":880012,"type":"to_client","text":"100 EUR","transport":"telegram","client_id":7001,
			"operator_id":301,"dialog_id":4401,"channel_id":12,"request_id":9901,"client":{"id":7001,"phone":"[tg] 5551","name":"Ana"},
			"attachments":[],"external_id":"p-1","event_time":"2026-02-03T10:16:00Z"}`,
			event{
				HookType: "outbox", MessageID: 880012, ClientID: 7001, OperatorID: 301, DialogID: 4401, ChannelID: 12, RequestID: 9901,
				Type: "to_client", Text: "100 EUR", Transport: "telegram", ExternalID: "p-1", Time: at("2026-02-03T10:16:00Z"),
				Client: &chat2desk.ClientRef{ID: 7001, Name: "Ana", Phone: "[tg] 5551"},
			},
		},
		{
			"G4 minimal outbox",
			`{"hook_type":"outbox","message_id":5,"type":"to_client","text":"ok","client":{"phone":"+79991234567"},"client_id":7001}`,
			event{
				HookType: "outbox", MessageID: 5, ClientID: 7001, Type: "to_client", Text: "ok",
				Client: &chat2desk.ClientRef{Phone: "+79991234567"},
			},
		},
		{
			"G5 outbox_status with nested data",
			`{"hook_type":"outbox_status","data":{"client_id":7001,"message_id":880012,"status":"failed","error":"blocked"},
			"event_time":"2026-01-05T09:00:05Z"}`,
			event{
				HookType: "outbox_status", MessageID: 880012, ClientID: 7001, Status: "failed", Error: "blocked",
				Time: at("2026-01-05T09:00:05Z"),
			},
		},
		{
			"G6 new_client",
			`{"hook_type":"new_client","id":7001,"name":"Ana","phone":"[tg] 5551","client_phone":null,"assigned_name":null,
			"channels":[{"id":12,"transports":["telegram"]}],"event_time":"2026-02-03T10:14:59Z"}`,
			event{
				HookType: "new_client", ClientID: 7001, ChannelID: 12, Transport: "telegram", Time: at("2026-02-03T10:14:59Z"),
				Client: &chat2desk.ClientRef{ID: 7001, Name: "Ana", Phone: "[tg] 5551"},
			},
		},
		{
			"client_updated in several channels",
			`{"hook_type":"client_updated","id":"7001","assigned_name":"Ana P.","assigned_phone":"+34600111222","channels":[{"id":12},{"id":13}]}`,
			event{
				HookType: "client_updated", ClientID: 7001,
				Client: &chat2desk.ClientRef{ID: 7001, AssignedName: "Ana P.", ClientPhone: "+34600111222"},
			},
		},
		{
			"G7 add_tag_to_client",
			`{"hook_type":"add_tag_to_client","id":996,"client_id":7001,"channel_id":12,"label":"VIP","event_time":"2026-01-05T09:01:00Z"}`,
			event{HookType: "add_tag_to_client", TagID: 996, ClientID: 7001, ChannelID: 12, Time: at("2026-01-05T09:01:00Z")},
		},
		{
			"G8 delete_tag_from_client without a channel",
			`{"hook_type":"delete_tag_from_client","id":996,"client_id":7001,"event_time":"2026-02-03T10:22:00Z"}`,
			event{HookType: "delete_tag_from_client", TagID: 996, ClientID: 7001, Time: at("2026-02-03T10:22:00Z")},
		},
		{
			"add_tag_to_request",
			`{"hook_type":"add_tag_to_request","id":"996","client_id":7001,"request_id":9901,"event_time":"2026-02-03T10:21:00Z"}`,
			event{HookType: "add_tag_to_request", TagID: 996, ClientID: 7001, RequestID: 9901, Time: at("2026-02-03T10:21:00Z")},
		},
		{
			"new_request",
			`{"hook_type":"new_request","request_id":9901,"client_id":7001,"dialog_id":4401,"channel_id":12,"transport":"telegram",
			"type":"common","by_client":true,"event_time":"2026-02-03T10:15:00Z"}`,
			event{
				HookType: "new_request", RequestID: 9901, ClientID: 7001, DialogID: 4401, ChannelID: 12, Transport: "telegram",
				Type: "common", ByClient: true, Time: at("2026-02-03T10:15:00Z"),
			},
		},
		{
			"G9 new_request of a rating",
			`{"hook_type":"new_request","request_id":9902,"client_id":7001,"dialog_id":4401,"channel_id":12,"type":"rating","by_client":""}`,
			event{HookType: "new_request", RequestID: 9902, ClientID: 7001, DialogID: 4401, ChannelID: 12, Type: "rating"},
		},
		{
			"G10 operator_status_updated",
			`{"hook_type":"operator_status_updated","id":"302","email":"o@example.org","online":1,"offline_type":"break","status_id":2,
			"event_time":"2026-02-03T12:00:00Z"}`,
			event{HookType: "operator_status_updated", OperatorID: 302, Online: true, OfflineType: "break", Time: at("2026-02-03T12:00:00Z")},
		},
		{
			"G10 under its older name",
			`{"hook_type":"operator_status_changed","id":302}`,
			event{HookType: "operator_status_updated", OperatorID: 302},
		},
		{
			"G11 close_request with only its id",
			`{"hook_type":"close_request","request_id":9901}`,
			event{HookType: "close_request", RequestID: 9901},
		},
		{
			"close_dialog",
			`{"hook_type":"close_dialog","dialog_id":4401,"client_id":7001,"operator_id":302,"event_time":"2026-02-03T11:00:01Z"}`,
			event{HookType: "close_dialog", DialogID: 4401, ClientID: 7001, OperatorID: 302, Time: at("2026-02-03T11:00:01Z")},
		},
		{
			"G12 dialog_transferred without a time",
			`{"hook_type":"dialog_transferred","dialog_id":4401,"client_id":7001,"request_id":9901,"operator_id":302}`,
			event{HookType: "dialog_transferred", DialogID: 4401, ClientID: 7001, RequestID: 9901, OperatorID: 302},
		},
		{
			"G13 imported_message",
			`{"hook_type":"imported_message","message_id":71,"type":"to_client","text":"from the phone","client_id":7001,"photo":"m/a.jpg"}`,
			event{
				HookType: "imported_message", MessageID: 71, ClientID: 7001, Type: "to_client", Text: "from the phone",
				Attachments: []chat2desk.Attachment{{Name: "a.jpg", Link: "m/a.jpg"}},
			},
		},
		{
			"comment without a type",
			`{"hook_type":"comment","message_id":72,"text":"VIP","client_id":7001}`,
			event{HookType: "comment", MessageID: 72, ClientID: 7001, Type: "comment", Text: "VIP"},
		},
		{
			"rating poll with type null",
			`{"hook_type":"outbox","message_id":73,"type":null,"text":"Rate us","client_id":7001}`,
			event{HookType: "outbox", MessageID: 73, ClientID: 7001, Type: "autoreply", Text: "Rate us"},
		},
		{
			"inbox in the other vocabulary and spelling",
			`{"hook_type":"inbox","messageID":"74","type":"in","clientID":"7001","dialogID":4401,"coordinates":{"lat":1.5,"lon":2},
			"extra_data":{"utm_source":"ya"}}`,
			event{
				HookType: "inbox", MessageID: 74, ClientID: 7001, DialogID: 4401, Type: "from_client", Location: "1.5,2",
				Analytics: map[string]string{"utm_source": "ya"},
			},
		},
		{
			"new_ticket",
			`{"hook_type":"new_ticket","ticket":{"id":5,"title":"Return","reporter_id":301},"event_time":"2026-02-03T12:05:00Z"}`,
			event{HookType: "new_ticket", Time: at("2026-02-03T12:05:00Z")},
		},
		{
			"a hook type nobody knows",
			`{"hook_type":"dialog_sang","client_id":"7001","request_id":9901,"type":"Aria","id":5,"verse":[1]}`,
			event{HookType: "dialog_sang", ClientID: 7001, RequestID: 9901, Type: "aria"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, parse(t, tt.body))
		})
	}
}

func TestEventsKeepTheirBodyAsReceived(t *testing.T) {
	t.Parallel()
	first, second := `{"hook_type":"inbox", "message_id":1}`, `{"hook_type":"outbox","message_id":2 }`
	events, err := chat2desk.ParseEvents([]byte(" [" + first + ",\n" + second + "]\n"))
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, first, string(events[0].Raw))
	require.Equal(t, second, string(events[1].Raw))

	body := []byte("\xef\xbb\xbf" + first)
	events, err = chat2desk.ParseEvents(body)
	require.NoError(t, err)
	clear(body)
	require.Equal(t, first, string(events[0].Raw), "the event does not share the caller's memory")
}

func TestParseEventsSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body, want string
		index      int
	}{
		{``, "body is empty", 0},
		{"  \n", "body is empty", 0},
		{`hook_type=inbox`, "body is not JSON", 0},
		{`{"hook_type":"inbox"`, "body is not JSON", 0},
		{`{"hook_type":"inbox"} {}`, "body is not JSON", 0},
		{`"inbox"`, "neither an object nor a list", 0},
		{`null`, "neither an object nor a list", 0},
		{`{"message_id":1}`, "event 1: hook_type: is missing", 0},
		{`{"hook_type":null}`, "event 1: hook_type: is missing", 0},
		{`[{"hook_type":"inbox"},5]`, "event 2: event: is not an object", 1},
		{`[{"hook_type":"inbox"},{"hook_type":" "}]`, "event 2: hook_type: is missing", 1},
	}
	for _, tt := range tests {
		events, err := chat2desk.ParseEvents([]byte(tt.body))
		var e *chat2desk.ParseError
		require.ErrorAs(t, err, &e, tt.body)
		require.ErrorContains(t, err, tt.want)
		require.Equal(t, tt.index, e.Index, tt.body)
		require.Empty(t, events)
	}
}

func TestAnEmptyListOfEventsIsNoError(t *testing.T) {
	t.Parallel()
	events, err := chat2desk.ParseEvents([]byte(`[]`))
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestOnlyMessageEventsCarryAMessage(t *testing.T) {
	t.Parallel()
	e := parse(t, `{"hook_type":"imported_message","message_id":71,"type":"out","text":"x","client_id":7001,"dialog_id":4401,
		"channel_id":12,"request_id":9901,"operator_id":301,"transport":"whatsapp","attachments":[{"name":"a","link":"https://s/a"}],
		"event_time":"2026-01-05T09:00:00Z"}`)
	m, ok := e.Message()
	require.True(t, ok)
	require.Equal(t, chat2desk.Message{
		ID: 71, ClientID: 7001, OperatorID: 301, ChannelID: 12, DialogID: 4401, RequestID: 9901, Type: "to_client", Text: "x",
		Transport: "whatsapp", Time: at("2026-01-05T09:00:00Z"), Attachments: []chat2desk.Attachment{{Name: "a", Link: "https://s/a"}},
	}, m)
	for _, hook := range []string{"outbox_status", "new_request", "close_dialog", "new_client", "dialog_sang"} {
		_, ok := parse(t, `{"hook_type":"`+hook+`","message_id":1}`).Message()
		require.False(t, ok, hook)
	}
}

func TestRelativeLinksOfAWebhookCanBeResolved(t *testing.T) {
	t.Parallel()
	e := parse(t, `{"hook_type":"inbox","message_id":1,"photo":"m/a.jpg","attachments":[{"name":"b","link":"https://s/b.pdf"}]}`)
	api := chat2desk.New(chat2desk.Config{StorageURL: "https://storage.example/"})
	require.Equal(t, []chat2desk.Attachment{
		{Name: "a.jpg", Link: "https://storage.example/m/a.jpg"}, {Name: "b", Link: "https://s/b.pdf"},
	}, api.ResolveLinks(e.Attachments))
}

func FuzzParseEvents(f *testing.F) {
	for _, body := range []string{
		`{"hook_type":"inbox","message_id":1,"client":{"id":7,"phone":"[tg] 5"},"event_time":"2026-01-05T09:00:00Z"}`,
		`{"hook_type":"outbox_status","data":{"message_id":1,"status":"failed"}}`,
		`[{"hook_type":"new_client","id":"7","channels":[{"id":1}]},{"hook_type":"x"}]`,
		`{"hook_type":"add_tag_to_request","id":1,"clientID":"7","extra_data":[]}`, `[]`, `null`, `{"hook_type":{}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := chat2desk.ParseEvents(body)
		if err != nil {
			var e *chat2desk.ParseError
			require.ErrorAs(t, err, &e)
			require.Empty(t, events)
			return
		}
		for _, e := range events {
			require.True(t, json.Valid(e.Raw))
			require.NotEmpty(t, e.HookType)
			require.True(t, strings.HasPrefix(e.Key(), e.HookType+":"))
			again, err := chat2desk.ParseEvents(e.Raw)
			require.NoError(t, err)
			require.Equal(t, e, again[0], "the kept body says the same")
			require.Equal(t, e.Key(), again[0].Key())
		}
	})
}
