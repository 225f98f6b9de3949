package activities_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"puente/activities"
	crm "puente/bitrix24"
	"puente/dialog"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
	"puente/worker"
	"puente/workflows"
)

// requestTimeout of the clients under test. No test waits for it.
const requestTimeout = 20 * time.Second

// bundle is the activities with a real store, a sandbox portal and a sandbox
// Chat2Desk account.
type bundle struct {
	env     *testsuite.TestActivityEnvironment
	store   *store.Store
	portals *portals.Registry
	crm     *bitrix24.Portal
	chat    *chat2desk.Company
	admin   *crm.Client // looks into the portal as a person would
	conf    settings.Settings
	version int
	request int64 // of the last closed cycle
}

func setup(t *testing.T, change func(*settings.Settings)) *bundle {
	t.Helper()
	b := &bundle{store: storetest.Open(t, storetest.SQLiteURL(t))}
	b.startSandboxes(t)
	b.conf = settings.Default()
	b.conf.General.Country = "RU"
	b.conf.Operators = settings.Operators{Users: []settings.OperatorUser{{Operator: 301, User: 7}}, Administrator: 1}
	b.conf.CRM = settings.CRM{Mode: settings.ModeAuto, Channels: []settings.Channel{{ID: 12, Entity: settings.EntityDeal}}}
	b.configure(t, change)
	b.portals = portals.New(b.store, portals.Options{Bitrix24Timeout: requestTimeout, Chat2DeskTimeout: requestTimeout, Chat2DeskRate: 1000})
	t.Cleanup(b.portals.Close)
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	b.env = suite.NewTestActivityEnvironment()
	worker.RegisterBitrix24(activityRegistry{b.env}, &activities.Bitrix24{Store: b.store, Portals: b.portals})
	worker.RegisterStore(activityRegistry{b.env}, &activities.Store{Store: b.store, Portals: b.portals})
	worker.RegisterChat2Desk(activityRegistry{b.env}, &activities.Chat2Desk{Store: b.store, Portals: b.portals})
	return b
}

func (b *bundle) startSandboxes(t *testing.T) {
	t.Helper()
	var err error
	b.crm, err = bitrix24.New(bitrix24.Options{})
	require.NoError(t, err)
	b.crm.SetLimits(bitrix24.Limits{Rate: 1000, Burst: 10000, OperatingLimit: 100000})
	b.chat, err = chat2desk.New(chat2desk.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.chat.Close()) })
	crmURL, chatURL := serve(t, b.crm), serve(t, b.chat)
	hook := crmURL + "/rest/1/sandboxsecret/"
	b.admin, err = crm.NewClient(crm.Config{WebhookURL: hook})
	require.NoError(t, err)
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{
		Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: hook, RatePerSecond: 1000, Burst: 10000},
		Chat2Desk: store.Chat2DeskAccount{BaseURL: chatURL, Token: chat2desk.DefaultToken, WebURL: "https://web.example"},
	}))
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// configure saves changed settings as the next version.
func (b *bundle) configure(t *testing.T, change func(*settings.Settings)) {
	t.Helper()
	if change != nil {
		change(&b.conf)
	}
	var err error
	b.version, err = b.store.SaveSettings(t.Context(), "demo", b.conf, "test", "", 0)
	require.NoError(t, err)
}

// run executes an activity and decodes its answer.
func run[T any](b *bundle, step string, in any) (T, error) {
	var out T
	value, err := b.env.ExecuteActivity(step, in)
	if err != nil {
		return out, err
	}
	return out, value.Get(&out)
}

// failure is what an activity's error tells people, and whether it parks.
func failure(t *testing.T, err error) (workflows.Failure, *temporal.ApplicationError) {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	var f workflows.Failure
	require.NoError(t, app.Details(&f))
	return f, app
}

// closed is one closed cycle on its way to the CRM.
type closed struct {
	*bundle
	client int64
	in     workflows.SyncInput
	syncID string
	owner  string
	origin string
	rule   settings.Channel
}

// open prepares the sync of the next request of a client with a phone.
func (b *bundle) open(t *testing.T, client int64, change func(*dialog.Snapshot)) *closed {
	t.Helper()
	b.request++
	in := workflows.SyncInput{Portal: "demo", ClientID: client, ChannelID: 12, DialogID: client, RequestID: b.request, Cycle: 1}
	workflow := workflows.DialogSyncID("demo", client, b.request, 1)
	row, _, err := b.store.OpenSync(t.Context(), store.Sync{Portal: "demo", Kind: "dialog", WorkflowID: workflow, Status: "syncing", ClientID: client})
	require.NoError(t, err)
	snapshot := dialog.Snapshot{
		DialogID: client, RequestID: b.request, ChannelID: 12, Transport: "whatsapp", OperatorID: 301,
		Client:   dialog.Client{ID: client, Name: "Ana Lopez", Phone: "+79995550101"},
		Messages: []dialog.Message{{ID: 1, Author: dialog.AuthorClient, Text: "Hi", Time: time.Now()}},
		Source:   dialog.SourceAPI,
	}
	if change != nil {
		change(&snapshot)
	}
	require.NoError(t, b.store.SaveSnapshot(t.Context(), "demo", row.ID, snapshot))
	rule, _ := b.conf.ChannelRule(snapshot.ChannelID)
	return &closed{bundle: b, client: client, in: in, syncID: row.ID, owner: workflow, origin: workflows.Origin(in), rule: rule}
}

func (c *closed) tryFind() (dialog.Found, error) {
	return run[dialog.Found](c.bundle, workflows.FindClientStep, workflows.FindInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Version: c.version, ClientID: c.client, Origin: c.origin, Channel: c.rule,
	})
}

func (c *closed) find(t *testing.T) dialog.Found {
	t.Helper()
	found, err := c.tryFind()
	require.NoError(t, err)
	return found
}

// plan finds and chooses, as the workflow does.
func (c *closed) plan(t *testing.T, fix dialog.Correction) dialog.Plan {
	t.Helper()
	return dialog.Choose(c.rule, c.conf.CRM, c.find(t), fix)
}

func (c *closed) commit(plan dialog.Plan, fix *dialog.Correction) (workflows.Committed, error) {
	return run[workflows.Committed](c.bundle, workflows.CommitDialogStep, workflows.CommitInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Version: c.version, ClientID: c.client, OperatorID: 301, Origin: c.origin,
		Plan: plan, Stage: c.rule.Stage, Correction: fix,
	})
}

// attempt finds, chooses and commits.
func (c *closed) attempt(t *testing.T, fix dialog.Correction) (workflows.Committed, error) {
	t.Helper()
	return c.commit(c.plan(t, fix), &fix)
}

// sync runs all steps to the end.
func (c *closed) sync(t *testing.T) workflows.Committed {
	t.Helper()
	done, err := c.attempt(t, dialog.Correction{})
	require.NoError(t, err)
	c.finish(t, done)
	return done
}

func (c *closed) finish(t *testing.T, done workflows.Committed) {
	t.Helper()
	_, err := run[bool](c.bundle, workflows.FinishSyncStep, workflows.FinishInput{
		Portal: "demo", SyncID: c.syncID, Owner: c.owner, Status: workflows.Done, ContactID: done.ContactID, Entity: done.Entity,
		Sync: c.in,
	})
	require.NoError(t, err)
}

// park gives the client free, as after a failure that needs a person.
func (c *closed) park(t *testing.T, err error) {
	t.Helper()
	f, _ := failure(t, err)
	ok, err := run[bool](c.bundle, workflows.ParkSyncStep, workflows.ParkInput{Portal: "demo", SyncID: c.syncID, Owner: c.owner, Failure: f})
	require.NoError(t, err)
	require.True(t, ok)
}
