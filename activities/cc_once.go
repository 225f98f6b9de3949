package activities

import (
	"context"
	"errors"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/store"
)

// sentSuffix marks the row of the ledger that tells how the writing request of a
// step went: done = it left, and nobody knows more; failed = no answer came;
// skipped = it is known what it did.
const sentSuffix = ":sent"

// write is something that must stand in the portal exactly once.
type write struct {
	step string // of the ledger
	kind string // of what is made
	// look finds what an earlier attempt made, by its mark; 0 = it made nothing.
	look func(ctx context.Context) (int64, error)
	// send makes it; or command does, if one is all it takes.
	send    func(ctx context.Context) (int64, error)
	command bitrix24.Command
	// detail is told in the ledger.
	detail string
}

// once does a write exactly once, however often the step is repeated: what the
// ledger knows is done is not done again, and what was sent without an answer is
// looked up by its mark first (design §4). fresh is false if an earlier attempt
// did it.
func (d *desk) once(ctx context.Context, w write) (id int64, err error) {
	if d.steps.has(w.step) {
		return d.steps[w.step].EntityID, nil
	}
	id, err = d.lookAgain(ctx, w)
	if err != nil {
		return 0, err
	}
	detail := foundAgain
	if id == 0 {
		detail = w.detail
		if id, err = d.sendMarked(ctx, w); err != nil {
			return 0, err
		}
	}
	return id, d.done(ctx, w.step, contactcenter.Ref{Kind: w.kind, ID: id}, detail)
}

// lookAgain looks for what an earlier attempt may have made. While its request
// can be under way, what it makes could not be found yet.
func (d *desk) lookAgain(ctx context.Context, w write) (int64, error) {
	sent := d.steps[w.step+sentSuffix]
	if sent.Status != store.StepDone && sent.Status != store.StepFailed {
		return 0, nil
	}
	if rest := time.Until(sent.At.Add(d.request + inFlightMargin)); sent.Status == store.StepDone && rest > 0 {
		return 0, again(errInFlight, "a request of an earlier attempt may still be at work in the portal: wait until it cannot be", rest)
	}
	return w.look(ctx)
}

// sendMarked sends a write, and notes before and after what is known of it.
func (d *desk) sendMarked(ctx context.Context, w write) (int64, error) {
	if err := d.save(ctx, store.Step{Name: w.step + sentSuffix, Status: store.StepDone}); err != nil {
		return 0, err
	}
	id, err := w.send(ctx)
	if err == nil && id == 0 {
		err = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Description: "the answer names no id"}
	}
	if err == nil {
		return id, nil
	}
	return 0, errors.Join(err, d.unanswered(ctx, w.step, err))
}

// unanswered notes whether a failed request left open what it did.
func (d *desk) unanswered(ctx context.Context, step string, cause error) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	row := store.Step{Name: step + sentSuffix, Status: store.StepSkipped}
	if bitrix24.KindOf(cause) == bitrix24.KindAmbiguous {
		row.Status = store.StepFailed
	}
	return d.save(ctx, row)
}

// sendAll sends writes of one command each, all in one request. What was refused
// or not answered is returned after the others are noted.
func (d *desk) sendAll(ctx context.Context, open []write) error {
	var commands []bitrix24.Command
	for _, w := range open {
		if err := d.save(ctx, store.Step{Name: w.step + sentSuffix, Status: store.StepDone}); err != nil {
			return err
		}
		commands = append(commands, w.command)
	}
	res, whole := d.batch(ctx, false, commands...)
	var failed error
	for _, w := range open {
		cause := whole
		if cause == nil {
			cause = res.trouble(w.command.Key)
		}
		var err error
		if cause == nil {
			err = d.done(ctx, w.step, contactcenter.Ref{Kind: w.kind, ID: madeID(res[w.command.Key].Answer)}, w.detail)
		} else {
			err = d.unanswered(ctx, w.step, cause)
		}
		if err != nil {
			return err
		}
		if failed == nil {
			failed = cause
		}
	}
	return failed
}
