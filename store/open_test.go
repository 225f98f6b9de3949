package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func TestOpenRefusesUnusableURLsWithoutShowingPasswords(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "mysql://u:hunter2@h/db", "sqlite://", "sqlite://:memory:", "sqlite://x?%zz", "postgres",
		"postgres://u:hunter2@127.0.0.1:1/none?connect_timeout=1", "postgres://u:hunter2@h:port/db",
	} {
		_, err := store.Open(t.Context(), url, store.Options{})
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOpenMakesAFileForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new dir", "it's 100% #1?.db")
	path = strings.ReplaceAll(path, "?", "") // begins the parameters
	s := storetest.Open(t, "sqlite://"+path)
	require.NoError(t, s.Migrate(t.Context()))
	savePortal(t, s)
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestManyOpenAndMigrateANewDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Empty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			children := []child{startChild(t, url, "migrate", "-"), startChild(t, url, "migrate", "-")}
			var group sync.WaitGroup
			for range 4 {
				s := storetest.Open(t, url)
				group.Go(func() {
					if err := s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			for _, c := range children {
				c.wait(t)
			}
			require.NoError(t, storetest.Open(t, url).CheckSchema(t.Context()))
		})
	}
}

func TestTwoProcessesWriteTheSameRowWithoutLosingAnUpdate(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			row, _, err := s.OpenSync(t.Context(), store.Sync{Portal: "demo", WorkflowID: "w"})
			require.NoError(t, err)
			other := startChild(t, url, "count", row.ID)
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() {
					if err := countUp(t.Context(), s, row.ID); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			other.wait(t)
			row, err = s.Sync(t.Context(), "demo", row.ID)
			require.NoError(t, err)
			require.Equal(t, 4*rounds, row.Attempts)
		})
	}
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, err := store.Open(t.Context(), url, store.Options{SecretKey: []byte(storetest.Key)})
			require.NoError(t, err)
			require.NoError(t, before.SavePortal(t.Context(), fullPortal()))
			accept(t, before, event("1", "a"), event("2", "b"))
			require.Equal(t, "a", keys(claim(t, before, "old", 1)))
			ok, _ := tryClaim(t, before, "old", "phone")
			require.True(t, ok)
			for range 3 {
				require.Zero(t, permit(t, before, 0.001, 3))
			}
			require.NoError(t, before.Close())
			require.Error(t, before.Ping(t.Context()))

			after := storetest.Open(t, url)
			require.NoError(t, after.Ping(t.Context()))
			require.NoError(t, after.Migrate(t.Context()))
			p, err := after.Portal(t.Context(), "demo")
			require.NoError(t, err)
			require.Equal(t, fullPortal().Bitrix24, p.Bitrix24)
			require.Equal(t, "b", keys(claim(t, after, "new", 10)), "a is leased still")
			ok, holder := tryClaim(t, after, "new", "phone")
			require.False(t, ok)
			require.Equal(t, "old", holder)
			require.Positive(t, permit(t, after, 0.001, 3))
		})
	}
}
