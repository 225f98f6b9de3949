package dialog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/settings"
)

// mapped is settings that map a bit of everything.
func mapped() settings.Settings {
	s := settings.Default()
	s.Analytics = settings.Analytics{
		Fields: map[string]string{
			"utm_source": "utmSource", "utm_term": "utmTerm", "click_time": "UF_CRM_CLICK", "message_id": "UF_CRM_MESSAGE",
		},
		Combined: "UF_CRM_UTM",
	}
	s.Fields = []settings.Field{
		{Custom: "6", Deal: "UF_CRM_CITY", Lead: "UF_CRM_LEAD_CITY"},
		{Custom: "budget", Deal: "UF_CRM_BUDGET"},
	}
	return s
}

func types() map[string]dialog.FieldType {
	return map[string]dialog.FieldType{
		"utmSource": {Type: "string"}, "utmTerm": {Type: "string"}, "UF_CRM_CLICK": {Type: "datetime"}, "UF_CRM_MESSAGE": {Type: "integer"},
		"UF_CRM_UTM": {Type: "string"}, "UF_CRM_CITY": {Type: "enumeration", Items: cities}, "UF_CRM_LEAD_CITY": {Type: "string", Multiple: true},
		"UF_CRM_BUDGET": {Type: "money"}, "id": {Type: "integer", ReadOnly: true},
	}
}

func analysed() dialog.Snapshot {
	return dialog.Snapshot{
		Analytics: map[string]string{
			"utm_source": "google", "utm_medium": "cpc", "utm_term": " ", "click_time": "1767604800", "message_id": "880012", "client_id": "7",
		},
		Client: dialog.Client{CustomFields: map[string]string{"6": "madrid", "budget": "1 500 USD", "7": "unused"}},
	}
}

func TestMapFieldsOfDealAndLead(t *testing.T) {
	t.Parallel()
	fields, problems := dialog.MapFields(mapped(), analysed(), dialog.Deal, types())
	require.Empty(t, problems)
	require.Equal(t, map[string]any{
		"utmSource": "google", "UF_CRM_CLICK": "2026-01-05T09:20:00Z", "UF_CRM_MESSAGE": int64(880012),
		"UF_CRM_UTM": "utm_source=google; utm_medium=cpc", "UF_CRM_CITY": int64(45), "UF_CRM_BUDGET": "1500|USD",
	}, fields)

	fields, problems = dialog.MapFields(mapped(), analysed(), dialog.Lead, types())
	require.Empty(t, problems)
	require.Equal(t, []any{"madrid"}, fields["UF_CRM_LEAD_CITY"])
	require.NotContains(t, fields, "UF_CRM_CITY")
	require.NotContains(t, fields, "UF_CRM_BUDGET")

	fields, problems = dialog.MapFields(mapped(), analysed(), dialog.Contact, types())
	require.Empty(t, fields)
	require.Empty(t, problems)
}

func TestNothingKnownFillsNothing(t *testing.T) {
	t.Parallel()
	fields, problems := dialog.MapFields(mapped(), dialog.Snapshot{}, dialog.Deal, types())
	require.Empty(t, problems)
	require.Empty(t, fields, "no field is blanked out")
}

func TestMapFieldsNamesWhatCannotBeFilled(t *testing.T) {
	t.Parallel()
	s := mapped()
	s.Fields = append(s.Fields, settings.Field{Custom: "9", Deal: "UF_CRM_GONE"}, settings.Field{Custom: "10", Deal: "id"})
	snap := analysed()
	snap.Analytics["message_id"] = "twelve"
	snap.Client.CustomFields["6"] = "Rome " + strings.Repeat("x", 200)
	snap.Client.CustomFields["budget"] = "1500"
	fields, problems := dialog.MapFields(s, snap, dialog.Deal, types())
	require.Equal(t, "google", fields["utmSource"], "the others are still given")
	require.Equal(t, []dialog.Problem{
		{Source: "message_id", Field: "UF_CRM_MESSAGE", Value: "twelve", Why: "not a number"},
		{Source: "custom field 6", Field: "UF_CRM_CITY", Value: problems[1].Value, Why: "not one of the options of the list: Madrid, São Paulo, 45, New"},
		{Source: "custom field budget", Field: "UF_CRM_BUDGET", Value: "1500", Why: "no currency is known; write it behind the amount, like 100 USD"},
		{Source: "custom field 9", Field: "UF_CRM_GONE", Why: "the CRM has no such field"},
		{Source: "custom field 10", Field: "id", Why: "the CRM does not let anybody write this field"},
	}, problems)
	require.Len(t, []rune(problems[1].Value), 80)
	require.Equal(t, `message_id cannot go to UF_CRM_MESSAGE (value "twelve"): not a number`, problems[0].String())

	s.CRM.Currency = "EUR"
	fields, _ = dialog.MapFields(s, snap, dialog.Deal, types())
	require.Equal(t, "1500|EUR", fields["UF_CRM_BUDGET"])
}

func TestCorrectionFieldsAreConvertedAndCanClear(t *testing.T) {
	t.Parallel()
	c := dialog.Correction{Fields: map[string]string{
		"UF_CRM_CITY": "madrid", "utmSource": "", "UF_CRM_LEAD_CITY": " ", "id": "", "nope": "1", "UF_CRM_MESSAGE": "x",
	}}
	fields, problems := dialog.CorrectionFields(settings.Default(), c, types())
	require.Equal(t, map[string]any{"UF_CRM_CITY": int64(45), "utmSource": "", "UF_CRM_LEAD_CITY": []any{}}, fields)
	require.Len(t, problems, 3)
	require.Equal(t, "correction", problems[0].Source)

	fields, problems = dialog.CorrectionFields(settings.Default(), dialog.Correction{}, nil)
	require.Empty(t, fields)
	require.Empty(t, problems)
}

func FuzzMapFields(f *testing.F) {
	f.Add("6", "Madrid", "UF_CRM_CITY", "google")
	f.Add("", "\xff\x00", "", "1 234,50")
	f.Fuzz(func(t *testing.T, custom, value, target, utm string) {
		s := mapped()
		s.Fields = append(s.Fields, settings.Field{Custom: custom, Deal: target, Lead: target})
		snap := dialog.Snapshot{
			Analytics: map[string]string{"utm_source": utm, "click_time": utm, "message_id": value},
			Client:    dialog.Client{CustomFields: map[string]string{custom: value, "budget": utm, "6": utm}},
		}
		for _, kind := range []dialog.Kind{dialog.Deal, dialog.Lead} {
			fields, problems := dialog.MapFields(s, snap, kind, types())
			for name := range fields {
				require.Contains(t, types(), name)
			}
			for _, p := range problems {
				require.NotEmpty(t, p.Why)
			}
		}
	})
}
