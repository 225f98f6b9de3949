package chat2desk

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// DefaultBaseURL is the main cluster; accounts live on others too (reference
// §2.1), so an API never assumes it.
const DefaultBaseURL = "https://api.chat2desk.com"

// A cautious pace: the service publishes no limit per second (reference §2.7).
const (
	DefaultRatePerSecond = 2.0
	DefaultBurst         = 5
)

// The bounds used where Config says nothing.
const (
	DefaultTimeout = 30 * time.Second
	DefaultMaxBody = 32 << 20
)

// Config describes one Chat2Desk account.
type Config struct {
	BaseURL    string // required, for example https://api.chat2desk.com; a trailing /v1 is accepted
	StorageURL string // host against which relative media links are resolved; empty leaves them relative
	Token      string // API token of the account; never appears in errors or in printed values
	// HTTPClient is copied, not changed; redirects follow the package's own
	// rule. Nil means a client of its own.
	HTTPClient *http.Client
	Timeout    time.Duration  // of one call with its answer; 0 = DefaultTimeout
	MaxBody    int64          // bytes of one answer; 0 = DefaultMaxBody
	Location   *time.Location // zone of dates that name none: the account's; nil = UTC
	// RatePerSecond limits the calls of this API value; 0 = no limit. Burst is
	// how many may go at once; less than 1 counts as 1.
	RatePerSecond float64
	Burst         int
}

// String describes the account without the token.
func (c Config) String() string { return "chat2desk account at " + c.BaseURL }

// GoString hides the token from %#v too.
func (c Config) GoString() string { return c.String() }

// LogValue hides the token from structured logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// API calls the methods of one account. It is safe for concurrent use and
// repeats nothing by itself: whoever calls decides by KindOf. Every call costs
// one of the account's monthly quota.
type API struct {
	cfg     Config
	http    *http.Client
	limiter *rate.Limiter // nil = no limit
	calls   atomic.Int64
}

// New returns the API of an account. It does not connect; a wrong Config shows
// at the first call.
func New(cfg Config) *API {
	cfg.BaseURL = strings.TrimSuffix(strings.TrimRight(cfg.BaseURL, "/"), "/v1")
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	a := &API{cfg: cfg, http: httpClient(cfg.HTTPClient)}
	if cfg.RatePerSecond > 0 {
		a.limiter = rate.NewLimiter(rate.Limit(cfg.RatePerSecond), max(1, cfg.Burst))
	}
	return a
}

// Calls returns how many requests were sent since New.
func (a *API) Calls() int64 { return a.calls.Load() }

// String describes the account without the token.
func (a *API) String() string { return a.cfg.String() }

// GoString hides the token from %#v too.
func (a *API) GoString() string { return a.cfg.String() }

// httpClient copies base and gives it the redirect rule.
func httpClient(base *http.Client) *http.Client {
	var client http.Client
	if base != nil {
		client = *base
	}
	client.CheckRedirect = checkRedirect
	return &client
}

// checkRedirect follows redirects only where the request stays what it was:
// same scheme and host, same method, at most three times. Elsewhere the token
// must not go, and a POST turned into GET would not do what was asked.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	same := req.URL.Scheme == first.URL.Scheme && req.URL.Host == first.URL.Host && req.Method == first.Method
	if !same || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// path builds a path below /v1.
func path(format string, args ...any) string { return "/v1/" + fmt.Sprintf(format, args...) }
