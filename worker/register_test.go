package worker_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"puente/activities"
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
}

func TestEveryStepIsRegisteredAsTheWorkflowsCallIt(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	worker.RegisterStore(r, &activities.Store{})
	worker.RegisterBitrix24(r, &activities.Bitrix24{})
	worker.RegisterChat2Desk(r, &activities.Chat2Desk{})
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
	require.Len(t, r.workflows, 2)
	require.Contains(t, r.workflows, "Dialog", "running workflows are known by this name")
	require.Contains(t, r.workflows, "DialogSync", "running workflows are known by this name")
}
