package bitrix24

import (
	"slices"
	"strings"
)

// What happened to an object; the ends of the names of events.
const (
	whatAdd    = "ADD"
	whatUpdate = "UPDATE"
	whatDelete = "DELETE"
)

// happening is a change of which the portal tells its subscribers: an event and
// the id of the object.
type happening struct {
	Event string
	ID    int
}

// tell notes a change. What changes twice in one call is told once, and of what
// is made in it only that it was made.
func (s *state) tell(table string, id int, what string) {
	object := "ONCRM" + strings.ToUpper(table)
	h := happening{object + what, id}
	made := what == whatUpdate && slices.Contains(s.happened, happening{object + whatAdd, id})
	if !made && !slices.Contains(s.happened, h) {
		s.happened = append(s.happened, h)
	}
}

// publish hands what happened since the last time to the queue, for each handler
// that has subscribed. user is who did it, 0 = the portal itself; base is the
// portal's address, "" = as it was seen before. Portal.mu is held.
func (p *Portal) publish(user int, base string) {
	happened := p.state.happened
	p.state.happened = nil
	a := p.state.account
	if base != "" && base != a.Base && len(a.Handlers) > 0 {
		a.Base = base
		a.touch()
	}
	for _, one := range happened {
		for _, h := range a.Handlers {
			if h.Event == one.Event && !h.Offline {
				p.notify(h, newDict("FIELDS", newDict("ID", one.ID)), user, a.Base)
			}
		}
	}
}

// notify queues one event for one handler.
func (p *Portal) notify(h eventHandler, data *dict, user int, base string) {
	auth := p.hookAuth(h, base)
	if h.App != "" {
		if auth = p.appAuth(h, user, base); auth == nil {
			return
		}
	}
	body := p.eventBody(h.Event, data, auth)
	body.set("event_handler_id", h.ID)
	p.sender.enqueue(notice{Handler: h.ID, Event: h.Event, URL: h.URL, body: body})
}

// appAuth is what the handler of an application gets: with a token of the user
// who did it, or of whom the handler was bound for, but without a refresh token;
// without any if the portal itself did it. nil if the application may not hear.
func (p *Portal) appAuth(h eventHandler, user int, base string) *dict {
	a := p.state.account.app(h.App)
	if a == nil || a.Removed || !(identity{scopes: a.Scopes}).allows(scopeOf(h.Event)) {
		return nil
	}
	if h.User != 0 {
		user = h.User
	}
	if user == 0 {
		return p.eventAuth(a, base)
	}
	auth := p.installAuth(a, p.eventToken(a, user), base)
	auth.del("refresh_token")
	return auth
}

// scopeOf is the permission that an application needs to hear of an event.
func scopeOf(event string) string { return pick(strings.HasPrefix(event, "ONCRM"), "crm", "") }

// hookAuth is what an outgoing webhook gets: no tokens (docs: events/index).
func (p *Portal) hookAuth(h eventHandler, base string) *dict {
	return newDict(
		"domain", host(base), "client_endpoint", base+"/rest/", "server_endpoint", base+"/rest/", "member_id", p.opts.MemberID,
		"application_token", h.Token,
	)
}

// eventToken is a token of a user for an event: one that lives for a while yet,
// or a new one. Its life is not what the application refreshes.
func (p *Portal) eventToken(a *app, user int) token {
	soon := p.clock.Now().Add(accessLife / 2)
	for _, t := range p.state.account.Tokens {
		if t.ClientID == a.ClientID && t.User == user && t.Expires.After(soon) {
			return t
		}
	}
	return p.issue(a.ClientID, user)
}
