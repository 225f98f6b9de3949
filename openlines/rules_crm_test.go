package openlines_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Rules of the CRM that no scenario shows (openlines reference §8).

// lookedUp tells the desk late what a lookup of a chat found.
func (w *world) lookedUp(chat ol.ChatID, facts ol.CRMFacts) ol.AnswerCode {
	return w.give(ol.Event{Kind: ol.LookupDone, Session: w.id(chat), CRM: &facts})
}

var foundR = ol.CRMFacts{Result: ol.LookupFound, Item: deal, Responsible: R}

// crmIsDown is the world of a CRM that answers only when told.
func crmIsDown(t *testing.T, change ...func(*ol.Settings)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.crmDown = true
	return w
}

func TestALateFoundRedirects(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").at("10:03")
	require.Equal(t, ol.OK, w.lookedUp("x", foundR))
	w.offers("x", "A 10:00:10", "R 10:03 direct").at("10:08").holds("x", "B 10:13")
	require.Equal(t, ol.NoChange, w.lookedUp("x", foundR))
}

func TestALateFoundOnlyBinds(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").at("10:03")
	w.answerOffer(ol.Accept, "x", A)
	w.lookedUp("x", foundR)
	w.holds("x", "A 10:05:10")
	require.Equal(t, deal, w.session("x").CRM.Item)

	w = crmIsDown(t).at("10:00").client("x").at("10:03").reply("x", A)
	w.lookedUp("x", foundR)
	w.is("x", ol.Active, A)
	require.Equal(t, deal, w.session("x").CRM.Item)

	w = crmIsDown(t, func(s *ol.Settings) { s.CRMForward = false }).at("10:00").client("x").offers("x", "A 10:00")
	w.lookedUp("x", foundR)
	w.holds("x", "A 10:05")
}

func TestALeadByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.CRMCreate = ol.CreateManual }).at("10:00").client("x")
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
	require.Equal(t, ol.NotAllowed, w.do(ol.LeadAsked, "x", R), "he has nothing to do with the line")
	require.Equal(t, ol.OK, w.do(ol.LeadAsked, "x", A))
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	require.Equal(t, ol.NotAllowed, w.do(ol.LeadAsked, "x", A), "there is one")

	w = newWorld(t, func(s *ol.Settings) { s.CRMCreate = ol.CreateManual })
	w.crm.Writable = false
	w.at("10:00").client("x")
	require.Equal(t, ol.NoContact, w.do(ol.LeadAsked, "x", A))
	require.Len(t, w.of("x", ol.LeadRefused), 1)
}

func TestAShortSessionDuringAnOutageIsShownAfterwards(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").reply("x", A)
	w.do(ol.Finish, "x", A)
	w.at("12:00").is("x", ol.Closed, 0)
	w.crmDown = false
	require.Equal(t, ol.OK, w.lookedUp("x", ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}))
	require.Equal(t, A, w.ordered("x", ol.DoCreateLead)[0].User)
	m := w.mark("x")
	require.False(t, m.Open)
	require.Equal(t, w.time("10:00").UTC(), m.Closed)
	require.Nil(t, w.session("x"))
}

func TestNoLeadForSpam(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").at("10:01")
	w.do(ol.MarkSpam, "x", A)
	require.Equal(t, ol.SessionClosed, w.lookedUp("x", ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}))
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
}

func TestATransferMayMoveTheResponsible(t *testing.T) {
	t.Parallel()
	for moves, want := range map[bool]int{true: 1, false: 0} {
		w := newWorld(t, func(s *ol.Settings) { s.CRMTransferSetsResponsible = moves }).known().at("10:00").client("x").reply("x", B)
		w.give(ol.Event{Kind: ol.Transfer, Session: w.id("x"), By: B, To: C})
		w.answerOffer(ol.Accept, "x", C)
		require.Len(t, w.ordered("x", ol.DoResponsible), want)
	}
}

func TestTheMarkOfEachSituation(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x")
	created := w.time("10:00").UTC()
	require.Equal(t, ol.Mark{Open: true, Unread: 1, Created: created, Responsible: R, Version: 1, OpenSince: 1, Item: deal}, w.mark("x"))
	w.client("x").reply("x", R)
	require.Equal(t, ol.Mark{Open: true, Created: created, Responsible: R, Version: 3, OpenSince: 1, Item: deal}, w.mark("x"))
	w.at("11:00")
	w.do(ol.Finish, "x", R)
	require.Equal(t, ol.Mark{Created: created, Closed: w.time("11:00").UTC(), Responsible: R, Version: 4, OpenSince: 1, Item: deal}, w.mark("x"))
	w.at("11:02").client("x")
	require.Equal(t, ol.Mark{Open: true, Unread: 1, Created: created, Responsible: R, Version: 5, OpenSince: 5, Item: deal}, w.mark("x"))
	w.give(ol.Event{Kind: ol.ResponsibleChanged, CRM: &ol.CRMFacts{Item: deal, Responsible: V}})
	require.Equal(t, R, w.mark("x").Responsible, "the owner")
}

func TestDecisionsReadAsSentences(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:42").presence(B, ol.Offline)
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: C, OnLeave: true}})
	w.at("10:50").client("x", "y")
	require.Equal(t, "offered to operator 1: never had an offer on this line; operator 2 left out: offline since 10:42; operator 3 left out: on leave since 10:42",
		w.of("x", ol.OfferMade)[0].Why.Sentence(w.zone))
	require.Equal(t, "offered to operator 1: the only one who is free; operator 2 left out: offline since 10:42; operator 3 left out: on leave since 10:42",
		w.of("y", ol.OfferMade)[0].Why.Sentence(w.zone))
}

func TestPreview(t *testing.T) {
	t.Parallel()
	say := func(w *world) string {
		before, err := json.Marshal(w.desk)
		require.NoError(t, err)
		d, ok := w.desk.Preview(line, w.now)
		require.True(t, ok)
		after, err := json.Marshal(w.desk)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "a preview changes nothing")
		return d.Sentence(w.zone)
	}
	w := newWorld(t).at("10:00").client("x", "y", "z")
	require.Equal(t, "offered to operator 1: the oldest last offer on this line", say(w))
	require.Equal(t, "offered to nobody: the line is closed", say(w.at("18:30")))
	w = newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll }).only(A, C)
	require.Equal(t, "offered to operators 1, 3: everybody who is free gets it at once; operator 2 left out: offline since 09:59", say(w))
	w = newWorld(t, func(s *ol.Settings) { s.Mode, s.MemberLimit = ol.Strict, 1 }).at("10:00").client("x")
	require.Equal(t, "offered to operator 2: the first free position of this pass; operator 1 left out: at the line's limit", say(w))
	_, ok := w.desk.Preview("nowhere", w.now)
	require.False(t, ok)
}

func TestExpandMembers(t *testing.T) {
	t.Parallel()
	members := []ol.Member{{User: 3}, {Department: 7}, {User: 2}, {Department: 8}}
	departments := map[int64][]ol.UserID{7: {1, 2, 3}, 8: {4, 1}}
	got := ol.ExpandMembers(members, func(id int64) []ol.UserID { return departments[id] })
	require.Equal(t, []ol.UserID{3, 1, 2, 4}, got)
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	second := func(values ...int) (out []time.Duration) {
		for _, v := range values {
			out = append(out, time.Duration(v)*time.Second)
		}
		return out
	}
	require.Equal(t, ol.Summary{}, ol.Summarize(nil))
	require.Equal(t, ol.Summary{Count: 1, Median: 7e9, P90: 7e9, Mean: 7e9}, ol.Summarize(second(7)))
	require.Equal(t, ol.Summary{Count: 4, Median: 25e8, P90: 10e9, Mean: 4e9}, ol.Summarize(second(10, 1, 2, 3)))
	require.Equal(t, 9*time.Second, ol.Summarize(second(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)).P90)
	require.Equal(t, 10*time.Second, ol.Summarize(second(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)).P90)
}

// TestTheNumbersOfASmallDay checks a report by hand.
func TestTheNumbersOfASmallDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.SLAFirstReply, s.SLANextReply = 10, 10 })
	w.at("10:00").client("a").at("10:06").reply("a", B) // A expired, B in 6 min
	w.at("10:10").client("a").at("10:25").reply("a", B) // 15 min, SLA broken
	w.at("11:00")
	w.do(ol.Finish, "a", B)
	w.at("11:05").says("a", "1")
	w.at("12:00").client("b") // offered to C
	w.at("12:01")
	w.answerOffer(ol.Decline, "b", C)
	w.at("12:02")
	w.do(ol.Finish, "b", V) // missed
	w.at("12:30").client("c").reply("c", A)
	w.give(ol.Event{Kind: ol.Transfer, Session: w.id("c"), By: A, To: C})
	w.at("12:34").reply("c", C).at("13:00")
	w.do(ol.MarkSpam, "c", C)
	w.at("17:50").client("d").at("2026-11-21 10:00").client("e").at("2026-11-21 12:00")

	facts := ol.Facts(w.records)
	got := ol.MakeReport(facts, ol.Filter{}, w.now)
	require.Equal(t, []int{5, 5, 1, 2, 2}, []int{got.Started, got.Clients, got.OffHours, got.OpenNow, got.WaitingNow})
	require.Equal(t, 18*time.Hour+10*time.Minute, got.LongestWait)
	require.Equal(t, map[ol.CloseReason]int{ol.ByOperator: 1, ol.ByOtherEmployee: 1, ol.BySpam: 1}, got.Closed)
	require.Equal(t, []int{2, 1, 3, 1}, []int{got.Answered, got.Missed, got.SLAMet + got.SLABroken, got.SLABroken})
	require.Equal(t, ol.Votes{Asked: 2, Good: 1}, got.Votes) // b was asked as well
	require.InDelta(t, 0.5, got.Votes.Rate(), 0)
	require.Equal(t, ol.Summary{Count: 2, Median: 3 * time.Minute, P90: 6 * time.Minute, Mean: 3 * time.Minute}, got.FirstReply.Work)
	require.Equal(t, ol.Summary{Count: 1, Median: 15 * time.Minute, P90: 15 * time.Minute, Mean: 15 * time.Minute}, got.NextReply.Calendar)
	require.Equal(t, 3, got.Handling.Work.Count)
	require.Equal(t, 65*time.Minute, got.ToClose.Work.P90)
	a, b, c := got.Operators[0], got.Operators[1], got.Operators[2]
	require.Equal(t, []ol.UserID{A, B, C}, []ol.UserID{a.User, b.User, c.User})
	require.Equal(t, []int{2, 1, 0, 1, 0, 1}, []int{a.Offers, a.Expired, a.Declined, a.Answered, a.In, a.Out})
	require.Equal(t, []int{2, 0, 0, 1, 0, 0}, []int{b.Offers, b.Expired, b.Declined, b.Answered, b.In, b.Out})
	require.Equal(t, []int{2, 0, 1, 1, 1, 0}, []int{c.Offers, c.Expired, c.Declined, c.Answered, c.In, c.Out})
	require.Equal(t, 54*time.Minute, b.Handling.Work)
	require.Equal(t, 26*time.Minute, c.Handling.Work)
	require.Equal(t, ol.Votes{Asked: 1, Good: 1}, b.Votes)

	onlyB := ol.MakeReport(facts, ol.Filter{Operator: B}, w.now)
	require.Equal(t, []int{2, 1, 1}, []int{onlyB.Started, onlyB.FirstReply.Work.Count, len(onlyB.Operators)})
	for _, filter := range []ol.Filter{{Line: "other"}, {Channel: 99}, {From: w.now}, {To: w.time("10:00")}} {
		require.Zero(t, ol.MakeReport(facts, filter, w.now).Started, fmt.Sprint(filter))
	}
	require.Equal(t, 5, ol.MakeReport(facts, ol.Filter{Line: line, Channel: telegram, From: w.time("10:00"), To: w.now}, w.now).Started)
}

func TestLeadThatWasNeverMadeIsOrderedAgainOneDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	w.crmDown = true
	w.client("x")
	w.give(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}})
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	w.do(ol.MarkSpam, "x", A)
	w.at("2026-12-19 10:00").client("z")
	require.Contains(t, w.desk.Leads, "chat:x", "it may still be made")
	w.at("2026-12-21 10:30").client("z")
	require.NotContains(t, w.desk.Leads, "chat:x")
}
