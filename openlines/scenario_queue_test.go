package openlines_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ol "puente/openlines"
)

// Scenarios S01 to S16 of the reference: the queue.

func TestS01FourClientsGoRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.at("10:00:00").client("a").at("10:00:01").client("b").at("10:00:02").client("c").at("10:00:03").client("d")
	w.offers("a", "A 10:00").offers("b", "B 10:00:01").offers("c", "C 10:00:02").offers("d", "A 10:00:03")
	for _, chat := range []ol.ChatID{"a", "b", "c", "d"} {
		w.autoTexts(chat, "welcome "+w.clock(w.session(chat).Started))
	}
}

func TestS02WhoWasAwayIsNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t).presence(B, ol.Offline)
	w.at("10:00").client("a", "b", "c", "d").presence(B, ol.Online).client("e")
	w.offers("a", "A 10:00").offers("b", "C 10:00").offers("c", "A 10:00").offers("d", "C 10:00").offers("e", "B 10:00")
}

func TestS03AFullPassThenTheTextThenAReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:21").reply("x", B)
	w.offers("x", "A 10:00", "B 10:05", "C 10:10", "A 10:15", "B 10:20").autoTexts("x", "welcome 10:00", "unanswered 10:15")
	w.is("x", ol.Active, B)
	require.Equal(t, ol.Span{Work: 21 * time.Minute, Calendar: 21 * time.Minute}, w.of("x", ol.FirstReplied)[0].Span)
}

func TestS04StrictBeginsAtTheTop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.Strict })
	w.at("10:00").client("x").at("10:06").client("y")
	w.offers("x", "A 10:00", "B 10:05").offers("y", "A 10:06")
}

func TestS05TheFirstReplyWinsAmongAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll })
	w.at("10:00").client("x").offers("x", "A 10:00 all", "B 10:00 all", "C 10:00 all")
	w.at("10:02").reply("x", B).at("10:02:01")
	require.Equal(t, ol.OfferExpired, w.answerOffer(ol.Accept, "x", C))
	w.is("x", ol.Active, B).holds("x")
	require.Len(t, w.ordered("x", ol.DoWithdraw), 3)
}

func TestS06ALateMemberJoinsAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.Mode = ol.OfferAll })
	w.members = append(w.members, D)
	w.lineChanged().at("10:00").client("x").at("10:03").presence(D, ol.Online)
	w.offers("x", "A 10:00 all", "B 10:00 all", "C 10:00 all", "D 10:03 all").holds("x", "A", "B", "C", "D")
}

func TestS07NobodyIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only().at("10:00").client("x").is("x", ol.Waiting, 0).at("10:30").presence(A, ol.Online)
	w.offers("x", "A 10:30").autoTexts("x", "welcome 10:00", "unanswered 10:05")
}

func TestS08TheOldestGetsTheFreeOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MemberLimit = 1 }).only(A)
	w.at("09:59:30").client("busy").reply("busy", A).at("10:00").client("x").at("10:01").client("y")
	w.at("10:02")
	require.Equal(t, ol.OK, w.do(ol.Finish, "busy", A))
	w.offers("x", "A 10:02").is("y", ol.Waiting, 0)
}

func TestS09AFloodOnALimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MemberLimit = 3 }).only(A)
	w.at("10:00").step(w.wrote("a"), w.wrote("b"), w.wrote("c"), w.wrote("d"), w.wrote("e"))
	for _, chat := range []ol.ChatID{"a", "b", "c"} {
		w.is(chat, ol.Offered, 0)
	}
	w.is("d", ol.Waiting, 0).is("e", ol.Waiting, 0)
}

func TestS10AFreeSlotIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *ol.Settings) { s.MemberLimit = 3 }).only(A)
	w.at("10:00").client("a", "b", "c").reply("a", A).reply("b", A).reply("c", A).client("d", "e").at("10:02")
	require.Equal(t, ol.OK, w.do(ol.Finish, "b", A))
	w.offers("d", "A 10:02").is("e", ol.Waiting, 0)
}

func TestS11MondayMorning(t *testing.T) {
	t.Parallel()
	w := newWorld(t).only(A).at("2026-11-21 10:00")
	var chats []ol.ChatID
	for i := range 30 {
		chat := ol.ChatID(rune('a'+i/10)) + ol.ChatID(rune('0'+i%10))
		chats = append(chats, chat)
		w.client(chat).is(chat, ol.Held, 0)
		w.until(w.now.Add(time.Second))
	}
	w.at("2026-11-23 09:00")
	for i, chat := range chats {
		if i < 5 {
			w.offers(chat, "A 2026-11-23 09:00")
		} else {
			w.is(chat, ol.Waiting, 0)
		}
	}
	for i := range 10 {
		w.until(w.now.Add(time.Second)).reply(chats[i], A).is(chats[i+5], ol.Offered, 0).is(chats[i+6], ol.Waiting, 0)
	}
}

func TestS12ADeclineGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:01")
	require.Equal(t, ol.OK, w.answerOffer(ol.Decline, "x", A))
	w.offers("x", "A 10:00", "B 10:01").holds("x", "B 10:06")
	w.at("10:15:59").offers("x", "A 10:00", "B 10:01", "C 10:06", "A 10:11") // A comes back with the next pass only
}

func TestS13ALateReplyStillCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:06").reply("x", A).is("x", ol.Active, A).holds("x")
	withdrawn := w.ordered("x", ol.DoWithdraw)
	require.Equal(t, B, withdrawn[len(withdrawn)-1].User)
}

func TestS14ALateAcceptDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:06")
	require.Equal(t, ol.OfferExpired, w.answerOffer(ol.Accept, "x", A))
	w.is("x", ol.Offered, 0).holds("x", "B 10:10")
}

func TestS15AReplyInTimeBeatsTheTimer(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:04:59")
	reply := w.replied("x", A)
	w.at("10:05:02").step(reply)
	w.is("x", ol.Active, A).holds("x")
	require.Equal(t, 4*time.Minute+59*time.Second, w.of("x", ol.FirstReplied)[0].Span.Calendar)

	w = newWorld(t).at("10:00").client("x").at("10:04:59")
	reply = w.replied("x", A)
	w.sleep("10:05:02").step(reply) // the timer was late as well
	w.is("x", ol.Active, A).offers("x", "A 10:00")
}

func TestS16MoreMessagesMoveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("10:00").client("x").at("10:03").client("x")
	w.holds("x", "A 10:05").waitsSince("x", "10:00")
	w.at("10:05").offers("x", "A 10:00", "B 10:05")
}
