package activities_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/activities"
	"puente/contactcenter"
	"puente/settings"
	"puente/workflows"
)

func TestARecordingIsFetchedFromItsURL(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/records/55.wav?token=x"}))
	fetched, err := s.fetch(sub, "c-1")
	require.NoError(t, err)
	require.EqualValues(t, len("RIFF0000WAVE/records/55.wav"), fetched.Bytes)
	again, err := s.fetch(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, fetched, again)
	_, err = s.attach(sub, "c-1")
	require.NoError(t, err)
	require.Equal(t, "55.wav", s.record("c-1").Name)
}

func TestAnUploadThatIsGoneFromTheDiskMustBeSentAgain(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	up := s.upload("talk.wav", 44)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"recording_id": up.ID}))
	require.NoError(t, s.files.Dir.Remove(up.Path))
	for _, step := range []func() error{
		func() error { _, err := s.fetch(sub, "c-1"); return err },
		func() error { _, err := s.attach(sub, "c-1"); return err },
	} {
		f, app := failure(t, step())
		require.True(t, app.NonRetryable())
		require.Equal(t, "body.recording.recording_id", f.Field)
		require.Contains(t, f.Text, "upload it again")
	}
}

func TestAFetchedFileThatIsNotWholeOnTheDiskIsFetchedAgain(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(file string) error{
		"gone":  func(file string) error { return os.RemoveAll(filepath.Dir(file)) }, // the other machine has a disk of its own
		"short": func(file string) error { return os.Truncate(file, 5) },
	} {
		s := newStudio(t, nil)
		sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/1.wav"}))
		fetched, err := s.fetch(sub, "c-1")
		require.NoError(t, err)
		row, err := s.store.Recording(t.Context(), "demo", fetched.RecordingID)
		require.NoError(t, err)
		require.NoError(t, spoil(filepath.Join(s.dir, filepath.FromSlash(row.Path))))
		_, err = s.attach(sub, "c-1")
		require.NoError(t, err, name)
		require.Equal(t, row.SHA256, s.record("c-1").SHA256)
		require.Equal(t, 1, s.record("c-1").AttachedTimes)
	}
}

func TestWhatCannotBeFetchedWaitsOrIsExplained(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "700")
			w.WriteHeader(code)
		}
	}
	content := func(from func() io.Reader) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			all, _ := io.ReadAll(from())
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
		}
	}
	var looks atomic.Int64
	for name, c := range map[string]struct {
		shows http.HandlerFunc
		kind  string
		final bool
		words string
		delay time.Duration // at least
	}{
		"not there":   {status(http.StatusNotFound), "Unavailable", false, "404 Not Found", 700 * time.Second},
		"no access":   {status(http.StatusForbidden), "Unavailable", false, "403 Forbidden", 700 * time.Second},
		"no file":     {content(func() io.Reader { return strings.NewReader("<html></html>") }), "Invalid", true, "neither a wav nor an mp3", 0},
		"too large":   {content(func() io.Reader { return wav(2*mib + 1) }), "Invalid", true, "2 MiB (setting contact_center.recordings.max_mib)", 0},
		"no room":     {content(func() io.Reader { return wav(2 * mib) }), "NoRoom", false, "(setting contact_center.recordings.quota_mib)", 30 * time.Second},
		"being taken": {content(func() io.Reader { return wav(100 + looks.Add(1)) }), "Growing", false, "still being written", time.Second},
	} {
		s := newStudio(t, func(conf *settings.Settings) {
			conf.ContactCenter.Recordings.MaxMiB, conf.ContactCenter.Recordings.QuotaMiB = 2, 3
		})
		s.upload("other.wav", 3*mib/2)
		s.shows(c.shows)
		sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/secret.wav?token=secret"}))
		_, err := s.fetch(sub, "c-1")
		f, app := failure(t, err)
		require.Equal(t, []any{c.kind, c.final}, []any{app.Type(), app.NonRetryable()}, name)
		require.Contains(t, f.Text, c.words, name)
		require.NotContains(t, err.Error(), "secret", name)
		require.GreaterOrEqual(t, app.NextRetryDelay(), c.delay, name)
		if c.final {
			require.Equal(t, "body.recording.url", f.Field, name)
		}
	}
}

func TestAPrivateAddressIsRefusedInProduction(t *testing.T) {
	t.Parallel()
	s := newStudio(t, nil)
	production := &activities.Recordings{Store: s.store, Portals: s.portals, Files: s.files}
	s.env.RegisterActivity(production.FetchRecording)
	sub := s.asked(contactcenter.CallCreate, talk("c-1", object{"url": s.web.URL + "/1.wav"}))
	_, err := s.env.ExecuteActivity(production.FetchRecording, workflows.RecordingInput{Portal: "demo", SyncID: sub.SyncID, CallID: "c-1"})
	f, app := failure(t, err)
	require.Equal(t, []any{"Invalid", true}, []any{app.Type(), app.NonRetryable()}, "the caller is told with 422")
	require.Equal(t, "body.recording.url", f.Field)
	require.Contains(t, f.Text, "must be public")
}
