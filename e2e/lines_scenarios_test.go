package e2e

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lineMinute is what counts as a minute of the settings of lines: short enough
// to play an hour, long enough for a slow machine to answer within five.
const lineMinute = 1500 * time.Millisecond

// lineScenarios are scenarios of the open lines reference §12, by their numbers.
// What they give beside the base are settings of the line.
var lineScenarios = map[string]struct {
	given object
	play  func(*lineDesk)
}{
	"s01": {nil, fourClientsGoRoundThreeMembers},
	"s03": {object{"close_rule": "none", "grace_time": 0}, silentMembersPassTheChatOn}, // closed at once, so that figures count it
	"s05": {object{"mode": "all"}, firstReplyWinsWhatAllHave},
	"s09": {object{"member_limit": 3, "members": members(userA, userR, userBoss)}, limitLeavesClientsWaiting},
	"s12": {nil, declinedChatGoesOnAtOnce},
	"s17": {nil, responsibleEmployeeIsAskedFirst},
	"s23": {nil, repeatedDeliveryChangesNothing},
	"s25": {nil, closedLineHoldsChatsUntilItOpens},
	"s38": {nil, voteAfterTheEndIsNoMessage},
	"s44": {object{"auto_close_time": 60, "auto_close_rule": "text"}, quietChatClosesByItself},
}

// All play at the same time at one desk, each on a line of its own: turns, limits
// and settings belong to the line, and only waiting takes long.
func TestOpenLinesKeepTheScenarios(t *testing.T) {
	t.Parallel()
	d := startLines(t, lineMinute, options{})
	given := map[string]object{}
	for name, scenario := range lineScenarios {
		given[name] = scenario.given
	}
	d.lines(given)
	var all sync.WaitGroup
	for name, scenario := range lineScenarios {
		all.Go(func() { t.Run(name, func(t *testing.T) { scenario.play(d.on(t)) }) })
	}
	all.Wait()
}

// S52: the service is away while an offer runs out, and Temporal with it. What is
// overdue takes effect once, from the state at recovery.
func TestOutageOfOpenLinesCostsOnePass(t *testing.T) {
	t.Parallel()
	d := startLines(t, lineMinute, options{separateTemporal: true})
	d.lines(map[string]object{"s52": nil})
	c := d.client("s52", object{"name": "Patient"}, "Is anybody there?")
	s := c.waits("offered to A", func(s lineSession) bool { return s.offeredTo(userA) })
	c.gets(welcome)
	c.isWith(userA)
	c.isTold(userA, waitsForYou)
	require.Empty(t, ended(d.records(s.ID), "expired"), "the machine is too slow: the offer ran out before the service was stopped")

	for _, p := range append(d.workers, d.apiProc, d.temporalProc) {
		p.kill()
	}
	time.Sleep(40 * time.Second) // several pass times, and longer than a text may be late
	back := time.Now()
	d.temporalProc.start(t)
	d.apiProc.start(t)
	d.workers[0].start(t)
	d.ready("puente api", "http://"+d.api+"/readyz")

	c.waits("passed on to B", func(s lineSession) bool { return s.offeredTo(userB) })
	c.isWith(userB)
	c.waits("and to C after a whole pass time", func(s lineSession) bool { return s.offeredTo(userC) })
	log := d.records(s.ID)
	requireOffers(t, log, userA, userB, userC)
	requirePassedOn(t, d, log)
	require.Equal(t, []int64{userA, userB}, ended(log, "expired"))
	require.Truef(t, offerTimes(log)[1].After(back), "the pass happened after the outage")
	require.Equal(t, []string{"welcome"}, lineTexts(log))
	c.gets(welcome)
	require.Equal(t, 1, c.isTold(userA, waitsForYou))
	require.Equal(t, 1, c.isTold(userB, waitsForYou))
	require.Len(t, c.sessions(), 1)
}
