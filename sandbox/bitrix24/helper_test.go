package bitrix24

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// start is where the clocks of the tests begin.
var start = time.Date(2026, 1, 5, 7, 0, 0, 0, time.UTC)

// harness is a portal behind a real HTTP server, with a clock to drive.
type harness struct {
	*testing.T
	p     *Portal
	srv   *httptest.Server
	clock *ManualClock
}

func open(t *testing.T, o Options) *harness {
	t.Helper()
	clock := NewManualClock(start)
	if o.Clock == nil {
		o.Clock = clock
	}
	if o.Limits == nil {
		o.Limits = &Limits{Rate: 2, OperatingLimit: 480}
	}
	p, err := New(o)
	require.NoError(t, err)
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return &harness{t, p, srv, clock}
}

// fresh is a portal without CRM entities.
func fresh(t *testing.T) *harness {
	t.Helper()
	return open(t, Options{Seeds: func(s *Seeder) {
		BaseSeeds(s)
		s.User(DemoOperator, "Olga", "Smirnova", "Sales manager", false, 1)
		s.Pipeline(DemoPipelineTwo, "Messengers")
		s.App(DemoClientID, DemoClientSecret, "https://app.example.com/cb")
	}})
}

// answer is a decoded answer.
type answer struct {
	Status int            `json:"-"`
	Body   string         `json:"-"`
	Result any            `json:"result"`
	Error  any            `json:"error"`
	Text   string         `json:"error_description"`
	Next   *int           `json:"next"`
	Total  *int           `json:"total"`
	Time   map[string]any `json:"time"`
}

// object is the result as a map.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	m, ok := a.Result.(map[string]any)
	require.True(t, ok, "the result is no object: %s", a.Body)
	return m
}

func (a answer) list(t *testing.T) []any {
	t.Helper()
	l, ok := a.Result.([]any)
	require.True(t, ok, "the result is no list: %s", a.Body)
	return l
}

// item is result.item.
func (a answer) item(t *testing.T) map[string]any {
	t.Helper()
	m, ok := a.object(t)["item"].(map[string]any)
	require.True(t, ok, "there is no item: %s", a.Body)
	return m
}

// call calls a method through the webhook with a JSON body.
func (h *harness) call(method, body string) answer {
	h.Helper()
	return h.post("/rest/1/sandboxsecret/"+method, "application/json", body)
}

// ok calls a method that must succeed.
func (h *harness) ok(method, body string) answer {
	h.Helper()
	a := h.call(method, body)
	require.Equal(h, http.StatusOK, a.Status, "%s: %s", method, a.Body)
	return a
}

// id is the whole number that a method answers.
func (h *harness) id(method, body string) int {
	h.Helper()
	n, ok := h.ok(method, body).Result.(float64)
	require.True(h, ok)
	return int(n)
}

func (h *harness) post(path, contentType, body string) answer {
	h.Helper()
	resp, err := http.Post(h.srv.URL+path, contentType, strings.NewReader(body)) //nolint:noctx // a test
	require.NoError(h, err)
	return h.read(resp)
}

func (h *harness) get(path string) answer {
	h.Helper()
	resp, err := http.Get(h.srv.URL + path) //nolint:noctx // a test
	require.NoError(h, err)
	return h.read(resp)
}

func (h *harness) read(resp *http.Response) answer {
	h.Helper()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(h, err)
	require.NoError(h, resp.Body.Close())
	a := answer{Status: resp.StatusCode, Body: string(raw)}
	if json.Valid(raw) && bytes.HasPrefix(raw, []byte("{")) {
		require.NoError(h, json.Unmarshal(raw, &a))
	}
	return a
}

// control sends a control request that must succeed.
func (h *harness) control(method, path, body string) answer {
	h.Helper()
	req, err := http.NewRequest(method, h.srv.URL+path, strings.NewReader(body)) //nolint:noctx // a test
	require.NoError(h, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	a := h.read(resp)
	require.Less(h, a.Status, 300, a.Body)
	return a
}

// without drops the time block, so that answers can be compared whole.
func (a answer) without(t *testing.T) string {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.Body), &m))
	delete(m, "time")
	raw, err := json.Marshal(m)
	require.NoError(t, err)
	return string(raw)
}
