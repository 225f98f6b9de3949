package workflows_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	ol "puente/openlines"
	"puente/workflows"
)

// queueBundle is the desk of a line with three operators on duty, on a Friday at
// ten in the morning.
type queueBundle struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment
	in  workflows.LineQueueInput
	at  *moments

	loaded  workflows.LoadedLines
	load    func(workflows.LoadLinesInput) error // nil = at once
	deliver func(workflows.LineDelivery) error

	mu        sync.Mutex
	delivered []workflows.LineDelivery
	answers   []ol.Answer
	answered  []time.Time
}

var deskOpens = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func setupQueue(t *testing.T, change ...func(*ol.Settings)) *queueBundle {
	t.Helper()
	b := &queueBundle{t: t, in: workflows.LineQueueInput{Portal: portal}, loaded: workflows.LoadedLines{Events: supportLine(change...)}}
	b.begin(deskOpens)
	return b
}

// begin makes an environment that begins at an instant; the last run is over.
func (b *queueBundle) begin(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestWorkflowEnvironment()
	b.env.SetWorkerOptions(patient)
	b.env.SetTestTimeout(time.Minute)
	b.env.SetStartTime(at)
	b.env.RegisterWorkflowWithOptions(workflows.LineQueue, workflow.RegisterOptions{Name: workflows.LineQueueWorkflow})
	b.env.RegisterActivity(&lineFakes{})
	b.env.OnActivity(workflows.LoadLinesStep, mock.Anything).Return(func(in workflows.LoadLinesInput) (workflows.LoadedLines, error) {
		if b.load != nil {
			if err := b.load(in); err != nil {
				return workflows.LoadedLines{}, err
			}
		}
		return b.loaded, nil
	}).Maybe()
	b.env.OnActivity(workflows.DeliverLineStep, mock.Anything).Return(func(in workflows.LineDelivery) (bool, error) {
		if b.deliver != nil {
			if err := b.deliver(in); err != nil {
				return false, err
			}
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.delivered = append(b.delivered, in)
		return true, nil
	}).Maybe()
	b.at = newMoments(b.env, at)
}

// supportLine tells of a line of operators 1 to 3 that is always open and keeps
// out of the CRM, and that they are there.
func supportLine(change ...func(*ol.Settings)) []ol.Event {
	s := ol.Default()
	s.Name, s.TimeZone, s.Channels, s.CRMCheck = "Support", "Europe/Madrid", []int64{13}, false
	for _, c := range change {
		c(&s)
	}
	events := []ol.Event{{Kind: ol.LineChanged, Line: "support", Settings: &s, Members: []ol.UserID{1, 2, 3}}}
	for user := range ol.UserID(3) {
		events = append(events, ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: user + 1, Presence: ol.Online}})
	}
	return events
}

// wrote is a message of a client.
func wrote(chat, id string) ol.Event {
	return ol.Event{ID: chat + id, Kind: ol.ClientMessage, Chat: ol.ChatID(chat), Message: &ol.Message{ID: chat + id, Channel: 13}}
}

func replied(chat, id string, by ol.UserID) ol.Event {
	return ol.Event{ID: chat + id, Kind: ol.EmployeeMessage, Chat: ol.ChatID(chat), By: by, Message: &ol.Message{ID: chat + id, Channel: 13}}
}

// signal tells the desk of events some time after it began.
func (b *queueBundle) signal(after time.Duration, events ...ol.Event) {
	b.at.do(b.at.begin.Add(after), func() { b.env.SignalWorkflow(workflows.SignalLineEvents, events) })
}

// act lets a person do something.
func (b *queueBundle) act(after time.Duration, event ol.Event) {
	b.at.do(b.at.begin.Add(after), func() {
		b.env.UpdateWorkflow(workflows.UpdateLineAct, event.ID, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { require.NoError(b.t, err) },
			OnComplete: func(result any, err error) {
				require.NoError(b.t, err)
				b.answers = append(b.answers, result.(ol.Answer))
				b.answered = append(b.answered, b.env.Now())
			},
		}, event)
	})
}

func (b *queueBundle) suggest(after time.Duration) {
	b.at.do(b.at.begin.Add(after), func() {
		b.env.SetContinueAsNewSuggested(true)
		b.env.SignalWorkflow(workflows.SignalLineEvents, []ol.Event{}) // the server tells it with the next task
	})
}

// run ends when the run continues as new, and gives what the next one gets.
func (b *queueBundle) run() workflows.LineQueueInput {
	b.t.Helper()
	b.env.ExecuteWorkflow(workflows.LineQueueWorkflow, b.in)
	return continuedAs[workflows.LineQueueInput](b.t, b.env)
}

func (b *queueBundle) ask(query string, out any, args ...any) error {
	value, err := b.env.QueryWorkflow(query, args...)
	if err != nil {
		return err
	}
	return value.Get(out)
}

func (b *queueBundle) desk() (out workflows.LineDeskState) {
	b.t.Helper()
	require.NoError(b.t, b.ask(workflows.QueryLineDesk, &out))
	return out
}

// details are what people see of the run.
func (b *queueBundle) details() string {
	b.t.Helper()
	var metadata sdkpb.WorkflowMetadata
	require.NoError(b.t, b.ask("__temporal_workflow_metadata", &metadata))
	return metadata.GetCurrentDetails()
}

// records are all that were delivered, which must have no gap.
func (b *queueBundle) records() (out []ol.Record) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.delivered {
		for _, r := range d.Records {
			if len(out) == 0 || r.No > out[len(out)-1].No {
				out = append(out, r)
			}
		}
	}
	for i, r := range out {
		require.Equal(b.t, out[0].No+int64(i), r.No)
	}
	return out
}

func (b *queueBundle) kinds(kind ol.RecordKind) (out []ol.Record) {
	b.t.Helper()
	for _, r := range b.records() {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

func TestPeopleAreAnsweredInTheSameStep(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(time.Minute, wrote("x", "1"))
	b.act(2*time.Minute, ol.Event{ID: "decline", Kind: ol.Decline, Session: 1, Offer: 1, By: 1})
	b.act(2*time.Minute, ol.Event{ID: "late", Kind: ol.Accept, Session: 1, Offer: 1, By: 1})
	b.suggest(3 * time.Minute)
	b.run()
	require.Equal(t, []ol.Answer{{Event: "decline", Session: 1, Code: ol.OK}, {Event: "late", Session: 1, Code: ol.OfferExpired}}, b.answers)
	for _, at := range b.answered {
		require.WithinDuration(t, deskOpens.Add(2*time.Minute), at, time.Millisecond)
	}
	offers := b.kinds(ol.OfferMade)
	require.Len(t, offers, 2)
	require.Equal(t, deskOpens.Add(2*time.Minute), offers[1].At.UTC())
}

func TestAnActTakesEffectAfterWhatCameBefore(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.loaded.Events = append(b.loaded.Events, wrote("x", "1"))
	b.load = passing[workflows.LoadLinesInput](1)
	b.act(time.Microsecond, ol.Event{ID: "take", Kind: ol.Take, Session: 1, By: 2}) // waits for the lines to be loaded
	b.suggest(time.Minute)
	b.run()
	require.Equal(t, ol.OK, b.answers[0].Code)
}

func TestAnUpdateDuringContinueAsNewIsAnswered(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.deliver = passing[workflows.LineDelivery](1) // a delivery is under way when the run should end
	b.signal(0, wrote("x", "1"))
	b.suggest(100 * time.Millisecond)
	b.act(200*time.Millisecond, ol.Event{ID: "accept", Kind: ol.Accept, Session: 1, Offer: 1, By: 1})
	b.signal(300*time.Millisecond, wrote("y", "1"))
	in := b.run()
	require.Equal(t, []ol.Answer{{Event: "accept", Session: 1, Code: ol.OK}}, b.answers)
	left := unpacked(t, in.State)
	require.Len(t, left.Desk.Sessions, 2)
	require.NotEmpty(t, left.Unsent)
}

// The server may suggest to continue as new with the very task that brings an
// update.
func TestAnUpdateThatComesWithTheSuggestionIsAnswered(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(0, wrote("x", "1"))
	var answer ol.Answer
	b.at.do(deskOpens.Add(time.Minute), func() {
		b.env.UpdateWorkflow(workflows.UpdateLineAct, "accept", &testsuite.TestUpdateCallback{
			OnAccept:   func() { b.env.SetContinueAsNewSuggested(true) },
			OnReject:   func(err error) { require.NoError(t, err) },
			OnComplete: func(result any, err error) { require.NoError(t, err); answer = result.(ol.Answer) },
		}, ol.Event{ID: "accept", Kind: ol.Accept, Session: 1, Offer: 1, By: 1})
	})
	in := b.run()
	require.Equal(t, ol.OK, answer.Code)
	require.True(t, unpacked(t, in.State).Desk.Sessions[0].Offers[0].Accepted)
}

// Who asks again, because his answer was lost, gets the same one, also of the next
// run: the error of an update does not tell whether it took effect.
func TestWhoAsksAgainGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	accept := ol.Event{ID: "accept", Kind: ol.Accept, Session: 1, Offer: 1, By: 1}
	b.signal(0, wrote("x", "1"))
	b.act(time.Minute, accept)
	for n := range 300 { // of these the last are remembered
		b.act(time.Minute+time.Duration(n)*time.Millisecond, ol.Event{ID: fmt.Sprint("pin", n), Kind: ol.Pin, Session: 1, By: 1, On: n%2 == 0})
	}
	b.act(2*time.Minute, ol.Event{ID: "again", Kind: ol.Accept, Session: 1, Offer: 1, By: 1})
	b.suggest(3 * time.Minute)
	b.in = b.run()
	b.begin(deskOpens.Add(3 * time.Minute))
	b.act(0, ol.Event{ID: "pin299", Kind: ol.Pin, Session: 1, By: 1})
	b.act(time.Second, accept)
	b.suggest(time.Minute)
	b.run()
	require.Equal(t, ol.Answer{Event: "accept", Session: 1, Code: ol.OK}, b.answers[0])
	require.Equal(t, b.answers[300], b.answers[302])
	require.Equal(t, ol.Repeated, b.answers[303].Code)
}

// passing fails so many times, for a second each.
func passing[T any](times int) func(T) error {
	return func(T) error {
		if times--; times >= 0 {
			return errors.New("connection refused")
		}
		return nil
	}
}

func TestATimerIsKeptAcrossContinueAsNewWithoutAnyEvent(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(0, wrote("x", "1"))
	b.suggest(time.Minute)
	b.in = b.run()
	b.begin(deskOpens.Add(time.Minute))
	b.suggest(10 * time.Minute)
	b.run()
	offers := b.kinds(ol.OfferMade)
	require.Len(t, offers, 3)
	require.Equal(t, deskOpens.Add(5*time.Minute), offers[1].At.UTC())
	require.Equal(t, deskOpens.Add(10*time.Minute), offers[2].At.UTC())
}

func TestDeliveriesComeInOrderOneAfterAnotherAndTogetherWhenTheyPileUp(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(0, wrote("a", "1"))
	b.deliver = passing[workflows.LineDelivery](3)
	for n := range 40 {
		b.signal(time.Duration(n+1)*time.Second/20, wrote("a", fmt.Sprint("more", n)))
	}
	b.suggest(time.Minute)
	in := b.run()
	require.Len(t, b.kinds(ol.MessageIn), 41)
	require.Len(t, b.delivered, 2, "the lines, which failed three times, and then all the rest")
	require.Empty(t, unpacked(t, in.State).Unsent)
}

func TestADeliveryThatFailsForGoodIsTriedForEver(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	refusals := 0
	b.deliver = func(workflows.LineDelivery) error {
		if refusals++; refusals <= 30 {
			return temporal.NewApplicationErrorWithOptions("no such table", "Storage", temporal.ApplicationErrorOptions{NonRetryable: true})
		}
		return nil
	}
	b.signal(0, wrote("x", "1"))
	var details string
	b.at.do(deskOpens.Add(10*time.Minute), func() { details = b.details() })
	b.suggest(time.Hour)
	b.run()
	require.Contains(t, details, "decisions cannot be delivered: no such table")
	require.NotContains(t, b.details(), "cannot be delivered")
	require.NotEmpty(t, b.kinds(ol.OfferMade))
}

func TestADeskWaitsForItsLinesForEver(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	tries := 0
	b.load = func(workflows.LoadLinesInput) error {
		if tries++; tries <= 20 {
			return temporal.NewApplicationErrorWithOptions("no such table", "Storage", temporal.ApplicationErrorOptions{NonRetryable: true})
		}
		return nil
	}
	b.signal(time.Minute, wrote("x", "1"))
	b.suggest(time.Hour)
	b.run()
	require.Len(t, b.kinds(ol.SessionStarted), 1)
}

// While the database is away decisions run ahead of their delivery only so far;
// what comes then waits, and nothing of it is lost, nor any timer.
func TestADeskDoesNotRunFarAheadOfItsDatabase(t *testing.T) {
	t.Parallel()
	b := setupQueue(t, func(s *ol.Settings) { s.MaxPasses = 20 })
	back := deskOpens.Add(2 * time.Hour)
	b.deliver = func(workflows.LineDelivery) error {
		if b.env.Now().Before(back) {
			return errors.New("connection refused")
		}
		return nil
	}
	const messages = 1500
	for n := range messages {
		b.signal(time.Duration(n)*time.Second, wrote("x", fmt.Sprint(n)))
	}
	var most int
	b.at.do(deskOpens.Add(time.Hour), func() { most = b.desk().Unsent })
	b.suggest(3 * time.Hour)
	in := b.run()
	require.InDelta(t, 400, most, 10)
	require.Len(t, b.kinds(ol.MessageIn), messages)
	after := b.kinds(ol.OfferMade)
	require.WithinDuration(t, deskOpens.Add(3*time.Hour), after[len(after)-1].At, 6*time.Minute, "timers go on although nothing comes any more")
	require.Empty(t, unpacked(t, in.State).Events)
}

// A desk whose run somebody terminated begins anew. Its numbers must not come
// again: the log would drop its records, and its texts would count as sent.
func TestANewDeskGoesOnWithTheNumbersOfTheOldOne(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.loaded.LastRecord, b.loaded.LastSession = 5000, 70
	b.signal(0, wrote("x", "1"))
	b.suggest(time.Minute)
	b.run()
	require.EqualValues(t, 5001, b.records()[0].No)
	require.EqualValues(t, 71, b.kinds(ol.SessionStarted)[0].Session)
	require.Greater(t, b.kinds(ol.OfferMade)[0].Offer, ol.OfferID(5000))
	for _, d := range b.delivered {
		for _, c := range d.Commands {
			require.Greater(t, c.Seq, deskOpens.Add(-time.Hour).UnixMilli())
		}
	}
}

func TestADeskCannotBeCancelled(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(0, wrote("x", "1"))
	b.at.do(deskOpens.Add(time.Minute), b.env.CancelWorkflow)
	b.act(2*time.Minute, ol.Event{ID: "accept", Kind: ol.Accept, Session: 1, Offer: 1, By: 1})
	b.suggest(10 * time.Minute)
	b.run()
	require.Equal(t, ol.OK, b.answers[0].Code)
	require.Greater(t, len(b.kinds(ol.OfferMade)), 1, "timers go on")
}

func TestPreviewSaysWhoWouldGetAChat(t *testing.T) {
	t.Parallel()
	b := setupQueue(t, func(s *ol.Settings) { s.HoursEnabled = true })
	b.signal(0, wrote("x", "1"))
	b.signal(time.Second, replied("x", "2", 1))
	var now, night ol.Decision
	b.at.do(deskOpens.Add(time.Minute), func() {
		require.NoError(t, b.ask(workflows.QueryLinePreview, &now, ol.LineID("support")))
		require.NoError(t, b.ask(workflows.QueryLinePreview, &night, ol.LineID("support"), deskOpens.Add(12*time.Hour)))
		require.ErrorContains(t, b.ask(workflows.QueryLinePreview, &now, ol.LineID("nowhere")), "the desk knows no line nowhere")
	})
	b.suggest(time.Hour)
	b.run()
	require.Equal(t, []ol.UserID{2}, now.To)
	require.Equal(t, "the line is closed", night.Why)
}

// manyChats are chats on operators who have answered them, with the clients
// waiting again: what a busy desk looks like at its worst.
func manyChats(chats int) (events []ol.Event) {
	for n := range chats {
		chat := fmt.Sprintf("%d-13", 70000+n)
		events = append(events, wrote(chat, "1"), replied(chat, "2", ol.UserID(n%3+1)), wrote(chat, "3"))
	}
	return events
}

func TestTheStateOfABusyDeskIsSmall(t *testing.T) {
	t.Parallel()
	b := setupQueue(t, func(s *ol.Settings) { s.SLANextReply, s.AutoCloseTime = 60, 120 })
	b.signal(time.Second, manyChats(500)...)
	var more []ol.Event
	for n := range 5000 { // more than the desk remembers
		more = append(more, replied("x", fmt.Sprintf("a-rather-long-event-id-%d", n), 99))
	}
	b.signal(time.Minute, more...)
	b.suggest(10 * time.Minute)
	b.in = b.run()
	left := unpacked(t, b.in.State)
	require.Len(t, left.Desk.Sessions, 501)
	t.Logf("500 open sessions: %d KiB, %d KiB without compression", len(b.in.State)/1024, len(asJSON(t, left))/1024)
	require.Less(t, len(b.in.State), 512<<10, "Temporal warns from there on; it takes four times that")

	b.begin(deskOpens.Add(10 * time.Minute))
	b.suggest(time.Minute)
	b.run()
	require.Equal(t, 501, b.desk().Sessions)
}

// A step that decides about hundreds of chats at once is delivered in pieces that
// a history takes.
func TestAFloodIsDeliveredInPieces(t *testing.T) {
	t.Parallel()
	members := func(s *ol.Settings) { s.MaxPendingOffers = 100 }
	b := setupQueue(t, members)
	b.loaded.Events[0].Members = nil
	for user := range ol.UserID(200) {
		b.loaded.Events[0].Members = append(b.loaded.Events[0].Members, 1000+user)
		p := ol.Offline // each decision tells why each of them was left out
		if user < 3 {
			p = ol.Online
		}
		b.loaded.Events = append(b.loaded.Events, ol.Event{Kind: ol.OperatorChanged, Operator: &ol.Operator{ID: 1000 + user, Presence: p}})
	}
	var flood []ol.Event
	for n := range 300 {
		flood = append(flood, wrote(fmt.Sprintf("%d-13", 70000+n), "1"))
	}
	b.signal(time.Second, flood...)
	b.suggest(time.Minute)
	b.run()
	require.Len(t, b.kinds(ol.OfferMade), 300)
	require.Greater(t, len(b.delivered), 5)
	for _, d := range b.delivered {
		require.Less(t, len(asJSON(t, d)), 1<<20)
	}
}

func TestDetailsTellWhatTheDeskHas(t *testing.T) {
	t.Parallel()
	b := setupQueue(t)
	b.signal(0, wrote("x", "1"))
	b.suggest(time.Minute)
	b.run()
	details := b.details()
	require.True(t, strings.HasPrefix(details, "### Open lines of demo"), details)
	require.Contains(t, details, "1 lines, 3 operators")
	require.Contains(t, details, "1 open sessions")
	require.Contains(t, details, "session 1: offer 1: offered to operator", "the last decisions")
}
