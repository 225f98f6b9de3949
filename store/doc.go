// Package store keeps everything Puente must not forget: portals and their
// secrets, versioned settings, the inbox of webhooks, learned dialogs, claims,
// the ledger of syncs, the budgets of portals, caches and the audit log.
//
// It runs on PostgreSQL (production) and on SQLite (embedded default) with the
// same migrations and the same promises; several processes may share one
// database. Leases, claims and budgets go by the clock of the database, so the
// clocks of the processes need not agree.
//
// Promises that hold for the whole package:
//   - times go in and come out in UTC, kept to the microsecond; the zero time is kept as zero;
//   - everything that lists is paged by a keyset cursor and served by an index;
//   - text from outside is made storable (valid UTF-8, no NUL), never refused;
//   - secrets are stored encrypted and are never logged or printed;
//   - what is not there is [ErrNotFound]; a second one of something unique is [ErrDuplicate];
//   - a write that lost against another one (deadlock, busy) is tried again here.
package store
