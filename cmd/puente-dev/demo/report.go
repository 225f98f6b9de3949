package demo

import (
	"fmt"
	"slices"
	"strings"
)

// Row is a scene and how it ended.
type Row struct {
	Scene Scene
	ids

	SyncID     string
	Syncs      int // rows of the ledger for this cycle: one is right
	WorkflowID string
	Status     string
	Problem    string // reason or error
	Parked     string // the error before a person ran it again
	Requests   int
	Reruns     int
	RunURL     string
	Entities   []Entity
	Fields     map[string]text // of the entity in the CRM
	Comments   []string        // of the entity, with the scene's reference
	Mismatches []string
}

// PortalStats are the counters of the sandbox portal.
type PortalStats struct {
	Requests      int `json:"requests"`
	Commands      int `json:"commands"`
	Refused       int `json:"refused"`
	PeakPerSecond int `json:"peak_per_second"`
}

// Report is how the day went. OK means that every outcome is the expected one.
type Report struct {
	OK       bool
	Rows     []Row
	Problems []string // mismatches, those of rows included
	Portal   PortalStats
}

// judge compares every row with its expectation, and rows with each other.
func (r *Report) judge() {
	for i := range r.Rows {
		row := &r.Rows[i]
		row.Mismatches = row.mismatches()
		for _, text := range row.Mismatches {
			r.Problems = append(r.Problems, fmt.Sprintf("%s (dialog %d, request %d): %s", row.Scene.Title, row.DialogID, row.RequestID, text))
		}
	}
	r.Problems = append(r.Problems, checkSame(r.Rows)...)
	r.Problems = append(r.Problems, checkPeople(r.Rows)...)
	r.OK = len(r.Problems) == 0
}

func (r *Row) mismatches() (out []string) {
	want := r.Scene.Expect
	wrong := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case r.Syncs == 0:
		wrong("no sync appeared in the ledger")
		return out
	case r.Syncs > 1:
		wrong("%d syncs appeared instead of one", r.Syncs)
	}
	if r.Status != want.Status {
		wrong("ended as %q instead of %q %s", r.Status, want.Status, r.Problem)
		return out
	}
	if !strings.Contains(r.Problem, want.Words) {
		wrong("says %q, without %q", r.Problem, want.Words)
	}
	if !strings.Contains(r.Parked, want.Parked) {
		wrong("was parked with %q, without %q", r.Parked, want.Parked)
	}
	if want.NoContact && len(r.Entities) > 0 {
		wrong("touched the CRM: %s", names(r.Entities))
	}
	if want.MaxRequests > 0 && r.Requests > want.MaxRequests {
		wrong("took %d requests instead of at most %d", r.Requests, want.MaxRequests)
	}
	return append(out, r.entityMismatches()...)
}

func (r *Row) entityMismatches() (out []string) {
	want := r.Scene.Expect
	wrong := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if want.ContactID != 0 && r.contact() != want.ContactID {
		wrong("belongs to contact %d instead of %d", r.contact(), want.ContactID)
	}
	if want.Kind == "" {
		return out
	}
	e, ok := r.entity(want.Kind)
	if !ok {
		wrong("has no %s, only %s", want.Kind, names(r.Entities))
		return out
	}
	if want.EntityID != 0 && e.ID != want.EntityID {
		wrong("went to %s %d instead of %d", e.Kind, e.ID, want.EntityID)
	}
	for _, name := range sortedKeys(want.Fields) {
		if got := string(r.Fields[name]); got != want.Fields[name] {
			wrong("%s of %s %d is %q instead of %q", name, e.Kind, e.ID, got, want.Fields[name])
		}
	}
	return append(out, r.commentMismatches(e)...)
}

func (r *Row) commentMismatches(e Entity) []string {
	want := r.Scene.Expect
	if want.Reference == "" {
		return nil
	}
	if len(r.Comments) != 1 {
		return []string{fmt.Sprintf("%d comments instead of one stand on %s %d", len(r.Comments), e.Kind, e.ID)}
	}
	var out []string
	for _, said := range want.Says {
		if !strings.Contains(r.Comments[0], said) {
			out = append(out, fmt.Sprintf("the transcript lacks %q", said))
		}
	}
	return out
}

// checkSame wants scenes with the same Same at the same entity.
func checkSame(rows []Row) (out []string) {
	first := map[string]Entity{}
	for _, row := range rows {
		e, ok := row.entity(row.Scene.Expect.Kind)
		key := row.Scene.Expect.Same
		if !ok || key == "" {
			continue
		}
		before, seen := first[key]
		if seen && (before.Kind != e.Kind || before.ID != e.ID) {
			out = append(out, fmt.Sprintf("%s: %s %d and %s %d, where one was expected", row.Scene.Person, before.Kind, before.ID, e.Kind, e.ID))
		}
		first[key] = e
	}
	return out
}

// checkPeople wants one contact per person and one person per contact.
func checkPeople(rows []Row) (out []string) {
	contactOf, personOf := map[string]int64{}, map[int64]string{}
	for _, row := range rows {
		id, person := row.contact(), row.Scene.Person
		if id == 0 {
			continue
		}
		if other := contactOf[person]; other != 0 && other != id {
			out = append(out, fmt.Sprintf("%s became two contacts, %d and %d", person, other, id))
		}
		if other := personOf[id]; other != "" && other != person {
			out = append(out, fmt.Sprintf("%s and %s share contact %d", other, person, id))
		}
		contactOf[person], personOf[id] = id, person
	}
	return out
}

// checkContacts wants exactly one contact more for each newcomer.
func checkContacts(day Programme, before, after int) []string {
	if grown := after - before; grown != day.newcomers() {
		return []string{fmt.Sprintf("the CRM has %d new contacts for %d new people", grown, day.newcomers())}
	}
	return nil
}

func (r *Row) entity(kind string) (Entity, bool) {
	i := slices.IndexFunc(r.Entities, func(e Entity) bool { return e.Kind == kind })
	if kind == "" || i < 0 {
		return Entity{}, false
	}
	return r.Entities[i], true
}

func (r *Row) contact() int64 {
	e, _ := r.entity("contact")
	return e.ID
}

func names(entities []Entity) string {
	if len(entities) == 0 {
		return "nothing"
	}
	var out []string
	for _, e := range entities {
		out = append(out, fmt.Sprintf("%s %d", e.Kind, e.ID))
	}
	return strings.Join(out, ", ")
}
