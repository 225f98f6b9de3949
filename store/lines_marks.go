package store

import (
	"context"
	"fmt"

	"puente/openlines"
)

// MarkKey is the write by which a session shows itself in the CRM; ExternalID is
// its chat activity.
func MarkKey(session openlines.SessionID) string { return fmt.Sprintf("mark:%d", session) }

// ChosenKey says that a person chose the responsible employee of an item that
// shows chats; ExternalID is the last one that was seen since.
func ChosenKey(item openlines.Item) string { return fmt.Sprintf("chosen:%s:%d", item.Kind, item.ID) }

// LineMark is what the CRM shows of an open session.
type LineMark struct {
	Session  openlines.SessionID
	Activity int64          // the chat activity, as the CRM calls it
	Item     openlines.Item // that the session is bound to
	// Responsible is the user who is responsible for the item, as far as Puente
	// has seen; 0 = it knows of nobody.
	Responsible int64
}

// OpenLineMarks gives the chat activities of the sessions that are neither
// finished nor closed, the most urgent first, at most limit of them. Sessions
// that the CRM does not show yet are left out.
func (s *Store) OpenLineMarks(ctx context.Context, portal string, limit int) ([]LineMark, error) {
	var rows []struct {
		Session, Activity, CRMID, Responsible int64
		CRMKind                               string
	}
	err := s.read(ctx).Raw(`SELECT s.id AS session, m.external_id AS activity, s.crm_kind, s.crm_id,
			COALESCE(c.external_id, i.external_id, 0) AS responsible
		FROM line_sessions s
		JOIN line_writes m ON m.portal = s.portal AND m.write_key = 'mark:' || s.id
		LEFT JOIN line_writes i ON i.portal = s.portal AND i.write_key = 'item:' || s.crm_kind || ':' || s.crm_id
		LEFT JOIN line_writes c ON c.portal = s.portal AND c.write_key = 'chosen:' || s.crm_kind || ':' || s.crm_id
		WHERE s.portal = ? AND s.attention IN (?, ?) AND m.external_id <> 0
		ORDER BY s.attention, s.place, s.id LIMIT ?`, portal, AttentionUnread, AttentionAnswered, limit).Scan(&rows).Error
	marks := make([]LineMark, len(rows))
	for i, r := range rows {
		item := openlines.Item{Kind: r.CRMKind, ID: r.CRMID}
		marks[i] = LineMark{Session: openlines.SessionID(r.Session), Activity: r.Activity, Item: item, Responsible: r.Responsible}
	}
	return marks, fail(err, "open line marks of %s", portal)
}

// HasOpenLines tells whether a portal has a line that takes sessions, or sessions
// that are not closed.
func (s *Store) HasOpenLines(ctx context.Context, portal string) (bool, error) {
	lines, err := s.Lines(ctx, portal)
	if err != nil {
		return false, err
	}
	for _, line := range lines {
		if line.Settings.Active {
			return true, nil
		}
	}
	if len(lines) == 0 {
		return false, nil
	}
	var open int
	err = s.read(ctx).Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM line_sessions WHERE portal = ? AND attention < ? LIMIT 1) AS one`,
		portal, AttentionNone).Scan(&open).Error
	return open > 0, fail(err, "open lines of %s", portal)
}

// LinePortals gives the portals that have lines, active or not.
func (s *Store) LinePortals(ctx context.Context) ([]string, error) {
	var slugs []string
	err := s.read(ctx).Raw(`SELECT DISTINCT portal FROM lines ORDER BY portal`).Scan(&slugs).Error
	return slugs, fail(err, "portals with lines")
}
