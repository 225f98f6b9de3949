package chat2desk_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/chat2desk"
)

func key(t require.TestingT, body string) string {
	events, err := chat2desk.ParseEvents([]byte(body))
	require.NoError(t, err, body)
	require.Len(t, events, 1)
	return events[0].Key()
}

func TestKeysAreReadable(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{"hook_type":"inbox","message_id":501,"client_id":77,"event_time":"2026-01-02T03:04:05Z"}`, "inbox:501"},
		{`{"hook_type":"comment","message_id":501}`, "comment:501"},
		{
			`{"hook_type":"close_request","request_id":31,"client_id":77,"event_time":"2026-01-02T03:04:05.678901Z"}`,
			"close_request:31:77:2026-01-02T03:04:05.678901Z",
		},
		{
			`{"hook_type":"add_tag_to_request","id":996,"request_id":31,"client_id":77,"event_time":"2026-01-02T03:04:05Z"}`,
			"add_tag_to_request:31,tag996:77:2026-01-02T03:04:05Z",
		},
		{
			`{"hook_type":"close_dialog","dialog_id":9,"client_id":77,"event_time":"2026-01-02T03:04:05Z"}`,
			"close_dialog:9:77:2026-01-02T03:04:05Z",
		},
		{
			`{"hook_type":"operator_status_updated","id":"302","event_time":"2026-01-02T03:04:05Z"}`,
			"operator_status_updated:op302:0:2026-01-02T03:04:05Z",
		},
		{`{"hook_type":"new_client","id":77,"event_time":"2026-01-02T03:04:05Z"}`, "new_client:77:77:2026-01-02T03:04:05Z"},
		{`{"hook_type":"new_ticket","ticket":{"id":5},"event_time":"2026-01-02T03:04:05Z"}`, "new_ticket:5:0:2026-01-02T03:04:05Z"},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, key(t, tt.body))
	}
}

func TestDifferentEventsHaveDifferentKeys(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`{"hook_type":"inbox","message_id":1}`,
		`{"hook_type":"outbox","message_id":1}`,
		`{"hook_type":"outbox_status","data":{"message_id":1,"status":"sent"},"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"outbox_status","data":{"message_id":1,"status":"read"},"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"message_liked","message_id":1,"by":1}`,
		`{"hook_type":"message_liked","message_id":1,"by":2}`,
		`{"hook_type":"add_tag_to_request","id":1,"request_id":3,"client_id":7,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"add_tag_to_request","id":2,"request_id":3,"client_id":7,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"delete_tag_from_request","id":1,"request_id":3,"client_id":7,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"add_tag_to_client","id":1,"client_id":7,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"add_tag_to_client","id":1,"client_id":7,"event_time":"2026-01-02T03:04:06Z"}`,
		`{"hook_type":"dialog_transferred","dialog_id":4,"operator_id":1,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"dialog_transferred","dialog_id":4,"operator_id":2,"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"dialog_transferred","dialog_id":4,"operator_id":2}`,
		`{"hook_type":"dialog_transferred","dialog_id":4,"operator_id":3}`,
		`{"hook_type":"close_request","request_id":1}`,
		`{"hook_type":"close_request","request_id":2}`,
		`{"hook_type":"new_ticket","ticket":{"id":5},"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"new_ticket","ticket":{"id":6},"event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"new_qr_code","event_time":"2026-01-02T03:04:05Z"}`,
		`{"hook_type":"new_qr_code","event_time":"2026-01-02T03:04:06Z"}`,
		`{"hook_type":"new_qr_code","event_time":"soon","code":1}`,
		`{"hook_type":"new_qr_code","event_time":"soon","code":2}`,
	}
	seen := map[string]string{}
	for _, body := range bodies {
		k := key(t, body)
		require.Empty(t, seen[k], "%s has the key of %s", body, seen[k])
		seen[k] = body
	}
}

// G22: deliveries of one event have one key, however their bodies are written.
func TestKeyDoesNotDependOnHowTheBodyIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields := drawFields(t)
		first, second := write(t, fields), write(t, fields)
		require.Equal(t, key(t, first), key(t, second))
	})
}

// field is one field of a drawn body; numbers are written as such or as text.
type field struct {
	name   string
	number int64
	text   string // JSON; used if not empty
}

func drawFields(t *rapid.T) []field {
	hook := rapid.SampledFrom([]string{
		"inbox", "outbox", "outbox_status", "new_client", "new_request", "close_request", "close_dialog", "dialog_transferred",
		"add_tag_to_client", "add_tag_to_request", "operator_status_updated", "new_ticket", "unheard_of",
	}).Draw(t, "hook")
	fields := []field{{name: "hook_type", text: `"` + hook + `"`}}
	for _, name := range []string{"id", "message_id", "client_id", "dialog_id", "request_id", "operator_id"} {
		if rapid.Bool().Draw(t, name+" given") {
			fields = append(fields, field{name: name, number: rapid.Int64Range(1, 1<<53).Draw(t, name)})
		}
	}
	if rapid.Bool().Draw(t, "time given") {
		fields = append(fields, field{name: "event_time", text: `"2026-01-05T09:00:00.5Z"`})
	}
	text, err := json.Marshal(rapid.String().Draw(t, "text"))
	require.NoError(t, err)
	return append(fields, field{name: "text", text: string(text)}, field{name: "data", text: `{"a":1,"b":[true,null]}`})
}

// write puts the fields into a body in a drawn order, with drawn white space.
func write(t *rapid.T, fields []field) string {
	space := func() string { return rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space") }
	var parts []string
	for _, f := range rapid.Permutation(fields).Draw(t, "order") {
		value := f.text
		if value == "" {
			value = rapid.SampledFrom([]string{fmt.Sprint(f.number), fmt.Sprintf(`"%d"`, f.number)}).Draw(t, f.name+" written")
		}
		parts = append(parts, space()+`"`+f.name+`"`+space()+":"+space()+value+space())
	}
	return "{" + strings.Join(parts, ",") + "}"
}
