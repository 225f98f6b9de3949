package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Patience of the steps. Outside systems may be down for days; what was
// accepted waits for them.
const (
	patience     = 72 * time.Hour
	parkedFor    = 30 * 24 * time.Hour // then the run ends as Failed and can be started again
	noticeExpiry = 24 * time.Hour      // a notification older than this helps nobody
	forever      = time.Duration(0)    // as ScheduleToClose: no end
	maxDetails   = 18_000              // bytes; the server takes 20,000
	// silence is how long a step may be silent before it counts as lost; the
	// worker heartbeats for every activity, so this finds killed workers.
	silence = 20 * time.Second
)

// storeStep is for short work in our own database. It waits for the database
// for as long as that takes: a run that gave up would lose what it knows.
func storeStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, DialogsQueue, summary, 30*time.Second, forever)
}

// crmStep is for requests to a portal. StartToClose holds the waiting for a
// permit of the portal's bucket under load and one request of 60 seconds.
func crmStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, Bitrix24Queue, summary, 5*time.Minute, patience)
}

// lineCRMStep is a crmStep without an end: the chats of an open line go on while
// the CRM is down, and it has to show how they stand when it is back (openlines
// reference §8).
func lineCRMStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, Bitrix24Queue, summary, 5*time.Minute, forever)
}

// noticeStep is a crmStep that gives up after a day.
func noticeStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, Bitrix24Queue, summary, 5*time.Minute, noticeExpiry)
}

// chatStep is for requests to Chat2Desk; a long dialog takes several.
func chatStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, Chat2DeskQueue, summary, 3*time.Minute, patience)
}

// conversionStep polls the portal while Bitrix24 turns a lead into a deal.
func conversionStep(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              Bitrix24Queue,
		Summary:                summary,
		StartToCloseTimeout:    5 * time.Minute, // as crmStep: it waits for permits too
		ScheduleToCloseTimeout: 15 * time.Minute,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 3 * time.Second, BackoffCoefficient: 1.5, MaximumInterval: 30 * time.Second},
	})
}

func step(ctx workflow.Context, queue, summary string, each, all time.Duration) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              queue,
		Summary:                summary,
		StartToCloseTimeout:    each,
		ScheduleToCloseTimeout: all,
		HeartbeatTimeout:       silence,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval:    time.Second,
			BackoffCoefficient: 2,
			MaximumInterval:    time.Minute,
		},
	})
}

// recordingStep is for one file of up to 512 MiB: fetched or sent in one go, and
// tried again for three days.
func recordingStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, RecordingsQueue, summary, 45*time.Minute, patience)
}

// lineStoreStep delivers decisions of the desk: without an end, because nothing
// that was decided may be lost.
func lineStoreStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, DialogsQueue, summary, 30*time.Second, forever)
}

// lineChatStep is for one request to the channel; a text older than its limit is
// not sent any more, which the activity knows.
func lineChatStep(ctx workflow.Context, summary string) workflow.Context {
	return step(ctx, Chat2DeskQueue, summary, 2*time.Minute, patience)
}
