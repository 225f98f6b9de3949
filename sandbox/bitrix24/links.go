package bitrix24

import (
	"slices"
	"strconv"
)

// relation is a family of methods that link one kind to another (bitrix24 reference §3.12).
type relation struct {
	prefix string // of the methods
	owner  int    // kind whose id the methods take
	other  int    // kind they link to
	key    string // name of the other's id
}

var relations = []relation{
	{"crm.deal.contact.", kindDeal, kindContact, "CONTACT_ID"},
	{"crm.lead.contact.", kindLead, kindContact, "CONTACT_ID"},
	{"crm.contact.company.", kindContact, kindCompany, "COMPANY_ID"},
	{"crm.company.contact.", kindCompany, kindContact, "CONTACT_ID"},
}

func linkMethods() []method {
	var out []method
	for _, r := range relations {
		bind := func(run func(*call, relation) (any, error)) func(*call) (any, error) {
			return func(c *call) (any, error) { return run(c, r) }
		}
		out = append(out,
			method{name: r.prefix + "fields", scope: "crm", run: bind((*call).linkFields)},
			method{name: r.prefix + "add", scope: "crm", write: true, run: bind((*call).linkAdd)},
			method{name: r.prefix + "delete", scope: "crm", write: true, run: bind((*call).linkDelete)},
			method{name: r.prefix + "items.get", scope: "crm", run: bind((*call).linkItems)},
			method{name: r.prefix + "items.set", scope: "crm", write: true, run: bind((*call).linkSet)},
			method{name: r.prefix + "items.delete", scope: "crm", write: true, run: bind((*call).linkClear)},
		)
	}
	return out
}

func (c *call) linkFields(r relation) (any, error) {
	title := pick(r.other == kindContact, "Contact", "Company")
	return newDict(
		r.key, describeField("integer", title, "q"), "SORT", describeField("integer", "Sorting", ""),
		"ROLE_ID", describeField("integer", "Role", ""), "IS_PRIMARY", describeField("char", "Primary", ""),
	), nil
}

// describeField is a field description of the smaller classic methods; flags as in fields/*.tsv.
func describeField(kind, title, flags string) *dict {
	f := parseField([]string{"", "", kind, flags, "", title})
	return f.describe(classicView)
}

// linkOwner finds the entity whose links are meant.
func (c *call) linkOwner(r relation) (*entity, error) {
	id := c.id("id")
	if id <= 0 {
		return nil, legacy("The parameter 'ownerEntityID' is invalid or not defined.")
	}
	e, ok := c.p.state.entities[r.owner].get(id)
	if !ok {
		return nil, legacy("Not found.")
	}
	return e, nil
}

// links are the owner's links, in order.
func (s *state) links(r relation, e *entity) []link {
	switch r.owner {
	case kindContact:
		return e.Companies
	case kindCompany:
		return relink(s.contactIDs(s.entities[kindCompany], e))
	default:
		return e.Contacts
	}
}

func (c *call) setLinks(r relation, e *entity, links []link) {
	s := c.p.state
	if r.owner == kindCompany {
		s.setCompanyContacts(e.ID, linkIDs(links))
		return
	}
	next := e.clone()
	if r.owner == kindContact {
		next.Companies = links
	} else {
		next.Contacts = links
	}
	next.V["DATE_MODIFY"], next.V["MODIFY_BY_ID"] = c.p.stamp(), c.who.user
	s.entities[r.owner].put(e.ID, next)
}

// setCompanyContacts makes exactly these contacts those of the company.
func (s *state) setCompanyContacts(company int, contacts []int) {
	t := s.entities[kindContact]
	for _, id := range t.under("COMPANY_IDS", strconv.Itoa(company)) {
		if !slices.Contains(contacts, id) {
			e := t.rows[id].clone()
			e.Companies = relink(slices.DeleteFunc(linkIDs(e.Companies), func(n int) bool { return n == company }))
			t.put(id, e)
		}
	}
	for _, id := range contacts {
		old, ok := t.get(id)
		if !ok || slices.Contains(linkIDs(old.Companies), company) {
			continue
		}
		e := old.clone()
		e.Companies = relink(append(linkIDs(e.Companies), company))
		t.put(id, e)
	}
}

func (c *call) linkItems(r relation) (any, error) {
	e, err := c.linkOwner(r)
	if err != nil {
		return nil, err
	}
	items := newDict()
	for _, l := range c.p.state.links(r, e) {
		items.append(newDict(r.key, l.ID, "SORT", l.Sort, "ROLE_ID", l.Role, "IS_PRIMARY", yn(l.Primary)))
	}
	return items, nil
}

// linkParam is the other's id in fields, which must be an array.
func (c *call) linkParam(r relation) (id int, fields *dict, err error) {
	fields = c.array("fields")
	if fields == nil {
		return 0, nil, legacy("The parameter 'fields' must be array.")
	}
	v, _ := fields.get(r.key)
	if id = toID(v); id <= 0 {
		return 0, nil, legacy("The parameter 'fields' is not valid.")
	}
	return id, fields, nil
}

// linkAdd links one more; false if it is linked already.
func (c *call) linkAdd(r relation) (any, error) {
	e, err := c.linkOwner(r)
	if err != nil {
		return nil, err
	}
	id, fields, err := c.linkParam(r)
	if err != nil {
		return nil, err
	}
	links := slices.Clone(c.p.state.links(r, e))
	known := slices.ContainsFunc(links, func(l link) bool { return l.ID == id })
	if known || !c.p.state.has(r.other, id) {
		return false, nil
	}
	added := linkOf(id, fields, links)
	if added.Primary {
		for i := range links {
			links[i].Primary = false
		}
	}
	c.setLinks(r, e, append(links, added))
	return true, nil
}

func linkOf(id int, fields *dict, existing []link) link {
	sort, _ := fields.get("SORT")
	isPrimary, _ := fields.get("IS_PRIMARY")
	l := link{ID: id, Sort: toID(sort), Primary: len(existing) == 0 || toStr(isPrimary) == "Y"}
	if l.Sort <= 0 {
		l.Sort = 10
		for _, old := range existing {
			l.Sort = max(l.Sort, old.Sort+10)
		}
	}
	return l
}

func (c *call) linkDelete(r relation) (any, error) {
	e, err := c.linkOwner(r)
	if err != nil {
		return nil, err
	}
	id, _, err := c.linkParam(r)
	if err != nil {
		return nil, err
	}
	links := slices.Clone(c.p.state.links(r, e))
	i := slices.IndexFunc(links, func(l link) bool { return l.ID == id })
	if i < 0 {
		return false, nil
	}
	wasPrimary := links[i].Primary
	links = slices.Delete(links, i, i+1)
	if wasPrimary && len(links) > 0 {
		links[0].Primary = true
	}
	c.setLinks(r, e, links)
	return true, nil
}

// linkSet replaces the whole set; without a primary one the first becomes it.
func (c *call) linkSet(r relation) (any, error) {
	e, err := c.linkOwner(r)
	if err != nil {
		return nil, err
	}
	items := c.array("items")
	if items == nil {
		return nil, legacy("The parameter 'items' must be array.")
	}
	var links []link
	for _, item := range items.values() {
		fields, _ := item.(*dict)
		v, _ := fields.get(r.key)
		id := toID(v)
		if id > 0 && c.p.state.has(r.other, id) && !slices.Contains(linkIDs(links), id) {
			added := linkOf(id, fields, links)
			marked, _ := fields.get("IS_PRIMARY")
			added.Primary = toStr(marked) == "Y" && primary(links) == 0
			links = append(links, added)
		}
	}
	if primary(links) == 0 && len(links) > 0 {
		links[0].Primary = true
	}
	c.setLinks(r, e, links)
	return true, nil
}

func (c *call) linkClear(r relation) (any, error) {
	e, err := c.linkOwner(r)
	if err != nil {
		return nil, err
	}
	c.setLinks(r, e, nil)
	return true, nil
}
