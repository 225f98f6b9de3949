package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/settings"
)

// onlyLines keeps closed dialogs out of the CRM: what is looked at there comes
// from open lines alone.
func onlyLines(s *settings.Settings) {
	s.Tags = settings.Tags{Mode: settings.TagsOnly, IDs: []int64{1}}
}

// hire brings people who work on lines: users of the portal with an operator in
// Chat2Desk each, on duty.
func (d *lineDesk) hire(n int) (users []int64) {
	d.t.Helper()
	for i := range n {
		var user int64
		name := fmt.Sprintf("Hand%02d", i)
		d.rest("user.add", object{"EMAIL": name + "@example.com", "NAME": name, "UF_DEPARTMENT": []int{1}}, &user)
		var made struct {
			Data struct {
				ID int64 `json:"id"`
			} `json:"data"`
		}
		d.chatAPI(http.MethodPost, "operators", object{"email": name + "@example.com", "first_name": name}, &made)
		d.operators[user] = made.Data.ID
		users = append(users, user)
	}
	d.saveOperators()
	for _, user := range users {
		d.operator(user, object{"presence": "online"})
	}
	return users
}

// crowd lets so many new clients write on a line at once, two messages each. It
// gives their chats by id.
func (d *lineDesk) crowd(line, name string, n int) map[string]*talks {
	d.t.Helper()
	chats := make([]*talks, n)
	began := time.Now()
	var group sync.WaitGroup
	for i := range chats {
		group.Go(func() {
			chats[i] = d.client(line, object{"name": fmt.Sprintf("%s%03d", name, i)}, "Hello", "Is anybody there?")
		})
	}
	group.Wait()
	d.t.Logf("%d clients of %s wrote within %v", n, line, time.Since(began).Round(time.Millisecond))
	out := map[string]*talks{}
	for _, c := range chats {
		out[fmt.Sprintf("%d-%d", c.Client, c.Channel)] = c
	}
	return out
}

// mine are the sessions that are offered to a user or his own.
func (d *lineDesk) mine(user int64) []lineSession {
	d.t.Helper()
	var page struct {
		Items []lineSession `json:"items"`
	}
	d.call(http.MethodGet, fmt.Sprintf("http://%s/v1/portals/demo/sessions?limit=200&operator=%d&state=offered,active", d.api, user), nil, &page)
	return page.Items
}

// serve lets an operator answer each client who is offered to him, once, and
// finish those whom he has answered, as a person does who has both windows open.
func (d *lineDesk) serve(ctx context.Context, user int64, chats map[string]*talks) {
	answered := map[int64]bool{}
	for ctx.Err() == nil {
		for _, s := range d.mine(user) {
			switch c := chats[s.Chat]; {
			case s.State == "offered" && !answered[s.ID]:
				c.replies(user, "Here I am")
				answered[s.ID] = true
			case s.State == "active" && s.Owner == user && s.Unread == 0:
				c.act(s.ID, "finish", object{"by": user}) // what fails is tried again in a moment
			}
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// killWorkers kills one worker each second, one after the other, and starts it
// again at once. It gives the time of the last start.
func (d *lineDesk) killWorkers(kills int) time.Time {
	for i := range kills {
		time.Sleep(time.Second)
		victim := d.workers[i%len(d.workers)]
		victim.kill()
		victim.start(d.t)
	}
	return time.Now()
}

// closed waits until so many sessions of a line are closed and no other is there.
func (d *lineDesk) closed(line string, n int, within time.Duration) []openlines.Record {
	d.t.Helper()
	var log []openlines.Record
	require.Eventually(d.t, func() bool {
		open, err := d.store.CountLineSessions(context.Background(), "demo")
		if err != nil || len(open) > 0 {
			return false
		}
		log = d.log(line)
		return len(of(log, openlines.SessionEnded)) >= n
	}, patience*within, 250*time.Millisecond, "%d sessions are closed: %s", n, standing{d})
	return log
}

// standing prints where the sessions stand when a wait fails.
type standing struct{ d *lineDesk }

func (s standing) String() string {
	open, err := s.d.store.CountLineSessions(context.Background(), "demo")
	return fmt.Sprint(open, err)
}

// Clients write in the same second to a line of ten operators with limits, and
// three workers share the work, of which one is killed each second while the
// operators answer and finish. Then the log is recounted.
func TestBurstOfChatsIsSharedFairlyWhileWorkersAreKilled(t *testing.T) {
	t.Parallel()
	chats, kills, minute := soak(60, 200), soak(6, 60), time.Duration(soak(1, 4))*time.Second
	d := startLines(t, minute, options{workers: 3, settings: onlyLines})
	staff := d.hire(10)
	limit, pending := 4, 2
	d.lines(map[string]object{"burst": {
		"members": members(staff...), "member_limit": limit, "max_pending_offers": pending, "pass_time": 30, "close_rule": "none", "grace_time": 0,
		"auto_text_max_age": 120, "max_passes": 20,
	}})
	crowd := d.crowd("burst", "Crowd", chats)

	began := time.Now()
	ctx, home := context.WithCancel(t.Context())
	var work sync.WaitGroup
	var calm time.Time
	work.Go(func() { calm = d.killWorkers(kills) })
	for _, user := range staff {
		work.Go(func() { d.serve(ctx, user, crowd) })
	}
	log := d.closed("burst", chats, time.Duration(soak(1, 5))*time.Minute)
	took := time.Since(began)
	home()
	work.Wait()

	r := recounted(t, log, recount{members: userIDs(staff), limit: limit, pending: pending, calm: calm})
	require.LessOrEqual(t, r.idle, time.Minute, "I7: somebody waited although somebody was free")
	require.Len(t, r.chats, chats)
	t.Logf("%d chats answered and finished in %v with %d kills, %d offers; the most that one had: %d; fairness spread %d; idle at most %v",
		chats, took.Round(time.Second), kills, len(of(log, openlines.OfferMade)), r.busiest, r.spread, r.idle.Round(time.Millisecond))
	d.requireMessages(log, 2*chats)
	d.requireGreeted(crowd)
	d.requireOneLeadEach(crowd)
}

func userIDs(users []int64) (out []openlines.UserID) {
	for _, user := range users {
		out = append(out, openlines.UserID(user))
	}
	return out
}

// requireMessages is I3: each message of a client came into a session, once, and
// each session is answered.
func (d *lineDesk) requireMessages(log []openlines.Record, n int) {
	d.t.Helper()
	unread := map[string]bool{}
	in := of(log, openlines.MessageIn)
	for _, r := range in {
		require.False(d.t, unread[r.Message], "message %s twice", r.Message)
		unread[r.Message] = true
	}
	require.Len(d.t, in, n)
	for _, r := range of(log, openlines.MessageOut) {
		for _, message := range r.Seen {
			delete(unread, message)
		}
	}
	require.Empty(d.t, unread, "messages that nobody answered")
}

// requireGreeted wants each client to have got one welcome.
func (d *lineDesk) requireGreeted(crowd map[string]*talks) {
	d.t.Helper()
	for _, c := range crowd {
		var greetings int
		require.Eventually(d.t, func() bool {
			greetings = 0
			for _, text := range c.automatic() {
				if strings.HasPrefix(text, welcome) {
					greetings++
				}
			}
			return greetings > 0
		}, patience*20*time.Second, 50*time.Millisecond, "client %d got no welcome", c.Client)
		require.Equal(d.t, 1, greetings, "client %d", c.Client)
	}
}

// requireOneLeadEach wants one lead for each client.
func (d *lineDesk) requireOneLeadEach(crowd map[string]*talks) {
	d.t.Helper()
	var names []string
	require.Eventually(d.t, func() bool {
		names = nil
		for _, lead := range d.ours(leadType) {
			names = append(names, fmt.Sprint(lead["name"]))
		}
		return len(names) >= len(crowd)
	}, patience*20*time.Second, 250*time.Millisecond, "%d leads", len(crowd))
	require.Len(d.t, names, len(crowd))
	slices.Sort(names)
	require.Len(d.t, slices.Compact(names), len(crowd), "a client has two leads, another none")
}
