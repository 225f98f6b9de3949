package bitrix24

import (
	"slices"
)

// itemMethods are crm.item.*, the universal API (bitrix24 reference §3.3).
func itemMethods() []method {
	return []method{
		{name: "crm.item.add", scope: "crm", write: true, run: (*call).itemAdd},
		{name: "crm.item.update", scope: "crm", write: true, run: (*call).itemUpdate},
		{name: "crm.item.get", scope: "crm", run: (*call).itemGet},
		{name: "crm.item.list", scope: "crm", run: (*call).itemList},
		{name: "crm.item.delete", scope: "crm", write: true, run: (*call).itemDelete},
		{name: "crm.item.fields", scope: "crm", run: (*call).itemFields},
		{name: "crm.item.import", scope: "crm", write: true, run: (*call).itemImport},
		{name: "crm.item.batchImport", scope: "crm", write: true, run: (*call).itemBatchImport},
	}
}

// itemTable finds the table that entityTypeId names.
func (c *call) itemTable() (*entities, error) {
	v, ok := c.param("entityTypeId")
	if !ok {
		return nil, missing("entityTypeId")
	}
	id := toID(v)
	if t, ok := c.p.state.entities[id]; ok {
		return t, nil
	}
	if id >= 128 { // a smart process that does not exist
		return nil, badRequest("NOT_FOUND", "Smart process not found")
	}
	return nil, badRequest("ENTITY_TYPE_NOT_SUPPORTED", "Entity type %s is not supported", typeName(id))
}

// item finds the entity that entityTypeId and id name.
func (c *call) item() (*entities, *entity, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, nil, err
	}
	v, ok := c.param("id")
	if !ok {
		return nil, nil, missing("id")
	}
	e, ok := t.get(toID(v))
	if !ok {
		return nil, nil, badRequest("NOT_FOUND", "Item not found")
	}
	return t, e, nil
}

func (c *call) itemView() view {
	v, _ := c.param("useOriginalUfNames")
	return view{original: truthy(v)}
}

// fields is the array "fields" of a write; an absent or scalar one is refused.
func (c *call) itemFieldsParam() (*dict, error) {
	v, ok := c.param("fields")
	if !ok {
		return nil, missing("fields")
	}
	d, ok := v.(*dict)
	if !ok {
		return nil, badRequest("100", "Invalid value {%s} to match with parameter {fields}. Should be value of type array.", toStr(v))
	}
	return d, nil
}

func (c *call) itemAdd() (any, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	e, err := c.create(t.kind.id, fields, c.itemView(), false)
	if err != nil {
		return nil, err
	}
	return newDict("item", c.itemRow(t, e, c.itemView())), nil
}

func (c *call) itemUpdate() (any, error) {
	t, e, err := c.item()
	if err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	e, err = c.update(t, e, fields, c.itemView())
	if err != nil {
		return nil, err
	}
	return newDict("item", c.itemRow(t, e, c.itemView())), nil
}

func (c *call) itemGet() (any, error) {
	t, e, err := c.item()
	if err != nil {
		return nil, err
	}
	return newDict("item", c.itemRow(t, e, c.itemView())), nil
}

func (c *call) itemDelete() (any, error) {
	t, e, err := c.item()
	if err != nil {
		return nil, err
	}
	c.p.remove(t, e.ID)
	return newDict(), nil
}

func (c *call) itemList() (any, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, err
	}
	vw := c.itemView()
	found, err := c.find(t, vw)
	if err != nil {
		return nil, err
	}
	row := c.itemSelect(t, vw)
	items := newDict()
	for _, e := range found {
		items.append(row(e))
	}
	return newDict("items", items), nil
}

// itemSelect makes the function that renders a row: everything with fm for no
// select or "*", else the named fields. Foreign names, and fm, are dropped.
func (c *call) itemSelect(t *entities, vw view) func(*entity) *dict {
	names := c.array("select").values()
	if len(names) == 0 || slices.Contains(names, any("*")) {
		return func(e *entity) *dict { return c.itemRow(t, e, vw) }
	}
	var chosen []*field
	for _, name := range names {
		if f := c.p.state.schema[t.kind.id].named(toStr(name), vw); f != nil {
			chosen = append(chosen, f)
		}
	}
	return func(e *entity) *dict {
		row := newDict()
		for _, f := range chosen {
			row.set(vw.name(f), c.itemValue(t, e, f, vw))
		}
		return row
	}
}

func (c *call) itemValue(t *entities, e *entity, f *field, vw view) any {
	if f.disabled {
		return nil
	}
	return c.shownValue(f, c.p.state.value(t, e, f), vw)
}

// itemRow is an entity with all its fields.
func (c *call) itemRow(t *entities, e *entity, vw view) *dict {
	row := newDict()
	for _, f := range c.p.state.schema[t.kind.id].fields {
		if name := vw.name(f); name != "" {
			row.set(name, c.itemValue(t, e, f, vw))
		}
	}
	if t.kind.id != kindDeal {
		fm := newDict()
		for _, m := range e.FM {
			fm.append(m.itemRow())
		}
		row.set("fm", fm)
	}
	row.set("entityTypeId", t.kind.id)
	return row
}

func (c *call) itemFields() (any, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, err
	}
	vw, fields := c.itemView(), newDict()
	for _, f := range c.p.state.schema[t.kind.id].fields {
		if name := vw.name(f); name != "" && !f.flat {
			fields.set(name, f.describe(vw))
		}
	}
	return newDict("fields", fields), nil
}

// itemImport is add without automation, in which dates and authors may be set.
func (c *call) itemImport() (any, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, err
	}
	fields, err := c.itemFieldsParam()
	if err != nil {
		return nil, err
	}
	e, err := c.create(t.kind.id, fields, c.itemView(), true)
	if err != nil {
		return nil, err
	}
	return newDict("item", newDict("id", e.ID)), nil
}

// maxImport is how many rows one crm.item.batchImport takes.
const maxImport = 20

func (c *call) itemBatchImport() (any, error) {
	t, err := c.itemTable()
	if err != nil {
		return nil, err
	}
	rows := c.array("data").values()
	if len(rows) > maxImport {
		return nil, badRequest("MAX_IMPORT_BATCH_SIZE_EXCEEDED", "You cannot import more than %d items", maxImport)
	}
	items := newDict()
	for _, row := range rows {
		fields, _ := row.(*dict)
		e, err := c.create(t.kind.id, orEmpty(fields), c.itemView(), true)
		if err != nil {
			_, body := failed(err)
			items.append(body)
			continue
		}
		items.append(newDict("item", newDict("id", e.ID)))
	}
	return newDict("items", items), nil
}

func orEmpty(d *dict) *dict {
	if d == nil {
		return newDict()
	}
	return d
}

// typeNames are the types that exist but that this portal, or crm.item, does not serve.
var typeNames = map[int]string{5: "INVOICE", 7: "QUOTE", 8: "REQUISITE", 14: "ORDER", 31: "SMART_INVOICE", 36: "SMART_DOCUMENT"}

func typeName(id int) string {
	if name, ok := typeNames[id]; ok {
		return name
	}
	return toStr(id)
}
