package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

const waitsForYou = "A chat is waiting for your answer"

// offerTimes are when the offers of a session were made.
func offerTimes(log []openlines.Record) (out []time.Time) {
	for _, r := range of(log, openlines.OfferMade) {
		out = append(out, r.At)
	}
	return out
}

// requireOffers wants a session to have been offered to these users, in this order.
func requireOffers(t testing.TB, log []openlines.Record, wanted ...int64) {
	t.Helper()
	require.Equal(t, wanted, users(of(log, openlines.OfferMade)))
}

// until is the log of a session up to an offer, counted from one.
func until(log []openlines.Record, offer int) []openlines.Record {
	last := of(log, openlines.OfferMade)[offer-1].No
	return log[:slices.IndexFunc(log, func(r openlines.Record) bool { return r.No == last })+1]
}

// requirePassedOn wants each offer that expired to have run so many minutes, and
// the next one to have been made in the same step.
func (d *lineDesk) requirePassedOn(log []openlines.Record, minutes float64) {
	t := d.t
	t.Helper()
	offered := of(log, openlines.OfferMade)
	over := map[openlines.OfferID]openlines.Record{}
	for _, r := range of(log, openlines.OfferEnded) {
		over[r.Offer] = r
	}
	for i, offer := range offered[:len(offered)-1] {
		end := over[offer.Offer]
		require.Equal(t, end.At, offered[i+1].At, "offer %d is followed at once", i)
		if end.Reason == "expired" {
			require.GreaterOrEqual(t, end.At.Sub(offer.At), d.minutes(minutes), "offer %d runs its time", i)
		}
	}
}

// S01: four clients, one after the other.
func fourClientsGoRoundThreeMembers(d *lineDesk) {
	var chats [4]*talks
	var turns [4]int64
	for i, next := range []int64{userA, userB, userC, userA} {
		c := d.client("s01", object{"name": fmt.Sprint("Turn ", i)}, "Hello")
		c.offered(next)
		chats[i], turns[i] = c, next
	}
	for i, c := range chats {
		c.gets(welcome)
		c.assigned(turns[i])
		require.Equal(d.t, 1, c.isTold(turns[i], waitsForYou))
	}
}

// S03: nobody answers for a whole pass; B answers in the second one.
func silentMembersPassTheChatOn(d *lineDesk) {
	c := d.client("s03", object{"name": "Patience"}, "Hello")
	c.offered(userA, userB, userC, userA, userB)
	c.replies(userB, "Sorry for the delay")
	s := c.waits("owned by B", func(s lineSession) bool { return s.State == "active" && s.Owner == userB })
	log := d.records(s.ID)
	requireOffers(d.t, log, userA, userB, userC, userA, userB)
	d.requirePassedOn(log, 5)
	require.Equal(d.t, []int64{userA, userB, userC, userA}, ended(log, "expired"))
	require.Equal(d.t, []int64{userB}, ended(log, "answered"))

	rule := of(log, openlines.RuleFired, openlines.PassEnded)
	require.Len(d.t, rule, 2, "one pass is complete, and the rule fires once")
	require.Equal(d.t, offerTimes(log)[3], rule[1].At, "as the next pass begins with A")
	require.Equal(d.t, []string{"welcome", "unanswered"}, lineTexts(log))
	c.gets(welcome, unanswered)
	c.assigned(userA, userB, userC, userA, userB)
	for user, times := range map[int64]int{userA: 2, userB: 2, userC: 1} {
		require.Equal(d.t, times, c.isTold(user, waitsForYou), "user %d", user)
	}

	asked, answered, first := of(log, openlines.MessageIn)[0], of(log, openlines.MessageOut)[0], of(log, openlines.FirstReplied)[0]
	require.Equal(d.t, answered.At.Sub(asked.At), first.Span.Calendar)
	require.GreaterOrEqual(d.t, first.Span.Calendar, d.minutes(20))
	a := d.shows(s.ID, "answered", func(a chatActivity) bool { return a.Badge == "" && a.Responsible == userB })
	require.False(d.t, a.Completed)
	require.Eventually(d.t, func() bool {
		leads := d.leadsOf("Patience")
		return len(leads) == 1 && leads[0]["assignedById"] == float64(userB)
	}, patience*20*time.Second, tick, "the lead was A's, who had the first offer, and is B's now, who replied first")
	requireFigures(d, c, s, first)
}

// requireFigures ends the chat of S03 and looks at what the statistics make of it.
func requireFigures(d *lineDesk, c *talks, s lineSession, first openlines.Record) {
	status, code := c.act(s.ID, "finish", object{"by": userB})
	require.Equal(d.t, []any{http.StatusOK, "ok"}, []any{status, code})
	c.waits("closed", func(s lineSession) bool { return s.State == "closed" && s.Reason == "operator" })
	all := d.statistics("s03")
	require.Equal(d.t, []int{1, 1, 0, 1}, []int{all.Total.Closed, all.Total.Answered, all.Total.Missed, all.Total.Fired})
	require.InDelta(d.t, first.Span.Calendar.Seconds(), all.Total.FirstReply.Calendar.Median, 0.001)
	for i, want := range [][]int{{int(userA), 2, 2, 0}, {int(userB), 2, 1, 1}, {int(userC), 1, 1, 0}} {
		o := all.Total.Operators[i]
		require.Equal(d.t, want, []int{int(o.User), o.Offers, o.Expired, o.Answered})
	}
}

// S05: everybody has it; the first reply wins, and who accepts later is told so.
func firstReplyWinsWhatAllHave(d *lineDesk) {
	c := d.client("s05", object{"name": "All"}, "Hello")
	s := c.offered(userA, userB, userC)
	offer := s.Offers[2].ID
	for _, user := range []int64{userA, userB, userC} {
		require.Equal(d.t, 1, c.isTold(user, waitsForYou))
	}
	holder, _ := c.dialog()
	require.Zero(d.t, holder, "in Chat2Desk it is nobody's yet")
	c.replies(userB, "I can help")
	c.waits("owned by B", func(s lineSession) bool { return s.State == "active" && s.Owner == userB })
	status, code := c.act(s.ID, "accept", object{"by": userC, "offer": offer})
	require.Equal(d.t, []any{http.StatusConflict, "offer_expired"}, []any{status, code})
	c.assigned(userB)
	log := d.records(s.ID)
	requireOffers(d.t, log, userA, userB, userC)
	require.Equal(d.t, []int64{userA, userB, userC}, ended(log, "answered"))
	require.Len(d.t, of(log, openlines.OwnerSet), 1)
}

// S09: A may have three sessions, and nobody else is on duty.
func limitLeavesClientsWaiting(d *lineDesk) {
	chats := make([]*talks, 5)
	for i := range chats {
		chats[i] = d.client("s09", object{"name": fmt.Sprint("Crowd ", i)}, "Hello")
	}
	count := map[string]int{}
	require.Eventually(d.t, func() bool {
		clear(count)
		for _, c := range chats {
			for _, s := range c.sessions() {
				count[s.State]++
			}
		}
		return count["offered"] == 3 && count["waiting"] == 2
	}, patience*20*time.Second, tick, "three offers, two wait: %v", &count)
	var log []openlines.Record
	for _, c := range chats {
		c.gets(welcome)
		log = append(log, d.records(c.sessions()[0].ID)...)
	}
	requireExactly(d.t, 3, log)
	require.Empty(d.t, of(log, openlines.OpenToAll))
}

// requireExactly wants so many offers, all to A, before the first of them ended.
func requireExactly(t testing.TB, n int, log []openlines.Record) {
	t.Helper()
	var first int64
	for _, r := range of(log, openlines.OfferEnded) {
		if first == 0 || r.No < first {
			first = r.No
		}
	}
	made := 0
	for _, r := range of(log, openlines.OfferMade) {
		require.Equal(t, userA, int64(r.User))
		if first == 0 || r.No < first {
			made++
		}
	}
	require.Equal(t, n, made)
}

// S12: A declines, and is not asked again in this pass.
func declinedChatGoesOnAtOnce(d *lineDesk) {
	c := d.client("s12", object{"name": "Declined"}, "Hello")
	s := c.offered(userA)
	offer := object{"by": userA, "offer": of(d.records(s.ID), openlines.OfferMade)[0].Offer}
	status, code := c.act(s.ID, "decline", offer)
	require.Equal(d.t, []any{http.StatusOK, "ok"}, []any{status, code})
	c.offered(userA, userB)
	status, code = c.act(s.ID, "decline", offer)
	require.Equal(d.t, []any{http.StatusConflict, "offer_expired"}, []any{status, code})
	require.Equal(d.t, 1, c.isTold(userB, waitsForYou))

	c.offered(userA, userB, userC, userA)
	c.assigned(userA, userB, userC, userA)
	log := until(d.records(s.ID), 4)
	d.requirePassedOn(log, 10)
	require.Equal(d.t, []int64{userA}, ended(log, "declined"))
	require.Equal(d.t, []int64{userB, userC}, ended(log, "expired"))
	require.Equal(d.t, offerTimes(log)[3], of(log, openlines.PassEnded)[0].At, "A's second offer begins the next pass")
}
