package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// handed is what a portal hands over.
func handed(n string) store.Installation {
	return store.Installation{
		Token: store.Token{
			Access: "a" + n, Refresh: "r" + n, ClientEndpoint: "https://b24.example/rest/", MemberID: "m1",
			ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
		},
		ApplicationToken: "app-token-" + n, ClientID: "local.1", OAuthServer: "https://oauth.example",
	}
}

func TestInstallationBringsTokensBesideTheWebhook(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			p := fullPortal()
			p.Bitrix24 = store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/code/"}
			require.NoError(t, s.SavePortal(t.Context(), p))
			in := handed("1")
			require.NoError(t, s.Install(t.Context(), "demo", in))
			got, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, int64(2), got.Version, "clients are built anew")
			require.Equal(t, store.Bitrix24Account{
				WebhookURL: "https://b24.example/rest/1/code/", ClientID: "local.1", OAuthServer: "https://oauth.example",
				AccessToken: "a1", RefreshToken: "r1", ClientEndpoint: "https://b24.example/rest/", MemberID: "m1", ExpiresAt: in.ExpiresAt,
				ApplicationToken: "app-token-1",
			}, got.Bitrix24)
			token, err := s.LoadToken(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, in.Token, token)
		})
	}
}

func TestSecondInstallationReplacesAndAnOldOneDoesNot(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			for _, n := range []string{"1", "2", "1"} {
				require.NoError(t, s.Install(t.Context(), "demo", handed(n)))
			}
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, []string{"a2", "app.1"}, []string{p.Bitrix24.AccessToken, p.Bitrix24.ClientID})
		})
	}
}

func TestUninstalledAppLeavesItsKeysOnly(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.Install(t.Context(), "demo", handed("1")))
			require.NoError(t, s.Uninstall(t.Context(), "demo"))
			_, err := s.LoadToken(t.Context(), "demo")
			require.ErrorIs(t, err, store.ErrNotFound)
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			a := p.Bitrix24
			require.Equal(t, []string{"app.1", "client-hunter2", "", "", ""},
				[]string{a.ClientID, a.ClientSecret, a.AccessToken, a.RefreshToken, a.ApplicationToken})
			require.NoError(t, s.Install(t.Context(), "demo", handed("1")), "and it may come again")
			_, err = s.LoadToken(t.Context(), "demo")
			require.NoError(t, err)
		})
	}
}

func TestAnotherAppDoesNotInheritTheTokens(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			p := fullPortal()
			p.Bitrix24.ClientID, p.Bitrix24.AccessToken, p.Bitrix24.RefreshToken = "app.2", "", ""
			require.NoError(t, s.SavePortal(t.Context(), p))
			_, err := s.LoadToken(t.Context(), "demo")
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestInstallationOfAnUnknownPortalIsNotFound(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.ErrorIs(t, s.Install(t.Context(), "nobody", handed("1")), store.ErrNotFound)
			require.ErrorIs(t, s.Uninstall(t.Context(), "nobody"), store.ErrNotFound)
		})
	}
}

func TestInstallKeyIsThePortalsOwnSecret(t *testing.T) {
	t.Parallel()
	one := store.Portal{Slug: "one", ContactCenterSecret: "s"}
	require.GreaterOrEqual(t, len(one.InstallKey()), 40)
	require.NotEqual(t, one.InstallKey(), store.Portal{Slug: "two", ContactCenterSecret: "s"}.InstallKey())
	require.NotEqual(t, one.InstallKey(), store.Portal{Slug: "one", ContactCenterSecret: "t"}.InstallKey())
	require.Empty(t, store.Portal{Slug: "one"}.InstallKey())
}
