package contactcenter_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/dialog"
	"puente/settings"
)

type (
	entity = contactcenter.Entity
	multi  = contactcenter.Multi
)

// fm are multifields as crm.item.get shows them.
func fm(rows ...string) []any {
	var all []any
	for i, row := range rows {
		typeID, value, _ := strings.Cut(row, ":")
		all = append(all, map[string]any{"id": float64(100 + i), "typeId": typeID, "valueType": "WORK", "value": value})
	}
	return all
}

func pointer[T any](value T) *T { return &value }

func TestNewContact(t *testing.T) {
	t.Parallel()
	fields, notes := contactcenter.NewContact(contactcenter.ContactData{
		Name: "Ana María López", Post: "Boss", Comments: "[b]x[/b] <i>", CompanyID: 4,
		Phones: []multi{{Value: "8 (999) 123-45-67", Type: "MOBILE"}, {Value: "+79991234567"}, {Value: "+79991234567 доб. 5"}},
		Emails: []multi{{Value: "Ana@example.org"}, {Value: "ana@EXAMPLE.org", Type: "HOME"}},
		Common: contactcenter.Common{UTM: &contactcenter.UTM{Source: "google"}, Source: "CALL"},
	}, contactcenter.Defaults{ResponsibleID: 7, Source: "WEB", SourceDescription: "form", Country: "RU"})
	require.Empty(t, notes)
	require.Equal(t, map[string]any{
		"name": "Ana", "lastName": "María López", "post": "Boss", "comments": "[\u200bb]x[\u200b/b] <i>", "companyId": int64(4), "opened": "Y",
		"assignedById": int64(7), "sourceId": "CALL", "sourceDescription": "form", "utmSource": "google",
		"fm": []any{
			map[string]any{"typeId": "PHONE", "valueType": "MOBILE", "value": "+79991234567"},
			map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "+79991234567;ext=5"},
			map[string]any{"typeId": "EMAIL", "valueType": "WORK", "value": "Ana@example.org"},
		},
	}, fields)
}

func TestNobodyStaysNameless(t *testing.T) {
	t.Parallel()
	ru := contactcenter.Defaults{Country: "RU"}
	byPhone, _ := contactcenter.NewContact(contactcenter.ContactData{Phones: []multi{{Value: "8 999 123 45 67"}}}, ru)
	require.Equal(t, "+79991234567", byPhone["name"])
	byMail, _ := contactcenter.NewContact(contactcenter.ContactData{Emails: []multi{{Value: "a@b.es"}}}, ru)
	require.Equal(t, "a@b.es", byMail["name"])
	for want, d := range map[string]contactcenter.CompanyData{
		"Acme":           {Title: " Acme", LegalName: "Acme LLC"},
		"Acme LLC":       {LegalName: "Acme LLC", INN: "7707083893"},
		"INN 7707083893": {INN: "7707083893", Emails: []multi{{Value: "a@b.es"}}},
		"a@b.es":         {Emails: []multi{{Value: "a@b.es"}}},
	} {
		fields, _ := contactcenter.NewCompany(d, ru)
		require.Equal(t, want, fields["title"])
	}
	deal, _ := contactcenter.NewDeal(contactcenter.DealData{Product: "Subsidy"}, contactcenter.Defaults{})
	require.Equal(t, map[string]any{"title": "Subsidy", "categoryId": int64(0), "opened": "Y"}, deal)
}

func TestNewDeal(t *testing.T) {
	t.Parallel()
	fields, notes := contactcenter.NewDeal(contactcenter.DealData{
		Pipeline: pointer(int64(3)), Stage: "C3:NEW", ContactIDs: []int64{5, 6, 5, 0}, CompanyID: 4, Amount: pointer(10.5), Currency: "EUR",
		Observers: []int64{7, 7}, Common: contactcenter.Common{ResponsibleID: 8},
	}, contactcenter.Defaults{Title: "Subsidy: Ana", ResponsibleID: 9})
	require.Empty(t, notes)
	require.Equal(t, map[string]any{
		"title": "Subsidy: Ana", "categoryId": int64(3), "stageId": "C3:NEW", "contactIds": []int64{5, 6}, "companyId": int64(4), "opportunity": 10.5,
		"isManualOpportunity": "Y", "currencyId": "EUR", "observers": []int64{7}, "assignedById": int64(8), "opened": "Y",
	}, fields)
}

func TestTitlesThatAreTooLongStandWholeInTheComments(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Жилищное ", 40) // 360 characters
	fields, notes := contactcenter.NewCompany(contactcenter.CompanyData{Title: long}, contactcenter.Defaults{})
	title := fields["title"].(string)
	require.LessOrEqual(t, len([]rune(title)), dialog.MaxTitle)
	require.True(t, strings.HasSuffix(title, "…"))
	require.Equal(t, strings.TrimSpace(long), fields["comments"])
	require.Equal(t, []string{"title has 359 characters; the CRM holds 250, so it was cut and stands whole in the comments"}, notes)

	fields["fm"] = nil
	changes := contactcenter.CompanyChanges(entity(fields), contactcenter.CompanyData{Title: long}, "RU")
	require.Empty(t, changes.Fields, "it is the same title")
}

func TestUpdatesWriteOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	current := entity{
		"id": 5.0, "name": "Ana", "lastName": "López", "post": nil, "assignedById": 7.0, "sourceId": "CALL", "companyId": 3.0, "companyIds": []any{3.0},
		"comments": "old", "utmSource": "google", "fm": fm("PHONE:8 (999) 123-45-67", "EMAIL:Ana@Example.org"),
	}
	tests := map[string]struct {
		data    contactcenter.ContactData
		changed []string
		fields  map[string]any
	}{
		"nothing":          {contactcenter.ContactData{}, nil, nil},
		"same":             {contactcenter.ContactData{Name: "Ana", LastName: "López", Common: contactcenter.Common{ResponsibleID: 7, Source: "CALL"}}, nil, nil},
		"whole name":       {contactcenter.ContactData{Name: "ana lópez"}, nil, nil},
		"whole, turned":    {contactcenter.ContactData{Name: "López Ana"}, nil, nil},
		"first name only":  {contactcenter.ContactData{Name: "Ana"}, nil, nil},
		"another person":   {contactcenter.ContactData{Name: "Luis Gómez Ruiz"}, []string{"name", "lastName"}, map[string]any{"name": "Luis", "lastName": "Gómez Ruiz"}},
		"post":             {contactcenter.ContactData{Post: "Boss"}, []string{"post"}, map[string]any{"post": "Boss"}},
		"responsible":      {contactcenter.ContactData{Common: contactcenter.Common{ResponsibleID: 8}}, []string{"assignedById"}, map[string]any{"assignedById": int64(8)}},
		"known phone":      {contactcenter.ContactData{Phones: []multi{{Value: "+79991234567", Type: "HOME"}}}, nil, nil},
		"known e-mail":     {contactcenter.ContactData{Emails: []multi{{Value: "ana@example.org"}}}, nil, nil},
		"same company":     {contactcenter.ContactData{CompanyID: 3}, nil, nil},
		"one more company": {contactcenter.ContactData{CompanyID: 4}, []string{"companyIds"}, map[string]any{"companyIds": []int64{3, 4}}},
		"same comment":     {contactcenter.ContactData{Comments: " old "}, nil, nil},
		"more comments":    {contactcenter.ContactData{Comments: "new"}, []string{"comments"}, map[string]any{"comments": "old\nnew"}},
		"part of a word":   {contactcenter.ContactData{Comments: "ol"}, []string{"comments"}, map[string]any{"comments": "old\nol"}},
		"new numbers": {
			contactcenter.ContactData{Phones: []multi{{Value: "+79991234567"}, {Value: "600 111 222"}, {Value: "+7 495 111 22 33"}}, Emails: []multi{{Value: "b@c.es"}}},
			[]string{"fm"},
			map[string]any{"fm": map[string]any{
				"n0": map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "600 111 222"},
				"n1": map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "+74951112233"},
				"n2": map[string]any{"typeId": "EMAIL", "valueType": "WORK", "value": "b@c.es"},
			}},
		},
		"with an extension": {
			contactcenter.ContactData{Phones: []multi{{Value: "89991234567 доб. 12"}}},
			[]string{"fm"},
			map[string]any{"fm": map[string]any{"n0": map[string]any{"typeId": "PHONE", "valueType": "WORK", "value": "+79991234567;ext=12"}}},
		},
		"utm": {contactcenter.ContactData{Common: contactcenter.Common{UTM: &contactcenter.UTM{Source: "google", Term: "x"}}}, []string{"utmTerm"}, map[string]any{"utmTerm": "x"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := contactcenter.ContactChanges(current, tt.data, "RU")
			require.Equal(t, tt.changed, changes.Changed)
			require.Equal(t, tt.fields, changes.Fields)
			require.Len(t, changes.Differences, len(tt.changed))
		})
	}
}

func TestPhonesAreTheSameInEveryWrittenForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stored, given, country string
		same                   bool
	}{
		{"8 (999) 123-45-67", "+79991234567", "RU", true},
		{"79991234567", "8 999 123 45 67", "RU", true},
		{"89991234567", "+7 999 123 45 67", "", true},
		{"(999) 123-45-67", "+79991234567", "ES", true},
		{"600 111 222", "+34600111222", "RU", true},
		{"600111222", "+34600111222", "RU", true},
		{"+7 999 123-45-67 доб. 12", "8 999 123 45 67 ext 12", "RU", true},
		{"+79991234567;ext=12", "+79991234567 #12", "", true},
		{"8 999 123-45-67 доб. 12", "+7 999 123 45 67", "RU", false},
		{"8 999 123-45-67", "+7 999 123 45 67 доб. 12", "RU", false},
		{"89991234568", "+79991234567", "RU", false},
		{"ask Ana", "+79991234567", "RU", false},
	} {
		changes := contactcenter.ContactChanges(entity{"fm": fm("PHONE:" + tt.stored)}, contactcenter.ContactData{Phones: []multi{{Value: tt.given}}}, tt.country)
		require.Equal(t, tt.same, len(changes.Fields) == 0, "%s and %s", tt.stored, tt.given)
	}
	asObject := entity{"fm": map[string]any{"7": map[string]any{"typeId": "PHONE", "value": "89991234567"}}}
	require.Empty(t, contactcenter.ContactChanges(asObject, contactcenter.ContactData{Phones: []multi{{Value: "+79991234567"}}}, "RU").Fields, "PHP writes lists with gaps as objects")
}

func TestDealsGrowAndMove(t *testing.T) {
	t.Parallel()
	current := entity{
		"title": "Deal", "categoryId": 3.0, "stageId": "C3:NEW", "contactIds": []any{5.0, 6.0}, "companyId": nil, "opportunity": "100.00",
		"isManualOpportunity": "Y", "currencyId": "EUR", "observers": []any{"7"},
	}
	same := contactcenter.DealData{
		Title: "Deal", Pipeline: pointer(int64(3)), Stage: "C3:NEW", ContactIDs: []int64{6, 5}, Amount: pointer(100.0), Currency: "EUR", Observers: []int64{7}, Product: "other",
	}
	require.Empty(t, contactcenter.DealChanges(current, same).Fields)
	changes := contactcenter.DealChanges(current, contactcenter.DealData{
		Title: "New", Pipeline: pointer(int64(0)), Stage: "NEW", ContactIDs: []int64{8, 5}, CompanyID: 2, Amount: pointer(0.0), Currency: "USD", Observers: []int64{9},
	})
	require.Equal(t, map[string]any{
		"title": "New", "categoryId": int64(0), "stageId": "NEW", "contactIds": []int64{5, 6, 8}, "companyId": int64(2), "opportunity": 0.0, "currencyId": "USD",
		"observers": []int64{7, 9},
	}, changes.Fields)
	require.Equal(t, contactcenter.FieldDifference{Field: "amount", Yours: 0.0, Theirs: "100.00"}, changes.Differences[5])
	automatic := maps.Clone(current)
	automatic["isManualOpportunity"] = "N"
	require.Equal(t, "Y", contactcenter.DealChanges(automatic, contactcenter.DealData{Amount: pointer(5.0)}).Fields["isManualOpportunity"])
}

func TestExtraFieldsAreComparedInTheFormsOfThePortal(t *testing.T) {
	t.Parallel()
	current := entity{
		"UF_DATE": "2026-01-31T03:00:00+03:00", "UF_TIME": "2026-01-31T10:00:00+03:00", "UF_MONEY": "100.00|EUR", "UF_BOOL": "1", "UF_NO": false, "UF_LIST": 45.0,
		"UF_MANY": []any{"2", 1.0}, "UF_TEXT": "007", "UF_SAFE": "$\u2060result[1]", "UF_NUMBER": "5.50", "UF_ONE": "a",
	}
	same := map[string]any{
		"UF_DATE": "2026-01-31", "UF_TIME": "2026-01-31T07:00:00Z", "UF_MONEY": "100|EUR", "UF_BOOL": "Y", "UF_NO": "N", "UF_LIST": int64(45), "UF_MANY": []any{int64(1), int64(2)},
		"UF_TEXT": "007", "UF_SAFE": "$result\u200b[1]", "UF_NUMBER": 5.5, "UF_ONE": []any{"a"}, "UF_EMPTY": "", "UF_NONE": []any{},
	}
	require.Empty(t, contactcenter.Changes{}.With(current, same).Fields)
	for name, value := range map[string]any{
		"UF_DATE": "2026-02-01", "UF_TIME": "2026-01-31T10:00:00Z", "UF_MONEY": "100|USD", "UF_BOOL": "N", "UF_LIST": int64(46), "UF_MANY": []any{int64(1)}, "UF_TEXT": "7", "UF_NEW": "x",
	} {
		changes := contactcenter.Changes{}.With(current, map[string]any{name: value})
		require.Equal(t, map[string]any{name: value}, changes.Fields)
		require.Equal(t, []contactcenter.FieldDifference{{Field: "fields." + name, Yours: value, Theirs: current[name]}}, changes.Differences)
	}
}

func TestOlderInputFillsOnlyGaps(t *testing.T) {
	t.Parallel()
	current := entity{"name": "Ana", "lastName": "", "post": nil, "opportunity": 0.0, "comments": "old", "fm": fm("PHONE:89991234567")}
	changes := contactcenter.ContactChanges(current, contactcenter.ContactData{
		Name: "Luis", LastName: "Gómez", Post: "Boss", Comments: "new", Phones: []multi{{Value: "+34600111222"}},
	}, "RU").OnlyMissing(nil)
	require.Equal(t, []string{"lastName", "post", "fm", "comments"}, changes.Changed)
	require.Len(t, changes.Fields, 4)
	require.Equal(t, []string{"name was left as it is: a person changed the CRM after this was told"}, changes.Notes)
	deal := contactcenter.DealChanges(current, contactcenter.DealData{Amount: pointer(5.0)}).OnlyMissing(nil)
	require.Equal(t, []string{"opportunity", "isManualOpportunity"}, deal.Changed)
}

func TestCommentsAreKeptWithinWhatTheCRMHolds(t *testing.T) {
	t.Parallel()
	full := entity{"comments": strings.Repeat("x", 59_999)}
	changes := contactcenter.DealChanges(full, contactcenter.DealData{Comments: "new"})
	require.Empty(t, changes.Fields)
	require.Equal(t, []string{"the comments of the entity are full, so nothing was added to them"}, changes.Notes)
	fields, notes := contactcenter.NewDeal(contactcenter.DealData{Comments: strings.Repeat("😀", 20_000)}, contactcenter.Defaults{})
	require.Less(t, len(fields["comments"].(string)), 60_001)
	require.Equal(t, []string{"the comments are longer than the CRM holds, so they were cut"}, notes)
	html := entity{"comments": "<p>Ana &amp; Luis</p><br>[b]bold[/b]"}
	require.Empty(t, contactcenter.DealChanges(html, contactcenter.DealData{Comments: "Ana & Luis"}).Fields, "the portal shows comments in its own way")
}

func TestChangesTravelWithoutPersonalData(t *testing.T) {
	t.Parallel()
	changes := contactcenter.ContactChanges(entity{"name": "Ana"}, contactcenter.ContactData{Name: "Luis"}, "RU")
	data, err := json.Marshal(changes)
	require.NoError(t, err)
	require.JSONEq(t, `{"changed": ["name"]}`, string(data))
}

func TestExtraFieldsAreConverted(t *testing.T) {
	t.Parallel()
	types := map[string]settings.FieldType{
		"UF_CITY": {Type: "string"}, "UF_AMOUNT": {Type: "double"}, "UF_KIND": {Type: "enumeration", Items: []settings.Item{{ID: "45", Value: "Big"}}},
		"UF_LOCKED": {Type: "string", ReadOnly: true}, "UF_FILE": {Type: "file"},
	}
	values, problems := contactcenter.ConvertFields(map[string]string{"UF_CITY": "Jaén", "UF_AMOUNT": "1 234,50", "UF_KIND": "big", "UF_LOCKED": " "}, types, dialog.Locale{})
	require.Empty(t, problems)
	require.Equal(t, map[string]any{"UF_CITY": "Jaén", "UF_AMOUNT": 1234.5, "UF_KIND": int64(45)}, values)
	values, problems = contactcenter.ConvertFields(map[string]string{"UF_AMOUNT": "much", "UF_LOCKED": "x", "UF_GONE": "x", "UF_FILE": "x", "UF_CITY": "x"}, types, dialog.Locale{})
	require.Equal(t, map[string]any{"UF_CITY": "x"}, values)
	require.Equal(t, "- fields.UF_AMOUNT: does not fit the field UF_AMOUNT of the type double: not a number\n"+
		"- fields.UF_FILE: does not fit the field UF_FILE of the type file: a field of the type file cannot be filled from text\n"+
		"- fields.UF_GONE: the CRM has no field UF_GONE\n- fields.UF_LOCKED: the CRM does not let anybody write the field UF_LOCKED\n", lines(problems))
}

func TestErrorsOfThePortalAreTracedToTheInput(t *testing.T) {
	t.Parallel()
	for description, want := range map[string]string{
		"Field 'STAGE_ID' has invalid value":      "stage",
		"Invalid value for field stageId":         "stage",
		"Required field UF_CRM_CITY is empty":     "fields.UF_CRM_CITY",
		"The value of ASSIGNED_BY_ID is not user": "responsible_id",
		"field 'EMAIL' is not valid":              "emails",
		"The title and the name are fine":         "",
		"Access denied.":                          "",
	} {
		require.Equal(t, want, contactcenter.FieldIn(description), description)
	}
}

func TestRequisites(t *testing.T) {
	t.Parallel()
	require.False(t, contactcenter.HasRequisite(contactcenter.CompanyData{Title: "Acme"}))
	company := contactcenter.CompanyData{Title: "Acme", INN: "7707083893", KPP: "770701001", OGRN: "1027700132195", LegalName: "Acme LLC", Address: "Calle 1"}
	require.True(t, contactcenter.HasRequisite(company))
	require.Equal(t, map[string]any{
		"NAME": "Acme LLC", "RQ_INN": "7707083893", "RQ_KPP": "770701001", "RQ_OGRN": "1027700132195", "RQ_COMPANY_NAME": "Acme LLC",
	}, contactcenter.RequisiteFields(company))
	require.Equal(t, map[string]any{"NAME": "Acme", "RQ_OGRNIP": "304500116000157"},
		contactcenter.RequisiteFields(contactcenter.CompanyData{Title: "Acme", OGRN: "304500116000157"}))
	require.Equal(t, "INN 7707083893", contactcenter.RequisiteFields(contactcenter.CompanyData{INN: "7707083893"})["NAME"])

	current := contactcenter.Requisite{INN: "7707083893", KPP: "1", Name: "Acme LLC"}
	fields, changed := contactcenter.RequisiteChanges(current, company)
	require.Equal(t, []string{"RQ_KPP", "RQ_OGRN"}, changed)
	require.Equal(t, map[string]any{"RQ_KPP": "770701001", "RQ_OGRN": "1027700132195"}, fields)

	require.Nil(t, contactcenter.AddressFields(contactcenter.CompanyData{}))
	require.Equal(t, map[string]any{"ADDRESS_1": "Calle 1"}, contactcenter.AddressFields(company))
	long := contactcenter.AddressFields(contactcenter.CompanyData{Address: strings.Repeat("я", 600)})
	require.Len(t, []rune(long["ADDRESS_1"].(string)), 250)
	require.Len(t, []rune(long["ADDRESS_2"].(string)), 250)
}

func TestDirectoriesOfStages(t *testing.T) {
	t.Parallel()
	for directory, want := range map[string]int64{"DEAL_STAGE": 0, "DEAL_STAGE_5": 5} {
		pipeline, ok := contactcenter.PipelineOfStages(directory)
		require.True(t, ok)
		require.Equal(t, want, pipeline)
	}
	for _, directory := range []string{"STATUS", "DEAL_STAGE_", "DEAL_STAGE_x", "DEAL_TYPE", ""} {
		_, ok := contactcenter.PipelineOfStages(directory)
		require.False(t, ok, directory)
	}
}
