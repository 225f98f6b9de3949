package bitrix24

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// uploadMethod names an upload in errors; it is the last part of the addresses that portals give out.
const uploadMethod = "upload"

// uploadRate is the slowest transfer that is waited for, in bytes a second: 256 KiB. 512 MiB may take 34 minutes.
const uploadRate = 256 << 10

// Upload is one file on its way to an address that a method of the portal gave out for it, such as
// telephony.externalCall.attachRecord without FILE_CONTENT (bitrix24 reference §5.3).
type Upload struct {
	// URL is the "uploadUrl" of the answer. It holds credentials and appears in no error.
	URL string
	// Field is the "fieldName" of the answer; "" means "file".
	Field string
	// FileName tells the portal the kind of the file: name.mp3.
	FileName string
	// Body is read once, from its start to its end, and not closed.
	Body io.Reader
	// Size is the exact length of Body, in bytes.
	Size int64
}

// Uploader sends files. All its errors are [*Error].
type Uploader interface {
	// Upload sends the file as one request and returns the portal's answer. The file is never held in memory. The kind of
	// an error says what may be done, as for a method: after Ambiguous the file may be there. An address works once and
	// not for long, so that every repetition begins with a new address; AuthExpired says that only this was wrong.
	Upload(ctx context.Context, u Upload) (Answer, error)
}

var _ Uploader = (*Client)(nil)

// UploadTimeout is how long an upload of size bytes may be under way when other requests may be for request.
func UploadTimeout(request time.Duration, size int64) time.Duration {
	return request + time.Duration(size/uploadRate)*time.Second
}

// Upload sends a file to the portal. See [Uploader]. Permits are those of all other requests.
func (c *Client) Upload(ctx context.Context, u Upload) (Answer, error) {
	at, err := c.access(ctx)
	if err != nil {
		return Answer{}, err
	}
	if err := u.check(at.base); err != nil {
		return Answer{}, err
	}
	if err := c.limits.refusal(uploadMethod); err != nil {
		return Answer{}, err
	}
	if err := c.permit(ctx, uploadMethod); err != nil {
		return Answer{}, err
	}
	c.stats.requests.Add(1)
	answer, err := c.upload(ctx, u, at)
	c.note(ctx, uploadMethod, answer.Time, err)
	return answer, err
}

// check refuses what must not or cannot be sent. The address was in an answer; whoever could forge one must not make us
// carry recordings elsewhere.
func (u Upload) check(base string) error {
	switch {
	case !sameHost(base, u.URL):
		return refuse(uploadMethod, "the upload address is not on the portal's own host")
	case u.Body == nil || u.Size <= 0:
		return refuse(uploadMethod, "the file is empty")
	case u.FileName == "":
		return refuse(uploadMethod, "the file has no name")
	}
	return nil
}

// sameHost reports whether an address lies on the host of base and is encrypted if base is.
func sameHost(base, address string) bool {
	own, err := url.Parse(base)
	if err != nil {
		return false
	}
	target, err := url.Parse(address)
	if err != nil || target.User != nil || target.Host == "" {
		return false
	}
	encrypted := target.Scheme == "https" || target.Scheme == "http" && own.Scheme == "http"
	return encrypted && strings.EqualFold(own.Hostname(), target.Hostname()) && portOf(own) == portOf(target)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// upload makes the request.
func (c *Client) upload(ctx context.Context, u Upload, at credentials) (Answer, error) {
	form, err := u.form()
	if err != nil {
		return Answer{}, refuse(uploadMethod, "the name of the file cannot be sent")
	}
	ctx, cancel := context.WithTimeout(ctx, UploadTimeout(c.cfg.Timeout, u.Size))
	defer cancel()
	stall := watch(c.cfg.Timeout, cancel)
	defer stall.timer.Stop()
	form.file.progress = stall.moved
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.URL, form)
	if err != nil {
		return Answer{}, refuse(uploadMethod, "the upload address is not usable")
	}
	req.ContentLength = form.length
	req.Header.Set("Content-Type", form.contentType)
	got, err := c.roundTrip(req, uploadMethod)
	switch broken := form.file.stop(); {
	case err != nil && broken != nil:
		// The portal got less than was announced, so that it cannot have taken it for a file.
		return Answer{}, notSent(uploadMethod, "the file could not be read", broken)
	case err != nil && stall.found.Load():
		return Answer{}, lost(uploadMethod, 0, "the portal takes nothing any more", context.DeadlineExceeded)
	case err != nil:
		return Answer{}, err
	case isRedirect(got.status):
		return Answer{}, uploadMoved(at.base, got)
	}
	answer, err := c.decode(uploadMethod, got, at)
	return answer, hideQuery(err, u.URL)
}

// stall ends an upload that makes no progress, long before the time for the whole file is over.
type stall struct {
	after time.Duration
	timer *time.Timer
	found atomic.Bool
}

func watch(after time.Duration, end func()) *stall {
	s := &stall{after: after}
	s.timer = time.AfterFunc(after, func() { s.found.Store(true); end() })
	return s
}

func (s *stall) moved() { s.timer.Reset(s.after) }

// uploadMoved is the error of an upload that was answered with a redirect. The body is gone and the address is of the old
// host; whoever asks for a new one meets the redirect there, where it is followed.
func uploadMoved(base string, got reply) error {
	if _, moved := newBase(base, got.location); moved {
		return notSent(uploadMethod, "the portal has moved", errors.New("ask for a new upload address"))
	}
	return redirected(uploadMethod, got.status)
}

// hideQuery keeps the credentials of the address out of an error, should the portal repeat them.
func hideQuery(err error, address string) error {
	var e *Error
	u, parseErr := url.Parse(address)
	if !errors.As(err, &e) || parseErr != nil {
		return err
	}
	for _, values := range u.Query() {
		for _, secret := range values {
			if len(secret) >= 6 {
				e.Code = strings.ReplaceAll(e.Code, secret, "…")
				e.Description = strings.ReplaceAll(e.Description, secret, "…")
			}
		}
	}
	return err
}

// uploadForm is a multipart body of one file whose length is known before it is sent: PHP behind some proxies does not
// take a chunked request.
type uploadForm struct {
	io.Reader
	file        *measured
	length      int64
	contentType string
}

// form writes what stands before and after the file.
func (u Upload) form() (*uploadForm, error) {
	field := u.Field
	if field == "" {
		field = "file"
	}
	var frame bytes.Buffer
	w := multipart.NewWriter(&frame)
	if _, err := w.CreateFormFile(field, u.FileName); err != nil {
		return nil, err
	}
	before := frame.Len()
	if err := w.Close(); err != nil {
		return nil, err
	}
	head, tail := frame.Bytes()[:before], frame.Bytes()[before:]
	file := &measured{from: u.Body, left: u.Size, progress: func() {}}
	return &uploadForm{
		Reader: io.MultiReader(bytes.NewReader(head), file, bytes.NewReader(tail)),
		file:   file, length: int64(frame.Len()) + u.Size, contentType: w.FormDataContentType(),
	}, nil
}

// measured reads exactly the announced number of bytes and remembers why it could not. The transport reads it in a
// goroutine of its own, which may outlive the request; after stop it finds nothing any more.
type measured struct {
	mu       sync.Mutex
	from     io.Reader
	left     int64
	err      error
	progress func() // told each time that the portal took more
}

// Read implements io.Reader.
func (m *measured) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.err != nil:
		return 0, m.err
	case m.left == 0:
		return 0, io.EOF
	}
	m.progress()
	n, err := m.from.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && m.left > 0:
		m.err = io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.EOF):
		m.err = err
	}
	return n, m.err
}

// stop ends the reading, waits for a read that is under way, and returns why an earlier one failed.
func (m *measured) stop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	failed := m.err
	m.err = errStopped
	return failed
}

var errStopped = errors.New("the upload has ended")
