package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/workflow"

	"puente/openlines"
)

// lineQueueState is what a LineQueue carries through continue-as-new.
type lineQueueState struct {
	Desk    *openlines.Desk   `json:"desk"`
	Events  []openlines.Event `json:"events,omitempty"`
	Unsent  []LineDelivery    `json:"unsent,omitempty"`
	LastSeq int64             `json:"last_seq"`
}

// ask is an event of a person who waits for the answer.
type ask struct {
	event  openlines.Event
	answer openlines.Answer
	done   bool
}

type lineQueue struct {
	in      LineQueueInput
	state   lineQueueState
	signals workflow.ReceiveChannel
	asks    []*ask
	next    time.Time // when the desk has to be woken
	sending bool
	trouble string // why the last delivery failed
}

// maxUnsent bounds how far decisions run ahead of their delivery: while the
// database is away, what comes waits as signals.
const maxUnsent = 200

// LineQueue is the one decision point of a portal's open lines: turns, capacity
// and presence are decided here and nowhere else (openlines.Desk). It takes
// events as signals and people's actions as updates, lets the desk decide, and
// has records and commands delivered in order. It lives for ever, in runs that
// continue as new.
func LineQueue(ctx workflow.Context, in LineQueueInput) error {
	q := &lineQueue{in: in, signals: workflow.GetSignalChannel(ctx, SignalLineEvents)}
	if err := q.restore(); err != nil {
		panic(err) // the task is tried again: with the run, the desk would be lost
	}
	if err := q.handlers(ctx); err != nil {
		return err
	}
	if err := q.load(ctx); err != nil {
		return err
	}
	workflow.Go(ctx, q.deliver)
	return q.run(ctx)
}

func (q *lineQueue) run(ctx workflow.Context) error {
	for {
		q.drain()
		switch {
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return q.continueAsNew(ctx)
		case q.due(ctx):
			q.step(ctx)
		default:
			if err := q.wait(ctx); err != nil {
				return err
			}
		}
	}
}

// due tells whether there is something to decide now.
func (q *lineQueue) due(ctx workflow.Context) bool {
	if len(q.state.Unsent) >= maxUnsent {
		return false
	}
	timer := !q.next.IsZero() && !workflow.Now(ctx).Before(q.next)
	return len(q.state.Events) > 0 || len(q.asks) > 0 || timer
}

// step lets the desk decide about everything that has come.
func (q *lineQueue) step(ctx workflow.Context) {
	asks := q.asks
	events := q.state.Events
	for _, a := range asks {
		events = append(events, a.event)
	}
	first := len(q.state.Events)
	q.asks, q.state.Events = nil, nil
	out := q.state.Desk.Step(workflow.Now(ctx), events...)
	for i, a := range asks {
		a.answer, a.done = out.Answers[first+i], true
	}
	q.next = out.Next
	q.push(out)
	q.show(ctx)
}

// push numbers the commands and queues the outcome up for delivery.
func (q *lineQueue) push(out openlines.Outcome) {
	if len(out.Records) == 0 && len(out.Commands) == 0 {
		return
	}
	d := LineDelivery{Portal: q.in.Portal, Records: out.Records}
	for _, c := range out.Commands {
		q.state.LastSeq++
		d.Commands = append(d.Commands, LineCommand{Seq: q.state.LastSeq, Command: c})
	}
	q.state.Unsent = append(q.state.Unsent, d)
}

// wait sleeps until something comes or the desk has to be woken.
func (q *lineQueue) wait(ctx workflow.Context) error {
	ready := func() bool {
		return len(q.state.Unsent) < maxUnsent && (q.signals.Len() > 0 || len(q.asks) > 0 || len(q.state.Events) > 0)
	}
	if q.next.IsZero() || len(q.state.Unsent) >= maxUnsent {
		return workflow.Await(ctx, ready)
	}
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      max(q.next.Sub(workflow.Now(ctx)), time.Millisecond),
		TimerOptions: workflow.TimerOptions{Summary: "Next deadline of the desk: " + q.next.UTC().Format(time.RFC3339)},
	}, ready)
	return err
}

func (q *lineQueue) drain() {
	var events []openlines.Event
	for q.signals.ReceiveAsync(&events) {
		q.state.Events = append(q.state.Events, events...)
		events = nil
	}
}

// deliverAgain is the pause after a delivery that failed for good: a desk never
// gives up, because what it decided would be lost with it.
const deliverAgain = time.Minute

// maxDelivery is how many steps travel in one delivery.
const maxDelivery = 50

// deliver brings outcomes out in order, many steps at once if they pile up.
func (q *lineQueue) deliver(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return len(q.state.Unsent) > 0 }); err != nil {
			return
		}
		n := min(len(q.state.Unsent), maxDelivery)
		whole := merge(q.in.Portal, q.state.Unsent[:n])
		q.sending = true
		err := workflow.ExecuteActivity(lineStoreStep(ctx, deliverySummary(whole)), DeliverLineStep, whole).Get(ctx, nil)
		q.sending = false
		if err != nil {
			q.trouble = failureOf(err).Text
			q.show(ctx)
			if workflow.Sleep(ctx, deliverAgain) != nil {
				return
			}
			continue
		}
		q.trouble, q.state.Unsent = "", q.state.Unsent[n:]
	}
}

func merge(portal string, list []LineDelivery) LineDelivery {
	out := LineDelivery{Portal: portal}
	for _, d := range list {
		out.Records = append(out.Records, d.Records...)
		out.Commands = append(out.Commands, d.Commands...)
	}
	return out
}

// deliverySummary tells in the UI what was decided: the first decision in words.
func deliverySummary(d LineDelivery) string {
	for _, c := range d.Commands {
		if c.Command.Why != nil {
			return oneLine(fmt.Sprintf("Session %d: %s", c.Command.Session, c.Command.Why.Sentence(time.UTC)), 380)
		}
	}
	return fmt.Sprintf("%d records, %d commands", len(d.Records), len(d.Commands))
}

// load tells a new desk of the lines and operators of the portal.
func (q *lineQueue) load(ctx workflow.Context) error {
	if q.in.State != nil {
		return nil
	}
	loaded, err := run[LoadedLines](lineStoreStep(ctx, "Load lines and operators"), LoadLinesStep, LoadLinesInput{Portal: q.in.Portal})
	q.state.Events = append(loaded.Events, q.state.Events...)
	return err
}

// handlers registers how people reach the desk.
func (q *lineQueue) handlers(ctx workflow.Context) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateLineAct, q.onAct, workflow.UpdateHandlerOptions{
		Description: `An action of a person: {"id":"click","kind":"accept","session":1,"offer":2,"by":301}; answers what became of it`,
	})
	if err != nil {
		return err
	}
	err = workflow.SetQueryHandlerWithOptions(ctx, QueryLinePreview, q.preview,
		workflow.QueryHandlerOptions{Description: "Who would get a chat of this line now, and why"})
	if err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, QueryLineDesk, func() (LineDeskState, error) { return q.summary(), nil },
		workflow.QueryHandlerOptions{Description: "How many lines, operators and sessions the desk has"})
}

func (q *lineQueue) onAct(ctx workflow.Context, event openlines.Event) (openlines.Answer, error) {
	a := &ask{event: event}
	q.asks = append(q.asks, a)
	err := workflow.Await(ctx, func() bool { return a.done })
	return a.answer, err
}

func (q *lineQueue) preview(line openlines.LineID) (openlines.Decision, error) {
	decision, known := q.state.Desk.Preview(line, q.state.Desk.Now)
	if !known {
		return decision, fmt.Errorf("the desk knows no line %s", line)
	}
	return decision, nil
}

func (q *lineQueue) summary() LineDeskState {
	out := LineDeskState{Lines: len(q.state.Desk.Lines), Operators: len(q.state.Desk.Operators), Unsent: len(q.state.Unsent)}
	for _, s := range q.state.Desk.Sessions {
		if s.State == openlines.Closed {
			continue
		}
		out.Sessions++
		if s.State == openlines.Waiting || s.State == openlines.Held {
			out.Waiting++
		}
	}
	return out
}

func (q *lineQueue) show(ctx workflow.Context) {
	s := q.summary()
	text := fmt.Sprintf("### Open lines of %s\n\n- %d lines, %d operators\n- %d open sessions, %d of them wait for an operator\n",
		q.in.Portal, s.Lines, s.Operators, s.Sessions, s.Waiting)
	if q.trouble != "" {
		text += "- ⚠ decisions cannot be delivered: " + oneLine(q.trouble, 500) + "\n"
	}
	workflow.SetCurrentDetails(ctx, text)
}

// continueAsNew carries the desk over: what is not answered or delivered yet
// comes along.
func (q *lineQueue) continueAsNew(ctx workflow.Context) error {
	if len(q.asks) > 0 {
		q.step(ctx)
	}
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) && !q.sending }); err != nil {
		return err
	}
	q.drain()
	next := q.in
	var err error
	if next.State, err = packed(q.state); err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, LineQueueWorkflow, next)
}

// restore reads the desk that the earlier run left.
func (q *lineQueue) restore() error {
	q.state.Desk = openlines.NewDesk()
	if q.in.State == nil {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(q.in.State))
	if err != nil {
		return fmt.Errorf("read the desk: %w", err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read the desk: %w", err)
	}
	return json.Unmarshal(raw, &q.state)
}

// packed compresses the state: a busy desk is half a megabyte of JSON.
func packed(state lineQueueState) ([]byte, error) {
	raw, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	return out.Bytes(), nil
}
