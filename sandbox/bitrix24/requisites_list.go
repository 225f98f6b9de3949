package bitrix24

import (
	"slices"
	"strings"
)

// plainTable is a small table of the CRM that is no entity: requisites, their
// addresses and templates. Its columns have types, so that a tax number is
// compared as text and an id as a number.
type plainTable[T any] struct {
	fields []*field
	// value is a column of a row: int for ids and numbers, stored text for
	// moments, text else; nil is nothing.
	value func(row *T, name string) any
}

func (t plainTable[T]) field(name string) *field {
	i := slices.IndexFunc(t.fields, func(f *field) bool { return f.classic == name })
	if i < 0 {
		return nil
	}
	return t.fields[i]
}

// describe is the answer of the method fields.
func (t plainTable[T]) describe() *dict {
	out := newDict()
	for _, f := range t.fields {
		d := f.describe(classicView)
		if f.directory != "" { // here, unlike in entities, a list
			d.set("statusType", listOf([]string{f.directory}))
		}
		out.set(f.classic, d)
	}
	return out
}

// row shows the named columns of a row as the classic methods do: all values
// are text, what is empty is null, a missing moment is "". No names means all.
func (t plainTable[T]) row(c *call, of *T, names []any) *dict {
	all := len(names) == 0 || slices.Contains(names, any("*"))
	out := newDict()
	for _, f := range t.fields {
		if !all && !slices.Contains(names, any(f.classic)) {
			continue
		}
		v := t.value(of, f.classic)
		switch {
		case f.kind == "datetime":
			out.set(f.classic, c.p.shown(toStr(v)))
		case v == nil:
			out.set(f.classic, nil)
		default:
			out.set(f.classic, toStr(v))
		}
	}
	return out
}

// list answers a list method: filter with prefixes, order (by the order of rows
// if there is none), pages of 50 and select (bitrix24 reference §3.11). Columns
// that do not exist are passed over, as in all classic lists.
func (t plainTable[T]) list(c *call, rows []*T) (any, error) {
	for _, name := range []string{"filter", "order", "select"} {
		if _, err := c.arrayParam(name); err != nil {
			return nil, err
		}
	}
	var tests []func(*T) bool
	c.array("filter").each(func(key string, value any) {
		if test := t.condition(c, key, value); test != nil {
			tests = append(tests, test)
		}
	})
	rows = slices.DeleteFunc(rows, func(row *T) bool {
		return slices.ContainsFunc(tests, func(test func(*T) bool) bool { return !test(row) })
	})
	t.sort(rows, c.array("order"))
	names := c.array("select").values()
	out := newDict()
	for _, row := range paged(c, rows, c.start()) {
		out.append(t.row(c, row, names))
	}
	return out, nil
}

// condition is one entry of a filter; nil if there is no such column.
func (t plainTable[T]) condition(c *call, key string, value any) func(*T) bool {
	op, name := splitPrefix(key)
	f := t.field(name)
	if f == nil {
		return nil
	}
	negated := strings.HasPrefix(op, "!")
	op = strings.TrimPrefix(op, "!")
	var operands []any
	for _, v := range operandList(value) {
		if one, ok := c.plainOperand(f, op, v); ok {
			operands = append(operands, one)
		}
	}
	if len(operands) == 0 { // nothing that the column could hold: nothing equals it
		return func(*T) bool { return negated }
	}
	match := matcher(op, operands)
	return func(row *T) bool { return match(t.value(row, name)) != negated }
}

// plainOperand brings a value of a filter into the form of a column.
func (c *call) plainOperand(f *field, op string, v any) (any, bool) {
	if _, isDict := v.(*dict); isDict {
		return nil, false
	}
	text := toStr(v)
	switch {
	case strings.Contains(op, "%"):
		return text, true
	case text == "":
		return nil, true
	case f.kind == "integer", f.kind == "user":
		return toInt(v)
	case f.kind == "datetime":
		at, ok := c.p.toTime(v)
		return at.UTC().Format(storedMoment), ok
	default:
		return text, true
	}
}

func (t plainTable[T]) sort(rows []*T, order *dict) {
	keys := slices.DeleteFunc(slices.Clone(orderKeys(order)), func(name string) bool { return t.field(name) == nil })
	if len(keys) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b *T) int {
		for _, name := range keys {
			if n := compareValues(t.value(a, name), t.value(b, name)); n != 0 {
				dir, _ := order.get(name)
				return pick(strings.EqualFold(toStr(dir), "DESC"), -n, n)
			}
		}
		return 0
	})
}
