package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/openlines"
	"puente/portals"
	sandbox "puente/sandbox/bitrix24"
	"puente/settings"
	"puente/setup"
	"puente/store"
)

// answering is a gateway that answers each method by a text: JSON of the result, or an error.
type answering struct {
	bitrix24.Gateway
	answers map[string]string
	errs    map[string]error
	lost    error
	batches int
}

func (g *answering) Batch(_ context.Context, group bitrix24.Group) ([]bitrix24.Result, error) {
	g.batches++
	if g.lost != nil {
		return nil, g.lost
	}
	results := make([]bitrix24.Result, len(group.Commands))
	for i, c := range group.Commands {
		method := c.Method
		if name, asked := c.Params["name"].(string); asked && method == "method.get" {
			method += " " + name
		}
		value, known := g.answers[method]
		if !known {
			value = `{"isExisting":true,"isAvailable":true}`
		}
		results[i] = bitrix24.Result{Key: c.Key, Answer: bitrix24.Answer{Value: []byte(value)}, Err: g.errs[method]}
	}
	return results, nil
}

const allScopes = `["crm","im","user_basic","telephony","imopenlines","imconnector"]`

func newAnswering() *answering {
	return &answering{errs: map[string]error{}, answers: map[string]string{
		"profile": `{"ID":"1","NAME":"Anna","ADMIN":true}`, "scope": allScopes, "crm.settings.mode.get": `2`,
		"crm.category.list": `{"categories":[]}`, "crm.deal.userfield.list": `[]`,
		"app.info": `{"CODE":"local.1","INSTALLED":true,"PAYMENT_EXPIRED":"N","LICENSE":"de_ent250"}`, "event.get": `[]`,
	}}
}

// portalOf are the accounts of a portal by two gateways.
type portalOf struct {
	general, app *answering
	noApp        error
}

func (p *portalOf) Gateway(context.Context, string) (bitrix24.Gateway, error) { return p.general, nil }

func (p *portalOf) App(context.Context, string) (bitrix24.Gateway, error) {
	if p.noApp != nil {
		return nil, p.noApp
	}
	return p.app, nil
}

func (*portalOf) Chat2Desk(context.Context, string) (*chat2desk.API, error) {
	return nil, portals.ErrNoAccount
}

// busy are settings that use the contact center with calls.
func busy() settings.Settings {
	s := settings.Default()
	s.Operators.Administrator = 1
	s.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "ana", User: 1}}
	return s
}

func (p *portalOf) rows(t *testing.T, s settings.Settings, lines bool, account ...store.Bitrix24Account) map[string]setup.Row {
	t.Helper()
	portal := store.Portal{Slug: "demo", Bitrix24: store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/", ApplicationToken: "t"}}
	if len(account) > 0 {
		portal.Bitrix24 = account[0]
	}
	checker := setup.Checker{Accounts: p, Lines: func(context.Context, string) ([]store.Line, error) { return someLines(lines), nil }}
	rows := map[string]setup.Row{}
	for _, row := range checker.Check(t.Context(), portal, s).Rows {
		if row.Feature != "Settings" {
			rows[row.Feature] = row
		}
	}
	return rows
}

// someLines are a line that takes sessions, if asked for, and one that does not.
func someLines(active bool) []store.Line {
	off := store.Line{ID: "old", Settings: openlines.Default()}
	off.Settings.Active, off.Settings.Channels = false, []int64{99}
	if !active {
		return []store.Line{off}
	}
	on := store.Line{ID: "support", Settings: openlines.Default()}
	on.Settings.Channels = []int64{12, 13}
	return []store.Line{off, on}
}

func both() *portalOf { return &portalOf{general: newAnswering(), app: newAnswering()} }

func TestEverythingWorksWithWebhookAndApplication(t *testing.T) {
	t.Parallel()
	p := both()
	rows := p.rows(t, busy(), false)
	for name, row := range rows {
		require.Equal(t, setup.OK, row.State, "%s: %s", name, row.Detail)
	}
	require.Contains(t, rows["Application"].Detail, "local.1 on the plan de_ent250, acts as Anna")
	require.NotContains(t, rows, "Chat2Desk account", "a contact center needs none")
	// One request each for the checks; the settings are compared with one more.
	require.Equal(t, []int{2, 1}, []int{p.general.batches, p.app.batches})
}

func TestFeaturesOfAnApplicationSayThatAWebhookIsNotEnough(t *testing.T) {
	t.Parallel()
	p := both()
	p.noApp = fmt.Errorf("portal demo: %w", portals.ErrNoApplication)
	rows := p.rows(t, busy(), false)
	for name, state := range map[string]setup.State{
		"Application": setup.Missing, "Telephony: calls": setup.Missing, "Telephony: recordings": setup.Missing,
		"Open Lines: connector": setup.Off, "Subscriptions to events": setup.Off, "Configurable activities": setup.Off,
	} {
		require.Equal(t, state, rows[name].State, name)
		require.Equal(t, setup.LackApplication, rows[name].Lacks, name)
		require.Contains(t, rows[name].Help, "puente portal install demo", name)
	}
	require.Contains(t, rows["Open Lines: connector"].Detail, "the settings do not use it")
	require.Equal(t, "none is installed", rows["Application"].Detail)
	hook := store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/", ClientID: "local.1"}
	require.Contains(t, p.rows(t, busy(), false, hook)["Application"].Detail, "client_secret")
	hook.ClientSecret = "s"
	require.Contains(t, p.rows(t, busy(), false, hook)["Application"].Detail, "not handed over")
	require.Equal(t, setup.OK, rows["Contact center: directories"].State)

	quiet := settings.Default()
	quiet.ContactCenter.Products = []settings.Product{{Name: "x", Responsible: settings.ResponsibleOperator}}
	require.Equal(t, setup.Off, p.rows(t, quiet, false)["Telephony: calls"].State)
}

func TestLacksAreNamedWithTheWayOut(t *testing.T) {
	t.Parallel()
	refused := func(kind bitrix24.Kind, code, words string) error {
		return &bitrix24.Error{Kind: kind, Code: code, Description: words, Method: "m"}
	}
	denied := bitrix24.KindAccessDenied
	for name, c := range map[string]struct {
		err   error
		state setup.State
		lacks setup.Lack
		help  string
	}{
		"context":      {refused(denied, "WRONG_AUTH_TYPE", "Current authorization type is denied"), setup.Missing, setup.LackApplication, "portal install"},
		"context 2":    {refused(denied, "ACCESS_DENIED", "Access denied! Application context required"), setup.Missing, setup.LackApplication, "portal install"},
		"plan":         {refused(denied, "ACCESS_DENIED", "REST API is available only on commercial plans"), setup.Missing, setup.LackLicence, "plan"},
		"payment":      {refused(denied, "PAYMENT_REQUIRED", "Payment required"), setup.Missing, setup.LackLicence, "renew"},
		"permission":   {refused(denied, "insufficient_scope", "The request requires higher privileges"), setup.Missing, setup.LackPermission, "add the permission"},
		"rights":       {refused(denied, "ACCESS_DENIED", "Access denied!"), setup.Missing, setup.LackRights, "administrator"},
		"confirmation": {refused(denied, "METHOD_CONFIRM_WAITING", "Waiting"), setup.Missing, setup.LackRights, "notifications"},
		"no method":    {refused(bitrix24.KindInvalid, "ERROR_METHOD_NOT_FOUND", "Method not found!"), setup.Missing, setup.LackMethod, "module"},
		"credentials":  {refused(denied, "invalid_grant", ""), setup.Missing, setup.LackAccount, "refuses the credentials"},
		"lost":         {refused(bitrix24.KindAmbiguous, "", "no answer"), setup.Failed, "", "address"},
		"limited":      {refused(bitrix24.KindRateLimited, "QUERY_LIMIT_EXCEEDED", ""), setup.Failed, "", "later"},
		"other":        {refused(bitrix24.KindInvalid, "ERROR_CORE", "what?"), setup.Failed, "", "own words"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := both()
			p.app.errs["telephony.externalLine.get"] = c.err
			row := p.rows(t, busy(), false)["Telephony: calls"]
			require.Equal(t, []any{c.state, c.lacks}, []any{row.State, row.Lacks})
			require.Contains(t, row.Help, c.help)
		})
	}
}

func TestPermissionsAreThoseOfTheAuthorizationThatIsUsed(t *testing.T) {
	t.Parallel()
	p := both()
	p.app.answers["scope"] = `["crm","imopenlines"]`
	rows := p.rows(t, busy(), true)
	require.Equal(t, setup.LackPermission, rows["Telephony: calls"].Lacks, "the webhook's permission is of no use to it")
	require.Contains(t, rows["Telephony: calls"].Help, "add telephony to the permissions of the application")
	require.Equal(t, setup.OK, rows["Open Lines: connector"].State)
	p.general.answers["scope"] = `["im","user"]`
	rows = p.rows(t, busy(), false)
	require.Equal(t, setup.Missing, rows["Contact center: directories"].State)
	require.Equal(t, setup.Off, rows["Open Lines: sessions"].State)
	require.Equal(t, setup.OK, rows["Users: who is responsible"].State)
}

func TestMethodThatCannotBeTriedIsLookedUp(t *testing.T) {
	t.Parallel()
	p := both()
	p.app.answers["method.get telephony.externalcall.attachrecord"] = `{"isExisting":false,"isAvailable":false}`
	row := p.rows(t, busy(), false)["Telephony: recordings"]
	require.Equal(t, []any{setup.Missing, setup.LackMethod}, []any{row.State, row.Lacks})
	p.app.answers["method.get telephony.externalcall.attachrecord"] = `[5]`
	require.Equal(t, setup.Failed, p.rows(t, busy(), false)["Telephony: recordings"].State)
}

func TestApplicationItselfMayBeTheProblem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*answering)
		state  setup.State
		lacks  setup.Lack
	}{
		"not finished": {func(g *answering) {
			g.answers["app.info"] = `{"CODE":"local.1","INSTALLED":false}`
		}, setup.Missing, setup.LackApplication},
		"not paid": {func(g *answering) {
			g.answers["app.info"] = `{"CODE":"market","INSTALLED":true,"PAYMENT_EXPIRED":"Y"}`
		}, setup.Missing, setup.LackLicence},
		"no administrator": {func(g *answering) { g.answers["profile"] = `{"NAME":"Olga","ADMIN":false}` }, setup.Warning, setup.LackRights},
		"no profile":       {func(g *answering) { g.answers["profile"] = `5` }, setup.Failed, ""},
		"no information": {func(g *answering) {
			g.errs["app.info"] = &bitrix24.Error{Kind: bitrix24.KindAccessDenied, Code: "ERROR_OAUTH"}
		}, setup.Failed, setup.LackAccount},
		"dead tokens": {func(g *answering) {
			g.lost = &bitrix24.Error{Kind: bitrix24.KindAccessDenied, Code: "invalid_grant"}
		}, setup.Failed, setup.LackAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := both()
			c.change(p.app)
			row := p.rows(t, busy(), false)["Application"]
			require.Equal(t, []any{c.state, c.lacks}, []any{row.State, row.Lacks}, row.Detail)
		})
	}
	row := both().rows(t, busy(), false, store.Bitrix24Account{WebhookURL: "https://b24.example/rest/1/x/"})["Application"]
	require.Equal(t, setup.Warning, row.State)
	require.Contains(t, row.Detail, "cannot be proved")
}

func TestSilentPortalIsToldOnce(t *testing.T) {
	t.Parallel()
	p := both()
	p.general.lost = &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Description: "no answer"}
	rows := p.rows(t, busy(), false)
	require.Equal(t, setup.Failed, rows["Bitrix24 account"].State)
	require.NotContains(t, rows, "Contact center: directories")
	require.NotContains(t, rows, "CRM mode")
	require.Equal(t, setup.OK, rows["Telephony: calls"].State, "the application was asked for itself")
}

func TestLinesThatCannotBeReadAreToldToo(t *testing.T) {
	t.Parallel()
	checker := setup.Checker{Accounts: both(), Lines: func(context.Context, string) ([]store.Line, error) { return nil, errors.New("the store is down") }}
	report := checker.Check(t.Context(), store.Portal{Slug: "demo"}, busy())
	require.False(t, report.Works())
	require.Contains(t, report.Rows[0].Detail, "the store is down")
}

func TestGuideNamesTheStepsThatAreLeft(t *testing.T) {
	t.Parallel()
	portal := store.Portal{Slug: "acme", ContactCenterSecret: "s"}
	full := store.Bitrix24Account{
		WebhookURL: "https://b24.example/rest/1/x/", ClientID: "local.1", ClientSecret: "key", RefreshToken: "r", ApplicationToken: "t",
	}
	for name, c := range map[string]struct {
		change func(*store.Portal)
		steps  int
		first  string
		ready  bool
	}{
		"nothing is there": {func(p *store.Portal) { p.Bitrix24 = store.Bitrix24Account{} }, 10, "client_endpoint", false},
		"only a webhook": {func(p *store.Portal) {
			p.Bitrix24 = store.Bitrix24Account{WebhookURL: full.WebhookURL}
		}, 9, "reaches https://puente.example.com/webhooks/bitrix24/acme from", false},
		"installed, no key yet": {func(p *store.Portal) { p.Bitrix24.ClientSecret = "" }, 2, "bitrix24.client_secret", false},
		"keys, not installed":   {func(p *store.Portal) { p.Bitrix24.RefreshToken = "" }, 8, "reaches", false},
		"all":                   {func(*store.Portal) {}, 0, "", true},
		"no secret":             {func(p *store.Portal) { p.ContactCenterSecret = "" }, 1, "puente portal add acme", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := portal
			p.Bitrix24 = full
			c.change(&p)
			g := setup.InstallGuide("https://puente.example.com/", p)
			require.Len(t, g.Steps, c.steps, strings.Join(g.Steps, "\n"))
			if c.first != "" {
				require.Contains(t, g.Steps[0], c.first)
			}
			require.Equal(t, c.ready, g.Ready())
			require.Equal(t, "https://puente.example.com/webhooks/bitrix24/acme", g.HandlerURL)
			if p.ContactCenterSecret != "" {
				require.Equal(t, g.HandlerURL+"/install/"+p.InstallKey(), g.InstallURL)
			}
			require.NotContains(t, strings.Join(g.Steps, "\n"), "key\n", "the stored secret is shown to nobody")
		})
	}
}

func TestInstalledApplicationMakesTelephonyWork(t *testing.T) {
	t.Parallel()
	w := connect(t, nil, demoSettings)
	w.doc.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "ana", User: 7}}
	before := states(w.checker.Check(t.Context(), w.portal, w.doc))
	require.Equal(t, []setup.State{setup.Missing, setup.Missing}, []setup.State{before["Application"], before["Telephony: calls"]})

	web := portals.WebURL(w.portal)
	issued := tokensOf(t, web)
	require.NoError(t, w.store.Install(t.Context(), "demo", store.Installation{
		Token:    store.Token{Access: issued.Access, Refresh: issued.Refresh, ClientEndpoint: web + "/rest/", MemberID: "m"},
		ClientID: sandbox.DemoClientID, ApplicationToken: "t", OAuthServer: web,
	}))
	portal, err := w.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	portal.Bitrix24.ClientSecret = sandbox.DemoClientSecret
	require.NoError(t, w.store.SavePortal(t.Context(), portal))
	registry := portals.New(w.store, portals.Options{})
	t.Cleanup(registry.Close)
	after := states(setup.Checker{Accounts: registry}.Check(t.Context(), portal, w.doc))
	for _, name := range []string{"Application", "Telephony: calls", "Telephony: recordings", "Configurable activities", "Subscriptions to events"} {
		require.Equal(t, setup.OK, after[name], name)
	}
}

// tokensOf lets the sandbox at web issue tokens of its application.
func tokensOf(t *testing.T, web string) (issued struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
},
) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, web+"/sandbox/tokens", strings.NewReader(`{}`))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&issued))
	return issued
}
