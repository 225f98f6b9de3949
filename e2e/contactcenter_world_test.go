package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/bitrix24"
	"puente/settings"
)

const (
	companyType = 4
	subsidies   = bitrix24.DemoSubsidies // pipeline of the product subsidy
	credits     = bitrix24.DemoPipelineTwo
)

// center is a stack whose portal has an application beside the webhook, and
// the products and operators of a contact center.
type center struct {
	*stack
}

// object is a JSON document.
type object = map[string]any

// startCenter brings up a stack with a contact center.
func startCenter(t testing.TB, o options) *center {
	t.Helper()
	change := o.settings
	o.settings = func(s *settings.Settings) {
		s.General.NotifyIncoming = false
		s.ContactCenter.Products = []settings.Product{
			{Name: "credit", Pipeline: credits, Responsible: settings.ResponsibleOperator},
			{Name: "subsidy", Pipeline: subsidies, Responsible: settings.ResponsibleUser, User: 8},
		}
		s.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "anna", User: 7}}
		s.ContactCenter.Notify = false
		if change != nil {
			change(s)
		}
	}
	c := &center{start(t, o)}
	c.install(time.Hour)
	return c
}

// on is the same stack in the hands of a subtest.
func (c *center) on(t testing.TB) *center {
	t.Helper()
	same := *c.stack
	same.t = t
	return &center{&same}
}

// install gives Puente the tokens of the application; they are good for so long.
func (c *center) install(life time.Duration) {
	c.t.Helper()
	var token struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	c.post("http://"+c.bitrix+"/sandbox/tokens", object{}, &token)
	row, err := c.store.Portal(context.Background(), "demo")
	require.NoError(c.t, err)
	row.Bitrix24.ClientID, row.Bitrix24.ClientSecret = bitrix24.DemoClientID, bitrix24.DemoClientSecret
	row.Bitrix24.OAuthServer, row.Bitrix24.ClientEndpoint = "http://"+c.bitrix, "http://"+c.bitrix+"/rest/"
	row.Bitrix24.AccessToken, row.Bitrix24.RefreshToken = token.Access, token.Refresh
	row.Bitrix24.MemberID, row.Bitrix24.ExpiresAt = "m", time.Now().Add(life)
	require.NoError(c.t, c.store.SavePortal(context.Background(), row))
}

// reply is an answer of the API with what its callers look at.
type reply struct {
	status int
	header http.Header
	raw    []byte
}

// run is the id of the run that the answer is of.
func (r reply) run() string { return r.header.Get("X-Puente-Run") }

// decode reads an answer.
func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	var out T
	require.NoError(t, json.Unmarshal(r.raw, &out), "%d %s", r.status, r.raw)
	return out
}

// problem is an RFC 9457 document.
type problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Run    string `json:"run"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// send makes one request to the contact center's part of the API. It fails no
// test by itself: a process that is being killed answers nothing.
func (c *center) send(method, path string, body any, headers map[string]string) (reply, error) {
	raw, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequest(method, "http://"+c.api+"/v1/portals/demo/"+path, bytes.NewReader(raw)) //nolint:noctx // bounded by the test
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer demo-key")
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	out := reply{status: resp.StatusCode, header: resp.Header}
	out.raw, err = io.ReadAll(resp.Body)
	return out, err
}

// method calls one of the sixteen under a key and waits for its answer.
func (c *center) method(name, key string, body any) reply {
	c.t.Helper()
	headers := map[string]string{"Prefer": "wait=60"}
	if key != "" {
		headers["Idempotency-Key"] = key
	}
	out, err := c.send(http.MethodPost, "contact-center/methods/"+name, body, headers)
	require.NoError(c.t, err)
	return out
}

// request hands in a request and waits for its answer.
func (c *center) request(body any) reply {
	c.t.Helper()
	out, err := c.send(http.MethodPost, "contact-center/requests", body, map[string]string{"Prefer": "wait=60"})
	require.NoError(c.t, err)
	return out
}

// saved is the answer of creates and updates.
type saved struct {
	Kind    string   `json:"kind"`
	ID      int64    `json:"id"`
	Created bool     `json:"created"`
	Changed []string `json:"changed"`
}

// made calls a method that makes or changes an entity, and gives its id.
func (c *center) made(name, key string, body any) int64 {
	c.t.Helper()
	got := c.method(name, key, body)
	require.Less(c.t, got.status, 300, "%s: %s", name, got.raw)
	return decode[saved](c.t, got).ID
}

// requestAnswer is the answer of a request.
type requestAnswer struct {
	Revision  int `json:"revision"`
	Decisions []struct {
		Kind       string  `json:"kind"`
		Outcome    string  `json:"outcome"`
		ID         int64   `json:"id"`
		Rule       string  `json:"rule"`
		Candidates []int64 `json:"candidates"`
	} `json:"decisions"`
	Call *struct {
		ActivityID int64  `json:"activity_id"`
		Recording  string `json:"recording"`
	} `json:"call"`
	Notes []string `json:"notes"`
}

// entity is the id of the entity that the request went to; 0 = none.
func (a requestAnswer) entity(kind string) int64 {
	for _, d := range a.Decisions {
		if d.Kind == kind {
			return d.ID
		}
	}
	return 0
}

// outcome tells whether the entity was found or created.
func (a requestAnswer) outcome(kind string) string {
	for _, d := range a.Decisions {
		if d.Kind == kind {
			return d.Outcome
		}
	}
	return ""
}

// accepted hands in a request that must succeed.
func (c *center) accepted(body any) requestAnswer {
	c.t.Helper()
	got := c.request(body)
	require.Equal(c.t, http.StatusOK, got.status, string(got.raw))
	return decode[requestAnswer](c.t, got)
}

// ended waits until a run of the ledger is neither open nor at work.
func (c *center) ended(run string) syncRow {
	c.t.Helper()
	var row syncRow
	require.Eventually(c.t, func() bool {
		c.call(http.MethodGet, "http://"+c.api+"/v1/portals/demo/syncs/"+run, nil, &row)
		return row.Status != "open" && row.Status != "syncing"
	}, patience*time.Minute, 50*time.Millisecond, "run %s: %s", run, row.Status)
	return row
}

// rerun lets a parked run go on.
func (c *center) rerun(run string, body object) {
	c.t.Helper()
	got, err := c.send(http.MethodPost, "syncs/"+run+"/rerun", body, nil)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusAccepted, got.status, string(got.raw))
}

// phoneCalls are the calls of the sandbox portal with an external id.
func (c *center) phoneCalls(externalID string) []bitrix24.PhoneCall {
	c.t.Helper()
	var all, out []bitrix24.PhoneCall
	c.call(http.MethodGet, "http://"+c.bitrix+"/sandbox/calls", nil, &all)
	for _, one := range all {
		if one.ExternalID == externalID {
			out = append(out, one)
		}
	}
	return out
}

// noFaults ends all misbehaviour of the sandbox portal.
func (c *center) noFaults() {
	c.t.Helper()
	status, raw := c.raw(http.MethodDelete, "http://"+c.bitrix+"/sandbox/faults", nil)
	require.Less(c.t, status, 300, string(raw))
}

// titled counts the entities of a type with a title (of contacts: a name).
func (c *center) titled(entityType int, title string) int {
	c.t.Helper()
	field := "=title"
	if entityType == contactType {
		field = "=name"
	}
	return len(c.items(entityType, object{field: title}))
}
