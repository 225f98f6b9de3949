package workflows_test

import (
	"errors"
	"fmt"
	"slices"
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
	"puente/workflows/workflowstest"
)

// sessionBundle is the run of session 7 of a portal.
type sessionBundle struct {
	t   *testing.T
	env *testsuite.TestWorkflowEnvironment
	in  workflows.LineSessionInput
	at  *moments
	seq int64

	do    func(step string, c ol.Command) (workflows.LineCommandDone, error) // nil = it is done
	noted func() error                                                       // whether the desk can be told

	mu   sync.Mutex
	did  []string // "LineChat send_text welcome 10:00:00"
	told []ol.Event
}

func setupSession(t *testing.T) *sessionBundle {
	t.Helper()
	b := &sessionBundle{t: t, in: workflows.LineSessionInput{Portal: portal, Session: 7}}
	b.begin(deskOpens)
	return b
}

func (b *sessionBundle) begin(at time.Time) {
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestWorkflowEnvironment()
	b.env.SetWorkerOptions(patient)
	b.env.SetTestTimeout(time.Minute)
	b.env.SetStartTime(at)
	b.env.RegisterWorkflowWithOptions(workflows.LineSession, workflow.RegisterOptions{Name: workflows.LineSessionWorkflow})
	b.env.RegisterActivity(&lineFakes{})
	for _, step := range []string{workflows.LineChatStep, workflows.LineNotifyStep, workflows.LineCRMStep} {
		b.env.OnActivity(step, mock.Anything).Return(func(in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
			return b.carryOut(step, in.Command)
		}).Maybe()
	}
	b.env.OnSignalExternalWorkflow(mock.Anything, workflows.LineQueueID(portal), "", workflows.SignalLineEvents, mock.Anything).Return(
		func(_, _, _, _ string, arg any) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.noted != nil {
				if err := b.noted(); err != nil {
					return err
				}
			}
			b.told = append(b.told, arg.([]ol.Event)...)
			return nil
		}).Maybe()
	b.at = newMoments(b.env, at)
}

func (b *sessionBundle) carryOut(step string, c ol.Command) (workflows.LineCommandDone, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	done, err := workflows.LineCommandDone{}, error(nil)
	if b.do != nil {
		done, err = b.do(step, c)
	}
	if err == nil {
		b.did = append(b.did, words(step, c))
	}
	return done, err
}

// words tell a command: what was done, and what tells it from others.
func words(step string, c ol.Command) string {
	switch c.Kind {
	case ol.DoOffer, ol.DoWithdraw:
		return fmt.Sprintf("%s %s %d", step, c.Kind, c.Offer)
	case ol.DoWriteMark:
		return fmt.Sprintf("%s %s %d", step, c.Kind, c.Mark.Version)
	case ol.DoSendText:
		return fmt.Sprintf("%s %s %s", step, c.Kind, c.Text)
	}
	return fmt.Sprintf("%s %s", step, c.Kind)
}

// order gives commands numbers and signals them.
func (b *sessionBundle) order(after time.Duration, commands ...ol.Command) workflows.LineCommands {
	in := workflows.LineCommands{State: "offered"}
	for _, c := range commands {
		b.seq++
		c.Session = b.in.Session
		in.Commands = append(in.Commands, workflows.LineCommand{Seq: b.seq, Command: c})
	}
	b.signal(after, in)
	return in
}

func (b *sessionBundle) signal(after time.Duration, in workflows.LineCommands) {
	b.at.do(b.at.begin.Add(after), func() { b.env.SignalWorkflow(workflows.SignalLineCommands, in) })
}

// close tells that the session is closed: then the run ends.
func (b *sessionBundle) close(after time.Duration) {
	b.signal(after, workflows.LineCommands{State: "closed", Ended: true})
}

func (b *sessionBundle) suggest(after time.Duration) {
	b.at.do(b.at.begin.Add(after), func() {
		b.env.SetContinueAsNewSuggested(true)
		b.env.SignalWorkflow(workflows.SignalLineCommands, workflows.LineCommands{})
	})
}

func (b *sessionBundle) start() { b.env.ExecuteWorkflow(workflows.LineSessionWorkflow, b.in) }

func (b *sessionBundle) run() {
	b.t.Helper()
	b.start()
	require.True(b.t, b.env.IsWorkflowCompleted())
	require.NoError(b.t, b.env.GetWorkflowError())
}

func (b *sessionBundle) state() (out workflows.LineSessionState) {
	b.t.Helper()
	value, err := b.env.QueryWorkflow(workflows.QueryLineSession)
	require.NoError(b.t, err)
	require.NoError(b.t, value.Get(&out))
	return out
}

func (b *sessionBundle) details() string {
	b.t.Helper()
	var metadata sdkpb.WorkflowMetadata
	value, err := b.env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(b.t, err)
	require.NoError(b.t, value.Get(&metadata))
	return metadata.GetCurrentDetails()
}

func text(id ol.TextID) ol.Command {
	return ol.Command{Kind: ol.DoSendText, Text: id, Key: "7-" + string(id)}
}

func offer(id ol.OfferID) ol.Command {
	return ol.Command{Kind: ol.DoOffer, Offer: id, User: ol.UserID(300 + id)}
}

func withdraw(id ol.OfferID) ol.Command {
	return ol.Command{Kind: ol.DoWithdraw, Offer: id, User: ol.UserID(300 + id), Reason: ol.EndExpired}
}

func mark(version int64) ol.Command {
	return ol.Command{Kind: ol.DoWriteMark, Mark: &ol.Mark{Version: version}}
}

func denied(text string) error {
	return temporal.NewApplicationErrorWithOptions(text, "ACCESS_DENIED", temporal.ApplicationErrorOptions{NonRetryable: true})
}

// away makes the steps of one name fail until an instant.
func (b *sessionBundle) away(until time.Time, steps ...string) {
	b.do = func(step string, _ ol.Command) (workflows.LineCommandDone, error) {
		if left := until.Sub(b.env.Now()); left > 0 && slices.Contains(steps, step) {
			return workflows.LineCommandDone{}, workflowstest.Passing(left)
		}
		return workflows.LineCommandDone{}, nil
	}
}

func TestASessionDoesWhatTheDeskOrdersInOrder(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.order(0, text(ol.TextWelcome), offer(1))
	b.order(time.Minute, withdraw(1), offer(2), ol.Command{Kind: ol.DoNotify, Reason: ol.NoteSLA})
	b.close(time.Hour)
	b.run()
	var chat, people []string
	for _, line := range b.did {
		if line[:8] == "LineChat" {
			chat = append(chat, line)
		} else {
			people = append(people, line)
		}
	}
	require.Equal(t, []string{"LineChat send_text welcome", "LineChat offer 1", "LineChat withdraw 1", "LineChat offer 2"}, chat)
	require.Equal(t, []string{"LineNotify offer 1", "LineNotify offer 2", "LineNotify notify"}, people)
}

func TestABitrix24ThatIsDownHoldsNoTextUp(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(time.Hour), workflows.LineCRMStep, workflows.LineNotifyStep)
	b.order(0, ol.Command{Kind: ol.DoLookup}, offer(1), text(ol.TextWelcome))
	var before []string
	b.at.do(deskOpens.Add(time.Minute), func() { before = slices.Clone(b.did) })
	b.close(2 * time.Hour)
	b.run()
	require.Equal(t, []string{"LineChat offer 1", "LineChat send_text welcome"}, before)
	require.Len(t, b.did, 4)
}

func TestAChannelThatIsDownHoldsNoMarkUp(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(time.Hour), workflows.LineChatStep)
	b.order(0, text(ol.TextWelcome), mark(1))
	b.at.do(deskOpens.Add(time.Minute), func() { require.Equal(t, []string{"LineCRM write_mark 1"}, b.did) })
	b.close(2 * time.Hour)
	b.run()
	require.Len(t, b.did, 2)
}

func TestAnOpenSessionDoesNotShowWhatIsDoneAsStillToBeDone(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.order(0, mark(1), offer(1))
	b.at.do(deskOpens.Add(30*time.Minute), func() { require.NotContains(t, b.details(), "Still to be done") })
	b.close(time.Hour)
	b.run()
	require.Len(t, b.did, 3)
}

func TestOnlyTheLatestMarkIsWrittenAfterAnOutage(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(time.Hour), workflows.LineCRMStep)
	b.order(0, mark(1))
	for version := range int64(5) {
		b.order(time.Minute, mark(version+2))
	}
	b.order(2*time.Minute, ol.Command{Kind: ol.DoResponsible})
	b.order(3*time.Minute, mark(7))
	b.close(2 * time.Hour)
	b.run()
	require.Equal(t, []string{"LineCRM write_mark 1", "LineCRM write_mark 6", "LineCRM responsible", "LineCRM write_mark 7"}, b.did)
}

func TestACRMThatIsDownForAWeekGetsTheLatestStateInTheEnd(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(7*24*time.Hour), workflows.LineCRMStep)
	b.order(0, ol.Command{Kind: ol.DoLookup})
	b.order(time.Minute, mark(1))
	b.order(time.Hour, mark(2))
	b.close(2 * time.Hour)
	b.at.do(deskOpens.Add(3*time.Hour), func() { require.Contains(t, b.details(), "Still to be done in the CRM: 2, first lookup") })
	b.run()
	require.Equal(t, []string{"LineCRM lookup", "LineCRM write_mark 2"}, b.did)
	require.NotContains(t, b.details(), "Still to be done")
}

func TestNobodyIsToldOfAnOfferThatIsOver(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(time.Hour), workflows.LineNotifyStep)
	for id := range ol.OfferID(5) {
		b.order(time.Duration(id)*5*time.Minute, offer(id+1))
		b.order(time.Duration(id+1)*5*time.Minute, withdraw(id+1))
	}
	b.order(30*time.Minute, offer(6))
	b.close(2 * time.Hour)
	b.run()
	var people []string
	for _, line := range b.did {
		if line[:8] != "LineChat" {
			people = append(people, line)
		}
	}
	require.Equal(t, []string{"LineNotify offer 1", "LineNotify offer 6"}, people, "the first was under way")
}

func TestARepeatedOrderIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	first := b.order(0, text(ol.TextWelcome), offer(1))
	first.Story = []string{"offered to operator 301"}
	b.signal(time.Second, first)
	again := b.order(2*time.Second, withdraw(1))
	again.Commands = append(first.Commands, again.Commands...)
	b.signal(3*time.Second, again)
	b.close(time.Minute)
	b.run()
	require.Len(t, b.did, 4)
	require.Empty(t, b.state().Lines, "what was told with an order that is repeated was told then")
}

func TestWhatFailsForGoodIsToldToTheDeskAndToPeople(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.do = func(step string, c ol.Command) (workflows.LineCommandDone, error) {
		if c.Kind == ol.DoAssign {
			return workflows.LineCommandDone{Note: "user 301 is no operator"}, nil
		}
		return workflows.LineCommandDone{}, denied("no rights")
	}
	b.order(0, text(ol.TextWelcome), ol.Command{Kind: ol.DoLookup}, ol.Command{Kind: ol.DoAssign, User: 301}, mark(1))
	b.close(time.Minute)
	b.run()
	require.Len(t, b.told, 2)
	slices.SortFunc(b.told, func(x, y ol.Event) int { return len(x.Kind) - len(y.Kind) })
	require.Equal(t, ol.LookupDone, b.told[0].Kind)
	require.Equal(t, ol.LookupUnknown, b.told[0].CRM.Result)
	require.Equal(t, ol.TextRefused, b.told[1].Kind)
	require.Equal(t, ol.TextWelcome, b.told[1].Text)
	require.EqualValues(t, 7, b.told[1].Session)
	for _, words := range []string{
		"⚠ send_text failed: no rights", "⚠ lookup failed: no rights", "⚠ write_mark failed: no rights", "user 301 is no operator", "State: **closed**",
	} {
		require.Contains(t, b.details(), words)
	}
}

func TestWhatComesOfACommandGoesToTheDesk(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	found := ol.Event{ID: "lookup-1", Kind: ol.LookupDone, Session: 7, CRM: &ol.CRMFacts{Result: ol.LookupFound, Responsible: 5}}
	b.do = func(string, ol.Command) (workflows.LineCommandDone, error) {
		return workflows.LineCommandDone{Events: []ol.Event{found}}, nil
	}
	tries := 0
	b.noted = func() error {
		if tries++; tries < 3 {
			return errors.New("not found")
		}
		return nil
	}
	b.order(0, ol.Command{Kind: ol.DoLookup})
	b.close(time.Minute)
	b.run()
	require.Equal(t, []ol.Event{found}, b.told)
}

func TestADeskThatDoesNotRunHoldsNothingUp(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.do = func(string, ol.Command) (workflows.LineCommandDone, error) {
		return workflows.LineCommandDone{Events: []ol.Event{{Kind: ol.LeadCreated}}}, nil
	}
	b.noted = func() error { return errors.New("workflow not found") }
	b.order(0, ol.Command{Kind: ol.DoCreateLead}, mark(1))
	b.close(time.Minute)
	b.run()
	require.Len(t, b.did, 2)
	require.Contains(t, b.details(), "⚠ the desk could not be told")
}

func TestAClosedSessionEndsAndBeginsAgainForAVote(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.order(0, text(ol.TextVoteRequest))
	b.close(time.Minute)
	b.order(90*time.Second, text(ol.TextVoteThanksGood)) // comes while it lingers
	b.run()
	require.WithinDuration(t, deskOpens.Add(150*time.Second), b.env.Now(), time.Second)
	require.Len(t, b.did, 2)

	b.begin(deskOpens.Add(time.Hour))
	in := b.order(0, text(ol.TextVoteThanksBad))
	in.Ended = true
	b.signal(time.Second, in)
	b.run()
	require.Equal(t, "LineChat send_text vote_thanks_bad", b.did[2])
	require.Len(t, b.did, 3)
}

func TestASessionWithWorkLeftDoesNotEnd(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(48*time.Hour), workflows.LineCRMStep)
	b.order(0, mark(1))
	b.close(time.Minute)
	b.run()
	require.Equal(t, []string{"LineCRM write_mark 1"}, b.did)
	require.True(t, b.env.Now().After(deskOpens.Add(48*time.Hour)))
}

func TestContinueAsNewTakesPendingWorkAlong(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(5*time.Hour), workflows.LineCRMStep)
	b.order(0, ol.Command{Kind: ol.DoLookup}, mark(1), text(ol.TextWelcome))
	story := b.order(time.Hour, mark(2))
	story.Story = []string{"told"}
	b.suggest(time.Hour)
	b.order(time.Hour+time.Second, mark(3), text(ol.TextClose)) // while it waits for what is under way
	b.start()
	b.in = continuedAs[workflows.LineSessionInput](t, b.env)
	require.WithinDuration(t, deskOpens.Add(time.Hour+time.Minute), b.env.Now(), time.Second, "a lookup that does not end is stopped")
	require.Equal(t, []string{"LineChat send_text welcome"}, b.did)
	require.Len(t, b.in.State.CRM, 2, "the lookup again, and the latest mark")
	require.Len(t, b.in.State.Chat, 1)

	b.begin(deskOpens.Add(61 * time.Minute))
	b.close(6 * time.Hour)
	b.run()
	require.ElementsMatch(t, []string{"LineChat send_text welcome", "LineChat send_text close", "LineCRM lookup", "LineCRM write_mark 3"}, b.did)
}

func TestContinueAsNewLetsWhatIsUnderWayComeToItsEnd(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(10*time.Second), workflows.LineCRMStep)
	b.order(0, mark(1), ol.Command{Kind: ol.DoResponsible})
	b.suggest(time.Second)
	b.start()
	b.in = continuedAs[workflows.LineSessionInput](t, b.env)
	require.Equal(t, []string{"LineCRM write_mark 1"}, b.did)
	require.Len(t, b.in.State.CRM, 1, "nothing more is begun")
	require.EqualValues(t, 2, b.in.State.LastSeq)
}

func TestWhatWasDoneJustBeforeTheRunLeavesIsStillTold(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	late := deskOpens.Add(55 * time.Second)
	b.do = func(string, ol.Command) (workflows.LineCommandDone, error) {
		if left := late.Sub(b.env.Now()); left > 0 {
			return workflows.LineCommandDone{}, workflowstest.Passing(left)
		}
		return workflows.LineCommandDone{Events: []ol.Event{{Kind: ol.LeadCreated}}}, nil
	}
	tries := 0
	b.noted = func() error {
		if tries++; tries <= 4 {
			return errors.New("not found")
		}
		return nil
	}
	b.order(0, ol.Command{Kind: ol.DoCreateLead})
	b.suggest(time.Second)
	b.start()
	b.in = continuedAs[workflows.LineSessionInput](t, b.env)
	require.Len(t, b.told, 1)
	require.Empty(t, b.in.State.CRM)
}

func TestASessionTellsItsStory(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	for n := range 100 {
		b.signal(time.Duration(n)*time.Second, workflows.LineCommands{State: "active", Story: []string{fmt.Sprintf("10:%02d: what happened", n)}})
	}
	b.close(time.Hour)
	b.run()
	require.Len(t, b.state().Lines, 60)
	require.Contains(t, b.details(), "### Session 7")
	require.Contains(t, b.details(), "10:99: what happened")
	require.NotContains(t, b.details(), "10:39: what happened")
}

func TestACancelledSessionEnds(t *testing.T) {
	t.Parallel()
	b := setupSession(t)
	b.away(deskOpens.Add(48*time.Hour), workflows.LineCRMStep)
	b.order(0, mark(1))
	b.at.do(deskOpens.Add(time.Minute), b.env.CancelWorkflow)
	b.start()
	require.True(t, temporal.IsCanceledError(b.env.GetWorkflowError()))
}
