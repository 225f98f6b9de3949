package bitrix24

import (
	"maps"
	"slices"
	"strings"
)

// allScopes are the scopes that methods of this portal know, and some that a
// real portal lists as well.
var allScopes = []string{
	"booking", "biconnector", "telephony", "call", "timeman", "task", "tasks_extended", "log", "sonet_group", "sign.b2e", "sale",
	"cashbox", "delivery", "pay_system", "rpa", "placement", "user", "user_brief", "user_basic", "user.userfield", "entity", "pull",
	"pull_channel", "mobile", "messageservice", "mailservice", "lists", "landing", "landing_cloud", "department", "contact_center",
	"crm", "imopenlines", "imbot", "im", "humanresources.hcmlink", "forum", "documentgenerator", "disk", "catalog", "calendar",
	"bizproc", "ai_admin", "userconsent", "rating", "smile", "userfieldconfig", "baas", "calendarmobile", "catalogmobile", "iblock",
	"im.import", "imconnector", "intranet", "main", "notifications", "appform", "configuration.import", "rest", "salescenter",
	"socialnetwork", "tasks", "tasksmobile", "vote",
}

func metaMethods() []method {
	return []method{
		{name: "scope", run: (*call).scope},
		{name: "methods", run: (*call).methodNames},
		{name: "method.get", run: (*call).methodGet},
		{name: "app.info", run: (*call).appInfo},
		{name: "server.time", run: func(c *call) (any, error) { return c.p.clock.Now().In(c.p.zone).Format(shownMoment), nil }},
		{name: "feature.get", run: (*call).feature},
		{name: "access.name", run: (*call).accessName},
	}
}

func (i identity) scopeList() []string {
	if i.scopes == nil {
		return allScopes
	}
	return i.scopes
}

func (c *call) scope() (any, error) {
	full, _ := c.param("full")
	return listOf(pick(truthy(full), allScopes, c.who.scopeList())), nil
}

// methodNames lists the methods the caller may use, or all, or those of a scope.
func (c *call) methodNames() (any, error) {
	full, _ := c.param("full")
	scope := c.str("scope")
	out := newDict()
	for _, name := range slices.Sorted(maps.Keys(c.p.catalog)) {
		m := c.p.catalog[name]
		if scope != "" && !slices.Contains(strings.Split(m.scope, "|"), scope) || !truthy(full) && !c.who.allows(m.scope) {
			continue
		}
		out.append(name)
	}
	return out, nil
}

func (c *call) methodGet() (any, error) {
	name := c.str("name")
	m, ok := c.p.catalog[name]
	if name == batchMethod {
		return newDict("isExisting", true, "isAvailable", true), nil
	}
	return newDict("isExisting", ok, "isAvailable", ok && c.who.allows(m.scope)), nil
}

// appInfo tells a webhook its scopes, and an application about itself.
func (c *call) appInfo() (any, error) {
	if c.who.kind == authWebhook {
		return newDict("SCOPE", listOf(c.who.scopeList()), "LICENSE", "en_ent10000"), nil
	}
	return newDict( // INSTALLED is always true: there is no page whose installFinish would be waited for
		"ID", 1, "CODE", c.who.app, "VERSION", 1, "STATUS", "L", "INSTALLED", true, "PAYMENT_EXPIRED", "N", "DAYS", nil,
		"LANGUAGE_ID", "en", "LICENSE", "en_ent10000", "LICENSE_TYPE", "ent10000", "LICENSE_FAMILY", "ent",
	), nil
}

func (c *call) feature() (any, error) {
	if c.str("CODE") == "" {
		return nil, badRequest("CODE_EMPTY", "CODE can't be empty")
	}
	known := []string{"rest_offline_extended", "rest_auth_connector"}
	return newDict("value", yn(slices.Contains(known, c.str("CODE")))), nil
}

// accessName names access codes.
func (c *call) accessName() (any, error) {
	v, _ := c.param("ACCESS")
	names := map[string]string{"G1": "Administrators", "G2": "All users", "AU": "All authorized users", "CR": "Author"}
	out := newDict()
	for _, code := range operandList(v) {
		s := toStr(code)
		name, ok := names[s]
		if id, isUser := strings.CutPrefix(s, "U"); isUser {
			name = c.p.state.userName(toID(id))
			ok = name != ""
		}
		if ok {
			out.set(s, newDict("provider_id", "", "provider", "", "name", name))
		}
	}
	return out, nil
}
