package bitrix24

import (
	"encoding/json"
	"fmt"
	"slices"
)

// records is one table: rows by id, in id order, with ids never used twice.
// Its owner's lock guards it. Every put and del is noted for the disk.
type records[T any] struct {
	name  string
	rows  map[int]*T
	order []int // ascending
	next  int
	note  func(table string, id int)
	// tell, if set, hears of every change that the portal tells its subscribers of.
	tell func(table string, id int, what string)
}

func newRecords[T any](name string, note func(string, int)) *records[T] {
	return &records[T]{name: name, rows: map[int]*T{}, next: 1, note: note}
}

// newID reserves the next id.
func (r *records[T]) newID() int {
	r.next++
	return r.next - 1
}

func (r *records[T]) get(id int) (*T, bool) {
	v, ok := r.rows[id]
	return v, ok
}

// put stores a row under its id, new or changed, and tells of it.
func (r *records[T]) put(id int, v *T) {
	_, known := r.rows[id]
	r.keep(id, v)
	r.changed(id, pick(known, whatUpdate, whatAdd))
}

// keep stores a row of which nobody is told: bookkeeping, and what is read from disk.
func (r *records[T]) keep(id int, v *T) {
	if _, ok := r.rows[id]; !ok {
		i, _ := slices.BinarySearch(r.order, id)
		r.order = slices.Insert(r.order, i, id)
		r.next = max(r.next, id+1)
	}
	r.rows[id] = v
	r.note(r.name, id)
}

func (r *records[T]) changed(id int, what string) {
	if r.tell != nil {
		r.tell(r.name, id, what)
	}
}

func (r *records[T]) del(id int) {
	if _, ok := r.rows[id]; !ok {
		return
	}
	delete(r.rows, id)
	i, _ := slices.BinarySearch(r.order, id)
	r.order = slices.Delete(r.order, i, i+1)
	r.note(r.name, id)
	r.changed(id, whatDelete)
}

// all are the rows in id order.
func (r *records[T]) all() []*T {
	out := make([]*T, len(r.order))
	for i, id := range r.order {
		out[i] = r.rows[id]
	}
	return out
}

// table is what the disk needs of any records.
type table interface {
	ids() []int
	encode(id int) ([]byte, error) // nil if the row is gone
	decode(id int, body []byte) error
	sequence() int
	resume(next int)
}

func (r *records[T]) ids() []int    { return slices.Clone(r.order) }
func (r *records[T]) sequence() int { return r.next }

func (r *records[T]) resume(next int) { r.next = max(r.next, next) }

func (r *records[T]) encode(id int) ([]byte, error) {
	v, ok := r.rows[id]
	if !ok {
		return nil, nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %s %d: %w", r.name, id, err)
	}
	return body, nil
}

func (r *records[T]) decode(id int, body []byte) error {
	v := new(T)
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decode %s %d: %w", r.name, id, err)
	}
	r.keep(id, v)
	return nil
}
