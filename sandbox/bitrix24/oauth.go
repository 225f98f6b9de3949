package bitrix24

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// authCode is a code of the authorization step; it lives 30 s and works once.
type authCode struct {
	Code, ClientID string
	User           int
	Expires        time.Time
}

// serveAuthorize plays the consent page: it grants at once, for ?user_id or
// user 1, and sends the browser to the application's redirect address.
func (p *Portal) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.state.account.app(q.Get("client_id"))
	if a == nil || a.Redirect == "" || a.Removed {
		writeHTML(w, http.StatusBadRequest)
		return
	}
	user := max(toID(q.Get("user_id")), 1)
	code := authCode{secret(), a.ClientID, user, p.clock.Now().Add(codeLife)}
	p.state.account.Codes = append(p.state.account.Codes, code)
	p.state.account.touch()
	back := url.Values{
		"code": {code.Code}, "state": {q.Get("state")}, "domain": {host(p.base(r))}, "member_id": {p.opts.MemberID},
		"scope": {strings.Join(a.scopes(), ",")}, "server_domain": {host(p.base(r))},
	}
	http.Redirect(w, r, a.Redirect+pick(strings.Contains(a.Redirect, "?"), "&", "?")+back.Encode(), http.StatusFound)
}

func host(base string) string {
	_, h, _ := strings.Cut(base, "://")
	return h
}

func (a *app) scopes() []string {
	if a.Scopes == nil {
		return allScopes
	}
	return a.Scopes
}

// OAuth refusals (bitrix24 reference §1.3). A wrong client is answered with 200.
var (
	errWrongClient   = &restError{http.StatusOK, "wrong_client", ""}
	errInvalidClient = &restError{http.StatusBadRequest, "invalid_client", ""}
	errInvalidGrant  = &restError{http.StatusBadRequest, "invalid_grant", ""}
	errInvalidScope  = &restError{http.StatusForbidden, "invalid_scope", "Given scope exceeds permissions associated with given grant"}
)

// oauthMethod is the name under which fault rules and counters know the token
// endpoint. It is another server: rules for "*" and the limits of the portal
// leave it alone.
const oauthMethod = "oauth.token"

// serveToken is the OAuth server's token endpoint.
func (p *Portal) serveToken(w http.ResponseWriter, r *http.Request) {
	params, err := readParams(r, p.opts.MaxBody)
	if err != nil {
		refuse(w, err)
		return
	}
	p.stats.token()
	fault := p.faults.match([]string{oauthMethod})
	if fault.spoils(w, r, false) {
		return
	}
	status, body := p.tokenReply(params, p.base(r))
	if !fault.spoils(w, r, true) {
		writeAnswer(w, status, body)
	}
}

// tokenReply carries out a request for tokens.
func (p *Portal) tokenReply(params *dict, base string) (int, *dict) {
	get := func(name string) string {
		v, _ := params.get(name)
		return toStr(v)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := p.grant(get, base)
	if err == nil {
		return http.StatusOK, body
	}
	body = newDict("error", err.code)
	if err.text != "" {
		body.set("error_description", err.text)
	}
	return err.status, body
}

func (p *Portal) grant(get func(string) string, base string) (*dict, *restError) {
	a := p.state.account.app(get("client_id"))
	if a == nil {
		return nil, errWrongClient
	}
	if !same(a.ClientSecret, get("client_secret")) {
		return nil, errInvalidClient
	}
	if a.Removed {
		return nil, errNotInstalled
	}
	for _, s := range strings.FieldsFunc(get("scope"), func(r rune) bool { return r == ',' || r == ' ' }) {
		if !(identity{scopes: a.scopes()}).allows(s) {
			return nil, errInvalidScope
		}
	}
	switch get("grant_type") {
	case "authorization_code":
		return p.exchange(a, get("code"), base)
	case "refresh_token":
		return p.refresh(a, get("refresh_token"), base)
	default:
		return nil, badRequest("invalid_request", "Invalid grant_type parameter or parameter missing")
	}
}

func (p *Portal) exchange(a *app, code, base string) (*dict, *restError) {
	if code == "" {
		return nil, badRequest("invalid_request", `No "code" parameter found`)
	}
	codes := p.state.account.Codes
	for i, c := range codes {
		if c.ClientID == a.ClientID && same(c.Code, code) {
			p.state.account.Codes = append(codes[:i:i], codes[i+1:]...)
			if !p.clock.Now().Before(c.Expires) {
				break
			}
			return p.tokenAnswer(a, p.issue(a.ClientID, c.User), base), nil
		}
	}
	return nil, errInvalidGrant
}

// refresh rotates: the old refresh token is spent, the old access token lives out its hour.
func (p *Portal) refresh(a *app, refresh, base string) (*dict, *restError) {
	if refresh == "" {
		return nil, badRequest("invalid_request", `No "refresh_token" parameter found`)
	}
	for i := range p.state.account.Tokens {
		t := &p.state.account.Tokens[i]
		if t.ClientID != a.ClientID || !same(t.Refresh, refresh) {
			continue
		}
		if t.Spent || !p.clock.Now().Before(t.RefreshExpires) {
			break
		}
		t.Spent = true
		return p.tokenAnswer(a, p.issue(a.ClientID, t.User), base), nil
	}
	return nil, errInvalidGrant
}

// issue makes a new pair and forgets pairs of which neither half works any more.
func (p *Portal) issue(clientID string, user int) token {
	now := p.clock.Now()
	t := token{secret(), secret(), clientID, user, now.Add(accessLife), now.Add(refreshLife), false}
	live := p.state.account.Tokens[:0:0]
	for _, old := range p.state.account.Tokens {
		if !old.Spent || now.Before(old.Expires.Add(24*time.Hour)) {
			live = append(live, old)
		}
	}
	p.state.account.Tokens = append(live, t)
	p.state.account.touch()
	return t
}

func (p *Portal) tokenAnswer(a *app, t token, base string) *dict {
	return newDict(
		"access_token", t.Access, "refresh_token", t.Refresh, "expires", int(t.Expires.Unix()),
		"expires_in", int(t.Expires.Sub(p.clock.Now()).Seconds()), "client_endpoint", base+"/rest/",
		"server_endpoint", base+"/rest/", "domain", host(base), "member_id", p.opts.MemberID,
		"scope", strings.Join(a.scopes(), ","), "status", "L", "user_id", t.User,
	)
}

// onOAuthServer says whether a request is meant for the OAuth server, which
// shares this address: its app.info tells about the token instead of the app.
func (r *request) onOAuthServer() bool {
	_, check := r.params.get("IS_NEED_OAUTH_SECURE_CHECK")
	return r.method == "app.info" && r.user == 0 && (check || strings.HasPrefix(host(r.base), "oauth."))
}

// oauthAppInfo is app.info of the OAuth server, by which an application checks
// that a token is alive and which portal it belongs to.
func (p *Portal) oauthAppInfo(who identity, base string) *dict {
	p.mu.RLock()
	defer p.mu.RUnlock()
	a, expires := p.state.account.app(who.app), p.clock.Now()
	if a == nil {
		return newDict()
	}
	for _, t := range p.state.account.Tokens {
		if t.ClientID == who.app && t.User == who.user && t.Expires.After(expires) {
			expires = t.Expires
		}
	}
	scope := strings.Join(a.scopes(), ",")
	return newDict(
		"client_id", who.app, "scope", scope, "expires", expires.In(p.zone).Format(shownMoment), "user_id", who.user,
		"install", newDict(
			"installed", true, "version", "1", "status", "L", "scope", scope, "domain", host(base), "uri", base,
			"client_endpoint", base+"/rest/", "member_id", p.opts.MemberID, "member_type", "bitrix24",
		),
	)
}
