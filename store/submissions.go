package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"
)

// The kinds of submissions, and of their lines in the ledger.
const (
	KindMethod  = "method"
	KindRequest = "request"
)

// Submission is what the contact center sent: one call of a method, or one
// revision of a request. The body holds personal data and stays here: runs and
// histories know only the id of the sync.
type Submission struct {
	ID             string          `json:"id"` // UUIDv7; given at acceptance
	Portal         string          `json:"portal"`
	Kind           string          `json:"kind"`                                             // method or request
	Name           string          `json:"name"`                                             // the method, or the channel of the request
	Key            string          `json:"key" gorm:"column:external_key;serializer:text"`   // Idempotency-Key of a method, else the external id
	IdempotencyKey string          `json:"idempotency_key,omitempty" gorm:"serializer:text"` // "" = none
	Revision       int             `json:"revision"`                                         // from 1; set at acceptance
	BodyHash       string          `json:"body_hash"`                                        // equal bodies have equal ones
	Body           []byte          `json:"-"`                                                // as received; {} after retention
	SyncID         string          `json:"sync_id"`                                          // line of the ledger; all revisions have the same
	WorkflowID     string          `json:"workflow_id"`                                      //
	Seq            int64           `json:"seq"`                                              // order of acceptance in the portal
	StartedAt      time.Time       `json:"started_at,omitzero" gorm:"serializer:micros"`     // zero = Temporal has not taken it yet
	AnsweredAt     time.Time       `json:"answered_at,omitzero" gorm:"serializer:micros"`    // zero = there is no answer yet
	StatusCode     int             `json:"status_code,omitempty"`                            // HTTP status of the answer
	Answer         json.RawMessage `json:"answer,omitempty" gorm:"serializer:rawjson"`       // or a problem document
	CreatedAt      time.Time       `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"`
}

// submissionRow is a Submission with what only the store needs of it.
type submissionRow struct {
	Submission
	ReadyAt  int64
	PurgedAt int64
}

const submissionsTable = "submissions"

// Submission gives one submission of a portal.
func (s *Store) Submission(ctx context.Context, portal, id string) (Submission, error) {
	var sub Submission
	err := s.read(ctx).Table(submissionsTable).Where("portal = ? AND id = ?", portal, id).Take(&sub).Error
	return sub, fail(err, "submission %s", id)
}

// SubmissionBySync gives the submission of a sync, of a request the newest
// revision.
func (s *Store) SubmissionBySync(ctx context.Context, portal, syncID string) (Submission, error) {
	var sub Submission
	err := s.read(ctx).Table(submissionsTable).Where("portal = ? AND sync_id = ?", portal, syncID).
		Order("revision DESC").Limit(1).Take(&sub).Error
	return sub, fail(err, "submission of sync %s", syncID)
}

// MaxRevisions is how many revisions of one request are kept apart; a request
// that is corrected more often is refused with ErrTooMany.
const MaxRevisions = 500

// Revisions gives all submissions of a sync, oldest first.
func (s *Store) Revisions(ctx context.Context, portal, syncID string) ([]Submission, error) {
	var all []Submission
	err := s.read(ctx).Table(submissionsTable).Where("portal = ? AND sync_id = ?", portal, syncID).
		Order("revision").Limit(MaxRevisions).Find(&all).Error
	return all, fail(err, "revisions of sync %s", syncID)
}

// Submitted finds what a submission would repeat, without storing anything: the
// stored one, or found = false. ErrKeyReused as at acceptance.
func (s *Store) Submitted(ctx context.Context, sub Submission) (stored Submission, found bool, err error) {
	stored, found, err = earlier(s.read(ctx), sub)
	return stored, found, fail(err, "submission %s", sub.WorkflowID)
}

// AnsweredSubmissions gives those of the submissions that have an answer.
func (s *Store) AnsweredSubmissions(ctx context.Context, ids []string) (answered []string, err error) {
	for part := range slices.Chunk(ids, chunk) {
		var some []string
		err := s.read(ctx).Table(submissionsTable).Where("id IN ? AND answered_at <> 0", part).Pluck("id", &some).Error
		if err != nil {
			return nil, fail(err, "answered submissions")
		}
		answered = append(answered, some...)
	}
	return answered, nil
}

// SubmissionBacklog gives the number of submissions that Temporal has not taken
// yet, and when the oldest of them was accepted, over all portals.
func (s *Store) SubmissionBacklog(ctx context.Context) (count int, oldest time.Time, err error) {
	var row struct{ Rows, Oldest int64 }
	err = s.read(ctx).Raw("SELECT COUNT(*) AS rows, COALESCE(MIN(created_at), 0) AS oldest FROM submissions WHERE started_at = 0").
		Scan(&row).Error
	return int(row.Rows), fromMicros(row.Oldest), fail(err, "submission backlog")
}

// SaveAnswer stores the answer of a submission, in the place of an earlier one,
// with its HTTP status. Earlier revisions without an answer get it too: what
// was asked in them is part of the later one. ErrNotFound if there is no such
// revision.
func (s *Store) SaveAnswer(ctx context.Context, portal, syncID string, revision, statusCode int, answer json.RawMessage) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`UPDATE submissions SET answered_at = ?, status_code = ?, answer = ?
			WHERE portal = ? AND sync_id = ? AND (revision = ? OR (revision < ? AND answered_at = 0))`,
			micros(now()), statusCode, clean(string(answer)), portal, syncID, revision, revision)
		if result.Error == nil && result.RowsAffected == 0 {
			return gorm.ErrRecordNotFound
		}
		return result.Error
	})
	return fail(err, "save answer of sync %s", syncID)
}

// SubmissionFilter chooses submissions; zero fields choose all.
type SubmissionFilter struct {
	Kind string
	Name string
	Page Page
}

// SubmissionsList lists the submissions of a portal, newest first, without
// bodies and answers. next is the cursor of the next page, "" at the end.
func (s *Store) SubmissionsList(ctx context.Context, portal string, f SubmissionFilter) (all []Submission, next string, err error) {
	query := s.read(ctx).Table(submissionsTable).Omit("body", "answer").Where("portal = ?", portal)
	if f.Kind != "" {
		query = query.Where("kind = ?", f.Kind)
	}
	if f.Name != "" {
		query = query.Where("name = ?", f.Name)
	}
	if f.Page.After != "" {
		seq, _, err := parseCursor(f.Page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("seq < ?", seq)
	}
	err = query.Order("seq DESC").Limit(f.Page.size() + 1).Find(&all).Error
	all, next = cut(all, f.Page, func(sub Submission) string { return cursor(sub.Seq, sub.ID) })
	return all, next, fail(err, "submissions of %s", portal)
}

// PurgeSubmissions forgets the bodies of submissions of a portal that were
// answered and accepted before a time, and gives their number: {} stands in
// their place. What has no answer yet, or waits for a person, is kept, however
// old: it is still to be done. The hashes stay: a
// repetition is recognised for ever. Of the methods named in forget the answers
// go as well, because they repeat what the CRM knows of people; such a
// repetition is answered with 410.
func (s *Store) PurgeSubmissions(ctx context.Context, portal string, forget []string, before time.Time) (int, error) {
	n, err := s.purge(ctx, `UPDATE submissions SET body = ?, purged_at = ?,
			status_code = CASE WHEN kind = 'method' AND name IN ? THEN 410 ELSE status_code END,
			answer = CASE WHEN kind = 'method' AND name IN ? THEN '' ELSE answer END
		WHERE id IN (SELECT id FROM submissions WHERE portal = ? AND created_at < ? AND answered_at <> 0 AND purged_at = 0
				AND NOT EXISTS (SELECT 1 FROM syncs WHERE syncs.id = submissions.sync_id AND syncs.status IN ('open', 'syncing', 'failed'))
			ORDER BY created_at LIMIT 500)`, []byte("{}"), micros(now()), forget, forget, portal, micros(before))
	return n, fail(err, "purge submissions of %s", portal)
}
