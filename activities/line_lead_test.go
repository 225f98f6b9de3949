package activities_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/openlines"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// classicLine is an open line of a portal that works with leads.
func classicLine(t *testing.T) *lineBundle {
	t.Helper()
	b := openLine(t, func(s *settings.Settings) { s.CRM.SourceID = "WEB" })
	b.crm.SetMode(false, 0)
	return b
}

// wanted orders the lead of the client, whose pseudonym is its key.
func (b *lineBundle) wanted() openlines.Command {
	return openlines.Command{Kind: openlines.DoCreateLead, Key: b.store.Pseudonym("demo", "phone:+"+clientsPhone), User: 7}
}

func TestLeadOfAnUnknownClientIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := classicLine(t)
	b.known(t)
	var item openlines.Item
	for range 2 {
		done := b.done(t, workflows.LineCRMStep, b.wanted())
		require.Len(t, done.Events, 1)
		require.Equal(t, openlines.LeadCreated, done.Events[0].Kind)
		require.Equal(t, b.wanted().Key, done.Events[0].CRM.Identity)
		item = done.Events[0].CRM.Item
		require.Equal(t, "lead", item.Kind)
	}
	require.Equal(t, 1, b.count(t, dialog.Lead))
	lead := dialog.Ref{Kind: dialog.Lead, ID: item.ID}
	got := b.item(t, lead)
	require.Equal(t, "Ana Lopez (Sales)", got["title"])
	require.Equal(t, "Ana", got["name"])
	require.Equal(t, "WEB", got["sourceId"])
	require.EqualValues(t, 7, got["assignedById"])
	require.NotContains(t, got["originId"], clientsPhone)
	history := b.comments(t, lead)
	require.Len(t, history, 1, "what was written is passed on")
	require.Contains(t, history[0], "How much is it?")
	row, err := b.store.Dialog(t.Context(), "demo", b.scene.ClientID, b.scene.ChannelID)
	require.NoError(t, err)
	require.Equal(t, item.ID, row.LeadID, "the closed dialog goes there too")
	require.Equal(t, openlines.LookupFound, b.lookedUp(t).Result)
}

func TestLeadIsMadeOnceWhateverIsLost(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]bitrix24.Fault{
		"the answer of the lead":    {Method: "crm.item.add", Kind: "lost_answer"},
		"the request of the lead":   {Method: "crm.item.add", Kind: "reset"},
		"the portal while it wrote": {Method: "crm.item.add", Kind: "status", Status: http.StatusBadGateway, When: "after"},
		"the answer of the comment": {Method: "crm.timeline.comment.add", Kind: "lost_answer"},
		"the lookup":                {Method: "crm.item.list", Kind: "status", Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := classicLine(t)
			b.known(t)
			f.Times = 1
			b.fault(t, f)
			_, err := b.do(workflows.LineCRMStep, b.wanted())
			_, app := failure(t, err)
			require.False(t, app.NonRetryable())
			done := b.done(t, workflows.LineCRMStep, b.wanted())
			require.Equal(t, 1, b.count(t, dialog.Lead))
			require.Len(t, b.comments(t, dialog.Ref{Kind: dialog.Lead, ID: done.Events[0].CRM.Item.ID}), 1)
		})
	}
}

func TestLeadOfAnEarlierTimeIsFoundByItsOrigin(t *testing.T) {
	t.Parallel()
	b := classicLine(t)
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Identity: "[tg] 5551"}, ChannelID: chat2desk.ChannelTelegram})
	command := openlines.Command{Kind: openlines.DoCreateLead, Key: "chat:" + string(b.chatID())}
	first := b.done(t, workflows.LineCRMStep, command).Events[0].CRM.Item
	_, err := b.store.PurgeLineWrites(t.Context(), "demo", time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, first, b.done(t, workflows.LineCRMStep, command).Events[0].CRM.Item, "also when nothing is remembered any more")
	b.found(t, "lead", first.ID, 1)
	contact := b.person(t, "", "")
	b.update(t, dialog.Ref{Kind: dialog.Lead, ID: first.ID}, crm.Params{"contactId": contact, "stageId": "CONVERTED"})
	b.found(t, "contact", contact, 1)
}

func TestSimpleCRMShowsTheChatOnTheDeal(t *testing.T) {
	t.Parallel()
	b := openLine(t, func(s *settings.Settings) { s.CRM.Mode = settings.ModeSimple })
	b.crm.SetMode(true, 100*time.Millisecond)
	b.known(t)
	var item openlines.Item
	require.Eventually(t, func() bool {
		done, err := b.do(workflows.LineCRMStep, b.wanted())
		if err != nil {
			_, app := failure(t, err)
			require.False(t, app.NonRetryable())
			return false
		}
		item = done.Events[0].CRM.Item
		return true
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, "deal", item.Kind)
	require.Equal(t, 1, b.count(t, dialog.Lead))
	row, err := b.store.Dialog(t.Context(), "demo", b.scene.ClientID, b.scene.ChannelID)
	require.NoError(t, err)
	require.Equal(t, item.ID, row.DealID)
}

func TestLeadWaitsForTheDialogOfTheSameClient(t *testing.T) {
	t.Parallel()
	b := classicLine(t)
	b.known(t)
	ok, _, err := b.store.Claim(t.Context(), "demo", "dialog-sync:demo:1:1", []string{"phone:+" + clientsPhone}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	_, err = b.do(workflows.LineCRMStep, b.wanted())
	f, app := failure(t, err)
	require.Equal(t, "ClientBusy", f.Code)
	require.False(t, app.NonRetryable())
	require.NoError(t, b.store.Release(t.Context(), "demo", "dialog-sync:demo:1:1"))
	b.done(t, workflows.LineCRMStep, b.wanted())
	ok, _, err = b.store.Claim(t.Context(), "demo", "dialog-sync:demo:1:2", []string{"phone:+" + clientsPhone}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok, "and holds nobody up afterwards")
}

func TestResponsibleChangesOnlyFromWhomItWas(t *testing.T) {
	t.Parallel()
	b := classicLine(t)
	lead := b.add(t, dialog.Lead, crm.Params{"title": "L", "assignedById": 7})
	ref := dialog.Ref{Kind: dialog.Lead, ID: lead}
	item := openlines.Item{Kind: "lead", ID: lead}
	change := func(from, to openlines.UserID) workflows.LineCommandDone {
		return b.done(t, workflows.LineCRMStep, openlines.Command{Kind: openlines.DoResponsible, Item: item, User: to, From: from, Chat: "7-12"})
	}
	for range 2 {
		require.Empty(t, change(7, 8))
		require.EqualValues(t, 8, b.item(t, ref)["assignedById"])
	}
	w, known, err := b.store.LineWrite(t.Context(), "demo", store.ItemKey(item))
	require.NoError(t, err)
	require.True(t, known)
	require.EqualValues(t, 8, w.ExternalID, "its event is known for our own")
	b.update(t, ref, crm.Params{"assignedById": 9})
	done := change(8, 7)
	require.EqualValues(t, 9, b.item(t, ref)["assignedById"], "a person chose")
	require.Len(t, done.Events, 1)
	require.Equal(t, openlines.ResponsibleChanged, done.Events[0].Kind)
	require.Equal(t, openlines.CRMFacts{Item: item, Responsible: 9}, *done.Events[0].CRM)
	require.Empty(t, change(0, 7))
	require.EqualValues(t, 7, b.item(t, ref)["assignedById"], "a transfer changes it anyway")
	b.remove(t, ref)
	require.Contains(t, change(0, 8).Note, "does not exist any more")
}
