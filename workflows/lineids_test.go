package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/openlines"
	"puente/workflows"
)

func TestIDsOfLinesAreReadAsTheyWereMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		positive := rapid.Int64Range(1, 1<<60)
		client, channel := positive.Draw(t, "client"), positive.Draw(t, "channel")
		gotClient, gotChannel, err := workflows.ParseLineChat(workflows.LineChatID(client, channel))
		require.NoError(t, err)
		require.Equal(t, []int64{client, channel}, []int64{gotClient, gotChannel})

		session, version := openlines.SessionID(positive.Draw(t, "session")), positive.Draw(t, "version")
		gotSession, gotVersion, ok := workflows.ParseLineMark(workflows.LineMarkOrigin(session, version))
		require.True(t, ok)
		require.Equal(t, session, gotSession)
		require.Equal(t, version, gotVersion)

		key := rapid.StringMatching(`[0-9a-z_-]{1,40}`).Draw(t, "key")
		got, ours := workflows.LineTextKey("demo", workflows.LineExternalID("demo", key))
		require.True(t, ours)
		require.Equal(t, key, got)
	})
}

func TestForeignIDsAreNotOurs(t *testing.T) {
	t.Parallel()
	for _, id := range []openlines.ChatID{"", "7", "7-", "-12", "a-12", "7-0", "0-12", "7-12-3"} {
		_, _, err := workflows.ParseLineChat(id)
		require.ErrorIs(t, err, workflows.ErrChatID, id)
	}
	for _, origin := range []string{"", "dialog:1:2:1", "line:", "line:1", "line:x:1", "line:0:1"} {
		_, _, ok := workflows.ParseLineMark(origin)
		require.False(t, ok, origin)
	}
	_, ours := workflows.LineTextKey("demo", workflows.LineExternalID("other", "1-close-2"))
	require.False(t, ours, "of another portal")
	_, ours = workflows.LineTextKey("demo", "order 5")
	require.False(t, ours)
}

func TestKeysOfTextsNameSessionAndText(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]struct {
		session openlines.SessionID
		text    openlines.TextID
		ok      bool
	}{
		"12-vote_request-40":  {12, openlines.TextVoteRequest, true},
		"12-vote_thanks_good": {12, openlines.TextVoteThanksGood, true},
		"":                    {}, "12": {}, "x-welcome-1": {}, "0-welcome-1": {},
	} {
		session, text, ok := workflows.ParseLineTextKey(key)
		require.Equal(t, want.ok, ok, key)
		if ok {
			require.Equal(t, want.session, session)
			require.Equal(t, want.text, text)
		}
	}
}

func TestRefusalsOfTheWindowAreRecognised(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"24h window": workflows.RefusedWindow, "Messaging Window closed": workflows.RefusedWindow, "outside of 24 hours": workflows.RefusedWindow,
		"blocked by user": workflows.RefusedOther, "": workflows.RefusedOther,
	} {
		require.Equal(t, want, workflows.RefusalReason(words), words)
	}
}
