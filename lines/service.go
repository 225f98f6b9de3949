package lines

import (
	"context"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

// Store is what is read and written; *store.Store is one.
type Store interface {
	Line(ctx context.Context, portal string, id openlines.LineID) (store.Line, error)
	Lines(ctx context.Context, portal string) ([]store.Line, error)
	SaveLine(
		ctx context.Context, portal string, id openlines.LineID, doc openlines.Settings, author, reason string, ifVersion int,
	) (int, error)
	Operator(ctx context.Context, portal string, user openlines.UserID) (store.LineOperator, error)
	SaveOperator(ctx context.Context, portal string, user openlines.UserID, change store.OperatorChange) (store.LineOperator, error)
	SessionFacts(
		ctx context.Context, portal string, from, to time.Time, line openlines.LineID, p store.Page,
	) ([]openlines.SessionFacts, string, error)
	RecordsSince(
		ctx context.Context, portal string, from, to time.Time, line openlines.LineID, p store.Page,
	) ([]openlines.Record, string, error)
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Temporal reaches the desk of a portal; client.Client does.
type Temporal interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions,
		workflow any, args ...any) (client.WorkflowRun, error)
	UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
}

// Loader tells of the lines of a portal as their desk wants to hear of them,
// with the employees of departments; *activities.Lines does.
type Loader interface {
	LoadLines(ctx context.Context, in workflows.LoadLinesInput) (workflows.LoadedLines, error)
}

// Validator checks members and channels of a line against the real accounts.
// The error says that something could not be asked.
type Validator interface {
	ValidateLine(ctx context.Context, portal string, doc openlines.Settings) ([]openlines.Problem, error)
}

// Service works with the open lines of all portals.
type Service struct {
	Store     Store    // required
	Temporal  Temporal // required
	Loader    Loader   // required for lines with departments
	Validator Validator
	Log       *slog.Logger // nil = slog.Default
}

// callTimeout bounds one call to the desk: a person waits for it.
const callTimeout = 10 * time.Second

func (s *Service) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

// tell gives events to the desk of a portal, and starts it if it does not run.
func (s *Service) tell(ctx context.Context, portal string, events ...openlines.Event) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := s.Temporal.SignalWithStartWorkflow(ctx, workflows.LineQueueID(portal), workflows.SignalLineEvents, events,
		client.StartWorkflowOptions{
			TaskQueue:             workflows.DialogsQueue,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			StaticSummary:         "Open lines of " + portal,
			TypedSearchAttributes: workflows.LineQueueAttributes(portal),
		}, workflows.LineQueueWorkflow, workflows.LineQueueInput{Portal: portal})
	return err
}

// Act lets the desk decide about an action of a person. Event.ID makes it take
// effect once, however often it is sent. The error is an *Error; an answer that
// refuses the action is none.
func (s *Service) Act(ctx context.Context, portal string, event openlines.Event) (answer openlines.Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	handle, err := s.Temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflows.LineQueueID(portal), UpdateID: event.ID, UpdateName: workflows.UpdateLineAct,
		Args: []any{event}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, &answer)
	}
	if err != nil {
		return answer, deskFault(err)
	}
	return answer, nil
}

// Preview asks the desk who would get a chat of a line now, and why. The error
// is an *Error.
func (s *Service) Preview(ctx context.Context, portal string, id openlines.LineID) (decision openlines.Decision, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	value, err := s.Temporal.QueryWorkflow(ctx, workflows.LineQueueID(portal), "", workflows.QueryLinePreview, id)
	if err == nil {
		err = value.Get(&decision)
	}
	if err != nil {
		return decision, deskFault(err)
	}
	return decision, nil
}

// ZoneOf is the time zone of a line. Settings with another one are not saved.
func ZoneOf(doc openlines.Settings) *time.Location {
	zone, err := time.LoadLocation(doc.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}
