package activities_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"puente/activities"
	"puente/openlines"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/worker"
	"puente/workflows"
)

// told is a signal to a session.
type told struct {
	id   string
	what workflows.LineCommands
	in   workflows.LineSessionInput
}

// sessions records what sessions are told.
type sessions struct {
	mocks.Client

	mu   sync.Mutex
	err  error
	told []told
}

func (s *sessions) SignalWithStartWorkflow(
	_ context.Context, id, signal string, arg any, _ client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	what, isCommands := arg.(workflows.LineCommands)
	in, isInput := args[0].(workflows.LineSessionInput)
	if signal != workflows.SignalLineCommands || !isCommands || !isInput {
		return nil, fmt.Errorf("signal %s carries %T, start %T", signal, arg, args[0])
	}
	s.told = append(s.told, told{id, what, in})
	return nil, nil
}

func (s *sessions) of(session int64) []workflows.LineCommands {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []workflows.LineCommands
	for _, one := range s.told {
		if one.id == workflows.LineSessionID("demo", openlines.SessionID(session)) {
			out = append(out, one.what)
		}
	}
	return out
}

// lineBundle is a bundle with one open line on channels 12 and 13, and a client
// who wrote on one of them.
type lineBundle struct {
	*bundle
	sessions *sessions
	line     openlines.Settings
	scene    chat2desk.Scene
	seq      int64
}

func openLine(t *testing.T, change func(*settings.Settings)) *lineBundle {
	t.Helper()
	b := &lineBundle{bundle: setup(t, change), sessions: &sessions{}}
	worker.RegisterLines(activityRegistry{b.env}, &activities.Lines{Store: b.store, Portals: b.portals, Temporal: b.sessions})
	b.line = openlines.Default()
	b.line.Name, b.line.Channels, b.line.TimeZone = "Sales", []int64{chat2desk.ChannelWhatsApp, chat2desk.ChannelTelegram}, "Europe/Madrid"
	b.line.Members = []openlines.Member{{User: 7}, {User: 8}}
	b.saveLine(t)
	return b
}

func (b *lineBundle) saveLine(t *testing.T) {
	t.Helper()
	_, err := b.store.SaveLine(t.Context(), "demo", "sales", b.line, "test", "", 0)
	require.NoError(t, err)
}

// writes lets a client write, and the store learn of it as the dispatcher does.
func (b *lineBundle) writes(t *testing.T, script chat2desk.Script) {
	t.Helper()
	if script.ChannelID == 0 {
		script.ChannelID = chat2desk.ChannelWhatsApp
	}
	script.Messages = []chat2desk.ScriptMessage{{From: "client", Text: "How much is it?"}}
	scene, err := b.chat.Play(script)
	require.NoError(t, err)
	b.scene = scene
	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{
		Portal: "demo", ClientID: scene.ClientID, ChannelID: scene.ChannelID, DialogID: scene.DialogID, LastRequestID: scene.RequestID,
	}))
	body := fmt.Sprintf(`{"hook_type":"inbox","message_id":%d,"type":"from_client","text":"How much is it?","client_id":%d,"dialog_id":%d,
		"channel_id":%d,"request_id":%d,"transport":"whatsapp","client":{"id":%d,"name":%q,"phone":%q},"event_time":"2026-02-03T10:15:00Z"}`,
		scene.MessageIDs[0], scene.ClientID, scene.DialogID, scene.ChannelID, scene.RequestID, scene.ClientID, script.Client.Name, scene.Identity)
	_, err = b.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprint("inbox:", scene.MessageIDs[0]), HookType: "inbox",
		OrderKey: "client", ClientID: scene.ClientID, ChannelID: scene.ChannelID, RequestID: scene.RequestID, Body: []byte(body), ReceivedAt: time.Now(),
	}})
	require.NoError(t, err)
}

func (b *lineBundle) chatID() openlines.ChatID {
	return workflows.LineChatID(b.scene.ClientID, b.scene.ChannelID)
}

// do carries a command of session 1 out.
func (b *lineBundle) do(step string, c openlines.Command) (workflows.LineCommandDone, error) {
	b.seq++
	return b.again(step, c)
}

// again carries a command out under the number of the last one.
func (b *lineBundle) again(step string, c openlines.Command) (workflows.LineCommandDone, error) {
	if c.Session == 0 {
		c.Session = 1
	}
	c.Line = "sales"
	if c.Chat == "" {
		c.Chat = b.chatID()
	}
	return run[workflows.LineCommandDone](b.bundle, step, workflows.LineCommandInput{Portal: "demo", Seq: b.seq, Command: c})
}

// done carries a command out that must succeed.
func (b *lineBundle) done(t *testing.T, step string, c openlines.Command) workflows.LineCommandDone {
	t.Helper()
	out, err := b.do(step, c)
	require.NoError(t, err)
	return out
}

func (b *lineBundle) clientID() string { return fmt.Sprint(b.scene.ClientID) }
