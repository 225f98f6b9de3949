package bitrix24

import (
	"maps"
	"slices"
)

// address is one address of a requisite or a lead (bitrix24 reference §3.11).
// Callers know it by its type and owner; its id serves only the table. V holds
// the texts by field name.
type address struct {
	ID, Type, OwnerType, Owner int
	AnchorType, Anchor         int // the contact, company or lead behind it
	V                          map[string]string
}

// addressTypes are the types that crm.enum.addresstype lists.
var addressTypes = []int{11, 1, 6, 4, 8, 9}

var addressTable = plainTable[address]{fields: readFields("address"), value: (*address).value}

func addressMethods() []method {
	return []method{
		{name: "crm.address.add", scope: "crm", write: true, run: (*call).addressAdd},
		{name: "crm.address.update", scope: "crm", write: true, run: (*call).addressUpdate},
		{name: "crm.address.list", scope: "crm", run: (*call).addressList},
		{name: "crm.address.delete", scope: "crm", write: true, run: (*call).addressDelete},
		{name: "crm.address.fields", scope: "crm", run: func(*call) (any, error) { return addressTable.describe(), nil }},
	}
}

func (a *address) value(name string) any {
	switch name {
	case "TYPE_ID":
		return a.Type
	case "ENTITY_TYPE_ID":
		return a.OwnerType
	case "ENTITY_ID":
		return a.Owner
	case "LOC_ADDR_ID": // every address has a twin in the module of places
		return a.ID
	case "ANCHOR_TYPE_ID":
		return a.AnchorType
	case "ANCHOR_ID":
		return a.Anchor
	default:
		return emptyNil(a.V[name])
	}
}

// read takes over the texts.
func (a *address) read(fields *dict) {
	a.V = maps.Clone(a.V)
	fields.each(func(name string, v any) {
		if f := addressTable.field(name); f != nil && f.kind == "string" {
			a.V[name] = toStr(v)
		}
	})
}

// addressKey reads the type and owner that name an address. Contacts and
// companies own addresses on old portals only, not here.
func (c *call) addressKey() (a address, fields *dict, err error) {
	if fields, err = c.classicFieldsParam(); err != nil {
		return a, nil, err
	}
	number := func(name string) int { v, _ := fields.get(name); return toID(v) }
	a = address{Type: number("TYPE_ID"), OwnerType: number("ENTITY_TYPE_ID"), Owner: number("ENTITY_ID"), V: map[string]string{}}
	switch {
	case !slices.Contains(addressTypes, a.Type):
		return a, nil, undefined("TYPE_ID")
	case a.OwnerType != kindRequisite && a.OwnerType != kindLead:
		return a, nil, undefined("ENTITY_TYPE_ID")
	case a.Owner <= 0:
		return a, nil, undefined("ENTITY_ID")
	}
	return a, fields, nil
}

// address finds the stored address of the same type and owner, nil if there is none.
func (s *state) address(key address) *address {
	for _, a := range s.addresses.all() {
		if a.Type == key.Type && a.OwnerType == key.OwnerType && a.Owner == key.Owner {
			return a
		}
	}
	return nil
}

// anchor finds whose address it is in the end.
func (s *state) anchor(a *address) bool {
	if a.OwnerType == kindLead {
		a.AnchorType, a.Anchor = kindLead, a.Owner
		return s.has(kindLead, a.Owner)
	}
	r, ok := s.requisites.get(a.Owner)
	if ok {
		a.AnchorType, a.Anchor = r.EntityType, r.Entity
	}
	return ok
}

// addressAdd adds the one address of its type that an owner can have.
func (c *call) addressAdd() (any, error) {
	a, fields, err := c.addressKey()
	switch {
	case err != nil:
		return nil, err
	case !c.p.state.anchor(&a):
		return nil, undefined("ENTITY_ID")
	case c.p.state.address(a) != nil:
		return nil, legacy("TypeAddress exists.")
	}
	a.read(fields)
	a.ID = c.p.state.addresses.newID()
	c.p.state.addresses.put(a.ID, &a)
	return true, nil
}

// foundAddress is the address that fields name.
func (c *call) foundAddress() (*address, *dict, error) {
	key, fields, err := c.addressKey()
	if err != nil {
		return nil, nil, err
	}
	old := c.p.state.address(key)
	if old == nil {
		return nil, nil, legacy("TypeAddress not found.")
	}
	return old, fields, nil
}

func (c *call) addressUpdate() (any, error) {
	old, fields, err := c.foundAddress()
	if err != nil {
		return nil, err
	}
	next := *old
	next.read(fields)
	c.p.state.addresses.put(next.ID, &next)
	return true, nil
}

func (c *call) addressDelete() (any, error) {
	old, _, err := c.foundAddress()
	if err != nil {
		return nil, err
	}
	c.p.state.addresses.del(old.ID)
	return true, nil
}

func (c *call) addressList() (any, error) {
	return addressTable.list(c, c.p.state.addresses.all())
}

// dropAddresses deletes the addresses of an owner that goes away.
func (s *state) dropAddresses(ownerType, owner int) {
	for _, a := range s.addresses.all() {
		if a.OwnerType == ownerType && a.Owner == owner {
			s.addresses.del(a.ID)
		}
	}
}
