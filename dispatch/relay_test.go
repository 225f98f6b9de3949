package dispatch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"puente/contactcenter"
	"puente/store"
	"puente/submit"
)

func (f *temporal) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, _ ...any) (client.WorkflowRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		f.refused++
		return nil, serviceerror.NewUnavailable("down")
	}
	if _, never := f.invalid[o.ID]; never {
		f.invalid[o.ID]++
		return nil, serviceerror.NewInvalidArgument("search attribute PuentePortal is not defined")
	}
	f.started = append(f.started, o.ID)
	run := &mocks.WorkflowRun{}
	run.On("GetRunID").Return("run-1")
	return run, nil
}

// distinct is how many workflows were started; that one is started twice does
// no harm.
func (f *temporal) distinct() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	for _, id := range f.started {
		seen[id] = true
	}
	return len(seen)
}

func (b *testBundle) acceptMethods(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		_, _, err := b.store.AcceptMethod(t.Context(), submit.Method("demo", contactcenter.ContactCreate, fmt.Sprint("k", i), []byte("{}")))
		require.NoError(t, err)
	}
}

func TestSubmissionsThatNobodyStartedAreStartedWhenTemporalIsBack(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.temporal.down = true
	b.acceptMethods(t, 100)
	b.start(t)
	b.start(t)
	require.Eventually(t, func() bool {
		b.temporal.mu.Lock()
		defer b.temporal.mu.Unlock()
		return b.temporal.refused > 0
	}, 20*time.Second, 10*time.Millisecond, "it tries")
	b.temporal.mu.Lock()
	require.Less(t, b.temporal.refused, 50, "but not with all of them")
	b.temporal.down = false
	b.temporal.mu.Unlock()
	require.Eventually(t, func() bool { return b.temporal.distinct() == 100 }, 60*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool {
		left, _, err := b.store.SubmissionsList(t.Context(), "demo", store.SubmissionFilter{Page: store.Page{Limit: 200}})
		for _, sub := range left {
			if sub.StartedAt.IsZero() {
				return false
			}
		}
		return err == nil && len(left) == 100
	}, 60*time.Second, 50*time.Millisecond)
}

func TestSubmissionThatCanNeverBeStartedHoldsNoOtherUpAndIsShown(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.acceptMethods(t, 20)
	never := "method:demo:contact.create:k0"
	b.temporal.invalid = map[string]int{never: 0}
	b.start(t)
	require.Eventually(t, func() bool { return b.temporal.distinct() == 19 }, 30*time.Second, 10*time.Millisecond, "the others")
	require.Eventually(t, func() bool {
		line, err := b.store.SyncByWorkflow(t.Context(), "demo", never)
		return err == nil && line.Status == store.SyncFailed && line.ErrorStep == "start"
	}, 30*time.Second, 10*time.Millisecond)
	line, err := b.store.SyncByWorkflow(t.Context(), "demo", never)
	require.NoError(t, err)
	require.Contains(t, line.ErrorText, "search attribute PuentePortal is not defined")
	require.Eventually(t, func() bool {
		waiting, _, err := b.store.SubmissionBacklog(t.Context())
		return err == nil && waiting == 1
	}, 30*time.Second, 10*time.Millisecond, "the backlog shows it alone")
	b.temporal.mu.Lock()
	require.Less(t, b.temporal.invalid[never], 3, "it is put off")
	delete(b.temporal.invalid, never) // somebody has mended it
	b.temporal.mu.Unlock()
	sub, err := b.store.SubmissionBySync(t.Context(), "demo", line.ID)
	require.NoError(t, err)
	require.NoError(t, b.store.PutOffSubmission(t.Context(), sub.ID, 0)) // as time does
	require.Eventually(t, func() bool { return b.temporal.distinct() == 20 }, 30*time.Second, 10*time.Millisecond)
}

func TestSubmissionThatAPersonGaveUpIsNotStartedAfterwards(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.acceptMethods(t, 2)
	given := "method:demo:contact.create:k0"
	line, err := b.store.SyncByWorkflow(t.Context(), "demo", given)
	require.NoError(t, err)
	require.NoError(t, b.store.UpdateSync(t.Context(), "demo", line.ID, func(s *store.Sync) { s.Status = store.SyncAbandoned }))
	b.start(t)
	require.Eventually(t, func() bool {
		waiting, _, err := b.store.SubmissionBacklog(t.Context())
		return err == nil && waiting == 0
	}, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, b.temporal.distinct())
	require.NotContains(t, b.temporal.started, given)
}
