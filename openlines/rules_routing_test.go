package openlines_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Rules of routing that no scenario shows (openlines reference §3, §5).

func TestLimitCounts(t *testing.T) {
	t.Parallel()
	for counts, free := range map[ol.LimitCounts]bool{ol.CountAnswered: true, ol.CountAnsweredAndNew: false, ol.CountAllOpen: false} {
		w := newWorld(t, func(s *ol.Settings) { s.MemberLimit, s.LimitCounts = 1, counts }).only(A).at("10:00").client("x", "y")
		require.Equal(t, free, w.session("y").State == ol.Offered, "an offer counts with %s", counts)
	}
	for counts, free := range map[ol.LimitCounts]bool{ol.CountAnswered: true, ol.CountAnsweredAndNew: true, ol.CountAllOpen: false} {
		w := newWorld(t, func(s *ol.Settings) { s.MemberLimit, s.LimitCounts = 1, counts }).only(A)
		w.at("10:00").client("x").reply("x", A)
		w.do(ol.Finish, "x", A)
		w.client("y")
		require.Equal(t, free, w.session("y").State == ol.Offered, "a closing session counts with %s", counts)
	}
}

func TestNobodyGetsMoreThanAThousandSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only(A).at("10:00")
	for i := range ol.MaxSessions {
		chat := ol.ChatID(fmt.Sprint(i))
		w.client(chat).reply(chat, A)
	}
	w.client("one too many").is("one too many", ol.Waiting, 0)
	d, _ := w.desk.Preview(line, w.now)
	require.Equal(t, ol.LeftOverall, d.Left[0].Reason)
	w.do(ol.Finish, "7", A)
	w.is("one too many", ol.Offered, 0)
}

func TestPendingOffersAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MaxPendingOffers = 2 }).only(A).at("10:00").client("a", "b", "c")
	w.is("b", ol.Offered, 0).is("c", ol.Waiting, 0).reply("a", A).is("c", ol.Offered, 0)
}

func TestSkillsAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: C, Presence: ol.Online, Skills: []string{"pt", "es"}}})
	w.at("10:00")
	w.give(ol.Event{Kind: ol.ClientMessage, Chat: "x", Message: &ol.Message{Needs: []string{"es"}}})
	w.offers("x", "C 10:00")
}

func TestAReturningClientMeetsHisLastOperator(t *testing.T) {
	t.Parallel()
	sticky := func(s *ol.Settings) { s.StickyHours, s.CloseRule, s.GraceTime = 24, ol.CloseNone, 0 }
	before := func() *world {
		w := newWorld(t, sticky).at("10:00").client("x").reply("x", C).at("10:30")
		w.do(ol.Finish, "x", C)
		return w
	}
	before().at("15:00").client("x").offers("x", "C 15:00 sticky").at("15:05").offers("x", "C 15:00 sticky", "B 15:05")
	before().at("15:00").presence(C, ol.Offline).client("x").offers("x", "B 15:00")
	before().at("2026-11-23 10:31").client("x").offers("x", "B 2026-11-23 10:31")
}

func TestPrivateOffersAsTurns(t *testing.T) {
	t.Parallel()
	for counts, next := range map[bool]string{false: "A 10:01", true: "B 10:01"} {
		w := newWorld(t, func(s *ol.Settings) { s.DirectCountsAsTurn = counts })
		w.crm = ol.CRMFacts{Result: ol.LookupFound, Item: deal, Responsible: A}
		w.at("10:00").client("x").offers("x", "A 10:00 direct")
		w.crm = ol.CRMFacts{Result: ol.LookupNotFound}
		w.at("10:01").client("y").offers("y", next)
	}
}

func TestPresenceMayBeIgnored(t *testing.T) {
	t.Parallel()
	newWorld(t, func(s *ol.Settings) { s.CheckOnline = false }).only().at("10:00").client("x").offers("x", "A 10:00")
}

func TestADayThatIsPausedIsNoDuty(t *testing.T) {
	t.Parallel()
	w := newWorld(t).presence(A, ol.DayPaused).presence(B, ol.DayEnded).presence(C, ol.DayStarted)
	w.at("10:00").client("x").offers("x", "C 10:00")
}

func TestAnOfferedOperatorWhoGoesOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:01").presence(A, ol.Offline)
	w.at("10:01:59").holds("x", "A 10:05").at("10:02").offers("x", "A 10:00", "B 10:02")
	w = newWorld(t).at("10:00").client("x").at("10:01").presence(A, ol.Offline).at("10:01:59").presence(A, ol.Online)
	w.at("10:04").holds("x", "A 10:05")
	w = newWorld(t).at("10:00").client("x").at("10:01")
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: A, Presence: ol.Online, OnLeave: true}})
	w.offers("x", "A 10:00", "B 10:01")
}

func TestAcceptingIsEnoughWhereItIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AnsweredBy, s.SLAFirstReply = ol.AnsweredByAccept, 10 }).at("10:00").client("x").at("10:02")
	require.Equal(t, ol.OK, w.answerOffer(ol.Accept, "x", A))
	w.is("x", ol.Active, A).waitsSince("x", "10:00").at("10:30").is("x", ol.Active, A)
	require.Equal(t, []string{"sla"}, w.notified("x"))
	require.Equal(t, 2*time.Minute, w.of("x", ol.OfferAccepted)[0].Span.Work)
}

func TestALateReplyBeatsAnAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AnsweredBy = ol.AnsweredByAccept }).at("10:00").client("x").at("10:06")
	w.answerOffer(ol.Accept, "x", B)
	w.is("x", ol.Active, B).reply("x", A).is("x", ol.Active, A) // A had the first offer, and nobody had replied
	w.client("x").reply("x", B).is("x", ol.Active, A)
}

func TestAnAcceptedOfferIsReserved(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02")
	require.Equal(t, ol.OK, w.answerOffer(ol.Accept, "x", A))
	require.Equal(t, ol.NoChange, w.answerOffer(ol.Accept, "x", A))
	w.is("x", ol.Offered, 0).holds("x", "A 10:05").at("10:05").offers("x", "A 10:00", "B 10:05")
}

func TestReservedAmongAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll }).at("10:00").client("x").at("10:02")
	w.answerOffer(ol.Accept, "x", B)
	w.holds("x", "B").at("10:06:59").holds("x", "B").at("10:07").holds("x", "A", "B", "C")
}

func TestTheOnlyPassOfAll(t *testing.T) {
	t.Parallel()
	for rule, texts := range map[ol.UnansweredRule][]string{
		ol.UnansweredText: {"welcome 10:00", "unanswered 10:05"}, ol.UnansweredNone: {"welcome 10:00"},
	} {
		w := newWorld(t, func(s *ol.Settings) { s.Mode, s.UnansweredRule = ol.OfferAll, rule }).at("10:00").client("x").at("17:00")
		w.holds("x", "A", "B", "C").autoTexts("x", texts...)
		require.Len(t, w.of("x", ol.OfferMade), 3)
	}
}

func TestAllDecline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll }).at("10:00").client("x")
	for _, u := range w.members {
		w.answerOffer(ol.Decline, "x", u)
	}
	w.is("x", ol.Waiting, 0).at("10:05").holds("x", "A", "B", "C")
	for _, u := range w.members {
		w.answerOffer(ol.Decline, "x", u)
	}
	require.Equal(t, []string{"open_to_all"}, w.notified("x"))
}

func TestTakingFromWherever(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("2026-11-21 10:00").client("x").is("x", ol.Held, 0)
	require.Equal(t, ol.NotAllowed, w.do(ol.Take, "x", R), "no access to the line")
	require.Equal(t, ol.OK, w.do(ol.Take, "x", V), "a supervisor")
	w.is("x", ol.Offered, 0).reply("x", V).is("x", ol.Active, V)

	w = newWorld(t, func(s *ol.Settings) { s.AnsweredBy = ol.AnsweredByAccept }).only().at("10:00").client("x")
	require.Equal(t, ol.OK, w.do(ol.Take, "x", B))
	w.is("x", ol.Active, B)
	require.Equal(t, ol.NotAllowed, w.do(ol.Take, "x", A), "it has an owner")

	w = newWorld(t).at("10:00").client("x")
	require.Equal(t, ol.NotAllowed, w.do(ol.Take, "x", B), "it is A's offer")
}

func TestATakenSessionPassesOnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("10:00").client("x").at("10:01")
	w.do(ol.Take, "x", C)
	w.holds("x", "C 10:06").at("10:05").presence(A, ol.Online).at("10:06").offers("x", "C 10:01 taken", "A 10:06")
}

func TestOthersJoinOrIntercept(t *testing.T) {
	t.Parallel()
	w := owned(t).client("x").reply("x", C).is("x", ol.Active, B).waitsSince("x", "")
	w.give(ol.Event{Kind: ol.EmployeeMessage, Chat: "x", By: C, Message: &ol.Message{Intercept: true}})
	w.is("x", ol.Active, C)
}

func TestATransferOfAnOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02")
	require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: A, To: R}))
	w.holds("x", "R 10:07").at("10:07").offers("x", "A 10:00", "R 10:02 transfer", "B 10:07")
}

func TestWhoCannotGetATransfer(t *testing.T) {
	t.Parallel()
	w := owned(t)
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: C, OnLeave: true, Presence: ol.Online}})
	w.dismiss(D)
	for to, want := range map[ol.UserID]ol.AnswerCode{B: ol.NotEligible, C: ol.NotEligible, D: ol.NotEligible, R: ol.OK} {
		require.Equal(t, want, w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: B, To: to}), letters[to])
	}
	require.Equal(t, ol.NotAllowed, w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: D, To: A}))
}

func TestAFailedTransferOfAnOwnerWhoIsOff(t *testing.T) {
	t.Parallel()
	w := owned(t).at("11:00").client("x")
	w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: B, To: C})
	w.at("11:03").presence(B, ol.Offline).at("11:05").is("x", ol.Offered, 0).waitsSince("x", "11:00")
	require.Empty(t, w.notified("x"))
}

// secondLine adds a line that works at other hours, with D as its member.
func secondLine(w *world, hours ol.Interval) *world {
	s := baseSettings()
	s.Channels, s.Week = []int64{99}, ol.EveryDay(hours)
	w.give(ol.Event{Kind: ol.LineChanged, Line: "sales", Settings: &s, Members: []ol.UserID{D}})
	return w.presence(D, ol.Online)
}

func TestATransferToAnotherLine(t *testing.T) {
	t.Parallel()
	w := secondLine(newWorld(t), "09:00-18:00").at("10:00").client("x").at("10:02")
	require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.TransferLine, Session: w.id("x"), By: A, Line: "sales"}))
	w.offers("x", "A 10:00", "D 10:02").waitsSince("x", "10:00").autoTexts("x", "welcome 10:00")
	require.Equal(t, ol.NotAllowed, w.give(ol.Event{Kind: ol.TransferLine, Session: w.id("x"), By: D, Line: "none"}))

	w = secondLine(newWorld(t), "20:00-22:00").at("10:00").client("x").at("10:02")
	w.give(ol.Event{Kind: ol.TransferLine, Session: w.id("x"), By: A, Line: "sales"})
	w.is("x", ol.Held, 0).at("20:00").offers("x", "A 10:00", "D 20:00")
}

func TestWhoGaveItBackIsAskedLast(t *testing.T) {
	t.Parallel()
	w := owned(t).only(B).at("10:58").client("x").at("11:00")
	require.Equal(t, ol.NotAllowed, w.do(ol.Return, "x", A))
	w.do(ol.Return, "x", B)
	w.is("x", ol.Waiting, 0).at("11:05").offers("x", "A 10:00:30", "B 11:05").autoTexts("x", "welcome 10:00:30", "unanswered 11:05")
}

func TestRequeueRestsForAPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule = ol.UnansweredRequeue }).at("10:00").client("x")
	w.at("10:19:59").is("x", ol.Waiting, 0).offers("x", "A 10:00", "B 10:05", "C 10:10")
	w.at("10:20").offers("x", "A 10:00", "B 10:05", "C 10:10", "A 10:20").autoTexts("x", "welcome 10:00")
}

func TestRequeueWakesForSomebodyNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule = ol.UnansweredRequeue }).presence(C, ol.Offline).at("10:00").client("x")
	w.at("10:12").is("x", ol.Waiting, 0).presence(C, ol.Online).offers("x", "A 10:00", "B 10:05", "C 10:12")
	require.Len(t, w.of("x", ol.RuleFired), 1)
}

func TestRequeueWakesForSomebodyWhoComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule = ol.UnansweredRequeue }).only(A).at("10:00").client("x")
	w.at("10:06").is("x", ol.Waiting, 0).presence(A, ol.Offline).at("10:07").presence(A, ol.Online).offers("x", "A 10:00", "A 10:07")
}

func TestKeepAndRequeue(t *testing.T) {
	t.Parallel()
	newWorld(t, func(s *ol.Settings) {
		s.CRMForwardPass, s.UnansweredRule = ol.ForwardKeep, ol.UnansweredRequeue
	}).known().at("10:00").client("x").at("10:05").offers("x", "R 10:00 direct", "A 10:05")
	newWorld(t, func(s *ol.Settings) {
		s.CRMForwardPass, s.UnansweredRule, s.UnansweredTime = ol.ForwardKeep, ol.UnansweredRequeue, 30
	}).known().at("10:00").client("x").at("10:29").holds("x", "R").at("10:30").offers("x", "R 10:00 direct", "A 10:30")
}

func TestUnansweredTime(t *testing.T) {
	t.Parallel()
	after := func(rule ol.UnansweredRule) *world {
		w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule, s.UnansweredTime = rule, 17 })
		return w.at("10:00").client("x").at("10:17").offers("x", "A 10:00", "B 10:05", "C 10:10", "A 10:15")
	}
	after(ol.UnansweredText).holds("x", "A 10:20").autoTexts("x", "welcome 10:00", "unanswered 10:17")
	after(ol.UnansweredNone).holds("x", "A").autoTexts("x", "welcome 10:00")
	after(ol.UnansweredRequeue).is("x", ol.Waiting, 0).at("10:22").holds("x", "B 10:27")
}

func TestARuleWithoutATextIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Texts = map[ol.TextID]string{ol.TextUnanswered: ""} }).at("10:00").client("x").at("16:00")
	w.holds("x", "C").autoTexts("x", "welcome 10:00")
}

func TestADeclinedOfferUnderNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.UnansweredRule = ol.UnansweredNone }).at("10:00").client("x").at("11:00")
	require.Equal(t, ol.OK, w.answerOffer(ol.Decline, "x", C))
	w.offers("x", "A 10:00", "B 10:05", "C 10:10", "A 11:00").holds("x", "A 11:05")
	require.Len(t, w.of("x", ol.PassEnded), 1)
}

func TestLinePriorityAndAging(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("10:00").client("old")
	w.at("10:20")
	w.give(ol.Event{Kind: ol.ClientMessage, Chat: "dear", Message: &ol.Message{Priority: 1}})
	w.settings.MaxPendingOffers = 1
	w.lineChanged()
	w.at("10:29").presence(A, ol.Online).is("dear", ol.Offered, 0).is("old", ol.Waiting, 0)

	w = newWorld(t).only().at("10:00").client("old")
	w.at("10:20")
	w.give(ol.Event{Kind: ol.ClientMessage, Chat: "dear", Message: &ol.Message{Priority: 1}})
	w.settings.MaxPendingOffers = 1
	w.lineChanged()
	w.at("10:30").presence(A, ol.Online).is("old", ol.Offered, 0).is("dear", ol.Waiting, 0) // half an hour counts 1
}

func TestOffhoursRouting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.OffhoursRouting, s.OffhoursRule = ol.OffhoursRoute, ol.OffhoursNone })
	w.at("2026-11-21 10:00").client("x").holds("x", "A 2026-11-21 10:05").autoTexts("x", "welcome 2026-11-21 10:00")
	w.at("2026-11-21 10:05").holds("x", "B 2026-11-21 10:10")
}

func TestADeclineWhileClosedHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("17:58").client("x").at("18:30")
	w.answerOffer(ol.Decline, "x", A)
	w.is("x", ol.Held, 0).at("2026-11-23 09:00").offers("x", "A 17:58", "B 2026-11-23 09:00")
}

func TestNobodyIsOfferedALateMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02")
	w.members = []ol.UserID{B, C}
	w.lineChanged().offers("x", "A 10:00", "B 10:02")
	require.Equal(t, string(ol.LeftMember), w.of("x", ol.OfferEnded)[0].Reason)
}

func TestAnOwnerWhoLosesTheLine(t *testing.T) {
	t.Parallel()
	w := owned(t).client("x").at("10:02")
	w.members = []ol.UserID{A, C}
	w.lineChanged().is("x", ol.Offered, 0)
}

func TestAnotherModeWhileOffersAreOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02")
	w.settings.Mode = ol.OfferAll
	w.lineChanged().holds("x", "B", "C") // A had his turn
	w.settings.Mode = ol.Evenly
	w.lineChanged().holds("x", "B 10:07")
}

func TestAShorterPassTimeCountsWhatWasUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:02")
	w.settings.PassTime = 3
	w.lineChanged().at("10:02:59").offers("x", "A 10:00").at("10:03").offers("x", "A 10:00", "B 10:03")
}

func TestOldNewsOfAnOperatorChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	old := w.event(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: A, Presence: ol.Offline}})
	w.at("10:01").presence(A, ol.Online)
	require.Equal(t, ol.NoChange, w.step(old))
	w.client("x").offers("x", "A 10:01")
}
