package store

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
)

// AuditEntry says who did what to what, and why.
type AuditEntry struct {
	ID        string          `json:"id"` // UUIDv7; given by Audit
	Portal    string          `json:"portal"`
	Actor     string          `json:"actor" gorm:"serializer:text"`
	Action    string          `json:"action" gorm:"serializer:text"`
	Subject   string          `json:"subject" gorm:"serializer:text"` // for example sync:{id}, settings
	Reason    string          `json:"reason" gorm:"serializer:text"`
	Before    json.RawMessage `json:"before,omitempty" gorm:"column:state_before;serializer:rawjson"`
	After     json.RawMessage `json:"after,omitempty" gorm:"column:state_after;serializer:rawjson"`
	CreatedAt time.Time       `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"`
}

// Audit adds an entry to the log; nothing changes or removes entries.
func (s *Store) Audit(ctx context.Context, entry AuditEntry) error {
	entry.ID, entry.CreatedAt = NewID(), now()
	err := s.write(ctx, func(tx *gorm.DB) error { return tx.Table("audit_log").Create(&entry).Error })
	return fail(err, "audit %s of %s", entry.Action, entry.Subject)
}

// AuditLog lists the entries about a subject ("" = all of the portal), newest first.
func (s *Store) AuditLog(ctx context.Context, portal, subject string, page Page) (entries []AuditEntry, next string, err error) {
	query := s.read(ctx).Table("audit_log").Where("portal = ?", portal)
	if subject != "" {
		query = query.Where("subject = ?", clean(subject))
	}
	if page.After != "" {
		_, id, err := parseCursor(page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("id < ?", id)
	}
	err = query.Order("id DESC").Limit(page.size() + 1).Find(&entries).Error
	entries, next = cut(entries, page, func(e AuditEntry) string { return cursor(0, e.ID) })
	return entries, next, fail(err, "audit log of %s", portal)
}
