package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

// TestSessionsFollowTheDeskOnRandomDays gives random events to a real desk and
// wants each session in the store as the desk has it, after each step.
func TestSessionsFollowTheDeskOnRandomDays(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	portals := 0
	rapid.Check(t, func(r *rapid.T) {
		portals++
		w := newDeskOf(r, s, fmt.Sprint("portal", portals), func(doc *openlines.Settings) {
			doc.Mode = rapid.SampledFrom([]openlines.Mode{openlines.Evenly, openlines.Strict, openlines.OfferAll}).Draw(r, "mode")
			doc.AnsweredBy = rapid.SampledFrom([]openlines.AnsweredBy{openlines.AnsweredByReply, openlines.AnsweredByAccept}).Draw(r, "answered by")
			doc.UnansweredRule = rapid.SampledFrom([]openlines.UnansweredRule{
				openlines.UnansweredText, openlines.UnansweredRequeue, openlines.UnansweredNone,
			}).Draw(r, "rule")
			doc.MaxPasses, doc.HoursEnabled = 1, rapid.Bool().Draw(r, "hours")
		})
		for range rapid.IntRange(5, 40).Draw(r, "steps") {
			w.step(time.Duration(rapid.SampledFrom([]int{0, 1, 3, 6, 700}).Draw(r, "minutes"))*time.Minute, w.random(r))
		}
		facts, _, err := s.SessionFacts(r.Context(), w.portal, time.Time{}, time.Time{}, "", store.Page{Limit: store.MaxPage})
		require.NoError(r, err)
		requireSame(r, openlines.Facts(w.all), facts)
	})
}

// random is something that may happen to one of few chats.
func (w *desk) random(r *rapid.T) openlines.Event {
	chat := openlines.ChatID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "chat"))
	session := openlines.SessionID(rapid.IntRange(1, 4).Draw(r, "session"))
	user := rapid.SampledFrom([]openlines.UserID{301, 302, 303, 399}).Draw(r, "user")
	kind := rapid.SampledFrom([]openlines.EventKind{
		openlines.ClientMessage, openlines.ClientMessage, openlines.EmployeeMessage, openlines.Accept, openlines.Decline, openlines.Take,
		openlines.Transfer, openlines.Return, openlines.Finish, openlines.MarkSpam, openlines.Pin, openlines.OperatorChanged, openlines.MessageDeleted,
	}).Draw(r, "kind")
	event := act(kind, session, user)
	switch kind {
	case openlines.ClientMessage:
		return w.writes(chat)
	case openlines.EmployeeMessage:
		return w.replies(chat, user)
	case openlines.MessageDeleted:
		return openlines.Event{Kind: kind, Chat: chat, Message: &openlines.Message{ID: fmt.Sprint("m", rapid.IntRange(0, w.ids).Draw(r, "message"))}}
	case openlines.OperatorChanged:
		presence := rapid.SampledFrom([]openlines.Presence{openlines.Online, openlines.Offline}).Draw(r, "presence")
		event.Operator = &openlines.Operator{ID: user, Presence: presence, Dismissed: rapid.IntRange(0, 9).Draw(r, "dismissed") == 0}
	}
	event.To = rapid.SampledFrom([]openlines.UserID{301, 302, 303}).Draw(r, "to")
	event.On, event.Offer = rapid.Bool().Draw(r, "on"), openlines.OfferID(rapid.IntRange(1, 6).Draw(r, "offer"))
	return event
}
