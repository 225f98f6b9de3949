package bitrix24

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gated is a loader whose portal gives a permit only when the test says so, and a portal that echoes batches.
func gated(t *testing.T, cfg LoaderConfig) (*Loader, *portal, *fakeBucket) {
	t.Helper()
	p := newPortal(t, func(w http.ResponseWriter, r *http.Request, s seen) {
		if strings.HasSuffix(r.URL.Path, "/batch") {
			echoBatch(w, s)
			return
		}
		answerWith(w, 200, `{"result":"`+r.URL.Path+`"}`)
	})
	bucket := &fakeBucket{permits: make(chan struct{}, 1000)}
	l := NewLoader(p.client(t, func(c *Config) { c.Bucket = bucket }), cfg)
	t.Cleanup(func() {
		for range 500 {
			bucket.permits <- struct{}{}
		}
		l.Close()
	})
	return l, p, bucket
}

// one is a group of one command.
func one(method string, p Priority) Group {
	return Group{Commands: []Command{{Key: "c", Method: method, Params: Params{"m": method}}}, Priority: p}
}

// several is a group of n commands.
func several(n int, method string) Group {
	var g Group
	for i := range n {
		g.Commands = append(g.Commands, Command{Key: fmt.Sprintf("k%d", i), Method: method})
	}
	return g
}

// start runs a group in the background and returns when it waits in the queue.
func start(t *testing.T, l *Loader, ctx context.Context, g Group) <-chan outcome {
	t.Helper()
	before := l.queue.size()
	done := make(chan outcome, 1)
	go func() {
		results, err := l.Batch(ctx, g)
		done <- outcome{results: results, err: err}
	}()
	require.Eventually(t, func() bool { return l.queue.size() == before+len(g.Commands) }, 5*time.Second, 50*time.Microsecond)
	return done
}

func TestFiftyConcurrentGroupsAreOneRequest(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{})
	var outcomes []<-chan outcome
	for i := range 50 {
		outcomes = append(outcomes, start(t, l, t.Context(), one(fmt.Sprintf("m.n%d", i), Live)))
	}
	bucket.permits <- struct{}{}
	for i, done := range outcomes {
		out := <-done
		require.NoError(t, out.err)
		require.Len(t, out.results, 1)
		require.Equal(t, "c", out.results[0].Key)
		require.JSONEq(t, fmt.Sprintf(`{"query":"m.n%[1]d?m=m.n%[1]d"}`, i), out.results[0].String())
	}
	require.Len(t, p.all(), 1)
	require.InDelta(t, 0, p.all()[0].body["halt"], 0)
	require.Equal(t, Stats{Requests: 1, Batches: 1, Commands: 50}, l.Stats())
}

func TestOnAnIdlePortalAGroupLeavesAtOnce(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, s seen) { echoBatch(w, s) })
	l := NewLoader(p.client(t), LoaderConfig{Linger: time.Hour})
	defer l.Close()
	_, err := l.Batch(t.Context(), one("profile", Live))
	require.NoError(t, err)
	keys, queries := p.all()[0].commands(t)
	require.Equal(t, []string{"c"}, keys)
	require.Equal(t, "profile?m=profile", queries["c"])
}

func TestReferencesStayInsideTheirGroup(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{})
	chain := func(name string) Group {
		return Group{Commands: []Command{
			{Key: "c", Method: "crm.item.list", Params: Params{"filter": Params{"name": name}}},
			{Key: "d", Method: "crm.item.list", Params: Params{"filter": Params{
				"contactId": Ref("c", "items", "0", "id"), "note": Literal("$result[c]"), "other": "$result[x]",
			}}},
		}}
	}
	first, second := start(t, l, t.Context(), chain("Anna")), start(t, l, t.Context(), chain("Boris"))
	bucket.permits <- struct{}{}
	for _, done := range []<-chan outcome{first, second} {
		out := <-done
		require.NoError(t, out.err)
		require.Equal(t, []string{"c", "d"}, []string{out.results[0].Key, out.results[1].Key})
	}
	keys, queries := p.all()[0].commands(t)
	require.Equal(t, []string{"g0_c", "g0_d", "g1_c", "g1_d"}, keys)
	for _, prefix := range []string{"g0_", "g1_"} {
		_, query, _ := strings.Cut(queries[prefix+"d"], "?")
		require.Equal(t, map[string]any{"filter": map[string]any{
			"contactId": "$result[" + prefix + "c][items][0][id]", "note": "$\u2060result[c]", "other": "$result[x]",
		}}, parsePHP(t, query))
	}
}

func TestTheCallersParametersAreNotTouched(t *testing.T) {
	t.Parallel()
	l, _, bucket := gated(t, LoaderConfig{})
	g := Group{Commands: []Command{{Key: "a", Method: "x"}, {Key: "b", Method: "y", Params: Params{"l": []any{"$result[a]"}}}}}
	first, second := start(t, l, t.Context(), g), start(t, l, t.Context(), g)
	bucket.permits <- struct{}{}
	<-first
	<-second
	require.Equal(t, Params{"l": []any{"$result[a]"}}, g.Commands[1].Params)
}

func TestGroupsAreNeverSplit(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{MaxInFlight: 1})
	sizes := []int{30, 30, 15, 50, 5}
	var outcomes []<-chan outcome
	for i, n := range sizes {
		outcomes = append(outcomes, start(t, l, t.Context(), several(n, fmt.Sprintf("m.n%d", i))))
	}
	for range sizes {
		bucket.permits <- struct{}{}
	}
	for i, done := range outcomes {
		out := <-done
		require.NoError(t, out.err)
		require.Len(t, out.results, sizes[i])
	}
	var batches []int
	for _, s := range p.all() {
		keys, _ := s.commands(t)
		batches = append(batches, len(keys))
	}
	require.Equal(t, []int{50, 30, 50}, batches, "30+15+5, 30, 50")
}

func TestAGatheredBatchIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{MaxBytes: 1000})
	large := Group{Commands: []Command{{Key: "c", Method: "m", Params: Params{"t": strings.Repeat("x", 600)}}}}
	huge := Group{Commands: []Command{{Key: "c", Method: "m", Params: Params{"t": strings.Repeat("x", 6000)}}}}
	outcomes := []<-chan outcome{start(t, l, t.Context(), large), start(t, l, t.Context(), large), start(t, l, t.Context(), huge)}
	for range outcomes {
		bucket.permits <- struct{}{}
	}
	for _, done := range outcomes {
		require.NoError(t, (<-done).err)
	}
	require.Len(t, p.all(), 3)
}

func TestHaltingGroupsAndCallsTravelAlone(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{MaxInFlight: 1})
	halting := several(2, "m.halt")
	halting.Halt = true
	outcomes := []<-chan outcome{
		start(t, l, t.Context(), one("m.first", Live)), start(t, l, t.Context(), halting), start(t, l, t.Context(), one("m.second", Live)),
	}
	called := make(chan error, 1)
	go func() {
		answer, err := l.Call(context.Background(), "profile", nil)
		if err == nil && answer.String() != `"/rest/1/s3cret-hook/profile"` {
			err = fmt.Errorf("got %s", answer)
		}
		called <- err
	}()
	require.Eventually(t, func() bool { return l.queue.size() == 5 }, 5*time.Second, 50*time.Microsecond)
	for range 3 {
		bucket.permits <- struct{}{}
	}
	require.NoError(t, <-called)
	for _, done := range outcomes {
		require.NoError(t, (<-done).err)
	}
	got := p.all()
	require.Len(t, got, 3)
	require.Equal(t, "/rest/1/s3cret-hook/profile", got[0].path, "a call goes before what waits")
	keys, _ := got[1].commands(t)
	require.Equal(t, []string{"g0_c", "g1_c"}, keys)
	keys, _ = got[2].commands(t)
	require.Equal(t, []string{"k0", "k1"}, keys)
	require.InDelta(t, 1, got[2].body["halt"], 0)
}

func TestPeopleGoBeforeTheBackground(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{MaxInFlight: 1, MaxCommands: 1})
	outcomes := []<-chan outcome{
		start(t, l, t.Context(), one("m.background", Background)), start(t, l, t.Context(), one("m.strange", Priority(9))),
		start(t, l, t.Context(), one("m.live", Live)), start(t, l, t.Context(), one("m.interactive", Interactive)),
	}
	for range outcomes {
		bucket.permits <- struct{}{}
	}
	for _, done := range outcomes {
		require.NoError(t, (<-done).err)
	}
	require.Equal(t, []string{"m.interactive", "m.live", "m.background", "m.strange"}, methodsOf(t, p))
}

// methodsOf are the methods of all batches in the order of the requests.
func methodsOf(t *testing.T, p *portal) []string {
	t.Helper()
	var out []string
	for _, s := range p.all() {
		keys, queries := s.commands(t)
		for _, key := range keys {
			method, _, _ := strings.Cut(queries[key], "?")
			out = append(out, method)
		}
	}
	return out
}

func TestTheBackgroundIsNotOvertakenForever(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{MaxInFlight: 1, MaxCommands: 1, MaxWait: time.Nanosecond})
	outcomes := []<-chan outcome{
		start(t, l, t.Context(), one("m.background", Background)), start(t, l, t.Context(), one("m.interactive", Interactive)),
	}
	for range outcomes {
		bucket.permits <- struct{}{}
	}
	for _, done := range outcomes {
		require.NoError(t, (<-done).err)
	}
	require.Equal(t, []string{"m.background", "m.interactive"}, methodsOf(t, p))
}

func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	l, _, _ := gated(t, LoaderConfig{MaxQueue: 3})
	_ = start(t, l, t.Context(), several(2, "m"))
	_, err := l.Batch(t.Context(), several(2, "m"))
	e := errorOf(t, err, KindRateLimited)
	require.Contains(t, e.Error(), "too many calls")
	require.Equal(t, int64(2), l.Stats().Queued)
	require.Equal(t, int64(1), l.Stats().Refused)
}

func TestACancelledCallerLeavesTheQueue(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	leaving, staying := start(t, l, ctx, one("m.leaving", Live)), start(t, l, t.Context(), one("m.staying", Live))
	cancel()
	out := <-leaving
	errorOf(t, out.err, KindRateLimited)
	require.ErrorIs(t, out.err, context.Canceled)
	bucket.permits <- struct{}{}
	require.NoError(t, (<-staying).err)
	require.Equal(t, []string{"m.staying"}, methodsOf(t, p))

	_, err := l.Batch(ctx, one("m", Live))
	errorOf(t, err, KindRateLimited)
	require.Len(t, p.all(), 1)
}

func TestAfterSendingTheOutcomeIsReturnedToACancelledCaller(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, s seen) {
		close(arrived)
		<-release
		echoBatch(w, s)
	})
	l := NewLoader(p.client(t), LoaderConfig{})
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan outcome, 1)
	go func() {
		results, err := l.Batch(ctx, one("crm.item.add", Live))
		done <- outcome{results: results, err: err}
	}()
	<-arrived
	cancel()
	close(release)
	out := <-done
	require.NoError(t, out.err)
	require.NoError(t, out.results[0].Err)
}

func TestATransportErrorIsAmbiguousForEveryGroup(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(http.ResponseWriter, *http.Request, seen) { panic(http.ErrAbortHandler) })
	bucket := &fakeBucket{permits: make(chan struct{}, 10)}
	l := NewLoader(p.client(t, func(c *Config) { c.Bucket = bucket }), LoaderConfig{})
	defer l.Close()
	outcomes := []<-chan outcome{start(t, l, t.Context(), one("a", Live)), start(t, l, t.Context(), one("b", Live))}
	bucket.permits <- struct{}{}
	for _, done := range outcomes {
		errorOf(t, (<-done).err, KindAmbiguous)
	}
	require.Len(t, p.all(), 1, "a batch is never sent again")
}

func TestAnErrorReachesItsOwnGroupOnly(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, _ seen) {
		answerWith(w, 200, `{"result":{"result":{"g0_c":1},"result_error":{"g1_c":{"error":"NOT_FOUND","error_description":"x"}}}}`)
	})
	bucket := &fakeBucket{permits: make(chan struct{}, 10)}
	l := NewLoader(p.client(t, func(c *Config) { c.Bucket = bucket }), LoaderConfig{})
	defer l.Close()
	good, bad := start(t, l, t.Context(), one("a", Live)), start(t, l, t.Context(), one("b", Live))
	bucket.permits <- struct{}{}
	out := <-good
	require.NoError(t, out.err)
	require.NoError(t, out.results[0].Err)
	out = <-bad
	require.NoError(t, out.err)
	e := errorOf(t, out.results[0].Err, KindNotFound)
	require.Equal(t, "b", e.Method)
}

func TestABlockedMethodStopsNoStranger(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{})
	blocked, free := start(t, l, t.Context(), one("crm.item.list", Live)), start(t, l, t.Context(), one("user.get", Live))
	l.client.limits.block("crm.item.list", time.Now().Add(time.Hour))
	bucket.permits <- struct{}{}
	errorOf(t, (<-blocked).err, KindOperatingLimit)
	require.NoError(t, (<-free).err)
	require.Equal(t, []string{"user.get"}, methodsOf(t, p))

	_, err := l.Batch(t.Context(), one("crm.item.list", Live))
	errorOf(t, err, KindOperatingLimit)
	_, err = l.Call(t.Context(), "crm.item.list", nil)
	errorOf(t, err, KindOperatingLimit)
	require.Len(t, p.all(), 1)
}

func TestABrokenBucketFailsWhatWaits(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":true}`)
	l := NewLoader(p.client(t, func(c *Config) { c.Bucket = &fakeBucket{fail: errStoreDown} }), LoaderConfig{})
	defer l.Close()
	_, err := l.Batch(t.Context(), one("m", Live))
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, errStoreDown)
	_, err = l.Call(t.Context(), "m", nil)
	require.ErrorIs(t, err, errStoreDown)
	require.Empty(t, p.all())
}

func TestCloseSendsWhatWaits(t *testing.T) {
	t.Parallel()
	l, p, bucket := gated(t, LoaderConfig{})
	done := start(t, l, t.Context(), one("m", Live))
	closed := make(chan struct{})
	go func() { l.Close(); close(closed) }()
	require.Eventually(t, func() bool {
		l.queue.mu.Lock()
		defer l.queue.mu.Unlock()
		return l.queue.closed
	}, 5*time.Second, time.Millisecond)
	_, err := l.Batch(t.Context(), one("m.late", Live))
	e := errorOf(t, err, KindRateLimited)
	require.Contains(t, e.Error(), "shutting down")
	bucket.permits <- struct{}{}
	require.NoError(t, (<-done).err)
	<-closed
	require.Equal(t, []string{"m"}, methodsOf(t, p))
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	p := newPortal(t, func(_ http.ResponseWriter, r *http.Request, _ seen) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	bucket := &fakeBucket{permits: make(chan struct{}, 1)}
	l := NewLoader(p.client(t, func(c *Config) { c.Bucket = bucket }), LoaderConfig{CloseTimeout: 20 * time.Millisecond})
	sent := start(t, l, t.Context(), one("m.sent", Live))
	bucket.permits <- struct{}{}
	<-arrived
	waiting := start(t, l, t.Context(), one("m.waiting", Live))
	l.Close()
	errorOf(t, (<-sent).err, KindAmbiguous)
	errorOf(t, (<-waiting).err, KindRateLimited)
}

func TestManyCallersGetExactlyTheirOwnAnswers(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, s seen) { echoBatch(w, s) })
	l := NewLoader(p.client(t), LoaderConfig{MaxInFlight: 3, Linger: time.Millisecond})
	var wrong atomic.Int64
	var callers sync.WaitGroup
	for i := range 400 {
		callers.Go(func() {
			method := fmt.Sprintf("m.n%d", i)
			g := several(1+i%7, method)
			g.Halt, g.Priority = i%11 == 0, Priority(i%3)
			results, err := l.Batch(t.Context(), g)
			if err != nil || len(results) != len(g.Commands) {
				wrong.Add(1)
				return
			}
			for k, r := range results {
				if r.Key != g.Commands[k].Key || r.Err != nil || r.String() != `{"query":"`+method+`"}` {
					wrong.Add(1)
				}
			}
		})
	}
	callers.Wait()
	l.Close()
	require.Zero(t, wrong.Load())
	require.Less(t, len(p.all()), 400)
	require.Zero(t, l.Stats().Queued)
}
