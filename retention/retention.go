// Package retention deletes what the settings of a portal no longer want kept:
// raw webhook bodies, transcripts, what the contact center sent and was told,
// recordings of calls, the memory of sent notifications, and the log of closed
// sessions of open lines. The ledger with its steps, the audit log and the
// figures for statistics stay.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"puente/contactcenter"
	"puente/settings"
	"puente/store"
)

// Every is how often each worker process looks; several processes do no harm.
const Every = time.Hour

// Store is what is cleaned; *store.Store is one.
type Store interface {
	Portals(ctx context.Context, p store.Page) ([]store.Portal, string, error)
	Settings(ctx context.Context, portal string) (settings.Settings, int, error)
	PurgeInbox(ctx context.Context, portal string, before time.Time) (int, error)
	PurgeSnapshots(ctx context.Context, portal string, before time.Time) (int, error)
	PurgeSent(ctx context.Context, portal string, before time.Time) (int, error)
	PurgeSubmissions(ctx context.Context, portal string, forget []string, before time.Time) (int, error)
	PurgeTickets(ctx context.Context, portal string) (int, error)
	PurgeLineRecords(ctx context.Context, portal string, before time.Time) (int, error)
	PurgeLineWrites(ctx context.Context, portal string, before time.Time) (int, error)
}

// Files are the recordings of calls on disk; *recordings.Keeper is one.
type Files interface {
	Expire(ctx context.Context, portal string, conf settings.Recordings, now time.Time) (int, error)
	Sweep(ctx context.Context, now time.Time) error
}

// Run cleans at once and then every hour, until the context ends. Errors are
// logged: the next round tries again.
func Run(ctx context.Context, s Store, files Files, log *slog.Logger) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		if n, err := Clean(ctx, s, files, time.Now()); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "Old data could not be deleted; trying again in an hour", "error", err)
		} else if n > 0 {
			log.InfoContext(ctx, "Old data deleted", "rows", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Clean deletes, for each portal, what is older than its general.retention_days
// at now, and recordings as long after they were attached as
// contact_center.recordings.retention_days says. It returns the number of rows
// and files. 0 general days keep everything but recordings. A portal that fails
// does not keep the others from being cleaned.
func Clean(ctx context.Context, s Store, files Files, now time.Time) (int, error) {
	total := 0
	failed := files.Sweep(ctx, now)
	for after := ""; ; {
		list, next, err := s.Portals(ctx, store.Page{After: after})
		if err != nil {
			return total, errors.Join(failed, err)
		}
		for _, p := range list {
			n, err := cleanPortal(ctx, s, files, p.Slug, now)
			total += n
			failed = errors.Join(failed, err)
		}
		if next == "" {
			return total, failed
		}
		after = next
	}
}

// lineWritesKept is how long what open lines have written is remembered: longer
// than any chat stays open. It is ids only.
const lineWritesKept = 365 * 24 * time.Hour

func cleanPortal(ctx context.Context, s Store, files Files, portal string, now time.Time) (int, error) {
	conf, _, err := s.Settings(ctx, portal)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("portal %s: %w", portal, err)
	}
	total, err := files.Expire(ctx, portal, conf.ContactCenter.Recordings, now)
	purges := []func() (int, error){
		func() (int, error) { return s.PurgeTickets(ctx, portal) },
		func() (int, error) { return s.PurgeLineWrites(ctx, portal, now.Add(-lineWritesKept)) },
	}
	if conf.General.RetentionDays > 0 {
		before := now.AddDate(0, 0, -conf.General.RetentionDays)
		purges = append(purges,
			func() (int, error) { return s.PurgeInbox(ctx, portal, before) },
			func() (int, error) { return s.PurgeSnapshots(ctx, portal, before) },
			func() (int, error) { return s.PurgeSent(ctx, portal, before) },
			func() (int, error) { return s.PurgeSubmissions(ctx, portal, looks(), before) },
			func() (int, error) { return s.PurgeLineRecords(ctx, portal, before) },
		)
	}
	for _, purge := range purges {
		n, failed := purge()
		total += n
		err = errors.Join(err, failed)
	}
	return total, err
}

// looks are the methods whose answers repeat what the CRM knows of people; of
// the others, the answers hold ids, and are kept for repetitions.
func looks() []string {
	var names []string
	for _, m := range contactcenter.Methods() {
		if m.ReadOnly() {
			names = append(names, string(m))
		}
	}
	return names
}
