package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

// large is a recording that goes to the portal by an upload address.
const large = 3 << 19

// callCostsThreeRequests: register, finish and binding in one, the address for
// the recording, and the upload itself.
func callCostsThreeRequests(c *center) {
	t, g := c.t, c.prepare(60)
	call := g.answered("budget", g.contact)
	call["company_id"], call["deal_id"], call["recording"] = g.company, g.deal, object{"recording_id": c.upload(large).ID}
	before := c.stats()
	got := c.method("call.create", "budget", call)
	require.Equal(t, http.StatusCreated, got.status, string(got.raw))
	require.Equal(t, "done", c.ended(got.run()).Status)
	after := c.stats()
	uploads := after.ByMethod["upload"] - before.ByMethod["upload"]
	require.Equal(t, 1, uploads)
	require.LessOrEqual(t, after.Requests-before.Requests-uploads, 3)
	t.Logf("%d requests and %d upload", after.Requests-before.Requests-uploads, uploads)
	made := c.phoneCalls("budget")
	require.Len(t, made, 1)
	require.Len(t, made[0].Bindings, 3)
	require.NotNil(t, made[0].Record)
}

// steps are the methods that carry the steps of a request with call and recording.
var steps = []string{
	"crm.item.add", "crm.timeline.comment.add", "telephony.externalCall.register", "telephony.externalCall.finish",
	"crm.activity.binding.add", "telephony.externalCall.attachRecord", "upload",
}

// callAndRecordingOnce: requests with a call and its recording meet each fault at
// each of their steps. In the short form a few requests at a time meet the faults
// of all steps; in the long one each fault comes alone.
func callAndRecordingOnce(c *center) {
	matrix := [][]string{steps}
	if soak(0, 1) == 1 {
		matrix = nil
		for _, step := range steps {
			matrix = append(matrix, []string{step})
		}
	}
	round := 0
	faults := faultKinds(1)
	for _, what := range slices.Sorted(maps.Keys(faults)) {
		for _, some := range matrix {
			for _, step := range some {
				rule := maps.Clone(faults[what])
				rule["method"] = step
				c.fault(rule)
			}
			round++
			began := time.Now()
			c.phoneRequests(round, min(len(some), 4), fmt.Sprintf("%s × %v", what, some))
			c.requireAllHit(what)
			c.noFaults()
			c.t.Logf("%s × %v: %v", what, some, time.Since(began).Round(100*time.Millisecond))
		}
	}
}

// requireAllHit: a fault that met nobody would prove nothing.
func (c *center) requireAllHit(what string) {
	c.t.Helper()
	var rules []struct {
		Method string `json:"method"`
		Hits   int    `json:"hits"`
	}
	c.call(http.MethodGet, "http://"+c.bitrix+"/sandbox/faults", nil, &rules)
	for _, r := range rules {
		require.Equal(c.t, 1, r.Hits, "%s × %s", what, r.Method)
	}
}

// phoneRequests hands in n requests of new clients, each with a call and a
// recording, and looks whether there is one of everything.
func (c *center) phoneRequests(round, n int, what string) {
	c.t.Helper()
	records := make([]sound, n)
	for i := range records {
		records[i] = c.upload(large)
	}
	answers, errs := make([]reply, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			answers[i], errs[i] = c.send(http.MethodPost, "contact-center/requests", phoneRequest(fmt.Sprintf("phone-%d-%d", round, i),
				fmt.Sprintf("+7905444%02d%02d", round, i), records[i].ID), map[string]string{"Prefer": "wait=60"})
		})
	}
	group.Wait()
	for i, got := range answers {
		require.NoError(c.t, errs[i], what)
		require.Equal(c.t, http.StatusOK, got.status, "%s: %s", what, got.raw)
		require.Equal(c.t, "done", c.ended(got.run()).Status, what)
		c.requirePhoneRequest(fmt.Sprintf("phone-%d-%d", round, i), decode[requestAnswer](c.t, got), records[i], what)
	}
}

// phoneRequest is what is known after an answered call of a new client.
func phoneRequest(id, phone, recording string) object {
	return object{
		"external_id": id, "channel": "phone", "product": "credit", "comment": "Called about " + id, "contact": object{"name": "Caller", "last_name": id},
		"call": object{
			"call_id": id, "direction": "incoming", "phone": phone, "operator_id": "anna", "started_at": "2026-02-03T10:00:00Z",
			"status": "answered", "duration": 60, "recording": object{"recording_id": recording},
		},
	}
}

// requirePhoneRequest: client, deal, entries of the timelines, call and
// recording are there once.
func (c *center) requirePhoneRequest(id string, answer requestAnswer, record sound, what string) {
	c.t.Helper()
	t := c.t
	require.Len(t, c.items(contactType, object{"=lastName": id}), 1, "%s, %s", id, what)
	require.Len(t, c.items(dealType, object{"contactId": answer.entity("contact")}), 1, "%s, %s", id, what)
	for _, on := range []string{"contact", "deal"} {
		require.Len(t, c.comments(on, answer.entity(on)), 1, "%s on %s, %s", id, on, what)
	}
	calls := c.phoneCalls(id)
	require.Len(t, calls, 1, "%s, %s", id, what)
	require.True(t, calls[0].Finished, "%s, %s", id, what)
	require.Len(t, calls[0].Bindings, 2, "%s, %s: contact and deal", id, what)
	require.NotNil(t, calls[0].Record, "%s, %s", id, what)
	require.Equal(t, 1, calls[0].Record.AttachedTimes, "%s, %s", id, what)
	require.Equal(t, record.SHA256, calls[0].Record.SHA256, "%s, %s", id, what)
}

// privateAddressIsRefused: an address of our own network is not fetched from.
func privateAddressIsRefused(c *center) {
	t := c.t
	c.ofContact(object{"call_id": "private", "direction": "incoming", "phone": "+79051110050", "user_id": 7, "started_at": time.Now(), "status": "answered", "duration": 9})
	for _, address := range []string{"https://127.0.0.1:1/a.wav", "https://169.254.169.254/latest/a.wav", "https://[::1]/a.mp3"} {
		got := c.method("call.attach_recording", address, object{"call_id": "private", "url": address})
		require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s: %s", address, got.raw)
		doc := decode[problem](t, got)
		require.Equal(t, "body.url", doc.Errors[0].Location)
		require.Contains(t, doc.Detail, "must be public")
	}
	require.Nil(t, c.phoneCalls("private")[0].Record)
}

// expire makes the access tokens of the application too old.
func (c *center) expire() {
	c.t.Helper()
	c.post("http://"+c.bitrix+"/sandbox/tokens/expire", object{}, nil)
}

func twentyCallsRefreshOnce(c *center) {
	t, g := c.t, c.prepare(61)
	const calls = 20
	c.expire()
	before := c.stats().ByMethod["oauth.token"]
	answers, errs := make([]reply, calls), make([]error, calls)
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			id := fmt.Sprintf("expired-%d", i)
			answers[i], errs[i] = c.send(http.MethodPost, "contact-center/methods/call.create", g.answered(id, g.contact),
				map[string]string{"Idempotency-Key": id, "Prefer": "wait=60"})
		})
	}
	group.Wait()
	for i, got := range answers {
		require.NoError(t, errs[i])
		require.Equal(t, http.StatusCreated, got.status, string(got.raw))
		require.Len(t, c.phoneCalls(fmt.Sprintf("expired-%d", i)), 1)
	}
	require.Equal(t, before+1, c.stats().ByMethod["oauth.token"], "one refresh for all")
}

// lostRefreshIsTold: a refresh that did not reach the server is repeated; after
// one whose answer is lost the old token is worth nothing, and a person has to
// install the application again.
func lostRefreshIsTold(c *center) {
	t, g := c.t, c.prepare(62)
	c.expire()
	c.fault(object{"method": "oauth.token", "kind": "reset", "when": "before"})
	got := c.method("call.create", "refresh-1", g.answered("refresh-1", g.contact))
	require.Equal(t, http.StatusCreated, got.status, string(got.raw))

	c.expire()
	c.fault(object{"method": "oauth.token", "kind": "lost_answer"})
	parked := c.method("call.create", "refresh-2", g.answered("refresh-2", g.contact))
	require.Equal(t, http.StatusBadGateway, parked.status, string(parked.raw))
	require.Contains(t, decode[problem](t, parked).Detail, "puente portal install demo", "what to do is told")
	require.Equal(t, "failed", c.ended(parked.run()).Status)
	require.Equal(t, http.StatusCreated, c.method("contact.create", "refresh-3", object{"name": "By webhook"}).status, "what needs no application goes on")

	c.install(time.Hour)
	c.rerun(parked.run(), object{"reason": "installed again"})
	require.Eventually(t, func() bool { return c.ended(parked.run()).Status == "done" }, patience*30*time.Second, 100*time.Millisecond)
	require.Len(t, c.phoneCalls("refresh-2"), 1)
}
