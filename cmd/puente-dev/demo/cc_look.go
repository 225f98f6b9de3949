package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// seen is how an inquiry stands in the CRM, by kind of entity.
type seen struct {
	Fields   map[string]map[string]text
	Comments map[string][]string // with the mark of the inquiry
	Calls    []phoneCall         // with its id
	Notices  int                 // notifications about it
}

// phoneCall is a call as the sandbox shows it.
type phoneCall struct {
	External string    `json:"external_call_id"`
	User     int64     `json:"user_id"`
	Finished bool      `json:"finished"`
	Code     string    `json:"status_code"`
	Duration int       `json:"duration"`
	Bound    []binding `json:"bindings"`
	Record   *record   `json:"record"`
}

// binding is an entity on whose timeline a call stands.
type binding struct {
	Type int   `json:"entity_type_id"`
	ID   int64 `json:"entity_id"`
}

// record is the recording of a call.
type record struct {
	SHA256 string `json:"sha256"`
	Times  int    `json:"attached_times"`
}

// on tells whether the call stands on the timeline of an entity.
func (p phoneCall) on(e Entity) bool {
	for _, b := range p.Bound {
		if b.Type == kindNumbers[e.Kind] && b.ID == e.ID {
			return true
		}
	}
	return false
}

// kindNumbers are the CRM's numbers of kinds.
var kindNumbers = map[string]int{"deal": 2, "contact": 3, "company": 4}

// marker is the last line of the comments about an inquiry.
func (in Inquiry) marker() string {
	mark := "puente:request:" + in.Key
	if in.revision() > 1 {
		mark += "." + strconv.Itoa(in.revision())
	}
	return mark
}

// look reads how the rows stand in the CRM: entities and comments in batches, calls and notifications at the controls
// of the sandbox.
func (c *center) look(ctx context.Context) error {
	// Counted before the demo itself asks the portal about every row.
	stats, err := c.crm.stats(ctx)
	if err != nil {
		return err
	}
	c.report.Portal = stats
	commands := map[string]string{}
	for i := range c.report.Rows {
		c.report.Rows[i].questions(commands)
	}
	answers := map[string]json.RawMessage{}
	if err := c.crm.batches(ctx, commands, answers); err != nil {
		return err
	}
	var calls []phoneCall
	var notices []struct {
		Tag string `json:"tag"`
	}
	site := caller{c.crm.http, strings.TrimRight(c.crm.site, "/"), nil}
	if err := site.do(ctx, http.MethodGet, "/sandbox/calls", nil, &calls); err != nil {
		return err
	}
	if err := site.do(ctx, http.MethodGet, "/sandbox/notifications", nil, &notices); err != nil {
		return err
	}
	for i := range c.report.Rows {
		row := &c.report.Rows[i]
		row.hear(answers)
		row.Seen.Calls = slices.DeleteFunc(slices.Clone(calls), func(p phoneCall) bool { return p.External != row.callID() })
		for _, n := range notices {
			if n.Tag == "puente|"+row.Inquiry.marker() {
				row.Seen.Notices++
			}
		}
	}
	return nil
}

// callID is the contact center's id of the call; "" if there is none.
func (r *CenterRow) callID() string {
	call, _ := r.Inquiry.Body["call"].(object)
	id, _ := call["call_id"].(string)
	return id
}

// questions are the batch commands that show how a row stands in the CRM.
func (r *CenterRow) questions(commands map[string]string) {
	for _, e := range r.Answer.Timeline {
		id := strconv.FormatInt(e.ID, 10)
		comments := url.Values{
			"filter[ENTITY_ID]": {id}, "filter[ENTITY_TYPE]": {e.Kind}, "order[ID]": {"DESC"}, "select[]": {"ID", "COMMENT"},
		}
		commands[e.Kind+id] = "crm." + e.Kind + ".get?id=" + id
		commands[e.Kind+id+"_comments"] = "crm.timeline.comment.list?" + comments.Encode()
	}
}

// hear notes what the CRM answered; a missing entity has no fields, and is judged so.
func (r *CenterRow) hear(answers map[string]json.RawMessage) {
	r.Seen = seen{Fields: map[string]map[string]text{}, Comments: map[string][]string{}}
	for _, e := range r.Answer.Timeline {
		name := e.Kind + strconv.FormatInt(e.ID, 10)
		fields := map[string]text{}
		_ = json.Unmarshal(answers[name], &fields) // as said
		r.Seen.Fields[e.Kind] = fields
		var comments []struct {
			Comment string `json:"COMMENT"`
		}
		_ = json.Unmarshal(answers[name+"_comments"], &comments) // as said
		for _, one := range comments {
			if strings.HasSuffix(strings.TrimSpace(one.Comment), r.Inquiry.marker()) {
				r.Seen.Comments[e.Kind] = append(r.Seen.Comments[e.Kind], one.Comment)
			}
		}
	}
}

// regulars makes what the CRM is to know before the contact center begins.
func (c crm) regulars(ctx context.Context, o office) (r Regulars, err error) {
	add := func(method string, fields object) (id int64) {
		if err != nil {
			return 0
		}
		var made text
		err = c.method(ctx, method, object{"fields": fields}, &made)
		return made.id()
	}
	contact := func(name, lastName, phone string) int64 {
		return add("crm.contact.add", object{
			"NAME": name, "LAST_NAME": lastName, "ASSIGNED_BY_ID": userOlga, "PHONE": []object{{"VALUE": phone, "VALUE_TYPE": "MOBILE"}},
		})
	}
	r.Nina = contact("Нина", "Громова", o.phone(nina))
	r.NinaDeal = add("crm.deal.add", object{"TITLE": "Consultation for Нина", "CATEGORY_ID": 0, "CONTACT_ID": r.Nina, "ASSIGNED_BY_ID": userOlga})
	r.Firm = add("crm.company.add", object{"TITLE": fmt.Sprintf("АО «Луна» %d", o.stamp), "ASSIGNED_BY_ID": userPavel})
	add("crm.requisite.add", object{
		"ENTITY_TYPE_ID": kindNumbers["company"], "ENTITY_ID": r.Firm, "PRESET_ID": 1, "NAME": "Organization", "RQ_INN": o.inn(lease),
	})
	r.Twins = [2]int64{contact("Пётр", "Иванов", o.phone(twins)), contact("Петр", "Иванов", eight(o.phone(twins)))}
	r.Others = [2]int64{contact("Мария", "Сок", o.phone(others)), contact("Марина", "Сок", eight(o.phone(others)))}
	return r, err
}
