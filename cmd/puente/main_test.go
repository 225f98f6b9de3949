package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/store"
)

// update rewrites the golden files: go test ./cmd/puente -update
var update = flag.Bool("update", false, "rewrite the golden files")

const secretKey = "a passphrase for tests, long enough"

// prepare points the environment at a database and a Temporal of its own. The
// environment belongs to the process, so these tests are not parallel.
func prepare(t *testing.T) {
	t.Helper()
	t.Setenv("PUENTE_DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "p.db"))
	t.Setenv("PUENTE_SECRET_KEY", secretKey)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1") // nobody there
	t.Setenv("PUENTE_API_ADDR", "127.0.0.1:0")
}

// puente runs a command line and returns status, output and errors.
func puente(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	status = run(t.Context(), args, &o, &e)
	return status, o.String(), e.String()
}

// must runs a command line that has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errOut := puente(t, args...)
	require.Zero(t, status, "%s: %s", args, errOut)
	return out
}

// golden compares with testdata/<name>.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), os.Getenv("PUENTE_DATABASE_URL"), store.Options{
		SecretKey: []byte(secretKey), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

const portalYAML = `
name: Demo
api_key: demo-key
contact_center_secret: demo-hmac
bitrix24:
  webhook_url: ${TEST_BITRIX24}
chat2desk:
  base_url: ${TEST_CHAT2DESK}
  token: sandbox-token
  webhook_secret: demo-secret
settings:
  operators: {administrator: 1, users: [{operator: 301, user: 7}]}
  crm:
    channels: [{id: 12, entity: deal, pipeline: 0}]
`

func portalFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "portal.yaml")
	require.NoError(t, os.WriteFile(file, []byte(portalYAML), 0o600))
	return file
}

// sandboxes starts both and puts their addresses into the environment.
func sandboxes(t *testing.T) {
	t.Helper()
	crm, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	company, err := chat2desk.New(chat2desk.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, crm.Close()); require.NoError(t, company.Close()) })
	crmServer, chatServer := httptest.NewServer(crm), httptest.NewServer(company)
	t.Cleanup(crmServer.Close)
	t.Cleanup(chatServer.Close)
	t.Setenv("TEST_BITRIX24", crmServer.URL+"/rest/1/sandboxsecret/")
	t.Setenv("TEST_CHAT2DESK", chatServer.URL)
}

func TestMissingConfigurationIsToldAtOnce(t *testing.T) {
	t.Setenv("PUENTE_DATABASE_URL", "")
	t.Setenv("PUENTE_SECRET_KEY", "")
	for _, command := range []string{"serve", "api", "worker", "portal list", "syncs list"} {
		status, out, errOut := puente(t, strings.Fields(command)...)
		require.Equal(t, 1, status)
		require.Empty(t, out)
		require.Contains(t, errOut, "PUENTE_DATABASE_URL is not set")
		require.Contains(t, errOut, "PUENTE_SECRET_KEY is not set")
	}
}

func TestWrongConfigurationIsTold(t *testing.T) {
	prepare(t)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"migrate", "--database-url", "mysql://x"}, "postgres://"},
		{[]string{"migrate", "--log-level", "loud"}, "log level"},
		{[]string{"migrate", "--log-format", "xml"}, "log format"},
		{[]string{"portal", "list"}, "puente migrate"},
		{[]string{"serve", "--addr", "nowhere:port"}, "cannot listen"},
		{[]string{"fly"}, "unknown command"},
		{[]string{"portal", "add"}, "name one portal: puente portal add <name>"},
		{[]string{"portal", "add", "demo"}, "puente portal example"},
		{[]string{"portal", "add", "demo", "--file", "x.yaml", "--register-webhook", "puente.example.com"}, "https://puente.example.com"},
		{[]string{"syncs", "show"}, "`puente syncs list` shows the ids"},
	} {
		status, _, errOut := puente(t, tc.args...)
		require.Equal(t, 1, status)
		require.Contains(t, errOut, tc.want, tc.args)
	}
	t.Setenv("PUENTE_BITRIX24_TIMEOUT", "soon")
	_, _, errOut := puente(t, "migrate")
	require.Contains(t, errOut, "Bitrix24Timeout")
}

func TestMigrateTellsTheVersion(t *testing.T) {
	prepare(t)
	version := regexp.MustCompile(`\d+`)
	require.Contains(t, must(t, "migrate", "status"), "run `puente migrate up`")
	out := must(t, "migrate", "up")
	require.Contains(t, out, "up to date")
	require.NotEmpty(t, version.FindString(out))
	require.Equal(t, out, must(t, "migrate", "status"))
	require.Equal(t, out, must(t, "migrate"))
}

func TestVersionNeedsNoConfiguration(t *testing.T) {
	t.Setenv("PUENTE_DATABASE_URL", "")
	require.Regexp(t, `^puente \S+ go1\.\d+\S* \S+/\S+\n$`, must(t, "version"))
	require.Contains(t, must(t, "portal", "example"), "webhook_url:")
}

func TestPortalIsAddedListedAndChecked(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	golden(t, "portal_add", must(t, "portal", "add", "demo", "--file", portalFile(t)))
	golden(t, "portal_list", hide(must(t, "portal", "list")))

	status, out, errOut := puente(t, "portal", "check", "demo")
	require.Equal(t, 1, status)
	require.Contains(t, errOut, "does not work yet")
	golden(t, "portal_check_unregistered", hide(out))

	out = must(t, "portal", "add", "demo", "--file", portalFile(t), "--register-webhook", "https://puente.example.com")
	require.Contains(t, out, "registered in Chat2Desk: https://puente.example.com/webhooks/chat2desk/demo/demo-secret")
	golden(t, "portal_check", hide(must(t, "portal", "check", "demo")))

	var report struct {
		Portal   string
		Features []struct{ Feature, State string }
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "portal", "check", "demo", "--json")), &report))
	require.Equal(t, "demo", report.Portal)
	require.NotEmpty(t, report.Features)
}

// hide takes away what changes: the ports of the sandboxes, and what grows with them.
func hide(out string) string {
	out = regexp.MustCompile(`127\.0\.0\.1:\d+ *`).ReplaceAllString(out, "HOST  ")
	// What the sandbox's open lines can do is their own tests' matter.
	out = regexp.MustCompile(`(?m)^\w+ +Open Lines: .*\n( +→ the portal does not have it.*\n)?`).ReplaceAllString(out, "")
	out = regexp.MustCompile(`(AUTH|BITRIX24|CHAT2DESK) +`).ReplaceAllString(out, "$1  ")
	return out
}

func TestPortalSecretsAreShownOnceAndNeverListed(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	var added struct {
		APIKey     string `json:"api_key"`
		WebhookURL string `json:"webhook_url"`
		Created    bool
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "portal", "add", "demo", "--file", portalFile(t), "--json")), &added))
	require.True(t, added.Created)
	require.Equal(t, "demo-key", added.APIKey)
	for _, args := range [][]string{{"portal", "list"}, {"portal", "list", "--json"}, {"portal", "check", "demo"}} {
		_, out, errOut := puente(t, args...)
		for _, secret := range []string{"demo-key", "demo-secret", "demo-hmac", "sandboxsecret", "sandbox-token"} {
			require.NotContains(t, out+errOut, secret, args)
		}
	}
}

func TestPortalFilesThatAreWrong(t *testing.T) {
	prepare(t)
	must(t, "migrate")
	file := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(file, []byte("chat2desk:\n  token: ${TEST_NOT_SET}\n"), 0o600))
	_, _, errOut := puente(t, "portal", "add", "demo", "--file", file)
	require.Contains(t, errOut, "chat2desk.token: the environment variable TEST_NOT_SET is not set")
	_, _, errOut = puente(t, "portal", "add", "demo", "--file", "missing.yaml")
	require.Contains(t, errOut, "missing.yaml")
	_, _, errOut = puente(t, "portal", "check", "nobody")
	require.Contains(t, errOut, "there is no portal nobody")
}

// seedLedger puts three runs with known ids and times into the ledger.
func seedLedger(t *testing.T) {
	t.Helper()
	s := open(t)
	at := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	for i, row := range []store.Sync{
		{
			ID: "01900000-0000-7000-8000-000000000001", DialogID: 4401, RequestID: 9901, ClientID: 7001, Status: store.SyncDone,
			DealID: 15, ContactID: 40, Rule: "the newest open deal in the channel's pipeline",
		},
		{
			ID: "01900000-0000-7000-8000-000000000002", DialogID: 4402, RequestID: 9902, ClientID: 7002, Status: store.SyncFailed, Cycle: 1,
			ErrorStep: "fields", ErrorCode: "CRM_FIELD_ERROR_REQUIRED", ErrorText: "Field \"City\"\nis required\x1b[31m", Attempts: 1, Requests: 2,
			SettingsVersion: 1, RunID: "0190-run", ChannelID: 12, Input: json.RawMessage(`{"portal":"demo"}`),
		},
		{
			ID: "01900000-0000-7000-8000-000000000003", DialogID: 4403, RequestID: 9903, ClientID: 7003, Status: store.SyncSkipped,
			Reason: "the request has none of the tags 1, 3",
		},
	} {
		row.Portal, row.Kind, row.WorkflowID = "demo", "dialog", "dialog-sync:demo:"+number(row.DialogID)+":"+number(row.RequestID)
		row.CreatedAt = at.Add(time.Duration(i) * time.Minute)
		row.UpdatedAt = row.CreatedAt
		_, _, err := s.OpenSync(t.Context(), row)
		require.NoError(t, err)
	}
	require.NoError(t, s.SaveStep(t.Context(), store.Step{
		SyncID: "01900000-0000-7000-8000-000000000002", Name: "contact", Status: "done", EntityKind: "contact", EntityID: 41, Detail: "created",
	}))
	require.NoError(t, s.SaveStep(t.Context(), store.Step{
		SyncID: "01900000-0000-7000-8000-000000000002", Name: "entity", Status: "failed", Error: "Field City is required",
	}))
}

func TestSyncsAreListedAndShown(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	_, _, errOut := puente(t, "syncs", "list")
	require.Contains(t, errOut, "no portal is connected")
	must(t, "portal", "add", "demo", "--file", portalFile(t))
	seedLedger(t)
	golden(t, "syncs_list", must(t, "syncs", "list"))
	golden(t, "syncs_list_failed", must(t, "syncs", "list", "--status", "failed", "--portal", "demo"))
	golden(t, "syncs_show", must(t, "syncs", "show", "01900000-0000-7000-8000-000000000002"))
	require.Contains(t, must(t, "syncs", "list", "--limit", "1"), "more: --cursor ")
	require.NotContains(t, must(t, "syncs", "list", "--query", "9903"), "9901")
	require.NotContains(t, must(t, "syncs", "list", "--since", "1h"), "9901")

	var page struct{ Items []store.Sync }
	require.NoError(t, json.Unmarshal([]byte(must(t, "syncs", "list", "--json")), &page))
	require.Len(t, page.Items, 3)
	require.Equal(t, "There is no such run.\n", must(t, "syncs", "list", "--status", "open"))
	for _, args := range [][]string{{"syncs", "list", "--portal", "nobody"}, {"syncs", "show", "nothing"}, {"syncs", "list", "--status", "fail"}} {
		status, _, errOut := puente(t, args...)
		require.Equal(t, 1, status)
		require.Regexp(t, `there is no portal nobody|has no sync nothing|no status "fail"; there are: open, syncing, failed`, errOut)
	}
}

func TestRerunSaysWhyItCannot(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	must(t, "portal", "add", "demo", "--file", portalFile(t))
	seedLedger(t)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"rerun", "01900000-0000-7000-8000-000000000001"}, "the sync is done"},
		{[]string{"rerun", "01900000-0000-7000-8000-000000000009"}, "no such sync"},
		{[]string{"rerun", "01900000-0000-7000-8000-000000000002", "--correction", `{"colour":1}`}, "colour"},
		{[]string{"rerun", "01900000-0000-7000-8000-000000000002", "--correction", "@missing.json"}, "missing.json"},
		{[]string{"abandon", "01900000-0000-7000-8000-000000000002"}, "reason"},
		{[]string{"abandon", "01900000-0000-7000-8000-000000000003", "--reason", "x"}, "already skipped"},
		{[]string{"rerun", "01900000-0000-7000-8000-000000000002", "--reason", "x"}, "looked for at 127.0.0.1:1 (TEMPORAL_ADDRESS)"},
	} {
		status, out, errOut := puente(t, append([]string{"syncs"}, tc.args...)...)
		require.Equal(t, 1, status)
		require.Empty(t, out)
		require.Contains(t, errOut, tc.want)
	}
}

func TestServeTakesWebhooksWhileTemporalIsDownAndStopsWhenTold(t *testing.T) {
	prepare(t)
	sandboxes(t)
	must(t, "migrate")
	must(t, "portal", "add", "demo", "--file", portalFile(t))
	ctx, stop := context.WithCancel(t.Context())
	logs, writer := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"serve", "--log-format", "json"}, io.Discard, writer)
		_ = writer.Close()
	}()
	base := "http://" + listening(t, logs)

	require.Equal(t, http.StatusOK, fetch(t, http.MethodGet, base+"/healthz", ""))
	require.Equal(t, http.StatusServiceUnavailable, fetch(t, http.MethodGet, base+"/readyz", ""))
	require.Equal(t, http.StatusOK, fetch(t, http.MethodPost, base+"/webhooks/chat2desk/demo/demo-secret",
		`{"hook_type":"inbox","message_id":1,"client_id":2,"event_time":"2026-01-02T03:04:05Z"}`))
	stop()
	require.Zero(t, <-done)
	rows, _, err := open(t).InboxList(context.WithoutCancel(t.Context()), "demo", store.InboxFilter{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
}

// listening reads the log until the address is told, and the rest in the background.
func listening(t *testing.T, logs io.Reader) string {
	t.Helper()
	lines := json.NewDecoder(logs)
	for {
		var line struct{ Msg, Address string }
		require.NoError(t, lines.Decode(&line))
		if line.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, logs) }()
			_, _, err := net.SplitHostPort(line.Address)
			require.NoError(t, err)
			return line.Address
		}
	}
}

func fetch(t *testing.T, method, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}
