package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/contactcenter"
	"puente/settings"
	"puente/store"
	"puente/submit"
)

// Starter hands a submission to Temporal; *submit.Starter is one.
type Starter interface {
	Start(ctx context.Context, sub store.Submission) error
}

// submissionInput is what both ways of submitting share.
type submissionInput struct {
	PortalInput
	CallerInput
	RawBody []byte `contentType:"application/json"`
}

func (s *server) contactCenterRoutes() {
	for _, m := range methodDocs() {
		operation(s, http.MethodPost, "/contact-center/methods/"+string(m.method), "contact-center-"+string(m.method), m.summary,
			s.callMethod(m.method), contactCenter, s.submits(m))
	}
	operation(s, http.MethodPost, "/contact-center/requests", "contact-center-request",
		"Take in a request; the same external_id corrects it", s.submitRequest, contactCenter, s.submits(requestDoc()))
	s.runRoutes()
	s.recordingRoutes()
}

var contactCenter = tagged("contact center")

// callMethod is the handler of one of the sixteen methods.
func (s *server) callMethod(m contactcenter.Method) func(context.Context, *submissionInput) (*answered, error) {
	return func(ctx context.Context, in *submissionInput) (*answered, error) {
		key, err := in.key()
		switch {
		case err != nil:
			return nil, err
		case key == "" && !m.ReadOnly():
			return nil, keyMissing()
		case key == "":
			key = store.NewID() // nobody can repeat it, and a look needs no repetition
		}
		conf, err := s.settingsOf(ctx, in.Portal)
		if err != nil {
			return nil, err
		}
		sub := submit.Method(in.Portal, m, key, in.RawBody)
		return s.submit(ctx, in.CallerInput, sub, s.methodProblems(m, in.RawBody, conf), s.Store.AcceptMethod)
	}
}

func (s *server) methodProblems(m contactcenter.Method, body []byte, conf settings.Settings) []settings.Problem {
	input, problems := contactcenter.Decode(m, body)
	if len(problems) > 0 {
		return problems
	}
	return contactcenter.Validate(input, conf, s.Lenient...)
}

func (s *server) submitRequest(ctx context.Context, in *submissionInput) (*answered, error) {
	key, err := in.key()
	if err != nil {
		return nil, err
	}
	conf, err := s.settingsOf(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	intake, err := s.requestIntake(ctx, in.Portal, key, in.RawBody, conf)
	if err != nil {
		return nil, err
	}
	return s.submit(ctx, in.CallerInput, intake.submission, intake.problems, intake.accept)
}

// intake is a request that is about to be accepted.
type intake struct {
	submission store.Submission
	problems   []settings.Problem
	accept     acceptance
}

// requestIntake judges a request. A correction need not repeat what an earlier
// revision told: all revisions together are judged, and claim the client.
func (s *server) requestIntake(ctx context.Context, portal, key string, body []byte, conf settings.Settings) (intake, error) {
	request, problems := contactcenter.ParseRequest(body)
	out := intake{submission: submit.Request(portal, request, key, body), problems: problems}
	if len(problems) == 0 {
		whole, err := s.withEarlier(ctx, out.submission, request)
		if err != nil {
			return out, err
		}
		request, out.problems = whole, contactcenter.ValidateRequest(whole, conf, s.Lenient...)
	}
	out.accept = func(ctx context.Context, sub store.Submission) (store.Submission, bool, error) {
		return s.Store.AcceptRequest(ctx, sub, contactcenter.Keys(request, conf))
	}
	return out, nil
}

// withEarlier merges a request with its earlier revisions. Those that retention
// has emptied tell nothing any more.
func (s *server) withEarlier(ctx context.Context, sub store.Submission, alone contactcenter.Request) (contactcenter.Request, error) {
	line, err := s.Store.SyncByWorkflow(ctx, sub.Portal, sub.WorkflowID)
	if errors.Is(err, store.ErrNotFound) {
		return alone, nil
	}
	if err != nil {
		return alone, s.fail(ctx, "request", err)
	}
	earlier, err := s.Store.Revisions(ctx, sub.Portal, line.ID)
	if err != nil {
		return alone, s.fail(ctx, "request", err)
	}
	var bodies [][]byte
	for _, one := range earlier {
		bodies = append(bodies, one.Body)
	}
	whole, err := contactcenter.MergeRevisions(append(bodies, sub.Body))
	if err != nil {
		return alone, s.fail(ctx, "request", err)
	}
	return whole, nil
}

// acceptance stores a submission; AcceptMethod of the store is one.
type acceptance func(ctx context.Context, sub store.Submission) (stored store.Submission, fresh bool, err error)

// submit accepts a submission, waits for its answer as long as the caller
// wants, and gives the answer or the address of the run.
func (s *server) submit(
	ctx context.Context, in CallerInput, sub store.Submission, problems []settings.Problem, accept acceptance,
) (*answered, error) {
	stored, fresh, err := s.acceptOnce(ctx, sub, problems, accept)
	if err != nil {
		return nil, err
	}
	wait, applied := in.wait()
	if stored.AnsweredAt.IsZero() && wait > 0 {
		if stored, err = s.await(ctx, stored, wait); err != nil {
			return nil, err
		}
	}
	out, err := s.answer(ctx, stored)
	if err != nil {
		return nil, err
	}
	out.Applied = applied
	if !fresh {
		out.Replayed = "true"
	}
	return out, nil
}

// submitTimeout is how long it may take to accept a submission and to start it:
// many may come in one moment, and one after the other is numbered. It ends
// before the connection does (answerTimeout).
const submitTimeout = 12 * time.Second

// acceptOnce stores what is right, and starts it. What was accepted once stays
// accepted: a repetition is recognised although the settings say by now that it
// is wrong.
func (s *server) acceptOnce(
	ctx context.Context, sub store.Submission, problems []settings.Problem, accept acceptance,
) (stored store.Submission, fresh bool, err error) {
	if !json.Valid(sub.Body) {
		return stored, false, huma.Error400BadRequest("the body is not JSON")
	}
	if len(problems) > 0 {
		stored, found, err := s.Store.Submitted(ctx, sub)
		switch {
		case err != nil:
			return stored, false, s.refusedSubmission(ctx, err)
		case !found:
			return stored, false, wrongInput(problems)
		}
		return stored, false, nil
	}
	// A caller that hangs up does not stop the commit: it will repeat.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), submitTimeout)
	defer cancel()
	if stored, fresh, err = accept(ctx, sub); err != nil {
		return stored, false, s.refusedSubmission(ctx, err)
	}
	if fresh {
		s.start(ctx, stored)
	}
	return stored, fresh, nil
}

// start hands a submission over. If that fails it is not lost: the relay of a
// worker does it as soon as it can be done.
func (s *server) start(ctx context.Context, sub store.Submission) {
	if err := s.Starter.Start(ctx, sub); err != nil {
		s.log.WarnContext(ctx, "A submission was accepted but not started yet", "portal", sub.Portal, "kind", sub.Kind,
			"sync", sub.SyncID, "error", err, "request_id", requestID(ctx))
	}
}

func (s *server) refusedSubmission(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, store.ErrKeyReused):
		return huma.Error422UnprocessableEntity("the Idempotency-Key was used with another body",
			&huma.ErrorDetail{Location: "header.Idempotency-Key", Message: "use a new key for other content"})
	case errors.Is(err, store.ErrTooMany):
		return huma.Error422UnprocessableEntity("the request was corrected too often; send it with a new external_id",
			&huma.ErrorDetail{Location: "body.external_id", Message: "has too many revisions"})
	}
	return s.fail(ctx, "submission", err)
}

// wrongInput names each wrong field of an input.
func wrongInput(problems []settings.Problem) error {
	return named("the input is not valid", problems, "body")
}

// settingsOf are the settings of a portal, without any the defaults.
func (s *server) settingsOf(ctx context.Context, portal string) (settings.Settings, error) {
	conf, _, err := s.Store.Settings(ctx, portal)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return settings.Default(), nil
	case err != nil:
		return conf, s.fail(ctx, "settings", err)
	}
	return conf, nil
}

// await waits for the answer of a submission, at most so long; it may come
// back without any.
func (s *server) await(ctx context.Context, sub store.Submission, most time.Duration) (store.Submission, error) {
	waiting, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	stop := context.AfterFunc(s.Stopping, cancel)
	defer stop()
	s.watch.wait(waiting, sub.ID)
	stored, err := s.Store.Submission(ctx, sub.Portal, sub.ID)
	if err != nil {
		return sub, s.fail(ctx, "submission", err)
	}
	return stored, nil
}
