package setup_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
	"puente/setup"
)

// TestContactCenterIsComparedWithThePortal asks for what the section names, in
// the one request that asks for everything else.
func TestContactCenterIsComparedWithThePortal(t *testing.T) {
	t.Parallel()
	p := both()
	p.general.answers["crm.category.list"] = `{"categories":[{"id":0},{"id":3}]}`
	p.general.answers["crm.item.fields"] = `{"fields":{"ufCrmRegion":{"type":"string","upperName":"UF_CRM_REGION","isDynamic":true}}}`
	p.general.answers["crm.status.list"] = `[{"STATUS_ID":"C3:NEW"},{"STATUS_ID":"CALL"}]`
	p.general.answers["user.get"] = `[{"ID":"1","ACTIVE":true},{"ID":"7","ACTIVE":true}]`
	p.general.answers["crm.requisite.preset.list"] = `[{"ID":"1"},{"ID":"2"}]`
	s := busy()
	s.ContactCenter.Products = []settings.Product{{Name: "Subsidy", Pipeline: 3, Stage: "C3:NEW", Responsible: settings.ResponsibleUser, User: 7}}
	s.ContactCenter.Fields = []settings.FormField{{Name: "region", Deal: "UF_CRM_REGION"}}
	s.ContactCenter.Sources = map[string]string{"phone": "CALL"}
	s.ContactCenter.RequisitePreset = 2
	checker := setup.Checker{Accounts: p}
	problems, err := checker.ValidateSettings(t.Context(), "demo", s)
	require.Error(t, err, "there is no Chat2Desk account")
	require.Empty(t, problems)
	require.Equal(t, 1, p.general.batches)

	s.ContactCenter.RequisitePreset = 4
	s.ContactCenter.Products[0].Stage = "C3:GONE"
	s.ContactCenter.Products[0].User = 8
	problems, _ = checker.ValidateSettings(t.Context(), "demo", s)
	require.Equal(t, "- contact_center.products[0].stage: there is no such stage in pipeline 3: C3:GONE\n"+
		"- contact_center.products[0].user: there is no such active user in the portal: 8\n"+
		"- contact_center.requisite_preset: there is no such template of requisites in the portal: 4\n", settings.Describe(problems))
}
