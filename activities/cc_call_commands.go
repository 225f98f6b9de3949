package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/phone"
	"puente/store"
)

func (c *calling) registerCommand() bitrix24.Command {
	number := c.in.Phone
	if n, ok := phone.Normalize(c.in.Phone, c.settings.General.Country); ok {
		number = n.E164
	}
	params := bitrix24.Params{
		"USER_ID": c.user, "PHONE_NUMBER": number, "TYPE": contactcenter.CallType(c.in.Direction, len(c.in.Transfers) > 0),
		"CALL_START_DATE": c.in.StartedAt.UTC().Format(time.RFC3339), "CRM_CREATE": 0, "SHOW": 0, "ADD_TO_CHAT": 0,
		"EXTERNAL_CALL_ID": bitrix24.Literal(c.in.CallID),
	}
	if c.in.Line != "" {
		params["LINE_NUMBER"] = bitrix24.Literal(c.in.Line)
	}
	owner := c.owner
	if wanted := c.wanted(); len(wanted) > 0 && wanted[0].Kind != contactcenter.KindDeal {
		owner = wanted[0]
	}
	if owner.ID != 0 {
		params["CRM_ENTITY_TYPE"], params["CRM_ENTITY_ID"] = strings.ToUpper(owner.Kind), owner.ID
	}
	return bitrix24.Command{Key: registerKey, Method: "telephony.externalCall.register", Params: params}
}

func (c *calling) finishCommand(id any) bitrix24.Command {
	return bitrix24.Command{Key: finishKey, Method: "telephony.externalCall.finish", Params: bitrix24.Params{
		"CALL_ID": id, "USER_ID": c.last, "DURATION": c.in.Duration, "STATUS_CODE": contactcenter.CallStatusCode(c.in.Status), "ADD_TO_CHAT": 0,
	}}
}

// wanted are the entities whose timelines the call belongs on.
func (c *calling) wanted() []contactcenter.Ref {
	return contactcenter.Refs(c.in.ContactID, c.in.CompanyID, c.in.DealID)
}

// allBound are the wanted entities, and those of other kinds to which the call
// was attached before.
func (c *calling) allBound() []contactcenter.Ref {
	all := calling{in: c.in}
	all.in.ContactID = cmp.Or(c.in.ContactID, c.known.ContactID)
	all.in.CompanyID = cmp.Or(c.in.CompanyID, c.known.CompanyID)
	all.in.DealID = cmp.Or(c.in.DealID, c.known.DealID)
	return all.wanted()
}

// missing are the wanted entities that the call is not bound to yet; of a new
// call the first contact or company is bound by the registration itself.
func (c *calling) missing(bound []contactcenter.Ref) (out []contactcenter.Ref) {
	for i, r := range c.wanted() {
		byRegister := i == 0 && r.Kind != contactcenter.KindDeal
		if !slices.Contains(bound, r) && (bound != nil || !byRegister) {
			out = append(out, r)
		}
	}
	return out
}

func bindCommand(activity any, to contactcenter.Ref) bitrix24.Command {
	return bitrix24.Command{Key: "bind-" + to.Kind, Method: "crm.activity.binding.add", Params: bitrix24.Params{
		"activityId": activity, "entityTypeId": entityTypes[dialog.Kind(to.Kind)], "entityId": to.ID,
	}}
}

// bind binds the call's activity to what it is not bound to yet. That it is
// bound already is no error (§5.4).
func (c *calling) bind(ctx context.Context) error {
	if c.known.ActivityID == 0 {
		c.notes = append(c.notes, "the portal made no activity, because the call is of nobody it knows: it stands on no timeline")
		return nil
	}
	bound := []contactcenter.Ref{}
	for _, r := range c.wanted() {
		if c.steps.has(c.bindStep(r)) {
			bound = append(bound, r)
		}
	}
	todo := c.missing(bound)
	var commands []bitrix24.Command
	for _, r := range todo {
		commands = append(commands, bindCommand(c.known.ActivityID, r))
	}
	res, err := c.batch(ctx, false, commands...)
	if err != nil {
		return err
	}
	for _, r := range todo {
		if err := c.bound(ctx, r, res["bind-"+r.Kind].Err); err != nil {
			return err
		}
	}
	return c.keep(ctx, store.Call{ContactID: c.in.ContactID, CompanyID: c.in.CompanyID, DealID: c.in.DealID})
}

func (c *calling) bindStep(r contactcenter.Ref) string {
	return fmt.Sprintf("%s-on-%s-%d", c.step, r.Kind, r.ID)
}

func (c *calling) bound(ctx context.Context, r contactcenter.Ref, err error) error {
	var e *bitrix24.Error
	already := errors.As(err, &e) && e.Code == "ACTIVITY_IS_ALREADY_BOUND"
	if err != nil && !already {
		return &fieldError{field: "body." + r.Kind + "_id", err: err}
	}
	return c.done(ctx, c.bindStep(r), r, fmt.Sprintf("call activity %d bound", c.known.ActivityID))
}

// keep remembers what is known of the call, in the store and here.
func (c *calling) keep(ctx context.Context, more store.Call) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	more.Portal, more.CallID = c.portal, c.in.CallID
	if err := c.store.SaveCall(ctx, more); err != nil {
		return err
	}
	var err error
	c.known, err = c.store.Call(ctx, c.portal, c.in.CallID)
	return err
}

// unmet explains a refused registration.
func (c *calling) unmet(err error) error {
	var e *bitrix24.Error
	if errors.As(err, &e) && e.Kind == bitrix24.KindInvalid {
		return &fieldError{field: "body", err: err}
	}
	return err
}

func callIDIn(res results) (string, error) {
	var made struct {
		CallID string `json:"CALL_ID"`
	}
	err := res.read(registerKey, &made)
	if err == nil && made.CallID == "" {
		err = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: "telephony.externalCall.register", Description: "the answer names no call"}
	}
	return made.CallID, err
}
