package contactcenter_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/internal/strictdoc"
	"puente/settings"
)

// portal is a portal in Russia with two products.
func portal() settings.Settings {
	s := settings.Default()
	s.General.Country = "RU"
	s.General.OwnPhones = []string{"+7 495 000-00-01"}
	s.Operators.Administrator = 1
	s.Operators.Fallback = 9
	s.ContactCenter.Products = []settings.Product{
		{Name: "Subsidy", Pipeline: 3, Stage: "C3:NEW", Responsible: settings.ResponsibleContact, Required: []string{"contact.phones", "fields.Region of work"}},
		{Name: "Advice", Pipeline: 0, Responsible: settings.ResponsibleUser, User: 7},
	}
	s.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "op-17", User: 17}}
	s.ContactCenter.Fields = []settings.FormField{{Name: "Region of work", Deal: "UF_CRM_REGION"}}
	return s
}

// lines are problems as text.
func lines(problems []settings.Problem) string { return settings.Describe(problems) }

func TestDecodeReadsEveryMethod(t *testing.T) {
	t.Parallel()
	want := map[contactcenter.Method]any{
		contactcenter.ContactFind:         contactcenter.ContactQuery{},
		contactcenter.ContactCreate:       contactcenter.ContactData{},
		contactcenter.ContactUpdate:       contactcenter.ContactUpdateInput{},
		contactcenter.ContactDeals:        contactcenter.ContactDealsQuery{},
		contactcenter.CompanyFind:         contactcenter.CompanyQuery{},
		contactcenter.CompanyCreate:       contactcenter.CompanyData{},
		contactcenter.CompanyUpdate:       contactcenter.CompanyUpdateInput{},
		contactcenter.CompanyDeals:        contactcenter.CompanyDealsQuery{},
		contactcenter.DealFind:            contactcenter.DealQuery{},
		contactcenter.DealCreate:          contactcenter.DealData{},
		contactcenter.DealUpdate:          contactcenter.DealUpdateInput{},
		contactcenter.DealUsers:           contactcenter.DealUsersQuery{},
		contactcenter.CallCreate:          contactcenter.Call{},
		contactcenter.CallAttachRecording: contactcenter.AttachRecordingInput{},
		contactcenter.CallAttachToCRM:     contactcenter.AttachToCRMInput{},
		contactcenter.DirectoriesList:     contactcenter.DirectoriesQuery{},
	}
	for _, m := range contactcenter.Methods() {
		for _, body := range []string{"{}", "", " \n", "null"} {
			got, problems := contactcenter.Decode(m, []byte(body))
			require.Empty(t, problems, m)
			require.Equal(t, want[m], got, m)
		}
		_, problems := contactcenter.Decode(m, []byte(`{"surely_unknown": 1}`))
		require.Contains(t, lines(problems), "surely_unknown: unknown key; known here: ", m)
	}
	_, problems := contactcenter.Decode("contact.delete", nil)
	require.Equal(t, "- there is no method contact.delete\n", lines(problems))
}

func TestDecodeNamesEveryWrongValueByItsPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method contactcenter.Method
		body   string
		want   []string
	}{
		"unknown and embedded": {
			contactcenter.ContactUpdate, `{"id": 1, "source": "WEB", "phone": "1", "phones": [{"value": "1", "kind": "x"}]}`,
			[]string{"phone: unknown key; known here: comments, company_id", "phones[0].kind: unknown key; known here: type, value"},
		},
		"case":              {contactcenter.ContactFind, `{"Phone": "1"}`, []string{"Phone: unknown key"}},
		"number for text":   {contactcenter.ContactFind, `{"phone": 79991234567}`, []string{"phone: must be of type string, not number 79991234567"}},
		"text for number":   {contactcenter.DealUsers, `{"id": "7"}`, []string{"id: must be of type whole number, not string"}},
		"fraction":          {contactcenter.DealUsers, `{"id": 7.5}`, []string{"id: must be of type whole number, not number 7.5"}},
		"too large":         {contactcenter.DealUsers, `{"id": 99999999999999999999}`, []string{"id: must be of type whole number, not number 9999"}},
		"huge":              {contactcenter.DealUsers, `{"id": ` + strings.Repeat("9", 40) + `}`, []string{"not a number of that size"}},
		"text for truth":    {contactcenter.DealFind, `{"open_only": "yes"}`, []string{"open_only: must be of type boolean, not string"}},
		"amount as text":    {contactcenter.DealCreate, `{"amount": "5"}`, []string{"amount: must be of type number, not string"}},
		"object for list":   {contactcenter.ContactCreate, `{"phones": {"value": "1"}}`, []string{"phones: must be of type list, not object"}},
		"texts in a list":   {contactcenter.ContactCreate, `{"phones": ["1", {"value": true}]}`, []string{"phones[0]: must be of type object, not string", "phones[1].value: must be of type string, not boolean"}},
		"text for object":   {contactcenter.ContactCreate, `{"utm": "google"}`, []string{"utm: must be of type object, not string"}},
		"number in a field": {contactcenter.DealCreate, `{"fields": {"UF_CRM_A": 5}}`, []string{"fields.UF_CRM_A: must be of type string, not number 5"}},
		"no zone":           {contactcenter.CallCreate, `{"started_at": "2026-01-31T10:00:00"}`, []string{"started_at: must be a time with its zone"}},
		"no time":           {contactcenter.CallCreate, `{"started_at": 5, "transfers": [{"at": {}}]}`, []string{"started_at: must be a time", "transfers[0].at: must be a time"}},
		"a list":            {contactcenter.CallCreate, `[1]`, []string{"must be of type object, not list"}},
		"text":              {contactcenter.CallCreate, `"x"`, []string{"must be of type object, not string"}},
		"broken":            {contactcenter.CallCreate, `{"a":`, []string{"the JSON cannot be read"}},
		"key twice":         {contactcenter.DealUsers, `{"id": 1, "id": 2}`, []string{"id: is given more than once"}},
		"two documents":     {contactcenter.CallCreate, `{} {}`, []string{"only one JSON document"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := contactcenter.Decode(tt.method, []byte(tt.body))
			require.Len(t, problems, len(tt.want))
			for _, want := range tt.want {
				require.Contains(t, lines(problems), want)
			}
		})
	}
}

func TestDecodeTidiesTextsInsteadOfRefusingThem(t *testing.T) {
	t.Parallel()
	body := "{\"name\": \" A\\u0000na\xff\\r\\nB\\u0007 \", \"comments\": null, \"phones\": [{\"value\": \" +7 1 \", \"type\": null}], \"fields\": {\" UF_A\\u0000 \": \" x \"}}"
	got, problems := contactcenter.Decode(contactcenter.ContactCreate, []byte(body))
	require.Empty(t, problems)
	require.Equal(t, contactcenter.ContactData{
		Name: "Ana\ufffd\nB", Phones: []contactcenter.Multi{{Value: "+7 1"}}, Common: contactcenter.Common{Fields: map[string]string{"UF_A": "x"}},
	}, got)

	got, problems = contactcenter.Decode(contactcenter.CompanyFind, []byte(`{"inn": " 7707 083 893", "kpp": "7707 01 001", "ogrn": "1 027700132195", "title": "a  b"}`))
	require.Empty(t, problems)
	require.Equal(t, contactcenter.CompanyQuery{INN: "7707083893", KPP: "770701001", OGRN: "1027700132195", Title: "a  b"}, got)
}

func TestDecodeKeepsNumbersAndTimesExact(t *testing.T) {
	t.Parallel()
	got, problems := contactcenter.Decode(contactcenter.DealUpdate,
		[]byte(`{"id": 9007199254740993, "amount": 0, "pipeline": 0, "if_unchanged_since": "2026-01-31T10:00:00.5+03:00"}`))
	require.Empty(t, problems)
	in := got.(contactcenter.DealUpdateInput)
	require.Equal(t, int64(9007199254740993), in.ID)
	require.Zero(t, *in.Amount)
	require.Zero(t, *in.Pipeline)
	require.True(t, in.IfUnchangedSince.Equal(time.Date(2026, 1, 31, 7, 0, 0, 5e8, time.UTC)))
}

func TestRequestIsReadLikeAMethod(t *testing.T) {
	t.Parallel()
	r, problems := contactcenter.ParseRequest([]byte(`{"external_id": "r1", "channel": "site", "contact": {"name": "Ana"}, "fields": {"a.b": "c"}}`))
	require.Empty(t, problems)
	require.Equal(t, contactcenter.Request{
		ExternalID: "r1", Channel: contactcenter.Site, Contact: &contactcenter.ContactData{Name: "Ana"}, Fields: map[string]string{"a.b": "c"},
	}, r)
	_, problems = contactcenter.ParseRequest([]byte(`{"contact": {"nme": "Ana"}, "call": {"recording": {"link": 1}}}`))
	require.Equal(t, []string{"call.recording.link", "contact.nme"}, []string{problems[0].Field, problems[1].Field})
}

func TestInputWithAKeyTwiceCanStillBeRunIfItWasAcceptedOnce(t *testing.T) {
	t.Parallel()
	input, problems := contactcenter.Decode(contactcenter.DealUsers, []byte(`{"id": 1, "id": 2}`))
	require.Len(t, problems, 1)
	require.Equal(t, contactcenter.DealUsersQuery{ID: 2}, input)
	body := []byte(`{"external_id": "r1", "channel": "site", "comment": "a", "contact": {"name": "Ana", "name": "Eva"}}`)
	r, problems := contactcenter.ParseRequest(body)
	require.Contains(t, lines(problems), "contact.name: is given more than once")
	require.Equal(t, "Eva", r.Contact.Name)
	merged, err := contactcenter.MergeRevisions([][]byte{body})
	require.NoError(t, err)
	require.Equal(t, r, merged)
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		`{"phone": "+7 999 123-45-67", "limit": 5, "cursor": "x"}`, `{"id": 1, "phones": [{"value": "1", "type": "WORK"}], "utm": {"source": "a"}}`,
		`{"call_id": "c", "started_at": "2026-01-31T10:00:00Z", "recording": {"url": "https://a/b.wav"}}`, `{"inn": "7707083893"}`,
		`{"fields": {"a": "b"}, "amount": 1e300}`, `{"names": ["users"]}`, "null", "[[[[", "{\"\x00\": \"\xff\"}", `{"id": 1, "id": 2}`, `{"pipeline": -1}`,
	} {
		for i := range contactcenter.Methods() {
			f.Add(body, i)
		}
	}
	s := portal()
	f.Fuzz(func(t *testing.T, body string, n int) {
		methods := contactcenter.Methods()
		m := methods[(n%len(methods)+len(methods))%len(methods)]
		input, problems := contactcenter.Decode(m, []byte(body))
		if len(problems) > 0 {
			if input != nil {
				require.Equal(t, strictdoc.Duplicates([]byte(body)), problems)
			}
			return
		}
		contactcenter.Validate(input, s)
		again, err := json.Marshal(input)
		require.NoError(t, err)
		require.NotContains(t, string(again), `\u0000`)
		same, problems := contactcenter.Decode(m, again)
		require.Empty(t, problems, "what was accepted is accepted again")
		require.Equal(t, fmt.Sprintf("%#v", flat(t, input)), fmt.Sprintf("%#v", flat(t, same)))
	})
}

// flat is a value as its JSON: pointers compare by what they point to.
func flat(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

func FuzzParseRequest(f *testing.F) {
	f.Add(`{"external_id": "r1", "channel": "phone", "product": "Subsidy", "contact": {"phones": [{"value": "+79991234567"}]}, "fields": {"x": "y"}}`)
	f.Add(`{"external_id": "r1", "call": {"call_id": "c", "phone": "x", "status": "missed", "duration": 3}, "comment": "[b]<i>"}`)
	f.Add(`{"company": {"inn": "1"}, "deal": {"pipeline": 1, "fields": {"id": "5"}}, "utm": {}, "occurred_at": "2026-01-01T00:00:00Z"}`)
	f.Add(`{"contact": null, "fields": {}}`)
	f.Add("null")
	s := portal()
	f.Fuzz(func(t *testing.T, body string) {
		r, problems := contactcenter.ParseRequest([]byte(body))
		if len(problems) > 0 {
			return
		}
		contactcenter.ValidateRequest(r, s)
		require.Contains(t, contactcenter.Keys(r, s), "request:"+r.ExternalID)
		merged, err := contactcenter.MergeRevisions([][]byte{[]byte(body), []byte(body)})
		require.NoError(t, err)
		require.Equal(t, r.ExternalID, merged.ExternalID)
		note := contactcenter.TimelineText(r, contactcenter.TimelineOptions{Marker: "mark"})
		require.True(t, strings.HasSuffix(note.Comment, "\nmark"))
	})
}
