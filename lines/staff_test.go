package lines_test

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/lines"
	"puente/openlines"
	"puente/store"
)

// company is a portal whose people can be asked about.
type company struct {
	*bundle
	gone   map[openlines.UserID]bool
	days   map[openlines.UserID]openlines.Presence
	silent bool // tells of no working day
	online map[openlines.UserID]openlines.Presence
	asks   int // for who is online
	fault  error
	// offline is why the channel does not answer.
	offline error
	asked   []openlines.UserID // whose working day was asked for, each time
	looks   int                // at departments and dismissals
}

func (c *company) LineEvents(ctx context.Context, _ string, all []store.Line) (events []openlines.Event, err error) {
	c.looks++
	for _, line := range all {
		e, err := c.LineEvent(ctx, line)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, c.fault
}

func (c *company) KnownMembers(ctx context.Context, portal string, all []store.Line) (users []openlines.UserID, err error) {
	defer func(looks int) { c.looks = looks }(c.looks)
	events, err := c.LineEvents(ctx, portal, all)
	for _, e := range events {
		users = append(users, e.Members...)
	}
	return users, err
}

func (c *company) Inactive(_ context.Context, _ string, users []openlines.UserID) (map[openlines.UserID]bool, error) {
	out := map[openlines.UserID]bool{}
	for _, user := range users {
		out[user] = c.gone[user]
	}
	return out, c.fault
}

func (c *company) WorkDays(_ context.Context, _ string, users []openlines.UserID) (map[openlines.UserID]openlines.Presence, bool, error) {
	c.asked = append(c.asked, users...)
	return c.days, !c.silent, c.fault
}

func (c *company) Online(context.Context, string) (map[openlines.UserID]openlines.Presence, error) {
	c.asks++
	if err := cmp.Or(c.offline, c.fault); err != nil {
		return nil, err
	}
	return c.online, nil
}

// staffed is a company with one line of user 301 and department 5, saved.
func staffed(t *testing.T, change func(*openlines.Settings)) (*company, *lines.Staff) {
	t.Helper()
	c := &company{bundle: setup(t), gone: map[openlines.UserID]bool{}, days: map[openlines.UserID]openlines.Presence{}}
	c.expand = map[int64][]openlines.UserID{5: {302}}
	c.save(t, support(func(s *openlines.Settings) {
		s.Members = []openlines.Member{{User: 301}, {Department: 5}}
		if change != nil {
			change(s)
		}
	}))
	return c, &lines.Staff{Lines: c.Service, Store: c.store, Employees: c}
}

// news are the events that came since the last call, without the first.
func (c *company) news() []openlines.Event {
	out := c.desk.Events
	c.desk.Events = nil
	return out
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestDeskIsToldOfWhoJoinsAndLeavesADepartment(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	require.NoError(t, staff.Look(t.Context(), "demo", noon))
	c.news()
	require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(10*time.Minute)))
	require.Empty(t, c.news(), "nobody came or left")
	for i, members := range [][]openlines.UserID{{302, 303}, {303}} {
		c.expand[5] = members
		at := noon.Add(time.Duration(i+1) * time.Hour)
		c.desk.Fault = errors.New("temporal is down")
		require.Error(t, staff.Look(t.Context(), "demo", at))
		c.desk.Fault = nil
		require.NoError(t, staff.Look(t.Context(), "demo", at.Add(10*time.Minute)))
		news := c.news()
		require.Len(t, news, 1)
		require.Equal(t, append([]openlines.UserID{301}, members...), news[0].Members, "also after a failure")
	}
}

func TestDeskIsToldOfDismissalsAndOfWhoComesBack(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	require.NoError(t, staff.Look(t.Context(), "demo", noon))
	for i, gone := range []bool{true, false} {
		c.gone[301] = gone
		c.news()
		require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(time.Duration(i+1)*time.Hour)))
		news := c.news()
		require.Len(t, news, 1)
		require.Equal(t, openlines.Operator{ID: 301, Dismissed: gone}, *news[0].Operator)
	}
	audit, _, err := c.store.AuditLog(t.Context(), "demo", "operator:301", store.Page{})
	require.NoError(t, err)
	require.Len(t, audit, 2)
	require.Equal(t, "bitrix24", audit[0].Actor)
}

func TestWorkingDaysAreFollowedEachMinute(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	for i, day := range []openlines.Presence{openlines.DayStarted, openlines.DayPaused, openlines.DayStarted, openlines.DayEnded, ""} {
		at := noon.Add(time.Duration(i) * time.Minute)
		c.days = map[openlines.UserID]openlines.Presence{301: day, 302: ""}
		require.NoError(t, staff.Look(t.Context(), "demo", at))
		require.NoError(t, staff.Look(t.Context(), "demo", at.Add(time.Second)), "another process looks too")
		operator, err := c.store.Operator(t.Context(), "demo", 301)
		require.NoError(t, err)
		require.Equal(t, day, operator.Presence)
		news := c.news()
		require.Equal(t, day, news[len(news)-1].Operator.Presence)
	}
	require.Len(t, c.asked, 5*2, "once a minute for both")
	require.Equal(t, 1, c.looks, "departments are asked for more rarely")
	_, err := c.store.Operator(t.Context(), "demo", 302)
	require.ErrorIs(t, err, store.ErrNotFound, "nothing is known of who keeps no days")
	audit, _, err := c.store.AuditLog(t.Context(), "demo", "operator:301", store.Page{})
	require.NoError(t, err)
	require.Empty(t, audit, "coming and going changes no rights")
}

func TestOnlyWhoMayGetOffersOnDutyIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*openlines.Settings){
		"a line that asks for nobody on duty": func(s *openlines.Settings) { s.CheckOnline = false },
		"a line that is not active":           func(s *openlines.Settings) { s.Active = false },
	} {
		c, staff := staffed(t, change)
		require.NoError(t, staff.Look(t.Context(), "demo", noon))
		require.Empty(t, c.asked, name)
	}
}

func TestPortalThatKeepsNoDaysIsLeftAlone(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	c.silent = true
	for minute := range 60 {
		require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(time.Duration(minute)*time.Minute)))
	}
	require.Len(t, c.asked, 2, "once for both")
	require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(61*time.Minute)))
	require.Len(t, c.asked, 4)
}

func TestNewMembersAreAskedForOnce(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	c.silent = true
	c.online = map[openlines.UserID]openlines.Presence{301: openlines.Online, 303: openlines.DayPaused}
	look := func(minute int) {
		require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(time.Duration(minute)*time.Minute)))
	}
	look(0)
	operator, err := c.store.Operator(t.Context(), "demo", 301)
	require.NoError(t, err)
	require.Equal(t, openlines.Online, operator.Presence)
	_, err = c.store.Operator(t.Context(), "demo", 302)
	require.ErrorIs(t, err, store.ErrNotFound, "he is no operator there")
	look(1)
	require.Equal(t, 2, c.asks, "302 alone is another question")
	for minute := range 50 {
		look(minute + 2)
	}
	require.Equal(t, 2, c.asks)
	c.expand[5] = []openlines.UserID{302, 303}
	look(52)
	operator, err = c.store.Operator(t.Context(), "demo", 303)
	require.NoError(t, err)
	require.Equal(t, openlines.DayPaused, operator.Presence)
}

func TestWhatAnOperatorJustToldIsNotOverwritten(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, func(s *openlines.Settings) { s.Members = s.Members[:1] })
	offline := openlines.Offline
	_, err := c.store.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Presence: &offline})
	require.NoError(t, err)
	c.online = map[openlines.UserID]openlines.Presence{301: openlines.Online}
	require.NoError(t, staff.Look(t.Context(), "demo", noon))
	require.Zero(t, c.asks)
}

func TestStaffLooksAtAllPortalsUntilItIsStopped(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	c.days[301] = openlines.DayStarted
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); staff.Run(ctx) }()
	require.Eventually(t, func() bool {
		known, err := c.store.Operator(t.Context(), "demo", 301)
		return err == nil && known.Presence == openlines.DayStarted
	}, 5*time.Second, 10*time.Millisecond)
	stop()
	<-done
}

func TestNewsThatCouldNotBeToldIsToldByTheNextLook(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	c.silent = true
	require.NoError(t, staff.Look(t.Context(), "demo", noon))
	c.news()
	c.gone[301], c.days[301], c.silent = true, openlines.DayStarted, false
	c.desk.Fault = errors.New("temporal is down")
	require.Error(t, staff.Look(t.Context(), "demo", noon.Add(2*time.Hour)))
	require.Error(t, staff.Look(t.Context(), "demo", noon.Add(2*time.Hour+time.Minute)), "it is still down")
	c.desk.Fault = nil
	require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(2*time.Hour+2*time.Minute)))
	news := c.news()
	require.NotEmpty(t, news)
	require.Equal(t, openlines.Operator{ID: 301, Dismissed: true, Presence: openlines.DayStarted}, *news[len(news)-1].Operator)
	require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(2*time.Hour+3*time.Minute)))
	require.Empty(t, c.news(), "it is told once")
}

func TestNewMembersAreAskedForAgainSoonIfTheChannelDidNotAnswer(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	c.silent = true
	c.online = map[openlines.UserID]openlines.Presence{301: openlines.Online, 302: openlines.Online}
	c.offline = errors.New("chat2desk is down")
	require.Error(t, staff.Look(t.Context(), "demo", noon))
	c.offline = nil
	require.NoError(t, staff.Look(t.Context(), "demo", noon.Add(time.Minute)))
	operator, err := c.store.Operator(t.Context(), "demo", 301)
	require.NoError(t, err)
	require.Equal(t, openlines.Online, operator.Presence)
}

func TestPeopleOfAPortalThatIsSwitchedOffAreLeftAlone(t *testing.T) {
	t.Parallel()
	c, staff := staffed(t, nil)
	p, err := c.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.Disabled = true
	require.NoError(t, c.store.SavePortal(t.Context(), p))
	require.NoError(t, c.store.SavePortal(t.Context(), store.Portal{Slug: "other"}))
	doc := support(nil)
	doc.Portal = "other"
	c.save(t, doc)
	c.days[301] = openlines.DayStarted
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); staff.Run(ctx) }()
	require.Eventually(t, func() bool {
		known, err := c.store.Operator(t.Context(), "other", 301)
		return err == nil && known.Presence == openlines.DayStarted
	}, 5*time.Second, 10*time.Millisecond)
	stop()
	<-done
	_, err = c.store.Operator(t.Context(), "demo", 301)
	require.ErrorIs(t, err, store.ErrNotFound)
}
