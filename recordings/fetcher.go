package recordings

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Fetcher takes recordings from the addresses that the contact center names.
// Those are foreign input: unless AllowPrivate is set, only https and only
// public addresses are reached, which is checked for every connection after the
// name was resolved, so that neither redirects nor names can lead inside.
type Fetcher struct {
	// AllowPrivate lets it reach every address, also without encryption. It is
	// for development, where everything runs on one machine.
	AllowPrivate bool
	// Settle is how long a file must keep its length to be taken for whole; 0 = 5 s.
	Settle time.Duration
	// RootCAs are the authorities that are trusted; nil = the system's.
	RootCAs *x509.CertPool

	// For tests.
	allowed []netip.Prefix // reached in spite of being private
	stall   time.Duration  // 0 = stallTimeout
}

// Limits of one request.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = time.Minute
	stallTimeout  = time.Minute // without a byte
	maxRedirects  = 5
	defaultSettle = 5 * time.Second
)

// Unavailable means that the recording could not be had now: it may be there
// later, so that it is worth asking again.
type Unavailable struct {
	// Status is that of the answer, 0 = there was none.
	Status int
	// RetryAfter is how long the server wants to be left alone, 0 = it did not say.
	RetryAfter time.Duration
	Err        error
}

// Error tells no address: it may hold a credential.
func (u *Unavailable) Error() string {
	switch {
	case u.Status != 0:
		return fmt.Sprintf("the recording cannot be had: its server answers %d %s", u.Status, http.StatusText(u.Status))
	default:
		return "the recording cannot be had: " + u.Err.Error()
	}
}

func (u *Unavailable) Unwrap() error { return u.Err }

func (f Fetcher) settle() time.Duration { return cmp.Or(f.Settle, defaultSettle) }

func (f Fetcher) patience() time.Duration { return cmp.Or(f.stall, stallTimeout) }

// client is used for one recording. It takes no proxy from the environment: the
// proxy would be what is connected to, and the check would see only that.
func (f Fetcher) client() *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: f.control()}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout,
			TLSClientConfig: &tls.Config{RootCAs: f.RootCAs, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			DisableCompression: true, // lengths and ranges are those of the file
		},
		CheckRedirect: f.checkRedirect,
	}
}

// control refuses connections to addresses that are not public: private,
// loopback, link-local with the metadata of clouds, shared, multicast, reserved.
func (f Fetcher) control() func(network, address string, c syscall.RawConn) error {
	if f.AllowPrivate {
		return nil
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(f.allowed...)).Safe
}

func (f Fetcher) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return errors.New("too many redirects")
	}
	req.Header.Del("Referer") // it would tell the credentials of one address to another
	return f.check(req.URL)
}

func (f Fetcher) check(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && f.AllowPrivate {
		return nil
	}
	return ErrForbidden
}

// get asks for the file, or for a part of it: an answer 200, 206 or 416, else an
// error. The body must be closed.
func (f Fetcher) get(ctx context.Context, client *http.Client, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, ErrForbidden
	}
	if err := f.check(req.URL); err != nil {
		return nil, err
	}
	req.Header = header
	req.Header.Set("User-Agent", "Puente/1")
	resp, err := client.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return resp, nil
	}
	_ = resp.Body.Close() // nobody reads it
	return nil, &Unavailable{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
}

// unreachable judges why there was no answer. net/http wraps it in an error
// that tells the address.
func unreachable(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, ErrForbidden), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return fmt.Errorf("%w: it leads into a private network", ErrForbidden)
	}
	return &Unavailable{Err: err}
}

// longestPause bounds what a server may ask for.
const longestPause = 30 * time.Minute

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestPause)
}

// told is what an answer tells of the file.
type told struct {
	length    int64  // -1 = nothing
	validator string // by which a part can be continued (If-Range); "" = none
}

// look asks for the first byte only. That tells the length as HEAD would, which
// addresses that are signed for reading refuse.
func (f Fetcher) look(ctx context.Context, client *http.Client, address string) (told, error) {
	resp, err := f.get(ctx, client, address, http.Header{"Range": {"bytes=0-0"}})
	if err != nil {
		return told{}, err
	}
	defer func() { _ = resp.Body.Close() }() // not read
	return toldBy(resp), nil
}

func toldBy(resp *http.Response) told {
	out := told{length: resp.ContentLength, validator: validator(resp.Header)}
	if resp.StatusCode != http.StatusOK {
		_, out.length = contentRange(resp.Header)
	}
	return out
}

// validator is the ETag, if it is a strong one, else the time of the last
// change (RFC 9110 §13.1.5).
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

// contentRange reads "bytes 100-199/1234", "bytes */1234" and "bytes 0-0/*"; -1
// stands for what it does not tell.
func contentRange(h http.Header) (start, length int64) {
	span, total, _ := strings.Cut(strings.TrimPrefix(h.Get("Content-Range"), "bytes "), "/")
	first, _, _ := strings.Cut(span, "-")
	return count(first), count(total)
}

func count(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
