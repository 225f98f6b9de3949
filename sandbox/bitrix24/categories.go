package bitrix24

import "strings"

// category is a pipeline of deals. Deal pipeline 0 always exists.
type category struct {
	ID, Kind, Sort       int
	Name                 string
	Default              bool
	OriginID, Originator string
}

func categoryMethods() []method {
	return []method{
		{name: "crm.category.list", scope: "crm", run: (*call).categoryList},
		{name: "crm.category.get", scope: "crm", run: (*call).categoryGet},
		{name: "crm.category.add", scope: "crm", write: true, run: (*call).categoryAdd},
		{name: "crm.category.update", scope: "crm", write: true, run: (*call).categoryUpdate},
		{name: "crm.category.delete", scope: "crm", write: true, run: (*call).categoryDelete},
		{name: "crm.category.fields", scope: "crm", run: (*call).categoryFields},
	}
}

// dealCategory is a deal pipeline, nil if there is none with the id.
func (s *state) dealCategory(id int) *category {
	c, ok := s.categories.get(id)
	if !ok {
		return nil
	}
	return c
}

// categoryKind checks entityTypeId: of the kinds here only deals have pipelines.
func (c *call) categoryKind() error {
	t, err := c.itemTable()
	if err != nil {
		return err
	}
	if t.kind.id != kindDeal {
		return badRequest("ENTITY_TYPE_NOT_SUPPORTED", "Entity type %s is not supported", strings.ToUpper(t.kind.name))
	}
	return nil
}

func (c *call) category() (*category, error) {
	if err := c.categoryKind(); err != nil {
		return nil, err
	}
	v, ok := c.param("id")
	if !ok {
		return nil, missing("id")
	}
	id, ok := toInt(v)
	cat := c.p.state.dealCategory(id)
	if !ok || cat == nil {
		return nil, badRequest("NOT_FOUND", "Element not found")
	}
	return cat, nil
}

func (cat *category) row() *dict {
	row := newDict("id", cat.ID, "name", cat.Name, "sort", cat.Sort, "entityTypeId", cat.Kind, "isDefault", yn(cat.Default))
	if cat.ID > 0 {
		row.set("originId", cat.OriginID)
		row.set("originatorId", cat.Originator)
	}
	return row
}

func (c *call) categoryList() (any, error) {
	if err := c.categoryKind(); err != nil {
		return nil, err
	}
	var rows []*dict
	for _, cat := range c.p.state.categories.all() {
		rows = append(rows, cat.row())
	}
	orderRows(rows, newDict("sort", "ASC", "id", "ASC"))
	c.setTotal(len(rows))
	return newDict("categories", listOf(rows)), nil
}

func (c *call) categoryGet() (any, error) {
	cat, err := c.category()
	if err != nil {
		return nil, err
	}
	return newDict("category", cat.row()), nil
}

// read takes over the writable fields.
func (cat *category) read(fields *dict) {
	fields.each(func(name string, v any) {
		switch name {
		case "name":
			cat.Name = toStr(v)
		case "sort":
			cat.Sort = toID(v)
		case "isDefault":
			cat.Default = toStr(v) == "Y"
		case "originId":
			cat.OriginID = toStr(v)
		case "originatorId":
			cat.Originator = toStr(v)
		}
	})
}

// categoryAdd makes a pipeline with the usual stages.
func (c *call) categoryAdd() (any, error) {
	if err := c.categoryKind(); err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	cat := &category{Kind: kindDeal, Sort: 500}
	cat.read(fields)
	if cat.Name == "" {
		return nil, badRequest("0", "Field 'NAME' is required")
	}
	cat.ID = c.p.state.categories.newID()
	c.p.saveCategory(cat)
	c.p.seedStages(cat.ID)
	return newDict("category", cat.row()), nil
}

// saveCategory stores a pipeline; there is one default at a time.
func (p *Portal) saveCategory(cat *category) {
	for _, other := range p.state.categories.all() {
		if cat.Default && other.Default && other.ID != cat.ID {
			next := *other
			next.Default = false
			p.state.categories.put(next.ID, &next)
		}
	}
	p.state.categories.put(cat.ID, cat)
}

func (c *call) categoryUpdate() (any, error) {
	old, err := c.category()
	if err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	cat := *old
	cat.read(fields)
	c.p.saveCategory(&cat)
	return newDict("category", cat.row()), nil
}

func (c *call) categoryDelete() (any, error) {
	cat, err := c.category()
	if err != nil {
		return nil, err
	}
	if cat.ID == 0 || cat.Default {
		return nil, badRequest("0", "Default deal category cannot be deleted")
	}
	for _, e := range c.p.state.entities[kindDeal].rows {
		if e.int("CATEGORY_ID") == cat.ID {
			return nil, badRequest("0", "Deals related to the funnel %s found", cat.Name)
		}
	}
	for _, st := range c.p.state.directory("DEAL_STAGE_" + toStr(cat.ID)) {
		c.p.state.statuses.del(st.ID)
		delete(c.p.state.statusAt, statusKey(st.EntityID, st.StatusID))
	}
	c.p.state.categories.del(cat.ID)
	return nil, nil
}

func (c *call) categoryFields() (any, error) {
	if err := c.categoryKind(); err != nil {
		return nil, err
	}
	fields := newDict()
	for _, f := range [][4]string{
		{"id", "integer", "r", "ID"},
		{"name", "string", "", "NAME"},
		{"sort", "integer", "", "SORT"},
		{"entityTypeId", "integer", "qr", "ENTITY_TYPE_ID"},
		{"isDefault", "boolean", "", "IS_DEFAULT"},
		{"originId", "string", "", "ORIGIN_ID"},
		{"originatorId", "string", "", "ORIGINATOR_ID"},
	} {
		d := describeField(f[1], f[3], f[2])
		d.set("upperName", f[3])
		fields.set(f[0], d)
	}
	return newDict("fields", fields), nil
}
