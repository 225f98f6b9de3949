package workflows_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	ol "puente/openlines"
	"puente/workflows"
)

// patient is for machines so busy that a step takes a second: that is no deadlock.
var patient = worker.Options{DeadlockDetectionTimeout: time.Minute}

// lineScript is what happens around a desk: what it is given, and when. Timers
// are not in it.
type lineScript struct {
	Until time.Time
	Steps []lineStep
}

// lineStep is what comes at one instant.
type lineStep struct {
	At      time.Time
	Down    time.Time // the service was down from then until At
	Restart bool      // the run continues as new just when this comes
	Events  []ol.Event
}

// linePlay is what came of a script.
type linePlay struct {
	Records  []ol.Record
	Commands []ol.Command
	Answers  map[int][]ol.Answer // by step; of a LineQueue only those of people
	Desk     string              // as it stands at the end, in JSON
	Runs     int
}

// playDesk plays a script on the pure desk: it is woken whenever it wants to be,
// except while the service is down.
func playDesk(t require.TestingT, script lineScript) linePlay {
	desk, out := ol.NewDesk(), linePlay{Answers: map[int][]ol.Answer{}}
	var next time.Time
	step := func(now time.Time, events ...ol.Event) ol.Outcome {
		done := desk.Step(now, events...)
		next, out.Records, out.Commands = done.Next, append(out.Records, done.Records...), append(out.Commands, done.Commands...)
		return done
	}
	wake := func(until time.Time) {
		for !next.IsZero() && !next.After(until) {
			step(next)
		}
	}
	for i, s := range script.Steps {
		if s.Down.IsZero() {
			wake(s.At)
		} else {
			wake(s.Down)
		}
		if s.Restart {
			desk = again(t, desk)
		}
		out.Answers[i] = step(s.At, s.Events...).Answers
	}
	wake(script.Until)
	out.Desk = asJSON(t, desk)
	return out
}

// again writes a desk and reads it.
func again(t require.TestingT, desk *ol.Desk) *ol.Desk {
	fresh := &ol.Desk{}
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, desk)), fresh))
	return fresh
}

func asJSON(t require.TestingT, value any) string {
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

// asLines is a list in JSON, so that a difference can be read.
func asLines[T any](t require.TestingT, list []T) string {
	var out strings.Builder
	for _, each := range list {
		out.WriteString(asJSON(t, each) + "\n")
	}
	return out.String()
}

// queuePlay plays a script through LineQueue, in as many runs as the script
// wants: while the service is down nothing runs, and a run that continues as new
// is followed by one that begins with what it left.
type queuePlay struct {
	t       require.TestingT
	script  lineScript
	refuses int // how many deliveries fail, each for some time

	mu       sync.Mutex
	records  map[int64]ol.Record
	commands map[int64]ol.Command
	first    int64 // the number of the first command
	out      linePlay
	trouble  error
}

func playQueue(t require.TestingT, script lineScript, refuses int) linePlay {
	p := &queuePlay{
		t: t, script: script, refuses: refuses, records: map[int64]ol.Record{}, commands: map[int64]ol.Command{},
		out: linePlay{Answers: map[int][]ol.Answer{}},
	}
	in, begin, from := workflows.LineQueueInput{Portal: portal}, script.Steps[0].At, 0
	for {
		to := from + 1
		for to < len(script.Steps) && script.Steps[to].Down.IsZero() && !script.Steps[to].Restart {
			to++
		}
		in = p.run(in, begin, from, to)
		p.out.Runs++
		if to == len(script.Steps) {
			break
		}
		begin, from = script.Steps[to].At, to
	}
	return p.finish(in.State)
}

// run plays the steps [from, to) in one run that begins at an instant; the step
// to comes just when it continues as new. Returned is what the next run gets.
func (p *queuePlay) run(in workflows.LineQueueInput, begin time.Time, from, to int) workflows.LineQueueInput {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(patient)
	env.SetStartTime(begin)
	env.RegisterWorkflowWithOptions(workflows.LineQueue, workflow.RegisterOptions{Name: workflows.LineQueueWorkflow})
	env.RegisterActivity(&lineFakes{})
	loaded := p.beginnings(in)
	env.OnActivity(workflows.LoadLinesStep, mock.Anything).Return(workflows.LoadedLines{Events: loaded}, nil).Maybe()
	env.OnActivity(workflows.DeliverLineStep, mock.Anything).Return(p.deliver).Maybe()

	at := newMoments(env, begin)
	for i := max(from, len(loaded)); i < to; i++ {
		if i > from || from == 0 { // the first of a later run came to the run before
			at.do(p.script.Steps[i].At, func() { p.hand(env, i) })
		}
	}
	p.end(env, at, to)
	env.ExecuteWorkflow(workflows.LineQueueWorkflow, in)
	require.NoError(p.t, p.trouble)
	return continuedAs[workflows.LineQueueInput](p.t, env)
}

// beginnings are the lines and operators that a new desk loads: what stands at
// the beginning of the script.
func (p *queuePlay) beginnings(in workflows.LineQueueInput) (events []ol.Event) {
	if in.State != nil {
		return nil
	}
	for _, s := range p.script.Steps {
		if len(s.Events) != 1 || s.Events[0].Kind != ol.LineChanged && s.Events[0].Kind != ol.OperatorChanged {
			break
		}
		if !s.At.Equal(p.script.Steps[0].At) || s.Restart {
			break
		}
		events = append(events, s.Events[0])
	}
	return events
}

// end lets the run continue as new: at the end of the script, when the service
// goes down, or when the next step comes.
func (p *queuePlay) end(env *testsuite.TestWorkflowEnvironment, at *moments, to int) {
	switch {
	case to == len(p.script.Steps):
		at.do(p.script.Until, func() { p.leave(env) })
	case p.script.Steps[to].Down.IsZero():
		at.do(p.script.Steps[to].At, func() {
			p.hand(env, to)
			p.leave(env)
		})
	default:
		at.do(p.script.Steps[to].Down, func() { p.down(env, p.script.Steps[to].Events) })
	}
}

// leave lets the run continue as new with whatever is under way.
func (p *queuePlay) leave(env *testsuite.TestWorkflowEnvironment) {
	env.RegisterDelayedCallback(func() {
		env.SetContinueAsNewSuggested(true)
		env.SetCurrentHistoryLength(30_000) // too long to wait for a delivery
		env.SignalWorkflow(workflows.SignalLineEvents, []ol.Event{})
	}, 0)
}

// down is leave when events come that no run looks at any more: they wait for the
// next. Nothing may be under way, or it would wake this run once more.
func (p *queuePlay) down(env *testsuite.TestWorkflowEnvironment, events []ol.Event) {
	var desk workflows.LineDeskState
	value, err := env.QueryWorkflow(workflows.QueryLineDesk)
	if err == nil {
		err = value.Get(&desk)
	}
	if err != nil {
		p.trouble = err
	}
	if len(events) > 0 && desk.Unsent > 0 {
		env.RegisterDelayedCallback(func() { p.down(env, events) }, time.Microsecond)
		return
	}
	if len(events) > 0 {
		env.SignalWorkflowSkippingWorkflowTask(workflows.SignalLineEvents, events)
	}
	p.leave(env)
}

// hand gives the desk the events of a step: what people do as an update, all
// else as a signal.
func (p *queuePlay) hand(env *testsuite.TestWorkflowEnvironment, i int) {
	events := p.script.Steps[i].Events
	if len(events) != 1 || !byPeople(events[0].Kind) {
		env.SignalWorkflow(workflows.SignalLineEvents, events)
		return
	}
	env.UpdateWorkflow(workflows.UpdateLineAct, fmt.Sprint("update-", i), &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { p.trouble = err },
		OnComplete: func(result any, err error) {
			if err != nil {
				p.trouble = err
				return
			}
			p.out.Answers[i] = []ol.Answer{result.(ol.Answer)}
		},
	}, events[0])
}

func byPeople(kind ol.EventKind) bool {
	return slices.Contains([]ol.EventKind{
		ol.Accept, ol.Decline, ol.Take, ol.Transfer, ol.TransferLine, ol.Return, ol.Finish, ol.MarkSpam, ol.Pin, ol.GoSilent, ol.LeadAsked,
	}, kind)
}

// deliver stands for the activity: it keeps each record and command once.
func (p *queuePlay) deliver(in workflows.LineDelivery) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuses > 0 {
		p.refuses--
		return false, errors.New("connection refused")
	}
	p.keep(in)
	return true, nil
}

// keep looks that what was delivered has no gap: each delivery begins with, or
// before, the number that comes next.
func (p *queuePlay) keep(in workflows.LineDelivery) {
	for _, r := range in.Records {
		if _, known := p.records[r.No]; !known && r.No != int64(len(p.records)+1) {
			p.trouble = fmt.Errorf("record %d came when %d was next", r.No, len(p.records)+1)
		}
		p.records[r.No] = r
	}
	for _, c := range in.Commands {
		if p.first == 0 {
			p.first = c.Seq
		}
		if _, known := p.commands[c.Seq]; !known && c.Seq != p.first+int64(len(p.commands)) {
			p.trouble = fmt.Errorf("command %d came when %d was next", c.Seq, p.first+int64(len(p.commands)))
		}
		p.commands[c.Seq] = c.Command
	}
}

// finish adds what the last run left undelivered.
func (p *queuePlay) finish(state []byte) linePlay {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := unpacked(p.t, state)
	for _, d := range left.Unsent {
		p.keep(d)
	}
	require.NoError(p.t, p.trouble)
	for no := range len(p.records) {
		p.out.Records = append(p.out.Records, p.records[int64(no+1)])
	}
	for seq := range len(p.commands) {
		p.out.Commands = append(p.out.Commands, p.commands[p.first+int64(seq)])
	}
	p.out.Desk = asJSON(p.t, left.Desk)
	return p.out
}

// lineState is what a LineQueue carries over.
type lineState struct {
	Desk   *ol.Desk                 `json:"desk"`
	Events []ol.Event               `json:"events"`
	Unsent []workflows.LineDelivery `json:"unsent"`
}

func unpacked(t require.TestingT, state []byte) (out lineState) {
	r, err := gzip.NewReader(bytes.NewReader(state))
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(r).Decode(&out))
	return out
}

// continuedAs is what the run gave to the next.
func continuedAs[T any](t require.TestingT, env *testsuite.TestWorkflowEnvironment) (in T) {
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &next)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	return in
}

// moments lets things happen at instants: one microsecond after each other, so
// that they keep their order, and after the timers of their millisecond. Each is
// told to the environment by the one before, because it cannot hold a thousand.
type moments struct {
	env   *testsuite.TestWorkflowEnvironment
	begin time.Time
	last  time.Time
	next  []moment // the first is told to the environment
}

type moment struct {
	at   time.Time
	what func()
}

func newMoments(env *testsuite.TestWorkflowEnvironment, begin time.Time) *moments {
	return &moments{env: env, begin: begin, last: begin}
}

func (m *moments) do(at time.Time, what func()) {
	if !at.After(m.last) {
		at = m.last
	}
	m.last = at.Add(time.Microsecond)
	m.next = append(m.next, moment{at: m.last, what: what})
	if len(m.next) == 1 {
		m.tell(m.last.Sub(m.begin))
	}
}

func (m *moments) tell(wait time.Duration) {
	m.env.RegisterDelayedCallback(m.come, wait)
}

func (m *moments) come() {
	if !begun(m.env) {
		m.env.RegisterDelayedCallback(m.come, 0)
		return
	}
	now := m.next[0]
	if m.next = m.next[1:]; len(m.next) > 0 {
		m.tell(m.next[0].at.Sub(now.at))
	}
	now.what()
}

// begun tells whether the first task of the run is over, which the environment
// lets timers of the first millisecond overtake.
func begun(env *testsuite.TestWorkflowEnvironment) bool {
	var metadata sdkpb.WorkflowMetadata
	value, err := env.QueryWorkflow("__temporal_workflow_metadata")
	return err == nil && value.Get(&metadata) == nil && len(metadata.GetDefinition().GetQueryDefinitions()) > 3 // besides its own
}

// lineFakes are the steps of open lines; tests say what comes of them.
type lineFakes struct{}

func (*lineFakes) LoadLines(workflows.LoadLinesInput) (workflows.LoadedLines, error) {
	return workflows.LoadedLines{}, nil
}
func (*lineFakes) DeliverLine(workflows.LineDelivery) (bool, error) { return true, nil }
func (*lineFakes) LineChat(workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return workflows.LineCommandDone{}, nil
}

func (*lineFakes) LineNotify(workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return workflows.LineCommandDone{}, nil
}

func (*lineFakes) LineCRM(workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return workflows.LineCommandDone{}, nil
}
