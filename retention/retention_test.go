package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/retention"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

func TestEachPortalKeepsItsDataAsLongAsItsSettingsSay(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	now := time.Now()
	for slug, days := range map[string]int{"short": 7, "long": 90, "forever": 0} {
		require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: slug}))
		conf := settings.Default()
		conf.General.RetentionDays = days
		_, err := s.SaveSettings(t.Context(), slug, conf, "test", "", 0)
		require.NoError(t, err)
		_, err = s.Accept(t.Context(), []store.InboxEvent{{
			Portal: slug, Source: store.SourceChat2Desk, Key: "old", OrderKey: "c", Body: []byte("{}"), ReceivedAt: now.AddDate(0, 0, -30),
		}})
		require.NoError(t, err)
	}
	rows, err := s.ClaimInbox(t.Context(), "test", 10, time.Minute)
	require.NoError(t, err)
	require.Len(t, rows, 3)
	deleted, err := retention.Clean(t.Context(), s, now)
	require.NoError(t, err)
	require.Zero(t, deleted, "what is not delivered yet is kept, however old")

	for _, r := range rows {
		require.NoError(t, s.FinishInbox(t.Context(), []string{r.ID}, store.InboxDone, ""))
	}
	deleted, err = retention.Clean(t.Context(), s, now)
	require.NoError(t, err)
	require.Equal(t, 1, deleted)
	for slug, want := range map[string]int{"short": 0, "long": 1, "forever": 1} {
		kept, _, err := s.InboxList(t.Context(), slug, store.InboxFilter{})
		require.NoError(t, err)
		require.Len(t, kept, want, slug)
	}
}
