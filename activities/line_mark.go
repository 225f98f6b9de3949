package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// The chat activity of a session (openlines reference §8, bitrix24 reference
// §4.3) comes in two forms.
//
// With an installed application it is a configurable activity of an incoming
// channel: it has no deadline, counts green for its responsible, shows the unread
// number as a tag, and on the kanban as a badge.
//
// A webhook may make no activity with a provider. There it is an incoming call:
// the only kind that has a direction, which the counter of incoming activities
// follows, and that sends nothing. Number and times stand in its title and
// description.
const (
	formConfigurable = "configurable"
	formClassic      = "classic"
)

// unreadBadge is the code of our badge on cards of the kanban.
const unreadBadge = "puente_unread"

// mark makes the chat activity of the session show what the desk says. Marks
// have versions: an older one never overwrites a newer one, and the activity
// carries the version in its origin, by which its own events are known again.
func (c *lineCRM) mark(ctx context.Context) (done workflows.LineCommandDone, err error) {
	if c.command.Mark == nil || entityTypes[dialog.Kind(c.command.Item.Kind)] == 0 {
		return done, final("", errInvalid, "the mark is of nothing that the CRM knows")
	}
	m := &lineMark{lineCRM: c, Mark: *c.command.Mark, item: c.command.Item}
	row, begun, err := c.store.LineWrite(ctx, c.portal, m.key())
	if err != nil || begun && row.State == store.WriteDone && row.Version >= m.Version {
		return done, err
	}
	if m.person, _, err = c.known(ctx); err != nil {
		return done, err
	}
	err = m.write(ctx, row, begun)
	if err != nil && named(crmVerdicts[bitrix24.KindOf(err)]).final && m.gone(ctx) {
		done.Note = fmt.Sprintf("⚠ %s %d does not exist any more: the chat is shown nowhere", m.item.Kind, m.item.ID)
		return done, nil
	}
	return done, err
}

// gone tells whether somebody has deleted the item that should show the chat.
func (m *lineMark) gone(ctx context.Context) bool {
	res, err := m.batch(ctx, false, get("item", dialog.Kind(m.item.Kind), m.item.ID))
	return err == nil && res.absent("item")
}

// lineMark is one mark on its way to its activity.
type lineMark struct {
	*lineCRM
	openlines.Mark
	item   openlines.Item
	person dialog.Client
}

func (m *lineMark) key() string { return fmt.Sprintf("mark:%d", m.command.Session) }

// origin is the originId of the activity at a version.
func (m *lineMark) origin(version int64) string {
	return workflows.LineMarkOrigin(m.command.Session, version)
}

// write makes the activity, or brings the one there is up to date.
func (m *lineMark) write(ctx context.Context, row store.LineWrite, begun bool) error {
	if begun && row.ExternalID == 0 {
		if err := m.landed(row); err != nil {
			return err
		}
		found, err := m.findActivity(ctx, row.Version)
		if err != nil {
			return err
		}
		row.ExternalID = found
	}
	form, moved := formOf(row.Detail)
	if row.ExternalID == 0 {
		return m.add(ctx)
	}
	if moved != "" && moved != m.place() {
		if err := m.move(ctx, row.ExternalID, moved); err != nil {
			return err
		}
	}
	err := m.update(ctx, row.ExternalID, form)
	if bitrix24.KindOf(err) != bitrix24.KindNotFound {
		return err
	}
	if m.Open { // somebody deleted it: the chat is still there
		return m.add(ctx)
	}
	return m.settled(ctx, row.ExternalID, form)
}

// place is the item as it is remembered with the activity.
func (m *lineMark) place() string { return fmt.Sprintf("%s:%d", m.item.Kind, m.item.ID) }

// add makes the activity. Its form is chosen once: what a webhook made only
// crm.activity.update can change, and the other way round.
func (m *lineMark) add(ctx context.Context) error {
	form, gateway, err := m.form(ctx)
	if err != nil {
		return err
	}
	row := store.LineWrite{
		Portal: m.portal, WriteKey: m.key(), State: store.WriteSending, Version: m.Version, Detail: form + " " + m.place(), UpdatedAt: time.Now(),
	}
	if saved, err := m.store.SaveLineWrite(ctx, row); err != nil || !saved {
		return err
	}
	m.gateway = gateway
	command := m.classicAdd()
	if form == formConfigurable {
		command = m.configurableAdd(ctx)
	}
	answer, err := m.call(ctx, command.Method, command.Params)
	id := activityID(answer)
	if err == nil && id == 0 {
		err = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Method: command.Method, Description: "the answer names no id"}
	}
	if err != nil {
		row.State = store.WriteUnanswered
		_, lost := m.saveWrite(ctx, row)
		return errors.Join(err, lost)
	}
	return m.settled(ctx, id, form)
}

// form chooses how the activity is made: through the application if there is one.
func (m *lineMark) form(ctx context.Context) (string, bitrix24.Gateway, error) {
	app, err := m.registry.App(ctx, m.portal)
	switch {
	case err == nil:
		return formConfigurable, app, nil
	case errors.Is(err, portals.ErrNoAccount):
		return formClassic, m.gateway, nil
	}
	return "", nil, err
}

// update changes the activity.
func (m *lineMark) update(ctx context.Context, id int64, form string) error {
	command := m.classicUpdate(id)
	if form == formConfigurable {
		app, err := m.registry.App(ctx, m.portal)
		if err != nil {
			return err
		}
		m.gateway = app
		command = m.configurableUpdate(ctx, id)
	}
	if _, err := m.call(ctx, command.Method, command.Params); err != nil {
		return err
	}
	return m.settled(ctx, id, form)
}

// settled notes what the activity shows now, and whose it is.
func (m *lineMark) settled(ctx context.Context, id int64, form string) error {
	_, err := m.saveWrite(ctx, store.LineWrite{
		Portal: m.portal, WriteKey: m.key(), State: store.WriteDone, ExternalID: id, Version: m.Version, Detail: form + " " + m.place(),
	})
	if err != nil {
		return err
	}
	_, err = m.saveWrite(ctx, store.LineWrite{
		Portal: m.portal, WriteKey: store.ActivityKey(id), State: store.WriteDone, ExternalID: int64(m.command.Session),
	})
	return err
}

// findActivity looks for an activity whose answer was lost, by the origin that
// it was made with.
func (m *lineMark) findActivity(ctx context.Context, version int64) (int64, error) {
	res, err := m.batch(ctx, false, bitrix24.Command{Key: "own", Method: "crm.activity.list", Params: bitrix24.Params{
		"filter": bitrix24.Params{"ORIGINATOR_ID": workflows.Originator, "ORIGIN_ID": m.origin(version)}, "select": []string{"ID"},
	}})
	if err != nil {
		return 0, err
	}
	var rows []struct {
		ID bitrix24.ID `json:"ID"`
	}
	if err := res.read("own", &rows); err != nil || len(rows) == 0 {
		return 0, err
	}
	return int64(rows[0].ID), nil
}

// move hangs the activity on another item.
func (m *lineMark) move(ctx context.Context, id int64, from string) error {
	before, err := itemOf(from)
	if err != nil {
		return nil //nolint:nilerr // an unknown place: there is nothing to take it from
	}
	res, err := m.batch(ctx, false, bindCommand(id, contactcenter.Ref{Kind: m.item.Kind, ID: m.item.ID}),
		bitrix24.Command{Key: "unbind", Method: "crm.activity.binding.delete", Params: bitrix24.Params{
			"activityId": id, "entityTypeId": entityTypes[dialog.Kind(before.Kind)], "entityId": before.ID,
		}})
	if err != nil {
		return err
	}
	if err := res.trouble("bind-"+m.item.Kind, "unbind"); err != nil && !named(crmVerdicts[bitrix24.KindOf(err)]).final {
		return err
	}
	return nil // what is bound already, or was not bound, is as it should be
}
