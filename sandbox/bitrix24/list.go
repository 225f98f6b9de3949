package bitrix24

import (
	"slices"
	"strings"
)

// pageSize is the fixed page of every list (bitrix24 reference §2.3).
const pageSize = 50

// sortKey is one part of an order.
type sortKey struct {
	field *field
	desc  bool
}

// find runs the filter, order and start of a list call over a table and sets
// total and next.
func (c *call) find(t *entities, vw view) ([]*entity, error) {
	q := &query{c: c, t: t, sc: c.p.state.schema[t.kind.id], view: vw}
	passes, err := q.compile(orEmpty(c.array("filter")), true)
	if err != nil {
		return nil, err
	}
	keys, err := q.order()
	if err != nil {
		return nil, err
	}
	start := c.start()
	rows := q.scan(passes, keys, start)
	q.sort(rows, keys)
	return paged(c, rows, start), nil
}

func (c *call) start() int {
	v, _ := c.param("start")
	n, _ := toInt(v)
	return n
}

// paged cuts a page out of all matches and sets total and next. A negative
// start counts nothing: total is 0 and there is no next.
func paged[T any](c *call, rows []T, start int) []T {
	total := len(rows)
	if start < 0 {
		zero := 0
		c.total = &zero
		return rows[:min(pageSize, total)]
	}
	c.total = &total
	start = min(start, total)
	end := min(start+pageSize, total)
	if end < total {
		c.next = &end
	}
	return rows[start:end]
}

// order reads the order of a list; without one it is by id.
func (q *query) order() ([]sortKey, error) {
	var keys []sortKey
	order := q.c.array("order")
	for _, name := range orderKeys(order) {
		v, _ := order.get(name)
		dir := strings.ToUpper(toStr(v))
		f := q.sc.named(name, q.view)
		switch {
		case f == nil || f.multiple || f.flat || f.disabled:
			if !q.view.classic {
				return nil, badRequest("INVALID_ARG_VALUE", "Invalid order: field '%s' is not allowed in order", name)
			}
			continue
		case !q.view.classic && dir != "ASC" && dir != "DESC":
			return nil, badRequest("INVALID_ARG_VALUE",
				"Invalid order: allowed sort directions are `ASC, DESC`. But got '%s' for field '%s'", toStr(v), name)
		}
		keys = append(keys, sortKey{f, dir == "DESC"})
	}
	return keys, nil
}

func orderKeys(order *dict) []string {
	if order == nil {
		return nil
	}
	return order.keys
}

// scan collects the matching rows in id order, or in reverse if that is asked
// for. Without counting it stops as soon as it has a page.
func (q *query) scan(passes test, keys []sortKey, start int) []*entity {
	ids := q.t.order
	if q.hasWithin {
		ids = q.within
	}
	from, _ := slices.BinarySearch(ids, q.after+1)
	ids = ids[from:]
	byID := len(keys) == 0 || keys[0].field.classic == "ID"
	var rows []*entity
	for i := range ids {
		if len(keys) > 0 && byID && keys[0].desc {
			i = len(ids) - 1 - i
		}
		if e := q.t.rows[ids[i]]; e != nil && passes(e) {
			rows = append(rows, e)
		}
		if start < 0 && byID && len(rows) == pageSize {
			break
		}
	}
	return rows
}

func (q *query) sort(rows []*entity, keys []sortKey) {
	if len(keys) == 0 || keys[0].field.classic == "ID" {
		return // scan kept the order
	}
	s := q.c.p.state
	slices.SortStableFunc(rows, func(a, b *entity) int {
		for _, k := range keys {
			if n := compareValues(s.value(q.t, a, k.field), s.value(q.t, b, k.field)); n != 0 {
				return pick(k.desc, -n, n)
			}
		}
		return 0
	})
}
