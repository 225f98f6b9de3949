package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"puente/internal/histories"
	ol "puente/openlines"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

// lineSteps stands for the activities of open lines: it keeps the log, starts the
// runs of sessions as the real one does, and knows no client in the CRM.
type lineSteps struct {
	client client.Client

	mu      sync.Mutex
	records map[int64]ol.Record
	done    map[int64]int // how often a command was carried out, by number and step
	fails   map[string]error
}

func (s *lineSteps) LoadLines(context.Context, workflows.LoadLinesInput) (workflows.LoadedLines, error) {
	conf := ol.Default()
	conf.Name, conf.Channels, conf.TimeZone = "Support", []int64{13}, "UTC"
	out := workflows.LoadedLines{Events: []ol.Event{{Kind: ol.LineChanged, Line: "support", Settings: &conf, Members: []ol.UserID{301, 302, 303}}}}
	for user := ol.UserID(301); user <= 303; user++ {
		out.Events = append(out.Events, ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: user, Presence: ol.Online}})
	}
	return out, nil
}

func (s *lineSteps) DeliverLine(ctx context.Context, in workflows.LineDelivery) (bool, error) {
	for id, commands := range s.keepRecords(in) {
		to := workflows.LineSessionInput{Portal: portal, Session: id}
		_, err := s.client.SignalWithStartWorkflow(ctx, workflows.LineSessionID(portal, id), workflows.SignalLineCommands, commands,
			client.StartWorkflowOptions{
				TaskQueue: workflows.DialogsQueue, StaticSummary: fmt.Sprintf("Session %d of line support", id),
				TypedSearchAttributes: workflows.LineSessionAttributes(to, "7001-13", "support"),
			}, workflows.LineSessionWorkflow, to)
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// keepRecords gives what the sessions of a delivery have to be told.
func (s *lineSteps) keepRecords(in workflows.LineDelivery) map[ol.SessionID]*workflows.LineCommands {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[ol.SessionID]*workflows.LineCommands{}
	of := func(id ol.SessionID) *workflows.LineCommands {
		if out[id] == nil {
			out[id] = &workflows.LineCommands{State: "open"}
		}
		return out[id]
	}
	for _, r := range in.Records {
		if s.records[r.No] = r; r.Kind == ol.SessionEnded {
			of(r.Session).State, of(r.Session).Ended = "closed", true
		}
		if r.Kind == ol.OfferMade {
			of(r.Session).Story = append(of(r.Session).Story, fmt.Sprintf("offered to operator %d", r.User))
		}
	}
	for _, c := range in.Commands {
		of(c.Command.Session).Commands = append(of(c.Command.Session).Commands, c)
	}
	return out
}

func (s *lineSteps) LineChat(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return s.carryOut(ctx, workflows.LineChatStep, in)
}

func (s *lineSteps) LineNotify(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return s.carryOut(ctx, workflows.LineNotifyStep, in)
}

func (s *lineSteps) LineCRM(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	done, err := s.carryOut(ctx, workflows.LineCRMStep, in)
	if in.Command.Kind == ol.DoLookup && err == nil {
		done.Events = []ol.Event{{
			ID: fmt.Sprintf("lookup-%d", in.Seq), Kind: ol.LookupDone, Session: in.Command.Session,
			CRM: &ol.CRMFacts{Result: ol.LookupFound, Item: ol.Item{Kind: "deal", ID: 500}},
		}}
	}
	return done, err
}

func (s *lineSteps) carryOut(_ context.Context, step string, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails[step]; err != nil {
		return workflows.LineCommandDone{}, err
	}
	s.done[in.Seq*10+int64(len(step)%10)]++
	return workflows.LineCommandDone{}, nil
}

// desk is the desk of a portal on a server of its own.
type desk struct {
	*lineSteps
	t  *testing.T
	id string

	n       atomic.Int64
	refused atomic.Int64 // updates
}

func newLineDesk(t *testing.T) *desk {
	t.Helper()
	steps := &lineSteps{records: map[int64]ol.Record{}, done: map[int64]int{}, fails: map[string]error{}}
	steps.client = serve(t, steps, workflows.DialogsQueue, workflows.Bitrix24Queue, workflows.Chat2DeskQueue)
	return &desk{lineSteps: steps, t: t, id: workflows.LineQueueID(portal)}
}

// tell signals events, starting the desk if needed, as the dispatcher does.
func (d *desk) tell(ctx context.Context, events ...ol.Event) error {
	_, err := d.client.SignalWithStartWorkflow(ctx, d.id, workflows.SignalLineEvents, events, client.StartWorkflowOptions{
		TaskQueue: workflows.DialogsQueue, StaticSummary: "Open lines of " + portal, TypedSearchAttributes: workflows.LineQueueAttributes(portal),
	}, workflows.LineQueueWorkflow, workflows.LineQueueInput{Portal: portal})
	return err
}

// message is a message of a client, or of an employee if by is given.
func (d *desk) message(chat string, by ol.UserID) ol.Event {
	id := fmt.Sprint(d.n.Add(1))
	ev := ol.Event{ID: "m" + id, Kind: ol.ClientMessage, At: time.Now(), Chat: ol.ChatID(chat), Message: &ol.Message{ID: id, Channel: 13}}
	if by != 0 {
		ev.Kind, ev.By = ol.EmployeeMessage, by
	}
	return ev
}

// act is the update of a person. A signal that comes just when the run continues
// as new makes the server refuse that task, and the updates in it with it: they
// are sent again. The id of the event sees to it that it takes effect once.
func (d *desk) act(ctx context.Context, ev ol.Event) (answer ol.Answer, err error) {
	ev.ID = fmt.Sprintf("act-%d", d.n.Add(1))
	var refused *serviceerror.WorkflowNotReady
	answer, err = d.update(ctx, ev)
	for ; errors.As(err, &refused); d.refused.Add(1) {
		answer, err = d.update(ctx, ev)
	}
	return answer, err
}

func (d *desk) update(ctx context.Context, ev ol.Event) (answer ol.Answer, err error) {
	handle, err := d.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: d.id, UpdateID: ev.ID, UpdateName: workflows.UpdateLineAct, Args: []any{ev}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	return answer, err
}

// logged are the records of one kind.
func (d *desk) logged(kind ol.RecordKind) (out []ol.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for no := int64(1); no <= int64(len(d.records)); no++ {
		if r := d.records[no]; r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func (d *desk) waitFor(kind ol.RecordKind, n int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return len(d.logged(kind)) >= n }, time.Minute, 5*time.Millisecond, "%d %s", n, kind)
}

// runs are the histories of all runs of a workflow, the first one first.
func (d *desk) runs(id, first string) (out []*historypb.History) {
	d.t.Helper()
	for first != "" {
		history, err := histories.Read(d.t.Context(), d.client, id, first)
		require.NoError(d.t, err)
		out = append(out, history)
		last := history.GetEvents()[len(history.GetEvents())-1]
		first = last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
	return out
}

func (d *desk) run(id string) string {
	d.t.Helper()
	info, err := d.client.DescribeWorkflowExecution(d.t.Context(), id, "")
	require.NoError(d.t, err)
	return info.GetWorkflowExecutionInfo().GetFirstRunId()
}

// Events come and people act while the desk continues as new every few moments:
// each message is written down once, each person gets the answer.
func TestNoEventOfADeskIsLostWhereItsRunsEnd(t *testing.T) {
	t.Parallel()
	d := newLineDesk(t)
	require.NoError(t, d.tell(t.Context(), d.message("1-13", 0)))
	const writers, each = 4, 100
	group, ctx := errgroup.WithContext(t.Context())
	for writer := range writers {
		group.Go(func() error {
			for n := range each {
				if err := d.tell(ctx, d.message(fmt.Sprintf("%d-13", writer*10+n%10), 0)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range 2 {
		group.Go(func() error {
			for n := range each {
				answer, err := d.act(ctx, ol.Event{Kind: ol.Pin, Session: 1, By: 301, On: n%2 == 0})
				if err != nil {
					return err
				}
				if answer.Code != ol.OK {
					return fmt.Errorf("answer %v", answer)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	d.waitFor(ol.MessageIn, writers*each+1)
	require.Len(t, d.logged(ol.MessageIn), writers*each+1)
	runs := d.runs(d.id, d.run(d.id))
	t.Logf("%d runs, %d updates asked again", len(runs), d.refused.Load())
	require.Greater(t, len(runs), 5)
	for _, history := range runs {
		require.Less(t, len(history.GetEvents()), 2000, "no run grows on")
		if len(history.GetEvents()) > 2 { // the last one may have just begun
			require.NoError(t, workflowstest.Replayer().ReplayWorkflowHistory(nil, history))
		}
	}
}

// What a client's message, and a whole session, cost in histories when nothing
// else happens: a busy desk needs less, because it handles many at once.
func TestHistoriesOfOpenLinesAreShort(t *testing.T) {
	t.Parallel()
	d := newLineDesk(t)
	require.NoError(t, d.tell(t.Context(), d.message("1-13", 0)))
	const sessions, messages = 5, 10
	for n := range sessions {
		d.play(fmt.Sprintf("%d-13", n+1), ol.SessionID(n+1), messages)
	}
	queue := 0
	for _, history := range d.runs(d.id, d.run(d.id)) {
		queue += len(history.GetEvents())
	}
	session := 0
	for n := range sessions {
		for _, history := range d.runs(workflows.LineSessionID(portal, ol.SessionID(n+1)), d.run(workflows.LineSessionID(portal, ol.SessionID(n+1)))) {
			session += len(history.GetEvents())
		}
	}
	t.Logf("a session of %d messages and %d replies: %d events of its desk, %d of its own run",
		messages, messages, queue/sessions, session/sessions)
	require.Less(t, queue/sessions, 2*messages*16+40)
	require.Less(t, session/sessions, 400)
}

// play lets a client write and an employee reply, one after the other, and
// finishes the session.
func (d *desk) play(chat string, session ol.SessionID, messages int) {
	d.t.Helper()
	in, out := len(d.logged(ol.MessageIn)), len(d.logged(ol.MessageOut))
	if session == 1 {
		in = 0
	}
	for n := range messages {
		if session > 1 || n > 0 {
			require.NoError(d.t, d.tell(d.t.Context(), d.message(chat, 0)))
		}
		d.waitFor(ol.MessageIn, in+n+1)
		if n == 0 {
			d.waitFor(ol.OfferMade, int(session))
		}
		require.NoError(d.t, d.tell(d.t.Context(), d.message(chat, 302)))
		d.waitFor(ol.MessageOut, out+n+1)
	}
	answer, err := d.act(d.t.Context(), ol.Event{Kind: ol.Finish, Session: session, By: 302})
	require.NoError(d.t, err)
	require.Equal(d.t, ol.OK, answer.Code)
	d.waitFor(ol.SessionFinished, int(session))
}

// TestOpenLinesRunOnAServer looks at histories of both workflows: they replay,
// keep Temporal's limits and hold nobody's data. PUENTE_RECORD=1 keeps them for
// the replay test; a history that was released stays as it is.
func TestOpenLinesRunOnAServer(t *testing.T) {
	t.Parallel()
	d := newLineDesk(t)
	d.fails[workflows.LineNotifyStep] = workflowstest.Refused("ACCESS_DENIED", "Access denied.")
	require.NoError(t, d.tell(t.Context(), d.message("1-13", 0)))
	d.play("1-13", 1, 10)
	_, err := d.act(t.Context(), ol.Event{Kind: ol.MarkSpam, Session: 1, By: 302})
	require.NoError(t, err)
	d.waitFor(ol.SessionEnded, 1)
	queue := d.runs(d.id, d.run(d.id))
	require.Greater(t, len(queue), 2)
	d.keep("LineQueue-begun", queue[0])
	d.keep("LineQueue-continued", queue[1])
	d.keep("LineQueue-goes-on", queue[len(queue)-1])
	session := workflows.LineSessionID(portal, 1)
	if recording {
		d.endsIn(session, 2*time.Minute) // it stays for a minute
	}
	runs := d.runs(session, d.run(session))
	require.Greater(t, len(runs), 1)
	d.keep("LineSession-begun", runs[0])
	d.keep("LineSession-ended", runs[len(runs)-1])
}

// A session whose CRM is down leaves what is under way to its next run. That takes
// the minute for which it is waited for, so it is looked at with PUENTE_RECORD=1;
// without, only that the channel goes on.
func TestASessionWhoseCRMIsDownGoesOn(t *testing.T) {
	t.Parallel()
	d := newLineDesk(t)
	d.fails[workflows.LineCRMStep] = workflowstest.Passing(time.Hour)
	require.NoError(t, d.tell(t.Context(), d.message("1-13", 0)))
	d.waitFor(ol.SessionStarted, 1)
	for n := range 8 { // each hands it to somebody else, which the channel is told
		_, err := d.act(t.Context(), ol.Event{Kind: ol.Take, Session: 1, By: ol.UserID(301 + n%3)})
		require.NoError(t, err)
		require.NoError(t, d.tell(t.Context(), d.message("1-13", ol.UserID(301+n%3))))
		d.waitFor(ol.MessageOut, n+1)
	}
	session := workflows.LineSessionID(portal, 1)
	first := d.run(session)
	if !recording {
		require.NotEmpty(t, d.runs(session, first))
		return
	}
	require.Eventually(t, func() bool { return len(d.runs(session, first)) > 1 }, 2*time.Minute, time.Second)
	runs := d.runs(session, first)
	require.True(t, slices.ContainsFunc(runs[0].GetEvents(), func(e *historypb.HistoryEvent) bool {
		return e.GetEventType() == enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED
	}), "what was under way has really stopped")
	d.keep("LineSession-stopped", runs[0])
}

// recording keeps histories for the replay test.
var recording = os.Getenv("PUENTE_RECORD") != ""

func (d *desk) endsIn(id string, patience time.Duration) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		info, err := d.client.DescribeWorkflowExecution(d.t.Context(), id, "")
		return err == nil && info.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}, patience, time.Second)
}

func (d *desk) keep(name string, history *historypb.History) {
	d.t.Helper()
	trouble, err := workflowstest.Trouble(history)
	require.NoError(d.t, err)
	require.Empty(d.t, trouble)
	require.NoError(d.t, workflowstest.Replayer().ReplayWorkflowHistory(nil, history))
	if recording {
		require.NoError(d.t, histories.Save(history, filepath.Join("..", "testdata", "replay", name+".json")))
	}
}
