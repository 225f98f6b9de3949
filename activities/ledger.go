package activities

import (
	"context"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/store"
	"puente/workflows"
)

// Steps of a commit, as the ledger names them and as keys of the batch.
const (
	stepContact        = "contact"         // the contact that this sync made
	stepEntity         = "entity"          // the deal or lead that this sync made
	stepTarget         = "target"          // the existing deal or lead the transcript went to
	stepFields         = "fields"          // mapped fields of an existing entity
	stepComment        = "comment"         // the transcript
	stepContactComment = "contact-comment" // the transcript on the contact
	// stepSent is how the last request that writes went: done = it left, and
	// nobody knows more; failed = no answer came; skipped = it is known what it did.
	stepSent = "sent"
)

const foundAgain = "found again: its answer was lost"

// inFlightMargin is added to the time a request can be under way, for clocks
// of processes that differ.
const inFlightMargin = 5 * time.Second

// ledger is what earlier attempts of a sync have done, by step.
type ledger map[string]store.Step

func (l ledger) has(step string) bool { return l[step].Status == store.StepDone }

// id is what a step made, 0 if it is not done.
func (l ledger) id(step string) int64 {
	if !l.has(step) {
		return 0
	}
	return l[step].EntityID
}

func (l ledger) ref(step string) dialog.Ref {
	return dialog.Ref{Kind: dialog.Kind(l[step].EntityKind), ID: l.id(step)}
}

// unsure reports whether a write left of which nobody knows what it did.
func (l ledger) unsure() bool {
	status := l[stepSent].Status
	return status == store.StepDone || status == store.StepFailed
}

// recall reads the ledger and decides what the transcript goes to: what the
// plan says, but where the transcript stands already, or what this sync made.
func (c *commit) recall(ctx context.Context) error {
	steps, err := c.store.Steps(ctx, c.syncID)
	if err != nil {
		return err
	}
	c.ledger = ledger{}
	for _, s := range steps {
		c.ledger[s.Name] = s
	}
	c.contact, c.entity = c.in.Plan.Contact, c.in.Plan.Entity
	if c.contact == 0 && c.in.Plan.CreateContact {
		c.contact = c.ledger.id(stepContact)
	}
	c.recallEntity()
	return c.landed()
}

func (c *commit) recallEntity() {
	made, standing := c.ledger.ref(stepEntity), c.ledger.ref(stepTarget)
	if standing.ID == 0 {
		standing = made
	}
	switch {
	case c.ledger.has(stepComment) && standing.ID != 0 && standing != c.entity && c.chosenByPerson():
		// The transcript goes to where a person wants it, wherever it stands already.
		delete(c.ledger, stepComment)
		delete(c.ledger, stepFields)
	case c.ledger.has(stepComment) && standing.ID != 0:
		c.entity = standing
	case c.entity.ID == 0 && made.Kind == c.entity.Kind:
		c.entity = made
	}
	c.ours = made.ID != 0 && made == c.entity
}

func (c *commit) chosenByPerson() bool {
	chosen := c.correction().Entity
	return chosen != nil && chosen.ID != 0
}

// landed makes sure that no request of an earlier attempt is still under way.
// Its worker may have died or lost touch with Temporal while the portal is at
// work: what it makes could not be found yet, and would be made twice.
func (c *commit) landed() error {
	sent := c.ledger[stepSent]
	rest := time.Until(sent.At.Add(c.request + inFlightMargin))
	if sent.Status != store.StepDone || rest <= 0 || c.complete() {
		return nil
	}
	return again(errInFlight, "a request of an earlier attempt may still be at work in the portal: wait until it cannot be", rest)
}

// complete reports whether nothing is left to write, as far as it can be told
// without the fields that are mapped.
func (c *commit) complete() bool {
	onContact := c.ledger.has(stepContactComment) || !c.onContact()
	return c.ledger.has(stepComment) && onContact && !c.makesContact() && c.entity.ID != 0 && len(c.missingFields()) == 0
}

// sending writes down, before anything leaves, that the outcome is open.
func (c *commit) sending(ctx context.Context) error {
	return c.saveSent(ctx, store.StepDone, "a request that writes was sent to the portal")
}

// unanswered writes down whether a request that failed left open what it did.
func (c *commit) unanswered(ctx context.Context, open bool) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	if open {
		return c.saveSent(ctx, store.StepFailed, "no answer came to a request that writes: what it did is looked up")
	}
	return c.saveSent(ctx, store.StepSkipped, "the portal refused a request that writes")
}

func (c *commit) saveSent(ctx context.Context, status, detail string) error {
	step := store.Step{SyncID: c.syncID, Name: stepSent, Status: status, Detail: detail, Requests: c.requests, At: time.Now()}
	c.ledger[stepSent] = step
	return c.store.SaveStep(ctx, step)
}

// save notes that a step is done. Before the transcript itself, it is noted
// where it stands.
func (c *commit) save(ctx context.Context, step string, id int64, detail string) error {
	switch step {
	case stepContact:
		c.contact = id
	case stepEntity:
		c.entity.ID, c.ours = id, true
	case stepComment:
		if err := c.saveTarget(ctx); err != nil {
			return err
		}
	}
	return c.saveStep(ctx, store.Step{
		Name: step, Status: store.StepDone, EntityKind: string(c.kindOf(step)), EntityID: id, Detail: detail, Requests: c.requests,
	})
}

func (c *commit) saveTarget(ctx context.Context) error {
	if c.ours || c.ledger.ref(stepTarget) == c.entity {
		return nil
	}
	return c.saveStep(ctx, store.Step{
		Name: stepTarget, Status: store.StepDone, EntityKind: string(c.entity.Kind), EntityID: c.entity.ID, Detail: c.in.Plan.Rule,
	})
}

func (c *commit) saveFailed(ctx context.Context, step string, cause error) error {
	return c.saveStep(ctx, store.Step{Name: step, Status: store.StepFailed, Error: cause.Error(), Requests: c.requests})
}

func (c *commit) saveStep(ctx context.Context, step store.Step) error {
	step.SyncID = c.syncID
	c.ledger[step.Name] = step
	return c.store.SaveStep(ctx, step)
}

// What stands on the client's contact, and what on the deal or lead.
var (
	contactSteps = []string{stepContact, stepContactComment}
	entitySteps  = []string{stepEntity, stepTarget, stepComment, stepFields}
)

// vanished forgets what does not exist in the portal any more, and says so: who
// the client is, is looked up again then.
func (c *commit) vanished(ctx context.Context, steps []string, words string) error {
	for _, name := range steps {
		if !c.ledger.has(name) {
			continue
		}
		step := c.ledger[name]
		step.Status, step.Detail = store.StepSkipped, "was done, but what it made does not exist any more"
		if err := c.saveStep(ctx, step); err != nil {
			return err
		}
	}
	return final(c.failedStep, workflows.ErrEntityGone, words+": deleted meanwhile; the client is looked up again")
}

func (c *commit) kindOf(step string) dialog.Kind {
	switch step {
	case stepContact:
		return dialog.Contact
	case stepEntity, stepFields:
		return c.entity.Kind
	default:
		return "comment"
	}
}

// madeID is the id in the answer of an add: crm.item.add tells the item,
// crm.timeline.comment.add the bare id.
func madeID(answer bitrix24.Answer) int64 {
	var made itemAnswer
	if answer.Decode(&made) == nil && made.Item.ID != 0 {
		return int64(made.Item.ID)
	}
	var id bitrix24.ID
	if answer.Decode(&id) == nil {
		return int64(id)
	}
	return 0
}

// marker is how the comment of this sync is found again after a lost answer.
func (c *commit) marker() string {
	return workflows.Originator + ":" + strings.TrimPrefix(c.in.Origin, "dialog:")
}
