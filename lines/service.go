package lines

import (
	"context"
	"errors"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"puente/openlines"
	"puente/settings"
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
	Settings(ctx context.Context, portal string) (settings.Settings, int, error)
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Temporal reaches the desk of a portal; client.Client does.
type Temporal interface {
	SignalWithStartWorkflow(ctx context.Context, workflowID, signal string, arg any, o client.StartWorkflowOptions,
		workflow any, args ...any) (client.WorkflowRun, error)
	UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	QueryWorkflow(ctx context.Context, workflowID, runID, query string, args ...any) (converter.EncodedValue, error)
}

// Loader tells of a line as the desk wants to hear of it, with the employees of
// its departments; *activities.Lines does.
type Loader interface {
	LineEvent(ctx context.Context, line store.Line) (openlines.Event, error)
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
	Loader    Loader   // required by Save and Enforce
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

// Tell gives events to the desk of a portal, and starts it if it does not run. It
// takes ten seconds at the most; errors are those of Temporal.
func (s *Service) Tell(ctx context.Context, portal string, events ...openlines.Event) error {
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

// Zone is what rules dates: the zone of a line, or with line "" that of the
// portal (openlines reference §9). Errors are those of the store.
func (s *Service) Zone(ctx context.Context, portal string, line openlines.LineID) (*time.Location, error) {
	if line != "" {
		found, err := s.Store.Line(ctx, portal, line)
		return ZoneOf(found.Settings), err
	}
	conf, _, err := s.Store.Settings(ctx, portal)
	if errors.Is(err, store.ErrNotFound) {
		conf, err = settings.Default(), nil
	}
	return ZoneOf(openlines.Settings{TimeZone: conf.General.TimeZone}), err
}

// ZoneOf is the time zone of a line. Settings with another one are not saved.
func ZoneOf(doc openlines.Settings) *time.Location {
	zone, err := time.LoadLocation(doc.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}
