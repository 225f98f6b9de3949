package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
)

// FinishInbox ends rows with a status: InboxDone, InboxIgnored or InboxFailed.
// workflowID says where they were delivered, "" = nowhere. Rows that are
// finished already stay as they are. When an owner has finished all rows of a
// key it was handed, the key is free for the next owner at once.
func (s *Store) FinishInbox(ctx context.Context, ids []string, status, workflowID string) error {
	if !slices.Contains([]string{InboxDone, InboxIgnored, InboxFailed}, status) {
		return fmt.Errorf("store: finish inbox: %q is not a final status", status)
	}
	for part := range slices.Chunk(ids, chunk) {
		err := s.write(ctx, func(tx *gorm.DB) error {
			keys, err := s.lockKeys(tx, part)
			if err != nil {
				return err
			}
			err = tx.Exec(`UPDATE inbox SET status = ?, workflow_id = ?, finished_at = ? WHERE id IN ? AND status = 'new'`,
				status, workflowID, micros(now()), part).Error
			if err != nil {
				return err
			}
			return s.freeKeys(tx, keys)
		})
		if err != nil {
			return fail(err, "finish %d inbox rows", len(ids))
		}
	}
	return nil
}

// chunk bounds the values in one IN list.
const chunk = 500

// lockKeys locks the keys of rows, sorted.
func (s *Store) lockKeys(tx *gorm.DB, ids []string) (keys []inboxKey, err error) {
	err = tx.Raw("SELECT DISTINCT portal, order_key FROM inbox WHERE id IN ?", ids).Scan(&keys).Error
	if err != nil || s.d.lite { // SQLite's transaction already holds the one write lock
		return keys, err
	}
	keys = sortKeys(keys)
	for _, key := range keys {
		err := tx.Exec("SELECT 1 FROM inbox_keys WHERE portal = ? AND order_key = ?"+s.d.lock, key.Portal, key.OrderKey).Error
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// freeKeys removes keys that have no unfinished rows, and ends the lease of
// those of whose rows the owner has none left.
func (s *Store) freeKeys(tx *gorm.DB, keys []inboxKey) error {
	for _, key := range keys {
		removed := tx.Exec(`DELETE FROM inbox_keys WHERE portal = ? AND order_key = ? AND NOT EXISTS (
				SELECT 1 FROM inbox i WHERE i.portal = inbox_keys.portal AND i.order_key = inbox_keys.order_key AND i.status = 'new')`,
			key.Portal, key.OrderKey)
		if removed.Error != nil {
			return removed.Error
		}
		if removed.RowsAffected > 0 {
			continue
		}
		err := tx.Exec(`UPDATE inbox_keys SET owner = '', ready_at = `+s.d.now+`
			WHERE portal = ? AND order_key = ? AND owner <> '' AND NOT EXISTS (
				SELECT 1 FROM inbox i WHERE i.portal = inbox_keys.portal AND i.order_key = inbox_keys.order_key
				AND i.status = 'new' AND i.owner = inbox_keys.owner)`, key.Portal, key.OrderKey).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// RetryInbox notes that owner could not deliver a row: Attempts goes up, and
// the row's key is handed out again from its oldest row, to anybody, not before
// next. If owner has lost the key meanwhile (its lease ended), or the row is
// finished, nothing is changed.
func (s *Store) RetryInbox(ctx context.Context, owner, id, cause string, next time.Time) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		keys, err := s.lockKeys(tx, []string{id})
		if err != nil || len(keys) == 0 {
			return err
		}
		noted := tx.Exec(`UPDATE inbox SET attempts = attempts + 1, last_error = ? WHERE id = ? AND status = 'new' AND owner = ?`,
			clean(cause), id, owner)
		if noted.Error != nil || noted.RowsAffected == 0 {
			return noted.Error
		}
		wait := max(time.Until(next), 0).Microseconds() // by the database's clock from here on
		return tx.Exec(`UPDATE inbox_keys SET owner = '', ready_at = `+s.d.now+` + ? WHERE portal = ? AND order_key = ? AND owner = ?`,
			wait, keys[0].Portal, keys[0].OrderKey, owner).Error
	})
	return fail(err, "retry inbox row %s", id)
}

// ReplayInbox makes finished rows of a portal new again, to be delivered once
// more in their old order, and gives their number. It is for operators: the
// receivers recognise repeated events by their keys.
func (s *Store) ReplayInbox(ctx context.Context, portal string, ids []string) (replayed int, err error) {
	for part := range slices.Chunk(ids, chunk) {
		var n int64
		err := s.write(ctx, func(tx *gorm.DB) error {
			var keys []inboxKey
			err := tx.Raw("SELECT DISTINCT portal, order_key FROM inbox WHERE portal = ? AND id IN ?", portal, part).Scan(&keys).Error
			if err != nil {
				return err
			}
			if err := s.openKeys(tx, sortKeys(keys)); err != nil {
				return err
			}
			result := tx.Exec(`UPDATE inbox SET status = 'new', owner = '', finished_at = 0
				WHERE portal = ? AND id IN ? AND status <> 'new'`, portal, part)
			n = result.RowsAffected
			return result.Error
		})
		if err != nil {
			return replayed, fail(err, "replay inbox rows of %s", portal)
		}
		replayed += int(n)
	}
	return replayed, nil
}
