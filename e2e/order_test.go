package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTwiceAndInRandomOrderIsTheSame(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	const clients = 20
	for i := range clients {
		d := talk(fmt.Sprintf("Client %d", i), fmt.Sprintf("+799912350%02d", i), whatsapp)
		d.Tags = []int64{1}
		d.Deliver = map[string]any{"duplicate": true, "shuffle": true}
		s.play(d)
	}
	rows := s.settled(clients, 90*time.Second)
	require.Len(t, rows, clients, "a rating poll or a repeated close is no sync")
	require.Len(t, s.ours(contactType), clients)
	require.Len(t, s.ours(dealType), clients)
	for _, r := range rows {
		require.Equal(t, "done", r.Status, r.Error.Text)
		require.Len(t, s.comments("deal", r.entity("deal")), 1)
	}
}

func TestCloseReopenCloseGivesTwoCompleteComments(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	first := talk("Again", "+79991236001", whatsapp)
	one := s.syncOf(s.play(first).Request, 30*time.Second)
	second := talk("Again", "+79991236001", whatsapp)
	second.Messages = []chatMessage{{From: "client", Text: "One more question"}, {From: "operator", Text: "Ask it"}}
	two := s.syncOf(s.play(second).Request, 30*time.Second)
	require.NotEqual(t, one.RequestID, two.RequestID)
	comments := s.comments("deal", one.entity("deal"))
	require.Len(t, comments, 2)
	texts := comments[0].Comment + comments[1].Comment
	for _, m := range append(first.Messages, second.Messages...) {
		require.Contains(t, texts, m.Text)
	}
	require.NotContains(t, comments[1].Comment, "Thank you", "each comment holds its own cycle")
}

func TestCloseAloneGivesASensibleResult(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]string{
		"close_request": `{"hook_type":"close_request","request_id":%[1]d,"client_id":%[2]d,"event_time":"2026-02-03T11:00:00Z"}`,
		"close_dialog":  `{"hook_type":"close_dialog","dialog_id":%[3]d,"client_id":%[2]d,"operator_id":301,"event_time":"2026-02-03T11:00:01Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{})
			d := talk("Only Closed", "+79991236101", whatsapp)
			d.Deliver = map[string]any{"drop": true} // no webhook of the whole conversation arrives
			ids := s.play(d)
			s.hook(fmt.Sprintf(hook, ids.Request, ids.Client, ids.Dialog))
			row := s.syncOf(ids.Request, 30*time.Second)
			require.Equal(t, "done", row.Status, row.Error.Text)
			comments := s.comments("deal", row.entity("deal"))
			require.Len(t, comments, 1)
			require.Contains(t, comments[0].Comment, "Thank you", "the transcript came from the API")
		})
	}
}

func TestTranscriptComesFromWebhooksWhenChat2DeskCannotGiveIt(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.post("http://"+s.chat+"/sandbox/faults", map[string]any{"path": "/v1/requests/*", "kind": "status", "status": 404, "times": 1000}, nil)
	s.post("http://"+s.chat+"/sandbox/faults", map[string]any{"path": "/v1/messages*", "kind": "status", "status": 404, "times": 1000}, nil)
	d := talk("From Hooks", "+79991236201", whatsapp)
	row := s.syncOf(s.play(d).Request, 60*time.Second)
	require.Equal(t, "done", row.Status, row.Error.Text)
	comments := s.comments("deal", row.entity("deal"))
	require.Len(t, comments, 1)
	for _, m := range d.Messages {
		require.Contains(t, comments[0].Comment, m.Text)
	}
	require.Contains(t, comments[0].Comment, "webhook")
}

// hook delivers one webhook as Chat2Desk would.
func (s *stack) hook(body string) {
	s.t.Helper()
	status, answer := s.postRaw("http://"+s.api+"/webhooks/chat2desk/demo/demo-secret", body)
	require.Equal(s.t, 200, status, answer)
}
