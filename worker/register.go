package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"puente/activities"
	"puente/workflows"
)

// Slots of the activity workers. Those of bitrix24 wait most of the time for
// the portal's bucket; too few of them would starve the batches.
const (
	bitrix24Slots  = 400
	chat2deskSlots = 50
	storeSlots     = 50
	// recordingSlots bounds how many files travel at once; each takes a stream
	// from disk, not memory.
	recordingSlots = 8
)

// registry is the part of an SDK worker, or of a test environment, that
// workflows and activities are registered with.
type registry interface {
	RegisterActivityWithOptions(a any, options activity.RegisterOptions)
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// build makes one SDK worker per task queue; broken gets the first fatal error.
func (w *Worker) build(broken chan<- error) []worker.Worker {
	dialogs := worker.New(w.opts.Temporal, workflows.DialogsQueue, w.options(storeSlots, broken))
	RegisterWorkflows(dialogs)
	RegisterStore(dialogs, &activities.Store{Store: w.opts.Store, Portals: w.opts.Portals})
	RegisterLines(dialogs, &activities.Lines{
		Store: w.opts.Store, Portals: w.opts.Portals, Temporal: w.opts.Temporal, Minute: w.opts.LineMinute,
	})
	bitrix := worker.New(w.opts.Temporal, workflows.Bitrix24Queue, w.options(bitrix24Slots, broken))
	RegisterBitrix24(bitrix, &activities.Bitrix24{Store: w.opts.Store, Portals: w.opts.Portals})
	chat := worker.New(w.opts.Temporal, workflows.Chat2DeskQueue, w.options(chat2deskSlots, broken))
	RegisterChat2Desk(chat, &activities.Chat2Desk{Store: w.opts.Store, Portals: w.opts.Portals})
	files := worker.New(w.opts.Temporal, workflows.RecordingsQueue, w.options(recordingSlots, broken))
	RegisterRecordings(files, &activities.Recordings{
		Store: w.opts.Store, Portals: w.opts.Portals, Files: w.opts.Recordings, Fetcher: w.opts.Fetcher,
	})
	return []worker.Worker{dialogs, bitrix, chat, files}
}

func (w *Worker) options(slots int, broken chan<- error) worker.Options {
	return worker.Options{
		MaxConcurrentActivityExecutionSize: slots,
		WorkerStopTimeout:                  w.opts.StopTimeout,
		Interceptors:                       []interceptor.WorkerInterceptor{&heartbeats{every: heartbeatEvery}},
		MaxHeartbeatThrottleInterval:       heartbeatEvery,
		WorkflowTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		OnFatalError: func(err error) {
			select {
			case broken <- err:
			default: // one is enough
			}
		},
	}
}

// RegisterWorkflows registers all workflows under their stable names.
func RegisterWorkflows(r registry) {
	r.RegisterWorkflowWithOptions(workflows.Dialog, workflow.RegisterOptions{Name: workflows.DialogWorkflow})
	r.RegisterWorkflowWithOptions(workflows.DialogSync, workflow.RegisterOptions{Name: workflows.DialogSyncWorkflow})
	r.RegisterWorkflowWithOptions(workflows.ContactCenterMethod, workflow.RegisterOptions{Name: workflows.ContactCenterMethodWorkflow})
	r.RegisterWorkflowWithOptions(workflows.ContactCenterRequest, workflow.RegisterOptions{Name: workflows.ContactCenterRequestWorkflow})
	r.RegisterWorkflowWithOptions(workflows.LineQueue, workflow.RegisterOptions{Name: workflows.LineQueueWorkflow})
	r.RegisterWorkflowWithOptions(workflows.LineSession, workflow.RegisterOptions{Name: workflows.LineSessionWorkflow})
}

// RegisterStore registers the steps of the queue dialogs.
func RegisterStore(r registry, a *activities.Store) {
	register(r, map[string]any{
		workflows.RecallDialogStep: a.RecallDialog, workflows.RecordCloseStep: a.RecordClose, workflows.CloseCycleStep: a.CloseCycle,
		workflows.OpenSyncStep: a.OpenSync, workflows.FinishSyncStep: a.FinishSync, workflows.ParkSyncStep: a.ParkSync,
		workflows.OpenRequestStep: a.OpenRequest, workflows.AnswerRequestStep: a.AnswerRequest,
		workflows.FinishRunStep: a.FinishRun, workflows.ParkRunStep: a.ParkRun,
	})
}

// RegisterLines registers the steps by which the desk of open lines reads and
// hands over, on the queue dialogs.
func RegisterLines(r registry, a *activities.Lines) {
	register(r, map[string]any{workflows.LoadLinesStep: a.LoadLines, workflows.DeliverLineStep: a.DeliverLine})
}

// RegisterBitrix24 registers the steps of the queue bitrix24.
func RegisterBitrix24(r registry, a *activities.Bitrix24) {
	register(r, map[string]any{
		workflows.NotifyStep: a.Notify, workflows.FindClientStep: a.FindClient,
		workflows.CommitDialogStep: a.CommitDialog, workflows.AwaitConversionStep: a.AwaitConversion,
		workflows.RunMethodStep: a.RunMethod, workflows.FindRequestStep: a.FindRequest, workflows.SaveContactStep: a.SaveContact,
		workflows.SaveCompanyStep: a.SaveCompany, workflows.LinkCompanyStep: a.LinkCompany, workflows.SaveDealStep: a.SaveDeal,
		workflows.SaveCallStep: a.SaveCall, workflows.WriteTimelineStep: a.WriteTimeline, workflows.NotifyRequestStep: a.NotifyRequest,
		workflows.LineNotifyStep: a.LineNotify, workflows.LineCRMStep: a.LineCRM,
	})
}

// RegisterChat2Desk registers the steps of the queue chat2desk.
func RegisterChat2Desk(r registry, a *activities.Chat2Desk) {
	register(r, map[string]any{
		workflows.LearnRequestStep: a.LearnRequest, workflows.LoadDialogStep: a.LoadDialog, workflows.LineChatStep: a.LineChat,
	})
}

// RegisterRecordings registers the steps of the queue recordings.
func RegisterRecordings(r registry, a *activities.Recordings) {
	register(r, map[string]any{
		workflows.FetchRecordingStep: a.FetchRecording, workflows.AttachRecordingStep: a.AttachRecording,
	})
}

func register(r registry, steps map[string]any) {
	for name, step := range steps {
		r.RegisterActivityWithOptions(step, activity.RegisterOptions{Name: name})
	}
}

// RegisterSearchAttributes makes Puente's search attributes known to a
// namespace. Those that exist are left alone; an unregistered one would make
// every start fail (temporal reference §13.11).
func RegisterSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	service := c.OperatorService()
	known, err := service.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing, err := missingAttributes(known.GetCustomAttributes())
	if err != nil || len(missing) == 0 {
		return err
	}
	_, err = service.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil && !strings.Contains(err.Error(), "already exist") {
		return fmt.Errorf("add search attributes to namespace %s: %w", namespace, err)
	}
	return nil
}

// missingAttributes are those a namespace lacks. One that it has with another
// type can hold nothing of ours.
func missingAttributes(known map[string]enumspb.IndexedValueType) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for _, key := range workflows.SearchAttributes() {
		has, exists := known[key.GetName()]
		switch {
		case !exists:
			missing[key.GetName()] = key.GetValueType()
		case has != key.GetValueType():
			return nil, fmt.Errorf("the search attribute %s of the namespace is of type %s: it must be removed and added as %s",
				key.GetName(), has, key.GetValueType())
		}
	}
	return missing, nil
}

func attributeNames() []string {
	var names []string
	for _, key := range workflows.SearchAttributes() {
		names = append(names, key.GetName())
	}
	return names
}
