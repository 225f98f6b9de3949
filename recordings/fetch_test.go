package recordings

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

const mib = 1 << 20

// fetching is a keeper that may reach one test server.
type fetching struct {
	*Keeper

	t     *testing.T
	root  string
	conf  settings.Recordings
	from  Fetcher
	shelf *shelf
}

func newFetching(t *testing.T, s *shelf) *fetching {
	t.Helper()
	root := t.TempDir()
	f := &fetching{
		Keeper: &Keeper{Dir: NewDir(root), Store: storetest.Open(t, storetest.SQLiteURL(t))},
		t:      t, root: root, conf: settings.Recordings{MaxMiB: 200, QuotaMiB: 300, RetentionDays: 7}, shelf: newShelf(t, s),
	}
	f.from = Fetcher{Settle: time.Millisecond, RootCAs: x509.NewCertPool(), allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	f.from.RootCAs.AddCert(s.Certificate())
	return f
}

func (f *fetching) expected(path string) store.Recording {
	f.t.Helper()
	r, err := f.Store.SaveRecording(f.t.Context(), store.Recording{
		Portal: "demo", CallID: "c1", Source: store.RecordingURL, URL: f.shelf.URL + path,
	})
	require.NoError(f.t, err)
	return r
}

func (f *fetching) fetch(r store.Recording) (store.Recording, error) {
	f.t.Helper()
	r, err := f.Store.Recording(f.t.Context(), "demo", r.ID) // as after a restart
	require.NoError(f.t, err)
	return f.Fetch(f.t.Context(), r, f.from, f.conf)
}

// fetched wants the file as it is on the shelf.
func (f *fetching) fetched(r store.Recording) store.Recording {
	f.t.Helper()
	got, err := f.fetch(r)
	require.NoError(f.t, err)
	f.stands(got)
	return got
}

func (f *fetching) stands(got store.Recording) {
	f.t.Helper()
	require.Equal(f.t, store.RecordingStored, got.State)
	size, _ := f.shelf.told()
	require.Equal(f.t, size, got.Bytes)
	require.Equal(f.t, sumOf(f.t, size, f.shelf.take), got.SHA256)
	file, err := f.Dir.Open(got.Path)
	require.NoError(f.t, err)
	info, err := file.Stat()
	require.NoError(f.t, errors.Join(err, file.Close()))
	require.Equal(f.t, got.Bytes, info.Size())
	require.Equal(f.t, []string{"demo/" + got.ID + ".wav"}, f.files(), "nothing else is left")
}

func (f *fetching) files() (names []string) {
	f.t.Helper()
	entries, err := filepath.Glob(filepath.Join(f.root, "*", "*"))
	require.NoError(f.t, err)
	for _, e := range entries {
		name, err := filepath.Rel(f.root, e)
		require.NoError(f.t, err)
		names = append(names, filepath.ToSlash(name))
	}
	return names
}

func TestRecordingsAreFetchedFromServersOfEverySort(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*shelf{
		"ranges and a tag":        {size: 3 * mib, tag: `"a"`},
		"ranges and a time":       {size: 3 * mib, modified: time.Now().Add(-time.Hour)},
		"ranges, nothing to tell": {size: 3 * mib},
		"no ranges":               {size: 3 * mib, plain: true},
		"short":                   {size: 44},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, s)
			got := f.fetched(f.expected("/calls/7.wav"))
			require.Equal(t, "7.wav", got.FileName)
			require.Equal(t, "bytes=0-0", s.asked()[0])
		})
	}
}

func TestTheContentTellsTheKindAndTheNameFollows(t *testing.T) {
	t.Parallel()
	for address, name := range map[string]string{
		"/a/call.wav": "call.wav", "/a/call.mp3": "call.wav", "/get.php?id=7": "get.wav", "/": "recording.wav",
		"/a/%D0%B7%D0%B2%D0%BE%D0%BD%D0%BE%D0%BA.WAV": "звонок.wav", "/" + strings.Repeat("x", 300): strings.Repeat("x", 100) + ".wav",
	} {
		f := newFetching(t, &shelf{size: 100})
		require.Equal(t, name, f.fetched(f.expected(address)).FileName)
	}
	mp3 := newFetching(t, &shelf{handler: func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("ID3"+strings.Repeat("x", 100)))
	}})
	got, err := mp3.fetch(mp3.expected("/call.wav"))
	require.NoError(t, err)
	require.Equal(t, "call.mp3", got.FileName)
	require.True(t, strings.HasSuffix(got.Path, ".mp3"))
}

func TestACutConnectionIsContinuedWhereItBroke(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*shelf{"by tag": {tag: `"a"`}, "by time": {modified: time.Now().Add(-time.Hour)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.size, s.cutAfter = 8*mib, 5*mib
			f := newFetching(t, s)
			r := f.expected("/1.wav")
			_, err := f.fetch(r)
			var away *Unavailable
			require.ErrorAs(t, err, &away)
			require.Contains(t, err.Error(), "the connection broke off")
			f.fetched(r)
			require.Regexp(t, `^bytes=\d{5,}-$`, s.asked()[len(s.asked())-1])
			_, sent := s.told()
			require.Less(t, sent, int64(9*mib), "what was there was not loaded again")
		})
	}
}

func TestWhatCannotBeContinuedIsLoadedAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shelf  *shelf
		change func(*shelf)
	}{
		"another file meanwhile": {&shelf{tag: `"a"`}, func(s *shelf) { s.tag, s.take = `"b"`, 1 }},
		"shorter file":           {&shelf{tag: `"a"`}, func(s *shelf) { s.tag, s.size = `"b"`, mib }},
		"weak tag":               {&shelf{tag: `W/"a"`}, func(s *shelf) { s.take = 1 }},
		"no ranges":              {&shelf{tag: `"a"`, plain: true}, func(*shelf) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.shelf.size, c.shelf.cutAfter = 4*mib, 3*mib
			f := newFetching(t, c.shelf)
			r := f.expected("/1.wav")
			_, err := f.fetch(r)
			require.Error(t, err)
			c.shelf.change(c.change)
			f.fetched(r)
		})
	}
}

func TestAnAnswerWithAnotherRangeIsNotTaken(t *testing.T) {
	t.Parallel()
	s := &shelf{size: 4 * mib, tag: `"a"`, cutAfter: 2 * mib}
	f := newFetching(t, s)
	r := f.expected("/1.wav")
	_, err := f.fetch(r)
	require.Error(t, err)
	s.change(func(s *shelf) {
		s.handler = func(w http.ResponseWriter, r *http.Request) {
			if span := r.Header.Get("Range"); span != "" && span != "bytes=0-0" {
				r.Header.Set("Range", "bytes=0-")
			}
			http.ServeContent(w, r, "", time.Time{}, &sound{size: 4 * mib})
		}
	})
	_, err = f.fetch(r)
	require.ErrorIs(t, err, ErrGrowing)
	f.fetched(r)
}

func TestAFileIsTakenOnlyWhenItGrowsNoMore(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*shelf{
		"length told": {size: mib, grow: 1000, tag: `"a"`}, "no ranges": {size: mib, grow: 1000, plain: true},
		"no length told": {size: mib, grow: 1000, silent: true}, "still empty": {size: 0, grow: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, s)
			r := f.expected("/1.wav")
			for range 3 {
				_, err := f.fetch(r)
				require.ErrorIs(t, err, ErrGrowing)
			}
			if _, sent := s.told(); !s.silent {
				require.Zero(t, sent, "nothing is loaded before")
			}
			s.change(func(s *shelf) { s.grow, s.size, s.tag = 0, 2*mib, `"b"` })
			if s.silent {
				_, err := f.fetch(r)
				require.ErrorIs(t, err, ErrGrowing, "one look is not enough")
			}
			f.fetched(r)
		})
	}
}

func TestLooksAreSecondsApart(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{size: 100})
	f.from.Settle = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := f.expected("/1.wav")
	_, err := f.Fetch(ctx, r, f.from, f.conf)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, []string{"bytes=0-0"}, f.shelf.asked())
	f.from.Settle = time.Millisecond // so much time has passed: one look more is enough
	f.fetched(r)
	require.Equal(t, []string{"bytes=0-0", "bytes=0-0", ""}, f.shelf.asked())
}

func TestWhatIsNoRecordingIsNotLoaded(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"page": "<html>" + strings.Repeat("x", 40*mib), "short": "RIFF", "other riff": "RIFF1234AVI " + strings.Repeat("x", 40*mib),
	} {
		f := newFetching(t, &shelf{handler: func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
		}})
		_, err := f.fetch(f.expected("/1.wav"))
		require.ErrorIs(t, err, ErrFormat, name)
		require.Empty(t, f.files())
		_, sent := f.shelf.told()
		require.Less(t, sent, int64(20*mib), name)
	}
}

func TestARecordingMayNotBeTooLarge(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*shelf{"length told": {size: 2*mib + 1}, "no length told": {size: 50 * mib, silent: true}} {
		f := newFetching(t, s)
		f.conf.MaxMiB = 2
		_, err := f.fetch(f.expected("/1.wav"))
		require.ErrorIs(t, err, ErrTooLarge, name)
		require.Empty(t, f.files())
		_, sent := s.told()
		require.Less(t, sent, int64(20*mib), name)
	}
}

func TestAFullQuotaWaitsAndWhatIsInThePortalMakesWay(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{size: 2 * mib})
	f.conf.QuotaMiB = 3
	first := f.fetched(f.expected("/1.wav"))
	second := f.expected("/2.wav")
	_, err := f.fetch(second)
	require.ErrorIs(t, err, ErrFull)
	require.Contains(t, err.Error(), "2 of 3 MiB are used")
	_, err = f.Store.SaveRecording(t.Context(), store.Recording{
		ID: first.ID, Portal: "demo", State: store.RecordingAttached, AttachedAt: time.Now().Add(-time.Second),
	})
	require.NoError(t, err)
	f.fetched(second)
}

func TestRoomIsTakenBeforeLoading(t *testing.T) {
	t.Parallel()
	s := &shelf{size: 8 * mib, tag: `"a"`, cutAfter: mib}
	f := newFetching(t, s)
	r := f.expected("/1.wav")
	_, err := f.fetch(r)
	require.Error(t, err)
	used, err := f.Store.RecordingsUsage(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, s.size, used)
	f.conf.QuotaMiB = 8 // its own room is enough for it
	f.fetched(r)
}

func TestALargeRecordingIsNeverInMemory(t *testing.T) { //nolint:paralleltest // it measures memory
	const size = 100 * mib
	s := &shelf{size: size, tag: `"a"`, cutAfter: 60 * mib}
	f := newFetching(t, s)
	r := f.expected("/1.wav")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := f.fetch(r)
	require.Error(t, err)
	got, err := f.fetch(r)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(size/4), "all that was ever allocated is far less than the file")
	f.stands(got)
}

func TestANoteThatIsSpoiltBeginsAnew(t *testing.T) {
	t.Parallel()
	s := &shelf{size: 4 * mib, tag: `"a"`, cutAfter: 2 * mib}
	f := newFetching(t, s)
	r := f.expected("/1.wav")
	_, err := f.fetch(r)
	require.Error(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(f.root, "demo", r.ID+".note.part"), []byte(`{"len`), 0o600))
	f.fetched(r)
}
