package activities_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"puente/activities"
	crm "puente/bitrix24"
	"puente/dialog"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
	"puente/worker"
	"puente/workflows"
)

// bundle is the activities with a real store and a sandbox portal.
type bundle struct {
	env    *testsuite.TestActivityEnvironment
	store  *store.Store
	crm    *bitrix24.Portal
	syncID string
	url    string // of the sandbox portal
}

func setup(t *testing.T, change func(*settings.Settings)) *bundle {
	t.Helper()
	b := &bundle{store: storetest.Open(t, storetest.SQLiteURL(t))}
	var err error
	b.crm, err = bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	server := httptest.NewServer(b.crm)
	t.Cleanup(server.Close)
	b.url = server.URL
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{
		Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: server.URL + "/rest/1/sandboxsecret/", RatePerSecond: 1000, Burst: 10000},
	}))
	b.crm.SetLimits(bitrix24.Limits{Rate: 1000, Burst: 10000, OperatingLimit: 100000})
	conf := settings.Default()
	conf.General.Country = "RU"
	conf.Operators = settings.Operators{Users: []settings.OperatorUser{{Operator: 301, User: 7}}, Administrator: 1}
	conf.CRM = settings.CRM{Mode: settings.ModeAuto, Channels: []settings.Channel{{ID: 12, Entity: settings.EntityDeal}}}
	if change != nil {
		change(&conf)
	}
	_, err = b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	registry := portals.New(b.store, portals.Options{Bitrix24Timeout: 2 * time.Second})
	t.Cleanup(registry.Close)
	var suite testsuite.WorkflowTestSuite
	b.env = suite.NewTestActivityEnvironment()
	worker.RegisterBitrix24(activityRegistry{b.env}, &activities.Bitrix24{Store: b.store, Portals: registry})
	worker.RegisterStore(activityRegistry{b.env}, &activities.Store{Store: b.store, Portals: registry})
	return b
}

// person prepares a sync of one closed dialog of a client with a phone.
func (b *bundle) person(t *testing.T, client int64, phone string) {
	t.Helper()
	row, _, err := b.store.OpenSync(t.Context(), store.Sync{
		Portal: "demo", Kind: "dialog", WorkflowID: workflows.DialogSyncID("demo", client, client, 1), Status: "syncing", ClientID: client,
	})
	require.NoError(t, err)
	b.syncID = row.ID
	require.NoError(t, b.store.SaveSnapshot(t.Context(), "demo", row.ID, dialog.Snapshot{
		DialogID: client, RequestID: client, ChannelID: 12, Transport: "whatsapp", OperatorID: 301,
		Client:   dialog.Client{ID: client, Name: "Ana $result[contact] [b]Lopez[/b]", Phone: phone},
		Messages: []dialog.Message{{ID: 1, Author: dialog.AuthorClient, Text: "Hi $result[entity][item][id]", Time: time.Now()}},
		Source:   dialog.SourceAPI,
	}))
}

func (b *bundle) find(t *testing.T, client int64) dialog.Found {
	t.Helper()
	value, err := b.env.ExecuteActivity(workflows.FindClientStep, workflows.FindInput{
		Portal: "demo", SyncID: b.syncID, Owner: "run", Version: 1, ClientID: client, Origin: "dialog:1",
		Channel: settings.Channel{ID: 12, Entity: settings.EntityDeal},
	})
	require.NoError(t, err)
	var found dialog.Found
	require.NoError(t, value.Get(&found))
	return found
}

func (b *bundle) commit(client int64, plan dialog.Plan) (workflows.Committed, error) {
	value, err := b.env.ExecuteActivity(workflows.CommitDialogStep, workflows.CommitInput{
		Portal: "demo", SyncID: b.syncID, Owner: "run", Version: 1, ClientID: client, OperatorID: 301, Origin: "dialog:1", Plan: plan,
	})
	if err != nil {
		return workflows.Committed{}, err
	}
	var done workflows.Committed
	return done, value.Get(&done)
}

// count is how many entities of a kind Puente made in the sandbox CRM.
func (b *bundle) count(t *testing.T, kind string) int {
	t.Helper()
	client, err := crm.NewClient(crm.Config{WebhookURL: b.url + "/rest/1/sandboxsecret/"})
	require.NoError(t, err)
	types := map[string]int{"lead": 1, "deal": 2, "contact": 3}
	answer, err := client.Call(t.Context(), "crm.item.list", crm.Params{"entityTypeId": types[kind], "filter": crm.Params{"originatorId": "puente"}})
	require.NoError(t, err)
	require.NotNil(t, answer.Total)
	return *answer.Total
}
