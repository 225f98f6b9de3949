package submit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"pgregory.net/rapid"

	"puente/contactcenter"
	"puente/store"
	"puente/store/storetest"
	"puente/submit"
	"puente/workflows"
)

func TestIDsOfRunsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"k", "form-2026.17:a_b", strings.Repeat("x", 200)} {
		require.Equal(t, id, submit.SafeID(id))
	}
	seen := map[string]bool{}
	for _, id := range []string{
		"", "+74951234567", "ana@example.com", "Ana Lima", "Анна", "a/b", "a\x00b", "a\nb", strings.Repeat("x", 201), strings.Repeat("x", 202),
	} {
		safe := submit.SafeID(id)
		require.Regexp(t, `^sha256-[0-9a-f]{32}$`, safe)
		require.False(t, seen[safe])
		seen[safe] = true
	}
}

func TestEqualDocumentsHaveEqualHashes(t *testing.T) {
	t.Parallel()
	same := []string{`{"a":1,"b":[1,2]}`, " {\n\"b\": [1, 2], \"a\": 1}\n"}
	require.Equal(t, submit.Hash([]byte(same[0])), submit.Hash([]byte(same[1])))
	others := []string{`{"a":1,"b":[2,1]}`, `{"a":1.0,"b":[1,2]}`, `{"a":"1","b":[1,2]}`, `{"a":1,"b":[1,2]}{}`, `{"a":1,`, ``, `{"a":12345678901234567890}`, `{"a":12345678901234567891}`}
	seen := map[string]bool{submit.Hash([]byte(same[0])): true}
	for _, other := range others {
		require.False(t, seen[submit.Hash([]byte(other))], other)
		seen[submit.Hash([]byte(other))] = true
	}
}

func TestHashDoesNotDependOnHowADocumentIsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		document := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.Int())).Draw(t, "document")
		body, err := json.Marshal(document)
		require.NoError(t, err)
		var wide bytes.Buffer
		require.NoError(t, json.Indent(&wide, body, " ", "\t"))
		require.Equal(t, submit.Hash(body), submit.Hash(wide.Bytes()))
		require.NotEqual(t, submit.Hash(body), submit.Hash(append(body, '1')))
	})
}

// temporal notes what it is asked to start.
type temporal struct {
	down error
	id   string
	in   []any
	how  client.StartWorkflowOptions
}

func (f *temporal) run() (client.WorkflowRun, error) {
	if f.down != nil {
		return nil, f.down
	}
	run := &mocks.WorkflowRun{}
	run.On("GetRunID").Return("run-1")
	return run, nil
}

func (f *temporal) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	f.id, f.how, f.in = o.ID, o, append([]any{workflow}, args...)
	return f.run()
}

func (f *temporal) SignalWithStartWorkflow(
	_ context.Context, id, signal string, arg any, o client.StartWorkflowOptions, workflow any, args ...any,
) (client.WorkflowRun, error) {
	f.id, f.how, f.in = id, o, append([]any{workflow, signal, arg}, args...)
	return f.run()
}

func TestMethodIsStartedUnderItsKey(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	fake := &temporal{}
	starter := &submit.Starter{Temporal: fake, Store: s}
	sub, _, err := s.AcceptMethod(t.Context(), submit.Method("demo", contactcenter.DealCreate, "k1", []byte(`{"title":"secret"}`)))
	require.NoError(t, err)
	require.NoError(t, starter.Start(t.Context(), sub))
	require.Equal(t, "method:demo:deal.create:k1", fake.id)
	require.Equal(t, []any{
		workflows.ContactCenterMethodWorkflow, workflows.MethodInput{Portal: "demo", SyncID: sub.SyncID, Method: contactcenter.DealCreate},
	}, fake.in)
	require.Equal(t, enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, fake.how.WorkflowIDReusePolicy)
	require.False(t, fake.how.WorkflowExecutionErrorWhenAlreadyStarted, "a repetition is no error")
	requireStarted(t, s, sub)
}

func TestEachRevisionOfARequestIsToldToItsRun(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	fake := &temporal{}
	starter := &submit.Starter{Temporal: fake, Store: s}
	for revision, body := range []string{`{"a":1}`, `{"a":2}`} {
		r := contactcenter.Request{ExternalID: "ana@example.com", Channel: contactcenter.Email}
		sub, _, err := s.AcceptRequest(t.Context(), submit.Request("demo", r, "", []byte(body)), nil)
		require.NoError(t, err)
		require.NoError(t, starter.Start(t.Context(), sub))
		require.Equal(t, submit.RequestWorkflow("demo", "ana@example.com"), fake.id)
		revised, in := workflows.RequestRevised{Revision: revision + 1}, workflows.RequestInput{Portal: "demo", SyncID: sub.SyncID}
		require.Equal(t, []any{workflows.ContactCenterRequestWorkflow, workflows.SignalRequestRevised, revised, in}, fake.in)
		require.NotContains(t, fake.how.StaticSummary, "ana")
		key, found := fake.how.TypedSearchAttributes.GetKeyword(workflows.RequestKey)
		require.True(t, found)
		require.NotContains(t, key, "ana")
		requireStarted(t, s, sub)
	}
}

func TestWhatTemporalDidNotTakeStaysUnstarted(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	starter := &submit.Starter{Temporal: &temporal{down: errors.New("down")}, Store: s}
	sub, _, err := s.AcceptMethod(t.Context(), submit.Method("demo", contactcenter.DealCreate, "k1", nil))
	require.NoError(t, err)
	require.ErrorContains(t, starter.Start(t.Context(), sub), "down")
	left, err := s.UnstartedSubmissions(t.Context(), 0, 10)
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func requireStarted(t *testing.T, s *store.Store, sub store.Submission) {
	t.Helper()
	got, err := s.Submission(t.Context(), "demo", sub.ID)
	require.NoError(t, err)
	require.False(t, got.StartedAt.IsZero())
	line, err := s.Sync(t.Context(), "demo", sub.SyncID)
	require.NoError(t, err)
	require.Equal(t, "run-1", line.RunID)
}
