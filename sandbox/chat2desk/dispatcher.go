package chat2desk

import (
	"bytes"
	"container/heap"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// senders is how many webhooks are sent side by side.
const senders = 32

// delivery is one webhook body on its way to one receiver.
type delivery struct {
	Webhook   int64
	Hook      string
	Client    int64
	Body      []byte
	Stamp     string // X-Timestamp; kept over retries
	Attempt   int    // attempts made
	Due       time.Time
	Unordered bool // overtakes and is overtaken; retries always are

	seq  int64
	done chan struct{} // closed after the first attempt, if somebody waits for it
}

type lane struct{ webhook, client int64 }

func (d *delivery) lane() lane { return lane{d.Webhook, d.Client} }

// dispatcher sends webhooks: in order per receiver and client, side by side
// otherwise, later ones after a failure by the schedule. Its lock is its own,
// taken after the company's, never the other way round.
type dispatcher struct {
	company *Company
	client  *http.Client
	limit   int

	mu      sync.Mutex
	due     dueHeap
	waiting map[lane][]*delivery // behind the one under way
	busy    map[lane]bool
	pending map[*delivery]bool // all: due, waiting and under way
	seq     int64

	wake    chan struct{}
	slots   chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

func newDispatcher(c *Company, limit int) *dispatcher {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy, transport.MaxIdleConnsPerHost, transport.MaxIdleConns = nil, senders, 4*senders
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	d := &dispatcher{
		company: c, client: client, limit: limit, wake: make(chan struct{}, 1), slots: make(chan struct{}, senders),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.forget()
	return d
}

func (d *dispatcher) forget() {
	d.due, d.waiting, d.busy, d.pending = nil, map[lane][]*delivery{}, map[lane]bool{}, map[*delivery]bool{}
}

func (d *dispatcher) start() { d.running.Go(d.run) }

// stop ends the sender; what is under way is finished, the rest stays pending.
func (d *dispatcher) stop() {
	d.cancel()
	d.running.Wait()
	d.client.CloseIdleConnections()
}

// enqueue takes deliveries in their order and says how many found no room.
func (d *dispatcher) enqueue(list []*delivery) (refused int) {
	d.mu.Lock()
	for i, item := range list {
		if len(d.pending) >= d.limit {
			refused = len(list) - i
			break
		}
		d.push(item)
	}
	d.mu.Unlock()
	d.wakeUp()
	return refused
}

func (d *dispatcher) push(item *delivery) {
	d.seq++
	item.seq = d.seq
	d.pending[item] = true
	heap.Push(&d.due, item)
}

func (d *dispatcher) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// clear drops everything not yet under way.
func (d *dispatcher) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget()
}

// dropWebhook forgets what waits for one receiver.
func (d *dispatcher) dropWebhook(id int64) (dropped int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var kept dueHeap
	for _, item := range d.due {
		if item.Webhook != id {
			kept = append(kept, item)
		}
	}
	heap.Init(&kept)
	d.due = kept
	for key := range d.waiting {
		if key.webhook == id {
			delete(d.waiting, key)
		}
	}
	for item := range d.pending {
		if item.Webhook == id {
			delete(d.pending, item)
			dropped++
		}
	}
	return dropped
}

// snapshot is everything not yet delivered, in order.
func (d *dispatcher) snapshot() []*delivery {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all dueHeap
	for item := range d.pending {
		all = append(all, &delivery{
			Webhook: item.Webhook, Hook: item.Hook, Client: item.Client, Body: item.Body, Stamp: item.Stamp,
			Attempt: item.Attempt, Due: item.Due, Unordered: item.Unordered, seq: item.seq,
		})
	}
	heap.Init(&all)
	out := make([]*delivery, 0, len(all))
	for len(all) > 0 {
		out = append(out, heap.Pop(&all).(*delivery))
	}
	return out
}

func (d *dispatcher) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.pending)
}

// run hands due deliveries to senders until stopped.
func (d *dispatcher) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for d.ctx.Err() == nil {
		item, wait := d.next(d.company.Now())
		if item != nil {
			d.launch(item)
			continue
		}
		timer.Reset(wait)
		select {
		case <-d.wake:
		case <-timer.C:
		case <-d.ctx.Done():
		}
	}
}

func (d *dispatcher) launch(item *delivery) {
	select {
	case d.slots <- struct{}{}:
	case <-d.ctx.Done():
		return // it stays pending for the next start
	}
	d.running.Go(func() {
		defer func() { <-d.slots }()
		for item != nil {
			d.attempt(item)
			item = d.follower(item)
		}
	})
}

// next takes the first delivery that may leave now, or says how long to wait.
func (d *dispatcher) next(now time.Time) (*delivery, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.due) > 0 {
		if wait := d.due[0].Due.Sub(now); wait > 0 {
			return nil, max(wait, 5*time.Millisecond)
		}
		item := heap.Pop(&d.due).(*delivery)
		if item.Unordered {
			return item, 0
		}
		if d.busy[item.lane()] {
			d.waiting[item.lane()] = append(d.waiting[item.lane()], item)
			continue
		}
		d.busy[item.lane()] = true
		return item, 0
	}
	return nil, time.Hour
}

// follower is the next delivery of the same lane; the lane is free if there is none.
func (d *dispatcher) follower(item *delivery) *delivery {
	if item.Unordered {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	queue := d.waiting[item.lane()]
	if len(queue) == 0 || d.ctx.Err() != nil {
		delete(d.busy, item.lane())
		return nil
	}
	d.waiting[item.lane()] = queue[1:]
	if len(queue) == 1 {
		delete(d.waiting, item.lane())
	}
	return queue[0]
}

// attempt sends once and settles what follows.
func (d *dispatcher) attempt(item *delivery) {
	err := d.post(item)
	if item.done != nil {
		close(item.done)
	}
	retry := d.company.delivered(item, err)
	d.mu.Lock()
	known := d.pending[item]
	delete(d.pending, item)
	if known && retry != nil {
		d.push(retry)
	}
	d.mu.Unlock()
	if retry != nil {
		d.wakeUp()
	}
}

func (d *dispatcher) post(item *delivery) error {
	address, timeout, signature := d.company.target(item)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(item.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if signature != "" {
		req.Header.Set("X-Signature", signature)
		req.Header.Set("X-Timestamp", item.Stamp)
	}
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", res.Status)
	}
	return nil
}

// dueHeap orders by time, then by the order of arrival.
type dueHeap []*delivery

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].Due.Equal(h[j].Due) {
		return h[i].seq < h[j].seq
	}
	return h[i].Due.Before(h[j].Due)
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(*delivery)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
