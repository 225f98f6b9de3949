package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/contactcenter"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

// fakeStarter notes what it is to start; with an answer it is a worker as well.
type fakeStarter struct {
	store  *store.Store
	down   error
	begun  chan store.Submission
	answer func(sub store.Submission) (status int, answer string)
	starts atomic.Int32
}

func (f *fakeStarter) Start(ctx context.Context, sub store.Submission) error {
	if f.down != nil {
		return f.down
	}
	f.starts.Add(1)
	f.begun <- sub
	if f.answer != nil {
		status, answer := f.answer(sub)
		return f.store.SaveAnswer(ctx, sub.Portal, sub.SyncID, sub.Revision, status, json.RawMessage(answer))
	}
	return nil
}

const (
	create   = "/v1/portals/demo/contact-center/methods/contact.create"
	find     = "/v1/portals/demo/contact-center/methods/contact.find"
	requests = "/v1/portals/demo/contact-center/requests"
	maria    = `{"name":"Maria","phones":[{"value":"+7 495 123-45-67"}]}`
)

func answers(status int, answer string) func(store.Submission) (int, string) {
	return func(store.Submission) (int, string) { return status, answer }
}

func TestMethodIsAcceptedStartedAndAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusCreated, `{"kind":"contact","id":101,"url":"","created":true}`)
	w := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1")
	got := decode[contactcenter.Saved](t, w, http.StatusCreated)
	require.Equal(t, int64(101), got.ID)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.Empty(t, w.Header().Get("Idempotency-Replayed"))

	sub := <-b.starter.begun
	require.Equal(t, []string{"method", "contact.create", "k1", "method:demo:contact.create:k1"}, []string{sub.Kind, sub.Name, sub.Key, sub.WorkflowID})
	require.Equal(t, sub.SyncID, w.Header().Get("X-Puente-Run"))
	line, err := b.store.Sync(t.Context(), "demo", sub.SyncID)
	require.NoError(t, err)
	require.NotContains(t, string(line.Input), "Maria", "what a run is told holds ids only")
	require.NotContains(t, b.log.String(), "Maria")
}

func TestRepeatedMethodGetsTheSameAnswerForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusCreated, `{"id":101}`)
	first := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1")
	again := b.send(http.MethodPost, create, ` {"phones": [{"value":"+7 495 123-45-67"}], "name":"Maria"}`, "Idempotency-Key", "k1")
	require.Equal(t, []any{http.StatusCreated, first.Body.String()}, []any{again.Code, again.Body.String()}, "spaces and order do not count")
	require.Equal(t, "true", again.Header().Get("Idempotency-Replayed"))
	require.Equal(t, int32(1), b.starter.starts.Load())

	p := requireProblem(t, b.send(http.MethodPost, create, `{"name":"Ana"}`, "Idempotency-Key", "k1"), http.StatusUnprocessableEntity)
	require.Equal(t, "header.Idempotency-Key", p.Errors[0].Location)
	other := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k2")
	require.Empty(t, other.Header().Get("Idempotency-Replayed"))
}

func TestAcceptedMethodIsReplayedAlthoughTheSettingsHaveChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusCreated, `{"id":5}`)
	conf := valid()
	conf.General.Country = "RU"
	_, err := b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	const local = `{"name":"Ana","phones":[{"value":"8 495 123-45-67"}]}`
	require.Equal(t, http.StatusCreated, b.send(http.MethodPost, create, local, "Idempotency-Key", "k1").Code)
	conf.General.OwnPhones = []string{"+74951234567"}
	_, err = b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	w := b.send(http.MethodPost, create, local, "Idempotency-Key", "k1")
	require.Equal(t, []any{http.StatusCreated, `{"id":5}`}, []any{w.Code, w.Body.String()})
	fresh := b.send(http.MethodPost, create, `{"colour":"red"}`, "Idempotency-Key", "k1")
	requireProblem(t, fresh, http.StatusUnprocessableEntity)
}

func TestFiftyCallsAtOnceAreOneRun(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupOn(t, url)
			b.starter.answer = answers(http.StatusCreated, `{"id":101}`)
			var fresh, replayed atomic.Int32
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() {
					w := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1")
					switch {
					case w.Code != http.StatusCreated || w.Body.String() != `{"id":101}`:
						t.Error(w.Code, w.Body)
					case w.Header().Get("Idempotency-Replayed") == "true":
						replayed.Add(1)
					default:
						fresh.Add(1)
					}
				})
			}
			group.Wait()
			require.Equal(t, []int32{1, 49, 1}, []int32{fresh.Load(), replayed.Load(), b.starter.starts.Load()})
		})
	}
}

func TestCallerWaitsNoLongerThanItWants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	began := time.Now()
	w := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1", "Prefer", "wait=0")
	run := decode[api.Run](t, w, http.StatusAccepted)
	require.Less(t, time.Since(began), 5*time.Second)
	require.Equal(t, "wait=0", w.Header().Get("Preference-Applied"))
	require.Equal(t, "/v1/portals/demo/contact-center/runs/"+run.Run, w.Header().Get("Location"))
	require.Equal(t, []string{"method", "contact.create", "open", w.Header().Get("Location")}, []string{run.Kind, run.Name, run.Status, run.Links.Self})
	require.Contains(t, run.Links.Temporal, "method:demo:contact.create:k1")

	sub := <-b.starter.begun
	require.NoError(t, b.store.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, http.StatusCreated, json.RawMessage(`{"id":101}`)))
	run = decode[api.Run](t, b.get(w.Header().Get("Location")), http.StatusOK)
	require.Equal(t, http.StatusCreated, run.StatusCode)
	require.JSONEq(t, `{"id":101}`, string(run.Answer))
	require.NotNil(t, run.AnsweredAt)
	w = b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1", "Prefer", "wait=0")
	require.Equal(t, http.StatusCreated, w.Code, "what is ready needs no waiting")
}

func TestAnswerComesAsSoonAsItIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1", "Prefer", "wait=60") }()
	sub := <-b.starter.begun
	require.NoError(t, b.store.SaveAnswer(t.Context(), "demo", sub.SyncID, 1, http.StatusConflict,
		json.RawMessage(`{"status":409,"title":"Conflict","detail":"somebody changed it"}`)))
	w := <-done
	p := requireProblem(t, w, http.StatusConflict)
	require.Equal(t, "somebody changed it", p.Detail)
	require.Equal(t, "wait=60", w.Header().Get("Preference-Applied"))
}

func TestWhoWaitsIsToldWhereToLookWhenTheProcessStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1", "Prefer", "wait=60") }()
	<-b.starter.begun
	b.stop()
	select {
	case w := <-done:
		require.Equal(t, http.StatusAccepted, w.Code)
	case <-time.After(20 * time.Second):
		t.Fatal("it still waits")
	}
}

func TestNothingAcceptedIsLostWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.down = errors.New("no connection")
	w := b.send(http.MethodPost, create, maria, "Idempotency-Key", "k1", "Prefer", "wait=0")
	require.Equal(t, http.StatusAccepted, w.Code)
	waiting, err := b.store.UnstartedSubmissions(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.Contains(t, b.log.String(), "accepted but not started")
}

func TestWritesNeedAnIdempotencyKeyAndLooksDoNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusOK, `{"candidates":[]}`)
	for _, m := range contactcenter.Methods() {
		w := b.send(http.MethodPost, "/v1/portals/demo/contact-center/methods/"+string(m), `{}`)
		if m.ReadOnly() {
			require.NotEqual(t, http.StatusBadRequest, w.Code, m)
			continue
		}
		p := requireProblem(t, w, http.StatusBadRequest)
		require.Equal(t, "header.Idempotency-Key", p.Errors[0].Location)
	}
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, find, `{"phone":"+74951234567"}`).Code)
	w := b.send(http.MethodPost, find, `{"phone":"+74951234567"}`)
	require.Empty(t, w.Header().Get("Idempotency-Replayed"), "each look is a new one")
	for _, key := range []string{strings.Repeat("k", 201), "ключ"} {
		p := requireProblem(t, b.send(http.MethodPost, create, maria, "Idempotency-Key", key), http.StatusUnprocessableEntity)
		require.Equal(t, "header.Idempotency-Key", p.Errors[0].Location)
	}
}

func TestWrongInputIsNamedAndNotAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, field := range map[string]string{
		`{"name":5}`:                              "body.name",
		`{"name":"Ana","colour":"red"}`:           "body.colour",
		`{"name":"Ana","phones":[{"value":"x"}]}`: "body.phones[0].value",
	} {
		p := requireProblem(t, b.send(http.MethodPost, create, body, "Idempotency-Key", "k1"), http.StatusUnprocessableEntity)
		require.Equal(t, field, p.Errors[0].Location, body)
	}
	requireProblem(t, b.send(http.MethodPost, create, `{`, "Idempotency-Key", "k1"), http.StatusBadRequest)
	requireProblem(t, b.send(http.MethodPost, create, ``, "Idempotency-Key", "k1"), http.StatusBadRequest)
	requireProblem(t, b.send(http.MethodPost, create, `{"name":"`+strings.Repeat("a", 1<<20)+`"}`, "Idempotency-Key", "k1"),
		http.StatusRequestEntityTooLarge)
	requireProblem(t, b.send(http.MethodPost, "/v1/portals/demo/contact-center/methods/contact.delete", `{}`), http.StatusNotFound)
	require.Zero(t, b.starter.starts.Load())
	list, _, err := b.store.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{})
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestContactCenterNeedsTheKeyOfThePortal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireProblem(t, b.call(http.MethodPost, create, maria, "Idempotency-Key", "k"), http.StatusUnauthorized)
	requireProblem(t, b.call(http.MethodPost, create, maria, "Authorization", "Bearer other-key"), http.StatusForbidden)
	requireProblem(t, b.get("/v1/portals/demo/contact-center/runs/01890000-0000-7000-8000-000000000000"), http.StatusNotFound)
}

func TestAnswerThatIsNotKeptAnyMoreIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusOK, `{"candidates":[]}`)
	b.send(http.MethodPost, find, `{"id":5}`, "Idempotency-Key", "k1")
	sub := <-b.starter.begun
	require.NoError(t, b.store.UpdateSync(t.Context(), "demo", sub.SyncID, func(row *store.Sync) { row.Status = store.SyncDone }))
	_, err := b.store.PurgeSubmissions(t.Context(), "demo", []string{"contact.find"}, time.Now().Add(time.Hour))
	require.NoError(t, err)
	requireProblem(t, b.send(http.MethodPost, find, `{"id":5}`, "Idempotency-Key", "k1"), http.StatusGone)
}

func form(comment string) string {
	return fmt.Sprintf(`{"external_id":"form-1","channel":"site","contact":{"name":"Ana","emails":[{"value":"ana@example.com"}]},"comment":%q}`, comment)
}

func TestRequestIsCorrectedByItsExternalID(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = func(sub store.Submission) (int, string) {
		return http.StatusOK, fmt.Sprintf(`{"external_id":"form-1","revision":%d,"decisions":[]}`, sub.Revision)
	}
	first := decode[contactcenter.RequestAnswer](t, b.send(http.MethodPost, requests, form("one")), http.StatusOK)
	require.Equal(t, 1, first.Revision)
	second := decode[contactcenter.RequestAnswer](t, b.send(http.MethodPost, requests, form("two")), http.StatusOK)
	require.Equal(t, 2, second.Revision)
	w := b.send(http.MethodPost, requests, form("one"))
	require.Equal(t, "true", w.Header().Get("Idempotency-Replayed"))
	require.Equal(t, 1, decode[contactcenter.RequestAnswer](t, w, http.StatusOK).Revision)

	run := decode[api.RequestRun](t, b.get(requests+"/form-1"), http.StatusOK)
	require.Equal(t, []any{"request", "site", "form-1", 2}, []any{run.Kind, run.Name, run.ExternalID, run.Revision})
	require.Len(t, run.Revisions, 2)
	requireProblem(t, b.get(requests+"/form-2"), http.StatusNotFound)
	ahead, _, err := b.store.Turn(t.Context(), "demo", run.Run.Run, []string{"email:ana@example.com"})
	require.NoError(t, err)
	require.Zero(t, ahead)
}

func TestKeyOfARequestStandsForOneBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusOK, `{}`)
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, requests, form("one"), "Idempotency-Key", "k").Code)
	requireProblem(t, b.send(http.MethodPost, requests, form("two"), "Idempotency-Key", "k"), http.StatusUnprocessableEntity)
	p := requireProblem(t, b.send(http.MethodPost, requests, `{"external_id":"x","channel":"fax"}`), http.StatusUnprocessableEntity)
	require.Equal(t, "body.channel", p.Errors[0].Location)
}

func TestPersonalExternalIDsDoNotBecomeIDsOfRuns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.send(http.MethodPost, requests, strings.Replace(form("a"), "form-1", "ana@example.com", 1), "Prefer", "wait=0")
	require.Equal(t, http.StatusAccepted, w.Code)
	sub := <-b.starter.begun
	require.Regexp(t, `^request:demo:sha256-[0-9a-f]{32}$`, sub.WorkflowID)
	run := decode[api.RequestRun](t, b.get(requests+"/ana@example.com"), http.StatusOK)
	require.Equal(t, sub.SyncID, run.Run.Run)
}

func TestCorrectionNeedNotRepeatWhatItsProductRequires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.starter.answer = answers(http.StatusOK, `{}`)
	conf := valid()
	conf.ContactCenter.Products = []settings.Product{{Name: "credit", Responsible: settings.ResponsibleOperator, Required: []string{"contact.phones"}}}
	_, err := b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	correction := `{"external_id":"r-9","channel":"site","product":"credit","comment":"later"}`
	requireProblem(t, b.send(http.MethodPost, requests, correction), http.StatusUnprocessableEntity)
	whole := `{"external_id":"r-9","channel":"site","product":"credit","contact":{"phones":[{"value":"+7 495 123-45-67"}]}}`
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, requests, whole).Code)
	require.Equal(t, http.StatusOK, b.send(http.MethodPost, requests, correction).Code)
}
