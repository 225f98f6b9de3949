package store

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"
)

// Tickets keep requests of one client in the order of their acceptance: each
// request queues up at every key of its client with the number of its
// acceptance. Claims make two requests of one client exclude each other;
// tickets say who is next. The numbers are the same at all keys, so that no two
// requests can wait for each other.

// ticketLife is how long a ticket is kept that nobody renews and nobody asks
// about. It is longer than a run waits for its turn (three days), and outlasts
// failures of Temporal and of the workers, after which the order of acceptance
// still counts. A run that ended without giving its tickets back is found out
// much earlier (QuietTickets).
const ticketLife = 7 * 24 * time.Hour

// Turn tells how many other requests that were accepted earlier still wait or
// work at one of the keys, and which of them is the first; 0 = it is this one's
// turn.
func (s *Store) Turn(ctx context.Context, portal, syncID string, keys []string) (ahead int, first string, err error) {
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return 0, "", nil
	}
	own, err := s.place(s.read(ctx), portal, syncID)
	if err != nil {
		return 0, "", fail(err, "turn of sync %s", syncID)
	}
	var before []struct {
		SyncID string
		Seq    int64
	}
	err = s.read(ctx).Raw(`SELECT sync_id, MIN(seq) AS seq FROM claim_tickets
		WHERE portal = ? AND claim_key IN ? AND sync_id <> ? AND seq < ? AND expires_at > (SELECT `+s.d.now+`)
		GROUP BY sync_id ORDER BY seq`, portal, keys, syncID, own).Scan(&before).Error
	if err != nil || len(before) == 0 {
		return 0, "", fail(err, "turn of sync %s", syncID)
	}
	return len(before), before[0].SyncID, nil
}

// AddTickets queues a request up at further keys, with the number it has, and
// renews those it holds. ErrNotFound if nothing was submitted for the
// sync.
func (s *Store) AddTickets(ctx context.Context, portal, syncID string, keys []string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		own, err := s.place(tx, portal, syncID)
		if err != nil {
			return err
		}
		return s.addTickets(tx, portal, syncID, own, keys)
	})
	return fail(err, "add tickets of sync %s", syncID)
}

// DropTickets lets those behind a request go on. Nothing to drop is no error.
func (s *Store) DropTickets(ctx context.Context, portal, syncID string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM claim_tickets WHERE portal = ? AND sync_id = ?", portal, syncID).Error
	})
	return fail(err, "drop tickets of sync %s", syncID)
}

// place is the number of a request: that of its tickets, without any that of
// its newest revision.
func (s *Store) place(tx *gorm.DB, portal, syncID string) (seq int64, err error) {
	err = tx.Raw(`SELECT COALESCE(
			(SELECT MIN(seq) FROM claim_tickets WHERE portal = ? AND sync_id = ? AND expires_at > (SELECT `+s.d.now+`)),
			(SELECT MAX(seq) FROM submissions WHERE portal = ? AND sync_id = ?), 0)`, portal, syncID, portal, syncID).Scan(&seq).Error
	if err == nil && seq == 0 {
		err = gorm.ErrRecordNotFound
	}
	return seq, err
}

// addTickets keeps the number of a ticket that is still good: a correction does
// not send a waiting request to the end of the queue.
func (s *Store) addTickets(tx *gorm.DB, portal, syncID string, seq int64, keys []string) error {
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return nil
	}
	// One statement: acceptances of a portal wait for each other meanwhile.
	var rows []string
	var values []any
	for _, key := range keys {
		rows = append(rows, "(?, ?, ?, ?, "+s.d.now+" + ?)")
		values = append(values, portal, key, syncID, seq, ticketLife.Microseconds())
	}
	return tx.Exec(`INSERT INTO claim_tickets (portal, claim_key, sync_id, seq, expires_at) VALUES `+strings.Join(rows, ", ")+`
		ON CONFLICT (portal, claim_key, sync_id) DO UPDATE SET expires_at = excluded.expires_at,
			seq = CASE WHEN claim_tickets.expires_at <= `+s.d.now+` THEN excluded.seq ELSE claim_tickets.seq END`, values...).Error
}

// TicketHolder is a request that others wait for.
type TicketHolder struct {
	Portal     string
	SyncID     string
	WorkflowID string // "" if the ledger does not know it any more
}

// QuietTickets gives requests that are next at a key where others wait, and
// whose tickets nobody has renewed for so long: their runs may have ended
// without giving them back. Those that Temporal has not taken yet are not among
// them.
func (s *Store) QuietTickets(ctx context.Context, quiet time.Duration, limit int) ([]TicketHolder, error) {
	var all []TicketHolder
	err := s.read(ctx).Raw(`SELECT DISTINCT t.portal, t.sync_id, COALESCE(syncs.workflow_id, '') AS workflow_id
		FROM claim_tickets t LEFT JOIN syncs ON syncs.id = t.sync_id
		WHERE t.expires_at <= (SELECT `+s.d.now+`) + ?
			AND EXISTS (SELECT 1 FROM claim_tickets b WHERE b.portal = t.portal AND b.claim_key = t.claim_key AND b.seq > t.seq)
			AND NOT EXISTS (SELECT 1 FROM claim_tickets a WHERE a.portal = t.portal AND a.claim_key = t.claim_key AND a.seq < t.seq)
			AND NOT EXISTS (SELECT 1 FROM submissions WHERE submissions.sync_id = t.sync_id AND started_at = 0)
		LIMIT ?`, (ticketLife - quiet).Microseconds(), limit).Scan(&all).Error
	return all, fail(err, "quiet tickets")
}

// RenewTickets notes that the run of a request lives.
func (s *Store) RenewTickets(ctx context.Context, portal, syncID string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE claim_tickets SET expires_at = "+s.d.now+" + ? WHERE portal = ? AND sync_id = ?",
			ticketLife.Microseconds(), portal, syncID).Error
	})
	return fail(err, "renew tickets of sync %s", syncID)
}

// DropQuietTickets lets those behind a request go on whose run has ended. It
// says whether there was anything to drop: what was renewed within the last
// quiet time, because a correction came or the run was started anew, stays.
func (s *Store) DropQuietTickets(ctx context.Context, portal, syncID string, quiet time.Duration) (dropped bool, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM claim_tickets WHERE portal = ? AND sync_id = ? AND expires_at <= "+s.d.now+" + ?",
			portal, syncID, (ticketLife - quiet).Microseconds())
		dropped = result.RowsAffected > 0
		return result.Error
	})
	return dropped, fail(err, "drop quiet tickets of sync %s", syncID)
}

// PurgeTickets deletes tickets that nobody has renewed for a week.
func (s *Store) PurgeTickets(ctx context.Context, portal string) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM claim_tickets WHERE portal = ? AND expires_at <= `+s.d.now, portal)
	return n, fail(err, "purge tickets of %s", portal)
}
