package bitrix24

import "slices"

// telephonyMethods are the methods for calls of an outside telephone exchange
// (bitrix24 reference §5). Lines, register and finish want an application.
func telephonyMethods() []method {
	return []method{
		{name: "telephony.externalLine.add", scope: "telephony", app: true, write: true, run: (*call).lineAdd},
		{name: "telephony.externalLine.update", scope: "telephony", app: true, write: true, run: (*call).lineUpdate},
		{name: "telephony.externalLine.get", scope: "telephony", app: true, run: (*call).lineList},
		{name: "telephony.externalLine.delete", scope: "telephony", app: true, write: true, run: (*call).lineDelete},
		{name: "telephony.externalCall.register", scope: "telephony", app: true, write: true, run: (*call).callRegister},
		{name: "telephony.externalCall.finish", scope: "telephony", app: true, write: true, run: (*call).callFinish},
		{name: "telephony.externalCall.show", scope: "telephony", write: true, run: (*call).callShow},
		{name: "telephony.externalCall.hide", scope: "telephony", write: true, run: (*call).callHide},
		{
			name: "telephony.externalCall.attachRecord", scope: "telephony", write: true, prepare: (*call).takeRecord,
			run: (*call).callAttachRecord,
		},
		{name: "telephony.externalCall.searchCrmEntities", scope: "telephony", run: (*call).callSearch},
		{name: "telephony.call.attachTranscription", scope: "telephony", write: true, run: (*call).callTranscribe},
		{name: "voximplant.statistic.get", scope: "telephony", run: (*call).statisticList},
	}
}

// core is the error that telephony methods give for nearly everything.
func core(format string, args ...any) *restError { return badRequest("ERROR_CORE", format, args...) }

var (
	errLineNumber   = core("NUMBER should not be empty")
	errCallUser     = core("USER_ID or USER_PHONE_INNER should be set")
	errCallUserGone = core("User is not found or is not active")
)

// line finds the caller's line that the parameter NUMBER names.
func (c *call) line() (*externalLine, error) {
	number := c.str("NUMBER")
	if number == "" {
		return nil, errLineNumber
	}
	if l := c.p.state.line(c.who.app, number); l != nil {
		return l, nil
	}
	return nil, core("Could not find line with number %s", number)
}

func (s *state) line(app, number string) *externalLine {
	for _, l := range s.lines.all() {
		if l.App == app && l.Number == number {
			return l
		}
	}
	return nil
}

func (c *call) lineAdd() (any, error) {
	number := c.str("NUMBER")
	switch {
	case number == "":
		return nil, errLineNumber
	case c.p.state.line(c.who.app, number) != nil:
		return nil, core("Line already exists")
	}
	l := &externalLine{ID: c.p.state.lines.newID(), App: c.who.app, Number: number, Name: c.str("NAME"), AutoCreate: c.autoCreate()}
	c.p.state.lines.put(l.ID, l)
	return newDict("ID", l.ID), nil
}

// autoCreate reads CRM_AUTO_CREATE: only N switches it off.
func (c *call) autoCreate() bool { return c.str("CRM_AUTO_CREATE") != "N" }

func (c *call) lineUpdate() (any, error) {
	old, err := c.line()
	if err != nil {
		return nil, err
	}
	_, name := c.given("NAME")
	_, auto := c.given("CRM_AUTO_CREATE")
	if !name && !auto {
		return nil, core("There are no fields to update")
	}
	l := *old
	if name {
		l.Name = c.str("NAME")
	}
	if auto {
		l.AutoCreate = c.autoCreate()
	}
	c.p.state.lines.put(l.ID, &l)
	return newDict("ID", toStr(l.ID)), nil
}

func (c *call) lineDelete() (any, error) {
	l, err := c.line()
	if err != nil {
		return nil, err
	}
	c.p.state.lines.del(l.ID)
	return newDict(), nil
}

func (c *call) lineList() (any, error) {
	out := newDict()
	for _, l := range c.p.state.lines.all() {
		if l.App == c.who.app {
			out.append(newDict("NUMBER", l.Number, "NAME", l.Name, "CRM_AUTO_CREATE", yn(l.AutoCreate)))
		}
	}
	return out, nil
}

// callUser reads who spoke: USER_ID, or the user with the inner number USER_PHONE_INNER.
func (c *call) callUser() (*user, error) {
	id, inner := c.id("USER_ID"), c.str("USER_PHONE_INNER")
	if id == 0 && inner == "" {
		return nil, errCallUser
	}
	for _, u := range c.p.state.users.all() {
		if u.Active && (u.ID == id || id == 0 && u.InnerPhone == inner) {
			return u, nil
		}
	}
	return nil, errCallUserGone
}

// given is a parameter that was sent and is not null: the vendor's PHP SDK sends
// null for what it leaves out.
func (c *call) given(name string) (any, bool) {
	v, ok := c.param(name)
	return v, ok && v != nil
}

// openCall is the unfinished call that CALL_ID names; to the portal a finished one is gone.
func (c *call) openCall() (registration, bool) {
	r, ok := c.p.state.callNamed(c.str("CALL_ID"))
	if !ok || r.Statistic != 0 {
		return registration{}, false
	}
	return *r, true
}

// callShow opens the call card for users, by default for the one of the
// registration. An unknown call is no error, only false.
func (c *call) callShow() (any, error) {
	r, ok := c.openCall()
	if !ok {
		return false, nil
	}
	v, given := c.given("USER_ID")
	shown := append(slices.Clone(r.ShownTo), pick(given, ids(v), []int{r.User})...)
	slices.Sort(shown)
	r.ShownTo = slices.Compact(shown)
	c.p.state.calls.put(r.ID, &r)
	return true, nil
}

// callHide closes the call card for users, without USER_ID for all.
func (c *call) callHide() (any, error) {
	r, ok := c.openCall()
	if !ok {
		return false, nil
	}
	v, given := c.given("USER_ID")
	hidden := ids(v)
	r.ShownTo = slices.DeleteFunc(slices.Clone(r.ShownTo), func(id int) bool { return !given || slices.Contains(hidden, id) })
	c.p.state.calls.put(r.ID, &r)
	return true, nil
}

// callSearch finds clients by phone, with who is responsible for them.
func (c *call) callSearch() (any, error) {
	phone := c.str("PHONE_NUMBER")
	if phone == "" {
		return nil, core("PHONE_NUMBER is empty")
	}
	out := newDict()
	for _, b := range c.p.state.clientsByPhone(phone) {
		t := c.p.state.entities[b.Kind]
		e := t.rows[b.ID]
		responsible := e.int("ASSIGNED_BY_ID")
		out.append(newDict(
			"CRM_ENTITY_TYPE", c.p.state.kindCode(b.Kind), "CRM_ENTITY_ID", b.ID, "ASSIGNED_BY_ID", responsible,
			"NAME", entityName(t.kind, e), "ASSIGNED_BY", c.responsible(responsible),
		))
	}
	return out, nil
}

// responsible shows an employee to an operator.
func (c *call) responsible(id int) *dict {
	u, ok := c.p.state.users.get(id)
	if !ok {
		return newDict()
	}
	return newDict(
		"ID", toStr(u.ID), "TIMEMAN_STATUS", c.p.workStatus(u), "USER_PHONE_INNER", emptyNil(u.InnerPhone),
		"WORK_PHONE", emptyNil(u.Extra["WORK_PHONE"]), "PERSONAL_PHONE", emptyNil(u.Extra["PERSONAL_PHONE"]), "PERSONAL_MOBILE", emptyNil(u.Phone),
	)
}
