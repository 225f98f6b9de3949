package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/lines"
	"puente/openlines"
)

// owned is a chat that B owns: he replied first.
func (d *lineDesk) owned(line, name string) (*talks, lineSession) {
	d.t.Helper()
	c := d.client(line, object{"name": name}, "Hello")
	c.waits("offered, and shown in the CRM", func(s lineSession) bool { return s.State == "offered" && s.Item != nil })
	c.replies(userB, "Good day")
	s := c.waits("owned by B", func(s lineSession) bool { return s.State == "active" && s.Owner == userB })
	return c, s
}

// S38: B finishes, and the client rates him.
func voteAfterTheEndIsNoMessage(d *lineDesk) {
	c, s := d.owned("s38", "Content")
	d.shows(s.ID, "answered, B's", func(a chatActivity) bool { return !a.Completed && a.Badge == "" && a.Responsible == userB })
	c.isWith(userB)
	c.closes()
	c.gets(welcome, voteAsked)
	c.writes("1")
	s = c.waits("closed by the vote", func(s lineSession) bool { return s.State == "closed" })
	c.gets(welcome, voteAsked, voteThanks)
	d.heard(c)
	log := d.records(s.ID)
	end, vote, closed := of(log, openlines.SessionFinished), of(log, openlines.VoteGiven), of(log, openlines.SessionEnded)
	require.Equal(d.t, []any{1, 1, 1}, []any{len(end), len(vote), len(closed)})
	require.Equal(d.t, []any{openlines.VoteGood, openlines.UserID(userB)}, []any{vote[0].Vote, vote[0].User})
	require.Equal(d.t, []any{end[0].At, "operator", 0}, []any{s.FinishedAt, s.Reason, s.Unread})
	require.Less(d.t, closed[0].At.Sub(end[0].At), d.minutes(60), "before the grace time is over")
	require.Empty(d.t, of(log, openlines.SessionReopened))
	a := d.shows(s.ID, "finished", func(a chatActivity) bool { return a.Completed })
	require.Equal(d.t, []any{"", "Finished"}, []any{a.Badge, a.State})
	requireTimes(d.t, a, s.StartedAt, end[0].At)
	c.isClosed()
	require.Len(d.t, c.sessions(), 1)

	all := d.statistics("s38")
	require.Equal(d.t, []int{1, 1, 0}, []int{all.Total.Votes.Requested, all.Total.Votes.Good, all.Total.Votes.Bad})
	i := slices.IndexFunc(all.Total.Operators, func(o lines.OperatorFigures) bool { return o.User == userB })
	require.Equal(d.t, 1, all.Total.Operators[i].Votes.Good)
}

// requireTimes wants the times of a chat on its activity, in the zone of the line.
func requireTimes(t testing.TB, a chatActivity, created, closed time.Time) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	const layout = "Jan 2, 2006 15:04"
	require.Equal(t, []string{"Closed: " + closed.In(zone).Format(layout), "Created: " + created.In(zone).Format(layout)}, a.Blocks)
}

// S49: B hands the chat to C in Chat2Desk, to whom it had been offered before, and
// C does not take it.
func chatThatAColleagueDoesNotTakeComesBack(d *lineDesk) {
	c, _ := d.owned("s49", "Handed")
	c.isWith(userB)
	c.handsTo(userC)
	require.Equal(d.t, 1, c.isTold(userC, "A colleague hands a chat over to you"))
	require.Equal(d.t, 1, c.isTold(userB, "Your colleague did not take this chat"))
	c.isWith(userB)
	s := c.waits("B's again", func(s lineSession) bool { return s.State == "active" && s.Owner == userB && len(s.Offers) == 0 })
	log := d.records(s.ID)
	made, over := of(log, openlines.OfferMade), of(log, openlines.OfferEnded)
	side, end := made[len(made)-1], over[len(over)-1]
	require.Equal(d.t, []any{userC, openlines.TransferOffer, side.Offer, "expired"}, []any{int64(side.User), side.Offered, end.Offer, end.Reason})
	require.GreaterOrEqual(d.t, end.At.Sub(side.At), d.minutes(30))
	require.Len(d.t, of(log, openlines.OwnerSet), 1, "B owned it all the time")
	require.Empty(d.t, of(log, openlines.TransferDone))
}

// S44: B replied and the client is silent for an hour. Another client writes
// shortly before it is over.
func quietChatClosesByItself(d *lineDesk) {
	quiet, s := d.owned("s44", "Quiet")
	lively, other := d.owned("s44", "Lively")
	replied := of(d.records(s.ID), openlines.MessageOut)[0].At
	due := of(d.records(other.ID), openlines.MessageOut)[0].At.Add(d.minutes(60))
	time.Sleep(time.Until(due.Add(-d.minutes(5))))
	lively.writes("One more thing")
	lively.waits("unread again", func(s lineSession) bool { return s.Unread == 1 })

	s = quiet.waits("finished by itself", func(s lineSession) bool { return s.Reason == "auto" })
	end := of(d.records(s.ID), openlines.SessionFinished)
	require.GreaterOrEqual(d.t, end[0].At.Sub(replied), d.minutes(60))
	quiet.gets(welcome, "We have not heard from you for a while")
	d.shows(s.ID, "finished", func(a chatActivity) bool { return a.Completed && a.Badge == "" })
	quiet.isClosed()

	time.Sleep(time.Until(due.Add(d.minutes(1))))
	d.shows(other.ID, "one unread message", func(a chatActivity) bool { return !a.Completed && a.State == "Unread messages: 1" })
	log := d.records(other.ID)
	require.True(d.t, of(log, openlines.MessageIn)[1].At.Before(due), "the machine is too slow: the hour was over before the client wrote")
	require.Empty(d.t, of(log, openlines.SessionFinished))
	other = lively.waits("open, its client waiting", func(s lineSession) bool { return s.State == "active" })
	require.Equal(d.t, []any{userB, 1}, []any{other.Owner, other.Unread})
	lively.gets(welcome)
}
