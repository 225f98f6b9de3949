package activities

import (
	"context"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/workflows"
)

// maxCommentPages bounds the search for a lost comment on a busy entity.
const maxCommentPages = 20

// makes reports whether the plan asks for a new contact or entity that no
// earlier attempt made.
func (c *commit) makes(step string) bool {
	if _, done := c.done[step]; done {
		return false
	}
	switch step {
	case stepContact:
		return c.in.Plan.CreateContact
	case stepEntity:
		return c.in.Plan.Entity.ID == 0
	default:
		return true
	}
}

// complete reports whether an earlier attempt finished everything.
func (c *commit) complete() bool {
	_, commented := c.done[stepComment]
	_, onContact := c.done[stepContactComment]
	return commented && (onContact || !c.settings.CRM.CommentOnContact) && !c.makes(stepContact) && !c.makes(stepEntity)
}

func (c *commit) contactID() int64 {
	if id := c.done[stepContact]; id != 0 {
		return id
	}
	return c.in.Plan.Contact
}

func (c *commit) entityID() int64 {
	if id := c.done[stepEntity]; id != 0 {
		return id
	}
	return c.in.Plan.Entity.ID
}

// commands are the writes that are missing, in order; chained is true if one
// refers to what another makes.
func (c *commit) commands() (commands []bitrix24.Command, chained bool) {
	contact, entity := idOrRef(stepContact, c.contactID()), idOrRef(stepEntity, c.entityID())
	add := func(key, method string, params bitrix24.Params) {
		commands = append(commands, bitrix24.Command{Key: key, Method: method, Params: params})
	}
	if c.makes(stepContact) {
		add(stepContact, "crm.item.add", c.itemParams(dialog.Contact, c.contactFields()))
	}
	switch {
	case c.makes(stepEntity):
		add(stepEntity, "crm.item.add", c.itemParams(c.in.Plan.Entity.Kind, c.entityFields(contact)))
	case c.missing(stepFields) && len(c.fields) > 0 && c.done[stepEntity] == 0:
		params := c.itemParams(c.in.Plan.Entity.Kind, c.fields)
		params["id"] = c.entityID()
		add(stepFields, "crm.item.update", params)
	}
	if c.missing(stepComment) && len(c.rendered.File) == 0 {
		add(stepComment, "crm.timeline.comment.add", c.comment(c.in.Plan.Entity.Kind, entity))
	}
	if c.missing(stepContactComment) && c.onContact() && len(c.rendered.File) == 0 {
		add(stepContactComment, "crm.timeline.comment.add", c.comment(dialog.Contact, contact))
	}
	return commands, len(commands) > 1 && (c.makes(stepContact) || c.makes(stepEntity))
}

func (c *commit) missing(step string) bool {
	_, done := c.done[step]
	return !done
}

// onContact reports whether the transcript goes to the contact as well; a lead
// of somebody unknown has no contact yet.
func (c *commit) onContact() bool {
	return c.settings.CRM.CommentOnContact && (c.contactID() != 0 || c.in.Plan.CreateContact)
}

// writeFile puts a transcript that is too long for a comment on the timeline,
// as a request of its own: files are not sent inside a batch.
func (c *commit) writeFile(ctx context.Context) error {
	if len(c.rendered.File) == 0 {
		return nil
	}
	if err := c.sendFile(ctx, stepComment, c.in.Plan.Entity.Kind, c.entityID()); err != nil {
		return err
	}
	if !c.onContact() {
		return nil
	}
	return c.sendFile(ctx, stepContactComment, dialog.Contact, c.contactID())
}

func (c *commit) sendFile(ctx context.Context, step string, kind dialog.Kind, id int64) error {
	if !c.missing(step) {
		return nil
	}
	if err := c.sending(ctx); err != nil {
		return err
	}
	params := c.comment(kind, id)
	fields, _ := params["fields"].(bitrix24.Params)
	fields["FILES"] = [][]string{{c.rendered.FileName, base64.StdEncoding.EncodeToString(c.rendered.File)}}
	answer, err := c.call(ctx, "crm.timeline.comment.add", params)
	if err != nil {
		c.failedStep = step
		if c.gone(err) {
			return final(step, workflows.ErrEntityGone, err.Error())
		}
		return err
	}
	return c.save(ctx, step, madeID(bitrix24.Result{Answer: answer}), "")
}

func (c *commit) comment(kind dialog.Kind, id any) bitrix24.Params {
	return bitrix24.Params{"fields": bitrix24.Params{
		"ENTITY_ID": id, "ENTITY_TYPE": string(kind), "COMMENT": bitrix24.Literal(c.rendered.Comment),
	}}
}

// itemParams are the parameters of crm.item.add and update; user fields keep
// their original names (bitrix24 reference §3.2).
func (c *commit) itemParams(kind dialog.Kind, fields map[string]any) bitrix24.Params {
	return bitrix24.Params{"entityTypeId": entityTypes[kind], "fields": fields, "useOriginalUfNames": "Y"}
}

// marker is how the comment of this sync is found again after a lost answer.
func (c *commit) marker() string {
	return workflows.Originator + ":" + strings.TrimPrefix(c.in.Origin, "dialog:")
}

// findComment looks for the comment with the marker of this sync, newest first,
// not further back than the sync itself.
func (c *commit) findComment(ctx context.Context, on dialog.Ref) (int64, error) {
	for page := range maxCommentPages {
		answer, err := c.call(ctx, "crm.timeline.comment.list", bitrix24.Params{
			"filter": bitrix24.Params{"ENTITY_ID": on.ID, "ENTITY_TYPE": string(on.Kind)},
			"select": []string{"ID", "COMMENT", "CREATED"}, "order": bitrix24.Params{"ID": "DESC"}, "start": page * bitrix24.MaxBatch,
		})
		if err != nil {
			if bitrix24.KindOf(err) == bitrix24.KindNotFound {
				return 0, nil
			}
			return 0, err
		}
		var rows []struct {
			ID      bitrix24.ID   `json:"ID"`
			Comment string        `json:"COMMENT"`
			Created bitrix24.Time `json:"CREATED"`
		}
		if err := answer.Decode(&rows); err != nil {
			return 0, err
		}
		for _, r := range rows {
			if dialog.HasMarker(r.Comment, c.marker()) {
				return int64(r.ID), nil
			}
		}
		if answer.Next == nil || len(rows) == 0 || rows[len(rows)-1].Created.Before(c.opened.Add(-24*time.Hour)) {
			return 0, nil
		}
	}
	return 0, nil
}

// idOrRef is an id that is known, or a reference to the command that makes it.
func idOrRef(step string, id int64) any {
	if id != 0 {
		return id
	}
	return bitrix24.Ref(step, "item", "id")
}

// contactFields are those of a new contact.
func (c *commit) contactFields() map[string]any {
	return dialog.ContactFields(c.snapshot, c.entityInput(clientOrigin(c.in.ClientID)))
}

// entityFields are those of the new deal or lead, with what is mapped.
func (c *commit) entityFields(contact any) map[string]any {
	in := c.entityInput(c.in.Origin)
	if c.contactID() != 0 || c.in.Plan.CreateContact {
		in.Contact = contact
	}
	in.Pipeline, in.Stage = c.in.Plan.Pipeline, c.in.Stage
	if stage := c.correction().Stage; stage != "" {
		in.Stage = stage
	}
	fields := dialog.LeadFields(c.snapshot, in)
	if c.in.Plan.Entity.Kind == dialog.Deal {
		fields = dialog.DealFields(c.snapshot, in)
	}
	maps.Copy(fields, c.fields)
	return fields
}

func (c *commit) entityInput(origin string) dialog.EntityInput {
	in := dialog.EntityInput{
		Texts: c.texts(), Responsible: c.responsible, SourceID: c.settings.CRM.SourceID,
		Origin: dialog.Origin{OriginatorID: workflows.Originator, OriginID: origin},
	}
	if c.hasTel {
		in.Phone, in.Extension = c.number.E164, c.number.Extension
	}
	return in
}

// literalFields keeps clients' words from being read as references of a batch.
func literalFields(fields map[string]any) map[string]any {
	for name, value := range fields {
		switch v := value.(type) {
		case string:
			fields[name] = bitrix24.Literal(v)
		case []any:
			for i := range v {
				if text, ok := v[i].(string); ok {
					v[i] = bitrix24.Literal(text)
				}
			}
		}
	}
	return fields
}
