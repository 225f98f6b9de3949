package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

func TestEveryErrorIsJudged(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(10 * time.Minute)
	for name, c := range map[string]struct {
		err   error
		typ   string
		final bool
		least time.Duration // before the next attempt
	}{
		"rate":             {&bitrix24.Error{Kind: bitrix24.KindRateLimited, Code: "QUERY_LIMIT_EXCEEDED"}, "RateLimited", false, time.Second},
		"operating":        {&bitrix24.Error{Kind: bitrix24.KindOperatingLimit, ResetAt: later}, "OperatingLimit", false, 5 * time.Minute},
		"operating, no":    {&bitrix24.Error{Kind: bitrix24.KindOperatingLimit}, "OperatingLimit", false, 40 * time.Second},
		"token":            {&bitrix24.Error{Kind: bitrix24.KindAuthExpired}, "AuthExpired", false, 0},
		"ambiguous":        {&bitrix24.Error{Kind: bitrix24.KindAmbiguous}, "Ambiguous", false, 0},
		"timeout":          {&bitrix24.Error{Kind: bitrix24.KindAmbiguous, Err: context.DeadlineExceeded}, "Ambiguous", false, 7 * time.Second},
		"invalid":          {&bitrix24.Error{Kind: bitrix24.KindInvalid}, "Invalid", true, 0},
		"not found":        {&bitrix24.Error{Kind: bitrix24.KindNotFound}, "NotFound", true, 0},
		"denied":           {&bitrix24.Error{Kind: bitrix24.KindAccessDenied}, "AccessDenied", true, 0},
		"unknown":          {&bitrix24.Error{Kind: bitrix24.KindUnknown}, "Invalid", true, 0},
		"new kind":         {&bitrix24.Error{Kind: "Surprise"}, "Ambiguous", false, 0},
		"wrapped":          {fmt.Errorf("find: %w", &bitrix24.Error{Kind: bitrix24.KindInvalid}), "Invalid", true, 0},
		"chat rate":        {&chat2desk.Error{Kind: chat2desk.KindRateLimited}, "RateLimited", false, time.Second},
		"chat asks":        {&chat2desk.Error{Kind: chat2desk.KindRateLimited, RetryAfter: time.Minute}, "RateLimited", false, time.Minute},
		"chat quota":       {&chat2desk.Error{Kind: chat2desk.KindQuota}, "RateLimited", false, 40 * time.Minute},
		"chat token":       {&chat2desk.Error{Kind: chat2desk.KindAuth}, "AccessDenied", true, 0},
		"chat down":        {&chat2desk.Error{Kind: chat2desk.KindAmbiguous}, "Ambiguous", false, 0},
		"chat unknown":     {&chat2desk.Error{Kind: chat2desk.KindUnknown}, "Invalid", true, 0},
		"chat done":        {&chat2desk.Error{Kind: chat2desk.KindAlreadyDone}, "Invalid", true, 0},
		"no account":       {fmt.Errorf("portal x: %w", portals.ErrNoAccount), "Account", true, 0},
		"bad account":      {fmt.Errorf("portal x: %w", portals.ErrBadAccount), "Account", true, 0},
		"nothing there":    {fmt.Errorf("store: %w", store.ErrNotFound), "NotFound", true, 0},
		"too long":         {fmt.Errorf("store: %w", store.ErrTooMany), "Invalid", true, 0},
		"database":         {errors.New("connection refused"), "Storage", false, 0},
		"stopping":         {portals.ErrClosed, "Storage", false, 0},
		"foreign canceled": {fmt.Errorf("loader: %w", context.Canceled), "Storage", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := classify(t.Context(), "entity", c.err)
			var app *temporal.ApplicationError
			require.ErrorAs(t, err, &app)
			require.Equal(t, c.typ, app.Type())
			require.Equal(t, c.final, app.NonRetryable())
			require.GreaterOrEqual(t, app.NextRetryDelay(), c.least)
			var f workflows.Failure
			require.NoError(t, app.Details(&f))
			require.Equal(t, "entity", f.Step)
			require.NotEmpty(t, f.Code)
			require.NotEmpty(t, f.Text)
			if c.final {
				require.Contains(t, f.Text, "What to do:")
			}
		})
	}
}

func TestVerdictSurvivesWhatIsJoinedToIt(t *testing.T) {
	t.Parallel()
	judged := again(errBusy, "busy", time.Second)
	require.NoError(t, classify(t.Context(), "", nil))
	require.Same(t, judged, classify(t.Context(), "find", errors.Join(judged, errors.New("database"))))
}

func TestStoppedAttemptIsLeftToTheSDK(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, context.Canceled, classify(ctx, "", &bitrix24.Error{Kind: bitrix24.KindRateLimited, Err: context.Canceled}))
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	require.Equal(t, "value … is not valid", mask("value +79995550101 is not valid", []string{"", " ", "+79995550101"}))
	require.Equal(t, "Al is fine", mask("Al is fine", []string{"Al"}), "a short name would tear words")
}

func TestWaitsGrowAndAreSpread(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 50 {
		wait := spread(time.Minute)
		require.GreaterOrEqual(t, wait, 45*time.Second)
		require.LessOrEqual(t, wait, 75*time.Second)
		seen[wait] = true
	}
	require.Greater(t, len(seen), 10)
	require.Zero(t, spread(0))
	require.LessOrEqual(t, growing(t.Context(), time.Second, time.Minute), 2*time.Second)
}
