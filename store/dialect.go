package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/pressly/goose/v3"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// dialect holds the few places where the two databases differ.
type dialect struct {
	driver  string // name in database/sql
	dsn     string
	goose   goose.Dialect
	maxOpen int    // default size of the pool
	now     string // SQL: the database's clock in microseconds
	lock    string // SQL suffix: lock the rows of a SELECT
	skip    string // SQL suffix: lock them, leaving out those that others have locked
	lite    bool
	// isolation: our locking relies on each statement seeing what was committed
	// before it, whatever the server's default is.
	isolation *sql.TxOptions
}

// now of PostgreSQL is the wall clock, not the start of the transaction: a
// lease must not be judged by the time at which the transaction began to wait.
const (
	pgNow   = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	liteNow = "CAST(ROUND(unixepoch('subsec') * 1000) * 1000 AS BIGINT)" // SQLite's clock has milliseconds
)

// parseURL chooses the dialect by the scheme of a database URL. Errors never
// repeat the URL: it may hold a password.
func parseURL(raw string) (dialect, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	switch {
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return dialect{
			driver: "pgx", dsn: raw, goose: goose.DialectPostgres, maxOpen: 20,
			now: pgNow, lock: " FOR UPDATE", skip: " FOR UPDATE SKIP LOCKED",
			isolation: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		}, nil
	case ok && scheme == "sqlite":
		return parseSQLite(rest)
	}
	return dialect{}, errors.New("store: the database URL must start with postgres:// or sqlite://")
}

// parseSQLite takes path[?parameters]. Parameters of the driver may be added
// or overridden, for example ?_synchronous=FULL.
func parseSQLite(rest string) (dialect, error) {
	path, query, _ := strings.Cut(rest, "?")
	if path == "" || strings.Contains(path, ":memory:") {
		return dialect{}, errors.New("store: sqlite:// needs the path of a file")
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return dialect{}, fmt.Errorf("store: parameters of the sqlite URL: %w", err)
	}
	for key, value := range sqliteDefaults {
		if !params.Has(key) {
			params.Set(key, value)
		}
	}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: params.Encode()}
	return dialect{
		driver: "sqlite", dsn: file.String(), goose: goose.DialectSQLite3, maxOpen: 8,
		now: liteNow, lite: true, isolation: &sql.TxOptions{}, // SQLite knows only serial writers
	}, createFile(path)
}

// sqliteDefaults: several processes may use the file at once. A write waits up
// to 15 s for the others; transactions take the write lock at their begin,
// because one that asks for it later could only fail. NORMAL keeps every commit
// when a process dies; the last ones may be lost when the machine does.
var sqliteDefaults = map[string]string{
	"_busy_timeout": "15000",
	"_journal_mode": "WAL",
	"_synchronous":  "NORMAL",
	"_foreign_keys": "1",
	"_txlock":       "immediate",
}

// createFile makes the database file readable for its owner only: it holds
// people's messages. SQLite gives its side files the same mode.
func createFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: directory of the database: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator chooses the path
	if err != nil {
		return fmt.Errorf("store: database file: %w", err)
	}
	return file.Close()
}

// gormDialector gives gorm our pool; gorm's own default driver for SQLite needs cgo.
func (d dialect) gormDialector(pool *sql.DB) gorm.Dialector {
	if d.lite {
		return &sqlite.Dialector{DriverName: "sqlite", Conn: pool}
	}
	return postgres.New(postgres.Config{Conn: pool})
}
