package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// S17: the client's deal belongs to R, who is no member and off duty.
func responsibleEmployeeIsAskedFirst(d *lineDesk) {
	const phone = "+34 600 170 017"
	deal := d.dealOf(phone, userR)
	c := d.client("s17", object{"name": "Known", "phone": phone}, "About my order")
	s := c.offered(userR)
	c.assigned(userR)
	require.Equal(d.t, 1, c.isTold(userR, waitsForYou))
	c.gets(welcome)
	require.Eventually(d.t, func() bool { return d.counter(userR) == 1 }, patience*20*time.Second, tick, "one chat counts for R")

	c.offered(userR, userA)
	c.assigned(userR, userA)
	log := until(d.records(s.ID), 2)
	d.requirePassedOn(log, 10)
	made := of(log, openlines.OfferMade)
	require.Equal(d.t, []any{openlines.DirectOffer, openlines.QueueOffer}, []any{made[0].Offered, made[1].Offered})
	require.Empty(d.t, of(log, openlines.RuleFired, openlines.PassEnded), "the first pass has only begun")

	a := d.shows(s.ID, "unread", func(a chatActivity) bool { return a.Badge != "" })
	require.Equal(d.t, []any{fmt.Sprint("deal:", deal), userR, false}, []any{a.Item, a.Responsible, a.Completed})
	require.Empty(d.t, d.leadsOf("Known"), "who is known needs no lead")
}

// dealOf makes a contact with a phone and an open deal of his.
func (d *lineDesk) dealOf(phone string, responsible int64) (deal int64) {
	d.t.Helper()
	var contact int64
	d.rest("crm.contact.add", object{"fields": object{"NAME": "Known", "PHONE": []object{{"VALUE": phone, "VALUE_TYPE": "WORK"}}}}, &contact)
	d.rest("crm.deal.add", object{"fields": object{"TITLE": "Order", "CONTACT_ID": contact, "ASSIGNED_BY_ID": responsible}}, &deal)
	return deal
}

// S23: two messages at once, one of them delivered twice.
func repeatedDeliveryChangesNothing(d *lineDesk) {
	c := d.client("s23", object{"name": "Hasty"}, "Hello")
	time.Sleep(200 * time.Millisecond)
	c.again(object{"messages": said("Are you there?"), "deliver": object{"duplicate": true}})
	s := c.waits("two messages", func(s lineSession) bool { return s.Unread == 2 && s.Item != nil })
	d.heard(c)
	log := d.records(s.ID)
	require.Len(d.t, of(log, openlines.MessageIn), 2)
	require.Equal(d.t, []string{"welcome"}, lineTexts(log))
	require.Equal(d.t, of(log, openlines.MessageIn)[0].At, s.WaitingSince, "it waits since the first message")
	c.gets(welcome)
	a := d.shows(s.ID, "two unread messages", func(a chatActivity) bool { return a.State == "Unread messages: 2" })
	require.Equal(d.t, []any{true, "puente_unread", false}, []any{a.Incoming, a.Badge, a.Completed})
	require.Len(d.t, d.leadsOf("Hasty"), 1)
	require.Len(d.t, c.sessions(), 1)
}

// heard waits until all that Chat2Desk has told of the client is handled.
func (d *lineDesk) heard(c *talks) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		var stats struct {
			Webhooks struct {
				Pending int `json:"pending"`
			} `json:"webhooks"`
		}
		d.call("GET", "http://"+d.chat+"/sandbox/stats", nil, &stats)
		backlog, _, err := d.store.InboxBacklog(context.Background())
		return err == nil && stats.Webhooks.Pending == 0 && backlog == 0
	}, patience*20*time.Second, tick, "events of client %d are still under way", c.Client)
}

// S25: the client writes twice while the line is closed; it opens soon. The
// hours are those of the wall clock, which no test can hurry.
func closedLineHoldsChatsUntilItOpens(d *lineDesk) {
	zone, opens := opening(time.Now())
	d.saveLine("s25", object{
		"pass_time": 30, "timezone": zone.String(), "hours_enabled": true,
		"special_days": object{opens.Format(time.DateOnly): []string{opens.Format("15:04") + "-" + opens.Add(3*time.Hour).Format("15:04")}},
	})
	c := d.client("s25", object{"name": "Early"}, "Hello")
	s := c.waits("held", func(s lineSession) bool { return s.State == "held" })
	c.gets(offhours)
	c.writes("Hello?")
	c.waits("still held, with both messages", func(s lineSession) bool { return s.State == "held" && s.Unread == 2 })
	require.Empty(d.t, d.offers(s.ID))

	c.offered(userA)
	c.replies(userA, "Good morning")
	s = c.waits("owned by A", func(s lineSession) bool { return s.Owner == userA })
	log := d.records(s.ID)
	asked, answered, first := of(log, openlines.MessageIn), of(log, openlines.MessageOut)[0], of(log, openlines.FirstReplied)[0]
	require.True(d.t, asked[1].At.Before(opens), "the machine is too slow: the line opened before the client had written twice")
	require.True(d.t, of(log, openlines.SessionStarted)[0].On, "it began while the line was closed")
	require.False(d.t, offerTimes(log)[0].Before(opens))
	require.Equal(d.t, answered.At.Sub(asked[0].At), first.Span.Calendar)
	require.Equal(d.t, answered.At.Sub(opens), first.Span.Work, "the working clock starts when the line opens")
	require.Equal(d.t, []string{"offhours"}, lineTexts(log))
	c.gets(offhours)
	c.assigned(userA)
	require.Equal(d.t, 1, d.statistics("s25").Total.OffHours)
}

// opening is a full minute that is long enough away to write twice before, in a
// zone in which it is day: no midnight disturbs.
func opening(now time.Time) (*time.Location, time.Time) {
	for _, name := range []string{"Europe/Madrid", "Asia/Tokyo", "Pacific/Honolulu"} {
		zone, err := time.LoadLocation(name)
		if hour := now.In(zone).Hour(); err == nil && hour >= 6 && hour < 18 {
			return zone, now.In(zone).Add(25*time.Second + time.Minute - 1).Truncate(time.Minute)
		}
	}
	return time.UTC, now // it is day somewhere
}
