package bitrix24

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// maxUpload is the largest file in bytes that the portal takes: the body limit
// of the cloud (bitrix24 reference §1.2).
const maxUpload = 2 << 30

// blobs keep large files outside of memory and of the SQLite file: beside that
// file, or in a temporary directory that goes with the portal.
type blobs struct {
	mu   sync.Mutex
	dir  string
	temp bool // the directory is nobody else's business
}

// blob is a stored content: its name, length in bytes and hex digest.
type blob struct {
	Name   string
	Size   int64
	SHA256 string
}

// newBlobs keeps files beside path; "" means a temporary directory.
func newBlobs(path string) *blobs {
	if path == "" {
		return &blobs{temp: true}
	}
	return &blobs{dir: path + ".files"}
}

// create makes the directory if there is none yet, and an empty file in it.
func (b *blobs) create() (*os.File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "sandbox-bitrix24-")
		if err != nil {
			return nil, fmt.Errorf("make a directory for files: %w", err)
		}
		b.dir = dir
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a directory for files: %w", err)
	}
	f, err := os.CreateTemp(b.dir, "file-*")
	if err != nil {
		return nil, fmt.Errorf("make a file: %w", err)
	}
	return f, nil
}

// save copies content into a new file, piece by piece. On an error, also one of
// the reader, nothing stays behind. More than maxUpload is errTooLarge.
func (b *blobs) save(content io.Reader) (blob, error) {
	f, err := b.create()
	if err != nil {
		return blob{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(content, maxUpload+1))
	if err == nil && n > maxUpload {
		err = errTooLarge
	}
	if err = errors.Join(err, f.Close()); err != nil {
		b.remove(filepath.Base(f.Name()))
		return blob{}, fmt.Errorf("store a file: %w", err)
	}
	return blob{filepath.Base(f.Name()), n, hex.EncodeToString(sum.Sum(nil))}, nil
}

func (b *blobs) path(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return filepath.Join(b.dir, name)
}

func (b *blobs) open(name string) (*os.File, error) { return os.Open(b.path(name)) }

// remove deletes a file; one that is not there is as good as deleted.
func (b *blobs) remove(name string) {
	if name != "" {
		_ = os.Remove(b.path(name))
	}
}

// clear deletes all files.
func (b *blobs) clear() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		return nil
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("delete the files: %w", err)
	}
	return nil
}

// close deletes the files if they were temporary.
func (b *blobs) close() error {
	if !b.temp {
		return nil
	}
	return b.clear()
}

// sweep deletes the files that no row names: uploads that a crash cut off.
func (b *blobs) sweep(files []*file) {
	known := map[string]bool{}
	for _, f := range files {
		known[f.Blob] = true
	}
	entries, _ := os.ReadDir(b.path("")) // no directory: nothing was ever uploaded
	for _, e := range entries {
		if !known[e.Name()] {
			b.remove(e.Name())
		}
	}
}
