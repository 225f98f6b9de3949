package activities

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"puente/bitrix24"
	"puente/dialog"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// activityID is the id in the answer of an add: a configurable activity tells an
// object, a classic one the bare id.
func activityID(answer bitrix24.Answer) int64 {
	var made struct {
		Activity struct {
			ID bitrix24.ID `json:"id"`
		} `json:"activity"`
	}
	if answer.Decode(&made) == nil && made.Activity.ID != 0 {
		return int64(made.Activity.ID)
	}
	return madeID(answer)
}

// formOf reads how an activity was made and what it hangs on.
func formOf(detail string) (form, place string) {
	form, place, _ = strings.Cut(detail, " ")
	return form, place
}

func itemOf(place string) (openlines.Item, error) {
	kind, number, _ := strings.Cut(place, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	return openlines.Item{Kind: kind, ID: id}, err
}

// Codes of a timeline record that every portal has; they stand in the official
// examples. The portal has none for a chat of somebody else's.
const (
	activityIcon = "call-completed"
	activityLogo = "call-incoming"
)

func (m *lineMark) configurableAdd(ctx context.Context) bitrix24.Command {
	return bitrix24.Command{Method: "crm.activity.configurable.add", Params: bitrix24.Params{
		"ownerTypeId": entityTypes[dialog.Kind(m.item.Kind)], "ownerId": m.item.ID,
		"fields": m.configurableFields(ctx), "layout": m.layout(ctx),
	}}
}

func (m *lineMark) configurableUpdate(ctx context.Context, id int64) bitrix24.Command {
	return bitrix24.Command{Method: "crm.activity.configurable.update", Params: bitrix24.Params{
		"id": id, "fields": m.configurableFields(ctx), "layout": m.layout(ctx),
	}}
}

func (m *lineMark) configurableFields(ctx context.Context) bitrix24.Params {
	fields := bitrix24.Params{
		"completed": yn(!m.Open), "isIncomingChannel": "Y",
		"originatorId": workflows.Originator, "originId": m.origin(m.Version),
	}
	if responsible := m.holder(); responsible != 0 {
		fields["responsibleId"] = responsible
	}
	if m.hasBadge(ctx) {
		fields["badgeCode"] = ""
		if m.Unread > 0 {
			fields["badgeCode"] = unreadBadge
		}
	}
	return fields
}

// holder is who is responsible for the activity.
func (m *lineMark) holder() int64 { return cmp.Or(int64(m.Responsible), user(m.settings)) }

func yn(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

// hasBadge makes the badge of the portal, once. Only an administrator's
// application may: without the badge the activity shows the number all the same.
func (m *lineMark) hasBadge(ctx context.Context) bool {
	const key = "badge:" + unreadBadge
	w, found, err := m.store.LineWrite(ctx, m.portal, key)
	if err != nil || found {
		return err == nil && w.State == store.WriteDone
	}
	t := m.texts()
	_, err = m.call(ctx, "crm.activity.badge.add", bitrix24.Params{
		"code": unreadBadge, "title": t.T("line.activity.badge", nil), "value": t.T("line.activity.badge_unread", nil), "type": "failure",
	})
	row := store.LineWrite{Portal: m.portal, WriteKey: key, State: store.WriteDone}
	if err != nil {
		if !named(crmVerdicts[bitrix24.KindOf(err)]).final {
			return false // the next mark tries again
		}
		row.State = store.WriteSending // refused for good
	}
	_, saved := m.saveWrite(ctx, row)
	return err == nil && saved == nil
}

// layout is how the application's activity looks (LayoutDto).
func (m *lineMark) layout(ctx context.Context) bitrix24.Params {
	header := bitrix24.Params{"title": bitrix24.Literal(m.title())}
	state, kind := m.state()
	header["tags"] = bitrix24.Params{"state": bitrix24.Params{"title": state, "type": kind}}
	blocks := bitrix24.Params{} // shown in the order of their names, by which JSON sorts them
	for i, text := range m.times() {
		blocks["a_time"+strconv.Itoa(i)] = bitrix24.Params{"type": "text", "properties": bitrix24.Params{"value": text}}
	}
	if link := m.link(ctx); link != "" {
		blocks["b_dialog"] = bitrix24.Params{"type": "link", "properties": bitrix24.Params{
			"text": m.texts().T("line.activity.open", nil), "action": bitrix24.Params{"type": "redirect", "uri": link},
		}}
	}
	return bitrix24.Params{
		"icon": bitrix24.Params{"code": activityIcon}, "header": header,
		"body": bitrix24.Params{"logo": bitrix24.Params{"code": activityLogo}, "blocks": blocks},
	}
}

// state is where the chat stands in words, and how the tag is coloured.
func (m *lineMark) state() (text, kind string) {
	t := m.texts()
	switch {
	case !m.Open:
		return t.T("line.activity.finished", nil), "secondary"
	case m.Unread > 0:
		return t.T("line.activity.unread", map[string]any{"count": m.Unread}), "failure"
	}
	return t.T("line.activity.answered", nil), "success"
}

func (m *lineMark) title() string {
	t := m.texts()
	return t.T("line.activity.title", map[string]any{"client": dialog.ClientName(m.person, t), "line": m.line.Name})
}

// times are when the chat was created and closed, in the zone of the line.
func (m *lineMark) times() []string {
	t, zone := m.texts(), zoneOf(m.line)
	layout := t.T("format.date_time", nil)
	out := []string{t.T("line.activity.created", map[string]any{"time": m.Created.In(zone).Format(layout)})}
	if !m.Open && !m.Closed.IsZero() {
		out = append(out, t.T("line.activity.closed", map[string]any{"time": m.Closed.In(zone).Format(layout)}))
	}
	return out
}

// link is the address of the dialog, "" if it cannot be built.
func (m *lineMark) link(ctx context.Context) string {
	portal, err := m.registry.Portal(ctx, m.portal)
	if err != nil {
		return ""
	}
	row, err := m.store.Dialog(ctx, m.portal, m.client, m.channel)
	if err != nil {
		return ""
	}
	links := dialog.Links{Portal: portals.WebURL(portal), Web: portal.Chat2Desk.WebURL, General: m.settings.General}
	return links.Dialog(row.DialogID, m.client, row.LastRequestID)
}

// typeCall and directionIn make the webhook's activity an incoming call.
const (
	typeCall    = 2
	directionIn = 1
)

func (m *lineMark) classicAdd() bitrix24.Command {
	fields := m.classicFields()
	fields["OWNER_TYPE_ID"], fields["OWNER_ID"] = entityTypes[dialog.Kind(m.item.Kind)], m.item.ID
	fields["TYPE_ID"], fields["DIRECTION"], fields["DESCRIPTION_TYPE"] = typeCall, directionIn, 1
	fields["COMMUNICATIONS"] = []any{m.communication()}
	return bitrix24.Command{Method: "crm.activity.add", Params: bitrix24.Params{"fields": fields}}
}

func (m *lineMark) classicUpdate(id int64) bitrix24.Command {
	return bitrix24.Command{Method: "crm.activity.update", Params: bitrix24.Params{"id": id, "fields": m.classicFields()}}
}

func (m *lineMark) classicFields() bitrix24.Params {
	state, _ := m.state()
	return bitrix24.Params{
		"SUBJECT": bitrix24.Literal(state + " · " + m.title()), "DESCRIPTION": strings.Join(m.times(), "\n"), "COMPLETED": yn(!m.Open),
		"RESPONSIBLE_ID": m.holder(), "ORIGINATOR_ID": workflows.Originator, "ORIGIN_ID": m.origin(m.Version),
	}
}

// communication is the partner of the call: by phone where one is known, else by
// the number of the client in Chat2Desk.
func (m *lineMark) communication() bitrix24.Params {
	value := fmt.Sprintf("Chat2Desk %d", m.client)
	if number, ok := dialog.ClientPhone(m.settings, m.person); ok {
		value = number.E164
	}
	out := bitrix24.Params{"VALUE": value}
	if kind := dialog.Kind(m.item.Kind); kind != dialog.Deal {
		out["ENTITY_ID"], out["ENTITY_TYPE_ID"] = m.item.ID, entityTypes[kind]
	}
	return out
}
