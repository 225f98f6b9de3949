package chat2desk_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/chat2desk"
)

const (
	patience = 10 * time.Second
	tick     = 2 * time.Millisecond
)

// world is a company on a server, its time stopped, with one receiver of webhooks.
type world struct {
	*testing.T
	company *chat2desk.Company
	server  *httptest.Server
	hooks   *receiver
}

var start = time.Date(2026, 2, 3, 10, 15, 0, 123456000, time.UTC)

func newWorld(t *testing.T, change ...func(*chat2desk.Options)) *world {
	t.Helper()
	hooks := newReceiver(t)
	options := chat2desk.Options{
		Clock:    func() time.Time { return start },
		Webhooks: []chat2desk.Webhook{{Name: "test", URL: hooks.server.URL}},
	}
	for _, f := range change {
		f(&options)
	}
	company, err := chat2desk.New(options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, company.Close()) })
	server := httptest.NewServer(company)
	t.Cleanup(server.Close)
	return &world{t, company, server, hooks}
}

func (w *world) set(change func(*chat2desk.Settings)) {
	w.Helper()
	settings := w.company.Settings()
	change(&settings)
	require.NoError(w, w.company.Configure(settings))
}

func (w *world) play(script chat2desk.Script) chat2desk.Scene {
	w.Helper()
	scene, err := w.company.Play(script)
	require.NoError(w, err)
	return scene
}

// raw makes a call with the token and returns status and body.
func (w *world) raw(method, path string, body any) (int, []byte) {
	w.Helper()
	res, err := w.try(method, path, body)
	require.NoError(w, err)
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	require.NoError(w, err)
	return res.StatusCode, out
}

func (w *world) try(method, path string, body any) (*http.Response, error) {
	w.Helper()
	raw, err := json.Marshal(body)
	require.NoError(w, err)
	if body == nil {
		raw = nil
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.server.URL+path, bytes.NewReader(raw))
	require.NoError(w, err)
	req.Header.Set("Authorization", chat2desk.DefaultToken)
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

// get decodes the answer of a successful GET.
func (w *world) get(path string) map[string]any {
	w.Helper()
	return w.call(http.MethodGet, path, nil)
}

// call wants HTTP 200 and an object.
func (w *world) call(method, path string, body any) map[string]any {
	w.Helper()
	status, raw := w.raw(method, path, body)
	require.Equal(w, http.StatusOK, status, "%s", raw)
	var out map[string]any
	require.NoError(w, json.Unmarshal(raw, &out), "%s", raw)
	return out
}

func rows(answer map[string]any) []map[string]any {
	list, _ := answer["data"].([]any)
	out := []map[string]any{}
	for _, row := range list {
		out = append(out, row.(map[string]any))
	}
	return out
}

func data(answer map[string]any) map[string]any {
	return answer["data"].(map[string]any)
}

// received is one webhook as it arrived.
type received struct {
	body      []byte
	signature string
	timestamp string
	fields    map[string]any
}

func (r received) hook() string { return r.fields["hook_type"].(string) }

// receiver takes webhooks and answers what it is told to.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []received
	status int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	r.server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var fields map[string]any
	_ = json.Unmarshal(body, &fields)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, received{body, req.Header.Get("X-Signature"), req.Header.Get("X-Timestamp"), fields})
	w.WriteHeader(r.status)
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) names() []string {
	out := []string{}
	for _, hook := range r.all() {
		out = append(out, hook.hook())
	}
	return out
}

// wait waits until everything queued is settled and returns the hooks received.
func (w *world) wait() []received {
	w.Helper()
	w.settle()
	return w.hooks.all()
}

func (w *world) settle() {
	w.Helper()
	require.Eventually(w, func() bool { return w.company.Stats().Webhooks.Pending == 0 }, patience, tick)
}

// attempts waits for a number of attempts to deliver.
func (w *world) attempts(n int) {
	w.Helper()
	require.Eventually(w, func() bool {
		s := w.company.Stats().Webhooks
		return s.Sent+s.Failed >= n
	}, patience, tick, "attempts")
}

func chat(phone string, channel int64) chat2desk.Script {
	return chat2desk.Script{
		Client: chat2desk.ScriptClient{Name: "Ana", Phone: phone}, ChannelID: channel, OperatorID: chat2desk.OperatorAna,
		Messages: []chat2desk.ScriptMessage{{From: "client", Text: "Hello"}, {From: "operator", Text: "Good morning"}},
		Tags:     []int64{chat2desk.TagSale}, Close: true,
	}
}
