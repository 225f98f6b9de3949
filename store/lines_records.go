package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"puente/openlines"
)

type recordRow struct {
	Portal    string
	No        int64
	SessionID openlines.SessionID
	Kind      openlines.RecordKind
	At        time.Time `gorm:"serializer:micros"`
	Document  string
}

const recordsTable = "line_records"

// LineNumbers are the highest numbers that the desk of a portal has given, as
// far as its log is stored. They are never used again, also after a purge: a
// desk that begins anew has to go on from there.
type LineNumbers struct {
	LastRecord  int64               `json:"last_record"`
	LastSession openlines.SessionID `json:"last_session"`
	LastOffer   openlines.OfferID   `json:"last_offer"`
}

// recordsAtOnce bounds the rows of one INSERT.
const recordsAtOnce = 200

// SaveLineRecords stores records of the desk of a portal, in the order of their
// numbers, and brings its sessions and chats up to date, all in one
// transaction. Records that are not newer than the last stored one are passed
// over, so that a repetition changes nothing.
func (s *Store) SaveLineRecords(ctx context.Context, portal string, records []openlines.Record) error {
	if len(records) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		desk, err := s.lockDesk(tx, portal)
		if err != nil {
			return err
		}
		fresh := slices.DeleteFunc(slices.Clone(records), func(r openlines.Record) bool { return r.No <= desk.LastRecord })
		if len(fresh) == 0 {
			return nil
		}
		if err := addRecords(tx, portal, fresh); err != nil {
			return err
		}
		if err := foldRecords(tx, portal, fresh); err != nil {
			return err
		}
		return saveDesk(tx, portal, desk, fresh)
	})
	return fail(err, "save line records of %s", portal)
}

// lockDesk lets one writer at a time extend the log of a portal.
func (s *Store) lockDesk(tx *gorm.DB, portal string) (desk LineNumbers, err error) {
	err = tx.Exec(`INSERT INTO line_desks (portal, last_record, last_session, last_offer)
		VALUES (?, 0, 0, 0) ON CONFLICT (portal) DO NOTHING`, portal).Error
	if err != nil {
		return desk, err
	}
	err = tx.Raw("SELECT last_record, last_session, last_offer FROM line_desks WHERE portal = ?"+s.d.lock, portal).Take(&desk).Error
	return desk, err
}

func saveDesk(tx *gorm.DB, portal string, desk LineNumbers, fresh []openlines.Record) error {
	for _, r := range fresh {
		desk.LastRecord, desk.LastSession = max(desk.LastRecord, r.No), max(desk.LastSession, r.Session)
		desk.LastOffer = max(desk.LastOffer, r.Offer)
	}
	return tx.Exec("UPDATE line_desks SET last_record = ?, last_session = ?, last_offer = ? WHERE portal = ?",
		desk.LastRecord, int64(desk.LastSession), int64(desk.LastOffer), portal).Error
}

func addRecords(tx *gorm.DB, portal string, records []openlines.Record) error {
	rows := make([]recordRow, len(records))
	for i, r := range records {
		rows[i] = recordRow{Portal: portal, No: r.No, SessionID: r.Session, Kind: r.Kind, At: r.At, Document: clean(string(mustJSON(r)))}
	}
	return tx.Table(recordsTable).CreateInBatches(rows, recordsAtOnce).Error
}

// foldRecords adds the records to their sessions. A session whose beginning is
// not in the log is none.
func foldRecords(tx *gorm.DB, portal string, records []openlines.Record) error {
	sessions, err := sessionsToFold(tx, portal, records)
	if err != nil {
		return err
	}
	before := make(map[openlines.SessionID][]int64, len(sessions))
	for id, session := range sessions {
		before[id] = session.users()
	}
	for _, r := range records {
		session := sessions[r.Session]
		if session == nil && r.Session != 0 && r.Kind == openlines.SessionStarted {
			session = &LineSession{Portal: portal, ID: r.Session}
			sessions[r.Session] = session
		}
		if session != nil {
			session.add(r)
		}
		if r.Past != nil {
			if err := savePast(tx, portal, r.Chat, *r.Past); err != nil {
				return err
			}
		}
	}
	return saveSessions(tx, sessions, before)
}

func sessionsToFold(tx *gorm.DB, portal string, records []openlines.Record) (map[openlines.SessionID]*LineSession, error) {
	var ids []int64
	for _, r := range records {
		if r.Session != 0 {
			ids = append(ids, int64(r.Session))
		}
	}
	slices.Sort(ids)
	found := map[openlines.SessionID]*LineSession{}
	for part := range slices.Chunk(slices.Compact(ids), chunk) {
		var rows []lineSessionRow
		if err := tx.Table(lineSessionsTable).Where("portal = ? AND id IN ?", portal, part).Find(&rows).Error; err != nil {
			return nil, err
		}
		some, err := sessionsOf(rows)
		if err != nil {
			return nil, err
		}
		for i := range some {
			found[some[i].ID] = &some[i]
		}
	}
	return found, nil
}

func saveSessions(tx *gorm.DB, sessions map[openlines.SessionID]*LineSession, before map[openlines.SessionID][]int64) error {
	rows := make([]lineSessionRow, 0, len(sessions))
	for id, session := range sessions {
		session.UpdatedAt = now()
		rows = append(rows, session.row())
		if users := session.users(); !slices.Equal(users, before[id]) {
			if err := saveUsers(tx, session.Portal, id, users); err != nil {
				return err
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Table(lineSessionsTable).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "portal"}, {Name: "id"}}, UpdateAll: true,
	}).CreateInBatches(rows, recordsAtOnce).Error
}

func saveUsers(tx *gorm.DB, portal string, id openlines.SessionID, users []int64) error {
	err := tx.Exec("DELETE FROM line_session_users WHERE portal = ? AND session_id = ?", portal, int64(id)).Error
	for _, user := range users {
		if err != nil {
			return err
		}
		err = tx.Exec("INSERT INTO line_session_users (portal, user_id, session_id) VALUES (?, ?, ?)", portal, user, int64(id)).Error
	}
	return err
}

func savePast(tx *gorm.DB, portal string, chat openlines.ChatID, past openlines.Past) error {
	return tx.Exec(`INSERT INTO line_chats (portal, chat, past, blocked) VALUES (?, ?, ?, ?)
		ON CONFLICT (portal, chat) DO UPDATE SET past = excluded.past, blocked = excluded.blocked`,
		portal, clean(string(chat)), string(mustJSON(past)), past.Blocked).Error
}

// ChatPast gives what the last closed session of a chat left behind; found is
// false if the chat has had none.
func (s *Store) ChatPast(ctx context.Context, portal string, chat openlines.ChatID) (past openlines.Past, found bool, err error) {
	var raw []string
	err = s.read(ctx).Raw("SELECT past FROM line_chats WHERE portal = ? AND chat = ?", portal, clean(string(chat))).Scan(&raw).Error
	if err != nil || len(raw) == 0 {
		return past, false, fail(err, "past of a chat of %s", portal)
	}
	err = json.Unmarshal([]byte(raw[0]), &past)
	return past, err == nil, fail(err, "past of a chat of %s", portal)
}

// LineNumbers gives the highest numbers of a portal; zeros if its desk has never
// recorded anything.
func (s *Store) LineNumbers(ctx context.Context, portal string) (LineNumbers, error) {
	var rows []LineNumbers
	err := s.read(ctx).Raw("SELECT last_record, last_session, last_offer FROM line_desks WHERE portal = ?", portal).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return LineNumbers{}, fail(err, "line numbers of %s", portal)
	}
	return rows[0], nil
}

// MaxSessionRecords is how much of the log of one session is read as a whole.
const MaxSessionRecords = 10_000

// SessionRecords gives the log of one session in order: its last
// MaxSessionRecords records. A session without records has an empty log.
func (s *Store) SessionRecords(ctx context.Context, portal string, session openlines.SessionID) ([]openlines.Record, error) {
	var rows []recordRow
	err := s.read(ctx).Table(recordsTable).Where("portal = ? AND session_id = ?", portal, int64(session)).
		Order("no DESC").Limit(MaxSessionRecords).Find(&rows).Error
	if err != nil {
		return nil, fail(err, "records of line session %d of %s", session, portal)
	}
	slices.Reverse(rows)
	records, err := recordsOf(rows)
	return records, fail(err, "records of line session %d of %s", session, portal)
}

func recordsOf(rows []recordRow) ([]openlines.Record, error) {
	all := make([]openlines.Record, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Document), &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}
