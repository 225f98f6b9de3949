package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		require.NoError(t, s.CheckSchema(ctx))
		require.NoError(t, s.SavePortal(ctx, store.Portal{Slug: "demo", Name: "Demo", Bitrix24: store.Bitrix24Account{WebhookURL: "https://x/rest/1/abc/"}}))
		p, err := s.Portal(ctx, "demo")
		require.NoError(t, err)
		require.Equal(t, "https://x/rest/1/abc/", p.Bitrix24.WebhookURL)
		v, err := s.SaveSettings(ctx, "demo", settings.Settings{}, "me", "why", 0)
		require.NoError(t, err)
		require.Equal(t, 1, v)
		_, _, err = s.Settings(ctx, "demo")
		require.NoError(t, err)
		n, err := s.Accept(ctx, []store.InboxEvent{{Portal: "demo", Source: "chat2desk", Key: "a", HookType: "inbox", OrderKey: "1", ClientID: 1, RequestID: 5}, {Portal: "demo", Source: "chat2desk", Key: "a", OrderKey: "1"}})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		rows, err := s.ClaimInbox(ctx, "me", 10, time.Minute)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		msgs, err := s.RequestMessages(ctx, "demo", 5)
		require.NoError(t, err)
		require.Len(t, msgs, 1)
		require.NoError(t, s.FinishInbox(ctx, []string{rows[0].ID}, "done", "wf"))
		sync, created, err := s.OpenSync(ctx, store.Sync{Portal: "demo", WorkflowID: "w"})
		require.NoError(t, err)
		require.True(t, created)
		require.NoError(t, s.UpdateSync(ctx, "demo", sync.ID, func(s *store.Sync) { s.Status = "done" }))
		list, _, err := s.Syncs(ctx, "demo", store.SyncFilter{Query: "w"})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, s.SaveStep(ctx, store.Step{SyncID: sync.ID, Name: "a"}))
		steps, err := s.Steps(ctx, sync.ID)
		require.NoError(t, err)
		require.Len(t, steps, 1)
		require.NoError(t, s.SaveSnapshot(ctx, "demo", sync.ID, dialog.Snapshot{DialogID: 4}))
		snap, err := s.Snapshot(ctx, "demo", sync.ID)
		require.NoError(t, err)
		require.EqualValues(t, 4, snap.DialogID)
		ok, _, err := s.Claim(ctx, "demo", "a", []string{"x", "y"}, time.Minute)
		require.NoError(t, err)
		require.True(t, ok)
		ok, holder, err := s.Claim(ctx, "demo", "b", []string{"z", "y"}, time.Minute)
		require.NoError(t, err)
		require.False(t, ok)
		require.Equal(t, "a", holder)
		w, err := s.TakePermit(ctx, "demo", "", 1, 1)
		require.NoError(t, err)
		require.Zero(t, w)
		w, err = s.TakePermit(ctx, "demo", "", 1, 1)
		require.NoError(t, err)
		require.Greater(t, w, 500*time.Millisecond)
		require.NoError(t, s.LearnDialog(ctx, store.DialogRow{Portal: "demo", ClientID: 1, DialogID: 3}))
		require.NoError(t, s.LearnRequest(ctx, store.RequestRow{Portal: "demo", RequestID: 1, ClientID: 1}))
		_, err = s.DialogByRequest(ctx, "demo", 1)
		require.NoError(t, err)
		require.NoError(t, s.MarkSent(ctx, "demo", "k", "1"))
		require.NoError(t, s.SaveDirectory(ctx, "demo", "k", []byte("{}")))
		require.NoError(t, s.Audit(ctx, store.AuditEntry{Portal: "demo", Before: []byte("{}")}))
		require.NoError(t, s.Penalize(ctx, "demo", "", time.Now().Add(time.Minute)))
		_, err = s.PurgeInbox(ctx, "demo", time.Now().Add(time.Hour))
		require.NoError(t, err)
		_, _, err = s.InboxBacklog(ctx)
		require.NoError(t, err)
	})
}
