package bitrix24

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Forms in which a portal hands tokens to an application that is being
// installed (bitrix24 reference §8.5).
const (
	installEvent = "event" // ONAPPINSTALL, for applications without pages
	installPage  = "page"  // the POST that opens an installer page in a frame
)

// handlerPatience is how long an application may take to answer.
const handlerPatience = 15 * time.Second

// HandlerAnswer is what an application answered to the portal; the body is cut at 64 KiB.
type HandlerAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// installation is the body of POST /sandbox/install and /sandbox/uninstall.
type installation struct {
	HandlerURL string `json:"handler_url"`
	ClientID   string `json:"client_id"` // default DemoClientID
	UserID     int    `json:"user_id"`   // who installs; default 1
	Form       string `json:"form"`      // event or page; default event
	Clean      bool   `json:"clean"`     // of an uninstallation: data is to be deleted too
}

func (i installation) check() error {
	if u, err := url.Parse(i.HandlerURL); err != nil || u.Host == "" {
		return errors.New("handler_url must be an address such as https://app.example.com/install")
	}
	if !slices.Contains([]string{"", installEvent, installPage}, i.Form) {
		return errors.New("form must be event or page")
	}
	return nil
}

// controlInstall installs an application, again if need be, and hands it new
// tokens at handler_url. It answers with what the application answered.
func (p *Portal) controlInstall(w http.ResponseWriter, r *http.Request) {
	var i installation
	if !control(w, r, &i) {
		return
	}
	if err := i.check(); err != nil {
		refuseControl(w, err)
		return
	}
	target, body, err := p.install(i, p.base(r))
	if err != nil {
		refuseControl(w, err)
		return
	}
	p.tell(w, r, target, body)
}

// controlUninstall removes an application: its tokens and event handlers are
// gone, and handler_url learns of it by ONAPPUNINSTALL, which carries no tokens.
func (p *Portal) controlUninstall(w http.ResponseWriter, r *http.Request) {
	var i installation
	if !control(w, r, &i) {
		return
	}
	if err := i.check(); err != nil {
		refuseControl(w, err)
		return
	}
	body, err := p.uninstall(i, p.base(r))
	if err != nil {
		refuseControl(w, err)
		return
	}
	p.tell(w, r, i.HandlerURL, body)
}

// installed finds the application that an installation is about.
func (p *Portal) installed(i installation) (*app, error) {
	id := pick(i.ClientID == "", DemoClientID, i.ClientID)
	if a := p.state.account.app(id); a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("there is no application %q", id)
}

// install issues tokens and makes the request that carries them.
func (p *Portal) install(i installation, base string) (target string, body *dict, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, err := p.installed(i)
	if err != nil {
		return "", nil, err
	}
	if a.Removed {
		a.Removed, a.Token = false, secret()[:32]
	}
	t := p.issue(a.ClientID, max(i.UserID, 1))
	if i.Form == installPage {
		return pageAddress(i.HandlerURL, base), p.pageBody(a, t, base), nil
	}
	data := newDict("VERSION", "1", "ACTIVE", "Y", "INSTALLED", "Y", "LANGUAGE_ID", "en")
	return i.HandlerURL, p.eventBody("ONAPPINSTALL", data, p.installAuth(a, t, base)), nil
}

func (p *Portal) uninstall(i installation, base string) (*dict, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, err := p.installed(i)
	if err != nil {
		return nil, err
	}
	account := p.state.account
	a.Removed = true
	account.Handlers = slices.DeleteFunc(slices.Clone(account.Handlers), func(h eventHandler) bool { return h.App == a.ClientID })
	account.touch()
	data := newDict("LANGUAGE_ID", "en", "CLEAN", pick(i.Clean, 1, 0))
	return p.eventBody("ONAPPUNINSTALL", data, p.eventAuth(a, base)), nil
}

// eventBody is the body of an event (bitrix24 reference §8.3). The handler's id
// is missing in the docs' samples, but the vendor's Python SDK insists on it.
func (p *Portal) eventBody(event string, data, auth *dict) *dict {
	return newDict("event", event, "event_handler_id", 1, "data", data, "ts", int(p.clock.Now().Unix()), "auth", auth)
}

// eventAuth is the part of auth that every event carries.
func (p *Portal) eventAuth(a *app, base string) *dict {
	return newDict(
		"domain", host(base), "server_endpoint", base+"/rest/", "client_endpoint", base+"/rest/", "member_id", p.opts.MemberID,
		"status", "L", "application_token", a.Token,
	)
}

// installAuth adds the tokens. Here, unlike in answers of the OAuth server, the
// scopes are separated by spaces and domain is the portal.
func (p *Portal) installAuth(a *app, t token, base string) *dict {
	auth := p.eventAuth(a, base)
	newDict(
		"access_token", t.Access, "refresh_token", t.Refresh, "expires", int(t.Expires.Unix()),
		"expires_in", int(t.Expires.Sub(p.clock.Now()).Seconds()), "scope", strings.Join(a.scopes(), " "), "user_id", t.User,
	).each(auth.set)
	return auth
}

// pageBody is what opens a page of an application (docs: settings/oauth/simple-way).
func (p *Portal) pageBody(a *app, t token, base string) *dict {
	return newDict(
		"AUTH_ID", t.Access, "AUTH_EXPIRES", int(t.Expires.Sub(p.clock.Now()).Seconds()), "REFRESH_ID", t.Refresh,
		"SERVER_ENDPOINT", base+"/rest/", "APPLICATION_TOKEN", a.Token, "APPLICATION_SCOPE", strings.Join(a.scopes(), ","),
		"member_id", p.opts.MemberID, "status", "L", "PLACEMENT", "DEFAULT",
	)
}

// pageAddress adds what the portal says in the query of a page.
func pageAddress(handler, base string) string {
	query := url.Values{
		"DOMAIN": {host(base)}, "PROTOCOL": {pick(strings.HasPrefix(base, "https:"), "1", "0")}, "LANG": {"en"}, "APP_SID": {secret()[:32]},
	}
	return handler + pick(strings.Contains(handler, "?"), "&", "?") + query.Encode()
}

// tell posts a form to an application and answers with what came back: 502 if
// nothing did.
func (p *Portal) tell(w http.ResponseWriter, r *http.Request, target string, body *dict) {
	ctx, cancel := context.WithTimeout(r.Context(), handlerPatience)
	defer cancel()
	answer, err := postForm(ctx, target, body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	reply(w, answer)
}

func postForm(ctx context.Context, target string, body *dict) (answer HandlerAnswer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(formOf(body).Encode()))
	if err != nil {
		return answer, fmt.Errorf("tell the application: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "Bitrix24 Webhook Engine")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, fmt.Errorf("tell the application: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return answer, fmt.Errorf("read the application's answer: %w", err)
	}
	return HandlerAnswer{resp.StatusCode, string(raw)}, nil
}

// formOf writes a dict as PHP's http_build_query does: brackets for what is
// nested, 1 and 0 for booleans, "" for null; empty arrays disappear.
func formOf(d *dict) url.Values {
	out := url.Values{}
	addForm(out, "", d)
	return out
}

func addForm(out url.Values, prefix string, d *dict) {
	d.each(func(key string, v any) {
		name := pick(prefix == "", key, prefix+"["+key+"]")
		switch v := v.(type) {
		case *dict:
			addForm(out, name, v)
		case bool:
			out.Set(name, pick(v, "1", "0"))
		default:
			out.Set(name, toStr(v))
		}
	})
}
