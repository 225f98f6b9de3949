package settings_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// examplePortal has everything that the documented example asks for.
func examplePortal() settings.PortalFacts {
	text := settings.FieldType{Type: "string"}
	return settings.PortalFacts{
		DealFields: map[string]settings.FieldType{
			"utmSource": text, "utmCampaign": text, "UF_CRM_CLICK_TIME": {Type: "datetime"},
			"UF_CRM_UTM": text, "UF_CRM_CITY": text, "UF_CRM_BUDGET": {Type: "money"},
			"UF_CRM_REGION": text,
		},
		LeadFields: map[string]settings.FieldType{
			"utmSource": text, "utmCampaign": text, "UF_CRM_CLICK_TIME": {Type: "datetime"},
			"UF_CRM_UTM": text, "UF_CRM_LEAD_CITY": text,
		},
		Pipelines:    []int64{0, 1},
		DealStages:   map[int64][]string{1: {"C1:NEW", "C1:WON"}},
		LeadStages:   []string{"NEW"},
		Sources:      []string{"WEB", "CALL"},
		Users:        []int64{1, 7, 8, 9, 11, 12},
		Operators:    []int64{301, 302},
		Channels:     []int64{12, 14, 15},
		Tags:         []int64{1, 2},
		CustomFields: []string{"6", "budget"},

		RequisitePresets: []int64{1, 2},
	}
}

func TestValidateAgainstAcceptsTheExample(t *testing.T) {
	t.Parallel()
	s, err := settings.Parse(readExample(t))
	require.NoError(t, err)
	require.Empty(t, settings.ValidateAgainst(s, examplePortal()))
	require.Empty(t, settings.ValidateAgainst(s, settings.PortalFacts{}), "what could not be asked is not checked")
}

func TestValidateAgainstFindsWhatThePortalLacks(t *testing.T) {
	t.Parallel()
	type facts = settings.PortalFacts
	tests := map[string]struct {
		change      func(*facts)
		field, says string
	}{
		"tag":           {func(f *facts) { f.Tags = []int64{} }, "tags.ids[0]", "tag in Chat2Desk: 2"},
		"deal field":    {func(f *facts) { delete(f.DealFields, "utmSource") }, "analytics.fields.utm_source", "the deal has no field utmSource"},
		"lead field":    {func(f *facts) { delete(f.LeadFields, "UF_CRM_UTM") }, "analytics.combined", "the lead has no field UF_CRM_UTM"},
		"custom target": {func(f *facts) { delete(f.DealFields, "UF_CRM_CITY") }, "fields[0].deal", "no field UF_CRM_CITY"},
		"read only":     {func(f *facts) { f.LeadFields["UF_CRM_LEAD_CITY"] = settings.FieldType{ReadOnly: true} }, "fields[0].lead", "cannot be written"},
		"file field": {
			func(f *facts) { f.DealFields["UF_CRM_CITY"] = settings.FieldType{Type: "file"} },
			"fields[0].deal", "the type file, which cannot be filled",
		},
		"combined into a number": {
			func(f *facts) { f.LeadFields["UF_CRM_UTM"] = settings.FieldType{Type: "double"} },
			"analytics.combined", "the type double; a string field is needed",
		},
		"custom field":   {func(f *facts) { f.CustomFields = []string{"6"} }, "fields[1].custom", "budget"},
		"operator":       {func(f *facts) { f.Operators = []int64{301} }, "operators.users[1].operator", "302"},
		"fallback":       {func(f *facts) { f.Users = []int64{1, 7, 8, 11, 12} }, "operators.fallback", "active user in the portal: 9"},
		"user":           {func(f *facts) { f.Users = []int64{1, 8, 9, 11, 12} }, "operators.users[0].user", "7"},
		"administrator":  {func(f *facts) { f.Users = []int64{7, 8, 9, 11, 12} }, "operators.administrator", "1"},
		"channel":        {func(f *facts) { f.Channels = []int64{12, 14} }, "crm.channels[2].id", "15"},
		"pipeline":       {func(f *facts) { f.Pipelines = []int64{0} }, "crm.channels[0].pipeline", "pipeline in the portal: 1"},
		"stage":          {func(f *facts) { f.DealStages[1] = []string{"C1:WON"} }, "crm.channels[0].stage", "stage in pipeline 1: C1:NEW"},
		"source":         {func(f *facts) { f.Sources = []string{"CALL"} }, "crm.source_id", "WEB"},
		"unknown stages": {func(f *facts) { f.DealStages = nil; f.Sources = []string{"CALL"} }, "crm.source_id", "WEB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := settings.Parse(readExample(t))
			require.NoError(t, err)
			portal := examplePortal()
			tt.change(&portal)
			problems := settings.ValidateAgainst(s, portal)
			require.Len(t, problems, 1, "%v", problems)
			require.Equal(t, tt.field, problems[0].Field)
			require.Contains(t, problems[0].Message, tt.says)
		})
	}
}

func TestAnalyticsAreCheckedForTheKindsThatAreMade(t *testing.T) {
	t.Parallel()
	s := usable()
	s.Analytics.Fields = map[string]string{"utm_source": "UF_ONLY_DEAL"}
	facts := settings.PortalFacts{
		DealFields: map[string]settings.FieldType{"UF_ONLY_DEAL": {Type: "string"}},
		LeadFields: map[string]settings.FieldType{},
	}
	require.Empty(t, settings.ValidateAgainst(s, facts), "mode auto without channels: the kind is not known")
	s.CRM.Mode = settings.ModeSimple
	require.Empty(t, settings.ValidateAgainst(s, facts))
	s.CRM.Mode = settings.ModeClassic
	require.Len(t, settings.ValidateAgainst(s, facts), 1)
	s.CRM.Channels = []settings.Channel{{ID: 1, Entity: settings.EntityLead, Stage: "GONE"}}
	facts.LeadStages = []string{"NEW"}
	require.Len(t, settings.ValidateAgainst(s, facts), 2)
}
