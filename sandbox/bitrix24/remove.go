package bitrix24

import (
	"slices"
	"strings"
)

// remove deletes an entity with its comments, its requisites and its links.
func (p *Portal) remove(t *entities, id int) {
	s := p.state
	t.del(id)
	s.dropTimeline(timelineKey(t.kind.name, id))
	s.dropActivities(t.kind.id, id)
	s.dropLegal(t.kind.id, id)
	switch t.kind.id {
	case kindContact:
		for _, k := range []int{kindDeal, kindLead} {
			s.unlink(s.entities[k], "CONTACT_IDS", id)
		}
	case kindCompany:
		s.unlink(s.entities[kindContact], "COMPANY_IDS", id)
		for _, k := range []int{kindDeal, kindLead} {
			s.clearReference(s.entities[k], "COMPANY_ID", id)
		}
	}
}

// unlink removes an entity from the links of those that point to it. That is no
// change of theirs: nobody is told.
func (s *state) unlink(t *entities, index string, id int) {
	without := func(links []link) []link {
		return relink(slices.DeleteFunc(linkIDs(links), func(n int) bool { return n == id }))
	}
	for _, owner := range t.under(index, toStr(id)) {
		e := t.rows[owner].clone()
		if strings.HasPrefix(index, "CONTACT") {
			e.Contacts = without(e.Contacts)
		} else {
			e.Companies = without(e.Companies)
		}
		t.keep(owner, e)
	}
}

func (s *state) clearReference(t *entities, name string, id int) {
	for _, owner := range t.under(name, toStr(id)) {
		e := t.rows[owner].clone()
		delete(e.V, name)
		t.keep(owner, e)
	}
}
