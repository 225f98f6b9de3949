package bitrix24

import (
	"slices"
	"strings"
)

// notifyReadMethods are the methods by which a user reads notifications.
func notifyReadMethods() []method {
	return []method{
		{name: "im.notify.get", scope: "im", run: (*call).notifyGet},
		{name: "im.notify.history.search", scope: "im", run: (*call).notifySearch},
		{name: "im.notify.schema.get", scope: "im", run: func(*call) (any, error) {
			entry := newDict("ID", "rest|rest_notify", "NAME", "Notifications of applications")
			return newDict("rest", newDict("NAME", "Applications", "MODULE_ID", "rest", "LIST", listOf([]*dict{entry}))), nil
		}},
		{name: "im.notify.read", scope: "im", write: true, run: (*call).notifyRead},
		{name: "im.notify.read.list", scope: "im", write: true, run: (*call).notifyReadList},
		{name: "im.notify.read.all", scope: "im", write: true, run: (*call).notifyReadAll},
	}
}

// notifyChat is the id of the chat in which a user's notifications stand.
func notifyChat(user int) int { return 1000 + user }

// ownNotes are the caller's notifications, newest first.
func (c *call) ownNotes() []*notification {
	own := slices.DeleteFunc(c.p.state.notes.all(), func(n *notification) bool { return n.User != c.who.user })
	slices.Reverse(own)
	return own
}

func (c *call) noteRow(n *notification) *dict {
	tag := func(s string) string {
		if s == "" {
			return ""
		}
		_, app, _ := strings.Cut(n.App, ":")
		return "MP|" + app + "|" + s
	}
	return newDict(
		"id", n.ID, "chat_id", notifyChat(n.User), "author_id", n.From, "date", c.p.shown(n.Created), "notify_type", pick(n.System, 4, 2),
		"notify_module", "rest", "notify_event", "rest_notify", "notify_tag", tag(n.Tag), "notify_sub_tag", tag(n.Sub), "notify_title", "",
		"setting_name", "rest|rest_notify", "text", n.Text, "notify_read", yn(n.Read), "params", nil,
	)
}

// notePage cuts a page that starts below LAST_ID.
func (c *call) notePage(notes []*notification) (rows, authors *dict, err error) {
	last, given := c.param("LAST_ID")
	if _, ok := toInt(last); given && !ok {
		return nil, nil, badRequest("LAST_ID_STRING", "Last notification ID can't be string")
	}
	limit := c.id("LIMIT")
	if limit <= 0 || limit > pageSize {
		limit = pageSize
	}
	rows, authors = newDict(), newDict()
	var seen []int
	for _, n := range notes {
		if given && n.ID >= toID(last) || rows.len() == limit {
			continue
		}
		rows.append(c.noteRow(n))
		if u, ok := c.p.state.users.get(n.From); ok && !slices.Contains(seen, n.From) {
			seen = append(seen, n.From)
			authors.append(imUser(u))
		}
	}
	return rows, authors, nil
}

func (c *call) notifyGet() (any, error) {
	_, id := c.param("LAST_ID")
	if _, kind := c.param("LAST_TYPE"); id != kind {
		return nil, badRequest("LAST_ID_AND_LAST_TYPE", "Parameters LAST_ID and LAST_TYPE should be used together")
	}
	notes := c.ownNotes()
	rows, authors, err := c.notePage(notes)
	if err != nil {
		return nil, err
	}
	unread := 0
	for _, n := range notes {
		unread += pick(n.Read, 0, 1)
	}
	return newDict(
		"total_count", len(notes), "total_unread_count", unread, "chat_id", notifyChat(c.who.user), "notifications", rows, "users", authors,
	), nil
}

func (c *call) notifySearch() (any, error) {
	text := strings.ToLower(c.str("SEARCH_TEXT"))
	if len([]rune(text)) < 3 {
		return nil, badRequest("SEARCH_TEXT_ERROR", "SEARCH_TEXT can't be less than 3 symbols")
	}
	found := slices.DeleteFunc(c.ownNotes(), func(n *notification) bool { return !strings.Contains(strings.ToLower(n.Text), text) })
	rows, authors, err := c.notePage(found)
	if err != nil {
		return nil, err
	}
	return newDict("chat_id", notifyChat(c.who.user), "total_results", len(found), "notifications", rows, "users", authors), nil
}

// markRead sets the read flag of the caller's notifications that match.
func (c *call) markRead(match func(*notification) bool) {
	v, given := c.param("ACTION")
	read := !given || truthy(v)
	for _, n := range c.ownNotes() {
		if match(n) && n.Read != read {
			next := *n
			next.Read = read
			c.p.state.notes.put(n.ID, &next)
		}
	}
}

// notifyRead marks a notification and, unless ONLY_CURRENT=Y, all newer ones.
func (c *call) notifyRead() (any, error) {
	id, only := c.id("ID"), c.str("ONLY_CURRENT") == "Y"
	c.markRead(func(n *notification) bool { return id > 0 && (n.ID == id || !only && n.ID > id) })
	return true, nil
}

func (c *call) notifyReadList() (any, error) {
	list := c.array("IDS")
	if list == nil {
		return nil, badRequest("PARAMS_ERROR", "No IDS param or it is not an array")
	}
	c.markRead(func(n *notification) bool { return slices.Contains(ids(list), n.ID) })
	return true, nil
}

func (c *call) notifyReadAll() (any, error) {
	c.markRead(func(*notification) bool { return true })
	return newDict("result", true, "newCounter", 0), nil
}
