package store_test

import (
	"database/sql"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"puente/migrations"
	"puente/store"
	"puente/store/storetest"
)

// rawPool is a plain connection to a database of a test.
func rawPool(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, dsn := store.DriverOf(url)
	pool, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

func TestMigrateIsRepeatableAndKnowsItsVersion(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Empty(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.ErrorIs(t, s.CheckSchema(t.Context()), store.ErrPendingMigrations)
			require.NoError(t, s.Migrate(t.Context()))
			savePortal(t, s)
			require.NoError(t, s.Migrate(t.Context()))
			current, wanted, err := s.SchemaVersion(t.Context())
			require.NoError(t, err)
			require.Equal(t, wanted, current)
			require.Positive(t, current)
			_, err = s.Portal(t.Context(), "demo")
			require.NoError(t, err)
		})
	}
}

func TestMigrateLeavesADatabaseOfANewerBinaryAlone(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rawPool(t, url).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
			require.NoError(t, err)
			s := storetest.Open(t, url)
			for _, err := range []error{s.Migrate(t.Context()), s.CheckSchema(t.Context())} {
				require.ErrorIs(t, err, store.ErrNewerSchema)
				require.ErrorContains(t, err, "9999")
			}
		})
	}
}

func TestMigrationsGoDownAndUpAgain(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dialect := goose.DialectSQLite3
			if driver, _ := store.DriverOf(url); driver == "pgx" {
				dialect = goose.DialectPostgres
			}
			provider, err := goose.NewProvider(dialect, rawPool(t, url), migrations.FS)
			require.NoError(t, err)
			_, err = provider.DownTo(t.Context(), 0)
			require.NoError(t, err)
			s := storetest.Open(t, url)
			require.NoError(t, s.Migrate(t.Context()))
			savePortal(t, s)
		})
	}
}
