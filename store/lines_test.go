package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

// lineOf is a line with these channels and members 301 and 302.
func lineOf(name string, channels ...int64) openlines.Settings {
	s := openlines.Default()
	s.Name, s.Channels = name, channels
	s.Members = []openlines.Member{{User: 301}, {User: 302}}
	return s
}

func saveLine(t *testing.T, s *store.Store, id openlines.LineID, doc openlines.Settings) int {
	t.Helper()
	version, err := s.SaveLine(t.Context(), "demo", id, doc, "Ana", "test", 0)
	require.NoError(t, err)
	return version
}

func TestLineIsSavedInVersions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		doc := lineOf("Support", 101)
		doc.Week = openlines.Week{Mon: []openlines.Interval{"09:00-12:00"}}
		require.Equal(t, 1, saveLine(t, s, "support", doc))
		changed := doc
		changed.PassTime, changed.Texts = 7, map[openlines.TextID]string{openlines.TextWelcome: ""}
		require.Equal(t, 2, saveLine(t, s, "support", changed))

		got, err := s.Line(t.Context(), "demo", "support")
		require.NoError(t, err)
		require.Equal(t, 2, got.Version)
		require.Equal(t, changed, got.Settings, "a day that was left out stays closed")
		old, err := s.LineVersion(t.Context(), "demo", "support", 1)
		require.NoError(t, err)
		require.Equal(t, doc, old)
		history, next, err := s.LineHistory(t.Context(), "demo", "support", store.Page{Limit: 1})
		require.NoError(t, err)
		require.Equal(t, []any{2, "Ana", "test"}, []any{history[0].Version, history[0].Author, history[0].Reason})
		history, _, err = s.LineHistory(t.Context(), "demo", "support", store.Page{Limit: 1, After: next})
		require.NoError(t, err)
		require.Equal(t, 1, history[0].Version)
	})
}

func TestLineIsNotSavedOverANewerVersion(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		saveLine(t, s, "support", lineOf("Support"))
		saveLine(t, s, "support", lineOf("Support 2"))
		_, err := s.SaveLine(t.Context(), "demo", "support", lineOf("Support 3"), "", "", 1)
		require.ErrorIs(t, err, store.ErrConflict)
		_, err = s.SaveLine(t.Context(), "demo", "new", lineOf("New"), "", "", 1)
		require.ErrorIs(t, err, store.ErrConflict, "there is no version 1 of it")
		_, err = s.SaveLine(t.Context(), "nowhere", "support", lineOf("Support"), "", "", 0)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.Line(t.Context(), "demo", "new")
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestChannelBelongsToOneLine(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		saveLine(t, s, "support", lineOf("Support", 101, 102))
		_, err := s.SaveLine(t.Context(), "demo", "sales", lineOf("Sales", 103, 102), "", "", 0)
		var taken *store.ChannelTakenError
		require.ErrorAs(t, err, &taken)
		require.Equal(t, store.ChannelTakenError{Channel: 102, Line: "support"}, *taken)
		require.ErrorIs(t, err, store.ErrDuplicate)
		_, _, found, err := s.LineOfChannel(t.Context(), "demo", 103)
		require.NoError(t, err)
		require.False(t, found, "nothing of a refused line is kept")

		saveLine(t, s, "support", lineOf("Support", 101))
		saveLine(t, s, "sales", lineOf("Sales", 103, 102))
		id, doc, found, err := s.LineOfChannel(t.Context(), "demo", 102)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, []any{openlines.LineID("sales"), "Sales"}, []any{id, doc.Name})
		lines, err := s.Lines(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, []openlines.LineID{"sales", "support"}, []openlines.LineID{lines[0].ID, lines[1].ID})
	})
}

func TestManySaversOfOneChannelHaveOneWinner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		var won, lost atomic.Int32
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				_, err := s.SaveLine(t.Context(), "demo", openlines.LineID(fmt.Sprint("line", i)), lineOf("Line", 7), "", "", 0)
				var taken *store.ChannelTakenError
				switch {
				case err == nil:
					won.Add(1)
				case errors.As(err, &taken):
					lost.Add(1)
				}
			})
		}
		group.Wait()
		require.Equal(t, []int32{1, 7}, []int32{won.Load(), lost.Load()})
	})
}

func TestPortalCannotHaveLinesWithoutEnd(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	savePortal(t, s)
	for i := range store.MaxLines {
		saveLine(t, s, openlines.LineID(fmt.Sprint("line", i)), lineOf("Line"))
	}
	_, err := s.SaveLine(t.Context(), "demo", "one-more", lineOf("Line"), "", "", 0)
	require.ErrorIs(t, err, store.ErrTooMany)
	saveLine(t, s, "line0", lineOf("changes still"))
}

func TestNewsOfAnOperatorIsMerged(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		online, yes, skills := openlines.Online, true, []string{"es", "billing"}
		_, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Presence: &online, Skills: &skills})
		require.NoError(t, err)
		merged, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{OnLeave: &yes, Supervisor: &yes})
		require.NoError(t, err)
		want := openlines.Operator{ID: 301, Presence: openlines.Online, OnLeave: true, Supervisor: true, Skills: skills}
		require.Equal(t, want, merged.Operator)
		_, err = s.SaveOperator(t.Context(), "demo", 299, store.OperatorChange{Dismissed: &yes})
		require.NoError(t, err)

		all, err := s.Operators(t.Context(), "demo")
		require.NoError(t, err)
		require.Len(t, all, 2)
		require.Equal(t, openlines.Operator{ID: 299, Dismissed: true}, all[0].Operator)
		require.Equal(t, want, all[1].Operator)
		require.WithinDuration(t, time.Now(), all[1].UpdatedAt, time.Minute)
		one, err := s.Operator(t.Context(), "demo", 301)
		require.NoError(t, err)
		require.Equal(t, all[1], one)
		_, err = s.Operator(t.Context(), "demo", 5)
		require.ErrorIs(t, err, store.ErrNotFound)
		_, err = s.SaveOperator(t.Context(), "nowhere", 1, store.OperatorChange{})
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestWorkDayOfTheCRMAndWhatWasToldAreBothNeeded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		for _, c := range []struct{ told, day, want openlines.Presence }{
			{openlines.Online, "", openlines.Online},
			{"", openlines.DayStarted, openlines.DayStarted},
			{openlines.Online, openlines.DayStarted, openlines.DayStarted},
			{openlines.Offline, openlines.DayStarted, openlines.Offline},
			{openlines.DayPaused, openlines.DayStarted, openlines.DayPaused},
			{openlines.Online, openlines.DayPaused, openlines.DayPaused},
			{openlines.Online, openlines.DayEnded, openlines.DayEnded},
			{openlines.Online, "", openlines.Online}, // it is tracked no more: what was told is still known
		} {
			_, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{WorkDay: &c.day})
			require.NoError(t, err)
			got, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Presence: &c.told})
			require.NoError(t, err)
			require.Equal(t, c.want, got.Presence, "%+v", c)
			require.Equal(t, c.day, got.WorkDay)
		}
	})
}

func TestWhoLeftTheCompanyIsDismissedUntilHeIsBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		for _, inactive := range []bool{true, false} {
			got, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Inactive: &inactive})
			require.NoError(t, err)
			require.Equal(t, inactive, got.Dismissed)
		}
		yes, no := true, false
		_, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Dismissed: &yes})
		require.NoError(t, err)
		got, err := s.SaveOperator(t.Context(), "demo", 301, store.OperatorChange{Inactive: &no})
		require.NoError(t, err)
		require.True(t, got.Dismissed, "a person said so")
	})
}
