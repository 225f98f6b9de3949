package bitrix24

import (
	"slices"
	"strings"
)

// method is one REST method.
type method struct {
	name  string // lower case
	scope string // "" = none needed; alternatives are separated by |
	run   func(*call) (any, error)
	// prepare does the slow part of a method before run, without a lock.
	prepare func(*call) error
	write   bool // needs the write lock
	app     bool // application context only: WRONG_AUTH_TYPE on a webhook
	exact   bool // parameter names are case-sensitive
	admin   bool // administrators only
}

// newCatalog lists all methods by name.
func newCatalog() map[string]*method {
	all := slices.Concat(
		metaMethods(), eventMethods(), itemMethods(), classicMethods(), linkMethods(), duplicateMethods(), commentMethods(),
		timelineMethods(), statusMethods(), categoryMethods(), currencyMethods(), userFieldMethods(), activityMethods(),
		notifyMethods(), notifyReadMethods(), userMethods(), departmentMethods(), enumMethods(), telephonyMethods(),
		requisiteMethods(), presetMethods(), addressMethods(), timemanMethods(),
	)
	byName := make(map[string]*method, len(all))
	for i := range all {
		all[i].name = strings.ToLower(all[i].name)
		byName[all[i].name] = &all[i]
	}
	return byName
}

// permit checks what the caller may do at all: scope, context, administrator.
func (m *method) permit(c *call) error {
	if !c.who.allows(m.scope) {
		return c.p.scopeError(c.who)
	}
	if m.app && c.who.kind != authApp {
		return errWrongAuth
	}
	if m.admin && !c.p.isAdmin(c.who.user) {
		return errDenied
	}
	return nil
}

func (p *Portal) isAdmin(id int) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	u, ok := p.state.users.get(id)
	return ok && u.Admin
}
