package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"puente/openlines"
)

// LineSession is where a session of an open line stands: a fold over its
// records and nothing else. What the CRM has to show of it follows from it: an
// open activity until FinishedAt, the unread mark with the number in Unread.
type LineSession struct {
	Portal       string                `json:"portal"`
	ID           openlines.SessionID   `json:"id"`
	Chat         openlines.ChatID      `json:"chat" gorm:"serializer:text"`
	Line         openlines.LineID      `json:"line" gorm:"serializer:text"` // that has it now
	Channel      int64                 `json:"channel"`
	Parent       openlines.SessionID   `json:"parent,omitempty"` // the session of this chat before
	State        openlines.State       `json:"state"`
	Owner        openlines.UserID      `json:"owner,omitempty"`
	Attention    Attention             `json:"attention"`
	WaitingSince time.Time             `json:"waiting_since,omitzero" gorm:"serializer:micros"` // zero = the client does not wait
	Unread       int                   `json:"unread,omitempty"`                                // messages without a reply, while it is open
	StartedAt    time.Time             `json:"started_at" gorm:"serializer:micros"`
	FinishedAt   time.Time             `json:"finished_at,omitzero" gorm:"serializer:micros"` // left the open states
	ClosedAt     time.Time             `json:"closed_at,omitzero" gorm:"serializer:micros"`
	Reason       openlines.CloseReason `json:"reason,omitempty"`
	Item         openlines.Item        `json:"item,omitzero" gorm:"-"`
	Detail       LineSessionDetail     `json:"detail" gorm:"-"`
	UpdatedAt    time.Time             `json:"updated_at" gorm:"serializer:micros;autoUpdateTime:false"`
}

// LineSessionDetail is what nobody searches for.
type LineSessionDetail struct {
	Offers  []LineOffer            `json:"offers,omitempty"` // that are open
	Pinned  bool                   `json:"pinned,omitempty"`
	ToAll   bool                   `json:"to_all,omitempty"` // everybody may take it, nobody is asked any more
	Replied time.Time              `json:"replied,omitzero"` // the last reply
	Facts   openlines.SessionFacts `json:"facts"`            // for statistics
}

// LineOffer is an open offer of a session.
type LineOffer struct {
	ID       openlines.OfferID   `json:"id"`
	User     openlines.UserID    `json:"user"`
	Kind     openlines.OfferKind `json:"kind"`
	Made     time.Time           `json:"made"`
	Accepted bool                `json:"accepted,omitempty"` // reserved for him until he replies
}

// Attention orders sessions by what people have to look at first (product C2).
type Attention int

// The ranks, the most urgent first.
const (
	AttentionUnread   Attention = 1 // the client waits for a reply
	AttentionAnswered Attention = 2 // open, the last word is ours
	AttentionFinished Attention = 3 // finished, the client may come back
	AttentionNone     Attention = 4 // closed
)

// lineSessionRow is a LineSession as it is stored. Place orders the sessions of
// one Attention: since when, the longest first; of closed ones the last first.
type lineSessionRow struct {
	LineSession `gorm:"embedded"`
	Place       int64
	CRMKind     string          `gorm:"column:crm_kind;serializer:text"`
	CRMID       int64           `gorm:"column:crm_id"`
	Document    json.RawMessage `gorm:"serializer:rawjson"`
}

const lineSessionsTable = "line_sessions"

// LineSessionFilter chooses sessions; zero fields choose all.
type LineSessionFilter struct {
	States   []openlines.State
	Open     bool // not those that are closed
	Line     openlines.LineID
	Operator openlines.UserID // owns it or holds an offer of it
	Page     Page
}

// LineSessions lists sessions of a portal by what needs attention first: unread
// before answered before finished, those that wait longest first, then closed
// ones, the last closed first. next is the cursor of the next page, "" at the
// end.
func (s *Store) LineSessions(ctx context.Context, portal string, f LineSessionFilter) (all []LineSession, next string, err error) {
	query := f.apply(s.read(ctx).Table(lineSessionsTable).Where("portal = ?", portal), portal)
	if f.Page.After != "" {
		attention, place, id, err := parseSessionCursor(f.Page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(attention, place, id) > (?, ?, ?)", attention, place, id)
	}
	var rows []lineSessionRow
	err = query.Order("attention, place, id").Limit(f.Page.size() + 1).Find(&rows).Error
	if err != nil {
		return nil, "", fail(err, "line sessions of %s", portal)
	}
	rows, next = cut(rows, f.Page, sessionCursor)
	all, err = sessionsOf(rows)
	return all, next, fail(err, "line sessions of %s", portal)
}

func (f LineSessionFilter) apply(query *gorm.DB, portal string) *gorm.DB {
	if f.Open {
		query = query.Where("attention < ?", int(AttentionNone))
	}
	if len(f.States) > 0 {
		query = query.Where("attention IN ? AND state IN ?", attentions(f.States), f.States)
	}
	if f.Line != "" {
		query = query.Where("line = ?", clean(string(f.Line)))
	}
	if f.Operator != 0 {
		query = query.Where("id IN (SELECT session_id FROM line_session_users WHERE portal = ? AND user_id = ?)", portal, int64(f.Operator))
	}
	return query
}

// attentions are the ranks that sessions in some states can have: they let the
// index leave out the rest.
func attentions(states []openlines.State) []int {
	var out []int
	for _, state := range states {
		switch state {
		case openlines.Closed:
			out = append(out, int(AttentionNone))
		case openlines.Closing:
			out = append(out, int(AttentionFinished))
		default:
			out = append(out, int(AttentionUnread), int(AttentionAnswered))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func sessionCursor(r lineSessionRow) string {
	return cursor(r.Place, fmt.Sprintf("%d.%d", r.Attention, r.ID))
}

func parseSessionCursor(text string) (attention, place, id int64, err error) {
	place, rest, err := parseCursor(text)
	if err != nil {
		return 0, 0, 0, err
	}
	rank, number, _ := strings.Cut(rest, ".")
	attention, err = strconv.ParseInt(rank, 10, 64)
	if err == nil {
		id, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return 0, 0, 0, ErrBadCursor
	}
	return attention, place, id, nil
}

// LineSession gives one session of a portal.
func (s *Store) LineSession(ctx context.Context, portal string, id openlines.SessionID) (LineSession, error) {
	var row lineSessionRow
	err := s.read(ctx).Table(lineSessionsTable).Where("portal = ? AND id = ?", portal, int64(id)).Take(&row).Error
	if err != nil {
		return LineSession{}, fail(err, "line session %d of %s", id, portal)
	}
	session, err := row.session()
	return session, fail(err, "line session %d of %s", id, portal)
}

// CountLineSessions gives the number of sessions that are not closed, by state.
func (s *Store) CountLineSessions(ctx context.Context, portal string) (map[openlines.State]int, error) {
	var rows []struct {
		State    openlines.State
		Sessions int
	}
	err := s.read(ctx).Raw(`SELECT state, COUNT(*) AS sessions FROM line_sessions
		WHERE portal = ? AND attention < ? GROUP BY state`, portal, int(AttentionNone)).Scan(&rows).Error
	counts := make(map[openlines.State]int, len(rows))
	for _, row := range rows {
		counts[row.State] = row.Sessions
	}
	return counts, fail(err, "count line sessions of %s", portal)
}

func sessionsOf(rows []lineSessionRow) ([]LineSession, error) {
	all := make([]LineSession, len(rows))
	for i, row := range rows {
		var err error
		if all[i], err = row.session(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r lineSessionRow) session() (LineSession, error) {
	out := r.LineSession
	out.Item = openlines.Item{Kind: r.CRMKind, ID: r.CRMID}
	err := json.Unmarshal(r.Document, &out.Detail)
	return out, err
}

func (l LineSession) row() lineSessionRow {
	return lineSessionRow{LineSession: l, Place: l.place(), CRMKind: l.Item.Kind, CRMID: l.Item.ID, Document: mustJSON(l.Detail)}
}

// place is since when a session stands where it stands.
func (l LineSession) place() int64 {
	switch l.Attention {
	case AttentionUnread:
		return micros(l.WaitingSince)
	case AttentionFinished:
		return micros(l.FinishedAt)
	case AttentionNone:
		return -micros(l.ClosedAt)
	}
	if l.Detail.Replied.After(l.StartedAt) {
		return micros(l.Detail.Replied)
	}
	return micros(l.StartedAt)
}
