package contactcenter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
)

// judged are the problems of a method's body, decoded and validated.
func judged(t *testing.T, m contactcenter.Method, body string) string {
	t.Helper()
	input, problems := contactcenter.Decode(m, []byte(body))
	require.Empty(t, problems)
	return lines(contactcenter.Validate(input, portal()))
}

func TestValidateAcceptsWhatContactCentersSend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method contactcenter.Method
		body   string
	}{
		{contactcenter.ContactFind, `{"phone": "8 (999) 123-45-67", "limit": 50, "with_deals": true}`},
		{contactcenter.ContactFind, `{"phone": "+34 600 111 222"}`},
		{contactcenter.ContactFind, `{"email": "Ana.Lopez+x@Example.org"}`},
		{contactcenter.ContactFind, `{"id": 5}`},
		{contactcenter.ContactCreate, `{"phones": [{"value": "+7 999 123 45 67 доб. 12", "type": "MOBILE"}]}`},
		{contactcenter.ContactCreate, `{"last_name": "López", "emails": [{"value": "a@b.es", "type": "HOME"}], "utm": {"source": "x"}}`},
		{contactcenter.ContactUpdate, `{"id": 7, "fields": {"UF_CRM_CITY": "Madrid", "birthdate": "1990-01-31"}}`},
		{contactcenter.ContactDeals, `{"email": "a@b.es", "pipeline": 0}`},
		{contactcenter.CompanyFind, `{"inn": "7707083893"}`},
		{contactcenter.CompanyFind, `{"kpp": "770701001"}`},
		{contactcenter.CompanyCreate, `{"inn": "7707083893", "kpp": "770701001", "ogrn": "1027700132195"}`},
		{contactcenter.CompanyCreate, `{"title": "` + strings.Repeat("Ж", 300) + `"}`},
		{contactcenter.CompanyUpdate, `{"id": 1, "address": "Calle 1"}`},
		{contactcenter.CompanyDeals, `{"title": "Acme"}`},
		{contactcenter.DealFind, `{"pipeline": 0}`},
		{contactcenter.DealFind, `{"product": "subsidy", "stage": "C3:NEW"}`},
		{contactcenter.DealCreate, `{"product": " SUBSIDY ", "amount": 0, "currency": "RUB"}`},
		{contactcenter.DealCreate, `{"pipeline": 2, "stage": "C2:NEW"}`},
		{contactcenter.DealUpdate, `{"id": 1, "stage": "C9:WON"}`},
		{contactcenter.DealUsers, `{"id": 1}`},
		{contactcenter.CallCreate, `{"call_id": "c", "direction": "incoming", "phone": "89991234567", "started_at": "2026-01-31T10:00:00+03:00"}`},
		{contactcenter.CallCreate, `{"call_id": "c", "direction": "outgoing", "phone": "89991234567", "started_at": "2026-01-31T10:00:00Z",
			"status": "answered", "duration": 5, "transfers": [{"operator_id": "op-18"}], "recording": {"url": "https://cc.example/1.mp3"}}`},
		{contactcenter.CallAttachRecording, `{"call_id": "c", "recording_id": "abc", "file_name": "Talk 1.WAV"}`},
		{contactcenter.CallAttachToCRM, `{"call_id": "c", "deal_id": 5}`},
		{contactcenter.DirectoriesList, `{}`},
		{contactcenter.DirectoriesList, `{"names": ["stages", "users"], "refresh": true}`},
	}
	for _, tt := range tests {
		require.Empty(t, judged(t, tt.method, tt.body), tt.body)
	}
}

func TestValidateNamesTheFieldAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	call := func(more string) string {
		return `{"call_id": "c", "direction": "incoming", "phone": "89991234567", "started_at": "2026-01-31T10:00:00Z"` + more + `}`
	}
	tests := map[string]struct {
		method     contactcenter.Method
		body, want string
	}{
		"find nothing":         {contactcenter.ContactFind, `{"with_deals": true}`, "give at least one thing to search by"},
		"find no company":      {contactcenter.CompanyFind, `{}`, "give at least one thing"},
		"find no deal":         {contactcenter.DealFind, `{"open_only": true}`, "give at least one thing"},
		"no contact's deals":   {contactcenter.ContactDeals, `{"pipeline": 1}`, "give at least one thing"},
		"no company's deals":   {contactcenter.CompanyDeals, `{}`, "give at least one thing"},
		"not a phone":          {contactcenter.ContactFind, `{"phone": "call me"}`, `phone: "call me" is not a phone number`},
		"short code":           {contactcenter.ContactDeals, `{"phone": "112"}`, "phone: "},
		"own phone":            {contactcenter.ContactFind, `{"phone": "8 495 000 00 01"}`, "phone: +74950000001 is one of the company's own numbers"},
		"not an e-mail":        {contactcenter.ContactFind, `{"email": "Ana <a@b.es>"}`, "is not an e-mail address"},
		"no domain":            {contactcenter.CompanyFind, `{"email": "a@b"}`, "email: "},
		"INN":                  {contactcenter.CompanyFind, `{"inn": "7707083894"}`, "inn: 7707083894 is not an INN: its checksum is wrong"},
		"INN of deals":         {contactcenter.CompanyDeals, `{"inn": "77"}`, "inn: "},
		"KPP":                  {contactcenter.CompanyFind, `{"kpp": "77"}`, "kpp: "},
		"OGRN":                 {contactcenter.CompanyCreate, `{"ogrn": "1027700132196"}`, "ogrn: 1027700132196 is not an OGRN"},
		"page":                 {contactcenter.ContactFind, `{"id": 1, "limit": 51}`, "limit: must be 50 or less, not 51"},
		"negative id":          {contactcenter.ContactFind, `{"id": -1}`, "id: must be 0 or more, not -1"},
		"no id":                {contactcenter.DealUsers, `{}`, "id: is missing"},
		"long name":            {contactcenter.ContactFind, `{"name": "` + strings.Repeat("x", 301) + `"}`, "name: is 301 characters long; at most 300"},
		"nobody":               {contactcenter.ContactCreate, `{"post": "boss"}`, "a contact needs a name"},
		"no company":           {contactcenter.CompanyCreate, `{"address": "x"}`, "a company needs a title"},
		"no deal":              {contactcenter.DealCreate, `{}`, "nothing is given"},
		"no contact update":    {contactcenter.ContactUpdate, `{"id": 1, "if_unchanged_since": "2026-01-31T10:00:00Z"}`, "nothing is given"},
		"no company update":    {contactcenter.CompanyUpdate, `{"id": 1, "phones": []}`, "nothing is given"},
		"no deal update":       {contactcenter.DealUpdate, `{"id": 1}`, "nothing is given"},
		"product of a deal":    {contactcenter.DealUpdate, `{"id": 1, "product": "Subsidy"}`, "product: places new deals only"},
		"phone in a list":      {contactcenter.ContactCreate, `{"phones": [{"value": "89991234567"}, {"value": "x"}]}`, "phones[1].value: "},
		"empty phone":          {contactcenter.ContactCreate, `{"phones": [{}]}`, "phones[0].value: is missing"},
		"type of a phone":      {contactcenter.ContactCreate, `{"phones": [{"value": "89991234567", "type": "work"}]}`, "phones[0].type: must be one of WORK, MOBILE"},
		"empty e-mail":         {contactcenter.ContactCreate, `{"emails": [{"type": "WORK"}]}`, "emails[0].value: is missing"},
		"type of an e-mail":    {contactcenter.ContactCreate, `{"emails": [{"value": "a@b.es", "type": "FAX"}]}`, "emails[0].type: an e-mail is of the type WORK"},
		"too many phones":      {contactcenter.ContactCreate, `{"phones": [` + strings.Repeat(`{"value": "x"},`, 20) + `{}]}`, "phones: has 21 entries; at most 20"},
		"own field":            {contactcenter.ContactCreate, `{"name": "A", "fields": {"lastName": "B"}}`, "fields.lastName: has a key of its own: last_name"},
		"mark":                 {contactcenter.DealCreate, `{"title": "A", "fields": {"originId": "B"}}`, "fields.originId: cannot be set"},
		"not a field":          {contactcenter.CompanyCreate, `{"title": "A", "fields": {"Город": "B"}}`, "fields.Город: is not a field name"},
		"utm":                  {contactcenter.ContactCreate, `{"name": "A", "utm": {"term": "` + strings.Repeat("x", 256) + `"}}`, "utm.term: is 256 characters"},
		"unknown product":      {contactcenter.DealCreate, `{"product": "Loan"}`, `product: there is no product "Loan" in the settings; known: Advice, Subsidy`},
		"unknown, searched":    {contactcenter.DealFind, `{"product": "Loan"}`, "product: there is no product"},
		"foreign stage":        {contactcenter.DealCreate, `{"pipeline": 1, "stage": "C2:NEW"}`, "stage: stage C2:NEW does not belong to pipeline 1"},
		"amount":               {contactcenter.DealCreate, `{"amount": -1}`, "amount: must be from 0"},
		"currency":             {contactcenter.DealCreate, `{"currency": "eur"}`, `currency: "eur" is not a currency`},
		"observer":             {contactcenter.DealCreate, `{"observers": [1, 0]}`, "observers[1]: is missing"},
		"contact of a deal":    {contactcenter.DealCreate, `{"contact_ids": [-5]}`, "contact_ids[0]: must be 1 or more"},
		"no call":              {contactcenter.CallCreate, `{"phone": "89991234567", "direction": "incoming", "started_at": "2026-01-31T10:00:00Z"}`, "call_id: is missing"},
		"no direction":         {contactcenter.CallCreate, `{"call_id": "c", "phone": "89991234567", "started_at": "2026-01-31T10:00:00Z"}`, "direction: is missing"},
		"direction":            {contactcenter.CallCreate, `{"call_id": "c", "phone": "89991234567", "direction": "in", "started_at": "2026-01-31T10:00:00Z"}`, `direction: must be one of incoming, outgoing, not "in"`},
		"no start":             {contactcenter.CallCreate, `{"call_id": "c", "phone": "89991234567", "direction": "incoming"}`, "started_at: is missing"},
		"own caller":           {contactcenter.CallCreate, strings.Replace(call(""), "89991234567", "84950000001", 1), "phone: +74950000001 is one of"},
		"status":               {contactcenter.CallCreate, call(`, "status": "ok"`), "status: must be one of answered, missed"},
		"missed and talked":    {contactcenter.CallCreate, call(`, "status": "missed", "duration": 3`), "duration: must be 0: a call that is missed"},
		"talk goes on":         {contactcenter.CallCreate, call(`, "duration": 3`), "duration: must be left out while the call has no status"},
		"two days":             {contactcenter.CallCreate, call(`, "status": "answered", "duration": 90000`), "duration: must be 86400 or less"},
		"transfer":             {contactcenter.CallCreate, call(`, "transfers": [{"user_id": 1}, {}]`), "transfers[1]: give operator_id or user_id"},
		"no recording":         {contactcenter.CallCreate, call(`, "recording": {}`), "recording: give url or recording_id"},
		"two recordings":       {contactcenter.CallAttachRecording, `{"call_id": "c", "url": "https://a.b/c.wav", "recording_id": "x"}`, "not both"},
		"no recording at all":  {contactcenter.CallAttachRecording, `{"call_id": "c"}`, "give url or recording_id"},
		"http":                 {contactcenter.CallAttachRecording, `{"call_id": "c", "url": "http://a.b/c.wav"}`, "url: must be an https address"},
		"password":             {contactcenter.CallAttachRecording, `{"call_id": "c", "url": "https://u:p@a.b/c.wav"}`, "url: must be"},
		"kind of file":         {contactcenter.CallAttachRecording, `{"call_id": "c", "recording_id": "x", "file_name": "a.ogg"}`, "file_name: must be the name of a .wav or .mp3"},
		"folder":               {contactcenter.CallAttachRecording, `{"call_id": "c", "recording_id": "x", "file_name": "../a.wav"}`, "file_name: must be"},
		"attached to nothing":  {contactcenter.CallAttachToCRM, `{"call_id": "c"}`, "give contact_id, company_id or deal_id"},
		"unknown directory":    {contactcenter.DirectoriesList, `{"names": ["users", "leads"]}`, "names[1]: must be one of pipelines"},
		"nameless directory":   {contactcenter.DirectoriesList, `{"names": [""]}`, "names[0]: is missing"},
		"too many directories": {contactcenter.DirectoriesList, `{"names": [` + strings.Repeat(`"users",`, 11) + `"users"]}`, "names: has 12 entries"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := judged(t, tt.method, tt.body)
			require.Contains(t, got, tt.want)
			require.Equal(t, 1, strings.Count(got, "\n"), "just one problem: %s", got)
		})
	}
}

func TestSettingsDecideAboutUnknownProducts(t *testing.T) {
	t.Parallel()
	s := portal()
	require.NotEmpty(t, contactcenter.Validate(contactcenter.DealData{Product: "Loan"}, s))
	s.ContactCenter.UnknownProduct = "Advice"
	require.Empty(t, contactcenter.Validate(contactcenter.DealData{Product: "Loan"}, s))
	s.ContactCenter.Products = nil
	require.Contains(t, lines(contactcenter.Validate(contactcenter.DealData{Product: "Loan"}, s)), "known: none")
}

func TestFieldsAreBounded(t *testing.T) {
	t.Parallel()
	request := func(fields map[string]string) contactcenter.Request {
		return contactcenter.Request{ExternalID: "r", Channel: contactcenter.Site, Fields: fields}
	}
	many := map[string]string{}
	for i := range 500 {
		many[fmt.Sprintf("field %03d", i)] = strings.Repeat("я", 100)
	}
	require.Empty(t, contactcenter.ValidateRequest(request(many), portal()), "200 fields and more are welcome")
	many["one more"] = "x"
	require.Equal(t, "- fields: has 501 entries; at most 500 are allowed\n", lines(contactcenter.ValidateRequest(request(many), portal())))
	long := strings.Repeat("н", 201)
	require.Contains(t, lines(contactcenter.ValidateRequest(request(map[string]string{long: "x"}), portal())), "…: the name of a field has 1 to 200 characters")
	require.Contains(t, lines(contactcenter.ValidateRequest(request(map[string]string{"": "x"}), portal())), "fields.: the name")
	require.Equal(t, "- fields.a: is 20001 characters long; at most 20000 are allowed\n",
		lines(contactcenter.ValidateRequest(request(map[string]string{"a": strings.Repeat("н", 20001)}), portal())))
}

func TestRequestsAreJudged(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	client := &contactcenter.ContactData{Name: "Ana", Phones: []contactcenter.Multi{{Value: "89991234567"}}}
	call := &contactcenter.Call{CallID: "c", Direction: contactcenter.Incoming, Phone: "89991234567", StartedAt: at}
	type r = contactcenter.Request
	tests := map[string]struct {
		request r
		want    string // "" = fine
	}{
		"only a contact":        {r{Contact: client}, ""},
		"only a comment":        {r{Comment: "hello"}, ""},
		"only fields":           {r{Fields: map[string]string{"a": "b"}}, ""},
		"only a call":           {r{Call: call}, ""},
		"call of a nameless":    {r{Call: call, Contact: &contactcenter.ContactData{Comments: "x"}}, ""},
		"unknown product":       {r{Product: "Loan", Contact: client}, ""},
		"same product":          {r{Product: "Advice", Deal: &contactcenter.DealData{Product: "advice"}}, ""},
		"email only":            {r{Contact: &contactcenter.ContactData{Emails: []contactcenter.Multi{{Value: "a@b.es"}}}}, ""},
		"empty":                 {r{Contact: &contactcenter.ContactData{}, UTM: &contactcenter.UTM{Source: "x"}}, "a request needs a contact"},
		"nameless":              {r{Contact: &contactcenter.ContactData{Post: "x"}}, "contact: a contact needs"},
		"phone":                 {r{Contact: &contactcenter.ContactData{Phones: []contactcenter.Multi{{Value: "x"}}}}, "contact.phones[0].value: "},
		"company":               {r{Company: &contactcenter.CompanyData{INN: "1"}}, "company.inn: "},
		"nameless company":      {r{Company: &contactcenter.CompanyData{KPP: "770701001"}}, "company: a company needs"},
		"deal":                  {r{Deal: &contactcenter.DealData{Currency: "x"}}, "deal.currency: "},
		"two products":          {r{Product: "Advice", Deal: &contactcenter.DealData{Product: "Loan"}}, "deal.product: differs"},
		"call":                  {r{Call: &contactcenter.Call{CallID: "c", Direction: "incoming", Phone: "x", StartedAt: at}}, "call.phone: "},
		"link of a call":        {r{Call: &contactcenter.Call{CallID: "c", Direction: "incoming", Phone: "89991234567", StartedAt: at, DealID: 5}}, "call.deal_id: must be left out"},
		"required field":        {r{Product: "subsidy", Contact: client}, "fields.Region of work: is missing: the product Subsidy needs it"},
		"required part":         {r{Product: "Subsidy", Comment: "x", Fields: map[string]string{"Region of work": "Jaén"}}, "contact.phones: is missing"},
		"all that is required":  {r{Product: "Subsidy", Contact: client, Fields: map[string]string{"Region of work": "Jaén"}}, ""},
		"required but empty":    {r{Product: "Subsidy", Contact: client, Fields: map[string]string{"Region of work": ""}}, "fields.Region of work: is missing"},
		"product of the deal":   {r{Deal: &contactcenter.DealData{Product: "Subsidy"}, Contact: client}, "fields.Region of work: is missing"},
		"channel":               {r{Channel: "fax", Comment: "x"}, "channel: must be one of site, email, phone"},
		"foreign id of company": {r{Deal: &contactcenter.DealData{CompanyID: -1}}, "deal.company_id: must be 0 or more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.request.ExternalID = "r1"
			if tt.request.Channel == "" {
				tt.request.Channel = contactcenter.Site
			}
			got := lines(contactcenter.ValidateRequest(tt.request, portal()))
			if tt.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, got, tt.want)
			require.Equal(t, 1, strings.Count(got, "\n"), "just one problem: %s", got)
		})
	}
	require.Equal(t, "- external_id: is missing\n- channel: is missing\n", lines(contactcenter.ValidateRequest(r{Comment: "x"}, portal())))
}

func TestPlainAddressesOfRecordingsAreTakenOnlyWhereAllowed(t *testing.T) {
	t.Parallel()
	at := func(url string, how ...contactcenter.Leniency) string {
		in := contactcenter.AttachRecordingInput{CallID: "c", Recording: contactcenter.Recording{URL: url}}
		return lines(contactcenter.Validate(in, portal(), how...))
	}
	require.Contains(t, at("http://127.0.0.1/c.wav"), "must be an https address")
	require.Empty(t, at("http://127.0.0.1/c.wav", contactcenter.PlainURLs))
	require.Contains(t, at("ftp://127.0.0.1/c.wav", contactcenter.PlainURLs), "url")
	require.Contains(t, at("http://u:p@127.0.0.1/c.wav", contactcenter.PlainURLs), "url")
	r := contactcenter.Request{
		ExternalID: "1", Channel: contactcenter.Phone,
		Call: &contactcenter.Call{
			CallID: "c", Direction: contactcenter.Incoming, Phone: "89991234567", StartedAt: time.Now(), Status: contactcenter.Answered,
			Recording: &contactcenter.Recording{URL: "http://127.0.0.1/c.wav"},
		},
	}
	require.Contains(t, lines(contactcenter.ValidateRequest(r, portal())), "call.recording.url")
	require.Empty(t, lines(contactcenter.ValidateRequest(r, portal(), contactcenter.PlainURLs)))
}
