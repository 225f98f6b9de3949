package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lineMinute is what counts as a minute of the settings of lines: short enough
// to play an hour, long enough for a slow machine to answer within five.
const lineMinute = 1500 * time.Millisecond

// Offers run longer than the five minutes of the reference where nothing comes of
// it but time: for scenarios that have to act before they run out (as long as the
// CRM may take to answer, too), and for those in which none does.
var (
	middlePass = object{"pass_time": 10}
	longPass   = object{"pass_time": 30}
)

// lineScenarios are scenarios of the open lines reference §12, by their numbers.
// What they give beside the base are settings of the line.
var lineScenarios = map[string]struct {
	given object
	play  func(*lineDesk)
}{
	"s01": {longPass, fourClientsGoRoundThreeMembers},
	"s03": {object{"close_rule": "none", "grace_time": 0}, silentMembersPassTheChatOn}, // closed at once, so that figures count it
	"s05": {object{"mode": "all", "pass_time": 30}, firstReplyWinsWhatAllHave},
	"s09": {object{"member_limit": 3, "pass_time": 30, "members": members(userA, userR, userBoss)}, limitLeavesClientsWaiting},
	"s12": {middlePass, declinedChatGoesOnAtOnce},
	"s17": {middlePass, responsibleEmployeeIsAskedFirst},
	"s23": {longPass, repeatedDeliveryChangesNothing},
	"s25": {longPass, closedLineHoldsChatsUntilItOpens},
	"s38": {object{"pass_time": 30, "grace_time": 60}, voteAfterTheEndIsNoMessage},
	"s49": {object{"pass_time": 30, "members": members(userC, userA, userB)}, chatThatAColleagueDoesNotTakeComesBack},
	"s44": {object{"pass_time": 30, "auto_close_time": 60, "auto_close_rule": "text"}, quietChatClosesByItself},
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
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(lineScenarios))) { // the longest first
		all.Go(func() { t.Run(name, func(t *testing.T) { lineScenarios[name].play(d.on(t)) }) })
		time.Sleep(lineMinute) // a crowd is tested elsewhere
	}
	all.Wait()
}

// These need a desk of their own: who is on duty, and the service itself, concern all lines.
func TestOpenLinesKeepTheScenariosOfADesk(t *testing.T) {
	t.Parallel()
	d := startLines(t, 2*time.Second, options{separateTemporal: true})
	d.lines(map[string]object{"s02": longPass, "s52": nil})
	t.Run("s02", func(t *testing.T) { whoIsOffInChat2DeskGetsNothing(d.on(t)) })
	t.Run("s52", func(t *testing.T) { outageCostsOnePass(d.on(t)) })
}

// S02: B goes off in Chat2Desk, and comes back.
func whoIsOffInChat2DeskGetsNothing(d *lineDesk) {
	d.inChat(userB, false, "s02", userA)
	for i, next := range []int64{userA, userC, userA, userC} {
		c := d.client("s02", object{"name": fmt.Sprint("Off ", i)}, "Hello")
		c.offered(next)
	}
	d.inChat(userB, true, "s02", userB)
	c := d.client("s02", object{"name": "Fifth"}, "Hello")
	c.offered(userB)
	c.assigned(userB)
}

// inChat lets an operator come or go in Chat2Desk, and waits until
// the desk knows: it would offer the next chat of the line to somebody.
func (d *lineDesk) inChat(user int64, online bool, line string, next int64) {
	d.t.Helper()
	d.chatAPI(http.MethodPut, fmt.Sprint("operators/", d.operators[user]), object{"online": online}, nil)
	var preview struct {
		Offered []int64 `json:"offered"`
		Why     string  `json:"sentence"`
	}
	require.Eventually(d.t, func() bool {
		status := d.call(http.MethodGet, "http://"+d.api+"/v1/portals/demo/lines/"+line+"/preview", nil, &preview)
		return status == http.StatusOK && slices.Equal(preview.Offered, []int64{next}) && strings.Contains(preview.Why, "offline") != online
	}, patience*20*time.Second, tick, "offered to user %d next; but %+v", next, &preview)
}

// S52: the service is away while an offer runs out, and Temporal with it. What is
// overdue takes effect once, from the state at recovery.
func outageCostsOnePass(d *lineDesk) {
	c := d.client("s52", object{"name": "Patient"}, "Is anybody there?")
	s := c.offered(userA)
	c.gets(welcome)
	c.assigned(userA)
	c.isTold(userA, waitsForYou)
	require.Empty(d.t, ended(d.records(s.ID), "expired"), "the machine is too slow: the offer ran out before the service was stopped")

	for _, p := range append(d.workers, d.apiProc, d.temporalProc) {
		p.kill()
	}
	time.Sleep(d.minutes(20)) // four pass times, and longer than a text may be late
	back := time.Now()
	d.temporalProc.start(d.t)
	d.apiProc.start(d.t)
	d.workers[0].start(d.t)
	d.ready("puente api", "http://"+d.api+"/readyz")

	c.offered(userA, userB, userC)
	c.assigned(userA, userB, userC)
	log := until(d.records(s.ID), 3)
	d.requirePassedOn(log, 5)
	require.Equal(d.t, []int64{userA, userB}, ended(log, "expired"))
	require.True(d.t, offerTimes(log)[1].After(back), "the pass happened after the outage")
	require.Equal(d.t, []string{"welcome"}, lineTexts(log))
	c.gets(welcome)
	require.Equal(d.t, 1, c.isTold(userA, waitsForYou))
	require.Equal(d.t, 1, c.isTold(userB, waitsForYou))
	require.Len(d.t, c.sessions(), 1)
}
