package bitrix24

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// controlRoutes are the addresses under /sandbox/ by which tests steer the
// portal; see the package documentation.
func (p *Portal) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /sandbox/stats", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.Stats()) })
	mux.HandleFunc("GET /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.faults.list()) })
	mux.HandleFunc("POST /sandbox/faults", p.controlFault)
	mux.HandleFunc("DELETE /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		p.faults.clear()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /sandbox/limits", func(w http.ResponseWriter, _ *http.Request) { reply(w, p.limiter.current()) })
	mux.HandleFunc("PUT /sandbox/limits", p.controlLimits)
	mux.HandleFunc("POST /sandbox/reset", func(w http.ResponseWriter, _ *http.Request) {
		p.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /sandbox/mode", p.showMode)
	mux.HandleFunc("PUT /sandbox/mode", p.controlMode)
	mux.HandleFunc("PUT /sandbox/move", p.controlMove)
	mux.HandleFunc("POST /sandbox/webhooks", p.controlWebhook)
	mux.HandleFunc("POST /sandbox/apps", p.controlApp)
	mux.HandleFunc("POST /sandbox/tokens", p.controlToken)
	mux.HandleFunc("POST /sandbox/tokens/expire", p.controlExpire)
	mux.HandleFunc("POST /sandbox/tokens/revoke", p.controlRevoke)
	mux.HandleFunc("POST /sandbox/install", p.controlInstall)
	mux.HandleFunc("POST /sandbox/uninstall", p.controlUninstall)
	mux.HandleFunc("PUT /sandbox/workday", p.controlWorkDay)
	mux.HandleFunc("GET /sandbox/entities", p.showEntities)
	mux.HandleFunc("GET /sandbox/notifications", p.showNotifications)
	mux.HandleFunc("GET /sandbox/calls", p.showCalls)
	p.eventRoutes(mux)
	p.peopleRoutes(mux)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
}

// refuseControl says what is wrong with a control request.
func refuseControl(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}

// control reads the JSON body of a control request into v.
func control(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		refuseControl(w, fmt.Errorf("read the body: %w", err))
		return false
	}
	return true
}

func (p *Portal) controlFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !control(w, r, &f) {
		return
	}
	id, err := p.InjectFault(f)
	if err != nil {
		refuseControl(w, err)
		return
	}
	reply(w, map[string]int{"id": id})
}

// controlLimits changes the limits that are named and empties all buckets.
func (p *Portal) controlLimits(w http.ResponseWriter, r *http.Request) {
	limits := p.limiter.current()
	if !control(w, r, &limits) {
		return
	}
	p.limiter.reset(limits)
	reply(w, limits)
}

// SetLimits replaces the limits and empties all buckets and budgets.
func (p *Portal) SetLimits(l Limits) { p.limiter.reset(l) }

type modeControl struct {
	Mode            string `json:"mode"`
	ConversionLagMS *int64 `json:"conversion_lag_ms"`
}

func (p *Portal) showMode(w http.ResponseWriter, _ *http.Request) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	lag := p.state.account.Lag.Milliseconds()
	reply(w, modeControl{pick(p.state.account.Mode == crmSimple, "simple", "classic"), &lag})
}

func (p *Portal) controlMode(w http.ResponseWriter, r *http.Request) {
	var m modeControl
	if !control(w, r, &m) {
		return
	}
	if m.Mode != "" && m.Mode != "simple" && m.Mode != "classic" {
		refuseControl(w, fmt.Errorf("mode must be simple or classic, not %q", m.Mode))
		return
	}
	p.mu.Lock()
	if m.Mode != "" {
		p.state.account.Mode = pick(m.Mode == "simple", crmSimple, crmClassic)
	}
	if m.ConversionLagMS != nil {
		p.state.account.Lag = time.Duration(*m.ConversionLagMS) * time.Millisecond
	}
	p.state.account.touch()
	p.mu.Unlock()
	p.showMode(w, r)
}

// SetMode switches between simple mode (without leads: they are converted after
// lag) and classic mode.
func (p *Portal) SetMode(simple bool, lag time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state.account.Mode = pick(simple, crmSimple, crmClassic)
	p.state.account.Lag = lag
	p.state.account.touch()
}

// controlMove makes the portal answer all REST calls with a 302 to another
// address, as after a rename; an empty one moves it back.
func (p *Portal) controlMove(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Base string `json:"base"`
	}
	if !control(w, r, &m) {
		return
	}
	p.mu.Lock()
	p.state.account.MovedTo = strings.TrimSuffix(m.Base, "/")
	p.state.account.touch()
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// controlWebhook adds an inbound webhook: {"user":7,"secret":"…","scopes":["crm"]}; no scopes means all.
func (p *Portal) controlWebhook(w http.ResponseWriter, r *http.Request) {
	var h struct {
		User   int      `json:"user"`
		Secret string   `json:"secret"`
		Scopes []string `json:"scopes"`
	}
	if !control(w, r, &h) {
		return
	}
	if h.User <= 0 || h.Secret == "" {
		refuseControl(w, fmt.Errorf("user and secret are needed"))
		return
	}
	p.mu.Lock()
	p.state.account.Webhooks = append(p.state.account.Webhooks, webhook{h.User, h.Secret, h.Scopes})
	p.state.account.touch()
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// controlApp adds or replaces an OAuth application.
func (p *Portal) controlApp(w http.ResponseWriter, r *http.Request) {
	var a struct {
		ClientID     string   `json:"client_id"`
		ClientSecret string   `json:"client_secret"`
		RedirectURI  string   `json:"redirect_uri"`
		Scopes       []string `json:"scopes"`
	}
	if !control(w, r, &a) {
		return
	}
	if a.ClientID == "" || a.ClientSecret == "" {
		refuseControl(w, fmt.Errorf("client_id and client_secret are needed"))
		return
	}
	p.mu.Lock()
	p.state.account.putApp(app{a.ClientID, a.ClientSecret, a.RedirectURI, secret()[:32], a.Scopes, false})
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (a *account) putApp(one app) {
	if old := a.app(one.ClientID); old != nil {
		*old = one
	} else {
		a.Apps = append(a.Apps, one)
	}
	a.touch()
}

// controlToken issues tokens of an application without the browser step.
func (p *Portal) controlToken(w http.ResponseWriter, r *http.Request) {
	var t struct {
		ClientID string `json:"client_id"`
		UserID   int    `json:"user_id"`
	}
	if !control(w, r, &t) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.state.account.app(pick(t.ClientID == "", DemoClientID, t.ClientID))
	if a == nil {
		refuseControl(w, fmt.Errorf("there is no application %q", t.ClientID))
		return
	}
	writeAnswer(w, http.StatusOK, p.tokenAnswer(a, p.issue(a.ClientID, max(t.UserID, 1)), p.base(r)))
}

// controlExpire ends the life of access tokens, and with "refresh":true of
// refresh tokens too: of one access token, or of all.
func (p *Portal) controlExpire(w http.ResponseWriter, r *http.Request) {
	var t struct {
		AccessToken string `json:"access_token"`
		Refresh     bool   `json:"refresh"`
	}
	if !control(w, r, &t) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.state.account.Tokens {
		one := &p.state.account.Tokens[i]
		if t.AccessToken != "" && t.AccessToken != one.Access {
			continue
		}
		one.Expires = p.clock.Now()
		if t.Refresh {
			one.RefreshExpires = p.clock.Now()
		}
	}
	p.state.account.touch()
	w.WriteHeader(http.StatusNoContent)
}

// controlRevoke makes refresh tokens invalid while access tokens live on: one, or all.
func (p *Portal) controlRevoke(w http.ResponseWriter, r *http.Request) {
	var t struct {
		RefreshToken string `json:"refresh_token"`
	}
	if !control(w, r, &t) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.state.account.Tokens {
		if one := &p.state.account.Tokens[i]; t.RefreshToken == "" || t.RefreshToken == one.Refresh {
			one.Spent = true
		}
	}
	p.state.account.touch()
	w.WriteHeader(http.StatusNoContent)
}

// showEntities counts what is in the portal.
func (p *Portal) showEntities(w http.ResponseWriter, _ *http.Request) {
	p.convertDue()
	p.mu.RLock()
	defer p.mu.RUnlock()
	counts := map[string]int{
		"comment": len(p.state.comments.rows), "file": len(p.state.files.rows),
		"notification": len(p.state.notes.rows), "activity": len(p.state.activities.rows), "call": len(p.state.calls.rows),
		"requisite": len(p.state.requisites.rows), "address": len(p.state.addresses.rows),
	}
	for _, t := range p.state.entities {
		counts[t.kind.name] = len(t.rows)
	}
	reply(w, counts)
}

// Notification is a notification as GET /sandbox/notifications shows it.
type Notification struct {
	ID      int    `json:"id"`
	User    int    `json:"user_id"`
	From    int    `json:"from_id"` // 0 for system notifications
	System  bool   `json:"system"`
	Message string `json:"message"`
	Out     string `json:"message_out"`
	Tag     string `json:"tag"`
	SubTag  string `json:"sub_tag"`
	Created string `json:"created"`
}

// Notifications are the notifications that exist, oldest first; user 0 means of all users.
func (p *Portal) Notifications(user int) []Notification {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := []Notification{}
	for _, n := range p.state.notes.all() {
		if user == 0 || n.User == user {
			out = append(out, Notification{n.ID, n.User, n.From, n.System, n.Text, n.Out, n.Tag, n.Sub, p.shown(n.Created)})
		}
	}
	return out
}

func (p *Portal) showNotifications(w http.ResponseWriter, r *http.Request) {
	reply(w, p.Notifications(toID(r.URL.Query().Get("user_id"))))
}
