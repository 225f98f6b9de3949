package activities_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/activities"
	crm "puente/bitrix24"
	"puente/openlines"
	"puente/sandbox/bitrix24"
	"puente/store"
)

// staff asks the portal about people.
func (b *lineBundle) staff() *activities.Lines {
	return &activities.Lines{Store: b.store, Portals: b.portals, Temporal: b.sessions}
}

// hire gives a user to departments, or takes him out of all.
func (b *lineBundle) hire(t *testing.T, user int64, departments ...int64) {
	t.Helper()
	b.rest(t, "user.update", crm.Params{"ID": user, "UF_DEPARTMENT": departments}, nil)
}

func TestMembersOfSeveralDepartmentsAreOneRequest(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.rest(t, "department.add", crm.Params{"NAME": "Night", "PARENT": 1}, nil)
	var rows []struct {
		ID int64 `json:"ID,string"`
	}
	b.rest(t, "department.get", crm.Params{"NAME": "Night"}, &rows)
	require.Len(t, rows, 1)
	night := rows[0].ID
	b.hire(t, 8, night)
	one, two := b.line, b.line
	one.Members = []openlines.Member{{Department: 1}, {Department: night}}
	two.Members = []openlines.Member{{Department: night}, {User: 7}}
	all := []store.Line{{Portal: "demo", ID: "one", Settings: one}, {Portal: "demo", ID: "two", Settings: two}}
	var events []openlines.Event
	require.Equal(t, 1, b.requests(func() {
		var err error
		events, err = b.staff().LineEvents(t.Context(), "demo", all)
		require.NoError(t, err)
	}))
	require.Equal(t, []openlines.UserID{8, 7}, events[1].Members)
	require.Equal(t, openlines.UserID(8), events[0].Members[len(events[0].Members)-1])

	b.hire(t, 9, night)
	require.Zero(t, b.requests(func() {
		known, err := b.staff().KnownMembers(t.Context(), "demo", all[1:])
		require.NoError(t, err)
		require.Equal(t, []openlines.UserID{8, 7}, known, "as told last")
	}))
	events, err := b.staff().LineEvents(t.Context(), "demo", all[1:])
	require.NoError(t, err)
	require.Equal(t, []openlines.UserID{8, 9, 7}, events[0].Members)
}

func TestDepartmentOfManyPagesIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	for n := range 120 {
		b.rest(t, "user.add", crm.Params{"EMAIL": string(rune('a'+n%26)) + string(rune('a'+n/26)) + "@many.example", "UF_DEPARTMENT": []int{1}}, nil)
	}
	b.line.Members = []openlines.Member{{Department: 1}}
	events, err := b.staff().LineEvents(t.Context(), "demo", []store.Line{{Portal: "demo", ID: "sales", Settings: b.line}})
	require.NoError(t, err)
	require.Greater(t, len(events[0].Members), 120)
	require.IsIncreasing(t, events[0].Members)
}

func TestPortalTellsWhoWasDismissed(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.rest(t, "user.update", crm.Params{"ID": 8, "ACTIVE": false}, nil)
	require.Equal(t, 1, b.requests(func() {
		gone, err := b.staff().Inactive(t.Context(), "demo", []openlines.UserID{7, 8, 999})
		require.NoError(t, err)
		require.Equal(t, map[openlines.UserID]bool{7: false, 8: true}, gone, "of 999 nothing is known")
	}))
	b.fault(t, bitrix24.Fault{Method: "user.get", Kind: "status", Status: http.StatusForbidden, Times: 1})
	_, err := b.staff().Inactive(t.Context(), "demo", []openlines.UserID{7, 8})
	require.Error(t, err, "a refusal dismisses nobody")
}

func TestWorkingDaysOfThoseWhoKeepThem(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	for user, status := range map[int]string{1: "opened", 7: "paused", 8: "closed", 9: "expired"} {
		require.NoError(t, b.crm.SetWorkDay(user, status))
	}
	require.Equal(t, 1, b.requests(func() {
		days, told, err := b.staff().WorkDays(t.Context(), "demo", []openlines.UserID{1, 7, 8, 9, 10})
		require.NoError(t, err)
		require.True(t, told)
		require.Equal(t, map[openlines.UserID]openlines.Presence{
			1: openlines.DayStarted, 7: openlines.DayPaused, 8: openlines.DayEnded, 9: "", 10: "",
		}, days, "a forgotten day tells nothing, and 10 keeps none")
	}))
}

func TestPortalWithoutTimeTrackingSaysSo(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	body := strings.NewReader(`{"user":1,"secret":"withoutdays","scopes":["user","crm"]}`)
	b.crm.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/sandbox/webhooks", body))
	portal, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	portal.Bitrix24.WebhookURL = strings.Replace(portal.Bitrix24.WebhookURL, "sandboxsecret", "withoutdays", 1)
	require.NoError(t, b.store.SavePortal(t.Context(), portal))
	days, told, err := b.staff().WorkDays(t.Context(), "demo", []openlines.UserID{7, 8})
	require.NoError(t, err)
	require.False(t, told)
	require.Equal(t, map[openlines.UserID]openlines.Presence{7: "", 8: ""}, days)
	b.fault(t, bitrix24.Fault{Method: "timeman.status", Kind: "status", Status: http.StatusBadGateway, Times: 1})
	_, _, err = b.staff().WorkDays(t.Context(), "demo", []openlines.UserID{7, 8})
	require.Error(t, err, "an outage says nothing of anybody")
}

func TestOperatorsOfChat2DeskAreKnownByTheirUsers(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	online, err := b.staff().Online(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, map[openlines.UserID]openlines.Presence{7: openlines.Online, 8: openlines.Online}, online)
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{Slug: "bare"}))
	_, err = b.store.SaveSettings(t.Context(), "bare", b.conf, "test", "", 0)
	require.NoError(t, err)
	online, err = b.staff().Online(t.Context(), "bare")
	require.NoError(t, err)
	require.Empty(t, online)
	gone, err := b.staff().Inactive(t.Context(), "bare", []openlines.UserID{7})
	require.NoError(t, err)
	require.Empty(t, gone)
	_, told, err := b.staff().WorkDays(t.Context(), "bare", []openlines.UserID{7})
	require.NoError(t, err)
	require.False(t, told)
}
