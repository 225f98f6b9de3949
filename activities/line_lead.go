package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/dialog"
	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// lead makes the lead of an unknown client: one per identity, whatever is
// repeated or lost (openlines reference §8). It carries the identity as its
// origin, is looked up by it before it is made, and gets what was written so far
// as a comment. In simple CRM mode the portal makes a deal of it, which then
// shows the chat. The desk learns the item.
func (c *lineCRM) lead(ctx context.Context) (done workflows.LineCommandDone, err error) {
	person, hooks, err := c.who(ctx)
	if err != nil {
		return done, err
	}
	owner := fmt.Sprintf("line:%s:lead:%s", c.portal, c.command.Key)
	if err := c.claimPerson(ctx, owner, person); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, c.release(ctx, owner)) }()
	id, err := c.makeLead(ctx, person, hooks)
	if err != nil {
		return done, err
	}
	item, err := c.converted(ctx, id)
	if err != nil {
		return done, err
	}
	if err := errors.Join(c.writeHistory(ctx, id, person, hooks), c.learnItem(ctx, item)); err != nil {
		return done, err
	}
	done.Events = []openlines.Event{c.event(openlines.LeadCreated, openlines.CRMFacts{Identity: c.command.Key, Item: item})}
	return done, c.rememberResponsible(ctx, item, c.command.User)
}

func (c *lineCRM) release(ctx context.Context, owner string) error {
	ctx, cancel := kept(ctx)
	defer cancel()
	return c.store.Release(ctx, c.portal, owner)
}

// claimPerson waits while a closed dialog of the same person is being brought
// into the CRM: find-or-create of one person is one line of work (design §4).
func (c *lineCRM) claimPerson(ctx context.Context, owner string, person dialog.Client) error {
	keys := []string{clientKey(c.client)}
	if contact := dialog.ContactKey(c.settings, person); contact != "" {
		keys = append(keys, contact)
	}
	ok, holder, err := c.store.Claim(ctx, c.portal, owner, keys, claimLease)
	if err == nil && !ok {
		err = again(errBusy, "the same client is being brought into the CRM: "+holder, growing(ctx, busyDelay, maxBusyDelay))
	}
	return err
}

func (c *lineCRM) makeLead(ctx context.Context, person dialog.Client, hooks []chat2desk.Event) (int64, error) {
	origin := leadOrigin(c.command.Key)
	look := func(ctx context.Context) (int64, error) {
		res, err := c.batch(ctx, false, byOrigin("own", dialog.Lead, origin))
		if err != nil {
			return 0, err
		}
		rows, err := res.rows("own")
		if err != nil || len(rows) == 0 {
			return 0, err
		}
		return int64(rows[len(rows)-1].ID), nil // newest first: the first one made
	}
	send := func(ctx context.Context) (int64, error) {
		answer, err := c.call(ctx, addMethod, itemParams(dialog.Lead, c.leadFields(origin, person, hooks)))
		return madeID(answer), err
	}
	return c.makeOnce(ctx, store.LineWrite{Portal: c.portal, WriteKey: "lead:" + c.command.Key}, look, send)
}

// leadFields are those of every lead that Puente makes, with the line as the
// channel.
func (c *lineCRM) leadFields(origin string, person dialog.Client, hooks []chat2desk.Event) map[string]any {
	in := dialog.EntityInput{
		Texts: c.texts(), Responsible: int64(c.command.User), SourceID: c.settings.CRM.SourceID,
		Origin: dialog.Origin{OriginatorID: workflows.Originator, OriginID: origin},
	}
	if in.Responsible == 0 {
		in.Responsible = user(c.settings)
	}
	if number, ok := dialog.ClientPhone(c.settings, person); ok {
		in.Phone, in.Extension = number.E164, number.Extension
	}
	return dialog.LeadFields(c.history(person, hooks), in)
}

// history is what was written so far.
func (c *lineCRM) history(person dialog.Client, hooks []chat2desk.Event) dialog.Snapshot {
	s := dialog.Snapshot{ChannelID: c.channel, ChannelName: c.line.Name, Client: person, Source: dialog.SourceWebhooks}
	for _, e := range hooks {
		m, isMessage := e.Message()
		if !isMessage {
			continue
		}
		s.DialogID, s.RequestID, s.Transport = m.DialogID, m.RequestID, m.Transport
		if s.OpenedAt.IsZero() {
			s.OpenedAt = m.Time
		}
		s.Messages = append(s.Messages, line(m))
	}
	return s
}

// writeHistory puts what was written so far on the lead's timeline, once.
func (c *lineCRM) writeHistory(ctx context.Context, lead int64, person dialog.Client, hooks []chat2desk.Event) error {
	if len(hooks) == 0 {
		return nil
	}
	marker := workflows.Originator + ":" + leadOrigin(c.command.Key)
	on := dialog.Ref{Kind: dialog.Lead, ID: lead}
	look := func(ctx context.Context) (int64, error) {
		rows, _, err := c.comments(ctx, on, 0)
		for _, r := range rows {
			if dialog.HasMarker(r.Comment, marker) {
				return int64(r.ID), err
			}
		}
		return 0, err
	}
	send := func(ctx context.Context) (int64, error) {
		text := dialog.Render(c.history(person, hooks), dialog.RenderOptions{Texts: c.texts(), Zone: c.settings.Zone(), Marker: marker})
		answer, err := c.call(ctx, commentMethod, bitrix24.Params{"fields": bitrix24.Params{
			"ENTITY_ID": on.ID, "ENTITY_TYPE": string(on.Kind), "COMMENT": bitrix24.Literal(text.Comment),
		}})
		return madeID(answer), err
	}
	_, err := c.makeOnce(ctx, store.LineWrite{Portal: c.portal, WriteKey: "history:" + c.command.Key}, look, send)
	return err
}

// Waiting for the portal to make a deal of a lead.
const (
	conversionAttempts = 10 // then the lead itself shows the chat
	conversionDelay    = 3 * time.Second
)

// converted is the item that shows the chat: the lead, or in simple CRM mode the
// deal that the portal makes of it (bitrix24 reference §3.13).
func (c *lineCRM) converted(ctx context.Context, lead int64) (openlines.Item, error) {
	item := openlines.Item{Kind: string(dialog.Lead), ID: lead}
	simple, err := c.simple(ctx)
	if err != nil || !simple {
		return item, err
	}
	res, err := c.batch(ctx, false, list("deals", dialog.Deal, bitrix24.Params{"leadId": lead}))
	if err != nil {
		return item, err
	}
	deals, err := res.rows("deals")
	switch {
	case err != nil:
		return item, err
	case len(deals) > 0:
		return openlines.Item{Kind: string(dialog.Deal), ID: int64(deals[0].ID)}, nil
	case attempt(ctx) < conversionAttempts:
		return item, again(errNotConverted, fmt.Sprintf("lead %d is not converted yet", lead), conversionDelay)
	}
	return item, nil
}

// simple tells whether the portal works without leads.
func (c *lineCRM) simple(ctx context.Context) (bool, error) {
	if c.settings.CRM.Mode != settings.ModeAuto {
		return c.settings.CRM.Mode == settings.ModeSimple, nil
	}
	res, err := c.batch(ctx, false, bitrix24.Command{Key: "mode", Method: "crm.settings.mode.get"})
	if err != nil {
		return false, err
	}
	var mode bitrix24.ID
	err = res.read("mode", &mode)
	return mode == 2, err
}

// learnItem lets the closed dialog of this client find the item.
func (c *lineCRM) learnItem(ctx context.Context, item openlines.Item) error {
	row := store.DialogRow{Portal: c.portal, ClientID: c.client, ChannelID: c.channel}
	switch dialog.Kind(item.Kind) {
	case dialog.Deal:
		row.DealID = item.ID
	case dialog.Lead:
		row.LeadID = item.ID
	}
	return c.store.LearnDialog(ctx, row)
}
