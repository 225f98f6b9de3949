package demo

import (
	"fmt"
	"strings"
	"time"
)

// office writes the waves of the contact center's day. Phones, e-mails and company numbers carry the time at which it
// began, so that it can be played any number of times over the same data.
type office struct {
	stamp int64
	began time.Time
	files string // base address of recordings
	sounds
	crm Regulars
}

// sounds are the recordings of the day.
type sounds struct{ nina, olga, sergey, leonid sound }

func makeSounds() sounds {
	return sounds{
		nina: makeSound("nina.wav", 4, 440), olga: makeSound("olga.wav", 6, 330),
		sergey: makeSound("sergey.wav", 9, 523), leonid: makeSound("leonid.wav", 2, 262),
	}
}

func (s sounds) all() []sound { return []sound{s.nina, s.olga, s.sergey, s.leonid} }

// Numbers of clients.
const (
	olga = iota + 1
	carlos
	vega
	caller304
	leonid
	lease
	twins
	others
	nina
	partner
	pair
	wide
	unknown
	rosa
)

// phone is a number nobody had before today.
func (o office) phone(n int) string {
	return fmt.Sprintf("+795%d%07d", n%10, (o.stamp+int64(n)*7919)%10_000_000)
}

// eight writes a Russian number as people do at home: 8 (9xx) xxx-xx-xx.
func eight(phone string) string { return "8" + strings.TrimPrefix(spaced(phone), "+7") }

func (o office) email(name string) string { return fmt.Sprintf("%s-%d@example.com", name, o.stamp) }

func (o office) key(name string) string { return fmt.Sprintf("%s-%d", name, o.stamp) }

// inn is a taxpayer number with the right check digit that nobody had before today.
func (o office) inn(n int64) string {
	digits := fmt.Sprintf("77%07d", (o.stamp*10+n)%10_000_000)
	sum := 0
	for i, weight := range []int{2, 4, 10, 3, 5, 9, 4, 6, 8} {
		sum += weight * int(digits[i]-'0')
	}
	return fmt.Sprintf("%s%d", digits, sum%11%10)
}

// clock is a time of the call, some minutes before now.
func (o office) clock(minutes int) string {
	return o.began.Add(-time.Duration(minutes) * time.Minute).Format(time.RFC3339)
}

func phones(list ...string) []object { return values(list) }
func emails(list ...string) []object { return values(list) }

func values(list []string) []object {
	out := make([]object, len(list))
	for i, value := range list {
		out[i] = object{"value": value}
	}
	return out
}

func recording(url string) object { return object{"url": url} }

// waves is the whole day before the hour of doubt.
func (o office) waves() []Wave {
	return []Wave{
		{"Six forms and e-mails at once", o.forms()},
		{"A correction, calls, and clients whom the CRM knows", o.calls()},
		{"The same clients again: each one's requests stay in order", o.again()},
	}
}

func (o office) forms() []Inquiry {
	return []Inquiry{
		{
			Title: "Ольга asks for a subsidy on the site, for a new company", Client: "Ольга Ким", Key: o.key("form-olga"),
			Body: object{
				"channel": "site", "product": "subsidy", "comment": "Нужна субсидия на теплицу. Как подать заявку?",
				"contact": object{"name": "Ольга", "last_name": "Ким", "phones": phones(eight(o.phone(olga))), "emails": emails(o.email("olga"))},
				"company": object{"title": "ООО «Теплица»", "inn": o.inn(olga)},
				"fields":  object{"city": "Казань", "area": "2 га"}, "utm": object{"source": "yandex", "campaign": "subsidy"},
			},
			Wants: Wanted{
				Contact: created, Company: created, Deal: created, SameDeal: "subsidy of Olga",
				Person: map[string]string{"NAME": "Ольга", "LAST_NAME": "Ким", "SOURCE_ID": "WEB"}, Firm: map[string]string{"TITLE": "ООО «Теплица»"},
				Offer: map[string]string{"CATEGORY_ID": "2", "STAGE_ID": "C2:NEW", "UF_CRM_CITY": "Казань", "SOURCE_ID": "WEB", "UTM_SOURCE": "yandex"},
				Says:  []string{"Нужна субсидия на теплицу", "area: 2 га", o.inn(olga)},
			},
		},
		{
			Title: "An e-mail from an address, and nothing more", Client: "reader", Key: o.key("mail-reader"), Signed: true,
			Body: object{
				"channel": "email", "product": "consultation", "comment": "Do you work on Sundays?",
				"contact": object{"emails": emails(o.email("reader"))},
			},
			Wants: Wanted{
				Contact: created, Company: none, Deal: created, Offer: map[string]string{"CATEGORY_ID": "0", "SOURCE_ID": "EMAIL"},
				Says: []string{"Do you work on Sundays?"},
			},
		},
		{
			Title: "Carlos writes from Spain, with HTML in his comment", Client: "Carlos", Key: o.key("form-carlos"),
			Body: object{
				"channel": "site", "product": "Credit", "comment": "<b>Hola</b> <script>alert(1)</script> [b]100 €[/b]",
				"contact": object{"name": "Carlos Ruiz", "phones": phones(fmt.Sprintf("+34 6%08d", o.stamp%100_000_000))},
			},
			Wants: Wanted{
				Contact: created, Company: none, Deal: created, Offer: map[string]string{"CATEGORY_ID": "1"},
				Says: []string{"<b>Hola</b> <script>alert(1)</script>", "100 €"},
			},
		},
		{
			Title: "A company whose name has 300 letters", Client: "Вега", Key: o.key("mail-vega"), Signed: true,
			Body: object{
				"channel": "email", "product": "subsidy", "comment": "Просим перезвонить.",
				"contact": object{"name": "Вега", "emails": emails(o.email("vega"))},
				"company": object{"title": longName(), "inn": o.inn(vega)},
			},
			Wants: Wanted{
				Contact: created, Company: created, Deal: created, Note: "title has 300 characters",
				Says: []string{"Сельскохозяйственный", "attached file"},
			},
		},
		{
			Title: "A form with 200 fields", Client: "Wide", Key: o.key("form-wide"), Signed: true,
			Body: object{
				"channel": "site", "product": "consultation", "fields": manyFields(200),
				"contact": object{"name": "Wide", "phones": phones(o.phone(wide))},
			},
			Wants: Wanted{
				Contact: created, Company: none, Deal: created, Offer: map[string]string{"UF_CRM_CITY": "Томск"},
				Says: []string{"question 199: answer 199"},
			},
		},
		{
			Title: "A product that nobody knows counts as a consultation", Client: "Vera", Key: o.key("form-grant"),
			Body: object{"channel": "site", "product": "grant", "contact": object{"name": "Vera", "phones": phones(o.phone(unknown))}},
			Wants: Wanted{
				Contact: created, Company: none, Deal: created, Offer: map[string]string{"CATEGORY_ID": "0"}, Says: []string{"grant"},
			},
		},
	}
}

// longName is what a real register of companies holds now and then.
func longName() string {
	const name = "Сельскохозяйственный производственный кооператив "
	return strings.TrimSpace(string([]rune(strings.Repeat(name, 7))[:300]))
}

func manyFields(n int) object {
	fields := object{"city": "Томск"}
	for i := 1; i < n; i++ {
		fields[fmt.Sprintf("question %d", i)] = fmt.Sprintf("answer %d", i)
	}
	return fields
}
