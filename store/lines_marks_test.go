package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
)

func TestMarksOfOpenSessionsAreListed(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		w := newDesk(t, s, func(doc *openlines.Settings) { doc.CRMCheck = true })
		deal := openlines.Item{Kind: "deal", ID: 9}
		for _, chat := range []openlines.ChatID{"1-1", "2-1", "3-1"} {
			w.step(time.Minute, w.writes(chat))
		}
		w.step(time.Minute, openlines.Event{
			Kind: openlines.LookupDone, Session: 1, CRM: &openlines.CRMFacts{Result: openlines.LookupFound, Item: deal, Responsible: 301},
		})
		w.step(time.Minute, w.replies("1-1", 301), w.replies("3-1", 302))
		w.step(time.Minute, act(openlines.Finish, 3, 302))
		for key, id := range map[string]int64{store.MarkKey(1): 71, store.MarkKey(3): 73, store.ItemKey(deal): 301, store.ActivityKey(71): 1} {
			_, err := s.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: key, State: store.WriteDone, ExternalID: id})
			require.NoError(t, err)
		}
		marks, err := s.OpenLineMarks(t.Context(), "demo", 10)
		require.NoError(t, err)
		require.Equal(t, []store.LineMark{{Session: 1, Activity: 71, Item: deal, Responsible: 301}}, marks,
			"the CRM does not show session 2 yet, and session 3 is finished")

		_, err = s.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: store.ChosenKey(deal), State: store.WriteDone, ExternalID: 302})
		require.NoError(t, err)
		marks, err = s.OpenLineMarks(t.Context(), "demo", 10)
		require.NoError(t, err)
		require.Equal(t, int64(302), marks[0].Responsible, "whom a person chose")

		_, err = s.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: store.MarkKey(2), State: store.WriteDone, ExternalID: 72})
		require.NoError(t, err)
		marks, err = s.OpenLineMarks(t.Context(), "demo", 1)
		require.NoError(t, err)
		require.Equal(t, []store.LineMark{{Session: 2, Activity: 72}}, marks, "unread ones come first")
	})
}

func TestPortalHasOpenLinesWhileOneIsActiveOrHasSessions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		has := func() bool {
			yes, err := s.HasOpenLines(t.Context(), "demo")
			require.NoError(t, err)
			return yes
		}
		require.False(t, has())
		slugs, err := s.LinePortals(t.Context())
		require.NoError(t, err)
		require.Empty(t, slugs)
		doc := lineOf("Support", 1)
		saveLine(t, s, "support", doc)
		saveLine(t, s, "sales", lineOf("Sales", 2))
		require.True(t, has())
		slugs, err = s.LinePortals(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"demo"}, slugs)
		sales := lineOf("Sales", 2)
		sales.Active = false
		saveLine(t, s, "sales", sales)
		doc.Active = false
		saveLine(t, s, "support", doc)
		require.False(t, has())
		w := newDesk(t, s, nil)
		w.step(time.Minute, w.writes("1-1"))
		require.True(t, has(), "the chat goes on")
		w.step(time.Minute, act(openlines.MarkSpam, 1, 301))
		require.False(t, has())
	})
}

func TestAddressOfEventsIsTheOneBeforeTheProxy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		savePortal(t, s)
		install := func(address string) string {
			in := handed("1")
			in.EventsURL = address
			require.NoError(t, s.Install(t.Context(), "demo", in))
			p, err := s.Portal(t.Context(), "demo")
			require.NoError(t, err)
			return p.Bitrix24.EventsURL
		}
		require.Equal(t, "http://127.0.0.1:8080/x", install("http://127.0.0.1:8080/x"))
		require.Equal(t, "https://a.example/x", install("https://a.example/x"))
		require.Equal(t, "https://a.example/x", install("http://127.0.0.1:8080/x"))
		require.Equal(t, "https://b.example/x", install("https://b.example/x"))
		require.Equal(t, "https://b.example/x", install(""))
		require.NoError(t, s.SetEventsURL(t.Context(), "demo", "http://c.example/x"))
		p, err := s.Portal(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, "http://c.example/x", p.Bitrix24.EventsURL)
		require.ErrorIs(t, s.SetEventsURL(t.Context(), "nobody", "x"), store.ErrNotFound)
	})
}
