// Package workflowstest stands for everything around the workflows of the contact
// center, for their tests: in the test environment of the SDK, and on a real
// Temporal server, where their histories are recorded.
package workflowstest

import (
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"puente/contactcenter"
	"puente/workflows"
)

// ExternalID is what the contact center calls the request of a Desk.
const ExternalID = "form-77"

// Desk stands for the activities of one run and for the tables behind them. Each
// step notes when it was begun with what, and answers with the next error of
// Fails, as long as there is one. Change the fields before the run, or under Do.
type Desk struct {
	Opened workflows.OpenedRequest
	Found  contactcenter.RequestFound
	Ran    workflows.MethodRan
	Call   workflows.SavedCall
	Fails  map[string][]error // by step
	During map[string]func()  // happens once while a step is at work

	now   func() time.Time
	mu    sync.Mutex
	steps []Step
}

// Step is one attempt of an activity.
type Step struct {
	Name string
	At   time.Time
	In   any // what it was asked
}

// NewDesk makes a desk of a portal that knows nobody, with a request that fills
// contact, company and deal, and a call of a method that succeeds.
func NewDesk(now func() time.Time) *Desk {
	return &Desk{
		Opened: workflows.OpenedRequest{
			Channel: contactcenter.Site, Status: workflows.Open, Revision: 1, Version: 3, Ambiguous: "first_by_rule",
			Wants: contactcenter.Wants{Contact: true, Company: true, Deal: true, Pipeline: 4}, PortalURL: "https://p.example",
		},
		Ran:   workflows.MethodRan{Status: workflows.Done, HTTP: 200, Story: []string{"contact 42 created"}, PortalURL: "https://p.example"},
		Call:  workflows.SavedCall{CallID: "call-1", BitrixCallID: "externalCall.1", ActivityID: 900, State: "finished", UserID: 8},
		Fails: map[string][]error{}, During: map[string]func(){}, now: now,
	}
}

// Activities are the steps, to be registered by the names of their methods.
func (d *Desk) Activities() any { return &steps{desk: d} }

// Do changes the desk while a run is at work.
func (d *Desk) Do(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// Steps are all attempts so far, in the order in which they were begun.
func (d *Desk) Steps() []Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.steps)
}

// Accept stores a revision of the request, as acceptance does: a correction of a
// request that has ended is new work.
func (d *Desk) Accept(revision int) {
	d.Do(func() {
		d.Opened.Revision = max(d.Opened.Revision, revision)
		if d.Opened.Status == workflows.Done || d.Opened.Status == workflows.Abandoned {
			d.Opened.Status = workflows.Open
		}
	})
}

// Refused is an error of an outside system that does not pass by itself.
func Refused(code, text string) error {
	return temporal.NewApplicationErrorWithOptions(text, code, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{workflows.Failure{Step: "entity", Code: code, Text: text}},
	})
}

// Passing is an error that has passed after the given time: it makes a step last.
func Passing(after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions("connection refused", "Unavailable", temporal.ApplicationErrorOptions{NextRetryDelay: after})
}

// begin notes a step and gives the error it is to answer with.
func (d *Desk) begin(name string, in any) error {
	d.mu.Lock()
	d.steps = append(d.steps, Step{Name: name, At: d.now(), In: in})
	var err error
	if list := d.Fails[name]; len(list) > 0 {
		err, d.Fails[name] = list[0], list[1:]
	}
	meanwhile := d.During[name]
	delete(d.During, name)
	d.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return err
}
