package bitrix24

import (
	"bytes"
	"slices"
	"strings"
)

// notification is one notification of a user. App is what TAG and SUB_TAG are
// unique in: the application, or CLIENT_ID of a webhook; without it there are no tags.
type notification struct {
	ID, User, From           int
	System, Read             bool
	Text, Out, Tag, Sub, App string
	Attach, Created          string
}

// maxAttach is the largest serialised ATTACH.
const maxAttach = 60_000

func notifyMethods() []method {
	return []method{
		{name: "im.notify", scope: "im", write: true, run: func(c *call) (any, error) {
			return c.notify(strings.EqualFold(c.str("TYPE"), "SYSTEM"))
		}},
		{name: "im.notify.personal.add", scope: "im", write: true, run: func(c *call) (any, error) { return c.notify(false) }},
		{name: "im.notify.system.add", scope: "im", write: true, run: func(c *call) (any, error) { return c.notify(true) }},
		{name: "im.notify.delete", scope: "im", write: true, run: (*call).notifyDelete},
	}
}

// notifyApp is the application that tags belong to, "" if none is known.
func (c *call) notifyApp() string {
	if c.who.kind == authApp {
		return "app:" + c.who.app
	}
	if id := c.str("CLIENT_ID"); id != "" {
		return "client:" + id
	}
	return ""
}

// notify sends a notification. One with the TAG of an older one of the same
// application replaces it, whoever got it (bitrix24 reference §6.2).
func (c *call) notify(system bool) (any, error) {
	to := c.id("USER_ID")
	text := strings.TrimSpace(c.str("MESSAGE"))
	switch {
	case to <= 0:
		return nil, badRequest("USER_ID_EMPTY", "User ID can't be empty")
	case text == "":
		return nil, badRequest("MESSAGE_EMPTY", "Message can't be empty")
	}
	attach, err := c.attach()
	if err != nil {
		return nil, err
	}
	if _, ok := c.p.state.users.get(to); !ok {
		return false, nil
	}
	n := &notification{
		ID: c.p.state.notes.newID(), User: to, From: pick(system, 0, c.who.user), System: system, Text: text, Out: c.str("MESSAGE_OUT"),
		App: c.notifyApp(), Attach: attach, Created: c.p.stamp(),
	}
	if n.App != "" {
		n.Tag, n.Sub = c.str("TAG"), c.str("SUB_TAG")
		c.dropNotes(func(o *notification) bool { return n.Tag != "" && o.App == n.App && o.Tag == n.Tag })
	}
	c.p.state.notes.put(n.ID, n)
	return n.ID, nil
}

// attach is ATTACH as text: an object, or JSON text of one.
func (c *call) attach() (string, error) {
	v, ok := c.param("ATTACH")
	if !ok || empty(v) {
		return "", nil
	}
	text, isText := v.(string)
	if isText {
		parsed, err := readJSON([]byte(text))
		if _, isDict := parsed.(*dict); err != nil || !isDict {
			return "", badRequest("ATTACH_ERROR", "Incorrect attach params")
		}
	} else {
		var b bytes.Buffer
		if err := writeJSON(&b, v); err != nil {
			return "", err
		}
		text = b.String()
	}
	if len(text) > maxAttach {
		return "", badRequest("ATTACH_OVERSIZE", "You have exceeded the maximum allowable size of attach")
	}
	return text, nil
}

func (c *call) dropNotes(drop func(*notification) bool) (dropped bool) {
	for _, n := range slices.Clone(c.p.state.notes.all()) {
		if drop(n) {
			c.p.state.notes.del(n.ID)
			dropped = true
		}
	}
	return dropped
}

// notifyDelete deletes by ID, or by TAG or SUB_TAG of the caller's application.
func (c *call) notifyDelete() (any, error) {
	id, tag, sub := c.id("ID"), c.str("TAG"), c.str("SUB_TAG")
	if id > 0 {
		return c.dropNotes(func(n *notification) bool { return n.ID == id }), nil
	}
	if tag == "" && sub == "" {
		return nil, badRequest("PARAMS_ERROR", "Incorrect params")
	}
	app := c.notifyApp()
	if app == "" {
		return nil, badRequest("ACCESS_DENIED", "Access denied! Client ID not specified")
	}
	return c.dropNotes(func(n *notification) bool {
		return n.App == app && (tag == "" || n.Tag == tag) && (sub == "" || n.Sub == sub)
	}), nil
}
