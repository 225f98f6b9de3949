package portals_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/bitrix24"
	"puente/portals"
	"puente/store"
	"puente/store/storetest"
)

// portal is a Bitrix24 that answers true to everything, when it is let.
type portal struct {
	url      string
	requests atomic.Int64
	gate     chan struct{} // closed = answers at once
}

func newPortal(t *testing.T) *portal {
	t.Helper()
	p := &portal{gate: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.requests.Add(1)
		<-p.gate
		_, _ = w.Write([]byte(`{"result":true}`))
	}))
	t.Cleanup(server.Close)
	p.url = server.URL + "/rest/1/sandboxsecret/"
	return p
}

func (p *portal) open() *portal { close(p.gate); return p }

func setup(t *testing.T, o portals.Options) (*portals.Registry, *store.Store) {
	t.Helper()
	db := storetest.Open(t, storetest.SQLiteURL(t))
	r := portals.New(db, o)
	t.Cleanup(r.Close)
	return r, db
}

func save(t *testing.T, db *store.Store, webhook string) {
	t.Helper()
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: store.Bitrix24Account{
		WebhookURL: webhook, RatePerSecond: 1000, Burst: 1000,
	}}))
}

func call(t *testing.T, r *portals.Registry) error {
	t.Helper()
	gateway, err := r.Gateway(t.Context(), "demo")
	if err != nil {
		return err
	}
	_, err = gateway.Call(t.Context(), "profile", nil)
	return err
}

func TestClientsAreKeptUntilTheAccountChanges(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	first, second := newPortal(t).open(), newPortal(t).open()
	save(t, db, first.url)
	one, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	same, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	require.Same(t, one, same, "looked at again, and nothing has changed")
	require.NoError(t, call(t, r))

	save(t, db, second.url)
	require.NoError(t, call(t, r))
	require.Equal(t, int64(1), first.requests.Load())
	require.Equal(t, int64(1), second.requests.Load())
	stored, err := r.Portal(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, second.url, stored.Bitrix24.WebhookURL)
}

func TestAccountIsLookedAtAfterAWhileOnly(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{CheckEvery: time.Hour})
	first, second := newPortal(t).open(), newPortal(t).open()
	save(t, db, first.url)
	require.NoError(t, call(t, r))
	save(t, db, second.url)
	require.NoError(t, call(t, r))
	require.Zero(t, second.requests.Load())
}

func TestWhoHoldsAReplacedGatewayGetsAnAnswer(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	slow := newPortal(t)
	save(t, db, slow.url)
	old, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		_, err := old.Call(context.Background(), "profile", nil)
		answered <- err
	}()
	require.Eventually(t, func() bool { return slow.requests.Load() == 1 }, 5*time.Second, time.Millisecond)
	save(t, db, newPortal(t).open().url)
	require.NoError(t, call(t, r), "the new account does not wait for the old one")
	closed := make(chan struct{})
	go func() { r.Close(); close(closed) }()
	select {
	case <-closed:
		require.Fail(t, "closed while a request is under way")
	case <-time.After(50 * time.Millisecond):
	}
	slow.open()
	require.NoError(t, <-answered)
	<-closed
	_, err = old.Call(t.Context(), "profile", nil)
	require.Equal(t, bitrix24.KindRateLimited, bitrix24.KindOf(err), "told to come again: nothing was sent")
}

func TestMissingAndBadAccountsSaySo(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	_, err := r.Gateway(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = r.Chat2Desk(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = r.Portal(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)

	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
	_, err = r.Gateway(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrNoAccount)
	_, err = r.Chat2Desk(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrNoAccount)

	require.NoError(t, db.SavePortal(t.Context(), store.Portal{
		Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: "no-address/rest/1/topsecret/"},
		Chat2Desk: store.Chat2DeskAccount{BaseURL: "https://api.example", Token: "token", TimeZone: "Nowhere/Else"},
	}))
	_, err = r.Gateway(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrBadAccount)
	require.NotContains(t, err.Error(), "topsecret")
	_, err = r.Chat2Desk(t.Context(), "demo")
	require.NoError(t, err, "one bad account does not take the other away")
}

func TestClosedRegistryGivesNothingOut(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	save(t, db, newPortal(t).open().url)
	require.NoError(t, call(t, r))
	r.Close()
	r.Close()
	require.ErrorIs(t, call(t, r), portals.ErrClosed)
}

func TestManyCallersShareOneLook(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	p := newPortal(t).open()
	save(t, db, p.url)
	gateways := make([]bitrix24.Gateway, 50)
	var group sync.WaitGroup
	for i := range gateways {
		group.Go(func() { gateways[i], _ = r.Gateway(context.Background(), "demo") })
	}
	group.Wait()
	for _, g := range gateways {
		require.Same(t, gateways[0], g)
	}
}

func TestCallerWhoGivesUpDoesNotSpoilTheLookForOthers(t *testing.T) {
	t.Parallel()
	r, db := setup(t, portals.Options{})
	save(t, db, newPortal(t).open().url)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, _ = r.Gateway(ctx, "demo")
	}
	require.NoError(t, call(t, r))
}

func TestDatabaseThatIsGoneIsAnErrorThatPasses(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), storetest.SQLiteURL(t), store.Options{SecretKey: []byte(storetest.Key)})
	require.NoError(t, err)
	r := portals.New(db, portals.Options{})
	t.Cleanup(r.Close)
	require.NoError(t, db.Close())
	_, err = r.Gateway(t.Context(), "demo")
	require.Error(t, err)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.NotErrorIs(t, err, portals.ErrNoAccount)
}

func TestWebURLIsTheHostOfThePortal(t *testing.T) {
	t.Parallel()
	for want, account := range map[string]store.Bitrix24Account{
		"https://a.bitrix24.com": {WebhookURL: "https://a.bitrix24.com/rest/1/secret/"},
		"https://b.bitrix24.com": {ClientID: "app", ClientEndpoint: "https://b.bitrix24.com/rest/"},
		"":                       {WebhookURL: "::"},
	} {
		require.Equal(t, want, portals.WebURL(store.Portal{Bitrix24: account}))
	}
}

func TestRequestTimeoutHasADefault(t *testing.T) {
	t.Parallel()
	r, _ := setup(t, portals.Options{})
	require.Equal(t, bitrix24.DefaultTimeout, r.RequestTimeout())
	r, _ = setup(t, portals.Options{Bitrix24Timeout: time.Second})
	require.Equal(t, time.Second, r.RequestTimeout())
}
