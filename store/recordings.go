package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// The states of a recording.
const (
	RecordingWaiting  = "waiting"  // at its URL, not fetched yet
	RecordingStored   = "stored"   // on our disk
	RecordingAttached = "attached" // in the portal; the file is still on our disk
	RecordingGone     = "gone"     // no longer on our disk
)

// The sources of recordings.
const (
	RecordingURL    = "url"
	RecordingUpload = "upload"
)

// Recording is the sound of a call on its way to the portal.
type Recording struct {
	ID         string    `json:"id"` // UUIDv7; given by SaveRecording if empty
	Portal     string    `json:"portal"`
	CallID     string    `json:"call_id" gorm:"serializer:text"` // "" = uploaded, not used yet
	SyncID     string    `json:"sync_id"`                        // run that attaches it, "" = none yet
	Source     string    `json:"source"`                         // url or upload
	URL        string    `json:"url" gorm:"serializer:text"`
	FileName   string    `json:"file_name" gorm:"serializer:text"`
	Path       string    `json:"path"` // below the directory of recordings, "" = not stored
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256" gorm:"column:sha256"` // hex
	State      string    `json:"state"`
	CreatedAt  time.Time `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"` // zero = now
	AttachedAt time.Time `json:"attached_at,omitzero" gorm:"serializer:micros"`
}

const recordingsTable = "recordings"

// SaveRecording adds what r knows to what is known of the recording: zero values
// change nothing. A recording without id is new, in the state waiting if it
// names none. The stored recording is returned; ErrNotFound if the id belongs
// to another portal.
func (s *Store) SaveRecording(ctx context.Context, r Recording) (Recording, error) {
	if r.ID == "" {
		r.ID = NewID()
		r.State = orText(r.State, RecordingWaiting)
	}
	err := s.write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO recordings (id, portal, call_id, sync_id, source, url, file_name, path, bytes, sha256, state,
				created_at, attached_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET
				call_id = COALESCE(NULLIF(excluded.call_id, ''), recordings.call_id),
				sync_id = COALESCE(NULLIF(excluded.sync_id, ''), recordings.sync_id),
				source = COALESCE(NULLIF(excluded.source, ''), recordings.source),
				url = COALESCE(NULLIF(excluded.url, ''), recordings.url),
				file_name = COALESCE(NULLIF(excluded.file_name, ''), recordings.file_name),
				path = COALESCE(NULLIF(excluded.path, ''), recordings.path),
				bytes = COALESCE(NULLIF(excluded.bytes, 0), recordings.bytes),
				sha256 = COALESCE(NULLIF(excluded.sha256, ''), recordings.sha256),
				state = COALESCE(NULLIF(excluded.state, ''), recordings.state),
				attached_at = COALESCE(NULLIF(excluded.attached_at, 0), recordings.attached_at)
			WHERE recordings.portal = excluded.portal`,
			r.ID, r.Portal, clean(r.CallID), r.SyncID, r.Source, clean(r.URL), clean(r.FileName), r.Path, r.Bytes, r.SHA256, r.State,
			micros(orNow(r.CreatedAt)), micros(r.AttachedAt)).Error
	})
	if err != nil {
		return Recording{}, fail(err, "save recording %s", r.ID)
	}
	return s.Recording(ctx, r.Portal, r.ID)
}

// Recording gives one recording of a portal.
func (s *Store) Recording(ctx context.Context, portal, id string) (Recording, error) {
	var r Recording
	err := s.read(ctx).Table(recordingsTable).Where("portal = ? AND id = ?", portal, id).Take(&r).Error
	return r, fail(err, "recording %s", id)
}

// RecordingOfSync gives the newest recording that a run is to attach.
func (s *Store) RecordingOfSync(ctx context.Context, portal, syncID string) (Recording, error) {
	var r Recording
	err := s.read(ctx).Table(recordingsTable).Where("portal = ? AND sync_id = ? AND sync_id <> ''", portal, syncID).
		Order("created_at DESC").Limit(1).Take(&r).Error
	return r, fail(err, "recording of sync %s", syncID)
}

// AttachedRecording gives the recording of a call, by its id or by its URL, if it
// was attached to the call once, be it replaced since or not; else ErrNotFound.
func (s *Store) AttachedRecording(ctx context.Context, portal, callID, id, url string) (Recording, error) {
	var r Recording
	err := s.read(ctx).Table(recordingsTable).
		Where("portal = ? AND call_id = ? AND attached_at <> 0 AND (id = ? OR url <> '' AND url = ?)", portal, clean(callID), id, clean(url)).
		Order("attached_at DESC").Limit(1).Take(&r).Error
	return r, fail(err, "attached recording of call %s", callID)
}

// RecordingsUsage is what the recordings of a portal take of our disk, in bytes.
func (s *Store) RecordingsUsage(ctx context.Context, portal string) (bytes int64, err error) {
	err = s.read(ctx).Raw("SELECT COALESCE(SUM(bytes), 0) FROM recordings WHERE portal = ? AND state <> 'gone' AND path <> ''", portal).
		Scan(&bytes).Error
	return bytes, fail(err, "usage of recordings of %s", portal)
}

// ExpiredRecordings gives recordings whose files may go, oldest first: attached
// before one time, or stored before another one and wanted by nobody any more
// (never used, or the run was given up).
func (s *Store) ExpiredRecordings(ctx context.Context, portal string, attached, unused time.Time, limit int) ([]Recording, error) {
	var all []Recording
	err := s.read(ctx).Raw(`SELECT * FROM recordings WHERE portal = ? AND state <> 'gone' AND (
			(state = 'attached' AND attached_at < ?)
			OR (state IN ('stored', 'waiting') AND created_at < ? AND NOT EXISTS (
				SELECT 1 FROM syncs WHERE syncs.id = recordings.sync_id AND syncs.status IN ('open', 'syncing', 'failed'))))
		ORDER BY created_at LIMIT ?`, portal, micros(attached), micros(unused), Page{Limit: limit}.size()).Scan(&all).Error
	return all, fail(err, "expired recordings of %s", portal)
}

func orText(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
