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
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// activityRow is an activity as a person sees it.
type activityRow struct {
	ID          crm.ID   `json:"ID"`
	Provider    string   `json:"PROVIDER_ID"`
	Subject     string   `json:"SUBJECT"`
	Description string   `json:"DESCRIPTION"`
	Completed   crm.Bool `json:"COMPLETED"`
	Responsible crm.ID   `json:"RESPONSIBLE_ID"`
	Origin      string   `json:"ORIGIN_ID"`
	Direction   string   `json:"DIRECTION"`
}

func (b *lineBundle) activitiesOf(t *testing.T, item openlines.Item) []activityRow {
	t.Helper()
	var rows []activityRow
	b.rest(t, "crm.activity.list", crm.Params{
		"filter": crm.Params{"BINDINGS": []any{crm.Params{"OWNER_TYPE_ID": entityTypes[dialog.Kind(item.Kind)], "OWNER_ID": item.ID}}},
		"order":  crm.Params{"ID": "ASC"},
	}, &rows)
	return rows
}

// marked writes a mark on the item, which must succeed.
func (b *lineBundle) marked(t *testing.T, item openlines.Item, m openlines.Mark) {
	t.Helper()
	require.Empty(t, b.done(t, workflows.LineCRMStep, mark(item, m)))
}

func mark(item openlines.Item, m openlines.Mark) openlines.Command {
	m.Item = item
	if m.Created.IsZero() {
		m.Created = tenOClock
	}
	return openlines.Command{Kind: openlines.DoWriteMark, Item: item, Mark: &m}
}

// forms are a portal with a webhook alone, and one with an application as well.
var forms = map[string]func(*testing.T, *lineBundle){
	"by webhook": func(*testing.T, *lineBundle) {},
	"by application": func(t *testing.T, b *lineBundle) {
		t.Helper()
		(&center{bundle: b.bundle, t: t}).install()
	},
}

// dealWithChat is a line's client with a deal.
func dealWithChat(t *testing.T, prepare func(*testing.T, *lineBundle)) (*lineBundle, openlines.Item) {
	t.Helper()
	b := openLine(t, func(s *settings.Settings) { s.General.Language = "en" })
	prepare(t, b)
	b.known(t)
	return b, openlines.Item{Kind: "deal", ID: b.add(t, dialog.Deal, crm.Params{"title": "D"})}
}

func TestChatActivityFollowsTheSession(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, deal := dealWithChat(t, prepare)
			b.marked(t, deal, openlines.Mark{Open: true, Unread: 2, Responsible: 7, Version: 1, OpenSince: 1})
			a := b.shown(t, deal)
			require.False(t, bool(a.Completed))
			require.EqualValues(t, 7, a.Responsible)
			require.Contains(t, b.words(t, a), "Unread messages: 2")
			require.Contains(t, b.words(t, a), "Created: Nov 20, 2026 10:00", "in the zone of the line")
			require.Contains(t, a.Subject, "Ana Lopez")

			b.marked(t, deal, openlines.Mark{Open: true, Responsible: 8, Version: 2, OpenSince: 1})
			a = b.shown(t, deal)
			require.NotContains(t, b.words(t, a), "Unread")
			require.Contains(t, b.words(t, a), "Answered")
			require.EqualValues(t, 8, a.Responsible, "the counter moves with him")

			closed := tenOClock.Add(90 * time.Minute)
			b.marked(t, deal, openlines.Mark{Closed: closed, Responsible: 8, Version: 3, OpenSince: 1})
			a = b.shown(t, deal)
			require.True(t, bool(a.Completed))
			require.Contains(t, b.words(t, a), "Finished")
			require.Contains(t, b.words(t, a), "Closed: Nov 20, 2026 11:30")

			b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Responsible: 8, Version: 4, OpenSince: 4})
			a = b.shown(t, deal)
			require.False(t, bool(a.Completed), "the same activity is reopened")
			require.NotContains(t, b.words(t, a), "Closed:")
			session, version, ok := workflows.ParseLineMark(a.Origin)
			require.True(t, ok)
			require.Equal(t, openlines.SessionID(1), session)
			require.Equal(t, int64(4), version, "by it its own event is known")
			w, _, err := b.store.LineWrite(t.Context(), "demo", store.ActivityKey(int64(a.ID)))
			require.NoError(t, err)
			require.EqualValues(t, 1, w.ExternalID)
		})
	}
}

// shown is the one activity of an item.
func (b *lineBundle) shown(t *testing.T, item openlines.Item) activityRow {
	t.Helper()
	rows := b.activitiesOf(t, item)
	require.Len(t, rows, 1)
	return rows[0]
}

// words are all texts of an activity.
func (b *lineBundle) words(t *testing.T, a activityRow) string {
	t.Helper()
	if a.Provider != "CONFIGURABLE_REST_APP" {
		require.Equal(t, "1", a.Direction, "an incoming one counts")
		return a.Subject + "\n" + a.Description
	}
	return a.Subject + "\n" + fmt.Sprint(b.configurable(t, int64(a.ID)))
}

// configurable is the application's activity with its layout.
func (b *lineBundle) configurable(t *testing.T, id int64) map[string]any {
	t.Helper()
	app, err := b.portals.App(t.Context(), "demo")
	require.NoError(t, err)
	answer, err := app.Call(t.Context(), "crm.activity.configurable.get", crm.Params{"id": id})
	require.NoError(t, err)
	var out struct {
		Activity map[string]any `json:"activity"`
	}
	require.NoError(t, answer.Decode(&out))
	return out.Activity
}

func TestApplicationsActivityIsOfAnIncomingChannelWithABadge(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by application"])
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 1})
	a := b.shown(t, deal)
	require.Equal(t, "CONFIGURABLE_REST_APP", a.Provider)
	fields, _ := b.configurable(t, int64(a.ID))["fields"].(map[string]any)
	require.Equal(t, true, fields["isIncomingChannel"])
	require.Equal(t, "puente_unread", fields["badgeCode"])
	b.marked(t, deal, openlines.Mark{Open: true, Responsible: 7, Version: 2})
	fields, _ = b.configurable(t, int64(a.ID))["fields"].(map[string]any)
	require.Empty(t, fields["badgeCode"])
	require.Contains(t, fmt.Sprint(b.configurable(t, int64(a.ID))), "https://web.example/chat/dialogs/")
}

func TestActivityIsMadeAlsoWhereTheBadgeIsRefused(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by application"])
	b.fault(t, bitrix24.Fault{Method: "crm.activity.badge.add", Kind: "status", Status: http.StatusForbidden, Times: 1})
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 1})
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 2, Responsible: 7, Version: 2})
	require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 2")
}

func TestOlderMarkNeverOverwritesANewerOne(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, deal := dealWithChat(t, prepare)
			b.marked(t, deal, openlines.Mark{Open: true, Unread: 3, Responsible: 7, Version: 5})
			spent := b.requests(func() {
				b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 4})
				b.marked(t, deal, openlines.Mark{Open: true, Unread: 3, Responsible: 7, Version: 5})
			})
			require.Zero(t, spent)
			require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 3")
		})
	}
}

func TestActivityIsMadeOnceWhateverIsLost(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		for fault, f := range map[string]bitrix24.Fault{
			"the answer":                {Kind: "lost_answer"},
			"the request":               {Kind: "reset"},
			"the portal while it wrote": {Kind: "status", Status: http.StatusBadGateway, When: "after"},
		} {
			t.Run(name+", "+fault, func(t *testing.T) {
				t.Parallel()
				b, deal := dealWithChat(t, prepare)
				f.Times = 1
				for _, f.Method = range []string{"crm.activity.add", "crm.activity.configurable.add"} {
					b.fault(t, f)
				}
				_, err := b.do(workflows.LineCRMStep, mark(deal, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 1}))
				_, app := failure(t, err)
				require.False(t, app.NonRetryable())
				b.marked(t, deal, openlines.Mark{Open: true, Unread: 2, Responsible: 7, Version: 2})
				require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 2", "a newer mark takes the place of the lost one")
			})
		}
	}
}

func TestMarkWaitsForARequestThatMayBeUnderWay(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by webhook"])
	_, err := b.store.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: "mark:1", State: store.WriteSending, Version: 1})
	require.NoError(t, err)
	_, err = b.do(workflows.LineCRMStep, mark(deal, openlines.Mark{Open: true, Version: 2}))
	f, _ := failure(t, err)
	require.Equal(t, "InFlight", f.Code)
}

func TestActivityThatSomebodyDeletedIsMadeAnew(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, deal := dealWithChat(t, prepare)
			b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 1})
			b.rest(t, "crm.activity.delete", crm.Params{"id": b.shown(t, deal).ID}, nil)
			b.marked(t, deal, openlines.Mark{Open: true, Unread: 2, Responsible: 7, Version: 2})
			b.rest(t, "crm.activity.delete", crm.Params{"id": b.shown(t, deal).ID}, nil)
			b.marked(t, deal, openlines.Mark{Responsible: 7, Version: 3})
			require.Empty(t, b.activitiesOf(t, deal), "a finished chat needs none")
		})
	}
}

func TestActivityMovesWithItsItem(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, deal := dealWithChat(t, prepare)
			lead := openlines.Item{Kind: "lead", ID: b.add(t, dialog.Lead, crm.Params{"title": "L"})}
			b.marked(t, lead, openlines.Mark{Open: true, Unread: 1, Responsible: 7, Version: 1})
			b.marked(t, deal, openlines.Mark{Open: true, Unread: 2, Responsible: 7, Version: 2})
			require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 2")
			require.Empty(t, b.activitiesOf(t, lead))
		})
	}
}

func TestMarkOfNobodyResponsibleIsTheFallbackUsers(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by webhook"])
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Version: 1})
	require.EqualValues(t, 1, b.shown(t, deal).Responsible)
}

func TestMarkOfAnItemThatIsGoneIsOver(t *testing.T) {
	t.Parallel()
	for name, prepare := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, deal := dealWithChat(t, prepare)
			b.remove(t, dialog.Ref{Kind: dialog.Deal, ID: deal.ID})
			done := b.done(t, workflows.LineCRMStep, mark(deal, openlines.Mark{Open: true, Unread: 1, Version: 1}))
			require.Contains(t, done.Note, "does not exist any more")
		})
	}
}

func TestRefusedMarkWaitsUntilAPersonHasMendedIt(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by webhook"])
	b.fault(t, bitrix24.Fault{Method: "crm.activity.add", Kind: "status", Status: http.StatusForbidden, Times: 1})
	command := mark(deal, openlines.Mark{Open: true, Unread: 1, Version: 1})
	_, err := b.do(workflows.LineCRMStep, command)
	f, app := failure(t, err)
	require.False(t, app.NonRetryable())
	require.Positive(t, app.NextRetryDelay())
	require.Contains(t, f.Text, "tried again by itself")
	require.NotContains(t, f.Text, "run it again")
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 1, Version: 1})
	require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 1")
}

func TestMarkIsWrittenWhenTheCRMIsBack(t *testing.T) {
	t.Parallel()
	b, deal := dealWithChat(t, forms["by webhook"])
	b.fault(t, bitrix24.Fault{Kind: "status", Status: http.StatusServiceUnavailable, Times: 2})
	for range 2 {
		_, err := b.do(workflows.LineCRMStep, mark(deal, openlines.Mark{Open: true, Unread: 1, Version: 1}))
		_, app := failure(t, err)
		require.False(t, app.NonRetryable())
	}
	b.marked(t, deal, openlines.Mark{Open: true, Unread: 4, Version: 4})
	require.Contains(t, b.words(t, b.shown(t, deal)), "Unread messages: 4")
}
