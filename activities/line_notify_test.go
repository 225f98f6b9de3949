package activities_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/workflows"
)

func withSupervisors(s *settings.Settings) { s.Operators.Supervisors = []int64{8, 9} }

func TestNoticesOfALineReachTheRightPeople(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command openlines.Command
		sla     []int64
		want    []int
		text    string
	}{
		"an offer":          {openlines.Command{Kind: openlines.DoOffer, User: 7, Offer: 3, Due: tenOClock}, nil, []int{7}, "until 10:00"},
		"a kept offer":      {openlines.Command{Kind: openlines.DoOffer, User: 7, Offer: 3}, nil, []int{7}, "waiting for your answer"},
		"a transfer":        {openlines.Command{Kind: openlines.DoOffer, User: 7, Offered: openlines.TransferOffer}, nil, []int{7}, "A colleague hands"},
		"a late reply":      {openlines.Command{Kind: openlines.DoNotify, Reason: openlines.NoteSLA}, []int64{7}, []int{7}, "too long"},
		"one nobody set":    {openlines.Command{Kind: openlines.DoNotify, Reason: openlines.NoteSLA}, nil, []int{8, 9}, "too long"},
		"open to all":       {openlines.Command{Kind: openlines.DoNotify, Reason: openlines.NoteToAll}, []int64{7}, []int{8, 9}, "open to everybody"},
		"a late member":     {openlines.Command{Kind: openlines.DoNotify, User: 7, Reason: openlines.NoteTakable}, nil, []int{7}, "you may take it"},
		"a failed transfer": {openlines.Command{Kind: openlines.DoNotify, User: 7, Reason: openlines.NoteBack}, nil, []int{7}, "stays with you"},
		"a redirection":     {openlines.Command{Kind: openlines.DoNotify, User: 7, Reason: openlines.NoteCRMHolder}, nil, []int{7}, "responsible for the client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openLine(t, withSupervisors)
			b.line.SLANotify = c.sla
			b.saveLine(t)
			b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Name: "Ana Lopez"}})
			require.Empty(t, b.done(t, workflows.LineNotifyStep, c.command))
			var who []int
			for _, n := range b.bell(0) {
				who = append(who, n.User)
				require.Contains(t, n.Message, c.text)
				require.Contains(t, n.Message, "Ana Lopez")
				require.Contains(t, n.Message, "Sales")
				require.Contains(t, n.Message, "How much is it?")
				require.Contains(t, n.Message, "https://web.example/chat/dialogs/")
			}
			require.Equal(t, c.want, who)
		})
	}
}

func TestNoticesSpeakTheLanguageOfThePortal(t *testing.T) {
	t.Parallel()
	b := openLine(t, func(s *settings.Settings) { s.General.Language = "es" })
	b.line.Language = "ru"
	b.saveLine(t)
	b.writes(t, chat2desk.Script{})
	b.done(t, workflows.LineNotifyStep, openlines.Command{Kind: openlines.DoOffer, User: 7, Offer: 1})
	require.Contains(t, b.bell(7)[0].Message, "Un chat espera")
}

func TestNoticeOfALineIsSentOnce(t *testing.T) {
	t.Parallel()
	b := openLine(t, withSupervisors)
	b.writes(t, chat2desk.Script{})
	offer := openlines.Command{Kind: openlines.DoOffer, User: 7, Offer: 3}
	for _, kind := range []string{"lost_answer", "status"} {
		b.fault(t, bitrix24.Fault{Method: "im.notify.system.add", Kind: kind, Status: http.StatusServiceUnavailable, Times: 1})
		_, err := b.do(workflows.LineNotifyStep, offer)
		_, app := failure(t, err)
		require.False(t, app.NonRetryable())
	}
	for range 2 {
		require.Empty(t, b.done(t, workflows.LineNotifyStep, offer))
	}
	require.Len(t, b.bell(7), 1)
	offer.Offer = 4
	b.done(t, workflows.LineNotifyStep, offer)
	require.Len(t, b.bell(7), 2, "the next offer is another notice")
	late := openlines.Command{Kind: openlines.DoNotify, Reason: openlines.NoteSLA}
	b.done(t, workflows.LineNotifyStep, late)
	_, err := b.again(workflows.LineNotifyStep, late)
	require.NoError(t, err)
	require.Len(t, b.bell(8), 1)
	b.done(t, workflows.LineNotifyStep, late)
	require.Len(t, b.bell(8), 2, "in the next waiting cycle it is late once more")
}

func TestUserThePortalDoesNotHaveIsANote(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.writes(t, chat2desk.Script{Client: chat2desk.ScriptClient{Name: "Ana Lopez"}})
	done := b.done(t, workflows.LineNotifyStep, openlines.Command{Kind: openlines.DoOffer, User: 999, Offer: 1, Due: time.Now()})
	require.Contains(t, done.Note, "user 999")
	require.NotContains(t, done.Note, "Ana")
}

func TestPeopleAreToldAlsoOfAChatThatNobodyLearned(t *testing.T) {
	t.Parallel()
	b := openLine(t, func(s *settings.Settings) { s.Operators.Supervisors = nil })
	b.done(t, workflows.LineNotifyStep, openlines.Command{Kind: openlines.DoNotify, Reason: openlines.NoteToAll, Chat: "7-12"})
	require.Len(t, b.bell(1), 1, "the administrator, where nobody else is named")
	require.Contains(t, b.bell(1)[0].Message, "7")
}
