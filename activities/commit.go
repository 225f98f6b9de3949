package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/phone"
	"puente/settings"
	"puente/store"
	"puente/texts"
	"puente/workflows"
)

// Steps of a commit, as the ledger names them and as keys of the batch.
const (
	stepContact        = "contact"
	stepEntity         = "entity"
	stepFields         = "fields"
	stepComment        = "comment"
	stepContactComment = "contact-comment"
	// stepSent says that a write left this process: its outcome is unknown
	// until the steps above are done.
	stepSent = "sent"
)

const (
	stepDone   = "done"
	stepFailed = "failed"
)

// CommitDialog writes a cycle to the CRM as planned, in one request where that
// is possible: contact, deal or lead, and transcript in a chain. Steps that the
// ledger knows are not repeated. If an earlier write left without an answer,
// what it did is looked up first by origin and by the comment's marker
// (bitrix24 reference §11.2).
func (a *Bitrix24) CommitDialog(ctx context.Context, in workflows.CommitInput) (workflows.Committed, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return workflows.Committed{}, classify("", err)
	}
	c := &commit{session: s, in: in, done: map[string]int64{}}
	err = c.run(ctx)
	if err := errors.Join(err, c.count(ctx)); err != nil {
		return c.result(), classify(c.failedStep, err)
	}
	return c.result(), nil
}

// commit is one attempt to bring a cycle into the CRM.
type commit struct {
	*session
	in          workflows.CommitInput
	done        map[string]int64 // step → id of what it made
	unsure      bool             // a write left without an answer
	opened      time.Time        // when the ledger row was made
	responsible int64
	unmapped    bool
	number      phone.Number
	hasTel      bool
	fields      map[string]any // mapped fields of the deal or lead
	rendered    dialog.Rendered
	failedStep  string
}

func (c *commit) run(ctx context.Context) error {
	c.number, c.hasTel = clientPhone(c.settings, c.snapshot.Client)
	if err := c.renewClaim(ctx); err != nil {
		return err
	}
	if err := c.recall(ctx); err != nil {
		return err
	}
	if c.complete() {
		return nil
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if c.unsure {
		if err := c.reconcile(ctx); err != nil {
			return err
		}
	}
	return c.write(ctx)
}

// renewClaim makes sure that the client is still ours: what was found holds
// only as long as nobody else may create for the same keys.
func (c *commit) renewClaim(ctx context.Context) error {
	keys := clientKeys(c.in.ClientID, c.number, c.hasTel, c.snapshot.Client.Email)
	held, err := c.store.HoldsClaims(ctx, c.portal, c.in.Owner, keys)
	if err != nil {
		return err
	}
	if held {
		held, _, err = c.store.Claim(ctx, c.portal, c.in.Owner, keys, claimLease)
	}
	if err == nil && !held {
		err = final("", workflows.ErrClaimLost, "the client's keys were free for a while: look again who the client is")
	}
	return err
}

// recall reads from the ledger what earlier attempts did.
func (c *commit) recall(ctx context.Context) error {
	row, err := c.store.Sync(ctx, c.portal, c.syncID)
	if err != nil {
		return err
	}
	c.opened = row.CreatedAt
	steps, err := c.store.Steps(ctx, c.syncID)
	for _, s := range steps {
		switch {
		case s.Name == stepSent:
			c.unsure = true
		case s.Status == stepDone:
			c.done[s.Name] = s.EntityID
		}
	}
	return err
}

// prepare decides everything that needs no answer: people, fields, texts.
func (c *commit) prepare(ctx context.Context) error {
	c.responsible, c.unmapped = c.settings.UserFor(c.in.OperatorID)
	c.unmapped = !c.unmapped
	correction := c.correction()
	c.responsible = cmp.Or(correction.Responsible, c.responsible, c.settings.Operators.Administrator)
	if err := c.mapFields(ctx, correction); err != nil {
		return err
	}
	c.rendered = dialog.Render(c.snapshot, dialog.RenderOptions{Texts: c.texts(), Zone: c.settings.Zone(), Marker: c.marker()})
	return nil
}

// mapFields converts analytics and custom fields. A problem may come from
// fields that were read before somebody added one: it is checked against the
// portal as it is now before the run parks.
func (c *commit) mapFields(ctx context.Context, correction dialog.Correction) error {
	kind := c.in.Plan.Entity.Kind
	if !wantsFields(c.settings) && len(correction.Fields) == 0 {
		return nil
	}
	var problems []dialog.Problem
	for _, age := range []time.Duration{fieldsAge, 0} {
		types, err := c.fieldTypes(ctx, kind, age)
		if err != nil {
			c.failedStep = stepFields
			return err
		}
		c.fields, problems = c.convert(kind, correction, types)
		if len(problems) == 0 {
			return nil
		}
	}
	c.failedStep = stepFields
	return final(stepFields, "FIELD_MAPPING", problems[0].String()+more(len(problems)-1))
}

func (c *commit) convert(kind dialog.Kind, correction dialog.Correction, types map[string]settings.FieldType) (map[string]any, []dialog.Problem) {
	fields, problems := dialog.MapFields(c.settings, c.snapshot, kind, types)
	corrected, wrong := dialog.CorrectionFields(c.settings, correction, types)
	maps.Copy(fields, corrected)
	return literalFields(fields), append(problems, wrong...)
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (and %d more fields)", n)
}

// reconcile looks up what a write without an answer has done.
func (c *commit) reconcile(ctx context.Context) error {
	var commands []bitrix24.Command
	if c.makes(stepContact) {
		commands = append(commands, byOrigin(stepContact, dialog.Contact, clientOrigin(c.in.ClientID)))
	}
	if c.makes(stepEntity) {
		commands = append(commands, byOrigin(stepEntity, c.in.Plan.Entity.Kind, c.in.Origin))
	}
	res, err := c.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, step := range []string{stepContact, stepEntity} {
		if err := res.trouble(step); err != nil {
			return err
		}
		var rows itemsAnswer
		if res.into(step, &rows) && len(rows.Items) > 0 {
			if err := c.save(ctx, step, int64(rows.Items[0].ID), "found again: its answer was lost"); err != nil {
				return err
			}
		}
	}
	return c.reconcileComments(ctx)
}

func (c *commit) reconcileComments(ctx context.Context) error {
	targets := map[string]dialog.Ref{stepComment: {Kind: c.in.Plan.Entity.Kind, ID: c.entityID()}}
	if c.settings.CRM.CommentOnContact {
		targets[stepContactComment] = dialog.Ref{Kind: dialog.Contact, ID: c.contactID()}
	}
	for step, target := range targets {
		if _, done := c.done[step]; done || target.ID == 0 {
			continue
		}
		id, err := c.findComment(ctx, target)
		if err != nil {
			return err
		}
		if id != 0 {
			if err := c.save(ctx, step, id, "found again: its answer was lost"); err != nil {
				return err
			}
		}
	}
	return nil
}

// write sends what is missing. A chain, in which a later command needs what an
// earlier one makes, stops at the first failure; independent commands do not.
func (c *commit) write(ctx context.Context) error {
	commands, chained := c.commands()
	if len(commands) > 0 {
		if err := c.sending(ctx); err != nil {
			return err
		}
		res, err := c.batch(ctx, chained, commands...)
		if err != nil {
			return err
		}
		if err := c.take(ctx, commands, res); err != nil {
			return err
		}
	}
	return c.writeFile(ctx)
}

// sending writes down, before anything leaves, that the outcome is open.
func (c *commit) sending(ctx context.Context) error {
	return c.store.SaveStep(ctx, store.Step{SyncID: c.syncID, Name: stepSent, Status: stepDone, Detail: "a write was sent to the portal"})
}

// take stores the outcome of each command and returns the first failure.
func (c *commit) take(ctx context.Context, commands []bitrix24.Command, res results) error {
	var failed error
	for _, command := range commands {
		r := res[command.Key]
		if r.Err != nil {
			if failed == nil && !errors.Is(r.Err, bitrix24.ErrNotRun) {
				failed, c.failedStep = r.Err, command.Key
				if err := c.saveFailed(ctx, command.Key, r.Err); err != nil {
					return err
				}
			}
			continue
		}
		if err := c.save(ctx, command.Key, madeID(r), ""); err != nil {
			return err
		}
	}
	if failed != nil && c.gone(failed) {
		return final(c.failedStep, workflows.ErrEntityGone, failed.Error())
	}
	return failed
}

// gone reports whether the failure means that the chosen entity was deleted
// after it had been found.
func (c *commit) gone(err error) bool {
	return c.in.Plan.Entity.ID != 0 && bitrix24.KindOf(err) == bitrix24.KindNotFound
}

// madeID is the id in the answer of an add: crm.item.add tells the item,
// crm.timeline.comment.add the bare id.
func madeID(r bitrix24.Result) int64 {
	var made itemAnswer
	if r.Decode(&made) == nil && made.Item.ID != 0 {
		return int64(made.Item.ID)
	}
	var id bitrix24.ID
	if r.Decode(&id) == nil {
		return int64(id)
	}
	return 0
}

func (c *commit) save(ctx context.Context, step string, id int64, detail string) error {
	c.done[step] = id
	return c.store.SaveStep(ctx, store.Step{
		SyncID: c.syncID, Name: step, Status: stepDone, EntityKind: string(c.kindOf(step)), EntityID: id, Detail: detail, Requests: c.requests,
	})
}

func (c *commit) saveFailed(ctx context.Context, step string, cause error) error {
	return c.store.SaveStep(ctx, store.Step{SyncID: c.syncID, Name: step, Status: stepFailed, Error: cause.Error(), Requests: c.requests})
}

func (c *commit) kindOf(step string) dialog.Kind {
	switch step {
	case stepContact:
		return dialog.Contact
	case stepEntity, stepFields:
		return c.in.Plan.Entity.Kind
	default:
		return "comment"
	}
}

func (c *commit) texts() texts.Bundle {
	return texts.For(c.settings.General.Language, c.settings.General.Texts)
}

func (c *commit) correction() dialog.Correction {
	if c.in.Correction == nil {
		return dialog.Correction{}
	}
	return *c.in.Correction
}

func (c *commit) result() workflows.Committed {
	plan := c.in.Plan
	return workflows.Committed{
		ContactID: c.contactID(), Entity: dialog.Ref{Kind: plan.Entity.Kind, ID: c.entityID()}, CommentID: c.done[stepComment],
		Responsible: c.responsible, Unmapped: c.unmapped, NewEntity: plan.Entity.ID == 0, NewContact: plan.CreateContact,
		AttachedFile: len(c.rendered.File) > 0,
	}
}
