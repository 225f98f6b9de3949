package bitrix24

import (
	"slices"
)

// classicMethods are crm.{lead,deal,contact,company}.* (bitrix24 reference §3.5).
func classicMethods() []method {
	var out []method
	for _, k := range kinds {
		prefix := "crm." + k.name + "."
		bind := func(run func(*call, kind) (any, error)) func(*call) (any, error) {
			return func(c *call) (any, error) { return run(c, k) }
		}
		out = append(out,
			method{name: prefix + "add", scope: "crm", write: true, run: bind((*call).classicAdd)},
			method{name: prefix + "update", scope: "crm", write: true, run: bind((*call).classicUpdate)},
			method{name: prefix + "get", scope: "crm", run: bind((*call).classicGet)},
			method{name: prefix + "list", scope: "crm", run: bind((*call).classicList)},
			method{name: prefix + "delete", scope: "crm", write: true, run: bind((*call).classicDelete)},
			method{name: prefix + "fields", scope: "crm", run: bind((*call).classicFields)},
		)
	}
	return out
}

var classicView = view{classic: true}

// classicEntity finds the entity that the parameter id names.
func (c *call) classicEntity(k kind) (*entities, *entity, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, nil, legacy("ID is not defined or invalid.")
	}
	t := c.p.state.entities[k.id]
	e, ok := t.get(id)
	if !ok {
		return nil, nil, legacy("Not found")
	}
	return t, e, nil
}

// arrayParam is a parameter that must be an array if it is there.
func (c *call) arrayParam(name string) (*dict, error) {
	v, ok := c.param(name)
	d, isDict := v.(*dict)
	if ok && !isDict && !empty(v) {
		return nil, legacy("Parameter '%s' must be array.", name)
	}
	return orEmpty(d), nil
}

// classicFieldsParam is the array "fields", which must be there.
func (c *call) classicFieldsParam() (*dict, error) {
	if c.array("fields") == nil {
		return nil, legacy("Parameter 'fields' must be array.")
	}
	return c.arrayParam("fields")
}

func (c *call) classicAdd(k kind) (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	params, err := c.arrayParam("params")
	if err != nil {
		return nil, err
	}
	imported, _ := params.get("IMPORT")
	e, err := c.create(k.id, fields, classicView, truthy(imported) && (k.id == kindContact || k.id == kindCompany))
	if err != nil {
		return nil, err
	}
	return e.ID, nil
}

func (c *call) classicUpdate(k kind) (any, error) {
	t, e, err := c.classicEntity(k)
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	if _, err := c.update(t, e, fields, classicView); err != nil {
		return nil, err
	}
	return true, nil
}

func (c *call) classicDelete(k kind) (any, error) {
	t, e, err := c.classicEntity(k)
	if err != nil {
		return nil, err
	}
	c.p.remove(t, e.ID)
	return true, nil
}

func (c *call) classicGet(k kind) (any, error) {
	t, e, err := c.classicEntity(k)
	if err != nil {
		return nil, err
	}
	row := newDict()
	for _, f := range c.p.state.schema[k.id].fields {
		if f.inClassic && f.kind != "crm_multifield" && !classicHidden[f.classic] {
			row.set(f.classic, c.shownValue(f, c.p.state.value(t, e, f), classicView))
		}
	}
	for _, kind := range multiOrder {
		if rows := classicMulti(e, kind); rows.len() > 0 {
			row.set(kind, rows)
		}
	}
	return row, nil
}

// classicHidden are fields that rows of classic methods do not show.
var classicHidden = map[string]bool{"CONTACT_IDS": true, "COMPANY_IDS": true}

func classicMulti(e *entity, kind string) *dict {
	rows := newDict()
	for _, m := range e.FM {
		if m.Type == kind {
			rows.append(m.classicRow())
		}
	}
	return rows
}

func (c *call) classicList(k kind) (any, error) {
	for _, name := range []string{"filter", "order", "select"} {
		if _, err := c.arrayParam(name); err != nil {
			return nil, err
		}
	}
	t := c.p.state.entities[k.id]
	found, err := c.find(t, classicView)
	if err != nil {
		return nil, err
	}
	fields, multi := c.classicSelect(k)
	rows := newDict()
	for _, e := range found {
		row := newDict()
		for _, f := range fields {
			row.set(f.classic, c.shownValue(f, c.p.state.value(t, e, f), classicView))
		}
		for _, kind := range multi {
			if values := classicMulti(e, kind); values.len() > 0 {
				row.set(kind, values)
			}
		}
		rows.append(row)
	}
	return rows, nil
}

// classicSelect reads select: "*" is all standard fields and "UF_*" all user
// fields, both are the default; multifields come only by name.
func (c *call) classicSelect(k kind) (fields []*field, multi []string) {
	var names []string
	for _, v := range c.array("select").values() {
		names = append(names, toStr(v))
	}
	if len(names) == 0 {
		names = []string{"*", "UF_*"}
	}
	for _, f := range c.p.state.schema[k.id].fields {
		if !f.inClassic || classicHidden[f.classic] || f.kind == "crm_multifield" {
			continue
		}
		all := pick(f.uf == nil, "*", "UF_*")
		if f.classic == "ID" || slices.Contains(names, all) || slices.Contains(names, f.classic) {
			fields = append(fields, f)
		}
	}
	for _, kind := range multiOrder {
		if slices.Contains(names, kind) && k.id != kindDeal {
			multi = append(multi, kind)
		}
	}
	return fields, multi
}

func (c *call) classicFields(k kind) (any, error) {
	fields := newDict()
	for _, f := range c.p.state.schema[k.id].fields {
		if f.inClassic {
			fields.set(f.classic, f.describe(classicView))
		}
	}
	return fields, nil
}
