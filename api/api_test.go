package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puente/activities"
	"puente/api"
	"puente/lines"
	"puente/lines/linestest"
	"puente/recordings"
	"puente/rerun"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

const (
	demoKey    = "demo-key"
	demoSecret = "demo-secret"
	demoToken  = "demo-token-0001"
)

// bundle is one API over a SQLite store of its own, with the portals demo and other.
type bundle struct {
	store    *store.Store
	handler  http.Handler
	temporal *fakeTemporal
	desk     *linestest.Desk
	registry *prometheus.Registry
	log      *bytes.Buffer
	woken    int
	starter  *fakeStarter
	files    *recordings.Keeper
	stopping context.Context
	stop     context.CancelFunc
	check    func(settings.Settings) ([]settings.Problem, error)
}

func (b *bundle) ValidateSettings(_ context.Context, _ string, s settings.Settings) ([]settings.Problem, error) {
	if b.check == nil {
		return nil, nil
	}
	return b.check(s)
}

func setup(t testing.TB) *bundle {
	t.Helper()
	return setupOn(t, storetest.SQLiteURL(t))
}

// setupOn is setup on another database.
func setupOn(t testing.TB, url string) *bundle {
	t.Helper()
	b := &bundle{store: openStore(t, url), temporal: &fakeTemporal{}, registry: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	b.desk = &linestest.Desk{Store: b.store}
	b.starter = &fakeStarter{store: b.store, begun: make(chan store.Submission, 100)}
	b.files = &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: b.store}
	b.stopping, b.stop = context.WithCancel(context.Background())
	t.Cleanup(b.stop)
	b.handler = b.over(b.store)
	return b
}

// over builds the API on a store that may be a broken one.
func (b *bundle) over(s api.Store) http.Handler {
	return api.New(api.Options{
		Store: s, Temporal: b.temporal, Rerun: &rerun.Service{Store: b.store, Temporal: b.temporal},
		Notify: func() { b.woken++ }, Links: api.Links{TemporalUI: "http://ui:8233", Namespace: "default"},
		Starter: b.starter, Recordings: b.files, Stopping: b.stopping,
		Lines:     &lines.Service{Store: b.store, Temporal: b.desk, Loader: &activities.Lines{Store: b.store}, Log: slog.New(slog.NewTextHandler(b.log, nil))},
		Validator: b, Logger: slog.New(slog.NewTextHandler(b.log, nil)), Metrics: b.registry,
	})
}

func openStore(t testing.TB, url string) *store.Store {
	t.Helper()
	s := storetest.Open(t, url)
	savePortal(t, s, "demo", demoKey, demoSecret, demoToken)
	savePortal(t, s, "other", "other-key", "other-secret", "other-token")
	return s
}

func savePortal(t testing.TB, s *store.Store, slug, key, secret, token string) {
	t.Helper()
	require.NoError(t, s.SavePortal(context.Background(), store.Portal{
		Slug: slug, Name: slug, APIKeyHash: store.HashAPIKey(key),
		Bitrix24:  store.Bitrix24Account{WebhookURL: "https://" + slug + ".bitrix24.example/rest/1/hook/", ApplicationToken: slug + "-app"},
		Chat2Desk: store.Chat2DeskAccount{Token: token, WebhookSecret: secret},
	}))
	_, err := s.SaveSettings(context.Background(), slug, valid(), "test", "seed", 0)
	require.NoError(t, err)
}

// valid settings of a portal.
func valid() settings.Settings {
	s := settings.Default()
	s.Operators.Administrator = 1
	return s
}

// call makes a request and returns the answer with its body read.
func (b *bundle) call(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	return callOn(b.handler, method, path, strings.NewReader(body), headers...)
}

func callOn(h http.Handler, method, path string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, body)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// get reads with demo's key.
func (b *bundle) get(path string) *httptest.ResponseRecorder {
	return b.call(http.MethodGet, path, "", "Authorization", "Bearer "+demoKey)
}

func (b *bundle) send(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	return b.call(method, path, body, append(headers, "Authorization", "Bearer "+demoKey, "Content-Type", "application/json")...)
}

// problem is an RFC 9457 document.
type problem struct {
	Title, Detail string
	Status        int
	Errors        []struct{ Message, Location string }
}

// requireProblem checks status and form of an error and returns it.
func requireProblem(t testing.TB, w *httptest.ResponseRecorder, status int) problem {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	var p problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
	require.Equal(t, status, p.Status)
	require.Equal(t, http.StatusText(status), p.Title)
	require.NotEmpty(t, p.Detail)
	return p
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	var v T
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &v))
	return v
}

// brokenStore is a store whose database went away.
type brokenStore struct{ *store.Store }

func (brokenStore) Ping(context.Context) error { return context.DeadlineExceeded }

func (brokenStore) Accept(context.Context, []store.InboxEvent) (int, error) {
	return 0, context.DeadlineExceeded
}

func (brokenStore) Syncs(context.Context, string, store.SyncFilter) ([]store.Sync, string, error) {
	return nil, "", context.DeadlineExceeded
}

func (f *fakeTemporal) CheckHealth(context.Context, *client.CheckHealthRequest) (*client.CheckHealthResponse, error) {
	return &client.CheckHealthResponse{}, f.health
}
