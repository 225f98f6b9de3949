package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// runLimit bounds the rows of one order key in one hand-out, so that a chatty
// dialog leaves room for others.
const runLimit = 50

// ClaimInbox hands up to limit unfinished rows to owner, oldest keys first.
//
// Rows of one (portal, OrderKey) are a unit: they come in order of acceptance,
// and until the lease ends or the owner has finished all it was handed, nobody
// else (and no second call of the same owner) gets a row of that key. A key
// whose oldest row waits after RetryInbox is left out as a whole, the others
// are not touched by it. What a dead owner held is handed out again, from its
// first unfinished row, when the lease ends: delivery is at least once.
//
// The result is sorted by Seq, then ID. Deliver the rows of a key in this
// order, call FinishInbox for each or for all, and after a failure call
// RetryInbox and leave the rest of that key alone.
func (s *Store) ClaimInbox(ctx context.Context, owner string, limit int, lease time.Duration) (events []InboxEvent, err error) {
	if limit <= 0 {
		return nil, nil
	}
	if idle, err := s.inboxIdle(ctx); err != nil || idle {
		return nil, fail(err, "claim inbox")
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		keys, err := s.readyKeys(tx, limit)
		if err != nil || len(keys) == 0 {
			events = nil
			return err
		}
		events, err = s.handOut(tx, owner, keys, limit, lease)
		return err
	})
	if err != nil {
		events = nil
	}
	return events, fail(err, "claim inbox")
}

// The moment is a subquery here: PostgreSQL compares an index with what it
// computes once, but would compare the volatile clock with row after row.

// inboxIdle looks without a lock whether there is anything to claim: an idle
// dispatcher must not make others wait for SQLite's one write lock.
func (s *Store) inboxIdle(ctx context.Context) (bool, error) {
	var ready bool
	err := s.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM inbox_keys WHERE ready_at <= (SELECT " + s.d.now + "))").Scan(&ready).Error
	return !ready, err
}

// readyKeys locks keys that nobody owns, passing by those that another process
// is locking just now.
func (s *Store) readyKeys(tx *gorm.DB, limit int) (keys []inboxKey, err error) {
	err = tx.Raw("SELECT portal, order_key FROM inbox_keys WHERE ready_at <= (SELECT "+s.d.now+
		") ORDER BY ready_at LIMIT ?"+s.d.skip, limit).Scan(&keys).Error
	return keys, err
}

// handOut takes rows of the locked keys up to limit and leases those keys. The
// rows are read after the keys were locked, so they include all that an earlier
// owner left. Keys for which there is no room stay free.
func (s *Store) handOut(tx *gorm.DB, owner string, keys []inboxKey, limit int, lease time.Duration) ([]InboxEvent, error) {
	var events []InboxEvent
	for _, key := range keys {
		if len(events) == limit {
			break
		}
		run, err := takeRun(tx, owner, key, min(limit-len(events), runLimit))
		if err != nil {
			return nil, err
		}
		if err := s.leaseKey(tx, owner, key, len(run), lease); err != nil {
			return nil, err
		}
		events = append(events, run...)
	}
	slices.SortFunc(events, byAcceptance)
	return events, nil
}

// takeRun marks the oldest rows of a key as handed to owner.
func takeRun(tx *gorm.DB, owner string, key inboxKey, limit int) (run []InboxEvent, err error) {
	err = tx.Raw(`UPDATE inbox SET owner = ? WHERE id IN (
			SELECT id FROM inbox WHERE portal = ? AND order_key = ? AND status = 'new' ORDER BY seq, id LIMIT ?)
		RETURNING *`, owner, key.Portal, key.OrderKey, limit).Scan(&run).Error
	return run, err
}

// leaseKey makes owner the only one who gets rows of a key. A key without rows
// is a leftover and removed.
func (s *Store) leaseKey(tx *gorm.DB, owner string, key inboxKey, rows int, lease time.Duration) error {
	if rows == 0 {
		return tx.Exec("DELETE FROM inbox_keys WHERE portal = ? AND order_key = ?", key.Portal, key.OrderKey).Error
	}
	return tx.Exec("UPDATE inbox_keys SET owner = ?, ready_at = "+s.d.now+" + ? WHERE portal = ? AND order_key = ?",
		owner, lease.Microseconds(), key.Portal, key.OrderKey).Error
}

func byAcceptance(a, b InboxEvent) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.ID, b.ID))
}
