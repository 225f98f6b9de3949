package portals_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/store"
	"puente/store/storetest"
)

// wire counts the refreshes that pass it, and loses the answers of as many as it is told.
type wire struct {
	refreshes, lose atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Path, "/oauth/token") {
		return resp, err
	}
	w.refreshes.Add(1)
	if w.lose.Add(-1) >= 0 { // the server has done it, and nobody heard
		_ = resp.Body.Close()
		return nil, http.ErrServerClosed
	}
	return resp, err
}

// expiredApp is the portal "demo" with an application whose access token is too old, and registries of as many processes.
func expiredApp(t *testing.T, w *wire, processes int) []*portals.Registry {
	t.Helper()
	sandbox, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(sandbox)
	t.Cleanup(server.Close)
	access, refresh := expired(t, server)
	url := storetest.SQLiteURL(t)
	var all []*portals.Registry
	for range processes {
		r := portals.New(storetest.Open(t, url), portals.Options{Transport: w})
		t.Cleanup(r.Close)
		all = append(all, r)
	}
	require.NoError(t, storetest.Open(t, url).SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: store.Bitrix24Account{
		WebhookURL: server.URL + "/rest/1/sandboxsecret/",
		ClientID:   bitrix24.DemoClientID, ClientSecret: bitrix24.DemoClientSecret, OAuthServer: server.URL, ClientEndpoint: server.URL + "/rest/",
		AccessToken: access, RefreshToken: refresh, ExpiresAt: time.Now().Add(-time.Hour), RatePerSecond: 1000, Burst: 1000,
	}}))
	return all
}

// appCall makes one call that only the application may make.
func appCall(t *testing.T, r *portals.Registry) error {
	t.Helper()
	app, err := r.App(t.Context(), "demo")
	if err != nil {
		return err
	}
	_, err = app.Call(t.Context(), "event.get", nil)
	return err
}

func TestTwentyCallsOfTwoProcessesRefreshOnce(t *testing.T) {
	t.Parallel()
	w := &wire{}
	processes := expiredApp(t, w, 2)
	errs := make([]error, 20)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { errs[i] = appCall(t, processes[i%2]) })
	}
	callers.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, int64(1), w.refreshes.Load())
}

func TestTokenThatALostRefreshUsedUpNeedsAPersonWhoIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	w := &wire{}
	w.lose.Store(1)
	r := expiredApp(t, w, 1)[0]
	for range 2 {
		err := appCall(t, r)
		var e *crm.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, []any{crm.KindAccessDenied, "invalid_grant"}, []any{e.Kind, e.Code})
		require.ErrorContains(t, err, "puente portal install demo")
	}
	gateway, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	_, err = gateway.Call(t.Context(), "profile", nil)
	require.NoError(t, err, "the webhook works on")
}

func TestRefreshThatNobodyAnswersMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	w := &wire{}
	r := expiredApp(t, w, 1)[0]
	w.lose.Store(1 << 30)
	err := appCall(t, r)
	require.Equal(t, crm.KindAuthExpired, crm.KindOf(err), "not ambiguous: the method itself was not run")
}
