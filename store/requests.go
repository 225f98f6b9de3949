package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// RequestRow is what was learned about one request (one cycle of a dialog, or
// several if it was reopened).
type RequestRow struct {
	Portal     string    `json:"portal"`
	RequestID  int64     `json:"request_id"`
	DialogID   int64     `json:"dialog_id"`
	ClientID   int64     `json:"client_id"`
	ChannelID  int64     `json:"channel_id"`
	Type       string    `json:"type" gorm:"serializer:text"`                 // common or rating
	ClosedAt   time.Time `json:"closed_at,omitzero" gorm:"serializer:micros"` // of the last close
	Cycle      int       `json:"cycle"`                                       // closes so far; never goes down
	SyncStatus string    `json:"sync_status"`                                 // of the last cycle's sync
	UpdatedAt  time.Time `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"`
}

const requestsTable = "requests"

// LearnRequest adds what row knows to what is known of (portal, request): zero
// values change nothing, Cycle only grows.
func (s *Store) LearnRequest(ctx context.Context, row RequestRow) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO requests (portal, request_id, dialog_id, client_id, channel_id, type, closed_at, cycle,
				sync_status, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (portal, request_id) DO UPDATE SET
				dialog_id = COALESCE(NULLIF(excluded.dialog_id, 0), requests.dialog_id),
				client_id = COALESCE(NULLIF(excluded.client_id, 0), requests.client_id),
				channel_id = COALESCE(NULLIF(excluded.channel_id, 0), requests.channel_id),
				type = COALESCE(NULLIF(excluded.type, ''), requests.type),
				closed_at = COALESCE(NULLIF(excluded.closed_at, 0), requests.closed_at),
				cycle = CASE WHEN excluded.cycle > requests.cycle THEN excluded.cycle ELSE requests.cycle END,
				sync_status = COALESCE(NULLIF(excluded.sync_status, ''), requests.sync_status),
				updated_at = excluded.updated_at`,
			row.Portal, row.RequestID, row.DialogID, row.ClientID, row.ChannelID, clean(row.Type), micros(row.ClosedAt), row.Cycle,
			row.SyncStatus, micros(orNow(row.UpdatedAt))).Error
	})
	return fail(err, "learn request %d", row.RequestID)
}

// Request gives one request.
func (s *Store) Request(ctx context.Context, portal string, requestID int64) (RequestRow, error) {
	var row RequestRow
	err := s.read(ctx).Table(requestsTable).Where("portal = ? AND request_id = ?", portal, requestID).Take(&row).Error
	return row, fail(err, "request %d", requestID)
}

// RequestsOfDialog gives the newest requests (by id, highest first) of a client
// on a channel, at most limit and at most MaxPage.
func (s *Store) RequestsOfDialog(ctx context.Context, portal string, client, channel int64, limit int) ([]RequestRow, error) {
	var rows []RequestRow
	err := s.read(ctx).Table(requestsTable).Where("portal = ? AND client_id = ? AND channel_id = ?", portal, client, channel).
		Order("request_id DESC").Limit(Page{Limit: limit}.size()).Find(&rows).Error
	return rows, fail(err, "requests of client %d", client)
}
