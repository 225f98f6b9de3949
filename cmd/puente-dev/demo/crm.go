package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"puente/internal/wait"
)

// crm is the sandbox Bitrix24, spoken to over its inbound webhook.
type crm struct {
	caller
	site string
}

// The user field that stops deals for an hour.
const (
	mandatoryField = "UF_CRM_DEMO_CONTRACT"
	mandatoryLabel = "Contract number"
)

// portalPatience is how long the demo waits when the portal's limit is used up.
const portalPatience = time.Minute

// method calls a method; it waits while the portal refuses because of its limit.
func (c crm) method(ctx context.Context, name string, params, result any) error {
	answer := struct {
		Result any  `json:"result"`
		Total  *int `json:"total"`
	}{Result: result}
	if total, ok := result.(*int); ok {
		answer.Result, answer.Total = nil, total
	}
	for until := time.Now().Add(portalPatience); ; {
		err := c.do(ctx, http.MethodPost, "/"+name, params, &answer)
		var refused *httpError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || time.Now().After(until) {
			return err
		}
		if err := wait.For(ctx, time.Second); err != nil {
			return err
		}
	}
}

// contacts counts the contacts of the CRM.
func (c crm) contacts(ctx context.Context) (total int, err error) {
	err = c.method(ctx, "crm.contact.list", map[string]any{"select": []string{"ID"}}, &total)
	return total, err
}

// stats are the counters of the portal since its start.
func (c crm) stats(ctx context.Context) (PortalStats, error) {
	var out PortalStats
	err := caller{c.http, strings.TrimRight(c.site, "/"), nil}.do(ctx, http.MethodGet, "/sandbox/stats", nil, &out)
	return out, err
}

// classicContact is a row of crm.contact.list.
type classicContact struct {
	ID       text
	Name     string `json:"NAME"`
	LastName string `json:"LAST_NAME"`
	Phones   []struct {
		Value string `json:"VALUE"`
	} `json:"PHONE"`
}

// known are contacts that have a phone no other contact has, with their open
// deals. If the CRM holds too few, the rest is made.
func (c crm) known(ctx context.Context, count int, stamp int64) ([]Known, error) {
	var rows []classicContact
	params := map[string]any{"select": []string{"ID", "NAME", "LAST_NAME", "PHONE"}, "order": map[string]string{"ID": "ASC"}}
	if err := c.method(ctx, "crm.contact.list", params, &rows); err != nil {
		return nil, err
	}
	known := unique(rows, count)
	for i := len(known); i < count; i++ {
		made, err := c.makeContact(ctx, i, stamp)
		if err != nil {
			return nil, err
		}
		known = append(known, made)
	}
	for i := range known {
		deals, err := c.openDeals(ctx, known[i].ID)
		if err != nil {
			return nil, err
		}
		known[i].OpenDeals = deals
	}
	return known, nil
}

// unique picks contacts that can be recognised by an international phone.
func unique(rows []classicContact, count int) (out []Known) {
	holders := map[string]int{}
	for _, row := range rows {
		for _, p := range row.Phones {
			holders[digits(p.Value)]++
		}
	}
	for _, row := range rows {
		if len(out) == count {
			break
		}
		if len(row.Phones) == 1 && strings.HasPrefix(row.Phones[0].Value, "+") && holders[digits(row.Phones[0].Value)] == 1 {
			out = append(out, Known{
				ID: row.ID.id(), Name: strings.TrimSpace(row.Name + " " + row.LastName), Phone: "+" + digits(row.Phones[0].Value),
			})
		}
	}
	return out
}

func (c crm) makeContact(ctx context.Context, i int, stamp int64) (Known, error) {
	k := Known{Name: fmt.Sprintf("Regular %d", i+1), Phone: fmt.Sprintf("+7999%d%06d", i, stamp%1_000_000)}
	fields := map[string]any{"NAME": k.Name, "PHONE": []map[string]string{{"VALUE": k.Phone, "VALUE_TYPE": "WORK"}}}
	var id text
	err := c.method(ctx, "crm.contact.add", map[string]any{"fields": fields}, &id)
	k.ID = id.id()
	return k, err
}

// openDeals are the newest open deals of a contact by pipeline.
func (c crm) openDeals(ctx context.Context, contact int64) (map[string]int, error) {
	var rows []struct {
		ID         text
		CategoryID text `json:"CATEGORY_ID"`
	}
	err := c.method(ctx, "crm.deal.list", map[string]any{
		"filter": map[string]any{"CONTACT_ID": contact, "CLOSED": "N"}, "select": []string{"ID", "CATEGORY_ID"},
		"order": map[string]string{"ID": "ASC"},
	}, &rows)
	out := map[string]int{}
	for _, row := range rows {
		out[string(row.CategoryID)] = int(row.ID.id())
	}
	return out, err
}

func (c crm) addMandatoryField(ctx context.Context) error {
	label := map[string]string{"en": mandatoryLabel, "es": mandatoryLabel, "ru": mandatoryLabel, "pt": mandatoryLabel}
	fields := map[string]any{
		"FIELD_NAME": mandatoryField, "USER_TYPE_ID": "string", "MANDATORY": "Y", "LABEL": mandatoryLabel,
		"EDIT_FORM_LABEL": label, "LIST_COLUMN_LABEL": label,
	}
	return c.method(ctx, "crm.deal.userfield.add", map[string]any{"fields": fields}, nil)
}

// removeMandatoryField is no error when there is none.
func (c crm) removeMandatoryField(ctx context.Context) error {
	var rows []struct{ ID text }
	err := c.method(ctx, "crm.deal.userfield.list", map[string]any{"filter": map[string]string{"FIELD_NAME": mandatoryField}}, &rows)
	for _, row := range rows {
		if err == nil {
			err = c.method(ctx, "crm.deal.userfield.delete", map[string]any{"id": row.ID.id()}, nil)
		}
	}
	return err
}

// maxCommands is how many commands one batch takes.
const maxCommands = 50

// look reads the entities of the rows and their comments, fifty commands in
// one request, so that looking costs the portal little.
func (c crm) look(ctx context.Context, rows []Row) error {
	commands := map[string]string{}
	for _, row := range rows {
		for name, command := range row.questions() {
			commands[name] = command
		}
	}
	answers := map[string]json.RawMessage{}
	if err := c.batches(ctx, commands, answers); err != nil {
		return err
	}
	for i := range rows {
		rows[i].hear(answers)
	}
	return nil
}

// batches runs commands, at most fifty in one request.
func (c crm) batches(ctx context.Context, commands map[string]string, answers map[string]json.RawMessage) error {
	chunk := map[string]string{}
	for name, command := range commands {
		if chunk[name] = command; len(chunk) == maxCommands {
			if err := c.batch(ctx, chunk, answers); err != nil {
				return err
			}
			clear(chunk)
		}
	}
	if len(chunk) == 0 {
		return nil
	}
	return c.batch(ctx, chunk, answers)
}

func (c crm) batch(ctx context.Context, commands map[string]string, answers map[string]json.RawMessage) error {
	var result struct {
		Result json.RawMessage `json:"result"`
	}
	if err := c.method(ctx, "batch", map[string]any{"halt": 0, "cmd": commands}, &result); err != nil {
		return err
	}
	if strings.HasPrefix(string(result.Result), "[") {
		return nil // every command failed: PHP writes an empty map as a list
	}
	return json.Unmarshal(result.Result, &answers)
}

// questions are the batch commands that show how a row stands in the CRM.
func (r *Row) questions() map[string]string {
	e, ok := r.entity(r.Scene.Expect.Kind)
	if !ok {
		return nil
	}
	id := strconv.FormatInt(e.ID, 10)
	comments := url.Values{
		"filter[ENTITY_ID]": {id}, "filter[ENTITY_TYPE]": {e.Kind}, "order[ID]": {"DESC"}, "select[]": {"ID", "COMMENT"},
	}
	return map[string]string{
		e.Kind + id:               "crm." + e.Kind + ".get?id=" + id,
		e.Kind + id + "_comments": "crm.timeline.comment.list?" + comments.Encode(),
	}
}

// hear notes what the CRM answered.
func (r *Row) hear(answers map[string]json.RawMessage) {
	e, ok := r.entity(r.Scene.Expect.Kind)
	if !ok {
		return
	}
	name := e.Kind + strconv.FormatInt(e.ID, 10)
	fields := map[string]text{}
	_ = json.Unmarshal(answers[name], &fields) // a missing entity has no fields, and is judged so
	r.Fields = fields
	var comments []struct {
		Comment string `json:"COMMENT"`
	}
	_ = json.Unmarshal(answers[name+"_comments"], &comments)
	for _, comment := range comments {
		if r.Scene.Expect.Reference != "" && strings.Contains(comment.Comment, r.Scene.Expect.Reference) {
			r.Comments = append(r.Comments, comment.Comment)
		}
	}
}

// text is a JSON scalar as text; everything else is "".
type text string

// UnmarshalJSON takes strings, numbers and booleans.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	switch v := value.(type) {
	case string:
		*t = text(v)
	case json.Number:
		*t = text(v.String())
	case bool:
		*t = text(strconv.FormatBool(v))
	}
	return nil
}

func (t text) id() int64 {
	id, _ := strconv.ParseInt(string(t), 10, 64)
	return id
}
