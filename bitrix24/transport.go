package bitrix24

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is one method call on its way. paid says that a permit for the next HTTP request is already taken.
type request struct {
	method string
	params Params
	paid   bool
}

// move remembers that the portal was renamed: from and to are base addresses.
type move struct{ from, to string }

// reply is an HTTP answer, read to its end.
type reply struct {
	status   int
	location string
	body     []byte
}

// send makes one HTTP request, and one more if the portal has moved (bitrix24 reference §1.1).
func (c *Client) send(ctx context.Context, r *request, at credentials) (Answer, error) {
	body, err := encodeBody(payload(r.params, at.auth))
	if err != nil {
		return Answer{}, refuse(r.method, "the parameters cannot be written as JSON: %v", err)
	}
	got, err := c.post(ctx, r, at.base, body)
	if err != nil {
		return Answer{}, err
	}
	if isRedirect(got.status) {
		return c.follow(ctx, r, at, got, body)
	}
	return c.decode(r.method, got, at)
}

// follow repeats a request at the portal's new host. Nothing is done twice: a redirect means that the method did not run.
func (c *Client) follow(ctx context.Context, r *request, at credentials, got reply, body []byte) (Answer, error) {
	base, ok := newBase(at.base, got.location)
	if !ok {
		return Answer{}, redirected(r.method, got.status)
	}
	again, err := c.post(ctx, r, base, body)
	if err != nil {
		return Answer{}, err
	}
	if isRedirect(again.status) {
		return Answer{}, lost(r.method, again.status, "the portal redirects from its new address as well", nil)
	}
	answer, err := c.decode(r.method, again, at)
	switch KindOf(err) {
	case KindAmbiguous, KindAccessDenied, KindAuthExpired: // no proof that this is our portal
	default:
		c.remember(ctx, at.base, base)
	}
	return answer, err
}

// redirected is the error of a redirect that is no move. An expired licence answers so, for example: nothing that another
// request could change.
func redirected(method string, status int) *Error {
	return &Error{
		Kind: KindUnknown, Method: method, HTTPStatus: status,
		Description: "the portal redirects to a page instead of answering; open it in a browser to see why",
	}
}

// remember keeps a move that was proved by an answer, once.
func (c *Client) remember(ctx context.Context, from, to string) {
	old := c.moved.Load()
	if old != nil && old.to == to {
		return
	}
	if !c.moved.CompareAndSwap(old, &move{from: from, to: to}) {
		return // another request was faster
	}
	c.stats.moves.Add(1)
	if c.cfg.OnMoved != nil {
		_ = c.cfg.OnMoved(context.WithoutCancel(ctx), to) // see Config.OnMoved
	}
}

// current is the base address to use now.
func (c *Client) current(base string) string {
	if m := c.moved.Load(); m != nil && m.from == base {
		return m.to
	}
	return base
}

// newBase gives the base address at the host a redirect leads to. It is no move if the host is the same, and none that
// we follow if the secret would leave by an unencrypted connection.
func newBase(base, location string) (string, bool) {
	old, err := url.Parse(base)
	if err != nil {
		return "", false
	}
	target, err := old.Parse(location)
	if err != nil || location == "" || target.Host == "" || strings.EqualFold(target.Host, old.Host) {
		return "", false
	}
	if target.Scheme != old.Scheme && target.Scheme != "https" {
		return "", false
	}
	moved := *old
	moved.Scheme, moved.Host = target.Scheme, target.Host
	return moved.String(), true
}

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// encodeBody writes JSON as people would read it: < and & are not escaped.
func encodeBody(p Params) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(p)
	return out.Bytes(), err
}

// post takes a permit and makes one HTTP request.
func (c *Client) post(ctx context.Context, r *request, base string, body []byte) (reply, error) {
	if !r.paid {
		if err := c.permit(ctx, r.method); err != nil {
			return reply{}, err
		}
	}
	r.paid = false
	c.stats.requests.Add(1)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+r.method, bytes.NewReader(body))
	if err != nil {
		return reply{}, refuse(r.method, "the portal's address is not usable")
	}
	req.Header.Set("Content-Type", "application/json")
	return c.roundTrip(req, r.method)
}

// roundTrip makes a request and reads its whole answer, at most Config.MaxBody bytes of it.
func (c *Client) roundTrip(req *http.Request, method string) (reply, error) {
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, lost(method, 0, "no answer", withoutAddress(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err != nil {
		return reply{}, lost(method, resp.StatusCode, "the answer broke off", withoutAddress(err))
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return reply{}, lost(method, resp.StatusCode, "the answer is larger than allowed", nil)
	}
	return reply{status: resp.StatusCode, location: resp.Header.Get("Location"), body: body}, nil
}

// withoutAddress drops the wrapping that net/http puts around an error, because its text holds the whole address.
func withoutAddress(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// decode reads an answer and keeps credentials out of the error, should the portal repeat them.
func (c *Client) decode(method string, got reply, at credentials) (Answer, error) {
	answer, err := decodeEnvelope(method, got.status, got.body)
	var e *Error
	if errors.As(err, &e) {
		for _, secret := range []string{at.auth, webhookSecret(c.cfg.WebhookURL)} {
			if secret != "" {
				e.Code = strings.ReplaceAll(e.Code, secret, "…")
				e.Description = strings.ReplaceAll(e.Description, secret, "…")
			}
		}
	}
	return answer, err
}

// webhookSecret is the last part of a webhook's address. A very short one is left alone: it would hit ordinary words.
func webhookSecret(address string) string {
	address = strings.TrimRight(address, "/")
	secret := address[strings.LastIndexByte(address, '/')+1:]
	if len(secret) < 6 {
		return ""
	}
	return secret
}
