package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// DialogRow is what was learned about the dialog of one client on one channel.
type DialogRow struct {
	Portal        string    `json:"portal"`
	ClientID      int64     `json:"client_id"`
	ChannelID     int64     `json:"channel_id"` // 0 = not known yet
	DialogID      int64     `json:"dialog_id"`
	OperatorID    int64     `json:"operator_id"` // the last one
	LastRequestID int64     `json:"last_request_id"`
	Transport     string    `json:"transport" gorm:"serializer:text"`
	ContactID     int64     `json:"contact_id"`
	DealID        int64     `json:"deal_id"`
	LeadID        int64     `json:"lead_id"`
	UpdatedAt     time.Time `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"`
}

const dialogsTable = "dialogs"

// LearnDialog adds what row knows to what is known of (portal, client,
// channel): zero values change nothing.
func (s *Store) LearnDialog(ctx context.Context, row DialogRow) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO dialogs (portal, client_id, channel_id, dialog_id, operator_id, last_request_id, transport,
				contact_id, deal_id, lead_id, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (portal, client_id, channel_id) DO UPDATE SET
				dialog_id = COALESCE(NULLIF(excluded.dialog_id, 0), dialogs.dialog_id),
				operator_id = COALESCE(NULLIF(excluded.operator_id, 0), dialogs.operator_id),
				last_request_id = COALESCE(NULLIF(excluded.last_request_id, 0), dialogs.last_request_id),
				transport = COALESCE(NULLIF(excluded.transport, ''), dialogs.transport),
				contact_id = COALESCE(NULLIF(excluded.contact_id, 0), dialogs.contact_id),
				deal_id = COALESCE(NULLIF(excluded.deal_id, 0), dialogs.deal_id),
				lead_id = COALESCE(NULLIF(excluded.lead_id, 0), dialogs.lead_id),
				updated_at = excluded.updated_at`,
			row.Portal, row.ClientID, row.ChannelID, row.DialogID, row.OperatorID, row.LastRequestID, clean(row.Transport),
			row.ContactID, row.DealID, row.LeadID, micros(orNow(row.UpdatedAt))).Error
	})
	return fail(err, "learn dialog of client %d", row.ClientID)
}

// Dialog gives the dialog of a client on a channel.
func (s *Store) Dialog(ctx context.Context, portal string, client, channel int64) (DialogRow, error) {
	var row DialogRow
	err := s.read(ctx).Table(dialogsTable).
		Where("portal = ? AND client_id = ? AND channel_id = ?", portal, client, channel).Take(&row).Error
	return row, fail(err, "dialog of client %d", client)
}

// DialogByID gives the dialog with a Chat2Desk dialog id, the one that changed
// last if several rows have it.
func (s *Store) DialogByID(ctx context.Context, portal string, dialogID int64) (DialogRow, error) {
	var row DialogRow
	err := s.read(ctx).Table(dialogsTable).Where("portal = ? AND dialog_id = ? AND dialog_id <> 0", portal, dialogID).
		Order("updated_at DESC").Take(&row).Error
	return row, fail(err, "dialog %d", dialogID)
}

// DialogByRequest gives the dialog that a request belongs to.
func (s *Store) DialogByRequest(ctx context.Context, portal string, requestID int64) (DialogRow, error) {
	request, err := s.Request(ctx, portal, requestID)
	if err != nil {
		return DialogRow{}, err
	}
	if request.ClientID != 0 {
		return s.Dialog(ctx, portal, request.ClientID, request.ChannelID)
	}
	return s.DialogByID(ctx, portal, request.DialogID)
}

// maxDialogs bounds the dialogs of one client: one per channel.
const maxDialogs = 1000

// DialogsOfClient gives all dialogs of a client, the one that changed last first.
func (s *Store) DialogsOfClient(ctx context.Context, portal string, clientID int64) ([]DialogRow, error) {
	var rows []DialogRow
	err := s.read(ctx).Table(dialogsTable).Where("portal = ? AND client_id = ?", portal, clientID).
		Order("updated_at DESC, channel_id").Limit(maxDialogs).Find(&rows).Error
	return rows, fail(err, "dialogs of client %d", clientID)
}
