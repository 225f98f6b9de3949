// Package storetest gives tests databases of their own: each call makes fresh,
// migrated ones on SQLite and on PostgreSQL, which go away with the test.
package storetest

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/store"
)

// Names of the databases in the maps of this package.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Key is the secret key of the stores that Open opens.
const Key = "storetest secret key"

// Databases gives the URLs of a fresh, migrated SQLite and PostgreSQL
// database, by name. Several stores and processes may open the same URL.
func Databases(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{SQLite: SQLiteURL(t), Postgres: PostgresURL(t)}
}

// Empty is Databases before the first migration.
func Empty(t testing.TB) map[string]string {
	t.Helper()
	return map[string]string{SQLite: emptySQLite(t), Postgres: createDatabase(t, "template0")}
}

// Open opens a store that is closed at the end of the test.
func Open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{
		SecretKey: []byte(Key), Logger: slog.New(slog.DiscardHandler), MaxOpen: 8,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// migrate brings an empty database up to date.
func migrate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url, store.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return s.Migrate(ctx)
}
