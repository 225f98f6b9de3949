package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func TestPurgeTakesOldFinishedRowsOfThePortalOnly(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			old := time.Now().Add(-48 * time.Hour)
			events := []store.InboxEvent{event("1", "old"), event("1", "old2"), event("2", "open"), event("1", "new")}
			for i := range 3 {
				events[i].ReceivedAt = old
			}
			foreign := event("1", "old")
			foreign.Portal, foreign.ReceivedAt = "other", old
			accept(t, s, append(events, foreign)...)
			for _, row := range claim(t, s, "one", 10) {
				if row.Key != "open" {
					finish(t, s, row)
				}
			}
			n, err := s.PurgeInbox(t.Context(), "demo", time.Now().Add(-24*time.Hour))
			require.NoError(t, err)
			require.Equal(t, 2, n)
			left, _, err := s.InboxList(t.Context(), "demo", store.InboxFilter{})
			require.NoError(t, err)
			require.Equal(t, "new open", keys(left))
			left, _, err = s.InboxList(t.Context(), "other", store.InboxFilter{})
			require.NoError(t, err)
			require.Len(t, left, 1)
		})
	}
}

func TestInboxListFiltersAndPages(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for i := range 5 {
				e := event("1", fmt.Sprint(i))
				e.ClientID, e.ReceivedAt = int64(i%2), time.Now().Add(time.Duration(i)*time.Second)
				accept(t, s, e)
			}
			first, next, err := s.InboxList(t.Context(), "demo", store.InboxFilter{Page: store.Page{Limit: 3}})
			require.NoError(t, err)
			require.Equal(t, "4 3 2", keys(first))
			require.Nil(t, first[0].Body)
			rest, next, err := s.InboxList(t.Context(), "demo", store.InboxFilter{Page: store.Page{Limit: 3, After: next}})
			require.NoError(t, err)
			require.Equal(t, "1 0", keys(rest))
			require.Empty(t, next)
			some, _, err := s.InboxList(t.Context(), "demo", store.InboxFilter{ClientID: 1, Status: store.InboxNew, HookType: "inbox"})
			require.NoError(t, err)
			require.Equal(t, "3 1", keys(some))
		})
	}
}

func TestWhatTheClientSaidBeforeIsFound(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			at := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
			e := event("1", "a")
			e.HookType, e.ClientID, e.ChannelID, e.EventTime, e.ReceivedAt = "inbox", 7, 12, at, at.Add(time.Second)
			operator := event("1", "b")
			operator.HookType, operator.ClientID, operator.ChannelID, operator.EventTime = "outbox", 7, 12, at.Add(time.Hour)
			accept(t, s, e, operator)
			for want, cases := range map[bool][][2]time.Time{
				true:  {{at.Add(-time.Second), at.Add(time.Minute)}},
				false: {{at, at.Add(time.Minute)}, {at.Add(-time.Second), at.Add(time.Second)}},
			} {
				for _, c := range cases {
					said, err := s.SaidBefore(t.Context(), "demo", 7, 12, c[0], c[1])
					require.NoError(t, err)
					require.Equal(t, want, said)
				}
			}
			other, err := s.SaidBefore(t.Context(), "demo", 7, 13, at.Add(-time.Second), at.Add(time.Minute))
			require.NoError(t, err)
			require.False(t, other, "on another channel")
		})
	}
}

func TestMessagesOfARequestAndOfADialogComeInOrderOfTime(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			begin := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
			message := func(key, hook string, channel, request int64, minute int) store.InboxEvent {
				e := event("1", key)
				e.HookType, e.ClientID, e.ChannelID, e.RequestID = hook, 7, channel, request
				e.EventTime = begin.Add(time.Duration(minute) * time.Minute)
				return e
			}
			foreign := message("foreign", "inbox", 12, 90, 2)
			foreign.Portal = "other"
			accept(t, s,
				message("c", "outbox", 12, 90, 3), message("a", "inbox", 12, 90, 1), message("close", "close_request", 12, 90, 4),
				message("b", "comment", 12, 90, 2), message("d", "inbox", 12, 91, 5), message("e", "inbox", 13, 92, 6), foreign)

			of := func(events []store.InboxEvent, err error) string {
				t.Helper()
				require.NoError(t, err)
				return keys(events)
			}
			require.Equal(t, "a b c", of(s.RequestMessages(t.Context(), "demo", 90)))
			require.Empty(t, of(s.RequestMessages(t.Context(), "demo", 0)))
			require.Equal(t, "a b c d", of(s.DialogMessages(t.Context(), "demo", 7, 12, time.Time{}, time.Time{})))
			require.Equal(t, "a b c d e", of(s.DialogMessages(t.Context(), "demo", 7, 0, time.Time{}, time.Time{})))
			since, until := begin.Add(2*time.Minute), begin.Add(5*time.Minute)
			require.Equal(t, "b c", of(s.DialogMessages(t.Context(), "demo", 7, 12, since, until)), "since included, until not")
		})
	}
}

func TestLongTranscriptsAreReadCompletely(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			const count = 1234 // more than two pages; many at the same instant
			events := make([]store.InboxEvent, count)
			for i := range events {
				events[i] = event("1", fmt.Sprint(i))
				events[i].RequestID, events[i].EventTime = 5, time.Unix(int64(i/100), 0)
			}
			accept(t, s, events...)
			rows, err := s.RequestMessages(t.Context(), "demo", 5)
			require.NoError(t, err)
			require.Len(t, rows, count)
			require.True(t, slices.IsSortedFunc(rows, func(a, b store.InboxEvent) int { return a.EventTime.Compare(b.EventTime) }))
			same, err := s.InboxEvents(t.Context(), "demo", ids(rows))
			require.NoError(t, err)
			require.Len(t, same, count)
			require.Equal(t, "0", same[0].Key, "in order of acceptance")
		})
	}
}
