package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
)

// SyncFilter chooses lines of the ledger; zero fields choose all.
type SyncFilter struct {
	Status []string
	Kind   string
	Since  time.Time // CreatedAt at or after
	Until  time.Time // CreatedAt before
	// Query is found in workflow ids, error codes, error texts and reasons
	// (whatever the case of ASCII letters); a number also is a dialog, request,
	// client or CRM entity id.
	Query string
	Page  Page
}

// Syncs lists the ledger of a portal, newest first. next is the cursor of the
// next page, "" at the end.
func (s *Store) Syncs(ctx context.Context, portal string, f SyncFilter) (syncs []Sync, next string, err error) {
	query := f.apply(s.read(ctx).Table(syncsTable).Where("portal = ?", portal))
	if f.Page.After != "" {
		at, id, err := parseCursor(f.Page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("(created_at, id) < (?, ?)", at, id)
	}
	err = query.Order("created_at DESC, id DESC").Limit(f.Page.size() + 1).Find(&syncs).Error
	syncs, next = cut(syncs, f.Page, func(s Sync) string { return cursor(micros(s.CreatedAt), s.ID) })
	return syncs, next, fail(err, "syncs of %s", portal)
}

// CountSyncs gives the number of lines by status, of those the filter chooses;
// its page is ignored. A status without lines is not in the map.
func (s *Store) CountSyncs(ctx context.Context, portal string, f SyncFilter) (map[string]int, error) {
	var rows []struct {
		Status string
		Lines  int
	}
	err := f.apply(s.read(ctx).Table(syncsTable).Where("portal = ?", portal)).
		Select("status, COUNT(*) AS lines").Group("status").Scan(&rows).Error
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[row.Status] = row.Lines
	}
	return counts, fail(err, "count syncs of %s", portal)
}

func (f SyncFilter) apply(query *gorm.DB) *gorm.DB {
	if len(f.Status) > 0 {
		query = query.Where("status IN ?", f.Status)
	}
	if f.Kind != "" {
		query = query.Where("kind = ?", f.Kind)
	}
	if !f.Since.IsZero() {
		query = query.Where("created_at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		query = query.Where("created_at < ?", micros(f.Until))
	}
	if text := strings.TrimSpace(clean(f.Query)); text != "" {
		condition, args := matching(text)
		query = query.Where(condition, args...)
	}
	return query
}

// searchedTexts and searchedIDs are the columns a query is looked for in.
var (
	searchedTexts = []string{"workflow_id", "error_code", "error_text", "reason"}
	searchedIDs   = []string{"dialog_id", "request_id", "client_id", "contact_id", "company_id", "deal_id", "lead_id"}
)

// matching makes the condition of a query.
func matching(text string) (condition string, args []any) {
	var parts []string
	pattern := "%" + escapeLike(text) + "%"
	for _, column := range searchedTexts {
		parts = append(parts, "LOWER("+column+`) LIKE LOWER(?) ESCAPE '\'`)
		args = append(args, pattern)
	}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id != 0 {
		for _, column := range searchedIDs {
			parts = append(parts, column+" = ?")
			args = append(args, id)
		}
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}

// escapeLike takes the special meaning from the characters of a LIKE pattern.
func escapeLike(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}
