package chat2desk_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func text(value any) string {
	if n, ok := value.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for token, want := range map[string]struct {
		status int
		text   string
	}{
		"":                     {http.StatusUnauthorized, chat2desk.TextNoToken},
		"wrong":                {http.StatusForbidden, chat2desk.TextBadToken},
		"Bearer sandbox-token": {http.StatusForbidden, chat2desk.TextBadToken},
		chat2desk.DefaultToken: {http.StatusOK, "success"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/v1/tags", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", token)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, want.status, res.StatusCode)
		require.Contains(t, readAll(t, res), want.text)
	}
}

func TestTheQuotaEndsWithTheMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.Quota = 2 })
	w.get("/v1/tags")
	require.InDelta(t, 2, data(w.get("/v1/companies/api_info"))["requests_this_month"], 0)
	status, body := w.raw(http.MethodGet, "/v1/tags", nil)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.JSONEq(t, `{"status":"error","message":"API calls exceeded API limit per month"}`, string(body))
	w.company.Advance(31 * 24 * time.Hour)
	w.get("/v1/tags")
}

func TestTheRateLimitRefusesWithinOneSecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.RatePerSecond = 1 })
	w.get("/v1/tags")
	status, body := w.raw(http.MethodGet, "/v1/tags", nil)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, string(body), chat2desk.TextRate)
	w.company.Advance(time.Second)
	w.get("/v1/tags")
}

func TestAnUnknownPathIsNoPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for method, path := range map[string]string{http.MethodGet: "/v1/nothing", http.MethodDelete: "/v1/messages/5"} {
		status, body := w.raw(method, path, nil)
		require.Equal(t, http.StatusNotFound, status)
		require.JSONEq(t, `{"status":"error","message":"Page not found"}`, string(body))
	}
}

func TestErrorsCanComeWithHTTP200(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.ErrorsWith200 = true })
	require.Equal(t, "not_found", w.get("/v1/dialogs/5")["message"])
}

func TestAKnownClientIsNamedInTheError(t *testing.T) { // case G14
	t.Parallel()
	w := newWorld(t)
	create := map[string]any{"phone": "34600111222", "transport": "whatsapp", "channel_id": 12, "nickname": "Ana"}
	made := data(w.call(http.MethodPost, "/v1/clients", create))
	require.Equal(t, "Ana", made["assigned_name"])
	require.Equal(t, "unknown", made["name"])
	_, body := w.raw(http.MethodPost, "/v1/clients", create)
	require.JSONEq(t, fmt.Sprintf(`{"status":"error","errors":{"client":["Client already exist","{\"id\":%s}"]}}`, text(made["id"])), string(body))
	create["transport"], create["phone"] = "pigeon", "1"
	status, body := w.raw(http.MethodPost, "/v1/clients", create)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, string(body), "transport is incorrect")
	_, body = w.raw(http.MethodPost, "/v1/clients", map[string]any{"phone": "1", "channel_id": 99})
	require.Contains(t, string(body), "channel not found")
}

func TestMessagesOfARequestAreABareList(t *testing.T) { // case G15
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	_, raw := w.raw(http.MethodGet, fmt.Sprintf("/v1/requests/%d/messages", scene.RequestID), nil)
	var list []map[string]any
	require.NoError(t, json.Unmarshal(raw, &list))
	require.Len(t, list, 2)
	require.Equal(t, "in", list[0]["type"])
	require.Equal(t, "out", list[1]["type"])
	require.InDelta(t, start.Unix(), list[0]["created"], 0)
	require.InDelta(t, scene.ClientID, list[0]["clientID"], 0)
	require.InDelta(t, chat2desk.OperatorAna, list[1]["operatorID"], 0)

	_, raw = w.raw(http.MethodGet, "/v1/requests/1/messages", nil)
	require.JSONEq(t, `{"status":"error","message":"not_found","errors":"Request 1 not found"}`, string(raw))
	_, raw = w.raw(http.MethodGet, fmt.Sprintf("/v1/requests/%d/messages", scene.RatingRequestID), nil)
	require.NoError(t, json.Unmarshal(raw, &list))
	require.Nil(t, list[0]["type"])
}

func TestEnvelopeExceptions(t *testing.T) { // case G16
	t.Parallel()
	w := newWorld(t)
	fields := w.get("/v1/custom_client_fields")
	require.Equal(t, "ok", fields["status"])
	require.Equal(t, "City", rows(fields)[0]["name"])
	_, raw := w.raw(http.MethodGet, "/v1/operators/statuses", nil)
	var statuses []struct {
		ID   int
		Name map[string]string
	}
	require.NoError(t, json.Unmarshal(raw, &statuses))
	require.NotEmpty(t, statuses[1].Name["ru"])
}

func TestOperatorsOfBothGenerations(t *testing.T) { // case G18
	t.Parallel()
	w := newWorld(t)
	list := rows(w.get("/v1/operators"))
	require.Len(t, list, 3)
	require.Contains(t, list[1]["access_right_name"], "Supervisor")
	require.Equal(t, "operator", list[1]["role"])
	require.NotContains(t, list[2], "status")
	require.Nil(t, list[0]["external_id"])
	require.Empty(t, list[2]["external_id"])
}

func TestMessagesIgnoreTheirOffset(t *testing.T) { // case G19
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat2desk.Script{ChannelID: chat2desk.ChannelWidget, Repeat: 450})
	base := fmt.Sprintf("/v1/messages?dialog_id=%d&limit=500", scene.DialogID)
	first := rows(w.get(base))
	require.Len(t, first, 200)
	require.Equal(t, first, rows(w.get(base+"&offset=200")))
	tail := rows(w.get(base + "&order=desc"))
	require.InDelta(t, scene.MessageIDs[449], tail[0]["id"], 0)
	up := rows(w.get(fmt.Sprintf("%s&start_id=%d", base, scene.MessageIDs[200])))
	require.InDelta(t, scene.MessageIDs[200], up[0]["id"], 0)
	down := rows(w.get(fmt.Sprintf("%s&start_id=%d&direction_reverse=true", base, scene.MessageIDs[200])))
	require.InDelta(t, scene.MessageIDs[200], down[0]["id"], 0)
	require.InDelta(t, scene.MessageIDs[1], down[199]["id"], 0)
}

func TestDateWindowsOfMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.NotEmpty(t, rows(w.get("/v1/messages?start_date=03-02-2026&finish_date=04-02-2026")))
	require.Empty(t, rows(w.get("/v1/messages?start_date=03-02-2026&finish_date=03-02-2026")), "the last day is not included")
	status, _ := w.raw(http.MethodGet, "/v1/messages?start_date=2026-02-03", nil)
	require.Equal(t, http.StatusBadRequest, status)
	_, body := w.raw(http.MethodGet, "/v1/messages?start_date=03-02-2026&start_id=5", nil)
	require.Contains(t, string(body), chat2desk.TextStartID)
}

func TestPagingTrapsOfOtherLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *chat2desk.Options) {
		o.Seeds = func() chat2desk.Seed {
			seed := chat2desk.DemoSeed()
			for i := range 18 {
				seed.Channels = append(seed.Channels, chat2desk.Channel{ID: int64(100 + i), Transports: []string{"sms"}})
			}
			return seed
		}
	})
	require.Len(t, rows(w.get("/v1/channels?limit=200")), 15)
	require.Empty(t, rows(w.get("/v1/channels?offset=15")))
	first := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.play(chat("79990000002", chat2desk.ChannelWhatsApp))
	require.Len(t, rows(w.get(fmt.Sprintf("/v1/dialogs?client_id=%d", first.ClientID))), 2, "the filter is ignored")
	require.Len(t, rows(w.get(fmt.Sprintf("/v1/clients/%d/dialogs", first.ClientID))), 1)
	require.Len(t, rows(w.get("/v1/clients?search=nobody")), 2, "the filter is ignored")
	require.Len(t, rows(w.get("/v1/clients?phone=79990000002")), 1)
	require.Empty(t, rows(w.get("/v1/tags?offset=50")))
	require.Len(t, rows(w.get("/v1/tags?offset=1&limit=1")), 1)
}

func TestWebhookManagement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := map[string]any{"name": "a", "url": "https://localhost/a", "events": []string{"inbox"}}
	made := data(w.call(http.MethodPost, "/v1/webhooks", hook))
	_, body := w.raw(http.MethodPost, "/v1/webhooks", hook) // case G20
	var answer struct {
		Status string
		Errors map[string][]string
	}
	require.NoError(t, json.Unmarshal(body, &answer))
	require.Equal(t, "error", answer.Status)
	require.Contains(t, answer.Errors["url"][0], "already used")

	for i := range 3 {
		hook["url"] = fmt.Sprintf("https://localhost/%d", i)
		w.call(http.MethodPost, "/v1/webhooks", hook)
	}
	hook["url"] = "https://localhost/sixth"
	require.Equal(t, "error", w.call(http.MethodPost, "/v1/webhooks", hook)["status"])

	path := "/v1/webhooks/" + text(made["id"])
	changed := data(w.call(http.MethodPut, path, map[string]any{"channels": []int{12}, "events": []string{"operator_status_updated"}}))
	require.Equal(t, []any{12.0}, changed["channels"])
	require.Equal(t, []any{"operator_status_changed"}, changed["events"])
	w.call(http.MethodDelete, path, nil)
	status, _ := w.raw(http.MethodGet, path, nil)
	require.Equal(t, http.StatusNotFound, status)
}

func TestWebhookValidation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for field, hook := range map[string]map[string]any{
		"url":    {"name": "a", "url": "ftp://x", "events": []string{"inbox"}},
		"name":   {"url": "https://localhost/a", "events": []string{"inbox"}},
		"events": {"name": "a", "url": "https://localhost/a", "events": []string{"open_dialog"}},
		"status": {"name": "a", "url": "https://localhost/a", "events": []string{"inbox"}, "status": "on"},
	} {
		status, body := w.raw(http.MethodPost, "/v1/webhooks", hook)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, string(body), `"`+field+`"`)
	}
}

func TestAWebhookHearsOnlyItsChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *chat2desk.Options) { o.Webhooks[0].Channels = []int64{chat2desk.ChannelSMS} })
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.play(chat("79990000001", chat2desk.ChannelSMS))
	w.wait()
	require.Equal(t, plainChat[1:], w.hooks.names())
}

func TestParametersComeInThreeForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	path := fmt.Sprintf("/v1/clients/%d", scene.ClientID)
	w.call(http.MethodPut, path+"?nickname=query", nil)
	form := url.Values{"comment": {"form"}, "custom_fields[6]": {"Lima"}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Authorization", chat2desk.DefaultToken)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.NotEmpty(t, readAll(t, res))
	client := data(w.call(http.MethodPut, path, map[string]any{"extra_comment_1": "json", "external_id": 5}))
	require.Equal(t, "query", client["assigned_name"])
	require.Equal(t, "form", client["comment"])
	require.Equal(t, map[string]any{"6": "Lima"}, client["custom_fields"])
	require.Equal(t, "json", client["extra_comment_1"])
	require.InDelta(t, 5, client["external_id"], 0)
	w.wait()
	require.Contains(t, w.hooks.names(), "client_updated")
	status, _ := w.raw(http.MethodPut, path, []int{1})
	require.Equal(t, http.StatusBadRequest, status)
}
