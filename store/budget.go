package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"
)

// TakePermit takes one permit for one HTTP request out of the budget that all
// processes share for a portal and a source address. It is Bitrix24's leaky
// bucket (bitrix24 reference §2.1): each request fills it by one, it drains
// rate a second, and it never holds more than burst. wait 0 means that the
// permit is taken; else nothing is taken, and wait is how long it will be until
// there is one, if nobody else takes it.
//
// Bitrix24 drains once a second, not continuously: pass a burst that is lower
// than the portal's by at least two seconds of rate, to stay below it at every
// moment.
func (s *Store) TakePermit(ctx context.Context, portal, source string, rate float64, burst int) (wait time.Duration, err error) {
	if rate <= 0 || burst < 1 || math.IsInf(rate, 0) {
		return 0, fmt.Errorf("store: take permit: rate %v and burst %d must be positive", rate, burst)
	}
	taken, err := s.fillBucket(ctx, portal, source, rate, burst)
	if err != nil || taken {
		return 0, fail(err, "take permit of %s", portal)
	}
	wait, err = s.permitWait(ctx, portal, source, rate, burst)
	return wait, fail(err, "take permit of %s", portal)
}

// drained is the level of the bucket at a moment. The moment may lie before
// updated_at, when another process got the row first.
const drained = `(CASE WHEN %[1]s <= budgets.updated_at THEN budgets.level
	WHEN budgets.level - CAST(? AS DOUBLE PRECISION) * (%[1]s - budgets.updated_at) / 1000000.0 < 0 THEN 0
	ELSE budgets.level - CAST(? AS DOUBLE PRECISION) * (%[1]s - budgets.updated_at) / 1000000.0 END)`

// fillBucket adds one request to the bucket if it has room: one statement, by
// the clock of the database.
func (s *Store) fillBucket(ctx context.Context, portal, source string, rate float64, burst int) (taken bool, err error) {
	level := fmt.Sprintf(drained, "excluded.updated_at")
	statement := `INSERT INTO budgets (portal, source, level, updated_at, blocked_until) VALUES (?, ?, 1, ` + s.d.now + `, 0)
		ON CONFLICT (portal, source) DO UPDATE SET level = ` + level + ` + 1,
			updated_at = CASE WHEN excluded.updated_at > budgets.updated_at THEN excluded.updated_at ELSE budgets.updated_at END
		WHERE budgets.blocked_until <= excluded.updated_at AND ` + level + ` + 1 <= ?
		RETURNING level`
	var levels []float64
	err = s.write(ctx, func(tx *gorm.DB) error {
		return tx.Raw(statement, portal, source, rate, rate, rate, rate, float64(burst)+roundingSlack).Scan(&levels).Error
	})
	return len(levels) == 1, err
}

// roundingSlack lets a permit through that is due but for the rounding of floats.
const roundingSlack = 1e-9

// permitWait is the time until the bucket has room again.
func (s *Store) permitWait(ctx context.Context, portal, source string, rate float64, burst int) (time.Duration, error) {
	var row struct {
		Level  float64
		Paused int64 // microseconds
	}
	statement := `SELECT ` + fmt.Sprintf(drained, "clock.moment") + ` AS level, budgets.blocked_until - clock.moment AS paused
		FROM budgets, (SELECT ` + s.d.now + ` AS moment) AS clock WHERE portal = ? AND source = ?`
	if err := s.read(ctx).Raw(statement, rate, rate, portal, source).Scan(&row).Error; err != nil {
		return 0, err
	}
	full := time.Duration((row.Level + 1 - float64(burst)) / rate * float64(time.Second))
	pause := time.Duration(row.Paused) * time.Microsecond
	// There may be room by now, but the permit is not taken: never 0.
	return max(full, pause, time.Millisecond), nil
}

// Penalize closes the budget until a time: the portal refused a request
// although the bucket had room. It never shortens an earlier penalty.
func (s *Store) Penalize(ctx context.Context, portal, source string, until time.Time) error {
	wait := max(time.Until(until), 0).Microseconds() // by the database's clock from here on
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO budgets (portal, source, level, updated_at, blocked_until) VALUES (?, ?, 0, `+s.d.now+`, `+s.d.now+` + ?)
			ON CONFLICT (portal, source) DO UPDATE SET blocked_until = CASE
				WHEN excluded.blocked_until > budgets.blocked_until THEN excluded.blocked_until ELSE budgets.blocked_until END`,
			portal, source, wait).Error
	})
	return fail(err, "penalize %s", portal)
}
