package openlines_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// One lead per client, and whose it is, when things come in an unusual order
// (openlines reference §8).

// leadMade tells the desk that a lead with a key was made.
func (w *world) leadMade(key string) {
	item := ol.Item{Kind: "lead", ID: 77}
	require.Equal(w.t, ol.OK, w.give(ol.Event{Kind: ol.LeadCreated, CRM: &ol.CRMFacts{Identity: key, Item: item}}))
}

// phoneLearned tells the desk a better key of the client.
func (w *world) phoneLearned(chat ol.ChatID) {
	w.give(ol.Event{Kind: ol.ContactLearned, Session: w.id(chat), CRM: &ol.CRMFacts{Identity: "phone"}})
}

// responsibles lists the orders to change who is responsible.
func (w *world) responsibles() (out []ol.UserID) {
	for _, c := range w.commands {
		if c.Kind == ol.DoResponsible {
			out = append(out, c.User)
		}
	}
	return out
}

var notFound = ol.CRMFacts{Result: ol.LookupNotFound, Writable: true}

func TestAContactLearnedWhileTheLeadIsMadeMakesNoSecondLead(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x")
	w.lookedUp("x", notFound)
	w.phoneLearned("x")
	w.leadMade("chat:x")
	w.lookedUp("x", ol.CRMFacts{Result: ol.LookupNotFound, Writable: true, Identity: "phone"})
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	require.EqualValues(t, 77, w.session("x").CRM.Item.ID)

	w = crmIsDown(t).at("10:00").client("x")
	w.lookedUp("x", notFound)
	w.phoneLearned("x")
	w.lookedUp("x", ol.CRMFacts{Result: ol.LookupNotFound, Writable: true, Identity: "phone"})
	require.Len(t, w.ordered("x", ol.DoCreateLead), 1)
	w.leadMade("chat:x")
	require.EqualValues(t, 77, w.session("x").CRM.Item.ID)
}

func TestAContactLearnedLaterLeavesTheLeadToWhoRepliesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x")
	w.phoneLearned("x")
	w.reply("x", B)
	require.Equal(t, []ol.UserID{B}, w.responsibles())
}

func TestALeadMadeAfterTheFirstReplyStaysWithHisAuthor(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x").reply("x", B)
	w.lookedUp("x", notFound)
	require.Equal(t, B, w.ordered("x", ol.DoCreateLead)[0].User)
	w.leadMade("chat:x")
	w.client("x").reply("x", C)
	require.Empty(t, w.responsibles())
}

func TestAMessageThatBringsAContactIsLookedUpBeforeALeadIsMade(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t).at("10:00").client("x")
	w.lookedUp("x", ol.CRMFacts{Result: ol.LookupNotFound})
	message := w.wrote("x")
	message.Message.Writable, message.Message.Identity = true, "phone"
	w.step(message)
	require.Empty(t, w.ordered("x", ol.DoCreateLead))
	require.Len(t, w.ordered("x", ol.DoLookup), 2)
	w.lookedUp("x", notFound)
	require.Equal(t, "phone", w.ordered("x", ol.DoCreateLead)[0].Key)
}

// TestADeskUnderOlderRulesDecidesAsBefore: the histories of its run are replayed.
func TestADeskUnderOlderRulesDecidesAsBefore(t *testing.T) {
	t.Parallel()
	w := crmIsDown(t)
	w.desk.Rules = 0
	w.at("10:00").client("x")
	w.lookedUp("x", notFound)
	w.phoneLearned("x")
	w.lookedUp("x", notFound)
	require.Len(t, w.ordered("x", ol.DoCreateLead), 2)
	w.desk = reborn(w.desk)
	require.Zero(t, w.desk.Rules)
	require.Equal(t, ol.RulesNow, reborn(ol.NewDesk()).Rules)
}
