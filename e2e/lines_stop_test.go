package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/lines"
	"puente/openlines"
	"puente/workflows"
)

// The lines of the stop: each has chats in which other timers are overdue
// afterwards. All are served by the same ten operators.
const (
	passLine  = "pass"  // offered, nobody answers: T_pass and T_unanswered
	owedLine  = "owed"  // the client waits for his owner: T_sla_next
	quietLine = "quiet" // the client has been answered and is silent: T_warning, T_autoclose
)

// passTime of all of them, in minutes.
const passTime = 30

var stopLines = map[string]object{
	passLine:  {"unanswered_time": 35},
	owedLine:  {"sla_next_reply": 20},
	quietLine: {"auto_close_time": 39, "auto_close_warning": 15, "auto_close_rule": "text"},
}

// stopped is the trial of a stop.
type stopped struct {
	*lineDesk
	staff      []int64
	crowds     map[string]map[string]*talks // by line
	down, back time.Time
}

// Everything stops for forty minutes while many chats are open, Temporal too.
// When it is back, each overdue timer has acted once at most, no client gets a
// heap of texts, nothing answered is offered again, and the statistics that were
// kept while all this happened are those of the log. The short form plays a minute
// in half a second.
func TestStopOfFortyMinutesActsOnceOnWhatIsOverdue(t *testing.T) {
	t.Parallel()
	chats, minute := soak(60, 500), time.Duration(soak(500, 4000))*time.Millisecond
	s := &stopped{lineDesk: startLines(t, minute, options{separateTemporal: true, settings: onlyLines}), crowds: map[string]map[string]*talks{}}
	s.staff = s.hire(10)
	given := map[string]object{}
	for line, change := range stopLines {
		given[line] = object{
			"members": members(s.staff...), "pass_time": passTime, "max_passes": 20, "max_pending_offers": 100, "close_rule": "none", "grace_time": 1,
		}
		for key, value := range change {
			given[line][key] = value
		}
	}
	s.lines(given)
	s.talk(chats)
	s.stop()
	s.requireOneOfEach()
	s.finishAll(chats)
	for line := range stopLines {
		s.requireNoHeap(line)
		s.requireAnsweredStays(line)
	}
	s.requireSameFigures()
}

// each does something with every chat of a line.
func (s *stopped) each(line string, do func(i int, c *talks)) {
	var group sync.WaitGroup
	i := 0
	for _, c := range s.crowds[line] {
		group.Go(func(i int, c *talks) func() { return func() { do(i, c) } }(i, c))
		i++
	}
	group.Wait()
}

// talk brings all chats to where the stop shall find them: half of them offered,
// a quarter owed an answer, a quarter answered. The last messages are accepted,
// but perhaps not handled when it returns.
func (s *stopped) talk(chats int) {
	s.t.Helper()
	s.crowds[owedLine] = s.crowd(owedLine, "Owed", chats/4)
	s.crowds[passLine] = s.crowd(passLine, "Pass", chats/2)
	s.crowds[quietLine] = s.crowd(quietLine, "Quiet", chats/4)
	s.all("begun", openlines.SessionStarted, map[string]int{owedLine: chats / 4, passLine: chats / 2, quietLine: chats / 4})
	s.all("offered", openlines.OfferMade, map[string]int{passLine: chats / 2})
	for _, line := range []string{owedLine, quietLine} {
		s.each(line, func(i int, c *talks) { c.replies(s.staff[i%len(s.staff)], "How can I help?") })
		s.all("answered", openlines.MessageOut, map[string]int{line: chats / 4})
	}
	s.each(owedLine, func(_ int, c *talks) { c.writes("My order has not come") })
	require.Eventually(s.t, func() bool {
		var stats struct {
			Webhooks struct {
				Pending int `json:"pending"`
			} `json:"webhooks"`
		}
		s.call(http.MethodGet, "http://"+s.chat+"/sandbox/stats", nil, &stats)
		return stats.Webhooks.Pending == 0
	}, patience*time.Minute, 10*time.Millisecond)
}

// all waits until there are as many records of a kind on the lines.
func (s *stopped) all(what string, kind openlines.RecordKind, wanted map[string]int) {
	s.t.Helper()
	for line, n := range wanted {
		require.Eventually(s.t, func() bool { return len(of(s.log(line), kind)) >= n },
			patience*time.Duration(soak(1, 5))*time.Minute, 200*time.Millisecond, "%d chats of %s are %s", n, line, what)
	}
}

// stop takes everything away for forty minutes.
func (s *stopped) stop() {
	s.t.Helper()
	open, err := s.store.CountLineSessions(context.Background(), "demo")
	require.NoError(s.t, err)
	for _, p := range append(s.workers, s.apiProc, s.temporalProc) {
		p.kill()
	}
	s.down = time.Now()
	time.Sleep(s.minutes(40))
	s.back = time.Now()
	s.temporalProc.start(s.t)
	s.apiProc.start(s.t)
	s.workers[0].start(s.t)
	s.ready("puente api", "http://"+s.api+"/readyz")
	s.t.Logf("down for %v with %v", s.back.Sub(s.down).Round(time.Second), open)
}

// requireOneOfEach waits until all that was overdue has acted, and wants each of
// it to have acted once.
func (s *stopped) requireOneOfEach() {
	s.t.Helper()
	s.acted("passed on", passLine, openlines.OfferMade)
	s.acted("told that it takes longer", passLine, openlines.RuleFired)
	s.acted("told of to supervisors", owedLine, openlines.AlertSent)
	s.acted("closed by themselves", quietLine, openlines.SessionFinished)
	for line := range stopLines {
		for id, log := range bySession(s.log(line)) {
			s.requireOnce(line, id, log)
		}
	}
}

// acted waits until a timer has acted in all chats of a line. Where the machine is
// so slow that it acted before the stop, that is told.
func (s *stopped) acted(what, line string, kind openlines.RecordKind) {
	s.t.Helper()
	all, since := map[openlines.SessionID]bool{}, map[openlines.SessionID]bool{}
	require.Eventually(s.t, func() bool {
		for _, r := range of(s.log(line), kind) {
			all[r.Session] = true
			if r.At.After(s.back) {
				since[r.Session] = true
			}
		}
		return len(all) == len(s.crowds[line]) && (kind != openlines.OfferMade || len(since) == len(all))
	}, patience*time.Duration(soak(1, 5))*time.Minute, 200*time.Millisecond, "all chats of %s are %s", line, what)
	s.t.Logf("line %s: %d of %d %s since it is back", line, len(since), len(all), what)
}

func bySession(log []openlines.Record) map[openlines.SessionID][]openlines.Record {
	out := map[openlines.SessionID][]openlines.Record{}
	for _, r := range log {
		out[r.Session] = append(out[r.Session], r)
	}
	return out
}

// requireOnce looks at one session: nobody was called while everything was down,
// an offer runs its whole time before it is passed on, and what happens once in a
// waiting cycle happened once.
func (s *stopped) requireOnce(line string, id openlines.SessionID, log []openlines.Record) {
	s.t.Helper()
	made := map[openlines.OfferID]time.Time{}
	for _, r := range of(log, openlines.OfferMade) {
		made[r.Offer] = r.At
		asleep := r.At.After(s.down.Add(time.Second)) && r.At.Before(s.back)
		require.False(s.t, asleep, "session %d of %s: offered while everything was down", id, line)
	}
	for _, r := range of(log, openlines.OfferEnded) {
		if r.Reason == "expired" {
			require.GreaterOrEqual(s.t, r.At.Sub(made[r.Offer]), s.minutes(passTime), "session %d of %s: offer %d ran too short", id, line, r.Offer)
		}
	}
	for _, kind := range []openlines.RecordKind{openlines.RuleFired, openlines.AlertSent, openlines.SessionFinished, openlines.SessionStarted} {
		require.LessOrEqual(s.t, len(of(log, kind)), 1, "session %d of %s: %s", id, line, kind)
	}
	texts, late := map[openlines.TextID]int{}, 0
	for _, r := range of(log, openlines.TextSent) {
		if texts[r.Text]++; r.At.After(s.back) && r.At.Before(s.back.Add(s.minutes(10))) {
			late++
		}
		require.Equal(s.t, 1, texts[r.Text], "session %d of %s: text %s again", id, line, r.Text)
	}
	require.LessOrEqual(s.t, late, 1, "session %d of %s: more than one text at once after the stop", id, line)
}

// finishAll lets the operators answer and finish what is open.
func (s *stopped) finishAll(chats int) {
	s.t.Helper()
	ctx, home := context.WithCancel(s.t.Context())
	var work sync.WaitGroup
	everybody := map[string]*talks{}
	for _, crowd := range s.crowds {
		maps.Copy(everybody, crowd)
	}
	for _, user := range s.staff {
		work.Go(func() { s.serve(ctx, user, everybody) })
	}
	s.each(owedLine, func(_ int, c *talks) {
		all := c.sessions()
		require.Len(s.t, all, 1)
		require.Equal(s.t, 1, all[0].Unread, "the last words before the stop are not lost")
		c.replies(all[0].Owner, "It comes tomorrow")
	})
	for line := range stopLines {
		s.closed(line, len(s.crowds[line]), time.Duration(soak(1, 10))*time.Minute)
	}
	home()
	work.Wait()
	s.t.Logf("%d chats closed %v after the stop", chats, time.Since(s.back).Round(time.Second))
}

// requireNoHeap compares what clients received with what the desk sent: nothing
// twice, and nothing else. What was too old when it could be sent is left out.
func (s *stopped) requireNoHeap(line string) {
	s.t.Helper()
	sent, late, received := 0, 0, 0
	for _, log := range bySession(s.log(line)) {
		sent += len(of(log, openlines.TextSent))
		for _, r := range of(log, openlines.TextSkipped) {
			if r.Reason == workflows.RefusedLate {
				late++
			}
		}
	}
	for _, c := range s.crowds[line] {
		seen := map[string]bool{}
		for _, text := range c.automatic() {
			require.False(s.t, seen[text], "client %d got a text twice: %s", c.Client, text)
			seen[text] = true
		}
		received += len(seen)
	}
	require.LessOrEqual(s.t, received, sent)
	s.t.Logf("line %s: %d texts sent, %d of them too late, %d received by %d clients", line, sent, late, received, len(s.crowds[line]))
}

// requireAnsweredStays wants nothing that somebody owned to have been offered again.
func (s *stopped) requireAnsweredStays(line string) {
	s.t.Helper()
	for id, log := range bySession(s.log(line)) {
		owned := false
		for _, r := range log {
			owned = owned || r.Kind == openlines.OwnerSet
			require.False(s.t, owned && r.Kind == openlines.OfferMade, "session %d of %s was answered and offered again", id, line)
		}
		require.Len(s.t, of(log, openlines.OwnerSet), 1, "session %d of %s", id, line)
	}
}

// requireSameFigures wants the statistics to be the same, to the last digit,
// whether they were kept while it happened or are computed from the log.
func (s *stopped) requireSameFigures() {
	s.t.Helper()
	for _, by := range lines.Splits() {
		for _, line := range []string{"", passLine, owedLine, quietLine} {
			live, log := s.figures(line, by, "kept"), s.figures(line, by, "log")
			require.NotZero(s.t, live.Total.Closed)
			require.NotEmpty(s.t, live.Groups)
			require.Equal(s.t, live, log, "line %q by %s", line, by)
		}
	}
	all := s.figures("", lines.ByLine, "kept").Total
	s.t.Logf("figures: %+v", all)
}

func (s *stopped) figures(line, by, source string) (out lines.Statistics) {
	s.t.Helper()
	query := url.Values{"from": {"2020-01-01"}, "by": {by}, "source": {source}}
	if line != "" {
		query.Set("line", line)
	}
	status := s.call(http.MethodGet, fmt.Sprintf("http://%s/v1/portals/demo/statistics?%s", s.api, query.Encode()), nil, &out)
	require.Equal(s.t, http.StatusOK, status)
	return out
}
