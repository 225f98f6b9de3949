package bitrix24

import (
	"context"
	"maps"
	"net/http"
	"sync/atomic"

	"golang.org/x/sync/singleflight"
)

// Client is the plain protocol: one HTTP request for each Call and each Batch. It is a [Gateway] without gathering and
// safe for concurrent use.
type Client struct {
	cfg       Config
	http      *http.Client
	moved     atomic.Pointer[move]
	refreshes singleflight.Group
	unsaved   atomic.Pointer[exchange]
	limits    limits
	stats     counters
}

var _ Gateway = (*Client)(nil)

// transport keeps enough idle connections for the requests that a loader has in flight at one portal.
var transport = func() http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	own := base.Clone()
	own.MaxIdleConnsPerHost = defaultMaxInFlight
	return own
}()

// NewClient checks the configuration and connects nowhere. Its errors never repeat the webhook's address.
func NewClient(cfg Config) (*Client, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	plain := http.Client{Transport: transport}
	if cfg.HTTPClient != nil {
		plain = *cfg.HTTPClient
	}
	// A followed redirect would turn the POST into a GET and lose the call (bitrix24 reference §1.1).
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{cfg: cfg, http: &plain}, nil
}

// Call runs one method as a request of its own. See [Gateway].
func (c *Client) Call(ctx context.Context, method string, p Params) (Answer, error) {
	return c.call(ctx, method, p, false)
}

// Batch sends the group as one request. See [Gateway].
func (c *Client) Batch(ctx context.Context, g Group) ([]Result, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	return c.batch(ctx, g.Commands, g.Halt, false)
}

// call runs a method; paid says that the permit of its first request is already taken.
func (c *Client) call(ctx context.Context, method string, p Params, paid bool) (Answer, error) {
	if !methodPattern.MatchString(method) {
		return Answer{}, refuse(shorten(method, 60), "this is not the name of a method")
	}
	if err := c.limits.refusal(method); err != nil {
		return Answer{}, err
	}
	c.stats.commands.Add(1)
	answer, err := c.exchange(ctx, &request{method: method, params: p, paid: paid})
	c.note(ctx, method, answer.Time, err)
	return answer, err
}

// batch runs checked commands in one request; paid as for call.
func (c *Client) batch(ctx context.Context, commands []Command, halt, paid bool) ([]Result, error) {
	if err := c.limits.refusal(append(Group{Commands: commands}.methods(), batchMethod)...); err != nil {
		return nil, err
	}
	sent, err := wired(commands)
	if err != nil {
		return nil, err
	}
	c.stats.commands.Add(int64(len(sent)))
	c.stats.batches.Add(1)
	answer, err := c.exchange(ctx, &request{method: batchMethod, params: batchParams(sent, halt), paid: paid})
	c.note(ctx, batchMethod, answer.Time, err)
	if err != nil {
		return nil, err
	}
	results, err := decodeBatch(sent, halt, answer.Value)
	for i, r := range results {
		results[i].Key = commands[i].Key
		c.note(ctx, commands[i].Method, r.Time, r.Err)
	}
	return results, err
}

// exchange sends a request, and once more with a fresh token if the portal finds the old one expired. The repetition
// cannot do anything twice: the portal checks the token before it runs a method.
func (c *Client) exchange(ctx context.Context, r *request) (Answer, error) {
	access, err := c.access(ctx)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.send(ctx, r, access)
	if c.cfg.OAuth == nil || KindOf(err) != KindAuthExpired {
		return answer, err
	}
	fresh, err := c.refresh(ctx, access.auth)
	if err != nil {
		return Answer{}, err
	}
	return c.send(ctx, r, c.accessOf(fresh))
}

// credentials are where a request goes and the token it carries; the token of a webhook is in the address.
type credentials struct{ base, auth string }

// access loads the token for each request: the store is far faster than a portal that takes two requests a second, and
// so the tokens of a reinstalled application count at once.
func (c *Client) access(ctx context.Context) (credentials, error) {
	if c.cfg.OAuth == nil {
		return credentials{base: c.current(c.cfg.WebhookURL)}, nil
	}
	token, err := c.cfg.OAuth.Tokens.Load(ctx)
	if err != nil {
		return credentials{}, notSent("", "the access token could not be loaded", err)
	}
	return c.accessOf(token), nil
}

func (c *Client) accessOf(t Token) credentials {
	return credentials{base: c.current(t.ClientEndpoint), auth: t.Access}
}

// payload is the body of a request. Params stay as the caller made them.
func payload(p Params, auth string) Params {
	out := make(Params, len(p)+1)
	maps.Copy(out, p)
	if auth != "" {
		out["auth"] = auth
	}
	return out
}
