package portals_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/store"
)

// installing is the portal "demo" by webhook and a sandbox that has an application to install there.
type installing struct {
	url      string
	registry *portals.Registry
	store    *store.Store
	sandbox  *bitrix24.Portal
}

func newInstalling(t *testing.T, change ...func(*store.Bitrix24Account)) *installing {
	t.Helper()
	sandbox, err := bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(sandbox)
	t.Cleanup(server.Close)
	r, db := setup(t, portals.Options{CheckEvery: time.Nanosecond})
	account := store.Bitrix24Account{WebhookURL: server.URL + "/rest/1/sandboxsecret/", RatePerSecond: 1000, Burst: 1000, OAuthServer: server.URL}
	for _, c := range change {
		c(&account)
	}
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Bitrix24: account}))
	return &installing{url: server.URL, registry: r, store: db, sandbox: sandbox}
}

// handover is what the sandbox's application hands over.
func (i *installing) handover(t *testing.T) portals.Handover {
	t.Helper()
	var issued struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	post(t, i.url+"/sandbox/tokens", `{}`, &issued)
	return portals.Handover{
		Domain: strings.TrimPrefix(i.url, "http://"), ClientEndpoint: i.url + "/rest/", MemberID: "m1", Access: issued.Access, Refresh: issued.Refresh,
		ExpiresIn: time.Hour, ApplicationToken: "app-token", OAuthServer: "https://evil.example/rest/", Scope: "crm,telephony",
	}
}

func (i *installing) account(t *testing.T) store.Bitrix24Account {
	t.Helper()
	p, err := i.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	return p.Bitrix24
}

func TestInstalledApplicationWorksAsSoonAsItsSecretIsKnown(t *testing.T) {
	t.Parallel()
	i := newInstalling(t)
	h := i.handover(t)
	who, err := i.registry.Install(t.Context(), "demo", h)
	require.NoError(t, err)
	require.Equal(t, bitrix24.DemoClientID, who.AppCode)
	require.True(t, who.Admin)
	a := i.account(t)
	require.Equal(t, []string{bitrix24.DemoClientID, "app-token", "m1", h.Access, h.Refresh, i.url + "/rest/", i.url},
		[]string{a.ClientID, a.ApplicationToken, a.MemberID, a.AccessToken, a.RefreshToken, a.ClientEndpoint, a.OAuthServer})
	require.WithinDuration(t, time.Now().Add(time.Hour), a.ExpiresAt, time.Minute)
	require.ErrorIs(t, appCall(t, i.registry), portals.ErrNoApplication)

	p, err := i.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.Bitrix24.ClientSecret = bitrix24.DemoClientSecret
	require.NoError(t, i.store.SavePortal(t.Context(), p))
	require.NoError(t, appCall(t, i.registry))
	post(t, i.url+"/sandbox/tokens/expire", `{"access_token":"`+h.Access+`"}`, nil)
	require.NoError(t, appCall(t, i.registry), "and it is refreshed from then on")
}

func TestInstallationIsAuditedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	i := newInstalling(t)
	h := i.handover(t)
	_, err := i.registry.Install(t.Context(), "demo", h)
	require.NoError(t, err)
	entries, _, err := i.store.AuditLog(t.Context(), "demo", "portal", store.Page{})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "portal.install", entries[0].Action)
	require.Contains(t, string(entries[0].After), bitrix24.DemoClientID)
	for _, secret := range []string{h.Access, h.Refresh, h.ApplicationToken} {
		require.NotContains(t, string(entries[0].After), secret)
	}
}

func TestForgedInstallationsAreRefusedAndStoreNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account func(*store.Bitrix24Account)
		forge   func(*portals.Handover)
		reason  portals.Reason
		words   string
	}{
		"token nobody knows":     {nil, func(h *portals.Handover) { h.Access = "invented" }, portals.Foreign, "does not know this token"},
		"another portal":         {nil, func(h *portals.Handover) { h.Domain = "evil.example" }, portals.Foreign, "another one sent this"},
		"another endpoint":       {nil, func(h *portals.Handover) { h.ClientEndpoint = "http://evil.example/rest/" }, portals.Foreign, "another one"},
		"another port":           {nil, func(h *portals.Handover) { h.Domain = "127.0.0.1:1" }, portals.Foreign, "another one"},
		"more than a domain":     {nil, func(h *portals.Handover) { h.Domain += "/x?y" }, portals.Foreign, "another one"},
		"another member":         {func(a *store.Bitrix24Account) { a.MemberID = "m0" }, nil, portals.Foreign, "member_id"},
		"another application":    {func(a *store.Bitrix24Account) { a.ClientID = "local.other" }, nil, portals.Foreign, "and not local.other"},
		"portal without address": {func(a *store.Bitrix24Account) { *a = store.Bitrix24Account{} }, nil, portals.NotReady, "client_endpoint"},
		"portal that is silent":  {func(a *store.Bitrix24Account) { a.WebhookURL = "http://127.0.0.1:1/rest/1/sandboxsecret/" }, func(h *portals.Handover) { h.Domain, h.ClientEndpoint = "127.0.0.1:1", "" }, portals.Unreachable, "install again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstalling(t)
			if c.account != nil {
				p, err := i.store.Portal(t.Context(), "demo")
				require.NoError(t, err)
				c.account(&p.Bitrix24)
				require.NoError(t, i.store.SavePortal(t.Context(), p))
			}
			before, h := i.account(t), i.handover(t)
			if c.forge != nil {
				c.forge(&h)
			}
			_, err := i.registry.Install(t.Context(), "demo", h)
			var refused *portals.Refusal
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.reason, refused.Reason)
			require.ErrorContains(t, err, c.words)
			require.NotContains(t, err.Error(), h.Access)
			require.Equal(t, before, i.account(t))
		})
	}
}

func TestApplicationOfTheMarketMustBeNamedFirst(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"result":{"result":{"app":{"CODE":"market.app","STATUS":"F"},"me":{"ID":"1","ADMIN":true}},"result_error":[]}}`))
	}))
	t.Cleanup(server.Close)
	i := newInstalling(t, func(a *store.Bitrix24Account) { a.WebhookURL = server.URL + "/rest/1/sandboxsecret/" })
	h := i.handover(t)
	h.Domain, h.ClientEndpoint = strings.TrimPrefix(server.URL, "http://"), server.URL+"/rest/"
	_, err := i.registry.Install(t.Context(), "demo", h)
	require.ErrorContains(t, err, "no local application")
}

func TestAuthorizationServerIsTakenFromTheVendorOnly(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://oauth.bitrix24.tech/rest/": "https://oauth.bitrix24.tech/rest/",
		"https://oauth.bitrix.info/rest/":   "https://oauth.bitrix.info/rest/",
		"http://oauth.bitrix.info/rest/":    "",
		"https://evil.example/rest/":        "",
		"":                                  "",
	} {
		i := newInstalling(t, func(a *store.Bitrix24Account) { a.OAuthServer = "" })
		h := i.handover(t)
		h.OAuthServer = given
		_, err := i.registry.Install(t.Context(), "demo", h)
		require.NoError(t, err)
		require.Equal(t, want, i.account(t).OAuthServer, given)
	}
}

func TestInstallationOfAnUnknownPortalIsNotFound(t *testing.T) {
	t.Parallel()
	i := newInstalling(t)
	_, err := i.registry.Install(t.Context(), "nobody", i.handover(t))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestRemovedApplicationIsForgotten(t *testing.T) {
	t.Parallel()
	i := newInstalling(t)
	_, err := i.registry.Install(t.Context(), "demo", i.handover(t))
	require.NoError(t, err)
	require.NoError(t, i.registry.Uninstall(t.Context(), "demo"))
	require.Equal(t, []string{bitrix24.DemoClientID, "", ""},
		[]string{i.account(t).ClientID, i.account(t).RefreshToken, i.account(t).ApplicationToken})
	require.ErrorIs(t, appCall(t, i.registry), portals.ErrNoApplication)
	_, err = i.registry.Gateway(t.Context(), "demo")
	require.NoError(t, err)
}

const installEvent = "event=ONAPPINSTALL&data[VERSION]=1&ts=1780000000&auth[domain]=b24.example&auth[client_endpoint]=https://b24.example/rest/" +
	"&auth[access_token]=a&auth[refresh_token]=r&auth[expires_in]=1800&auth[member_id]=m1&auth[application_token]=t&auth[scope]=crm" +
	"&auth[server_endpoint]=https://oauth.bitrix.info/rest/"

const installPage = "DOMAIN=b24.example&PROTOCOL=1&LANG=en&APP_SID=x&AUTH_ID=a&REFRESH_ID=r&AUTH_EXPIRES=3600&member_id=m1&APPLICATION_TOKEN=t" +
	"&APPLICATION_SCOPE=crm&SERVER_ENDPOINT=https://oauth.bitrix.info/rest/&PLACEMENT=DEFAULT&status=L"

func TestHandoverIsReadFromEventAndPage(t *testing.T) {
	t.Parallel()
	want := portals.Handover{
		Domain: "b24.example", ClientEndpoint: "https://b24.example/rest/", MemberID: "m1", Access: "a", Refresh: "r", ExpiresIn: 30 * time.Minute,
		ApplicationToken: "t", OAuthServer: "https://oauth.bitrix.info/rest/", Scope: "crm",
	}
	got, err := read(t, installEvent)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = read(t, strings.Replace(installEvent, "ONAPPINSTALL", "OnAppUpdate", 1))
	require.NoError(t, err)
	require.Equal(t, want, got)
	want.ClientEndpoint, want.ExpiresIn, want.Page = "", time.Hour, true
	got, err = read(t, installPage)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func read(t *testing.T, form string) (portals.Handover, error) {
	t.Helper()
	values, err := url.ParseQuery(form)
	require.NoError(t, err)
	return portals.ReadHandover(values)
}

func TestIncompleteHandoversSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	for form, words := range map[string]string{
		"": "ONAPPINSTALL", "event=ONCRMDEALADD&auth[access_token]=a": "ONAPPINSTALL", "event=ONAPPINSTALL": "has not sent",
		strings.Replace(installEvent, "auth[refresh_token]=r", "", 1): "the refresh token",
		strings.Replace(installEvent, "auth[access_token]=a", "", 1):  "the access token",
		strings.Replace(installPage, "member_id=m1", "", 1):           "member_id",
		strings.Replace(installPage, "DOMAIN=b24.example", "", 1):     "the domain",
	} {
		_, err := read(t, form)
		var refused *portals.Refusal
		require.ErrorAs(t, err, &refused, form)
		require.Equal(t, portals.Incomplete, refused.Reason)
		require.ErrorContains(t, err, words)
	}
}

func TestOddLifetimesAreTheUsualHour(t *testing.T) {
	t.Parallel()
	for _, life := range []string{"", "x", "0", "-5", "999999999999"} {
		got, err := read(t, strings.Replace(installEvent, "1800", life, 1))
		require.NoError(t, err)
		require.Equal(t, time.Hour, got.ExpiresIn, life)
	}
}

func FuzzReadHandover(f *testing.F) {
	f.Add(installEvent)
	f.Add(installPage)
	f.Add("AUTH_ID=&event=ONAPPINSTALL")
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		h, err := portals.ReadHandover(values)
		if err == nil && (h.Access == "" || h.Refresh == "" || h.Domain == "" || h.MemberID == "" || h.ExpiresIn <= 0) {
			t.Fatalf("%+v", h)
		}
	})
}
