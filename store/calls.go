package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// The states of a call.
const (
	CallRegistered = "registered" // known to the portal, still going on
	CallFinished   = "finished"   // with its activity on the timelines
)

// Call is what was done in the portal for one call of the contact center. The
// number of the client is not kept here.
type Call struct {
	Portal       string    `json:"portal"`
	CallID       string    `json:"call_id" gorm:"serializer:text"` // the contact center's own
	BitrixCallID string    `json:"bitrix_call_id"`
	ActivityID   int64     `json:"activity_id"`
	State        string    `json:"state"`
	UserID       int64     `json:"user_id"` // Bitrix24 user
	ContactID    int64     `json:"contact_id"`
	CompanyID    int64     `json:"company_id"`
	DealID       int64     `json:"deal_id"`
	FileID       int64     `json:"file_id"` // of the recording in the portal, 0 = not attached
	SHA256       string    `json:"sha256" gorm:"column:sha256"`
	Bytes        int64     `json:"bytes"` // of the recording
	UpdatedAt    time.Time `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"`
}

const callsTable = "calls"

// SaveCall adds what c knows to what is known of (portal, call): zero values
// change nothing, and a finished call stays finished.
func (s *Store) SaveCall(ctx context.Context, c Call) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO calls (portal, call_id, bitrix_call_id, activity_id, state, user_id, contact_id, company_id, deal_id,
				file_id, sha256, bytes, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (portal, call_id) DO UPDATE SET
				bitrix_call_id = COALESCE(NULLIF(excluded.bitrix_call_id, ''), calls.bitrix_call_id),
				activity_id = COALESCE(NULLIF(excluded.activity_id, 0), calls.activity_id),
				state = CASE WHEN calls.state = 'finished' OR excluded.state = '' THEN calls.state ELSE excluded.state END,
				user_id = COALESCE(NULLIF(excluded.user_id, 0), calls.user_id),
				contact_id = COALESCE(NULLIF(excluded.contact_id, 0), calls.contact_id),
				company_id = COALESCE(NULLIF(excluded.company_id, 0), calls.company_id),
				deal_id = COALESCE(NULLIF(excluded.deal_id, 0), calls.deal_id),
				file_id = COALESCE(NULLIF(excluded.file_id, 0), calls.file_id),
				sha256 = COALESCE(NULLIF(excluded.sha256, ''), calls.sha256),
				bytes = COALESCE(NULLIF(excluded.bytes, 0), calls.bytes),
				updated_at = excluded.updated_at`,
			c.Portal, clean(c.CallID), c.BitrixCallID, c.ActivityID, c.State, c.UserID, c.ContactID, c.CompanyID, c.DealID,
			c.FileID, c.SHA256, c.Bytes, micros(orNow(c.UpdatedAt))).Error
	})
	return fail(err, "save call %s", c.CallID)
}

// Call gives one call of a portal.
func (s *Store) Call(ctx context.Context, portal, callID string) (Call, error) {
	var c Call
	err := s.read(ctx).Table(callsTable).Where("portal = ? AND call_id = ?", portal, clean(callID)).Take(&c).Error
	return c, fail(err, "call %s", callID)
}
