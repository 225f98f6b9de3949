package activities_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// submit stores a request as the API does.
func (c *center) submit(body any) store.Submission {
	c.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(c.t, err)
	req, problems := contactcenter.ParseRequest(raw)
	require.Empty(c.t, problems)
	require.Empty(c.t, contactcenter.ValidateRequest(req, c.conf))
	sum := sha256.Sum256(raw)
	sub, _, err := c.store.AcceptRequest(c.t.Context(), store.Submission{
		Portal: "demo", Name: req.Channel, Key: req.ExternalID, Body: raw, BodyHash: hex.EncodeToString(sum[:]),
		WorkflowID: workflows.ContactCenterRequestID("demo", req.ExternalID),
	}, contactcenter.Keys(req, c.conf))
	require.NoError(c.t, err)
	return sub
}

// handling is a request on its way, step by step as the workflow goes.
type handling struct {
	c      *center
	sub    store.Submission
	opened workflows.OpenedRequest
	found  contactcenter.RequestFound
	plan   contactcenter.Plan
	in     workflows.RequestStepInput
}

func (c *center) open(sub store.Submission) *handling {
	c.t.Helper()
	opened, err := run[workflows.OpenedRequest](c.bundle, workflows.OpenRequestStep, workflows.OpenRequestInput{Portal: "demo", SyncID: sub.SyncID})
	require.NoError(c.t, err)
	return &handling{c: c, sub: sub, opened: opened, in: workflows.RequestStepInput{
		Portal: "demo", SyncID: sub.SyncID, Owner: sub.WorkflowID, Version: opened.Version, Revision: opened.Revision,
	}}
}

func (h *handling) find() *handling {
	h.c.t.Helper()
	var err error
	h.found, err = run[contactcenter.RequestFound](h.c.bundle, workflows.FindRequestStep, h.in)
	require.NoError(h.c.t, err)
	h.plan = contactcenter.Decide(h.found, h.opened.Wants, settings.AmbiguityRule(h.opened.Ambiguous), h.opened.Choice)
	h.in.ContactID, h.in.CompanyID, h.in.DealID = h.plan.Contact.ID, h.plan.Company.ID, h.plan.Deal.ID
	for _, d := range h.found.Deals {
		if d.ID == h.in.DealID {
			h.in.DealResponsible = d.Responsible
		}
	}
	h.in.Decisions = []contactcenter.Decision{h.plan.Contact, h.plan.Company, h.plan.Deal}
	return h
}

func (h *handling) step(name string) workflows.SavedEntity {
	h.c.t.Helper()
	var out workflows.SavedEntity
	require.Eventually(h.c.t, func() bool {
		var err error
		out, err = run[workflows.SavedEntity](h.c.bundle, name, h.in)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	return out
}

// save runs all steps that write.
func (h *handling) save() *handling {
	h.c.t.Helper()
	if h.opened.Wants.Contact {
		h.in.ContactID = h.step(workflows.SaveContactStep).ID
	}
	if h.opened.Wants.Company {
		h.in.CompanyID = h.step(workflows.SaveCompanyStep).ID
	}
	if h.opened.Wants.Deal {
		deal := h.step(workflows.SaveDealStep)
		h.in.DealID, h.in.Notes = deal.ID, append(h.in.Notes, deal.Notes...)
	}
	if h.in.ContactID != 0 && h.in.CompanyID != 0 {
		h.step(workflows.LinkCompanyStep)
	}
	h.step(workflows.WriteTimelineStep)
	return h
}

func (h *handling) answer() {
	h.c.t.Helper()
	_, err := run[bool](h.c.bundle, workflows.AnswerRequestStep, workflows.AnswerRequestInput{
		Portal: "demo", SyncID: h.sub.SyncID, Owner: h.sub.WorkflowID, Choice: h.opened.Choice, Final: true,
		Answer: contactcenter.RequestAnswer{Revision: h.opened.Revision, Decisions: []contactcenter.Decision{
			{Kind: contactcenter.KindContact, ID: h.in.ContactID}, {Kind: contactcenter.KindCompany, ID: h.in.CompanyID}, {Kind: contactcenter.KindDeal, ID: h.in.DealID},
		}},
	})
	require.NoError(h.c.t, err)
}

func (c *center) handle(body any) *handling {
	c.t.Helper()
	h := c.open(c.submit(body)).find().save()
	h.answer()
	return h
}

func form(id string, more object) object {
	out := object{
		"external_id": id, "channel": "site", "product": "subsidy", "comment": "Прошу <b>перезвонить</b>",
		"contact": object{"name": "Олег", "last_name": "Краснов", "phones": []object{{"value": "8 (999) 111-22-33"}}},
		"company": object{"title": "Ромашка", "inn": "7736050003"},
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func TestNewClientOfARequestGetsContactCompanyAndDeal(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	h := c.handle(form("r-1", nil))
	require.Equal(t, contactcenter.OutcomeCreated, h.plan.Contact.Outcome)
	deal := c.item("deal", h.in.DealID)
	require.EqualValues(t, bitrix24.DemoSubsidies, deal["categoryId"])
	require.EqualValues(t, h.in.ContactID, deal["contactId"])
	require.EqualValues(t, h.in.CompanyID, deal["companyId"])
	require.EqualValues(t, 8, deal["assignedById"])
	for _, kind := range []string{"contact", "company", "deal"} {
		require.Len(t, c.comments(kind, map[string]int64{"contact": h.in.ContactID, "company": h.in.CompanyID, "deal": h.in.DealID}[kind]), 1, kind)
	}
	row, err := c.store.Sync(t.Context(), "demo", h.sub.SyncID)
	require.NoError(t, err)
	require.Equal(t, store.SyncDone, row.Status)
	require.Equal(t, h.in.DealID, row.DealID)
	require.Equal(t, h.in.CompanyID, row.CompanyID)
}

func TestSecondRequestOfAClientUpdatesTheSameDeal(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	again := c.handle(form("r-2", object{"contact": object{"phones": []object{{"value": "+79991112233"}}, "emails": []object{{"value": "o@example.com"}}}}))
	require.Equal(t, first.in.ContactID, again.in.ContactID)
	require.Equal(t, first.in.CompanyID, again.in.CompanyID)
	require.Equal(t, first.in.DealID, again.in.DealID)
	require.Len(t, c.comments("deal", first.in.DealID), 2)
	other := c.handle(form("r-3", object{"product": "credit"}))
	require.Equal(t, first.in.ContactID, other.in.ContactID)
	require.NotEqual(t, first.in.DealID, other.in.DealID)
}

func TestCorrectionOfARequestUpdatesWhatItMade(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first := c.handle(form("r-1", nil))
	second := c.handle(form("r-1", object{"contact": object{"name": "Олег", "last_name": "Белов", "phones": []object{{"value": "+79995556677"}}}}))
	require.Equal(t, first.sub.SyncID, second.sub.SyncID)
	require.Equal(t, 2, second.opened.Revision)
	require.Equal(t, first.in.ContactID, second.in.ContactID)
	require.Equal(t, first.in.DealID, second.in.DealID)
	require.Equal(t, "Белов", c.item("contact", first.in.ContactID)["lastName"])
	require.Len(t, c.comments("deal", first.in.DealID), 2)
}

func TestNothingOfARequestIsDoneTwiceWhateverGetsLost(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"crm.item.add", "crm.requisite.add", "crm.timeline.comment.add", "crm.company.contact.add"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := contactCenter(t, nil)
			before := map[string]int{"contact": c.count("contact"), "company": c.count("company"), "deal": c.count("deal")}
			h := c.open(c.submit(form("r-1", nil))).find()
			c.fault(method, "lost_answer", "after")
			h.save()
			for kind, n := range before {
				require.Equal(t, n+1, c.count(kind), kind)
			}
			require.Len(t, c.comments("deal", h.in.DealID), 1)
			require.Len(t, c.comments("contact", h.in.ContactID), 1)
		})
	}
}

func TestRequestsOfOneClientAreHandledInTheOrderOfAcceptance(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	first, second := c.submit(form("r-1", nil)), c.submit(form("r-2", nil))
	late := c.open(second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	waits := make(chan *handling, 1)
	go func() { waits <- late.find() }()
	select {
	case <-waits:
		t.Error("the second request overtook the first")
	case <-ctx.Done():
	}
	h := c.open(first).find().save()
	h.answer()
	require.Equal(t, h.in.ContactID, (<-waits).in.ContactID)
}

func TestChoiceOfAPersonIsRemembered(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, func(s *settings.Settings) { s.ContactCenter.Ambiguous = settings.Ask })
	var twins []int64
	for range 2 {
		_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Ivan", "phones": []object{{"value": "+79991112233"}}})
		twins = append(twins, made.ID)
	}
	body := object{"external_id": "r-1", "channel": "email", "contact": object{"phones": []object{{"value": "+79991112233"}}}, "product": "credit"}
	h := c.open(c.submit(body)).find()
	require.Len(t, h.plan.Ambiguous, 1)
	require.Len(t, h.plan.Ambiguous[0].Candidates, 2)
	choice := contactcenter.Choice{ContactID: twins[1]}
	opened, err := run[workflows.OpenedRequest](c.bundle, workflows.OpenRequestStep, workflows.OpenRequestInput{Portal: "demo", SyncID: h.sub.SyncID, Choice: &choice})
	require.NoError(t, err)
	require.Equal(t, choice, opened.Choice)
	h.opened = opened
	h.find().save().answer()
	require.Equal(t, twins[1], h.in.ContactID)
	body["external_id"] = "r-2"
	next := c.open(c.submit(body)).find()
	require.Empty(t, next.plan.Ambiguous)
	require.Equal(t, twins[1], next.in.ContactID)
}

func TestUnknownProductParksWithAdvice(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	sub := c.submit(form("r-1", object{"product": "mortgage"}))
	_, err := run[workflows.OpenedRequest](c.bundle, workflows.OpenRequestStep, workflows.OpenRequestInput{Portal: "demo", SyncID: sub.SyncID})
	f, _ := failure(t, err)
	require.Equal(t, "UNKNOWN_PRODUCT", f.Code)
	require.Equal(t, "body.product", f.Field)
	_, err = run[bool](c.bundle, workflows.ParkRunStep, workflows.ParkRunInput{
		Portal: "demo", SyncID: sub.SyncID, Owner: sub.WorkflowID, Kind: "UNKNOWN_PRODUCT", Failure: f,
	})
	require.NoError(t, err)
	status, problem := answerOf[object](c, sub)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, "body.product", problem["errors"].([]any)[0].(object)["location"])
}

func TestTimelineShowsTheClientsWordsAsTheyAre(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	h := c.handle(form("r-1", object{"comment": strings.Repeat("слово ", 5000) + "[b]x[/b] <script>"}))
	comments := c.comments("deal", h.in.DealID)
	require.Len(t, comments, 1)
	require.NotContains(t, comments[0]["COMMENT"], "[b]x[/b]")
	require.NotEmpty(t, comments[0]["FILES"], "what does not fit is attached")
}

// item is an entity as it stands in the CRM.
func (c *center) item(kind string, id int64) object {
	c.t.Helper()
	types := map[string]int{"deal": 2, "contact": 3, "company": 4}
	answer, err := c.admin.Call(c.t.Context(), "crm.item.get", object{"entityTypeId": types[kind], "id": id})
	require.NoError(c.t, err)
	var out struct{ Item object }
	require.NoError(c.t, answer.Decode(&out))
	return out.Item
}

func (c *center) comments(kind string, id int64) []object {
	c.t.Helper()
	answer, err := c.admin.Call(c.t.Context(), "crm.timeline.comment.list", object{"filter": object{"ENTITY_ID": id, "ENTITY_TYPE": kind}})
	require.NoError(c.t, err)
	var out []object
	require.NoError(c.t, answer.Decode(&out))
	return out
}

func TestContactChosenForOneEmployeeIsNotThatOfTheWholeCompany(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, func(s *settings.Settings) { s.ContactCenter.Ambiguous = settings.Ask })
	var twins []int64
	for range 2 {
		_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Oleg", "phones": []object{{"value": "+79991112233"}}})
		twins = append(twins, made.ID)
	}
	h := c.open(c.submit(form("r-1", nil)))
	h.opened.Choice = contactcenter.Choice{ContactID: twins[0]}
	h.find().save().answer()
	_, made := call[contactcenter.Saved](c, contactcenter.ContactCreate, object{"name": "Anna", "phones": []object{{"value": "+79995556677"}}})
	colleague := c.open(c.submit(form("r-2", object{"contact": object{"phones": []object{{"value": "+79995556677"}}}}))).find()
	require.Equal(t, made.ID, colleague.in.ContactID)
	require.Equal(t, h.in.CompanyID, colleague.in.CompanyID)
}

func TestRequestSaysWhatIsDoneOtherwiseThanItReads(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, func(s *settings.Settings) { s.ContactCenter.UnknownProduct = "credit" })
	alone := c.open(c.submit(object{"external_id": "r-1", "channel": "site", "comment": "only words"}))
	require.Len(t, alone.opened.Notes, 1)
	require.Contains(t, alone.opened.Notes[0], "ledger only")
	replaced := c.open(c.submit(form("r-2", object{"product": "mortgage"})))
	require.Len(t, replaced.opened.Notes, 1)
	require.Contains(t, replaced.opened.Notes[0], "credit stands for it")
}
