package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/store"
)

// change is an update of an entity that exists.
type change struct {
	kind  dialog.Kind
	id    int64
	field string // of the input that named the id
	step  string // of the ledger
	since *time.Time
	// gentle adds what is missing where since would refuse. What is not told anew
	// but by an earlier revision is as old as first.
	gentle bool
	first  time.Time
	anew   func(field string) bool
	extra  map[string]string // further fields, to be converted
	// requisites says that those of the company are wanted too; they are read
	// along with it.
	requisites bool
	// diff tells what to write, given the entity as it is.
	diff func(current contactcenter.Entity) contactcenter.Changes
}

// update changes an entity: it reads it, writes what differs and nothing else. A
// repetition after a lost answer reads again, so that nothing is added twice.
func (d *desk) update(ctx context.Context, c change) (contactcenter.Changes, error) {
	if d.steps.has(c.step) {
		return changesIn(d.steps[c.step].Detail), nil
	}
	if _, err := d.lookAgain(ctx, write{step: c.step, look: nothing}); err != nil {
		return contactcenter.Changes{}, err
	}
	if err := d.claim(ctx, fmt.Sprintf("%s:%d", c.kind, c.id)); err != nil {
		return contactcenter.Changes{}, err
	}
	current, err := d.current(ctx, c)
	if err != nil {
		return contactcenter.Changes{}, err
	}
	more, err := d.convert(ctx, c.kind, c.extra)
	if err != nil {
		return contactcenter.Changes{}, err
	}
	changes := c.diff(current).With(current, more)
	if changes, err = d.guard(ctx, c, current, changes); err != nil {
		return changes, err
	}
	return changes, d.write(ctx, c, changes)
}

func nothing(context.Context) (int64, error) { return 0, nil }

// current reads the entity as it is.
func (d *desk) current(ctx context.Context, c change) (contactcenter.Entity, error) {
	command := get("current", c.kind, c.id)
	command.Params["useOriginalUfNames"] = "Y"
	commands := []bitrix24.Command{command}
	if c.requisites {
		commands = append(commands, requisitesCommand(c.id))
	}
	res, err := d.batch(ctx, false, commands...)
	if err != nil {
		return nil, err
	}
	if res.absent("current") {
		return nil, absentEntity(c.field, string(c.kind), c.id)
	}
	if c.requisites {
		d.requisites = res
	}
	var got struct {
		Item contactcenter.Entity `json:"item"`
	}
	return got.Item, res.read("current", &got)
}

// guard refuses to overwrite what a person changed after the caller looked, or
// lets through only what is missing there.
func (d *desk) guard(
	ctx context.Context, c change, current contactcenter.Entity, changes contactcenter.Changes,
) (contactcenter.Changes, error) {
	if c.since == nil || len(changes.Changed) == 0 {
		return changes, nil
	}
	var meta struct {
		Updated bitrix24.Time `json:"updatedTime"`
		By      bitrix24.ID   `json:"updatedBy"`
	}
	raw, err := json.Marshal(current)
	if err == nil {
		err = json.Unmarshal(raw, &meta)
	}
	newerThanAll := meta.Updated.After(*c.since)
	newer := newerThanAll || c.gentle && meta.Updated.After(c.first)
	if err != nil || !newer {
		return changes, err
	}
	me, err := d.me(ctx)
	switch {
	case err != nil || int64(meta.By) == me:
		return changes, err
	case newerThanAll && c.gentle:
		return changes.OnlyMissing(nil), nil
	case c.gentle:
		return changes.OnlyMissing(c.anew), nil
	default:
		return changes, changedMeanwhile(c, meta.Updated.UTC(), int64(meta.By), changes.Differences)
	}
}

func changedMeanwhile(c change, at time.Time, by int64, differences []contactcenter.FieldDifference) error {
	no := &refusal{
		status: http.StatusConflict,
		detail: fmt.Sprintf("%s %d was changed at %s by user %d, after if_unchanged_since: nothing was written. "+
			"Look at the differences and send it again", c.kind, c.id, at.Format(time.RFC3339), by),
	}
	for _, one := range differences {
		no.errors = append(no.errors, problemDetail{
			Message: fmt.Sprintf("%s is %v in the CRM", one.Field, one.Theirs), Location: "body." + one.Field, Value: one.Yours,
		})
	}
	return no
}

func (d *desk) write(ctx context.Context, c change, changes contactcenter.Changes) error {
	ref := contactcenter.Ref{Kind: string(c.kind), ID: c.id}
	if len(changes.Fields) == 0 {
		return d.done(ctx, c.step, ref, changesWords(changes))
	}
	if err := d.save(ctx, store.Step{Name: c.step + sentSuffix, Status: store.StepDone}); err != nil {
		return err
	}
	params := itemParams(c.kind, literal(changes.Fields))
	params["id"] = c.id
	res, err := d.batch(ctx, false, bitrix24.Command{Key: "update", Method: "crm.item.update", Params: params})
	if err == nil {
		err = d.placed(ctx, c.kind, res.trouble("update"))
	}
	if err != nil {
		return errors.Join(err, d.unanswered(ctx, c.step, err))
	}
	return d.done(ctx, c.step, ref, changesWords(changes))
}

// changesWords keeps the names of what changed in the ledger, as JSON, for a
// repetition that has to answer the same.
func changesWords(c contactcenter.Changes) string {
	raw, err := json.Marshal(map[string][]string{"changed": c.Changed, "notes": c.Notes})
	if err != nil { // lists of strings
		return ""
	}
	return string(raw)
}

func changesIn(detail string) (c contactcenter.Changes) {
	_ = json.Unmarshal([]byte(detail), &c) // our own words; others name no field
	return c
}

// claim takes keys for this run, so that two updates of one entity come one
// after another.
func (d *desk) claim(ctx context.Context, keys ...string) error {
	ok, holder, err := d.store.Claim(ctx, d.portal, d.row.WorkflowID, keys, claimLease)
	if err == nil && !ok {
		err = again(errBusy, "another run works on the same client: "+holder, growing(ctx, busyDelay, maxBusyDelay))
	}
	return err
}

// meDirectory keeps the user as whom this integration writes.
const meDirectory = "bitrix24:me"

// me is the user as whom this integration writes (user.current).
func (d *desk) me(ctx context.Context) (int64, error) {
	var who struct {
		ID bitrix24.ID `json:"ID"`
	}
	raw, age, found, err := d.store.Directory(ctx, d.portal, meDirectory)
	if err != nil || found && age < fieldsAge && json.Unmarshal(raw, &who) == nil {
		return int64(who.ID), err
	}
	res, err := d.batch(ctx, false, bitrix24.Command{Key: "me", Method: "profile"})
	if err != nil {
		return 0, err
	}
	if err := res.read("me", &who); err != nil {
		return 0, err
	}
	return int64(who.ID), d.store.SaveDirectory(ctx, d.portal, meDirectory, res["me"].Value)
}
