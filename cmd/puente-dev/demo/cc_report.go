package demo

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// CenterReport is how the contact center's day went. OK means that every outcome is the expected one.
type CenterReport struct {
	OK       bool
	Rows     []CenterRow
	Methods  []MethodRow
	Problems []string // mismatches, those of rows included
	Portal   PortalStats
}

// judge compares every row with its expectation, and rows with each other.
func (r *CenterReport) judge() {
	for i := range r.Rows {
		row := &r.Rows[i]
		row.Mismatches = row.mismatches()
		for _, text := range row.Mismatches {
			r.Problems = append(r.Problems, fmt.Sprintf("%s (%s): %s", row.Inquiry.Title, row.Inquiry.Key, text))
		}
	}
	for _, m := range r.Methods {
		for _, text := range m.Mismatches {
			r.Problems = append(r.Problems, fmt.Sprintf("%s: %s", m.Method, text))
		}
	}
	r.Problems = append(r.Problems, sameDeals(r.Rows)...)
	r.Problems = append(r.Problems, clients(r.Rows)...)
	r.OK = len(r.Problems) == 0
}

// faults collects mismatches.
type faults []string

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (r *CenterRow) mismatches() []string {
	var f faults
	want := r.Inquiry.Wants
	if r.Status != want.status() {
		f.add(true, "ended as %q instead of %q %s", r.Status, want.status(), r.Problem)
		return f
	}
	if r.Status == statusRefused {
		f.add(r.HTTP != http.StatusUnprocessableEntity || !slices.Equal(r.Named, want.Refused),
			"was refused with %d naming %v instead of 422 naming %v", r.HTTP, r.Named, want.Refused)
		return f
	}
	f.add(r.Answer.Revision != r.Inquiry.revision(), "revision %d was answered instead of %d", r.Answer.Revision, r.Inquiry.revision())
	f.add(r.Waited != (r.Inquiry.Picks != 0), "asked a person: %t", r.Waited)
	f.add(!strings.Contains(strings.Join(r.Answer.Notes, "\n"), want.Note), "notes %q, without %q", r.Answer.Notes, want.Note)
	f.add(r.Seen.Notices != 1, "%d notifications instead of one tell of it", r.Seen.Notices)
	r.decisions(&f)
	r.entities(&f)
	r.call(&f)
	return f
}

func (r *CenterRow) decisions(f *faults) {
	want := r.Inquiry.Wants
	for kind, outcome := range map[string]string{"contact": want.Contact, "company": want.Company, "deal": want.Deal} {
		got := r.Answer.decision(kind).Outcome
		f.add(outcome != "" && got != outcome, "%s: %s instead of %s (%s)", kind, got, outcome, r.Answer.decision(kind).Rule)
	}
	for kind, id := range map[string]int64{"contact": want.ContactID, "company": want.CompanyID, "deal": want.DealID} {
		f.add(id != 0 && r.entityID(kind) != id, "went to %s %d instead of %d", kind, r.entityID(kind), id)
	}
	contact := r.Answer.decision("contact")
	f.add(!strings.Contains(contact.Rule, want.Rule), "the contact was chosen because %q, without %q", contact.Rule, want.Rule)
	f.add(want.Candidates != 0 && len(contact.Candidates) != want.Candidates, "%d contacts came into question instead of %d",
		len(contact.Candidates), want.Candidates)
}

// entities wants the fields, and exactly one comment on each timeline.
func (r *CenterRow) entities(f *faults) {
	want := r.Inquiry.Wants
	for kind, fields := range map[string]map[string]string{"contact": want.Person, "company": want.Firm, "deal": want.Offer} {
		for _, name := range sortedKeys(fields) {
			got := string(r.Seen.Fields[kind][name])
			f.add(got != fields[name], "%s of %s %d is %q instead of %q", name, kind, r.entityID(kind), got, fields[name])
		}
	}
	for _, kind := range []string{"contact", "company", "deal"} {
		touched := r.entityID(kind) != 0
		comments := r.Seen.Comments[kind]
		f.add(touched && len(comments) != 1, "%d comments instead of one stand on %s %d", len(comments), kind, r.entityID(kind))
		for _, comment := range comments {
			for _, said := range want.Says {
				f.add(!strings.Contains(comment, said), "the comment on %s %d lacks %q", kind, r.entityID(kind), said)
			}
		}
	}
}

// call wants one call with one recording, on the timeline of every entity.
func (r *CenterRow) call(f *faults) {
	want := r.Inquiry.Wants.Call
	if want == nil {
		return
	}
	if len(r.Seen.Calls) != 1 {
		f.add(true, "%d calls instead of one are in the CRM", len(r.Seen.Calls))
		return
	}
	got := r.Seen.Calls[0]
	f.add(got.User != want.User, "the call is that of user %d instead of %d", got.User, want.User)
	if want.Open { // a later correction ends it
		f.add(r.Answer.Call == nil || r.Answer.Call.State != "registered", "the call does not ring")
		return
	}
	f.add(!got.Finished || got.Code != want.Code || got.Duration != want.Duration, "the call ended with %s after %d s instead of %s after %d s",
		got.Code, got.Duration, want.Code, want.Duration)
	for _, e := range r.Answer.Timeline {
		f.add(!got.on(e), "the call does not stand on %s %d", e.Kind, e.ID)
	}
	switch {
	case want.Sound == nil:
		f.add(got.Record != nil, "the call has a recording that nobody sent")
	case got.Record == nil:
		f.add(true, "the call has no recording")
	default:
		f.add(got.Record.Times != 1, "the recording was attached %d times", got.Record.Times)
		f.add(got.Record.SHA256 != want.Sound.SHA256(), "the recording is another file than the one that was sent")
	}
}

// sameDeals wants inquiries with the same SameDeal at one deal, and all others at another.
func sameDeals(rows []CenterRow) (out []string) {
	dealOf, nameOf := map[string]int64{}, map[int64]string{}
	for _, row := range rows {
		id, name := row.entityID("deal"), row.Inquiry.Wants.SameDeal
		if id == 0 || name == "" {
			continue
		}
		if other := dealOf[name]; other != 0 && other != id {
			out = append(out, fmt.Sprintf("%s: deal %d and deal %d, where one was expected", name, other, id))
		}
		if other := nameOf[id]; other != "" && other != name {
			out = append(out, fmt.Sprintf("%s and %s share deal %d", other, name, id))
		}
		dealOf[name], nameOf[id] = id, name
	}
	return out
}

// clients wants one contact for each client and one client for each contact, created at most once.
func clients(rows []CenterRow) (out []string) {
	contactOf, clientOf, made := map[string]int64{}, map[int64]string{}, map[string]int{}
	for _, row := range rows {
		d, name := row.Answer.decision("contact"), row.Inquiry.Client
		if d.ID == 0 {
			continue
		}
		if other := contactOf[name]; other != 0 && other != d.ID {
			out = append(out, fmt.Sprintf("%s became two contacts, %d and %d", name, other, d.ID))
		}
		if other := clientOf[d.ID]; other != "" && other != name {
			out = append(out, fmt.Sprintf("%s and %s share contact %d", other, name, d.ID))
		}
		if contactOf[name], clientOf[d.ID] = d.ID, name; d.Outcome == created {
			made[name]++
		}
	}
	for _, name := range sortedKeys(made) {
		if made[name] > 1 {
			out = append(out, fmt.Sprintf("%s was created %d times", name, made[name]))
		}
	}
	return out
}
