package bitrix24

import (
	"fmt"
	"slices"
	"strings"
)

// notValid is the error for a value that a field does not take.
func notValid(title string) *restError {
	return badRequest("CRM_FIELD_ERROR_VALUE_NOT_VALID", `Invalid value for field "%s"`, title)
}

// notIterable is the error for a scalar where an array is wanted.
func notIterable(v any) *restError {
	return badRequest("100", "Expected iterable value for multiple field, but got %s instead", phpType(v))
}

func phpType(v any) string {
	switch v.(type) {
	case nil:
		return "NULL"
	case int:
		return "integer"
	case float64:
		return "double"
	case bool:
		return "boolean"
	default:
		return "string"
	}
}

// canonical brings a written value into the stored form of a field: an int for
// ids and integers, a float64 for doubles, "Y"/"N", a UTC text for moments and
// dates, text for the rest; nil is nothing. A multiple field gives []any.
func (p *Portal) canonical(f *field, raw any) (any, error) {
	if !f.multiple {
		return p.scalar(f, raw)
	}
	rows, ok := raw.(*dict)
	if !ok && !empty(raw) {
		return nil, notIterable(raw)
	}
	out := []any{}
	for _, row := range rows.values() {
		v, err := p.scalar(f, row)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
	return out, nil
}

func (p *Portal) scalar(f *field, raw any) (any, error) {
	if d, isDict := raw.(*dict); isDict {
		return p.structured(f, d)
	}
	text := strings.TrimSpace(toStr(raw))
	switch f.kind {
	case "char", "boolean":
		b, ok := toBool(raw)
		if !ok {
			return nil, notValid(f.title)
		}
		return yn(b), nil
	case "date", "datetime":
		return p.canonicalTime(f, raw, text)
	case "double":
		return canonicalNumber(f, text, func(v any) (any, bool) { n, ok := toFloat(v); return n, ok })
	case "integer", "user", "employee", "crm_company", "crm_contact", "crm_lead", "crm_quote", "crm_category", "iblock_element", "iblock_section":
		return canonicalNumber(f, text, func(v any) (any, bool) { n, ok := toInt(v); return n, ok })
	case "enumeration":
		return f.uf.option(text), nil
	case "money":
		return canonicalMoney(f, text)
	default:
		return emptyNil(toStr(raw)), nil
	}
}

func emptyNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func canonicalNumber(f *field, text string, read func(any) (any, bool)) (any, error) {
	if text == "" {
		return nil, nil
	}
	n, ok := read(text)
	if !ok {
		return nil, notValid(f.title)
	}
	return n, nil
}

func (p *Portal) canonicalTime(f *field, raw any, text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	t, ok := p.toTime(raw)
	if !ok {
		return nil, notValid(f.title)
	}
	if f.kind == "date" {
		return t.In(p.zone).Format(storedDate), nil
	}
	return t.UTC().Format(storedMoment), nil
}

// canonicalMoney takes "100|USD" or a bare sum in the base currency.
func canonicalMoney(f *field, text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	sum, code, _ := strings.Cut(text, "|")
	if _, ok := toFloat(sum); !ok {
		return nil, notValid(f.title)
	}
	return sum + "|" + pick(code == "", "USD", code), nil
}

// structured takes values that are arrays although the field is single: a file
// as [name, base64]. Anything else cannot be stored.
func (p *Portal) structured(f *field, d *dict) (any, error) {
	if f.kind != "file" {
		return nil, notValid(f.title)
	}
	if keep, ok := d.get("id"); ok {
		return toID(keep), nil
	}
	file, ok := p.storeFile(d, 0)
	if !ok {
		return nil, nil
	}
	return file.ID, nil
}

// exists checks what a value points to. Only crm.item.* does: the classic
// methods store most codes as they come.
func (s *state) exists(f *field, v any) bool {
	switch n := toID(v); f.kind {
	case "user":
		_, ok := s.users.get(n)
		return ok || n == 0
	case "crm_company":
		return s.has(kindCompany, n)
	case "crm_contact":
		return s.has(kindContact, n)
	case "crm_lead":
		return s.has(kindLead, n)
	case "crm_currency":
		return s.currency(toStr(v)) != nil
	case "crm_status":
		return f.uf != nil || f.directory == "" || f.directory == "EVENT_TYPE" || s.statusAt[statusKey(f.directory, toStr(v))] != nil
	default:
		return true
	}
}

func (s *state) has(kind, id int) bool {
	_, ok := s.entities[kind].get(id)
	return ok || id == 0
}

// checkReferences applies exists to a stored value, one or many.
func (s *state) checkReferences(f *field, v any) error {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	if slices.ContainsFunc(list, func(one any) bool { return one != nil && !s.exists(f, one) }) {
		return notValid(f.title)
	}
	return nil
}

// shownValue writes a stored value in a view: typed in crm.item, text in the
// classic methods (bitrix24 reference §3.2, §9.6).
func (c *call) shownValue(f *field, v any, vw view) any {
	list, isList := v.([]any)
	if !f.multiple {
		return c.shownScalar(f, v, vw)
	}
	if !isList && v != nil {
		list = []any{v}
	}
	out := newDict()
	for _, one := range list {
		out.append(c.shownScalar(f, one, vw))
	}
	return out
}

func (c *call) shownScalar(f *field, v any, vw view) any {
	switch {
	case f.kind == "file":
		return c.shownFile(v)
	case vw.classic:
		return c.classicScalar(f, v)
	}
	switch f.kind {
	case "char", "boolean":
		return pick(v == nil && f.uf != nil, any("N"), any(yn(toStr(v) == "Y")))
	case "date", "datetime":
		if v != nil {
			return c.p.shown(toStr(v))
		}
	case "double":
		return typedDouble(f, v)
	case "crm_company", "crm_contact":
		return toID(v)
	case "integer", "user", "crm_lead", "crm_category":
		if v != nil {
			return toID(v)
		}
	}
	return v
}

func typedDouble(f *field, v any) any {
	if v == nil && f.uf != nil {
		return nil
	}
	n, _ := toFloat(v)
	return n
}

func (c *call) classicScalar(f *field, v any) any {
	switch f.kind {
	case "char":
		return yn(toStr(v) == "Y")
	case "boolean":
		return pick(toStr(v) == "Y", "1", "0")
	case "date", "datetime":
		return c.p.shown(toStr(v)) // "" when there is none
	case "double":
		if n, ok := toFloat(v); f.uf == nil && f.classic != "REVENUE" {
			return fmt.Sprintf("%.2f", n)
		} else if !ok {
			return pick(f.uf == nil, any("0"), nil)
		}
	}
	if v == nil {
		return nil
	}
	return toStr(v)
}
