package chat2desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// call is one request to the API.
type call struct {
	method, path string
	query        url.Values
	body         any // sent as JSON; nil = none
}

// reply is the useful part of an answer.
type reply struct {
	Data  json.RawMessage
	Total int64 // meta.total; 0 if not told
}

// do sends a request and returns its data. Every error is an *Error.
func (a *API) do(ctx context.Context, c call) (reply, error) {
	if err := a.wait(ctx, c); err != nil {
		return reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	req, err := a.request(ctx, c)
	if err != nil {
		return reply{}, c.error(KindInvalid, err)
	}
	a.calls.Add(1)
	resp, err := a.http.Do(req)
	if err != nil {
		return reply{}, c.error(KindAmbiguous, withoutURL(err))
	}
	defer resp.Body.Close() //nolint:errcheck // read to the end or given up: nothing to learn
	body, err := io.ReadAll(io.LimitReader(resp.Body, a.cfg.MaxBody+1))
	if err != nil {
		return reply{}, c.error(KindAmbiguous, err)
	}
	return a.read(c, resp, body)
}

// wait keeps the client's own pace. Its errors mean that nothing was sent.
func (a *API) wait(ctx context.Context, c call) error {
	err := ctx.Err()
	if err == nil && a.limiter != nil {
		err = a.limiter.Wait(ctx)
	}
	if err != nil {
		return c.error(KindRateLimited, fmt.Errorf("not sent: %w", err))
	}
	return nil
}

func (a *API) request(ctx context.Context, c call) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	target := a.cfg.BaseURL + c.path
	if len(c.query) > 0 {
		target += "?" + c.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, c.method, target, body)
	if err != nil {
		return nil, withoutURL(err)
	}
	if req.URL.Host == "" {
		return nil, errors.New("the base URL of the account is not set or not absolute")
	}
	a.setHeaders(req)
	return req, nil
}

// setHeaders authorises with the bare token: Bearer is not the scheme
// (reference §2.2).
func (a *API) setHeaders(req *http.Request) {
	req.Header.Set("Authorization", a.cfg.Token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "puente")
	if req.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
}

// read turns an answer into data or a classified error.
func (a *API) read(c call, resp *http.Response, body []byte) (reply, error) {
	if int64(len(body)) > a.cfg.MaxBody {
		// It would be as large next time: no use in trying again.
		return reply{}, c.error(KindUnknown, fmt.Errorf("answer larger than %d bytes", a.cfg.MaxBody))
	}
	data, failure := readEnvelope(resp.StatusCode, body)
	if failure == nil {
		return data, nil
	}
	if token := []byte(a.cfg.Token); len(token) > 0 && bytes.Contains(body, token) {
		// The service repeats the token: read its words again without it.
		_, failure = readEnvelope(resp.StatusCode, bytes.ReplaceAll(body, token, []byte("***")))
	}
	failure.Method, failure.Path, failure.HTTPStatus = c.method, c.path, resp.StatusCode
	if to := resp.Header.Get("Location"); to != "" && resp.StatusCode/100 == 3 {
		failure.Kind, failure.Message = KindInvalid, "redirected to "+hostOf(to)+": correct the base URL of the account"
	}
	failure.RetryAfter = retryAfter(resp.Header.Get("Retry-After"))
	return reply{}, failure
}

func (c call) error(kind Kind, err error) *Error {
	return &Error{Kind: kind, Method: c.method, Path: c.path, Err: err}
}

// withoutURL drops the URL that net/http puts into its errors: the query may
// hold personal data.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another place"
	}
	return u.Scheme + "://" + u.Host
}

// retryAfter reads the header's form in seconds, at most a day.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, 24*time.Hour)
}
