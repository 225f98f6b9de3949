package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
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
	due   bool // its recording is still to be attached
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
	if c.due {
		out.callID = in.CallID
	}
	return out, nil
}

// recordingDue tells whether the recording that is named for an ended call is
// still to be attached. Another one than before replaces it. One that was
// attached once is not attached anew, because a correction repeats what earlier
// revisions told: where it was replaced since, a note says so.
func (c *calling) recordingDue(ctx context.Context) (bool, error) {
	given := c.in.Recording
	switch {
	case given == nil || c.in.Status == "":
		return false, nil
	case c.known.FileID == 0:
		return true, nil
	}
	had, err := c.store.AttachedRecording(ctx, c.portal, c.in.CallID, given.RecordingID, given.URL)
	if err == nil && !holds(c.known, had) {
		c.notes = append(c.notes, "this recording was attached to the call before and has been replaced since; call.attach_recording puts it back")
	}
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// call brings one call into the CRM.
func (d *desk) call(ctx context.Context, step string, in contactcenter.Call) (*calling, error) {
	c := &calling{desk: d, in: in, step: step}
	if err := c.recall(ctx); err != nil {
		return c, err
	}
	due, err := c.recordingDue(ctx)
	if err != nil {
		return c, err
	}
	if c.due = due; due { // before anything is made: it may name an upload that is not there
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
	case c.known.FileID != 0 && !c.due:
		out.Recording = contactcenter.RecordingAttached
	case c.in.Recording != nil:
		out.Recording = contactcenter.RecordingPending
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
		err = refuse(http.StatusNotFound, words, "body.call_id", callID)
	}
	return known, err
}

func stillGoing(callID string) error {
	words := "the call still goes on: send call.create with its status first"
	return refuse(http.StatusConflict, words, "body.call_id", callID)
}
