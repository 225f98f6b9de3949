package activities

import (
	"context"
	"strconv"
	"time"

	"puente/bitrix24"
	"puente/dialog"
)

const (
	// maxCommentPages bounds the search for a lost comment on a busy entity.
	maxCommentPages = 20
	// commentPage is how many comments one answer holds (bitrix24 reference §2.3).
	commentPage = 50
	// clockSlack is how much the clocks of portal and ledger may differ.
	clockSlack = 24 * time.Hour
)

// reconcile looks up what writes without an answer have done, and whether what
// earlier attempts made still exists, in one request. A first attempt has
// nothing to look up.
func (c *commit) reconcile(ctx context.Context) error {
	var commands []bitrix24.Command
	add := func(step string, known dialog.Ref, origin string) {
		switch {
		case known.ID != 0:
			commands = append(commands, get(step, known.Kind, known.ID))
		case c.ledger.unsure():
			commands = append(commands, byOrigin(step, known.Kind, origin))
		}
	}
	if c.in.Plan.CreateContact {
		add(stepContact, dialog.Ref{Kind: dialog.Contact, ID: c.contact}, clientOrigin(c.in.ClientID))
	}
	if c.in.Plan.Entity.ID == 0 {
		add(stepEntity, c.entity, c.in.Origin)
	}
	res, err := c.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, command := range commands {
		if err := c.lookedUp(ctx, command, res); err != nil {
			return err
		}
	}
	if !c.ledger.unsure() {
		return nil
	}
	return c.reconcileComments(ctx)
}

// lookedUp reads one answer. What this sync made and somebody deleted is
// forgotten, and made again for whoever the client is then.
func (c *commit) lookedUp(ctx context.Context, command bitrix24.Command, res results) error {
	if command.Method == getMethod {
		switch {
		case !res.absent(command.Key):
			return res.trouble(command.Key)
		case command.Key == stepContact:
			return c.vanished(ctx, contactSteps, "the contact made for this client")
		default:
			return c.vanished(ctx, entitySteps, "the entity made for this dialog")
		}
	}
	rows, err := res.rows(command.Key)
	if err != nil || len(rows) == 0 {
		return err
	}
	return c.save(ctx, command.Key, int64(rows[0].ID), foundAgain)
}

// reconcileComments looks for the transcript where it may stand already.
func (c *commit) reconcileComments(ctx context.Context) error {
	targets := map[string]dialog.Ref{stepComment: c.entity}
	if c.onContact() {
		targets[stepContactComment] = dialog.Ref{Kind: dialog.Contact, ID: c.contact}
	}
	for _, step := range []string{stepComment, stepContactComment} {
		target := targets[step]
		if target.ID == 0 || c.ledger.has(step) {
			continue
		}
		id, err := c.findComment(ctx, target, c.marker())
		if err != nil {
			return err
		}
		if id == 0 {
			continue
		}
		if err := c.save(ctx, step, id, foundAgain); err != nil {
			return err
		}
	}
	return nil
}

// commentRow is a row of crm.timeline.comment.list.
type commentRow struct {
	ID      bitrix24.ID   `json:"ID"`
	Comment string        `json:"COMMENT"`
	Created bitrix24.Time `json:"CREATED"`
}

// findComment looks for a comment with the marker of this sync, newest first,
// not further back than the sync itself; 0 if there is none.
func (v *visit) findComment(ctx context.Context, on dialog.Ref, marker string) (int64, error) {
	row, err := v.store.Sync(ctx, v.portal, v.syncID)
	if err != nil {
		return 0, err
	}
	for page := range maxCommentPages {
		rows, more, err := v.comments(ctx, on, page)
		if err != nil {
			return 0, err
		}
		for _, r := range rows {
			if dialog.HasMarker(r.Comment, marker) {
				return int64(r.ID), nil
			}
		}
		if !more || len(rows) == 0 || rows[len(rows)-1].Created.Before(row.CreatedAt.Add(-clockSlack)) {
			break
		}
	}
	return 0, nil
}

// comments reads one page of an entity's comments. Those of an entity that is
// not there any more are none: the write that follows will say so.
func (v *visit) comments(ctx context.Context, on dialog.Ref, page int) (rows []commentRow, more bool, err error) {
	key := "comments" + strconv.Itoa(page)
	res, err := v.batch(ctx, false, bitrix24.Command{Key: key, Method: "crm.timeline.comment.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ENTITY_ID": on.ID, "ENTITY_TYPE": string(on.Kind)},
		"select": []string{"ID", "COMMENT", "CREATED"}, "order": bitrix24.Params{"ID": "DESC"}, "start": page * commentPage,
	}})
	if err != nil || res.absent(key) {
		return nil, false, err
	}
	err = res.read(key, &rows)
	return rows, res.more(key), err
}
