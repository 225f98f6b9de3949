package bitrix24

import (
	"maps"
	"slices"
)

// kindRequisite is the entityTypeId of requisites, which own addresses.
const kindRequisite = 8

// requisite are the legal details of a contact or company (bitrix24 reference
// §3.11). V holds what callers may change, by field name.
type requisite struct {
	ID, EntityType, Entity, Preset int
	CreatedBy, ModifiedBy          int
	Created, Modified              string // stored moments; Modified is "" until the first change
	V                              map[string]string
}

// requisiteTable has no user fields: the portal's are made by
// crm.requisite.userfield.*, which it does not serve.
var requisiteTable = plainTable[requisite]{fields: readFields("requisite"), value: (*requisite).value}

func requisiteMethods() []method {
	return []method{
		{name: "crm.requisite.add", scope: "crm", write: true, run: (*call).requisiteAdd},
		{name: "crm.requisite.update", scope: "crm", write: true, run: (*call).requisiteUpdate},
		{name: "crm.requisite.get", scope: "crm", run: (*call).requisiteGet},
		{name: "crm.requisite.list", scope: "crm", run: (*call).requisiteList},
		{name: "crm.requisite.delete", scope: "crm", write: true, run: (*call).requisiteDelete},
		{name: "crm.requisite.fields", scope: "crm", run: func(*call) (any, error) { return requisiteTable.describe(), nil }},
	}
}

func (r *requisite) value(name string) any {
	switch name {
	case "ID":
		return r.ID
	case "ENTITY_TYPE_ID":
		return r.EntityType
	case "ENTITY_ID":
		return r.Entity
	case "PRESET_ID":
		return r.Preset
	case "DATE_CREATE":
		return emptyNil(r.Created)
	case "DATE_MODIFY":
		return emptyNil(r.Modified)
	case "CREATED_BY_ID":
		return zeroNil(r.CreatedBy)
	case "MODIFY_BY_ID":
		return zeroNil(r.ModifiedBy)
	case "SORT":
		return toID(r.V[name])
	default:
		return emptyNil(r.V[name])
	}
}

// read takes over the fields that may be written; others are ignored.
func (r *requisite) read(fields *dict) {
	r.V = maps.Clone(r.V)
	fields.each(func(name string, v any) {
		f := requisiteTable.field(name)
		switch {
		case f == nil || f.readOnly || f.immutable:
		case f.kind == "char":
			b, _ := toBool(v)
			r.V[name] = yn(b)
		case f.kind == "integer":
			r.V[name] = toStr(toID(v))
		default:
			r.V[name] = toStr(v)
		}
	})
}

// requisiteOwner reads the three ids that tie a requisite to its owner and
// template. The template need not exist (bitrix24 reference §3.11).
func (c *call) requisiteOwner(r *requisite, fields *dict) error {
	number := func(name string) int { v, _ := fields.get(name); return toID(v) }
	r.EntityType, r.Entity, r.Preset = number("ENTITY_TYPE_ID"), number("ENTITY_ID"), number("PRESET_ID")
	switch {
	case r.EntityType != kindContact && r.EntityType != kindCompany:
		return undefined("ENTITY_TYPE_ID")
	case r.Entity <= 0:
		return undefined("ENTITY_ID")
	case r.Preset <= 0:
		return undefined("PRESET_ID")
	case !c.p.state.has(r.EntityType, r.Entity):
		return legacy("Entity not found.")
	}
	return nil
}

// undefined is the error for a field that must name something and does not.
func undefined(name string) *restError { return legacy("%s is not defined or invalid.", name) }

// requisiteAdd does not look for another requisite with the same number: the
// portal keeps as many as it is given.
func (c *call) requisiteAdd() (any, error) {
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	r := &requisite{
		CreatedBy: c.who.user, Created: c.p.stamp(),
		V: map[string]string{"ACTIVE": "Y", "ADDRESS_ONLY": "N", "SORT": "500", "RQ_VAT_PAYER": "N"},
	}
	if err := c.requisiteOwner(r, fields); err != nil {
		return nil, err
	}
	r.read(fields)
	r.ID = c.p.state.requisites.newID()
	c.p.state.requisites.put(r.ID, r)
	return r.ID, nil
}

// requisite is the one that id names.
func (c *call) requisite() (*requisite, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, undefined("ID")
	}
	r, ok := c.p.state.requisites.get(id)
	if !ok {
		return nil, legacy("The Requisite with ID '%d' is not found", id)
	}
	return r, nil
}

// requisiteUpdate cannot move a requisite to another owner or template.
func (c *call) requisiteUpdate() (any, error) {
	old, err := c.requisite()
	if err != nil {
		return nil, err
	}
	fields, err := c.classicFieldsParam()
	if err != nil {
		return nil, err
	}
	next := *old
	next.read(fields)
	next.Modified, next.ModifiedBy = c.p.stamp(), c.who.user
	c.p.state.requisites.put(next.ID, &next)
	return true, nil
}

func (c *call) requisiteGet() (any, error) {
	r, err := c.requisite()
	if err != nil {
		return nil, err
	}
	return requisiteTable.row(c, r, nil), nil
}

func (c *call) requisiteList() (any, error) {
	return requisiteTable.list(c, c.p.state.requisites.all())
}

func (c *call) requisiteDelete() (any, error) {
	r, err := c.requisite()
	if err != nil {
		return nil, err
	}
	c.p.state.dropRequisite(r.ID)
	return true, nil
}

// dropRequisite deletes a requisite with its addresses.
func (s *state) dropRequisite(id int) {
	s.requisites.del(id)
	s.dropAddresses(kindRequisite, id)
}

// dropLegal deletes the requisites and addresses of an entity that goes away.
func (s *state) dropLegal(kind, id int) {
	s.dropAddresses(kind, id)
	for _, rid := range slices.Clone(s.requisites.order) {
		if r := s.requisites.rows[rid]; r.EntityType == kind && r.Entity == id {
			s.dropRequisite(rid)
		}
	}
}
