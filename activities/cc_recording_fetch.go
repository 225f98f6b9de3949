package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"puente/portals"
	"puente/recordings"
	"puente/store"
	"puente/workflows"
)

// Recordings holds the steps that carry the sound of calls: they take minutes
// and have a queue of their own.
type Recordings struct {
	Store   *store.Store
	Portals *portals.Registry
	Files   *recordings.Keeper
	// Fetcher takes recordings from the URLs that the contact center names.
	Fetcher recordings.Fetcher
}

// stepRecording begins the name of the step that attaches a recording; its id follows.
const stepRecording = "recording"

// Types of errors that pass with time.
const (
	errUnavailable = "Unavailable"
	errGrowing     = "Growing"
	errNoRoom      = "NoRoom"
	errStopping    = "Stopping"
)

// Waits between looks at a recording that cannot be had yet.
const (
	soon         = 5 * time.Second
	growingLimit = 5 * time.Minute
	absentLimit  = 10 * time.Minute
	roomDelay    = time.Minute
	lockDelay    = 15 * time.Second
)

// recorder is one step on the way of a recording.
type recorder struct {
	*desk
	files   *recordings.Keeper
	fetcher recordings.Fetcher
	phone   store.Call
	rec     store.Recording
}

// FetchRecording brings the recording of a call onto our disk, where an upload
// is already. What cannot be had yet is asked for again, with growing waits:
// nothing there, no access, still being written, no room. It is final that an
// address is not public and that the file is too large or no recording.
func (a *Recordings) FetchRecording(ctx context.Context, in workflows.RecordingInput) (workflows.FetchedRecording, error) {
	r, err := a.recorder(ctx, in)
	if err == nil {
		err = r.alone(ctx, in.CallID, r.fetch)
	}
	return workflows.FetchedRecording{RecordingID: r.rec.ID, Bytes: r.rec.Bytes}, r.end(ctx, stepRecording, r.judged(ctx, err))
}

func (a *Recordings) recorder(ctx context.Context, in workflows.RecordingInput) (*recorder, error) {
	crm := Bitrix24{Store: a.Store, Portals: a.Portals}
	d, err := crm.desk(ctx, in.Portal, in.SyncID, 0)
	return &recorder{desk: d, files: a.Files, fetcher: a.Fetcher}, err
}

// alone runs f while nobody else works on a recording of the call: another run,
// or an earlier attempt that Temporal has given up and that does not know it
// yet. The lock of a process that died is free.
func (r *recorder) alone(ctx context.Context, callID string, f func(context.Context) error) error {
	unlock, ok, err := r.files.Dir.Lock(r.portal, callID)
	if err != nil {
		return err
	}
	if !ok {
		return again(errInFlight, "another run or an earlier attempt is still at work on a recording of this call", spread(lockDelay))
	}
	defer unlock()
	if r.phone, err = r.store.Call(ctx, r.portal, callID); err != nil {
		return err
	}
	if r.rec, err = r.wantedRecording(ctx); err != nil {
		return err
	}
	return f(ctx)
}

func (r *recorder) fetch(ctx context.Context) error {
	if holds(r.phone, r.rec) || r.stored() {
		return nil
	}
	return r.refetch(ctx)
}

// stored tells whether the whole file is on our disk. Another machine may have
// fetched it onto a disk of its own.
func (r *recorder) stored() bool {
	if r.rec.Path == "" || r.rec.State == store.RecordingWaiting || r.rec.State == store.RecordingGone {
		return false
	}
	file, err := r.files.Dir.Open(r.rec.Path)
	if err != nil {
		return false
	}
	info, err := file.Stat()
	return errors.Join(err, file.Close()) == nil && info.Size() == r.rec.Bytes
}

func (r *recorder) refetch(ctx context.Context) error {
	if r.rec.URL == "" {
		return finalAt(r.recordingField("recording_id"), errNotFound, uploadGone)
	}
	ctx, cancel := untilStopped(ctx)
	defer cancel()
	got, err := r.files.Fetch(ctx, r.rec, r.fetcher, r.settings.ContactCenter.Recordings)
	if err == nil {
		r.rec = got
	}
	return err
}

// untilStopped ends when the worker is told to stop: another one goes on with
// what was loaded, instead of beginning to wait for this one to vanish.
func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if !activity.IsActivity(ctx) {
		return ctx, cancel
	}
	stop := activity.GetWorkerStopChannel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// judged tells which errors of a recording pass with time, and which a person
// has to mend.
func (r *recorder) judged(ctx context.Context, err error) error {
	var away *recordings.Unavailable
	url, most := r.recordingField("url"), r.settings.ContactCenter.Recordings.MaxMiB
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, recordings.ErrForbidden):
		return finalAt(url, errInvalid, err.Error())
	case errors.Is(err, recordings.ErrTooLarge):
		return finalAt(url, errInvalid, fmt.Sprintf("%s: %d MiB (setting contact_center.recordings.max_mib)", err, most))
	case errors.Is(err, recordings.ErrFormat):
		return finalAt(url, errInvalid, err.Error())
	case errors.Is(err, recordings.ErrFull):
		return again(errNoRoom, err.Error()+" (setting contact_center.recordings.quota_mib)", spread(roomDelay))
	case errors.Is(err, recordings.ErrGrowing):
		return again(errGrowing, err.Error(), growing(ctx, soon, growingLimit))
	case errors.As(err, &away):
		return again(errUnavailable, away.Error(), max(away.RetryAfter, growing(ctx, soon, absentLimit)))
	case errors.Is(err, context.Canceled):
		return again(errStopping, "this worker stops: another one goes on", spread(busyDelay))
	}
	return err
}
