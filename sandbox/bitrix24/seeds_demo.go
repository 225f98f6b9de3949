package bitrix24

import "fmt"

// DemoSeeds are the portal of puente-dev: BaseSeeds, a sales team with phones,
// pipelines 1 and 2, the field UF_CRM_CITY on deals and leads, an OAuth
// application, and some companies (two with requisites), contacts, deals and
// leads. Phones are written in differing forms (see DemoPhones), so that the
// known-client cases can be played.
func DemoSeeds(s *Seeder) {
	BaseSeeds(s)
	s.Department(2, "Sales", 1, DemoSupervisor)
	s.Department(3, "Support", 1, 9)
	s.User(DemoOperator, "Olga", "Smirnova", "Sales manager", false, 2)
	s.User(DemoSupervisor, "Pavel", "Volkov", "Head of sales", false, 2)
	s.User(9, "Maria", "Lopez", "Head of support", false, 3)
	s.User(10, "John", "Carter", "Support engineer", false, 3)
	for _, id := range []int{DemoAdmin, DemoOperator, DemoSupervisor, 9, 10} {
		s.WorkPhone(id, fmt.Sprintf("+7 495 200-00-%02d", id))
	}
	s.Pipeline(DemoPipelineTwo, "Messengers")
	s.Pipeline(DemoSubsidies, "Subsidies")
	for _, kindName := range []string{"deal", "lead"} {
		s.UserField(kindName, DemoCityField, "string", "City", false)
	}
	s.App(DemoClientID, DemoClientSecret, "http://127.0.0.1:8080/oauth/callback")
	s.p.state.account.app(DemoClientID).Token = DemoApplicationToken
	s.demoCompanies()
	s.demoContacts()
	s.demoDeals()
}

func (s *Seeder) demoCompanies() {
	for i, name := range []string{
		"Alfa Trade", "Aurora Travel", "Beta Logistics", "Casa Verde", "Delta Clinics", "Ember Studio", "Fjord Furniture", "Granada Wines",
		"Helix Labs", "Iris Fashion", "Jade Motors", "Krona Bakery", "Lumen Schools", "Alba Books",
	} {
		s.Call("crm.company.add", map[string]any{"fields": map[string]any{
			"TITLE": name, "COMPANY_TYPE": "CUSTOMER", "INDUSTRY": "IT", "ASSIGNED_BY_ID": pick(i%2 == 0, DemoOperator, DemoSupervisor),
			"EMAIL": []any{map[string]any{"VALUE": fmt.Sprintf("office%d@example.com", i+1), "VALUE_TYPE": "WORK"}},
		}})
	}
	s.Requisite(1, "Alfa Trade LLC", DemoINN, "770801001", "1027700001230", "Moscow", "7 Myasnitskaya St")
	s.Requisite(2, "Aurora Travel LLC", DemoINNTwo, "783901001", "1157800004560", "Saint Petersburg", "12 Sadovaya St")
}

func (s *Seeder) demoContacts() {
	names := [][2]string{
		{"Ivan", "Petrov"},
		{"Elena", "Sidorova"},
		{"Dmitry", "Kuznetsov"},
		{"Carlos", "Garcia"},
		{"Emily", "Stone"},
		{"Sofia", "Morozova"},
		{"Lucas", "Silva"},
		{"Nina", "Belova"},
		{"Marta", "Ruiz"},
		{"Peter", "Novak"},
		{"Alice", "Brown"},
		{"Roman", "Orlov"},
		{"Julia", "Weber"},
		{"Oscar", "Lind"},
	}
	for i, name := range names {
		phone := fmt.Sprintf("+7 495 100-00-%02d", i+1)
		if i < len(DemoPhones) {
			phone = DemoPhones[i].Phone
		}
		s.Call("crm.contact.add", map[string]any{"fields": map[string]any{
			"NAME": name[0], "LAST_NAME": name[1], "TYPE_ID": "CLIENT", "SOURCE_ID": "WEB", "ASSIGNED_BY_ID": DemoOperator,
			"COMPANY_ID": pick(i < 4, i+1, 0),
			"PHONE":      []any{map[string]any{"VALUE": phone, "VALUE_TYPE": "MOBILE"}},
			"EMAIL":      []any{map[string]any{"VALUE": fmt.Sprintf("client%d@example.com", i+1), "VALUE_TYPE": "WORK"}},
		}})
	}
}

// demoDeals adds open and finished deals and two leads in work. The leads have
// no name, so that simple mode leaves them alone.
func (s *Seeder) demoDeals() {
	for _, d := range []struct {
		title             string
		pipeline, contact int
		stage             string
		sum               float64
	}{
		{"Website order", DemoPipeline, 1, "PREPARATION", 1200},
		{"Yearly contract", DemoPipeline, 2, "WON", 9800},
		{"Tour to Granada", DemoPipelineTwo, 4, "C1:NEW", 640},
		{"Old request", DemoPipelineTwo, 3, "C1:LOSE", 0},
		{"Furniture for office", DemoPipeline, 7, "EXECUTING", 5400},
		{"Trial lesson", DemoPipelineTwo, 9, "C1:EXECUTING", 90},
	} {
		s.Call("crm.deal.add", map[string]any{"fields": map[string]any{
			"TITLE": d.title, "CATEGORY_ID": d.pipeline, "STAGE_ID": d.stage, "CONTACT_ID": d.contact, "OPPORTUNITY": d.sum,
			"CURRENCY_ID": "USD", "ASSIGNED_BY_ID": DemoOperator, "SOURCE_ID": "WEB",
		}})
	}
	for i, phone := range []string{"+380 44 123 45 67", "+49 30 901820"} {
		s.Call("crm.lead.add", map[string]any{"fields": map[string]any{
			"TITLE": fmt.Sprintf("Request from the site %d", i+1), "STATUS_ID": "IN_PROCESS", "SOURCE_ID": "WEB",
			"PHONE": []any{map[string]any{"VALUE": phone, "VALUE_TYPE": "WORK"}},
		}})
	}
	s.Call("crm.timeline.comment.add", map[string]any{"fields": map[string]any{
		"ENTITY_TYPE": "deal", "ENTITY_ID": 1, "COMMENT": "[b]First call.[/b] The client asks for an offer by Friday.",
	}})
}
