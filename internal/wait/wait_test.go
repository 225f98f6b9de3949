package wait_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/internal/wait"
)

func TestForEndsWithItsTime(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	require.NoError(t, wait.For(t.Context(), 5*time.Millisecond))
	require.GreaterOrEqual(t, time.Since(begin), 5*time.Millisecond)
}

func TestForEndsWithItsContext(t *testing.T) {
	t.Parallel()
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(time.Millisecond, func() { stop(stopped) })
	require.ErrorIs(t, wait.For(ctx, time.Hour), stopped)
}
