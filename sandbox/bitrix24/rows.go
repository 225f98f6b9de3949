package bitrix24

import (
	"slices"
	"strings"
)

// filterRows keeps the rows that pass a classic filter. It serves the small
// tables (directories, users, activities); unknown names are passed over.
func filterRows(rows []*dict, filter *dict) []*dict {
	filter.each(func(key string, value any) {
		op, name := splitPrefix(key)
		if len(rows) == 0 || !slices.Contains(rows[0].keys, name) {
			return
		}
		negated := strings.HasPrefix(op, "!")
		match := looseMatcher(strings.TrimPrefix(op, "!"), operandList(value))
		rows = slices.DeleteFunc(slices.Clone(rows), func(row *dict) bool {
			v, _ := row.get(name)
			return matchesAny(v, match) == negated
		})
	})
	return rows
}

// matchesAny tests a value, or each member of a multiple one.
func matchesAny(v any, match func(any) bool) bool {
	if list, ok := v.(*dict); ok {
		return slices.ContainsFunc(list.values(), match)
	}
	return match(v)
}

func looseMatcher(op string, operands []any) func(any) bool {
	first := any("")
	if len(operands) > 0 {
		first = operands[0]
	}
	switch op {
	case "%", "=%", "%=":
		return matcher(op, []any{first})
	case ">", ">=", "<", "<=":
		return func(v any) bool { return ordered(op, compareLoose(v, first)) }
	default:
		return func(v any) bool {
			return slices.ContainsFunc(operands, func(o any) bool { return compareLoose(v, o) == 0 })
		}
	}
}

// compareLoose compares as numbers if both are, booleans included, else as text
// without case.
func compareLoose(a, b any) int {
	a, b = asNumber(a), asNumber(b)
	x, okX := toFloat(a)
	y, okY := toFloat(b)
	if okX && okY {
		return compareValues(x, y)
	}
	return compareValues(toStr(a), toStr(b))
}

// asNumber reads Y and N as 1 and 0, so that ACTIVE=Y finds true.
func asNumber(v any) any {
	switch toStr(v) {
	case "Y":
		return 1
	case "N":
		return 0
	case "":
		if b, ok := v.(bool); ok && !b {
			return 0
		}
	}
	return v
}

// orderRows sorts rows by a classic order; unknown names are passed over.
func orderRows(rows []*dict, order *dict) {
	keys := orderKeys(order)
	if len(keys) == 0 {
		return
	}
	slices.SortStableFunc(rows, func(a, b *dict) int {
		for _, name := range keys {
			x, _ := a.get(name)
			y, _ := b.get(name)
			if n := compareLoose(x, y); n != 0 {
				dir, _ := order.get(name)
				return pick(strings.EqualFold(toStr(dir), "DESC"), -n, n)
			}
		}
		return 0
	})
}

// setTotal says how many rows a list without pages has.
func (c *call) setTotal(n int) { c.total = &n }
