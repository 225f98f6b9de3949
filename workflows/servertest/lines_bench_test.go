package servertest

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"puente/activities"
	"puente/devserver"
	"puente/lines"
	ol "puente/openlines"
	"puente/store"
	"puente/store/storetest"
	"puente/worker"
	"puente/workflows"
)

// lineBench is the desk of a portal on a Temporal server of its own, with the
// real steps that read and store on PostgreSQL. The channel and the CRM answer at
// once: what is measured is the one decision point and what hangs on it.
type lineBench struct {
	b      *testing.B
	client client.Client
	store  *store.Store
	desk   string
	n      atomic.Int64 // messages so far
}

// senders is how many dispatchers signal at once.
const senders = 16

// operators are the members of the line.
const operators = 10

// withCRM looks clients up and shows each message in the CRM; deskAlone does
// neither, so that next to nothing is left to do but to decide and to store.
const (
	withCRM   = true
	deskAlone = false
)

func newLineBench(b *testing.B, crm bool) *lineBench {
	b.Helper()
	l := &lineBench{b: b, store: storetest.Open(b, storetest.PostgresURL(b)), desk: workflows.LineQueueID(portal)}
	l.serve()
	l.setUp(crm)
	return l
}

// serve starts the server with the settings of puente-dev, which are those of
// production where histories are concerned: a run ends after 4,096 events.
func (l *lineBench) serve() {
	quiet := slog.New(slog.DiscardHandler)
	server, err := devserver.Start(l.b.Context(), devserver.Options{Logger: quiet})
	require.NoError(l.b, err)
	l.b.Cleanup(server.Stop)
	l.client, err = client.Dial(client.Options{HostPort: server.Address(), Logger: sdklog.NewStructuredLogger(quiet)})
	require.NoError(l.b, err)
	l.b.Cleanup(l.client.Close)
	require.NoError(l.b, worker.RegisterSearchAttributes(l.b.Context(), l.client, client.DefaultNamespace))
	for _, queue := range []string{workflows.DialogsQueue, workflows.Bitrix24Queue, workflows.Chat2DeskQueue} {
		w := sdk.New(l.client, queue, sdk.Options{})
		worker.RegisterWorkflows(w)
		if queue == workflows.DialogsQueue {
			worker.RegisterLines(w, &activities.Lines{Store: l.store, Temporal: l.client})
		} else {
			w.RegisterActivity(&outside{})
		}
		require.NoError(l.b, w.Start())
		l.b.Cleanup(w.Stop)
	}
}

// outside stands for Chat2Desk and Bitrix24.
type outside struct{}

func (outside) LineChat(context.Context, workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return workflows.LineCommandDone{}, nil
}

func (outside) LineNotify(context.Context, workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	return workflows.LineCommandDone{}, nil
}

// LineCRM knows every client, so that all sessions have a mark in the CRM.
func (outside) LineCRM(_ context.Context, in workflows.LineCommandInput) (done workflows.LineCommandDone, err error) {
	if in.Command.Kind == ol.DoLookup {
		done.Events = []ol.Event{{
			ID: fmt.Sprintf("lookup-%d", in.Seq), Kind: ol.LookupDone, Session: in.Command.Session,
			CRM: &ol.CRMFacts{Result: ol.LookupFound, Item: ol.Item{Kind: "deal", ID: int64(in.Command.Session)}},
		}}
	}
	return done, nil
}

func (l *lineBench) setUp(crm bool) {
	ctx := l.b.Context()
	require.NoError(l.b, l.store.SavePortal(ctx, store.Portal{
		Slug: portal, Bitrix24: store.Bitrix24Account{WebhookURL: "https://p.example/rest/1/secret/"},
		Chat2Desk: store.Chat2DeskAccount{BaseURL: "https://c.example", Token: "token"},
	}))
	conf := ol.Default()
	conf.Name, conf.Channels, conf.MaxPendingOffers, conf.GraceTime = "Support", []int64{13}, 100, 0
	conf.CRMCheck = crm
	if !crm {
		conf.CRMCreate = ol.CreateNone
	}
	online := ol.Online
	for n := range int64(operators) {
		conf.Members = append(conf.Members, ol.Member{User: 301 + n})
		_, err := l.store.SaveOperator(ctx, portal, ol.UserID(301+n), store.OperatorChange{Presence: &online})
		require.NoError(l.b, err)
	}
	require.Empty(l.b, ol.Validate(conf, time.Now()))
	_, err := l.store.SaveLine(ctx, portal, "support", conf, "bench", "", 0)
	require.NoError(l.b, err)
}

// says is a message of the client of a chat, or of an employee if by is given.
func (l *lineBench) says(chat int, by ol.UserID) []ol.Event {
	n := l.n.Add(1)
	ev := ol.Event{
		ID: fmt.Sprint("inbox:", n), Kind: ol.ClientMessage, At: time.Now(), Chat: workflows.LineChatID(int64(chat), 13),
		Message: &ol.Message{ID: fmt.Sprint(n), Channel: 13, Order: n, Writable: true},
	}
	if by != 0 {
		ev.Kind, ev.By = ol.EmployeeMessage, by
	}
	return []ol.Event{ev}
}

// tell signals the desk as a dispatcher does.
func (l *lineBench) tell(ctx context.Context, events []ol.Event) error {
	_, err := l.client.SignalWithStartWorkflow(ctx, l.desk, workflows.SignalLineEvents, events, client.StartWorkflowOptions{
		TaskQueue: workflows.DialogsQueue, StaticSummary: "Open lines of " + portal, TypedSearchAttributes: workflows.LineQueueAttributes(portal),
	}, workflows.LineQueueWorkflow, workflows.LineQueueInput{Portal: portal})
	return err
}

// together does something n times, as many senders at once.
func (l *lineBench) together(n int, do func(ctx context.Context, i int) error) {
	group, ctx := errgroup.WithContext(l.b.Context())
	group.SetLimit(senders)
	for i := range n {
		group.Go(func() error { return do(ctx, i) })
	}
	require.NoError(l.b, group.Wait())
}

// settle waits until everything that was told is decided and delivered: a desk
// decides about signals before it answers the update that came after them.
func (l *lineBench) settle() {
	_, err := l.act(l.b.Context(), lines.Act{Action: "pin", Session: 1, By: 301})
	require.NoError(l.b, err)
	require.Eventually(l.b, func() bool {
		value, err := l.client.QueryWorkflow(l.b.Context(), l.desk, "", workflows.QueryLineDesk)
		var state workflows.LineDeskState
		return err == nil && value.Get(&state) == nil && state.Unsent == 0
	}, time.Minute, 5*time.Millisecond)
}

// act is what a person does; as people do, it is tried again when the run of the
// desk ends just then.
func (l *lineBench) act(ctx context.Context, act lines.Act) (answer ol.Answer, err error) {
	act.Key = fmt.Sprint("click-", l.n.Add(1))
	service := &lines.Service{Store: l.store, Temporal: l.client}
	for range 10 {
		if answer, err = service.Act(ctx, portal, act); err == nil {
			return answer, nil
		}
	}
	return answer, err
}

// began lets so many clients write at once.
func (l *lineBench) began(first, n int) {
	l.together(n, func(ctx context.Context, i int) error { return l.tell(ctx, l.says(first+i, 0)) })
}

// size is what runs of a workflow take in its history.
type size struct {
	runs   int
	events int64
	bytes  int64
}

// sizes are those of all runs of a workflow, the first one first.
func (l *lineBench) sizes(id string) (out []size) {
	l.b.Helper()
	for run := l.info(id, "").GetFirstRunId(); run != ""; {
		info := l.info(id, run)
		out = append(out, size{runs: 1, events: info.GetHistoryLength(), bytes: info.GetHistorySizeBytes()})
		run = l.next(info)
	}
	return out
}

func (l *lineBench) info(id, run string) *workflowpb.WorkflowExecutionInfo {
	l.b.Helper()
	answer, err := l.client.DescribeWorkflowExecution(l.b.Context(), id, run)
	require.NoError(l.b, err)
	return answer.GetWorkflowExecutionInfo()
}

// next is the run that goes on where a run ended; "" if it has not ended so.
func (l *lineBench) next(ended *workflowpb.WorkflowExecutionInfo) string {
	l.b.Helper()
	if ended.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW {
		return ""
	}
	events := l.client.GetWorkflowHistory(l.b.Context(), ended.GetExecution().GetWorkflowId(), ended.GetExecution().GetRunId(), false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	require.True(l.b, events.HasNext())
	event, err := events.Next()
	require.NoError(l.b, err)
	return event.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
}

// total adds sizes up.
func total(all []size) (sum size) {
	for _, one := range all {
		sum = size{sum.runs + one.runs, sum.events + one.events, sum.bytes + one.bytes}
	}
	return sum
}

// carried is how much the last run of the desk was given by the one before.
func (l *lineBench) carried() int {
	l.b.Helper()
	history, err := l.client.WorkflowService().GetWorkflowExecutionHistory(l.b.Context(), &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: l.desk}, MaximumPageSize: 1,
	})
	require.NoError(l.b, err)
	started := history.GetHistory().GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	return len(started.GetInput().GetPayloads()[0].GetData())
}

// cost reports what n of something took of the histories of a workflow.
func (l *lineBench) cost(before, after size, n int, of string) {
	l.b.ReportMetric(float64(n)/l.b.Elapsed().Seconds(), of+"s/s")
	l.b.ReportMetric(float64(after.events-before.events)/float64(n), "desk-events/"+of)
	l.b.ReportMetric(float64(after.bytes-before.bytes)/float64(n), "desk-bytes/"+of)
}

// BenchmarkLineMessages is how many messages a second one desk takes, and what
// each costs, in two hundred open sessions in which client and operator write in
// turn: the desk by itself; with the CRM, where each message is shown; and one
// message after the other, which is dearest, because nothing is handled together.
func BenchmarkLineMessages(b *testing.B) {
	b.Run("desk", func(b *testing.B) { benchBusyLine(newLineBench(b, deskAlone)) })
	b.Run("with-CRM", func(b *testing.B) { benchBusyLine(newLineBench(b, withCRM)) })
	b.Run("one-by-one", func(b *testing.B) { benchQuietLine(newLineBench(b, deskAlone)) })
}

const busySessions = 200

func benchBusyLine(l *lineBench) {
	l.began(1, busySessions)
	l.settle()
	before, n := total(l.sizes(l.desk)), 0
	for l.b.Loop() {
		for _, by := range []ol.UserID{301, 0} {
			l.together(busySessions, func(ctx context.Context, i int) error { return l.tell(ctx, l.says(1+i, by)) })
			n += busySessions
		}
		l.settle()
	}
	l.cost(before, total(l.sizes(l.desk)), n, "message")
}

func benchQuietLine(l *lineBench) {
	l.began(1, busySessions)
	l.settle()
	before, n := total(l.sizes(l.desk)), 0
	for l.b.Loop() {
		stored := l.records()
		require.NoError(l.b, l.tell(l.b.Context(), l.says(1+n/2%busySessions, []ol.UserID{301, 0}[n%2])))
		require.Eventually(l.b, func() bool { return l.records() > stored }, time.Minute, time.Millisecond)
		n++
	}
	l.cost(before, total(l.sizes(l.desk)), n, "message")
}

// records is how many records are stored.
func (l *lineBench) records() int64 {
	numbers, err := l.store.LineNumbers(l.b.Context(), portal)
	require.NoError(l.b, err)
	return numbers.LastRecord
}

// BenchmarkLineChats is how many whole chats a second one desk takes: a hundred
// clients write at once, get an operator each, an answer, and are finished.
func BenchmarkLineChats(b *testing.B) {
	const chats = 100
	l := newLineBench(b, withCRM)
	l.began(1, 1)
	l.settle()
	before, n := total(l.sizes(l.desk)), 0
	for b.Loop() {
		first := n + 2
		l.began(first, chats)
		l.settle()
		l.together(chats, func(ctx context.Context, i int) error {
			return l.tell(ctx, l.says(first+i, 301+ol.UserID(i%operators)))
		})
		l.together(chats, func(ctx context.Context, i int) error {
			answer, err := l.act(ctx, lines.Act{Action: "finish", Session: ol.SessionID(first + i), By: 301})
			if err == nil && answer.Code != ol.OK {
				err = fmt.Errorf("session %d: %s", first+i, answer.Code)
			}
			return err
		})
		l.settle()
		n += chats
	}
	l.cost(before, total(l.sizes(l.desk)), n, "chat")
	var sessions size
	for i := range chats {
		one := total(l.sizes(workflows.LineSessionID(portal, ol.SessionID(2+i))))
		sessions = size{sessions.runs + one.runs, sessions.events + one.events, sessions.bytes + one.bytes}
	}
	b.ReportMetric(float64(sessions.events)/chats, "session-events/chat")
	b.ReportMetric(float64(sessions.bytes)/chats, "session-bytes/chat")
}

// BenchmarkLineDay is what a busy line leaves in histories: with five hundred open
// sessions, runs of the desk fill up and continue as new. The third run is as large
// as the first, however long the desk lives (last/first is 1), and brings the next
// one no more.
func BenchmarkLineDay(b *testing.B) {
	const sessions, runs = 500, 3
	l := newLineBench(b, deskAlone)
	l.began(1, sessions)
	n := 0
	fill := func() { // one run to its end
		for before := len(l.sizes(l.desk)); len(l.sizes(l.desk)) == before; n += sessions {
			by := []ol.UserID{301, 0}[n/sessions%2]
			l.together(sessions, func(ctx context.Context, i int) error { return l.tell(ctx, l.says(1+i, by)) })
			l.settle()
		}
	}
	fill()
	begun, carried := len(l.sizes(l.desk))-1, l.carried()
	n = 0
	for b.Loop() {
		for range runs {
			fill()
		}
	}
	all := l.sizes(l.desk)
	first, last := all[begun], all[len(all)-2]
	b.ReportMetric(float64(n)/float64(len(all)-1-begun), "messages/run")
	b.ReportMetric(float64(last.bytes)/1024, "run-KiB")
	b.ReportMetric(float64(last.bytes)/float64(first.bytes), "last/first-run")
	b.ReportMetric(float64(l.carried())/1024, "carried-KiB")
	b.ReportMetric(float64(l.carried())/float64(carried), "last/first-carried")
}
