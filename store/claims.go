package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
)

// errTaken rolls a claim back.
var errTaken = errors.New("taken")

// Claim takes all keys for owner until the lease ends, or none of them: then
// ok is false and holder is one who has one of the keys. Keys of expired
// leases are taken over. An owner that has some of the keys already gets their
// lease renewed. Keys may come in any order and more than once; no two callers
// can wait for each other.
func (s *Store) Claim(
	ctx context.Context, portal, owner string, keys []string, lease time.Duration,
) (ok bool, holder string, err error) {
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return true, owner, nil
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		holder = ""
		for _, key := range keys { // in the same order everywhere: no deadlock
			taken, err := s.claimOne(tx, portal, owner, key, lease)
			if err != nil {
				return err
			}
			if !taken {
				holder, err = claimHolder(tx, portal, key)
				return errors.Join(errTaken, err)
			}
		}
		return nil
	})
	if errors.Is(err, errTaken) {
		return false, holder, nil
	}
	return err == nil, owner, fail(err, "claim in %s", portal)
}

func (s *Store) claimOne(tx *gorm.DB, portal, owner, key string, lease time.Duration) (bool, error) {
	result := tx.Exec(`INSERT INTO claims (portal, claim_key, owner, expires_at) VALUES (?, ?, ?, `+s.d.now+` + ?)
		ON CONFLICT (portal, claim_key) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
		WHERE claims.owner = excluded.owner OR claims.expires_at <= `+s.d.now,
		portal, key, owner, lease.Microseconds())
	return result.RowsAffected == 1, result.Error
}

func claimHolder(tx *gorm.DB, portal, key string) (owner string, err error) {
	err = tx.Raw("SELECT owner FROM claims WHERE portal = ? AND claim_key = ?", portal, key).Scan(&owner).Error
	return owner, err
}

// HoldsClaims tells whether owner holds all keys and none of the leases has ended.
func (s *Store) HoldsClaims(ctx context.Context, portal, owner string, keys []string) (bool, error) {
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return true, nil
	}
	var held int64
	err := s.read(ctx).Table("claims").
		Where("portal = ? AND owner = ? AND claim_key IN ? AND expires_at > "+s.d.now, portal, owner, keys).
		Count(&held).Error
	return int(held) == len(keys), fail(err, "claims of %s", owner)
}

// Release gives all claims of owner back. Nothing to release is no error.
func (s *Store) Release(ctx context.Context, portal, owner string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM claims WHERE portal = ? AND owner = ?", portal, owner).Error
	})
	return fail(err, "release claims of %s", owner)
}

// sortedKeys is a storable, sorted copy without repetitions.
func sortedKeys(keys []string) []string {
	sorted := make([]string, len(keys))
	for i, key := range keys {
		sorted[i] = clean(key)
	}
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
