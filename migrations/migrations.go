// Package migrations holds the database schema as goose migrations. The same
// files run on PostgreSQL and on SQLite; package store applies them.
//
// Conventions, so that one text serves both databases:
//   - times are BIGINT microseconds since 1970 UTC, 0 = none: exact, sortable and
//     the same in both (psql: to_timestamp(created_at / 1e6));
//   - ids are text (UUIDv7, so they sort by time of creation);
//   - bytes are BYTEA, a name SQLite accepts and stores as a blob;
//   - ” and 0 instead of NULL;
//   - a migration that has been released is never edited, a new one follows.
package migrations

import "embed"

// FS holds the migration files.
//
//go:embed *.sql
var FS embed.FS
