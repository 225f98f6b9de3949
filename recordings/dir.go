package recordings

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Errors to be recognised with errors.Is.
var (
	// ErrTooLarge means that a recording is longer than it may be.
	ErrTooLarge = errors.New("the recording is larger than is allowed")
	// ErrFormat means that a file is neither wav nor mp3, or not what its name says.
	ErrFormat = errors.New("the recording is neither a wav nor an mp3 file")
	// ErrFull means that the quota of the portal is used up, or the disk is full.
	ErrFull = errors.New("there is no room for the recording")
	// ErrForbidden means that an address is not public, or not encrypted.
	ErrForbidden = errors.New("the address of the recording must be public and begin with https")
	// ErrGrowing means that a file is still being written where it is fetched from.
	ErrGrowing = errors.New("the recording is still being written")
)

// Dir is a directory of recordings. Paths are relative to it, with slashes.
type Dir struct{ root string }

// NewDir names a directory; it is made with the first file.
func NewDir(root string) Dir { return Dir{root: root} }

// File is a stored file.
type File struct {
	Path   string
	Bytes  int64
	SHA256 string // hex
}

const partial = ".part"

// Save streams a recording into the file {portal}/{id}{.wav|.mp3}, which takes
// the place of an earlier one. The name tells the kind, the first bytes must
// agree. At most limit bytes are taken. Nothing stays behind after an error:
// ErrTooLarge, ErrFormat, ErrFull or one of reading or writing.
func (d Dir) Save(ctx context.Context, portal, id, name string, from io.Reader, limit int64) (file File, err error) {
	kind, err := kindOf(name)
	if err != nil {
		return File{}, err
	}
	buffered := bufio.NewReaderSize(from, 64<<10)
	if head, err := buffered.Peek(headSize); !kind.begins(head) {
		if err != nil && !errors.Is(err, io.EOF) {
			return File{}, fmt.Errorf("read the recording: %w", err)
		}
		return File{}, ErrFormat
	}
	file.Path = portal + "/" + id + kind.ext
	root, err := d.open(portal)
	if err != nil {
		return File{}, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	temporary := file.Path + partial
	if file.Bytes, file.SHA256, err = write(ctx, root, temporary, buffered, limit); err != nil {
		return File{}, errors.Join(noRoom(err), gone(root.Remove(temporary)))
	}
	return file, rename(root, temporary, file.Path)
}

// open makes the directory of a portal. Everything happens inside a root: no
// path can lead out of it.
func (d Dir) open(portal string) (*os.Root, error) {
	if err := os.MkdirAll(filepath.Join(d.root, filepath.FromSlash(portal)), 0o700); err != nil {
		return nil, fmt.Errorf("directory of recordings: %w", err)
	}
	return os.OpenRoot(d.root)
}

// write copies to a new file and forces it to the disk.
func write(ctx context.Context, root *os.Root, name string, from io.Reader, limit int64) (n int64, sum string, err error) {
	out, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	n, err = io.Copy(io.MultiWriter(out, hash), io.LimitReader(untilDone{ctx, from}, limit+1))
	if err == nil && n > limit {
		err = ErrTooLarge
	}
	if err == nil {
		err = out.Sync()
	}
	return n, hex.EncodeToString(hash.Sum(nil)), errors.Join(err, out.Close())
}

// untilDone ends a reading when the context ends.
type untilDone struct {
	ctx  context.Context
	from io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.from.Read(p)
}

// rename gives a file its name, also after a loss of power: the directory is synced.
func rename(root *os.Root, from, to string) error {
	if err := root.Rename(from, to); err != nil {
		return err
	}
	dir, err := root.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func noRoom(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// gone: what is not there need not be removed.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Open opens a stored file for reading; fs.ErrNotExist if it is gone.
func (d Dir) Open(name string) (*os.File, error) {
	return os.OpenInRoot(d.root, name)
}

// Remove deletes a file. One that is not there is no error.
func (d Dir) Remove(name string) error {
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return gone(err)
	}
	return errors.Join(gone(root.Remove(name)), root.Close())
}

// Sweep deletes files that nobody wrote to since a time, if they were never
// finished or nobody wants them.
func (d Dir) Sweep(before time.Time, wanted func(portal, id string) (bool, error)) error {
	root, err := os.OpenRoot(d.root)
	if err != nil {
		return gone(err)
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return gone(err)
		}
		info, err := entry.Info()
		if err != nil || info.ModTime().After(before) {
			return gone(err)
		}
		portal, file := path.Split(name)
		keep := false
		if !strings.HasSuffix(name, partial) {
			keep, err = wanted(path.Clean(portal), strings.TrimSuffix(file, path.Ext(file)))
		}
		if err != nil || keep {
			return err
		}
		return gone(root.Remove(name))
	})
	return errors.Join(err, root.Close())
}
