package activities

import (
	"context"
	"fmt"

	"puente/bitrix24"
	"puente/dialog"
	"puente/store"
	"puente/workflows"
)

// stepConversion is the deal that Bitrix24 made of a lead.
const stepConversion = "conversion"

// AwaitConversion looks whether Bitrix24 has turned a lead into a deal (simple
// CRM mode, bitrix24 reference §3.13) and if so binds the transcript to the
// deal and fills the deal's mapped fields, all in one request. Until then it
// fails with a retry. What the portal refuses about the deal for good is noted
// in the ledger: the deal is there nevertheless.
func (a *Bitrix24) AwaitConversion(ctx context.Context, in workflows.ConversionInput) (workflows.Converted, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return workflows.Converted{}, s.end(ctx, stepConversion, err)
	}
	out, err := s.conversion(ctx, in)
	return out, s.end(ctx, stepConversion, err)
}

func (s *session) conversion(ctx context.Context, in workflows.ConversionInput) (workflows.Converted, error) {
	fields, err := s.dealFields(ctx)
	if err != nil {
		return workflows.Converted{}, err
	}
	res, err := s.batch(ctx, false, conversionCommands(in, fields)...)
	if err != nil {
		return workflows.Converted{}, err
	}
	deals, err := res.rows("deals")
	if err != nil {
		return workflows.Converted{}, err
	}
	if len(deals) == 0 {
		return workflows.Converted{}, again(errNotConverted, fmt.Sprintf("lead %d is not converted yet", in.Lead.ID), 0)
	}
	out := workflows.Converted{DealID: int64(deals[0].ID), ContactID: int64(deals[0].ContactID)}
	return out, s.saveConversion(ctx, out, res.trouble("bind", stepFields))
}

// conversionCommands refer to a deal that may not be there yet: then their
// answers are not read.
func conversionCommands(in workflows.ConversionInput, fields map[string]any) []bitrix24.Command {
	deal := bitrix24.Ref("deals", "items", "0", "id")
	commands := []bitrix24.Command{list("deals", dialog.Deal, bitrix24.Params{"leadId": in.Lead.ID})}
	if in.CommentID != 0 {
		binding := bitrix24.Params{"OWNER_ID": in.CommentID, "ENTITY_ID": deal, "ENTITY_TYPE": string(dialog.Deal)}
		commands = append(commands, bitrix24.Command{
			Key: "bind", Method: "crm.timeline.bindings.bind", Params: bitrix24.Params{"fields": binding},
		})
	}
	if len(fields) > 0 {
		params := itemParams(dialog.Deal, fields)
		params["id"] = deal
		commands = append(commands, bitrix24.Command{Key: stepFields, Method: "crm.item.update", Params: params})
	}
	return commands
}

// saveConversion notes the deal. An error that is worth another try is returned.
func (s *session) saveConversion(ctx context.Context, made workflows.Converted, trouble error) error {
	if trouble != nil && !named(crmVerdicts[bitrix24.KindOf(trouble)]).final {
		return trouble
	}
	step := store.Step{
		SyncID: s.syncID, Name: stepConversion, Status: store.StepDone,
		EntityKind: string(dialog.Deal), EntityID: made.DealID, Requests: s.requests,
	}
	if trouble != nil {
		step.Status, step.Error = store.StepFailed, trouble.Error()
	}
	return s.store.SaveStep(ctx, step)
}

// dealFields are the mapped fields for the deal. What cannot be converted was
// named when the lead was made; the rest is still filled.
func (s *session) dealFields(ctx context.Context) (map[string]any, error) {
	if !wantsFields(s.settings) {
		return nil, nil
	}
	types, err := s.fieldTypes(ctx, dialog.Deal, fieldsAge)
	if err != nil {
		return nil, err
	}
	fields, _ := dialog.MapFields(s.settings, s.snapshot, dialog.Deal, types)
	for _, name := range marks {
		delete(fields, name)
	}
	return literalFields(fields), nil
}
