package bitrix24

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// eventHandler is a subscription made by event.bind.
type eventHandler struct {
	ID                         int
	App, Event, URL, Connector string
	User                       int // whose token goes with the event; 0 = whoever caused it
	Offline                    bool
}

// eventNames are the events of the scopes this portal serves.
var eventNames = func() []string {
	names := []string{
		"ONAPPINSTALL", "ONAPPUNINSTALL", "ONAPPUPDATE", "ONAPPPAYMENT", "ONAPPTEST", "ONAPPMETHODCONFIRM", "ONUSERADD", "ONOFFLINEEVENT",
		"ONCRMDEALMOVETOCATEGORY", "ONEXTERNALCALLSTART", "ONEXTERNALCALLBACKSTART", "ONVOXIMPLANTCALLINIT", "ONVOXIMPLANTCALLSTART",
		"ONVOXIMPLANTCALLEND",
	}
	for _, object := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "ACTIVITY", "TIMELINECOMMENT", "REQUISITE", "CURRENCY"} {
		for _, what := range []string{"ADD", "UPDATE", "DELETE"} {
			names = append(names, "ONCRM"+object+what)
		}
	}
	return names
}()

func eventMethods() []method {
	return []method{
		{name: "event.bind", app: true, write: true, run: (*call).eventBind},
		{name: "event.unbind", app: true, write: true, run: (*call).eventUnbind},
		{name: "event.get", app: true, run: (*call).eventGet},
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

// eventParams reads what event.bind and event.unbind share.
func (c *call) eventParams() (h eventHandler, err error) {
	h = eventHandler{
		App: c.who.app, Event: strings.ToUpper(c.str("event")), URL: c.str("handler"), Connector: c.str("auth_connector"),
		User: c.id("auth_type"), Offline: strings.EqualFold(c.str("event_type"), "offline"),
	}
	admin := c.caller().Admin
	switch {
	case !slices.Contains(eventNames, h.Event):
		return h, badRequest("ERROR_EVENT_NOT_FOUND", "Event not found")
	case h.Offline && !admin:
		return h, &restError{403, "ACCESS_DENIED", "Access denied! Offline events binding requires administrator access rights"}
	case h.User != 0 && h.User != c.who.user && !admin:
		return h, &restError{403, "ACCESS_DENIED", "Access denied! Event binding with AUTH_TYPE requires administrator access rights"}
	}
	return h, nil
}

// eventBind subscribes. Events are not sent by this portal yet: it only keeps the list.
func (c *call) eventBind() (any, error) {
	h, err := c.eventParams()
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
	h.ID = len(a.Handlers) + 1
	a.Handlers = append(a.Handlers, h)
	a.touch()
	return true, nil
}

func (c *call) eventUnbind() (any, error) {
	h, err := c.eventParams()
	if err != nil {
		return nil, err
	}
	a, before := c.p.state.account, len(c.p.state.account.Handlers)
	_, byUser := c.param("auth_type")
	a.Handlers = slices.DeleteFunc(slices.Clone(a.Handlers), func(old eventHandler) bool {
		return old.App == h.App && old.Event == h.Event && old.URL == h.URL && old.Offline == h.Offline && (!byUser || old.User == h.User)
	})
	a.touch()
	return newDict("count", before-len(a.Handlers)), nil
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
