package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"puente/internal/testpg"
	"puente/migrations"
	"puente/store"
)

// PostgresURL gives the URL of a fresh, migrated PostgreSQL database.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := testpg.URL(t)
	templateOnce.Do(func() { template, errTemplate = makeTemplate(context.Background(), server) })
	require.NoError(t, errTemplate)
	return createDatabase(t, template)
}

// The migrated database that all others are copied from. It stays on the
// server: copies are made in a fraction of the time of the migrations.
var (
	templateOnce sync.Once
	template     string
	errTemplate  error
)

// createDatabase copies a database and drops the copy at the end of the test.
func createDatabase(t testing.TB, from string) string {
	t.Helper()
	server, name := testpg.URL(t), "puente_"+strings.ReplaceAll(store.NewID(), "-", "")
	require.NoError(t, execute(t.Context(), server, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, from)))
	t.Cleanup(func() {
		require.NoError(t, execute(context.Background(), server, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name)))
	})
	return withDatabase(t, server, name)
}

func withDatabase(t testing.TB, server, name string) string {
	t.Helper()
	address, err := databaseURL(server, name)
	require.NoError(t, err)
	return address
}

func databaseURL(server, name string) (string, error) {
	parsed, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	parsed.Path = "/" + name
	return parsed.String(), nil
}

func execute(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// templateLock keeps the test processes from making the template all at once.
const templateLock = 7_048_312

// makeTemplate makes the migrated template unless another test process has
// done it. Its name tells the migrations, so changed ones get a new template;
// its template flag tells that it is complete.
func makeTemplate(ctx context.Context, server string) (string, error) {
	name, err := templateName()
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // gives the lock back, too
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", err
	}
	var ready bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)", name).Scan(&ready)
	if err != nil || ready {
		return name, err
	}
	return name, fillTemplate(ctx, conn, server, name)
}

func fillTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	for _, statement := range []string{"DROP DATABASE IF EXISTS %s WITH (FORCE)", "CREATE DATABASE %s"} {
		if _, err := conn.Exec(ctx, fmt.Sprintf(statement, name)); err != nil {
			return err
		}
	}
	address, err := databaseURL(server, name)
	if err != nil {
		return err
	}
	if err := migrate(ctx, address); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s IS_TEMPLATE true", name))
	return err
}

func templateName() (string, error) {
	sum := sha256.New()
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return "puente_template_" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}
