// Package linestest gives tests a desk that answers like the workflow LineQueue
// would, at once and without Temporal: the real engine, whose records go to a
// real store.
package linestest

import (
	"context"
	"reflect"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// Desk serves the one portal whose id its first signal names.
type Desk struct {
	Store *store.Store
	// Now is its clock; the zero time is the present.
	Now time.Time
	// Fault makes all calls fail.
	Fault error

	mu      sync.Mutex
	portal  string
	engine  *openlines.Desk
	Events  []openlines.Event // all that came
	Options []client.UpdateWorkflowOptions
}

// Step gives events to the desk, as they come from channels.
func (d *Desk) Step(ctx context.Context, portal string, events ...openlines.Event) ([]openlines.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine == nil {
		d.engine, d.portal = openlines.NewDesk(), portal
	}
	now := d.Now
	if now.IsZero() {
		now = time.Now()
	}
	d.Events = append(d.Events, events...)
	out := d.engine.Step(now, events...)
	return out.Answers, d.Store.SaveLineRecords(ctx, portal, out.Records)
}

// SignalWithStartWorkflow takes events, and starts the desk.
func (d *Desk) SignalWithStartWorkflow(
	ctx context.Context, _, _ string, arg any, _ client.StartWorkflowOptions, _ any, args ...any,
) (client.WorkflowRun, error) {
	if d.Fault != nil {
		return nil, d.Fault
	}
	_, err := d.Step(ctx, args[0].(workflows.LineQueueInput).Portal, arg.([]openlines.Event)...)
	return nil, err
}

// UpdateWorkflow takes an action of a person.
func (d *Desk) UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	switch {
	case d.Fault != nil:
		return nil, d.Fault
	case d.engine == nil:
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	d.Options = append(d.Options, o)
	answers, err := d.Step(ctx, d.portal, o.Args[0].(openlines.Event))
	if err != nil {
		return nil, err
	}
	return handle{answer: answers[0]}, nil
}

// QueryWorkflow answers the preview of a line.
func (d *Desk) QueryWorkflow(_ context.Context, _, _, _ string, args ...any) (converter.EncodedValue, error) {
	switch {
	case d.Fault != nil:
		return nil, d.Fault
	case d.engine == nil:
		return nil, serviceerror.NewNotFound("no such workflow")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	decision, known := d.engine.Preview(args[0].(openlines.LineID), d.engine.Now)
	if !known {
		return nil, serviceerror.NewQueryFailed("the desk does not know the line")
	}
	return value{decision}, nil
}

// handle is an update whose outcome is known.
type handle struct {
	client.WorkflowUpdateHandle
	answer openlines.Answer
}

func (h handle) Get(_ context.Context, out any) error { return value{h.answer}.Get(out) }

// value is a result as it is.
type value struct{ v any }

func (v value) HasValue() bool { return true }

func (v value) Get(out any) error {
	reflect.ValueOf(out).Elem().Set(reflect.ValueOf(v.v))
	return nil
}
