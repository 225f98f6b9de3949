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
	"puente/settings"
	"puente/store"
	"puente/texts"
	"puente/workflows"
)

// CommitDialog writes a cycle to the CRM as planned, in one request where that
// is possible: contact, deal or lead, and transcript in a chain. Steps that the
// ledger knows are not repeated. If an earlier write left without an answer,
// what it did is looked up first by origin and by the comment's marker
// (bitrix24 reference §11.2).
func (a *Bitrix24) CommitDialog(ctx context.Context, in workflows.CommitInput) (workflows.Committed, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return workflows.Committed{}, s.end(ctx, "", err)
	}
	c := &commit{session: s, in: in}
	err = c.run(ctx)
	return c.result(), s.end(ctx, c.failedStep, err)
}

// commit is one attempt to bring a cycle into the CRM.
type commit struct {
	*session
	in          workflows.CommitInput
	ledger      ledger
	contact     int64      // the client's contact; 0 = none yet
	entity      dialog.Ref // where the transcript goes; ID 0 = still to be made
	ours        bool       // this sync made the entity
	responsible int64
	unmapped    bool
	fields      map[string]any // mapped fields of the deal or lead
	corrected   map[string]any // those of fields that a person gave
	rendered    dialog.Rendered
	failedStep  string
}

func (c *commit) run(ctx context.Context) error {
	if kind := c.in.Plan.Entity.Kind; entityTypes[kind] == 0 {
		text := fmt.Sprintf("the plan names no entity (%s): map the channel in the settings (crm.channels), and run it again", c.in.Plan.Rule)
		return final(stepEntity, errInvalid, text)
	}
	if err := c.renewClaim(ctx); err != nil {
		return err
	}
	if err := c.recall(ctx); err != nil {
		return err
	}
	c.choosePeople()
	if err := c.mapFields(ctx); err != nil {
		return err
	}
	if err := c.settleFields(ctx); err != nil || c.complete() {
		return err
	}
	c.rendered = dialog.Render(c.snapshot, dialog.RenderOptions{Texts: c.texts(), Zone: c.settings.Zone(), Marker: c.marker()})
	if err := c.reconcile(ctx); err != nil {
		return err
	}
	return c.write(ctx)
}

// renewClaim makes sure that the client is still ours: what was found holds
// only as long as nobody else may create for the same keys.
func (c *commit) renewClaim(ctx context.Context) error {
	keys := c.clientKeys(c.in.ClientID)
	held, err := c.store.HoldsClaims(ctx, c.portal, c.in.Owner, keys)
	if err == nil && held {
		keys = append(keys, contactKeys(c.in.Plan.Contact)...)
		held, _, err = c.store.Claim(ctx, c.portal, c.in.Owner, keys, claimLease)
	}
	if err == nil && !held {
		err = final("", workflows.ErrClaimLost, "the client's keys were free for a while: look again who the client is")
	}
	return err
}

// choosePeople decides who is responsible (A8).
func (c *commit) choosePeople() {
	user, mapped := c.settings.UserFor(c.in.OperatorID)
	chosen := c.correction().Responsible
	c.responsible = cmp.Or(chosen, user, c.settings.Operators.Administrator)
	c.unmapped = !mapped && c.in.OperatorID != 0 && chosen == 0
}

// mapFields converts analytics and custom fields. A problem may come from
// fields that were read before somebody added one: it is checked against the
// portal as it is now before the run parks.
func (c *commit) mapFields(ctx context.Context) error {
	if !wantsFields(c.settings) && len(c.correction().Fields) == 0 {
		return nil
	}
	c.failedStep = stepFields
	var problems []dialog.Problem
	for _, age := range []time.Duration{fieldsAge, 0} {
		types, err := c.fieldTypes(ctx, c.entity.Kind, age)
		if err != nil {
			return err
		}
		if problems = c.convert(types); len(problems) == 0 {
			c.failedStep = ""
			return nil
		}
	}
	return c.refuseFields(ctx, problems)
}

// settleFields takes the failure of fields back where none is left to be
// written by itself: a correction was taken back, or the entity is made with them.
func (c *commit) settleFields(ctx context.Context) error {
	before := c.ledger[stepFields]
	if before.Status != store.StepFailed || len(c.missingFields()) > 0 {
		return nil
	}
	return c.saveStep(ctx, store.Step{
		Name: stepFields, Status: store.StepSkipped, Requests: before.Requests, Detail: "what failed is not to be written by itself any more",
	})
}

// marks are the fields by which Puente finds again what it made.
var marks = []string{"originatorId", "originId"}

// convert fills c.fields and c.corrected.
func (c *commit) convert(types map[string]settings.FieldType) []dialog.Problem {
	fields, problems := dialog.MapFields(c.settings, c.snapshot, c.entity.Kind, types)
	corrected, wrong := dialog.CorrectionFields(c.settings, c.correction(), types)
	c.corrected = literalFields(corrected)
	c.fields = literalFields(fields)
	maps.Copy(c.fields, c.corrected)
	for _, name := range marks {
		if _, mapped := c.fields[name]; mapped {
			wrong = append(wrong, dialog.Problem{Source: "the mapping", Field: name, Why: "Puente finds its own entities by this field"})
		}
	}
	return append(problems, wrong...)
}

// refuseFields parks the sync. The values stand in the ledger only: they are
// the client's.
func (c *commit) refuseFields(ctx context.Context, problems []dialog.Problem) error {
	p := problems[0]
	text := p.Source + " cannot go to " + p.Field + ": " + p.Why
	if n := len(problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more fields)", n)
	}
	step := store.Step{Name: stepFields, Status: store.StepFailed, Error: p.String(), Requests: c.requests}
	if err := c.saveStep(ctx, step); err != nil {
		return err
	}
	return final(stepFields, "FIELD_MAPPING",
		text+". What to do: correct the mapping (settings analytics or fields) or the value, and run it again")
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
			return errors.Join(c.unanswered(ctx, bitrix24.KindOf(err) == bitrix24.KindAmbiguous), err)
		}
		if err := c.take(ctx, commands, res); err != nil {
			return err
		}
	}
	return c.writeFile(ctx)
}

// take stores the outcome of each command and returns the first failure.
func (c *commit) take(ctx context.Context, commands []bitrix24.Command, res results) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	var failed error
	open := false
	for _, command := range commands {
		id, cause := outcomeOf(command, res[command.Key])
		open = open || bitrix24.KindOf(cause) == bitrix24.KindAmbiguous
		var err error
		switch {
		case cause == nil:
			err = c.save(ctx, command.Key, id, "")
		case failed == nil && !errors.Is(cause, bitrix24.ErrNotRun):
			failed, c.failedStep = cause, command.Key
			err = c.saveFailed(ctx, command.Key, cause)
		}
		if err != nil {
			return err
		}
	}
	if failed == nil {
		return nil
	}
	return c.refused(ctx, failed, open)
}

// outcomeOf is what a command made. An entity without an id in the answer may
// exist: it is looked up.
func outcomeOf(command bitrix24.Command, r bitrix24.Result) (id int64, err error) {
	if r.Err != nil {
		return 0, r.Err
	}
	id = madeID(r.Answer)
	if id == 0 && command.Method == addMethod {
		err = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: addMethod, Description: "the answer names no id"}
	}
	return id, err
}

// refused notes the failure of a step. What was found or made earlier may have
// been deleted or merged meanwhile.
func (c *commit) refused(ctx context.Context, cause error, open bool) error {
	if bitrix24.KindOf(cause) == bitrix24.KindNotFound && (c.entity.ID != 0 || c.contact != 0) {
		steps := entitySteps
		if c.failedStep == stepContactComment || c.failedStep == stepEntity {
			steps = contactSteps
		}
		cause = c.vanished(ctx, steps, mask(cause.Error(), c.secrets()))
	}
	return errors.Join(c.unanswered(ctx, open), cause)
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
	return workflows.Committed{
		ContactID: c.contact, Entity: c.entity, CommentID: c.ledger.id(stepComment), Responsible: c.responsible, Unmapped: c.unmapped,
		NewEntity: c.ours, NewContact: c.contact != 0 && c.contact == c.ledger.id(stepContact), AttachedFile: len(c.rendered.File) > 0,
	}
}
