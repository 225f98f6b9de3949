package service_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"puente/service"
	"puente/store"
)

// config of a process whose Temporal does not answer.
func config(t *testing.T) service.Config {
	t.Helper()
	return service.Config{
		DataDir: t.TempDir(), DatabaseURL: "sqlite://" + filepath.Join(t.TempDir(), "p.db"), SecretKey: "a passphrase for tests, long enough",
		APIAddr: "127.0.0.1:0", Migrate: true, StopTimeout: time.Second,
		Temporal: client.Options{HostPort: "127.0.0.1:1"},
	}
}

func open(t *testing.T, c service.Config) *service.Service {
	t.Helper()
	s, err := service.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// start runs the roles and returns the address and how to stop.
func start(t *testing.T, c service.Config, roles ...service.Role) (base string, stop func() error) {
	t.Helper()
	address := make(chan string, 1)
	c.Listening = func(addr string) { address <- addr }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	s := open(t, c)
	go func() { done <- s.Run(ctx, roles...) }()
	select {
	case addr := <-address:
		return "http://" + addr, func() error { cancel(); return <-done }
	case err := <-done:
		cancel()
		require.NoError(t, err)
		return "", nil
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestAPIServesItsRoutesAndStops(t *testing.T) {
	t.Parallel()
	base, stop := start(t, config(t), service.API)
	status, _ := get(t, base+"/openapi.json")
	require.Equal(t, http.StatusOK, status)
	status, metrics := get(t, base+"/metrics")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, metrics, "puente_inbox_waiting 0")
	require.NoError(t, stop())
}

func TestContactCenterIsTakenInWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	c := config(t)
	s := open(t, c)
	require.NoError(t, s.Store.Migrate(t.Context()))
	require.NoError(t, s.Store.SavePortal(t.Context(), store.Portal{Slug: "demo", APIKeyHash: store.HashAPIKey("key")}))
	base, stop := start(t, c, service.API)
	base += "/v1/portals/demo/contact-center"
	status, _ := post(t, base+"/methods/contact.create", `{"name":"Ana"}`, "application/json", "Idempotency-Key", "k1", "Prefer", "wait=0")
	require.Equal(t, http.StatusAccepted, status)
	_, metrics := get(t, strings.TrimSuffix(base, "/v1/portals/demo/contact-center")+"/metrics")
	require.Contains(t, metrics, "puente_submissions_waiting 1")

	form := "--x\r\nContent-Disposition: form-data; name=file; filename=a.mp3\r\n\r\nID3 sound\r\n--x--\r\n"
	status, answer := post(t, base+"/recordings", form, "multipart/form-data; boundary=x")
	require.Equal(t, http.StatusCreated, status, answer)
	stored, err := filepath.Glob(filepath.Join(c.DataDir, "recordings", "demo", "*.mp3"))
	require.NoError(t, err)
	require.Len(t, stored, 1)
	require.NoError(t, stop())
}

// post sends a body with the key of the portal demo.
func post(t *testing.T, url, body, contentType string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer key")
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func TestWorkerServesOnlyHealthAndMetrics(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.WorkerAddr = "127.0.0.1:0"
	base, stop := start(t, c, service.Worker)
	for path, want := range map[string]int{"/healthz": 200, "/metrics": 200, "/readyz": 503, "/openapi.json": 404, "/webhooks/chat2desk/a/b": 404} {
		status, _ := get(t, base+path)
		require.Equal(t, want, status, path)
	}
	require.NoError(t, stop())
}

func TestWorkerWithoutAddressListensNowhere(t *testing.T) {
	t.Parallel()
	s := open(t, config(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx, service.Worker))
}

func TestTakenAddressIsAnError(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	c := config(t)
	c.APIAddr = taken.Addr().String()
	require.ErrorContains(t, open(t, c).Run(t.Context(), service.API, service.Worker), "cannot listen on "+c.APIAddr)
}

func TestOldSchemaIsRefusedUnlessItMayBeMigrated(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Migrate = false
	require.ErrorIs(t, open(t, c).Run(t.Context(), service.API), store.ErrPendingMigrations)
}

func TestConfigurationComesFromTheEnvironment(t *testing.T) {
	t.Setenv("PUENTE_DATABASE_URL", "sqlite://x")
	t.Setenv("PUENTE_BITRIX24_TIMEOUT", "5s")
	t.Setenv("TEMPORAL_ADDRESS", "temporal:7233")
	t.Setenv("PUENTE_RECORDINGS_DIR", "/mnt/recordings")
	t.Setenv("TEMPORAL_NAMESPACE", "puente")
	c, err := service.LoadConfig()
	require.NoError(t, err)
	require.Equal(t, []any{"sqlite://x", 5 * time.Second, ":8080", true}, []any{c.DatabaseURL, c.Bitrix24Timeout, c.APIAddr, c.Migrate})
	require.Equal(t, []string{".puente", "/mnt/recordings"}, []string{c.DataDir, c.RecordingsDir})
	require.Equal(t, []string{"temporal:7233", "puente"}, []string{c.Temporal.HostPort, c.Temporal.Namespace})
}

func TestLoggerHasLevelsAndFormats(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := service.NewLogger(&out, "warn", "json")
	require.NoError(t, err)
	log.Info("quiet")
	log.Warn("loud")
	require.True(t, strings.HasPrefix(out.String(), "{"))
	require.NotContains(t, out.String(), "quiet")
	_, err = service.NewLogger(&out, "loud", "json")
	require.Error(t, err)
	_, err = service.NewLogger(&out, "info", "xml")
	require.Error(t, err)
}
