package activities

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/settings"
	"puente/workflows"
)

// Prefixes of the originId of what is made for the contact center (bitrix24
// reference §3.6): the contact center's own id of an object, a request, or, if
// there is neither, the run.
const (
	originOwn     = "cc:"
	originRequest = "request:"
	originRun     = "run:"
)

// originsOf are the marks under which an external id can stand.
func originsOf(externalID string) []string {
	return []string{originOwn + bitrix24.Literal(externalID), originRequest + bitrix24.Literal(externalID)}
}

// creation is an entity to be made.
type creation struct {
	kind   dialog.Kind
	step   string
	origin string // originId, the mark it is found by
	fields map[string]any
	extra  map[string]string // further fields, to be converted
}

// create makes an entity once and returns its id.
func (d *desk) create(ctx context.Context, c creation) (int64, error) {
	more, err := d.convert(ctx, c.kind, c.extra)
	if err != nil {
		return 0, err
	}
	for name, value := range more {
		c.fields[name] = value
	}
	c.fields["originatorId"], c.fields["originId"] = workflows.Originator, c.origin
	return d.once(ctx, write{
		step: c.step, kind: string(c.kind), detail: "created",
		look: func(ctx context.Context) (int64, error) { return d.byMark(ctx, c.kind, c.origin) },
		send: func(ctx context.Context) (int64, error) {
			res, err := d.batch(ctx, false, bitrix24.Command{Key: c.step, Method: addMethod, Params: itemParams(c.kind, literal(c.fields))})
			if err != nil {
				return 0, err
			}
			return madeID(res[c.step].Answer), d.placed(ctx, c.kind, res.trouble(c.step))
		},
	})
}

// byMark finds what was made under an origin; 0 = nothing.
func (d *desk) byMark(ctx context.Context, kind dialog.Kind, origins ...string) (int64, error) {
	filter := bitrix24.Params{"originatorId": workflows.Originator, "@originId": origins}
	res, err := d.batch(ctx, false, list("mark", kind, filter))
	if err != nil {
		return 0, err
	}
	rows, err := res.rows("mark")
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return int64(rows[len(rows)-1].ID), nil // the first one made
}

// unique refuses a second entity under the same external id.
func (d *desk) unique(ctx context.Context, kind dialog.Kind, step, externalID string) error {
	if externalID == "" || d.steps.has(step) || d.steps[step+sentSuffix].Name != "" {
		return nil // none, or this very run has begun to make it
	}
	if err := d.claim(ctx, fmt.Sprintf("external:%s:%s", kind, externalID)); err != nil { // two must not look before either has made it
		return err
	}
	id, err := d.byMark(ctx, kind, originsOf(externalID)...)
	if err != nil || id == 0 {
		return err
	}
	words := fmt.Sprintf("%s %d was made under this external_id before; update it instead", kind, id)
	return refuse(http.StatusConflict, words, "body.external_id", externalID)
}

// origin is the mark of what this run makes.
func (d *desk) origin(externalID string) string {
	if externalID != "" {
		return originOwn + externalID
	}
	return originRun + d.syncID
}

// convert turns further fields into the types of the portal. A problem may come
// from fields that were read before somebody added one: it is checked against
// the portal as it is now before anything is refused.
func (d *desk) convert(ctx context.Context, kind dialog.Kind, extra map[string]string) (map[string]any, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	var problems []settings.Problem
	for _, age := range []time.Duration{fieldsAge, 0} {
		types, err := d.fieldTypes(ctx, kind, age)
		if err != nil {
			return nil, err
		}
		var fields map[string]any
		if fields, problems = contactcenter.ConvertFields(extra, types, dialog.LocaleOf(d.settings)); len(problems) == 0 {
			return fields, nil
		}
	}
	return nil, fieldProblems(problems)
}

// fieldProblems parks: who may mend it is a person, in the portal or in the input.
func fieldProblems(problems []settings.Problem) error {
	p := problems[0]
	text := p.Message
	if n := len(problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more fields)", n)
	}
	return finalAt("body."+p.Field, "FIELD_VALUE", text+". What to do: correct the value or the portal's field, and run it again")
}

// literal keeps foreign words from being read as references of a batch, in
// nested values too.
func literal(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for name, value := range fields {
		out[name] = literalValue(value)
	}
	return out
}

func literalValue(value any) any {
	switch v := value.(type) {
	case string:
		return bitrix24.Literal(v)
	case map[string]any:
		return literal(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = literalValue(v[i])
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = literal(v[i])
		}
		return out
	}
	return value
}

// saved is the answer of a create or an update.
func (d *desk) saved(kind dialog.Kind, id int64, created bool, changed, notes []string) reply {
	ref := contactcenter.Ref{Kind: string(kind), ID: id}
	out := reply{entities: []contactcenter.Ref{ref}, body: contactcenter.Saved{
		Ref: ref, URL: d.card(string(kind), id), Created: created, Changed: changed, Notes: notes,
	}}
	switch {
	case created:
		out.status, out.story = http.StatusCreated, []string{fmt.Sprintf("Created: %s %d", kind, id)}
	case len(changed) == 0:
		out.story = []string{fmt.Sprintf("Unchanged: %s %d has all of it already", kind, id)}
	default:
		out.story = []string{fmt.Sprintf("Changed: %s %d: %s", kind, id, strings.Join(changed, ", "))}
	}
	return out
}

// responsible is who an entity is made for.
func (d *desk) responsible(given int64) int64 { return cmp.Or(given, user(d.settings)) }
