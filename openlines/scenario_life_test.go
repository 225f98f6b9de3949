package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Scenarios S36 to S45 and S49 to S55 of the reference: owners, votes, endings.

// owned is a chat that B answered at 10:01, half a minute after it began.
func owned(t *testing.T, change ...func(*ol.Settings)) *world {
	t.Helper()
	return newWorld(t, change...).at("10:00:30").client("x").at("10:01").reply("x", B).is("x", ol.Active, B)
}

// finished is that chat, finished by B at 11:00.
func finished(t *testing.T) *world {
	t.Helper()
	w := owned(t).at("11:00")
	require.Equal(t, ol.OK, w.do(ol.Finish, "x", B))
	return w.is("x", ol.Closing, B)
}

func TestS36TheOwnerKeepsHisClient(t *testing.T) {
	t.Parallel()
	w := owned(t).at("10:20").client("x").at("12:00").is("x", ol.Active, B).waitsSince("x", "10:20").holds("x")
	require.Equal(t, 1, w.mark("x").Unread)
	require.Empty(t, w.of("x", ol.PassEnded))
	w.autoTexts("x", "welcome 10:00:30")
}

func TestS37TheOwnerIsGone(t *testing.T) {
	t.Parallel()
	w := owned(t).at("10:19").presence(B, ol.Offline).at("10:20").client("x").at("10:22:59").is("x", ol.Active, B)
	w.at("10:23").is("x", ol.Offered, 0).waitsSince("x", "10:20")
	w.offers("x", "A 10:00:30", "C 10:23").autoTexts("x", "welcome 10:00:30")
}

func TestS37TheOwnerComesBackInTime(t *testing.T) {
	t.Parallel()
	w := owned(t).at("10:19").presence(B, ol.Offline).at("10:20").client("x").at("10:22").presence(B, ol.Online)
	w.at("10:40").is("x", ol.Active, B)
}

func TestS38AVoteEndsTheGraceTime(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:02").says("x", "1")
	w.is("x", ol.Closed, 0).autoTexts("x", "welcome 10:00:30", "vote_request 11:00", "vote_thanks_good 11:02")
	votes := w.of("x", ol.VoteGiven)
	require.Len(t, votes, 1)
	require.Equal(t, B, votes[0].User)
	require.Equal(t, ol.VoteGood, votes[0].Vote)
	m := w.mark("x")
	require.False(t, m.Open)
	require.Zero(t, m.Unread)
	require.Equal(t, w.time("11:00").UTC(), m.Closed.UTC())
	require.Equal(t, w.time("11:02").UTC(), w.of("x", ol.SessionEnded)[0].At.UTC())
}

func TestS39FormsOfAVote(t *testing.T) {
	t.Parallel()
	for _, text := range []string{" 1. ", "１", "1️⃣", "👍"} {
		w := finished(t).at("11:02").says("x", text)
		require.Len(t, w.of("x", ol.VoteGiven), 1, text)
		require.Equal(t, ol.VoteGood, w.of("x", ol.VoteGiven)[0].Vote, text)
	}
}

func TestS40LongerTextsAreMessages(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"10", "1 more question", "one"} {
		w := finished(t).at("11:02").says("x", text).is("x", ol.Active, B)
		require.Equal(t, 1, w.mark("x").Unread, text)
		require.True(t, w.mark("x").Open, text)
		require.Empty(t, w.of("x", ol.VoteGiven), text)
	}
}

func TestS41AVoteInAReopenedSession(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:03").says("x", "thanks").at("11:04").says("x", "1")
	w.is("x", ol.Active, B).waitsSince("x", "11:03")
	require.Len(t, w.of("x", ol.VoteGiven), 1)
	require.Equal(t, 1, w.mark("x").Unread)
}

func TestS42TheVoteWindowIsOver(t *testing.T) {
	t.Parallel()
	w := finished(t).at("2026-11-21 11:00:01").says("x", "1").is("x", ol.Held, 0)
	require.Len(t, w.sessions["x"], 2)

	w = finished(t).at("2026-11-21 11:00:00").says("x", "1")
	require.Len(t, w.sessions["x"], 1)
	require.Len(t, w.of("x", ol.VoteGiven), 1)
}

func TestS43TheGraceTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x", "y").reply("x", B).reply("y", B).at("11:00")
	w.do(ol.Finish, "x", B)
	w.do(ol.Finish, "y", B)
	first := w.id("y")
	w.at("11:07").says("x", "a question").is("x", ol.Active, B)
	w.at("11:12").says("y", "a question").is("y", ol.Offered, 0)
	require.Equal(t, first, w.session("y").Parent)
	w.offers("y", "C 11:12")
}

func TestS44AutoClose(t *testing.T) {
	t.Parallel()
	autoClose := func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseRule = 60, ol.CloseText }
	w := owned(t, autoClose).at("10:20").reply("x", B).at("11:19:59").is("x", ol.Active, B)
	w.at("11:20").is("x", ol.Closing, B).autoTexts("x", "welcome 10:00:30", "auto_close 11:20")
	require.Equal(t, "auto", w.ended("x"))

	w = owned(t, autoClose).at("10:20").reply("x", B).at("11:19:59").client("x").at("15:00")
	w.is("x", ol.Active, B).waitsSince("x", "11:19:59")
}

func TestS45NoAutoCloseWhileTheClientWaits(t *testing.T) {
	t.Parallel()
	w := owned(t, func(s *ol.Settings) { s.AutoCloseTime = 60 }).at("10:20").reply("x", B).at("10:25").client("x")
	w.at("2026-11-21 10:25").is("x", ol.Active, B)
}

func TestS49ATransferThatNobodyTakes(t *testing.T) {
	t.Parallel()
	w := owned(t).at("11:00")
	require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: B, To: C}))
	w.is("x", ol.Active, B).holds("x", "C 11:05").at("11:05").is("x", ol.Active, B).holds("x")
	require.Equal(t, []string{"B transfer_failed"}, w.notified("x"))
}

func TestS49ATransferThatIsTaken(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(*world){
		"by a reply":  func(w *world) { w.reply("x", C) },
		"by a button": func(w *world) { w.answerOffer(ol.Accept, "x", C) },
	} {
		w := owned(t).at("11:00")
		w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: B, To: C})
		take(w.at("11:02"))
		w.is("x", ol.Active, C).holds("x").at("12:00").is("x", ol.Active, C)
		require.Empty(t, w.notified("x"), name)
	}
}

func TestS50BackToTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").reply("x", B).at("10:58").client("x").at("11:00")
	require.Equal(t, ol.OK, w.do(ol.Return, "x", B))
	w.waitsSince("x", "10:58").at("11:11").offers("x", "A 10:00", "C 11:00", "A 11:05", "B 11:10")
}

func TestS51Spam(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crmDown = true
	w.at("10:00").client("x").at("10:01")
	require.Equal(t, ol.OK, w.do(ol.MarkSpam, "x", A))
	w.is("x", ol.Closed, 0).autoTexts("x", "welcome 10:00")
	require.Empty(t, w.of("x", ol.VoteAsked))

	w = newWorld(t).known().at("10:00").client("x").at("10:01")
	require.Equal(t, ol.OK, w.do(ol.MarkSpam, "x", A))
	require.False(t, w.mark("x").Open)
	require.Zero(t, w.mark("x").Unread)
	require.Equal(t, "spam", w.ended("x"))
}

func TestS52AnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02").sleep("10:40")
	w.step()
	w.holds("x", "B 10:45").offers("x", "A 10:00", "B 10:40").autoTexts("x", "welcome 10:00")
}

func TestS53AnOperatorIsDismissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:01").dismiss(A)
	w.offers("x", "A 10:00", "B 10:01")

	w = newWorld(t).at("10:00").client("x").reply("x", A).at("10:10").client("x").at("10:12").dismiss(A)
	w.offers("x", "A 10:00", "B 10:12").waitsSince("x", "10:10")

	w = newWorld(t).at("10:00").client("x").reply("x", A).at("10:12").dismiss(A).is("x", ol.Active, 0)
	w.at("10:20").client("x").offers("x", "A 10:00", "B 10:20")
}

func TestS54RuleNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule, s.SLAFirstReply = ol.UnansweredNone, 20 })
	w.at("10:00").client("x").at("16:00").offers("x", "A 10:00", "B 10:05", "C 10:10").holds("x", "C")
	w.autoTexts("x", "welcome 10:00")
	require.Equal(t, []string{"sla"}, w.notified("x"))
	require.Equal(t, w.time("10:20").UTC(), w.of("x", ol.AlertSent)[0].At.UTC())
}

func TestS55OpenToAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MaxPasses = 1 }).at("10:00").client("x").at("16:00")
	w.offers("x", "A 10:00", "B 10:05", "C 10:10").is("x", ol.Waiting, 0).autoTexts("x", "welcome 10:00", "unanswered 10:15")
	require.Equal(t, []string{"open_to_all"}, w.notified("x"))
	require.Equal(t, ol.OK, w.do(ol.Take, "x", C))
	w.is("x", ol.Offered, 0).holds("x", "C 16:05").at("16:01").reply("x", C).is("x", ol.Active, C)
}

func TestS55WhoComesLaterIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MaxPasses = 1 }).at("10:00").client("x").at("10:20")
	w.members = append(w.members, D)
	w.lineChanged().presence(D, ol.Online).presence(D, ol.Offline).presence(D, ol.Online).presence(A, ol.Offline).presence(A, ol.Online)
	require.Equal(t, []string{"open_to_all", "D may_be_taken"}, w.notified("x"))
	w.until(w.now.Add(time.Hour)).holds("x")
}
