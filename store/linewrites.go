package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"puente/openlines"
)

// The states of a line write.
const (
	WriteSending    = "sending"    // it may be under way, or its process died
	WriteUnanswered = "unanswered" // it is over, and nobody knows what it did
	WriteDone       = "done"
)

// LineWrite is something that an open line writes into another system: a text,
// an assignment, the chat activity of a session. It holds ids only.
type LineWrite struct {
	Portal     string    `json:"portal"`
	WriteKey   string    `json:"write_key" gorm:"serializer:text"`
	State      string    `json:"state"`
	ExternalID int64     `json:"external_id"` // what the other system calls it; 0 = not known
	Version    int64     `json:"version"`     // of a mark: the last one that was sent
	Detail     string    `json:"detail" gorm:"serializer:text"`
	UpdatedAt  time.Time `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"` // zero = now
}

// AssignKey is the write by which a dialog of Chat2Desk was given to an
// operator; UpdatedAt is shortly before it was done.
func AssignKey(chat openlines.ChatID, operator int64) string {
	return fmt.Sprintf("assign:%s:%d", chat, operator)
}

// CloseKey is the write by which a dialog of Chat2Desk was closed.
func CloseKey(chat openlines.ChatID) string { return "close:" + string(chat) }

// AssignedKey is what Chat2Desk told last of who has a dialog; Version is when
// that was, in milliseconds since 1970.
func AssignedKey(chat openlines.ChatID) string { return "assigned:" + string(chat) }

// PresenceKey is what Chat2Desk told last of an operator's coming and going;
// Version is when that was, in milliseconds since 1970.
func PresenceKey(operator int64) string { return fmt.Sprintf("presence:%d", operator) }

// MessageKey is the write that a message of Chat2Desk came from; Detail is the
// key of the command.
func MessageKey(message int64) string { return fmt.Sprintf("message:%d", message) }

// ActivityKey is a chat activity of the CRM; ExternalID is its session.
func ActivityKey(activity int64) string { return fmt.Sprintf("activity:%d", activity) }

// ItemKey is an item of the CRM that shows chats; ExternalID is the user who is
// responsible for it, as far as Puente knows.
func ItemKey(item openlines.Item) string { return fmt.Sprintf("item:%s:%d", item.Kind, item.ID) }

const lineWritesTable = "line_writes"

// LineWrite gives what is known of a write; found is false if nobody began it.
func (s *Store) LineWrite(ctx context.Context, portal, key string) (w LineWrite, found bool, err error) {
	err = s.read(ctx).Table(lineWritesTable).Where("portal = ? AND write_key = ?", portal, clean(key)).Take(&w).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return LineWrite{Portal: portal, WriteKey: key}, false, nil
	}
	return w, err == nil, fail(err, "line write in %s", portal)
}

// SaveLineWrite keeps what is known of a write, in the place of what was known
// before. A row with a higher version stays: saved is false then.
func (s *Store) SaveLineWrite(ctx context.Context, w LineWrite) (saved bool, err error) {
	err = s.write(ctx, func(tx *gorm.DB) error {
		done := tx.Exec(`INSERT INTO line_writes (portal, write_key, state, external_id, version, detail, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (portal, write_key) DO UPDATE SET state = excluded.state, external_id = excluded.external_id,
				version = excluded.version, detail = excluded.detail, updated_at = excluded.updated_at
			WHERE line_writes.version <= excluded.version`,
			w.Portal, clean(w.WriteKey), w.State, w.ExternalID, w.Version, clean(w.Detail), micros(orNow(w.UpdatedAt)))
		saved = done.RowsAffected > 0
		return done.Error
	})
	return saved, fail(err, "save line write in %s", w.Portal)
}

// ToldOfLineWrite notes in Detail that the inbox row of a webhook told of a write,
// and reports whether this was the first one of its kind to do so. A row that
// is delivered again was the first again. w is the write as it was read; if it
// was begun anew since, changed is true and nothing is noted.
func (s *Store) ToldOfLineWrite(ctx context.Context, w LineWrite, kind, row string) (first, changed bool, err error) {
	for _, told := range strings.Fields(w.Detail) {
		if known, by, _ := strings.Cut(told, "@"); known == kind {
			return by == row, false, nil
		}
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		done := tx.Exec("UPDATE line_writes SET detail = ? WHERE portal = ? AND write_key = ? AND updated_at = ? AND detail = ?",
			clean(w.Detail+" "+kind+"@"+row), w.Portal, clean(w.WriteKey), micros(w.UpdatedAt), clean(w.Detail))
		first, changed = done.RowsAffected > 0, done.RowsAffected == 0
		return done.Error
	})
	return first, changed, fail(err, "line write in %s", w.Portal)
}

// OpenLineSession gives the session of a chat that is not closed, as far as the
// log of the desk is stored; found is false if there is none.
func (s *Store) OpenLineSession(ctx context.Context, portal string, chat openlines.ChatID) (session LineSession, found bool, err error) {
	var rows []lineSessionRow
	err = s.read(ctx).Table(lineSessionsTable).Where("portal = ? AND chat = ? AND attention < 4", portal, clean(string(chat))).
		Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return LineSession{}, false, fail(err, "open line session in %s", portal)
	}
	session, err = rows[0].session()
	return session, err == nil, fail(err, "open line session in %s", portal)
}

// BlockedKey says that the client of a chat was blocked.
func BlockedKey(chat openlines.ChatID) string { return blockedPrefix + string(chat) }

const blockedPrefix = "blocked:"

// PurgeLineWrites forgets writes that nobody touched since a time and gives
// their number. That a client is blocked stays, and so does by what the CRM shows
// a session that is still open, however long ago that was written.
func (s *Store) PurgeLineWrites(ctx context.Context, portal string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM line_writes WHERE portal = ? AND write_key IN (
		SELECT write_key FROM line_writes WHERE portal = ? AND updated_at < ? AND write_key NOT LIKE '`+blockedPrefix+`%'
			AND NOT EXISTS (SELECT 1 FROM line_sessions s WHERE s.portal = line_writes.portal AND s.attention < 4
				AND (line_writes.write_key = 'mark:' || s.id OR line_writes.write_key LIKE 'activity:%' AND line_writes.external_id = s.id))
		ORDER BY updated_at LIMIT 500)`, portal, portal, micros(before))
	return n, fail(err, "purge line writes of %s", portal)
}
