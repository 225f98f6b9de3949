package chat2desk_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

var plainChat = []string{
	"new_client", "new_request", "inbox", "dialog_transferred", "outbox", "add_tag_to_request", "close_request", "close_dialog",
	"new_request", "close_request",
}

func TestAPlainChatRaisesItsEventsInTheOrderOfTheReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	scene := w.play(chat("+7 999 123-45-67", chat2desk.ChannelWhatsApp))
	got := w.wait()
	require.Equal(t, plainChat, w.hooks.names())

	inbox := got[2].fields
	require.Equal(t, "Hello", inbox["text"])
	require.Equal(t, true, inbox["is_new_request"])
	require.InDelta(t, scene.RequestID, inbox["request_id"], 0)
	require.Nil(t, inbox["operator_id"])
	require.Equal(t, "79991234567", inbox["client"].(map[string]any)["phone"])
	require.Equal(t, "common", got[1].fields["type"])
	require.InDelta(t, chat2desk.TagSale, got[5].fields["id"], 0)
	require.Equal(t, "rating", got[8].fields["type"])
	require.InDelta(t, scene.RatingRequestID, got[9].fields["request_id"], 0)
}

func TestEventTimesGrowInMicrosecondsAlthoughTheClockStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	last := time.Time{}
	for _, hook := range w.wait() {
		at, err := time.Parse("2006-01-02T15:04:05.000000Z", hook.fields["event_time"].(string))
		require.NoError(t, err)
		require.True(t, at.After(last), "%s: %s is not after %s", hook.hook(), at, last)
		last = at
	}
}

func TestWithoutRatingTheDialogEndsWithItsClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.Rating = false })
	scene := w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.wait()
	require.Equal(t, plainChat[:8], w.hooks.names())
	require.Zero(t, scene.RatingRequestID)
}

func TestClosedReopenedAndClosedIsOneDialogWithTwoRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.play(chat("+7 999 000-00-01", chat2desk.ChannelWhatsApp))
	second := w.play(chat("7 (999) 0000001", chat2desk.ChannelWhatsApp))
	require.Equal(t, first.DialogID, second.DialogID)
	require.Equal(t, first.ClientID, second.ClientID)
	require.NotEqual(t, first.RequestID, second.RequestID)
	w.wait()
	require.Equal(t, append(slices.Clone(plainChat), plainChat[1:]...), w.hooks.names())
}

func TestAnOpenDialogGoesOnInItsRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Close = false
	first := w.play(script)
	second := w.play(script)
	require.Equal(t, first.RequestID, second.RequestID)
}

func TestIdentityFollowsTheTransport(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		channel     int64
		phone       string
		identity    string
		clientPhone any
	}{
		"whatsapp keeps the digits as received": {chat2desk.ChannelWhatsApp, "8 (999) 000-00-02", "89990000002", nil},
		"sms too":                               {chat2desk.ChannelSMS, "+79990000002", "79990000002", nil},
		"telegram has an id of its own":         {chat2desk.ChannelTelegram, "+7 999 000-00-02", "[tg] ", "+7 999 000-00-02"},
		"the widget has a hex id":               {chat2desk.ChannelWidget, "", "[chat] ", nil},
		"whatsapp without a phone":              {chat2desk.ChannelWhatsApp, "", "[whatsapp] ", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			scene := w.play(chat(tc.phone, tc.channel))
			client := data(w.get(fmt.Sprintf("/v1/clients/%d", scene.ClientID)))
			require.True(t, strings.HasPrefix(client["phone"].(string), tc.identity), client["phone"])
			require.Equal(t, tc.clientPhone, client["client_phone"])
		})
	}
}

func TestSceneCarriesFieldsTagsAndAnalytics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Client.CustomFields = map[string]any{"6": "Madrid", "7": 1500}
	script.Client.Tags = []int64{chat2desk.TagVIP}
	script.Client.Email = "ana@example.org"
	script.UTM = map[string]string{"utm_source": "google", "client_id": "GA1.2"}
	scene := w.play(script)

	client := data(w.get(fmt.Sprintf("/v1/clients/%d", scene.ClientID)))
	require.Equal(t, map[string]any{"6": "Madrid", "7": 1500.0, "email": "ana@example.org"}, client["custom_fields"])
	require.Equal(t, "vip", client["tags"].([]any)[0].(map[string]any)["label"])
	request := data(w.get(fmt.Sprintf("/v1/requests/%d", scene.RequestID)))
	require.Equal(t, "sale", request["tags"].([]any)[0].(map[string]any)["label"])
	row := rows(w.get(fmt.Sprintf("/v1/web_analytics_data?client_id=%d", scene.ClientID)))[0]
	require.Equal(t, "google", row["utm_source"])
	require.Equal(t, "GA1.2", row["google_id"])
	require.InDelta(t, scene.RequestID, row["request_id"], 0)
	require.Nil(t, row["utm_medium"])
}

func TestUTMDataCanTravelInTheFirstMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.UTM = chat2desk.UTMInExtraData })
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.UTM = map[string]string{"utm_source": "google"}
	w.play(script)
	require.Equal(t, map[string]any{"utm_source": "google"}, w.wait()[2].fields["extra_data"])
	require.Empty(t, rows(w.get("/v1/web_analytics_data")))
}

func TestEachKindOfMessageHasItsHook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.Rating = false })
	script := chat2desk.Script{ChannelID: chat2desk.ChannelTelegram, OperatorID: 302, Client: chat2desk.ScriptClient{Identity: "[tg] 5551"}}
	for _, from := range []string{"client", "operator", "bot", "comment", "system", "none"} {
		script.Messages = append(script.Messages, chat2desk.ScriptMessage{From: from, Text: from})
	}
	script.Messages = append(script.Messages, chat2desk.ScriptMessage{From: "operator", Text: "phone app", Imported: true}) // case G13
	scene := w.play(script)
	w.wait()
	require.Equal(t, []string{
		"new_client", "new_request", "inbox", "dialog_transferred", "outbox", "outbox", "comment", "system_message", "outbox", "imported_message",
	}, w.hooks.names())
	got := w.hooks.all()
	require.Nil(t, got[8].fields["type"])
	require.Equal(t, "to_client", got[9].fields["type"])
	require.Len(t, w.company.Received(scene.ClientID), 4)
}

func TestFilesAppearInTheClassicSlotToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Messages[0].Attachments = []chat2desk.Attachment{
		{Name: "a.jpg", Link: "https://files.example.org/storage/x/a.jpg"}, {Name: "b.pdf", Link: "https://files.example.org/b.pdf"},
	}
	w.play(script)
	inbox := w.wait()[2].fields
	require.Equal(t, "x/a.jpg", inbox["photo"])
	require.Equal(t, "b.pdf", inbox["pdf"])
	require.Len(t, inbox["attachments"], 2)
}

func TestDeliveriesAreDisturbedAsAsked(t *testing.T) {
	t.Parallel()
	all := len(plainChat)
	for name, tc := range map[string]struct {
		deliver chat2desk.Deliver
		check   func(*testing.T, []string)
	}{
		"duplicates": {chat2desk.Deliver{Duplicate: 2}, func(t *testing.T, names []string) {
			t.Helper()
			require.Len(t, names, 3*all)
		}},
		"everything dropped": {chat2desk.Deliver{Drop: chat2desk.Drop{Probability: 1}}, func(t *testing.T, names []string) {
			t.Helper()
			require.Empty(t, names)
		}},
		"all but the close dropped": {
			chat2desk.Deliver{Drop: chat2desk.Drop{Hooks: append(slices.Clone(plainChat[:7]), "x")}},
			func(t *testing.T, names []string) {
				t.Helper()
				require.Equal(t, []string{"close_dialog"}, names)
			},
		},
		"shuffled": {chat2desk.Deliver{Shuffle: true}, func(t *testing.T, names []string) {
			t.Helper()
			require.ElementsMatch(t, plainChat, names)
			require.NotEqual(t, plainChat, names)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			script := chat("79990000001", chat2desk.ChannelWhatsApp)
			script.Deliver = &tc.deliver
			w.play(script)
			w.settle()
			tc.check(t, w.hooks.names())
		})
	}
}

func TestADelayedDeliveryWaitsForItsTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Deliver = &chat2desk.Deliver{DelayMS: 60_000}
	w.play(script)
	w.company.Advance(59 * time.Second)
	require.Empty(t, w.hooks.all())
	w.company.Advance(time.Second)
	require.Len(t, w.wait(), len(plainChat))
}

func TestWebhooksCanBeDisguised(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) {
		s.StringIDs, s.EmptyLists, s.NullDialogID, s.NoEventTime, s.OutboxStatus = true, true, true, true, true
	})
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	got := w.wait()
	inbox := got[2].fields
	require.IsType(t, "", inbox["client_id"])
	require.Equal(t, []any{}, inbox["extra_data"])
	require.Nil(t, inbox["dialog_id"])
	require.NotContains(t, inbox, "event_time")
	require.Contains(t, w.hooks.names(), "outbox_status")
}

func TestManyDialogsInOneSecondLongOnesAndLargeMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(s *chat2desk.Settings) { s.Rating = false })
	for i := range 200 {
		w.play(chat(fmt.Sprintf("7999%07d", i), chat2desk.ChannelWhatsApp))
	}
	long := w.play(chat2desk.Script{ChannelID: chat2desk.ChannelWidget, Repeat: 5000, Close: true})
	big := chat("79991111111", chat2desk.ChannelWhatsApp)
	big.Messages[0].Text = strings.Repeat("ж", 20_000)
	for i := range 300 {
		link := fmt.Sprintf("https://files.example.org/%d.bin", i)
		big.Messages[0].Attachments = append(big.Messages[0].Attachments, chat2desk.Attachment{Name: "f", Link: link})
	}
	w.play(big)
	require.Len(t, long.MessageIDs, 5000)
	require.Eventually(t, func() bool { return w.company.Stats().Webhooks.Pending == 0 }, time.Minute, 10*time.Millisecond)
	stats := w.company.Stats()
	require.Equal(t, 201*8+5000+4, stats.Webhooks.Sent)
	require.Equal(t, 202, stats.Dialogs)
	requireOrdered(t, w.hooks.all())
}

// requireOrdered wants each client's events by their times.
func requireOrdered(t *testing.T, got []received) {
	t.Helper()
	last := map[any]string{}
	for _, hook := range got {
		client := hook.fields["client_id"]
		if client == nil {
			client = hook.fields["id"]
		}
		at, _ := hook.fields["event_time"].(string)
		require.Greater(t, at, last[client], "client %v", client)
		last[client] = at
	}
}

func TestAScriptThatMakesNoSenseIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for body, part := range map[string]string{
		`{"channel_id":99}`:                                "no channel 99",
		`{"channel_id":12,"operator_id":9}`:                "no operator 9",
		`{"channel_id":12,"messages":[{"from":"nobody"}]}`: "messages[0].from",
		`{"channel_id":12,"client":{"id":5}}`:              "client.id",
		`{"channel_id":12,"chanel":1}`:                     "chanel",
		`{"channel_id":12,"deliver":{"drop":{}}}`:          "drop",
		`{"channel_id":12,"deliver":{"drop":[],"x":1}}`:    "unknown field",
		`{"channel_id":12,"deliver":{"duplicate":-1}}`:     "deliver",
		`{"channel_id":12,"deliver":{"drop":1.5}}`:         "deliver",
		`not json`: "invalid character",
	} {
		res, err := http.Post(w.server.URL+"/sandbox/dialogs", "application/json", strings.NewReader(body)) //nolint:noctx // a test
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
		text := new(strings.Builder)
		_, _ = fmt.Fprint(text, readAll(t, res))
		require.Contains(t, text.String(), part)
	}
	require.Zero(t, w.company.Stats().Clients)
}
