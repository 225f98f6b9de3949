package store

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// The states of a sync.
const (
	SyncOpen      = "open"      // accepted, not begun
	SyncSyncing   = "syncing"   // at work or waiting for a retry
	SyncFailed    = "failed"    // parked: a person must act
	SyncDone      = "done"      // in the CRM
	SyncSkipped   = "skipped"   // the rules say that nothing is to be done; Reason says which
	SyncAbandoned = "abandoned" // given up by a person
)

// Sync is a line of the ledger: one unit of work for the CRM, how far it came
// and why it stopped.
type Sync struct {
	ID              string          `json:"id"` // UUIDv7; given by OpenSync if empty
	Portal          string          `json:"portal"`
	Kind            string          `json:"kind"`        // dialog, method or request
	WorkflowID      string          `json:"workflow_id"` // unique in the portal
	RunID           string          `json:"run_id"`
	Status          string          `json:"status"`
	Reason          string          `json:"reason" gorm:"serializer:text"` // of the status, in words
	ClientID        int64           `json:"client_id"`
	ChannelID       int64           `json:"channel_id"`
	DialogID        int64           `json:"dialog_id"`
	RequestID       int64           `json:"request_id"`
	Cycle           int             `json:"cycle"`
	ContactID       int64           `json:"contact_id"`
	CompanyID       int64           `json:"company_id"`
	DealID          int64           `json:"deal_id"`
	LeadID          int64           `json:"lead_id"`
	Operator        int64           `json:"operator"`                    // Chat2Desk operator
	Rule            string          `json:"rule" gorm:"serializer:text"` // that chose the entity
	SettingsVersion int             `json:"settings_version"`
	Input           json.RawMessage `json:"input,omitempty" gorm:"serializer:rawjson"`
	Correction      json.RawMessage `json:"correction,omitempty" gorm:"serializer:rawjson"`
	ErrorStep       string          `json:"error_step" gorm:"serializer:text"`
	ErrorCode       string          `json:"error_code" gorm:"serializer:text"`
	ErrorText       string          `json:"error_text" gorm:"serializer:text"` // the CRM's own words
	Attempts        int             `json:"attempts"`
	Reruns          int             `json:"reruns"`
	Requests        int             `json:"requests"` // sent to the portal
	CreatedAt       time.Time       `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"`
	UpdatedAt       time.Time       `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"`
	FinishedAt      time.Time       `json:"finished_at,omitzero" gorm:"serializer:micros"`
}

const syncsTable = "syncs"

// OpenSync adds a line to the ledger. If the portal has one for this workflow
// id already, that one is returned unchanged and created is false. Status is
// SyncOpen if empty, CreatedAt now if zero.
func (s *Store) OpenSync(ctx context.Context, sync Sync) (stored Sync, created bool, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		created, err = createSync(tx, &sync)
		return err
	})
	if err != nil {
		return Sync{}, false, fail(err, "open sync %s", sync.WorkflowID)
	}
	stored, err = s.SyncByWorkflow(ctx, sync.Portal, sync.WorkflowID)
	return stored, created, err
}

// createSync completes a line and adds it unless its workflow id is taken.
func createSync(tx *gorm.DB, sync *Sync) (created bool, err error) {
	if sync.ID == "" {
		sync.ID = NewID()
	}
	if sync.Status == "" {
		sync.Status = SyncOpen
	}
	sync.CreatedAt, sync.UpdatedAt = orNow(sync.CreatedAt), orNow(sync.UpdatedAt)
	onTaken := clause.OnConflict{Columns: []clause.Column{{Name: "portal"}, {Name: "workflow_id"}}, DoNothing: true}
	result := tx.Table(syncsTable).Clauses(onTaken).Create(sync)
	return result.RowsAffected == 1, result.Error
}

// Sync gives one line of the ledger.
func (s *Store) Sync(ctx context.Context, portal, id string) (Sync, error) {
	var sync Sync
	err := s.read(ctx).Table(syncsTable).Where("portal = ? AND id = ?", portal, id).Take(&sync).Error
	return sync, fail(err, "sync %s", id)
}

// SyncByWorkflow gives the line of a workflow.
func (s *Store) SyncByWorkflow(ctx context.Context, portal, workflowID string) (Sync, error) {
	var sync Sync
	err := s.read(ctx).Table(syncsTable).Where("portal = ? AND workflow_id = ?", portal, workflowID).Take(&sync).Error
	return sync, fail(err, "sync %s", workflowID)
}

// UpdateSync changes a line of the ledger: fn gets it as it is now, locked
// against all other changes, and sets what it likes; identity and CreatedAt
// stay, UpdatedAt is set. fn may be called again with a fresh copy if the
// transaction has to be repeated, so it must do nothing else.
func (s *Store) UpdateSync(ctx context.Context, portal, id string, fn func(*Sync)) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		var sync Sync
		if err := tx.Raw("SELECT * FROM syncs WHERE portal = ? AND id = ?"+s.d.lock, portal, id).Take(&sync).Error; err != nil {
			return err
		}
		before := sync
		fn(&sync)
		sync.ID, sync.Portal, sync.WorkflowID, sync.CreatedAt = before.ID, before.Portal, before.WorkflowID, before.CreatedAt
		sync.UpdatedAt = now()
		return tx.Table(syncsTable).Where("id = ?", id).Select("*").Updates(&sync).Error
	})
	return fail(err, "update sync %s", id)
}
