package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	chat2desk "puente/sandbox/chat2desk"
	"puente/settings"
)

// Members of lines, as the scenarios call them: Bitrix24 users. Each is mapped
// to an operator of Chat2Desk, see operators.
const (
	userA    int64 = 7
	userB    int64 = 8
	userC    int64 = 9
	userR    int64 = 10 // no member, and never on duty: responsible for a deal
	userBoss int64 = 1  // supervisor of the portal, never on duty
)

// lineDesk is a stack whose portal works with open lines: A, B and C are on
// duty, the CRM has leads, and Puente is installed as an application, so that
// chats show as configurable activities.
type lineDesk struct {
	*stack
	minute    time.Duration   // what counts as a minute of the settings of lines
	operators map[int64]int64 // Chat2Desk operators by Bitrix24 user
	channels  map[string]int64
}

// startLines brings up a stack for open lines. A minute of their settings lasts
// as long as told; hours of the week stay as they are.
func startLines(t testing.TB, minute time.Duration, o options) *lineDesk {
	t.Helper()
	change := o.settings
	o.settings = func(s *settings.Settings) {
		s.General.NotifyIncoming = false
		s.Operators.Supervisors, s.Operators.Administrator = []int64{userBoss}, userBoss
		if change != nil {
			change(s)
		}
	}
	o.env = append([]string{"PUENTE_LINE_MINUTE=" + minute.String()}, o.env...)
	d := &lineDesk{stack: start(t, o), minute: minute, channels: map[string]int64{}}
	d.put("http://"+d.bitrix+"/sandbox/mode", object{"mode": "classic"})
	(&center{d.stack}).install(time.Hour)
	d.mapOperators()
	for _, user := range []int64{userA, userB, userC} {
		d.operator(user, object{"presence": "online"})
	}
	return d
}

// operator tells Puente news about an operator. The desk can be told as soon as a
// worker has made Temporal ready, which the API does not wait for.
func (d *lineDesk) operator(user int64, change object) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		status, _ := d.raw(http.MethodPut, fmt.Sprintf("http://%s/v1/portals/demo/operators/%d", d.api, user), change)
		return status == http.StatusOK
	}, patience*20*time.Second, tick, "the desk learns of user %d: %v", user, change)
}

// on is the same stack in the hands of a subtest.
func (d *lineDesk) on(t testing.TB) *lineDesk {
	t.Helper()
	same, out := *d.stack, *d
	same.t, out.stack = t, &same
	return &out
}

// mapOperators makes an operator for R and maps all to their users; hire adds more.
func (d *lineDesk) mapOperators() {
	d.t.Helper()
	var made struct {
		Data struct {
			ID int64 `json:"id"`
		} `json:"data"`
	}
	d.chatAPI(http.MethodPost, "operators", object{"email": "r@example.org", "first_name": "R"}, &made)
	d.operators = map[int64]int64{userA: chat2desk.OperatorAna, userB: chat2desk.OperatorBoris, userC: chat2desk.OperatorChen, userR: made.Data.ID}
	d.saveOperators()
}

// saveOperators maps the operators to their users.
func (d *lineDesk) saveOperators() {
	d.t.Helper()
	conf, version, err := d.store.Settings(context.Background(), "demo")
	require.NoError(d.t, err)
	conf.Operators.Users = nil
	for user, operator := range d.operators {
		conf.Operators.Users = append(conf.Operators.Users, settings.OperatorUser{Operator: operator, User: user})
	}
	_, err = d.store.SaveSettings(context.Background(), "demo", conf, "e2e", "operators of open lines", version)
	require.NoError(d.t, err)
}

// chatAPI calls Chat2Desk as the owner of the account.
func (d *lineDesk) chatAPI(method, path string, body, out any) {
	d.t.Helper()
	status, raw := d.rawAs(chat2desk.DefaultToken, method, "http://"+d.chat+"/v1/"+path, body)
	require.Equal(d.t, http.StatusOK, status, string(raw))
	decodeInto(d.t, raw, out)
}

// lines opens lines by the API, each on a new Telegram channel: changes by slug,
// over the base of the scenarios.
func (d *lineDesk) lines(changes map[string]object) {
	d.t.Helper()
	for slug, change := range changes {
		d.channels[slug] = d.channel(slug, "telegram")
		d.saveLine(slug, change)
	}
}

// channel opens a channel in Chat2Desk.
func (d *lineDesk) channel(name, transport string) int64 {
	d.t.Helper()
	var made struct {
		ID int64 `json:"id"`
	}
	d.post("http://"+d.chat+"/sandbox/channels", object{"name": name, "transport": transport}, &made)
	return made.ID
}

// saveLine saves the settings of a line; the desk knows them when it returns.
func (d *lineDesk) saveLine(slug string, change object) {
	d.t.Helper()
	doc := object{
		"name": "Line " + slug, "channels": []int64{d.channels[slug]}, "timezone": "Europe/Madrid", "close_rule": "rating",
		"members": members(userA, userB, userC),
	}
	for key, value := range change {
		doc[key] = value
	}
	d.put("http://"+d.api+"/v1/portals/demo/lines/"+slug, doc)
}

func members(users ...int64) (out []object) {
	for _, user := range users {
		out = append(out, object{"user": user})
	}
	return out
}

// minutes is a length of time of the settings of lines as it passes here.
func (d *lineDesk) minutes(n float64) time.Duration { return time.Duration(n * float64(d.minute)) }

// talks is the chat of one client on a line.
type talks struct {
	*lineDesk
	chatIDs
	line string
}

// client lets somebody new write on a line. More than one text comes at once;
// client has the keys of the sandbox: name, phone.
func (d *lineDesk) client(line string, client object, texts ...string) *talks {
	d.t.Helper()
	c := &talks{lineDesk: d, line: line}
	c.chatIDs = d.script(line, client, object{"messages": said(texts...)})
	return c
}

func said(texts ...string) (out []object) {
	for _, text := range texts {
		out = append(out, object{"from": "client", "text": text})
	}
	return out
}

// script plays a scene on the channel of a line.
func (d *lineDesk) script(line string, client, scene object) (ids chatIDs) {
	d.t.Helper()
	scene["client"], scene["channel_id"] = client, d.channels[line]
	d.post("http://"+d.chat+"/sandbox/dialogs", scene, &ids)
	return ids
}

func (c *talks) again(scene object) { c.script(c.line, object{"id": c.Client}, scene) }

// writes lets the client write again.
func (c *talks) writes(texts ...string) { c.again(object{"messages": said(texts...)}) }

// replies lets an operator write to the client, who has the message at once.
func (c *talks) replies(user int64, text string) {
	c.t.Helper()
	c.again(object{"messages": []object{{"from": "operator", "operator_id": c.operators[user], "text": text}}})
}

// handsTo gives the dialog to somebody else in Chat2Desk.
func (c *talks) handsTo(user int64) { c.again(object{"operator_id": c.operators[user]}) }

// closes closes the dialog in Chat2Desk, as the operator who has it does.
func (c *talks) closes() {
	c.t.Helper()
	c.post(fmt.Sprintf("http://%s/sandbox/dialogs/%d/close", c.chat, c.Dialog), nil, nil)
}

// act does something with a session through the API; the answer is its code.
func (c *talks) act(session int64, action string, body object) (status int, code string) {
	c.t.Helper()
	var answer struct {
		Code   string `json:"code"`
		Errors []struct {
			Value string `json:"value"`
		} `json:"errors"`
	}
	status = c.call(http.MethodPost, fmt.Sprintf("http://%s/v1/portals/demo/sessions/%d/%s", c.api, session, action), body, &answer)
	if len(answer.Errors) > 0 {
		return status, answer.Errors[0].Value
	}
	return status, answer.Code
}
