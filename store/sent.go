package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// MarkSent remembers that something that must go out only once (a notice) has
// gone out under a key; externalID is what the receiver called it. The first
// mark stays.
func (s *Store) MarkSent(ctx context.Context, portal, key, externalID string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO sent (portal, sent_key, external_id, sent_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (portal, sent_key) DO NOTHING`, portal, clean(key), clean(externalID), micros(now())).Error
	})
	return fail(err, "mark sent in %s", portal)
}

// WasSent tells which of the keys have been marked: those are in the map, with true.
func (s *Store) WasSent(ctx context.Context, portal string, keys []string) (map[string]bool, error) {
	sent := make(map[string]bool, len(keys))
	for part := range slices.Chunk(keys, chunk) {
		byClean := make(map[string]string, len(part)) // stored form → as asked
		for _, key := range part {
			byClean[clean(key)] = key
		}
		var found []string
		err := s.read(ctx).Raw("SELECT sent_key FROM sent WHERE portal = ? AND sent_key IN ?", portal, sortedKeys(part)).Scan(&found).Error
		if err != nil {
			return nil, fail(err, "sent in %s", portal)
		}
		for _, key := range found {
			sent[byClean[key]] = true
		}
	}
	return sent, nil
}

// PurgeSent forgets marks made before a time and gives their number.
func (s *Store) PurgeSent(ctx context.Context, portal string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM sent WHERE portal = ? AND sent_key IN (
		SELECT sent_key FROM sent WHERE portal = ? AND sent_at < ? ORDER BY sent_at LIMIT 500)`, portal, portal, micros(before))
	return n, fail(err, "purge sent of %s", portal)
}
