package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

// What the contact center can do on a portal that behaves, all on one stack:
// each subtest has clients of its own.
func TestContactCenter(t *testing.T) {
	t.Parallel()
	c := startCenter(t, options{settings: func(s *settings.Settings) {
		s.ContactCenter.Ambiguous = settings.Ask
		s.ContactCenter.Fields = []settings.FormField{{Name: "town", Deal: "UF_CRM_CITY"}}
	}})
	replayed := c.method("contact.create", "replay", replayBody)
	t.Run("on one stack", func(t *testing.T) {
		for name, test := range map[string]func(*center){
			"contacts are found":          contactsAreFound,
			"companies are found":         companiesAreFound,
			"deals are found":             dealsAreFound,
			"creates and updates":         createsAndUpdates,
			"calls":                       callsStandInTheCRM,
			"directories":                 directoriesAreListed,
			"what is not there":           whatIsNotThereIsNamed,
			"wrong input":                 wrongInputNamesTheField,
			"fifty calls at once":         fiftyCallsAtOnceMakeOneContact,
			"same key, other body":        keyIsGoodForOneBody,
			"known client is edited":      knownClientIsEdited,
			"new client is made":          newClientIsMade,
			"subsidy":                     subsidyHasItsPipeline,
			"correction":                  correctionUpdates,
			"odd input":                   oddInputHasDefinedResults,
			"a person chooses":            aPersonChoosesAndTheChoiceIsRemembered,
			"unknown product":             unknownProductParksUntilItIsCorrected,
			"fifty requests at once":      fiftyRequestsAtOnceMakeOneDeal,
			"signed requests":             signedRequestsAreTaken,
			"dialog and request":          dialogAndRequestMakeOneContact,
			"recordings that are refused": privateAddressIsRefused,
			"nobody waits for the answer": answerIsPolled,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(c.on(t))
			})
		}
	})
	c.replaysAfterARestart(replayed)
}

// found is the answer of the finds.
type found struct {
	Candidates []struct {
		ID        int64               `json:"id"`
		Title     string              `json:"title"`
		MatchedBy []map[string]string `json:"matched_by"`
		URL       string              `json:"url"`
		Phones    []string            `json:"phones"`
		Emails    []string            `json:"emails"`
		Deals     []struct {
			ID int64 `json:"id"`
		} `json:"deals"`
	} `json:"candidates"`
	Next string `json:"next_cursor"`
}

func (f found) ids() []int64 {
	ids := []int64{}
	for _, one := range f.Candidates {
		ids = append(ids, one.ID)
	}
	return ids
}

// find calls a find that must succeed.
func (c *center) find(method string, query object) found {
	c.t.Helper()
	got := c.method(method, "", query)
	require.Equal(c.t, http.StatusOK, got.status, "%s %v: %s", method, query, got.raw)
	return decode[found](c.t, got)
}

func contactsAreFound(c *center) {
	t := c.t
	one := c.made("contact.create", "find-1", object{
		"name": "Раиса", "last_name": "Находкина", "phones": []object{{"value": "8 (905) 111-00-01"}}, "emails": []object{{"value": "Raisa@Example.com"}},
	})
	two := c.made("contact.create", "find-2", object{"name": "Second", "phones": []object{{"value": "+7 905 111 00 01"}}})
	deal := c.made("deal.create", "find-3", object{"title": "Of Raisa", "contact_ids": []int64{one}, "product": "credit"})
	for way, query := range map[string]object{"id": {"id": one}, "email": {"email": "raisa@example.com"}, "name": {"name": "находкина раиса"}} {
		got := c.find("contact.find", query)
		require.Equal(t, []int64{one}, got.ids(), way)
		require.Equal(t, []map[string]string{{"by": way}}, got.Candidates[0].MatchedBy)
		require.Equal(t, "Раиса Находкина", got.Candidates[0].Title)
		require.Contains(t, got.Candidates[0].URL, fmt.Sprintf("/crm/contact/details/%d/", one))
	}
	several := c.find("contact.find", object{"phone": "79051110001", "email": "raisa@example.com", "with_deals": true})
	require.Equal(t, []int64{one, two}, several.ids(), "who matches by more comes first")
	require.Equal(t, deal, several.Candidates[0].Deals[0].ID)
	require.Empty(t, several.Candidates[1].Deals)

	page := c.find("contact.find", object{"phone": "89051110001", "limit": 1})
	require.Equal(t, []int64{one}, page.ids())
	require.Equal(t, []int64{two}, c.find("contact.find", object{"phone": "89051110001", "limit": 1, "cursor": page.Next}).ids())
	require.Empty(t, c.find("contact.find", object{"phone": "+7 905 111 00 99"}).ids())

	type deals struct {
		Deals []struct {
			ID   int64 `json:"id"`
			Open bool  `json:"open"`
		} `json:"deals"`
	}
	for _, query := range []object{{"contact_id": one}, {"phone": "+79051110001"}, {"email": "raisa@example.com", "open_only": true}} {
		got := decode[deals](t, c.method("contact.deals", "", query))
		require.Len(t, got.Deals, 1, "%v", query)
		require.Equal(t, deal, got.Deals[0].ID)
		require.True(t, got.Deals[0].Open)
	}
	require.Empty(t, decode[deals](t, c.method("contact.deals", "", object{"contact_id": two})).Deals)
}

func companiesAreFound(c *center) {
	t := c.t
	code := inn(1)
	one := c.made("company.create", "company-1", object{"title": "Ландыш Плюс", "inn": code, "kpp": "770101001", "phones": []object{{"value": "84951110002"}}})
	two := c.made("company.create", "company-2", object{"title": "Ландыш Плюс", "inn": inn(2)})
	deal := c.made("deal.create", "company-3", object{"title": "Of Landysh", "company_id": one, "product": "subsidy"})
	for way, query := range map[string]object{"id": {"id": one}, "inn": {"inn": code}, "phone": {"phone": "+7 (495) 111-00-02"}} {
		got := c.find("company.find", query)
		require.Equal(t, []int64{one}, got.ids(), way)
		require.Equal(t, []map[string]string{{"by": way}}, got.Candidates[0].MatchedBy)
		require.Len(t, got.Candidates[0].Deals, 1)
		require.Equal(t, deal, got.Candidates[0].Deals[0].ID, "deals come along")
	}
	require.ElementsMatch(t, []int64{one, two}, c.find("company.find", object{"title": "ландыш"}).ids())
	require.Empty(t, c.find("company.find", object{"inn": inn(99)}).ids())

	got := c.method("company.deals", "", object{"inn": code})
	require.Contains(t, string(got.raw), fmt.Sprintf(`"id":%d`, deal))
	require.NotContains(t, string(c.method("company.deals", "", object{"company_id": two}).raw), `"title":"Of Landysh"`)
}

func dealsAreFound(c *center) {
	t := c.t
	contact := c.made("contact.create", "deals-1", object{"name": "Of Deals"})
	credit := c.made("deal.create", "deals-2", object{"title": "Credit", "contact_ids": []int64{contact}, "product": "credit", "external_id": "ext-credit"})
	subsidy := c.made("deal.create", "deals-3", object{
		"title": "Subsidy", "contact_ids": []int64{contact}, "product": "Subsidy", "observers": []int64{9}, "amount": 10.5, "currency": "RUB",
	})
	require.Equal(t, []int64{credit}, c.find("deal.find", object{"external_id": "ext-credit"}).ids())
	require.Equal(t, []int64{subsidy}, c.find("deal.find", object{"contact_id": contact, "product": "subsidy"}).ids())
	require.ElementsMatch(t, []int64{credit, subsidy}, c.find("deal.find", object{"contact_id": contact, "open_only": true}).ids())
	require.Empty(t, c.find("deal.find", object{"contact_id": contact, "pipeline": 0}).ids())

	c.made("deal.update", "deals-4", object{"id": credit, "stage": "C1:LOSE"})
	require.Equal(t, []int64{subsidy}, c.find("deal.find", object{"contact_id": contact, "open_only": true}).ids(), "a closed one is not open")

	users := decode[struct {
		Users []struct {
			ID    int64    `json:"id"`
			Roles []string `json:"roles"`
		} `json:"users"`
	}](t, c.method("deal.users", "", object{"id": subsidy}))
	roles := map[int64][]string{}
	for _, u := range users.Users {
		roles[u.ID] = u.Roles
	}
	require.Equal(t, []string{"observer"}, roles[9])
	require.Contains(t, roles[1], "creator")
}

func createsAndUpdates(c *center) {
	t := c.t
	contact := c.made("contact.create", "save-1", object{"name": "Savely", "phones": []object{{"value": "+79051110010"}}})
	update := object{"id": contact, "post": "Director", "phones": []object{{"value": "8 905 111-00-10"}, {"value": "+79051110011", "type": "MOBILE"}}}
	first := decode[saved](t, c.method("contact.update", "save-2", update))
	require.ElementsMatch(t, []string{"post", "fm"}, first.Changed)
	require.Empty(t, decode[saved](t, c.method("contact.update", "save-3", update)).Changed, "all is so already")
	require.Len(t, c.find("contact.find", object{"id": contact}).Candidates[0].Phones, 2, "no phone twice")

	company := c.made("company.create", "save-4", object{"title": "Сокол", "inn": inn(10), "contact_ids": []int64{contact}})
	c.made("company.update", "save-5", object{"id": company, "kpp": "770101001", "comments": "[b]bold[/b]"})
	require.Equal(t, []int64{company}, c.find("company.find", object{"kpp": "770101001", "inn": inn(10)}).ids()[:1])

	before := time.Now().UTC().Add(-time.Minute)
	c.post("http://"+c.bitrix+"/sandbox/webhooks", object{"user": 9, "secret": "hook9secret"}, nil)
	status, raw := c.raw(http.MethodPost, "http://"+c.bitrix+"/rest/9/hook9secret/crm.item.update",
		object{"entityTypeId": contactType, "id": contact, "fields": object{"post": "President"}})
	require.Equal(t, http.StatusOK, status, string(raw))
	refused := c.method("contact.update", "save-6", object{"id": contact, "post": "Clerk", "if_unchanged_since": before})
	require.Equal(t, http.StatusConflict, refused.status)
	require.Equal(t, "body.post", decode[problem](t, refused).Errors[0].Location)
	require.Equal(t, "President", c.items(contactType, object{"id": contact})[0]["post"])

	second := c.method("deal.create", "save-8", object{"title": "Twice", "external_id": "ext-twice"})
	require.Equal(t, http.StatusCreated, second.status)
	again := c.method("deal.create", "save-9", object{"title": "Twice again", "external_id": "ext-twice"})
	require.Equal(t, http.StatusConflict, again.status)
	require.Equal(t, "body.external_id", decode[problem](t, again).Errors[0].Location)
}

func callsStandInTheCRM(c *center) {
	t := c.t
	contact := c.made("contact.create", "calls-1", object{"name": "Caller", "phones": []object{{"value": "+79051110020"}}})
	company := c.made("company.create", "calls-2", object{"title": "Calls LLC"})
	deal := c.made("deal.create", "calls-3", object{"title": "By phone", "contact_ids": []int64{contact}})
	ringing := object{
		"call_id": "call-20", "direction": "incoming", "phone": "8 905 111 00 20", "operator_id": "anna", "started_at": time.Now(), "contact_id": contact,
	}
	require.Equal(t, http.StatusCreated, c.method("call.create", "calls-4", ringing).status)
	early := c.method("call.attach_to_crm", "calls-5", object{"call_id": "call-20", "deal_id": deal})
	require.Equal(t, http.StatusConflict, early.status, "it still goes on")
	ringing["status"], ringing["duration"], ringing["company_id"] = "answered", 12, company
	ringing["transfers"] = []object{{"operator_id": "nobody-knows"}}
	ended := c.method("call.create", "calls-6", ringing)
	require.Equal(t, http.StatusCreated, ended.status, string(ended.raw))
	require.Contains(t, string(ended.raw), "nobody-knows is not mapped")
	require.Equal(t, http.StatusOK, c.method("call.attach_to_crm", "calls-7", object{"call_id": "call-20", "deal_id": deal}).status)
	calls := c.phoneCalls("call-20")
	require.Len(t, calls, 1)
	require.Equal(t, "200", calls[0].StatusCode)
	require.Len(t, calls[0].Bindings, 3, "contact, company and deal")

	missed := object{"call_id": "call-21", "direction": "incoming", "phone": "+79051110020", "started_at": time.Now(), "status": "missed", "deal_id": deal}
	require.Equal(t, http.StatusCreated, c.method("call.create", "calls-8", missed).status)
	require.Equal(t, "304", c.phoneCalls("call-21")[0].StatusCode)
	require.NotZero(t, c.phoneCalls("call-21")[0].ActivityID)
}

func directoriesAreListed(c *center) {
	t := c.t
	type directories struct {
		Directories map[string]struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
			Age int `json:"age_seconds"`
		} `json:"directories"`
	}
	list := func(query object) directories { return decode[directories](t, c.method("directories.list", "", query)) }
	all := list(object{}).Directories
	require.Len(t, all, 11)
	require.Len(t, all["pipelines"].Items, 3)
	c.rest("crm.status.add", object{"fields": object{"ENTITY_ID": "SOURCE", "STATUS_ID": "FAIR", "NAME": "Trade fair"}}, nil)
	require.Len(t, list(object{"names": []string{"sources"}}).Directories["sources"].Items, len(all["sources"].Items), "kept")
	fresh := list(object{"names": []string{"sources"}, "refresh": true}).Directories
	require.Len(t, fresh, 1)
	require.Len(t, fresh["sources"].Items, len(all["sources"].Items)+1)
}

const absent = 999_999

func whatIsNotThereIsNamed(c *center) {
	for method, tt := range map[string]struct {
		body  object
		field string
	}{
		"contact.update":        {object{"id": absent, "name": "x"}, "body.id"},
		"company.update":        {object{"id": absent, "title": "x"}, "body.id"},
		"deal.update":           {object{"id": absent, "title": "x"}, "body.id"},
		"deal.users":            {object{"id": absent}, "body.id"},
		"contact.deals":         {object{"contact_id": absent}, "body.contact_id"},
		"company.deals":         {object{"company_id": absent}, "body.company_id"},
		"call.attach_recording": {object{"call_id": "no-call", "url": "https://example.com/a.wav"}, "body.call_id"},
		"call.attach_to_crm":    {object{"call_id": "no-call", "deal_id": 1}, "body.call_id"},
	} {
		got := c.method(method, "absent-"+method, tt.body)
		require.Equal(c.t, http.StatusNotFound, got.status, "%s: %s", method, got.raw)
		require.Equal(c.t, "application/problem+json", got.header.Get("Content-Type"))
		require.Equal(c.t, tt.field, decode[problem](c.t, got).Errors[0].Location, method)
		require.Equal(c.t, "skipped", c.ended(got.run()).Status, "%s is done with", method)
	}
	for _, method := range []string{"contact.find", "company.find", "deal.find"} {
		require.Empty(c.t, c.find(method, object{"id": absent}).ids(), method)
	}
}

func wrongInputNamesTheField(c *center) {
	for method, tt := range map[string]struct {
		body  object
		field string
	}{
		"contact.find":          {object{"phone": "call me"}, "body.phone"},
		"contact.create":        {object{"name": "A", "phones": []object{{"value": "89051112233"}, {"value": "x"}}}, "body.phones[1].value"},
		"contact.update":        {object{"id": 1, "emails": []object{{"value": "no"}}}, "body.emails[0].value"},
		"contact.deals":         {object{"email": "a@b"}, "body.email"},
		"company.find":          {object{"inn": "7707083894"}, "body.inn"},
		"company.create":        {object{"title": "A", "ogrn": "1027700132196"}, "body.ogrn"},
		"company.update":        {object{"id": 1, "kpp": "77"}, "body.kpp"},
		"company.deals":         {object{"inn": "77"}, "body.inn"},
		"deal.find":             {object{"product": "flying to the moon"}, "body.product"},
		"deal.create":           {object{"pipeline": 1, "stage": "C2:NEW"}, "body.stage"},
		"deal.update":           {object{"id": 1, "currency": "roubles"}, "body.currency"},
		"deal.users":            {object{}, "body.id"},
		"call.create":           {object{"call_id": "c", "direction": "sideways", "phone": "89051112233", "started_at": time.Now()}, "body.direction"},
		"call.attach_recording": {object{"call_id": "c", "url": "http://example.com/a.wav"}, "body.url"},
		"call.attach_to_crm":    {object{"call_id": "c"}, "body"},
		"directories.list":      {object{"names": []string{"leads"}}, "body.names[0]"},
	} {
		before := c.sentBy(method)
		got := c.method(method, "wrong-"+method, tt.body)
		require.Equal(c.t, http.StatusUnprocessableEntity, got.status, "%s: %s", method, got.raw)
		require.Equal(c.t, tt.field, decode[problem](c.t, got).Errors[0].Location, method)
		require.Equal(c.t, before, c.sentBy(method), "nothing was begun")
	}
	require.Equal(c.t, http.StatusBadRequest, c.method("contact.create", "wrong", []byte(`{"name":`)).status)
	unknown := c.method("contact.create", "wrong", object{"nmae": "A"})
	require.Equal(c.t, http.StatusUnprocessableEntity, unknown.status)
	require.Equal(c.t, "body.nmae", decode[problem](c.t, unknown).Errors[0].Location)
	require.Equal(c.t, http.StatusNotFound, c.method("contact.delete", "wrong", object{}).status)
}

// sentBy counts the runs of a method under keys that begin with wrong.
func (c *center) sentBy(method string) int {
	c.t.Helper()
	n := 0
	for _, row := range c.syncs() {
		if row.WorkflowID == "method:demo:"+method+":wrong-"+method {
			n++
		}
	}
	return n
}

// inn is the n-th valid INN of a company: ten digits, the last one a checksum.
func inn(n int) string {
	digits := fmt.Sprintf("77%07d", n)
	sum := 0
	for i, weight := range []int{2, 4, 10, 3, 5, 9, 4, 6, 8} {
		sum += weight * int(digits[i]-'0')
	}
	return fmt.Sprintf("%s%d", digits, sum%11%10)
}

// steps are the names of the steps of a run, as the ledger shows them.
func (c *center) steps(run string) []string {
	c.t.Helper()
	var detail struct {
		Steps []struct {
			Name   string `json:"name"`
			Status string `json:"status"`
		} `json:"steps"`
	}
	c.call(http.MethodGet, "http://"+c.api+"/v1/portals/demo/syncs/"+run, nil, &detail)
	var names []string
	for _, s := range detail.Steps {
		if s.Status == "done" {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}
