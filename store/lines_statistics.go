package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"puente/openlines"
)

// SessionFacts gives the facts for statistics of the sessions that began from
// one instant to before another, oldest first, as they were kept while the
// records came. A zero to is open, a line "" means all. next is the cursor of
// the next page, "" at the end.
func (s *Store) SessionFacts(
	ctx context.Context, portal string, from, to time.Time, line openlines.LineID, page Page,
) (facts []openlines.SessionFacts, next string, err error) {
	rows, next, err := s.startedSessions(ctx, portal, from, to, line, page)
	facts = make([]openlines.SessionFacts, len(rows))
	for i := 0; i < len(rows) && err == nil; i++ {
		var detail LineSessionDetail
		err = json.Unmarshal(rows[i].Document, &detail)
		facts[i] = detail.Facts
	}
	if err != nil {
		return nil, "", fail(err, "facts of line sessions of %s", portal)
	}
	return facts, next, nil
}

// RecordsSince gives the whole log of the sessions that began from one instant
// to before another, session by session, oldest first: a page holds that many
// sessions. A zero to is open, a line "" means all. Folded, it gives the same as
// SessionFacts, unless old records were purged.
func (s *Store) RecordsSince(
	ctx context.Context, portal string, from, to time.Time, line openlines.LineID, page Page,
) (records []openlines.Record, next string, err error) {
	sessions, next, err := s.startedSessions(ctx, portal, from, to, line, page)
	if err != nil || len(sessions) == 0 {
		return nil, "", fail(err, "line records of %s", portal)
	}
	ids := make([]int64, len(sessions))
	for i, row := range sessions {
		ids[i] = int64(row.ID)
	}
	var rows []recordRow
	err = s.read(ctx).Table(recordsTable).Where("portal = ? AND session_id IN ?", portal, ids).Order("session_id, no").Find(&rows).Error
	if err == nil {
		records, err = recordsOf(rows)
	}
	if err != nil {
		return nil, "", fail(err, "line records of %s", portal)
	}
	return records, next, nil
}

// startedSessions pages through sessions by their start.
func (s *Store) startedSessions(
	ctx context.Context, portal string, from, to time.Time, line openlines.LineID, page Page,
) (rows []lineSessionRow, next string, err error) {
	query := s.read(ctx).Table(lineSessionsTable).Select("id, started_at, document").
		Where("portal = ? AND started_at >= ?", portal, micros(from))
	if !to.IsZero() {
		query = query.Where("started_at < ?", micros(to))
	}
	if line != "" {
		query = query.Where("line = ?", clean(string(line)))
	}
	if page.After != "" {
		at, text, err := parseCursor(page.After)
		if err != nil {
			return nil, "", err
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, "", ErrBadCursor
		}
		query = query.Where("(started_at, id) > (?, ?)", at, id)
	}
	err = query.Order("started_at, id").Limit(page.size() + 1).Find(&rows).Error
	rows, next = cut(rows, page, func(r lineSessionRow) string { return cursor(micros(r.StartedAt), strconv.FormatInt(int64(r.ID), 10)) })
	return rows, next, err
}

// PurgeLineRecords deletes records made before a time, and gives their number.
// The log of a session is kept until the session was closed before that time.
// Sessions stay with their facts, so statistics do not change.
func (s *Store) PurgeLineRecords(ctx context.Context, portal string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `DELETE FROM line_records WHERE portal = ? AND no IN (
		SELECT r.no FROM line_records r LEFT JOIN line_sessions s ON s.portal = r.portal AND s.id = r.session_id
		WHERE r.portal = ? AND r.at < ? AND (s.id IS NULL OR s.attention = ? AND s.closed_at < ?) ORDER BY r.at LIMIT 500)`,
		portal, portal, micros(before), int(AttentionNone), micros(before))
	return n, fail(err, "purge line records of %s", portal)
}
