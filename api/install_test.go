package api_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/bitrix24"
	"puente/portals"
	"puente/rerun"
	"puente/store"
)

// fakeInstaller notes what it is handed and answers as it is told.
type fakeInstaller struct {
	handed  []portals.Handover
	removed []string
	err     error
}

func (f *fakeInstaller) Install(_ context.Context, _ string, h portals.Handover) (bitrix24.Identity, error) {
	f.handed = append(f.handed, h)
	return bitrix24.Identity{AppCode: "local.1", Admin: true}, f.err
}

func (f *fakeInstaller) Uninstall(_ context.Context, slug string) error {
	f.removed = append(f.removed, slug)
	return f.err
}

// withInstaller is an API whose portal demo has an installation address, which is returned.
func withInstaller(t *testing.T, i api.Installer) (b *bundle, address string) {
	t.Helper()
	b = setup(t)
	p, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.ContactCenterSecret = "signing-secret"
	require.NoError(t, b.store.SavePortal(t.Context(), p))
	b.registry = prometheus.NewRegistry()
	b.handler = api.New(api.Options{
		Store: b.store, Temporal: b.temporal, Rerun: &rerun.Service{Store: b.store, Temporal: b.temporal}, Installer: i, Metrics: b.registry,
		Logger: slog.New(slog.NewTextHandler(b.log, nil)),
	})
	return b, "/webhooks/bitrix24/demo/install/" + p.InstallKey()
}

const (
	installForm = "event=ONAPPINSTALL&auth[domain]=demo.bitrix24.example&auth[access_token]=a&auth[refresh_token]=r&auth[member_id]=m1" +
		"&auth[application_token]=new-token"
	pageQuery = "?DOMAIN=demo.bitrix24.example&PROTOCOL=1&LANG=en"
	pageForm  = "AUTH_ID=a&REFRESH_ID=r&AUTH_EXPIRES=3600&member_id=m1&APPLICATION_TOKEN=new-token&PLACEMENT=DEFAULT"
)

func TestInstallationIsHandedOnAndConfirmed(t *testing.T) {
	t.Parallel()
	f := &fakeInstaller{}
	b, address := withInstaller(t, f)
	got := decode[struct {
		Installed, Administrator bool
		ClientID                 string `json:"client_id"`
	}](t, b.call(http.MethodPost, address, installForm), http.StatusOK)
	require.True(t, got.Installed && got.Administrator)
	require.Equal(t, "local.1", got.ClientID)
	require.Equal(t, []portals.Handover{{
		Domain: "demo.bitrix24.example", MemberID: "m1", Access: "a", Refresh: "r", ExpiresIn: time.Hour, ApplicationToken: "new-token", Host: "https://example.com",
	}}, f.handed)
}

func TestInstallationWithPagesIsFinishedInThePortalsFrame(t *testing.T) {
	t.Parallel()
	f := &fakeInstaller{}
	b, address := withInstaller(t, f)
	w := b.call(http.MethodPost, address+pageQuery, pageForm)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "BX24.installFinish()")
	require.Contains(t, w.Header().Get("Content-Type"), "text/html")
	require.Empty(t, w.Header().Get("X-Frame-Options"))
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors https://demo.bitrix24.example")
	require.True(t, f.handed[0].Page)
	require.Equal(t, "demo.bitrix24.example", f.handed[0].Domain)
}

func TestInstallationNeedsTheSecretOfTheAddress(t *testing.T) {
	t.Parallel()
	f := &fakeInstaller{}
	b, address := withInstaller(t, f)
	requireProblem(t, b.call(http.MethodPost, address+"x", installForm), http.StatusUnauthorized)
	requireProblem(t, b.call(http.MethodPost, strings.Replace(address, "/demo/", "/nobody/", 1), installForm), http.StatusNotFound)
	requireProblem(t, b.call(http.MethodPost, strings.Replace(address, "/demo/", "/other/", 1), installForm), http.StatusUnauthorized)
	requireProblem(t, b.call(http.MethodPost, "/webhooks/bitrix24/demo/install/", installForm), http.StatusNotFound)
	requireProblem(t, b.call(http.MethodPost, address, "%zz"), http.StatusBadRequest)
	requireProblem(t, b.call(http.MethodPost, address, "event=ONCRMDEALADD"), http.StatusBadRequest)
	requireProblem(t, b.call(http.MethodPost, address, strings.Repeat("a", api.MaxWebhookBody+1)), http.StatusRequestEntityTooLarge)
	require.Empty(t, f.handed, "none of these gets as far as a question to the portal")
	require.NotContains(t, b.log.String(), strings.TrimPrefix(address, "/webhooks/bitrix24/demo/install/"), "the secret is never logged")
	require.Contains(t, b.get("/openapi.json").Body.String(), `"/webhooks/bitrix24/{portal}/install/{secret}"`)
}

func TestRefusedInstallationsSayWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"foreign":     {&portals.Refusal{Reason: portals.Foreign, Text: "of another portal"}, http.StatusForbidden},
		"not ready":   {&portals.Refusal{Reason: portals.NotReady, Text: "no address"}, http.StatusConflict},
		"unreachable": {&portals.Refusal{Reason: portals.Unreachable, Text: "no answer"}, http.StatusBadGateway},
		"store":       {errors.New("the store is down"), http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, address := withInstaller(t, &fakeInstaller{err: c.err})
			w := b.call(http.MethodPost, address, installForm)
			requireProblem(t, w, c.status)
			var refused *portals.Refusal
			if errors.As(c.err, &refused) {
				require.Contains(t, w.Body.String(), refused.Text)
			}
			require.InDelta(t, 1, b.metric(t, "puente_webhook_refused_total", "source=bitrix24"), 0)
		})
	}
}

func TestEventsAreProvedByTheTokenOfTheInstallation(t *testing.T) {
	t.Parallel()
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"result":{"result":{"app":{"CODE":"local.1","STATUS":"L"},"me":{"ID":"1","ADMIN":true}},"result_error":[]}}`))
	}))
	t.Cleanup(portal.Close)
	late := &lateInstaller{}
	b, address := withInstaller(t, late)
	registry := portals.New(b.store, portals.Options{})
	t.Cleanup(registry.Close)
	late.Installer = registry
	p, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.Bitrix24 = store.Bitrix24Account{WebhookURL: portal.URL + "/rest/1/hook/", ApplicationToken: "demo-app"}
	require.NoError(t, b.store.SavePortal(t.Context(), p))

	const path = "/webhooks/bitrix24/demo"
	decode[counts](t, b.call(http.MethodPost, path, bitrixForm+"demo-app"), http.StatusOK)
	form := strings.Replace(installForm, "demo.bitrix24.example", strings.TrimPrefix(portal.URL, "http://"), 1)
	require.Equal(t, http.StatusOK, b.call(http.MethodPost, address, form).Code)
	requireProblem(t, b.call(http.MethodPost, path, bitrixForm+"demo-app"), http.StatusUnauthorized)
	decode[counts](t, b.call(http.MethodPost, path, "ts=1&"+bitrixForm+"new-token"), http.StatusOK)

	decode[counts](t, b.call(http.MethodPost, path, "event=ONAPPUNINSTALL&data[CLEAN]=1&auth[application_token]=new-token"), http.StatusOK)
	_, err = b.store.LoadToken(t.Context(), "demo")
	require.ErrorIs(t, err, store.ErrNotFound)
	requireProblem(t, b.call(http.MethodPost, path, bitrixForm+"new-token"), http.StatusUnauthorized)
}

// lateInstaller is filled after the API was built.
type lateInstaller struct{ api.Installer }

func TestRemovalThatIsNotStoredIsNotConfirmed(t *testing.T) {
	t.Parallel()
	f := &fakeInstaller{err: errors.New("down")}
	b, _ := withInstaller(t, f)
	const form = "event=OnAppUninstall&auth[application_token]="
	requireProblem(t, b.call(http.MethodPost, "/webhooks/bitrix24/demo", form+"wrong"), http.StatusUnauthorized)
	require.Empty(t, f.removed)
	requireProblem(t, b.call(http.MethodPost, "/webhooks/bitrix24/demo", form+"demo-app"), http.StatusServiceUnavailable)
	require.Equal(t, []string{"demo"}, f.removed)
}
