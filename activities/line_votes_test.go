package activities_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/sandbox/chat2desk"
	"puente/workflows"
)

func TestRequestThatIsOnlyARatingIsNotTransferred(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, reply string
		asked       bool
		talked      bool
	}{
		"the rating":                {"1", "", true, false},
		"one that nobody asked for": {"1", "", false, true},
		"a message":                 {"1 more question", "", true, true},
		"a rating that was replied": {"1", "Thank you", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openLine(t, nil)
			scene := b.play(t, func(s *chat2desk.Script) {
				s.Messages = []chat2desk.ScriptMessage{{From: "client", Text: c.text}}
				if c.reply != "" {
					s.Messages = append(s.Messages, chat2desk.ScriptMessage{From: "operator", Text: c.reply})
				}
			})
			if c.asked {
				b.voted(t, scene)
			}
			loaded, _, err := b.load(t, scene, nil)
			require.NoError(t, err)
			require.Equal(t, c.talked, loaded.Talked)
		})
	}
}

// voted stores a closed session of the chat that took the first message of a
// scene as a rating.
func (b *lineBundle) voted(t *testing.T, scene chat2desk.Scene) {
	t.Helper()
	records := []openlines.Record{
		{Kind: openlines.SessionStarted},
		{Kind: openlines.SessionEnded, Past: &openlines.Past{Session: 1}},
		{Kind: openlines.VoteGiven, Message: strconv.FormatInt(scene.MessageIDs[0], 10), Vote: openlines.VoteGood},
	}
	for i := range records {
		r := &records[i]
		r.No, r.At, r.Session, r.Line, r.Channel = int64(i+1), tenOClock, 1, "sales", 12
		r.Chat = workflows.LineChatID(scene.ClientID, scene.ChannelID)
	}
	require.NoError(t, b.store.SaveLineRecords(t.Context(), "demo", records))
}
