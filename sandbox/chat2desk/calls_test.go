package chat2desk_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

// open plays a chat and leaves it open, then forgets what the webhooks brought.
func (w *world) open() chat2desk.Scene {
	w.Helper()
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Close = false
	scene := w.play(script)
	w.settle()
	w.hooks.mu.Lock()
	w.hooks.got = nil
	w.hooks.mu.Unlock()
	return scene
}

func TestAMessageOfTheAPIIsEchoed(t *testing.T) {
	t.Parallel()
	for _, echo := range []string{chat2desk.EchoBefore, chat2desk.EchoAfter} {
		w := newWorld(t)
		w.set(func(s *chat2desk.Settings) { s.Echo = echo })
		scene := w.open()
		sent := data(w.call(http.MethodPost, "/v1/messages", map[string]any{
			"client_id": scene.ClientID, "text": "100 EUR", "external_id": "puente-1", "open_dialog": false,
		}))
		if echo == chat2desk.EchoBefore {
			require.Len(t, w.hooks.all(), 1)
		}
		require.InDelta(t, scene.DialogID, sent["dialog_id"], 0)
		require.InDelta(t, chat2desk.ChannelWhatsApp, sent["channel_id"], 0)
		require.InDelta(t, chat2desk.OperatorAna, sent["operator_id"], 0, "the dialog's operator by default")
		require.Equal(t, "to_client", sent["type"])
		require.Eventually(t, func() bool { return len(w.hooks.all()) == 1 }, patience, tick)
		got := w.hooks.all()[0]
		require.Equal(t, "outbox", got.hook())
		require.Equal(t, "puente-1", got.fields["external_id"])
		require.Equal(t, sent["message_id"], got.fields["message_id"])
		last := w.company.Received(scene.ClientID)
		require.True(t, last[len(last)-1].ByAPI)
	}
}

func TestSendingOpensAClosedDialogUnlessToldNotTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	state := func() any { return data(w.get(fmt.Sprintf("/v1/dialogs/%d", scene.DialogID)))["state"] }
	message := map[string]any{"client_id": scene.ClientID, "text": "note", "type": "comment", "open_dialog": false}
	note := data(w.call(http.MethodPost, "/v1/messages", message))
	require.InDelta(t, scene.RequestID, note["request_id"], 0, "not the poll")
	require.Equal(t, "closed", state())
	require.Len(t, w.company.Received(scene.ClientID), 2, "a comment does not reach the client")
	delete(message, "open_dialog")
	sent := data(w.call(http.MethodPost, "/v1/messages", message))
	require.Equal(t, "open", state())
	require.Greater(t, sent["request_id"], float64(scene.RatingRequestID))
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	for name, tc := range map[string]struct {
		change map[string]any
		text   string
	}{
		"client":     {map[string]any{"client_id": 5}, "client not found"},
		"channel":    {map[string]any{"channel_id": 99}, "channel not found"},
		"transport":  {map[string]any{"transport": "telegram"}, "transport is incorrect"},
		"operator":   {map[string]any{"operator_id": 5}, "operator not found"},
		"type":       {map[string]any{"type": "from_client"}, "not a type"},
		"text":       {map[string]any{"text": ""}, "can't be blank"},
		"attachment": {map[string]any{"attachment": "https://host.invalid/a.png"}, "not available"},
	} {
		body := map[string]any{"client_id": scene.ClientID, "text": "x"}
		for key, value := range tc.change {
			body[key] = value
		}
		_, raw := w.raw(http.MethodPost, "/v1/messages", body)
		require.Contains(t, string(raw), `"status":"error"`, name)
		require.Contains(t, string(raw), tc.text, name)
	}
}

func TestAnExternalChannelTakesMessagesOfItsClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message := map[string]any{"channel_id": chat2desk.ChannelExternal, "body": "hi", "from_client": map[string]any{"phone": "34600"}}
	sent := data(w.call(http.MethodPost, "/v1/messages/inbox", message))
	message["from_client"] = map[string]any{"id": sent["client_id"]}
	w.call(http.MethodPost, "/v1/messages/inbox", message)
	w.attempts(4)
	require.Equal(t, []string{"new_client", "new_request", "inbox", "inbox"}, w.hooks.names())
	for _, from := range []map[string]any{{}, {"id": 1, "phone": "1"}, {"phone": "+1"}} {
		message["from_client"] = from
		status, _ := w.raw(http.MethodPost, "/v1/messages/inbox", message)
		require.Equal(t, http.StatusBadRequest, status)
	}
	message["channel_id"] = chat2desk.ChannelWhatsApp
	_, raw := w.raw(http.MethodPost, "/v1/messages/inbox", message)
	require.Contains(t, string(raw), "not external")
}

func TestTransferIsAGetWithEffects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	path := fmt.Sprintf("/v1/messages/%d/", scene.MessageIDs[0])
	answer := w.get(path + "transfer?operator_id=302")
	require.Equal(t, map[string]any{"status": "success"}, answer)
	require.Eventually(t, func() bool { return len(w.hooks.all()) == 1 }, patience, tick)
	require.Equal(t, []string{"dialog_transferred"}, w.hooks.names())
	require.InDelta(t, chat2desk.OperatorBoris, w.hooks.all()[0].fields["operator_id"], 0)
	w.get(path + "transfer_to_group?group_id=21")
	require.InDelta(t, chat2desk.OperatorAna, data(w.get(fmt.Sprintf("/v1/dialogs/%d", scene.DialogID)))["operator_id"], 0)
	for call, words := range map[string]string{
		path + "transfer?operator_id=9":           "operator not found",
		path + "transfer_to_group?group_id=9":     "operator group not found",
		"/v1/messages/1/transfer?operator_id=301": "message not found",
	} {
		_, raw := w.raw(http.MethodGet, call, nil)
		require.Contains(t, string(raw), words)
	}
}

func TestAClosedDialogCannotBeClosedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	path := fmt.Sprintf("/v1/dialogs/%d", scene.DialogID)
	closing := map[string]any{"operator_id": 301, "state": "closed"}
	require.Equal(t, "closed", data(w.call(http.MethodPut, path, closing))["state"])
	_, raw := w.raw(http.MethodPut, path, closing)
	require.JSONEq(t, `{"status":"error","message":"validation_error","errors":{"state":["Dialog already has state closed"]}}`, string(raw))
	reopened := data(w.call(http.MethodPut, path, map[string]any{"operator_id": 302, "state": "open"}))
	require.Equal(t, "open", reopened["state"])
	require.Nil(t, reopened["end"])
	w.call(http.MethodPut, "/v1/requests/close", map[string]any{"request_id": reopened["last_request_id"]})
	require.Equal(t, "closed", data(w.get(path))["state"])
	status, _ := w.raw(http.MethodPut, path, map[string]any{"state": "open"})
	require.Equal(t, http.StatusBadRequest, status, "the operator is wanted")
	status, _ = w.raw(http.MethodPut, "/v1/requests/close", map[string]any{"request_id": 1})
	require.Equal(t, http.StatusNotFound, status)
}

func TestTagsAreAssignedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	assign := map[string]any{"tag_ids": []int{1, 3, 99}, "assignee_type": "request", "assignee_id": text(float64(scene.RequestID))}
	require.Equal(t, "success", w.call(http.MethodPost, "/v1/tags/assign_to", assign)["status"], "3 is set, 99 is nobody's")
	w.call(http.MethodPost, "/v1/tags/assign_to", map[string]any{"tag_ids": "1", "assignee_type": "client", "assignee_id": scene.ClientID})
	w.call(http.MethodDelete, "/v1/tags/1/delete_from", map[string]any{"request_id": scene.RequestID})
	w.call(http.MethodDelete, "/v1/tags/1/delete_from", map[string]any{"client_id": scene.ClientID})
	require.Eventually(t, func() bool { return len(w.hooks.all()) == 4 }, patience, tick)
	require.Equal(t, []string{"add_tag_to_request", "add_tag_to_client", "delete_tag_from_request", "delete_tag_from_client"}, w.hooks.names())
	require.NotContains(t, w.hooks.all()[3].fields, "channel_id")

	for words, body := range map[string]map[string]any{
		"can't be blank":   {"tag_ids": []int{}, "assignee_type": "client", "assignee_id": scene.ClientID},
		"does not belong":  {"tag_ids": []int{1}, "assignee_type": "client", "assignee_id": 5},
		"client nor reque": {"tag_ids": []int{1}, "assignee_type": "dialog", "assignee_id": 5},
	} {
		_, raw := w.raw(http.MethodPost, "/v1/tags/assign_to", body)
		require.Contains(t, string(raw), words)
	}
	for path, words := range map[string]string{"/v1/tags/99": "tag does not exist", "/v1/tags/1": "request not found"} {
		_, raw := w.raw(http.MethodDelete, path+"/delete_from", map[string]any{"request_id": scene.RequestID})
		require.Contains(t, string(raw), words)
	}
}

func TestStatisticsOfADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Score = 4
	scene := w.play(script)
	requests := rows(w.get("/v1/statistics?report=request_stats&date=2026-02-03"))
	require.Len(t, requests, 2)
	require.InDelta(t, scene.RatingRequestID, requests[0]["request_id"], 0, "newest first")
	require.Equal(t, "4.0", requests[1]["rating_scale_score"])
	require.InDelta(t, 1, requests[1]["incoming_messages"], 0)
	require.Equal(t, "1", requests[1]["replies"])
	rating := rows(w.get("/v1/statistics?report=rating&date=2026-02-03"))
	require.InDelta(t, scene.RequestID, rating[0]["valuation_request_id"], 0)
	for report, count := range map[string]int{"operator_stats": 3, "operator_events": 1, "operator_replies": 1} {
		require.Len(t, rows(w.get("/v1/statistics?date=2026-02-03&report="+report)), count, report)
	}
	require.Empty(t, rows(w.get("/v1/statistics?report=request_stats&date=2026-02-04")))
	status, _ := w.raw(http.MethodGet, "/v1/statistics?report=request_stats&date=03-02-2026", nil)
	require.Equal(t, http.StatusBadRequest, status)
}

func TestQuestionsAndOverdueDialogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Messages, script.Close = script.Messages[:1], false
	scene := w.play(script)
	client := fmt.Sprintf("/v1/clients/%d", scene.ClientID)
	require.Equal(t, "Hello", data(w.get(client + "/last_question"))["text"])
	require.Len(t, rows(w.get(client+"/questions?start_date=03-02-2026&finish_date=04-02-2026")), 1)
	require.Empty(t, rows(w.get("/v1/dialogs/unanswered")))
	w.company.Advance(601 * time.Second)
	require.Len(t, rows(w.get("/v1/dialogs/unanswered")), 1)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.Nil(t, w.get(client + "/last_question")["data"])
}

func TestOperatorsTellOfTheirState(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(http.MethodPut, "/v1/operators/302", map[string]any{"offline_type": "break"})
	w.call(http.MethodPut, "/v1/operators/statuses/302", map[string]any{"status_id": 2})
	w.attempts(2)
	got := w.hooks.all()[0].fields
	require.Equal(t, "operator_status_updated", got["hook_type"])
	require.Equal(t, "302", got["id"])
	require.Equal(t, "break", got["offline_type"])
	made := data(w.call(http.MethodPost, "/v1/operators", map[string]any{"email": "new@example.org"}))
	require.Equal(t, "enabled", made["status"])
}

func TestTicketsTellOfThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := data(w.call(http.MethodPost, "/v1/tickets", map[string]any{"title": "Return", "reporter_id": 301}))
	path := "/v1/tickets/" + text(made["id"])
	require.Equal(t, "done", data(w.call(http.MethodPut, path, map[string]any{"status": "done"}))["status"])
	w.call(http.MethodDelete, path, nil)
	w.attempts(3)
	require.Equal(t, []string{"new_ticket", "ticket_updated", "ticket_deleted"}, w.hooks.names())
	require.InDelta(t, 301, w.hooks.all()[0].fields["ticket"].(map[string]any)["reporter_id"], 0)
}

func TestTheSmallEndpointsAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.open()
	for _, path := range []string{
		"/v1/help/transports", "/v1/help/api_modes", "/v1/help/roles", "/v1/help/dialog_states", "/v1/help/message_types",
		"/v1/help/tickets", "/v1/countries", "/v1/regions", "/v1/templates", "/v1/templates/1", "/v1/scenarios/menu_items?channel_id=12",
		"/v1/operators_groups", "/v1/access_rights", "/v1/access_rights/2", "/v1/companies/info", "/v1/tags/1", "/v1/channels/12",
		"/v1/operators/301", "/v1/tickets", fmt.Sprintf("/v1/clients/%d/transport", scene.ClientID),
		fmt.Sprintf("/v1/messages/%d", scene.MessageIDs[0]), fmt.Sprintf("/v1/messages/%d/read", scene.MessageIDs[0]),
		fmt.Sprintf("/v1/messages/%d/unread", scene.MessageIDs[0]),
	} {
		require.Equal(t, "success", w.get(path)["status"], path)
	}
	for path, body := range map[string]map[string]any{
		"PUT /v1/companies":                 {"custom_fields": map[string]any{"a": 1}},
		"PUT /v1/companies/switch_mode":     {"mode": "extended"},
		"POST /v1/companies/web_hook":       {"url": "https://localhost/"},
		"POST /v1/tag_groups":               {"tag_group_name": "New"},
		"POST /v1/tags":                     {"tag_group_id": 1, "tag_label": "new"},
		"POST /v1/scenarios/send_menu_item": {"client_id": scene.ClientID, "menu_item_id": 1},
	} {
		var method, address string
		_, err := fmt.Sscan(path, &method, &address)
		require.NoError(t, err)
		require.Equal(t, "success", w.call(method, address, body)["status"], path)
	}
	require.Equal(t, "extended", data(w.get("/v1/companies/api_info"))["mode"])
}
