package chat2desk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}

// onlyCloses makes one event per dialog.
func onlyCloses(o *chat2desk.Options) {
	o.Webhooks[0].Events = []string{chat2desk.HookCloseDialog}
}

func TestAFailedWebhookIsTriedAgainAfter10Seconds5MinutesAnd2Hours(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyCloses)
	w.hooks.answer(http.StatusInternalServerError)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(1)
	for i, wait := range []time.Duration{10 * time.Second, 5 * time.Minute, 2 * time.Hour} {
		w.company.Advance(wait - time.Second)
		require.Never(t, func() bool { return len(w.hooks.all()) > i+1 }, 20*time.Millisecond, tick, "before %s", wait)
		w.company.Advance(time.Second)
		w.attempts(i + 2)
	}
	w.settle()
	stats := w.company.Stats().Webhooks
	require.Equal(t, 4, stats.Failed)
	require.Equal(t, 3, stats.Retried)
	require.Equal(t, 1, stats.Lost)
	got := w.hooks.all()
	require.Equal(t, got[0].body, got[3].body)
	require.Equal(t, got[0].timestamp, got[3].timestamp)
}

func TestALaterSuccessEndsTheRetries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyCloses)
	w.hooks.answer(http.StatusBadGateway)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(1)
	w.hooks.answer(http.StatusNoContent)
	w.company.Advance(10 * time.Second)
	w.settle()
	require.Equal(t, 1, w.company.Stats().Webhooks.Sent)
	require.Zero(t, w.company.Stats().Webhooks.Lost)
}

func TestTheScheduleCanBeShortened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyCloses, func(o *chat2desk.Options) { o.Clock = nil })
	w.set(func(s *chat2desk.Settings) { s.RetryScale = 1e-6 })
	w.hooks.answer(http.StatusBadGateway)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.settle()
	require.Len(t, w.hooks.all(), 4)
}

func TestARetryDoesNotHoldUpLaterEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hooks.answer(http.StatusBadGateway)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(len(plainChat))
	w.hooks.answer(http.StatusOK)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(2*len(plainChat) - 1)
	require.Equal(t, len(plainChat)-1, w.company.Stats().Webhooks.Sent)
	require.Equal(t, len(plainChat), w.company.Stats().Webhooks.Pending)
}

func TestFiveHoursWithoutSuccessSwitchTheWebhookOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyCloses)
	w.hooks.answer(http.StatusBadGateway)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(1)
	w.company.Advance(5 * time.Hour)
	w.attempts(2)
	w.settle()
	hook := rows(w.get("/v1/webhooks"))[0]
	require.Equal(t, "disable", hook["status"])
	require.Len(t, hook["errors"], 2)

	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.settle()
	require.Len(t, w.hooks.all(), 2, "a disabled webhook is silent")

	w.hooks.answer(http.StatusOK)
	w.call(http.MethodPut, "/v1/webhooks/"+text(hook["id"]), map[string]any{"status": "enable"})
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.settle()
	require.Len(t, w.hooks.all(), 3, "what was missed is not sent again")
}

func TestOneSuccessKeepsTheWebhookOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, onlyCloses)
	w.hooks.answer(http.StatusBadGateway)
	w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	w.attempts(1)
	w.company.Advance(4 * time.Hour)
	w.attempts(2)
	w.hooks.answer(http.StatusOK)
	w.play(chat("79990000002", chat2desk.ChannelWhatsApp))
	w.attempts(3)
	w.hooks.answer(http.StatusBadGateway)
	w.company.Advance(2 * time.Hour)
	w.attempts(4)
	require.Equal(t, "enable", rows(w.get("/v1/webhooks"))[0]["status"])
}

func TestTheSignatureFollowsTheVector(t *testing.T) {
	t.Parallel()
	body := []byte(`{"hook_type":"inbox","message_id":501,"type":"from_client","text":"hola","client_id":77,"dialog_id":9,` +
		`"request_id":31,"event_time":"2026-01-02T03:04:05.678901Z"}`)
	require.Len(t, body, 161)
	for mode, want := range map[chat2desk.SignatureMode]string{
		chat2desk.SignatureHex: "e2c0a0f24daac8d866157aefb1c8fad150fec87cea1271b3007125f714b4fee5",
		chat2desk.SignatureRaw: "cdd58f3bd6fa77b4dbf98dbc7ec2b57b6fb5708d38b7efec94012d358df93d3f",
		chat2desk.SignatureOff: "",
	} {
		require.Equal(t, want, chat2desk.Sign(mode, "demo-token-0001", body, "1767323045"), mode)
	}
}

func TestWebhooksAreSignedAsSet(t *testing.T) {
	t.Parallel()
	for _, mode := range []chat2desk.SignatureMode{chat2desk.SignatureHex, chat2desk.SignatureRaw, chat2desk.SignatureOff} {
		w := newWorld(t, onlyCloses)
		w.set(func(s *chat2desk.Settings) { s.Signature = mode })
		w.play(chat("79990000001", chat2desk.ChannelWhatsApp))
		got := w.wait()[0]
		require.Equal(t, chat2desk.Sign(mode, chat2desk.DefaultToken, got.body, got.timestamp), got.signature, mode)
		require.Equal(t, mode == chat2desk.SignatureOff, got.timestamp == "")
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *chat2desk.Options) { o.MaxPending = 3 })
	script := chat("79990000001", chat2desk.ChannelWhatsApp)
	script.Deliver = &chat2desk.Deliver{DelayMS: 60_000}
	w.play(script)
	require.Equal(t, 3, w.company.Stats().Webhooks.Pending)
	require.Equal(t, len(plainChat)-3, w.company.Stats().Webhooks.Overflowed)
}

func TestASlowReceiverDoesNotBlockTheAPI(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(slow.Close)
	w := newWorld(t, func(o *chat2desk.Options) { o.Webhooks[0].URL = slow.URL })
	t.Cleanup(func() { close(release) })
	for range 100 {
		w.play(chat("", chat2desk.ChannelWidget))
	}
	require.Equal(t, "success", w.get("/v1/dialogs")["status"])
}

func TestPendingWebhooksSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	persistent := func(o *chat2desk.Options) { o.Persistence = dir }
	first := newWorld(t, persistent)
	first.hooks.answer(http.StatusBadGateway)
	scene := first.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	first.attempts(len(plainChat))
	require.NoError(t, first.company.Close())

	second := newWorld(t, persistent, func(o *chat2desk.Options) { o.Webhooks = nil })
	require.Equal(t, len(plainChat), second.company.Stats().Webhooks.Pending)
	first.hooks.answer(http.StatusOK)
	second.company.Advance(10 * time.Second)
	second.settle()
	require.Equal(t, len(plainChat), second.company.Stats().Webhooks.Sent)

	again := second.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.Equal(t, scene.DialogID, again.DialogID)
	require.Greater(t, again.RequestID, scene.RatingRequestID)
	require.Len(t, second.company.Received(scene.ClientID), 4)
}

func TestAWebhookThatMovedKeepsWhatWaitsForIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	persistent := func(o *chat2desk.Options) { o.Persistence = dir }
	first := newWorld(t, persistent)
	first.hooks.answer(http.StatusBadGateway)
	first.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	first.attempts(len(plainChat))
	require.NoError(t, first.company.Close())

	second := newWorld(t, persistent)
	second.company.Advance(time.Minute)
	second.settle()
	require.Len(t, rows(second.get("/v1/webhooks")), 1)
	require.ElementsMatch(t, plainChat, second.hooks.names())
}

func TestAStateOfEarlierGetsTheChannelsOfTheSeedsSince(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	persistent := func(o *chat2desk.Options) { o.Persistence = dir }
	first := newWorld(t, persistent)
	scene := first.play(chat("79990000001", chat2desk.ChannelWhatsApp))
	require.NoError(t, first.company.Close())

	second := newWorld(t, persistent, func(o *chat2desk.Options) {
		o.Seeds = func() chat2desk.Seed {
			seed := chat2desk.DemoSeed()
			seed.Channels = append(seed.Channels, chat2desk.Channel{ID: 77, Name: "New", Transports: []string{"whatsapp"}})
			return seed
		}
	})
	require.Len(t, rows(second.get("/v1/channels")), len(chat2desk.DemoSeed().Channels)+1)
	require.Equal(t, scene.DialogID, second.play(chat("79990000001", chat2desk.ChannelWhatsApp)).DialogID)
	second.play(chat("79990000001", 77))
}

func TestAStateThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir+"/chat2desk.json", "{")
	_, err := chat2desk.New(chat2desk.Options{Persistence: dir})
	require.ErrorContains(t, err, "read the state")
}
