package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"puente/migrations"
)

// migrateWait bounds how long a process waits for another one that migrates.
const migrateWait = 5 * time.Minute

// Migrate brings the schema up to this binary. It may be called by several
// processes at once and again at each start: one works, the others wait and
// find nothing to do. Each applied version is logged. A database that a newer
// binary has migrated is left alone: ErrNewerSchema.
func (s *Store) Migrate(ctx context.Context) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	if err := checkNewer(ctx, provider); err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fail(err, "migrate")
	}
	for _, r := range results {
		s.log.InfoContext(ctx, "migration applied", "version", r.Source.Version, "file", r.Source.Path, "took", r.Duration)
	}
	return nil
}

// SchemaVersion is the version the database has and the one this binary wants.
// A database that was never migrated has version 0.
func (s *Store) SchemaVersion(ctx context.Context) (current, wanted int64, err error) {
	provider, err := s.provider()
	if err != nil {
		return 0, 0, err
	}
	current, wanted, err = provider.GetVersions(ctx)
	return current, wanted, fail(err, "schema version")
}

// CheckSchema is for processes that do not migrate: ErrPendingMigrations if
// the database is older than the binary, ErrNewerSchema if it is newer.
func (s *Store) CheckSchema(ctx context.Context) error {
	current, wanted, err := s.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current < wanted:
		return fmt.Errorf("%w (has %d, wants %d)", ErrPendingMigrations, current, wanted)
	case current > wanted:
		return newerError(current, wanted)
	}
	return nil
}

func checkNewer(ctx context.Context, provider *goose.Provider) error {
	current, wanted, err := provider.GetVersions(ctx)
	if err != nil {
		return fail(err, "schema version")
	}
	if current > wanted {
		return newerError(current, wanted)
	}
	return nil
}

func newerError(current, wanted int64) error {
	return fmt.Errorf("%w: it has schema version %d, this binary knows %d; use the newer binary", ErrNewerSchema, current, wanted)
}

func (s *Store) provider() (*goose.Provider, error) {
	locking, err := s.migrationLock()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(s.d.goose, s.pool, migrations.FS, goose.WithDisableGlobalRegistry(true), locking)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return provider, nil
}

func (s *Store) migrationLock() (goose.ProviderOption, error) {
	if s.d.lite {
		return goose.WithLocker(&liteLock{owner: NewID()}), nil
	}
	period := uint64(1) // seconds; the finest that goose has
	session, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(period, uint64(migrateWait/time.Second)))
	if err != nil {
		return nil, fmt.Errorf("store: migration lock: %w", err)
	}
	return goose.WithSessionLocker(session), nil
}

// liteLock is the migration lock of SQLite: a row with a lease, because goose
// has none for SQLite and its own transactions could not run inside ours.
type liteLock struct{ owner string }

const (
	liteLockTable = `CREATE TABLE IF NOT EXISTS migration_lock (id BIGINT PRIMARY KEY, owner TEXT NOT NULL, expires_at BIGINT NOT NULL)`
	liteLockTake  = `INSERT INTO migration_lock (id, owner, expires_at) VALUES (1, ?, ` + liteNow + ` + 60000000)
		ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE migration_lock.expires_at < ` + liteNow
)

// Lock waits until it is this process's turn.
func (l *liteLock) Lock(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, migrateWait)
	defer cancel()
	if _, err := db.ExecContext(ctx, liteLockTable); err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	for {
		result, err := db.ExecContext(ctx, liteLockTake, l.owner)
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return errors.Join(errors.New("another process is migrating"), err)
		}
	}
}

// Unlock lets the next one in.
func (l *liteLock) Unlock(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `DELETE FROM migration_lock WHERE owner = ?`, l.owner)
	return err
}
