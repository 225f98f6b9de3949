package recordings_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"puente/recordings"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

const mp3 = "ID3 and what follows"

func save(t *testing.T, d recordings.Dir, id, name string, from io.Reader, limit int64) (recordings.File, error) {
	t.Helper()
	return d.Save(t.Context(), "demo", id, name, from, limit)
}

// files lists all files of a directory.
func files(t *testing.T, root string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, strings.TrimPrefix(path, root+"/"))
		}
		return err
	}))
	return names
}

func TestSavedFileCanBeReadAndRemoved(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := recordings.NewDir(root)
	file, err := save(t, d, "r1", "Call.MP3", iotest.OneByteReader(strings.NewReader(mp3)), 100)
	require.NoError(t, err)
	require.Equal(t, []any{"demo/r1.mp3", int64(len(mp3))}, []any{file.Path, file.Bytes})
	sum := sha256.Sum256([]byte(mp3))
	require.Equal(t, hex.EncodeToString(sum[:]), file.SHA256)
	require.Equal(t, []string{"demo/r1.mp3"}, files(t, root))
	in, err := d.Open(file.Path)
	require.NoError(t, err)
	content, err := io.ReadAll(in)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.Equal(t, mp3, string(content))
	info, err := os.Stat(filepath.Join(root, file.Path))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())

	_, err = save(t, d, "r1", "a.mp3", strings.NewReader(mp3+"!"), 100)
	require.NoError(t, err, "a second attempt takes the place of the first")
	require.NoError(t, d.Remove(file.Path))
	require.NoError(t, d.Remove(file.Path))
	require.Empty(t, files(t, root))
	require.NoError(t, recordings.NewDir(filepath.Join(root, "none")).Remove("x"))
}

func TestNothingStaysBehindAfterAnError(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := recordings.NewDir(root)
	broken := errors.New("connection reset")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context //nolint:containedctx // of the case
		name string
		from io.Reader
		want error
	}{
		"too large":    {t.Context(), "a.mp3", strings.NewReader(mp3 + strings.Repeat("x", 100)), recordings.ErrTooLarge},
		"broken off":   {t.Context(), "a.mp3", io.MultiReader(strings.NewReader(mp3), iotest.ErrReader(broken)), broken},
		"broken early": {t.Context(), "a.mp3", iotest.ErrReader(broken), broken},
		"given up":     {ended, "a.mp3", strings.NewReader(mp3), context.Canceled},
		"wrong name":   {t.Context(), "a.ogg", strings.NewReader(mp3), recordings.ErrFormat},
		"wrong kind":   {t.Context(), "a.wav", strings.NewReader(mp3), recordings.ErrFormat},
		"empty":        {t.Context(), "a.mp3", strings.NewReader(""), recordings.ErrFormat},
	} {
		_, err := d.Save(tc.ctx, "demo", "r1", tc.name, tc.from, 100)
		require.ErrorIs(t, err, tc.want, name)
		require.Empty(t, files(t, root), name)
	}
	_, err := save(t, d, "r1", "a.mp3", strings.NewReader(mp3), int64(len(mp3)))
	require.NoError(t, err, "as large as is allowed")
}

func TestPathsCannotLeadOut(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "secret"), []byte("x"), 0o600))
	d := recordings.NewDir(filepath.Join(root, "recordings"))
	_, err := save(t, d, "../../secret", "a.mp3", strings.NewReader(mp3), 100)
	require.Error(t, err)
	_, err = d.Open("../secret")
	require.Error(t, err)
	require.Error(t, d.Remove("../secret"))
	require.Equal(t, []string{"secret"}, files(t, root))
}

func TestKindIsKnownByItsFirstBytes(t *testing.T) {
	t.Parallel()
	d := recordings.NewDir(t.TempDir())
	for name, tc := range map[string]struct {
		file string
		head string
		good bool
	}{
		"wav":                     {"a.wav", "RIFF\x10\x00\x00\x00WAVEfmt ", true},
		"long wav":                {"a.wav", "RF64\xff\xff\xff\xffWAVEds64", true},
		"avi":                     {"a.wav", "RIFF\x10\x00\x00\x00AVI LIST", false},
		"cut wav":                 {"a.wav", "RIFF\x10\x00\x00\x00WA", false},
		"tagged mp3":              {"a.mp3", "ID3\x04\x00\x00", true},
		"mp3 frame":               {"a.mp3", "\xff\xfb\x90\x00", true},
		"mpeg 2 frame":            {"a.mp3", "\xff\xf3\x90\x00", true},
		"reserved mpeg":           {"a.mp3", "\xff\xeb\x90\x00", false},
		"aac, which has no layer": {"a.mp3", "\xff\xf1\x50\x80", false},
		"html":                    {"a.mp3", "<!DOCTYPE html>", false},
		"wav as mp3":              {"a.mp3", "RIFF\x10\x00\x00\x00WAVEfmt ", false},
	} {
		_, err := save(t, d, "r", tc.file, strings.NewReader(tc.head), 100)
		if tc.good {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, recordings.ErrFormat, name)
		}
	}
	require.True(t, recordings.KnownName("x.WAV"))
	require.False(t, recordings.KnownName("wav"))
}

func keeper(t *testing.T) (k *recordings.Keeper, s *store.Store, root string) {
	t.Helper()
	root = t.TempDir()
	s = storetest.Open(t, storetest.SQLiteURL(t))
	return &recordings.Keeper{Dir: recordings.NewDir(root), Store: s}, s, root
}

var conf = settings.Recordings{MaxMiB: 1, QuotaMiB: 2, RetentionDays: 7}

func TestUploadIsRefusedBeforeItIsReadIfItsSizeIsTooMuch(t *testing.T) {
	t.Parallel()
	k, _, root := keeper(t)
	_, err := k.Upload(t.Context(), "demo", "a.mp3", iotest.ErrReader(errors.New("read")), 3<<20, conf)
	require.ErrorIs(t, err, recordings.ErrTooLarge)
	_, err = k.Upload(t.Context(), "demo", "a.mp3", iotest.ErrReader(errors.New("read")), 1<<20, settings.Recordings{MaxMiB: 1})
	require.ErrorIs(t, err, recordings.ErrFull)
	require.Empty(t, files(t, root))
}

func TestWhatACrashLeftBehindIsSweptAfterADay(t *testing.T) {
	t.Parallel()
	k, s, root := keeper(t)
	kept, err := k.Upload(t.Context(), "demo", "a.mp3", strings.NewReader(mp3), 0, conf)
	require.NoError(t, err)
	gone, err := k.Upload(t.Context(), "demo", "a.mp3", strings.NewReader(mp3), 0, conf)
	require.NoError(t, err)
	_, err = s.SaveRecording(t.Context(), store.Recording{ID: gone.ID, Portal: "demo", State: store.RecordingGone})
	require.NoError(t, err)
	for _, name := range []string{"demo/unknown.mp3", "demo/" + kept.ID + ".mp3.part"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o600))
	}
	require.NoError(t, k.Sweep(t.Context(), time.Now()))
	require.Len(t, files(t, root), 4, "they may be under way")
	require.NoError(t, k.Sweep(t.Context(), time.Now().Add(25*time.Hour)))
	require.Equal(t, []string{kept.Path}, files(t, root))
	nothing := recordings.Keeper{Dir: recordings.NewDir(filepath.Join(root, "none")), Store: s}
	require.NoError(t, nothing.Sweep(t.Context(), time.Now()))
}
