package activities

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
	"puente/dialog"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
	"puente/workflows"
)

// account is a Chat2Desk account that always answers the same.
type account struct {
	chat  *Chat2Desk
	in    workflows.LoadInput
	calls atomic.Int64
}

func newAccount(t *testing.T, status int, body string, change func(*settings.Settings)) *account {
	t.Helper()
	a := &account{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.calls.Add(1)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	db := storetest.Open(t, storetest.SQLiteURL(t))
	require.NoError(t, db.SavePortal(t.Context(), store.Portal{Slug: "demo", Chat2Desk: store.Chat2DeskAccount{BaseURL: server.URL, Token: "token"}}))
	conf := settings.Default()
	if change != nil {
		change(&conf)
	}
	_, err := db.SaveSettings(t.Context(), "demo", conf, "test", "", 0)
	require.NoError(t, err)
	registry := portals.New(db, portals.Options{Chat2DeskRate: 1000})
	t.Cleanup(registry.Close)
	row, _, err := db.OpenSync(t.Context(), store.Sync{Portal: "demo", WorkflowID: "w"})
	require.NoError(t, err)
	a.chat = &Chat2Desk{Store: db, Portals: registry}
	a.in = workflows.LoadInput{SyncID: row.ID, Version: 1, Sync: workflows.SyncInput{
		Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 4401, RequestID: 99, ClosedAt: time.Now(),
	}}
	return a
}

// said stores a webhook of the request.
func (a *account) said(t *testing.T) {
	t.Helper()
	body := `{"hook_type":"inbox","type":"from_client","message_id":1,"client_id":7,"request_id":99,"text":"Hi","client":{"id":7,"name":"Ana"}}`
	_, err := a.chat.Store.Accept(t.Context(), []store.InboxEvent{{
		Portal: "demo", Source: store.SourceChat2Desk, Key: "inbox:1", HookType: "inbox", RequestID: 99, Body: []byte(body), ReceivedAt: time.Now(),
	}})
	require.NoError(t, err)
}

func (a *account) load(t *testing.T, attempt int) (workflows.LoadedDialog, error) {
	t.Helper()
	return a.chat.load(t.Context(), &loader{store: a.chat.Store, in: a.in.Sync, attempt: attempt}, a.in)
}

func TestLongOutageOfChat2DeskEndsInTheWebhooks(t *testing.T) {
	t.Parallel()
	a := newAccount(t, http.StatusBadGateway, "<html>", nil)
	a.said(t)
	_, err := a.load(t, patientAttempts-1)
	require.Equal(t, chat2desk.KindAmbiguous, chat2desk.KindOf(err))
	a.calls.Store(0)
	loaded, err := a.load(t, patientAttempts)
	require.NoError(t, err)
	require.Equal(t, dialog.SourceWebhooks, loaded.Source)
	require.True(t, loaded.Talked)
	require.Equal(t, int64(1), a.calls.Load(), "one that hangs is not asked seven times in one attempt")
	snapshot, err := a.chat.Store.Snapshot(t.Context(), "demo", a.in.SyncID)
	require.NoError(t, err)
	require.Equal(t, "Ana", snapshot.Client.Name)
	require.False(t, snapshot.Messages[0].Time.IsZero(), "the time of receipt")
}

func TestOutageIsWaitedForWhileSomethingDependsOnIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settings.Settings){
		"tags decide":             func(s *settings.Settings) { s.Tags = settings.Tags{Mode: settings.TagsOnly, IDs: []int64{1}} },
		"custom fields are taken": func(s *settings.Settings) { s.Fields = []settings.Field{{Custom: "6", Deal: "UF_CRM_CITY"}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, http.StatusBadGateway, "", change)
			a.said(t)
			_, err := a.load(t, 100)
			require.Equal(t, chat2desk.KindAmbiguous, chat2desk.KindOf(err))
		})
	}
}

func TestDialogNobodyCanTellOfWaits(t *testing.T) {
	t.Parallel()
	a := newAccount(t, http.StatusBadGateway, "", nil)
	_, err := a.load(t, 100)
	require.Equal(t, chat2desk.KindAmbiguous, chat2desk.KindOf(err), "no webhook came and Chat2Desk is away")
	unknown := newAccount(t, http.StatusNotFound, `{"status":"error","message":"not_found"}`, nil)
	loaded, err := unknown.load(t, 1)
	require.NoError(t, err)
	require.False(t, loaded.Talked)
}

func TestQuotaAndTokenAreAskedOnce(t *testing.T) {
	t.Parallel()
	for name, words := range map[string]string{"quota": "You exceeded API limit per month", "token": "Token is not correct"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, http.StatusOK, fmt.Sprintf(`{"status":"error","message":%q}`, words), nil)
			a.said(t)
			loaded, err := a.load(t, 1)
			require.NoError(t, err)
			require.Equal(t, dialog.SourceWebhooks, loaded.Source)
			require.Equal(t, int64(1), a.calls.Load())
		})
	}
}

func TestLoadNeedsItsSettingsAndAccount(t *testing.T) {
	t.Parallel()
	a := newAccount(t, http.StatusOK, "", nil)
	missing := a.in
	missing.Version = 9
	_, err := a.chat.LoadDialog(t.Context(), missing)
	require.ErrorContains(t, err, "settings")
	missing = a.in
	missing.Sync.Portal = "gone"
	_, err = a.chat.LoadDialog(t.Context(), missing)
	require.Error(t, err)
}
