package setup_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/setup"
	"puente/store"
)

func openStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "p.db"), store.Options{
		SecretKey: []byte("a passphrase for tests, long enough"), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func parse(t *testing.T, text string) setup.File {
	t.Helper()
	f, err := setup.Parse([]byte(text), variables)
	require.NoError(t, err)
	return f
}

func TestNewPortalGetsItsSecrets(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	added, err := setup.Apply(t.Context(), s, "acme", parse(t, minimal), "Ana")
	require.NoError(t, err)
	require.True(t, added.Created)
	require.Equal(t, 1, added.SettingsVersion)
	require.GreaterOrEqual(t, len(added.APIKey), 40)
	require.GreaterOrEqual(t, len(added.Portal.Chat2Desk.WebhookSecret), 40)
	require.GreaterOrEqual(t, len(added.Portal.ContactCenterSecret), 40)

	entries, _, err := s.AuditLog(t.Context(), "acme", "portal", store.Page{})
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "Ana", entries[0].Actor)
	require.NotContains(t, string(entries[0].After), added.APIKey)

	p, err := s.PortalByAPIKey(t.Context(), added.APIKey)
	require.NoError(t, err)
	require.Equal(t, []string{"acme", "acme", "https://api.chat2desk.com"}, []string{p.Slug, p.Name, p.Chat2Desk.BaseURL})
	require.Equal(t, "https://puente.example.com/webhooks/chat2desk/acme/"+p.Chat2Desk.WebhookSecret, setup.WebhookURL("https://puente.example.com/", p))
}

func TestRepeatedAddKeepsWhatTheFileLeavesOut(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	first, err := setup.Apply(t.Context(), s, "acme", parse(t, minimal), "Ana")
	require.NoError(t, err)
	second, err := setup.Apply(t.Context(), s, "acme", parse(t, "name: Acme Ltd"), "Ana")
	require.NoError(t, err)
	require.False(t, second.Created)
	require.Empty(t, second.APIKey, "the key stays and is shown to nobody")
	require.Zero(t, second.SettingsVersion)

	p, err := s.Portal(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, "Acme Ltd", p.Name)
	require.Equal(t, first.Portal.Chat2Desk, p.Chat2Desk)
	require.Equal(t, first.Portal.Bitrix24.WebhookURL, p.Bitrix24.WebhookURL)
	require.Equal(t, first.Portal.APIKeyHash, p.APIKeyHash)
	require.Equal(t, first.Portal.ContactCenterSecret, p.ContactCenterSecret)
}

// applier stores texts one after the other and gives the account as it is then.
func applier(t *testing.T) func(text string) store.Bitrix24Account {
	t.Helper()
	s := openStore(t)
	return func(text string) store.Bitrix24Account {
		t.Helper()
		_, err := setup.Apply(t.Context(), s, "acme", parse(t, text), "Ana")
		require.NoError(t, err)
		p, err := s.Portal(t.Context(), "acme")
		require.NoError(t, err)
		return p.Bitrix24
	}
}

const appFile = "bitrix24: {client_id: app.1, client_secret: s, access_token: a, refresh_token: r}"

func TestWebhookAndAppLiveBesideEachOther(t *testing.T) {
	t.Parallel()
	apply := applier(t)
	hook := apply(minimal).WebhookURL
	both := apply(appFile)
	require.Equal(t, []string{hook, "app.1", "r"}, []string{both.WebhookURL, both.ClientID, both.RefreshToken})
	both = apply("bitrix24: {webhook_url: 'https://b24.example/rest/1/new/'}")
	require.Equal(t, []string{"https://b24.example/rest/1/new/", "app.1", "r"}, []string{both.WebhookURL, both.ClientID, both.RefreshToken})
}

func TestWebhookOrAppIsTakenAway(t *testing.T) {
	t.Parallel()
	apply := applier(t)
	hook := apply(minimal).WebhookURL
	apply(appFile)
	left := apply("bitrix24: {without: application}")
	require.Equal(t, store.Bitrix24Account{WebhookURL: hook}, left)
	apply(appFile)
	left = apply("bitrix24: {without: webhook}")
	require.Equal(t, []string{"", "app.1", "r"}, []string{left.WebhookURL, left.ClientID, left.RefreshToken})
}

func TestTokensOfAnotherAppAreForgotten(t *testing.T) {
	t.Parallel()
	apply := applier(t)
	apply(minimal)
	apply(appFile)
	other := apply("bitrix24: {client_id: app.2, client_secret: s2}")
	require.Equal(t, []string{"app.2", "s2", "", ""}, []string{other.ClientID, other.ClientSecret, other.AccessToken, other.RefreshToken})
}

func TestWebhookAndAppOfDifferentPortalsAreRefused(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	_, err := setup.Apply(t.Context(), s, "acme", parse(t, minimal), "Ana")
	require.NoError(t, err)
	_, err = setup.Apply(t.Context(), s, "acme", parse(t, "bitrix24: {client_id: a, client_endpoint: 'https://other.example/rest/'}"), "Ana")
	require.ErrorContains(t, err, "other.example")
	p, err := s.Portal(t.Context(), "acme")
	require.NoError(t, err)
	require.Empty(t, p.Bitrix24.ClientID, "nothing was saved")
}

func TestGivenKeyReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	first, err := setup.Apply(t.Context(), s, "acme", parse(t, minimal), "Ana")
	require.NoError(t, err)
	_, err = setup.Apply(t.Context(), s, "acme", parse(t, "api_key: my-own-key"), "Ana")
	require.NoError(t, err)
	_, err = s.PortalByAPIKey(t.Context(), "my-own-key")
	require.NoError(t, err)
	_, err = s.PortalByAPIKey(t.Context(), first.APIKey)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestPortalsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for _, slug := range []string{"", "Acme", "a:b", "a/b", "-a", strings.Repeat("a", 64)} {
		_, err := setup.Apply(t.Context(), s, slug, parse(t, minimal), "Ana")
		require.ErrorContains(t, err, "cannot be the name", slug)
	}
	_, err := setup.Apply(t.Context(), s, "acme", parse(t, "name: Acme"), "Ana")
	require.ErrorContains(t, err, "needs settings")
}

// world is a portal connected to both sandboxes.
type world struct {
	store   *store.Store
	checker setup.Checker
	portal  store.Portal
	doc     settings.Settings
	company *chat2desk.Company
}

func connect(t *testing.T, seeds func(*bitrix24.Seeder), text string) *world {
	t.Helper()
	crm, err := bitrix24.New(bitrix24.Options{Seeds: seeds})
	require.NoError(t, err)
	company, err := chat2desk.New(chat2desk.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, crm.Close()); require.NoError(t, company.Close()) })
	crmServer, chatServer := httptest.NewServer(crm), httptest.NewServer(company)
	t.Cleanup(crmServer.Close)
	t.Cleanup(chatServer.Close)

	s := openStore(t)
	f := parse(t, text)
	f.Bitrix24.WebhookURL, f.Chat2Desk.BaseURL, f.Chat2Desk.Token = crmServer.URL+"/rest/1/sandboxsecret/", chatServer.URL, "sandbox-token"
	added, err := setup.Apply(t.Context(), s, "demo", f, "test")
	require.NoError(t, err)
	registry := portals.New(s, portals.Options{})
	t.Cleanup(registry.Close)
	doc, _, err := s.Settings(t.Context(), "demo")
	require.NoError(t, err)
	return &world{store: s, checker: setup.Checker{Accounts: registry}, portal: added.Portal, doc: doc, company: company}
}

const demoSettings = `
settings:
  operators: {administrator: 1, fallback: 7, supervisors: [8], users: [{operator: 301, user: 7}, {operator: 302, user: 8}]}
  analytics: {fields: {utm_source: utmSource}}
  fields: [{custom: "6", deal: UF_CRM_CITY}]
  crm:
    mode: simple
    channels: [{id: 12, entity: deal, pipeline: 0}, {id: 13, entity: deal, pipeline: 1, stage: "C1:NEW"}, {id: 14, entity: lead}, {id: 15, entity: none}]
`

func states(r setup.Report) map[string]setup.State {
	out := map[string]setup.State{}
	for _, row := range r.Rows {
		if row.Feature != "Open Lines: sessions" { // asked of a portal of its own in check_test.go
			out[row.Feature] = row.State
		}
	}
	return out
}

func TestCheckTellsWhatWorksAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := connect(t, nil, demoSettings)
	report := w.checker.Check(t.Context(), w.portal, w.doc)
	require.False(t, report.Works(), "the webhook is not registered yet")
	require.Equal(t, map[string]setup.State{
		"Bitrix24 account": setup.OK, "Dialogs: entities and comments in the CRM": setup.OK, "Notifications to people": setup.OK,
		"Users: who is responsible": setup.OK, "Contact center: contacts, companies, deals": setup.OK, "Contact center: directories": setup.OK,
		"Application": setup.Off, "Telephony: calls": setup.Off, "Telephony: recordings": setup.Off, "Configurable activities": setup.Off,
		"Subscriptions to events": setup.Off, "Open Lines: connector": setup.Off, "CRM mode": setup.OK, "Pipelines": setup.OK, "Custom fields of deals": setup.OK,
		"Chat2Desk account": setup.OK, "Channels": setup.Warning, "Operators": setup.Warning, "Webhook in Chat2Desk": setup.Missing, "Settings": setup.OK,
	}, states(report))

	address, err := w.checker.Register(t.Context(), "https://puente.example.com", w.portal)
	require.NoError(t, err)
	require.Equal(t, setup.WebhookURL("https://puente.example.com", w.portal), address)
	_, err = w.checker.Register(t.Context(), "https://puente.example.com", w.portal)
	require.NoError(t, err, "registering again adopts the webhook")
	report = w.checker.Check(t.Context(), w.portal, w.doc)
	require.True(t, report.Works(), report)
}

func TestRegisterNeedsAPublicAddress(t *testing.T) {
	t.Parallel()
	w := connect(t, nil, demoSettings)
	for _, host := range []string{"", "puente.example.com", "ftp://puente.example.com"} {
		_, err := w.checker.Register(t.Context(), host, w.portal)
		require.ErrorContains(t, err, "must be an address", host)
	}
}

func TestCheckNamesMandatoryFieldsAndWrongMode(t *testing.T) {
	t.Parallel()
	w := connect(t, func(s *bitrix24.Seeder) {
		bitrix24.DemoSeeds(s)
		s.UserField("deal", "UF_CRM_MUST", "string", "Must", true)
	}, strings.Replace(demoSettings, "simple", "classic", 1))
	got := states(w.checker.Check(t.Context(), w.portal, w.doc))
	require.Equal(t, setup.Warning, got["Custom fields of deals"])
	require.Equal(t, setup.Warning, got["CRM mode"])
}

func TestSettingsThatDoNotFitThePortalAreNamed(t *testing.T) {
	t.Parallel()
	w := connect(t, nil, demoSettings)
	wrong := w.doc
	wrong.Operators.Administrator = 999
	wrong.Operators.Users = []settings.OperatorUser{{Operator: 12345, User: 7}}
	wrong.Fields = []settings.Field{{Custom: "6", Deal: "UF_CRM_NOWHERE"}, {Custom: "666", Deal: "UF_CRM_CITY"}}
	wrong.Tags = settings.Tags{Mode: settings.TagsOnly, IDs: []int64{1, 77}}
	wrong.CRM.Channels = []settings.Channel{
		{ID: 12, Entity: "deal", Pipeline: 55}, {ID: 99, Entity: "lead"}, {ID: 13, Entity: "deal", Pipeline: 1, Stage: "C1:NOWHERE"},
	}
	wrong.CRM.SourceID = "NOWHERE"
	problems, err := w.checker.ValidateSettings(t.Context(), "demo", wrong)
	require.NoError(t, err)
	var fields []string
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	require.ElementsMatch(t, []string{
		"operators.administrator", "operators.users[0].operator", "fields[0].deal", "fields[1].custom", "tags.ids[1]",
		"crm.channels[0].pipeline", "crm.channels[1].id", "crm.channels[2].stage", "crm.source_id",
	}, fields)
	problems, err = w.checker.ValidateSettings(t.Context(), "demo", w.doc)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// nowhere are accounts that cannot be reached.
func TestCheckOfAnUnreachablePortalSaysSo(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	f := parse(t, demoSettings)
	f.Bitrix24.WebhookURL, f.Chat2Desk.BaseURL, f.Chat2Desk.Token = "http://127.0.0.1:1/rest/1/x/", "http://127.0.0.1:1", "t"
	added, err := setup.Apply(t.Context(), s, "demo", f, "test")
	require.NoError(t, err)
	registry := portals.New(s, portals.Options{})
	t.Cleanup(registry.Close)
	checker := setup.Checker{Accounts: registry}
	report := checker.Check(t.Context(), added.Portal, *f.Settings)
	require.False(t, report.Works())
	got := states(report)
	require.Equal(t, []setup.State{setup.Failed, setup.Failed, setup.Warning}, []setup.State{got["Bitrix24 account"], got["Chat2Desk account"], got["Settings"]})
	require.NotContains(t, got, "Notifications to people", "the account's row says it for all")
	problems, err := checker.ValidateSettings(context.WithoutCancel(t.Context()), "demo", *f.Settings)
	require.Error(t, err)
	require.Empty(t, problems, "what could not be asked is no problem of the settings")
}

func TestPortalWithoutAccountsIsTold(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	added, err := setup.Apply(t.Context(), s, "demo", parse(t, demoSettings), "test")
	require.NoError(t, err)
	registry := portals.New(s, portals.Options{})
	t.Cleanup(registry.Close)
	got := states(setup.Checker{Accounts: registry}.Check(t.Context(), added.Portal, *parse(t, demoSettings).Settings))
	require.Equal(t, setup.Missing, got["Bitrix24 account"])
	require.Equal(t, setup.Missing, got["Chat2Desk account"])
}
