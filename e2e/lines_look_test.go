package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/lines"
	"puente/openlines"
)

// tick is how often is looked: each look costs a loaded machine.
const tick = 200 * time.Millisecond

// decodeInto reads a JSON answer, if it is wanted.
func decodeInto(t testing.TB, raw []byte, out any) {
	t.Helper()
	if out != nil {
		require.NoError(t, json.Unmarshal(raw, out), string(raw))
	}
}

// rawAs makes a request with another token than the API's.
func (s *stack) rawAs(token, method, address string, body any) (int, []byte) {
	s.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(s.t, err)
	req, err := http.NewRequest(method, address, strings.NewReader(string(raw))) //nolint:noctx // bounded by the test
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, out
}

// lineSession is a session as the API shows it.
type lineSession struct {
	ID           int64     `json:"id"`
	State        string    `json:"state"`
	Attention    string    `json:"attention"`
	Chat         string    `json:"chat"`
	Parent       int64     `json:"parent"`
	Owner        int64     `json:"owner"`
	Unread       int       `json:"unread"`
	WaitingSince time.Time `json:"waiting_since"`
	StartedAt    time.Time `json:"started_at"`
	FinishedAt   time.Time `json:"finished_at"`
	ClosedAt     time.Time `json:"closed_at"`
	Reason       string    `json:"reason"`
	Offers       []struct {
		ID   int64  `json:"id"`
		User int64  `json:"user"`
		Kind string `json:"kind"`
	} `json:"offers"`
	Item *struct {
		Kind string `json:"kind"`
		ID   int64  `json:"id"`
	} `json:"item"`
	Log []struct {
		Kind string `json:"kind"`
		Text string `json:"text"`
	} `json:"log"`
}

// sessions are all sessions of a chat, the first one first.
func (c *talks) sessions() (out []lineSession) {
	c.t.Helper()
	var page struct {
		Items []lineSession `json:"items"`
	}
	c.call(http.MethodGet, fmt.Sprintf("http://%s/v1/portals/demo/sessions?limit=200&line=%s", c.api, c.line), nil, &page)
	for _, s := range page.Items {
		if s.Chat == fmt.Sprintf("%d-%d", c.Client, c.Channel) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b lineSession) int { return int(a.ID - b.ID) })
	return out
}

// waits gives the last session of the chat as soon as it is as wanted, with its log.
func (c *talks) waits(what string, as func(lineSession) bool) lineSession {
	c.t.Helper()
	var last lineSession
	require.Eventually(c.t, func() bool {
		if all := c.sessions(); len(all) > 0 {
			last = all[len(all)-1]
		}
		return as(last)
	}, patience*time.Minute, tick, "%s; but: %s", what, story{c, &last})
	c.call(http.MethodGet, fmt.Sprintf("http://%s/v1/portals/demo/sessions/%d", c.api, last.ID), nil, &last)
	return last
}

// story prints the log of a session when a wait fails.
type story struct {
	c    *talks
	last *lineSession
}

func (s story) String() string {
	if s.last.ID == 0 {
		return "there is no session"
	}
	out := fmt.Sprintf("%+v", *s.last)
	for _, r := range s.c.records(s.last.ID) {
		out += fmt.Sprintf("\n%d %s %s: %s", r.No, r.At.Format("15:04:05.000"), r.Kind, r.Sentence(time.UTC))
	}
	return out
}

// records are the log of a session as it is stored: with exact times.
func (d *lineDesk) records(session int64) []openlines.Record {
	d.t.Helper()
	all, err := d.store.SessionRecords(context.Background(), "demo", openlines.SessionID(session))
	require.NoError(d.t, err)
	return all
}

// of are the records of some kinds, in their order.
func of(records []openlines.Record, kinds ...openlines.RecordKind) (out []openlines.Record) {
	for _, r := range records {
		if slices.Contains(kinds, r.Kind) {
			out = append(out, r)
		}
	}
	return out
}

// users are whom records name.
func users(records []openlines.Record) (out []int64) {
	for _, r := range records {
		out = append(out, int64(r.User))
	}
	return out
}

// offers are the operators that the session was offered to, in order.
func (d *lineDesk) offers(session int64) []int64 {
	d.t.Helper()
	return users(of(d.records(session), openlines.OfferMade))
}

// ended are whose offers ended for a reason, in order.
func ended(records []openlines.Record, reason string) (out []int64) {
	for _, r := range of(records, openlines.OfferEnded) {
		if r.Reason == reason {
			out = append(out, int64(r.User))
		}
	}
	return out
}

// lineTexts are the ids of the automatic texts that the desk sent, in order.
func lineTexts(records []openlines.Record) (out []string) {
	for _, r := range of(records, openlines.TextSent) {
		out = append(out, string(r.Text))
	}
	return out
}

// automatic are the automatic texts that the client received, oldest first.
func (c *talks) automatic() (out []string) {
	c.t.Helper()
	var answer struct {
		Messages []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"messages"`
	}
	c.call(http.MethodGet, fmt.Sprintf("http://%s/sandbox/messages?client_id=%d", c.chat, c.Client), nil, &answer)
	for _, m := range answer.Messages {
		if m.Type == "autoreply" {
			out = append(out, m.Text)
		}
	}
	return out
}

// gets waits until the first automatic texts that the client received begin so;
// on a slow machine others may have followed. None of these comes twice.
func (c *talks) gets(beginnings ...string) {
	c.t.Helper()
	var got []string
	require.Eventually(c.t, func() bool {
		got = c.automatic()
		return len(got) >= len(beginnings) && slices.EqualFunc(got[:len(beginnings)], beginnings, strings.HasPrefix)
	}, patience*20*time.Second, tick, "the client gets %q, but got %q", beginnings, &got)
	for _, text := range beginnings {
		require.Equal(c.t, 1, strings.Count("\n"+strings.Join(got, "\n"), "\n"+text), "%q", got)
	}
}

// Beginnings of the default texts.
const (
	welcome    = "Hello! Thank you for writing to us."
	offhours   = "Thank you for your message. We are closed"
	unanswered = "All our colleagues are busy right now."
	voteAsked  = "How did we do? Please answer 1"
	voteThanks = "Thank you! We are glad"
)

// dialog is who has the dialog in Chat2Desk, as a user, and its state.
func (c *talks) dialog() (user int64, state string) {
	c.t.Helper()
	var answer struct {
		Data struct {
			Operator int64  `json:"operator_id"`
			State    string `json:"state"`
		} `json:"data"`
	}
	c.chatAPI(http.MethodGet, fmt.Sprintf("dialogs/%d", c.Dialog), nil, &answer)
	return c.userOf(answer.Data.Operator), answer.Data.State
}

// isWith waits until an operator has the dialog in Chat2Desk.
func (c *talks) isWith(user int64) {
	c.t.Helper()
	var has int64
	require.Eventually(c.t, func() bool {
		has, _ = c.dialog()
		return has == user
	}, patience*20*time.Second, tick, "the dialog is with user %d, but is with %d", user, &has)
}

// isClosed waits until the dialog is closed in Chat2Desk.
func (c *talks) isClosed() {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		_, state := c.dialog()
		return state == "closed"
	}, patience*20*time.Second, tick, "the dialog is closed in Chat2Desk")
}

func (d *lineDesk) userOf(operator int64) int64 {
	for user, id := range d.operators {
		if id == operator {
			return user
		}
	}
	return 0
}

// assigned waits until the dialog was given in Chat2Desk to these users, in this order, and perhaps to others then.
func (c *talks) assigned(wanted ...int64) {
	c.t.Helper()
	var had []int64
	require.Eventually(c.t, func() bool {
		var answer struct {
			Operators []int64 `json:"operators"`
		}
		c.call(http.MethodGet, fmt.Sprintf("http://%s/sandbox/dialogs/%d/operators", c.chat, c.Dialog), nil, &answer)
		had = nil
		for _, operator := range answer.Operators {
			had = append(had, c.userOf(operator))
		}
		return begins(had, wanted)
	}, patience*20*time.Second, tick, "in Chat2Desk the dialog goes to %v, but went to %v", wanted, &had)
}

// begins tells whether a list begins with another one.
func begins(list, with []int64) bool {
	return len(list) >= len(with) && slices.Equal(list[:len(with)], with)
}

// offered waits until the last session of the chat was offered to so many users,
// who must be these, in this order. It may have gone on since: a slow machine
// sees offers late.
func (c *talks) offered(wanted ...int64) lineSession {
	c.t.Helper()
	s := c.waits(fmt.Sprintf("offered to %v", wanted), func(s lineSession) bool { return s.ID != 0 && len(c.offers(s.ID)) >= len(wanted) })
	require.Equal(c.t, wanted, c.offers(s.ID)[:len(wanted)], "%s", story{c, &s})
	return s
}

// notices are what a user was told about a chat: notifications that link to its dialog.
func (c *talks) notices(user int64) (out []string) {
	c.t.Helper()
	for _, n := range c.notifications() {
		if n.UserID == user && strings.Contains(n.Message, itoa(c.Dialog)) && strings.Contains(n.Message, "[url=") {
			out = append(out, n.Message)
		}
	}
	return out
}

// isTold waits until a user was told about the chat in these words, with a link, and gives how often.
func (c *talks) isTold(user int64, words string) (times int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		times = 0
		for _, text := range c.notices(user) {
			times += strings.Count(text, words)
		}
		return times > 0
	}, patience*20*time.Second, tick, "user %d is told %q", user, words)
	return times
}

// statistics are the figures of a line, split up by operator.
func (d *lineDesk) statistics(line string) (out lines.Statistics) {
	d.t.Helper()
	query := url.Values{"from": {"2020-01-01"}, "line": {line}, "by": {"operator"}}
	d.call(http.MethodGet, "http://"+d.api+"/v1/portals/demo/statistics?"+query.Encode(), nil, &out)
	return out
}
