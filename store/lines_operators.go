package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"puente/openlines"
)

// LineOperator is what is known of an employee for the open lines. The desk
// counts since when he is away by itself: LeaveSince and AwaySince are zero.
type LineOperator struct {
	openlines.Operator
	UpdatedAt time.Time `json:"updated_at"`
}

// OperatorChange is news about an employee; nil means that nothing was said.
type OperatorChange struct {
	Presence   *openlines.Presence `json:"presence,omitempty"`
	OnLeave    *bool               `json:"on_leave,omitempty"`
	Dismissed  *bool               `json:"dismissed,omitempty"`
	Supervisor *bool               `json:"supervisor,omitempty"`
	Skills     *[]string           `json:"skills,omitempty"`
}

// apply puts what was said over what was known.
func (c OperatorChange) apply(o *openlines.Operator) {
	set(&o.Presence, c.Presence)
	set(&o.OnLeave, c.OnLeave)
	set(&o.Dismissed, c.Dismissed)
	set(&o.Supervisor, c.Supervisor)
	set(&o.Skills, c.Skills)
}

func set[T any](to *T, said *T) {
	if said != nil {
		*to = *said
	}
}

type operatorRow struct {
	Portal     string
	UserID     openlines.UserID
	Presence   openlines.Presence `gorm:"serializer:text"`
	OnLeave    bool
	Dismissed  bool
	Supervisor bool
	Skills     json.RawMessage `gorm:"serializer:rawjson"`
	UpdatedAt  time.Time       `gorm:"serializer:micros;autoUpdateTime:false"`
}

const operatorsTable = "line_operators"

// MaxOperators bounds the operators of one portal, which are read as a whole.
const MaxOperators = 20_000

// SaveOperator merges news about an employee with what is known of him, and
// gives the result. ErrNotFound if there is no such portal.
func (s *Store) SaveOperator(ctx context.Context, portal string, user openlines.UserID, change OperatorChange) (LineOperator, error) {
	out := LineOperator{Operator: openlines.Operator{ID: user}}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lockPortal(tx, portal); err != nil {
			return err
		}
		var rows []operatorRow
		err := tx.Table(operatorsTable).Where("portal = ? AND user_id = ?", portal, int64(user)).Find(&rows).Error
		if err != nil {
			return err
		}
		out = LineOperator{Operator: openlines.Operator{ID: user}}
		if len(rows) > 0 {
			if out, err = rows[0].operator(); err != nil {
				return err
			}
		}
		change.apply(&out.Operator)
		out.UpdatedAt = now()
		return saveOperator(tx, portal, out)
	})
	return out, fail(err, "save operator %d of %s", user, portal)
}

func saveOperator(tx *gorm.DB, portal string, o LineOperator) error {
	var skills []byte
	if len(o.Skills) > 0 {
		skills = mustJSON(o.Skills)
	}
	return tx.Exec(`INSERT INTO line_operators (portal, user_id, presence, on_leave, dismissed, supervisor, skills, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (portal, user_id) DO UPDATE SET presence = excluded.presence,
			on_leave = excluded.on_leave, dismissed = excluded.dismissed, supervisor = excluded.supervisor,
			skills = excluded.skills, updated_at = excluded.updated_at`,
		portal, int64(o.ID), clean(string(o.Presence)), o.OnLeave, o.Dismissed, o.Supervisor, clean(string(skills)), micros(o.UpdatedAt)).Error
}

// Operator gives what is known of one employee; ErrNotFound if nothing is.
func (s *Store) Operator(ctx context.Context, portal string, user openlines.UserID) (LineOperator, error) {
	var row operatorRow
	err := s.read(ctx).Table(operatorsTable).Where("portal = ? AND user_id = ?", portal, int64(user)).Take(&row).Error
	if err != nil {
		return LineOperator{}, fail(err, "operator %d of %s", user, portal)
	}
	out, err := row.operator()
	return out, fail(err, "operator %d of %s", user, portal)
}

// Operators gives all operators of a portal by user id.
func (s *Store) Operators(ctx context.Context, portal string) ([]LineOperator, error) {
	var rows []operatorRow
	err := s.read(ctx).Table(operatorsTable).Where("portal = ?", portal).Order("user_id").Limit(MaxOperators).Find(&rows).Error
	if err != nil {
		return nil, fail(err, "operators of %s", portal)
	}
	all := make([]LineOperator, len(rows))
	for i, row := range rows {
		if all[i], err = row.operator(); err != nil {
			return nil, fail(err, "operators of %s", portal)
		}
	}
	return all, nil
}

func (r operatorRow) operator() (LineOperator, error) {
	out := LineOperator{UpdatedAt: r.UpdatedAt, Operator: openlines.Operator{
		ID: r.UserID, Presence: r.Presence, OnLeave: r.OnLeave, Dismissed: r.Dismissed, Supervisor: r.Supervisor,
	}}
	if len(r.Skills) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(r.Skills, &out.Skills); err != nil {
		return out, fmt.Errorf("skills of operator %d: %w", r.UserID, err)
	}
	return out, nil
}
