package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"puente/internal/wait"
	"puente/store"
)

// download is a recording on its way from a URL into a file. What must survive
// a restart stands beside it: the part that is loaded, and a note.
type download struct {
	root     *os.Root
	from     Fetcher
	client   *http.Client
	url      string
	name     string // of the file, without its ending
	partPath string
	notePath string
	limit    int64 // bytes
	note     note
}

// note is what is remembered of the file at the URL.
type note struct {
	Length    int64     `json:"length"`    // at the last look
	Since     time.Time `json:"since"`     // since when it was seen to be that
	Validator string    `json:"validator"` // of the file of which there is a part
}

func (d Dir) download(r store.Recording, from Fetcher, limit int64) (*download, error) {
	root, err := d.open(r.Portal)
	if err != nil {
		return nil, err
	}
	name := r.Portal + "/" + r.ID
	out := &download{
		root: root, from: from, client: from.client(), url: r.URL, name: name, limit: limit,
		partPath: name + partial, notePath: name + ".note" + partial,
	}
	// A note that a power failure has spoilt means to begin anew, as none does.
	if raw, err := root.ReadFile(out.notePath); err != nil || json.Unmarshal(raw, &out.note) != nil {
		out.note = note{}
	}
	return out, nil
}

func (d *download) close() error {
	d.client.CloseIdleConnections()
	return d.root.Close()
}

// discard forgets what was loaded.
func (d *download) discard() error {
	d.note = note{}
	return errors.Join(gone(d.root.Remove(d.partPath)), gone(d.root.Remove(d.notePath)))
}

func (d *download) remember() error {
	raw, err := json.Marshal(d.note)
	if err != nil {
		return err
	}
	return d.root.WriteFile(d.notePath, raw, 0o600)
}

// settled gives the length of the file as soon as two looks some seconds apart
// tell the same, else ErrGrowing; -1 if the server does not tell the length.
func (d *download) settled(ctx context.Context) (int64, error) {
	before := d.note
	length, err := d.lookNow(ctx)
	if err != nil || length < 0 {
		return length, err
	}
	rest := d.from.settle()
	if before.Length == length {
		rest -= time.Since(before.Since)
	}
	if rest <= 0 {
		return length, nil
	}
	if err := wait.For(ctx, rest); err != nil {
		return 0, err
	}
	later, err := d.lookNow(ctx)
	if err == nil && later != length {
		err = growing(later)
	}
	return later, err
}

// lookNow asks for the length and notes since when it is that.
func (d *download) lookNow(ctx context.Context) (int64, error) {
	seen, err := d.from.look(ctx, d.client, d.url)
	switch {
	case err != nil:
		return 0, err
	case seen.length > d.limit:
		return 0, ErrTooLarge
	case seen.length == 0:
		return 0, growing(0)
	case seen.length < 0:
		return -1, nil
	}
	return seen.length, d.sees(seen.length)
}

// sees notes a length, if it is another than before.
func (d *download) sees(length int64) error {
	if d.note.Length == length {
		return nil
	}
	d.note.Length, d.note.Since = length, time.Now()
	return d.remember()
}

func growing(length int64) error {
	return fmt.Errorf("%w: it has %d bytes so far", ErrGrowing, length)
}

// load brings what is missing of the file, and gives its size.
func (d *download) load(ctx context.Context, length int64) (size int64, err error) {
	part, have, err := d.part(length)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	if have != length {
		if size, err = d.receive(ctx, part, have, length); err != nil {
			return 0, err
		}
	} else {
		size = have
	}
	if length < 0 {
		if err := d.comparedWithLast(size); err != nil {
			return 0, err
		}
	}
	return size, part.Sync()
}

// comparedWithLast is the second look at a file whose server tells no length:
// each look takes loading it.
func (d *download) comparedWithLast(size int64) error {
	known := d.note.Length == size
	if err := d.sees(size); err != nil {
		return err
	}
	if !known || time.Since(d.note.Since) < d.from.settle() {
		return growing(size)
	}
	return nil
}

// part opens what is loaded already, at its end. It is of use only if the
// server can be asked for the rest of the very same file.
func (d *download) part(length int64) (*os.File, int64, error) {
	part, err := d.root.OpenFile(d.partPath, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, err
	}
	have, err := part.Seek(0, io.SeekEnd)
	if err == nil && have > 0 && (d.note.Validator == "" || length < 0 || have > length) {
		have, err = 0, emptied(part)
	}
	if err != nil {
		return nil, 0, errors.Join(err, part.Close())
	}
	return part, have, nil
}

func emptied(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return errors.Join(err, f.Truncate(0))
}

// receive loads from the byte that is missing on.
func (d *download) receive(ctx context.Context, part *os.File, have, length int64) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		header.Set("If-Range", d.note.Validator)
	}
	resp, err := d.from.get(ctx, d.client, d.url, header)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if have, err = d.agree(part, resp, have, length); err != nil {
		return 0, err
	}
	patience := d.from.patience()
	stalled := time.AfterFunc(patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	size, err := d.copy(part, &alive{resp.Body, stalled, patience}, have, length)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStalled) {
		err = broken(cause)
	}
	return size, err
}

var errStalled = errors.New("nothing came any more")

// agree compares the answer with what was asked for. A server that begins at
// the start, since it has another file now or knows no ranges, gets an empty part.
func (d *download) agree(part *os.File, resp *http.Response, have, length int64) (int64, error) {
	start, _ := contentRange(resp.Header)
	seen := toldBy(resp)
	switch {
	case resp.StatusCode == http.StatusPartialContent && have > 0 && start == have && seen.length == length:
		return have, nil
	case resp.StatusCode == http.StatusOK && (length < 0 || seen.length < 0 || seen.length == length):
		d.note.Validator = seen.validator
		return 0, errors.Join(emptied(part), d.remember())
	}
	return 0, errors.Join(growing(seen.length), d.discard())
}

// copy appends the body to the part. Its first bytes tell at once whether the
// rest is worth loading.
func (d *download) copy(part *os.File, body io.Reader, have, length int64) (int64, error) {
	if have == 0 {
		head := make([]byte, headSize)
		n, err := io.ReadFull(body, head)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return 0, broken(err)
		}
		if _, err := kindBy(head[:n]); err != nil {
			return 0, err
		}
		if _, err := part.Write(head[:n]); err != nil {
			return 0, err
		}
		have = int64(n)
	}
	n, err := io.Copy(part, io.LimitReader(body, d.limit+1-have))
	have += n
	switch {
	case have > d.limit:
		return have, ErrTooLarge
	case err != nil:
		return have, broken(err)
	case length >= 0 && have != length:
		return have, broken(io.ErrUnexpectedEOF)
	}
	return have, nil
}

// broken tells an error of the connection from one of the disk.
func broken(err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return err
	}
	return &Unavailable{Err: fmt.Errorf("the connection broke off: %w", err)}
}

// alive puts the alarm off with every byte.
type alive struct {
	from     io.Reader
	alarm    *time.Timer
	patience time.Duration
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	if n > 0 {
		a.alarm.Reset(a.patience)
	}
	return n, err
}

// finish makes the part a whole file.
func (d *download) finish(ctx context.Context) (File, kind, error) {
	file, kind, err := d.measure(ctx)
	if err != nil {
		return File{}, kind, err
	}
	file.Path = d.name + kind.ext
	return file, kind, errors.Join(rename(d.root, d.partPath, file.Path), gone(d.root.Remove(d.notePath)))
}

// measure reads the file once more, as it lies on the disk: it may have come in
// several pieces.
func (d *download) measure(ctx context.Context) (file File, k kind, err error) {
	part, err := d.root.Open(d.partPath)
	if err != nil {
		return File{}, kind{}, err
	}
	defer func() { err = errors.Join(err, part.Close()) }()
	head := make([]byte, headSize)
	if n, err := part.ReadAt(head, 0); err != nil {
		head = head[:n]
	}
	if k, err = kindBy(head); err != nil {
		return File{}, k, err
	}
	hash := sha256.New()
	file.Bytes, err = io.Copy(hash, untilDone{ctx, part})
	file.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return file, k, err
}
