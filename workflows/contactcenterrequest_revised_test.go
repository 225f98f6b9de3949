package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/settings"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

// answered are the revisions that got an answer, in order.
func answered(t *testing.T, d *desk) (revisions []int) {
	t.Helper()
	for _, in := range asked[workflows.AnswerRequestInput](t, d, workflows.AnswerRequestStep) {
		revisions = append(revisions, in.Answer.Revision)
	}
	return revisions
}

// A correction may come while any step is at work: it is brought in after the
// revision that is under way, or with it, if that is read only then.
func TestCorrectionThatComesDuringAnyStepIsBroughtIn(t *testing.T) {
	t.Parallel()
	for during, want := range map[string][]int{
		workflows.OpenRequestStep: {2}, // what it reads has the correction in it
		workflows.FindRequestStep: {1, 2}, workflows.SaveContactStep: {1, 2}, workflows.SaveCompanyStep: {1, 2},
		workflows.SaveDealStep: {1, 2}, workflows.LinkCompanyStep: {1, 2}, workflows.SaveCallStep: {1, 2},
		workflows.WriteTimelineStep: {1, 2}, workflows.NotifyRequestStep: {1, 2}, workflows.AnswerRequestStep: {1, 2},
	} {
		t.Run(during, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Call, d.Opened.CallID, d.Opened.Notify = true, "call-1", true
			d.During[during] = func() { d.correct(2) }
			result := d.request(t)
			require.Equal(t, want, answered(t, d))
			require.Equal(t, 2, result.Revision)
			require.Equal(t, workflows.Done, result.Status)
			require.Equal(t, "done", d.attrs["PuenteStatus"])
		})
	}
}

func TestEachRevisionIsBroughtInWithItsNumber(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.During[workflows.SaveDealStep] = func() { d.correct(2) }
	d.request(t)
	var revisions []int
	for _, in := range asked[workflows.RequestStepInput](t, d, workflows.WriteTimelineStep) {
		revisions = append(revisions, in.Revision)
	}
	require.Equal(t, []int{1, 2}, revisions)
}

func TestManyCorrectionsAtOnceAreOnePieceOfWork(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.FindRequestStep] = []error{workflowstest.Passing(time.Hour)}
	for revision := range 50 {
		d.after(time.Minute*time.Duration(revision%3), func() { d.correct(revision + 1) })
	}
	d.request(t)
	require.Equal(t, 50, answered(t, d)[len(answered(t, d))-1])
	require.LessOrEqual(t, len(answered(t, d)), 2)
}

func TestNewsThatIsKnownCausesNoWork(t *testing.T) {
	t.Parallel()
	t.Run("while at work", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.Fails[workflows.SaveDealStep] = []error{workflowstest.Passing(time.Hour)}
		for range 3 {
			d.after(time.Minute, func() { d.repeat(1) })
		}
		d.request(t)
		require.Equal(t, 1, d.times(workflows.OpenRequestStep))
	})
	t.Run("at the end", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.During[workflows.AnswerRequestStep] = func() { d.repeat(1) }
		d.request(t)
		require.Equal(t, 1, d.times(workflows.OpenRequestStep))
	})
	t.Run("while parked", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.Fails[workflows.FindRequestStep] = []error{refused("ACCESS_DENIED", "Access denied.")}
		d.after(time.Hour, func() { d.repeat(1) })
		d.after(2*time.Hour, func() {
			require.Equal(t, workflows.Failed, d.state(t).Status, "a repetition is no reason to ask the portal again")
			d.retry(t, workflows.RetrySync{Actor: "anna"})
		})
		require.Equal(t, workflows.Done, d.request(t).Status)
		require.Equal(t, 2, d.times(workflows.FindRequestStep))
	})
	t.Run("after the end", func(t *testing.T) {
		t.Parallel()
		d := setupDesk(t)
		d.Opened.Status, d.Opened.Answered = workflows.Done, 1
		d.after(0, func() { d.repeat(1) })
		result := d.request(t)
		require.Equal(t, workflows.RequestResult{SyncID: syncID, Status: workflows.Done, Revision: 1}, result)
		require.Equal(t, []string{workflows.OpenRequestStep}, d.did())
	})
}

func TestCorrectionWakesAParkedRequest(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.SaveDealStep] = []error{refused("INVALID_ARG_VALUE", "Amount is not a number")}
	d.after(time.Hour, func() {
		require.Equal(t, 1, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Revision)
		d.correct(2)
	})
	result := d.request(t)
	require.Equal(t, []int{2}, answered(t, d))
	require.Equal(t, workflows.Done, result.Status)
	require.Contains(t, d.details(t), "- **Again**: a correction came\n")
	require.Equal(t, 0, d.state(t).Reruns, "it is no re-run of a person")
}

// Parking would answer whoever waits for the correction with the failure of the
// revision before.
func TestCorrectionThatCameBeforeTheFailureIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.SaveDealStep] = []error{refused("INVALID_ARG_VALUE", "Amount is not a number")}
	d.During[workflows.SaveContactStep] = func() { d.correct(2) }
	require.Equal(t, workflows.Done, d.request(t).Status)
	require.Equal(t, []int{2}, answered(t, d))
	require.Zero(t, d.times(workflows.ParkRunStep))
}

func TestCorrectionThatComesWhileTheRunIsBeingParkedIsTried(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.FindRequestStep] = []error{refused("ACCESS_DENIED", "Access denied.")}
	d.During[workflows.ParkRunStep] = func() { d.correct(2) }
	require.Equal(t, workflows.Done, d.request(t).Status)
	require.Equal(t, []int{2}, answered(t, d))
	require.Equal(t, 1, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Revision)
}

func TestRequestThatCannotBeOpenedIsNotTriedWithoutEnd(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	unknown := refused("UNKNOWN_PRODUCT", "product stands for no pipeline")
	d.Fails[workflows.OpenRequestStep] = []error{unknown, unknown}
	d.after(0, func() { d.correct(1) }) // with the start of the run
	d.after(time.Hour, func() {
		require.Equal(t, 1, d.times(workflows.OpenRequestStep))
		d.correct(2)
	})
	d.after(2*time.Hour, func() {
		require.Equal(t, 2, d.times(workflows.OpenRequestStep))
		d.correct(3)
	})
	require.Equal(t, workflows.Done, d.request(t).Status)
	require.Equal(t, []int{3}, answered(t, d))
}

func TestCorrectionThatCannotBeOpenedParksWithItsOwnRevision(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.During[workflows.SaveDealStep] = func() { d.correct(2) }
	d.During[workflows.AnswerRequestStep] = func() {
		d.Do(func() {
			d.Fails[workflows.OpenRequestStep] = []error{refused("UNKNOWN_PRODUCT", "product stands for no pipeline")}
		})
	}
	d.after(time.Hour, func() {
		require.Equal(t, 2, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Revision)
		d.retry(t, workflows.RetrySync{Actor: "anna"})
	})
	d.request(t)
	require.Equal(t, []int{1, 2}, answered(t, d))
}

func TestCorrectionThatMeetsTheAbandonmentIsNotLost(t *testing.T) {
	t.Parallel()
	for name, when := range map[string]func(t *testing.T, d *desk){
		"just before": func(t *testing.T, d *desk) {
			t.Helper()
			d.after(time.Hour, func() { d.correct(2) })
		},
		"at the same time": func(t *testing.T, d *desk) {
			t.Helper()
			d.after(time.Hour, func() {
				d.abandon(t)
				d.correct(2)
			})
		},
		"while it is written down": func(t *testing.T, d *desk) {
			t.Helper()
			d.During[workflows.FinishRunStep] = func() { d.correct(2) }
			d.after(time.Hour, func() { d.abandon(t) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Fails[workflows.FindRequestStep] = []error{refused("ACCESS_DENIED", "Access denied.")}
			when(t, d)
			result := d.request(t)
			require.Equal(t, []int{2}, answered(t, d))
			require.Equal(t, workflows.Done, result.Status)
		})
	}
}

func TestRequestThatGoesOnAfterAnAbandonmentCanParkAgain(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	denied := refused("ACCESS_DENIED", "Access denied.")
	d.Fails[workflows.FindRequestStep] = []error{denied, denied}
	d.During[workflows.FinishRunStep] = func() { d.correct(2) }
	d.after(time.Hour, func() { d.abandon(t) })
	d.after(2*time.Hour, func() {
		require.Equal(t, workflows.Failed, d.state(t).Status)
		d.retry(t, workflows.RetrySync{Actor: "anna"})
	})
	require.Equal(t, workflows.Done, d.request(t).Status)
	require.Equal(t, 2, d.times(workflows.ParkRunStep))
}

func TestCorrectionAfterAnAbandonmentIsANewRun(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Revision, d.Opened.Status = 2, workflows.Open // acceptance has opened the line again
	d.after(0, func() { d.repeat(2) })
	require.Equal(t, workflows.RequestResult{SyncID: syncID, Status: workflows.Done, Revision: 2}, undecided(d.request(t)))
}

func undecided(r workflows.RequestResult) workflows.RequestResult {
	r.Decisions = nil
	return r
}

func TestChoiceHoldsForTheCorrectionsToCome(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Opened.Ambiguous = string(settings.Ask)
	d.Found.Contacts = []contactcenter.Seen{seen(8, contactcenter.ByPhone), seen(7, contactcenter.ByPhone)}
	d.after(time.Hour, func() {
		d.During[workflows.SaveDealStep] = func() { d.correct(2) }
		d.retry(t, workflows.RetrySync{Actor: "anna", Choice: &contactcenter.Choice{ContactID: 8}})
	})
	result := d.request(t)
	require.Equal(t, []int{1, 2}, answered(t, d))
	require.Equal(t, int64(8), result.Decisions[0].ID)
	opens := asked[workflows.OpenRequestInput](t, d, workflows.OpenRequestStep)
	require.Nil(t, opens[2].Choice, "the database has it")
}

func withRecording(t *testing.T) *desk {
	t.Helper()
	d := setupDesk(t)
	d.Opened.Call, d.Opened.Recording, d.Opened.CallID = true, true, "call-1"
	return d
}

func TestAnswerDoesNotWaitForTheRecording(t *testing.T) {
	t.Parallel()
	d := withRecording(t)
	d.Fails[workflows.FetchRecordingStep] = []error{workflowstest.Passing(70 * time.Hour)}
	d.after(time.Hour, func() {
		require.Equal(t, []int{1}, answered(t, d))
		require.Equal(t, workflows.Syncing, d.state(t).Status)
	})
	require.Equal(t, workflows.Done, d.request(t).Status)
	require.Equal(t, 70*time.Hour, d.at(workflows.AttachRecordingStep)[0])
}

func TestRetryIsRefusedWhileTheRecordingIsUnderWay(t *testing.T) {
	t.Parallel()
	d := withRecording(t)
	d.Fails[workflows.FetchRecordingStep] = []error{workflowstest.Passing(time.Hour)}
	var refusal <-chan error
	d.after(time.Minute, func() { refusal = d.ask(workflows.UpdateRetrySync, "1", workflows.RetrySync{Actor: "anna"}) })
	d.request(t)
	require.ErrorContains(t, <-refusal, "the run is syncing")
}

func TestRequestWhoseRecordingFailedGoesOnWithTheRecordingOnly(t *testing.T) {
	t.Parallel()
	d := withRecording(t)
	d.Fails[workflows.FetchRecordingStep] = []error{refused("ACCESS_DENIED", "the address is not public")}
	d.after(time.Hour, func() { d.retry(t, workflows.RetrySync{Actor: "anna", Reason: "opened the address"}) })
	result := d.request(t)
	require.Equal(t, workflows.Done, result.Status)
	require.Equal(t, 1, result.Revision)
	require.Len(t, result.Decisions, 3, "what was decided is still told")
	require.Equal(t, 1, d.times(workflows.FindRequestStep))
	require.Equal(t, []int{1}, answered(t, d))
	require.Equal(t, []string{
		workflows.FetchRecordingStep, workflows.ParkRunStep, workflows.OpenRequestStep, workflows.FetchRecordingStep,
		workflows.AttachRecordingStep, workflows.FinishRunStep,
	}, d.did()[len(d.did())-6:])
	require.Equal(t, workflows.Done, asked[workflows.FinishRunInput](t, d, workflows.FinishRunStep)[0].Status)
}

// The run of a request that waits for its recording may have been closed: after
// 30 days, or by somebody. A new one has the recording left to do.
func TestNewRunOfAnAnsweredRequestDoesWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    workflows.Status
		recording bool
		want      []string
		ends      workflows.Status
	}{
		"recording left": {
			workflows.Open, true,
			[]string{workflows.OpenRequestStep, workflows.FetchRecordingStep, workflows.AttachRecordingStep, workflows.FinishRunStep},
			workflows.Done,
		},
		"ledger left":     {workflows.Syncing, false, []string{workflows.OpenRequestStep, workflows.FinishRunStep}, workflows.Done},
		"nothing left":    {workflows.Done, false, []string{workflows.OpenRequestStep}, workflows.Done},
		"it was given up": {workflows.Abandoned, true, []string{workflows.OpenRequestStep}, workflows.Abandoned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setupDesk(t)
			d.Opened.Answered, d.Opened.Status, d.Opened.Recording, d.Opened.CallID = 1, c.status, c.recording, "call-1"
			require.Equal(t, c.ends, d.request(t).Status)
			require.Equal(t, c.want, d.did())
			require.Equal(t, string(c.ends), d.attrs["PuenteStatus"])
		})
	}
}

func TestCorrectionDoesNotWaitForTheRecording(t *testing.T) {
	t.Parallel()
	for _, name := range []string{workflows.FetchRecordingStep, workflows.AttachRecordingStep} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withRecording(t)
			d.Fails[name] = []error{workflowstest.Passing(48 * time.Hour)}
			d.after(time.Hour, func() { d.correct(2) })
			d.after(2*time.Hour, func() { require.Equal(t, []int{1, 2}, answered(t, d)) })
			result := d.request(t)
			require.Equal(t, workflows.Done, result.Status)
			require.Equal(t, 2, result.Revision)
			require.Equal(t, time.Hour, d.at(name)[1], "it begins again right after the correction")
			require.Equal(t, 1, d.times(workflows.FinishRunStep))
			require.Zero(t, d.times(workflows.ParkRunStep))
			require.Contains(t, d.details(t), "- **Recording**: waits for a correction of the request\n")
		})
	}
}

func TestCorrectionThatComesWithTheEndOfTheRecordingIsBroughtIn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{workflows.AttachRecordingStep, workflows.FinishRunStep} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withRecording(t)
			d.During[name] = func() { d.correct(2) }
			result := d.request(t)
			require.Equal(t, []int{1, 2}, answered(t, d))
			require.Equal(t, workflows.Done, result.Status)
			require.Equal(t, workflows.FinishRunStep, d.did()[len(d.did())-1])
		})
	}
}

func TestRecordingOfACancelledRequestIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	d := withRecording(t)
	d.Fails[workflows.FetchRecordingStep] = []error{workflowstest.Passing(time.Hour)}
	d.after(time.Minute, d.CancelWorkflow)
	d.execute(t, workflows.ContactCenterRequestWorkflow, "request:demo:form-77", workflows.RequestInput{Portal: portal, SyncID: syncID})
	require.ErrorContains(t, d.GetWorkflowError(), "canceled")
	require.Equal(t, workflows.ErrCancelled, asked[workflows.ParkRunInput](t, d, workflows.ParkRunStep)[0].Kind)
	require.Zero(t, d.times(workflows.AttachRecordingStep))
}

func TestCancelledRequestIsNotKeptAliveByACorrection(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.SaveDealStep] = []error{workflowstest.Passing(time.Hour)}
	d.after(time.Minute, func() {
		d.correct(2)
		d.CancelWorkflow()
	})
	d.execute(t, workflows.ContactCenterRequestWorkflow, "request:demo:form-77", workflows.RequestInput{Portal: portal, SyncID: syncID})
	require.ErrorContains(t, d.GetWorkflowError(), "canceled")
	require.Equal(t, 1, d.times(workflows.OpenRequestStep))
}
