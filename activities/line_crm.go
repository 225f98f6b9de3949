package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/dialog"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/texts"
	"puente/workflows"
)

// LineCRM carries one command of an open line out in the CRM: it looks the
// client up, makes his lead, changes a responsible employee, or writes the chat
// activity of a session. It may run again: leads and activities carry marks by
// which they are found after a lost answer, and an older mark never overwrites a
// newer one. What came of it is told to the desk.
func (a *Bitrix24) LineCRM(ctx context.Context, in workflows.LineCommandInput) (workflows.LineCommandDone, error) {
	c := &lineCRM{visit: a.visit(in.Portal, ""), registry: a.Portals, in: in, command: in.Command}
	done, err := c.run(ctx)
	if c.waits(err) {
		return done, notYet(ctx, classify(ctx, "", err, c.words...))
	}
	return done, classify(ctx, "", err, c.words...)
}

// waits tells whether a command stays until it is done, also if the portal
// refuses it: nobody runs it again by hand, and the latest state has to be there
// once a person has mended what is wrong (openlines reference §8). What we cannot
// understand ourselves fails, and so does a lookup where there is no CRM, or there
// are no settings, at all.
func (c *lineCRM) waits(err error) bool {
	var ours *temporal.ApplicationError
	switch c.command.Kind {
	case openlines.DoLookup:
		return !errors.As(err, &ours) && !errors.Is(err, portals.ErrNoAccount) && !errors.Is(err, store.ErrNotFound)
	case openlines.DoCreateLead, openlines.DoWriteMark:
		return !errors.As(err, &ours)
	}
	return false
}

// Waits after a refusal: a person has to mend something.
const (
	refusedDelay    = time.Minute
	maxRefusedDelay = 15 * time.Minute
)

// runAgain ends the advice for what a person has to run again.
const runAgain = ", and run it again"

// notYet makes a refusal one that is tried again, ever more rarely.
func notYet(ctx context.Context, err error) error {
	var refused *temporal.ApplicationError
	if !errors.As(err, &refused) || !refused.NonRetryable() {
		return err
	}
	failure := workflows.Failure{Code: refused.Type()}
	if err := refused.Details(&failure); err != nil {
		failure.Text = refused.Message()
	}
	failure.Text = strings.TrimSuffix(failure.Text, runAgain) + "; it is tried again by itself"
	return temporal.NewApplicationErrorWithOptions(failure.Text, refused.Type(), temporal.ApplicationErrorOptions{
		NextRetryDelay: growing(ctx, refusedDelay, maxRefusedDelay), Details: []any{failure},
	})
}

// lineCRM is one command at work in the CRM.
type lineCRM struct {
	visit
	registry *portals.Registry
	in       workflows.LineCommandInput
	command  openlines.Command
	line     openlines.Settings
	client   int64 // of the chat; 0 if the command has none
	channel  int64
	words    []string // personal data that must not stand in an error
}

func (c *lineCRM) run(ctx context.Context) (done workflows.LineCommandDone, err error) {
	if c.command.Chat != "" {
		if c.client, c.channel, err = workflows.ParseLineChat(c.command.Chat); err != nil {
			return done, final("", errInvalid, err.Error())
		}
	}
	if c.settings, _, err = c.store.Settings(ctx, c.portal); err != nil {
		return done, err
	}
	if c.line, _, err = lineOf(ctx, c.store, c.portal, c.command.Line); err != nil {
		return done, err
	}
	if c.gateway, err = c.registry.Gateway(ctx, c.portal); err != nil {
		return done, err
	}
	switch c.command.Kind {
	case openlines.DoLookup:
		return c.lookup(ctx)
	case openlines.DoCreateLead:
		return c.lead(ctx)
	case openlines.DoResponsible:
		return c.responsible(ctx)
	case openlines.DoWriteMark:
		return c.mark(ctx)
	}
	return done, final("", errInvalid, fmt.Sprintf("the CRM has nothing to do with the command %s", c.command.Kind))
}

// event is one that tells the desk what came of the command.
func (c *lineCRM) event(kind openlines.EventKind, facts openlines.CRMFacts) openlines.Event {
	return openlines.Event{
		ID: fmt.Sprintf("%s-%d", kind, c.in.Seq), Kind: kind, At: time.Now().UTC(), Session: c.command.Session, CRM: &facts,
	}
}

func (c *lineCRM) texts() texts.Bundle {
	return texts.For(c.settings.General.Language, c.settings.General.Texts)
}

// known is the client of the chat as the webhooks of the last request tell, and
// these webhooks.
func (c *lineCRM) known(ctx context.Context) (dialog.Client, []chat2desk.Event, error) {
	row, err := c.store.Dialog(ctx, c.portal, c.client, c.channel)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return dialog.Client{ID: c.client}, nil, err
	}
	l := &loader{store: c.store, in: workflows.SyncInput{Portal: c.portal, RequestID: row.LastRequestID}}
	hooks, err := l.webhooks(ctx)
	person := clientOfHooks(c.client, hooks)
	c.words = []string{person.Name, person.Email, person.Phone, person.Identity}
	return person, hooks, err
}

// who is the client as known; where that names neither phone nor e-mail, as
// Chat2Desk has him. Each question there costs one of the month's calls.
func (c *lineCRM) who(ctx context.Context) (dialog.Client, []chat2desk.Event, error) {
	person, hooks, err := c.known(ctx)
	if err != nil || dialog.ContactKey(c.settings, person) != "" {
		return person, hooks, err
	}
	person, err = c.askPerson(ctx, person)
	c.words = append(c.words, person.Name, person.Email, person.Phone)
	return person, hooks, err
}

// askPerson asks Chat2Desk. Without an account, or for a client it does not know
// any more, what the webhooks told has to do.
func (c *lineCRM) askPerson(ctx context.Context, known dialog.Client) (dialog.Client, error) {
	api, err := c.registry.Chat2Desk(ctx, c.portal)
	if errors.Is(err, portals.ErrNoAccount) {
		return known, nil
	}
	if err != nil {
		return known, err
	}
	person, err := api.Client(ctx, c.client)
	switch {
	case err == nil:
		return clientOf(person), nil
	case named(chatVerdicts[chat2desk.KindOf(err)]).final:
		return known, nil
	}
	return known, err
}

// identity is what the desk knows the client by: a pseudonym of the phone, else
// of the e-mail; "" if neither is known.
func (c *lineCRM) identity(person dialog.Client) string {
	contact := dialog.ContactKey(c.settings, person)
	if contact == "" {
		return ""
	}
	return c.store.Pseudonym(c.portal, contact)
}

// leadOrigin is the originId of the lead made for a client identity.
func leadOrigin(identity string) string { return "line:" + identity }

// responsible makes somebody responsible for an item. With From, only while that
// one still is: else a person has chosen somebody, and the desk is told whom.
func (c *lineCRM) responsible(ctx context.Context) (done workflows.LineCommandDone, err error) {
	item := c.command.Item
	kind := dialog.Kind(item.Kind)
	if entityTypes[kind] == 0 || c.command.User == 0 {
		return done, nil
	}
	res, err := c.batch(ctx, false, get("item", kind, item.ID))
	if err != nil {
		return done, err
	}
	if res.absent("item") {
		return workflows.LineCommandDone{Note: fmt.Sprintf("%s %d does not exist any more", item.Kind, item.ID)}, nil
	}
	var got struct {
		Item card `json:"item"`
	}
	if err := res.read("item", &got); err != nil {
		return done, err
	}
	has := openlines.UserID(got.Item.Responsible)
	switch {
	case has == c.command.User:
		return done, c.rememberResponsible(ctx, item, has)
	case c.command.From != 0 && has != c.command.From:
		done.Note = fmt.Sprintf("%s %d stays with user %d, whom a person chose", item.Kind, item.ID, has)
		done.Events = []openlines.Event{c.event(openlines.ResponsibleChanged, openlines.CRMFacts{Item: item, Responsible: has})}
		return done, c.rememberResponsible(ctx, item, has)
	}
	// What is remembered before the write keeps its own event from being taken for a person's.
	if err := c.rememberResponsible(ctx, item, c.command.User); err != nil {
		return done, err
	}
	params := itemParams(kind, map[string]any{"assignedById": int64(c.command.User)})
	params["id"] = item.ID
	_, err = c.call(ctx, "crm.item.update", params)
	return done, err
}

// rememberResponsible keeps who is responsible for an item that shows chats, so
// that a change by a person is told from everything else that happens to it.
func (c *lineCRM) rememberResponsible(ctx context.Context, item openlines.Item, user openlines.UserID) error {
	_, err := c.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: c.portal, WriteKey: store.ItemKey(item), State: store.WriteDone, ExternalID: int64(user),
	})
	return err
}

// landed makes sure that the request of an earlier attempt cannot be at work any
// more: what it makes could not be found yet, and would be made twice.
func (c *lineCRM) landed(w store.LineWrite) error {
	rest := time.Until(w.UpdatedAt.Add(c.request + inFlightMargin))
	if w.State != store.WriteSending || rest <= 0 {
		return nil
	}
	return again(errInFlight, "a request of an earlier attempt may still be at work in the portal: wait until it cannot be", rest)
}

// makeOnce makes something that must exist once: what an earlier attempt made is
// known, or found by its mark.
func (c *lineCRM) makeOnce(
	ctx context.Context, w store.LineWrite, look func(context.Context) (int64, error), send func(context.Context) (int64, error),
) (id int64, err error) {
	known, begun, err := c.store.LineWrite(ctx, c.portal, w.WriteKey)
	switch {
	case err != nil:
		return 0, err
	case known.State == store.WriteDone && known.ExternalID != 0:
		return known.ExternalID, nil
	case begun:
		if err := c.landed(known); err != nil {
			return 0, err
		}
	}
	if id, err = look(ctx); err == nil && id == 0 {
		id, err = c.sendOnce(ctx, w, send)
	}
	if err != nil {
		return 0, err
	}
	w.State, w.ExternalID = store.WriteDone, id
	_, err = c.saveWrite(ctx, w)
	return id, err
}

// sendOnce sends a write, and notes before and after what is known of it.
func (c *lineCRM) sendOnce(ctx context.Context, w store.LineWrite, send func(context.Context) (int64, error)) (int64, error) {
	w.State = store.WriteSending
	if _, err := c.store.SaveLineWrite(ctx, w); err != nil {
		return 0, err
	}
	id, err := send(ctx)
	if err == nil && id == 0 {
		err = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Description: "the answer names no id"}
	}
	if err == nil {
		return id, nil
	}
	w.State = store.WriteUnanswered
	_, lost := c.saveWrite(ctx, w)
	return 0, errors.Join(err, lost)
}

func (c *lineCRM) saveWrite(ctx context.Context, w store.LineWrite) (bool, error) {
	ctx, cancel := kept(ctx)
	defer cancel()
	w.UpdatedAt = time.Time{}
	return c.store.SaveLineWrite(ctx, w)
}

// lineItem is an entity of the CRM that may show a chat.
type lineItem struct {
	kind dialog.Kind
	card
}

// newest is the item that was changed last, of equals the one with the lower id.
func newest(items []lineItem) (lineItem, bool) {
	if len(items) == 0 {
		return lineItem{}, false
	}
	return slices.MinFunc(items, func(x, y lineItem) int {
		return cmp.Or(y.Updated.Compare(x.Updated.Time), cmp.Compare(x.ID, y.ID))
	}), true
}
