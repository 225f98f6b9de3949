package api

import (
	"context"

	"go.temporal.io/sdk/client"

	"puente/dialog"
	"puente/openlines"
	"puente/settings"
	"puente/store"
)

// Store is what the API reads and writes; *store.Store is one. Not found is
// store.ErrNotFound, a lost race store.ErrConflict.
type Store interface {
	Ping(ctx context.Context) error

	Portal(ctx context.Context, slug string) (store.Portal, error)
	PortalByAPIKey(ctx context.Context, key string) (store.Portal, error)

	Accept(ctx context.Context, events []store.InboxEvent) (stored int, err error)
	InboxEvent(ctx context.Context, portal, id string) (store.InboxEvent, error)
	InboxList(ctx context.Context, portal string, f store.InboxFilter) ([]store.InboxEvent, string, error)

	Sync(ctx context.Context, portal, id string) (store.Sync, error)
	Syncs(ctx context.Context, portal string, f store.SyncFilter) ([]store.Sync, string, error)
	CountSyncs(ctx context.Context, portal string, f store.SyncFilter) (map[string]int, error)
	Steps(ctx context.Context, syncID string) ([]store.Step, error)
	Snapshot(ctx context.Context, portal, syncID string) (dialog.Snapshot, error)

	AcceptMethod(ctx context.Context, sub store.Submission) (stored store.Submission, fresh bool, err error)
	AcceptRequest(ctx context.Context, sub store.Submission, clientKeys []string) (stored store.Submission, fresh bool, err error)
	Submitted(ctx context.Context, sub store.Submission) (stored store.Submission, found bool, err error)
	Submission(ctx context.Context, portal, id string) (store.Submission, error)
	SubmissionBySync(ctx context.Context, portal, syncID string) (store.Submission, error)
	AnsweredSubmissions(ctx context.Context, ids []string) (answered []string, err error)
	Revisions(ctx context.Context, portal, syncID string) ([]store.Submission, error)
	SyncByWorkflow(ctx context.Context, portal, workflowID string) (store.Sync, error)
	RecordingOfSync(ctx context.Context, portal, syncID string) (store.Recording, error)

	Settings(ctx context.Context, portal string) (settings.Settings, int, error)
	SettingsVersion(ctx context.Context, portal string, version int) (settings.Settings, error)
	SaveSettings(ctx context.Context, portal string, s settings.Settings, author, reason string, ifVersion int) (int, error)
	SettingsHistory(ctx context.Context, portal string, p store.Page) ([]store.SettingsChange, string, error)

	Audit(ctx context.Context, e store.AuditEntry) error
	AuditLog(ctx context.Context, portal, subject string, p store.Page) ([]store.AuditEntry, string, error)
	DialogsOfClient(ctx context.Context, portal string, clientID int64) ([]store.DialogRow, error)

	LineStore
}

// LineStore is what the routes of open lines read by themselves.
type LineStore interface {
	Line(ctx context.Context, portal string, id openlines.LineID) (store.Line, error)
	Lines(ctx context.Context, portal string) ([]store.Line, error)
	LineVersion(ctx context.Context, portal string, id openlines.LineID, version int) (openlines.Settings, error)
	LineHistory(ctx context.Context, portal string, id openlines.LineID, p store.Page) ([]store.LineChange, string, error)
	Operators(ctx context.Context, portal string) ([]store.LineOperator, error)
	LineSession(ctx context.Context, portal string, id openlines.SessionID) (store.LineSession, error)
	LineSessions(ctx context.Context, portal string, f store.LineSessionFilter) ([]store.LineSession, string, error)
	CountLineSessions(ctx context.Context, portal string) (map[openlines.State]int, error)
	SessionRecords(ctx context.Context, portal string, session openlines.SessionID) ([]openlines.Record, error)
}

// Temporal is the one call readiness needs; client.Client has it.
type Temporal interface {
	CheckHealth(ctx context.Context, r *client.CheckHealthRequest) (*client.CheckHealthResponse, error)
}

// Validator checks settings against the real portal: do the fields, pipelines,
// stages and users that they name exist? An error means that the portal could
// not be asked; the settings are then saved with a warning.
type Validator interface {
	ValidateSettings(ctx context.Context, portal string, s settings.Settings) ([]settings.Problem, error)
}
