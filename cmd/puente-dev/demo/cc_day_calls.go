package demo

// Users of the portal to whom calls and deals go.
const (
	userAnna  = 1 // administrator: stands in for operators that are not mapped
	userOlga  = 7 // op-1
	userPavel = 8 // op-2
)

// Codes of the CRM for calls.
const (
	codeAnswered = "200"
	codeMissed   = "304"
)

func (o office) calls() []Inquiry {
	correction := o.forms()[0]
	correction.Title = "Ольга corrects her form: another e-mail, a better text"
	correction.Body = object{
		"channel": "site", "comment": "Теплица 2 га, нужна субсидия 40 %.", "contact": object{"emails": emails(o.email("olga.kim"))},
	}
	correction.Wants.Revision, correction.Wants.Says = 2, []string{"субсидия 40 %"}
	correction.Wants.Contact, correction.Wants.Company, correction.Wants.Deal = found, found, found
	return []Inquiry{
		correction, o.ninaCalls(), o.missed(),
		{
			Title: "Леонид's call rings", Client: "Леонид", Key: o.key("call-leonid"),
			Body: object{
				"channel": "phone", "contact": object{"name": "Леонид"}, "call": object{
					"call_id": o.key("leonid"), "direction": "incoming", "phone": o.phone(leonid), "operator_id": "op-1", "started_at": o.clock(2),
				},
			},
			Wants: Wanted{Contact: created, Company: none, Deal: none, Call: &WantedCall{Open: true, User: userOlga}},
		},
		{
			Title: "A company that is known by its INN wants a machine", Client: "Фирма", Key: o.key("mail-firm"), Signed: true,
			Body: object{
				"channel": "email", "product": "leasing", "fields": object{"equipment": "Трактор"},
				"contact": object{"name": "Ирина Лунина", "emails": emails(o.email("irina"))}, "company": object{"inn": o.inn(lease)},
			},
			Wants: Wanted{
				Contact: created, Company: found, CompanyID: o.crm.Firm, Deal: created,
				Offer: map[string]string{"CATEGORY_ID": "1", "ASSIGNED_BY_ID": "8"}, Says: []string{"equipment: Трактор"},
			},
		},
		{
			Title: "Two contacts have the phone: the oldest one is taken", Client: "twins", Key: o.key("form-twins"),
			Body: object{"channel": "site", "product": "credit", "contact": object{"name": "Пётр", "phones": phones(o.phone(twins))}},
			Wants: Wanted{
				Contact: found, ContactID: o.crm.Twins[0], Candidates: 2, Rule: "the oldest of 2 that match equally well", Company: none, Deal: created,
			},
		},
		{
			Title: "Leasing without an INN is refused at the door", Client: "nobody", Key: o.key("form-refused"),
			Body:  object{"channel": "site", "product": "leasing", "contact": object{"name": "Ivan"}, "comment": "A tractor, please."},
			Wants: Wanted{Refused: []string{"body.company.inn", "body.fields.equipment"}},
		},
	}
}

func (o office) ninaCalls() Inquiry {
	return Inquiry{
		Title: "Нина calls about her deal; the recording comes by address", Client: "Нина", Key: o.key("call-nina"),
		Body: object{
			"channel": "phone", "product": "consultation", "comment": "Спрашивает о сроках.", "call": object{
				"call_id": o.key("nina"), "direction": "incoming", "phone": eight(o.phone(nina)), "operator_id": "op-1", "line": "+74952000000",
				"started_at": o.clock(12), "status": "answered", "duration": 4, "recording": recording(o.files + o.nina.Name),
			},
		},
		Wants: Wanted{
			Contact: found, ContactID: o.crm.Nina, Company: none, Deal: found, DealID: o.crm.NinaDeal,
			Says: []string{"Спрашивает о сроках."},
			Call: &WantedCall{Code: codeAnswered, User: userOlga, Duration: 4, Sound: &o.nina},
		},
	}
}

func (o office) missed() Inquiry {
	return Inquiry{
		Title: "A missed call from a number nobody knows", Client: "Сергей", Key: o.key("call-missed"), Signed: true,
		Body: object{"channel": "phone", "call": object{
			"call_id": o.key("missed"), "direction": "incoming", "phone": o.phone(caller304), "started_at": o.clock(9), "status": "missed",
		}},
		Wants: Wanted{
			Contact: created, Company: none, Deal: none, Person: map[string]string{"SOURCE_ID": "CALL"},
			Call: &WantedCall{Code: codeMissed, User: userAnna},
		},
	}
}

func (o office) again() []Inquiry {
	return []Inquiry{
		{
			Title: "Ольга on the same subject, by e-mail; told three times at once", Client: "Ольга Ким", Key: o.key("mail-olga"),
			Signed: true, Times: 3,
			Body: object{
				"channel": "email", "product": "subsidy", "contact": object{"emails": emails(o.email("olga.kim"))}, "comment": "Высылаю документы.",
			},
			Wants: Wanted{
				Contact: found, Company: none, Deal: found, SameDeal: "subsidy of Olga",
				Offer: map[string]string{"CATEGORY_ID": "2", "UF_CRM_CITY": "Казань"}, Says: []string{"Высылаю документы."},
			},
		},
		{
			Title: "Ольга on another subject, by phone; the recording is uploaded", Client: "Ольга Ким", Key: o.key("call-olga"), Upload: &o.olga,
			Body: object{"channel": "phone", "product": "credit", "call": object{
				"call_id": o.key("olga"), "direction": "incoming", "phone": o.phone(olga), "operator_id": "op-2",
				"started_at": o.clock(6), "status": "answered", "duration": 6,
			}},
			Wants: Wanted{
				Contact: found, Company: none, Deal: created, SameDeal: "credit of Olga",
				Offer: map[string]string{"CATEGORY_ID": "1", "ASSIGNED_BY_ID": "8", "SOURCE_ID": "CALL"},
				Call:  &WantedCall{Code: codeAnswered, User: userPavel, Duration: 6, Sound: &o.olga},
			},
		},
		o.calledBack(), o.leonidTalked(), o.unmapped(), o.pair("site", "credit", "1"), o.pair("email", "consultation", "0"),
	}
}

func (o office) calledBack() Inquiry {
	return Inquiry{
		Title: "The missed number calls again and is passed to a second operator", Client: "Сергей", Key: o.key("call-sergey"),
		Body: object{
			"channel": "phone", "product": "credit", "contact": object{"name": "Сергей", "last_name": "Котов"}, "call": object{
				"call_id": o.key("sergey"), "direction": "incoming", "phone": eight(o.phone(caller304)), "operator_id": "op-1",
				"transfers": []object{{"operator_id": "op-2", "at": o.clock(4)}}, "started_at": o.clock(5), "status": "answered", "duration": 9,
				"recording": recording(o.files + o.sergey.Name),
			},
		},
		Wants: Wanted{
			Contact: found, Company: none, Deal: created, Person: map[string]string{"LAST_NAME": "Котов"},
			Call: &WantedCall{Code: codeAnswered, User: userPavel, Duration: 9, Sound: &o.sergey},
		},
	}
}

func (o office) leonidTalked() Inquiry {
	return Inquiry{
		Title: "Леонид's call is over: the same request, corrected", Client: "Леонид", Key: o.key("call-leonid"),
		Body: object{"channel": "phone", "product": "consultation", "comment": "Хочет встречу.", "call": object{
			"call_id": o.key("leonid"), "direction": "incoming", "phone": o.phone(leonid), "operator_id": "op-1", "started_at": o.clock(2),
			"status": "answered", "duration": 2, "recording": recording(o.files + o.leonid.Name),
		}},
		Wants: Wanted{
			Revision: 2, Contact: found, Company: none, Deal: created, Says: []string{"Хочет встречу."},
			Call: &WantedCall{Code: codeAnswered, User: userOlga, Duration: 2, Sound: &o.leonid},
		},
	}
}

func (o office) unmapped() Inquiry {
	return Inquiry{
		Title: "An operator calls whom the portal does not know", Client: "partner", Key: o.key("call-partner"), Signed: true,
		Body: object{"channel": "phone", "call": object{
			"call_id": o.key("partner"), "direction": "outgoing", "phone": o.phone(partner), "operator_id": "op-3", "started_at": o.clock(3),
			"status": "answered", "duration": 31,
		}},
		Wants: Wanted{
			Contact: created, Company: none, Deal: none, Note: "op-3", Call: &WantedCall{Code: codeAnswered, User: userAnna, Duration: 31},
		},
	}
}

// pair is one of two requests of a new client that come at the same instant.
func (o office) pair(channel, product, pipeline string) Inquiry {
	return Inquiry{
		Title: "Анна asks twice in one moment: about " + product, Client: "Анна", Key: o.key(channel + "-anna"), Signed: channel == "email",
		Body: object{
			"channel": channel, "product": product,
			"contact": object{"name": "Анна Белова", "phones": phones(o.phone(pair)), "emails": emails(o.email("anna"))},
		},
		Wants: Wanted{Company: none, Deal: created, Offer: map[string]string{"CATEGORY_ID": pipeline}},
	}
}

// afterClose is a request about a product whose deal was won meanwhile.
func (o office) afterClose() Wave {
	return Wave{"Ольга's credit is won; then she asks for another", []Inquiry{{
		Title: "Ольга wants a second credit: the won deal stays as it is", Client: "Ольга Ким", Key: o.key("form-olga-2"),
		Body: object{"channel": "site", "product": "credit", "contact": object{"phones": phones(o.phone(olga))}},
		Wants: Wanted{
			Contact: found, Company: none, Deal: created, SameDeal: "second credit of Olga", Offer: map[string]string{"CATEGORY_ID": "1"},
		},
	}}}
}

// doubt is the hour in which a person is asked who a client is.
func (o office) doubt() []Wave {
	ask := func(title, key string, picks int64, rule string) Inquiry {
		return Inquiry{
			Title: title, Client: "others", Key: o.key(key), Picks: picks,
			Body:  object{"channel": "site", "product": "consultation", "contact": object{"phones": phones(o.phone(others))}},
			Wants: Wanted{Contact: found, ContactID: o.crm.Others[1], Rule: rule, Company: none, SameDeal: "of the others"},
		}
	}
	return []Wave{
		{"From now on a person is asked when several clients match (setting contact_center.ambiguous: ask)", []Inquiry{
			ask("Two contacts have the phone: the request waits, and a person picks", "form-ask", o.crm.Others[1], "a person chose"),
		}},
		{"The choice is remembered", []Inquiry{ask("The same client again: nobody is asked", "form-ask-2", 0, "remembered link")}},
	}
}
