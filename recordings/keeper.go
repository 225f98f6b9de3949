package recordings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"puente/settings"
	"puente/store"
)

// Store is where recordings are written down; *store.Store is one.
type Store interface {
	SaveRecording(ctx context.Context, r store.Recording) (store.Recording, error)
	Recording(ctx context.Context, portal, id string) (store.Recording, error)
	RecordingsUsage(ctx context.Context, portal string) (bytes int64, err error)
	ExpiredRecordings(ctx context.Context, portal string, attached, unused time.Time, limit int) ([]store.Recording, error)
}

// Keeper keeps the files and the table in step: a file is there before its row
// says so, and deleted before its row says that it is gone. What a crash leaves
// in between is found by Sweep and by the next Expire.
type Keeper struct {
	Dir   Dir
	Store Store
}

// unusedFor is the least time for which an upload waits for the call it
// belongs to.
const unusedFor = 3 * 24 * time.Hour

// expiredRows is how many recordings are deleted at a time.
const expiredRows = 100

// Upload stores what a caller sends as a recording of its own, in the state
// stored. size is what the caller announced, in bytes, 0 = nothing. Errors are
// those of Dir.Save; ErrFull also if the quota of the portal does not allow it.
func (k *Keeper) Upload(
	ctx context.Context, portal, name string, from io.Reader, size int64, conf settings.Recordings,
) (store.Recording, error) {
	limit := int64(conf.MaxMiB) << 20
	if size > limit+multipartSlack {
		return store.Recording{}, ErrTooLarge
	}
	if err := k.Room(ctx, portal, max(size-multipartSlack, 1), conf); err != nil {
		return store.Recording{}, err
	}
	r := store.Recording{
		ID: store.NewID(), Portal: portal, Source: store.RecordingUpload, FileName: name, State: store.RecordingStored,
	}
	return k.keep(ctx, r, from, limit, conf)
}

// multipartSlack is what the frame of an upload may add to the announced size.
const multipartSlack = 4 << 10

func (k *Keeper) keep(ctx context.Context, r store.Recording, from io.Reader, limit int64, conf settings.Recordings) (store.Recording, error) {
	file, err := k.Dir.Save(ctx, r.Portal, r.ID, r.FileName, from, limit)
	if err != nil {
		return store.Recording{}, err
	}
	// Others may have been stored meanwhile, and not every size is announced.
	if err := k.Room(ctx, r.Portal, file.Bytes, conf); err != nil {
		return store.Recording{}, errors.Join(err, k.Dir.Remove(file.Path))
	}
	r.Path, r.Bytes, r.SHA256 = file.Path, file.Bytes, file.SHA256
	stored, err := k.Store.SaveRecording(ctx, r)
	if err != nil {
		return store.Recording{}, errors.Join(err, k.Dir.Remove(file.Path))
	}
	return stored, nil
}

// Room makes sure that the portal may store so many bytes more. Files that are
// in the portal already make way for new ones before their time; ErrFull if
// even that is not enough.
func (k *Keeper) Room(ctx context.Context, portal string, bytes int64, conf settings.Recordings) error {
	quota := int64(conf.QuotaMiB) << 20
	for {
		used, err := k.Store.RecordingsUsage(ctx, portal)
		if err != nil {
			return err
		}
		if used+bytes <= quota {
			return nil
		}
		n, err := k.drop(ctx, portal, time.Now(), time.Time{}, 1)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: %d of %d MiB are used", ErrFull, used>>20, conf.QuotaMiB)
		}
	}
}

// Expire deletes the files of a portal that were attached longer ago than the
// settings want, or that nobody wants any more, and gives their number.
func (k *Keeper) Expire(ctx context.Context, portal string, conf settings.Recordings, now time.Time) (int, error) {
	kept := time.Duration(conf.RetentionDays) * 24 * time.Hour
	attached, unused := now.Add(-kept), now.Add(-max(kept, unusedFor))
	for total := 0; ; {
		n, err := k.drop(ctx, portal, attached, unused, expiredRows)
		if total += n; err != nil || n < expiredRows {
			return total, err
		}
	}
}

// drop deletes some files that may go.
func (k *Keeper) drop(ctx context.Context, portal string, attached, unused time.Time, limit int) (int, error) {
	expired, err := k.Store.ExpiredRecordings(ctx, portal, attached, unused, limit)
	for i, r := range expired {
		if err := k.remove(ctx, r); err != nil {
			return i, err
		}
	}
	return len(expired), err
}

func (k *Keeper) remove(ctx context.Context, r store.Recording) error {
	if r.Path != "" {
		if err := k.Dir.Remove(r.Path); err != nil {
			return err
		}
	}
	_, err := k.Store.SaveRecording(ctx, store.Recording{ID: r.ID, Portal: r.Portal, State: store.RecordingGone})
	return err
}

// leftBehind is the age at which a file that no row knows was left by a
// process that died: no upload takes so long.
const leftBehind = 24 * time.Hour

// Sweep deletes such files.
func (k *Keeper) Sweep(ctx context.Context, now time.Time) error {
	return k.Dir.Sweep(now.Add(-leftBehind), func(portal, id string) (bool, error) {
		r, err := k.Store.Recording(ctx, portal, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return r.State != store.RecordingGone, err
	})
}
