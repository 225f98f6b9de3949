package activities_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// incoming stores the webhook of a client's message and makes its notice.
func (b *bundle) incoming(t *testing.T, id int64) workflows.Notice {
	t.Helper()
	row := store.InboxEvent{
		ID: store.NewID(), Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprintf("inbox:%d", id), HookType: "inbox", ReceivedAt: time.Now(),
		Body: fmt.Appendf(nil, `{"hook_type":"inbox","message_id":%d,"client_id":7,"request_id":9,"text":"How [b]much[/b]?","transport":"whatsapp",
			"client":{"id":7,"name":"Ana","phone":"79995550101"}}`, id),
	}
	_, err := b.store.Accept(t.Context(), []store.InboxEvent{row})
	require.NoError(t, err)
	return workflows.Notice{Kind: workflows.NoticeIncoming, EventID: row.ID, Key: row.Key}
}

func (b *bundle) notify(notices ...workflows.Notice) (workflows.Notified, error) {
	return run[workflows.Notified](b, workflows.NotifyStep, workflows.NotifyInput{
		Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 4401, Notices: notices,
	})
}

func by(n workflows.Notice, kind workflows.NoticeKind, operator int64) workflows.Notice {
	n.Kind, n.OperatorID = kind, operator
	return n
}

func (b *bundle) bell(user int) []bitrix24.Notification { return b.crm.Notifications(user) }

func TestNotificationsReachTheRightPeople(t *testing.T) {
	t.Parallel()
	const operator, supervisor, admin = 7, 8, 1
	for name, c := range map[string]struct {
		kind        workflows.NoticeKind
		operator    int64
		supervisors []int64
		fallback    int64
		want        map[int]int
	}{
		"incoming to the operator":                   {workflows.NoticeIncoming, 301, []int64{8}, 0, map[int]int{operator: 1}},
		"incoming of an unmapped operator":           {workflows.NoticeIncoming, 303, []int64{8}, 9, map[int]int{9: 1}},
		"incoming without operator":                  {workflows.NoticeIncoming, 0, []int64{8}, 0, map[int]int{supervisor: 1}},
		"incoming without operator and supervisors":  {workflows.NoticeIncoming, 0, nil, 0, map[int]int{admin: 1}},
		"appoint to who may appoint":                 {workflows.NoticeAppoint, 0, []int64{8}, 0, map[int]int{supervisor: 1, admin: 1}},
		"assigned to the mapped user only":           {workflows.NoticeAssigned, 301, []int64{8}, 9, map[int]int{operator: 1}},
		"assigned to nobody if nobody is mapped":     {workflows.NoticeAssigned, 303, []int64{8}, 9, map[int]int{}},
		"assigned to nobody without an operator too": {workflows.NoticeAssigned, 0, []int64{8}, 9, map[int]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(s *settings.Settings) { s.Operators.Supervisors, s.Operators.Fallback = c.supervisors, c.fallback })
			out, err := b.notify(by(b.incoming(t, 1), c.kind, c.operator))
			require.NoError(t, err)
			require.Equal(t, len(c.want), out.Sent)
			got := map[int]int{}
			for _, n := range b.bell(0) {
				got[n.User]++
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestOnAnOpenLineOnlyTheOperatorIsToldOfMessages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind     workflows.NoticeKind
		operator int64
		active   bool
		want     int
	}{
		"a message to who has the dialog": {workflows.NoticeIncoming, 301, true, 1},
		"a message to nobody yet":         {workflows.NoticeIncoming, 0, true, 0},
		"the line appoints":               {workflows.NoticeAppoint, 0, true, 0},
		"the line assigns":                {workflows.NoticeAssigned, 301, true, 0},
		"unless the line is off":          {workflows.NoticeAssigned, 301, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(s *settings.Settings) { s.Operators.Supervisors = []int64{8} })
			doc := openlines.Default()
			doc.Name, doc.Channels, doc.Active = "Support", []int64{12}, c.active
			_, err := b.store.SaveLine(t.Context(), "demo", "support", doc, "Ana", "test", 0)
			require.NoError(t, err)
			out, err := b.notify(by(b.incoming(t, 1), c.kind, c.operator))
			require.NoError(t, err)
			require.Equal(t, c.want, out.Sent)
		})
	}
}

func TestNotificationTellsWhoWhatAndWhere(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, DealID: 5, ContactID: 3}))
	_, err := b.notify(by(b.incoming(t, 1), workflows.NoticeIncoming, 301))
	require.NoError(t, err)
	text := b.bell(7)[0].Message
	require.Contains(t, text, "Ana")
	require.Contains(t, text, "4401")
	require.Contains(t, text, "https://web.example/chat/dialogs/4401")
	require.Contains(t, text, "/crm/deal/details/5/")
	require.Contains(t, text, "/crm/contact/details/3/")
	require.NotContains(t, text, "[b]much", "a client's BB code does not work")
}

func TestNoticeOfADeletedWebhookStillTellsTheDialog(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	out, err := b.notify(workflows.Notice{Kind: workflows.NoticeIncoming, EventID: "purged", Key: "inbox:1", OperatorID: 301})
	require.NoError(t, err)
	require.Equal(t, 1, out.Sent)
	require.Contains(t, b.bell(7)[0].Message, "4401")
}

func TestNotificationsAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]bitrix24.Fault{
		"after a lost answer": {Kind: "lost_answer"},
		"after a reset":       {Kind: "reset"},
		"after a refusal":     {Kind: "status", Status: http.StatusServiceUnavailable},
		"without trouble":     {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			notice := by(b.incoming(t, 1), workflows.NoticeIncoming, 301)
			if fault.Kind != "" {
				fault.Method, fault.Times = "im.notify.system.add", 1
				b.fault(t, fault)
				_, err := b.notify(notice)
				_, app := failure(t, err)
				require.False(t, app.NonRetryable())
			}
			for range 2 {
				_, err := b.notify(notice)
				require.NoError(t, err)
			}
			require.Len(t, b.bell(7), 1)
			require.Zero(t, b.requests(func() { _, _ = b.notify(notice) }))
		})
	}
}

func TestBurstOfNoticesKeepsToBatches(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.Operators.Supervisors = []int64{7, 8, 9, 10} })
	var notices []workflows.Notice
	for i := range int64(20) {
		notices = append(notices, b.incoming(t, i+1))
	}
	spent := b.requests(func() {
		out, err := b.notify(notices...)
		require.NoError(t, err)
		require.Equal(t, 80, out.Sent)
	})
	require.Equal(t, 2, spent)
	require.Len(t, b.bell(9), 20)
}

func TestPortalThatWantsNoNotificationsIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.General.NotifyIncoming, s.Operators.Supervisors = false, []int64{8} })
	portal, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	portal.Bitrix24 = store.Bitrix24Account{} // it need not even have a CRM
	require.NoError(t, b.store.SavePortal(t.Context(), portal))
	n := b.incoming(t, 1)
	out, err := b.notify(by(n, workflows.NoticeIncoming, 301), by(n, workflows.NoticeAppoint, 0), by(n, workflows.NoticeAssigned, 301))
	require.NoError(t, err)
	require.Zero(t, out.Sent)
	require.Empty(t, b.bell(0))
}

func TestUserThePortalDoesNotKnowIsAProblemNotAFailure(t *testing.T) {
	t.Parallel()
	b := setup(t, func(s *settings.Settings) { s.Operators.Supervisors = []int64{8, 999} })
	out, err := b.notify(b.incoming(t, 1))
	require.NoError(t, err)
	require.Equal(t, 1, out.Sent)
	require.Len(t, out.Problems, 1)
	require.Contains(t, out.Problems[0], "user 999")
}

func TestNotificationsOfAPortalWithoutSettingsFailForGood(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	_, err := run[workflows.Notified](b, workflows.NotifyStep, workflows.NotifyInput{Portal: "gone"})
	_, app := failure(t, err)
	require.True(t, app.NonRetryable())
}
