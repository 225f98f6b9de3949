package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"
)

// The states of an inbox row.
const (
	InboxNew     = "new"     // to be delivered, or to be delivered again
	InboxDone    = "done"    // delivered to its workflow
	InboxIgnored = "ignored" // of no interest
	InboxFailed  = "failed"  // given up for good; the rows after it go on
)

// The sources of inbox rows.
const (
	SourceChat2Desk     = "chat2desk"
	SourceBitrix24      = "bitrix24"
	SourceContactCenter = "contact-center"
)

// InboxEvent is one event that came in, as it came in. A zero id means that
// the event did not carry it.
type InboxEvent struct {
	ID         string    `json:"id"` // UUIDv7; given by Accept if empty
	Portal     string    `json:"portal"`
	Source     string    `json:"source"`                                          // chat2desk, bitrix24, contact-center
	Key        string    `json:"key" gorm:"column:dedupe_key;serializer:text"`    // one row per portal, source and key
	HookType   string    `json:"hook_type" gorm:"serializer:text"`                // in the words of the source
	ClientID   int64     `json:"client_id"`                                       //
	ChannelID  int64     `json:"channel_id"`                                      //
	DialogID   int64     `json:"dialog_id"`                                       //
	RequestID  int64     `json:"request_id"`                                      //
	MessageID  int64     `json:"message_id"`                                      //
	EventTime  time.Time `json:"event_time" gorm:"serializer:micros"`             // zero = not carried
	ReceivedAt time.Time `json:"received_at" gorm:"serializer:micros"`            // zero = now
	FinishedAt time.Time `json:"finished_at,omitzero" gorm:"serializer:micros"`   // zero = not yet
	Body       []byte    `json:"-"`                                               // raw, as received
	OrderKey   string    `json:"order_key" gorm:"serializer:text"`                // rows of one key are handed out one after the other
	Seq        int64     `json:"seq"`                                             // order of acceptance within OrderKey; set by Accept
	Status     string    `json:"status"`                                          // see InboxNew and the others
	Owner      string    `json:"owner,omitempty"`                                 // who was handed the row last
	Attempts   int       `json:"attempts"`                                        // failed deliveries so far
	LastError  string    `json:"last_error,omitempty" gorm:"serializer:text"`     //
	Duplicates int       `json:"duplicates"`                                      // how often the event came again
	WorkflowID string    `json:"workflow_id,omitempty" gorm:"column:workflow_id"` // where it was delivered
}

const inboxTable = "inbox"

// Accept stores events that are new and counts up Duplicates of those that are
// known (same portal, source and key, also within the list). It is one
// transaction: after a nil error every event is safe, after an error none was
// taken. stored is the number of new rows; they are handed out in the order of
// the list. Status, Seq and the other results of processing are set here.
func (s *Store) Accept(ctx context.Context, events []InboxEvent) (stored int, err error) {
	if len(events) == 0 {
		return 0, nil
	}
	rows := prepare(events)
	err = s.write(ctx, func(tx *gorm.DB) error {
		fresh, err := unknown(tx, rows)
		if err != nil {
			return err
		}
		// Everywhere in the inbox the key is locked before the rows: no deadlock.
		if err := s.openKeys(tx, keysOf(fresh)); err != nil {
			return err
		}
		base, err := s.nextSeq(tx)
		if err != nil {
			return err
		}
		stored = 0
		for _, row := range rows {
			row.Seq = base + int64(row.place)
			added, err := insertEvent(tx, row.InboxEvent)
			if err != nil {
				return err
			}
			stored += added
		}
		return nil
	})
	if err != nil {
		stored = 0
	}
	return stored, fail(err, "accept %d events", len(events))
}

// acceptRow is an event and its place in the list.
type acceptRow struct {
	InboxEvent
	place int
}

// prepare makes rows out of events, sorted by their unique key: two lists with
// the same events lock them in the same order.
func prepare(events []InboxEvent) []acceptRow {
	rows := make([]acceptRow, len(events))
	for i, e := range events {
		if e.ID == "" {
			e.ID = NewID()
		}
		e.Key, e.OrderKey = clean(e.Key), clean(e.OrderKey)
		e.ReceivedAt, e.FinishedAt = orNow(e.ReceivedAt), time.Time{}
		e.Status, e.Owner, e.Attempts, e.LastError, e.Duplicates, e.WorkflowID = InboxNew, "", 0, "", 0, ""
		if e.Body == nil {
			e.Body = []byte{}
		}
		rows[i] = acceptRow{e, i}
	}
	slices.SortStableFunc(rows, func(a, b acceptRow) int {
		return cmp.Or(cmp.Compare(a.Portal, b.Portal), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Key, b.Key))
	})
	return rows
}

// unknown are those rows whose events are not stored yet. It spares repeated
// events the work on their order key; what comes in meanwhile is found by the
// unique index.
func unknown(tx *gorm.DB, rows []acceptRow) ([]acceptRow, error) {
	var fresh []acceptRow
	for _, row := range rows {
		var known int64
		err := tx.Table(inboxTable).Where("portal = ? AND source = ? AND dedupe_key = ?", row.Portal, row.Source, row.Key).
			Count(&known).Error
		if err != nil {
			return nil, err
		}
		if known == 0 {
			fresh = append(fresh, row)
		}
	}
	return fresh, nil
}

// inboxKey is the unit of order and of ownership.
type inboxKey struct{ Portal, OrderKey string }

func keysOf(rows []acceptRow) []inboxKey {
	keys := make([]inboxKey, len(rows))
	for i, row := range rows {
		keys[i] = inboxKey{row.Portal, row.OrderKey}
	}
	return sortKeys(keys)
}

func sortKeys(keys []inboxKey) []inboxKey {
	slices.SortFunc(keys, func(a, b inboxKey) int {
		return cmp.Or(cmp.Compare(a.Portal, b.Portal), cmp.Compare(a.OrderKey, b.OrderKey))
	})
	return slices.Compact(keys)
}

// openKeys makes sure that each key has its row, and locks it: who finishes
// the last known row of a key must see the new one before it removes the key.
func (s *Store) openKeys(tx *gorm.DB, keys []inboxKey) error {
	for _, key := range keys {
		err := tx.Exec(`INSERT INTO inbox_keys (portal, order_key, owner, ready_at) VALUES (?, ?, '', `+s.d.now+`)
			ON CONFLICT (portal, order_key) DO UPDATE SET order_key = excluded.order_key`, key.Portal, key.OrderKey).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// nextSeq is where the order numbers of a list begin: the database's time, so
// that several processes agree on the order, but above all numbers there are,
// so that neither a coarse clock nor one that is set back can change the order
// within a key. The keys are locked: what others stored under them is visible.
func (s *Store) nextSeq(tx *gorm.DB) (int64, error) {
	var row struct{ Moment, Above int64 }
	err := tx.Raw("SELECT " + s.d.now + " AS moment, COALESCE(MAX(seq), 0) + 1 AS above FROM inbox").Scan(&row).Error
	return max(row.Moment, row.Above), err
}

// insertEvent stores one event or counts it as a duplicate; added is 1 or 0.
func insertEvent(tx *gorm.DB, e InboxEvent) (added int, err error) {
	var ids []string
	err = tx.Raw(insertSQL, e.ID, e.Portal, e.Source, e.Key, clean(e.HookType),
		e.ClientID, e.ChannelID, e.DialogID, e.RequestID, e.MessageID,
		micros(e.EventTime), micros(e.ReceivedAt), e.Body, e.OrderKey, e.Seq).Scan(&ids).Error
	if err == nil && len(ids) == 1 && ids[0] == e.ID {
		added = 1
	}
	return added, err
}

const insertSQL = `INSERT INTO inbox (id, portal, source, dedupe_key, hook_type,
	client_id, channel_id, dialog_id, request_id, message_id,
	event_time, received_at, body, order_key, seq,
	finished_at, status, owner, attempts, last_error, duplicates, workflow_id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'new', '', 0, '', 0, '')
	ON CONFLICT (portal, source, dedupe_key) DO UPDATE SET duplicates = inbox.duplicates + 1
	RETURNING id`
