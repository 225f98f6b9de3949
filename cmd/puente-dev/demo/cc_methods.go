package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// MethodRow is one of the sixteen methods and what it answered.
type MethodRow struct {
	Method     string
	HTTP       int
	Shown      string // the answer in a few words
	Mismatches []string
}

// methodAnswer holds what the demo reads of the answers of all methods.
type methodAnswer struct {
	Entity
	Created    bool       `json:"created"`
	Changed    []string   `json:"changed"`
	Candidates []struct { // of the finds
		Entity
		MatchedBy []struct {
			By string `json:"by"`
		} `json:"matched_by"`
		Deals []Entity `json:"deals"`
	} `json:"candidates"`
	Deals []struct {
		Entity
		Pipeline int64 `json:"pipeline"`
	} `json:"deals"`
	Users []struct {
		Entity
		Name  string   `json:"name"`
		Roles []string `json:"roles"`
	} `json:"users"`
	State       string   `json:"state"`
	Bound       []Entity `json:"bound"`
	SHA256      string   `json:"sha256"`
	Directories map[string]struct {
		Items []object `json:"items"`
	} `json:"directories"`
}

// methodCall is one call; shown says the answer in a few words, and what is wrong with it.
type methodCall struct {
	method string
	body   object
	status int
	shown  func(methodAnswer, *faults) string
}

// sixteen calls each method once, for a client of its own.
func (c *center) sixteen(ctx context.Context) error {
	c.say("Each of the sixteen methods is called once.")
	person, err := c.created(ctx, "contact.create", object{
		"name": "Роза", "last_name": "Мур", "phones": phones(c.office.phone(rosa)), "emails": emails(c.office.email("rosa")),
		"external_id": c.office.key("client-rosa"),
	})
	if err != nil {
		return err
	}
	firm, err := c.created(ctx, "company.create", object{
		"title": fmt.Sprintf("ООО «Роза» %d", c.office.stamp), "inn": c.office.inn(rosa), "contact_ids": []int64{person},
	})
	if err != nil {
		return err
	}
	deal, err := c.created(ctx, "deal.create", object{
		"title": "Субсидия на розы", "product": "subsidy", "contact_ids": []int64{person}, "company_id": firm, "amount": 150000, "currency": "RUB",
		"external_id": c.office.key("deal-rosa"),
	})
	if err != nil {
		return err
	}
	for _, call := range append(c.office.looks(person, firm, deal), c.office.changes(person, firm, deal)...) {
		if _, err := c.call(ctx, call); err != nil {
			return err
		}
	}
	return nil
}

// created makes an entity, and repeats the call: it must stay one.
func (c *center) created(ctx context.Context, method string, body object) (int64, error) {
	id := int64(0)
	for range 2 {
		answer, err := c.call(ctx, methodCall{method, body, http.StatusCreated, func(a methodAnswer, f *faults) string {
			f.add(!a.Created || a.ID == 0, "nothing was created")
			f.add(id != 0 && a.ID != id, "the repetition made %s %d beside %d", a.Kind, a.ID, id)
			return fmt.Sprintf("%s %d", a.Kind, a.ID)
		}})
		if err != nil {
			return 0, err
		}
		id = answer.ID
	}
	last := len(c.report.Methods) - 1 // one line for both
	first, again := c.report.Methods[last-1], c.report.Methods[last]
	first.Mismatches = append(first.Mismatches, again.Mismatches...)
	first.Shown += ", also when called again"
	c.report.Methods = append(c.report.Methods[:last-1], first)
	return id, nil
}

// call runs a method and notes how it went.
func (c *center) call(ctx context.Context, m methodCall) (answer methodAnswer, err error) {
	key := c.office.key(m.method)
	with := caller{c.api.http, c.api.base, c.api.header.Clone()}
	with.header.Set("Idempotency-Key", key)
	with.header.Set("Prefer", "wait=60")
	row := MethodRow{Method: m.method}
	row.HTTP, err = with.status(ctx, http.MethodPost, "/methods/"+m.method, m.body, &answer)
	var refused *httpError
	if err != nil && !errors.As(err, &refused) {
		return answer, err
	}
	var f faults
	if f.add(row.HTTP != m.status, "HTTP %d instead of %d: %v", row.HTTP, m.status, err); len(f) == 0 {
		row.Shown = m.shown(answer, &f)
	}
	row.Mismatches = f
	c.report.Methods = append(c.report.Methods, row)
	return answer, nil
}

// looks are the methods that change nothing.
func (o office) looks(person, firm, deal int64) []methodCall {
	finds := func(kind string, id int64, by string) func(methodAnswer, *faults) string {
		return func(a methodAnswer, f *faults) string {
			if f.add(len(a.Candidates) != 1 || a.Candidates[0].ID != id, "not %s %d alone was found: %v", kind, id, a.Candidates); len(*f) > 0 {
				return ""
			}
			f.add(a.Candidates[0].MatchedBy[0].By != by, "found by %s instead of %s", a.Candidates[0].MatchedBy[0].By, by)
			return fmt.Sprintf("%s %d, found by %s%s", kind, id, by, dealsShown(a.Candidates[0].Deals))
		}
	}
	hasDeal := func(a methodAnswer, f *faults) string {
		f.add(len(a.Deals) != 1 || a.Deals[0].ID != deal || a.Deals[0].Pipeline != 2, "not deal %d in pipeline 2 alone: %v", deal, a.Deals)
		return fmt.Sprintf("deal %d", deal)
	}
	return []methodCall{
		{"contact.find", object{"phone": eight(o.phone(rosa)), "with_deals": true}, http.StatusOK, finds("contact", person, "phone")},
		{"company.find", object{"inn": o.inn(rosa)}, http.StatusOK, finds("company", firm, "inn")},
		{"deal.find", object{"external_id": o.key("deal-rosa")}, http.StatusOK, finds("deal", deal, "external_id")},
		{"contact.deals", object{"email": o.email("rosa")}, http.StatusOK, hasDeal},
		{"company.deals", object{"inn": o.inn(rosa)}, http.StatusOK, hasDeal},
		{"deal.users", object{"id": deal}, http.StatusOK, func(a methodAnswer, f *faults) string {
			f.add(len(a.Users) == 0 || !slices.Contains(a.Users[0].Roles, "responsible"), "nobody is responsible: %v", a.Users)
			return fmt.Sprintf("%s is %s", a.Users[0].Name, strings.Join(a.Users[0].Roles, ", "))
		}},
		{"directories.list", object{"refresh": true}, http.StatusOK, func(a methodAnswer, f *faults) string {
			f.add(len(a.Directories["pipelines"].Items) < 3 || len(a.Directories) != 11, "directories are missing: %v", sortedKeys(a.Directories))
			return fmt.Sprintf("%d directories, %d pipelines", len(a.Directories), len(a.Directories["pipelines"].Items))
		}},
	}
}

// dealsShown names the deals of a candidate.
func dealsShown(deals []Entity) string {
	if len(deals) == 0 {
		return ""
	}
	return fmt.Sprintf(", with deal %d", deals[0].ID)
}

// changes are the methods that write, after the creates.
func (o office) changes(person, firm, deal int64) []methodCall {
	changed := func(kind string, id int64) func(methodAnswer, *faults) string {
		return func(a methodAnswer, f *faults) string {
			f.add(a.ID != id || a.Created || len(a.Changed) == 0, "%s %d was not changed", kind, id)
			return fmt.Sprintf("%s %d: %v", kind, id, a.Changed)
		}
	}
	bound := func(want int) func(methodAnswer, *faults) string {
		return func(a methodAnswer, f *faults) string {
			f.add(a.State != "finished" || len(a.Bound) != want, "%s, bound to %v", a.State, a.Bound)
			return fmt.Sprintf("call %s, on %s", a.State, names(a.Bound))
		}
	}
	call := o.key("rosa")
	return []methodCall{
		{"contact.update", object{"id": person, "post": "Директор"}, http.StatusOK, changed("contact", person)},
		{"company.update", object{"id": firm, "kpp": "770801001"}, http.StatusOK, changed("company", firm)},
		{"deal.update", object{"id": deal, "stage": "C2:EXECUTING"}, http.StatusOK, changed("deal", deal)},
		{"call.create", object{
			"call_id": call, "direction": "outgoing", "phone": o.phone(rosa), "operator_id": "op-1", "started_at": o.clock(1),
			"status": "answered", "duration": 2, "contact_id": person,
		}, http.StatusCreated, bound(1)},
		{"call.attach_recording", object{"call_id": call, "url": o.files + o.leonid.Name}, http.StatusOK, func(a methodAnswer, f *faults) string {
			f.add(a.SHA256 != o.leonid.SHA256(), "another file was attached")
			return fmt.Sprintf("attached, %d bytes", len(o.leonid.Body))
		}},
		{"call.attach_to_crm", object{"call_id": call, "company_id": firm, "deal_id": deal}, http.StatusOK, bound(3)},
	}
}
