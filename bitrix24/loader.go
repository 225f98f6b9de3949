package bitrix24

import (
	"context"
	"fmt"
	"sync"
	"time"

	"puente/internal/wait"
)

// Defaults of [LoaderConfig].
const (
	defaultMaxQueue     = 2000
	defaultMaxInFlight  = 8
	defaultMaxBytes     = 4 << 20
	defaultLinger       = 20 * time.Millisecond
	defaultMaxWait      = 30 * time.Second
	defaultCloseTimeout = 30 * time.Second
)

// LoaderConfig tunes a [Loader]. Every zero field has a default.
type LoaderConfig struct {
	// MaxCommands is the largest batch that is gathered; at most, and by default, [MaxBatch].
	MaxCommands int
	// MaxBytes bounds the parameters of a gathered batch (4 MiB). A single group may be larger.
	MaxBytes int
	// MaxQueue is how many commands may wait (2,000). Beyond it groups are refused with KindRateLimited.
	MaxQueue int
	// MaxInFlight is how many requests may be under way at the same time (8).
	MaxInFlight int
	// Linger is how long a command waits for company while other requests are under way (20 ms). On an idle portal
	// there is no such wait.
	Linger time.Duration
	// MaxWait is how long the lower priorities can be overtaken (30 s).
	MaxWait time.Duration
	// CloseTimeout is how long Close waits for what is queued (30 s).
	CloseTimeout time.Duration
}

// Loader is a [Gateway] that gathers: groups of many callers that wait at the same time leave as one batch request of up
// to fifty commands. It takes the permit first and collects then, so that batches fill by themselves exactly when
// permits are scarce. Groups are never split; groups with Halt, and plain calls, have a request of their own.
//
// A caller whose context ends while its group still waits gets it back unsent. Once the request is under way the outcome
// is waited for and returned, because it tells what exists now. If a request fails as a whole, each of its groups gets
// that error; the loader never sends a batch again.
type Loader struct {
	client  *Client
	cfg     LoaderConfig
	queue   *queue
	slots   chan struct{}
	ctx     context.Context // the lifetime of the loader, not of one call
	cancel  context.CancelFunc
	sending sync.WaitGroup
	stopped chan struct{}
}

var _ Gateway = (*Loader)(nil)

// NewLoader starts a loader. All traffic to the portal should pass this one; it must be closed.
func NewLoader(client *Client, cfg LoaderConfig) *Loader {
	cfg = cfg.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	l := &Loader{
		client: client, cfg: cfg, ctx: ctx, cancel: cancel, queue: newQueue(cfg.MaxQueue, cfg.MaxWait),
		slots: make(chan struct{}, cfg.MaxInFlight), stopped: make(chan struct{}),
	}
	go l.run()
	return l
}

func (c LoaderConfig) withDefaults() LoaderConfig {
	if c.MaxCommands <= 0 || c.MaxCommands > MaxBatch {
		c.MaxCommands = MaxBatch
	}
	setDefault(&c.MaxBytes, defaultMaxBytes)
	setDefault(&c.MaxQueue, defaultMaxQueue)
	setDefault(&c.MaxInFlight, defaultMaxInFlight)
	setDefault(&c.Linger, defaultLinger)
	setDefault(&c.MaxWait, defaultMaxWait)
	setDefault(&c.CloseTimeout, defaultCloseTimeout)
	return c
}

func setDefault[T int | time.Duration](value *T, otherwise T) {
	if *value <= 0 {
		*value = otherwise
	}
}

// Call runs one method as a request of its own, before everything that waits with a lower priority. See [Gateway].
func (l *Loader) Call(ctx context.Context, method string, p Params) (Answer, error) {
	if err := l.client.limits.refusal(method); err != nil {
		return Answer{}, err
	}
	commands := []Command{{Key: "call", Method: method, Params: p}}
	out := l.do(ctx, &job{commands: commands, call: true, lane: laneInteractive})
	return out.answer, out.err
}

// Batch queues the group and waits for its results. See [Gateway].
func (l *Loader) Batch(ctx context.Context, g Group) ([]Result, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	if err := l.client.limits.refusal(append(g.methods(), batchMethod)...); err != nil {
		return nil, err
	}
	commands, size, err := plainCommands(g.Commands)
	if err != nil {
		return nil, err
	}
	out := l.do(ctx, &job{commands: commands, bytes: size, halt: g.Halt, lane: laneOf(g.Priority)})
	return out.results, out.err
}

// Close refuses new work, sends what waits, and returns when nothing is under way. After LoaderConfig.CloseTimeout it
// gives up what still waits, with KindRateLimited, and what is under way, with KindAmbiguous.
func (l *Loader) Close() {
	l.queue.close()
	timer := time.AfterFunc(l.cfg.CloseTimeout, l.cancel)
	defer timer.Stop()
	<-l.stopped
	l.sending.Wait()
	l.cancel()
}

// Stats returns the counters of the client and of the queue.
func (l *Loader) Stats() Stats {
	s := l.client.Stats()
	l.queue.mu.Lock()
	defer l.queue.mu.Unlock()
	s.Queued, s.Refused = int64(l.queue.commands), l.queue.refused
	return s
}

// do queues a job and waits for its outcome.
func (l *Loader) do(ctx context.Context, j *job) outcome {
	method := j.commands[0].Method
	if ctx.Err() != nil {
		return outcome{err: notSent(method, "not sent", context.Cause(ctx))}
	}
	j.done = make(chan outcome, 1)
	if err := l.queue.push(j); err != nil {
		return outcome{err: err}
	}
	select {
	case out := <-j.done:
		return out
	case <-ctx.Done():
		if l.queue.remove(j) {
			return outcome{err: notSent(method, "gave up waiting in the queue", context.Cause(ctx))}
		}
		return <-j.done
	}
}

// run makes one request after the other until the queue is closed and empty.
func (l *Loader) run() {
	defer close(l.stopped)
	for {
		since, more := l.queue.next()
		if !more {
			return
		}
		idle := len(l.slots) == 0
		l.slots <- struct{}{}
		if !idle {
			l.linger(since)
		}
		err := l.client.permit(l.ctx, batchMethod)
		l.dispatch(l.queue.collect(l.cfg.MaxCommands, l.cfg.MaxBytes), err)
	}
}

// linger gives a command the chance of company while other requests are under way anyway.
func (l *Loader) linger(since time.Time) {
	rest := l.cfg.Linger - time.Since(since)
	if rest > 0 && l.queue.size() < l.cfg.MaxCommands {
		_ = wait.For(l.ctx, rest) // when the loader ends, the permit will say so
	}
}

// dispatch sends the jobs, or hands them the error of the permit.
func (l *Loader) dispatch(jobs []*job, err error) {
	if err != nil || len(jobs) == 0 {
		answerAll(jobs, err)
		<-l.slots
		return
	}
	l.sending.Go(func() {
		defer func() { <-l.slots }()
		l.send(jobs)
	})
}

func answerAll(jobs []*job, err error) {
	for _, j := range jobs {
		j.done <- outcome{err: err}
	}
}

// send makes the request for the collected jobs, whose permit is taken, and hands each its part of the answer.
func (l *Loader) send(jobs []*job) {
	if first := jobs[0]; first.call {
		answer, err := l.client.call(l.ctx, first.commands[0].Method, first.commands[0].Params, true)
		first.done <- outcome{answer: answer, err: err}
		return
	}
	jobs = l.allowed(jobs)
	if len(jobs) == 0 {
		return
	}
	if len(jobs) == 1 {
		results, err := l.client.batch(l.ctx, jobs[0].commands, jobs[0].halt, true)
		jobs[0].done <- outcome{results: results, err: err}
		return
	}
	l.sendTogether(jobs)
}

// allowed turns away the jobs with a method that was blocked while they waited, so that they stop nobody else.
func (l *Loader) allowed(jobs []*job) []*job {
	var out []*job
	for _, j := range jobs {
		err := l.client.limits.refusal(append(Group{Commands: j.commands}.methods(), batchMethod)...)
		if err != nil {
			j.done <- outcome{err: err}
			continue
		}
		out = append(out, j)
	}
	return out
}

// sendTogether makes one batch of several groups.
func (l *Loader) sendTogether(jobs []*job) {
	var commands []Command
	for i, j := range jobs {
		commands = append(commands, rename(j.commands, fmt.Sprintf("g%d_", i))...)
	}
	results, err := l.client.batch(l.ctx, commands, false, true)
	if err != nil {
		answerAll(jobs, err)
		return
	}
	for _, j := range jobs { // results are in the order of the commands
		own := results[:len(j.commands):len(j.commands)]
		results = results[len(j.commands):]
		for i, c := range j.commands {
			own[i].Key = c.Key
		}
		j.done <- outcome{results: own}
	}
}
