package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

const inbox = `{"hook_type":"inbox","event_time":"2026-02-03T10:15:00.123456Z","message_id":880011,"type":"from_client",
"text":"Need the price","transport":"telegram","client_id":7001,"operator_id":null,"dialog_id":4401,"channel_id":12,"request_id":9901,
"photo":"media/a.jpg","video":null,"audio":null,"pdf":null,"coordinates":null,"attachments":[{"name":"a.jpg","link":"https://s.example/a.jpg"}],
"client":{"id":7001,"phone":"[tg] 5551","client_phone":null,"name":"Ana","assigned_name":null,"external_id":null},
"is_new_request":true,"is_new_client":false,"insta_comment":false,"is_new":true,"extra_data":{"utm_source":"ya"}}`

const closing = `{"hook_type":"close_request","request_id":9901,"client_id":7001}`

// bodies are webhooks of different weight; a close without a time needs the
// hash for its key.
var bodies = map[string]string{
	"inbox":         inbox,
	"close":         closing,
	"20000_letters": strings.Replace(inbox, "Need the price", strings.Repeat("ñ", 20000), 1),
	"list_of_100":   "[" + strings.Repeat(inbox+",", 99) + inbox + "]",
}

func BenchmarkWebhookParse(b *testing.B) {
	for name, body := range bodies {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				_, err := chat2desk.ParseEvents([]byte(body))
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkWebhookKey(b *testing.B) {
	for _, name := range []string{"inbox", "close"} {
		events, err := chat2desk.ParseEvents([]byte(bodies[name]))
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				events[0].Key()
			}
		})
	}
}

func BenchmarkWebhookSignature(b *testing.B) {
	signature := chat2desk.Sign("token", []byte(inbox), "1767323045")
	b.SetBytes(int64(len(inbox)))
	for b.Loop() {
		require.True(b, chat2desk.VerifySignature("token", []byte(inbox), "1767323045", signature))
	}
}

// The transcript of a long dialog, over HTTP: time and memory for 5,000 messages.
func BenchmarkTranscript5000(b *testing.B) {
	messages := make([]string, 5000)
	for i := range messages {
		messages[i] = fmt.Sprintf(`{"id":%d,"text":"Message number %d of a long talk","type":"in","created":%d,"clientID":7001,"operatorID":301,
			"channelID":12,"dialogID":4401,"photo":null,"video":null,"extra_data":{}}`, i+1, i+1, 1767604800+i)
	}
	answer := "[" + strings.Join(messages, ",") + "]"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	b.Cleanup(server.Close)
	api := chat2desk.New(chat2desk.Config{BaseURL: server.URL, Token: "token"})
	b.ReportAllocs()
	b.SetBytes(int64(len(answer)))
	for b.Loop() {
		list, err := api.RequestMessages(b.Context(), 9901)
		require.NoError(b, err)
		require.Len(b, list, len(messages))
	}
}
