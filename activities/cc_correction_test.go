package activities_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/dialog"
	"puente/sandbox/bitrix24"
	"puente/store"
	"puente/workflows"
)

func (c *center) edits(kind int, id int64, fields object) {
	c.t.Helper()
	_, err := c.hook(7).Call(c.t.Context(), "crm.item.update", object{"entityTypeId": kind, "id": id, "fields": fields})
	require.NoError(c.t, err)
}

func TestCorrectionLeavesAloneWhatItDoesNotTellAnew(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", object{"deal": object{"amount": 100, "currency": "EUR"}}))
	require.Eventually(t, func() bool { return time.Now().Unix() > first.sub.CreatedAt.Unix() }, 5*time.Second, 10*time.Millisecond,
		"the portal knows whole seconds")
	c.edits(3, first.in.ContactID, object{"name": "Олег Иванович"})
	c.edits(2, first.in.DealID, object{"opportunity": 250})
	second := c.handle(object{"external_id": "r-1", "channel": "site", "contact": object{"last_name": "Белов"}})
	require.Equal(t, first.in.ContactID, second.in.ContactID)
	contact := c.item("contact", first.in.ContactID)
	require.Equal(t, "Олег Иванович", contact["name"], "a person changed it, and the correction says nothing of it")
	require.Equal(t, "Белов", contact["lastName"], "the correction says it")
	require.EqualValues(t, 250, c.item("deal", first.in.DealID)["opportunity"])
}

func TestCorrectionOfTheProductLeavesTheDealInItsPipelineAndSaysSo(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	require.Empty(t, first.in.Notes)
	second := c.handle(object{"external_id": "r-1", "channel": "site", "product": "credit", "comment": "Нужен кредит"})
	require.Equal(t, first.in.DealID, second.in.DealID)
	require.EqualValues(t, bitrix24.DemoSubsidies, c.item("deal", first.in.DealID)["categoryId"])
	require.Len(t, second.in.Notes, 1)
	require.Contains(t, second.in.Notes[0], "stays in its pipeline, although the request belongs to pipeline 1")
	require.Contains(t, second.step(workflows.SaveDealStep).Notes, second.in.Notes[0], "a repetition says it again")
	comments := c.bundle.comments(t, dialog.Ref{Kind: dialog.Deal, ID: first.in.DealID})
	require.NotContains(t, comments[0], "its pipeline")
	require.Contains(t, comments[1], "stays in its pipeline")

	third := c.handle(object{"external_id": "r-1", "channel": "site", "comment": "Перезвоните"})
	require.Empty(t, third.in.Notes, "it tells nothing of a product")
}

func TestPersonalDataOfAnEarlierRevisionIsMaskedInErrors(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	c.submit(form("r-1", object{"deal": object{"fields": object{"UF_CRM_NOWHERE": "Секрет Клиента"}}}))
	h := c.open(c.submit(object{"external_id": "r-1", "channel": "site", "comment": "Ещё раз"})).find()
	_, err := c.crm.InjectFault(bitrix24.Fault{
		Method: "crm.item.add", Kind: "status", Status: http.StatusBadRequest, Code: "CRM_FIELD_ERROR", Description: "not allowed: Секрет Клиента", Times: -1,
	})
	require.NoError(t, err)
	h.in.ContactID = 0
	_, err = run[workflows.SavedEntity](c.bundle, workflows.SaveContactStep, h.in)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "Секрет")
}

func TestLaterChoiceOfAPersonWinsOverWhatWasSavedBefore(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Oleg", "phones": []object{{"value": "+79991112233"}}})
	_, other := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Anna"})
	h := c.open(c.submit(form("r-1", nil))).find()
	require.Equal(t, made.ID, h.step(workflows.SaveContactStep).ID)

	h.opened.Choice = contactcenter.Choice{ContactID: other.ID}
	h.find()
	require.NotEmpty(t, h.step(workflows.SaveContactStep).Changed)
	require.Equal(t, "Краснов", c.item("contact", other.ID)["lastName"])

	h.opened.Choice = contactcenter.Choice{NewContact: true}
	h.find()
	fresh := h.step(workflows.SaveContactStep)
	require.NotContains(t, []int64{made.ID, other.ID}, fresh.ID)
	require.Equal(t, fresh.ID, h.step(workflows.SaveContactStep).ID, "it is made once")
}

func TestLaterChoiceOfAPersonIsLinkedAndWrittenDownToo(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, other := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Anna"})
	h := c.open(c.submit(form("r-1", nil))).find().save()
	first := h.in.ContactID
	h.opened.Choice = contactcenter.Choice{ContactID: other.ID}
	h.find().save().save()
	require.Equal(t, other.ID, h.in.ContactID)
	require.EqualValues(t, h.in.CompanyID, c.item("contact", other.ID)["companyId"])
	for _, id := range []int64{first, other.ID} {
		require.Len(t, c.comments("contact", id), 1)
	}
	require.Len(t, c.comments("deal", h.in.DealID), 1, "what stands somewhere already is not written again")
}

func TestCommentOfARunThatBeganBeforeStepsNamedEntitiesIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	h := c.open(c.submit(form("r-1", nil))).find()
	require.NoError(t, c.store.SaveStep(t.Context(), store.Step{SyncID: h.sub.SyncID, Name: "timeline-deal", Status: store.StepDone, EntityID: 5}))
	h.save()
	require.Empty(t, c.comments("deal", h.in.DealID))
	require.Len(t, c.comments("contact", h.in.ContactID), 1)
}

func TestRevisionAtWorkIsNotShownAsFinished(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	h := c.open(c.submit(form("r-1", nil))).find().save()
	late := c.submit(object{"external_id": "r-1", "channel": "site", "comment": "late"})
	h.answer() // it ends the line although a revision has come
	line := func() store.Sync {
		row, err := c.store.Sync(t.Context(), "demo", late.SyncID)
		require.NoError(t, err)
		return row
	}
	require.NotZero(t, line().FinishedAt)
	c.open(late)
	require.Equal(t, store.SyncSyncing, line().Status)
	require.Zero(t, line().FinishedAt)
}

func TestRequisiteWithTheGivenINNIsTheOneThatIsCompleted(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, made := call[contactcenter.Saved](c, contactcenter.CompanyCreate, object{"title": "Ромашка", "inn": "7707083893"})
	_, err := c.admin.Call(t.Context(), "crm.requisite.add", object{"fields": object{
		"ENTITY_TYPE_ID": 4, "ENTITY_ID": made.ID, "PRESET_ID": 1, "NAME": "second", "RQ_INN": "7736050003",
	}})
	require.NoError(t, err)
	h := c.handle(form("r-1", object{"company": object{"title": "Ромашка", "inn": "7736050003", "legal_name": "ООО Ромашка"}}))
	require.Equal(t, made.ID, h.in.CompanyID)
	_, found := call[contactcenter.Found](c, contactcenter.CompanyFind, object{"inn": "7707083893"})
	require.Len(t, found.Candidates, 1, "the other requisite keeps its INN")
}

func TestTwoCreatesUnderOneExternalIDFollowEachOther(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	before := c.count("deal")
	ok, _, err := c.store.Claim(t.Context(), "demo", "another run", []string{"external:deal:A-1"}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	_, err = c.runMethod(c.accept(contactcenter.DealCreate, object{"title": "x", "external_id": "A-1"}))
	require.ErrorContains(t, err, "another run")
	require.Equal(t, before, c.count("deal"))
}

func TestRunWhoseInputWasDeletedMakesNothing(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	before := c.count("contact")
	sub := c.accept(contactcenter.ContactCreate, object{"name": "Ivan"})
	require.NoError(t, c.store.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, 409, []byte(`{}`)))
	require.NoError(t, c.store.UpdateSync(t.Context(), "demo", sub.SyncID, func(s *store.Sync) { s.Status = store.SyncAbandoned }))
	n, err := c.store.PurgeSubmissions(t.Context(), "demo", nil, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, c.store.UpdateSync(t.Context(), "demo", sub.SyncID, func(s *store.Sync) { s.Status = store.SyncOpen }))
	_, err = c.runMethod(sub)
	require.ErrorContains(t, err, "deleted after its retention")
	require.Equal(t, before, c.count("contact"))
}

func TestOpenDealIsSeenHoweverManyOthersTheClientHas(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	for range 55 {
		_, err := c.admin.Call(t.Context(), "crm.item.add", object{"entityTypeId": 2, "fields": object{
			"title": "x", "categoryId": 0, "companyId": first.in.CompanyID, "contactIds": []int64{first.in.ContactID},
		}})
		require.NoError(t, err)
	}
	require.Equal(t, first.in.DealID, c.open(c.submit(form("r-2", nil))).find().in.DealID)
}

func TestCompanyWithAnotherTaxpayerNumberIsAnotherCompany(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	namesake := c.handle(form("r-2", object{"company": object{"title": "Ромашка", "inn": "7707083893"}}))
	require.NotEqual(t, first.in.CompanyID, namesake.in.CompanyID)
	again := c.handle(form("r-3", object{"company": object{"title": "Ромашка"}}))
	require.Contains(t, []int64{first.in.CompanyID, namesake.in.CompanyID}, again.in.CompanyID)
}

func TestRequisiteThatAPersonChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, company := call[contactcenter.Saved](c, contactcenter.CompanyCreate, object{"title": "Ромашка", "inn": "7736050003", "legal_name": "ООО Ромашка"})
	sub := c.submit(form("r-1", object{"company": object{"inn": "7736050003", "legal_name": "ЗАО Ромашка", "kpp": "773601001"}}))
	person := c.hook(7)
	answer, err := person.Call(t.Context(), "crm.requisite.list", object{"filter": object{"ENTITY_ID": company.ID, "ENTITY_TYPE_ID": 4}})
	require.NoError(t, err)
	var rows []struct{ ID string }
	require.NoError(t, answer.Decode(&rows))
	require.Eventually(t, func() bool { // the portal tells seconds: the change must be in a later one
		_, err := person.Call(t.Context(), "crm.requisite.update", object{"id": rows[0].ID, "fields": object{"RQ_COMPANY_NAME": "АО Ромашка"}})
		return err == nil && time.Now().Truncate(time.Second).After(sub.CreatedAt)
	}, 5*time.Second, 100*time.Millisecond)
	c.open(sub).find().save()
	answer, err = person.Call(t.Context(), "crm.requisite.list", object{"filter": object{"ENTITY_ID": company.ID, "ENTITY_TYPE_ID": 4}})
	require.NoError(t, err)
	var after []struct {
		Name string `json:"RQ_COMPANY_NAME"`
		KPP  string `json:"RQ_KPP"`
	}
	require.NoError(t, answer.Decode(&after))
	require.Equal(t, "АО Ромашка", after[0].Name)
	require.Equal(t, "773601001", after[0].KPP)
}

// The find takes two requests, the deal a look and a write, all else one each.
func TestRequestOfAKnownClientCostsNineRequests(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	c.edits(2, first.in.DealID, object{"assignedById": 9})
	before := c.crm.Stats().Requests
	h := c.open(c.submit(form("r-2", object{"deal": object{"amount": 5}}))).find().save()
	require.Equal(t, contactcenter.OutcomeFound, h.plan.Deal.Outcome)
	require.EqualValues(t, 9, h.notify())
	require.LessOrEqual(t, c.crm.Stats().Requests-before, 9)
}

func TestWhoIsMadeResponsibleByTheRequestIsTold(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	c.handle(form("r-1", nil))
	h := c.open(c.submit(form("r-2", object{"deal": object{"responsible_id": 9}}))).find().save()
	require.EqualValues(t, 8, h.in.DealResponsible, "as it was found")
	require.EqualValues(t, 9, h.notify())
}

// notify gives who was told.
func (h *handling) notify() int64 {
	h.c.t.Helper()
	out, err := run[workflows.Notified](h.c.bundle, workflows.NotifyRequestStep, h.in)
	require.NoError(h.c.t, err)
	require.Equal(h.c.t, 1, out.Sent, out.Problems)
	steps, err := h.c.store.Steps(h.c.t.Context(), h.sub.SyncID)
	require.NoError(h.c.t, err)
	for _, s := range steps {
		if s.Name == "notify" {
			return s.EntityID
		}
	}
	return 0
}
