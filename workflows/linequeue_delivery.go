package workflows

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"go.temporal.io/sdk/workflow"

	"puente/openlines"
)

const (
	// deskPause is how long a desk waits after a step of the store that failed for
	// good: it never gives up, because what it decided would be lost with it.
	deskPause = time.Minute
	// maxDelivery bounds what travels in one delivery, by weight: half a megabyte,
	// a quarter of what a history takes.
	maxDelivery = 1000
)

// weight of a record or command: one for each half kilobyte.
func weight(why *openlines.Decision) int {
	if why == nil {
		return 1
	}
	return 2 + len(why.Left)/8 // each who was left out is some sixty bytes
}

// parts splits a list into some that are light enough for one delivery.
func parts[T any](list []T, weight func(T) int) (out [][]T) {
	load, begin := 0, 0
	for i, each := range list {
		if load += weight(each); load > maxDelivery && i > begin {
			out = append(out, list[begin:i])
			load, begin = weight(each), i
		}
	}
	if begin < len(list) {
		out = append(out, list[begin:])
	}
	return out
}

// deliver brings outcomes out in order, many at once if they pile up.
func (q *lineQueue) deliver(ctx workflow.Context) {
	for {
		err := workflow.Await(ctx, func() bool {
			return len(q.state.Unsent) > 0 && !workflow.GetInfo(ctx).GetContinueAsNewSuggested()
		})
		if err != nil {
			return
		}
		whole, n := q.parcel()
		q.sending = true
		err = workflow.ExecuteActivity(lineStoreStep(ctx, deliverySummary(whole)), DeliverLineStep, whole).Get(ctx, nil)
		q.sending = false
		if err == nil {
			q.state.Unsent = q.state.Unsent[n:]
		}
		if !q.went(ctx, err) {
			return
		}
	}
}

// went tells people of trouble with the store and waits a while after it; false
// if the run has ended meanwhile.
func (q *lineQueue) went(ctx workflow.Context, err error) bool {
	before := q.trouble
	if q.trouble = ""; err != nil {
		q.trouble = failureOf(err).Text
	}
	if q.trouble != before {
		q.show(ctx)
	}
	return err == nil || workflow.Sleep(ctx, deskPause) == nil
}

// parcel is what is delivered next, and of how many outcomes it is made.
func (q *lineQueue) parcel() (out LineDelivery, n int) {
	out.Portal = q.in.Portal
	load := 0
	for _, d := range q.state.Unsent {
		if load += loadOf(d); n > 0 && load > maxDelivery {
			break
		}
		out.Records = append(out.Records, d.Records...)
		out.Commands = append(out.Commands, d.Commands...)
		n++
	}
	return out, n
}

func loadOf(d LineDelivery) (load int) {
	for _, r := range d.Records {
		load += weight(r.Why)
	}
	for _, c := range d.Commands {
		load += weight(c.Command.Why)
	}
	return load
}

// deliverySummary tells in the UI what was decided: the first decision in words,
// else the first thing that happened.
func deliverySummary(d LineDelivery) string {
	for _, c := range d.Commands {
		if c.Command.Why != nil {
			return oneLine(fmt.Sprintf("Session %d: %s", c.Command.Session, c.Command.Why.Sentence(time.UTC)), 380)
		}
	}
	if len(d.Records) == 0 {
		return fmt.Sprintf("%d commands", len(d.Commands))
	}
	r, rest := d.Records[0], ""
	if len(d.Records) > 1 {
		rest = fmt.Sprintf(" (and %d more)", len(d.Records)-1)
	}
	if r.Session == 0 {
		return oneLine(r.Sentence(time.UTC)+rest, 380)
	}
	return oneLine(fmt.Sprintf("Session %d: %s%s", r.Session, r.Sentence(time.UTC), rest), 380)
}

// load tells a new desk of the lines and operators of the portal. If there was a
// desk before, whose run somebody ended, the numbers go on where it stopped: what
// bears an old number counts as done.
func (q *lineQueue) load(ctx workflow.Context) error {
	if q.in.State != nil {
		return nil
	}
	for {
		loaded, err := run[LoadedLines](lineStoreStep(ctx, "Load lines and operators"), LoadLinesStep, LoadLinesInput{Portal: q.in.Portal})
		if err == nil {
			q.begin(ctx, loaded)
		}
		if again := q.went(ctx, err); err == nil || !again {
			return err
		}
	}
}

func (q *lineQueue) begin(ctx workflow.Context, loaded LoadedLines) {
	d := q.state.Desk
	d.LastRecord, d.LastSession = loaded.LastRecord, loaded.LastSession
	d.LastOffer = openlines.OfferID(loaded.LastRecord) // there is a record of each
	q.state.LastSeq = workflow.Now(ctx).UnixMilli()    // no desk gives a thousand commands a second for long
	q.state.Events = append(loaded.Events, q.state.Events...)
}

// restore reads the desk that the earlier run left.
func (q *lineQueue) restore() error {
	q.state.Desk = openlines.NewDesk()
	if q.in.State == nil {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(q.in.State))
	if err != nil {
		return fmt.Errorf("read the desk: %w", err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read the desk: %w", err)
	}
	return json.Unmarshal(raw, &q.state)
}

// packed compresses the state: a busy desk is half a megabyte of JSON.
func packed(state lineQueueState) ([]byte, error) {
	raw, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the desk: %w", err)
	}
	return out.Bytes(), nil
}
