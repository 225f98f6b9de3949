package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/store"
)

// TestOpenLinesFollowPeopleInTheCRM: what people do with a chat in the CRM comes
// back as events of the portal, to which Puente has subscribed by itself.
func TestOpenLinesFollowPeopleInTheCRM(t *testing.T) {
	t.Parallel()
	d := startLines(t, lineMinute, options{})
	d.handsOver()
	require.Empty(t, d.crmEvents().Handlers, "without lines nothing is needed")
	d.lines(map[string]object{"s47": nil, "moved": nil, "lost": nil, "webhook": nil})
	d.isSubscribed()
	t.Run("s47 s48", func(t *testing.T) { completedActivityClosesTheSession(d.on(t)) })
	t.Run("moved", func(t *testing.T) { chosenResponsibleGetsTheCounter(d.on(t)) })
	t.Run("lost", func(t *testing.T) { lostEventIsFoundByLooking(d.on(t)) })
	t.Run("webhook", func(t *testing.T) { outgoingWebhookTellsTheSame(d.on(t)) })
}

// handsOver lets the portal install the application as it does: by calling us.
func (d *lineDesk) handsOver() {
	d.t.Helper()
	p, err := d.store.Portal(context.Background(), "demo")
	require.NoError(d.t, err)
	p.Bitrix24.MemberID = bitrix24.DefaultMemberID
	require.NoError(d.t, d.store.SavePortal(context.Background(), p))
	var answer bitrix24.HandlerAnswer
	d.post("http://"+d.bitrix+"/sandbox/install", object{
		"handler_url": "http://" + d.api + "/webhooks/bitrix24/demo/install/" + p.InstallKey(),
	}, &answer)
	require.Equal(d.t, http.StatusOK, answer.Status, answer.Body)
}

// crmEvents is how the portal sends its events.
func (d *lineDesk) crmEvents() (out bitrix24.EventState) {
	d.t.Helper()
	d.call(http.MethodGet, "http://"+d.bitrix+"/sandbox/events", nil, &out)
	return out
}

// isSubscribed waits until the portal sends us all events that lines need.
func (d *lineDesk) isSubscribed() {
	d.t.Helper()
	var got []string
	require.Eventually(d.t, func() bool {
		got = nil
		for _, h := range d.crmEvents().Handlers {
			if h.URL == portals.EventsURL("http://"+d.api, "demo") {
				got = append(got, h.Event)
			}
		}
		return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(portals.LineEvents())))
	}, patience*30*time.Second, tick, "subscribed to %v", &got)
}

// completes is what a person does with the check mark of an activity.
func (d *lineDesk) completes(user, activity int64, completed bool) {
	d.t.Helper()
	d.put(fmt.Sprintf("http://%s/sandbox/activities/%d", d.bitrix, activity), object{"user_id": user, "completed": completed})
}

// echoed waits until the portal has told of an activity so often, and Puente has
// dealt with everything it was told.
func (d *lineDesk) echoed(activity int64, times int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		state, told := d.crmEvents(), 0
		for _, e := range state.Last {
			if e.Event == "ONCRMACTIVITYUPDATE" && e.ID == fmt.Sprint(activity) && e.Status == http.StatusOK {
				told++
			}
		}
		waiting, _, err := d.store.InboxBacklog(context.Background())
		return told >= times && state.Waiting == 0 && err == nil && waiting == 0
	}, patience*30*time.Second, tick, "activity %d is told %d times", activity, times)
}

// S47 and S48: a person completes the activity, and the client writes later.
func completedActivityClosesTheSession(d *lineDesk) {
	c, s := d.owned("s47", "Settled")
	chat := d.shows(s.ID, "answered, B's", func(a chatActivity) bool { return !a.Completed && a.Badge == "" && a.Responsible == userB })
	d.echoed(chat.ID, 1)
	require.Equal(d.t, "active", c.waits("untouched by our own echoes", func(s lineSession) bool { return s.ID != 0 }).State)
	require.Equal(d.t, 1, d.counter(userB))

	d.completes(userB, chat.ID, true)
	s = c.waits("closed by the CRM", func(s lineSession) bool { return s.State == "closed" })
	require.Equal(d.t, []any{"crm", 0}, []any{s.Reason, s.Unread})
	c.gets(welcome, voteAsked)
	chat = d.shows(s.ID, "finished", func(a chatActivity) bool { return a.Completed && a.State == "Finished" })
	require.Empty(d.t, chat.Badge)
	require.Zero(d.t, d.counter(userB))
	require.Eventually(d.t, func() bool { _, state := c.dialog(); return state == "closed" }, patience*20*time.Second, tick)

	// The person's click, the mark that followed, and a change of mind: none of them does more.
	d.completes(userB, chat.ID, false)
	d.completes(userB, chat.ID, true)
	d.echoed(chat.ID, 4)
	log := d.records(s.ID)
	require.Equal(d.t, []int{1, 1, 0},
		[]int{len(of(log, openlines.SessionFinished)), len(of(log, openlines.SessionEnded)), len(of(log, openlines.SessionReopened))})
	require.Equal(d.t, []string{"welcome", "vote_request"}, lineTexts(log))
	require.Len(d.t, c.sessions(), 1)

	c.writes("One more question")
	next := c.waits("a new session", func(n lineSession) bool { return n.ID != s.ID && n.Item != nil })
	require.Equal(d.t, []any{s.ID, 1}, []any{next.Parent, next.Unread})
	require.Equal(d.t, s.Item, next.Item, "one lead for one client")
	fresh := d.shows(next.ID, "one unread message", func(a chatActivity) bool { return !a.Completed && a.State == "Unread messages: 1" })
	require.NotEqual(d.t, chat.ID, fresh.ID)
	require.NotEmpty(d.t, fresh.Badge)
	require.Equal(d.t, 1, d.counter(fresh.Responsible))
	require.True(d.t, d.activities(s.ID)[0].Completed, "the old one stays completed")
	require.Eventually(d.t, func() bool {
		return slices.EqualFunc(c.automatic(), []string{welcome, voteAsked, welcome}, strings.HasPrefix)
	}, patience*20*time.Second, tick, "a new session, a new welcome")
	c.replies(userB, "Yes?") // leaves nobody waiting
	c.waits("owned by B", func(s lineSession) bool { return s.State == "active" })
}

// A person gives the lead to C before anybody has replied: the counter goes to
// C, and a first reply by B does not take the lead away from C.
func chosenResponsibleGetsTheCounter(d *lineDesk) {
	c := d.client("moved", object{"name": "Moved"}, "Hello")
	s := c.waits("offered, and shown in the CRM", func(s lineSession) bool { return s.State == "offered" && s.Item != nil })
	d.shows(s.ID, "A's", func(a chatActivity) bool { return a.Responsible == userA })
	require.Equal(d.t, "lead", s.Item.Kind)
	d.put(fmt.Sprintf("http://%s/sandbox/entities/lead/%d", d.bitrix, s.Item.ID), object{"user_id": userBoss, "responsible_id": userC})
	d.shows(s.ID, "C's", func(a chatActivity) bool { return a.Responsible == userC && !a.Completed })
	c.replies(userB, "Good day")
	c.waits("owned by B", func(s lineSession) bool { return s.State == "active" && s.Owner == userB })
	d.shows(s.ID, "answered", func(a chatActivity) bool { return !a.Completed && a.Badge == "" && a.Responsible == userB })
	require.Equal(d.t, userC, d.responsibleFor(s.Item.ID), "whom a person chose")
}

// responsibleFor is who is responsible for a lead.
func (d *lineDesk) responsibleFor(lead int64) int64 {
	d.t.Helper()
	var got struct {
		Item struct {
			Responsible json.Number `json:"assignedById"`
		} `json:"item"`
	}
	d.rest("crm.item.get", object{"entityTypeId": leadType, "id": lead}, &got)
	user, err := got.Item.Responsible.Int64()
	require.NoError(d.t, err)
	return user
}

// The portal sends each event once. If it is lost, a look at the open chats finds
// what was done.
func lostEventIsFoundByLooking(d *lineDesk) {
	c, s := d.owned("lost", "Lost")
	chat := d.shows(s.ID, "answered, B's", func(a chatActivity) bool { return !a.Completed && a.Responsible == userB })
	d.echoed(chat.ID, 1)
	before := d.crmEvents().Lost
	d.put("http://"+d.bitrix+"/sandbox/events", object{"lose": 1})
	d.completes(userB, chat.ID, true)
	require.Equal(d.t, before+1, d.crmEvents().Lost)
	s = c.waits("closed by the CRM", func(s lineSession) bool { return s.State == "closed" })
	require.Equal(d.t, "crm", s.Reason)
	c.gets(welcome, voteAsked)
}

// A portal that removed the application is left with its webhooks: the chat is an
// incoming call, and the events come by an outgoing webhook that a person made.
func outgoingWebhookTellsTheSame(d *lineDesk) {
	d.withoutApplication()
	c, s := d.owned("webhook", "Plain")
	var call store.LineWrite
	require.Eventually(d.t, func() bool {
		var err error
		call, _, err = d.store.LineWrite(context.Background(), "demo", store.MarkKey(openlines.SessionID(s.ID)))
		return err == nil && call.ExternalID != 0
	}, patience*20*time.Second, tick)
	d.showsCall(call.ExternalID, "Answered", "N")
	d.echoed(call.ExternalID, 1)
	d.completes(userB, call.ExternalID, true)
	s = c.waits("closed by the CRM", func(s lineSession) bool { return s.State == "closed" })
	require.Equal(d.t, "crm", s.Reason)
	c.gets(welcome, voteAsked)
	d.showsCall(call.ExternalID, "Finished", "Y")
	d.echoed(call.ExternalID, 3)
	require.Len(d.t, of(d.records(s.ID), openlines.SessionFinished), 1)
}

// withoutApplication removes the application, and makes an outgoing webhook whose
// token is told to Puente as a person tells it.
func (d *lineDesk) withoutApplication() {
	d.t.Helper()
	address := portals.EventsURL("http://"+d.api, "demo")
	var answer bitrix24.HandlerAnswer
	d.post("http://"+d.bitrix+"/sandbox/uninstall", object{"handler_url": address}, &answer)
	require.Equal(d.t, http.StatusOK, answer.Status, answer.Body)
	var made struct {
		Token string `json:"application_token"`
	}
	d.post("http://"+d.bitrix+"/sandbox/outgoing", object{"handler_url": address, "events": portals.LineEvents()}, &made)
	p, err := d.store.Portal(context.Background(), "demo")
	require.NoError(d.t, err)
	require.Empty(d.t, p.Bitrix24.RefreshToken, "forgotten with the application")
	p.Bitrix24.ApplicationToken = made.Token
	require.NoError(d.t, d.store.SavePortal(context.Background(), p))
	require.Eventually(d.t, func() bool {
		resp, err := http.PostForm(address, url.Values{"event": {"ONAPPTEST"}, "auth[application_token]": {made.Token}}) //nolint:noctx // a test
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode == http.StatusOK
	}, patience*20*time.Second, tick, "the token is known to the API")
}

// showsCall waits until a call in the CRM begins with a state, and is completed or not.
func (d *lineDesk) showsCall(id int64, state, completed string) {
	d.t.Helper()
	var row struct {
		Subject   string `json:"SUBJECT"`
		Completed string `json:"COMPLETED"`
		Type      string `json:"TYPE_ID"`
		Direction string `json:"DIRECTION"`
	}
	require.Eventually(d.t, func() bool {
		d.rest("crm.activity.get", object{"id": id}, &row)
		return strings.HasPrefix(row.Subject, state) && row.Completed == completed && row.Type+row.Direction == "21"
	}, patience*20*time.Second, tick, "%s, completed %s; but %+v", state, completed, &row)
}
