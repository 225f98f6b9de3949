package stack_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"puente/cmd/puente-dev/stack"
	"puente/settings"
	"puente/store"
)

const anyPort = "127.0.0.1:0"

// free is a config on free ports with its own directory.
func free(t *testing.T) stack.Config {
	t.Helper()
	dir := t.TempDir()
	return stack.Config{
		APIAddr: anyPort, TemporalAddr: anyPort, TemporalUIAddr: anyPort, Bitrix24Addr: anyPort, Chat2DeskAddr: anyPort,
		DataDir: filepath.Join(dir, "data"), SecretKey: "a key for this test alone", ReadyFile: filepath.Join(dir, "ready.json"),
	}
}

func start(t *testing.T, c stack.Config) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

func get(t *testing.T, url string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode, string(body)
}

func post(t *testing.T, url, body string) {
	t.Helper()
	response, err := http.Post(url, "application/json", strings.NewReader(body)) //nolint:noctx // a test's own server
	require.NoError(t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Less(t, response.StatusCode, 300, string(answer))
}

var authorized = http.Header{"Authorization": {"Bearer " + stack.APIKey}}

// closedSyncs are the syncs of the ledger that are done.
func closedSyncs(t *testing.T, s *stack.Stack) []any {
	t.Helper()
	status, body := get(t, s.Addresses.API+"/v1/portals/demo/syncs?status=done", authorized)
	require.Equal(t, http.StatusOK, status, body)
	var page struct {
		Items []any `json:"items"`
		Syncs []any `json:"syncs"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &page))
	return append(page.Items, page.Syncs...)
}

const dialog = `{"client":{"name":"Ana","phone":"+7 999 123-45-67"},"channel_id":12,"operator_id":301,"close":true,
	"messages":[{"from":"client","text":"Hello"},{"from":"operator","text":"Good morning!"}]}`

func TestClosedDialogReachesTheCRMAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	config := free(t)
	s := start(t, config)
	for _, url := range []string{
		s.Addresses.API + "/readyz", s.Addresses.TemporalUI + "/api/v1/namespaces/default",
		s.Addresses.Bitrix24 + "/sandbox/stats", s.Addresses.Chat2Desk + "/sandbox/stats",
	} {
		status, body := get(t, url, nil)
		require.Equal(t, http.StatusOK, status, body)
	}
	post(t, s.Addresses.Chat2Desk+"/sandbox/dialogs", dialog)
	require.Eventually(t, func() bool { return len(closedSyncs(t, s)) == 1 }, 60*time.Second, 100*time.Millisecond)
	s.Stop()
	require.NoFileExists(t, config.ReadyFile)

	s = start(t, config)
	require.Len(t, closedSyncs(t, s), 1)
	status, body := get(t, s.Addresses.Bitrix24Webhook+"crm.duplicate.findbycomm?type=PHONE&values[]=%2B79991234567", nil)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "CONTACT")
}

func TestReadyFileNamesTheAddresses(t *testing.T) {
	t.Parallel()
	config := free(t)
	config.Without = []stack.Part{stack.Temporal, stack.API, stack.Worker}
	s := start(t, config)
	content, err := os.ReadFile(config.ReadyFile)
	require.NoError(t, err)
	var at stack.Addresses
	require.NoError(t, json.Unmarshal(content, &at))
	require.Equal(t, s.Addresses, at)
}

func TestPartsThatAreLeftOutAreUsedWhereTheConfigSays(t *testing.T) {
	t.Parallel()
	config := free(t)
	config.Without = []stack.Part{stack.Temporal, stack.API, stack.Worker, stack.Chat2Desk}
	config.APIAddr, config.Chat2DeskAddr, config.TemporalAddr = ":1001", "[::]:1002", "127.0.0.1:1003"
	s := start(t, config)
	require.Equal(t, "http://127.0.0.1:1001", s.Addresses.API)
	require.Equal(t, "http://127.0.0.1:1002", s.Addresses.Chat2Desk)
	require.Equal(t, "127.0.0.1:1003", s.Addresses.Temporal)
	status, _ := get(t, s.Addresses.Bitrix24+"/sandbox/stats", nil)
	require.Equal(t, http.StatusOK, status)
}

func TestTakenPortNamesThePartAndTheWayOut(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", anyPort)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) })
	address := taken.Addr().String()
	for flag, change := range map[string]func(*stack.Config){
		"--api-addr":         func(c *stack.Config) { c.APIAddr = address },
		"--bitrix24-addr":    func(c *stack.Config) { c.Bitrix24Addr = address },
		"--chat2desk-addr":   func(c *stack.Config) { c.Chat2DeskAddr = address },
		"--temporal-addr":    func(c *stack.Config) { c.TemporalAddr = address },
		"--temporal-ui-addr": func(c *stack.Config) { c.TemporalUIAddr = address },
	} {
		config := free(t)
		change(&config)
		_, err := stack.Start(t.Context(), config, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, flag)
		require.ErrorContains(t, err, address)
	}
}

func TestSecondProcessIsKeptOutOfTheData(t *testing.T) {
	t.Parallel()
	config := free(t)
	config.Without = []stack.Part{stack.Temporal, stack.API, stack.Worker}
	start(t, config)
	_, err := stack.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "another puente-dev uses "+config.DataDir)
}

func TestUnknownPartIsNamed(t *testing.T) {
	t.Parallel()
	config := free(t)
	config.Without = []stack.Part{"wroker"}
	_, err := stack.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, `there is no part "wroker"; there are: temporal,`)
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	t.Setenv("PUENTE_API_ADDR", "127.0.0.1:1")
	t.Setenv("PUENTE_DATA_DIR", "from-environment")
	t.Setenv("PUENTE_DEV_WITHOUT", "api,worker")
	config, err := stack.FromEnv()
	require.NoError(t, err)
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.Flags(flags)
	require.NoError(t, flags.Parse([]string{"--api-addr", "127.0.0.1:2", "--without", "temporal, worker", "--log-level", "DEBUG"}))
	require.Equal(t, "127.0.0.1:2", config.APIAddr)
	require.Equal(t, "from-environment", config.DataDir)
	require.Equal(t, "127.0.0.1:8091", config.Bitrix24Addr)
	require.Equal(t, []stack.Part{stack.Temporal, stack.Worker}, config.Without)
	require.False(t, config.Has(stack.TemporalUI), "there is no UI without its server")
	require.Equal(t, slog.LevelDebug, config.LogLevel)
}

func TestDemoSettingsAreValid(t *testing.T) {
	t.Parallel()
	require.Empty(t, settings.Validate(stack.DemoSettings()))
}

func TestDemoPortalFollowsTheAddressesAndKeepsChangedSettings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "puente.sqlite"), store.Options{SecretKey: []byte("a key for this test alone")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(ctx))
	require.NoError(t, stack.SaveDemoPortal(ctx, db, stack.Addresses{Bitrix24Webhook: "http://one/rest/1/s/", Chat2Desk: "http://chat"}))
	changed := stack.DemoSettings()
	changed.General.Language = "es"
	_, err = db.SaveSettings(ctx, stack.Slug, changed, "a person", "likes it", 0)
	require.NoError(t, err)

	require.NoError(t, stack.SaveDemoPortal(ctx, db, stack.Addresses{Bitrix24Webhook: "http://two/rest/1/s/", Chat2Desk: "http://chat"}))
	portal, err := db.PortalByAPIKey(ctx, "demo-key")
	require.NoError(t, err)
	require.Equal(t, "demo", portal.Slug)
	require.Equal(t, "http://two/rest/1/s/", portal.Bitrix24.WebhookURL)
	require.Equal(t, "demo-secret", portal.Chat2Desk.WebhookSecret)
	require.Equal(t, "demo-hmac", portal.ContactCenterSecret)
	kept, version, err := db.Settings(ctx, stack.Slug)
	require.NoError(t, err)
	require.Equal(t, 2, version)
	require.Equal(t, "es", kept.General.Language)
}

func TestApplicationIsInstalledAtEveryStart(t *testing.T) {
	t.Parallel()
	config := free(t)
	for range 2 { // a restart, too
		s := start(t, config)
		post(t, s.Addresses.Bitrix24+"/sandbox/tokens/expire", `{}`) // the first use must refresh
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.Addresses.API+"/v1/portals/demo/contact-center/methods/call.create", strings.NewReader(
				`{"call_id":"c-1","direction":"incoming","phone":"+79161234567","started_at":"2026-01-31T10:00:00Z","status":"missed","contact_id":1}`))
		require.NoError(t, err)
		request.Header = authorized.Clone()
		request.Header.Set("Idempotency-Key", store.NewID())
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Less(t, response.StatusCode, 300, string(answer))
		require.Contains(t, string(answer), `"state":"finished"`)
		_, calls := get(t, s.Addresses.Bitrix24+"/sandbox/calls", nil)
		require.Equal(t, 1, strings.Count(calls, `"external_call_id":"c-1"`), calls)
		s.Stop()
	}
}
