package workflows

import (
	"fmt"
	"slices"
	"strings"
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
	Next    time.Time         `json:"next,omitzero"` // when the desk has to be woken; zero: not at all
	// Answered are the last answers to people: who asks again gets the same.
	Answered []openlines.Answer `json:"answered,omitempty"`
	// Decided are the last decisions in words, for the UI.
	Decided []string `json:"decided,omitempty"`
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
	alarm   alarm
	sending bool
	trouble string // why the last delivery failed
}

const (
	// maxUnsent bounds how far decisions run ahead of their delivery: while the
	// database is away, what comes waits as signals.
	maxUnsent = 400
	// maxAnswered is how many answers to people are remembered: those of minutes.
	maxAnswered = 256
	// maxDecided is how many decisions the UI shows.
	maxDecided = 20
	// maxHistory is where a run continues as new although a delivery is under way.
	maxHistory = 20_000
)

// LineQueue is the one decision point of a portal's open lines: turns, capacity
// and presence are decided here and nowhere else (openlines.Desk). It takes
// events as signals and people's actions as updates, lets the desk decide, and
// has records and commands delivered in order. It lives for ever, in runs that
// continue as new, and cannot be cancelled: all that it knows would be lost.
func LineQueue(ctx workflow.Context, in LineQueueInput) error {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	q := &lineQueue{in: in}
	q.signals = workflow.GetSignalChannelWithOptions(ctx, SignalLineEvents, workflow.SignalChannelOptions{
		Description: "What happened in chats, to operators, lines and in the CRM: a list of events, ids only",
	})
	if err := q.restore(); err != nil {
		panic(err) // the task is tried again: with the run, the desk would be lost
	}
	// A run that began under older rules of the desk keeps to them to its end.
	q.state.Desk.Rules = max(int(workflow.GetVersion(ctx, "desk-rules", workflow.DefaultVersion, openlines.RulesNow)), 0)
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
	q.setAlarm(ctx)
	for {
		q.drain()
		switch {
		case q.leaving(ctx):
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
	if q.blocked() {
		return false
	}
	overdue := !q.state.Next.IsZero() && !workflow.Now(ctx).Before(q.state.Next)
	return len(q.state.Events) > 0 || len(q.asks) > 0 || overdue || q.alarm.rang()
}

func (q *lineQueue) blocked() bool { return len(q.state.Unsent) >= maxUnsent }

// leaving tells whether the run has grown long enough. It lets a delivery that is
// under way come to its end, unless that takes too long: to begin it again does
// no harm.
func (q *lineQueue) leaving(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	return info.GetContinueAsNewSuggested() && (!q.sending || info.GetCurrentHistoryLength() > maxHistory)
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
		a.answer, a.done = q.remember(out.Answers[first+i]), true
	}
	q.state.Next = out.Next
	q.setAlarm(ctx)
	q.push(out)
	q.tell(out.Records)
	q.show(ctx)
}

// remember gives somebody who asks again, because his answer was lost, the answer
// that he got first. The error of an update does not tell whether it took effect.
func (q *lineQueue) remember(answer openlines.Answer) openlines.Answer {
	if answer.Code == openlines.Repeated {
		for _, earlier := range q.state.Answered {
			if earlier.Event == answer.Event {
				return earlier
			}
		}
		return answer
	}
	q.state.Answered = last(append(q.state.Answered, answer), maxAnswered)
	return answer
}

// push numbers the commands and queues the outcome up for delivery.
func (q *lineQueue) push(out openlines.Outcome) {
	for _, records := range parts(out.Records, func(r openlines.Record) int { return weight(r.Why) }) {
		q.state.Unsent = append(q.state.Unsent, LineDelivery{Portal: q.in.Portal, Records: records})
	}
	for _, commands := range parts(out.Commands, func(c openlines.Command) int { return weight(c.Why) }) {
		d := LineDelivery{Portal: q.in.Portal}
		for _, c := range commands {
			q.state.LastSeq++
			d.Commands = append(d.Commands, LineCommand{Seq: q.state.LastSeq, Command: c})
		}
		q.state.Unsent = append(q.state.Unsent, d)
	}
}

// wait sleeps until there is something to do.
func (q *lineQueue) wait(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool {
		return q.leaving(ctx) || q.due(ctx) || !q.blocked() && q.signals.Len() > 0
	})
}

// alarm is the timer that wakes the desk.
type alarm struct {
	at     time.Time
	timer  workflow.Future
	cancel workflow.CancelFunc
}

func (a *alarm) rang() bool { return a.timer != nil && a.timer.IsReady() }

// setAlarm keeps one timer running, for the instant at which the desk has to be
// woken. Another one takes its place only when that instant is another one: each
// timer is two events of the history, and most messages do not move it.
func (q *lineQueue) setAlarm(ctx workflow.Context) {
	at := q.state.Next
	if q.alarm.at.Equal(at) && !q.alarm.rang() {
		return
	}
	if q.alarm.cancel != nil {
		q.alarm.cancel()
	}
	if q.alarm = (alarm{at: at}); at.IsZero() {
		return
	}
	ctx, q.alarm.cancel = workflow.WithCancel(ctx)
	q.alarm.timer = workflow.NewTimerWithOptions(ctx, max(at.Sub(workflow.Now(ctx)), time.Millisecond),
		workflow.TimerOptions{Summary: "Next deadline of the desk: " + at.UTC().Format(time.RFC3339)})
}

func (q *lineQueue) drain() {
	var events []openlines.Event
	for q.signals.ReceiveAsync(&events) {
		q.state.Events = append(q.state.Events, events...)
		events = nil
	}
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
		workflow.QueryHandlerOptions{Description: "Who would get a chat of this line at an instant (else: now), and why"})
	if err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, QueryLineDesk, func() (LineDeskState, error) { return q.summary(), nil },
		workflow.QueryHandlerOptions{Description: "How many lines, operators and sessions the desk has"})
}

func (q *lineQueue) onAct(ctx workflow.Context, event openlines.Event) (openlines.Answer, error) {
	if event.At.IsZero() {
		event.At = workflow.Now(ctx) // not before what has come earlier
	}
	a := &ask{event: event}
	q.asks = append(q.asks, a)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := workflow.Await(ctx, func() bool { return a.done })
	return a.answer, err
}

func (q *lineQueue) preview(line openlines.LineID, at time.Time) (openlines.Decision, error) {
	if at.Before(q.state.Desk.Now) {
		at = q.state.Desk.Now
	}
	decision, known := q.state.Desk.Preview(line, at)
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
	if len(q.state.Decided) > 0 {
		text += "\nThe last decisions (UTC):\n\n- " + strings.Join(q.state.Decided, "\n- ") + "\n"
	}
	workflow.SetCurrentDetails(ctx, clip(text, maxDetails))
}

// tell notes the last things that were decided, for people who look at the desk.
// A flood of decisions is not put into words that nobody would see.
func (q *lineQueue) tell(records []openlines.Record) {
	decided := slices.DeleteFunc(slices.Clone(records), func(r openlines.Record) bool { return !slices.Contains(decisions, r.Kind) })
	for _, r := range last(decided, maxDecided) {
		line := fmt.Sprintf("%s session %d: %s", r.At.UTC().Format(time.TimeOnly), r.Session, r.Sentence(time.UTC))
		q.state.Decided = append(q.state.Decided, oneLine(line, 300))
	}
	q.state.Decided = last(q.state.Decided, maxDecided)
}

// decisions are the records that tell how a session went from hand to hand.
var decisions = []openlines.RecordKind{
	openlines.OfferMade, openlines.OwnerSet, openlines.RuleFired, openlines.OpenToAll, openlines.SessionHeld, openlines.SessionFinished,
}

// continueAsNew carries the desk over: what is not answered or delivered yet
// comes along. If a signal comes meanwhile, the server refuses this task, and
// updates in it with it: who sent one has to ask again (WorkflowNotReady).
func (q *lineQueue) continueAsNew(ctx workflow.Context) error {
	if len(q.asks) > 0 {
		q.step(ctx)
	}
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
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
