package bitrix24

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotificationTags(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("im.notify.personal.add", `{"USER_ID":7,"MESSAGE":" one ","TAG":"t"}`)
	h.id("im.notify.personal.add", `{"USER_ID":7,"MESSAGE":"two","TAG":"t"}`)
	require.Len(t, h.p.Notifications(7), 2, "without CLIENT_ID a webhook has no tags")
	require.Equal(t, "one", h.p.Notifications(7)[0].Message)
	h.id("im.notify.system.add", `{"USER_ID":7,"MESSAGE":"a","TAG":"t","SUB_TAG":"s","CLIENT_ID":"x"}`)
	h.id("im.notify", `{"USER_ID":1,"TYPE":"SYSTEM","MESSAGE":"b","TAG":"t","SUB_TAG":"s","CLIENT_ID":"x"}`)
	h.id("im.notify", `{"USER_ID":7,"MESSAGE":"other app","TAG":"t","CLIENT_ID":"y"}`)
	require.Len(t, h.p.Notifications(7), 3, "the tag replaces the older one, whoever got it")
	require.Len(t, h.p.Notifications(1), 1)
	require.Equal(t, "ACCESS_DENIED", h.call("im.notify.delete", `{"TAG":"t"}`).Error)
	require.Equal(t, "PARAMS_ERROR", h.call("im.notify.delete", `{}`).Error)
	require.Equal(t, true, h.ok("im.notify.delete", `{"SUB_TAG":"s","CLIENT_ID":"x"}`).Result)
	require.Equal(t, false, h.ok("im.notify.delete", `{"TAG":"t","CLIENT_ID":"x"}`).Result)
	require.Empty(t, h.p.Notifications(1))
	for body, code := range map[string]string{
		`{"USER_ID":7}`:                            "MESSAGE_EMPTY",
		`{"USER_ID":7,"MESSAGE":"  "}`:             "MESSAGE_EMPTY",
		`{"MESSAGE":"x"}`:                          "USER_ID_EMPTY",
		`{"USER_ID":7,"MESSAGE":"x","ATTACH":"x"}`: "ATTACH_ERROR",
	} {
		require.Equal(t, code, h.call("im.notify.personal.add", body).Error, body)
	}
}

func TestNotificationsAreRead(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for _, text := range []string{"alpha", "beta", "gamma"} {
		h.id("im.notify.personal.add", `{"USER_ID":1,"MESSAGE":"`+text+`"}`)
	}
	get := func() map[string]any { return h.ok("im.notify.get", `{"LIMIT":2}`).object(t) }
	require.Len(t, get()["notifications"], 2)
	require.InDelta(t, 3, get()["total_unread_count"], 0)
	h.ok("im.notify.read", `{"ID":2}`)
	require.InDelta(t, 1, get()["total_unread_count"], 0)
	h.ok("im.notify.read.all", `{}`)
	require.InDelta(t, 0, get()["total_unread_count"], 0)
	require.InDelta(t, 1, h.ok("im.notify.history.search", `{"SEARCH_TEXT":"BETA"}`).object(t)["total_results"], 0)
}

func TestCommentOnSeveralTimelines(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	h.id("crm.contact.add", `{"fields":{"NAME":"x"}}`)
	h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":1,"COMMENT":"x"}}`)
	bind := `{"fields":{"OWNER_ID":1,"ENTITY_TYPE":"contact","ENTITY_ID":1}}`
	require.Equal(t, true, h.ok("crm.timeline.bindings.bind", bind).Result)
	require.Equal(t, false, h.ok("crm.timeline.bindings.bind", bind).Result)
	require.JSONEq(t, `{"result":[{"OWNER_ID":"1","ENTITY_ID":"1","ENTITY_TYPE":"deal"},{"OWNER_ID":"1","ENTITY_ID":"1","ENTITY_TYPE":"contact"}],"total":2}`,
		h.ok("crm.timeline.bindings.list", `{"filter":{"OWNER_ID":1}}`).without(t))
	require.Equal(t, "MULTIPLE_BINDINGS", h.call("crm.timeline.comment.delete", `{"id":1}`).Error)
	require.Nil(t, h.ok("crm.timeline.comment.delete", `{"id":1,"ownerTypeId":2,"ownerId":1}`).Result)
	on := func(kind string) int {
		return *h.ok("crm.timeline.comment.list", `{"filter":{"ENTITY_TYPE":"`+kind+`","ENTITY_ID":1}}`).Total
	}
	require.Equal(t, []int{0, 1}, []int{on("deal"), on("contact")})
	h.ok("crm.contact.delete", `{"id":1}`)
	require.Equal(t, "Not found.", h.call("crm.timeline.comment.get", `{"id":1}`).Text)
}

func TestCommentsAreUpdatedAndPaged(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	for range 51 {
		h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":1,"COMMENT":"x"}}`)
	}
	require.Equal(t, 51, h.id("crm.timeline.comment.update", `{"id":51,"fields":{"COMMENT":"new"}}`))
	list := h.ok("crm.timeline.comment.list", `{"filter":{"ENTITY_TYPE":"deal","ENTITY_ID":1},"order":{"ID":"DESC"},"select":["ID","COMMENT"]}`)
	require.Equal(t, map[string]any{"ID": "51", "COMMENT": "new"}, list.list(t)[0])
	require.Equal(t, []int{50, 51}, []int{*list.Next, *list.Total})
	require.Equal(t, "INVALID_ARG_VALUE", h.call("crm.timeline.comment.update", `{"id":51,"fields":{"COMMENT":" "}}`).Error)
	require.Equal(t, "NOT_FOUND", h.call("crm.timeline.comment.update", `{"id":99,"fields":{"COMMENT":"x"}}`).Error)
}

func TestActivities(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	h.id("crm.contact.add", `{"fields":{"NAME":"x"}}`)
	h.id("crm.activity.add", `{"fields":{"OWNER_TYPE_ID":2,"OWNER_ID":1,"TYPE_ID":2,"SUBJECT":"Call","RESPONSIBLE_ID":7,"ORIGIN_ID":"c-1",
		"COMMUNICATIONS":[{"TYPE":"PHONE","VALUE":"+71","ENTITY_ID":1,"ENTITY_TYPE_ID":3}]}}`)
	rows := h.ok("crm.activity.list", `{"filter":{"ORIGIN_ID":"c-1"},"select":["ID","COMPLETED","COMMUNICATIONS"]}`).list(t)
	require.Len(t, rows, 1)
	require.Equal(t, "N", rows[0].(map[string]any)["COMPLETED"])
	require.Len(t, rows[0].(map[string]any)["COMMUNICATIONS"], 1)
	require.Len(t, h.ok("crm.activity.list", `{"filter":{"BINDINGS":[{"OWNER_TYPE_ID":3,"OWNER_ID":1}]}}`).list(t), 1)
	h.ok("crm.activity.update", `{"id":1,"fields":{"COMPLETED":"Y"}}`)
	row := h.ok("crm.activity.get", `{"id":1}`).object(t)
	require.Equal(t, []any{"Y", "2", []any{}}, []any{row["COMPLETED"], row["STATUS"], row["SETTINGS"]})
	require.Equal(t, "ACTIVITY_IS_ALREADY_BOUND", h.call("crm.activity.binding.add", `{"activityId":1,"entityTypeId":3,"entityId":1}`).Error)
	require.Contains(t, h.ok("crm.activity.todo.add", `{"ownerTypeId":2,"ownerId":1,"deadline":"2026-08-19 15:00:00"}`).object(t), "id")
	require.Equal(t, "WRONG_DATETIME_FORMAT", h.call("crm.activity.todo.add", `{"ownerTypeId":2,"ownerId":1,"deadline":"soon"}`).Error)
}

func TestLogMessages(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.deal.add", `{"fields":{"TITLE":"x"}}`)
	made := h.ok("crm.timeline.logmessage.add", `{"fields":{"entityTypeId":2,"entityId":1,"title":"T","text":"x","iconCode":"info"}}`)
	require.Equal(t, "T", made.object(t)["logMessage"].(map[string]any)["title"])
	require.Equal(t, "OWNER_NOT_FOUND", h.call("crm.timeline.logmessage.add",
		`{"fields":{"entityTypeId":2,"entityId":9,"title":"T","text":"x","iconCode":"info"}}`).Error)
	require.Equal(t, "100", h.call("crm.timeline.logmessage.add", `{"fields":{"entityTypeId":2,"entityId":1}}`).Error)
}

func TestDirectoriesArePrefixedAndUnique(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	add := `{"fields":{"ENTITY_ID":"DEAL_STAGE_1","STATUS_ID":"CHECK","NAME":"Check","SORT":25}}`
	id := h.id("crm.status.add", add)
	require.Equal(t, "C1:CHECK", h.ok("crm.status.get", `{"id":`+toStr(id)+`}`).object(t)["STATUS_ID"])
	require.Equal(t, "ERROR_CORE", h.call("crm.status.add", add).Error)
	h.id("crm.deal.add", `{"fields":{"CATEGORY_ID":1,"STAGE_ID":"C1:CHECK"}}`)
	require.Equal(t, "There are active items in this status.", h.call("crm.status.delete", `{"id":`+toStr(id)+`}`).Error)
	late := h.call("crm.status.add", `{"fields":{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"LATE","NAME":"Late","SORT":900}}`)
	require.Contains(t, late.Text, "Cannot create more stages after the final stage")
	items := h.ok("crm.status.entity.items", `{"entityId":"SOURCE"}`).list(t)
	require.Equal(t, map[string]any{"NAME": "Call", "SORT": 10.0, "STATUS_ID": "CALL"}, items[0])
}

func TestPipelines(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	list := h.ok("crm.category.list", `{"entityTypeId":2}`)
	require.JSONEq(t, `{"result":{"categories":[{"id":0,"name":"General","sort":300,"entityTypeId":2,"isDefault":"Y"},
		{"id":1,"name":"Messengers","sort":400,"entityTypeId":2,"isDefault":"N","originId":"","originatorId":""}]},"total":2}`, list.without(t))
	made := h.ok("crm.category.add", `{"entityTypeId":2,"fields":{"name":"New"}}`).object(t)["category"].(map[string]any)
	require.InDelta(t, 2, made["id"], 0)
	require.Equal(t, 8, *h.ok("crm.status.list", `{"filter":{"ENTITY_ID":"DEAL_STAGE_2"}}`).Total)
	require.Nil(t, h.ok("crm.category.delete", `{"entityTypeId":2,"id":2}`).Result)
	require.Equal(t, "ENTITY_TYPE_NOT_SUPPORTED", h.call("crm.category.list", `{"entityTypeId":1}`).Error)
	require.Equal(t, "Default deal category cannot be deleted", h.call("crm.category.delete", `{"entityTypeId":2,"id":0}`).Text)
}

func TestUsersAndScopes(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	require.Equal(t, []any{"7", true, []any{2.0}, map[string]any{}}, func() []any {
		u := h.ok("user.get", `{"FILTER":{"ID":[7]}}`).list(t)[0].(map[string]any)
		return []any{u["ID"], u["ACTIVE"], u["UF_DEPARTMENT"], u["TIMESTAMP_X"]}
	}())
	require.Len(t, h.ok("user.get", `{"filter":{"ACTIVE":"Y","!ID":1}}`).list(t), 4)
	require.Len(t, h.ok("user.search", `{"FILTER":{"FIND":"vol"}}`).list(t), 1)
	require.JSONEq(t, `{"result":{"2":[8]}}`, h.ok("im.department.managers.get", `{"ID":[2,99]}`).without(t))
	h.control(http.MethodPost, "/sandbox/webhooks", `{"user":7,"secret":"briefonly","scopes":["user_brief"]}`)
	brief := h.get("/rest/7/briefonly/user.current").object(t)
	require.Equal(t, "7", brief["ID"])
	require.NotContains(t, brief, "EMAIL")
	require.Equal(t, false, h.get("/rest/7/briefonly/user.admin").Result)
}

func TestAboutItself(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	require.JSONEq(t, `{"result":{"isExisting":true,"isAvailable":true}}`, h.ok("method.get", `{"name":"crm.item.add"}`).without(t))
	require.JSONEq(t, `{"result":{"isExisting":false,"isAvailable":false}}`, h.ok("method.get", `{"name":"no.such"}`).without(t))
	require.Contains(t, h.ok("methods", `{}`).list(t), "crm.item.add")
	require.Contains(t, h.ok("scope", `{}`).list(t), "crm")
	require.Equal(t, "2026-01-05T10:00:00+03:00", h.ok("server.time", `{}`).Result)
	require.Contains(t, h.ok("app.info", `{}`).object(t), "LICENSE")
	require.Equal(t, true, h.get("/rest/app.info?auth=" + h.issue(1)).object(t)["INSTALLED"])
	require.Equal(t, "CODE_EMPTY", h.call("feature.get", `{}`).Error)
}

func TestEventHandlersOfAnApplication(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	call := func(method, body string) answer {
		return h.post("/rest/"+method+"?auth="+h.issue(1), "application/json", body)
	}
	bind := `{"event":"onCrmDealAdd","handler":"https://app.example.com/h"}`
	require.Equal(t, true, call("event.bind", bind).Result)
	require.Contains(t, call("event.bind", bind).Text, "Unable to set event handler")
	require.JSONEq(t, `{"result":[{"event":"ONCRMDEALADD","handler":"https://app.example.com/h","auth_type":"0","offline":0}]}`, call("event.get", `{}`).without(t))
	require.Equal(t, "ERROR_EVENT_NOT_FOUND", call("event.bind", `{"event":"onNothing","handler":"https://a.b"}`).Error)
	require.JSONEq(t, `{"result":{"count":1}}`, call("event.unbind", bind).without(t))
}
