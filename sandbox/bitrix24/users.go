package bitrix24

import (
	"slices"
	"strconv"
	"strings"
)

// user is an employee.
type user struct {
	ID                                                 int
	Name, LastName, Email, Position, Phone, InnerPhone string
	Admin, Active                                      bool
	Departments                                        []int
	Registered                                         string
}

// department is one node of the company structure.
type department struct {
	ID, Sort, Parent, Head int
	Name                   string
}

const userScopes = "user|user_basic|user_brief"

func userMethods() []method {
	return []method{
		{name: "user.get", scope: userScopes, run: (*call).userGet},
		{name: "user.search", scope: userScopes, run: (*call).userSearch},
		{name: "user.current", scope: userScopes, run: (*call).userCurrent},
		{name: "user.fields", scope: userScopes, run: (*call).userFieldNames},
		{name: "user.admin", run: func(c *call) (any, error) { return c.caller().Admin, nil }},
		{name: "user.access", run: (*call).userAccess},
		{name: "profile", run: (*call).profile},
	}
}

func (c *call) caller() *user {
	u, ok := c.p.state.users.get(c.who.user)
	if !ok {
		return &user{}
	}
	return u
}

func (s *state) userName(id int) string {
	u, ok := s.users.get(id)
	if !ok {
		return ""
	}
	return strings.TrimSpace(u.Name + " " + u.LastName)
}

// userFieldScopes are the fields that need more than user_brief.
var userFieldScopes = map[string]string{
	"EMAIL": "user|user_basic", "PERSONAL_MOBILE": "user|user_basic", "WORK_PHONE": "user|user_basic", "UF_PHONE_INNER": "user|user_basic",
	"PERSONAL_PHONE": "user|user_basic",
}

// userRow shows a user; fields outside the caller's scope are absent.
func (c *call) userRow(u *user) *dict {
	row := newDict(
		"ID", strconv.Itoa(u.ID), "XML_ID", strconv.Itoa(u.ID), "ACTIVE", u.Active, "NAME", u.Name, "LAST_NAME", u.LastName,
		"SECOND_NAME", "", "EMAIL", u.Email, "LAST_LOGIN", c.p.shown(u.Registered), "DATE_REGISTER", c.p.shown(u.Registered), "TIME_ZONE", "",
		"IS_ONLINE", "N", "TIMESTAMP_X", struct{}{}, "LAST_ACTIVITY_DATE", struct{}{}, "PERSONAL_GENDER", "", "PERSONAL_BIRTHDAY", "",
		"PERSONAL_PHONE", "", "PERSONAL_MOBILE", u.Phone, "WORK_PHONE", "", "WORK_POSITION", u.Position, "UF_EMPLOYMENT_DATE", "",
		"UF_DEPARTMENT", listOf(u.Departments), "UF_PHONE_INNER", u.InnerPhone, "USER_TYPE", "employee",
	)
	for name, scope := range userFieldScopes {
		if !c.who.allows(scope) {
			row.del(name)
		}
	}
	return row
}

func (c *call) users() []*dict {
	var rows []*dict
	for _, u := range c.p.state.users.all() {
		rows = append(rows, c.userRow(u))
	}
	return rows
}

func (c *call) userGet() (any, error) {
	filter := c.params
	if f := c.array("filter"); f != nil {
		filter = f
	}
	rows := filterRows(c.users(), filter)
	if text, ok := filter.get("NAME_SEARCH"); ok {
		rows = searchUsers(rows, toStr(text))
	}
	c.orderUsers(rows)
	names := c.array("select").values()
	out := newDict()
	for _, row := range paged(c, rows, c.start()) {
		out.append(selected(row, names))
	}
	return out, nil
}

// searchUsers keeps the users of whom every word is found somewhere.
func searchUsers(rows []*dict, text string) []*dict {
	return slices.DeleteFunc(slices.Clone(rows), func(row *dict) bool {
		var all strings.Builder
		for _, name := range []string{"NAME", "LAST_NAME", "WORK_POSITION", "EMAIL"} {
			v, _ := row.get(name)
			all.WriteString(" " + strings.ToLower(toStr(v)))
		}
		return slices.ContainsFunc(strings.Fields(strings.ToLower(text)), func(word string) bool {
			return !strings.Contains(all.String(), " "+word)
		})
	})
}

func (c *call) userSearch() (any, error) {
	filter := c.params
	if f := c.array("filter"); f != nil {
		filter = f
	}
	rows := slices.DeleteFunc(c.users(), func(row *dict) bool { v, _ := row.get("ACTIVE"); return v != true })
	if text, ok := filter.get("FIND"); ok {
		rows = searchUsers(rows, toStr(text))
		filter = newDict()
	}
	filter.each(func(name string, v any) {
		if name == "NAME" || name == "LAST_NAME" || name == "WORK_POSITION" {
			rows = filterRows(rows, newDict("%"+name, v))
		} else {
			rows = filterRows(rows, newDict(name, v))
		}
	})
	c.orderUsers(rows)
	return listOf(paged(c, rows, c.start())), nil
}

// orderUsers sorts by sort and order, or by a map in order.
func (c *call) orderUsers(rows []*dict) {
	order := c.array("order")
	if name := strings.ToUpper(c.str("sort")); name != "" {
		order = newDict(name, pick(c.str("order") == "", "ASC", c.str("order")))
	}
	orderRows(rows, order)
}

// userCurrent shows the caller. Unlike in user.get the two moments are texts.
func (c *call) userCurrent() (any, error) {
	row := c.userRow(c.caller())
	row.set("TIMESTAMP_X", c.p.shown(c.caller().Registered))
	row.set("LAST_ACTIVITY_DATE", c.p.when(c.p.stamp()))
	return row, nil
}

func (c *call) userFieldNames() (any, error) {
	out := newDict()
	for _, name := range c.userRow(c.caller()).keys {
		out.set(name, strings.ReplaceAll(name, "_", " "))
	}
	return out, nil
}

// userAccess checks access codes: U7 is the user, AU everybody, G1 administrators.
func (c *call) userAccess() (any, error) {
	v, _ := c.param("ACCESS")
	for _, code := range operandList(v) {
		s := toStr(code)
		if s == "AU" || s == "G2" || s == "U"+strconv.Itoa(c.who.user) || s == "G1" && c.caller().Admin {
			return true, nil
		}
	}
	return false, nil
}

// profile is the only call that needs no scope at all.
func (c *call) profile() (any, error) {
	u := c.caller()
	return newDict(
		"ID", strconv.Itoa(u.ID), "ADMIN", u.Admin, "NAME", u.Name, "LAST_NAME", u.LastName, "PERSONAL_GENDER", "", "TIME_ZONE", "",
	), nil
}
