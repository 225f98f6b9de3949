package openlines_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Automatic texts that must not go out, and what counts as coming back
// (openlines reference §7, §9, §10).

func TestTheTextOfAPassThatEndedInAnOutageIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:12").sleep("10:31")
	w.step()
	w.autoTexts("x", "welcome 10:00", "unanswered skipped: late").holds("x", "A 10:36")

	w = newWorld(t).at("10:00").client("x").at("10:12").sleep("10:30")
	w.step()
	w.autoTexts("x", "welcome 10:00", "unanswered 10:30")
}

func TestABlockedClientGetsNoTextInAnOpenSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:01")
	w.give(ol.Event{Kind: ol.ClientBlocked, Chat: "x", On: true})
	w.at("10:16").reply("x", A).at("10:20")
	require.Equal(t, ol.OK, w.do(ol.Finish, "x", A))
	w.autoTexts("x", "welcome 10:00", "unanswered skipped: blocked", "vote_request skipped: blocked")
	require.Len(t, w.ordered("x", ol.DoSendText), 1)
}

func TestARequestThatWasRefusedAfterTheEndOpensNoVote(t *testing.T) {
	t.Parallel()
	w := owned(t, func(s *ol.Settings) { s.GraceTime = 0 }).at("11:00")
	w.do(ol.Finish, "x", B)
	closed := w.id("x")
	w.give(ol.Event{Kind: ol.TextRefused, Session: closed, Text: ol.TextVoteRequest, Reason: "window"})
	w.at("11:02").says("x", "1")
	require.NotEqual(t, closed, w.id("x"), "a message, which begins a session")
}

func TestOnlyAClientWhoComesBackReopens(t *testing.T) {
	t.Parallel()
	reopened := func(w *world) int {
		w.do(ol.Finish, "x", B)
		w.at("12:00").is("x", ol.Closed, 0)
		return ol.MakeReport(ol.Facts(w.records), ol.Filter{}, w.now).Reopened
	}
	require.Equal(t, 1, reopened(finished(t).at("11:05").client("x")))
	require.Zero(t, reopened(finished(t).at("11:05").reply("x", B)), "his operator had something to add")
	require.Zero(t, reopened(owned(t)))
}
