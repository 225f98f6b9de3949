package chat2desk_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

// FuzzAPI sends anything anywhere: the answer is always JSON, or the sandbox has a hole.
func FuzzAPI(f *testing.F) {
	for _, seed := range [][3]string{
		{"POST", "messages", `{"client_id":"7001","text":"x","attachment":"https://a.b/c"}`},
		{"POST", "messages/inbox", `{"channel_id":16,"body":"x","from_client":{"phone":"1"},"location":{"lat":1}}`},
		{"PUT", "clients/7001", `{"custom_fields":[],"external_id":{"a":1}}`},
		{"PUT", "dialogs/4401", `{"state":null,"operator_id":301.5}`},
		{"POST", "tags/assign_to", `{"tag_ids":{"a":[]},"assignee_type":"client","assignee_id":7001}`},
		{"POST", "webhooks", `{"name":[],"url":"http://[::1","events":"inbox,outbox"}`},
		{"GET", "messages?limit=-5&offset=x&start_id=9&ids[]=1&a[b]=c", ""},
		{"GET", "statistics?report=rating&date=2026-02-03", "null"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	company, err := chat2desk.New(chat2desk.Options{})
	require.NoError(f, err)
	f.Cleanup(func() { _ = company.Close() })
	_, err = company.Play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://sandbox/v1/"+path, strings.NewReader(body))
		if err != nil {
			return // not a request
		}
		req.Header.Set("Authorization", chat2desk.DefaultToken)
		answer := httptest.NewRecorder()
		company.ServeHTTP(answer, req)
		if answer.Code != http.StatusMovedPermanently && answer.Code != http.StatusTemporaryRedirect { // a path that was cleaned
			require.True(t, json.Valid(answer.Body.Bytes()), "%s", answer.Body)
		}
	})
}
