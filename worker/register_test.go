package worker_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"puente/activities"
	"puente/contactcenter"
	"puente/dialog"
	"puente/worker"
	"puente/workflows"
)

// recorder is a registry that remembers.
type recorder struct {
	activities map[string]any
	workflows  map[string]any
}

func newRecorder() *recorder {
	return &recorder{activities: map[string]any{}, workflows: map[string]any{}}
}

func (r *recorder) RegisterActivityWithOptions(a any, o activity.RegisterOptions) {
	r.activities[o.Name] = a
}

func (r *recorder) RegisterWorkflowWithOptions(w any, o workflow.RegisterOptions) {
	r.workflows[o.Name] = w
}

// contract is what the workflows send to a step and expect from it
// (workflows/steps.go). They know the steps by name only: nothing but this
// test sees a method that does not fit.
type contract struct{ in, out any }

var contracts = map[string]contract{
	workflows.RecallDialogStep:    {workflows.RecallInput{}, workflows.Recalled{}},
	workflows.RecordCloseStep:     {workflows.RecordCloseInput{}, true},
	workflows.CloseCycleStep:      {workflows.RecordCloseInput{}, workflows.ClosedCycle{}},
	workflows.OpenSyncStep:        {workflows.OpenSyncInput{}, workflows.OpenedSync{}},
	workflows.FinishSyncStep:      {workflows.FinishInput{}, true},
	workflows.ParkSyncStep:        {workflows.ParkInput{}, true},
	workflows.LearnRequestStep:    {workflows.LearnRequestInput{}, workflows.LearnedRequest{}},
	workflows.LoadDialogStep:      {workflows.LoadInput{}, workflows.LoadedDialog{}},
	workflows.NotifyStep:          {workflows.NotifyInput{}, workflows.Notified{}},
	workflows.FindClientStep:      {workflows.FindInput{}, dialog.Found{}},
	workflows.CommitDialogStep:    {workflows.CommitInput{}, workflows.Committed{}},
	workflows.AwaitConversionStep: {workflows.ConversionInput{}, workflows.Converted{}},

	workflows.RunMethodStep:       {workflows.RunMethodInput{}, workflows.MethodRan{}},
	workflows.OpenRequestStep:     {workflows.OpenRequestInput{}, workflows.OpenedRequest{}},
	workflows.FindRequestStep:     {workflows.RequestStepInput{}, contactcenter.RequestFound{}},
	workflows.SaveContactStep:     {workflows.RequestStepInput{}, workflows.SavedEntity{}},
	workflows.SaveCompanyStep:     {workflows.RequestStepInput{}, workflows.SavedEntity{}},
	workflows.LinkCompanyStep:     {workflows.RequestStepInput{}, workflows.SavedEntity{}},
	workflows.SaveDealStep:        {workflows.RequestStepInput{}, workflows.SavedEntity{}},
	workflows.SaveCallStep:        {workflows.RequestStepInput{}, workflows.SavedCall{}},
	workflows.WriteTimelineStep:   {workflows.RequestStepInput{}, workflows.WroteTimeline{}},
	workflows.NotifyRequestStep:   {workflows.RequestStepInput{}, workflows.Notified{}},
	workflows.AnswerRequestStep:   {workflows.AnswerRequestInput{}, true},
	workflows.FinishRunStep:       {workflows.FinishRunInput{}, true},
	workflows.ParkRunStep:         {workflows.ParkRunInput{}, true},
	workflows.FetchRecordingStep:  {workflows.RecordingInput{}, workflows.FetchedRecording{}},
	workflows.AttachRecordingStep: {workflows.RecordingInput{}, workflows.AttachedRecording{}},

	workflows.LoadLinesStep:   {workflows.LoadLinesInput{}, workflows.LoadedLines{}},
	workflows.DeliverLineStep: {workflows.LineDelivery{}, true},
	workflows.LineChatStep:    {workflows.LineCommandInput{}, workflows.LineCommandDone{}},
	workflows.LineNotifyStep:  {workflows.LineCommandInput{}, workflows.LineCommandDone{}},
	workflows.LineCRMStep:     {workflows.LineCommandInput{}, workflows.LineCommandDone{}},
}

func TestEveryStepIsRegisteredAsTheWorkflowsCallIt(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	worker.RegisterStore(r, &activities.Store{})
	worker.RegisterBitrix24(r, &activities.Bitrix24{})
	worker.RegisterChat2Desk(r, &activities.Chat2Desk{})
	worker.RegisterRecordings(r, &activities.Recordings{})
	worker.RegisterLines(r, &activities.Lines{})
	require.Len(t, r.activities, len(contracts), "a step without a contract, or a contract without a step")
	failure := reflect.TypeFor[error]()
	for name, c := range contracts {
		method := reflect.TypeOf(r.activities[name])
		require.NotNil(t, method, name)
		require.Equal(t, reflect.Func, method.Kind(), name)
		require.Equal(t, []reflect.Type{reflect.TypeFor[context.Context](), reflect.TypeOf(c.in)}, ins(method), name)
		require.Equal(t, []reflect.Type{reflect.TypeOf(c.out), failure}, outs(method), name)
	}
}

func ins(f reflect.Type) (types []reflect.Type) {
	for i := range f.NumIn() {
		types = append(types, f.In(i))
	}
	return types
}

func outs(f reflect.Type) (types []reflect.Type) {
	for i := range f.NumOut() {
		types = append(types, f.Out(i))
	}
	return types
}

func TestWorkflowsKeepTheirNames(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	worker.RegisterWorkflows(r)
	names := slices.Sorted(maps.Keys(r.workflows))
	require.Equal(t, []string{
		"ContactCenterMethod", "ContactCenterRequest", "Dialog", "DialogSync", "LineQueue", "LineSession",
	}, names, "running workflows are known by these names")
}
