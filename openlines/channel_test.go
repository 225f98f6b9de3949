package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// assigned says that somebody gave the dialog of a chat to an operator in the
// channel.
func (w *world) assigned(chat ol.ChatID, to ol.UserID) ol.AnswerCode {
	w.t.Helper()
	return w.give(ol.Event{Kind: ol.DialogAssigned, Chat: chat, To: to})
}

// shut says that somebody closed the dialog of a chat there.
func (w *world) shut(chat ol.ChatID, by ol.UserID) ol.AnswerCode {
	w.t.Helper()
	return w.give(ol.Event{Kind: ol.DialogClosed, Chat: chat, By: by})
}

// closes is why the dialog of a chat was closed in the channel, each time.
func (w *world) closes(chat ol.ChatID) (reasons []string) {
	for _, c := range w.ordered(chat, ol.DoCloseDialog) {
		reasons = append(reasons, c.Reason)
	}
	return reasons
}

// last checks who holds the one open offer of a chat, and of what kind it is.
func (w *world) last(chat ol.ChatID, to ol.UserID, kind ol.OfferKind) *world {
	w.t.Helper()
	offers := w.session(chat).Offers
	require.Len(w.t, offers, 1)
	require.Equal(w.t, to, offers[0].To)
	require.Equal(w.t, kind, offers[0].Kind)
	return w
}

func TestAVoteClosesTheDialogAgain(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:02").says("x", "1").is("x", ol.Closed, 0)
	require.Equal(t, []string{"operator", "vote"}, w.closes("x"), "as each message of the client it has opened it")
	w.at("11:03").says("x", "0")
	require.Equal(t, []string{"operator", "vote", "vote"}, w.closes("x"), "also the one that has no effect")
	last := w.commands[len(w.commands)-1]
	require.Equal(t, ol.Command{Kind: ol.DoCloseDialog, Session: 1, Chat: "x", Line: line, Reason: "vote"}, last)
	require.Equal(t, ol.NoChange, w.shut("x", 0), "its echo changes nothing")
	require.Len(t, w.sessions["x"], 1)
}

func TestAVoteInTheGraceTimeClosesTheDialogAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.VoteCloseOnReceipt = false }).at("10:00").client("x").reply("x", A).at("11:00")
	w.do(ol.Finish, "x", A)
	w.at("11:02").says("x", "1").is("x", ol.Closing, A)
	require.Equal(t, []string{"operator", "vote"}, w.closes("x"))
	require.Equal(t, ol.NoChange, w.shut("x", 0))
	w.is("x", ol.Closing, A)
}

func TestAVoteInAnOpenSessionLeavesTheDialogOpen(t *testing.T) {
	t.Parallel()
	w := finished(t).at("11:03").says("x", "thanks").at("11:04").says("x", "1").is("x", ol.Active, B)
	require.Equal(t, []string{"operator"}, w.closes("x"))
}

func TestClientWhoComesBackIsGivenToTheOwnerAgain(t *testing.T) {
	t.Parallel()
	w := finished(t)
	before := len(w.ordered("x", ol.DoAssign))
	w.at("11:03").says("x", "one more question").is("x", ol.Active, B)
	orders := w.ordered("x", ol.DoAssign)
	require.Len(t, orders, before+1)
	require.Equal(t, B, orders[before].User)
}

func TestAssignmentInTheChannelTakesWhatWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("10:00").client("x").is("x", ol.Waiting, 0)
	require.Equal(t, ol.OK, w.assigned("x", B))
	w.last("x", B, ol.TakenOffer).is("x", ol.Offered, 0)
	require.Equal(t, ol.NoChange, w.assigned("x", B), "he has it already")
	w.reply("x", B).is("x", ol.Active, B)
	require.Equal(t, ol.NoChange, w.assigned("x", B))
}

func TestAssignmentInTheChannelHandsOverWhatOthersHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").last("x", A, ol.QueueOffer)
	require.Equal(t, ol.NoChange, w.assigned("x", A))
	require.Equal(t, ol.OK, w.assigned("x", C))
	w.last("x", C, ol.TransferOffer).reply("x", C).is("x", ol.Active, C)
	require.Equal(t, ol.OK, w.assigned("x", B))
	w.is("x", ol.Active, C).last("x", B, ol.TransferOffer)
}

func TestAssignmentInTheChannelToNoMemberIsATransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("10:00").client("x").is("x", ol.Waiting, 0)
	require.Equal(t, ol.OK, w.assigned("x", R))
	w.last("x", R, ol.TransferOffer)
	w.dismiss(D)
	require.Equal(t, ol.NotEligible, w.assigned("x", D))
}

func TestAssignmentInTheChannelAcceptsAnOfferToAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode, s.AnsweredBy = ol.OfferAll, ol.AnsweredByAccept }).at("10:00").client("x")
	require.Equal(t, ol.OK, w.assigned("x", B))
	w.is("x", ol.Active, B).holds("x")
}

func TestCloseInTheChannelFinishesTheSession(t *testing.T) {
	t.Parallel()
	for by, want := range map[ol.UserID]ol.CloseReason{B: ol.ByOperator, C: ol.ByOtherEmployee, R: ol.ByOtherEmployee, 0: ol.BySystem} {
		w := owned(t).at("11:00")
		require.Equal(t, ol.OK, w.shut("x", by))
		w.is("x", ol.Closing, B)
		require.Equal(t, string(want), w.of("x", ol.SessionFinished)[0].Reason)
		require.Equal(t, ol.NoChange, w.shut("x", by))
	}
}

func TestCloseOfAnEarlierSessionComesTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x")
	late := ol.Event{Kind: ol.DialogClosed, Chat: "x", Happened: w.now.Add(-6 * time.Second)}
	require.Equal(t, ol.NoChange, w.give(late))
	late.ID, late.Happened = "", w.now.Add(-3*time.Second)
	require.Equal(t, ol.OK, w.give(late), "clocks differ a little")

	w = newWorld(t).at("10:40") // what was sent while nobody could receive it
	began := w.wrote("x")
	began.Happened = w.time("10:00")
	w.step(began)
	late = ol.Event{Kind: ol.DialogClosed, Chat: "x", Happened: w.time("09:59:59")}
	require.Equal(t, ol.NoChange, w.give(late))
	require.Equal(t, ol.NoChange, w.give(ol.Event{Kind: ol.DialogAssigned, Chat: "x", To: C, Happened: w.time("09:59:59")}))
	late.ID, late.Happened = "", w.time("10:05")
	require.Equal(t, ol.OK, w.give(late))
}

func TestWhoKnowsTheChatOnlyReachesItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, ol.NoChange, w.assigned("x", A))
	require.Equal(t, ol.NoChange, w.give(ol.Event{Kind: ol.ContactLearned, Chat: "x"}))
	w.crm.Writable = false
	w.at("10:00").client("x")
	require.Zero(t, w.leads)
	w.crm.Writable = true
	require.Equal(t, ol.OK, w.give(ol.Event{Kind: ol.ContactLearned, Chat: "x", CRM: &ol.CRMFacts{Identity: "p1", Writable: true}}))
	require.EqualValues(t, 1, w.leads)
	require.Equal(t, ol.UnknownSession, w.give(ol.Event{Kind: ol.Finish, By: A}), "neither session nor chat")
	require.Equal(t, ol.NotAllowed, w.give(ol.Event{Kind: ol.DialogAssigned, Chat: "x"}), "to nobody")
}
