package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/workflows"
	"puente/workflows/workflowstest"
)

func TestMethodIsOneStep(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Ran.Entities = []contactcenter.Ref{{Kind: contactcenter.KindContact, ID: 42}, {Kind: contactcenter.KindDeal, ID: 62}}
	require.Equal(t, workflows.MethodResult{SyncID: syncID, Status: workflows.Done}, d.method(t))
	require.Equal(t, []string{workflows.RunMethodStep}, d.did())
	require.Equal(t, workflows.RunMethodInput{Portal: portal, SyncID: syncID, Method: contactcenter.CallCreate},
		asked[workflows.RunMethodInput](t, d, workflows.RunMethodStep)[0])
	require.Equal(t, map[string]string{"PuenteStatus": "done", "PuenteContact": "42", "PuenteDeal": "62"}, d.attrs)
	require.Equal(t, "### Contact center: call.create\n\nStatus: **done**\n\n- **CRM**: contact 42 created\n"+
		"- **Cards**: [contact 42](https://p.example/crm/contact/details/42/), [deal 62](https://p.example/crm/deal/details/62/)\n", d.details(t))
}

func TestMethodThatIsAnsweredWithANoEndsWithItsReason(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Ran = workflows.MethodRan{Status: workflows.Skipped, HTTP: 404, Reason: "there is no contact 42 in the CRM"}
	require.Equal(t, workflows.MethodResult{SyncID: syncID, Status: workflows.Skipped, Reason: d.Ran.Reason}, d.method(t))
	require.Equal(t, []string{workflows.RunMethodStep}, d.did())
	require.Contains(t, d.details(t), "404: there is no contact 42 in the CRM")
	require.Equal(t, map[string]string{"PuenteStatus": "skipped"}, d.attrs)
}

func TestEntityOfAnotherKindHasNoSearchAttribute(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Ran.Entities = []contactcenter.Ref{{Kind: "activity", ID: 900}, {Kind: contactcenter.KindCompany, ID: 52}}
	d.method(t)
	require.Equal(t, map[string]string{"PuenteStatus": "done", "PuenteCompany": "52"}, d.attrs)
}

func TestMethodAttachesTheRecordingLast(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Ran.CallID = "call-1"
	d.Fails[workflows.FetchRecordingStep] = []error{workflowstest.Passing(time.Hour)}
	d.Fails[workflows.AttachRecordingStep] = []error{workflowstest.Passing(2 * time.Hour)}
	d.after(time.Minute, func() {
		require.Equal(t, workflows.Syncing, d.state(t).Status)
		require.Contains(t, d.details(t), "is being attached")
	})
	require.Equal(t, workflows.Done, d.method(t).Status)
	require.Equal(t, []string{
		workflows.RunMethodStep, workflows.FetchRecordingStep, workflows.FetchRecordingStep,
		workflows.AttachRecordingStep, workflows.AttachRecordingStep, workflows.FinishRunStep,
	}, d.did())
	require.Equal(t, []time.Duration{0, time.Hour}, d.at(workflows.FetchRecordingStep))
	require.Equal(t, workflows.RecordingInput{Portal: portal, SyncID: syncID, CallID: "call-1"},
		asked[workflows.RecordingInput](t, d, workflows.AttachRecordingStep)[0])
	require.Equal(t, workflows.FinishRunInput{
		Portal: portal, SyncID: syncID, Owner: "method:demo:call.create:key-1", Status: workflows.Done,
	}, asked[workflows.FinishRunInput](t, d, workflows.FinishRunStep)[0])
	require.Contains(t, d.details(t), "attached as file 77, 4096 bytes")
}

func TestMethodIsNotRunAgainForItsRecording(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Ran.CallID = "call-1"
	d.Fails[workflows.AttachRecordingStep] = []error{refused("TOO_LARGE", "The file is too large")}
	d.after(time.Hour, func() { d.retry(t, workflows.RetrySync{Actor: "anna"}) })
	require.Equal(t, workflows.Done, d.method(t).Status)
	require.Equal(t, 1, d.times(workflows.RunMethodStep))
	require.Equal(t, 2, d.times(workflows.FetchRecordingStep))
	require.Equal(t, 2, d.times(workflows.AttachRecordingStep))
}

func TestMethodTellsEachRerunApart(t *testing.T) {
	t.Parallel()
	d := setupDesk(t)
	d.Fails[workflows.RunMethodStep] = []error{refused("ACCESS_DENIED", "Access denied.")}
	d.after(time.Hour, func() { d.retry(t, workflows.RetrySync{Actor: "anna"}) })
	d.method(t)
	runs := asked[workflows.RunMethodInput](t, d, workflows.RunMethodStep)
	require.Equal(t, []int{0, 1}, []int{runs[0].Rerun, runs[1].Rerun})
}
