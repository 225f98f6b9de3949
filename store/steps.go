package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// The states of a step.
const (
	StepDone    = "done"
	StepFailed  = "failed"
	StepSkipped = "skipped"
)

// Step is the outcome of one step of a sync.
type Step struct {
	SyncID     string    `json:"sync_id"`
	Name       string    `json:"name"` // load, find, contact, entity, comment, fields, …
	Status     string    `json:"status"`
	EntityKind string    `json:"entity_kind,omitempty"` // what the step made or used
	EntityID   int64     `json:"entity_id,omitempty"`
	Detail     string    `json:"detail,omitempty" gorm:"serializer:text"`
	Error      string    `json:"error,omitempty" gorm:"serializer:text"`
	Requests   int       `json:"requests"`                    // sent to the portal
	At         time.Time `json:"at" gorm:"serializer:micros"` // zero = now
}

// SaveStep stores the outcome of a step, in the place of an earlier outcome of
// the same step. ErrNotFound if there is no such sync.
func (s *Store) SaveStep(ctx context.Context, step Step) error {
	at := micros(orNow(step.At))
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO sync_steps (sync_id, name, status, entity_kind, entity_id, detail, error, requests, at, first_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (sync_id, name) DO UPDATE SET status = excluded.status, entity_kind = excluded.entity_kind,
				entity_id = excluded.entity_id, detail = excluded.detail, error = excluded.error,
				requests = excluded.requests, at = excluded.at`,
			step.SyncID, step.Name, step.Status, step.EntityKind, step.EntityID,
			clean(step.Detail), clean(step.Error), step.Requests, at, at).Error
	})
	return fail(err, "save step %s of sync %s", step.Name, step.SyncID)
}

// Steps gives the steps of a sync in the order in which they were first done.
func (s *Store) Steps(ctx context.Context, syncID string) ([]Step, error) {
	var steps []Step
	err := s.read(ctx).Table("sync_steps").Where("sync_id = ?", syncID).Order("first_at, name").Limit(MaxPage).Find(&steps).Error
	return steps, fail(err, "steps of sync %s", syncID)
}
