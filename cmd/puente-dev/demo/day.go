package demo

import (
	"fmt"
	"maps"
)

// knownPeople is how many contacts of the CRM take part in the day.
const knownPeople = 4

// director writes the scenes of a day. Phones and references carry the time at
// which the day began, so that a day can be played any number of times over
// the same data.
type director struct {
	stamp  int64
	people int
	scenes []Scene
}

// Day is the programme of the day that began at stamp (Unix seconds). Known
// are at least four contacts of the CRM.
func Day(stamp int64, known []Known) Programme {
	d := &director{stamp: stamp}
	d.newClients()
	d.returning()
	d.knownClients(known)
	d.roughDeliveries()
	d.rush()
	day := Programme{Scenes: d.scenes}
	d.scenes = nil
	d.mandatoryField()
	day.Parked = d.scenes
	return day
}

// phone is a number nobody had before.
func (d *director) phone() string {
	d.people++
	return fmt.Sprintf("+79%02d%07d", d.people%100, d.stamp%10_000_000)
}

// spaced writes a phone as people do.
func spaced(phone string) string {
	return fmt.Sprintf("%s (%s) %s-%s-%s", phone[:2], phone[2:5], phone[5:8], phone[8:10], phone[10:])
}

// add completes a scene: its reference opens the talk, and what is said must
// stand in the transcript.
func (d *director) add(s Scene) {
	reference := fmt.Sprintf("%d-%02d", d.stamp%100_000, len(d.scenes)+d.people*100)
	s.Script.Close = true
	if s.Person == "" {
		s.Person = s.Script.Client.Name
	}
	if len(s.Script.Messages) > 0 {
		s.Script.Messages[0].Text += " Reference " + reference + "."
	}
	if s.Expect.Status == statusDone {
		s.Expect.Reference = reference
		if s.Script.Repeat == 0 {
			s.Expect.Says = said(s.Script.Messages)
		}
	}
	d.scenes = append(d.scenes, s)
}

// said is what a transcript must hold of a talk: internal notes are not part of it.
func said(lines []line) (out []string) {
	for _, l := range lines {
		if l.From != "client" && l.From != "operator" && l.From != "bot" {
			continue
		}
		if l.Text != "" {
			out = append(out, l.Text)
		}
		for _, a := range l.Attachments {
			out = append(out, a.Link)
		}
	}
	return out
}

// talk alternates between client and operator.
func talk(texts ...string) []line {
	lines := make([]line, len(texts))
	for i, text := range texts {
		lines[i] = line{From: []string{"client", "operator"}[i%2], Text: text}
	}
	return lines
}

// deal is a deal that a channel makes; user is the responsible.
func deal(pipeline, user string) Expect {
	return Expect{Status: statusDone, Kind: "deal", Fields: map[string]string{"CATEGORY_ID": pipeline, "ASSIGNED_BY_ID": user}}
}

func lead(user string) Expect {
	return Expect{Status: statusDone, Kind: "lead", Fields: map[string]string{"ASSIGNED_BY_ID": user}}
}

func (e Expect) with(fields map[string]string) Expect {
	merged := maps.Clone(e.Fields)
	maps.Copy(merged, fields)
	e.Fields = merged
	return e
}

func (e Expect) same(entity string) Expect {
	e.Same = entity
	return e
}

// newClients are people the CRM has never heard of.
func (d *director) newClients() {
	lucia := client{Name: "Lucía Fernández", Phone: spaced(d.phone()), CustomFields: map[string]string{fieldCity: "Madrid"}}
	hello := talk("Hello, what does delivery cost?", "Good morning! 5 EUR within the city.", "Great, here is my address.")
	hello[2].Attachments = []attachment{
		{"map.png", "https://files.example.org/lucia/map.png"}, {"contract.pdf", "https://files.example.org/lucia/contract.pdf"},
	}
	d.add(Scene{Title: "Lucía comes from an advertisement and sends two files", Script: script{
		Client: lucia, ChannelID: whatsApp, OperatorID: ana, Messages: hello, Tags: []int{tagSale}, Score: 5,
		UTM: map[string]string{"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "spring"},
	}, Expect: deal("0", "7").with(map[string]string{"UTM_SOURCE": "google", "UTM_CAMPAIGN": "spring", "UF_CRM_CITY": "Madrid"}).same("lucia")})
	lucia.Phone = digits(lucia.Phone)
	d.add(Scene{Title: "Lucía writes again after the close", Script: script{
		Client: lucia, ChannelID: whatsApp, OperatorID: ana, Messages: talk("One more question: when?", "Tomorrow before noon."),
	}, Expect: deal("0", "7").same("lucia")})
	d.add(Scene{Title: "Lucía asks on Telegram, under another identity", Person: lucia.Name, Later: true, Script: script{
		Client: client{Name: "lucia_f", Phone: "+" + lucia.Phone}, ChannelID: telegram, OperatorID: boris,
		Messages: talk("Is this the same shop?", "It is."),
	}, Expect: deal("0", "7").same("lucia")})
	menu := []line{{From: "client", Text: "/start"}, {From: "bot", Text: "Welcome! Choose a topic."}}
	d.add(Scene{Title: "Pavel writes to the bot with his phone", Script: script{
		Client: client{Name: "Pavel", Phone: d.phone()}, ChannelID: telegram, OperatorID: boris, Tags: []int{tagVIP},
		Messages: append(menu, talk("Prices", "Sent you the list.")...),
		UTM:      map[string]string{"utm_source": "telegram", "utm_campaign": "bot"},
	}, Expect: deal("1", "8").with(map[string]string{"UTM_SOURCE": "telegram", "UTM_CAMPAIGN": "bot"})})
	d.moreNewClients()
}

func (d *director) moreNewClients() {
	d.add(Scene{Title: "Somebody on Telegram without a phone", Person: "ghost", Script: script{
		Client: client{Name: fmt.Sprintf("ghost_%d", d.stamp)}, ChannelID: telegram, OperatorID: ana,
		Messages: talk("Do you have it in blue?", "Yes."),
	}, Expect: deal("1", "7")})
	d.add(Scene{Title: "Mei fills in the form of the site's widget", Script: script{
		Client: client{Name: "Mei Tanaka", Phone: spaced(d.phone())}, ChannelID: widget, OperatorID: ana,
		Messages: talk("I would like a quote.", "For how many?", "For twelve."),
	}, Expect: lead("7")})
	d.add(Scene{Title: "A visitor of the site who gives no phone", Person: "visitor", Script: script{
		Client: client{Name: fmt.Sprintf("Visitor %d", d.stamp)}, ChannelID: widget, OperatorID: boris, Messages: talk("Just looking.", "Welcome!"),
	}, Expect: lead("8")})
	d.add(Scene{Title: "Olga is served by an operator whom Bitrix24 does not know", Script: script{
		Client: client{Name: "Olga", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: chen, Messages: talk("Where is my parcel?", "On its way."),
	}, Expect: deal("0", "1")})
	d.add(Scene{Title: "Hugo is answered by nobody but the bot", Script: script{
		Client: client{Name: "Hugo", Phone: d.phone()}, ChannelID: whatsApp,
		Messages: []line{{From: "client", Text: "Are you open?"}, {From: "bot", Text: "We are open from 9 to 18."}},
	}, Expect: Expect{Status: statusDone, Kind: "deal", Fields: map[string]string{"CATEGORY_ID": "0"}}})
	d.add(Scene{Title: "Amina talks in Arabic, with emoji and a note of the operator", Script: script{
		Client: client{Name: "أمينة", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: ana, Messages: []line{
			{From: "client", Text: "مرحبا 👋"},
			{From: "comment", Text: "Speaks French too"},
			{From: "operator", Text: "أهلا وسهلا 😊"},
			{From: "system", Text: "Assigned"},
		},
	}, Expect: deal("0", "7")})
	d.add(Scene{Title: "Ivan needs three hundred lines", Script: script{
		Client: client{Name: "Ivan", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: boris, Repeat: 300,
		Messages: talk("And what about part {n}?", "Part {n} is in stock."),
	}, Expect: deal("0", "8")})
	d.add(Scene{Title: "A text message, on the channel that goes nowhere", Person: "sms", Script: script{
		Client: client{Name: "Unknown", Phone: d.phone()}, ChannelID: sms, OperatorID: ana, Messages: talk("STOP", "Done."),
	}, Expect: Expect{Status: statusSkipped, NoContact: true}})
}

// returning closes, reopens and closes the same dialog, twice in a row.
func (d *director) returning() {
	clara := client{Name: "Clara", Phone: d.phone()}
	for i, text := range []string{"My invoice is wrong", "It still is", "Thank you, now it is right"} {
		d.add(Scene{Title: fmt.Sprintf("Clara's dialog closes, time %d", i+1), Script: script{
			Client: clara, ChannelID: whatsApp, OperatorID: boris, Messages: talk(text, fmt.Sprintf("Noted, part %d.", i+1)),
		}, Expect: deal("0", "8").same("clara")})
	}
}

// knownClients are contacts of the CRM; only what happens to them is new.
func (d *director) knownClients(known []Known) {
	for i, channel := range []int{whatsApp, telegram, widget, whatsApp} {
		k := known[i%len(known)]
		expect := Expect{Status: statusDone, ContactID: k.ID, Kind: "deal"}
		pipeline := map[int]string{whatsApp: "0", telegram: "1"}[channel]
		expect.EntityID = k.entityFor(pipeline)
		if channel == widget && expect.EntityID == 0 {
			expect.Kind = "lead"
		}
		d.add(Scene{Title: fmt.Sprintf("%s, whom the CRM knows, on channel %d", k.Name, channel), Script: script{
			Client: client{Name: k.Name, Phone: k.Phone}, ChannelID: channel, OperatorID: []int{ana, boris}[i%2],
			Messages: talk("It is me again", "Good to hear from you."),
		}, Expect: expect})
	}
}

// entityFor is the open deal that the rules choose; 0 if a new one is due.
func (k Known) entityFor(pipeline string) int64 {
	if id := k.OpenDeals[pipeline]; id != 0 {
		return int64(id)
	}
	newest := 0
	for _, id := range k.OpenDeals {
		newest = max(newest, id)
	}
	return int64(newest)
}

// roughDeliveries are webhooks that come twice, mixed up, late, or not at all.
func (d *director) roughDeliveries() {
	early := []string{
		"new_client", "new_request", "inbox", "outbox", "dialog_transferred", "add_tag_to_request", "close_request",
	}
	for _, rough := range []struct {
		title   string
		deliver deliver
	}{
		{"every webhook comes twice", deliver{Duplicate: 1}},
		{"the webhooks come in random order", deliver{Shuffle: true}},
		{"three times each, in random order", deliver{Duplicate: 2, Shuffle: true}},
		{"only the close of the dialog is told", deliver{Drop: early}},
		{"all webhooks are two seconds late", deliver{DelayMS: 2000}},
	} {
		d.add(Scene{Title: "Rough: " + rough.title, Person: rough.title, Script: script{
			Client: client{Name: "Rough weather", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: ana, Tags: []int{tagSpam},
			Messages: talk("Can you hear me?", "Loud and clear.", "Good."), Deliver: &rough.deliver,
		}, Expect: deal("0", "7")})
	}
}

// rush is the same second on two channels: five people, two dialogs each.
func (d *director) rush() {
	for i := range 5 {
		phone, name := d.phone(), fmt.Sprintf("Rush %d", i+1)
		for _, channel := range []int{whatsApp, telegram} {
			d.add(Scene{Title: name + " at noon", Burst: "The noon rush", Person: name, Script: script{
				Client: client{Name: name, Phone: phone}, ChannelID: channel, OperatorID: boris, Messages: talk("A table for two, please", "Booked."),
			}, Expect: Expect{Status: statusDone, Kind: "deal", Same: name, Fields: map[string]string{"ASSIGNED_BY_ID": "8"}}})
		}
	}
}

// mandatoryField are the syncs that must park; the last is run again after
// the cause is gone.
func (d *director) mandatoryField() {
	d.add(Scene{Title: "Nadia's deal lacks a mandatory field and waits for a person", Script: script{
		Client: client{Name: "Nadia", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: ana, Messages: talk("I want to sign", "Wonderful."),
	}, Expect: Expect{Status: statusFailed, Words: mandatoryLabel}})
	expect := deal("0", "8")
	expect.Parked = mandatoryLabel
	d.add(Scene{Title: "Tomás's deal lacks it too, and is run again", Script: script{
		Client: client{Name: "Tomás", Phone: d.phone()}, ChannelID: whatsApp, OperatorID: boris,
		Messages: talk("I want to sign as well", "Gladly."),
	}, Expect: expect})
}

func digits(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if text[i] >= '0' && text[i] <= '9' {
			out = append(out, text[i])
		}
	}
	return string(out)
}
