package store

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors to be recognised with errors.Is.
var (
	// ErrNotFound means that there is no such row in this portal.
	ErrNotFound = errors.New("not found")
	// ErrDuplicate means that a unique value is taken.
	ErrDuplicate = errors.New("already exists")
	// ErrConflict means that somebody else saved a newer version meanwhile.
	ErrConflict = errors.New("changed meanwhile by somebody else")
	// ErrWrongKey means that secrets were saved with another secret key.
	ErrWrongKey = errors.New("the secret key (PUENTE_SECRET_KEY) is not the one the stored secrets were encrypted with")
	// ErrNoKey means that secrets are needed and Options.SecretKey is empty.
	ErrNoKey = errors.New("no secret key is set (PUENTE_SECRET_KEY)")
	// ErrBadCursor means that Page.After is not a cursor of this list.
	ErrBadCursor = errors.New("not a valid page cursor")
	// ErrNewerSchema means that a newer Puente has migrated this database.
	ErrNewerSchema = errors.New("the database was migrated by a newer version of puente")
	// ErrPendingMigrations means that the database is older than this binary.
	ErrPendingMigrations = errors.New("the database schema is older than this version of puente: run `puente migrate`")
	// ErrTooMany means that a list which is read as a whole is beyond all sense.
	ErrTooMany = errors.New("too many rows")
)

// PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	pgUniqueViolation      = "23505"
	pgForeignKeyViolation  = "23503"
	pgSerializationFailure = "40001"
	pgDeadlock             = "40P01"
)

// fail says what was done when err happened and translates the errors of the
// drivers to those of this package; nil stays nil.
func fail(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := fmt.Sprintf(format, args...)
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows), isForeignKey(err):
		return fmt.Errorf("store: %s: %w", what, ErrNotFound)
	case isUnique(err):
		return fmt.Errorf("store: %s: %w (%w)", what, ErrDuplicate, err)
	}
	return fmt.Errorf("store: %s: %w", what, err)
}

func isUnique(err error) bool {
	switch pgCode(err) {
	case pgUniqueViolation:
		return true
	}
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return true
	}
	return false
}

// isForeignKey: the row that was to be extended is not there.
func isForeignKey(err error) bool {
	return pgCode(err) == pgForeignKeyViolation || sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// isTransient: the transaction was rolled back only because others were in its way.
func isTransient(err error) bool {
	switch pgCode(err) {
	case pgSerializationFailure, pgDeadlock:
		return true
	}
	code := sqliteCode(err) & 0xff // the primary code; the rest says more precisely why
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

func pgCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func sqliteCode(err error) int {
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()
	}
	return 0
}
