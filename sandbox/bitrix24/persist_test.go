package bitrix24

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "portal.db")
	h := open(t, Options{Path: path})
	id := h.id("crm.contact.add", `{"fields":{"NAME":"Anna","PHONE":[{"VALUE":"+71"}]}}`)
	gone := h.id("crm.contact.add", `{"fields":{"NAME":"Gone"}}`)
	h.ok("crm.contact.delete", `{"id":`+toStr(gone)+`}`)
	h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"useOriginalUfNames":"Y","fields":{"opportunity":12.5,"UF_CRM_CITY":"Madrid","contactIds":[`+toStr(id)+`]}}`)
	h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":1,"COMMENT":"kept","FILES":[["a.txt","aGk="]]}}`)
	h.id("crm.deal.userfield.add", `{"fields":{"FIELD_NAME":"NEWER","USER_TYPE_ID":"string"}}`)
	h.id("im.notify.personal.add", `{"USER_ID":7,"MESSAGE":"x"}`)
	access := h.issue(7)
	questions := [][2]string{
		{"crm.item.get", `{"entityTypeId":2,"id":1}`},
		{"crm.contact.list", `{"select":["*","PHONE"]}`},
		{"crm.timeline.comment.list", `{"filter":{"ENTITY_TYPE":"deal","ENTITY_ID":1}}`},
		{"crm.duplicate.findbycomm", `{"type":"PHONE","values":["+71"]}`},
		{"crm.item.list", `{"entityTypeId":2,"filter":{"contactIds":` + toStr(id) + `}}`},
		{"crm.deal.userfield.list", `{}`},
		{"user.get", `{}`},
		{"crm.status.list", `{}`},
		{"department.get", `{}`},
	}
	var before []string
	for _, q := range questions {
		before = append(before, h.ok(q[0], q[1]).without(t))
	}
	require.NoError(t, h.p.Close())

	again := open(t, Options{Path: path, PublicURL: h.srv.URL, Seeds: func(*Seeder) { t.Error("seeded twice") }})
	for i, q := range questions {
		require.JSONEq(t, before[i], again.ok(q[0], q[1]).without(t), q[0])
	}
	require.Equal(t, "7", again.get("/rest/user.current?auth=" + access).object(t)["ID"])
	require.Len(t, again.p.Notifications(7), 1)
	require.Equal(t, gone+1, again.id("crm.contact.add", `{"fields":{"NAME":"Next"}}`), "ids are never used twice")
	require.NoError(t, again.p.Close())
}

func TestResetReplacesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "portal.db")
	h := open(t, Options{Path: path})
	id := h.id("crm.contact.add", `{"fields":{"NAME":"Anna"}}`)
	require.NoError(t, h.p.disk.flush())
	h.p.Reset()
	require.NoError(t, h.p.Close())
	again := open(t, Options{Path: path})
	require.Equal(t, "Not found", again.call("crm.contact.get", `{"id":`+toStr(id)+`}`).Text)
	require.NoError(t, again.p.Close())
}
