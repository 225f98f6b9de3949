package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

// testingT is a test, or one run of a property.
type testingT interface {
	require.TestingT
	Helper()
	Context() context.Context
}

// desk is a real desk whose records go to the store.
type desk struct {
	t      testingT
	portal string
	s      *store.Store
	d      *openlines.Desk
	now    time.Time
	ids    int
	all    []openlines.Record
}

// deskStart is a Friday morning.
var deskStart = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// newDesk has the line support (channels 1 and 2; members 301, 302, 303, all online).
func newDesk(t *testing.T, s *store.Store, change func(*openlines.Settings)) *desk {
	t.Helper()
	return newDeskOf(t, s, "demo", change)
}

// newDeskOf is newDesk of another portal.
func newDeskOf(t testingT, s *store.Store, portal string, change func(*openlines.Settings)) *desk {
	t.Helper()
	w := &desk{t: t, portal: portal, s: s, d: openlines.NewDesk(), now: deskStart}
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.CRMCheck = "Support", []int64{1, 2}, false
	if change != nil {
		change(&doc)
	}
	events := []openlines.Event{{Kind: openlines.LineChanged, Line: "support", Settings: &doc, Members: []openlines.UserID{301, 302, 303}}}
	for _, user := range []openlines.UserID{301, 302, 303} {
		events = append(events, openlines.Event{Kind: openlines.OperatorChanged, Operator: &openlines.Operator{ID: user, Presence: openlines.Online}})
	}
	w.step(0, events...)
	return w
}

// step lets time pass, gives events to the desk and stores its records.
func (w *desk) step(after time.Duration, events ...openlines.Event) []openlines.Answer {
	w.t.Helper()
	w.now = w.now.Add(after)
	for i := range events {
		w.ids++
		events[i].ID, events[i].At = fmt.Sprint("e", w.ids), w.now
	}
	out := w.d.Step(w.now, events...)
	w.all = append(w.all, out.Records...)
	require.NoError(w.t, w.s.SaveLineRecords(w.t.Context(), w.portal, out.Records))
	w.compare()
	return out.Answers
}

// compare wants each open session of the desk as it is there.
func (w *desk) compare() {
	w.t.Helper()
	for _, want := range w.d.Sessions {
		got, err := w.s.LineSession(w.t.Context(), w.portal, want.ID)
		require.NoError(w.t, err)
		require.Equal(w.t, []any{want.State, want.Owner, want.Line, want.Chat, want.Channel, want.Parent, want.Pinned},
			[]any{got.State, got.Owner, got.Line, got.Chat, got.Channel, got.Parent, got.Detail.Pinned}, "session %d", want.ID)
		var offers []openlines.OfferID
		for _, o := range want.Offers {
			offers = append(offers, o.ID)
		}
		var kept []openlines.OfferID
		for _, o := range got.Detail.Offers {
			kept = append(kept, o.ID)
		}
		require.Equal(w.t, offers, kept)
		if want.Open() {
			require.Equal(w.t, []any{len(want.Unread), want.WaitingSince()}, []any{got.Unread, got.WaitingSince})
		}
	}
}

func (w *desk) writes(chat openlines.ChatID) openlines.Event {
	w.ids++
	return openlines.Event{Kind: openlines.ClientMessage, Chat: chat, Message: &openlines.Message{ID: fmt.Sprint("m", w.ids), Channel: 1}}
}

func (w *desk) replies(chat openlines.ChatID, by openlines.UserID) openlines.Event {
	w.ids++
	return openlines.Event{
		Kind: openlines.EmployeeMessage, Chat: chat, By: by, Message: &openlines.Message{ID: fmt.Sprint("m", w.ids), Channel: 1},
	}
}

func act(kind openlines.EventKind, session openlines.SessionID, by openlines.UserID) openlines.Event {
	return openlines.Event{Kind: kind, Session: session, By: by}
}

func (w *desk) list(f store.LineSessionFilter) []openlines.SessionID {
	w.t.Helper()
	all, _, err := w.s.LineSessions(w.t.Context(), "demo", f)
	require.NoError(w.t, err)
	ids := make([]openlines.SessionID, len(all))
	for i, session := range all {
		ids[i] = session.ID
	}
	return ids
}

func TestSessionsFollowTheirRecords(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, func(doc *openlines.Settings) { doc.CloseRule = openlines.CloseRating })
		w.step(0, w.writes("a"), w.writes("b"))
		w.step(time.Minute, w.writes("a"), act(openlines.Pin, 1, 301))
		w.step(time.Minute, w.replies("a", 301))
		w.step(time.Minute, openlines.Event{Kind: openlines.Transfer, Session: 1, By: 301, To: 303})
		w.step(5 * time.Minute)
		w.step(time.Minute, act(openlines.Return, 1, 301))
		w.step(time.Minute, w.replies("b", 302), w.writes("c"))
		w.step(time.Minute, act(openlines.Finish, 2, 302))
		w.step(time.Minute, w.writes("b"))
		w.step(time.Minute, act(openlines.MarkSpam, 3, 303))
		w.step(30*time.Minute, act(openlines.Finish, 2, 302))
		w.step(10 * time.Minute)

		spam, err := s.LineSession(t.Context(), "demo", 3)
		require.NoError(t, err)
		require.Equal(t, []any{openlines.Closed, openlines.BySpam, store.AttentionNone, 0}, []any{spam.State, spam.Reason, spam.Attention, spam.Unread})
		require.Empty(t, spam.Detail.Offers)
		finished, err := s.LineSession(t.Context(), "demo", 2)
		require.NoError(t, err)
		require.Equal(t, 10*time.Minute, finished.ClosedAt.Sub(finished.FinishedAt), "the grace time")
		past, found, err := s.ChatPast(t.Context(), "demo", "b")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, openlines.Past{Session: 2, Owner: 302, Closed: finished.ClosedAt}, past)
		_, found, err = s.ChatPast(t.Context(), "demo", "a")
		require.NoError(t, err)
		require.False(t, found, "its first session is open")
	})
}

func TestRepeatedRecordsChangeNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, nil)
		w.step(0, w.writes("a"))
		w.step(time.Minute, w.replies("a", 301))
		before, err := s.LineSession(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.NoError(t, s.SaveLineRecords(t.Context(), "demo", w.all))
		require.NoError(t, s.SaveLineRecords(t.Context(), "demo", w.all[3:5]))
		after, err := s.LineSession(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Equal(t, before, after)

		next := w.d.Step(w.now.Add(time.Minute), w.writes("a")).Records
		require.NoError(t, s.SaveLineRecords(t.Context(), "demo", append(slices.Clone(w.all), next...)))
		after, err = s.LineSession(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Equal(t, 1, after.Unread, "what is new in a repetition counts, once")
		numbers, err := s.LineNumbers(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, store.LineNumbers{LastRecord: w.d.LastRecord, LastSession: w.d.LastSession, LastOffer: w.d.LastOffer}, numbers)
		numbers, err = s.LineNumbers(t.Context(), "other")
		require.NoError(t, err)
		require.Zero(t, numbers)
	})
}

func TestRecordsSavedByTwoProcessesAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, nil)
		var records []openlines.Record
		for range 20 {
			records = append(records, w.d.Step(w.now, w.writes("a")).Records...)
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := s.SaveLineRecords(t.Context(), "demo", records); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		session, err := s.LineSession(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Equal(t, 20, session.Unread)
	})
}

func TestSessionsAreListedByWhatNeedsAttentionFirst(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, func(doc *openlines.Settings) { doc.Mode = openlines.OfferAll })
		for _, chat := range []openlines.ChatID{"a", "b", "c", "d", "e", "f"} {
			w.step(time.Minute, w.writes(chat))
		}
		w.step(time.Minute, w.replies("b", 301), w.replies("a", 302), w.replies("c", 301), w.replies("e", 301))
		w.step(time.Second, w.replies("a", 302))
		w.step(time.Second, act(openlines.Finish, 3, 301))
		w.step(20*time.Minute, act(openlines.Finish, 5, 301))

		require.Equal(t, []openlines.SessionID{4, 6, 2, 1, 5, 3}, w.list(store.LineSessionFilter{}))
		require.Equal(t, []openlines.SessionID{4, 6, 2, 1, 5}, w.list(store.LineSessionFilter{Open: true}))
		require.Equal(t, []openlines.SessionID{4, 6}, w.list(store.LineSessionFilter{States: []openlines.State{openlines.Offered}}))
		require.Equal(t, []openlines.SessionID{5, 3}, w.list(store.LineSessionFilter{States: []openlines.State{openlines.Closing, openlines.Closed}}))
		require.Equal(t, []openlines.SessionID{4, 6, 2}, w.list(store.LineSessionFilter{Operator: 301, Open: true, States: []openlines.State{openlines.Offered, openlines.Active}}))
		require.Equal(t, []openlines.SessionID{4, 6, 1}, w.list(store.LineSessionFilter{Operator: 302}))
		require.Empty(t, w.list(store.LineSessionFilter{Line: "sales"}))
		counts, err := s.CountLineSessions(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, map[openlines.State]int{openlines.Offered: 2, openlines.Active: 2, openlines.Closing: 1}, counts)

		var paged []openlines.SessionID
		for page := (store.Page{Limit: 2}); ; {
			some, next, err := s.LineSessions(t.Context(), "demo", store.LineSessionFilter{Line: "support", Page: page})
			require.NoError(t, err)
			for _, session := range some {
				paged = append(paged, session.ID)
			}
			if page.After = next; next == "" {
				break
			}
		}
		require.Equal(t, w.list(store.LineSessionFilter{}), paged)
		for _, bad := range []string{"?", store.Cursor(1, "x"), store.Cursor(1, "1.x")} {
			_, _, err = s.LineSessions(t.Context(), "demo", store.LineSessionFilter{Page: store.Page{After: bad}})
			require.ErrorIs(t, err, store.ErrBadCursor)
		}
	})
}

func TestFactsKeptAreThoseOfTheLog(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, nil)
		for i := range 7 {
			chat := openlines.ChatID(fmt.Sprint("chat", i))
			w.step(time.Minute, w.writes(chat))
			w.step(time.Minute, w.replies(chat, openlines.UserID(301+i%3)))
		}
		w.step(time.Minute, act(openlines.Finish, 2, 302), w.writes("chat4"))
		w.step(time.Hour)

		from, to := deskStart.Add(2*time.Minute), deskStart.Add(12*time.Minute)
		var kept, logged []openlines.SessionFacts
		for page := (store.Page{Limit: 2}); ; {
			some, next, err := s.SessionFacts(t.Context(), "demo", from, to, "support", page)
			require.NoError(t, err)
			records, same, err := s.RecordsSince(t.Context(), "demo", from, to, "support", page)
			require.NoError(t, err)
			require.Equal(t, next, same)
			kept, logged = append(kept, some...), append(logged, openlines.Facts(records)...)
			if page.After = next; next == "" {
				break
			}
		}
		require.Len(t, kept, 5, "sessions 2 to 6")
		requireSame(t, logged, kept)
		requireSame(t, openlines.Facts(w.all)[1:6], kept)
		whole, err := s.SessionRecords(t.Context(), "demo", 2)
		require.NoError(t, err)
		requireSame(t, kept[:1], openlines.Facts(whole))
		_, _, err = s.SessionFacts(t.Context(), "demo", from, to, "", store.Page{After: store.Cursor(1, "x")})
		require.ErrorIs(t, err, store.ErrBadCursor)
	})
}

// requireSame compares as the documents do: an empty list is none.
func requireSame(t testingT, want, got []openlines.SessionFacts) {
	t.Helper()
	a, err := json.Marshal(append([]openlines.SessionFacts{}, want...))
	require.NoError(t, err)
	b, err := json.Marshal(append([]openlines.SessionFacts{}, got...))
	require.NoError(t, err)
	require.JSONEq(t, string(a), string(b))
}

func TestPurgedLogLeavesStatistics(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, nil)
		w.step(0, w.writes("a"), w.writes("b"))
		w.step(time.Minute, w.replies("a", 301))
		w.step(time.Minute, act(openlines.Finish, 1, 301))
		w.step(time.Hour)
		before, _, err := s.SessionFacts(t.Context(), "demo", time.Time{}, time.Time{}, "", store.Page{})
		require.NoError(t, err)
		n, err := s.PurgeLineRecords(t.Context(), "demo", w.now.Add(time.Second))
		require.NoError(t, err)
		require.Positive(t, n)

		gone, err := s.SessionRecords(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Empty(t, gone)
		open, err := s.SessionRecords(t.Context(), "demo", 2)
		require.NoError(t, err)
		require.NotEmpty(t, open, "the log of an open session is kept")
		after, _, err := s.SessionFacts(t.Context(), "demo", time.Time{}, time.Time{}, "", store.Page{})
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.NoError(t, s.SaveLineRecords(t.Context(), "demo", w.all))
		gone, err = s.SessionRecords(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Empty(t, gone, "numbers are not used again")
	})
}

func TestRecordsOfASessionWithoutBeginningMakeNoSession(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	require.NoError(t, s.SaveLineRecords(t.Context(), "demo", []openlines.Record{
		{No: 1, Kind: openlines.VoteGiven, Session: 7, Line: "support", At: deskStart}, {No: 2, Kind: openlines.LineRecorded, At: deskStart},
	}))
	_, err := s.LineSession(t.Context(), "demo", 7)
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.SaveLineRecords(t.Context(), "demo", nil))
}
