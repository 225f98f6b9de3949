package chat2desk_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

func always() *int { n := 0; return &n }

func TestFaultsAnswerInPlaceOfTheService(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  chat2desk.Fault
		status int
		body   string
	}{
		"status":            {chat2desk.Fault{Kind: "status", Status: 503, Message: "busy"}, 503, `{"message":"busy","status":"error"}`},
		"error with 200":    {chat2desk.Fault{Kind: "error", Message: "strange"}, 200, `{"message":"strange","status":"error"}`},
		"bad token":         {chat2desk.Fault{Kind: "error", Message: chat2desk.TextBadToken}, 403, chat2desk.TextBadToken},
		"missing token":     {chat2desk.Fault{Kind: "error", Message: chat2desk.TextNeedAuth}, 401, chat2desk.TextNeedAuth},
		"rate":              {chat2desk.Fault{Kind: "error", Message: chat2desk.TextRate}, 429, chat2desk.TextRate},
		"quota":             {chat2desk.Fault{Kind: "error", Message: chat2desk.TextQuota}, 429, chat2desk.TextQuota},
		"no page":           {chat2desk.Fault{Kind: "error", Message: chat2desk.TextNoPage}, 404, chat2desk.TextNoPage},
		"not_found":         {chat2desk.Fault{Kind: "error", Message: chat2desk.TextNotFound}, 404, chat2desk.TextNotFound},
		"has state":         {chat2desk.Fault{Kind: "error", Message: "Dialog already has state open"}, 200, `"errors":{"state":["Dialog`},
		"used":              {chat2desk.Fault{Kind: "error", Message: "Url is already used"}, 200, `"errors":{"url":["Url`},
		"client exists":     {chat2desk.Fault{Kind: "error", Message: chat2desk.TextClientExists}, 200, `"errors":{"client":["Client`},
		"does not belong":   {chat2desk.Fault{Kind: "error", Message: "request does not belong"}, 200, `"assignee_id"`},
		"tag":               {chat2desk.Fault{Kind: "error", Message: "tag does not exist"}, 200, `"tag"`},
		"transport":         {chat2desk.Fault{Kind: "error", Message: "transport is incorrect"}, 400, `"transport"`},
		"channel":           {chat2desk.Fault{Kind: "error", Message: "channel not found"}, 404, `"channel_id"`},
		"operator group":    {chat2desk.Fault{Kind: "error", Message: "operator group not found"}, 404, `"operator"`},
		"dates":             {chat2desk.Fault{Kind: "error", Message: chat2desk.TextStartID}, 400, `"status":"error"`},
		"nested, as before": {chat2desk.Fault{Kind: "nested", Message: "old"}, 200, `{"data":{"message":"old","status":"error"}}`},
		"html":              {chat2desk.Fault{Kind: "html"}, 502, "<h1>502 Bad Gateway</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tc.fault.Path = "/v1/ta*"
			require.NoError(t, w.company.Inject(tc.fault))
			status, body := w.raw(http.MethodGet, "/v1/tags", nil)
			require.Equal(t, tc.status, status)
			require.Contains(t, string(body), tc.body)
			require.Equal(t, "success", w.get("/v1/tags")["status"], "a fault strikes once")
		})
	}
}

func TestALostAnswerHasItsEffect(t *testing.T) {
	t.Parallel()
	for kind, when := range map[string]string{chat2desk.FaultLostAnswer: "", chat2desk.FaultReset: "after"} {
		w := newWorld(t)
		scene := w.open()
		require.NoError(t, w.company.Inject(chat2desk.Fault{Path: "/v1/messages", Method: "POST", Kind: kind, When: when}))
		res, err := w.try(http.MethodPost, "/v1/messages", map[string]any{"client_id": scene.ClientID, "text": "once"})
		if err == nil {
			_ = res.Body.Close()
		}
		require.Error(t, err)
		require.Len(t, w.company.Received(scene.ClientID), 2)
		require.Eventually(t, func() bool { return len(w.hooks.all()) == 1 }, patience, tick)
	}
}

func TestAResetBeforeHasNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	require.NoError(t, w.company.Inject(chat2desk.Fault{Kind: chat2desk.FaultReset, Times: always()}))
	_, err := w.try(http.MethodPost, "/v1/messages", map[string]any{"client_id": scene.ClientID, "text": "never"}) //nolint:bodyclose // none
	require.Error(t, err)
	require.Len(t, w.company.Received(scene.ClientID), 1)
	w.call(http.MethodDelete, "/sandbox/faults", nil)
	w.get("/v1/tags")
}

func TestADelayedAnswerComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/sandbox/faults", map[string]any{"path": "/v1/tags", "kind": "delay", "delay_ms": 30})
	began := time.Now()
	w.get("/v1/tags")
	require.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
	require.Equal(t, 1, w.company.Stats().Faults)
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, fault := range []map[string]any{{"kind": "fire"}, {"kind": "html", "when": "never"}, {"knd": "html"}} {
		status, _ := w.raw(http.MethodPost, "/sandbox/faults", fault)
		require.Equal(t, http.StatusBadRequest, status)
	}
}

func TestControlsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/sandbox/settings", map[string]any{"rating": false, "signature": false, "quota": 100})
	require.Equal(t, "off", w.get("/sandbox/settings")["signature"])
	scene := w.call(http.MethodPost, "/sandbox/dialogs", map[string]any{
		"client":     map[string]any{"name": "Ana", "phone": "+7 999 1", "custom_fields": map[string]any{"6": "Madrid"}},
		"channel_id": 12, "messages": []map[string]any{{"from": "client", "text": "Hello"}}, "deliver": map[string]any{"duplicate": true},
	})
	path := "/sandbox/dialogs/" + text(scene["dialog_id"])
	require.Equal(t, "closed", w.call(http.MethodPost, path+"/close", nil)["state"])
	require.Equal(t, "open", w.call(http.MethodPost, path+"/reopen", nil)["state"])
	status, _ := w.raw(http.MethodPost, "/sandbox/dialogs/1/close", nil)
	require.Equal(t, http.StatusNotFound, status)
	data(w.call(http.MethodPost, "/v1/messages", map[string]any{"client_id": scene["client_id"], "text": "hi"}))
	messages := w.get("/sandbox/messages?client_id=" + text(scene["client_id"]))["messages"].([]any)
	require.Len(t, messages, 1)
	last := messages[0].(map[string]any)
	require.Equal(t, true, last["by_api"])
	w.call(http.MethodPost, "/sandbox/messages/"+text(last["id"])+"/status", map[string]any{"status": "failed", "error": "24h window"})
	got := w.wait()
	require.Equal(t, "outbox_status", got[len(got)-1].hook())
	require.Empty(t, got[0].signature)
	stats := w.get("/sandbox/stats")
	require.InDelta(t, 1, stats["by_path"].(map[string]any)["POST /v1/messages"], 0)
	require.InDelta(t, 3, stats["webhooks"].(map[string]any)["duplicated"], 0)
	for _, bad := range []map[string]any{{"signature": "rsa"}, {"echo": "never"}, {"utm": "x"}, {"retry_scale": -1}, {"sender_timeout_ms": 0}, {"x": 1}} {
		status, _ = w.raw(http.MethodPut, "/sandbox/settings", bad)
		require.Equal(t, http.StatusBadRequest, status, bad)
	}
}

func TestAChannelCanBeOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.call(http.MethodPost, "/sandbox/channels", map[string]any{"name": "Second bot", "transport": "telegram"})
	require.Equal(t, []any{"Second bot", []any{"telegram"}}, []any{made["name"], made["transports"]})
	shown := data(w.get("/v1/channels/" + text(made["id"])))
	require.Equal(t, "Second bot", shown["name"])
	scene := w.call(http.MethodPost, "/sandbox/dialogs", map[string]any{
		"channel_id": made["id"], "messages": []map[string]any{{"from": "client", "text": "Hello"}},
	})
	require.Equal(t, made["id"], scene["channel_id"])
	for _, bad := range []map[string]any{{"name": "Pigeons", "transport": "pigeon"}, {"transport": "telegram"}, {"name": "x", "phone": "1"}} {
		status, _ := w.raw(http.MethodPost, "/sandbox/channels", bad)
		require.Equal(t, http.StatusBadRequest, status, bad)
	}
}

func TestTheWayOfADialogFromOperatorToOperatorIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	path := fmt.Sprintf("/v1/dialogs/%d", scene.DialogID)
	for _, operator := range []int64{chat2desk.OperatorBoris, chat2desk.OperatorChen, chat2desk.OperatorBoris} {
		w.call(http.MethodPut, path, map[string]any{"operator_id": operator, "state": "open"})
	}
	w.call(http.MethodPut, "/v1/operators/301", map[string]any{"online": 0})
	way := w.get(fmt.Sprintf("/sandbox/dialogs/%d/operators", scene.DialogID))["operators"]
	require.Equal(t, []any{float64(301), float64(302), float64(303), float64(302)}, way)
	require.Empty(t, w.get("/sandbox/dialogs/1/operators")["operators"])
}

func TestResetKeepsWebhooksAndGoesOnWithIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.call(http.MethodPost, "/v1/webhooks", map[string]any{"name": "a", "url": "https://localhost/", "events": []string{"inbox"}})
	w.settle()
	w.call(http.MethodPost, "/sandbox/reset", nil)
	require.Zero(t, w.company.Stats().Requests)
	require.Len(t, rows(w.get("/v1/webhooks")), 2)
	after := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.Greater(t, after.ClientID, before.ClientID)
	require.Greater(t, after.MessageIDs[0], before.MessageIDs[1])
	w.call(http.MethodPost, "/sandbox/reset", map[string]any{"webhooks": true})
	require.Len(t, rows(w.get("/v1/webhooks")), 1)
}

func TestTheClockIsDrivenOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPost, "/sandbox/clock", map[string]any{"advance_s": 7200})
	require.Equal(t, start.Add(2*time.Hour), w.company.Now())
}

func TestThePageShowsADialogAndLetsOneWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	page := fmt.Sprintf("/chat/dialogs/%d", scene.DialogID)
	_, body := w.raw(http.MethodGet, "/", nil)
	require.Contains(t, string(body), `href="`+page+`"`)
	for _, form := range []url.Values{{"do": {"client"}, "text": {"<b>again</b>"}}, {"do": {"operator"}, "text": {"yes"}}, {"do": {"close"}}} {
		res, err := http.PostForm(w.server.URL+page, form) //nolint:noctx // a test
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, readAll(t, res), "Dialog")
	}
	_, body = w.raw(http.MethodGet, page, nil)
	require.Contains(t, string(body), "&lt;b&gt;again")
	require.Contains(t, string(body), "closed")
	status, _ := w.raw(http.MethodGet, "/chat/dialogs/1", nil)
	require.Equal(t, http.StatusNotFound, status)
	_, body = w.raw(http.MethodGet, "/storage/a/b.pdf", nil)
	require.Contains(t, string(body), "/storage/a/b.pdf")
}

func TestSettingsReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		`{"duplicate":true,"drop":true}`, `{"duplicate":2,"drop":0.5}`, `{"drop":"inbox"}`, `{"drop":["inbox","outbox"]}`, `{"drop":null}`,
	} {
		var first, second chat2desk.Deliver
		require.NoError(t, json.Unmarshal([]byte(raw), &first))
		again, err := json.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(again, &second))
		require.Equal(t, first, second, raw)
	}
}

func TestIDsOfAnswersCanBeText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.StringIDs, s.EmptyLists = true, true })
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	client := data(w.get(fmt.Sprintf("/v1/clients/%d", scene.ClientID)))
	require.Equal(t, fmt.Sprint(scene.ClientID), client["id"])
	require.Equal(t, []any{}, client["custom_fields"])
}
