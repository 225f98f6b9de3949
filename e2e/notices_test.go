package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/settings"
	"puente/store"
)

// notification is what stands in somebody's bell in the sandbox portal.
type notification struct {
	ID      int64  `json:"id"`
	UserID  int64  `json:"user_id"`
	Message string `json:"message"`
	Tag     string `json:"tag"`
}

func (s *stack) notifications() []notification {
	s.t.Helper()
	var out []notification
	s.call(http.MethodGet, "http://"+s.bitrix+"/sandbox/notifications", nil, &out)
	return out
}

func TestNotificationsGoToTheRightPeopleOnce(t *testing.T) {
	t.Parallel()
	const operator, supervisor, admin = 7, 8, 1
	for name, c := range map[string]struct {
		operator    int64
		supervisors []int64
		want        int64
		also        string // told to the same person besides the messages
	}{
		"to the operator":                          {301, []int64{supervisor}, operator, "This dialog was assigned to you"},
		"without operator to the supervisors":      {0, []int64{supervisor}, supervisor, "A responsible person must be appointed"},
		"without supervisors to the administrator": {0, nil, admin, "A responsible person must be appointed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, options{settings: func(conf *settings.Settings) { conf.Operators.Supervisors = c.supervisors }})
			d := talk("Ring Ring", "+79997000001", whatsapp)
			d.OperatorID = c.operator
			d.Deliver = map[string]any{"duplicate": true}
			// the first answers are lost: what is sent again must not ring twice
			s.fault(map[string]any{"method": "im.notify.system.add", "kind": "lost_answer", "times": 2, "when": "after"})
			// Who gets a notification is decided when it is sent: the dialog has to see the assignment together with
			// the messages, or the first of them may rightly go to somebody else.
			s.workers[0].stop()
			ids := s.play(d)
			s.accepted(ids.Client, dialog.KindDialogClose)
			s.workers[0].start(t)
			s.syncOf(ids.Request, 60*time.Second)
			s.workers[0].kill()
			s.workers[0].start(t)
			require.Eventually(t, func() bool {
				told := s.told(c.want)
				return strings.Count(told, "New message") >= 2 && strings.Contains(told, c.also)
			}, patience*time.Minute, 200*time.Millisecond, "both messages, and: %s", c.also)
			tags := map[string]int{}
			for _, n := range s.notifications() {
				tags[fmt.Sprintf("%d|%s", n.UserID, n.Tag)]++
			}
			for tag, n := range tags {
				require.Equal(t, 1, n, tag)
			}
			require.Contains(t, s.lastFor(c.want).Message, "[url=")
			for _, n := range s.notifications() {
				require.Contains(t, n.Message, "Ring Ring", "each names the client")
			}
		})
	}
}

// accepted waits until the client's event of a kind stands in the inbox. What Chat2Desk sent before it stands there too.
func (s *stack) accepted(client int64, kind dialog.EventKind) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		rows, _, err := s.store.InboxList(context.Background(), "demo", store.InboxFilter{HookType: string(kind), ClientID: client})
		return err == nil && len(rows) > 0
	}, patience*20*time.Second, 50*time.Millisecond, "no %s of client %d was accepted", kind, client)
}

// told is everything a user was told.
func (s *stack) told(user int64) string {
	var all strings.Builder
	for _, each := range s.notifications() {
		if each.UserID == user {
			all.WriteString(each.Message)
		}
	}
	return all.String()
}

func (s *stack) lastFor(user int64) notification {
	var last notification
	for _, each := range s.notifications() {
		if each.UserID == user && each.ID >= last.ID {
			last = each
		}
	}
	return last
}
