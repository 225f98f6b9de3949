package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDoorsRefuseWithAReason(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	good := `{"hook_type":"inbox","message_id":1,"type":"from_client","text":"x","client_id":1,"channel_id":12,"event_time":"2026-02-03T11:00:00Z"}`
	for name, c := range map[string]struct {
		path, body, signature string
		want                  int
		says                  string
	}{
		"wrong secret":      {"/webhooks/chat2desk/demo/wrong", good, "", http.StatusUnauthorized, "secret"},
		"wrong signature":   {"/webhooks/chat2desk/demo/demo-secret", good, "abcdef", http.StatusUnauthorized, "signature"},
		"unknown portal":    {"/webhooks/chat2desk/nobody/demo-secret", good, "", http.StatusNotFound, "portal"},
		"not JSON":          {"/webhooks/chat2desk/demo/demo-secret", "hello", "", http.StatusBadRequest, "JSON"},
		"over 1 MiB":        {"/webhooks/chat2desk/demo/demo-secret", `{"hook_type":"inbox","text":"` + strings.Repeat("x", 1<<20) + `"}`, "", http.StatusRequestEntityTooLarge, ""},
		"unknown hook type": {"/webhooks/chat2desk/demo/demo-secret", `{"hook_type":"brand_new","id":5}`, "", http.StatusOK, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.api+c.path, strings.NewReader(c.body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		if c.signature != "" {
			req.Header.Set("X-Signature", c.signature)
			req.Header.Set("X-Timestamp", "1767323045")
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		var problem struct {
			Status int    `json:"status"`
			Detail string `json:"detail"`
			Title  string `json:"title"`
		}
		err = json.NewDecoder(resp.Body).Decode(&problem)
		_ = resp.Body.Close()
		require.NoError(t, err, name)
		require.Equal(t, c.want, resp.StatusCode, name)
		if c.want != http.StatusOK {
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), name)
			require.Contains(t, strings.ToLower(problem.Title+problem.Detail), strings.ToLower(c.says), name)
		}
	}
	events, _, err := s.store.InboxBacklog(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, events, 1)
	require.Eventually(t, func() bool {
		_, raw := s.raw(http.MethodGet, "http://"+s.api+"/metrics", nil)
		return strings.Contains(string(raw), "unknown")
	}, 10*time.Second, 100*time.Millisecond, "unknown hook types are counted")
}
