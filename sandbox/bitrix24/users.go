package bitrix24

import (
	"maps"
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
	Extra                                              map[string]string // PERSONAL_…, WORK_… and UF_… as they were written
	Day                                                *workDay          `json:",omitempty"` // nil before the first one
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
		{name: "user.add", scope: "user", write: true, admin: true, run: (*call).userAdd},
		{name: "user.update", scope: "user", write: true, admin: true, run: (*call).userUpdate},
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

// briefFields and basicFields are what the two smaller scopes show of a user
// (bitrix24 reference §6.1); the scope user shows everything.
var (
	briefFields = strings.Fields("ID XML_ID ACTIVE NAME LAST_NAME SECOND_NAME TITLE IS_ONLINE TIME_ZONE PERSONAL_PHOTO TIMESTAMP_X " +
		"DATE_REGISTER PERSONAL_PROFESSION PERSONAL_GENDER PERSONAL_BIRTHDAY PERSONAL_CITY PERSONAL_STATE PERSONAL_COUNTRY WORK_POSITION " +
		"WORK_CITY WORK_STATE WORK_COUNTRY LAST_ACTIVITY_DATE UF_EMPLOYMENT_DATE UF_TIMEMAN UF_SKILLS UF_INTERESTS UF_DEPARTMENT " +
		"UF_PHONE_INNER")
	basicFields = strings.Fields("ID XML_ID ACTIVE NAME LAST_NAME SECOND_NAME TITLE EMAIL PERSONAL_PHONE WORK_PHONE WORK_POSITION " +
		"WORK_COMPANY IS_ONLINE TIME_ZONE TIMESTAMP_X DATE_REGISTER LAST_ACTIVITY_DATE PERSONAL_PROFESSION PERSONAL_GENDER " +
		"PERSONAL_BIRTHDAY PERSONAL_PHOTO PERSONAL_FAX PERSONAL_MOBILE PERSONAL_PAGER PERSONAL_STREET PERSONAL_MAILBOX PERSONAL_CITY " +
		"PERSONAL_STATE PERSONAL_ZIP PERSONAL_COUNTRY PERSONAL_NOTES WORK_DEPARTMENT WORK_WWW WORK_FAX WORK_PAGER WORK_STREET " +
		"WORK_MAILBOX WORK_CITY WORK_STATE WORK_ZIP WORK_COUNTRY WORK_PROFILE WORK_LOGO WORK_NOTES UF_DEPARTMENT UF_DISTRICT UF_SKYPE " +
		"UF_SKYPE_LINK UF_ZOOM UF_TWITTER UF_FACEBOOK UF_LINKEDIN UF_XING UF_WEB_SITES UF_PHONE_INNER UF_EMPLOYMENT_DATE UF_TIMEMAN " +
		"UF_SKILLS UF_INTERESTS")
)

// seesOfUsers says whether the caller's scopes show a field of users.
func (i identity) seesOfUsers(name string) bool {
	return i.allows("user") || i.allows("user_basic") && slices.Contains(basicFields, name) ||
		i.allows("user_brief") && slices.Contains(briefFields, name)
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
	for name, text := range u.Extra {
		row.set(name, text)
	}
	for _, name := range slices.Clone(row.keys) {
		if !c.who.seesOfUsers(name) {
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
		rows = c.searchUsers(rows, toStr(text))
	}
	c.orderUsers(rows)
	return c.userPage(rows), nil
}

// userPage shows one page of users with the fields of select, where UF_* stands
// for all user fields. Fields that do not exist are passed over.
func (c *call) userPage(rows []*dict) *dict {
	out := newDict()
	for _, row := range paged(c, rows, c.start()) {
		var names []any
		for _, name := range c.array("select").values() {
			names = append(names, name)
			for _, key := range row.keys {
				if toStr(name) == "UF_*" && strings.HasPrefix(key, "UF_") {
					names = append(names, key)
				}
			}
		}
		out.append(selected(row, names))
	}
	return out
}

// searchUsers keeps the users of whom every word begins a word of one of these fields.
func (c *call) searchUsers(rows []*dict, text string) []*dict {
	return slices.DeleteFunc(slices.Clone(rows), func(row *dict) bool {
		var all strings.Builder
		for _, name := range []string{"NAME", "LAST_NAME", "SECOND_NAME", "WORK_POSITION", "EMAIL"} {
			v, _ := row.get(name)
			all.WriteString(" " + strings.ToLower(toStr(v)))
		}
		for _, name := range c.departmentNames(row) {
			all.WriteString(" " + strings.ToLower(name))
		}
		return slices.ContainsFunc(strings.Fields(strings.ToLower(text)), func(word string) bool {
			return !strings.Contains(all.String(), " "+word)
		})
	})
}

// departmentNames are the names of the departments a user belongs to.
func (c *call) departmentNames(row *dict) []string {
	var names []string
	v, _ := row.get("UF_DEPARTMENT")
	for _, id := range operandList(v) {
		if d, ok := c.p.state.offices.get(toID(id)); ok {
			names = append(names, d.Name)
		}
	}
	return names
}

// prefixFields are found by how they begin in user.search, without case.
var prefixFields = []string{"NAME", "LAST_NAME", "WORK_POSITION"}

func (c *call) userSearch() (any, error) {
	filter := c.params
	if f := c.array("filter"); f != nil {
		filter = f
	}
	rows := c.users()
	if text, ok := filter.fold("FIND"); ok {
		rows = c.searchUsers(rows, toStr(text))
		filter = newDict()
	}
	filter.each(func(name string, v any) {
		switch {
		case slices.Contains(prefixFields, name):
			rows = filterRows(rows, newDict("=%"+name, toStr(v)+"%"))
		case name == "UF_DEPARTMENT_NAME":
			rows = c.inDepartments(rows, toStr(v))
		default:
			rows = filterRows(rows, newDict(name, v))
		}
	})
	c.orderUsers(rows)
	return c.userPage(rows), nil
}

// inDepartments keeps the users of departments whose name begins with a text.
func (c *call) inDepartments(rows []*dict, name string) []*dict {
	return slices.DeleteFunc(slices.Clone(rows), func(row *dict) bool {
		return !slices.ContainsFunc(c.departmentNames(row), func(one string) bool {
			return strings.HasPrefix(strings.ToLower(one), strings.ToLower(name))
		})
	})
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

// read takes over the fields that a user has here.
func (u *user) read(fields *dict) {
	for name, to := range map[string]*string{
		"NAME": &u.Name, "LAST_NAME": &u.LastName, "EMAIL": &u.Email, "WORK_POSITION": &u.Position, "PERSONAL_MOBILE": &u.Phone,
		"UF_PHONE_INNER": &u.InnerPhone,
	} {
		if v, ok := fields.fold(name); ok {
			*to = toStr(v)
		}
	}
	u.readExtra(fields)
	if v, ok := fields.fold("UF_DEPARTMENT"); ok {
		u.Departments = ids(v)
	}
	if v, ok := fields.fold("ACTIVE"); ok {
		u.Active = truthy(v)
	}
}

// readExtra keeps the texts of a profile that mean nothing to the portal.
func (u *user) readExtra(fields *dict) {
	extra := maps.Clone(u.Extra)
	if extra == nil {
		extra = map[string]string{}
	}
	fields.each(func(name string, v any) {
		name = strings.ToUpper(name)
		known := slices.Contains([]string{"WORK_POSITION", "PERSONAL_MOBILE", "UF_PHONE_INNER", "UF_DEPARTMENT"}, name)
		if !known && (strings.HasPrefix(name, "PERSONAL_") || strings.HasPrefix(name, "WORK_") || strings.HasPrefix(name, "UF_")) {
			extra[name] = toStr(v)
		}
	})
	u.Extra = extra
}

// userFieldsParam are the fields of user.add and user.update: at top level, or in fields.
func (c *call) userFieldsParam() *dict {
	if d := c.array("fields"); d != nil {
		return d
	}
	return c.params
}

func (c *call) userAdd() (any, error) {
	u := &user{Active: true, Registered: c.p.stamp()}
	u.read(c.userFieldsParam())
	if !validEmail(u.Email) {
		return nil, badRequest("ERROR_ARGUMENT", "wrong_email")
	}
	if slices.ContainsFunc(c.p.state.users.all(), func(o *user) bool { return strings.EqualFold(o.Email, u.Email) }) {
		return nil, badRequest("ERROR_ARGUMENT", "A user with this email already exists")
	}
	u.ID = c.p.state.users.newID()
	c.p.state.users.put(u.ID, u)
	return u.ID, nil
}

func (c *call) userUpdate() (any, error) {
	fields := c.userFieldsParam()
	v, _ := fields.fold("ID")
	old, ok := c.p.state.users.get(toID(v))
	if !ok {
		return nil, badRequest("ERROR_CORE", "access_denied")
	}
	u := *old
	u.read(fields)
	c.p.state.users.put(u.ID, &u)
	return true, nil
}
