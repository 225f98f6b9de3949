package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// ErrKeyReused means that an idempotency key came again with another body.
var ErrKeyReused = errors.New("the idempotency key was used with another body")

// errKnown rolls an acceptance back: the submission was stored before.
var errKnown = errors.New("known")

// AcceptMethod stores the call of a method together with its line in the
// ledger, in one transaction: after a nil error it is safe. A repetition (same
// workflow id) gives the stored call and fresh = false, whatever else happens
// at the same instant; with another body it is ErrKeyReused. Portal, Name, Key,
// BodyHash, Body and WorkflowID are required, the rest is set here.
func (s *Store) AcceptMethod(ctx context.Context, sub Submission) (stored Submission, fresh bool, err error) {
	sub.Kind = KindMethod
	return s.accept(ctx, sub, nil)
}

// RetryWindow is how long after its acceptance the body of a request that was
// corrected since may come again, without an idempotency key, and still count as
// a repetition: a sender that got no answer sends it again behind the correction.
// What comes later takes the correction back.
const RetryWindow = 10 * time.Minute

// AcceptRequest stores a request like AcceptMethod. Another body for the same
// external id (workflow id) than that of the newest revision is a new revision
// of it; the same body, that of an earlier revision within RetryWindow, or the
// same idempotency key and body, is a repetition. The same idempotency key with
// another body is ErrKeyReused. Each revision queues
// the request up for the keys of its client (see Turn), and opens its line of
// the ledger again if that was finished.
func (s *Store) AcceptRequest(ctx context.Context, sub Submission, clientKeys []string) (stored Submission, fresh bool, err error) {
	sub.Kind = KindRequest
	return s.accept(ctx, sub, clientKeys)
}

func (s *Store) accept(ctx context.Context, sub Submission, keys []string) (stored Submission, fresh bool, err error) {
	const tries = 3 // one and the same idempotency key may come with two external ids at once
	for try := 1; ; try++ {
		stored, fresh, err = s.acceptOnce(ctx, sub, keys)
		if !isUnique(err) || try == tries {
			return stored, fresh, fail(err, "accept %s %s", sub.Kind, sub.WorkflowID)
		}
	}
}

func (s *Store) acceptOnce(ctx context.Context, sub Submission, keys []string) (stored Submission, fresh bool, err error) {
	stored, found, err := earlier(s.read(ctx), sub) // most repetitions need no lock
	if err != nil || found {
		return stored, false, err
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		line, err := s.lockLine(tx, sub)
		if err != nil {
			return err
		}
		if stored, found, err = earlier(tx, sub); err != nil {
			return err
		}
		if found {
			return errKnown
		}
		stored, err = s.addSubmission(tx, sub, line, keys)
		return err
	})
	if errors.Is(err, errKnown) {
		return stored, false, nil
	}
	return stored, err == nil, err
}

// earlier finds what a submission repeats.
func earlier(tx *gorm.DB, sub Submission) (known Submission, found bool, err error) {
	query := tx.Table(submissionsTable).Where("portal = ?", sub.Portal)
	switch {
	case sub.Kind == KindMethod:
		query = query.Where("workflow_id = ?", sub.WorkflowID)
	case sub.IdempotencyKey != "":
		query = query.Where("kind = 'request' AND idempotency_key <> '' AND idempotency_key = ?", clean(sub.IdempotencyKey))
	default:
		query = query.Where(`workflow_id = ? AND body_hash = ? AND (created_at > ? OR NOT EXISTS (SELECT 1 FROM submissions newer
				WHERE newer.portal = submissions.portal AND newer.workflow_id = submissions.workflow_id AND newer.revision > submissions.revision))`,
			sub.WorkflowID, sub.BodyHash, micros(now().Add(-RetryWindow)))
	}
	var rows []Submission
	if err := query.Order("revision DESC").Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return Submission{}, false, err
	}
	if rows[0].BodyHash != sub.BodyHash {
		return Submission{}, false, ErrKeyReused
	}
	return rows[0], true, nil
}

// lockLine makes sure that the ledger has a line for the submission, and locks
// it: submissions with one workflow id are accepted one after the other.
func (s *Store) lockLine(tx *gorm.DB, sub Submission) (Sync, error) {
	line := Sync{ID: NewID(), Portal: sub.Portal, Kind: sub.Kind, WorkflowID: sub.WorkflowID}
	input := map[string]string{"portal": sub.Portal, "sync_id": line.ID}
	if sub.Kind == KindMethod {
		input["method"] = sub.Name
	}
	line.Input = mustJSON(input)
	if _, err := createSync(tx, &line); err != nil {
		return Sync{}, err
	}
	var locked Sync
	err := tx.Raw("SELECT * FROM syncs WHERE portal = ? AND workflow_id = ?"+s.d.lock, sub.Portal, sub.WorkflowID).Take(&locked).Error
	return locked, err
}

// addSubmission stores a submission that is new, with the line locked.
func (s *Store) addSubmission(tx *gorm.DB, sub Submission, line Sync, keys []string) (Submission, error) {
	var last int
	err := tx.Raw("SELECT COALESCE(MAX(revision), 0) FROM submissions WHERE sync_id = ?", line.ID).Scan(&last).Error
	switch {
	case err != nil:
		return Submission{}, err
	case last >= MaxRevisions:
		return Submission{}, fmt.Errorf("%w: a request can be corrected %d times", ErrTooMany, MaxRevisions-1)
	}
	if sub.Seq, err = nextAcceptance(tx, sub.Portal); err != nil {
		return Submission{}, err
	}
	sub.ID, sub.SyncID, sub.Revision, sub.CreatedAt = NewID(), line.ID, last+1, now()
	sub.StartedAt, sub.AnsweredAt, sub.StatusCode, sub.Answer = time.Time{}, time.Time{}, 0, nil
	if err := s.insertSubmission(tx, sub); err != nil {
		return Submission{}, err
	}
	if err := reopenLine(tx, line); err != nil {
		return Submission{}, err
	}
	return sub, s.addTickets(tx, sub.Portal, sub.SyncID, sub.Seq, keys)
}

// nextAcceptance counts up. The row stays locked until the transaction ends:
// what has a lower number is committed, and can be seen, before.
func nextAcceptance(tx *gorm.DB, portal string) (seq int64, err error) {
	err = tx.Raw(`INSERT INTO acceptances (portal, seq) VALUES (?, 1)
		ON CONFLICT (portal) DO UPDATE SET seq = acceptances.seq + 1 RETURNING seq`, portal).Scan(&seq).Error
	return seq, err
}

func (s *Store) insertSubmission(tx *gorm.DB, sub Submission) error {
	var clock int64
	if err := tx.Raw("SELECT " + s.d.now).Scan(&clock).Error; err != nil {
		return err
	}
	if sub.Body == nil {
		sub.Body = []byte{}
	}
	return tx.Table(submissionsTable).Create(&submissionRow{Submission: sub, ReadyAt: clock}).Error
}

// reopenLine: a correction is new work. A parked line stays for a person.
func reopenLine(tx *gorm.DB, line Sync) error {
	switch line.Status {
	case SyncDone, SyncSkipped, SyncAbandoned:
		return tx.Exec("UPDATE syncs SET status = ?, reason = '', finished_at = 0, updated_at = ? WHERE id = ?",
			SyncOpen, micros(now()), line.ID).Error
	}
	return nil
}

// MarkStarted notes that Temporal has taken a submission, by which run. Earlier
// revisions of it are started as well: a run reads all there are.
func (s *Store) MarkStarted(ctx context.Context, id, runID string) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		var sub Submission
		if err := tx.Table(submissionsTable).Where("id = ?", id).Take(&sub).Error; err != nil {
			return err
		}
		err := tx.Exec("UPDATE submissions SET started_at = ? WHERE sync_id = ? AND revision <= ? AND started_at = 0",
			micros(now()), sub.SyncID, sub.Revision).Error
		if err != nil || runID == "" {
			return err
		}
		return tx.Exec("UPDATE syncs SET run_id = ? WHERE id = ?", runID, sub.SyncID).Error
	})
	return fail(err, "mark submission %s as started", id)
}

// relayLease is how long a submission stays with the process that was handed it.
const relayLease = 10 * time.Second

// UnstartedSubmissions hands out submissions that Temporal has not taken
// although they were accepted more than olderThan ago, oldest first. For
// relayLease nobody else gets them; what is not marked as started by then is
// handed out again.
func (s *Store) UnstartedSubmissions(ctx context.Context, olderThan time.Duration, limit int) (all []Submission, err error) {
	age := olderThan.Microseconds()
	var waiting bool
	err = s.read(ctx).Raw("SELECT EXISTS (SELECT 1 FROM submissions WHERE started_at = 0 AND ready_at <= (SELECT "+s.d.now+") - ?)", age).
		Scan(&waiting).Error
	if err != nil || !waiting {
		return nil, fail(err, "unstarted submissions")
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		return tx.Raw(`UPDATE submissions SET ready_at = `+s.d.now+` + ? WHERE id IN (
				SELECT id FROM submissions WHERE started_at = 0 AND ready_at <= (SELECT `+s.d.now+`) - ? ORDER BY ready_at LIMIT ?`+s.d.skip+`)
			RETURNING *`, relayLease.Microseconds()-age, age, limit).Scan(&all).Error
	})
	return all, fail(err, "unstarted submissions")
}

// PutOffSubmission hands a submission that Temporal has not taken out again only
// after some time. For one that was taken, or deleted, it does nothing.
func (s *Store) PutOffSubmission(ctx context.Context, id string, wait time.Duration) error {
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE submissions SET ready_at = "+s.d.now+" + ? WHERE id = ? AND started_at = 0", wait.Microseconds(), id).Error
	})
	return fail(err, "put submission %s off", id)
}
