package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/store"
	"puente/submit"
)

// Run is where a method call or a request stands.
type Run struct {
	Run        string          `json:"run" doc:"its id, here and in the ledger (syncs)"`
	Kind       string          `json:"kind" enum:"method,request"`
	Name       string          `json:"name" doc:"the method, or the channel of the request"`
	ExternalID string          `json:"external_id,omitempty" doc:"of a request"`
	Revision   int             `json:"revision" doc:"of a request: which of its versions, from 1"`
	Status     string          `json:"status" enum:"open,syncing,failed,done,skipped,abandoned" doc:"failed = it waits for a person"`
	Error      *SyncError      `json:"error,omitempty"`
	StatusCode int             `json:"status_code,omitempty" doc:"HTTP status of the answer, when there is one"`
	Answer     json.RawMessage `json:"answer,omitempty" doc:"the answer, or a problem document"`
	AcceptedAt time.Time       `json:"accepted_at"`
	AnsweredAt *time.Time      `json:"answered_at,omitempty"`
	Links      RunLinks        `json:"links"`
}

// RunLinks are addresses of a run.
type RunLinks struct {
	Self     string `json:"self" doc:"poll it"`
	Ledger   string `json:"ledger" doc:"with all steps, entities and errors"`
	Temporal string `json:"temporal,omitempty" doc:"the run in the Temporal UI"`
}

// RequestRun is a request with its revisions.
type RequestRun struct {
	Run
	Revisions []Revision `json:"revisions" doc:"oldest first"`
}

// Revision is one version of a request.
type Revision struct {
	Revision   int        `json:"revision"`
	StatusCode int        `json:"status_code,omitempty"`
	AcceptedAt time.Time  `json:"accepted_at"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"`
}

// answered is the answer of a submission, or where to look for it.
type answered struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Location    string `header:"Location" doc:"of the run, when there is no answer yet (202)"`
	RetryAfter  string `header:"Retry-After" doc:"seconds after which to look at it"`
	Replayed    string `header:"Idempotency-Replayed" doc:"true: this is a repetition of an earlier call"`
	Applied     string `header:"Preference-Applied"`
	RunID       string `header:"X-Puente-Run" doc:"id of the run, here and in the ledger"`
	Body        []byte
}

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

type runInput struct {
	PortalInput
	ID string `path:"id" maxLength:"64" pattern:"^[A-Za-z0-9-]+$" doc:"id of the run"`
}

type requestInput struct {
	PortalInput
	ExternalID string `path:"external_id" maxLength:"200" doc:"the contact center's own id of the request"`
}

func (s *server) runRoutes() {
	missing := errorsToo(http.StatusNotFound)
	operation(s, http.MethodGet, "/contact-center/runs/{id}", "get-contact-center-run",
		"Where a method call or a request stands, and its answer", s.getRun, contactCenter, missing)
	operation(s, http.MethodGet, "/contact-center/requests/{external_id}", "get-contact-center-request",
		"Where a request stands, by its external_id, with all its revisions", s.getRequest, contactCenter, missing)
}

func (s *server) getRun(ctx context.Context, in *runInput) (*body[Run], error) {
	sub, err := s.Store.SubmissionBySync(ctx, in.Portal, in.ID)
	if err != nil {
		return nil, s.fail(ctx, "run", err)
	}
	run, err := s.run(ctx, sub)
	if err != nil {
		return nil, err
	}
	return &body[Run]{Body: run}, nil
}

func (s *server) getRequest(ctx context.Context, in *requestInput) (*body[RequestRun], error) {
	line, err := s.Store.SyncByWorkflow(ctx, in.Portal, submit.RequestWorkflow(in.Portal, in.ExternalID))
	if err != nil {
		return nil, s.fail(ctx, "request", err)
	}
	all, err := s.Store.Revisions(ctx, in.Portal, line.ID)
	if err != nil || len(all) == 0 {
		return nil, s.fail(ctx, "request", orNotFound(err))
	}
	out := RequestRun{Revisions: make([]Revision, len(all))}
	for i, sub := range all {
		out.Revisions[i] = Revision{
			Revision: sub.Revision, StatusCode: sub.StatusCode, AcceptedAt: sub.CreatedAt, AnsweredAt: instant(sub.AnsweredAt),
		}
	}
	if out.Run, err = s.run(ctx, all[len(all)-1]); err != nil {
		return nil, err
	}
	return &body[RequestRun]{Body: out}, nil
}

func orNotFound(err error) error {
	if err == nil {
		return store.ErrNotFound
	}
	return err
}

// run shows a submission with its line of the ledger.
func (s *server) run(ctx context.Context, sub store.Submission) (Run, error) {
	line, err := s.Store.Sync(ctx, sub.Portal, sub.SyncID)
	if err != nil {
		return Run{}, s.fail(ctx, "run", err)
	}
	links, err := s.linker(ctx, sub.Portal)
	if err != nil {
		return Run{}, err
	}
	answer, err := s.answerNow(ctx, sub, line)
	if err != nil {
		return Run{}, err
	}
	run := Run{
		Run: sub.SyncID, Kind: sub.Kind, Name: sub.Name, Revision: sub.Revision, Status: line.Status, Error: syncError(line),
		StatusCode: sub.StatusCode, Answer: answer, AcceptedAt: sub.CreatedAt, AnsweredAt: instant(sub.AnsweredAt),
		Links: RunLinks{
			Self: runPath(sub), Ledger: "/v1/portals/" + sub.Portal + "/syncs/" + sub.SyncID, Temporal: links.run(line.WorkflowID, line.RunID),
		},
	}
	if sub.Kind == store.KindRequest {
		run.ExternalID = sub.Key
	}
	return run, nil
}

func runPath(sub store.Submission) string {
	return "/v1/portals/" + sub.Portal + "/contact-center/runs/" + sub.SyncID
}

// answer gives the stored answer, with what became of the recording since;
// without one 202 and the run.
func (s *server) answer(ctx context.Context, sub store.Submission) (*answered, error) {
	out := &answered{Status: sub.StatusCode, ContentType: jsonType, RunID: sub.SyncID, Body: sub.Answer}
	switch {
	case sub.AnsweredAt.IsZero():
		return s.pending(ctx, sub)
	case sub.StatusCode == http.StatusGone && len(sub.Answer) == 0:
		return nil, huma.Error410Gone("the answer is no longer kept (general.retention_days); ask again with another Idempotency-Key")
	case sub.StatusCode >= http.StatusBadRequest:
		out.ContentType = problemType
	case sub.StatusCode == 0:
		out.Status = http.StatusOK
	}
	var err error
	out.Body, err = s.answerToday(ctx, sub)
	return out, err
}

func (s *server) pending(ctx context.Context, sub store.Submission) (*answered, error) {
	run, err := s.run(ctx, sub)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(run)
	if err != nil {
		return nil, s.fail(ctx, "run", err)
	}
	return &answered{
		Status: http.StatusAccepted, ContentType: jsonType, Location: runPath(sub), RetryAfter: "1", RunID: sub.SyncID, Body: body,
	}, nil
}
