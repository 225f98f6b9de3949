package bitrix24

import (
	"slices"
	"strings"
)

// activityList filters, orders (by START_TIME if not said otherwise) and pages.
func (c *call) activityList() (any, error) {
	filter := orEmpty(c.array("filter"))
	var rows []*dict
	for _, a := range c.p.state.activities.all() {
		for range a.matches(filter) {
			rows = append(rows, c.activityRow(a))
		}
	}
	rows = filterRows(rows, c.activityFilter(filter))
	order := c.array("order")
	if order.len() == 0 {
		order = newDict("START_TIME", "ASC")
	}
	orderRows(rows, order)
	names, out := c.array("select").values(), newDict()
	for _, row := range paged(c, rows, c.start()) {
		out.append(c.selectedActivity(row, names))
	}
	return out, nil
}

// selectedActivity shows the columns asked for; those that hold lists must be
// asked for by name.
func (c *call) selectedActivity(row *dict, names []any) *dict {
	shown := selected(row, names)
	id, _ := row.get("ID")
	a := c.p.state.activities.rows[toID(id)]
	if slices.Contains(names, any("COMMUNICATIONS")) {
		shown.set("COMMUNICATIONS", a.communications())
	}
	if slices.Contains(names, any("FILES")) || slices.Contains(names, any("STORAGE_ELEMENT_IDS")) {
		shown.set("FILES", c.activityFiles(a))
	}
	return shown
}

// matches is how often an activity stands in a list: once, or with BINDINGS in
// the filter as often as one of its bindings is named there. The duplicates are
// documented.
func (a *activity) matches(filter *dict) int {
	v, ok := filter.get("BINDINGS")
	if !ok {
		return 1
	}
	n := 0
	for _, b := range a.Bindings {
		if slices.ContainsFunc(asDict(v).values(), func(pair any) bool { return b.named(asDict(pair)) }) {
			n++
		}
	}
	return n
}

// named says whether {OWNER_TYPE_ID, OWNER_ID}, of which one may be absent, means the entity.
func (b activityBinding) named(pair *dict) bool {
	kindID, byKind := pair.get("OWNER_TYPE_ID")
	id, byID := pair.get("OWNER_ID")
	return (byKind || byID) && (!byKind || toID(kindID) == b.Kind) && (!byID || toID(id) == b.ID)
}

// activityFilter writes moments as the rows show them, so that they compare.
func (c *call) activityFilter(filter *dict) *dict {
	out := newDict()
	filter.each(func(key string, value any) {
		_, name := splitPrefix(key)
		isTime := slices.ContainsFunc(activityColumns, func(col [4]string) bool {
			return col[0] == name && strings.HasSuffix(col[1], "datetime")
		})
		out.set(key, pick(isTime, c.shownOperand(value), value))
	})
	return out
}
