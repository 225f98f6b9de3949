package bitrix24

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Defaults of [Config].
const (
	// DefaultTimeout is the longest a cloud portal works on one request (bitrix24 reference §1.2).
	DefaultTimeout = 60 * time.Second
	// DefaultMaxBody is enough for fifty full pages of CRM items in one answer.
	DefaultMaxBody = 32 << 20
	// DefaultOAuthServer issues access tokens where the portal does not name another server (reference §1.3).
	DefaultOAuthServer = "https://oauth.bitrix.info"
)

// Config says how to reach one portal. Exactly one of WebhookURL and OAuth is set.
type Config struct {
	// WebhookURL is an inbound webhook: https://{portal}/rest/{user}/{secret}/.
	WebhookURL string
	// OAuth is an application.
	OAuth *OAuth
	// Bucket gives the permits, one for each HTTP request to the portal; nil means no limit.
	Bucket Bucket
	// HTTPClient is used as it is, except that it never follows a redirect; nil means a pool shared
	// by all clients of the process.
	HTTPClient *http.Client
	// Timeout bounds one HTTP request, without the wait for the permit. Zero means DefaultTimeout.
	Timeout time.Duration
	// MaxBody bounds one answer, in bytes. Zero means DefaultMaxBody.
	MaxBody int64
	// UserAgent names us to the portal. Empty means "puente".
	UserAgent string
	// OnMoved is told the new base address after the portal was renamed and answered at its new host. Its error is not
	// the caller's: the client goes on with the new address anyway, until it is built anew.
	OnMoved func(ctx context.Context, base string) error
}

// OAuth is the authorization of an application (reference §1.3).
type OAuth struct {
	ClientID, ClientSecret string
	// ServerEndpoint is the authorization server; "" means DefaultOAuthServer. The form that portals hand out, with
	// "/rest/" at its end, is understood.
	ServerEndpoint string
	Tokens         TokenStore
	// Advice is what a person does when the tokens are dead; it ends the text of that error. "" means a general one.
	Advice string
}

// Token is one pair of tokens. Every refresh replaces both.
type Token struct {
	Access, Refresh string
	// ClientEndpoint is the base address for calls and ends in "/rest/".
	ClientEndpoint string
	// MemberID is the portal's key that survives a rename.
	MemberID  string
	ExpiresAt time.Time
}

// TokenStore keeps the tokens of one portal for all processes.
type TokenStore interface {
	// Load returns the current pair.
	Load(ctx context.Context) (Token, error)
	// Refresh takes a lock that all processes share. If the stored access token is still the stale one, it calls refresh
	// with the stored pair and keeps what it returns; otherwise somebody was faster, and it returns the stored pair.
	// It may call refresh again if the pair could not be kept.
	Refresh(ctx context.Context, stale string, refresh func(context.Context, Token) (Token, error)) (Token, error)
}

// Bucket is the request budget of one portal and one source address, shared by all processes (reference §2.1).
type Bucket interface {
	// Take takes a permit for one HTTP request. Zero means it is taken, otherwise try again after the wait.
	Take(ctx context.Context) (wait time.Duration, err error)
	// Penalize says that the portal refused a request for its rate: no permits before until.
	Penalize(ctx context.Context, until time.Time) error
}

// checked returns the configuration with its defaults filled in. No error text repeats an address: it holds the secret.
func (c Config) checked() (Config, error) {
	if (c.WebhookURL == "") == (c.OAuth == nil) {
		return c, errors.New("bitrix24: set either the webhook address or the OAuth application")
	}
	if c.OAuth == nil {
		if !absolute(c.WebhookURL) {
			return c, errors.New("bitrix24: the webhook address must look like https://portal/rest/user/secret/")
		}
		c.WebhookURL = strings.TrimRight(c.WebhookURL, "/") + "/"
	} else if err := c.OAuth.check(); err != nil {
		return c, err
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.UserAgent == "" {
		c.UserAgent = "puente"
	}
	return c, nil
}

func (o *OAuth) check() error {
	if o.ClientID == "" || o.ClientSecret == "" || o.Tokens == nil {
		return errors.New("bitrix24: an OAuth application needs its id, its secret and a token store")
	}
	if o.ServerEndpoint != "" && !absolute(o.ServerEndpoint) {
		return errors.New("bitrix24: the address of the authorization server is not absolute")
	}
	return nil
}

func (o *OAuth) advice() string { return cmp.Or(o.Advice, adviceReauthorise) }

// tokenAddress is where tokens are exchanged.
func (o *OAuth) tokenAddress() string {
	base := o.ServerEndpoint
	if base == "" {
		base = DefaultOAuthServer
	}
	return strings.TrimSuffix(strings.TrimRight(base, "/"), "/rest") + "/oauth/token/"
}

func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.RawQuery == "" && u.Fragment == ""
}
