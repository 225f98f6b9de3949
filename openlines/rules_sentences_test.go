package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Sentences of the openlines reference that no other test would miss.

func TestEachReplyHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	w := owned(t, func(s *ol.Settings) { s.SLAFirstReply, s.SLANextReply = 120, 10 }).at("10:20").client("x")
	w.at("10:29:59")
	require.Empty(t, w.notified("x"))
	w.at("10:30").reply("x", B)
	require.Equal(t, []string{"sla"}, w.notified("x"))
	facts := ol.Facts(w.records)[0]
	require.Equal(t, []int{2, 0}, []int{facts.SLAMet, facts.SLABroken}, "a reply at the limit is in time")
}

func TestWhoKeepsAChatMayLeaveHisDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule = ol.UnansweredNone }).at("10:00").client("x").at("10:20")
	w.presence(C, ol.Offline).at("10:40").holds("x", "C")
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: C, OnLeave: true}})
	w.holds("x", "A 10:45")

	w = newWorld(t, func(s *ol.Settings) { s.CRMForwardPass = ol.ForwardKeep }).known().presence(R, ol.Online)
	w.at("10:00").client("x").at("10:01").presence(R, ol.Offline).at("10:04").holds("x", "R 10:05")
}

func TestAnOwnerWhoseChatASupervisorReturnsIsLeftOut(t *testing.T) {
	t.Parallel()
	w := owned(t).client("x").at("10:10")
	require.Equal(t, ol.OK, w.do(ol.Return, "x", V))
	w.offers("x", "A 10:00:30", "C 10:10")
}

func TestTheHoursOfALastOperatorEnd(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-21 10:30:00": "C 2026-11-21 10:30 sticky", "2026-11-21 10:30:01": "B 2026-11-21 10:30:01",
	} {
		w := newWorld(t, func(s *ol.Settings) {
			s.StickyHours, s.GraceTime, s.CloseRule, s.HoursEnabled = 24, 0, ol.CloseNone, false
		})
		w.at("10:00").client("x").reply("x", C).at("10:30")
		w.do(ol.Finish, "x", C)
		w.at(at).client("x").offers("x", want)
	}
}

func TestSpamIsFoundOutInTheGraceTime(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:05")
	spam := w.id("x")
	require.Equal(t, ol.OK, w.do(ol.MarkSpam, "x", B))
	require.Len(t, w.of("x", ol.SessionFinished), 1)
	require.Equal(t, string(ol.BySpam), w.of("x", ol.SessionEnded)[0].Reason)
	w.at("11:06").says("x", "1")
	require.NotEqual(t, spam, w.id("x"), "nobody is asked for a rating of spam")
}

func TestNoLeadForSpamInTheSameStep(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").at("10:01")
	w.step(w.event(ol.Event{Kind: ol.MarkSpam, Session: w.id("x"), By: A}),
		w.event(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}}))
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
}

func TestNoTextIsRepeatedWhenTheOwnerGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AnsweredBy = ol.AnsweredByAccept }).at("10:00").client("x").at("10:16")
	w.answerOffer(ol.Accept, "x", A)
	w.presence(A, ol.Offline).at("10:20").is("x", ol.Offered, 0).at("10:40").autoTexts("x", "welcome 10:00", "unanswered 10:15")
	require.Len(t, w.of("x", ol.RuleFired), 2, "the new cycle of routing has its own end of a pass")
}

func TestWhoTakesAChatWhileOffHasTheTimeOfAnOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AnsweredBy = ol.AnsweredByAccept }).only().at("10:00").client("x").at("10:10")
	w.do(ol.Take, "x", C)
	w.at("10:12:59").is("x", ol.Active, C).at("10:13").is("x", ol.Waiting, 0)
}

func TestOnlyALivelyChatGetsNoOffhoursText(t *testing.T) {
	t.Parallel()
	w := owned(t).at("17:58").reply("x", B).at("17:59")
	w.do(ol.Return, "x", B)
	w.at("18:01").client("x").is("x", ol.Offered, 0).autoTexts("x", "welcome 10:00:30", "offhours 18:01")
}

func TestAPassOfAnotherModeCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll }).at("10:00").client("x").at("10:06")
	w.settings.Mode = ol.Evenly
	w.lineChanged().at("10:21")
	require.Len(t, w.of("x", ol.PassEnded), 2)
}

func TestAHeldChatIsLookedAtEachMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("2026-11-21 10:00").client("x").is("x", ol.Held, 0)
	require.Equal(t, w.now.Add(time.Minute).UTC(), w.next)
}

func TestABlockedClientStaysBlocked(t *testing.T) {
	t.Parallel()
	w := owned(t, func(s *ol.Settings) { s.GraceTime = 0 })
	w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "x", On: true})
	w.do(ol.Finish, "x", B)
	require.True(t, w.past["x"].Blocked, "also when the desk has forgotten the chat")
	require.Equal(t, ol.Stored, w.step(w.replied("x", B)), "writing to him begins nothing")
}

func TestOnlyTheResponsibleEmployeeKeepsAChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.CRMForwardPass = ol.ForwardKeep }).at("10:00").client("x")
	w.at("10:05").offers("x", "A 10:00", "B 10:05")
}

func TestALeaveCountsAtOnce(t *testing.T) {
	t.Parallel()
	w := owned(t).at("10:20").client("x").at("10:25")
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: B, Presence: ol.Online, OnLeave: true}})
	w.at("10:27:59").is("x", ol.Active, B).at("10:28").is("x", ol.Offered, 0)
}
