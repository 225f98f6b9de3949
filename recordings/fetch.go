package recordings

import (
	"context"
	"errors"
	"net/url"
	"path"
	"strings"

	"puente/settings"
	"puente/store"
)

// Fetch brings a recording from its URL to the disk, in the state stored. What
// an earlier attempt has loaded is continued. The content decides of which kind
// it is, and the name is corrected. Errors: ErrForbidden, ErrTooLarge and
// ErrFormat stay; ErrGrowing, ErrFull and *Unavailable pass with time; others
// are of the disk or the database. Only one may fetch a recording at a time: see
// Dir.Lock.
func (k *Keeper) Fetch(ctx context.Context, r store.Recording, from Fetcher, conf settings.Recordings) (store.Recording, error) {
	d, err := k.Dir.download(r, from, int64(conf.MaxMiB)<<20)
	if err != nil {
		return store.Recording{}, err
	}
	r, err = k.fetch(ctx, d, r, conf)
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrFormat) {
		err = errors.Join(err, d.discard())
	}
	return r, errors.Join(err, d.close())
}

func (k *Keeper) fetch(ctx context.Context, d *download, r store.Recording, conf settings.Recordings) (store.Recording, error) {
	length, err := d.settled(ctx)
	if err != nil {
		return store.Recording{}, err
	}
	if err := k.reserve(ctx, r, max(length, 1), conf); err != nil {
		return store.Recording{}, err
	}
	size, err := d.load(ctx, length)
	if err != nil {
		return store.Recording{}, noRoom(err)
	}
	if length < 0 { // nobody knew what it would take
		if err := k.Room(ctx, r.Portal, size, conf); err != nil {
			return store.Recording{}, errors.Join(err, d.discard())
		}
	}
	file, kind, err := d.finish(ctx)
	if err != nil {
		return store.Recording{}, err
	}
	return k.Store.SaveRecording(ctx, store.Recording{
		ID: r.ID, Portal: r.Portal, State: store.RecordingStored, FileName: named(r, kind),
		Path: file.Path, Bytes: file.Bytes, SHA256: file.SHA256,
	})
}

// reserve takes the room for a recording before it is loaded: several are
// loaded at the same time.
func (k *Keeper) reserve(ctx context.Context, r store.Recording, bytes int64, conf settings.Recordings) error {
	var reserved int64
	if r.Path != "" && r.State != store.RecordingGone {
		reserved = r.Bytes
	}
	if err := k.Room(ctx, r.Portal, max(bytes-reserved, 0), conf); err != nil {
		return err
	}
	_, err := k.Store.SaveRecording(ctx, store.Recording{
		ID: r.ID, Portal: r.Portal, State: store.RecordingWaiting, Path: r.Portal + "/" + r.ID + partial, Bytes: bytes,
	})
	return err
}

// named is the name under which the portal gets a recording: it must end as its
// kind does (bitrix24 reference §5.3).
func named(r store.Recording, k kind) string {
	name := r.FileName
	if u, err := url.Parse(r.URL); name == "" && err == nil {
		name = path.Base(u.Path)
	}
	if name = strings.Trim(strings.TrimSuffix(name, path.Ext(name)), "./"); name == "" {
		name = "recording"
	}
	const most = 100 // characters; more than any list shows
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most])
	}
	return name + k.ext
}
