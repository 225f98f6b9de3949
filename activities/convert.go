package activities

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"puente/bitrix24"
	"puente/dialog"
	"puente/workflows"
)

// AwaitConversion looks whether Bitrix24 has turned a lead into a deal (simple
// CRM mode, bitrix24 reference §3.13) and if so binds the transcript to the
// deal and fills the deal's mapped fields, all in one request. Until then it
// fails with a retry.
func (a *Bitrix24) AwaitConversion(ctx context.Context, in workflows.ConversionInput) (workflows.Converted, error) {
	s, err := a.session(ctx, in.Portal, in.SyncID, in.Version)
	if err != nil {
		return workflows.Converted{}, classify("conversion", err)
	}
	out, err := s.conversion(ctx, in)
	if err := errors.Join(err, s.count(ctx)); err != nil {
		return out, classify("conversion", err)
	}
	return out, nil
}

func (s *session) conversion(ctx context.Context, in workflows.ConversionInput) (workflows.Converted, error) {
	fields, err := s.dealFields(ctx)
	if err != nil {
		return workflows.Converted{}, err
	}
	deal := bitrix24.Ref("deals", "items", "0", "id")
	commands := []bitrix24.Command{
		list("deals", dialog.Deal, bitrix24.Params{"leadId": in.Lead.ID}),
		{Key: "bind", Method: "crm.timeline.bindings.bind", Params: bitrix24.Params{"fields": bitrix24.Params{
			"OWNER_ID": in.CommentID, "ENTITY_ID": deal, "ENTITY_TYPE": string(dialog.Deal),
		}}},
	}
	if len(fields) > 0 {
		commands = append(commands, bitrix24.Command{Key: stepFields, Method: "crm.item.update", Params: bitrix24.Params{
			"entityTypeId": entityTypes[dialog.Deal], "id": deal, "fields": fields, "useOriginalUfNames": "Y",
		}})
	}
	res, err := s.batch(ctx, false, commands...)
	if err != nil {
		return workflows.Converted{}, err
	}
	var deals itemsAnswer
	if err := res["deals"].Err; err != nil || !res.into("deals", &deals) {
		return workflows.Converted{}, cmpError(err, "the list of deals cannot be read")
	}
	if len(deals.Items) == 0 {
		return workflows.Converted{}, again(errNotConverted, fmt.Sprintf("lead %d is not converted yet", in.Lead.ID), 0)
	}
	made := deals.Items[0]
	return workflows.Converted{DealID: int64(made.ID), ContactID: int64(made.ContactID)}, res.trouble("bind", stepFields)
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
	return literalFields(maps.Clone(fields)), nil
}

func cmpError(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}
