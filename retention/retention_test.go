package retention_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/recordings"
	"puente/retention"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
	"puente/submit"
)

func TestEachPortalKeepsItsDataAsLongAsItsSettingsSay(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	files := &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: s}
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
	deleted, err := retention.Clean(t.Context(), s, files, now)
	require.NoError(t, err)
	require.Zero(t, deleted, "what is not delivered yet is kept, however old")

	for _, r := range rows {
		require.NoError(t, s.FinishInbox(t.Context(), []string{r.ID}, store.InboxDone, ""))
	}
	deleted, err = retention.Clean(t.Context(), s, files, now)
	require.NoError(t, err)
	require.Equal(t, 1, deleted)
	for slug, want := range map[string]int{"short": 0, "long": 1, "forever": 1} {
		kept, _, err := s.InboxList(t.Context(), slug, store.InboxFilter{})
		require.NoError(t, err)
		require.Len(t, kept, want, slug)
	}
}

func TestContactCenterKeepsHashesAndShortAnswersOnly(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	files := &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: s}
	conf := settings.Default()
	conf.General.RetentionDays = 7
	require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
	_, err := s.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	for _, m := range []contactcenter.Method{contactcenter.ContactFind, contactcenter.ContactCreate} {
		sub, _, err := s.AcceptMethod(t.Context(), submit.Method("demo", m, "k", []byte(`{"phone":"1"}`)))
		require.NoError(t, err)
		require.NoError(t, s.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, 200, []byte(`{"id":1}`)))
		require.NoError(t, s.UpdateSync(t.Context(), "demo", sub.SyncID, func(row *store.Sync) { row.Status = store.SyncDone }))
	}
	_, err = retention.Clean(t.Context(), s, files, time.Now().AddDate(0, 0, 8))
	require.NoError(t, err)
	list, _, err := s.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{})
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, row := range list {
		sub, err := s.Submission(t.Context(), "demo", row.ID)
		require.NoError(t, err)
		require.Equal(t, "{}", string(sub.Body))
		require.Equal(t, sub.Name == string(contactcenter.ContactCreate), len(sub.Answer) > 0)
	}
}

func TestRecordingsGoWhenTheirTimeIsOver(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	files := &recordings.Keeper{Dir: recordings.NewDir(t.TempDir()), Store: s}
	conf := settings.Default()
	require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
	_, err := s.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	r, err := files.Upload(t.Context(), "demo", "a.mp3", strings.NewReader("ID3 and the sound"), 0, conf.ContactCenter.Recordings)
	require.NoError(t, err)
	r.State, r.AttachedAt = store.RecordingAttached, time.Now()
	_, err = s.SaveRecording(t.Context(), r)
	require.NoError(t, err)

	days := conf.ContactCenter.Recordings.RetentionDays
	deleted, err := retention.Clean(t.Context(), s, files, time.Now().AddDate(0, 0, days-1))
	require.NoError(t, err)
	require.Zero(t, deleted)
	deleted, err = retention.Clean(t.Context(), s, files, time.Now().AddDate(0, 0, days+1))
	require.NoError(t, err)
	require.Equal(t, 1, deleted)
	_, err = files.Dir.Open(r.Path)
	require.ErrorIs(t, err, fs.ErrNotExist)
}
