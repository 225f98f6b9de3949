package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func TestLinksAreRememberedReplacedAndDropped(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			link := func(key string) int64 {
				t.Helper()
				id, found, err := s.Link(t.Context(), "demo", key)
				require.NoError(t, err)
				require.Equal(t, id != 0, found)
				return id
			}
			require.Zero(t, link("tel:+1"))
			require.NoError(t, s.SaveLink(t.Context(), "demo", "tel:+1", 5))
			require.NoError(t, s.SaveLink(t.Context(), "other", "tel:+1", 7))
			require.NoError(t, s.SaveLink(t.Context(), "demo", "tel:+1", 6))
			require.EqualValues(t, 6, link("tel:+1"))
			require.NoError(t, s.DropLink(t.Context(), "demo", "tel:+1"))
			require.NoError(t, s.DropLink(t.Context(), "demo", "tel:+1"))
			require.Zero(t, link("tel:+1"))
		})
	}
}

func TestSentNoticesAreKnownByKey(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.MarkSent(t.Context(), "demo", "a\x00b", "1"))
			require.NoError(t, s.MarkSent(t.Context(), "demo", "a\x00b", "2"))
			require.NoError(t, s.MarkSent(t.Context(), "other", "c", "2"))
			sent, err := s.WasSent(t.Context(), "demo", []string{"a\x00b", "c"})
			require.NoError(t, err)
			require.Equal(t, map[string]bool{"a\x00b": true}, sent)
			sent, err = s.WasSent(t.Context(), "demo", nil)
			require.NoError(t, err)
			require.Empty(t, sent)
			n, err := s.PurgeSent(t.Context(), "demo", time.Now().Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}

func TestDirectoryHasAnAge(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			_, _, found, err := s.Directory(t.Context(), "demo", "users")
			require.NoError(t, err)
			require.False(t, found)
			require.NoError(t, s.SaveDirectory(t.Context(), "demo", "users", json.RawMessage(`[1]`)))
			require.NoError(t, s.SaveDirectory(t.Context(), "demo", "users", json.RawMessage(`[1,2]`)))
			_, err = rawPool(t, url).Exec("UPDATE directories SET saved_at = saved_at - 3600000000")
			require.NoError(t, err)
			doc, age, found, err := s.Directory(t.Context(), "demo", "users")
			require.NoError(t, err)
			require.True(t, found)
			require.JSONEq(t, `[1,2]`, string(doc))
			require.GreaterOrEqual(t, age, time.Hour)
			require.Less(t, age, time.Hour+time.Minute)
		})
	}
}

func TestAuditLogTellsWhoDidWhatNewestFirst(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			entry := store.AuditEntry{
				Portal: "demo", Actor: "ana", Action: "rerun", Subject: "sync:1", Reason: "fixed", Before: json.RawMessage(`{"a":1}`),
			}
			require.NoError(t, s.Audit(t.Context(), entry))
			for _, subject := range []string{"sync:2", "sync:1"} {
				require.NoError(t, s.Audit(t.Context(), store.AuditEntry{Portal: "demo", Subject: subject, Action: subject}))
			}
			all, next, err := s.AuditLog(t.Context(), "demo", "", store.Page{Limit: 2})
			require.NoError(t, err)
			require.Equal(t, []string{"sync:1", "sync:2"}, []string{all[0].Action, all[1].Action})
			rest, next, err := s.AuditLog(t.Context(), "demo", "", store.Page{Limit: 2, After: next})
			require.NoError(t, err)
			require.Empty(t, next)
			require.Len(t, rest, 1)
			entry.ID, entry.CreatedAt = rest[0].ID, rest[0].CreatedAt
			require.Equal(t, entry, rest[0])
			require.WithinDuration(t, time.Now(), entry.CreatedAt, time.Minute)
			some, _, err := s.AuditLog(t.Context(), "demo", "sync:2", store.Page{})
			require.NoError(t, err)
			require.Len(t, some, 1)
		})
	}
}
