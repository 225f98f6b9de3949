package bitrix24

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// eventHandler is a subscription: of an application by event.bind, or of an
// outgoing webhook that a person made.
type eventHandler struct {
	ID                         int // event_handler_id; an outgoing webhook has one for all its events
	App, Event, URL, Connector string
	User                       int // whose token goes with the event; 0 = whoever caused it
	Offline                    bool
	Token                      string // application_token of an outgoing webhook; it has no App
}

// eventNames are the events of the scopes this portal serves.
var eventNames = func() []string {
	names := []string{
		"ONAPPINSTALL", "ONAPPUNINSTALL", "ONAPPUPDATE", "ONAPPPAYMENT", eventTest, "ONAPPMETHODCONFIRM", "ONUSERADD", "ONOFFLINEEVENT",
		"ONCRMDEALMOVETOCATEGORY", "ONEXTERNALCALLSTART", "ONEXTERNALCALLBACKSTART", "ONVOXIMPLANTCALLINIT", "ONVOXIMPLANTCALLSTART",
		"ONVOXIMPLANTCALLEND",
	}
	for _, object := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "ACTIVITY", "TIMELINECOMMENT", "REQUISITE", "CURRENCY"} {
		for _, what := range []string{whatAdd, whatUpdate, whatDelete} {
			names = append(names, "ONCRM"+object+what)
		}
	}
	return names
}()

const eventTest = "ONAPPTEST"

func eventMethods() []method {
	return []method{
		{name: "event.bind", app: true, write: true, run: (*call).eventBind},
		{name: "event.unbind", app: true, write: true, run: (*call).eventUnbind},
		{name: "event.get", app: true, run: (*call).eventGet},
		{name: "event.test", app: true, write: true, run: (*call).eventTest},
		{name: "events", run: (*call).eventList},
	}
}

func (c *call) eventList() (any, error) {
	scope := strings.ToUpper(c.str("SCOPE"))
	out := newDict()
	for _, name := range eventNames {
		if scope == "" || strings.HasPrefix(name, "ON"+scope) {
			out.append(name)
		}
	}
	return out, nil
}

// eventParams reads what event.bind and event.unbind share; doing is the word
// that their refusals differ in.
func (c *call) eventParams(doing string) (h eventHandler, err error) {
	h = eventHandler{
		App: c.who.app, Event: strings.ToUpper(c.str("event")), URL: c.str("handler"), Connector: c.str("auth_connector"),
		User: c.id("auth_type"), Offline: strings.EqualFold(c.str("event_type"), "offline"),
	}
	admin := c.caller().Admin
	switch {
	case !slices.Contains(eventNames, h.Event):
		return h, badRequest("ERROR_EVENT_NOT_FOUND", "Event not found")
	case h.Offline && !admin:
		return h, &restError{403, "ACCESS_DENIED", "Access denied! Offline events " + doing + " requires administrator access rights"}
	case h.User != 0 && h.User != c.who.user && !admin:
		return h, &restError{403, "ACCESS_DENIED", "Access denied! Event " + doing + " with AUTH_TYPE requires administrator access rights"}
	case !admin: // what others do is none of his business
		h.User = c.who.user
	}
	return h, nil
}

// eventBind subscribes. Offline events are only kept: there is no queue of them.
func (c *call) eventBind() (any, error) {
	h, err := c.eventParams("binding")
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(h.URL); !h.Offline && (err != nil || u.Host == "") {
		return nil, badRequest("ERROR_ARGUMENT", "Handler URL is invalid")
	}
	a := c.p.state.account
	for _, old := range a.Handlers {
		if old.App == h.App && old.Event == h.Event && old.URL == h.URL && old.User == h.User && old.Offline == h.Offline {
			return nil, badRequest("", "Unable to set event handler: Handler already binded")
		}
	}
	a.subscribe(h)
	return true, nil
}

// subscribe adds handlers under one new id.
func (a *account) subscribe(handlers ...eventHandler) (id int) {
	a.LastBind++
	for _, h := range handlers {
		h.ID = a.LastBind
		a.Handlers = append(a.Handlers, h)
	}
	a.touch()
	return a.LastBind
}

func (c *call) eventUnbind() (any, error) {
	h, err := c.eventParams("unbinding")
	if err != nil {
		return nil, err
	}
	_, byUser := c.param("auth_type")
	byUser = byUser || !c.caller().Admin
	n := c.p.state.account.unsubscribe(func(old eventHandler) bool {
		return old.App == h.App && old.Event == h.Event && old.URL == h.URL && old.Offline == h.Offline && (!byUser || old.User == h.User)
	})
	return newDict("count", n), nil
}

// unsubscribe removes handlers and gives their number.
func (a *account) unsubscribe(which func(eventHandler) bool) int {
	before := len(a.Handlers)
	a.Handlers = slices.DeleteFunc(slices.Clone(a.Handlers), which)
	a.touch()
	return before - len(a.Handlers)
}

func (c *call) eventGet() (any, error) {
	out := newDict()
	for _, h := range c.p.state.account.Handlers {
		if h.App != c.who.app || !c.caller().Admin && h.User != c.who.user {
			continue
		}
		row := newDict("event", h.Event, "handler", h.URL, "auth_type", strconv.Itoa(h.User), "offline", pick(h.Offline, 1, 0))
		if h.Offline {
			row.set("connector_id", h.Connector)
		}
		out.append(row)
	}
	return out, nil
}

// eventTest sends ONAPPTEST with all parameters to the application's handlers.
func (c *call) eventTest() (any, error) {
	for _, h := range c.p.state.account.Handlers {
		if h.App == c.who.app && h.Event == eventTest {
			c.p.notify(h, newDict("QUERY", c.params), c.who.user, c.base)
		}
	}
	return 1, nil
}
