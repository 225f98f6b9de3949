package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/phone"
	"puente/store"
)

// Commands of a call's batch.
const (
	registerKey = "register"
	finishKey   = "finish"
)

// calling is one call on its way into the CRM.
type calling struct {
	*desk
	in    contactcenter.Call
	step  string
	known store.Call        // what earlier steps and runs did
	owner contactcenter.Ref // of the deal, if only that is named
	user  int64             // who took it first
	last  int64             // who finished it
	notes []string
}

// createCall registers a call, finishes it if it has ended, and binds it to
// contact, company and deal: one request through the application (bitrix24
// reference §5). A call that still goes on is finished by a later call.create
// with the same call_id, however late it comes.
func (d *desk) createCall(ctx context.Context, in contactcenter.Call) (reply, error) {
	c, err := d.call(ctx, stepCall, in)
	if err != nil {
		return reply{}, err
	}
	out := reply{body: c.answer(), status: http.StatusCreated, entities: c.entities(), story: c.story()}
	if c.awaitsRecording() {
		out.callID = in.CallID
	}
	return out, nil
}

// awaitsRecording tells whether a recording is to be attached to an ended call.
func (c *calling) awaitsRecording() bool {
	return c.in.Recording != nil && c.in.Status != "" && c.known.FileID == 0
}

// call brings one call into the CRM.
func (d *desk) call(ctx context.Context, step string, in contactcenter.Call) (*calling, error) {
	c := &calling{desk: d, in: in, step: step}
	if err := c.recall(ctx); err != nil {
		return c, err
	}
	if c.awaitsRecording() { // before anything is made: it may name an upload that is not there
		if err := d.expectRecording(ctx, in.CallID, *in.Recording); err != nil {
			return c, err
		}
	}
	gateway, err := d.app(ctx)
	if err != nil {
		return c, err
	}
	return c, d.through(gateway, func() error { return c.bring(ctx) })
}

// recall reads what is known of the call and who took it.
func (c *calling) recall(ctx context.Context) error {
	known, err := c.store.Call(ctx, c.portal, c.in.CallID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	c.known = known
	c.user, _ = contactcenter.FirstUser(c.in, c.settings)
	c.last, _ = contactcenter.ActingUser(c.in, c.settings)
	c.notes = contactcenter.CallNotes(c.in, c.settings)
	return nil
}

func (c *calling) bring(ctx context.Context) error {
	if c.known.State == store.CallFinished {
		return c.bind(ctx)
	}
	if c.in.Status == "" {
		return c.register(ctx)
	}
	return c.finish(ctx)
}

// register tells the portal of a call that still goes on. EXTERNAL_CALL_ID makes
// a repetition within 30 minutes answer with the same call (§5.1).
func (c *calling) register(ctx context.Context) error {
	if c.known.BitrixCallID != "" {
		return nil
	}
	res, err := c.batch(ctx, true, c.registerCommand())
	if err != nil {
		return err
	}
	if err := c.unmet(res.trouble(registerKey)); err != nil {
		return err
	}
	id, err := callIDIn(res)
	if err != nil {
		return err
	}
	return c.keep(ctx, store.Call{BitrixCallID: id, State: store.CallRegistered, UserID: c.user})
}

// finish registers if needed, finishes and binds in one request. After a lost
// answer the call is looked up in the portal's statistics: finishing twice is
// refused there, and registering anew would make a second activity.
func (c *calling) finish(ctx context.Context) error {
	if err := c.findOwner(ctx); err != nil {
		return err
	}
	_, err := c.once(ctx, write{step: c.step, kind: "call", detail: "call finished", look: c.lookUp, send: c.sendFinish})
	if err != nil {
		return err
	}
	return c.bind(ctx)
}

// findOwner looks for the client of a call that only names a deal: the portal
// makes no activity for a call of nobody.
func (c *calling) findOwner(ctx context.Context) error {
	if c.in.ContactID != 0 || c.in.CompanyID != 0 || c.in.DealID == 0 || c.steps.has(c.step) {
		return nil
	}
	rows, err := c.cards(ctx, dialog.Deal, []int64{c.in.DealID})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return absentEntity("body.deal_id", contactcenter.KindDeal, c.in.DealID)
	}
	c.owner = contactcenter.Ref{Kind: contactcenter.KindContact, ID: int64(rows[0].ContactID)}
	if c.owner.ID == 0 {
		c.owner = contactcenter.Ref{Kind: contactcenter.KindCompany, ID: int64(rows[0].CompanyID)}
	}
	return nil
}

func (c *calling) sendFinish(ctx context.Context) (int64, error) {
	var commands []bitrix24.Command
	var id any = c.known.BitrixCallID
	if c.known.BitrixCallID == "" {
		commands = append(commands, c.registerCommand())
		id = bitrix24.Ref(registerKey, "CALL_ID")
	}
	commands = append(commands, c.finishCommand(id))
	for _, b := range c.missing(nil) {
		commands = append(commands, bindCommand(bitrix24.Ref(finishKey, "CRM_ACTIVITY_ID"), b))
	}
	res, err := c.batch(ctx, true, commands...)
	if err != nil {
		return 0, err
	}
	return c.readFinish(ctx, res)
}

func (c *calling) readFinish(ctx context.Context, res results) (int64, error) {
	if err := c.unmet(res.trouble(registerKey)); err != nil {
		return 0, err
	}
	if _, ran := res[registerKey]; ran {
		id, err := callIDIn(res)
		if err != nil {
			return 0, err
		}
		if err := c.keep(ctx, store.Call{BitrixCallID: id, State: store.CallRegistered, UserID: c.user}); err != nil {
			return 0, err
		}
	}
	if err := res.trouble(finishKey); err != nil {
		return c.finishedBefore(ctx, err)
	}
	var made statisticRow
	if err := res.read(finishKey, &made); err != nil {
		return 0, err
	}
	if err := c.finished(ctx, made); err != nil {
		return 0, err
	}
	return int64(made.ID), c.readBindings(ctx, res)
}

func (c *calling) finished(ctx context.Context, row statisticRow) error {
	return c.keep(ctx, store.Call{BitrixCallID: row.CallID, ActivityID: int64(row.Activity), State: store.CallFinished, UserID: c.last})
}

// readBindings notes what the same request has bound: the registration binds
// its own entity. What it has not bound is bound later.
func (c *calling) readBindings(ctx context.Context, res results) error {
	later := c.missing(nil)
	for _, r := range c.wanted() {
		one, ran := res["bind-"+r.Kind]
		if slices.Contains(later, r) && (!ran || one.Err != nil) {
			continue
		}
		if err := c.bound(ctx, r, nil); err != nil {
			return err
		}
	}
	return nil
}

// finishedBefore looks whether a call that cannot be finished has ended already:
// the portal knows it under another registration.
func (c *calling) finishedBefore(ctx context.Context, cause error) (int64, error) {
	if bitrix24.KindOf(cause) == bitrix24.KindAmbiguous {
		return 0, cause
	}
	id, err := c.lookUp(ctx)
	if err == nil && id == 0 {
		err = cause
	}
	return id, err
}

// lookUp finds this call, finished, in the portal's statistics.
func (c *calling) lookUp(ctx context.Context) (int64, error) {
	found, err := c.statistic(ctx, c.in.CallID)
	if err != nil || found.ID == 0 {
		return 0, err
	}
	return int64(found.ID), c.finished(ctx, found)
}

// statisticRow is a finished call in voximplant.statistic.get.
type statisticRow struct {
	ID       bitrix24.ID `json:"ID"`
	CallID   string      `json:"CALL_ID"`
	Activity bitrix24.ID `json:"CRM_ACTIVITY_ID"`
	File     bitrix24.ID `json:"RECORD_FILE_ID"`
}

func (d *desk) statistic(ctx context.Context, callID string) (statisticRow, error) {
	res, err := d.batch(ctx, false, bitrix24.Command{Key: "statistic", Method: "voximplant.statistic.get", Params: bitrix24.Params{
		"FILTER": bitrix24.Params{"EXTERNAL_CALL_ID": bitrix24.Literal(callID)},
	}})
	if err != nil {
		return statisticRow{}, err
	}
	var rows []statisticRow
	if err := res.read("statistic", &rows); err != nil || len(rows) == 0 {
		return statisticRow{}, err
	}
	return rows[0], nil
}

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
func (c *calling) wanted() (out []contactcenter.Ref) {
	for _, r := range []contactcenter.Ref{
		{Kind: contactcenter.KindContact, ID: c.in.ContactID}, {Kind: contactcenter.KindCompany, ID: c.in.CompanyID},
		{Kind: contactcenter.KindDeal, ID: c.in.DealID},
	} {
		if r.ID != 0 {
			out = append(out, r)
		}
	}
	return out
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
	if err != nil && !(errors.As(err, &e) && e.Code == "ACTIVITY_IS_ALREADY_BOUND") {
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

func (c *calling) entities() []contactcenter.Ref { return c.wanted() }

func (c *calling) answer() contactcenter.CallAnswer {
	out := contactcenter.CallAnswer{
		CallID: c.in.CallID, BitrixCallID: c.known.BitrixCallID, State: c.known.State, ActivityID: c.known.ActivityID,
		UserID: c.known.UserID, Notes: c.notes,
	}
	if c.known.ActivityID != 0 {
		out.Bound = c.allBound()
	}
	switch {
	case c.known.FileID != 0:
		out.Recording = "attached"
	case c.in.Recording != nil:
		out.Recording = "pending"
	}
	return out
}

func (c *calling) story() []string {
	line := fmt.Sprintf("Call: registered for user %d", c.known.UserID)
	if c.known.State == store.CallFinished {
		line = fmt.Sprintf("Call: finished, activity %d, user %d, on %s", c.known.ActivityID, c.known.UserID, refWords(c.wanted()))
	}
	return append([]string{line}, c.notes...)
}

func refWords(refs []contactcenter.Ref) string {
	words := "no entity"
	for i, r := range refs {
		one := fmt.Sprintf("%s %d", r.Kind, r.ID)
		if i == 0 {
			words = one
		} else {
			words += ", " + one
		}
	}
	return words
}

// bindCall is call.attach_to_crm: the call must have ended.
func (d *desk) bindCall(ctx context.Context, in contactcenter.AttachToCRMInput) (reply, error) {
	known, err := d.knownCall(ctx, in.CallID)
	if err != nil {
		return reply{}, err
	}
	if known.State != store.CallFinished {
		return reply{}, stillGoing(in.CallID)
	}
	c := &calling{desk: d, step: stepCall, known: known, in: contactcenter.Call{
		CallID: in.CallID, ContactID: in.ContactID, CompanyID: in.CompanyID, DealID: in.DealID,
	}}
	if err := c.bind(ctx); err != nil {
		return reply{}, err
	}
	return reply{body: c.answer(), entities: c.entities(), story: c.story()}, nil
}

// knownCall is a call of this portal, or a 404.
func (d *desk) knownCall(ctx context.Context, callID string) (store.Call, error) {
	known, err := d.store.Call(ctx, d.portal, callID)
	if errors.Is(err, store.ErrNotFound) {
		words := "there is no call with this call_id: send call.create first"
		err = &refusal{status: http.StatusNotFound, detail: words, errors: []problemDetail{{Message: words, Location: "body.call_id", Value: callID}}}
	}
	return known, err
}

func stillGoing(callID string) error {
	words := "the call still goes on: send call.create with its status first"
	return &refusal{status: http.StatusConflict, detail: words, errors: []problemDetail{{Message: words, Location: "body.call_id", Value: callID}}}
}
