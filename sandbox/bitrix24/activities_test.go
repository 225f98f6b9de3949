package bitrix24

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const someActivity = `{"fields":{"OWNER_TYPE_ID":2,"OWNER_ID":1,"TYPE_ID":2,"SUBJECT":"Call","RESPONSIBLE_ID":7,
	"START_TIME":"2026-01-05T12:00:00+03:00","END_TIME":"2026-01-05T12:10:00+03:00","DEADLINE":"2030-01-01",
	"COMMUNICATIONS":[{"VALUE":"+7999","TYPE":"PHONE","ENTITY_ID":1,"ENTITY_TYPE_ID":3}]}}`

func TestActivityTimesAndChanges(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	id := h.id("crm.activity.add", someActivity)
	get := func() map[string]any { return h.ok("crm.activity.get", fmt.Sprintf(`{"id":%d}`, id)).object(t) }
	require.Equal(t, "2026-01-05T12:00:00+03:00", get()["DEADLINE"], "a call's deadline is its start, whatever was sent")
	require.Equal(t, []any{}, get()["SETTINGS"])
	h.clock.Advance(time.Minute)
	h.ok("crm.activity.update", fmt.Sprintf(`{"id":%d,"fields":{"START_TIME":"2026-01-06T12:00:00+03:00","COMPLETED":"Y","OWNER_ID":99,
		"SETTINGS":{"A":1},"COMMUNICATIONS":[{"VALUE":"+7998","TYPE":"PHONE","ENTITY_ID":1,"ENTITY_TYPE_ID":3}]}}`, id))
	row := get()
	for name, want := range map[string]any{
		"DEADLINE": "2026-01-06T12:00:00+03:00", "STATUS": "2", "OWNER_ID": "1", "OWNER_TYPE_ID": "2", "LAST_UPDATED": "2026-01-05T10:01:00+03:00",
		"SETTINGS": map[string]any{"A": 1.0},
	} {
		require.Equal(t, want, row[name], name)
	}
	list := h.ok("crm.activity.list", `{"select":["ID","COMMUNICATIONS"]}`).list(t)
	require.Len(t, list[0].(map[string]any)["COMMUNICATIONS"], 1)
	require.Equal(t, true, h.ok("crm.activity.delete", fmt.Sprintf(`{"id":%d}`, id)).Result)
	require.Equal(t, "Activity is not found.", h.call("crm.activity.delete", fmt.Sprintf(`{"id":%d}`, id)).Text)
}

func TestActivityErrors(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.id("crm.activity.add", someActivity)
	fields := func(rest string) string {
		return `{"fields":{"OWNER_TYPE_ID":2,"OWNER_ID":1,"SUBJECT":"x","RESPONSIBLE_ID":7,` + rest + `}}`
	}
	two := `"COMMUNICATIONS":[{"VALUE":"1","TYPE":"PHONE"},{"VALUE":"2","TYPE":"PHONE"}]`
	for _, c := range []struct{ method, body, want string }{
		{"crm.activity.add", `{}`, "Parameter 'fields' must be array."},
		{"crm.activity.add", fields(`"X":1`), "The field TYPE_ID is not defined or invalid."},
		{"crm.activity.add", `{"fields":{"TYPE_ID":2,"RESPONSIBLE_ID":7}}`, "The field SUBJECT is not defined or empty."},
		{"crm.activity.add", `{"fields":{"TYPE_ID":2,"SUBJECT":"x","RESPONSIBLE_ID":99}}`, "The field RESPONSIBLE_ID is not defined or invalid."},
		{"crm.activity.add", fields(`"TYPE_ID":2`), "The field COMMUNICATIONS is not defined or invalid."},
		{"crm.activity.add", fields(`"TYPE_ID":2,` + two), "The only one communication is allowed for activity of specified type."},
		{"crm.activity.add", fields(`"TYPE_ID":6`), "The custom activity without provider is not supported in current context."},
		{"crm.activity.add", fields(`"TYPE_ID":6,"PROVIDER_ID":"CONFIGURABLE_REST_APP"`), "Use crm.activity.configurable.add for this activity provider."},
		{"crm.activity.add", fields(`"TYPE_ID":6,"PROVIDER_ID":"REST_APP"`), "Application context required."},
		{"crm.activity.add", `{"fields":{"OWNER_TYPE_ID":2,"OWNER_ID":99,"TYPE_ID":4,"SUBJECT":"x","RESPONSIBLE_ID":7,` + two + `}}`, "Could not build binding. Please ensure that owner info and communications are defined correctly."},
		{"crm.activity.add", fields(`"TYPE_ID":4,"START_TIME":"soon",` + two), "The field START_TIME is not defined or invalid."},
		{"crm.activity.update", `{"id":1,"fields":{"SUBJECT":""}}`, "The field SUBJECT is not defined or empty."},
		{"crm.activity.update", `{"id":9,"fields":{}}`, "Activity is not found."},
		{"crm.activity.get", `{}`, "ID is not defined or invalid."},
	} {
		a := h.call(c.method, c.body)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %s: %s", c.method, c.body, a.Body)
		require.Equal(t, c.want, a.Text, "%s %s", c.method, c.body)
		require.Empty(t, a.Error)
	}
}

func TestActivityFilters(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.id("crm.activity.add", someActivity)
	h.clock.Advance(time.Hour)
	h.id("crm.activity.add", `{"fields":{"OWNER_TYPE_ID":3,"OWNER_ID":1,"TYPE_ID":6,"PROVIDER_ID":"CRM_SMS","SUBJECT":"SMS","RESPONSIBLE_ID":1,
		"ORIGINATOR_ID":"c2d","ORIGIN_ID":"77","COMPLETED":"Y"}}`)
	for filter, want := range map[string][]string{
		`{}`:                        {"1", "2"},
		`{"PROVIDER_ID":"CRM_SMS"}`: {"2"},
		`{"ORIGINATOR_ID":"c2d","ORIGIN_ID":"77"}`:               {"2"},
		`{"OWNER_TYPE_ID":3,"OWNER_ID":1}`:                       {"2"},
		`{"COMPLETED":"N","RESPONSIBLE_ID":7}`:                   {"1"},
		`{"BINDINGS":[{"OWNER_TYPE_ID":3,"OWNER_ID":1}]}`:        {"1", "2"},
		`{"BINDINGS":[{"OWNER_TYPE_ID":2},{"OWNER_TYPE_ID":3}]}`: {"1", "1", "2"},
		`{"BINDINGS":[{"OWNER_TYPE_ID":4,"OWNER_ID":1}]}`:        {},
		`{">=LAST_UPDATED":"2026-01-05T07:30:00Z"}`:              {"2"},
		`{"<LAST_UPDATED":"2026-01-05T10:30:00+03:00"}`:          {"1"},
		`{"@ID":[2,3]}`:      {"2"},
		`{"%SUBJECT":"cal"}`: {"1"},
		`{"TYPE_ID":2,">ID":0,"BINDINGS":[{"OWNER_TYPE_ID":2,"OWNER_ID":1}]}`: {"1"},
	} {
		got := []string{}
		for _, row := range h.ok("crm.activity.list", `{"filter":`+filter+`,"order":{"ID":"ASC"}}`).list(t) {
			got = append(got, row.(map[string]any)["ID"].(string))
		}
		require.Equal(t, want, got, filter)
	}
}

func TestActivityBindings(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	h.id("crm.activity.add", someActivity)
	h.id("crm.deal.add", `{"fields":{"TITLE":"Two"}}`)
	move := `{"activityId":1,"sourceEntityTypeId":%d,"sourceEntityId":%d,"targetEntityTypeId":%d,"targetEntityId":%d}`
	for _, c := range []struct{ method, body, want string }{
		{"add", `{"entityTypeId":2,"entityId":1}`, "100"},
		{"add", `{"activityId":9,"entityTypeId":2,"entityId":1}`, "NOT_FOUND"},
		{"add", `{"activityId":1,"entityTypeId":2,"entityId":9}`, "OWNER_NOT_FOUND"},
		{"add", `{"activityId":1,"entityTypeId":2,"entityId":1}`, "ACTIVITY_IS_ALREADY_BOUND"},
		{"delete", `{"activityId":1,"entityTypeId":2,"entityId":2}`, "BINDING_NOT_FOUND"},
		{"list", `{}`, "100"},
		{"list", `{"activityId":9}`, "NOT_FOUND"},
		{"move", `{"activityId":1}`, "100"},
		{"move", fmt.Sprintf(move, 2, 1, 3, 1), "SOURCE_AND_TARGET_ENTITY_TYPES_ARE_NOT_EQUAL_ERROR"},
		{"move", fmt.Sprintf(move, 2, 1, 2, 1), "SOURCE_AND_TARGET_ENTITY_ID_ARE_EQUAL_ERROR"},
		{"move", fmt.Sprintf(move, 2, 1, 2, 9), "OWNER_NOT_FOUND"},
		{"move", fmt.Sprintf(move, 2, 2, 2, 1), "BINDING_NOT_FOUND"},
	} {
		a := h.call("crm.activity.binding."+c.method, c.body)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %s: %s", c.method, c.body, a.Body)
		require.Equal(t, c.want, a.Error, "%s %s", c.method, c.body)
	}
	require.Equal(t, true, h.ok("crm.activity.binding.move", fmt.Sprintf(move, 2, 1, 2, 2)).Result)
	require.Equal(t, "2", h.ok("crm.activity.get", `{"id":1}`).object(t)["OWNER_ID"], "the owner moved")
	require.JSONEq(t, `{"result":[{"entityTypeId":2,"entityId":2},{"entityTypeId":3,"entityId":1}]}`,
		h.ok("crm.activity.binding.list", `{"activityId":1}`).without(t))
	require.Equal(t, true, h.ok("crm.activity.binding.delete", `{"activityId":1,"entityTypeId":2,"entityId":2}`).Result)
	require.Equal(t, "LAST_BINDING_CANNOT_BE_DELETED", h.call("crm.activity.binding.delete", `{"activityId":1,"entityTypeId":3,"entityId":1}`).Error)
	for i := range maxActivityBindings - 1 {
		deal := h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
		require.Equal(t, true, h.ok("crm.activity.binding.add", fmt.Sprintf(`{"activityId":1,"entityTypeId":2,"entityId":%d}`, deal)).Result, i)
	}
	require.Equal(t, http.StatusBadRequest, h.call("crm.activity.binding.add", `{"activityId":1,"entityTypeId":2,"entityId":1}`).Status, "100 are enough")
}

func TestUniversalActivities(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	add := h.ok("crm.activity.todo.add", `{"ownerTypeId":2,"ownerId":1,"deadline":"2026-08-19 15:00:00","title":"Call back","description":"soon",
		"responsibleId":7,"pingOffsets":[0,15],"colorId":"3"}`)
	require.JSONEq(t, `{"result":{"id":1}}`, add.without(t))
	todo := func(rest string) string { return `{"id":1,"ownerTypeId":2,"ownerId":1` + rest + `}` }
	for _, c := range []struct{ method, body string }{
		{"updateDeadline", todo(`,"value":"2026-09-01T10:00:00+03:00"`)},
		{"updateDescription", todo(`,"value":"later"`)},
		{"updateColor", todo(`,"colorId":"7"`)},
		{"updateResponsibleUser", todo(`,"responsibleId":1`)},
	} {
		require.JSONEq(t, `{"result":{"id":1}}`, h.ok("crm.activity.todo."+c.method, c.body).without(t))
	}
	row := h.ok("crm.activity.get", `{"id":1}`).object(t)
	for name, want := range map[string]any{
		"PROVIDER_ID": "CRM_TODO", "SUBJECT": "Call back", "DEADLINE": "2026-09-01T10:00:00+03:00", "DESCRIPTION": "later", "RESPONSIBLE_ID": "1",
		"SETTINGS": map[string]any{"COLOR": "7", "PING_OFFSETS": []any{0.0, 15.0}},
	} {
		require.Equal(t, want, row[name], name)
	}
	h.ok("crm.activity.todo.update", todo(`,"deadline":"2026-09-02T10:00:00+03:00","title":"Again"`))
	require.Equal(t, "later", h.ok("crm.activity.get", `{"id":1}`).object(t)["DESCRIPTION"])
	h.ok("crm.activity.todo.add", `{"ownerTypeId":2,"ownerId":1,"deadline":"2026-08-19 15:00:00"}`)
	h.ok("crm.activity.update", `{"id":2,"fields":{"COMPLETED":"Y"}}`)
	for _, c := range []struct{ method, body, want string }{
		{"add", `{"ownerTypeId":2,"ownerId":1}`, "100"},
		{"add", `{"ownerTypeId":2,"ownerId":9,"deadline":"2026-01-01"}`, "OWNER_NOT_FOUND"},
		{"add", `{"ownerTypeId":2,"ownerId":1,"deadline":"soon"}`, "WRONG_DATETIME_FORMAT"},
		{"add", `{"ownerTypeId":2,"ownerId":1,"deadline":"2026-01-01","parentActivityId":2}`, "ERROR_PARENT_ACTIVITY_RESTRICT"},
		{"update", todo(``), "100"},
		{"update", `{"id":9,"ownerTypeId":2,"ownerId":1,"deadline":"2026-01-01"}`, "NOT_FOUND"},
		{"update", `{"id":1,"ownerTypeId":3,"ownerId":1,"deadline":"2026-01-01"}`, "NOT_FOUND"},
		{"update", `{"id":2,"ownerTypeId":2,"ownerId":1,"deadline":"2026-01-01"}`, "CAN_NOT_UPDATE_COMPLETED_TODO"},
		{"updateColor", todo(`,"colorId":"9"`), "CAN_NOT_UPDATE_WRONG_COLOR_TODO"},
		{"updateColor", `{"id":2,"ownerTypeId":2,"ownerId":1,"colorId":"1"}`, "CAN_NOT_UPDATE_COLOR_COMPLETED_TODO"},
		{"updateResponsibleUser", todo(`,"responsibleId":-1`), "INVALID_ARG_VALUE"},
		{"updateResponsibleUser", `{"id":2,"ownerTypeId":2,"ownerId":1,"responsibleId":1}`, "CAN_NOT_UPDATE_RESPONSIBLE_USER_COMPLETED_TODO"},
		{"updateDeadline", todo(`,"value":"soon"`), "WRONG_DATETIME_FORMAT"},
	} {
		a := h.call("crm.activity.todo."+c.method, c.body)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s %s: %s", c.method, c.body, a.Body)
		require.Equal(t, c.want, a.Error, "%s %s", c.method, c.body)
	}
}

const layout = `{"icon":{"code":"call-completed"},"header":{"title":{"en":"Call"},"tags":{"s":{"type":"warning","title":"late"}}},
	"body":{"logo":{"code":"call-incoming"},"blocks":{"t":{"type":"withTitle","properties":{"title":"Client","inline":true,
	"block":{"type":"link","properties":{"text":"Anna","action":{"type":"redirect","uri":"/crm/deal/details/1/"}}}}}}},
	"footer":{"buttons":{"b":{"title":"Open","type":"primary","action":{"type":"openRestApp","actionParams":{"id":1}}}},
	"menu":{"showPostponeItem":"false","items":{"x":{"title":"Yes","action":{"type":"restEvent","id":"yes"}}}}}}`

func TestConfigurableActivities(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	body := `{"ownerTypeId":2,"ownerId":1,"fields":{"completed":"Y","originatorId":"c2d","originId":"9","badgeCode":"late"},"layout":` + layout + `}`
	require.Equal(t, "ERROR_WRONG_CONTEXT", h.call("crm.activity.configurable.add", body).Error)
	require.Equal(t, "WRONG_FIELD_VALUE", h.app("crm.activity.configurable.add", body).Error, "there is no such badge")
	require.JSONEq(t, `{"result":{"badge":{"code":"late","title":"State","value":"Late","type":"failure"}}}`,
		h.ok("crm.activity.badge.add", `{"code":"late","title":{"en":"State"},"value":"Late","type":"failure"}`).without(t))
	require.JSONEq(t, `{"result":{"activity":{"id":1}}}`, h.app("crm.activity.configurable.add", body).without(t))
	require.JSONEq(t, `{"result":{"activity":{"id":1,"ownerTypeId":2,"ownerId":1,"fields":{"typeId":"CONFIGURABLE","completed":true,"deadline":null,
		"pingOffsets":[],"isIncomingChannel":false,"responsibleId":7,"badgeCode":"late","originatorId":"c2d","originId":"9"},"layout":`+layout+`}}}`,
		h.app("crm.activity.configurable.get", `{"id":1}`).without(t))
	card := h.get("/crm/deal/details/1/").Body
	require.Contains(t, card, `<article class="entry done">`, "it is completed")
	require.Contains(t, card, `<b>Call</b> <span class="tag warning">late</span>`)
	require.Contains(t, card, `Client: <a href="/crm/deal/details/1/">Anna</a>`)
	found := h.ok("crm.activity.list", `{"filter":{"ORIGINATOR_ID":"c2d","ORIGIN_ID":"9"}}`).list(t)
	require.Equal(t, "Call", found[0].(map[string]any)["SUBJECT"])
	require.JSONEq(t, `{"result":{"activity":{"id":1}}}`,
		h.app("crm.activity.configurable.update", `{"id":1,"fields":{"completed":false,"deadline":"2026-02-01T10:00:00+03:00"},"layout":`+layout+`}`).without(t))
	require.Equal(t, "Use crm.activity.configurable.update for this activity provider.", h.call("crm.activity.update", `{"id":1,"fields":{"COMPLETED":"Y"}}`).Text)
	require.Equal(t, "INCOMING_ACTIVITY_CAN_NOT_BE_WITH_DEADLINE",
		h.app("crm.activity.configurable.update", `{"id":1,"fields":{"isIncomingChannel":1},"layout":`+layout+`}`).Error)
	h.control(http.MethodPost, "/sandbox/apps", `{"client_id":"other","client_secret":"s"}`)
	require.Equal(t, "ERROR_WRONG_APPLICATION", h.as("other").app("crm.activity.configurable.update", `{"id":1,"fields":{},"layout":`+layout+`}`).Error)
	require.Equal(t, "NOT_FOUND", h.app("crm.activity.configurable.get", `{"id":9}`).Error)
	require.Equal(t, true, h.ok("crm.activity.badge.delete", `{"code":"late"}`).Result)
	require.JSONEq(t, `{"result":{"badges":[]}}`, h.ok("crm.activity.badge.list", `{}`).without(t))
}

func TestLayoutErrors(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	base := func(body string) string {
		return `{"icon":{"code":"info"},"header":{"title":"x"},"body":{"logo":{"code":"call"}` + body + `}}`
	}
	text := `{"type":"text","properties":{"value":"x"}}`
	for layout, want := range map[string]string{
		`{}`: "ERROR_EMPTY_LAYOUT",
		`{"icon":{"code":"info"},"header":{"title":"x"}}`:                                        "FIELD_IS_REQUIRED",
		`{"icon":{"code":"info"},"header":{"title":"x"},"body":{}}`:                              "FIELD_IS_REQUIRED",
		`{"icon":{"code":""},"header":{"title":"x"},"body":{"logo":{"code":"call"}}}`:            "WRONG_FIELD_VALUE",
		`{"icon":{"code":"info"},"header":{"title":{"xx":"x"}},"body":{"logo":{"code":"call"}}}`: "WRONG_LANG",
		base(`,"text":"x"`):                      "FIELD_IS_REDUNDANT",
		base(`,"blocks":{"t":{"type":"video"}}`): "ENUM_FIELD",
		base(`,"blocks":{"a b":` + text + `}`):   "KEY_CONTAIN_WRONG_SYMBOLS",
		base(`,"blocks":{"t":{"type":"text","properties":{"value":"x","size":"xl"}}}`):                                                "ENUM_FIELD",
		base(`,"blocks":{"t":{"type":"lineOfBlocks","properties":{"blocks":{"x":{"type":"largeText","properties":{"value":"x"}}}}}}`): "ENUM_FIELD",
		`{"icon":{"code":"info"},"header":{"title":"x","tags":{"a":{"type":"success","title":"x"},"b":{"type":"success","title":"x"},
			"c":{"type":"success","title":"x"}}},"body":{"logo":{"code":"call"}}}`: "TOO_MANY_ITEMS",
		`{"icon":{"code":"info"},"header":{"title":"x","tags":{"a":{"type":"lavender","title":"x"}}},"body":{"logo":{"code":"call"}}}`: "ENUM_FIELD",
	} {
		a := h.app("crm.activity.configurable.add", `{"ownerTypeId":2,"ownerId":1,"fields":{"completed":"N"},"layout":`+layout+`}`)
		require.Equal(t, http.StatusBadRequest, a.Status, "%s: %s", layout, a.Body)
		require.Equal(t, want, a.Error, "%s: %s", layout, a.Text)
	}
}

func TestThereAreNoTranscriptsOfTheirOwn(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	_, activity := h.finish("a")
	require.Nil(t, h.ok("crm.activity.call.getTranscript", fmt.Sprintf(`{"activityId":%d}`, activity)).Result)
	require.Equal(t, "NOT_FOUND", h.call("crm.activity.call.getTranscript", `{"activityId":99}`).Error)
	require.Contains(t, h.ok("crm.activity.communication.fields", `{}`).object(t), "ENTITY_TYPE_ID")
	require.Equal(t, true, h.ok("crm.activity.fields", `{}`).object(t)["CREATED"].(map[string]any)["isReadOnly"])
}
