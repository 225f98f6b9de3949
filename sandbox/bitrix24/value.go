package bitrix24

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// dict is a PHP array: keys in the order they were set, where a list is merely
// an array whose keys are 0..n-1. Requests are read into it and answers are
// written from it, so that the portal shows the same dualities as the real one:
// an empty map is written as [], a map with keys 0..n-1 as a list
// (bitrix24 reference §9.4).
type dict struct {
	keys []string
	vals map[string]any
	next int // the index that append takes
}

// newDict makes a dict of alternating keys and values.
func newDict(pairs ...any) *dict {
	d := &dict{vals: make(map[string]any, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		d.set(pairs[i].(string), pairs[i+1])
	}
	return d
}

// listOf makes a list of values.
func listOf[T any](values []T) *dict {
	d := newDict()
	for _, v := range values {
		d.append(v)
	}
	return d
}

func (d *dict) len() int {
	if d == nil {
		return 0
	}
	return len(d.keys)
}

// set stores a value; a new key goes to the end.
func (d *dict) set(key string, value any) {
	if _, ok := d.vals[key]; !ok {
		d.keys = append(d.keys, key)
		if n, err := strconv.Atoi(key); err == nil && n >= d.next && n < math.MaxInt32 {
			d.next = n + 1
		}
	}
	d.vals[key] = value
}

// append stores a value under the next free index, as $a[] does.
func (d *dict) append(value any) { d.set(strconv.Itoa(d.next), value) }

func (d *dict) get(key string) (any, bool) {
	if d == nil {
		return nil, false
	}
	v, ok := d.vals[key]
	return v, ok
}

// fold finds a key regardless of its case; an exact match wins.
func (d *dict) fold(key string) (any, bool) {
	if v, ok := d.get(key); ok || d == nil {
		return v, ok
	}
	for _, k := range d.keys {
		if strings.EqualFold(k, key) {
			return d.vals[k], true
		}
	}
	return nil, false
}

func (d *dict) del(key string) {
	if _, ok := d.vals[key]; !ok {
		return
	}
	delete(d.vals, key)
	d.keys = slices.DeleteFunc(d.keys, func(k string) bool { return k == key })
}

// each calls f for all pairs in order.
func (d *dict) each(f func(key string, value any)) {
	if d == nil {
		return
	}
	for _, k := range d.keys {
		f(k, d.vals[k])
	}
}

// values are the values in order.
func (d *dict) values() []any {
	out := make([]any, 0, d.len())
	d.each(func(_ string, v any) { out = append(out, v) })
	return out
}

// isList says whether the keys are exactly 0..n-1 in order.
func (d *dict) isList() bool {
	for i, k := range d.keys {
		if k != strconv.Itoa(i) {
			return false
		}
	}
	return true
}
