package bitrix24

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Users, pipelines and other fixed points of DemoSeeds.
const (
	DemoAdmin       = 1 // administrator, owner of the webhook
	DemoOperator    = 7 // operator 301 of the demo's Chat2Desk
	DemoSupervisor  = 8 // operator 302, head of sales
	DemoPipeline    = 0 // "General"
	DemoPipelineTwo = 1 // "Messengers", stages C1:NEW …
	DemoSubsidies   = 2 // "Subsidies", stages C2:NEW …
	DemoCityField   = "UF_CRM_CITY"

	DemoClientID     = "local.sandboxapp"
	DemoClientSecret = "sandboxappsecret" // public by design: the sandbox guards nothing
	// DemoApplicationToken proves the events of the demo's application.
	DemoApplicationToken = "demo-application-token"

	DemoINN    = "7708001205" // company 1, Alfa Trade; made up, with right check digits
	DemoINNTwo = "7839004506" // company 2, Aurora Travel
)

// DemoPhone is the phone of a contact of DemoSeeds, in the form in which the CRM has it.
type DemoPhone struct {
	Contact int
	Phone   string
}

// DemoPhones are known clients whose numbers are written in differing forms.
var DemoPhones = []DemoPhone{
	{1, "+79161234567"}, {2, "8 (916) 222-33-44"}, {3, "7 903 555 66 77"}, {4, "+34 600 123 456"}, {5, "+1 (415) 555-2671"},
}

// Seeder fills an empty portal. Its methods panic on nonsense: seeds are code.
type Seeder struct {
	p *Portal
	c *call
}

// User adds an employee with an inner phone.
func (s *Seeder) User(id int, name, lastName, position string, admin bool, departments ...int) {
	s.p.state.users.put(id, &user{
		ID: id, Name: name, LastName: lastName, Position: position, Admin: admin, Active: true, Departments: departments,
		Email: fmt.Sprintf("user%d@example.com", id), InnerPhone: strconv.Itoa(100 + id), Registered: s.p.stamp(),
	})
}

// WorkPhone gives a user a phone of the office.
func (s *Seeder) WorkPhone(id int, phone string) {
	s.Call("user.update", map[string]any{"ID": id, "WORK_PHONE": phone})
}

// Requisite adds the requisite of a Russian company with its legal address.
func (s *Seeder) Requisite(company int, name, inn, kpp, ogrn, city, street string) {
	id := s.Call("crm.requisite.add", map[string]any{"fields": map[string]any{
		"ENTITY_TYPE_ID": kindCompany, "ENTITY_ID": company, "PRESET_ID": 1, "NAME": "Organization", "RQ_COMPANY_NAME": name,
		"RQ_INN": inn, "RQ_KPP": kpp, "RQ_OGRN": ogrn,
	}})
	s.Call("crm.address.add", map[string]any{"fields": map[string]any{
		"TYPE_ID": 6, "ENTITY_TYPE_ID": kindRequisite, "ENTITY_ID": id, "CITY": city, "ADDRESS_1": street, "COUNTRY": "Russia",
	}})
}

// Department adds a node of the company structure; parent and head may be 0.
func (s *Seeder) Department(id int, name string, parent, head int) {
	s.p.state.offices.put(id, &department{ID: id, Sort: 500, Parent: parent, Head: head, Name: name})
}

// Pipeline adds a deal pipeline with the usual stages; id 0 is the default one.
func (s *Seeder) Pipeline(id int, name string) {
	s.p.state.categories.put(id, &category{ID: id, Kind: kindDeal, Sort: 300 + 100*id, Name: name, Default: id == 0})
	s.p.seedStages(id)
}

// Directory adds entries to a directory (crm.status), in order.
func (s *Seeder) Directory(entityID string, entries ...[2]string) {
	for i, e := range entries {
		s.p.addStatus(entityID, e[0], e[1], "", "", 10*(i+1))
	}
}

// Currency adds a currency; the first one is the base.
func (s *Seeder) Currency(code, name, format, amount string) {
	n := s.p.state.currencies.newID()
	s.p.state.currencies.put(n, &currency{
		ID: n, Sort: 100 * n, Count: 1, Code: code, Name: name, Format: format, Amount: amount, Base: n == 1, Updated: s.p.stamp(),
	})
}

// UserField adds a custom field to a kind: lead, deal, contact or company.
func (s *Seeder) UserField(kindName, name, userType, title string, mandatory bool) {
	k, ok := kindNamed(kindName)
	if !ok {
		panic("unknown kind " + kindName)
	}
	u := &userField{
		ID: s.p.state.userFields.newID(), EntityID: k.uf, Name: name, Type: userType, Sort: 100, Mandatory: mandatory, InList: true,
		Editable: true, ShowFilter: "I", Labels: map[string]string{},
	}
	for _, label := range labelNames[:3] {
		u.Labels[label] = title
	}
	s.p.state.userFields.put(u.ID, u)
	s.p.state.rebuild(k)
}

// App adds an OAuth application; no scopes means all.
func (s *Seeder) App(clientID, clientSecret, redirect string, scopes ...string) {
	s.p.state.account.putApp(app{ClientID: clientID, ClientSecret: clientSecret, Redirect: redirect, Scopes: scopes, Token: secret()[:32]})
}

// Call runs a REST method as user 1 and gives its result decoded from JSON
// types: a map or a list is a map[string]any or []any only if the caller
// marshals it; ids of add methods are ints.
func (s *Seeder) Call(method string, params map[string]any) any {
	s.c.params = toDict(params)
	m, ok := s.p.catalog[method]
	if !ok {
		panic("unknown method " + method)
	}
	if m.prepare != nil {
		panic(method + " works without a lock, which seeds hold")
	}
	s.c.method = m
	result, err := m.run(s.c)
	if err != nil {
		panic(fmt.Sprintf("seed %s: %v", method, err))
	}
	return result
}

// toDict turns Go literals into parameters.
func toDict(m map[string]any) *dict {
	d := newDict()
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d.set(k, toParam(m[k]))
	}
	return d
}

func toParam(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return toDict(v)
	case []any:
		out := newDict()
		for _, item := range v {
			out.append(toParam(item))
		}
		return out
	case []map[string]any:
		out := newDict()
		for _, item := range v {
			out.append(toDict(item))
		}
		return out
	default:
		return v
	}
}

// stageSet are the stages of a deal pipeline: code, name, colour, semantics.
var stageSet = [][4]string{
	{"NEW", "New", "#39A8EF", ""},
	{"PREPARATION", "Create papers", "#2FC6F6", ""},
	{"PREPAYMENT_INVOICE", "Invoice", "#55D0E0", ""},
	{"EXECUTING", "In progress", "#47E4C2", ""},
	{"FINAL_INVOICE", "Final invoice", "#FFA900", ""},
	{"WON", "Deal won", "#7BD500", "S"},
	{"LOSE", "Deal lost", "#FF5752", "F"},
	{"APOLOGY", "Analyse failure", "#FF5752", "F"},
}

// leadStages are the stages of leads.
var leadStages = [][4]string{
	{"NEW", "Unassigned", "#39A8EF", ""},
	{"IN_PROCESS", "In progress", "#2FC6F6", ""},
	{"PROCESSED", "Processed", "#55D0E0", ""},
	{"CONVERTED", "Good lead", "#7BD500", "S"},
	{"JUNK", "Junk lead", "#FF5752", "F"},
}

// seedStages makes the stages of a new pipeline.
func (p *Portal) seedStages(category int) {
	directory := kinds[1].stages(category)
	for i, st := range stageSet {
		p.addStatus(directory, prefixed(directory, st[0]), st[1], st[2], st[3], 10*(i+1))
	}
}

func (p *Portal) addStatus(directory, id, name, color, semantics string, sort int) {
	system := semantics == "S" || sort == 10 || strings.HasSuffix(id, "LOSE") || id == "JUNK"
	p.state.putStatus(&status{
		ID: p.state.statuses.newID(), EntityID: directory, StatusID: id, Name: name, NameInit: pick(system, name, ""), Sort: sort,
		CategoryID: categoryOf(directory), System: system, Color: color, Semantics: semantics,
	})
}

// baseDirectories are the directories besides the stages: code and name of each entry.
var baseDirectories = []struct {
	id      string
	entries [][2]string
}{
	{"SOURCE", [][2]string{
		{"CALL", "Call"},
		{"EMAIL", "E-mail"},
		{"WEB", "Website"},
		{"ADVERTISING", "Advertising"},
		{"PARTNER", "Existing client"},
		{"RECOMMENDATION", "By recommendation"},
		{"TRADE_SHOW", "Trade show"},
		{"WEBFORM", "CRM form"},
		{"CALLBACK", "Callback"},
		{"CHAT2DESK", "Chat2Desk"},
		{"OTHER", "Other"},
	}},
	{"CONTACT_TYPE", [][2]string{{"CLIENT", "Clients"}, {"SUPPLIER", "Suppliers"}, {"PARTNER", "Partners"}, {"OTHER", "Other"}}},
	{"COMPANY_TYPE", [][2]string{
		{"CUSTOMER", "Client"}, {"SUPPLIER", "Supplier"}, {"COMPETITOR", "Competitor"}, {"PARTNER", "Partner"}, {"OTHER", "Other"},
	}},
	{"DEAL_TYPE", [][2]string{
		{"SALE", "Sale"}, {"COMPLEX", "Integrated sale"}, {"GOODS", "Sale of goods"}, {"SERVICES", "Services"}, {"SERVICE", "After-sale service"},
	}},
	{"INDUSTRY", [][2]string{
		{"IT", "Information technology"},
		{"TELECOM", "Telecommunications"},
		{"MANUFACTURING", "Manufacturing"},
		{"BANKING", "Banking"},
		{"CONSULTING", "Consulting"},
		{"OTHER", "Other"},
	}},
	{"EMPLOYEES", [][2]string{{"EMPLOYEES_1", "fewer than 50"}, {"EMPLOYEES_2", "50-250"}, {"EMPLOYEES_3", "250-500"}}},
	{"HONORIFIC", [][2]string{{"HNR_EN_1", "Mr."}, {"HNR_EN_2", "Mrs."}, {"HNR_EN_3", "Ms."}}},
	{"CALL_LIST", [][2]string{{"IN_WORK", "In progress"}, {"SUCCESS", "Successful"}, {"WRONG_NUMBER", "Wrong number"}}},
	{"QUOTE_STATUS", [][2]string{{"DRAFT", "Draft"}, {"SENT", "Sent"}, {"APPROVED", "Approved"}, {"DECLAINED", "Declined"}}},
}

// BaseSeeds are what every portal has: an administrator, the directories, the
// currencies and pipeline 0; no CRM entities.
func BaseSeeds(s *Seeder) {
	for _, k := range kinds {
		s.p.state.rebuild(k)
	}
	s.Department(1, "Company", 0, DemoAdmin)
	s.User(DemoAdmin, "Anna", "Orlova", "Director", true, 1)
	s.Currency("USD", "US Dollar", "$#", "1.0000")
	s.Currency("EUR", "Euro", "€#", "1.0800")
	s.Currency("RUB", "Russian Ruble", "# &#8381;", "0.0110")
	for i, st := range leadStages {
		s.p.addStatus("STATUS", st[0], st[1], st[2], st[3], 10*(i+1))
	}
	for _, d := range baseDirectories {
		s.Directory(d.id, d.entries...)
	}
	s.Pipeline(DemoPipeline, "General")
}
