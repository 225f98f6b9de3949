package store_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// theSecrets are all secrets of fullPortal.
var theSecrets = []string{
	"code-hunter2", "client-hunter2", "access-hunter2", "refresh-hunter2", "app-hunter2", "chat-hunter2", "hook-hunter2", "hmac-hunter2",
}

func fullPortal() store.Portal {
	return store.Portal{
		Slug: "demo", Name: "Demo \x00café",
		Bitrix24: store.Bitrix24Account{
			WebhookURL: "https://b24.example/rest/1/code-hunter2/", ClientID: "app.1", ClientSecret: "client-hunter2",
			OAuthServer: "https://oauth.example", AccessToken: "access-hunter2", RefreshToken: "refresh-hunter2",
			ClientEndpoint: "https://b24.example/rest/", MemberID: "m1", ApplicationToken: "app-hunter2",
			ExpiresAt: time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC), RatePerSecond: 2, Burst: 50,
		},
		Chat2Desk: store.Chat2DeskAccount{
			BaseURL: "https://c2d.example", StorageURL: "https://storage.example", WebURL: "https://web.example",
			Token: "chat-hunter2", WebhookSecret: "hook-hunter2", TimeZone: "America/Bogota",
		},
		APIKeyHash: store.HashAPIKey("demo-key"), ContactCenterSecret: "hmac-hunter2",
	}
}

func TestPortalComesBackAsItWasSaved(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			saved := fullPortal()
			require.NoError(t, s.SavePortal(t.Context(), saved))
			got, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
			require.Equal(t, time.UTC, got.UpdatedAt.Location())
			require.EqualValues(t, 1, got.Version)
			saved.Name, saved.CreatedAt, saved.UpdatedAt, saved.Version = "Demo café", got.CreatedAt, got.UpdatedAt, 1
			require.Equal(t, saved, got)
			_, err = s.Portal(t.Context(), "other")
			require.ErrorIs(t, err, store.ErrNotFound)
		})
	}
}

func TestSavePortalReplacesAndEmptiesSecrets(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			p.Name, p.Chat2Desk.Token, p.ContactCenterSecret, p.Disabled = "New", "other-token", "", true
			require.NoError(t, s.SavePortal(t.Context(), p))
			got, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, "other-token", got.Chat2Desk.Token)
			require.Empty(t, got.ContactCenterSecret)
			require.True(t, got.Disabled)
			require.EqualValues(t, 2, got.Version)
			require.ErrorIs(t, s.SavePortal(t.Context(), p), store.ErrConflict, "it is based on version 1")
		})
	}
}

func TestPortalIsFoundByItsAPIKeyOnly(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "closed"}))
			require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "closed2"}))
			p, err := s.PortalByAPIKey(t.Context(), "demo-key")
			require.NoError(t, err)
			require.Equal(t, "demo", p.Slug)
			require.True(t, p.CheckAPIKey("demo-key"))
			require.False(t, p.CheckAPIKey(""))
			for _, key := range []string{"", "demo", p.APIKeyHash} {
				_, err = s.PortalByAPIKey(t.Context(), key)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
			taken := store.Portal{Slug: "thief", APIKeyHash: p.APIKeyHash}
			require.ErrorIs(t, s.SavePortal(t.Context(), taken), store.ErrDuplicate)
		})
	}
}

func TestPortalsArePaged(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for _, slug := range []string{"c", "a", "b"} {
				require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: slug, ContactCenterSecret: "x-" + slug}))
			}
			var slugs []string
			for after := ""; ; {
				portals, next, err := s.Portals(t.Context(), store.Page{After: after, Limit: 2})
				require.NoError(t, err)
				for _, p := range portals {
					require.Equal(t, "x-"+p.Slug, p.ContactCenterSecret)
					slugs = append(slugs, p.Slug)
				}
				if after = next; next == "" {
					break
				}
			}
			require.Equal(t, []string{"a", "b", "c"}, slugs)
			_, _, err := s.Portals(t.Context(), store.Page{After: "§"})
			require.ErrorIs(t, err, store.ErrBadCursor)
		})
	}
}

func TestDeletedPortalLeavesNoSecrets(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.DeletePortal(t.Context(), "demo"))
			require.ErrorIs(t, s.DeletePortal(t.Context(), "demo"), store.ErrNotFound)
			require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Empty(t, p.Bitrix24)
			require.Empty(t, p.Chat2Desk)
		})
	}
}

func TestMovedPortalKeepsPathAndSecret(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.SetBitrix24Base(t.Context(), "demo", "https://new.example:444/rest/whatever"))
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, "https://new.example:444/rest/1/code-hunter2/", p.Bitrix24.WebhookURL)
			require.Equal(t, "https://new.example:444/rest/", p.Bitrix24.ClientEndpoint)
			require.Equal(t, "access-hunter2", p.Bitrix24.AccessToken)
			require.EqualValues(t, 2, p.Version)
			require.NoError(t, s.SetBitrix24Base(t.Context(), "demo", "https://new.example:444"))
			p, err = s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.EqualValues(t, 2, p.Version, "nothing changed")
			require.Error(t, s.SetBitrix24Base(t.Context(), "demo", "not an address"))
			require.ErrorIs(t, s.SetBitrix24Base(t.Context(), "other", "https://new.example"), store.ErrNotFound)
		})
	}
}

func TestSecretsStandNowhereInTheDatabase(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NotEmpty(t, theSecrets)
			dump := dumpDatabase(t, url)
			require.Contains(t, dump, "https://c2d.example", "the dump shows what is no secret")
			for _, secret := range theSecrets {
				require.NotContains(t, dump, secret)
				require.NotContains(t, dump, hex.EncodeToString([]byte(secret)))
			}
		})
	}
}

// dumpDatabase is every byte of a SQLite database, every row of a PostgreSQL one.
func dumpDatabase(t *testing.T, url string) string {
	t.Helper()
	var dump strings.Builder
	if path, ok := strings.CutPrefix(url, "sqlite://"); ok {
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		for _, file := range files {
			raw, err := os.ReadFile(file)
			require.NoError(t, err)
			dump.Write(raw)
		}
		return dump.String()
	}
	pool := rawPool(t, url)
	tables := column(t, pool, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	require.NotEmpty(t, tables)
	for _, table := range tables {
		for _, row := range column(t, pool, fmt.Sprintf("SELECT row_to_json(t)::text FROM %s t", table)) {
			dump.WriteString(row)
		}
	}
	return dump.String()
}

func column(t *testing.T, pool *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var value string
		require.NoError(t, rows.Scan(&value))
		values = append(values, value)
	}
	require.NoError(t, rows.Err())
	return values
}

func TestAnotherSecretKeyIsRecognised(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.CheckKey(t.Context()))
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.CheckKey(t.Context()))
			for key, want := range map[string]error{"another key": store.ErrWrongKey, "": store.ErrNoKey} {
				other, err := store.Open(t.Context(), url, store.Options{SecretKey: []byte(key)})
				require.NoError(t, err)
				_, err = other.Portal(t.Context(), "demo")
				require.ErrorIs(t, err, want)
				require.ErrorIs(t, other.CheckKey(t.Context()), want)
				require.ErrorIs(t, other.SavePortal(t.Context(), store.Portal{Slug: "second"}), want)
				require.NoError(t, other.Close())
			}
		})
	}
}

func TestASecretOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.SavePortal(t.Context(), fullPortal()))
			require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "evil"}))
			_, err := rawPool(t, url).Exec("UPDATE secrets SET portal = 'evil' WHERE portal = 'demo'")
			require.NoError(t, err)
			_, err = s.Portal(t.Context(), "evil")
			require.ErrorIs(t, err, store.ErrWrongKey)
		})
	}
}

func TestPrintingAPortalShowsNoSecrets(t *testing.T) {
	t.Parallel()
	p := fullPortal()
	token := store.Token{Access: p.Bitrix24.AccessToken, Refresh: p.Bitrix24.RefreshToken}
	var out bytes.Buffer
	for _, value := range []any{p, &p, p.Bitrix24, &p.Bitrix24, p.Chat2Desk, token, []store.Portal{p}, map[string]store.Portal{"p": p}} {
		_, err := fmt.Fprintf(&out, "%v %+v %#v %s %q\n", value, value, value, value, value)
		require.NoError(t, err)
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
	}
	require.NoError(t, json.NewEncoder(&out).Encode(p))
	for _, secret := range theSecrets {
		require.NotContains(t, out.String(), secret)
	}
	require.Contains(t, out.String(), "https://c2d.example")
}
