package openlines_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Scenarios S17 to S24 and S46 to S48 of the reference: the CRM.

var deal = ol.Item{Kind: "deal", ID: 500}

// known makes R responsible for the deal of every client.
func (w *world) known() *world {
	w.crm = ol.CRMFacts{Result: ol.LookupFound, Item: deal, Responsible: R}
	return w
}

func TestS17TheResponsibleEmployeeComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x").holds("x", "R 10:05").at("10:05")
	w.offers("x", "R 10:00 direct", "A 10:05")
}

func TestS18NotWhileOnLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known()
	w.give(ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: R, OnLeave: true}})
	w.at("10:00").client("x").offers("x", "A 10:00")
}

func TestS19TheResponsibleEmployeeKeepsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.CRMForwardPass = ol.ForwardKeep }).known()
	w.at("10:00").client("x").at("17:00")
	w.offers("x", "R 10:00 direct").holds("x", "R").autoTexts("x", "welcome 10:00", "unanswered 10:05")
}

func TestS20OneLeadOfTheFirstOfferedThenOfWhoReplies(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").reply("x", B).client("x").reply("x", C)
	created := w.ordered("x", ol.DoCreateLead)
	require.Len(t, created, 1)
	require.Equal(t, A, created[0].User)
	var changes []ol.Command
	for _, c := range w.commands {
		if c.Kind == ol.DoResponsible {
			changes = append(changes, c)
		}
	}
	require.Len(t, changes, 1)
	require.Equal(t, []ol.UserID{A, B}, []ol.UserID{changes[0].From, changes[0].User})
}

func TestS20APersonChoseAnotherResponsible(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x")
	w.give(ol.Event{Kind: ol.ResponsibleChanged, CRM: &ol.CRMFacts{Item: w.session("x").CRM.Item, Responsible: V}})
	w.reply("x", B)
	for _, c := range w.commands {
		require.NotEqual(t, ol.DoResponsible, c.Kind)
	}
}

func TestS21NoLeadWithoutAWayBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crm = ol.CRMFacts{Result: ol.LookupNotFound}
	w.at("10:00").client("x").at("10:04")
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
	require.Len(t, w.of("x", ol.LeadRefused), 1)
	w.give(ol.Event{Kind: ol.ContactLearned, Session: w.id("x"), CRM: &ol.CRMFacts{Identity: "phone"}})
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	require.Equal(t, "phone", w.ordered("x", ol.DoCreateLead)[0].Key)
	require.Equal(t, ol.Item{Kind: "lead", ID: 1}, w.session("x").CRM.Item)
}

func TestS22TheCRMIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crmDown = true
	w.at("10:00").client("x").autoTexts("x", "welcome 10:00").at("10:00:09.999").is("x", ol.Waiting, 0)
	w.at("10:20").offers("x", "A 10:00:10", "B 10:05:10", "C 10:10:10", "A 10:15:10")
	w.give(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupUnknown, Writable: true}})
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
	w.crmDown = false
	w.give(ol.Event{Kind: ol.LookupDone, Session: w.id("x"), CRM: &ol.CRMFacts{Result: ol.LookupNotFound}})
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
}

func TestS22AnUnknownClientIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crm = ol.CRMFacts{Result: ol.LookupUnknown}
	w.at("10:00").client("x").offers("x", "A 10:00")
}

func TestS23RepeatsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00")
	first := w.wrote("x")
	w.until(w.now.Add(200e6))
	second := w.wrote("x")
	require.Equal(t, ol.OK, w.step(first))
	require.Equal(t, ol.OK, w.step(second))
	require.Equal(t, ol.Repeated, w.step(first))
	require.Len(t, w.sessions["x"], 1)
	require.Len(t, w.of("x", ol.TextSent), 1)
	require.Len(t, w.of("x", ol.MessageIn), 2)
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	require.Equal(t, 2, w.mark("x").Unread)
}

func TestS24OneLeadForTwoChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crm.Identity = "the phone"
	w.at("10:00").step(w.wrote("whatsapp"), w.wrote("telegram"))
	require.Len(t, w.desk.Sessions, 2)
	require.EqualValues(t, 1, w.leads)
	require.Equal(t, ol.Item{Kind: "lead", ID: 1}, w.session("whatsapp").CRM.Item)
	require.Equal(t, ol.Item{Kind: "lead", ID: 1}, w.session("telegram").CRM.Item)
}

func TestS46TheMessagingWindowIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.AutoCloseTime, s.AutoCloseRule = 60, ol.CloseRating })
	w.at("10:00")
	w.window = w.time("11:00")
	w.client("x").at("10:14").reply("x", B).at("11:14")
	w.is("x", ol.Closing, B).autoTexts("x", "welcome 10:00", "vote_request skipped: window")
	require.Empty(t, w.of("x", ol.VoteAsked))
	require.Equal(t, "auto", w.ended("x"))
}

func TestS47APersonCompletesTheActivity(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x").reply("x", B).at("12:00")
	completed := ol.Event{Kind: ol.ActivityChanged, Session: w.id("x"), On: true, Version: w.mark("x").Version}
	require.Equal(t, ol.OK, w.give(completed))
	w.is("x", ol.Closed, 0).autoTexts("x", "welcome 10:00", "vote_request 12:00")
	require.Equal(t, "crm", w.ended("x"))
	require.Equal(t, ol.SessionClosed, w.give(completed), "the echo of what we wrote")
	require.False(t, w.mark("x").Open)
}

func TestS47TheEchoOfAnOlderMarkClosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x").reply("x", B).at("10:10")
	w.do(ol.Finish, "x", B)
	completed := w.mark("x").Version
	w.at("10:11").client("x").is("x", ol.Active, B)
	require.Equal(t, ol.NoChange, w.give(ol.Event{Kind: ol.ActivityChanged, Session: w.id("x"), On: true, Version: completed}))
	require.Equal(t, ol.NoChange, w.give(ol.Event{Kind: ol.ActivityChanged, Session: w.id("x"), Version: w.mark("x").Version}), "reopened by hand")
	w.is("x", ol.Active, B)
	require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.ActivityChanged, Session: w.id("x"), On: true, Version: w.mark("x").Version}))
	w.is("x", ol.Closed, 0)
}

func TestS48ANewSessionAfterTheCRMClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t).known().at("10:00").client("x").reply("x", B).at("12:00")
	w.give(ol.Event{Kind: ol.ActivityChanged, Session: w.id("x"), On: true})
	first := w.id("x")
	w.at("12:05").says("x", "hello again")
	require.Equal(t, first, w.session("x").Parent)
	m := w.mark("x")
	require.True(t, m.Open)
	require.Equal(t, 1, m.Unread)
	require.Equal(t, 1, m.Counter())
}
