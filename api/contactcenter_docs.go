package api

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"puente/contactcenter"
)

// submissionDoc describes one way of submitting. The types of the examples are
// the schemas.
type submissionDoc struct {
	method  contactcenter.Method // "" = the request
	summary string
	input   any
	answer  any
	creates bool // answers 201 for what is new
}

// submits describes body, answers and problems of a submission. The body is
// read by package contactcenter, which names wrong fields better than a schema.
func (s *server) submits(d submissionDoc) func(*huma.Operation) {
	return func(op *huma.Operation) {
		s.takes(d.input)(op)
		s.bodies[op.OperationID].Content[jsonType].Example = d.input
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusGone,
			http.StatusRequestEntityTooLarge, http.StatusBadGateway, http.StatusServiceUnavailable)
		op.Responses = map[string]*huma.Response{}
		s.answers(op, http.StatusOK, "The answer of the method", d.answer, d.answer)
		if d.creates {
			s.answers(op, http.StatusCreated, "It was created", d.answer, d.answer)
		}
		s.answers(op, http.StatusAccepted, "Accepted, not answered yet: poll Location", Run{}, nil)
		op.Description = describeSubmission(d)
	}
}

func (s *server) answers(op *huma.Operation, status int, description string, of, example any) {
	op.Responses[strconv.Itoa(status)] = &huma.Response{Description: description, Content: map[string]*huma.MediaType{
		jsonType: {Schema: s.schema(of), Example: example},
	}}
}

func describeSubmission(d submissionDoc) string {
	const waits = "Waits for the answer as long as Prefer: wait=N says (10 s without it, 60 at most), " +
		"else answers 202 with the address of the run. "
	switch {
	case d.method == "":
		return waits + "The same external_id with another body corrects the request; the newest body, or an earlier one within ten " +
			"minutes, is a repetition. Idempotency-Key is optional."
	case d.method.ReadOnly():
		return waits + "Idempotency-Key is optional."
	default:
		return waits + "Idempotency-Key is required: the same key and body get the same answer for ever, the same key with another body 422."
	}
}

// Values of the examples.
var (
	examplePhone  = contactcenter.Multi{Value: "+7 495 123-45-67", Type: "MOBILE"}
	exampleEmail  = contactcenter.Multi{Value: "ivanova@example.ru", Type: "WORK"}
	exampleAmount = 150000.0
	exampleUser   = contactcenter.User{ID: 7, Name: "Anna Petrova"}
)

const (
	exampleCallID   = "call-2026-000042"
	exampleUpload   = "0198f0a1-7c3e-7d2a-b5b4-3f1e2d4c5b6a"
	exampleSHA256   = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	exampleDealURL  = "https://example.bitrix24.ru/crm/deal/details/215/"
	exampleBitrixID = "externalCall.9f1c"
)

func exampleRef(kind string, id int64) contactcenter.Ref {
	return contactcenter.Ref{Kind: kind, ID: id}
}

func exampleDeal() contactcenter.DealBrief {
	return contactcenter.DealBrief{
		ID: 215, Title: "Subsidy for greenhouses", Pipeline: 2, Stage: "C2:NEW", Open: true, Amount: exampleAmount, Currency: "RUB",
		ContactID: 101, CompanyID: 55, ResponsibleID: 7, URL: exampleDealURL,
	}
}

func exampleFound(kind string, id int64, title, by string) contactcenter.Found {
	c := contactcenter.Candidate{
		Ref: exampleRef(kind, id), Title: title, MatchedBy: []contactcenter.Match{{By: by}}, Responsible: exampleUser,
		URL: "https://example.bitrix24.ru/crm/" + kind + "/details/" + strconv.FormatInt(id, 10) + "/",
	}
	if kind != "deal" {
		c.Phones, c.Deals = []string{"+74951234567"}, []contactcenter.DealBrief{exampleDeal()}
	}
	return contactcenter.Found{Candidates: []contactcenter.Candidate{c}}
}

func exampleSaved(kind string, id int64, created bool, changed ...string) contactcenter.Saved {
	return contactcenter.Saved{
		Ref: exampleRef(kind, id), URL: "https://example.bitrix24.ru/crm/" + kind + "/details/" + strconv.FormatInt(id, 10) + "/",
		Created: created, Changed: changed,
	}
}

func exampleDeals(kind string, id int64) contactcenter.Deals {
	return contactcenter.Deals{Of: []contactcenter.Ref{exampleRef(kind, id)}, Deals: []contactcenter.DealBrief{exampleDeal()}}
}
