package settings_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

func TestContactCenterIsCheckedByItself(t *testing.T) {
	t.Parallel()
	type cc = settings.ContactCenter
	product := func(change func(*settings.Product)) func(*cc) {
		return func(c *cc) {
			p := settings.Product{Name: "Subsidy", Responsible: settings.ResponsibleOperator}
			change(&p)
			c.Products = []settings.Product{p}
		}
	}
	tests := map[string]struct {
		change      func(*cc)
		field, says string
	}{
		"rule":             {func(c *cc) { c.Ambiguous = "" }, "ambiguous", "first_by_rule, newest or ask"},
		"product name":     {product(func(p *settings.Product) { p.Name = " " }), "products[0].name", "missing"},
		"pipeline":         {product(func(p *settings.Product) { p.Pipeline = -1 }), "products[0].pipeline", "id or 0"},
		"foreign stage":    {product(func(p *settings.Product) { p.Pipeline, p.Stage = 1, "C2:NEW" }), "products[0].stage", "pipeline 1"},
		"stage code":       {product(func(p *settings.Product) { p.Stage = "a b" }), "products[0].stage", "not a stage"},
		"responsible":      {product(func(p *settings.Product) { p.Responsible = "" }), "products[0].responsible", "operator, contact or user"},
		"no user":          {product(func(p *settings.Product) { p.Responsible = settings.ResponsibleUser }), "products[0].user", "positive"},
		"idle user":        {product(func(p *settings.Product) { p.User = 7 }), "products[0].user", "responsible: user only"},
		"required":         {product(func(p *settings.Product) { p.Required = []string{"contact.phones", "phone"} }), "products[0].required[1]", "not a path"},
		"required nothing": {product(func(p *settings.Product) { p.Required = []string{"fields."} }), "products[0].required[0]", "not a path"},
		"same product": {func(c *cc) {
			c.Products = []settings.Product{{Name: "A b", Responsible: "operator"}, {Name: "a  B", Responsible: "operator"}}
		}, "products[1].name", "products[0]"},
		"unknown product": {func(c *cc) { c.UnknownProduct = "Other" }, "unknown_product", "none of contact_center.products"},
		"no operator":     {func(c *cc) { c.Operators = []settings.ContactCenterOperator{{User: 7}} }, "operators[0].operator", "missing"},
		"no operator user": {
			func(c *cc) { c.Operators = []settings.ContactCenterOperator{{Operator: "x"}} }, "operators[0].user", "positive",
		},
		"same operator": {
			func(c *cc) { c.Operators = []settings.ContactCenterOperator{{"x", 1}, {"x", 2}} }, "operators[1].operator", "operators[0]",
		},
		"no form field":  {func(c *cc) { c.Fields = []settings.FormField{{Deal: "UF_CRM_X"}} }, "fields[0].name", "missing"},
		"no deal field":  {func(c *cc) { c.Fields = []settings.FormField{{Name: "x"}} }, "fields[0].deal", "missing"},
		"bad deal field": {func(c *cc) { c.Fields = []settings.FormField{{"x", "Город"}} }, "fields[0].deal", "not a field name"},
		"same form field": {
			func(c *cc) { c.Fields = []settings.FormField{{"x", "UF_A"}, {"X", "UF_B"}} }, "fields[1].name", "fields[0]",
		},
		"same deal field": {
			func(c *cc) { c.Fields = []settings.FormField{{"x", "UF_A"}, {"y", "UF_A"}} }, "fields[1].deal", "contact_center.fields[0].deal",
		},
		"channel":       {func(c *cc) { c.Sources = map[string]string{"fax": "CALL"} }, "sources.fax", "site, email, phone"},
		"source":        {func(c *cc) { c.Sources = map[string]string{"site": "a b"} }, "sources.site", "not the id"},
		"preset":        {func(c *cc) { c.RequisitePreset = -1 }, "requisite_preset", "id or 0"},
		"no recordings": {func(c *cc) { c.Recordings.MaxMiB = 0 }, "recordings.max_mib", "from 1 to 512"},
		"too large":     {func(c *cc) { c.Recordings.MaxMiB = 513 }, "recordings.max_mib", "from 1 to 512"},
		"quota":         {func(c *cc) { c.Recordings.QuotaMiB = 511 }, "recordings.quota_mib", "from max_mib"},
		"retention":     {func(c *cc) { c.Recordings.RetentionDays = -1 }, "recordings.retention_days", "from 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := usable()
			tt.change(&s.ContactCenter)
			problems := settings.Validate(s)
			require.Len(t, problems, 1, "%v", problems)
			require.Equal(t, "contact_center."+tt.field, problems[0].Field)
			require.Contains(t, problems[0].Message, tt.says)
		})
	}
}

func TestContactCenterIsCheckedAgainstThePortal(t *testing.T) {
	t.Parallel()
	s := usable()
	s.ContactCenter.Products = []settings.Product{{Name: "A", Pipeline: 7, Stage: "C7:NEW", Responsible: "user", User: 5}}
	s.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "x", User: 6}}
	s.ContactCenter.Fields = []settings.FormField{{Name: "region", Deal: "UF_CRM_REGION"}, {Name: "file", Deal: "UF_CRM_FILE"}}
	s.ContactCenter.Sources = map[string]string{"site": "WEB"}
	s.ContactCenter.RequisitePreset = 4
	require.Empty(t, settings.ValidateAgainst(s, settings.PortalFacts{}), "what could not be asked is not checked")
	problems := settings.ValidateAgainst(s, settings.PortalFacts{
		Pipelines: []int64{0}, DealStages: map[int64][]string{7: {"C7:WON"}}, Users: []int64{1}, Sources: []string{},
		DealFields: map[string]settings.FieldType{"UF_CRM_FILE": {Type: "file"}}, RequisitePresets: []int64{1},
	})
	var fields []string
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	require.Equal(t, []string{
		"contact_center.products[0].pipeline", "contact_center.products[0].stage", "contact_center.products[0].user",
		"contact_center.operators[0].user", "contact_center.fields[0].deal", "contact_center.fields[1].deal",
		"contact_center.sources.site", "contact_center.requisite_preset",
	}, fields)
}

func TestProductsAndOperatorsAreFoundByName(t *testing.T) {
	t.Parallel()
	s, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	p, ok := s.ContactCenter.Product("  subsidy ")
	require.True(t, ok)
	require.Equal(t, int64(11), p.User)
	_, ok = s.ContactCenter.Product("")
	require.False(t, ok)

	for operator, want := range map[string]int64{"op-17": 12, "op-18": 9, "": 9} {
		user, mapped := s.ContactCenterUser(operator)
		require.Equal(t, want, user, operator)
		require.Equal(t, operator == "op-17", mapped, operator)
	}
}

func TestSettingsOfAnOlderVersionGetTheDefaultsOfTheContactCenter(t *testing.T) {
	t.Parallel()
	doc := settings.Default()
	require.NoError(t, json.Unmarshal([]byte(`{"general":{"language":"ru"}}`), &doc))
	require.Equal(t, settings.Default().ContactCenter, doc.ContactCenter)
	require.True(t, settings.StageFits("C5:NEW", 5))
	require.False(t, settings.StageFits("NEW", 5))
	require.True(t, settings.IsFieldName("UF_CRM_CITY"))
	require.False(t, settings.IsFieldName("two words"))
	require.True(t, settings.IsCurrency("EUR"))
	require.False(t, settings.IsCurrency("eur"))
}
