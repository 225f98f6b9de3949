package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ground is what the sixteen methods of one round work on.
type ground struct {
	round                   int
	contact, company, deal  int64
	phone, code, call, file string
}

// prepare makes a client with a deal, a call that has ended and an uploaded recording.
func (c *center) prepare(round int) ground {
	c.t.Helper()
	g := ground{round: round, phone: fmt.Sprintf("+790533300%02d", round), code: inn(300 + round), call: fmt.Sprintf("ground-%d", round)}
	key := func(part string) string { return fmt.Sprintf("ground-%d-%s", round, part) }
	g.contact = c.made("contact.create", key("contact"), object{"name": "Ground", "phones": []object{{"value": g.phone}}})
	g.company = c.made("company.create", key("company"), object{"title": "Ground " + g.code, "inn": g.code})
	g.deal = c.made("deal.create", key("deal"), object{"title": "Ground", "contact_ids": []int64{g.contact}, "company_id": g.company, "product": "credit"})
	got := c.method("call.create", key("call"), g.answered(g.call, g.contact))
	require.Equal(c.t, http.StatusCreated, got.status, string(got.raw))
	g.file = c.upload(2000).ID
	return g
}

// answered is a call that has ended.
func (g ground) answered(id string, contact int64) object {
	return object{
		"call_id": id, "direction": "incoming", "phone": g.phone, "operator_id": "anna", "started_at": "2026-02-03T10:00:00Z",
		"status": "answered", "duration": 30, "contact_id": contact,
	}
}

// calls are one call of each of the sixteen.
func (g ground) calls() map[string]object {
	name := fmt.Sprintf("Made %d", g.round)
	call := g.answered(fmt.Sprintf("call-%d", g.round), g.contact)
	call["company_id"], call["deal_id"] = g.company, g.deal
	return map[string]object{
		"contact.find":          {"phone": g.phone},
		"contact.create":        {"name": name, "emails": []object{{"value": fmt.Sprintf("made%d@example.com", g.round)}}},
		"contact.update":        {"id": g.contact, "last_name": "Updated", "phones": []object{{"value": "8" + g.phone[2:]}, {"value": fmt.Sprintf("+790533399%02d", g.round)}}},
		"contact.deals":         {"contact_id": g.contact},
		"company.find":          {"inn": g.code},
		"company.create":        {"title": name, "inn": inn(400 + g.round)},
		"company.update":        {"id": g.company, "kpp": "770101001", "phones": []object{{"value": fmt.Sprintf("+749533300%02d", g.round)}}},
		"company.deals":         {"inn": g.code},
		"deal.find":             {"contact_id": g.contact, "product": "credit"},
		"deal.create":           {"title": name, "contact_ids": []int64{g.contact}, "product": "subsidy"},
		"deal.update":           {"id": g.deal, "amount": 100, "currency": "RUB"},
		"deal.users":            {"id": g.deal},
		"call.create":           call,
		"call.attach_recording": {"call_id": g.call, "recording_id": g.file},
		"call.attach_to_crm":    {"call_id": g.call, "company_id": g.company, "deal_id": g.deal},
		"directories.list":      {"names": []string{"pipelines"}, "refresh": true},
	}
}

// sixteen calls the sixteen at the same instant.
func (c *center) sixteen(g ground) map[string]reply {
	c.t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	answers, errs := map[string]reply{}, map[string]error{}
	for method, body := range g.calls() {
		group.Go(func() {
			headers := map[string]string{"Idempotency-Key": fmt.Sprintf("round-%d", g.round), "Prefer": "wait=60"}
			got, err := c.send(http.MethodPost, "contact-center/methods/"+method, body, headers)
			mu.Lock()
			defer mu.Unlock()
			answers[method], errs[method] = got, err
		})
	}
	group.Wait()
	for method, err := range errs {
		require.NoError(c.t, err, method)
	}
	return answers
}

// requireRight looks at the answers of the sixteen, and that in the CRM there is
// one of everything.
func (c *center) requireRight(g ground, answers map[string]reply, what string) {
	c.t.Helper()
	t := c.t
	for method, got := range answers {
		want := http.StatusOK
		if slices.Contains([]string{"contact.create", "company.create", "deal.create", "call.create"}, method) {
			want = http.StatusCreated
		}
		require.Equal(t, want, got.status, "%s, %s: %s", method, what, got.raw)
	}
	for method, id := range map[string]int64{"contact.find": g.contact, "company.find": g.company, "deal.find": g.deal} {
		require.Equal(t, []int64{id}, decode[found](t, answers[method]).ids(), "%s, %s", method, what)
	}
	for _, method := range []string{"contact.deals", "company.deals"} {
		require.Contains(t, string(answers[method].raw), fmt.Sprintf(`"id":%d`, g.deal), what)
	}
	require.Contains(t, string(answers["deal.users"].raw), `"responsible"`)
	require.Contains(t, string(answers["directories.list"].raw), `"Subsidies"`)
	c.requireOnce(g, what)
}

func (c *center) requireOnce(g ground, what string) {
	c.t.Helper()
	t := c.t
	name := fmt.Sprintf("Made %d", g.round)
	for _, entityType := range []int{contactType, companyType, dealType} {
		require.Equal(t, 1, c.titled(entityType, name), "type %d, %s", entityType, what)
	}
	contact := c.find("contact.find", object{"id": g.contact}).Candidates[0]
	require.Equal(t, "Ground Updated", contact.Title, what)
	require.Len(t, contact.Phones, 2, what)
	require.Len(t, c.find("company.find", object{"id": g.company}).Candidates[0].Phones, 1, what)
	require.EqualValues(t, 100, c.items(dealType, object{"id": g.deal})[0]["opportunity"])
	for _, id := range []string{g.call, fmt.Sprintf("call-%d", g.round)} {
		calls := c.phoneCalls(id)
		require.Len(t, calls, 1, "%s, %s", id, what)
		require.Len(t, calls[0].Bindings, 3, "%s, %s", id, what)
	}
	record := c.phoneCalls(g.call)[0].Record
	require.NotNil(t, record, what)
	require.Equal(t, 1, record.AttachedTimes, what)
}

// What the portal does to the contact center, one after the other on one stack:
// its faults are for whoever comes next.
func TestContactCenterWhateverThePortalDoes(t *testing.T) {
	t.Parallel()
	c := startCenter(t, options{workers: 2, env: []string{"PUENTE_BITRIX24_TIMEOUT=2s"}})
	for _, test := range []struct {
		name string
		run  func(*center)
	}{
		{"sixteen methods at once", sixteenMethodsEndRight},
		{"what is refused waits for a person", refusedUntilAPersonActs},
		{"a refused field is named", refusedFieldIsNamed},
		{"a call costs three requests and the upload", callCostsThreeRequests},
		{"call and recording once", callAndRecordingOnce},
		{"twenty calls on an expired token", twentyCallsRefreshOnce},
		{"the answer to a refresh is lost", lostRefreshIsTold},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(c.on(t)) })
	}
}

// faultKinds are the ways in which an answer of the portal goes wrong.
func faultKinds(times int) map[string]object {
	kinds := map[string]object{
		"answer lost":             {"kind": "lost_answer"},
		"connection reset":        {"kind": "reset"},
		"502":                     {"kind": "status", "status": 502},
		"error page after commit": {"kind": "html", "status": 502, "when": "after"},
		"request limit":           {"kind": "status", "status": 503},
	}
	if soak(0, 1) == 1 {
		kinds["operating limit"] = object{"kind": "status", "status": 429}
		kinds["timeout after commit"] = object{"kind": "delay", "delay_ms": 4000, "when": "after"}
	}
	for what, rule := range kinds {
		rule["times"] = times
		if what == "request limit" || what == "operating limit" {
			rule["times"] = min(times, 3) // each stops everybody for seconds
		}
	}
	return kinds
}

// sixteenMethodsEndRight: whatever happens to the first dozen of requests, each
// method ends with its right answer and one of everything in the CRM.
func sixteenMethodsEndRight(c *center) {
	faults := faultKinds(12)
	for round, what := range slices.Sorted(maps.Keys(faults)) {
		g := c.prepare(round + 1)
		began := time.Now()
		c.fault(faults[what])
		answers := c.sixteen(g)
		c.noFaults()
		c.requireRight(g, answers, what)
		c.t.Logf("%s: %v", what, time.Since(began).Round(100*time.Millisecond))
	}
}

// refusedUntilAPersonActs: what the portal refuses waits, and goes on when it
// does not refuse any more.
func refusedUntilAPersonActs(c *center) {
	t, g := c.t, c.prepare(50)
	c.fault(object{"kind": "status", "status": 403, "times": -1})
	refused := c.sixteen(g)
	c.noFaults()
	for method, got := range refused {
		require.Equal(t, http.StatusBadGateway, got.status, "%s: %s", method, got.raw)
		doc := decode[problem](t, got)
		require.Equal(t, []string{"ACCESS_DENIED", got.run()}, []string{doc.Code, doc.Run}, method)
		require.Contains(t, doc.Detail, "What to do")
		require.Equal(t, "failed", c.ended(got.run()).Status, method)
	}
	for _, got := range refused {
		c.rerun(got.run(), object{"reason": "the right was given"})
	}
	for method, got := range refused {
		require.Eventually(t, func() bool { return c.ended(got.run()).Status == "done" }, patience*30*time.Second, 100*time.Millisecond, method)
	}
	answers := c.sixteen(g)
	for method, got := range answers {
		require.Equal(t, "true", got.header.Get("Idempotency-Replayed"), method)
	}
	c.requireRight(g, answers, "refused")
}

// refusedFieldIsNamed: the portal's own rule about a field is told with the field.
func refusedFieldIsNamed(c *center) {
	t := c.t
	var field int64
	c.rest("crm.deal.userfield.add", object{"fields": object{
		"FIELD_NAME": "BUDGET", "USER_TYPE_ID": "string", "MANDATORY": "Y", "EDIT_FORM_LABEL": "Budget",
	}}, &field)
	got := c.method("deal.create", "budget", object{"title": "No budget"})
	require.Equal(t, http.StatusUnprocessableEntity, got.status, string(got.raw))
	doc := decode[problem](t, got)
	require.Len(t, doc.Errors, 1, string(got.raw))
	require.Equal(t, "body.fields.UF_CRM_BUDGET", doc.Errors[0].Location)
	require.Zero(t, c.titled(dealType, "No budget"))
	with := c.method("deal.create", "budget-2", object{"title": "With budget", "fields": object{"UF_CRM_BUDGET": "5"}})
	require.Equal(t, http.StatusCreated, with.status, string(with.raw))
	c.rest("crm.deal.userfield.delete", object{"id": field}, nil)
}
