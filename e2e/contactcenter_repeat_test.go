package e2e

import (
	"net/http"
	"sync"
	"time"

	"github.com/stretchr/testify/require"
)

var replayBody = object{"name": "Replayed", "phones": []object{{"value": "+79050000001"}}}

// replaysAfterARestart: the answer of a key outlives the processes.
func (c *center) replaysAfterARestart(before reply) {
	c.t.Helper()
	for _, p := range append(c.workers, c.apiProc) {
		p.kill()
		p.start(c.t)
	}
	c.ready("puente api", "http://"+c.api+"/readyz")
	after := c.method("contact.create", "replay", replayBody)
	require.Equal(c.t, http.StatusCreated, after.status)
	require.JSONEq(c.t, string(before.raw), string(after.raw))
	require.Equal(c.t, "true", after.header.Get("Idempotency-Replayed"))
	require.Equal(c.t, 1, c.titled(contactType, "Replayed"))
}

func fiftyCallsAtOnceMakeOneContact(c *center) {
	t := c.t
	const callers = 50
	answers := make([]reply, callers)
	errs := make([]error, callers)
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			body := object{"name": "Fifty", "phones": []object{{"value": "+79051110030"}}}
			answers[i], errs[i] = c.send(http.MethodPost, "contact-center/methods/contact.create", body,
				map[string]string{"Idempotency-Key": "fifty", "Prefer": "wait=60"})
		})
	}
	group.Wait()
	fresh := 0
	for i, got := range answers {
		require.NoError(t, errs[i])
		require.Equal(t, http.StatusCreated, got.status, string(got.raw))
		require.Equal(t, string(answers[0].raw), string(got.raw))
		if got.header.Get("Idempotency-Replayed") == "" {
			fresh++
		}
	}
	require.Equal(t, 1, fresh, "all but one are repetitions")
	require.Equal(t, 1, c.titled(contactType, "Fifty"))
}

func keyIsGoodForOneBody(c *center) {
	t := c.t
	first := c.method("deal.create", "one-body", object{"title": "One body", "amount": 1})
	require.Equal(t, http.StatusCreated, first.status)
	other := c.method("deal.create", "one-body", object{"title": "One body", "amount": 2})
	require.Equal(t, http.StatusUnprocessableEntity, other.status)
	require.Equal(t, "header.Idempotency-Key", decode[problem](t, other).Errors[0].Location)
	same := c.method("deal.create", "one-body", []byte(`{ "amount": 1, "title": "One body" }`))
	require.Equal(t, http.StatusCreated, same.status, "spaces and order do not count")
	require.Equal(t, string(first.raw), string(same.raw))
	require.Equal(t, "true", same.header.Get("Idempotency-Replayed"))
	keyless := c.method("deal.create", "", object{"title": "One body"})
	require.Equal(t, http.StatusBadRequest, keyless.status)
	require.Equal(t, "header.Idempotency-Key", decode[problem](t, keyless).Errors[0].Location)
	require.Equal(t, 1, c.titled(dealType, "One body"))
}

func answerIsPolled(c *center) {
	t := c.t
	got, err := c.send(http.MethodPost, "contact-center/methods/contact.create", object{"name": "Polled"},
		map[string]string{"Idempotency-Key": "polled", "Prefer": "respond-async"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, got.status)
	require.Equal(t, "respond-async", got.header.Get("Preference-Applied"))
	location := "http://" + c.api + got.header.Get("Location")
	var run struct {
		Status     string `json:"status"`
		StatusCode int    `json:"status_code"`
		Answer     saved  `json:"answer"`
	}
	require.Eventually(t, func() bool {
		return c.call(http.MethodGet, location, nil, &run) == http.StatusOK && run.Status == "done"
	},
		patience*20*time.Second, 50*time.Millisecond)
	require.Equal(t, http.StatusCreated, run.StatusCode)
	require.True(t, run.Answer.Created)
}

func fiftyRequestsAtOnceMakeOneDeal(c *center) {
	t := c.t
	body := object{
		"external_id": "fifty-requests", "channel": "site", "product": "credit", "contact": object{"name": "Fiftieth", "phones": []object{{"value": "+79051110040"}}},
	}
	answers := make([]reply, 50)
	errs := make([]error, len(answers))
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			answers[i], errs[i] = c.send(http.MethodPost, "contact-center/requests", body, map[string]string{"Prefer": "wait=60"})
		})
	}
	group.Wait()
	for i, got := range answers {
		require.NoError(t, errs[i])
		require.Equal(t, http.StatusOK, got.status, string(got.raw))
		require.Equal(t, string(answers[0].raw), string(got.raw))
	}
	require.Equal(t, 1, c.titled(contactType, "Fiftieth"))
	answer := decode[requestAnswer](t, answers[0])
	require.Len(t, c.comments("deal", answer.entity("deal")), 1)
}
