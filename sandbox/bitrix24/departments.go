package bitrix24

import "strconv"

func departmentMethods() []method {
	return []method{
		{name: "department.get", scope: "department", run: (*call).departmentGet},
		{name: "department.fields", scope: "department", run: (*call).departmentFields},
		{name: "department.add", scope: "department", write: true, admin: true, run: (*call).departmentAdd},
		{name: "department.update", scope: "department", write: true, admin: true, run: (*call).departmentUpdate},
		{name: "department.delete", scope: "department", write: true, admin: true, run: (*call).departmentDelete},
		{name: "im.department.managers.get", scope: "im", run: (*call).departmentManagers},
	}
}

func (d *department) row() *dict {
	row := newDict("ID", strconv.Itoa(d.ID), "NAME", d.Name, "SORT", d.Sort)
	if d.Parent > 0 {
		row.set("PARENT", strconv.Itoa(d.Parent))
	}
	if d.Head > 0 {
		row.set("UF_HEAD", strconv.Itoa(d.Head))
	}
	return row
}

func (c *call) departmentGet() (any, error) {
	rows := []*dict{}
	for _, d := range c.p.state.offices.all() {
		if c.departmentMatches(d) {
			rows = append(rows, d.row())
		}
	}
	if name := c.str("sort"); name != "" {
		orderRows(rows, newDict(name, pick(c.str("order") == "", "ASC", c.str("order"))))
	}
	return listOf(paged(c, rows, c.start())), nil
}

// departmentMatches filters by the parameters ID, NAME, PARENT and so on, which stand at top level.
func (c *call) departmentMatches(d *department) bool {
	full := newDict("ID", d.ID, "NAME", d.Name, "SORT", d.Sort, "PARENT", d.Parent, "UF_HEAD", d.Head)
	filter := newDict()
	c.params.each(func(name string, v any) {
		if _, known := full.get(stripPrefix(name)); known {
			filter.set(name, v)
		}
	})
	return len(filterRows([]*dict{full}, filter)) == 1
}

func stripPrefix(key string) string {
	_, name := splitPrefix(key)
	return name
}

func (c *call) departmentFields() (any, error) {
	return newDict("ID", "ID", "NAME", "Department name", "SORT", "Sort order", "PARENT", "Parent department", "UF_HEAD", "Head"), nil
}

func (c *call) departmentAdd() (any, error) {
	if c.str("NAME") == "" {
		return nil, legacy("Department name is not specified")
	}
	d := &department{ID: c.p.state.offices.newID(), Sort: 500}
	c.readDepartment(d)
	c.p.state.offices.put(d.ID, d)
	return d.ID, nil
}

func (c *call) readDepartment(d *department) {
	if name := c.str("NAME"); name != "" {
		d.Name = name
	}
	for name, to := range map[string]*int{"SORT": &d.Sort, "PARENT": &d.Parent, "UF_HEAD": &d.Head} {
		if _, ok := c.param(name); ok {
			*to = c.id(name)
		}
	}
}

func (c *call) department() (*department, error) {
	d, ok := c.p.state.offices.get(c.id("ID"))
	if !ok {
		return nil, legacy("Department not found")
	}
	return d, nil
}

func (c *call) departmentUpdate() (any, error) {
	old, err := c.department()
	if err != nil {
		return nil, err
	}
	d := *old
	c.readDepartment(&d)
	c.p.state.offices.put(d.ID, &d)
	return true, nil
}

func (c *call) departmentDelete() (any, error) {
	d, err := c.department()
	if err != nil {
		return nil, err
	}
	c.p.state.offices.del(d.ID)
	return true, nil
}

// departmentManagers gives the head of each department asked for.
func (c *call) departmentManagers() (any, error) {
	v, _ := c.param("ID")
	if d := asDict(v); d == nil || d.len() == 0 {
		return nil, badRequest("ID_EMPTY", "Department ID can't be empty")
	}
	full, _ := c.param("USER_DATA")
	out := newDict()
	for _, id := range ids(v) {
		d, ok := c.p.state.offices.get(id)
		if !ok || d.Head == 0 {
			continue
		}
		if !truthy(full) {
			out.set(strconv.Itoa(id), listOf([]int{d.Head}))
			continue
		}
		if u, ok := c.p.state.users.get(d.Head); ok {
			out.set(strconv.Itoa(id), listOf([]*dict{imUser(u)}))
		}
	}
	return out, nil
}

// imUser is a user as the messenger shows one.
func imUser(u *user) *dict {
	return newDict(
		"id", u.ID, "active", u.Active, "name", u.Name+" "+u.LastName, "first_name", u.Name, "last_name", u.LastName,
		"work_position", u.Position, "gender", "M", "extranet", false, "bot", false, "connector", false, "status", "online",
		"departments", listOf(u.Departments), "email", u.Email, "type", "user",
	)
}
