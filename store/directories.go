package store

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
)

// Directory gives a cached list of an outside system (users, pipelines,
// fields, operators, …) and its age by the database's clock. The caller
// decides what is too old.
func (s *Store) Directory(ctx context.Context, portal, name string) (doc json.RawMessage, age time.Duration, found bool, err error) {
	var rows []struct {
		Document string
		Age      int64
	}
	err = s.read(ctx).Raw("SELECT document, "+s.d.now+" - saved_at AS age FROM directories WHERE portal = ? AND name = ?", portal, name).
		Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, 0, false, fail(err, "directory %s of %s", name, portal)
	}
	age = max(time.Duration(rows[0].Age)*time.Microsecond, 0)
	return json.RawMessage(rows[0].Document), age, true, nil
}

// SaveDirectory stores a list, in the place of an earlier one.
func (s *Store) SaveDirectory(ctx context.Context, portal, name string, doc json.RawMessage) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO directories (portal, name, document, saved_at) VALUES (?, ?, ?, `+s.d.now+`)
			ON CONFLICT (portal, name) DO UPDATE SET document = excluded.document, saved_at = excluded.saved_at`,
			portal, name, clean(string(doc))).Error
	})
	return fail(err, "save directory %s of %s", name, portal)
}
