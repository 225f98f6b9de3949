package contactcenter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/settings"
	"puente/texts"
)

func TestProductsPlaceDeals(t *testing.T) {
	t.Parallel()
	s := portal()
	standIn := portal()
	standIn.ContactCenter.UnknownProduct = "Subsidy"
	tests := map[string]struct {
		settings settings.Settings
		deal     contactcenter.DealData
		pipeline int64
		stage    string
		known    bool
	}{
		"listed":          {s, contactcenter.DealData{Product: " SUBSIDY"}, 3, "C3:NEW", true},
		"unknown":         {s, contactcenter.DealData{Product: "Loan"}, 0, "", false},
		"stand-in":        {standIn, contactcenter.DealData{Product: "Loan"}, 3, "C3:NEW", true},
		"none":            {s, contactcenter.DealData{}, 0, "", true},
		"none, stand-in":  {standIn, contactcenter.DealData{}, 3, "C3:NEW", true},
		"own pipeline":    {s, contactcenter.DealData{Product: "Subsidy", Pipeline: pointer(int64(5))}, 5, "", true},
		"same pipeline":   {s, contactcenter.DealData{Product: "Subsidy", Pipeline: pointer(int64(3))}, 3, "C3:NEW", true},
		"own stage":       {s, contactcenter.DealData{Product: "Subsidy", Stage: "C3:WON"}, 3, "C3:WON", true},
		"told, not known": {s, contactcenter.DealData{Product: "Loan", Pipeline: pointer(int64(0))}, 0, "", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pipeline, stage, known := tt.deal.Place(tt.settings)
			require.Equal(t, tt.pipeline, pipeline)
			require.Equal(t, tt.stage, stage)
			require.Equal(t, tt.known, known)
			r := contactcenter.Request{Deal: &tt.deal}
			pipeline, stage, known = r.Place(tt.settings)
			require.Equal(t, []any{tt.pipeline, tt.stage, tt.known}, []any{pipeline, stage, known})
		})
	}
	r := contactcenter.Request{Product: "Advice", Deal: &contactcenter.DealData{}}
	require.Equal(t, "Advice", r.ProductName())
	require.Equal(t, "Loan", contactcenter.Request{Deal: &contactcenter.DealData{Product: "Loan"}}.ProductName())
}

func TestFilledFieldsDecideWhatIsWanted(t *testing.T) {
	t.Parallel()
	type (
		r = contactcenter.Request
		w = contactcenter.Wants
	)
	tests := map[string]struct {
		request r
		want    w
	}{
		"a comment":     {r{Comment: "x"}, w{}},
		"a contact":     {r{Contact: &contactcenter.ContactData{Name: "Ana"}}, w{Contact: true}},
		"empty parts":   {r{Contact: &contactcenter.ContactData{Phones: []multi{}}, Company: &contactcenter.CompanyData{}, Deal: &contactcenter.DealData{}}, w{}},
		"a call":        {r{Call: &contactcenter.Call{Phone: "89991234567"}}, w{Contact: true}},
		"a company":     {r{Company: &contactcenter.CompanyData{INN: "1"}}, w{Company: true}},
		"a product":     {r{Product: "Subsidy"}, w{Deal: true, Pipeline: 3}},
		"a deal":        {r{Deal: &contactcenter.DealData{Title: "x"}}, w{Deal: true}},
		"a deal at all": {r{Deal: &contactcenter.DealData{Pipeline: pointer(int64(4))}}, w{Deal: true, Pipeline: 4}},
	}
	for name, tt := range tests {
		require.Equal(t, tt.want, tt.request.Wants(portal()), name)
	}
}

func TestPartsOfARequest(t *testing.T) {
	t.Parallel()
	s := portal()
	own := &contactcenter.UTM{Source: "own"}
	r := contactcenter.Request{
		Product: "Subsidy", UTM: &contactcenter.UTM{Source: "request"},
		Contact: &contactcenter.ContactData{Phones: []multi{{Value: "+7 999 123-45-67 доб. 3"}}},
		Company: &contactcenter.CompanyData{Title: "Acme", Common: contactcenter.Common{UTM: own}},
		Deal:    &contactcenter.DealData{Common: contactcenter.Common{Fields: map[string]string{"UF_CRM_CITY": "Jaén"}}},
		Call:    &contactcenter.Call{Phone: "89991234567"},
		Fields:  map[string]string{"region of WORK": "South", "other": "x"},
	}
	require.Len(t, r.ContactPart(s).Phones, 1, "the number of the call is there already")
	require.Equal(t, "request", r.ContactPart(s).UTM.Source)
	require.Equal(t, own, r.CompanyPart().UTM)
	deal := r.DealPart(s)
	require.Equal(t, map[string]string{"UF_CRM_CITY": "Jaén", "UF_CRM_REGION": "South"}, deal.Fields)
	require.Equal(t, "Subsidy", deal.Product)
	require.Len(t, r.Deal.Fields, 1, "the request stays as it is")

	r.Deal.Fields["UF_CRM_REGION"] = "North"
	require.Equal(t, "North", r.DealPart(s).Fields["UF_CRM_REGION"], "what the deal names itself wins")
	r.Call.Phone = "+34 600 111 222"
	require.Equal(t, []multi{{Value: "+7 999 123-45-67 доб. 3"}, {Value: "+34 600 111 222"}}, r.ContactPart(s).Phones)
	require.Len(t, r.Contact.Phones, 1)

	empty := contactcenter.Request{Fields: map[string]string{"Region of work": " "}}
	require.Equal(t, contactcenter.ContactData{}, empty.ContactPart(s))
	require.Equal(t, contactcenter.CompanyData{}, empty.CompanyPart())
	require.Equal(t, contactcenter.DealData{}, empty.DealPart(s), "an empty field fills nothing")
}

func TestNewDealsGetATitle(t *testing.T) {
	t.Parallel()
	type r = contactcenter.Request
	ana := &contactcenter.ContactData{Name: "Ana", SecondName: "María", LastName: "López"}
	for want, request := range map[string]r{
		"Own title":                {Product: "Subsidy", Contact: ana, Deal: &contactcenter.DealData{Title: "Own  title"}},
		"Subsidy: Ana María López": {Product: "Subsidy", Contact: ana},
		"Subsidy: Acme":            {Product: "Subsidy", Contact: ana, Company: &contactcenter.CompanyData{Title: "Acme"}},
		"Ana María López":          {Contact: ana, Company: &contactcenter.CompanyData{INN: "1"}},
		"Subsidy":                  {Product: "Subsidy"},
		"Subsidy: a@b.es":          {Product: "Subsidy", Contact: &contactcenter.ContactData{Emails: []multi{{Value: "a@b.es"}}}},
		"Subsidy: 8999":            {Product: "Subsidy", Call: &contactcenter.Call{Phone: "8999"}},
		"Solicitud r1":             {ExternalID: "r1"},
	} {
		require.Equal(t, want, request.DealTitle(texts.For("es", nil)))
	}
}

func TestWhoIsResponsible(t *testing.T) {
	t.Parallel()
	s := portal()
	call := &contactcenter.Call{OperatorID: "op-17"}
	tests := map[string]struct {
		request contactcenter.Request
		contact int64
		want    int64
	}{
		"named":             {contactcenter.Request{Product: "Advice", Deal: &contactcenter.DealData{Common: contactcenter.Common{ResponsibleID: 5}}}, 4, 5},
		"user":              {contactcenter.Request{Product: "Advice", Call: call}, 4, 7},
		"contact's":         {contactcenter.Request{Product: "Subsidy", Call: call}, 4, 4},
		"no contact":        {contactcenter.Request{Product: "Subsidy", Call: call}, 0, 17},
		"no product":        {contactcenter.Request{Call: call}, 4, 17},
		"nobody":            {contactcenter.Request{Product: "Subsidy"}, 0, 9},
		"unmapped operator": {contactcenter.Request{Call: &contactcenter.Call{OperatorID: "x"}}, 0, 9},
	}
	for name, tt := range tests {
		require.Equal(t, tt.want, tt.request.Responsible(s, tt.contact), name)
	}
	s.ContactCenter.Sources, s.CRM.SourceID = map[string]string{"phone": "CALL"}, "WEB"
	require.Equal(t, "CALL", contactcenter.Request{Channel: "phone"}.SourceOf(s))
	require.Equal(t, "WEB", contactcenter.Request{Channel: "site"}.SourceOf(s))
}

func TestCallsInTheWordsOfTelephony(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]string{
		"answered": "200", "missed": "304", "declined": "603", "cancelled": "603-S", "busy": "486", "failed": "OTHER", "": "",
	} {
		require.Equal(t, want, contactcenter.CallStatusCode(status), status)
	}
	require.Equal(t, 1, contactcenter.CallType(contactcenter.Outgoing, false))
	require.Equal(t, 1, contactcenter.CallType(contactcenter.Outgoing, true))
	require.Equal(t, 2, contactcenter.CallType(contactcenter.Incoming, false))
	require.Equal(t, 3, contactcenter.CallType(contactcenter.Incoming, true))
}

func TestWhoTalked(t *testing.T) {
	t.Parallel()
	type c = contactcenter.Call
	to := func(transfers ...contactcenter.Transfer) []contactcenter.Transfer { return transfers }
	tests := map[string]struct {
		call        c
		first, last int64
		unmapped    bool
		notes       []string
	}{
		"nobody":   {c{}, 9, 9, false, nil},
		"mapped":   {c{OperatorID: "op-17"}, 17, 17, false, nil},
		"user":     {c{OperatorID: "op-17", UserID: 4}, 4, 4, false, nil},
		"unmapped": {c{OperatorID: "x"}, 9, 9, true, []string{"operator x is not mapped to a Bitrix24 user (setting contact_center.operators); user 9 stands in"}},
		"passed on": {
			c{UserID: 4, Transfers: to(contactcenter.Transfer{OperatorID: "y"}, contactcenter.Transfer{OperatorID: "op-17"})},
			4, 17, false,
			[]string{
				"the call was passed from user 4 to operator y", "operator y is not mapped to a Bitrix24 user (setting contact_center.operators); user 9 stands in",
				"the call was passed from operator y to operator op-17",
			},
		},
		"passed from the queue": {c{Transfers: to(contactcenter.Transfer{UserID: 5})}, 9, 5, false, []string{"the call was passed from nobody to user 5"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, _ := contactcenter.FirstUser(tt.call, portal())
			last, unmapped := contactcenter.ActingUser(tt.call, portal())
			require.Equal(t, tt.first, first)
			require.Equal(t, tt.last, last)
			require.Equal(t, tt.unmapped, unmapped)
			require.Equal(t, tt.notes, contactcenter.CallNotes(tt.call, portal()))
		})
	}
}

func TestRequisiteIsPickedByItsNumbers(t *testing.T) {
	t.Parallel()
	all := []contactcenter.Requisite{{INN: "1"}, {INN: "2", KPP: "a"}, {INN: "2", KPP: "b"}, {OGRNIP: "3"}}
	for want, data := range []contactcenter.CompanyData{{INN: "9"}, {INN: "2", KPP: "c"}, {INN: "2", KPP: "b"}, {OGRN: "3"}} {
		require.Equal(t, want, contactcenter.PickRequisite(all, data), data)
	}
	require.Zero(t, contactcenter.PickRequisite(nil, contactcenter.CompanyData{}))
}

func TestContactAndCompanyHaveKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := contactcenter.Request{
		ExternalID: "r-1",
		Contact:    &contactcenter.ContactData{Emails: []contactcenter.Multi{{Value: "A@example.com"}}},
		Company:    &contactcenter.CompanyData{Title: "Acme", INN: "7736050003"},
		Call:       &contactcenter.Call{Phone: "+34600111222"},
	}
	s := settings.Default()
	require.Equal(t, []string{"email:a@example.com", "phone:+34600111222"}, contactcenter.ContactKeys(r, s))
	require.Equal(t, []string{"inn:7736050003", "title:acme"}, contactcenter.CompanyKeys(r, s))
}

func TestWhatAPartTellsIsKnownByItsFields(t *testing.T) {
	t.Parallel()
	amount := 0.0
	tells := contactcenter.Tells(contactcenter.DealData{
		Amount: &amount, Common: contactcenter.Common{UTM: &contactcenter.UTM{Source: "ad"}, Fields: map[string]string{"UF_CRM_A": "x"}},
	})
	for _, field := range []string{"amount", "utm.source", "fields.UF_CRM_A"} {
		require.True(t, tells(field), field)
	}
	for _, field := range []string{"currency", "utm.term", "fields.UF_CRM_B", "last_name"} {
		require.False(t, tells(field), field)
	}
	require.True(t, contactcenter.Tells(contactcenter.ContactData{Name: "Ana Ruiz"})("last_name"), "a name may be a whole name")
}
