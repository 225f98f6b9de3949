// Package retention deletes what the settings of a portal no longer want kept:
// raw webhook bodies, transcripts, and the memory of sent notifications. The
// ledger with its steps and the audit log stay.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

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
}

// Run cleans at once and then every hour, until the context ends. Errors are
// logged: the next round tries again.
func Run(ctx context.Context, s Store, log *slog.Logger) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		if n, err := Clean(ctx, s, time.Now()); err != nil && ctx.Err() == nil {
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
// at now, and returns the number of rows. 0 days keep everything. A portal that
// fails does not keep the others from being cleaned.
func Clean(ctx context.Context, s Store, now time.Time) (int, error) {
	total := 0
	var failed error
	for after := ""; ; {
		list, next, err := s.Portals(ctx, store.Page{After: after})
		if err != nil {
			return total, errors.Join(failed, err)
		}
		for _, p := range list {
			n, err := cleanPortal(ctx, s, p.Slug, now)
			total += n
			failed = errors.Join(failed, err)
		}
		if next == "" {
			return total, failed
		}
		after = next
	}
}

func cleanPortal(ctx context.Context, s Store, portal string, now time.Time) (int, error) {
	conf, _, err := s.Settings(ctx, portal)
	if errors.Is(err, store.ErrNotFound) || err == nil && conf.General.RetentionDays == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("portal %s: %w", portal, err)
	}
	before := now.AddDate(0, 0, -conf.General.RetentionDays)
	total := 0
	var failed error
	for _, purge := range []func(context.Context, string, time.Time) (int, error){s.PurgeInbox, s.PurgeSnapshots, s.PurgeSent} {
		n, err := purge(ctx, portal, before)
		total += n
		failed = errors.Join(failed, err)
	}
	return total, failed
}
