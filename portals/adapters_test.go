package portals_test

import (
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/store"
)

func TestApplicationRefreshesItsTokensThroughTheStore(t *testing.T) {
	t.Parallel()
	sandbox, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(sandbox)
	t.Cleanup(server.Close)
	r, db := setup(t, portals.Options{})
	access, refresh := expired(t, server)
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: store.Bitrix24Account{
		ClientID: bitrix24.DemoClientID, ClientSecret: bitrix24.DemoClientSecret, OAuthServer: server.URL, ClientEndpoint: server.URL + "/rest/",
		AccessToken: access, RefreshToken: refresh, MemberID: "m", ExpiresAt: time.Now().Add(-time.Hour),
	}}))
	gateway, err := r.Gateway(t.Context(), "demo")
	require.NoError(t, err)
	_, err = gateway.Call(t.Context(), "user.current", nil)
	require.NoError(t, err)
	token, err := db.LoadToken(t.Context(), "demo")
	require.NoError(t, err)
	require.NotEqual(t, access, token.Access)
}

// expired lets the sandbox issue tokens whose access token is too old.
func expired(t *testing.T, server *httptest.Server) (access, refresh string) {
	t.Helper()
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	post(t, server.URL+"/sandbox/tokens", `{}`, &issued)
	post(t, server.URL+"/sandbox/tokens/expire", `{"access_token":"`+issued.Access+`"}`, nil)
	return issued.Access, issued.Refresh
}

func TestRefusalOfThePortalClosesTheBucketForAll(t *testing.T) {
	t.Parallel()
	sandbox, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(sandbox)
	t.Cleanup(server.Close)
	r, db := setup(t, portals.Options{Source: "198.51.100.7"})
	hook, err := url.JoinPath(server.URL, "/rest/1/sandboxsecret/")
	require.NoError(t, err)
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: hook}}))
	_, err = sandbox.InjectFault(bitrix24.Fault{Method: "profile", Kind: "status", Status: 503, Times: 1})
	require.NoError(t, err)
	require.Equal(t, crm.KindRateLimited, crm.KindOf(call(t, r)))
	wait, err := db.TakePermit(t.Context(), "demo", "198.51.100.7", 1000, 1000)
	require.NoError(t, err)
	require.Greater(t, wait, time.Second, "every process waits, by the common rate of the plan")
}

func TestPortalThatMovedIsRemembered(t *testing.T) {
	t.Parallel()
	sandbox, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	old, moved := httptest.NewServer(sandbox), newPortal(t).open()
	t.Cleanup(old.Close)
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	save(t, db, old.URL+"/rest/1/sandboxsecret/")
	base, err := url.Parse(moved.url)
	require.NoError(t, err)
	base.Path = ""
	put(t, old.URL+"/sandbox/move", `{"base":"`+base.String()+`"}`)
	require.NoError(t, call(t, r))
	require.NoError(t, call(t, r))
	stored, err := db.Portal(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, moved.url, stored.Bitrix24.WebhookURL)
}
