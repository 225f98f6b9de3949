package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"puente/openlines"
)

// LineOperator is what is known of an employee for the open lines. Presence and
// Dismissed follow from what was told of him and from what the CRM says, see
// OperatorChange. The desk counts since when he is away by itself: LeaveSince and
// AwaySince are zero.
type LineOperator struct {
	openlines.Operator
	WorkDay   openlines.Presence `json:"work_day,omitempty"` // in the CRM; "" = it is not tracked
	Inactive  bool               `json:"inactive,omitempty"` // no employee any more, says the CRM
	UpdatedAt time.Time          `json:"updated_at"`
}

// OperatorChange is news about an employee; nil means that nothing was said.
type OperatorChange struct {
	Presence   *openlines.Presence `json:"presence,omitempty"`
	OnLeave    *bool               `json:"on_leave,omitempty"`
	Dismissed  *bool               `json:"dismissed,omitempty"`
	Supervisor *bool               `json:"supervisor,omitempty"`
	Skills     *[]string           `json:"skills,omitempty"`
	// WorkDay is the working day as the CRM tracks it: one that is paused or ended
	// takes him off duty whatever his presence, and while it is started he is on
	// duty unless his presence says otherwise.
	WorkDay *openlines.Presence `json:"work_day,omitempty"`
	// Inactive: the CRM has dismissed him, which counts as Dismissed.
	Inactive *bool `json:"inactive,omitempty"`
}

// apply puts what was said over what was known.
func (c OperatorChange) apply(r *operatorRow) {
	set(&r.Presence, c.Presence)
	set(&r.OnLeave, c.OnLeave)
	set(&r.Dismissed, c.Dismissed)
	set(&r.Supervisor, c.Supervisor)
	set(&r.WorkDay, c.WorkDay)
	set(&r.Inactive, c.Inactive)
	if c.Skills != nil {
		r.Skills = nil
		if len(*c.Skills) > 0 {
			r.Skills = mustJSON(*c.Skills)
		}
	}
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
	Skills     json.RawMessage    `gorm:"serializer:rawjson"`
	WorkDay    openlines.Presence `gorm:"serializer:text"`
	Inactive   bool
	UpdatedAt  time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

const operatorsTable = "line_operators"

// MaxOperators bounds the operators of one portal, which are read as a whole.
const MaxOperators = 20_000

// SaveOperator merges news about an employee with what is known of him, and
// gives the result. ErrNotFound if there is no such portal.
func (s *Store) SaveOperator(ctx context.Context, portal string, user openlines.UserID, change OperatorChange) (LineOperator, error) {
	row := operatorRow{Portal: portal, UserID: user}
	err := s.write(ctx, func(tx *gorm.DB) error {
		if err := s.lockPortal(tx, portal); err != nil {
			return err
		}
		row = operatorRow{Portal: portal, UserID: user}
		err := tx.Table(operatorsTable).Where("portal = ? AND user_id = ?", portal, int64(user)).Limit(1).Find(&row).Error
		if err != nil {
			return err
		}
		change.apply(&row)
		row.UpdatedAt = now()
		return saveOperator(tx, row)
	})
	if err != nil {
		return LineOperator{Operator: openlines.Operator{ID: user}}, fail(err, "save operator %d of %s", user, portal)
	}
	return row.operator()
}

func saveOperator(tx *gorm.DB, r operatorRow) error {
	return tx.Exec(`INSERT INTO line_operators
		(portal, user_id, presence, on_leave, dismissed, supervisor, skills, work_day, inactive, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (portal, user_id) DO UPDATE SET presence = excluded.presence,
			on_leave = excluded.on_leave, dismissed = excluded.dismissed, supervisor = excluded.supervisor, skills = excluded.skills,
			work_day = excluded.work_day, inactive = excluded.inactive, updated_at = excluded.updated_at`,
		r.Portal, int64(r.UserID), clean(string(r.Presence)), r.OnLeave, r.Dismissed, r.Supervisor, clean(string(r.Skills)),
		clean(string(r.WorkDay)), r.Inactive, micros(r.UpdatedAt)).Error
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
	out := LineOperator{WorkDay: r.WorkDay, Inactive: r.Inactive, UpdatedAt: r.UpdatedAt, Operator: openlines.Operator{
		ID: r.UserID, Presence: presence(r.Presence, r.WorkDay), OnLeave: r.OnLeave, Dismissed: r.Dismissed || r.Inactive, Supervisor: r.Supervisor,
	}}
	if len(r.Skills) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(r.Skills, &out.Skills); err != nil {
		return out, fmt.Errorf("skills of operator %d: %w", r.UserID, err)
	}
	return out, nil
}

// presence is how an operator counts: with work-time tracking his day has to be
// started, not paused, not ended (openlines reference §5.1), and nothing else may
// say that he is away.
func presence(told, day openlines.Presence) openlines.Presence {
	switch {
	case day == "":
		return told
	case day == openlines.DayStarted && told != "" && told != openlines.Online:
		return told
	}
	return day
}
