package activities_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/dialog"
	"puente/openlines"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/store"
	"puente/workflows"
)

// lookedUp is what the desk learns of the client.
func (b *lineBundle) lookedUp(t *testing.T) openlines.CRMFacts {
	t.Helper()
	done := b.done(t, workflows.LineCRMStep, openlines.Command{Kind: openlines.DoLookup})
	require.Len(t, done.Events, 1)
	e := done.Events[0]
	require.Equal(t, openlines.LookupDone, e.Kind)
	require.Equal(t, openlines.SessionID(1), e.Session)
	require.NotEmpty(t, e.ID)
	return *e.CRM
}

const clientsPhone = "79995550101"

// known is a client with a phone who has written.
func (b *lineBundle) known(t *testing.T) {
	t.Helper()
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Name: "Ana Lopez", Phone: clientsPhone}})
}

func (b *lineBundle) found(t *testing.T, kind string, id int64, responsible int64) {
	t.Helper()
	facts := b.lookedUp(t)
	require.Equal(t, openlines.LookupFound, facts.Result)
	require.Equal(t, openlines.Item{Kind: kind, ID: id}, facts.Item)
	require.Equal(t, openlines.UserID(responsible), facts.Responsible)
}

// touch changes an item later than all before: the portal's times have seconds.
func (b *lineBundle) touch(t *testing.T, ref dialog.Ref) {
	t.Helper()
	before, n := b.item(t, ref)["updatedTime"], 0
	require.Eventually(t, func() bool {
		n++
		b.update(t, ref, crm.Params{"title": fmt.Sprint("Changed ", n)})
		return b.item(t, ref)["updatedTime"] != before
	}, 5*time.Second, 200*time.Millisecond)
}

func TestUnknownClientIsNotFound(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	facts := b.lookedUp(t)
	require.Equal(t, openlines.LookupNotFound, facts.Result)
	require.True(t, facts.Writable, "a phone is known")
	require.Equal(t, b.store.Pseudonym("demo", "phone:+"+clientsPhone), facts.Identity)
}

func TestClientWithoutContactIsAskedForInChat2Desk(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Identity: "[tg] 5551"}, ChannelID: chat2desk.ChannelTelegram})
	facts := b.lookedUp(t)
	require.Equal(t, openlines.LookupNotFound, facts.Result)
	require.False(t, facts.Writable)
	require.Empty(t, facts.Identity)
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Identity: "[tg] 5552", Phone: clientsPhone}, ChannelID: chat2desk.ChannelTelegram})
	contact := b.person(t, "+7 999 555-01-01", "")
	b.found(t, "contact", contact, 1)
}

func TestHitsAreTakenInTheOrderOfTheRules(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	lead := b.add(t, dialog.Lead, crm.Params{"title": "L", "assignedById": 10, "fm": comms("8 (999) 555-01-01", "")})
	b.found(t, "lead", lead, 10)
	b.rest(t, "crm.item.add", crm.Params{"entityTypeId": 4, "fields": crm.Params{"title": "Co", "assignedById": 9, "fm": comms("+79995550101", "")}}, nil)
	require.Equal(t, "company", b.lookedUp(t).Item.Kind)
	contact := b.add(t, dialog.Contact, crm.Params{"name": "A", "assignedById": 8, "fm": comms("9995550101", "")})
	b.found(t, "contact", contact, 8)
	deal := b.add(t, dialog.Deal, crm.Params{"title": "D", "assignedById": 7, "contactIds": []int64{contact}})
	b.found(t, "deal", deal, 7)
	b.update(t, dialog.Ref{Kind: dialog.Deal, ID: deal}, crm.Params{"stageId": "WON"})
	b.found(t, "contact", contact, 8)
}

func TestDealOfTheCompanyCounts(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	var company struct {
		Item struct {
			ID int64 `json:"id"`
		} `json:"item"`
	}
	b.rest(t, "crm.item.add", crm.Params{"entityTypeId": 4, "fields": crm.Params{"title": "Co", "fm": comms("+79995550101", "")}}, &company)
	deal := b.add(t, dialog.Deal, crm.Params{"title": "D", "assignedById": 7, "companyId": company.Item.ID})
	b.found(t, "deal", deal, 7)
}

func TestOfSeveralHitsTheOneChangedLastIsTaken(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	contact := b.person(t, clientsPhone, "")
	first := b.add(t, dialog.Deal, crm.Params{"title": "1", "contactIds": []int64{contact}})
	second := b.add(t, dialog.Deal, crm.Params{"title": "2", "contactIds": []int64{contact}})
	b.touch(t, dialog.Ref{Kind: dialog.Deal, ID: second})
	b.found(t, "deal", second, 1)
	b.touch(t, dialog.Ref{Kind: dialog.Deal, ID: first})
	b.found(t, "deal", first, 1)
}

func TestRememberedClientIsFoundWithoutAPhone(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Identity: "[tg] 5551"}, ChannelID: chat2desk.ChannelTelegram})
	contact := b.person(t, "", "")
	require.NoError(t, b.store.SaveLink(t.Context(), "demo", "client:"+b.clientID(), contact))
	b.found(t, "contact", contact, 1)
	lead := b.add(t, dialog.Lead, crm.Params{"title": "L"})
	require.NoError(t, b.store.DropLink(t.Context(), "demo", "client:"+b.clientID()))
	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{
		Portal: "demo", ClientID: b.scene.ClientID, ChannelID: chat2desk.ChannelWhatsApp, LeadID: lead,
	}))
	b.found(t, "lead", lead, 1)
}

func TestLookupThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	b.person(t, clientsPhone, "")
	b.fault(t, bitrix24.Fault{Method: "crm.duplicate.findbycomm", Kind: "status", Status: http.StatusBadGateway, Times: 1})
	_, err := b.do(workflows.LineCRMStep, openlines.Command{Kind: openlines.DoLookup})
	_, app := failure(t, err)
	require.False(t, app.NonRetryable())
	require.Equal(t, openlines.LookupFound, b.lookedUp(t).Result)
	b.fault(t, bitrix24.Fault{Method: "crm.item.list", Kind: "status", Status: http.StatusForbidden, Times: 1})
	_, err = b.do(workflows.LineCRMStep, openlines.Command{Kind: openlines.DoLookup})
	_, app = failure(t, err)
	require.False(t, app.NonRetryable(), "a refusal is not taken for nobody: it waits for a person")
}

func TestLookupWhereThereIsNoCRMHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.known(t)
	portal, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	portal.Bitrix24 = store.Bitrix24Account{}
	require.NoError(t, b.store.SavePortal(t.Context(), portal))
	_, err = b.do(workflows.LineCRMStep, openlines.Command{Kind: openlines.DoLookup})
	_, app := failure(t, err)
	require.True(t, app.NonRetryable(), "routing need not wait for it")
}
