package portals_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	client "puente/bitrix24"
	"puente/openlines"
	"puente/portals"
	"puente/sandbox/bitrix24"
	"puente/store"
)

const eventsURL = "https://puente.example.com/webhooks/bitrix24/demo"

// line makes an open line, active or not.
func (i *installing) line(t *testing.T, active bool) {
	t.Helper()
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.Members, doc.Active = "Support", []int64{12}, []openlines.Member{{User: 7}}, active
	_, err := i.store.SaveLine(t.Context(), "demo", "support", doc, "Ana", "test", 0)
	require.NoError(t, err)
}

// install hands over tokens of an application whose secret is known.
func (i *installing) install(t *testing.T, host string) {
	t.Helper()
	h := i.handover(t)
	h.Host = host
	_, err := i.registry.Install(t.Context(), "demo", h)
	require.NoError(t, err)
}

func withSecret(a *store.Bitrix24Account) {
	a.ClientID, a.ClientSecret = bitrix24.DemoClientID, bitrix24.DemoClientSecret
}

// bound are the events that the sandbox sends to an address.
func (i *installing) bound(address string) (events []string) {
	for _, h := range i.sandbox.Events().Handlers {
		if h.URL == address {
			events = append(events, h.Event)
		}
	}
	slices.Sort(events)
	return events
}

func (i *installing) follow(t *testing.T) int {
	t.Helper()
	n, err := i.registry.FollowCRM(t.Context(), "demo")
	require.NoError(t, err)
	return n
}

func wanted() []string { return slices.Sorted(slices.Values(portals.LineEvents())) }

func TestInstallationSubscribesToTheEventsOfOpenLines(t *testing.T) {
	t.Parallel()
	i := newInstalling(t, withSecret)
	i.line(t, true)
	i.install(t, "https://puente.example.com")
	require.Equal(t, eventsURL, i.account(t).EventsURL)
	require.Equal(t, wanted(), i.bound(eventsURL))
	require.Zero(t, i.follow(t), "and a second time changes nothing")

	entries, _, err := i.store.AuditLog(t.Context(), "demo", "portal", store.Page{})
	require.NoError(t, err)
	require.Contains(t, string(entries[0].After), `"events_bound":5`)
}

func TestPortalWithoutLinesIsNotDisturbed(t *testing.T) {
	t.Parallel()
	i := newInstalling(t, withSecret)
	i.install(t, "https://puente.example.com")
	require.Empty(t, i.sandbox.Events().Handlers)
	i.line(t, true)
	require.Equal(t, 5, i.follow(t))
	i.line(t, false)
	require.Equal(t, 5, i.follow(t), "and no longer than it has lines")
	require.Empty(t, i.sandbox.Events().Handlers)
}

func TestHandlersFollowTheAPIToAnotherHost(t *testing.T) {
	t.Parallel()
	i := newInstalling(t, withSecret)
	i.line(t, true)
	i.install(t, "https://puente.example.com")
	app, err := i.registry.App(t.Context(), "demo")
	require.NoError(t, err)
	_, err = app.Call(t.Context(), "event.bind", client.Params{"event": "ONCRMDEALUPDATE", "handler": "https://other.example/mine"})
	require.NoError(t, err)

	require.NoError(t, i.store.SetEventsURL(t.Context(), "demo", portals.EventsURL("https://new.example.com/", "demo")))
	require.Equal(t, 10, i.follow(t))
	require.Equal(t, wanted(), i.bound("https://new.example.com/webhooks/bitrix24/demo"))
	require.Empty(t, i.bound(eventsURL))
	require.Equal(t, []string{"ONCRMDEALUPDATE"}, i.bound("https://other.example/mine"), "handlers of other programs stay")
}

func TestFollowingTheCRMSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	i := newInstalling(t)
	i.line(t, true)
	_, err := i.registry.FollowCRM(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrNoApplication)

	i = newInstalling(t, withSecret)
	i.line(t, true)
	i.install(t, "")
	_, err = i.registry.FollowCRM(t.Context(), "demo")
	require.ErrorIs(t, err, portals.ErrNoEventsURL)
	entries, _, err := i.store.AuditLog(t.Context(), "demo", "portal", store.Page{})
	require.NoError(t, err)
	require.Contains(t, string(entries[0].After), "events_not_bound")

	require.NoError(t, i.store.SetEventsURL(t.Context(), "demo", eventsURL))
	post(t, i.url+"/sandbox/faults", `{"method":"event.bind","kind":"status","code":"ACCESS_DENIED","times":-1}`, nil)
	_, err = i.registry.FollowCRM(t.Context(), "demo")
	require.Error(t, err)
}

func TestTwoProcessesSubscribeAtOnce(t *testing.T) {
	t.Parallel()
	i := newInstalling(t, withSecret)
	i.line(t, true)
	i.install(t, "")
	require.NoError(t, i.store.SetEventsURL(t.Context(), "demo", eventsURL))
	failed := make(chan error, 8)
	for range 8 {
		go func() {
			_, err := i.registry.FollowCRM(t.Context(), "demo")
			failed <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-failed)
	}
	require.Equal(t, wanted(), i.bound(eventsURL))
}

func TestHandlersAreReadLeniently(t *testing.T) {
	t.Parallel()
	gone := client.Result{Err: errors.New("no")}
	_, err := portals.ReadHandlers(gone, "demo", eventsURL)
	require.Error(t, err)
	for name, c := range map[string]struct {
		rows      string
		bound     []string
		elsewhere []string
	}{
		"none":            {`[]`, nil, nil},
		"another case":    {`[{"event":"onCrmDealUpdate","handler":"` + eventsURL + `","auth_type":"0","offline":0}]`, []string{"ONCRMDEALUPDATE"}, nil},
		"for a user":      {`[{"event":"ONCRMDEALUPDATE","handler":"` + eventsURL + `","auth_type":"15","offline":0}]`, []string{"ONCRMDEALUPDATE"}, nil},
		"offline":         {`[{"event":"ONCRMDEALUPDATE","handler":"","auth_type":"0","offline":1}]`, nil, nil},
		"another event":   {`[{"event":"ONCRMDEALADD","handler":"` + eventsURL + `","auth_type":"0","offline":0}]`, nil, nil},
		"another program": {`[{"event":"ONCRMDEALUPDATE","handler":"https://a.example/x","auth_type":"0","offline":0}]`, nil, nil},
		"an earlier host": {
			`[{"event":"ONCRMDEALUPDATE","handler":"http://old.example/webhooks/bitrix24/demo","auth_type":"0","offline":0}]`, nil,
			[]string{"http://old.example/webhooks/bitrix24/demo"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := portals.ReadHandlers(client.Result{Answer: client.Answer{Value: []byte(c.rows)}}, "demo", eventsURL)
			require.NoError(t, err)
			require.Equal(t, c.bound, h.Bound)
			require.Equal(t, c.elsewhere, h.Elsewhere)
			require.Len(t, h.Missing, 5-len(c.bound))
		})
	}
}

func TestEventsURLIsWhatTheAPIServes(t *testing.T) {
	t.Parallel()
	require.Equal(t, eventsURL, portals.EventsURL("https://puente.example.com/", "demo"))
}
