package dispatch

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// itemEvents are the events of items that may show chats, by their kinds
// (bitrix24 reference §8.3).
var itemEvents = map[string]string{
	"ONCRMDEALUPDATE": "deal", "ONCRMLEADUPDATE": "lead", "ONCRMCONTACTUPDATE": "contact", "ONCRMCOMPANYUPDATE": "company",
}

// itemTypes are the entityTypeId of crm.item.* (bitrix24 reference §3.1).
var itemTypes = map[string]int{"lead": 1, "deal": 2, "contact": 3, "company": 4}

// crmEvents is what an event of the portal means for open lines. Events tell only
// an id (bitrix24 reference §8.2): what it stands for is read afterwards, and only
// of activities that Puente made and of items that show chats.
func (d *Dispatcher) crmEvents(ctx context.Context, row store.InboxEvent) ([]openlines.Event, error) {
	name := strings.ToUpper(row.HookType)
	kind := itemEvents[name]
	if kind == "" && name != "ONCRMACTIVITYUPDATE" {
		return nil, nil
	}
	id := eventID(row.Body)
	if id == 0 {
		return nil, nil
	}
	c := crmRow{dispatcher: d, row: row, id: id}
	ctx, cancel := context.WithTimeout(ctx, signalLimit)
	defer cancel()
	if kind == "" {
		return c.activity(ctx)
	}
	return c.item(ctx, openlines.Item{Kind: kind, ID: id})
}

// eventID is data[FIELDS][ID] of the form.
func eventID(body []byte) int64 {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return 0
	}
	id, err := strconv.ParseInt(form.Get("data[FIELDS][ID]"), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// crmRow is one event of the portal.
type crmRow struct {
	dispatcher *Dispatcher
	row        store.InboxEvent
	id         int64
}

// activity: somebody completed or reopened a chat activity (T25). What it carries
// of our own writes goes along: the desk knows them by the version.
func (c crmRow) activity(ctx context.Context) ([]openlines.Event, error) {
	_, ours, err := c.dispatcher.store.LineWrite(ctx, c.row.Portal, store.ActivityKey(c.id))
	if err != nil || !ours {
		return nil, err
	}
	var a struct {
		Completed bitrix24.Bool `json:"COMPLETED"`
		Origin    string        `json:"ORIGIN_ID"`
	}
	found, err := c.read(ctx, "crm.activity.get", bitrix24.Params{"id": c.id}, &a)
	session, version, known := workflows.ParseLineMark(a.Origin)
	if err != nil || !found || !known {
		return nil, err
	}
	return []openlines.Event{{
		ID: c.row.Key, Kind: openlines.ActivityChanged, At: c.row.ReceivedAt, Session: session, On: bool(a.Completed), Version: version,
	}}, nil
}

// item: an item that shows chats changed. Only another responsible employee is
// news; what Puente wrote itself is remembered, and is none. Once a person has
// chosen somebody, every later change is told, also back to whom Puente knew:
// the desk ignores what it knows.
func (c crmRow) item(ctx context.Context, item openlines.Item) ([]openlines.Event, error) {
	known, shows, err := c.dispatcher.store.LineWrite(ctx, c.row.Portal, store.ItemKey(item))
	if err != nil || !shows {
		return nil, err
	}
	var got struct {
		Item struct {
			Responsible bitrix24.ID `json:"assignedById"`
		} `json:"item"`
	}
	found, err := c.read(ctx, "crm.item.get", bitrix24.Params{"entityTypeId": itemTypes[item.Kind], "id": item.ID}, &got)
	now := int64(got.Item.Responsible)
	if err != nil || !found || now == 0 {
		return nil, err
	}
	byPerson, err := c.chosen(ctx, item, now, now != known.ExternalID)
	if err != nil || !byPerson {
		return nil, err
	}
	return []openlines.Event{{
		ID: c.row.Key, Kind: openlines.ResponsibleChanged, At: c.row.ReceivedAt,
		CRM: &openlines.CRMFacts{Item: item, Responsible: openlines.UserID(now)},
	}}, nil
}

// chosen tells whether a person has chosen the responsible employee of an item,
// now or before, and remembers who it is now.
func (c crmRow) chosen(ctx context.Context, item openlines.Item, user int64, now bool) (bool, error) {
	_, before, err := c.dispatcher.store.LineWrite(ctx, c.row.Portal, store.ChosenKey(item))
	if err != nil || !now && !before {
		return false, err
	}
	_, err = c.dispatcher.store.SaveLineWrite(ctx, store.LineWrite{
		Portal: c.row.Portal, WriteKey: store.ChosenKey(item), State: store.WriteDone, ExternalID: user,
	})
	return err == nil, err
}

// read asks the portal. What it does not have, and a portal without an account,
// tells nothing; while it cannot be asked the event waits.
func (c crmRow) read(ctx context.Context, method string, params bitrix24.Params, into any) (found bool, err error) {
	gateway, err := c.dispatcher.portals.Gateway(ctx, c.row.Portal)
	if errors.Is(err, portals.ErrNoAccount) || errors.Is(err, portals.ErrBadAccount) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	answer, err := gateway.Call(ctx, method, params)
	switch bitrix24.KindOf(err) {
	case bitrix24.KindNotFound, bitrix24.KindAccessDenied, bitrix24.KindInvalid:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, answer.Decode(into)
}
