package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// InboxBacklog gives the number of rows to be delivered and when the oldest of
// them was accepted (zero time if there is none), over all portals.
func (s *Store) InboxBacklog(ctx context.Context) (count int, oldest time.Time, err error) {
	var row struct{ Rows, Oldest int64 }
	err = s.read(ctx).Raw("SELECT COUNT(*) AS rows, COALESCE(MIN(seq), 0) AS oldest FROM inbox WHERE status = 'new'").Scan(&row).Error
	return int(row.Rows), fromMicros(row.Oldest), fail(err, "inbox backlog")
}

// InboxEvent gives one row of a portal, with its raw body.
func (s *Store) InboxEvent(ctx context.Context, portal, id string) (InboxEvent, error) {
	var event InboxEvent
	err := s.read(ctx).Table(inboxTable).Where("portal = ? AND id = ?", portal, id).Take(&event).Error
	return event, fail(err, "inbox row %s", id)
}

// InboxEvents gives those of the rows that are there, in order of acceptance.
func (s *Store) InboxEvents(ctx context.Context, portal string, ids []string) ([]InboxEvent, error) {
	var events []InboxEvent
	for part := range slices.Chunk(ids, chunk) {
		var some []InboxEvent
		if err := s.read(ctx).Table(inboxTable).Where("portal = ? AND id IN ?", portal, part).Find(&some).Error; err != nil {
			return nil, fail(err, "inbox rows of %s", portal)
		}
		events = append(events, some...)
	}
	slices.SortFunc(events, byAcceptance)
	return events, nil
}

// InboxFilter chooses rows of the inbox; zero fields choose all.
type InboxFilter struct {
	Status   string
	HookType string
	ClientID int64
	Page     Page
}

// InboxList lists the rows of a portal, newest first, without their bodies.
func (s *Store) InboxList(ctx context.Context, portal string, f InboxFilter) (events []InboxEvent, next string, err error) {
	query := s.read(ctx).Table(inboxTable).Omit("body").Where("portal = ?", portal)
	if f.Status != "" {
		query = query.Where("status = ?", f.Status)
	}
	if f.HookType != "" {
		query = query.Where("hook_type = ?", f.HookType)
	}
	if f.ClientID != 0 {
		query = query.Where("client_id = ?", f.ClientID)
	}
	if f.Page.After != "" {
		at, id, err := parseCursor(f.Page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(received_at, id) < (?, ?)", at, id)
	}
	err = query.Order("received_at DESC, id DESC").Limit(f.Page.size() + 1).Find(&events).Error
	events, next = cut(events, f.Page, func(e InboxEvent) string { return cursor(micros(e.ReceivedAt), e.ID) })
	return events, next, fail(err, "inbox of %s", portal)
}

// MaxTranscript bounds the messages that are read for one transcript.
const MaxTranscript = 50_000

// messageHooks are the hook types that carry a message (chat2desk reference §4.5).
const messageHooks = "('inbox', 'outbox', 'imported_message', 'comment', 'system_message')"

// RequestMessages gives all message events of a request, by event time, then
// id; ErrTooMany beyond MaxTranscript.
func (s *Store) RequestMessages(ctx context.Context, portal string, requestID int64) ([]InboxEvent, error) {
	query := s.read(ctx).Where("portal = ? AND request_id = ? AND request_id <> 0", portal, requestID)
	events, err := messages(query)
	return events, fail(err, "messages of request %d", requestID)
}

// DialogMessages gives all message events of a client on a channel whose event
// time is at or after since and before until; a zero bound is none, channel 0
// is every channel. By event time, then id; ErrTooMany beyond MaxTranscript.
func (s *Store) DialogMessages(
	ctx context.Context, portal string, client, channel int64, since, until time.Time,
) ([]InboxEvent, error) {
	query := s.read(ctx).Where("portal = ? AND client_id = ? AND client_id <> 0", portal, client)
	if channel != 0 {
		query = query.Where("channel_id = ?", channel)
	}
	if !since.IsZero() {
		query = query.Where("event_time >= ?", micros(since))
	}
	if !until.IsZero() {
		query = query.Where("event_time < ?", micros(until))
	}
	events, err := messages(query)
	return events, fail(err, "messages of client %d", client)
}

// messages reads pages of a query until it has all, so that no single answer
// of the database is huge.
func messages(query *gorm.DB) ([]InboxEvent, error) {
	query = query.Table(inboxTable).Where("source = ? AND hook_type IN "+messageHooks, SourceChat2Desk).
		Order("event_time, id").Limit(chunk).Session(&gorm.Session{})
	var all []InboxEvent
	for page := query; ; {
		var some []InboxEvent
		if err := page.Find(&some).Error; err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < chunk {
			return all, nil
		}
		if len(all) >= MaxTranscript {
			return nil, ErrTooMany
		}
		last := some[len(some)-1]
		page = query.Where("(event_time, id) > (?, ?)", micros(last.EventTime), last.ID)
	}
}

// SaidBefore tells whether a message of a client that was written after a time
// had come before another instant: what happened at that time was told late.
func (s *Store) SaidBefore(ctx context.Context, portal string, client, channel int64, after, came time.Time) (said bool, err error) {
	err = s.read(ctx).Raw(`SELECT EXISTS (SELECT 1 FROM inbox WHERE portal = ? AND client_id = ? AND channel_id = ?
		AND event_time > ? AND received_at < ? AND hook_type = 'inbox')`, portal, client, channel, micros(after), micros(came)).Scan(&said).Error
	return said, fail(err, "messages of client %d in %s", client, portal)
}

// PurgeInbox deletes the finished rows of a portal that were received before a
// time, and gives their number. It works in small transactions; if it is
// interrupted, the rest is left for the next time.
func (s *Store) PurgeInbox(ctx context.Context, portal string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM inbox WHERE id IN (
		SELECT id FROM inbox WHERE portal = ? AND received_at < ? AND status <> 'new' ORDER BY received_at LIMIT 500)`,
		portal, micros(before))
	return n, fail(err, "purge inbox of %s", portal)
}

// purge repeats a DELETE of at most 500 rows until nothing is left to delete.
func (s *Store) purge(ctx context.Context, statement string, args ...any) (total int, err error) {
	for {
		var n int64
		err := s.write(ctx, func(tx *gorm.DB) error {
			result := tx.Exec(statement, args...)
			n = result.RowsAffected
			return result.Error
		})
		if total += int(n); err != nil || n == 0 {
			return total, err
		}
	}
}
