// Package rerun lets a person run one failed sync again, or give it up.
//
// A parked run is asked to go on by its update; a run that Temporal has closed
// is started again under the same id with its original input. Either way the
// original input stays as it was, what was corrected is kept beside it, and
// the audit log tells who did it and why.
package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"puente/contactcenter"
	"puente/dialog"
	"puente/store"
	"puente/workflows"
)

// Ledger is what the service reads and writes; *store.Store is one.
type Ledger interface {
	Sync(ctx context.Context, portal, id string) (store.Sync, error)
	UpdateSync(ctx context.Context, portal, id string, change func(*store.Sync)) error
	Audit(ctx context.Context, e store.AuditEntry) error
	Release(ctx context.Context, portal, owner string) error
	DropTickets(ctx context.Context, portal, syncID string) error
}

// Temporal is the part of client.Client that re-runs need.
type Temporal interface {
	UpdateWorkflow(ctx context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error)
	ExecuteWorkflow(ctx context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error)
	DescribeWorkflowExecution(ctx context.Context, workflowID, runID string) (*workflowservice.DescribeWorkflowExecutionResponse, error)
}

// Service re-runs syncs. Both parts are required.
type Service struct {
	Store    Ledger
	Temporal Temporal
}

// Request says who asks, why, and what is to be different.
type Request struct {
	Actor      string
	Reason     string
	Correction *dialog.Correction // of a dialog; nil keeps the last one
	// Choice picks among the candidates of a contact-center request; nil keeps the last one.
	Choice *contactcenter.Choice
	// RequestID makes a repetition of this very request harmless; empty = a new one.
	RequestID string
}

// How says by which way a sync was run again.
type How string

// The ways a sync is run again.
const (
	Continued How = "continued" // the parked run goes on from the step that failed
	Started   How = "started"   // the closed run was started again under its id
)

// Outcome is what an accepted re-run or abandonment did.
type Outcome struct {
	Sync       store.Sync // as it was before
	How        How
	WorkflowID string
	RunID      string // of the run that works now, if it was started
	RequestID  string
}

// Actions in the audit log.
const (
	actionRerun   = "sync.rerun"
	actionAbandon = "sync.abandon"
)

// One runs one sync again. Errors are *Error, or store.ErrNotFound wrapped in
// one of kind NotFound. It returns when Temporal has accepted the request; the
// outcome of the sync stands in the ledger later.
func (s *Service) One(ctx context.Context, portal, syncID string, r Request) (Outcome, error) {
	row, r, err := s.prepare(ctx, portal, syncID, r)
	if err != nil {
		return Outcome{}, err
	}
	if err := errors.Join(rerunnable(row), fitting(row, r)); err != nil {
		return Outcome{}, err
	}
	running, err := s.running(ctx, row.WorkflowID)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Sync: row, WorkflowID: row.WorkflowID, RequestID: r.RequestID}
	if running {
		out.How, err = Continued, s.retry(ctx, row, r)
	} else {
		out.How = Started
		out.RunID, err = s.start(ctx, row, r)
	}
	if err != nil {
		return Outcome{}, err
	}
	return out, s.audit(ctx, row, actionRerun, r, out.How)
}

// prepare finds the sync and completes the request.
func (s *Service) prepare(ctx context.Context, portal, syncID string, r Request) (store.Sync, Request, error) {
	r.Actor, r.Reason = strings.TrimSpace(r.Actor), strings.TrimSpace(r.Reason)
	if r.Actor == "" {
		return store.Sync{}, r, &Error{Kind: Invalid, Text: "nobody is named who asks for it"}
	}
	if err := validCorrection(r.Correction); err != nil {
		return store.Sync{}, r, err
	}
	if r.RequestID == "" {
		r.RequestID = uuid.Must(uuid.NewV7()).String()
	}
	row, err := s.Store.Sync(ctx, portal, syncID)
	return row, r, ledgerError(err)
}

// rerunnable refuses what is finished. An open or syncing row passes: whether
// it is really under way, only Temporal knows.
func rerunnable(row store.Sync) error {
	switch workflows.Status(row.Status) {
	case workflows.Done:
		return &Error{Kind: Refused, Text: "the sync is done; there is nothing to run again"}
	default:
		return nil
	}
}

// fitting refuses a correction that this kind of run does not understand.
func fitting(row store.Sync, r Request) error {
	switch {
	case r.Correction != nil && (row.Kind == workflows.KindMethod || row.Kind == workflows.KindRequest):
		return &Error{Kind: Invalid, Text: "correction: only the sync of a dialog takes one; send the corrected input to the contact-center API"}
	case r.Choice != nil && row.Kind != workflows.KindRequest:
		return &Error{Kind: Invalid, Text: "choice: only a contact-center request takes one"}
	case r.Choice != nil && (r.Choice.ContactID < 0 || r.Choice.CompanyID < 0 || r.Choice.DealID < 0):
		return &Error{Kind: Invalid, Text: "choice: an id is negative"}
	default:
		return nil
	}
}

func validCorrection(c *dialog.Correction) error {
	switch {
	case c == nil:
		return nil
	case c.ContactID < 0 || c.Responsible < 0 || (c.Pipeline != nil && *c.Pipeline < 0):
		return &Error{Kind: Invalid, Text: "an id of the correction is negative"}
	case c.Entity != nil && (c.Entity.ID <= 0 || (c.Entity.Kind != dialog.Deal && c.Entity.Kind != dialog.Lead)):
		return &Error{Kind: Invalid, Text: "the entity of the correction must be an existing deal or lead: kind deal or lead, id above 0"}
	default:
		return nil
	}
}

// audit keeps what was there before and what was asked. A re-run that was
// accepted but not written down is reported as an error, and its repetition
// under the same RequestID is harmless.
func (s *Service) audit(ctx context.Context, row store.Sync, action string, r Request, how How) error {
	before, err := json.Marshal(map[string]any{
		"status": row.Status, "error": strings.TrimSpace(row.ErrorCode + " " + row.ErrorText), "correction": row.Correction,
	})
	if err != nil {
		return fmt.Errorf("audit of sync %s: %w", row.ID, err)
	}
	asked := map[string]any{"correction": r.Correction, "how": how, "request_id": r.RequestID}
	if r.Choice != nil {
		asked["choice"] = r.Choice
	}
	after, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("audit of sync %s: %w", row.ID, err)
	}
	return s.Store.Audit(ctx, store.AuditEntry{
		Portal: row.Portal, Actor: r.Actor, Action: action, Subject: "sync:" + row.ID, Reason: r.Reason, Before: before, After: after,
	})
}
