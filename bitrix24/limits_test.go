package bitrix24

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryRequestWaitsForItsPermit(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":true}`)
	bucket := &fakeBucket{permits: make(chan struct{}, 10)}
	c := p.client(t, func(cfg *Config) { cfg.Bucket = bucket })
	done := make(chan error, 1)
	go func() { _, err := c.Call(context.Background(), "profile", nil); done <- err }()
	bucket.permits <- struct{}{}
	require.NoError(t, <-done)
	taken, _ := bucket.count()
	require.Equal(t, 1, taken)

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, "profile", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Len(t, p.all(), 1)
}

func TestABrokenBucketSendsNothing(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":true}`)
	c := p.client(t, func(cfg *Config) { cfg.Bucket = &fakeBucket{fail: errStoreDown} })
	_, err := c.Call(t.Context(), "profile", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, errStoreDown)
	require.Empty(t, p.all())
}

func TestARefusalForTheRatePausesEverybody(t *testing.T) {
	t.Parallel()
	bucket := &fakeBucket{}
	p := replying(t, 503, `{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`)
	c := p.client(t, func(cfg *Config) { cfg.Bucket = bucket })
	_, err := c.Call(t.Context(), "profile", nil)
	errorOf(t, err, KindRateLimited)
	require.Len(t, bucket.penalties, 1)
	require.True(t, bucket.penalties[0].After(time.Now()))
	require.Equal(t, int64(1), c.Stats().Limited)
}

func TestAManualBlockIsNoRateLimit(t *testing.T) {
	t.Parallel()
	bucket := &fakeBucket{}
	p := replying(t, 503, `{"error":"OVERLOAD_LIMIT","error_description":"REST API is blocked due to overload"}`)
	_, err := p.client(t, func(cfg *Config) { cfg.Bucket = bucket }).Call(t.Context(), "profile", nil)
	errorOf(t, err, KindAccessDenied)
	require.Empty(t, bucket.penalties)
}

const operatingLimit = `{"error":"OPERATION_TIME_LIMIT","error_description":"Method is blocked due to operation time limit."}`

func TestABlockedMethodWaitsForItsResetAndOthersGoOn(t *testing.T) {
	t.Parallel()
	reset := time.Now().Add(20 * time.Second).Truncate(time.Second)
	var blocked atomic.Bool
	p := newPortal(t, func(w http.ResponseWriter, r *http.Request, _ seen) {
		if blocked.Load() && r.URL.Path == "/rest/1/s3cret-hook/crm.item.list" {
			answerWith(w, 429, operatingLimit)
			return
		}
		answerWith(w, 200, sprintf(`{"result":true,"time":{"operating":479,"operating_reset_at":%d}}`, reset.Unix()))
	})
	c := p.client(t)
	_, err := c.Call(t.Context(), "crm.item.list", nil)
	require.NoError(t, err)
	blocked.Store(true)
	for range 3 {
		_, err = c.Call(t.Context(), "crm.item.list", nil)
		e := errorOf(t, err, KindOperatingLimit)
		require.True(t, reset.Equal(e.ResetAt), "the reset time is known from the last success")
	}
	require.Len(t, p.all(), 2, "a blocked method is not sent")
	_, err = c.Call(t.Context(), "CRM.item.LIST", nil)
	errorOf(t, err, KindOperatingLimit)
	_, err = c.Call(t.Context(), "user.get", nil)
	require.NoError(t, err)
	_, err = c.Batch(t.Context(), Group{Commands: []Command{{Key: "a", Method: "user.get"}, {Key: "b", Method: "crm.item.list"}}})
	e := errorOf(t, err, KindOperatingLimit)
	require.Equal(t, "crm.item.list", e.Method)
	require.Len(t, p.all(), 3)
	require.Equal(t, int64(1), c.Stats().Operating)
}

func TestABlockedMethodIsTriedAgainAfterHalfAMinuteAtTheLatest(t *testing.T) {
	t.Parallel()
	for name, reset := range map[string]time.Time{"reset unknown": {}, "reset far away": time.Now().Add(10 * time.Minute)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := replying(t, 429, operatingLimit).client(t)
			c.limits.heard("crm.item.list", reset)
			_, err := c.Call(t.Context(), "crm.item.list", nil)
			e := errorOf(t, err, KindOperatingLimit)
			require.WithinDuration(t, time.Now().Add(30*time.Second), e.ResetAt, 5*time.Second)
		})
	}
}

func TestABlockEnds(t *testing.T) {
	t.Parallel()
	var l limits
	l.block("m", time.Now().Add(20*time.Millisecond))
	require.Error(t, l.refusal("M"))
	require.Eventually(t, func() bool { return l.refusal("M") == nil }, 5*time.Second, time.Millisecond)
	require.Empty(t, l.blocked)
}

func TestBothBillingFormsOfABatchAreUnderstood(t *testing.T) {
	t.Parallel()
	two := Group{Commands: []Command{{Key: "a", Method: "crm.item.list"}, {Key: "b", Method: "user.get"}}}

	t.Run("the nested method is billed", func(t *testing.T) {
		t.Parallel()
		p := replying(t, 200, `{"result":{"result":{"b":[]},"result_error":{"a":`+operatingLimit+`}}}`)
		c := p.client(t)
		results, err := c.Batch(t.Context(), two)
		require.NoError(t, err)
		errorOf(t, results[0].Err, KindOperatingLimit)
		require.NoError(t, results[1].Err)
		require.Error(t, c.limits.refusal("crm.item.list"))
		require.NoError(t, c.limits.refusal("user.get", "batch"))
	})
	t.Run("the batch itself is billed", func(t *testing.T) {
		t.Parallel()
		p := replying(t, 429, operatingLimit)
		c := p.client(t)
		for range 2 {
			_, err := c.Batch(t.Context(), two)
			e := errorOf(t, err, KindOperatingLimit)
			require.Equal(t, "batch", e.Method)
		}
		require.Len(t, p.all(), 1)
		require.NoError(t, c.limits.refusal("crm.item.list"))
	})
}
