package api

import (
	"time"

	"puente/contactcenter"
)

// methodDocs describe the sixteen methods, in the order of the documentation.
func methodDocs() []submissionDoc {
	all := append(contactDocs(), companyDocs()...)
	all = append(all, dealDocs()...)
	return append(all, callDocs()...)
}

func contactDocs() []submissionDoc {
	return []submissionDoc{
		{
			method: contactcenter.ContactFind, summary: "Find contacts by id, phone, e-mail or name",
			input:  contactcenter.ContactQuery{Phone: "8 (495) 123-45-67", WithDeals: true},
			answer: exampleFound("contact", 101, "Maria Ivanova", "phone"),
		}, {
			method: contactcenter.ContactCreate, summary: "Create a contact", creates: true,
			input: contactcenter.ContactData{
				Name: "Maria", LastName: "Ivanova", Phones: []contactcenter.Multi{examplePhone}, Emails: []contactcenter.Multi{exampleEmail},
				Common: contactcenter.Common{ExternalID: "client-4711", Source: "WEB"},
			},
			answer: exampleSaved("contact", 101, true),
		}, {
			method: contactcenter.ContactUpdate, summary: "Change what is given of a contact",
			input: contactcenter.ContactUpdateInput{
				ID: 101, ContactData: contactcenter.ContactData{Post: "Director", Phones: []contactcenter.Multi{examplePhone}},
				Guard: contactcenter.Guard{IfUnchangedSince: exampleTime(9, 0)},
			},
			answer: exampleSaved("contact", 101, false, "post", "fm"),
		}, {
			method: contactcenter.ContactDeals, summary: "Deals of a contact, by its id, phone or e-mail",
			input:  contactcenter.ContactDealsQuery{Email: exampleEmail.Value, OpenOnly: true},
			answer: exampleDeals("contact", 101),
		},
	}
}

func companyDocs() []submissionDoc {
	return []submissionDoc{
		{
			method: contactcenter.CompanyFind, summary: "Find companies by title, phone, INN, KPP or OGRN, with their deals",
			input:  contactcenter.CompanyQuery{INN: "7707083893"},
			answer: exampleFound("company", 55, "Romashka", "inn"),
		}, {
			method: contactcenter.CompanyCreate, summary: "Create a company with its requisites", creates: true,
			input: contactcenter.CompanyData{
				Title: "Romashka", INN: "7707083893", LegalName: "Romashka LLC", ContactIDs: []int64{101},
			},
			answer: exampleSaved("company", 55, true),
		}, {
			method: contactcenter.CompanyUpdate, summary: "Change what is given of a company",
			input:  contactcenter.CompanyUpdateInput{ID: 55, CompanyData: contactcenter.CompanyData{KPP: "773601001"}},
			answer: exampleSaved("company", 55, false, "RQ_KPP"),
		}, {
			method: contactcenter.CompanyDeals, summary: "Deals of a company, by its id, title or INN",
			input:  contactcenter.CompanyDealsQuery{INN: "7707083893"},
			answer: exampleDeals("company", 55),
		},
	}
}

func dealDocs() []submissionDoc {
	return []submissionDoc{
		{
			method: contactcenter.DealFind, summary: "Find deals by title, client, product, pipeline, stage or external id",
			input:  contactcenter.DealQuery{ContactID: 101, Product: "subsidy", OpenOnly: true},
			answer: exampleFound("deal", 215, "Subsidy for greenhouses", "title"),
		}, {
			method: contactcenter.DealCreate, summary: "Create a deal in the pipeline of its product", creates: true,
			input: contactcenter.DealData{
				Title: "Subsidy for greenhouses", Product: "subsidy", ContactIDs: []int64{101}, CompanyID: 55, Amount: &exampleAmount, Currency: "RUB",
			},
			answer: exampleSaved("deal", 215, true),
		}, {
			method: contactcenter.DealUpdate, summary: "Change what is given of a deal",
			input:  contactcenter.DealUpdateInput{ID: 215, DealData: contactcenter.DealData{Stage: "C2:EXECUTING"}},
			answer: exampleSaved("deal", 215, false, "stageId"),
		}, {
			method: contactcenter.DealUsers, summary: "Who works on a deal, and whether they work now",
			input: contactcenter.DealUsersQuery{ID: 215},
			answer: contactcenter.DealUsersAnswer{DealID: 215, Users: []contactcenter.DealUser{{
				User: exampleUser, Roles: []string{"responsible", "creator"}, Phones: []string{"+74951112233"}, Active: true, Working: "opened",
			}}},
		},
	}
}

func callDocs() []submissionDoc {
	call := contactcenter.CallAnswer{
		CallID: exampleCallID, BitrixCallID: exampleBitrixID, State: "finished", ActivityID: 330, UserID: 7, Recording: "pending",
		Bound: []contactcenter.Ref{exampleRef("contact", 101), exampleRef("company", 55), exampleRef("deal", 215)},
	}
	return []submissionDoc{
		{
			method: contactcenter.CallCreate, summary: "Write down a call, while it goes on or when it has ended", creates: true,
			input: exampleCall(), answer: call,
		}, {
			method: contactcenter.CallAttachRecording, summary: "Attach a recording to a call, from a URL or an upload",
			input: contactcenter.AttachRecordingInput{CallID: exampleCallID, Recording: contactcenter.Recording{RecordingID: exampleUpload}},
			answer: contactcenter.RecordingAnswer{
				CallID: exampleCallID, FileID: 902, Bytes: 1_048_620, SHA256: exampleSHA256,
			},
		}, {
			method: contactcenter.CallAttachToCRM, summary: "Bind a call to a contact, a company and a deal",
			input:  contactcenter.AttachToCRMInput{CallID: exampleCallID, CompanyID: 55, DealID: 215},
			answer: call,
		}, {
			method: contactcenter.DirectoriesList, summary: "Pipelines, stages, sources, currencies, types, fields and users of the portal",
			input: contactcenter.DirectoriesQuery{Names: []string{contactcenter.Pipelines}},
			answer: contactcenter.Directories{Directories: map[string]contactcenter.Directory{contactcenter.Pipelines: {
				Items:   []contactcenter.DirectoryItem{{ID: "0", Name: "Sales"}, {ID: "2", Name: "Subsidies"}},
				SavedAt: *exampleTime(9, 0), AgeSeconds: 120,
			}}},
		},
	}
}

func requestDoc() submissionDoc {
	call := exampleCall()
	return submissionDoc{
		input: contactcenter.Request{
			ExternalID: "form-2026-00017", Channel: contactcenter.Phone, Product: "subsidy", OccurredAt: *exampleTime(10, 30),
			Contact: &contactcenter.ContactData{Name: "Maria", LastName: "Ivanova", Phones: []contactcenter.Multi{examplePhone}},
			Company: &contactcenter.CompanyData{Title: "Romashka", INN: "7707083893"},
			Deal:    &contactcenter.DealData{Title: "Subsidy for greenhouses"},
			Call:    &call, Comment: "Wants to know which papers are needed", Fields: map[string]string{"region": "Tula"},
		},
		answer: contactcenter.RequestAnswer{
			ExternalID: "form-2026-00017", Revision: 1, Decisions: []contactcenter.Decision{
				{Kind: "contact", Outcome: "found", ID: 101, Rule: "phone", Candidates: []int64{101}},
				{Kind: "company", Outcome: "created", ID: 55, Rule: "no company with this INN"},
				{Kind: "deal", Outcome: "created", ID: 215, Rule: "no open deal in pipeline 2"},
			},
			Timeline: []contactcenter.Ref{exampleRef("contact", 101), exampleRef("company", 55), exampleRef("deal", 215)},
		},
	}
}

func exampleCall() contactcenter.Call {
	return contactcenter.Call{
		CallID: exampleCallID, Direction: contactcenter.Incoming, Phone: examplePhone.Value, OperatorID: "operator-12",
		StartedAt: *exampleTime(10, 25), Status: contactcenter.Answered, Duration: 184,
		Recording: &contactcenter.Recording{URL: "https://records.example.com/2026/000042.mp3"},
	}
}

func exampleTime(hour, minute int) *time.Time {
	t := time.Date(2026, 3, 2, hour, minute, 0, 0, time.UTC)
	return &t
}
