package dispatch_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

const chat = openlines.ChatID("7-12")

// line makes a portal with one open line on channel 12, whose operator 301 is
// user 7, and starts its dispatcher.
func line(t *testing.T, change func(*openlines.Settings)) *testBundle {
	t.Helper()
	b := prepare(t)
	conf := settings.Default()
	conf.General.Country = "RU"
	conf.Operators = settings.Operators{Users: []settings.OperatorUser{{Operator: 301, User: 7}, {Operator: 302, User: 8}}, Administrator: 1}
	_, err := b.store.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	doc := openlines.Default()
	doc.Name, doc.Channels, doc.VoteGood = "Sales", []int64{12}, []string{"great"}
	if change != nil {
		change(&doc)
	}
	_, err = b.store.SaveLine(t.Context(), "demo", "sales", doc, "test", "", 0)
	require.NoError(t, err)
	b.start(t)
	return b
}

// events are what the desk was told, after everything was delivered.
func (b *testBundle) events(t *testing.T) []openlines.Event {
	t.Helper()
	b.drained(t)
	b.temporal.mu.Lock()
	defer b.temporal.mu.Unlock()
	return append([]openlines.Event(nil), b.temporal.desk...)
}

// hook accepts a webhook of client 7 under its own type and number.
func (b *testBundle) hook(t *testing.T, n int, hook, fields string) {
	t.Helper()
	b.accept(t, fmt.Sprint(hook, ":", n), "client:7", hook, fmt.Sprintf(`{"hook_type":%q,%s}`, hook, fields))
}

func said(id int64, kind, text, more string) string {
	return fmt.Sprintf(`"message_id":%d,"type":%q,"text":%q,"client_id":7,"channel_id":12,"dialog_id":4401,"request_id":99%s`, id, kind, text, more)
}

// session stores an open session of the chat, as the desk would.
func (b *testBundle) session(t *testing.T, records ...openlines.Record) {
	t.Helper()
	at := time.Now().Add(-time.Minute).UTC()
	all := append([]openlines.Record{{Kind: openlines.SessionStarted, Chat: chat}}, records...)
	for i := range all {
		all[i].No, all[i].Session, all[i].Line, all[i].Channel, all[i].At = int64(i+1), 1, "sales", 12, at
	}
	require.NoError(t, b.store.SaveLineRecords(t.Context(), "demo", all))
}

func TestClientMessageReachesTheDesk(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	before := time.Now().Add(-time.Second)
	b.hook(t, 5, "inbox", said(5, "from_client", "Hello", `,"transport":"telegram","client":{"id":7,"phone":"[tg] 5"}`))
	got := b.events(t)
	require.Len(t, got, 1)
	e := got[0]
	require.Equal(t, "inbox:5", e.ID, "the key of the inbox makes it take effect once")
	require.Equal(t, openlines.ClientMessage, e.Kind)
	require.Equal(t, chat, e.Chat)
	require.True(t, e.At.After(before), "received, not written")
	require.Equal(t, openlines.Message{ID: "5", Channel: 12, Order: 5, Writable: true}, *e.Message)
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 1, "the dialog gets it too")
}

func TestAChannelJoinsItsLineAtOnce(t *testing.T) {
	t.Parallel()
	b := line(t, func(doc *openlines.Settings) { doc.Channels = []int64{13} })
	b.hook(t, 1, "inbox", said(1, "from_client", "Hello", `,"transport":"telegram"`))
	require.Empty(t, b.events(t), "its channel belongs to no line")
	doc := openlines.Default()
	doc.Name, doc.Channels = "Sales", []int64{12, 13}
	_, err := b.store.SaveLine(t.Context(), "demo", "sales", doc, "test", "", 1)
	require.NoError(t, err)
	b.hook(t, 2, "inbox", said(2, "from_client", "Hello again", `,"transport":"telegram"`))
	require.Len(t, b.events(t), 1, "nothing that was known before the message came is believed")
}

func TestWhoTheClientIsIsToldByAPseudonym(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	for n, client := range []string{`{"id":7,"phone":"79995550101"}`, `{"id":7,"phone":"[tg] 5","client_phone":"8 999 555-01-01"}`, `{"id":7,"phone":"[chat] ab"}`} {
		b.hook(t, n+1, "inbox", said(int64(n+1), "from_client", "Hello", `,"transport":"widget","client":`+client))
	}
	got := b.events(t)
	require.Len(t, got, 3)
	require.NotEmpty(t, got[0].Message.Identity)
	require.NotContains(t, got[0].Message.Identity, "9995550101")
	require.Equal(t, got[0].Message.Identity, got[1].Message.Identity, "one phone, one person")
	require.True(t, got[1].Message.Writable)
	require.Empty(t, got[2].Message.Identity)
	require.False(t, got[2].Message.Writable, "a visitor of a site who left nothing")
}

func TestVotesAndWindowsAreReadFromTheMessage(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.hook(t, 1, "inbox", said(1, "from_client", " Great! ", `,"transport":"telegram"`))
	b.hook(t, 2, "inbox", said(2, "from_client", "Great, and one question", `,"transport":"wa_dialog"`))
	b.hook(t, 3, "inbox", said(3, "from_client", "great", `,"transport":"telegram","attachments":[{"name":"a","link":"https://x.example/a"}]`))
	got := b.events(t)
	require.Len(t, got, 3)
	require.Equal(t, openlines.VoteGood, got[0].Message.Vote)
	require.True(t, got[0].Message.Window.IsZero())
	require.Equal(t, openlines.NoVote, got[1].Message.Vote)
	require.Equal(t, got[1].At.Add(24*time.Hour), got[1].Message.Window)
	require.Equal(t, openlines.NoVote, got[2].Message.Vote, "a file is a message")
}

func TestOnlyWhatPeopleSayIsAReply(t *testing.T) {
	t.Parallel()
	ours := fmt.Sprintf(`,"operator_id":301,"external_id":%q`, workflows.LineExternalID("demo", "1-welcome-3"))
	for name, c := range map[string]struct {
		hook, body string
		want       []openlines.Event
	}{
		"an operator's message": {
			"outbox", said(2, "to_client", "Hi", `,"operator_id":301`),
			[]openlines.Event{{Kind: openlines.EmployeeMessage, By: 7, Message: &openlines.Message{ID: "2", Channel: 12, Order: 2}}},
		},
		"of one who is not mapped": {
			"outbox", said(2, "to_client", "Hi", `,"operator_id":999`),
			[]openlines.Event{{Kind: openlines.EmployeeMessage, By: 1, Message: &openlines.Message{ID: "2", Channel: 12, Order: 2}}},
		},
		"from the phone": {
			"imported_message", said(2, "to_client", "Hi", `,"operator_id":301`),
			[]openlines.Event{{Kind: openlines.EmployeeMessage, By: 7, Message: &openlines.Message{ID: "2", Channel: 12, Order: 2}}},
		},
		"an internal note": {
			"comment", said(2, "comment", "Hm", `,"operator_id":301`),
			[]openlines.Event{{Kind: openlines.EmployeeMessage, By: 7, Message: &openlines.Message{ID: "2", Channel: 12, Order: 2, Internal: true}}},
		},
		"a bot's":                {"outbox", said(2, "autoreply", "Menu", `,"operator_id":301`), nil},
		"a machine's":            {"outbox", said(2, "to_client", "Your order", ``), nil},
		"our own text":           {"outbox", said(2, "autoreply", "Hello", ours), nil},
		"our own, as a message":  {"outbox", said(2, "to_client", "Hello", ours), nil},
		"of the system":          {"system_message", said(2, "system", "assigned", ``), nil},
		"history of the client":  {"imported_message", said(2, "from_client", "Hi", `,"event_time":"2020-01-01T00:00:00Z"`), nil},
		"history of an operator": {"imported_message", said(2, "to_client", "Hi", `,"operator_id":301,"event_time":"2020-01-01T00:00:00Z"`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := line(t, nil)
			b.hook(t, 2, c.hook, c.body)
			got := b.events(t)
			for i := range got {
				require.Equal(t, chat, got[i].Chat)
				got[i].ID, got[i].At, got[i].Chat = "", time.Time{}, ""
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestChannelsWithoutALineConcernNobody(t *testing.T) {
	t.Parallel()
	b := line(t, func(s *openlines.Settings) { s.Channels = []int64{13} })
	b.hook(t, 1, "inbox", said(1, "from_client", "Hello", ""))
	b.hook(t, 2, "outbox", said(2, "to_client", "Hello", `,"operator_id":301`))
	require.Empty(t, b.events(t))
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 2)
}

func TestPortalWithoutLinesStartsNoDesk(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hook(t, 1, "operator_status_updated", `"id":"301","online":1`)
	b.hook(t, 2, "inbox", said(2, "from_client", "Hello", ""))
	require.Empty(t, b.events(t))
}

func TestEventsWaitInOrderWhileTheDeskIsAway(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.temporal.mu.Lock()
	b.temporal.deskDown = true
	b.temporal.mu.Unlock()
	for n := range 3 {
		b.hook(t, n+1, "inbox", said(int64(n+1), "from_client", "Hello", ""))
	}
	require.Eventually(t, func() bool {
		rows := b.rows(t)
		return len(rows) == 3 && rows[len(rows)-1].Attempts > 0
	}, 60*time.Second, 10*time.Millisecond)
	b.temporal.mu.Lock()
	b.temporal.deskDown = false
	b.temporal.mu.Unlock()
	got := b.events(t)
	require.Len(t, got, 3)
	for n, e := range got {
		require.Equal(t, fmt.Sprint("inbox:", n+1), e.ID)
	}
}

func TestWhatTheLastSessionLeftComesWithTheMessage(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	past := &openlines.Past{Session: 1, Owner: 8, Closed: time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)}
	b.session(t, openlines.Record{Kind: openlines.SessionEnded, Chat: chat, Past: past})
	b.hook(t, 1, "inbox", said(1, "from_client", "Hello again", ""))
	b.hook(t, 2, "outbox", said(2, "to_client", "Hello", `,"operator_id":301,"client":{"id":7,"phone":"79995550101"}`))
	got := b.events(t)
	require.Equal(t, *past, got[0].Message.Past)
	require.Equal(t, *past, got[1].Message.Past, "he may be the first to write")
	require.Equal(t, b.store.Pseudonym("demo", "phone:+79995550101"), got[1].Message.Identity)
}

func TestBlockedClientStaysBlocked(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.hook(t, 1, "inbox", said(1, "from_client", "Buy this", ""))
	b.drained(t)
	b.hook(t, 2, "client_added_to_blacklist", `"id":7,"phone":"[tg] 5"`)
	b.drained(t)
	b.hook(t, 3, "inbox", said(3, "from_client", "Buy that", ""))
	got := b.events(t)
	require.Len(t, got, 3)
	require.Equal(t, openlines.ClientBlocked, got[1].Kind)
	require.True(t, got[1].On)
	require.Equal(t, chat, got[1].Chat)
	require.False(t, got[0].Message.Past.Blocked)
	require.True(t, got[2].Message.Past.Blocked, "also when the desk has forgotten the chat")
}

func TestPhoneOfAClientIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		want   int
	}{
		"a phone":     {`"id":7,"phone":"[chat] ab","client_phone":"+79995550101"`, 1},
		"nothing new": {`"id":7,"phone":"[chat] ab"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := line(t, nil)
			require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12}))
			b.hook(t, 1, "client_updated", c.fields)
			got := b.events(t)
			require.Len(t, got, c.want)
			for _, e := range got {
				require.Equal(t, openlines.ContactLearned, e.Kind)
				require.Equal(t, chat, e.Chat, "the desk knows the session")
				require.Equal(t, b.store.Pseudonym("demo", "phone:+79995550101"), e.CRM.Identity)
			}
		})
	}
}

func TestAssignmentByHandIsTold(t *testing.T) {
	t.Parallel()
	at := time.Now().UTC().Truncate(time.Second)
	for operator, want := range map[int64][]openlines.Event{
		301: {{ID: "dialog_transferred:1", Kind: openlines.DialogAssigned, Chat: chat, To: 7, Happened: at}},
		999: nil, // nobody knows him
		0:   nil,
	} {
		b := line(t, nil) // the desk may know a session that is not stored yet
		b.hook(t, 1, "dialog_transferred", fmt.Sprintf(
			`"client_id":7,"channel_id":12,"dialog_id":4401,"operator_id":%d,"event_time":%q`, operator, at.Format(time.RFC3339)))
		got := b.events(t)
		for i := range got {
			got[i].At = time.Time{}
		}
		require.Equal(t, want, got)
	}
}

func TestOwnAssignmentsAndClosesAreNoNews(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.session(t)
	for _, key := range []string{store.AssignKey(chat, 301), store.CloseKey(chat)} {
		_, err := b.store.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: key, State: store.WriteSending})
		require.NoError(t, err)
	}
	b.hook(t, 1, "dialog_transferred", `"client_id":7,"channel_id":12,"dialog_id":4401,"operator_id":301`)
	b.hook(t, 2, "close_dialog", `"client_id":7,"channel_id":12,"dialog_id":4401,"operator_id":301`)
	require.Empty(t, b.events(t))
	b.hook(t, 4, "dialog_transferred", `"client_id":7,"channel_id":12,"dialog_id":4401,"operator_id":301`)
	require.Len(t, b.events(t), 1, "a write is told of once: a person did the same again")
	later := time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	b.hook(t, 3, "dialog_transferred", fmt.Sprintf(`"client_id":7,"channel_id":12,"dialog_id":4401,"operator_id":301,"event_time":%q`, later))
	require.Len(t, b.events(t), 2, "what happens much later is somebody's doing")
}

func TestCloseInChat2DeskIsTold(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	for name, c := range map[string]struct {
		hook, fields string
		happened     time.Time
		want         []openlines.UserID // who closed it
	}{
		"by an operator":      {"close_dialog", `"client_id":7,"channel_id":12,"operator_id":301`, time.Time{}, []openlines.UserID{7}},
		"by nobody we know":   {"close_dialog", `"client_id":7,"channel_id":12,"operator_id":999`, time.Time{}, []openlines.UserID{0}},
		"told by its request": {"close_request", `"client_id":7,"channel_id":12,"request_id":99`, time.Time{}, []openlines.UserID{8}},
		"but not a poll":      {"close_request", `"client_id":7,"channel_id":12,"request_id":100`, time.Time{}, nil},
		"with its time":       {"close_dialog", `"client_id":7,"channel_id":12,"event_time":"` + old.Format(time.RFC3339) + `"`, old, []openlines.UserID{8}},
		"on another channel":  {"close_dialog", `"client_id":7,"channel_id":13,"operator_id":301`, time.Time{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := line(t, nil)
			require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, OperatorID: 302}))
			require.NoError(t, b.store.LearnRequest(t.Context(), store.RequestRow{Portal: "demo", RequestID: 100, ClientID: 7, ChannelID: 12, Type: "rating"}))
			b.hook(t, 1, c.hook, c.fields)
			var by []openlines.UserID
			for _, e := range b.events(t) {
				require.Equal(t, openlines.DialogClosed, e.Kind)
				require.Equal(t, chat, e.Chat)
				require.Equal(t, c.happened, e.Happened)
				by = append(by, e.By)
			}
			require.Equal(t, c.want, by)
		})
	}
}

// told accepts a webhook of client 7 that tells what happened some time ago.
func (b *testBundle) told(t *testing.T, n int, hook, fields string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago).UTC()
	body := fmt.Sprintf(`{"hook_type":%q,"client_id":7,"channel_id":12,"event_time":%q,%s}`, hook, at.Format(time.RFC3339Nano), fields)
	_, err := b.store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprint(hook, ":", n), HookType: hook, OrderKey: "client:7", Body: []byte(body),
		ReceivedAt: time.Now(), EventTime: at, ClientID: 7, ChannelID: 12,
	}})
	require.NoError(t, err)
	b.drained(t)
}

func TestCloseThatIsToldLateLeavesTheClientHisAnswer(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	kinds := func() (all []openlines.EventKind) {
		for _, e := range b.events(t) {
			all = append(all, e.Kind)
		}
		return all
	}
	const said = `"message_id":5,"type":"from_client","text":"And?"`
	b.told(t, 1, "inbox", said, time.Minute)
	b.told(t, 2, "close_dialog", `"operator_id":301`, time.Hour)
	require.Equal(t, []openlines.EventKind{openlines.ClientMessage}, kinds(), "it was closed before he wrote")
	b.told(t, 3, "close_dialog", `"operator_id":301`, time.Second)
	require.Equal(t, []openlines.EventKind{openlines.ClientMessage, openlines.DialogClosed}, kinds())
}

func TestAssignmentThatIsToldLateIsNoNews(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	b.told(t, 1, "dialog_transferred", `"dialog_id":4401,"operator_id":302`, time.Minute)
	b.told(t, 2, "dialog_transferred", `"dialog_id":4401,"operator_id":301`, time.Hour)
	got := b.events(t)
	require.Len(t, got, 1, "somebody else has it since")
	require.Equal(t, openlines.UserID(8), got[0].To)
}

func TestTextThatTheMessengerRefusedIsTold(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	_, err := b.store.SaveLineWrite(t.Context(), store.LineWrite{
		Portal: "demo", WriteKey: store.MessageKey(51), State: store.WriteDone, Detail: "4-close-20",
	})
	require.NoError(t, err)
	external := workflows.LineExternalID("demo", "3-vote_request-17")
	b.hook(t, 1, "outbox_status", fmt.Sprintf(`"data":{"message_id":50,"client_id":7,"status":"failed","error":"24h window","external_id":%q}`, external))
	b.hook(t, 2, "outbox_status", `"data":{"message_id":51,"client_id":7,"status":"failed","error":"blocked"}`)
	b.hook(t, 3, "outbox_status", `"data":{"message_id":51,"client_id":7,"status":"delivered","error":null}`)
	b.hook(t, 4, "outbox_status", `"data":{"message_id":52,"client_id":7,"status":"failed","error":"24h window"}`)
	got := b.events(t)
	require.Len(t, got, 2)
	for i, want := range []openlines.Event{
		{Session: 3, Text: openlines.TextVoteRequest, Reason: "window"}, {Session: 4, Text: openlines.TextClose, Reason: "refused"},
	} {
		require.Equal(t, openlines.TextRefused, got[i].Kind)
		require.Equal(t, want, openlines.Event{Session: got[i].Session, Text: got[i].Text, Reason: got[i].Reason})
	}
}

func TestPresenceOfOperatorsIsKeptAndTold(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]openlines.Presence{
		`"online":1,"offline_type":null`:       openlines.Online,
		`"online":"1","offline_type":"break"`:  openlines.DayPaused,
		`"online":0,"offline_type":"holiday"`:  openlines.Offline,
		`"online":false,"offline_type":"busy"`: openlines.Offline,
	} {
		b := line(t, nil)
		yes := true
		_, err := b.store.SaveOperator(t.Context(), "demo", 7, store.OperatorChange{Supervisor: &yes})
		require.NoError(t, err)
		b.hook(t, 1, "operator_status_updated", `"id":"301",`+fields)
		b.hook(t, 2, "operator_status_updated", `"id":"999","online":1`)
		got := b.events(t)
		require.Len(t, got, 1, "nobody knows operator 999")
		require.Equal(t, openlines.Operator{ID: 7, Presence: want, Supervisor: true}, *got[0].Operator)
		known, err := b.store.Operators(t.Context(), "demo")
		require.NoError(t, err)
		require.Equal(t, want, known[0].Presence)
	}
}

func TestPresenceThatComesLateIsNoNews(t *testing.T) {
	t.Parallel()
	b := line(t, nil)
	told := func(n int, online string, ago time.Duration) {
		at := time.Now().Add(-ago).UTC().Format(time.RFC3339Nano)
		b.hook(t, n, "operator_status_updated", fmt.Sprintf(`"id":"301","online":%s,"event_time":%q`, online, at))
	}
	told(1, "1", time.Minute)
	require.Len(t, b.events(t), 1)
	told(2, "0", 2*time.Hour)
	require.Len(t, b.events(t), 1, "it is what Chat2Desk could not tell two hours ago")
	told(3, "0", -time.Hour) // its clock goes wrong
	require.Len(t, b.events(t), 2)
	told(4, "1", 0)
	got := b.events(t)
	require.Len(t, got, 3, "a wrong clock does not hold up what comes later")
	require.Equal(t, openlines.Online, got[2].Operator.Presence)
}

func TestPortalWithLinesAndWithoutSettingsStillDelivers(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.chat = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	doc := openlines.Default()
	doc.Name, doc.Channels = "Sales", []int64{12}
	_, err := b.store.SaveLine(t.Context(), "demo", "sales", doc, "test", "", 0)
	require.NoError(t, err)
	b.start(t)
	b.hook(t, 1, "inbox", said(1, "from_client", "Hello", ""))
	require.Len(t, b.events(t), 1)
}
