package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// caller speaks JSON with one service.
type caller struct {
	http   *http.Client
	base   string
	header http.Header
}

// httpError is an answer that is not 2xx.
type httpError struct {
	Status int
	Body   string
	What   string
}

func (e *httpError) Error() string { return fmt.Sprintf("%s: HTTP %d: %s", e.What, e.Status, e.Body) }

const maxAnswer = 64 << 20

// do sends in (nil = no body) and decodes the answer into out (nil = not looked at).
func (c caller) do(ctx context.Context, method, path string, in, out any) error {
	_, err := c.status(ctx, method, path, in, out)
	return err
}

// status is do; it gives the HTTP status, also of a refusal.
func (c caller) status(ctx context.Context, method, path string, in, out any) (int, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(raw)
	}
	return c.raw(ctx, method, path, "application/json", body, out)
}

// raw sends a body as it is (nil = none) and decodes the answer.
func (c caller) raw(ctx context.Context, method, path, contentType string, body io.Reader, out any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return 0, err
	}
	for key, values := range c.header {
		req.Header[key] = values
	}
	req.Header.Set("Content-Type", contentType)
	res, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, err
	}
	if res.StatusCode/100 != 2 {
		return res.StatusCode, &httpError{res.StatusCode, string(raw[:min(len(raw), 500)]), method + " " + path}
	}
	if out == nil {
		return res.StatusCode, nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return res.StatusCode, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return res.StatusCode, nil
}
