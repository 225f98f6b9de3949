package bitrix24

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

type authKind int

const (
	authWebhook authKind = iota
	authApp
)

// identity is on whose behalf a call runs.
type identity struct {
	kind   authKind
	user   int
	key    string   // what operating budgets are counted on
	app    string   // client id of an application
	scopes []string // nil = all

	credential string // the access token, or the secret of the webhook
}

// allows says whether the identity has one of the scopes a|b|c.
func (i identity) allows(scope string) bool {
	if scope == "" || i.scopes == nil {
		return true
	}
	return slices.ContainsFunc(strings.Split(scope, "|"), func(s string) bool { return slices.Contains(i.scopes, s) })
}

// webhook is an inbound webhook of a user. No scopes means all.
type webhook struct {
	User   int
	Secret string
	Scopes []string
}

// app is a local OAuth application.
type app struct {
	ClientID, ClientSecret, Redirect, Token string // Token is the application_token of events
	Scopes                                  []string
	Removed                                 bool // uninstalled: its tokens are gone until it is installed again
}

// token is one pair of OAuth tokens.
type token struct {
	Access, Refresh, ClientID string
	User                      int
	Expires, RefreshExpires   time.Time
	Spent                     bool // the refresh token was used
}

// Lifetimes of tokens and codes (bitrix24 reference §1.3).
const (
	accessLife  = time.Hour
	refreshLife = 180 * 24 * time.Hour
	codeLife    = 30 * time.Second
)

// wellFormedSecret is what a webhook secret looks like. A path part that does
// not look like one is no credential at all, hence NO_AUTH_FOUND instead of
// INVALID_CREDENTIALS: the docs describe the first for a wrong webhook code,
// the vendor's Python SDK meets the second.
var wellFormedSecret = regexp.MustCompile(`^[A-Za-z0-9]{10,}$`)

// authorize finds out who calls.
func (p *Portal) authorize(r *http.Request, req *request) (identity, error) {
	if req.user != 0 {
		return p.webhookIdentity(req)
	}
	access := bearer(r)
	if v, ok := req.params.get("auth"); ok {
		access = toStr(v)
		req.params.del("auth")
	}
	if access == "" {
		return identity{}, errNoAuth
	}
	return p.appIdentity(access)
}

func bearer(r *http.Request) string {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return ""
	}
	return strings.TrimSpace(value)
}

func (p *Portal) webhookIdentity(req *request) (identity, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, h := range p.state.account.Webhooks {
		if h.User != req.user || !same(h.Secret, req.secret) {
			continue
		}
		if u, ok := p.state.users.get(h.User); !ok || !u.Active {
			return identity{}, errNoUser
		}
		return identity{kind: authWebhook, user: h.User, key: "webhook:" + h.Secret, scopes: h.Scopes, credential: h.Secret}, nil
	}
	if wellFormedSecret.MatchString(req.secret) {
		return identity{}, errCredentials
	}
	return identity{}, errNoAuth
}

func (p *Portal) appIdentity(access string) (identity, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, t := range p.state.account.Tokens {
		if !same(t.Access, access) {
			continue
		}
		if !p.clock.Now().Before(t.Expires) {
			return identity{}, errExpiredToken
		}
		return p.tokenIdentity(t)
	}
	return identity{}, errInvalidToken
}

func (p *Portal) tokenIdentity(t token) (identity, error) {
	a := p.state.account.app(t.ClientID)
	if a == nil {
		return identity{}, &restError{http.StatusUnauthorized, "APPLICATION_NOT_FOUND", "Application not found"}
	}
	if a.Removed {
		return identity{}, errNotInstalled
	}
	if u, ok := p.state.users.get(t.User); !ok || !u.Active {
		return identity{}, errNoUser
	}
	return identity{kind: authApp, user: t.User, key: "app:" + a.ClientID, app: a.ClientID, scopes: a.Scopes, credential: t.Access}, nil
}

func (a *account) app(clientID string) *app {
	for i := range a.Apps {
		if a.Apps[i].ClientID == clientID {
			return &a.Apps[i]
		}
	}
	return nil
}

// scopeError names the kind of token that lacks the scope.
func (p *Portal) scopeError(who identity) error {
	kind := pick(who.kind == authApp, "access", "webhook")
	text := "The request requires higher privileges than provided by the " + kind + " token"
	return &restError{p.opts.Variants.ScopeStatus, "insufficient_scope", text}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// secret makes a random token of 64 hex digits.
func secret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}
