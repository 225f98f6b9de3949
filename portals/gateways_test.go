package portals_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/bitrix24"
	"puente/portals"
	"puente/store"
)

// both is a Bitrix24 that notes how each request was authorized.
type both struct {
	url    string
	mu     sync.Mutex
	seen   []string // "path auth"
	status int      // of the answers; 0 = 200
}

func newBoth(t *testing.T) *both {
	t.Helper()
	b := &both{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		auth := "-"
		if strings.Contains(string(body), `"auth":"access"`) {
			auth = "app"
		}
		b.mu.Lock()
		b.seen = append(b.seen, r.URL.Path+" "+auth)
		status := b.status
		b.mu.Unlock()
		if status != 0 {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":"QUERY_LIMIT_EXCEEDED"}`))
			return
		}
		_, _ = w.Write([]byte(`{"result":true}`))
	}))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *both) requests() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.seen...)
}

func (b *both) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

func (b *both) account() store.Bitrix24Account {
	return store.Bitrix24Account{
		WebhookURL: b.url + "/rest/1/sandboxsecret/", ClientID: "app.1", ClientSecret: "secret", ClientEndpoint: b.url + "/rest/",
		AccessToken: "access", RefreshToken: "refresh", RatePerSecond: 1000, Burst: 1000,
	}
}

// gateways are both gateways of the portal "demo" with this account.
func gateways(t *testing.T, r *portals.Registry, db *store.Store, account store.Bitrix24Account) (gateway, app bitrix24.Gateway) {
	t.Helper()
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: account}))
	gateway, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	app, err = r.App(t.Context(), "demo")
	require.NoError(t, err)
	return gateway, app
}

func TestWebhookServesTheRestAndTheApplicationItsOwn(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	b := newBoth(t)
	gateway, app := gateways(t, r, db, b.account())
	_, err := gateway.Call(t.Context(), "crm.item.list", nil)
	require.NoError(t, err)
	_, err = app.Call(t.Context(), "telephony.externalCall.register", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"/rest/1/sandboxsecret/crm.item.list -", "/rest/telephony.externalCall.register app"}, b.requests())
}

func TestApplicationAloneServesEverybody(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	account := newBoth(t).account()
	account.WebhookURL = ""
	gateway, app := gateways(t, r, db, account)
	require.Same(t, app, gateway)
}

func TestMissingApplicationSaysHowToGetOne(t *testing.T) {
	t.Parallel()
	hook := "https://b24.example/rest/1/sandboxsecret/"
	for name, tc := range map[string]struct {
		account store.Bitrix24Account
		words   string
		gateway bool // the rest works
	}{
		"nothing":    {store.Bitrix24Account{}, "need one", false},
		"webhook":    {store.Bitrix24Account{WebhookURL: hook}, "need one", true},
		"no secret":  {store.Bitrix24Account{WebhookURL: hook, ClientID: "app.1"}, "client secret is missing", true},
		"no tokens":  {store.Bitrix24Account{WebhookURL: hook, ClientID: "app.1", ClientSecret: "s"}, "not handed over its tokens", true},
		"only keys":  {store.Bitrix24Account{ClientID: "app.1", ClientSecret: "s"}, "not handed over its tokens", false},
		"only an id": {store.Bitrix24Account{ClientID: "app.1"}, "client secret is missing", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, db := setup(t, portals.Options{})
			require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: tc.account}))
			_, err := r.App(t.Context(), "demo")
			require.ErrorIs(t, err, portals.ErrNoApplication)
			require.ErrorIs(t, err, portals.ErrNoAccount, "whoever knows that one needs no more")
			require.ErrorContains(t, err, tc.words)
			require.ErrorContains(t, err, "puente portal install demo")
			_, err = r.Gateway(t.Context(), "demo")
			if tc.gateway {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, portals.ErrNoAccount)
		})
	}
}

func TestUnknownPortalHasNoApplicationEither(t *testing.T) {
	t.Parallel()
	r, _ := setup(t, portals.Options{})
	_, err := r.App(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = r.Uploader(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestBadWebhookDoesNotTakeTheApplicationAway(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	account := newBoth(t).account()
	account.WebhookURL = "no-address/rest/1/topsecret/"
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: account}))
	_, err := r.Gateway(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrBadAccount)
	_, err = r.App(t.Context(), "demo")
	require.NoError(t, err)
}

func TestBothWaysSpendOneBudget(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{Source: "198.51.100.7"})
	account := newBoth(t).account()
	account.RatePerSecond, account.Burst = 0.001, 8 // three requests, less the headroom
	gateway, app := gateways(t, r, db, account)
	uploader, err := r.Uploader(t.Context(), "demo")
	require.NoError(t, err)
	_, err = gateway.Call(t.Context(), "profile", nil)
	require.NoError(t, err)
	_, err = app.Call(t.Context(), "profile", nil)
	require.NoError(t, err)
	_, err = uploader.Upload(t.Context(), bitrix24.Upload{
		URL: account.ClientEndpoint + "upload.json", FileName: "a.mp3", Body: strings.NewReader("x"), Size: 1,
	})
	require.NoError(t, err)
	wait, err := db.TakePermit(t.Context(), "demo", "198.51.100.7", 0.001, 3)
	require.NoError(t, err)
	require.Greater(t, wait, time.Minute)
}

func TestRefusalOfOneWayStopsTheOther(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	b := newBoth(t)
	gateway, app := gateways(t, r, db, b.account())
	b.answer(http.StatusServiceUnavailable)
	_, err := app.Call(t.Context(), "profile", nil)
	require.Equal(t, bitrix24.KindRateLimited, bitrix24.KindOf(err))
	b.answer(0)
	start := time.Now()
	_, err = gateway.Call(t.Context(), "profile", nil)
	require.NoError(t, err)
	require.Greater(t, time.Since(start), time.Second)
}

func TestChangedAccountClosesBothWays(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	b := newBoth(t)
	oldGateway, oldApp := gateways(t, r, db, b.account())
	account := b.account()
	account.Burst = 500
	newGateway, newApp := gateways(t, r, db, account)
	require.NotSame(t, oldGateway, newGateway)
	require.NotSame(t, oldApp, newApp)
	r.Close()
	for _, g := range []bitrix24.Gateway{oldGateway, oldApp, newGateway, newApp} {
		_, err := g.Call(t.Context(), "profile", nil)
		require.Equal(t, bitrix24.KindRateLimited, bitrix24.KindOf(err), "closed: told to come again")
	}
}

func TestFilesGoByTheApplicationElseByTheWebhook(t *testing.T) {
	t.Parallel()
	for _, withApp := range []bool{true, false} {
		r, db := setup(t, portals.Options{})
		b := newBoth(t)
		account := b.account()
		if !withApp {
			account = store.Bitrix24Account{WebhookURL: account.WebhookURL}
		}
		require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: account}))
		uploader, err := r.Uploader(t.Context(), "demo")
		require.NoError(t, err)
		answer, err := uploader.Upload(t.Context(), bitrix24.Upload{
			URL: b.url + "/rest/upload.json?token=t", FileName: "a.mp3", Body: strings.NewReader("sound"), Size: 5,
		})
		require.NoError(t, err)
		require.Equal(t, "true", answer.String())
		require.Equal(t, []string{"/rest/upload.json -"}, b.requests())
	}
}

func TestUploadsHaveTimeByTheirSize(t *testing.T) {
	t.Parallel()
	r, _ := setup(t, portals.Options{Bitrix24Timeout: 30 * time.Second})
	require.Equal(t, 30*time.Second, r.UploadTimeout(1))
	require.Equal(t, 30*time.Second+20*time.Minute, r.UploadTimeout(300<<20))
}
