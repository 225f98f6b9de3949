package activities_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/contactcenter"
	"puente/sandbox/bitrix24"
	"puente/store"
)

type object = map[string]any

func TestContactIsFoundByEachOfItsKeys(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{
		"name": "Олег", "last_name": "Краснов", "phones": []object{{"value": "8 (999) 111-22-33"}}, "emails": []object{{"value": "Oleg@Example.com"}},
	})
	require.True(t, made.Created)
	for way, query := range map[string]object{
		"id": {"id": made.ID}, "phone": {"phone": "+7 999 111 22 33"}, "email": {"email": "oleg@example.com"}, "name": {"name": "краснов олег"},
	} {
		status, found := call[contactcenter.Found](c, contactcenter.ContactFind, query)
		require.Equal(t, http.StatusOK, status, way)
		require.Len(t, found.Candidates, 1, way)
		require.Equal(t, made.ID, found.Candidates[0].ID)
		require.Equal(t, []contactcenter.Match{{By: way}}, found.Candidates[0].MatchedBy)
		require.Equal(t, "Олег Краснов", found.Candidates[0].Title)
		require.NotEmpty(t, found.Candidates[0].Responsible.Name)
		require.Contains(t, found.Candidates[0].URL, "/crm/contact/details/")
	}
	_, nobody := call[contactcenter.Found](c, contactcenter.ContactFind, object{"phone": "+7 999 000 00 01"})
	require.Empty(t, nobody.Candidates)
}

func TestCompanyIsFoundByItsRequisitesWithItsDeals(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.CompanyCreate, object{
		"title": "Ромашка", "inn": "7736050003", "kpp": "773601001", "ogrn": "1027700070518", "legal_name": "ООО Ромашка", "address": "Москва, ул. Лесная, 1",
	})
	_, deal := call[contactcenter.Saved](c, contactcenter.DealCreate, object{"title": "Первая", "company_id": made.ID, "product": "subsidy"})
	for way, query := range map[string]object{
		"inn": {"inn": "7736050003"}, "kpp": {"kpp": "773601001"}, "ogrn": {"ogrn": "1027700070518"}, "title": {"title": "омаш"},
	} {
		_, found := call[contactcenter.Found](c, contactcenter.CompanyFind, query)
		require.Len(t, found.Candidates, 1, way)
		require.Equal(t, []contactcenter.Match{{By: way}}, found.Candidates[0].MatchedBy)
		require.Len(t, found.Candidates[0].Deals, 1, way)
		require.Equal(t, deal.ID, found.Candidates[0].Deals[0].ID)
		require.EqualValues(t, bitrix24.DemoSubsidies, found.Candidates[0].Deals[0].Pipeline)
	}
	_, deals := call[contactcenter.Deals](c, contactcenter.CompanyDeals, object{"inn": "7736050003"})
	require.Len(t, deals.Deals, 1)
}

func TestUpdateChangesOnlyWhatIsNewAndDoublesNothing(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Ivan", "phones": []object{{"value": "+79991112233"}}})
	update := object{"id": made.ID, "last_name": "Petrov", "phones": []object{{"value": "8 999 111-22-33"}, {"value": "+79994445566"}}}
	status, changed := call[contactcenter.Saved](c, contactcenter.ContactUpdate, update)
	require.Equal(t, http.StatusOK, status)
	require.NotEmpty(t, changed.Changed)
	_, again := call[contactcenter.Saved](c, contactcenter.ContactUpdate, update)
	require.Empty(t, again.Changed)
	_, found := call[contactcenter.Found](c, contactcenter.ContactFind, object{"id": made.ID})
	require.Len(t, found.Candidates[0].Phones, 2)
	require.Equal(t, "Ivan Petrov", found.Candidates[0].Title)
}

func TestUpdateOfWhatIsNotThereNamesTheField(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	status, problem := call[object](c, contactcenter.DealUpdate, object{"id": 999999, "title": "x"})
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, problem["detail"], "999999")
	require.Equal(t, "body.id", problem["errors"].([]any)[0].(object)["location"])
}

func TestNewerChangeOfAPersonIsNotOverwritten(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Ivan"})
	before := time.Now().Add(-time.Minute)
	person := c.hook(7)
	_, err := person.Call(t.Context(), "crm.item.update", object{"entityTypeId": 3, "id": made.ID, "fields": object{"lastName": "Sidorov"}})
	require.NoError(t, err)
	status, problem := call[object](c, contactcenter.ContactUpdate, object{"id": made.ID, "last_name": "Petrov", "if_unchanged_since": before})
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "body.last_name", problem["errors"].([]any)[0].(object)["location"])
	_, found := call[contactcenter.Found](c, contactcenter.ContactFind, object{"id": made.ID})
	require.Equal(t, "Ivan Sidorov", found.Candidates[0].Title)
}

func TestUsersOfADealComeWithTheirRoles(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.DealCreate, object{"title": "x", "responsible_id": 7, "observers": []int{8}})
	_, answer := call[contactcenter.DealUsersAnswer](c, contactcenter.DealUsers, object{"id": made.ID})
	require.Len(t, answer.Users, 3)
	require.EqualValues(t, 7, answer.Users[0].ID)
	require.Equal(t, []string{"responsible"}, answer.Users[0].Roles)
	require.Equal(t, "closed", answer.Users[0].Working)
	require.NotEmpty(t, answer.Users[0].Phones)
	require.Equal(t, []string{"observer"}, answer.Users[1].Roles)
	require.Equal(t, []string{"creator", "last_editor"}, answer.Users[2].Roles)
}

func TestDirectoriesAreCachedWithTheirAge(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, first := call[contactcenter.Directories](c, contactcenter.DirectoriesList, object{})
	require.Len(t, first.Directories, 11)
	for name, d := range first.Directories {
		if name != contactcenter.ContactFields && name != contactcenter.CompanyFields {
			require.NotEmpty(t, d.Items, name)
		}
	}
	before := c.crm.Stats().Requests
	_, second := call[contactcenter.Directories](c, contactcenter.DirectoriesList, object{"names": []string{"stages"}})
	require.Equal(t, before, c.crm.Stats().Requests)
	require.Equal(t, first.Directories["stages"].Items, second.Directories["stages"].Items)
	call[contactcenter.Directories](c, contactcenter.DirectoriesList, object{"names": []string{"stages"}, "refresh": true})
	require.Equal(t, before+1, c.crm.Stats().Requests)
}

func TestAnsweredCallStandsOnContactCompanyAndDeal(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, contact := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Ivan", "phones": []object{{"value": "+79991112233"}}})
	_, company := call[contactcenter.Saved](c, contactcenter.CompanyCreate, object{"title": "Ромашка"})
	_, deal := call[contactcenter.Saved](c, contactcenter.DealCreate, object{"title": "x"})
	before := c.crm.Stats().Requests
	status, answer := call[contactcenter.CallAnswer](c, contactcenter.CallCreate, object{
		"call_id": "c-1", "direction": "incoming", "phone": "+79991112233", "operator_id": "anna", "started_at": time.Now(), "status": "answered",
		"duration": 41, "contact_id": contact.ID, "company_id": company.ID, "deal_id": deal.ID,
	})
	require.Equal(t, http.StatusCreated, status)
	require.LessOrEqual(t, c.crm.Stats().Requests-before, 3)
	require.Equal(t, store.CallFinished, answer.State)
	require.EqualValues(t, 7, answer.UserID)
	require.NotZero(t, answer.ActivityID)
	require.Len(t, c.bindings(answer.ActivityID), 3)
}

func TestCallThatIsAttachedLaterNamesAllItStandsOn(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, answer := call[contactcenter.CallAnswer](c, contactcenter.CallCreate, object{
		"call_id": "later-1", "direction": "incoming", "phone": "+79161234567", "operator_id": "op-1", "started_at": "2026-01-31T10:00:00Z",
		"status": "answered", "duration": 5, "contact_id": 1,
	})
	require.Equal(t, []contactcenter.Ref{{Kind: "contact", ID: 1}}, answer.Bound)
	_, answer = call[contactcenter.CallAnswer](c, contactcenter.CallAttachToCRM, object{"call_id": "later-1", "company_id": 1, "deal_id": 1})
	require.Equal(t, []contactcenter.Ref{{Kind: "contact", ID: 1}, {Kind: "company", ID: 1}, {Kind: "deal", ID: 1}}, answer.Bound)
}

func TestCallIsMadeOnceWhateverGetsLost(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"telephony.externalCall.register", "telephony.externalCall.finish", "crm.activity.binding.add"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := contactCenter(t, nil)
			_, contact := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Ivan"})
			_, deal := call[contactcenter.Saved](c, contactcenter.DealCreate, object{"title": "x", "contact_ids": []int64{contact.ID}})
			c.fault(method, "lost_answer", "after")
			sub := c.accept(contactcenter.CallCreate, object{
				"call_id": "c-2", "direction": "outgoing", "phone": "+79991112244", "user_id": 7, "started_at": time.Now(),
				"status": "answered", "duration": 5, "deal_id": deal.ID,
			})
			require.Eventually(t, func() bool { _, err := c.runMethod(sub); return err == nil }, 20*time.Second, 50*time.Millisecond)
			_, answer := answerOf[contactcenter.CallAnswer](c, sub)
			require.Equal(t, 1, c.activities())
			require.NotEmpty(t, c.bindings(answer.ActivityID))
		})
	}
}

func TestCreateIsDoneOnceAlthoughItsAnswerIsLost(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	before := c.count("contact")
	c.fault("crm.item.add", "lost_answer", "after")
	sub := c.accept(contactcenter.ContactCreate, object{"name": "Ivan"})
	_, err := c.runMethod(sub)
	require.Error(t, err)
	require.Eventually(t, func() bool { _, err := c.runMethod(sub); return err == nil }, 20*time.Second, 50*time.Millisecond)
	require.Equal(t, before+1, c.count("contact"))
}

func TestSecondCreateUnderTheSameExternalIDIsRefused(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.DealCreate, object{"title": "x", "external_id": "A-1"})
	status, _ := call[object](c, contactcenter.DealCreate, object{"title": "y", "external_id": "A-1"})
	require.Equal(t, http.StatusConflict, status)
	_, found := call[contactcenter.Found](c, contactcenter.DealFind, object{"external_id": "A-1"})
	require.Len(t, found.Candidates, 1)
	require.Equal(t, made.ID, found.Candidates[0].ID)
}

func TestAllMatchesOfANameCanBePagedThrough(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	for range 3 {
		commands := make([]crm.Command, 40)
		for i := range commands {
			commands[i] = crm.Command{Key: "c" + strconv.Itoa(i), Method: "crm.item.add", Params: object{
				"entityTypeId": 3, "fields": object{"name": "Zenobia"},
			}}
		}
		_, err := c.admin.Batch(t.Context(), crm.Group{Commands: commands})
		require.NoError(t, err)
	}
	seen := map[int64]bool{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		_, page := call[contactcenter.Found](c, contactcenter.ContactFind, object{"name": "zenob", "limit": 50, "cursor": cursor})
		for _, one := range page.Candidates {
			require.False(t, seen[one.ID])
			seen[one.ID] = true
		}
		cursor = page.NextCursor
	}
	require.Len(t, seen, 120)
}
