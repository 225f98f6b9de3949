package activities_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	api "puente/chat2desk"
	"puente/openlines"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

func withOperators(s *settings.Settings) {
	s.Operators.Users = []settings.OperatorUser{
		{Operator: chat2desk.OperatorAna, User: 7}, {Operator: chat2desk.OperatorBoris, User: 8},
	}
}

// dialog is the client's dialog in Chat2Desk now.
func (b *lineBundle) dialog(t *testing.T) api.Dialog {
	t.Helper()
	chat, err := b.portals.Chat2Desk(t.Context(), "demo")
	require.NoError(t, err)
	d, err := chat.Dialog(t.Context(), b.scene.DialogID)
	require.NoError(t, err)
	return d
}

// fault disturbs the next call of Chat2Desk to a path.
func (b *lineBundle) chatFault(t *testing.T, f chat2desk.Fault) {
	t.Helper()
	require.NoError(t, b.chat.Inject(f))
}

func TestOfferAssignsTheDialogToTheOperator(t *testing.T) {
	t.Parallel()
	for kind, want := range map[openlines.OfferKind]int64{
		openlines.QueueOffer: chat2desk.OperatorAna, openlines.DirectOffer: chat2desk.OperatorAna, openlines.StickyOffer: chat2desk.OperatorAna,
		openlines.TransferOffer: chat2desk.OperatorAna, openlines.TakenOffer: chat2desk.OperatorAna, openlines.AllOffer: 0,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := openLine(t, withOperators)
			b.writes(t, chat2desk.Script{})
			done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoOffer, User: 7, Offered: kind})
			require.Empty(t, done)
			require.Equal(t, want, b.dialog(t).OperatorID)
			_, announced, err := b.store.LineWrite(t.Context(), "demo", store.AssignKey(b.chatID(), chat2desk.OperatorAna))
			require.NoError(t, err)
			require.Equal(t, want != 0, announced, "its webhook is known for our own")
		})
	}
}

func TestUserWithoutAnOperatorIsToldOnly(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoOffer, User: 9, Offered: openlines.QueueOffer})
	require.Contains(t, done.Note, "user 9 is no Chat2Desk operator")
	require.Zero(t, b.dialog(t).OperatorID)
}

func TestDialogThatNobodyLearnedIsFoundByItsClient(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	b.scene.ChannelID = chat2desk.ChannelTelegram
	done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign, User: 7})
	require.Contains(t, done.Note, "no dialog")
	_, err := b.chat.Play(chat2desk.Script{
		Client: chat2desk.ScriptClient{ID: b.scene.ClientID}, ChannelID: chat2desk.ChannelTelegram, Messages: []chat2desk.ScriptMessage{{Text: "Hi"}},
	})
	require.NoError(t, err)
	require.Empty(t, b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign, User: 7}))
}

func TestOwnerGetsTheDialogBackWhenAColleagueDoesNotTakeIt(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	chat := func(c openlines.Command) { b.done(t, workflows.LineChatStep, c) }
	chat(openlines.Command{Kind: openlines.DoAssign, User: 7})
	for _, reason := range []string{openlines.EndExpired, openlines.EndDeclined, string(openlines.LeftOnLeave), string(openlines.LeftOffDuty)} {
		chat(openlines.Command{Kind: openlines.DoOffer, User: 8, Offered: openlines.TransferOffer})
		require.Equal(t, chat2desk.OperatorBoris, b.dialog(t).OperatorID)
		chat(openlines.Command{Kind: openlines.DoWithdraw, User: 8, Reason: reason})
		require.Equal(t, chat2desk.OperatorAna, b.dialog(t).OperatorID, reason)
	}
	chat(openlines.Command{Kind: openlines.DoOffer, User: 8, Offered: openlines.QueueOffer})
	chat(openlines.Command{Kind: openlines.DoWithdraw, User: 8, Reason: openlines.EndExpired})
	require.Equal(t, chat2desk.OperatorBoris, b.dialog(t).OperatorID, "a session in the queue has no owner")
}

func TestWithdrawnOfferLeavesTheDialogToTheNext(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign, User: 7})
	b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoWithdraw, User: 8, Reason: "answered"})
	require.Equal(t, chat2desk.OperatorAna, b.dialog(t).OperatorID)
	done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign})
	require.Contains(t, done.Note, "nobody owns")
	require.Equal(t, chat2desk.OperatorAna, b.dialog(t).OperatorID, "Chat2Desk cannot take a dialog from its operator")
}

func TestDialogIsClosedWithItsSession(t *testing.T) {
	t.Parallel()
	for name, operator := range map[string]int64{"with an operator": chat2desk.OperatorAna, "that nobody has": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openLine(t, withOperators)
			b.writes(t, chat2desk.Script{OperatorID: operator})
			for range 2 { // the second time it is closed already
				require.Empty(t, b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoCloseDialog}))
				require.Equal(t, api.StateClosed, b.dialog(t).State)
			}
			_, announced, err := b.store.LineWrite(t.Context(), "demo", store.CloseKey(b.chatID()))
			require.NoError(t, err)
			require.True(t, announced)
		})
	}
}

func TestOldOrderClosesNoDialogThatIsInUseAgain(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	record := func(no int64, kind openlines.RecordKind) {
		require.NoError(t, b.store.SaveLineRecords(t.Context(), "demo", []openlines.Record{
			{No: no, Kind: kind, Session: 2, Line: "sales", Channel: 12, Chat: b.chatID(), At: time.Now()},
		}))
	}
	record(1, openlines.SessionStarted)
	done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoCloseDialog, Reason: "vote"})
	require.Contains(t, done.Note, "session 2 is open")
	require.Equal(t, api.StateOpen, b.dialog(t).State)
	record(2, openlines.SessionFinished)
	b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoCloseDialog, Reason: "vote"})
	require.Equal(t, api.StateClosed, b.dialog(t).State)
}

func TestRefusalOfChat2DeskHoldsNoSessionUp(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	b.chatFault(t, chat2desk.Fault{Path: "/v1/dialogs/*", Method: http.MethodPut, Kind: chat2desk.FaultStatus, Status: http.StatusUnprocessableEntity, Message: "operator is busy"})
	done := b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign, User: 7})
	require.Contains(t, done.Note, "operator is busy")
	b.chatFault(t, chat2desk.Fault{Path: "/v1/dialogs/*", Method: http.MethodPut, Kind: chat2desk.FaultHTML})
	_, err := b.do(workflows.LineChatStep, openlines.Command{Kind: openlines.DoAssign, User: 7})
	_, app := failure(t, err)
	require.False(t, app.NonRetryable(), "while it is away it is asked again")
}

// welcome is a text that may still go out for a quarter of an hour.
func welcome() openlines.Command {
	return openlines.Command{Kind: openlines.DoSendText, Text: openlines.TextWelcome, Key: "1-welcome-5", Until: time.Now().Add(15 * time.Minute)}
}

func TestTextGoesOutOnceAsAnAutoreply(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	for range 2 {
		require.Empty(t, b.done(t, workflows.LineChatStep, welcome()))
	}
	got := b.chat.Received(b.scene.ClientID)
	require.Len(t, got, 1)
	require.Equal(t, api.TypeAutoreply, got[0].Type)
	require.Equal(t, workflows.LineExternalID("demo", "1-welcome-5"), got[0].ExternalID)
	require.Equal(t, b.scene.ChannelID, got[0].ChannelID)
	require.Contains(t, got[0].Text, "Thank you for writing")
	w, known, err := b.store.LineWrite(t.Context(), "demo", store.MessageKey(got[0].ID))
	require.NoError(t, err)
	require.True(t, known, "a messenger that refuses it later names the message")
	require.Equal(t, "1-welcome-5", w.Detail)
}

func TestTextWhoseAnswerWasLostIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault chat2desk.Fault
		sent  int
	}{
		"the answer was lost":      {chat2desk.Fault{Kind: chat2desk.FaultLostAnswer}, 1},
		"the request was lost":     {chat2desk.Fault{Kind: chat2desk.FaultReset}, 1},
		"a proxy failed":           {chat2desk.Fault{Kind: chat2desk.FaultHTML}, 1},
		"it came too fast":         {chat2desk.Fault{Kind: chat2desk.FaultError, Message: "Number of API requests exceeded"}, 1},
		"it knows the message":     {chat2desk.Fault{Kind: chat2desk.FaultStatus, Status: http.StatusUnprocessableEntity, Message: "external_id already used"}, 0},
		"it knows it, after all":   {chat2desk.Fault{Kind: chat2desk.FaultStatus, When: "after", Status: http.StatusOK, Message: "external_id already used"}, 1},
		"its answer made no sense": {chat2desk.Fault{Kind: chat2desk.FaultHTML, When: "after", Status: http.StatusOK}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openLine(t, withOperators)
			b.writes(t, chat2desk.Script{})
			c.fault.Path, c.fault.Method = "/v1/messages", http.MethodPost
			b.chatFault(t, c.fault)
			if _, err := b.do(workflows.LineChatStep, welcome()); err != nil {
				_, app := failure(t, err)
				require.False(t, app.NonRetryable())
			}
			for range 2 {
				require.Empty(t, b.done(t, workflows.LineChatStep, welcome()))
			}
			require.Len(t, b.chat.Received(b.scene.ClientID), c.sent)
		})
	}
}

func TestTextOfAProcessThatDiedIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	began := store.LineWrite{Portal: "demo", WriteKey: "text:1-welcome-5", State: store.WriteSending, UpdatedAt: time.Now().Add(-10 * time.Second)}
	_, err := b.store.SaveLineWrite(t.Context(), began)
	require.NoError(t, err)
	_, err = b.do(workflows.LineChatStep, welcome())
	f, app := failure(t, err)
	require.Equal(t, "InFlight", f.Code)
	require.InDelta(t, 25*time.Second, app.NextRetryDelay(), float64(5*time.Second))
	began.UpdatedAt = time.Now().Add(-time.Minute)
	_, err = b.store.SaveLineWrite(t.Context(), began)
	require.NoError(t, err)
	require.Empty(t, b.done(t, workflows.LineChatStep, welcome()))
	require.Len(t, b.chat.Received(b.scene.ClientID), 1)
}

func TestTextThatCannotGoOutIsToldToTheDesk(t *testing.T) {
	t.Parallel()
	late := welcome()
	late.Until = time.Now().Add(-time.Second)
	refuse := func(words string) *chat2desk.Fault {
		return &chat2desk.Fault{Path: "/v1/messages", Method: http.MethodPost, Kind: chat2desk.FaultStatus, Status: http.StatusBadRequest, Message: words}
	}
	for name, c := range map[string]struct {
		command openlines.Command
		fault   *chat2desk.Fault
		reason  string
	}{
		"too late":              {late, nil, "late"},
		"the window is closed":  {welcome(), refuse("Messaging window is closed"), "window"},
		"the 24h window":        {welcome(), refuse("24h rule, ask +79995550101"), "window"},
		"refused for no reason": {welcome(), refuse("no money, said Ana Lopez"), "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openLine(t, withOperators)
			b.writes(t, chat2desk.Script{})
			if c.fault != nil {
				b.chatFault(t, *c.fault)
			}
			done := b.done(t, workflows.LineChatStep, c.command)
			require.Len(t, done.Events, 1)
			e := done.Events[0]
			require.Equal(t, openlines.TextRefused, e.Kind)
			require.Equal(t, openlines.SessionID(1), e.Session)
			require.Equal(t, openlines.TextWelcome, e.Text)
			require.Equal(t, c.reason, e.Reason)
			require.NotEmpty(t, e.ID)
			require.NotContains(t, done.Note, "Ana")
			require.NotContains(t, done.Note, "9995550101")
			require.Empty(t, b.chat.Received(b.scene.ClientID))
		})
	}
}

func TestTextsSpeakTheLanguageOfTheLine(t *testing.T) {
	t.Parallel()
	b := openLine(t, func(s *settings.Settings) {
		withOperators(s)
		s.General.Language, s.General.Texts = "en", map[string]string{"line.text.close": "Goodbye from all of us"}
	})
	b.writes(t, chat2desk.Script{})
	send := func(id openlines.TextID, key string) string {
		require.Empty(t, b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoSendText, Text: id, Key: key}))
		got := b.chat.Received(b.scene.ClientID)
		return got[len(got)-1].Text
	}
	require.Equal(t, "Goodbye from all of us", send(openlines.TextClose, "1-close-1"), "what the portal overrides")
	b.line.Language, b.line.VoteGood, b.line.VoteBad = "es", []string{"bien"}, []string{"mal"}
	b.line.Texts = map[openlines.TextID]string{openlines.TextWelcome: "¡Hola!"}
	b.saveLine(t)
	require.Equal(t, "¡Hola!", send(openlines.TextWelcome, "1-welcome-2"), "what the line overrides")
	require.True(t, strings.HasPrefix(send(openlines.TextClose, "1-close-3"), "Gracias"), "the portal's own words are of its language")
	vote := send(openlines.TextVoteRequest, "1-vote_request-4")
	require.Contains(t, vote, "bien")
	require.Contains(t, vote, "mal")
}

func TestEveryTextOfALineHasWords(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{})
	for i, id := range openlines.TextIDs() {
		require.Empty(t, b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoSendText, Text: id, Key: "1-" + string(id)}))
		got := b.chat.Received(b.scene.ClientID)
		require.Len(t, got, i+1)
		require.NotContains(t, got[i].Text, "line.text", id)
	}
}

func TestClosedDialogStaysClosedWhenATextFollows(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	b.writes(t, chat2desk.Script{OperatorID: chat2desk.OperatorAna})
	b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoCloseDialog})
	b.done(t, workflows.LineChatStep, openlines.Command{Kind: openlines.DoSendText, Text: openlines.TextClose, Key: "1-close-9"})
	require.Equal(t, api.StateClosed, b.dialog(t).State)
}

func TestCommandOfAnUnreadableChatFailsForGood(t *testing.T) {
	t.Parallel()
	b := openLine(t, withOperators)
	for _, step := range []string{workflows.LineChatStep, workflows.LineNotifyStep, workflows.LineCRMStep} {
		_, err := b.do(step, openlines.Command{Kind: openlines.DoOffer, Chat: "somebody"})
		_, app := failure(t, err)
		require.True(t, app.NonRetryable(), step)
	}
}
