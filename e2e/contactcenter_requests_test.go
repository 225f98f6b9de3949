package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
)

func knownClientIsEdited(c *center) {
	t := c.t
	var contact, company struct {
		Item struct {
			ID int64 `json:"id"`
		} `json:"item"`
	}
	c.rest("crm.item.add", object{"entityTypeId": contactType, "fields": object{
		"name": "Известный", "fm": []object{{"typeId": "PHONE", "valueType": "WORK", "value": "8 (905) 222-00-01"}},
	}}, &contact)
	c.rest("crm.item.add", object{"entityTypeId": companyType, "fields": object{"title": "Известная"}}, &company)
	c.rest("crm.requisite.add", object{"fields": object{
		"ENTITY_TYPE_ID": companyType, "ENTITY_ID": company.Item.ID, "PRESET_ID": 1, "NAME": "Organization", "RQ_INN": inn(200),
	}}, nil)
	got := c.accepted(object{
		"external_id": "known-1", "channel": "site", "product": "credit", "comment": "What does it cost?",
		"contact": object{"name": "Известный", "last_name": "Клиентов", "phones": []object{{"value": "+79052220001"}}, "emails": []object{{"value": "k@example.com"}}},
		"company": object{"title": "Известная", "inn": inn(200), "kpp": "770101001"},
		"fields":  object{"Town": "Tver"},
	})
	require.Equal(t, []string{"found", "found", "created"}, []string{got.outcome("contact"), got.outcome("company"), got.outcome("deal")})
	require.Equal(t, contact.Item.ID, got.entity("contact"))
	require.Equal(t, company.Item.ID, got.entity("company"), "by its INN")
	require.Contains(t, got.Decisions[1].Rule, "INN")
	edited := c.items(contactType, object{"id": contact.Item.ID})[0]
	require.Equal(t, "Клиентов", edited["lastName"])
	deal := c.items(dealType, object{"id": got.entity("deal")})[0]
	require.EqualValues(t, credits, deal["categoryId"])
	require.EqualValues(t, company.Item.ID, deal["companyId"])
	require.EqualValues(t, contact.Item.ID, deal["contactId"])
	require.Equal(t, "Tver", deal["UF_CRM_CITY"])
	for _, on := range []string{"contact", "company", "deal"} {
		comments := c.comments(on, got.entity(on))
		require.Len(t, comments, 1, on)
		require.Contains(t, comments[0].Comment, "What does it cost?")
	}
}

func newClientIsMade(c *center) {
	t := c.t
	body := object{
		"external_id": "new-1", "channel": "email", "product": "credit", "comment": "Good day",
		"contact": object{"name": "Nova", "emails": []object{{"value": "nova@example.com"}}},
		"company": object{"title": "Новая", "inn": inn(210), "legal_name": "ООО Новая"},
	}
	reply := c.request(body)
	require.Equal(t, http.StatusOK, reply.status, string(reply.raw))
	first := decode[requestAnswer](t, reply)
	require.Equal(t, []string{"created", "created", "created"}, []string{first.outcome("contact"), first.outcome("company"), first.outcome("deal")})
	require.Equal(t, "nova@example.com", c.find("contact.find", object{"id": first.entity("contact")}).emails()[0])
	require.Equal(t, []int64{first.entity("company")}, c.find("company.find", object{"inn": inn(210)}).ids())

	row := c.ended(reply.run())
	require.Equal(t, "done", row.Status)
	require.Equal(t, first.entity("deal"), row.entity("deal"))
	contact, company, deal := first.entity("contact"), first.entity("company"), first.entity("deal")
	require.Subset(t, c.steps(reply.run()), []string{
		"find", "contact", "company", "deal", fmt.Sprintf("link-%d-%d", contact, company),
		fmt.Sprint("timeline-contact-", contact), fmt.Sprint("timeline-company-", company), fmt.Sprint("timeline-deal-", deal),
	})
	require.Contains(t, c.details(row.WorkflowID), "no contact of the CRM matches, so a new one is made")
	require.NotContains(t, c.details(row.WorkflowID), "nova@example.com")

	body["external_id"], body["comment"] = "new-2", "Good day again"
	second := c.accepted(body)
	require.Equal(t, "found", second.outcome("deal"), "an open deal in that pipeline is there")
	for _, kind := range []string{"contact", "company", "deal"} {
		require.Equal(t, first.entity(kind), second.entity(kind), kind)
	}
	require.Len(t, c.comments("deal", first.entity("deal")), 2)

	c.made("deal.update", "new-close", object{"id": first.entity("deal"), "stage": "C1:WON"})
	body["external_id"] = "new-3"
	third := c.accepted(body)
	require.Equal(t, "created", third.outcome("deal"), "a closed deal is not touched")
	require.Len(t, c.comments("deal", first.entity("deal")), 2)
}

// emails are those of the only candidate.
func (f found) emails() []string { return f.Candidates[0].Emails }

func subsidyHasItsPipeline(c *center) {
	t := c.t
	body := object{
		"external_id": "subsidy-1", "channel": "site", "product": " Subsidy ", "contact": object{"name": "Farmer", "phones": []object{{"value": "89052220020"}}},
	}
	subsidy := c.accepted(body)
	deal := c.items(dealType, object{"id": subsidy.entity("deal")})[0]
	require.EqualValues(t, subsidies, deal["categoryId"])
	require.Equal(t, "C2:NEW", deal["stageId"])
	require.EqualValues(t, 8, deal["assignedById"], "the product's own user")
	body["external_id"], body["product"] = "subsidy-2", "credit"
	credit := c.accepted(body)
	require.Equal(t, subsidy.entity("contact"), credit.entity("contact"))
	require.NotEqual(t, subsidy.entity("deal"), credit.entity("deal"), "another product, another deal")
	require.EqualValues(t, credits, c.items(dealType, object{"id": credit.entity("deal")})[0]["categoryId"])
}

func correctionUpdates(c *center) {
	t := c.t
	body := object{
		"external_id": "corrected", "channel": "site", "product": "credit", "contact": object{"name": "Wrogn", "phones": []object{{"value": "+79052220030"}}},
	}
	first := c.accepted(body)
	again := c.request(body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"), "the same content is a repetition")
	body["contact"] = object{"name": "Right", "last_name": "Name", "phones": []object{{"value": "+79052220030"}}}
	body["comment"] = "Corrected"
	second := c.accepted(body)
	require.Equal(t, 2, second.Revision)
	for _, kind := range []string{"contact", "deal"} {
		require.Equal(t, first.entity(kind), second.entity(kind))
	}
	require.Equal(t, "Right", c.items(contactType, object{"id": first.entity("contact")})[0]["name"])
	require.Len(t, c.comments("deal", first.entity("deal")), 2, "one for each revision")
	var run struct {
		Revisions []object `json:"revisions"`
	}
	c.call(http.MethodGet, "http://"+c.api+"/v1/portals/demo/contact-center/requests/corrected", nil, &run)
	require.Len(t, run.Revisions, 2)
}

func oddInputHasDefinedResults(c *center) {
	t := c.t
	mail := c.accepted(object{"external_id": "odd-mail", "channel": "site", "contact": object{"emails": []object{{"value": "only@example.com"}}}})
	require.Equal(t, []string{"created", "none"}, []string{mail.outcome("contact"), mail.outcome("deal")}, "no product, no deal")

	foreign := c.accepted(object{"external_id": "odd-phone", "channel": "site", "contact": object{"name": "Ines", "phones": []object{{"value": "+34 600 999 001"}}}})
	require.Equal(t, foreign.entity("contact"), c.find("contact.find", object{"phone": "0034600999001"}).ids()[0])

	title := strings.Repeat("Ж", 300)
	long := c.accepted(object{"external_id": "odd-title", "channel": "site", "company": object{"title": title}})
	stored := fmt.Sprint(c.items(companyType, object{"id": long.entity("company")})[0]["title"])
	require.Equal(t, strings.Repeat("Ж", dialog.MaxTitle-1)+"…", stored, "as much as the CRM takes")
	require.NotEmpty(t, long.Notes)
	again := c.accepted(object{"external_id": "odd-title-2", "channel": "site", "company": object{"title": title}})
	require.Equal(t, long.entity("company"), again.entity("company"), "found again by the shortened title")

	html := c.accepted(object{
		"external_id": "odd-html", "channel": "site", "contact": object{"name": "<b>Bold</b>", "phones": []object{{"value": "+79052220040"}}},
		"comment": `<script>alert("1")</script> [b]x[/b] & $result[0]`,
	})
	comment := c.comments("contact", html.entity("contact"))[0].Comment
	require.Contains(t, comment, `alert("1")`, "the words are there")
	require.NotContains(t, comment, "[b]x[/b]", "but they are only words")
	require.NotContains(t, comment, "$result[0]", "nor a reference of a batch")

	fields := object{}
	for i := range 200 {
		fields[fmt.Sprintf("field %03d", i)] = fmt.Sprintf("value %d", i)
	}
	many := c.accepted(object{"external_id": "odd-fields", "channel": "site", "contact": object{"name": "Many", "emails": []object{{"value": "many@example.com"}}}, "fields": fields})
	text := c.transcript(c.comments("contact", many.entity("contact"))[0])
	for name, value := range fields {
		require.Contains(t, text, fmt.Sprintf("%s: %s", name, value))
	}
}

func unknownProductParksUntilItIsCorrected(c *center) {
	t := c.t
	body := object{
		"external_id": "odd-product", "channel": "site", "product": "moon flight", "contact": object{"name": "Moon", "phones": []object{{"value": "+79052220050"}}},
	}
	got := c.request(body)
	require.Equal(t, http.StatusUnprocessableEntity, got.status, string(got.raw))
	parked := decode[problem](t, got)
	require.Equal(t, "body.product", parked.Errors[0].Location)
	require.Equal(t, got.run(), parked.Run)
	require.Equal(t, "failed", c.ended(got.run()).Status)
	require.Zero(t, c.titled(contactType, "Moon"), "nothing is made before somebody has decided")
	body["product"] = "credit"
	corrected := c.accepted(body)
	require.Equal(t, 2, corrected.Revision)
	require.Equal(t, "done", c.ended(got.run()).Status, "the same run goes on")
	require.EqualValues(t, credits, c.items(dealType, object{"id": corrected.entity("deal")})[0]["categoryId"])
}

func aPersonChoosesAndTheChoiceIsRemembered(c *center) {
	t := c.t
	var ids []int64
	for i := range 2 {
		ids = append(ids, c.made("contact.create", fmt.Sprintf("ask-%d", i), object{"name": "Twin", "phones": []object{{"value": "+79052220060"}}}))
	}
	body := object{"external_id": "ask-1", "channel": "site", "product": "credit", "contact": object{"phones": []object{{"value": "89052220060"}}}}
	got := c.request(body)
	require.Equal(t, http.StatusConflict, got.status, string(got.raw))
	row := c.ended(got.run())
	require.Equal(t, []string{"failed", "CHOICE_NEEDED"}, []string{row.Status, row.Error.Code})
	for _, id := range ids {
		require.Contains(t, row.Error.Text, itoa(id), "the candidates are listed")
	}
	c.rerun(got.run(), object{"reason": "asked her", "choice": object{"contact_id": ids[1]}})
	require.Eventually(t, func() bool { return c.ended(got.run()).Status == "done" }, patience*20*time.Second, 100*time.Millisecond)
	answer := decode[requestAnswer](t, c.request(body))
	require.Equal(t, ids[1], answer.entity("contact"))
	require.Contains(t, answer.Decisions[0].Rule, "a person chose")

	body["external_id"] = "ask-2"
	second := c.accepted(body)
	require.Equal(t, ids[1], second.entity("contact"))
	require.Contains(t, second.Decisions[0].Rule, "remembered", "nobody is asked twice")
	require.Equal(t, answer.entity("deal"), second.entity("deal"))
}

// signed sends a request to the webhook, signed with a key.
func (c *center) signed(body []byte, key string, at time.Time) reply {
	c.t.Helper()
	stamp := itoa(at.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	req, err := http.NewRequest(http.MethodPost, "http://"+c.api+"/webhooks/contact-center/demo", bytes.NewReader(body)) //nolint:noctx // bounded by the test
	require.NoError(c.t, err)
	req.Header.Set("X-Puente-Timestamp", stamp)
	req.Header.Set("X-Puente-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return reply{status: resp.StatusCode, header: resp.Header, raw: raw}
}

func signedRequestsAreTaken(c *center) {
	t := c.t
	body := []byte(`{"external_id":"signed-1","channel":"site","contact":{"name":"Signed","phones":[{"value":"+79052220070"}]}}`)
	for range 2 { // the second time it is a repetition
		got := c.signed(body, "demo-hmac", time.Now())
		require.Equal(t, http.StatusOK, got.status, string(got.raw))
		run := decode[struct {
			Run string `json:"run"`
		}](t, got).Run
		require.Equal(t, "done", c.ended(run).Status)
	}
	require.Equal(t, 1, c.titled(contactType, "Signed"))
	require.Equal(t, http.StatusUnauthorized, c.signed(body, "another key", time.Now()).status)
	require.Equal(t, http.StatusUnauthorized, c.signed(body, "demo-hmac", time.Now().Add(-time.Hour)).status)
	wrong := c.signed([]byte(`{"external_id":"signed-2","channel":"fax","comment":"x"}`), "demo-hmac", time.Now())
	require.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	require.Equal(t, "body.channel", decode[problem](t, wrong).Errors[0].Location)
}

// dialogAndRequestMakeOneContact: one new client writes in a chat and sends a
// form at the same instant.
func dialogAndRequestMakeOneContact(c *center) {
	t := c.t
	const clients = 4
	dialogs, requests := make([]chatIDs, clients), make([]requestAnswer, clients)
	var group sync.WaitGroup
	for i := range clients {
		phone := fmt.Sprintf("+7905222008%d", i)
		group.Go(func() { dialogs[i] = c.play(talk("Both", phone, whatsapp)) })
		group.Go(func() {
			requests[i] = c.accepted(object{
				"external_id": "both-" + phone[11:], "channel": "site", "product": "credit", "contact": object{"name": "Both", "phones": []object{{"value": phone}}},
			})
		})
	}
	group.Wait()
	for i := range clients {
		row := c.syncOf(dialogs[i].Request, time.Minute)
		require.Equal(t, "done", row.Status, row.Error.Text)
		require.Equal(t, requests[i].entity("contact"), row.entity("contact"))
		require.NotZero(t, row.entity("deal"))
	}
	require.Equal(t, clients, c.titled(contactType, "Both"))
}
