package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"puente/contactcenter"
	"puente/dialog"
	"puente/rerun"
)

// KeyInput makes a repeated request harmless.
type KeyInput struct {
	Key string `header:"Idempotency-Key" maxLength:"100" pattern:"^[A-Za-z0-9._:-]*$" doc:"the same key again does nothing new"`
}

// rerunInput asks for one sync to be run again.
type rerunInput struct {
	SyncInput
	KeyInput
	Body *struct {
		Reason     string             `json:"reason,omitempty" maxLength:"1000" doc:"why; kept in the audit log"`
		Correction *dialog.Correction `json:"correction,omitempty" doc:"of a dialog: what is to be different; the original input is kept"`
		// Choice picks among the candidates that a parked request lists.
		Choice *contactcenter.Choice `json:"choice,omitempty" doc:"of a contact-center request: who the client is, or a new one"`
	}
}

// abandonInput gives one sync up.
type abandonInput struct {
	SyncInput
	KeyInput
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"why; kept in the ledger and the audit log"`
	}
}

// requested answers an accepted re-run; its outcome stands in the ledger later.
type requested struct {
	SyncID     string `json:"sync_id"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id,omitempty" doc:"of the new run, if one was started"`
	RequestID  string `json:"request_id" doc:"the idempotency key that was used"`
	How        string `json:"how,omitempty" doc:"continued: the parked run goes on; started: the closed run was started again"`
	RunURL     string `json:"run_url,omitempty"`
}

func (s *server) rerunRoutes() {
	accepts := func(op *huma.Operation) { op.DefaultStatus = http.StatusAccepted }
	errs := errorsToo(http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable)
	operation(s, http.MethodPost, "/syncs/{id}/rerun", "rerun-sync", "Run a failed sync again, corrected if need be",
		s.rerunSync, tagged("ledger"), accepts, errs)
	operation(s, http.MethodPost, "/syncs/{id}/abandon", "abandon-sync", "Give a sync up for good",
		s.abandonSync, tagged("ledger"), accepts, errs)
}

func (s *server) rerunSync(ctx context.Context, in *rerunInput) (*body[requested], error) {
	r := rerun.Request{Actor: callerOf(ctx).Actor, RequestID: in.Key}
	if in.Body != nil {
		r.Reason, r.Correction, r.Choice = in.Body.Reason, in.Body.Correction, in.Body.Choice
	}
	out, err := s.Rerun.One(ctx, in.Portal, in.ID, r)
	return s.requested(ctx, out, err)
}

func (s *server) abandonSync(ctx context.Context, in *abandonInput) (*body[requested], error) {
	out, err := s.Rerun.Abandon(ctx, in.Portal, in.ID, rerun.Request{
		Actor: callerOf(ctx).Actor, RequestID: in.Key, Reason: in.Body.Reason,
	})
	return s.requested(ctx, out, err)
}

func (s *server) requested(ctx context.Context, out rerun.Outcome, err error) (*body[requested], error) {
	if err != nil {
		return nil, s.fail(ctx, "sync", err)
	}
	return &body[requested]{Body: requested{
		SyncID: out.Sync.ID, WorkflowID: out.WorkflowID, RunID: out.RunID, RequestID: out.RequestID, How: string(out.How),
		RunURL: linker{Links: s.Links}.run(out.WorkflowID, out.RunID),
	}}, nil
}
