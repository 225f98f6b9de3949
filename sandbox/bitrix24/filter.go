package bitrix24

import (
	"slices"
	"strings"
	"unicode"
)

// test says whether an entity passes a condition.
type test func(e *entity) bool

// query is a filter made ready to run over one table.
type query struct {
	c    *call
	t    *entities
	sc   *schema
	view view
	// within, if set, are the only ids that can match: an index answered a part of the filter.
	within    []int
	hasWithin bool
	after     int // ids must be greater
}

// Filter prefixes, the longer ones first (bitrix24 reference §3.3).
var filterPrefixes = []string{"!=%", "!%=", "!@", "!%", "!=", "=%", "%=", ">=", "<=", "@", "%", ">", "<", "=", "!"}

func splitPrefix(key string) (op, name string) {
	for _, p := range filterPrefixes {
		if rest, ok := strings.CutPrefix(key, p); ok {
			return p, rest
		}
	}
	return "=", key
}

// compile turns a filter into one test. top says that its conditions all must
// hold, so that an index may narrow the rows to look at.
func (q *query) compile(filter *dict, top bool) (test, error) {
	or := q.isOr(filter)
	top = top && !or
	var tests []test
	for _, key := range filter.keys {
		value, _ := filter.get(key)
		one, err := q.condition(key, value, top)
		if err != nil {
			return nil, err
		}
		if one != nil {
			tests = append(tests, one)
		}
	}
	return combine(tests, or), nil
}

func (q *query) isOr(filter *dict) bool {
	v, _ := filter.fold("logic")
	return !q.view.classic && strings.EqualFold(toStr(v), "OR")
}

func combine(tests []test, or bool) test {
	switch {
	case len(tests) == 0:
		return func(*entity) bool { return true }
	case len(tests) == 1:
		return tests[0]
	case or:
		return func(e *entity) bool { return slices.ContainsFunc(tests, func(t test) bool { return t(e) }) }
	default:
		return func(e *entity) bool { return !slices.ContainsFunc(tests, func(t test) bool { return !t(e) }) }
	}
}

// condition compiles one pair of a filter; nil means that it says nothing.
func (q *query) condition(key string, value any, top bool) (test, error) {
	nested, isDict := value.(*dict)
	switch {
	case strings.EqualFold(key, "logic") && !q.view.classic:
		return nil, nil
	case isDict && only(key, unicode.IsDigit) && !q.view.classic:
		return q.compile(nested, top)
	}
	op, name := splitPrefix(key)
	if t := q.commTest(op, name, value); t != nil {
		return t, nil
	}
	f := q.sc.named(name, q.view)
	if f == nil || f.flat || f.disabled && !q.view.classic || q.view.classic && f.multiple && f.uf == nil {
		if q.view.classic {
			return nil, nil // classic lists pass over what they do not know
		}
		return nil, badRequest("INVALID_ARG_VALUE", "Invalid filter: field '%s' is not allowed in filter", name)
	}
	operands, ok := q.operands(f, op, value)
	if !ok {
		if q.view.classic {
			return func(*entity) bool { return false }, nil
		}
		return nil, badRequest("INVALID_ARG_VALUE", "Invalid filter: field '%s' has invalid value", name)
	}
	if top {
		q.narrow(f, op, operands)
	}
	return q.fieldTest(f, op, operands), nil
}

// commTest matches multifields exactly: PHONE, EMAIL, WEB and IM in classic
// lists, imol in crm.item.list. Nothing else finds them by filter.
func (q *query) commTest(op, name string, value any) test {
	kind := name
	switch {
	case q.t.kind.id == kindDeal || op != "=":
		return nil
	case !q.view.classic && name == "imol":
		kind = "IM"
	case !q.view.classic || !slices.Contains(multiOrder, name):
		return nil
	}
	wanted := map[string]bool{}
	for _, v := range operandList(value) {
		wanted[strings.ToLower(toStr(v))] = true
	}
	return func(e *entity) bool {
		return slices.ContainsFunc(e.FM, func(m multifield) bool { return m.Type == kind && wanted[strings.ToLower(m.Value)] })
	}
}

func operandList(value any) []any {
	if d, ok := value.(*dict); ok {
		return d.values()
	}
	return []any{value}
}

// operands brings the values of a condition into stored form.
func (q *query) operands(f *field, op string, value any) ([]any, bool) {
	if strings.Contains(op, "%") {
		_, isDict := value.(*dict)
		return []any{toStr(value)}, !isDict
	}
	var out []any
	for _, v := range operandList(value) {
		one, ok := q.operand(f, v)
		if !ok {
			return nil, false
		}
		out = append(out, one)
	}
	return out, true
}

func (q *query) operand(f *field, v any) (any, bool) {
	if _, isDict := v.(*dict); isDict {
		return nil, false
	}
	if s := toStr(v); s == "" {
		return nil, true
	}
	switch {
	case f.kind == "boolean" && f.uf != nil: // user fields are filtered by 1 and 0 only
		s := toStr(v)
		return yn(s == "1"), s == "1" || s == "0"
	case f.kind == "date":
		t, ok := q.c.p.toTime(v)
		return t.In(q.c.p.zone).Format(storedDate), ok
	case f.kind == "enumeration", f.kind == "money":
		return toStr(v), true
	}
	single := *f
	single.multiple = false
	one, err := q.c.p.scalar(&single, v)
	return one, err == nil
}

// narrow uses an index, or the order of ids, for a condition that must hold.
func (q *query) narrow(f *field, op string, operands []any) {
	n := 0
	if len(operands) > 0 {
		n = toID(operands[0])
	}
	switch {
	case f.classic == "ID" && op == ">":
		q.after = max(q.after, n)
	case f.classic == "ID" && op == ">=":
		q.after = max(q.after, n-1)
	case op != "=" && op != "@" || slices.ContainsFunc(operands, empty):
	case f.classic == "ID":
		q.restrict(slices.DeleteFunc(ints(operands), func(id int) bool { return !q.t.exists(id) }))
	case slices.Contains(indexed, f.classic) || slices.Contains([]string{"CONTACT_IDS", "COMPANY_IDS"}, f.classic) && q.t.kind.id != kindCompany:
		var found []int
		for _, v := range operands {
			found = append(found, q.t.under(f.classic, toStr(v))...)
		}
		q.restrict(found)
	}
}

func (t *entities) exists(id int) bool {
	_, ok := t.rows[id]
	return ok
}

func (q *query) restrict(ids []int) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if q.hasWithin {
		ids = slices.DeleteFunc(ids, func(id int) bool { _, ok := slices.BinarySearch(q.within, id); return !ok })
	}
	q.within, q.hasWithin = ids, true
}

// fieldTest compares a field with the operands. Of a multiple field one value is enough.
func (q *query) fieldTest(f *field, op string, operands []any) test {
	negated := strings.HasPrefix(op, "!")
	op = strings.TrimPrefix(op, "!")
	match := matcher(op, operands)
	return func(e *entity) bool {
		v := q.c.p.state.value(q.t, e, f)
		list, isList := v.([]any)
		if !isList || len(list) == 0 {
			list = []any{v}
			if isList {
				list[0] = nil
			}
		}
		return slices.ContainsFunc(list, match) != negated
	}
}

func matcher(op string, operands []any) func(any) bool {
	switch op {
	case "%":
		want := strings.ToLower(toStr(operands[0]))
		return func(v any) bool { return strings.Contains(strings.ToLower(toStr(v)), want) }
	case "=%", "%=":
		want := strings.ToLower(toStr(operands[0]))
		return func(v any) bool { return like(strings.ToLower(toStr(v)), want) }
	case ">", ">=", "<", "<=":
		return func(v any) bool { return v != nil && len(operands) > 0 && ordered(op, compareValues(v, operands[0])) }
	default:
		return func(v any) bool {
			return slices.ContainsFunc(operands, func(o any) bool {
				return empty(o) && empty(v) || o != nil && v != nil && compareValues(v, o) == 0
			})
		}
	}
}

func ordered(op string, c int) bool {
	switch op {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	default:
		return c <= 0
	}
}

// like matches an SQL pattern with % for any run of characters.
func like(s, pattern string) bool {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 {
		return s == pattern
	}
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, parts[last])
}
