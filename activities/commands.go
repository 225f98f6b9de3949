package activities

import (
	"context"
	"encoding/base64"
	"maps"

	"puente/bitrix24"
	"puente/dialog"
	"puente/workflows"
)

// Methods that the steps of a commit are told apart by.
const (
	addMethod     = "crm.item.add"
	commentMethod = "crm.timeline.comment.add"
	getMethod     = "crm.item.get"
)

// makesContact reports whether the client's contact is still to be made.
func (c *commit) makesContact() bool { return c.in.Plan.CreateContact && c.contact == 0 }

// missingFields are the mapped fields that the entity still lacks. An entity
// that this sync makes gets them at once; one that it made earlier only what a
// person has corrected since.
func (c *commit) missingFields() map[string]any {
	switch {
	case c.entity.ID == 0 || c.ledger.has(stepFields):
		return nil
	case c.ours:
		return c.corrected
	default:
		return c.fields
	}
}

// commands are the writes that are missing, in order; chained is true if one
// refers to what another makes.
func (c *commit) commands() (commands []bitrix24.Command, chained bool) {
	contact, entity := idOrRef(stepContact, c.contact), idOrRef(stepEntity, c.entity.ID)
	add := func(key, method string, params bitrix24.Params) {
		commands = append(commands, bitrix24.Command{Key: key, Method: method, Params: params})
	}
	if c.makesContact() {
		add(stepContact, addMethod, itemParams(dialog.Contact, c.contactFields()))
	}
	if c.entity.ID == 0 {
		add(stepEntity, addMethod, itemParams(c.entity.Kind, c.entityFields(contact)))
	}
	if fields := c.missingFields(); len(fields) > 0 {
		params := itemParams(c.entity.Kind, fields)
		params["id"] = c.entity.ID
		add(stepFields, "crm.item.update", params)
	}
	if !c.ledger.has(stepComment) && len(c.rendered.File) == 0 {
		add(stepComment, commentMethod, c.comment(c.entity.Kind, entity))
	}
	if !c.ledger.has(stepContactComment) && c.onContact() && len(c.rendered.File) == 0 {
		add(stepContactComment, commentMethod, c.comment(dialog.Contact, contact))
	}
	return commands, len(commands) > 1 && (c.makesContact() || c.entity.ID == 0)
}

// onContact reports whether the transcript goes to the contact as well; a lead
// of somebody unknown has no contact yet.
func (c *commit) onContact() bool {
	return c.settings.CRM.CommentOnContact && (c.contact != 0 || c.in.Plan.CreateContact)
}

// writeFile puts a transcript that is too long for a comment on the timeline,
// as a request of its own: files are not sent inside a batch.
func (c *commit) writeFile(ctx context.Context) error {
	if len(c.rendered.File) == 0 {
		return nil
	}
	if err := c.sendFile(ctx, stepComment, c.entity); err != nil {
		return err
	}
	if !c.onContact() {
		return nil
	}
	return c.sendFile(ctx, stepContactComment, dialog.Ref{Kind: dialog.Contact, ID: c.contact})
}

func (c *commit) sendFile(ctx context.Context, step string, on dialog.Ref) error {
	if c.ledger.has(step) {
		return nil
	}
	if err := c.sending(ctx); err != nil {
		return err
	}
	command := bitrix24.Command{Key: step, Method: commentMethod, Params: c.comment(on.Kind, on.ID)}
	fields, _ := command.Params["fields"].(bitrix24.Params)
	fields["FILES"] = [][]string{{c.rendered.FileName, base64.StdEncoding.EncodeToString(c.rendered.File)}}
	answer, err := c.call(ctx, command.Method, command.Params)
	return c.take(ctx, []bitrix24.Command{command}, results{step: {Key: step, Answer: answer, Err: err}})
}

func (c *commit) comment(kind dialog.Kind, id any) bitrix24.Params {
	return bitrix24.Params{"fields": bitrix24.Params{
		"ENTITY_ID": id, "ENTITY_TYPE": string(kind), "COMMENT": bitrix24.Literal(c.rendered.Comment),
	}}
}

// itemParams are the parameters of crm.item.add and update; user fields keep
// their original names (bitrix24 reference §3.2).
func itemParams(kind dialog.Kind, fields map[string]any) bitrix24.Params {
	return bitrix24.Params{"entityTypeId": entityTypes[kind], "fields": fields, "useOriginalUfNames": "Y"}
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
	if c.contact != 0 || c.in.Plan.CreateContact {
		in.Contact = contact
	}
	in.Pipeline, in.Stage = c.in.Plan.Pipeline, c.in.Stage
	if stage := c.correction().Stage; stage != "" {
		in.Stage = stage
	}
	fields := dialog.LeadFields(c.snapshot, in)
	if c.entity.Kind == dialog.Deal {
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
