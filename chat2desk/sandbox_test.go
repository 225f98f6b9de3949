package chat2desk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
	sandbox "puente/sandbox/chat2desk"
)

// company is a sandbox with the API of this package on it and a receiver of
// its webhooks.
type company struct {
	*sandbox.Company
	api     *chat2desk.API
	url     string // of the receiver
	service string // of the sandbox

	mu     sync.Mutex
	events []chat2desk.Event
	wrong  []string // what was wrong with webhooks
}

func newCompany(t *testing.T, change func(*sandbox.Settings)) *company {
	t.Helper()
	c := &company{}
	hooks := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hooks.Close)
	settings := sandbox.DefaultSettings()
	change(&settings)
	var err error
	c.Company, err = sandbox.New(sandbox.Options{
		Token: testToken, Settings: &settings, Webhooks: []sandbox.Webhook{{Name: "Puente", URL: hooks.URL}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url, c.service = hooks.URL, server.URL
	c.api = chat2desk.New(chat2desk.Config{BaseURL: server.URL, StorageURL: server.URL, Token: testToken})
	return c
}

func (c *company) receive(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	events, err := chat2desk.ParseEvents(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.wrong = append(c.wrong, err.Error())
	}
	if s := r.Header.Get("X-Signature"); s != "" && !chat2desk.VerifySignature(testToken, body, r.Header.Get("X-Timestamp"), s) {
		c.wrong = append(c.wrong, "wrong signature")
	}
	c.events = append(c.events, events...)
}

// settle waits until all webhooks arrived and returns their events.
func (c *company) settle(t *testing.T) []chat2desk.Event {
	t.Helper()
	require.Eventually(t, func() bool { return c.Stats().Webhooks.Pending == 0 }, 10*time.Second, 2*time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, c.wrong)
	return append([]chat2desk.Event(nil), c.events...)
}

// Whatever shape the service gives its answers, they are read as the same.
func TestAWholeDialogIsReadFromTheSandbox(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sandbox.Settings){
		"plain":                  func(*sandbox.Settings) {},
		"ids as text":            func(s *sandbox.Settings) { s.StringIDs = true },
		"lists for objects":      func(s *sandbox.Settings) { s.EmptyLists = true },
		"errors under 200":       func(s *sandbox.Settings) { s.ErrorsWith200 = true },
		"raw key, no times":      func(s *sandbox.Settings) { s.Signature, s.NoEventTime = sandbox.SignatureRaw, true },
		"unsigned, no dialog id": func(s *sandbox.Settings) { s.Signature, s.NullDialogID = sandbox.SignatureOff, true },
		"analytics in messages":  func(s *sandbox.Settings) { s.UTM = sandbox.UTMInBoth },
		"with delivery states":   func(s *sandbox.Settings) { s.OutboxStatus = true },
		"every webhook twice":    func(s *sandbox.Settings) { s.Deliver = sandbox.Deliver{Duplicate: 1, Shuffle: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, change)
			scene, err := c.Play(sandbox.Script{
				Client:    sandbox.ScriptClient{Name: "Ana", Phone: "+7 999 123-45-67", CustomFields: map[string]any{"6": "Madrid"}},
				ChannelID: 12, OperatorID: sandbox.OperatorAna, Tags: []int64{sandbox.TagSale}, UTM: map[string]string{"utm_source": "google"},
				Messages: []sandbox.ScriptMessage{
					{From: "client", Text: "Hello", Attachments: []sandbox.Attachment{{Name: "a.pdf", Link: "https://example.org/a.pdf"}}},
					{From: "operator", Text: "Good morning"},
					{From: "comment", Text: "VIP"},
					{From: "bot", Text: "Menu"},
				},
				Close: true,
			})
			require.NoError(t, err)
			c.checkAnswers(t, scene)
			c.checkEvents(t, scene)
		})
	}
}

func (c *company) checkAnswers(t *testing.T, scene sandbox.Scene) {
	t.Helper()
	messages, err := c.api.RequestMessages(t.Context(), scene.RequestID)
	require.NoError(t, err)
	var said []string
	for _, m := range messages {
		said = append(said, m.Type+": "+m.Text)
		require.False(t, m.Time.IsZero())
	}
	require.Subset(t, said, []string{"from_client: Hello", "to_client: Good morning", "comment: VIP", "autoreply: Menu"})
	require.Equal(t, []chat2desk.Attachment{{Name: "a.pdf", Link: "https://example.org/a.pdf"}}, messages[0].Attachments)
	again, err := c.api.DialogMessages(t.Context(), scene.DialogID, scene.RequestID)
	require.NoError(t, err)
	require.Len(t, again, len(messages))

	client, err := c.api.Client(t.Context(), scene.ClientID)
	require.NoError(t, err)
	require.Equal(t, "Ana", client.DisplayName())
	require.Equal(t, "Madrid", client.CustomFieldTexts()["6"])
	dialog, err := c.api.Dialog(t.Context(), scene.DialogID)
	require.NoError(t, err)
	require.Equal(t, chat2desk.StateClosed, dialog.State)
	request, err := c.api.Request(t.Context(), scene.RequestID)
	require.NoError(t, err)
	require.Equal(t, scene.DialogID, request.DialogID)
	analytics, err := c.api.WebAnalytics(t.Context(), scene.ClientID)
	require.NoError(t, err)
	require.Equal(t, "google", analytics[0].Values["utm_source"])
	require.Equal(t, scene.RequestID, analytics[0].RequestID)
}

func (c *company) checkEvents(t *testing.T, scene sandbox.Scene) {
	t.Helper()
	byKey := map[string]chat2desk.Event{}
	for _, e := range c.settle(t) {
		byKey[e.Key()] = e
	}
	hooks := map[string]int{}
	for _, e := range byKey {
		hooks[e.HookType]++
		require.Contains(t, []int64{scene.ClientID, 0}, e.ClientID, "%s", e.Raw)
		if e.HookType == chat2desk.HookTagRequest {
			require.Equal(t, sandbox.TagSale, e.TagID)
			require.Equal(t, scene.RequestID, e.RequestID)
		}
	}
	require.Equal(t, 1, hooks[chat2desk.HookInbox])
	require.Equal(t, 1, hooks[chat2desk.HookComment])
	require.Equal(t, 1, hooks[chat2desk.HookCloseDialog])
	require.Equal(t, 1, hooks[chat2desk.HookTagRequest])
	require.Equal(t, 1, hooks[chat2desk.HookNewClient])
	require.Equal(t, 2, hooks[chat2desk.HookNewRequest], "the common one and the rating")
}

func TestCallsWithEffectsAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(s *sandbox.Settings) { s.Rating = false })
	scene, err := c.Play(sandbox.Script{
		Client: sandbox.ScriptClient{Name: "Ana", Phone: "79991234567"}, ChannelID: 12, OperatorID: sandbox.OperatorAna,
		Messages: []sandbox.ScriptMessage{{From: "client", Text: "Hello"}},
	})
	require.NoError(t, err)
	ctx := t.Context()
	sent, err := c.api.SendMessage(ctx, chat2desk.OutMessage{ClientID: scene.ClientID, Text: "Hi", ExternalID: "p-1"})
	require.NoError(t, err)
	require.Equal(t, scene.DialogID, sent.DialogID)

	require.NoError(t, c.api.AssignTags(ctx, chat2desk.AssigneeRequest, scene.RequestID, sandbox.TagSale))
	require.NoError(t, c.api.AssignTags(ctx, chat2desk.AssigneeRequest, scene.RequestID, sandbox.TagSale))
	require.NoError(t, c.api.RemoveTag(ctx, chat2desk.AssigneeRequest, scene.RequestID, sandbox.TagSale))
	requireKind(t, chat2desk.KindNotFound, c.api.RemoveTag(ctx, chat2desk.AssigneeRequest, scene.RequestID, sandbox.TagSale))
	requireKind(t, chat2desk.KindNotFound, c.api.AssignTags(ctx, chat2desk.AssigneeClient, 1<<40, sandbox.TagSale))

	for range 2 { // the second time it is closed already
		require.NoError(t, c.api.SetDialog(ctx, scene.DialogID, sandbox.OperatorAna, chat2desk.StateClosed))
	}
	require.True(t, hasEcho(c.settle(t), sent.MessageID)) // before the webhook goes
	hook, err := c.api.EnsureWebhook(ctx, "Puente", c.url, []string{"inbox"})
	require.NoError(t, err)
	all, err := c.api.Webhooks(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1, "the existing one is adopted")
	require.Equal(t, all[0].ID, hook.ID)
	require.NoError(t, c.api.DeleteWebhook(ctx, hook.ID))
	requireKind(t, chat2desk.KindNotFound, c.api.DeleteWebhook(ctx, hook.ID))

	_, err = c.api.RequestMessages(ctx, 1<<40)
	requireKind(t, chat2desk.KindNotFound, err)
	_, err = chat2desk.New(chat2desk.Config{BaseURL: c.service, Token: "wrong"}).Client(ctx, scene.ClientID)
	requireKind(t, chat2desk.KindAuth, err)
}

func hasEcho(events []chat2desk.Event, id int64) bool {
	for _, e := range events {
		if e.HookType == chat2desk.HookOutbox && e.MessageID == id && e.ExternalID == "p-1" {
			return true
		}
	}
	return false
}

func TestLongDialogsOfTheSandboxAreReadWhole(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(s *sandbox.Settings) { s.Deliver.Drop.Probability = 1 })
	scene, err := c.Play(sandbox.Script{
		Client: sandbox.ScriptClient{Name: "Ana", Phone: "79991234567"}, ChannelID: 12, OperatorID: sandbox.OperatorAna, Repeat: 1234, Close: true,
	})
	require.NoError(t, err)
	direct, err := c.api.RequestMessages(t.Context(), scene.RequestID)
	require.NoError(t, err)
	walked, err := c.api.DialogMessages(t.Context(), scene.DialogID, scene.RequestID)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(direct), 1234)
	require.Len(t, walked, len(direct))
	for i := range direct {
		require.Equal(t, direct[i].ID, walked[i].ID)
		require.Equal(t, direct[i].Text, walked[i].Text)
	}
}
