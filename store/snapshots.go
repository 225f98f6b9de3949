package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"puente/dialog"
)

// SaveSnapshot stores what a sync is about, in the place of an earlier
// snapshot. ErrNotFound if there is no such sync.
func (s *Store) SaveSnapshot(ctx context.Context, portal, syncID string, snapshot dialog.Snapshot) error {
	body, err := pack(snapshot)
	if err != nil {
		return fail(err, "pack snapshot of sync %s", syncID)
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO snapshots (sync_id, portal, body, created_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (sync_id) DO UPDATE SET body = excluded.body, created_at = excluded.created_at
			WHERE snapshots.portal = excluded.portal`, syncID, portal, body, micros(now())).Error
	})
	return fail(err, "save snapshot of sync %s", syncID)
}

// Snapshot gives what SaveSnapshot stored.
func (s *Store) Snapshot(ctx context.Context, portal, syncID string) (snapshot dialog.Snapshot, err error) {
	var bodies [][]byte
	err = s.read(ctx).Table("snapshots").Where("portal = ? AND sync_id = ?", portal, syncID).Pluck("body", &bodies).Error
	if err == nil && len(bodies) == 0 {
		err = ErrNotFound
	}
	if err == nil {
		snapshot, err = unpack(bodies[0])
	}
	return snapshot, fail(err, "snapshot of sync %s", syncID)
}

// PurgeSnapshots deletes the snapshots of a portal that were saved before a
// time, and gives their number. The ledger keeps its lines.
func (s *Store) PurgeSnapshots(ctx context.Context, portal string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM snapshots WHERE sync_id IN (
		SELECT sync_id FROM snapshots WHERE portal = ? AND created_at < ? ORDER BY created_at LIMIT 500)`, portal, micros(before))
	return n, fail(err, "purge snapshots of %s", portal)
}

// pack is gzip of JSON: transcripts shrink to a tenth.
func pack(snapshot dialog.Snapshot) ([]byte, error) {
	var body bytes.Buffer
	writer := gzip.NewWriter(&body)
	if err := json.NewEncoder(writer).Encode(snapshot); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func unpack(body []byte) (snapshot dialog.Snapshot, err error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return snapshot, err
	}
	err = json.NewDecoder(reader).Decode(&snapshot)
	return snapshot, err
}
