package store

import (
	"context"

	"gorm.io/gorm"
)

// Link gives the CRM contact that a key of a client (its Chat2Desk id, a
// phone) was last seen to belong to. The link is a memory, not a truth: the
// contact may have been deleted or merged since.
func (s *Store) Link(ctx context.Context, portal, key string) (contactID int64, found bool, err error) {
	var ids []int64
	err = s.read(ctx).Raw("SELECT contact_id FROM client_links WHERE portal = ? AND link_key = ?", portal, clean(key)).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return 0, false, fail(err, "link in %s", portal)
	}
	return ids[0], true, nil
}

// SaveLink remembers the contact of a key, in the place of an earlier one.
func (s *Store) SaveLink(ctx context.Context, portal, key string, contactID int64) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO client_links (portal, link_key, contact_id, updated_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (portal, link_key) DO UPDATE SET contact_id = excluded.contact_id, updated_at = excluded.updated_at`,
			portal, clean(key), contactID, micros(now())).Error
	})
	return fail(err, "save link in %s", portal)
}

// DropLink forgets a link; one that is not there is no error.
func (s *Store) DropLink(ctx context.Context, portal, key string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM client_links WHERE portal = ? AND link_key = ?", portal, clean(key)).Error
	})
	return fail(err, "drop link in %s", portal)
}
