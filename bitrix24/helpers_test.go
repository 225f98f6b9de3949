package bitrix24

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// seen is one request as the fake portal got it.
type seen struct {
	path, contentType, accept, agent string
	raw                              string
	body                             map[string]any
}

// commands are the commands of a batch, key → "method?query", in the order of the text.
func (s seen) commands(t *testing.T) (keys []string, queries map[string]string) {
	t.Helper()
	var outer struct {
		Cmd json.RawMessage `json:"cmd"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.raw), &outer))
	require.NoError(t, json.Unmarshal(outer.Cmd, &queries))
	dec := json.NewDecoder(strings.NewReader(string(outer.Cmd)))
	_, err := dec.Token()
	require.NoError(t, err)
	for dec.More() {
		key, err := dec.Token()
		require.NoError(t, err)
		text, ok := key.(string)
		require.True(t, ok)
		keys = append(keys, text)
		_, err = dec.Token()
		require.NoError(t, err)
	}
	return keys, queries
}

// portal is a fake written for these tests only; it shares nothing with the product's sandbox.
type portal struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
}

// newPortal serves every request with the handler, which gets the recorded request.
func newPortal(t *testing.T, handler func(w http.ResponseWriter, r *http.Request, s seen)) *portal {
	t.Helper()
	p := &portal{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		s := seen{
			path: r.URL.Path, contentType: r.Header.Get("Content-Type"), accept: r.Header.Get("Accept"),
			agent: r.UserAgent(), raw: string(raw),
		}
		_ = json.Unmarshal(raw, &s.body)
		p.mu.Lock()
		p.requests = append(p.requests, s)
		p.mu.Unlock()
		handler(w, r, s)
	}))
	t.Cleanup(p.Close)
	return p
}

// newStreaming serves requests without reading or recording them first.
func newStreaming(t *testing.T, handler http.HandlerFunc) *portal {
	t.Helper()
	p := &portal{Server: httptest.NewServer(handler)}
	t.Cleanup(p.Close)
	return p
}

// replying serves the same answer to everything.
func replying(t *testing.T, status int, body string) *portal {
	t.Helper()
	return newPortal(t, func(w http.ResponseWriter, _ *http.Request, _ seen) { answerWith(w, status, body) })
}

func answerWith(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (p *portal) all() []seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]seen(nil), p.requests...)
}

func (p *portal) webhook() string { return p.URL + "/rest/1/s3cret-hook/" }

// client is a client of this portal by webhook.
func (p *portal) client(t *testing.T, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{WebhookURL: p.webhook(), Timeout: 10 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	client, err := NewClient(cfg)
	require.NoError(t, err)
	return client
}

// errorOf asserts that err is an *Error of the kind. It returns a copy, which is no error and may be ignored.
func errorOf(t *testing.T, err error, kind Kind) Error {
	t.Helper()
	require.Error(t, err)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, "%v", err)
	require.Equal(t, kind, KindOf(err))
	return *e
}

// echoBatch answers a batch with, for each command, its own query decoded.
func echoBatch(w http.ResponseWriter, s seen) {
	results := map[string]any{}
	cmd, _ := s.body["cmd"].(map[string]any)
	for key, c := range cmd {
		text, _ := c.(string)
		results[key] = map[string]any{"query": text}
	}
	body, _ := json.Marshal(map[string]any{"result": map[string]any{
		"result": results, "result_error": []int{}, "result_total": []int{}, "result_next": []int{}, "result_time": []int{},
	}})
	answerWith(w, http.StatusOK, string(body))
}

// fakeBucket gives permits from a channel; without one it lets everybody wait.
type fakeBucket struct {
	permits   chan struct{}
	mu        sync.Mutex
	taken     int
	penalties []time.Time
	fail      error
}

func (b *fakeBucket) Take(context.Context) (time.Duration, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return 0, b.fail
	}
	if b.permits == nil {
		b.taken++
		return 0, nil
	}
	select {
	case <-b.permits:
		b.taken++
		return 0, nil
	default:
		return time.Millisecond, nil
	}
}

func (b *fakeBucket) Penalize(_ context.Context, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.penalties = append(b.penalties, until)
	return nil
}

func (b *fakeBucket) count() (taken, penalties int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken, len(b.penalties)
}

// memoryTokens is a TokenStore of one process.
type memoryTokens struct {
	mu       sync.Mutex
	token    Token
	failSave int // how many times keeping a new pair fails
}

func (m *memoryTokens) Load(context.Context) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.token, nil
}

func (m *memoryTokens) Refresh(ctx context.Context, stale string, fn func(context.Context, Token) (Token, error)) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.token.Access != stale {
		return m.token, nil
	}
	fresh, err := fn(ctx, m.token)
	if err != nil {
		return Token{}, err
	}
	if m.failSave > 0 {
		m.failSave--
		return Token{}, errStoreDown
	}
	m.token = fresh
	return fresh, nil
}

// parsePHP reads a query the way PHP's parse_str does: into nested maps, "[]" appending under the next free number.
func parsePHP(t *testing.T, query string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		require.NoError(t, err)
		value, err := url.QueryUnescape(rawValue)
		require.NoError(t, err)
		setPHP(out, pathPHP(key), value)
	}
	return out
}

// pathPHP splits "a[b][c]" into its parts.
func pathPHP(key string) []string {
	name, rest, nested := strings.Cut(key, "[")
	path := []string{name}
	for nested {
		inner, after, closed := strings.Cut(rest, "]")
		if !closed {
			break
		}
		path = append(path, inner)
		_, rest, nested = strings.Cut(after, "[")
	}
	return path
}

func setPHP(into map[string]any, path []string, value string) {
	name := path[0]
	if name == "" {
		name = strconv.Itoa(len(into))
	}
	if len(path) == 1 {
		into[name] = value
		return
	}
	inner, ok := into[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		into[name] = inner
	}
	setPHP(inner, path[1:], value)
}

// asPHP is what a value of plain JSON is to PHP after its journey through a query; false if nothing of it remains.
func asPHP(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			if seen, ok := asPHP(inner); ok {
				out[name] = seen
			}
		}
		return out, len(out) > 0
	case []any:
		out := map[string]any{}
		for i, inner := range v {
			if seen, ok := asPHP(inner); ok {
				out[strconv.Itoa(i)] = seen
			}
		}
		if len(v) == 0 {
			out["0"] = ""
		}
		return out, len(out) > 0
	default:
		return scalarText(v), true
	}
}
