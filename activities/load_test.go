package activities_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// play lets a client and an operator talk in the sandbox Chat2Desk.
func (b *bundle) play(t *testing.T, change func(*chat2desk.Script)) chat2desk.Scene {
	t.Helper()
	script := chat2desk.Script{
		Client:    chat2desk.ScriptClient{Name: "Ana", Phone: "79995550101", Tags: []int64{1}, CustomFields: map[string]any{"6": "Omsk"}},
		ChannelID: 12, OperatorID: 301, Tags: []int64{3}, UTM: map[string]string{"utm_source": "google"}, Close: true,
		Messages: []chat2desk.ScriptMessage{
			{From: "client", Text: "Hello", Attachments: []chat2desk.Attachment{{Name: "a.pdf", Link: "https://files.example/a.pdf"}}},
			{From: "operator", Text: "Good day"},
		},
	}
	if change != nil {
		change(&script)
	}
	scene, err := b.chat.Play(script)
	require.NoError(t, err)
	return scene
}

// load runs LoadDialog for a played scene and reads what it stored.
func (b *bundle) load(t *testing.T, scene chat2desk.Scene, change func(*workflows.SyncInput)) (workflows.LoadedDialog, dialog.Snapshot, error) {
	t.Helper()
	in := workflows.SyncInput{
		Portal: "demo", ClientID: scene.ClientID, ChannelID: 12, DialogID: scene.DialogID, RequestID: scene.RequestID, Cycle: 1,
		OperatorID: 301, ClosedAt: time.Now(),
	}
	if change != nil {
		change(&in)
	}
	row, _, err := b.store.OpenSync(t.Context(), store.Sync{Portal: "demo", Kind: "dialog", WorkflowID: fmt.Sprint(in.RequestID, in.Cycle), ClientID: in.ClientID})
	require.NoError(t, err)
	loaded, err := run[workflows.LoadedDialog](b, workflows.LoadDialogStep, workflows.LoadInput{SyncID: row.ID, Version: b.version, Sync: in})
	if err != nil {
		return loaded, dialog.Snapshot{}, err
	}
	snapshot, err := b.store.Snapshot(t.Context(), "demo", row.ID)
	require.NoError(t, err)
	return loaded, snapshot, nil
}

// hook is a message event as it came by webhook.
type hook struct {
	id   int64
	hook string // inbox, outbox …
	text string
	at   time.Time
}

// accept stores message events of a scene in the inbox.
func (b *bundle) accept(t *testing.T, scene chat2desk.Scene, hooks ...hook) {
	t.Helper()
	for _, h := range hooks {
		kind := map[string]string{"inbox": "from_client", "outbox": "to_client"}[h.hook]
		body, err := json.Marshal(map[string]any{
			"hook_type": h.hook, "type": kind, "message_id": h.id, "client_id": scene.ClientID, "dialog_id": scene.DialogID, "channel_id": 12,
			"request_id": scene.RequestID, "text": h.text, "event_time": h.at.UTC().Format(time.RFC3339Nano), "transport": "whatsapp",
			"client": map[string]any{"id": scene.ClientID, "name": "Ana of the webhook", "phone": "ana@example.org"},
		})
		require.NoError(t, err)
		_, err = b.store.Accept(t.Context(), []store.InboxEvent{{
			Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprint(h.hook, h.id), HookType: h.hook, ReceivedAt: h.at,
			ClientID: scene.ClientID, ChannelID: 12, DialogID: scene.DialogID, RequestID: scene.RequestID, MessageID: h.id, EventTime: h.at, Body: body,
		}})
		require.NoError(t, err)
	}
}

func (b *bundle) chatFault(t *testing.T, path string, status int) {
	t.Helper()
	always := 0
	require.NoError(t, b.chat.Inject(chat2desk.Fault{Path: path, Kind: chat2desk.FaultStatus, Status: status, Times: &always}))
}

func texts(s dialog.Snapshot) string {
	var out []string
	for _, m := range s.Messages {
		if m.Author == dialog.AuthorClient || m.Author == dialog.AuthorOperator {
			out = append(out, m.Text)
		}
	}
	return strings.Join(out, "|")
}

func TestSnapshotIsTakenFromChat2Desk(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) {
		s.Analytics.Fields = map[string]string{"utm_source": "utmSource", "message_id": "UF_CRM_M"}
	})
	scene := b.play(t, nil)
	loaded, snapshot, err := b.load(t, scene, func(in *workflows.SyncInput) { in.Tags, in.ClientTags = []int64{3}, []int64{2} })
	require.NoError(t, err)
	require.Equal(t, dialog.SourceAPI, snapshot.Source)
	require.Equal(t, "Hello|Good day", texts(snapshot))
	require.Equal(t, "https://files.example/a.pdf", snapshot.Messages[0].Files[0].URL)
	require.Equal(t, "google", snapshot.Analytics["utm_source"])
	require.Equal(t, fmt.Sprint(scene.MessageIDs[0]), snapshot.Analytics["message_id"])
	require.Equal(t, "Omsk", snapshot.Client.CustomFields["6"])
	require.NotEmpty(t, snapshot.OperatorName)
	require.NotEmpty(t, snapshot.ChannelName)
	require.False(t, snapshot.OpenedAt.IsZero())
	require.True(t, loaded.Talked)
	require.Equal(t, 1, loaded.Files)
	require.Equal(t, []int64{3}, loaded.Tags)
	require.Equal(t, []int64{1, 2}, loaded.ClientTags, "of the account and of the webhooks")
}

func TestWebhooksCompleteTheSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	scene := b.play(t, nil)
	b.accept(t, scene, hook{scene.MessageIDs[0], "inbox", "Hello", time.Now()}, hook{999_001, "inbox", "Only by webhook", time.Now().Add(time.Second)})
	_, snapshot, err := b.load(t, scene, nil)
	require.NoError(t, err)
	require.Equal(t, dialog.SourceBoth, snapshot.Source)
	require.Equal(t, "Hello|Good day|Only by webhook", texts(snapshot))
}

func TestWebhooksDoWhenChat2DeskDoesNotKnowTheRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	scene := b.play(t, nil)
	b.accept(t, scene, hook{1, "inbox", "From the webhook", time.Now()})
	for _, path := range []string{"/v1/requests/*", "/v1/messages*", "/v1/clients/*"} {
		b.chatFault(t, path, http.StatusNotFound)
	}
	_, snapshot, err := b.load(t, scene, nil)
	require.NoError(t, err)
	require.Equal(t, dialog.SourceWebhooks, snapshot.Source)
	require.Equal(t, "From the webhook", texts(snapshot))
	require.Equal(t, "Ana of the webhook", snapshot.Client.Name)
	require.Equal(t, "ana@example.org", snapshot.Client.Email)
}

func TestOutageOfChat2DeskIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"failing": 502, "too many requests": 429} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			scene := b.play(t, nil)
			b.accept(t, scene, hook{1, "inbox", "From the webhook", time.Now()})
			b.chatFault(t, "*", status)
			_, _, err := b.load(t, scene, nil)
			_, app := failure(t, err)
			require.False(t, app.NonRetryable(), "early attempts insist on the API")
		})
	}
}

func TestDialogOfWhichNothingIsKnownIsNotTakenForASilentOne(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	scene := b.play(t, nil)
	b.chatFault(t, "*", http.StatusUnauthorized)
	_, _, err := b.load(t, scene, nil)
	f, app := failure(t, err)
	require.True(t, app.NonRetryable(), "a person has to correct the token")
	require.Contains(t, f.Text, "token")
	require.NotContains(t, f.Text, chat2desk.DefaultToken)
}

func TestEachCycleOfARequestHasItsOwnMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.chatFault(t, "/v1/requests/*", http.StatusNotFound)
	b.chatFault(t, "/v1/messages*", http.StatusNotFound)
	scene := b.play(t, nil)
	begin := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return begin.Add(time.Duration(s * float64(time.Second))) }
	b.accept(
		t, scene,
		hook{1, "inbox", "one", at(0)}, hook{2, "outbox", "two", at(60)}, // closed at 100
		hook{3, "outbox", "bye", at(101)},                                     // the closing text
		hook{4, "inbox", "again", at(500)}, hook{5, "outbox", "yes", at(560)}, // closed at 600
	)
	_, first, err := b.load(t, scene, func(in *workflows.SyncInput) { in.ClosedAt = at(100) })
	require.NoError(t, err)
	require.Equal(t, "one|two|bye", texts(first), "also when it is loaded long after the request was reopened")
	_, second, err := b.load(t, scene, func(in *workflows.SyncInput) { in.Cycle, in.Since, in.ClosedAt = 2, at(100), at(600) })
	require.NoError(t, err)
	require.Contains(t, texts(second), "again|yes")
	require.NotContains(t, texts(second), "two")
}

func TestCloseAloneLearnsWhatItDidNotTell(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.play(t, func(s *chat2desk.Script) { s.Messages[0].Text = "An earlier request" })
	scene := b.play(t, nil)
	loaded, snapshot, err := b.load(t, scene, func(in *workflows.SyncInput) { in.RequestID, in.ChannelID, in.OperatorID = 0, 0, 0 })
	require.NoError(t, err)
	require.Equal(t, int64(12), loaded.ChannelID)
	require.Equal(t, int64(301), loaded.OperatorID, "who wrote last leads")
	require.Equal(t, scene.RequestID, snapshot.RequestID)
	require.Equal(t, "Hello|Good day", texts(snapshot), "not the whole history of the dialog")
}

func TestRequestOfABareCloseIsTheLastOneInWhichPeopleTalked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	scene := b.play(t, nil)
	for name, in := range map[string]workflows.LearnRequestInput{
		"of a known dialog": {Portal: "demo", ClientID: scene.ClientID, DialogID: scene.DialogID},
		"of the client":     {Portal: "demo", ClientID: scene.ClientID},
	} {
		out, err := run[workflows.LearnedRequest](b, workflows.LearnRequestStep, in)
		require.NoError(t, err, name)
		require.Equal(t, workflows.LearnedRequest{RequestID: scene.RequestID, DialogID: scene.DialogID, ChannelID: 12}, out, name)
	}
	for name, in := range map[string]workflows.LearnRequestInput{
		"unknown dialog": {Portal: "demo", ClientID: scene.ClientID, DialogID: 999_999},
		"unknown client": {Portal: "demo", ClientID: 999_999},
	} {
		out, err := run[workflows.LearnedRequest](b, workflows.LearnRequestStep, in)
		require.NoError(t, err, name)
		require.Zero(t, out.RequestID, name)
	}
	_, err := run[workflows.LearnedRequest](b, workflows.LearnRequestStep, workflows.LearnRequestInput{Portal: "gone"})
	_, app := failure(t, err)
	require.True(t, app.NonRetryable())
}

func TestDirectoriesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	scene := b.play(t, nil)
	for range 3 {
		_, _, err := b.load(t, scene, nil)
		require.NoError(t, err)
	}
	require.Equal(t, 1, b.chat.Stats().ByPath["GET /v1/operators"])
	require.Equal(t, 1, b.chat.Stats().ByPath["GET /v1/channels"])
}
