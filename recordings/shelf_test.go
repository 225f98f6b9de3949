package recordings

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// sound is a wav file of any size that is never held in memory. Another take
// has another content.
type sound struct{ size, at, take int64 }

func (s *sound) Read(p []byte) (int, error) {
	if s.at >= s.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.size-s.at)]
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(s.size-8))
	head = append(head, "WAVE"...)
	for i := range p {
		if at := s.at + int64(i); at < int64(len(head)) {
			p[i] = head[at]
		} else {
			p[i] = byte((at + s.take) % 251)
		}
	}
	s.at += int64(len(p))
	return len(p), nil
}

func (s *sound) Seek(offset int64, whence int) (int64, error) {
	s.at = offset + []int64{0, s.at, s.size}[whence]
	return s.at, nil
}

func sumOf(t *testing.T, size, take int64) string {
	t.Helper()
	hash := sha256.New()
	_, err := io.Copy(hash, &sound{size: size, take: take})
	require.NoError(t, err)
	return hex.EncodeToString(hash.Sum(nil))
}

// shelf is a server with one recording, and with the habits of many.
type shelf struct {
	*httptest.Server

	mu       sync.Mutex
	size     int64
	take     int64
	tag      string    // ETag
	modified time.Time // zero = not told
	plain    bool      // knows no ranges
	silent   bool      // tells no length
	cutAfter int64     // closes the connection after so many bytes of a body, once
	grow     int64     // by so much with every request
	stall    bool      // sends half and then nothing
	handler  http.HandlerFunc
	ranges   []string // that were asked for
	sent     int64    // bytes of bodies, without looks
}

func newShelf(t *testing.T, s *shelf) *shelf {
	t.Helper()
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	if s.grow != 0 && len(s.ranges) > 1 {
		s.size += s.grow
	}
	file, counted := &sound{size: s.size, take: s.take}, &counting{ResponseWriter: w, shelf: s, look: r.Header.Get("Range") == "bytes=0-0"}
	plain, silent, tag, modified, handler := s.plain, s.silent, s.tag, s.modified, s.handler
	s.mu.Unlock()
	if tag != "" {
		w.Header().Set("ETag", tag)
	}
	switch {
	case handler != nil:
		handler(counted, r)
	case silent:
		w.(http.Flusher).Flush() // before the body: chunked
		_, _ = io.Copy(counted, file)
	case plain:
		w.Header().Set("Content-Length", strconv.FormatInt(file.size, 10))
		_, _ = io.Copy(counted, file)
	default:
		http.ServeContent(counted, r, "", modified, file)
	}
}

// counting counts, and cuts or stalls where the shelf says so.
type counting struct {
	http.ResponseWriter

	shelf *shelf
	look  bool // at the first byte only, whatever is sent
}

func (c *counting) Write(p []byte) (int, error) {
	if c.look {
		return c.ResponseWriter.Write(p)
	}
	c.shelf.mu.Lock()
	cut, stall := c.shelf.cutAfter, c.shelf.stall
	if cut > 0 && c.shelf.sent+int64(len(p)) > cut {
		p = p[:cut-c.shelf.sent]
		c.shelf.cutAfter = 0
	} else {
		cut = 0
	}
	c.shelf.sent += int64(len(p))
	c.shelf.mu.Unlock()
	n, err := c.ResponseWriter.Write(p)
	if cut > 0 {
		c.Flush()
		panic(http.ErrAbortHandler)
	}
	if stall {
		c.Flush()
		return n, errors.Join(err, c.hang())
	}
	return n, err
}

func (c *counting) Flush() { _ = http.NewResponseController(c.ResponseWriter).Flush() }

// hang ends when the client gives up.
func (c *counting) hang() error {
	conn, _, err := http.NewResponseController(c.ResponseWriter).Hijack()
	if err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return errors.Join(err, conn.Close())
}

func (s *shelf) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.ranges...)
}

// told is the length of the file, and how much of it was sent.
func (s *shelf) told() (size, sent int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size, s.sent
}

func (s *shelf) change(f func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}
