package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Rules of messages, texts and endings that no scenario shows (openlines
// reference §3, §7, §10).

func TestWelcomeRules(t *testing.T) {
	t.Parallel()
	for rule, welcomes := range map[ol.WelcomeRule]int{ol.WelcomeEverySession: 2, ol.WelcomeFirstContact: 1, ol.WelcomeNone: 0} {
		w := newWorld(t, func(s *ol.Settings) { s.WelcomeRule, s.GraceTime = rule, 0 }).at("10:00").client("x").reply("x", A)
		w.do(ol.Finish, "x", A)
		w.at("2026-11-24 10:00").client("x").reply("x", A)
		n := 0
		for _, r := range w.records {
			if r.Kind == ol.TextSent && r.Text == ol.TextWelcome {
				n++
			}
		}
		require.Equal(t, welcomes, n, rule)
	}
}

func TestNoWelcomeAfterAReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	message := w.wrote("x")
	w.at("10:01")
	w.sleep("10:02").step(w.replied("x", A), message) // received in the other order
	w.autoTexts("x", "welcome skipped: answered").offers("x").is("x", ol.Active, A)
}

func TestLateTextsAreDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	message := w.wrote("x")
	w.sleep("10:15:01").step(message)
	w.autoTexts("x", "welcome skipped: late")

	w = newWorld(t, func(s *ol.Settings) { s.UnansweredTime = 10 }).at("10:00").client("x").sleep("10:40")
	w.step()
	w.autoTexts("x", "welcome 10:00", "unanswered skipped: late")
}

func TestReceiptDecidesWhatIsOffHours(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("17:59:59")
	open := w.wrote("x")
	w.at("18:00:02").step(open)
	w.is("x", ol.Held, 0).autoTexts("x", "welcome 18:00:02")

	w = newWorld(t).at("2026-11-23 08:59:59")
	closed := w.wrote("x")
	w.at("2026-11-23 09:00:02").step(closed)
	w.is("x", ol.Offered, 0).autoTexts("x", "offhours 2026-11-23 09:00:02")
}

func TestOffhoursOncePerClosedPeriodAndChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.GraceTime, s.CloseRule = 0, ol.CloseNone }).at("18:30").client("x")
	w.do(ol.Finish, "x", V)
	w.at("2026-11-22 12:00").client("x").autoTexts("x").at("2026-11-23 18:30").client("x")
	w.autoTexts("x", "unanswered 2026-11-23 09:15", "offhours 2026-11-23 18:30")
}

func TestOffhoursInALivelyChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("17:50").client("x").reply("x", A).at("18:04").client("x").autoTexts("x", "welcome 17:50")
	w.at("18:05").client("x").autoTexts("x", "welcome 17:50", "offhours 18:05")
}

func TestAWindowThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	w.window = w.time("10:10")
	w.client("x").at("10:15").autoTexts("x", "welcome 10:00", "unanswered skipped: window")
}

func TestAfterCloseRunsOnce(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:05").says("x", "thanks").reply("x", B).at("11:06")
	require.Equal(t, ol.OK, w.do(ol.Finish, "x", B))
	w.at("11:30").is("x", ol.Closed, 0).autoTexts("x", "welcome 10:00:30", "vote_request 11:00")
}

func TestAReplyEndsTheVote(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:05").reply("x", C).is("x", ol.Active, B).at("11:06").says("x", "1").waitsSince("x", "11:06")
	require.Empty(t, w.of("x", ol.VoteGiven))
}

func TestTheFirstVoteIsFinal(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:02").says("x", "0").at("11:03").says("x", "1")
	require.Len(t, w.sessions["x"], 1)
	require.Len(t, w.of("x", ol.VoteGiven), 1)
	require.Equal(t, ol.VoteBad, w.of("x", ol.VoteGiven)[0].Vote)
	require.Len(t, w.of("x", ol.VoteRepeated), 1)
	w.autoTexts("x", "welcome 10:00:30", "vote_request 11:00", "vote_thanks_bad 11:02")
}

func TestAVoteNeedNotCloseTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.VoteCloseOnReceipt = false }).at("10:00").client("x").reply("x", A).at("11:00")
	w.do(ol.Finish, "x", A)
	w.at("11:02").says("x", "1").is("x", ol.Closing, A).at("11:10").is("x", ol.Closed, 0)
	require.Equal(t, w.time("11:10").UTC(), w.of("x", ol.SessionEnded)[0].At)
}

func TestAVoteAfterTheSessionHasClosed(t *testing.T) {
	t.Parallel()
	w := finished(t).at("14:00").is("x", ol.Closed, 0).says("x", "1")
	require.Len(t, w.sessions["x"], 1)
	require.Len(t, w.of("x", ol.VoteGiven), 1)
}

func TestARequestThatTheChannelRefused(t *testing.T) {
	t.Parallel()
	w := finished(t)
	w.give(ol.Event{Kind: ol.TextRefused, Session: w.id("x"), Text: ol.TextVoteRequest, Reason: "window"})
	w.at("11:02").says("x", "1").is("x", ol.Active, B)
	require.Empty(t, w.of("x", ol.VoteGiven))
}

func TestAutoCloseWarns(t *testing.T) {
	t.Parallel()
	warned := func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseWarning, s.AutoCloseRule = 60, 10, ol.CloseText }
	w := newWorld(t, warned).at("10:00").client("x").reply("x", A).at("11:00")
	w.is("x", ol.Closing, A).autoTexts("x", "welcome 10:00", "auto_close_warning 10:50", "auto_close 11:00")

	w = newWorld(t, warned).at("10:00").client("x").reply("x", A).at("10:52").reply("x", A).at("11:51:59").is("x", ol.Active, A)
	w.at("11:52").autoTexts("x", "welcome 10:00", "auto_close_warning 10:50", "auto_close_warning 11:42", "auto_close 11:52")
}

func TestAfterAnOutageAClientHasTheTimeOfTheWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseWarning = 60, 10 }).at("10:00").client("x").reply("x", A)
	w.at("10:45").sleep("11:05").step()
	w.is("x", ol.Active, A).autoTexts("x", "welcome 10:00", "auto_close_warning 11:05").at("11:15").is("x", ol.Closing, A)
}

func TestAPinnedSessionStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AutoCloseTime = 60 }).at("10:00").client("x").reply("x", A)
	w.give(ol.Event{Kind: ol.Pin, Session: w.id("x"), By: A, On: true})
	w.at("15:00").is("x", ol.Active, A)
	w.give(ol.Event{Kind: ol.Pin, Session: w.id("x"), By: A})
	w.is("x", ol.Closing, A)
	require.Equal(t, ol.NotAllowed, w.give(ol.Event{Kind: ol.Pin, Session: w.id("x"), By: R, On: true}))
}

func TestSilentModeAndNotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x")
	w.give(ol.Event{Kind: ol.GoSilent, Session: w.id("x"), By: A, On: true})
	require.Equal(t, ol.Stored, w.step(w.replied("x", A)))
	note := w.replied("x", B)
	note.Message.Internal = true
	require.Equal(t, ol.Stored, w.step(note))
	w.is("x", ol.Offered, 0).waitsSince("x", "10:00")
	w.give(ol.Event{Kind: ol.GoSilent, Session: w.id("x"), By: A})
	w.reply("x", A).is("x", ol.Active, A)
}

func TestABlockedClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "x", On: true})
	require.Equal(t, ol.Stored, w.step(w.wrote("x")))
	require.Empty(t, w.sessions["x"])
	require.Empty(t, w.commands)
	w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "x"})
	w.client("x").is("x", ol.Offered, 0)
}

func TestAnInactiveLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x")
	w.settings.Active = false
	w.lineChanged()
	require.Equal(t, ol.Stored, w.step(w.wrote("y")))
	require.Equal(t, ol.Stored, w.step(w.replied("z", A)))
	w.client("x").at("10:05").offers("x", "A 10:00", "B 10:05")
}

func TestAnEmployeeWritesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").reply("x", B).is("x", ol.Active, B).waitsSince("x", "").autoTexts("x")
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
	w.at("10:30").client("x").is("x", ol.Active, B).reply("x", B)
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	require.Empty(t, w.of("x", ol.FirstReplied))
	require.Len(t, w.of("x", ol.NextReplied), 1)
}

func TestWhoMayFinish(t *testing.T) {
	t.Parallel()
	w := owned(t)
	require.Equal(t, ol.NotAllowed, w.do(ol.Finish, "x", R))
	require.Equal(t, ol.OK, w.do(ol.Finish, "x", C))
	require.Equal(t, "other_employee", w.ended("x"))
	require.Equal(t, ol.NoChange, w.do(ol.Finish, "x", C))
	w.at("10:11").is("x", ol.Closed, 0)
	require.Equal(t, ol.SessionClosed, w.do(ol.Finish, "x", C))
	require.Equal(t, ol.UnknownSession, w.give(ol.Event{Kind: ol.Finish, Session: 99}))

	w = newWorld(t).at("10:00").client("x")
	require.Equal(t, ol.OK, w.do(ol.Finish, "x", V))
	require.Len(t, w.ordered("x", ol.DoCloseDialog), 1)
	w.at("10:10")
	require.True(t, w.of("x", ol.SessionEnded)[0].On, "missed")
}

func TestAnEmployeeComesBackInTheGraceTime(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:05").reply("x", C).is("x", ol.Active, B)
	require.True(t, w.mark("x").Open)
	finished(t).at("11:05").dismiss(B).reply("x", C).is("x", ol.Active, C)
	finished(t).at("11:05").dismiss(B).says("x", "hello?").is("x", ol.Offered, 0)
}

func TestAReplyFromBeforeTheCloseOpensNothing(t *testing.T) {
	t.Parallel()
	w := owned(t, func(s *ol.Settings) { s.GraceTime = 0 }).at("11:00")
	reply := w.replied("x", B)
	w.at("11:01")
	w.do(ol.Finish, "x", B)
	require.Equal(t, ol.Stored, w.step(reply))
	require.Len(t, w.sessions["x"], 1)
}

func TestDeletedMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x").reply("x", R).at("10:10").client("x").at("10:20").client("x")
	ids := w.of("x", ol.MessageIn)
	remove := func(i int) {
		require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.MessageDeleted, Chat: "x", Message: &ol.Message{ID: ids[i].Message}}))
	}
	require.Equal(t, 2, w.mark("x").Unread)
	remove(1)
	require.Equal(t, 1, w.mark("x").Unread)
	w.waitsSince("x", "10:20")
	remove(2)
	require.Zero(t, w.mark("x").Unread)
	w.waitsSince("x", "")
	require.Equal(t, ol.NoChange, w.give(ol.Event{Kind: ol.MessageDeleted, Chat: "x", Message: &ol.Message{ID: "unknown"}}))
}

func TestTheChannelOrdersMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	in := func(order int64) ol.Event {
		ev := w.wrote("x")
		ev.Message.Order = order
		return ev
	}
	first, third := in(1), in(3)
	w.at("10:01")
	reply := w.replied("x", A)
	reply.Message.Order = 2
	w.step(first)
	w.step(third)
	w.step(reply) // came after the third message, but stands before it
	w.is("x", ol.Active, A).waitsSince("x", "10:00")
	require.Equal(t, 1, w.mark("x").Unread)

	w = newWorld(t).at("10:00")
	reply = w.replied("x", A)
	reply.Message.Order = 2
	late := w.wrote("x")
	late.Message.Order = 1
	w.step(reply, late)
	require.Len(t, w.desk.Sessions, 1)
	w.is("x", ol.Active, A)
}

func TestNothingMeansForever(t *testing.T) {
	t.Parallel()
	owned(t, func(s *ol.Settings) { s.OfflineReturnTime = 0 }).presence(B, ol.Offline).client("x").at("17:59").is("x", ol.Active, B)
}

func TestAnOwnerWhoIsOffWhileTheLineIsClosed(t *testing.T) {
	t.Parallel()
	w := owned(t).at("17:59").presence(B, ol.Offline).at("17:59:30").client("x")
	// sixty seconds count on Friday 18:00, three minutes of working time on Monday
	w.at("2026-11-23 09:02:59").is("x", ol.Active, B).at("2026-11-23 09:03:00").is("x", ol.Offered, 0)
}

func TestStartAndLengthOfASession(t *testing.T) {
	t.Parallel()
	w := owned(t).at("10:40").client("x").at("10:50").reply("x", B).at("11:00")
	w.do(ol.Finish, "x", B)
	w.at("11:10")
	end := w.of("x", ol.SessionEnded)[0]
	require.Equal(t, 49*time.Minute+30*time.Second, end.Lasted.Work)
	require.Equal(t, 69*time.Minute+30*time.Second, end.Span.Calendar)
	require.Equal(t, ol.Past{Session: 1, Owner: B, Closed: w.time("11:10").UTC()}, *end.Past)
}

func TestWaitingSessionsFollowTheHours(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("17:50").client("x").at("17:59:59").is("x", ol.Waiting, 0).at("18:00").is("x", ol.Held, 0)
	w.at("2026-11-23 09:00").is("x", ol.Waiting, 0)
}

func TestAForgottenChatIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.GraceTime, s.CloseRule = 0, ol.CloseNone }).at("2026-11-21 10:00").client("x")
	w.do(ol.Finish, "x", V)
	first := w.id("x")
	w.at("2026-11-21 15:00").step()
	require.Empty(t, w.desk.Chats)
	w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "x"}) // knows nothing of the past
	w.client("x").autoTexts("x")
	require.Equal(t, first, w.session("x").Parent)
}

func TestABrokenEventIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []ol.EventKind{
		ol.ClientMessage, ol.EmployeeMessage, ol.MessageDeleted, ol.ClientBlocked, ol.OperatorChanged, ol.LineChanged, ol.LookupDone, ol.LeadCreated,
	} {
		require.Equal(t, ol.NotAllowed, w.step(ol.Event{Kind: kind}), kind)
	}
	bad := w.settings
	bad.Holidays = []string{"31.04"}
	require.Equal(t, ol.NotAllowed, w.give(ol.Event{Kind: ol.LineChanged, Line: line, Settings: &bad}))
}

func TestOnlyTheLastEventsAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	first := w.wrote("x")
	w.step(first)
	require.Equal(t, ol.Repeated, w.step(first))
	for range 4200 {
		w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "y"})
	}
	require.LessOrEqual(t, len(w.desk.Seen), 4096)
	last := w.wrote("x")
	w.step(last)
	require.Equal(t, ol.Repeated, w.step(last))
	w.desk = reborn(w.desk)
	require.Equal(t, ol.Repeated, w.step(last))
}

func TestSupervisorWhoIsNoneAnyMoreLosesHisChats(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").reply("x", V).reply("y", B)
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: V}})
	w.is("x", ol.Active, 0).at("10:05").client("x").is("x", ol.Offered, 0)
	w.is("y", ol.Active, B)
}
