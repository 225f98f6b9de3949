package dispatch_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

const ownerOfOld = "an earlier dispatcher"

// failed makes the oldest row look as if it had been tried so often.
func (b *testBundle) failed(t *testing.T, times int) {
	t.Helper()
	for range times {
		rows, err := b.store.ClaimInbox(t.Context(), ownerOfOld, 10, time.Minute)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.NoError(t, b.store.RetryInbox(t.Context(), ownerOfOld, rows[0].ID, "away", time.Now()))
	}
}

func (b *testBundle) rows(t *testing.T) []store.InboxEvent {
	t.Helper()
	rows, _, err := b.store.InboxList(t.Context(), "demo", store.InboxFilter{})
	require.NoError(t, err)
	return rows
}

const closeAlone = `{"hook_type":"close_request","request_id":99,"client_id":7}`

func TestCloseOfADialogAsksForItsLastRequest(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]map[string]string{
		"which tells everything":  {"/v1/dialogs/4401": `{"id":4401,"client_id":7,"channel_id":13,"last_request_id":99}`},
		"by its request":          {"/v1/dialogs/4401": `{"id":4401,"last_request_id":99}`, "/v1/requests/99/messages": `[{"id":1,"clientID":7,"channelID":13}]`},
		"by its last message too": {"/v1/dialogs/4401": `{"id":4401,"last_message":{"client_id":7,"channel_id":13}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := prepare(t)
			b.chat = func(w http.ResponseWriter, r *http.Request) {
				answer, known := answers[r.URL.Path]
				if !known {
					answer = `{"status":"error","message":"not_found"}`
				}
				_, _ = w.Write([]byte(answer))
			}
			b.accept(t, "close", "dialog:4401", "close_dialog", `{"hook_type":"close_dialog","dialog_id":4401}`)
			b.start(t)
			b.drained(t)
			require.Len(t, b.temporal.of("dialog:demo:7-13"), 1)
			row, err := b.store.Dialog(t.Context(), "demo", 7, 13)
			require.NoError(t, err, "it is learned")
			require.Equal(t, int64(4401), row.DialogID)
		})
	}
}

func TestChat2DeskThatIsAwayIsAskedAgainBeforeAProvisionalDialogIsOpened(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]int{0: 0, 5: 1} {
		t.Run(fmt.Sprint(attempts, " failures before"), func(t *testing.T) {
			t.Parallel()
			b := prepare(t)
			b.chat = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
			b.accept(t, "close:99", "client:7", "close_request", closeAlone)
			b.failed(t, attempts)
			b.start(t)
			require.Eventually(t, func() bool {
				row := b.rows(t)[0]
				return row.Status == store.InboxDone || row.Attempts > attempts
			}, 60*time.Second, 10*time.Millisecond)
			require.Len(t, b.temporal.of("dialog:demo:7-0"), want)
		})
	}
}

func TestPortalWithoutChat2DeskAccountOpensAProvisionalDialog(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	require.NoError(t, b.store.SavePortal(t.Context(), store.Portal{Slug: "demo"}))
	b.accept(t, "close:99", "client:7", "close_request", closeAlone)
	b.start(t)
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-0"), 1)
}

func TestOnlyDialogOfAClientIsTaken(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12}))
	b.accept(t, "close:99", "client:7", "close_request", closeAlone)
	b.start(t)
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 1)
}

func TestOwnTroubleIsNoAnswer(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	b.registry.Close() // stands for a store that cannot tell the account
	b.accept(t, "close:99", "client:7", "close_request", closeAlone)
	b.start(t)
	require.Eventually(t, func() bool { return b.rows(t)[0].Attempts > 0 }, 60*time.Second, 10*time.Millisecond)
	require.Empty(t, b.temporal.of("dialog:demo:7-0"), "no provisional dialog for a fault of ours")
}

func TestEventThatNamesNobodyIsKeptAsFailed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.accept(t, "close:99", "request:99", "close_request", `{"hook_type":"close_request","request_id":99}`)
	b.drained(t)
	require.Equal(t, store.InboxFailed, b.rows(t)[0].Status)
	require.Empty(t, b.temporal.signals)
}

func TestLeaderIsLearnedAlsoWhenItGoesBackAndForth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)
	transfer := func(n int, operator int64, shift time.Duration) {
		b.accept(t, fmt.Sprint("transfer:", n), "client:7", "dialog_transferred", fmt.Sprintf(
			`{"hook_type":"dialog_transferred","dialog_id":4401,"client_id":7,"channel_id":12,"operator_id":%d,"event_time":%q}`,
			operator, at.Add(shift).Format(time.RFC3339)))
	}
	for n, operator := range []int64{301, 302, 301} {
		transfer(n, operator, time.Duration(n)*time.Minute)
		b.drained(t)
		row, err := b.store.Dialog(t.Context(), "demo", 7, 12)
		require.NoError(t, err)
		require.Equal(t, operator, row.OperatorID)
	}
}

func TestOfEventsThatComeTogetherTheNewestTellsTheLeader(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	for n, operator := range []int64{302, 301} { // the older one came last
		b.accept(t, fmt.Sprint("transfer:", n), "client:7", "dialog_transferred", fmt.Sprintf(
			`{"hook_type":"dialog_transferred","dialog_id":4401,"client_id":7,"channel_id":12,"operator_id":%d,"event_time":"2026-02-03T1%d:00:00Z"}`,
			operator, 2-n))
	}
	b.start(t)
	b.drained(t)
	row, err := b.store.Dialog(t.Context(), "demo", 7, 12)
	require.NoError(t, err)
	require.Equal(t, int64(302), row.OperatorID)
}
