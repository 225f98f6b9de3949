// Package e2e tests Puente from outside: the real processes, a real Temporal
// server, PostgreSQL, and the sandboxes of Bitrix24 and Chat2Desk. What counts
// is what stands in the sandbox CRM at the end.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

const secretKey = "e2e-secret-key-e2e-secret-key-32"

// options shape a stack.
type options struct {
	workers  int                      // processes of puente worker; 0 = 1
	settings func(*settings.Settings) // changes to the demo portal's settings
	portal   func(*store.Portal)      // changes to the demo portal's accounts
	limits   map[string]any           // of the sandbox portal; nil = wide open
	env      []string                 // for api and workers
	chat     map[string]any           // settings of the sandbox Chat2Desk
	// separateTemporal runs the Temporal server apart from the sandboxes, so
	// that a test can take it away.
	separateTemporal bool
}

// stack is everything one test works with.
type stack struct {
	t        testing.TB
	dir      string
	database string
	api      string
	bitrix   string
	chat     string
	temporal string
	dev      *process
	apiProc  *process
	workers  []*process
	store    *store.Store

	temporalProc *process // with options.separateTemporal
}

// wide are limits that never refuse: for tests that are not about limits.
var wide = map[string]any{"rate": 5000, "burst": 50000, "operating_limit_s": 100000}

// start brings a stack up: Temporal and the sandboxes in puente-dev, and
// puente api and puente worker as processes of their own on PostgreSQL.
func start(t testing.TB, o options) *stack {
	t.Helper()
	s := &stack{t: t, dir: t.TempDir()}
	s.database = storetest.PostgresURL(t)
	s.api, s.bitrix, s.chat, s.temporal = local(freePort(t)), local(freePort(t)), local(freePort(t)), local(freePort(t))
	without := "api,worker"
	if o.separateTemporal {
		without += ",temporal,ui"
		s.temporalProc = s.process("puente-dev", "temporal", "run", "--without", "ui,portal,bitrix24,chat2desk,api,worker")
		s.temporalProc.env = append(s.temporalProc.env, "PUENTE_DATA_DIR="+filepath.Join(s.dir, "temporal"))
		s.temporalProc.start(t)
	}
	s.dev = s.process("puente-dev", "dev", "run", "--without", without)
	s.dev.start(t)
	t.Cleanup(s.down)
	s.ready("sandbox Bitrix24", "http://"+s.bitrix+"/sandbox/stats")
	s.ready("sandbox Chat2Desk", "http://"+s.chat+"/sandbox/stats")
	s.openStore()
	s.configure(o)
	s.apiProc = s.process("puente", "api", "api")
	s.apiProc.env = append(s.apiProc.env, o.env...)
	s.apiProc.start(t)
	for i := range max(o.workers, 1) {
		w := s.process("puente", fmt.Sprintf("worker%d", i), "worker")
		w.env = append(w.env, o.env...)
		w.start(t)
		s.workers = append(s.workers, w)
	}
	s.ready("puente api", "http://"+s.api+"/readyz")
	return s
}

func (s *stack) process(command, name string, args ...string) *process {
	return &process{
		name: name, path: binary(s.t, command), args: args, log: filepath.Join(s.dir, name+".log"),
		env: []string{
			"PUENTE_DATABASE_URL=" + s.database, "PUENTE_SECRET_KEY=" + secretKey, "PUENTE_DATA_DIR=" + filepath.Join(s.dir, "data"),
			"PUENTE_API_ADDR=" + s.api, "PUENTE_TEMPORAL_ADDR=" + s.temporal, "TEMPORAL_ADDRESS=" + s.temporal,
			"PUENTE_LOG_LEVEL=WARN", "PUENTE_TEMPORAL_UI_ADDR=127.0.0.1:0", "PUENTE_SANDBOX_BITRIX24_ADDR=" + s.bitrix, "PUENTE_SANDBOX_CHAT2DESK_ADDR=" + s.chat,
		},
	}
}

func (s *stack) all() []*process {
	all := append([]*process{}, s.workers...)
	if s.apiProc != nil {
		all = append(all, s.apiProc)
	}
	if s.temporalProc != nil {
		all = append(all, s.temporalProc)
	}
	return append(all, s.dev)
}

func (s *stack) down() {
	for _, p := range s.all() {
		p.stop()
	}
	for _, p := range s.all() {
		if p.races() {
			s.t.Errorf("data race in %s:\n%s", p.name, p.tail(200))
		}
		if s.t.Failed() {
			s.t.Logf("--- end of the log of %s\n%s", p.name, p.tail(40))
		}
	}
}

// ready waits until an address answers 200.
func (s *stack) ready(what, address string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		resp, err := http.Get(address)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 60*time.Second, 50*time.Millisecond, "%s is not ready: %s", what, address)
}

// openStore looks into Puente's own database, for what has no API.
func (s *stack) openStore() {
	db, err := store.Open(context.Background(), s.database, store.Options{SecretKey: []byte(secretKey)})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = db.Close() })
	s.store = db
}

// configure changes the demo portal as the test wants it.
func (s *stack) configure(o options) {
	s.t.Helper()
	ctx := context.Background()
	limits := o.limits
	if limits == nil {
		limits = wide
	}
	s.put("http://"+s.bitrix+"/sandbox/limits", limits)
	if o.chat != nil {
		s.put("http://"+s.chat+"/sandbox/settings", o.chat)
	}
	require.Eventually(s.t, func() bool { _, err := s.store.Portal(ctx, "demo"); return err == nil }, 20*time.Second, 50*time.Millisecond)
	portal, err := s.store.Portal(ctx, "demo")
	require.NoError(s.t, err)
	if o.limits == nil {
		portal.Bitrix24.RatePerSecond, portal.Bitrix24.Burst = 5000, 50000
	}
	if o.portal != nil {
		o.portal(&portal)
	}
	require.NoError(s.t, s.store.SavePortal(ctx, portal))
	conf, version, err := s.store.Settings(ctx, "demo")
	require.NoError(s.t, err)
	conf.General.SettleSeconds = 1
	if o.settings != nil {
		o.settings(&conf)
	}
	_, err = s.store.SaveSettings(ctx, "demo", conf, "e2e", "test", version)
	require.NoError(s.t, err)
}

// call makes one JSON request and decodes the answer into out, if given.
func (s *stack) call(method, address string, body, out any) int {
	s.t.Helper()
	status, raw := s.raw(method, address, body)
	if out != nil {
		require.NoError(s.t, json.Unmarshal(raw, out), "%s %s: %s", method, address, raw)
	}
	return status
}

func (s *stack) raw(method, address string, body any) (int, []byte) {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		require.NoError(s.t, err)
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, address, reader) //nolint:noctx // bounded by the test
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer demo-key")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, raw
}

// postRaw sends a body as it is, without credentials.
func (s *stack) postRaw(address, body string) (int, string) {
	s.t.Helper()
	resp, err := http.Post(address, "application/json", strings.NewReader(body))
	require.NoError(s.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp.StatusCode, string(raw)
}

func (s *stack) put(address string, body any) {
	s.t.Helper()
	status, raw := s.raw(http.MethodPut, address, body)
	require.Less(s.t, status, 300, "%s: %s", address, raw)
}

func (s *stack) post(address string, body, out any) {
	s.t.Helper()
	status, raw := s.raw(http.MethodPost, address, body)
	require.Less(s.t, status, 300, "%s: %s", address, raw)
	if out != nil {
		require.NoError(s.t, json.Unmarshal(raw, out), string(raw))
	}
}
