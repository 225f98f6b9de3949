package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

func TestDialogIsLearnedBitByBit(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			learn := func(row store.DialogRow) {
				t.Helper()
				row.Portal, row.ClientID, row.ChannelID, row.UpdatedAt = "demo", 7, 12, at
				require.NoError(t, s.LearnDialog(t.Context(), row))
				at = at.Add(time.Minute)
			}
			learn(store.DialogRow{Transport: "telegram"})
			learn(store.DialogRow{DialogID: 44, OperatorID: 301})
			learn(store.DialogRow{LastRequestID: 90, ContactID: 1, DealID: 2, LeadID: 3})
			learn(store.DialogRow{OperatorID: 302})
			want := store.DialogRow{
				Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 44, OperatorID: 302, LastRequestID: 90, Transport: "telegram",
				ContactID: 1, DealID: 2, LeadID: 3, UpdatedAt: at.Add(-time.Minute),
			}
			got, err := s.Dialog(t.Context(), "demo", 7, 12)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.DialogByID(t.Context(), "demo", 44)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestUnknownDialogsAreNotFound(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12}))
			require.NoError(t, s.LearnDialog(t.Context(), store.DialogRow{Portal: "other", ClientID: 8, ChannelID: 12, DialogID: 5}))
			_, err := s.Dialog(t.Context(), "demo", 7, 13)
			require.ErrorIs(t, err, store.ErrNotFound)
			for _, id := range []int64{0, 5} {
				_, err = s.DialogByID(t.Context(), "demo", id)
				require.ErrorIs(t, err, store.ErrNotFound)
				_, err = s.DialogByRequest(t.Context(), "demo", id)
				require.ErrorIs(t, err, store.ErrNotFound)
			}
		})
	}
}

func TestDialogsOfAClientAreListedLatestFirst(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for i, channel := range []int64{12, 14, 13} {
				row := store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: channel, UpdatedAt: time.Unix(int64(i+1), 0)}
				require.NoError(t, s.LearnDialog(t.Context(), row))
			}
			rows, err := s.DialogsOfClient(t.Context(), "demo", 7)
			require.NoError(t, err)
			require.Equal(t, []int64{13, 14, 12}, []int64{rows[0].ChannelID, rows[1].ChannelID, rows[2].ChannelID})
		})
	}
}

func TestRequestIsLearnedBitByBitAndItsCycleOnlyGrows(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			closed := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for _, row := range []store.RequestRow{
				{Type: "common"}, {DialogID: 44, ClosedAt: closed, Cycle: 2}, {ClientID: 7, ChannelID: 12, SyncStatus: "done"}, {Cycle: 1},
			} {
				row.Portal, row.RequestID = "demo", 90
				require.NoError(t, s.LearnRequest(t.Context(), row))
			}
			got, err := s.Request(t.Context(), "demo", 90)
			require.NoError(t, err)
			require.False(t, got.UpdatedAt.IsZero())
			want := store.RequestRow{
				Portal: "demo", RequestID: 90, DialogID: 44, ClientID: 7, ChannelID: 12, Type: "common", ClosedAt: closed,
				Cycle: 2, SyncStatus: "done", UpdatedAt: got.UpdatedAt,
			}
			require.Equal(t, want, got)
		})
	}
}

func TestDialogIsFoundByARequest(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			require.NoError(t, s.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 44}))
			require.NoError(t, s.LearnRequest(t.Context(), store.RequestRow{Portal: "demo", RequestID: 90, ClientID: 7, ChannelID: 12}))
			require.NoError(t, s.LearnRequest(t.Context(), store.RequestRow{Portal: "demo", RequestID: 91, DialogID: 44}))
			for _, request := range []int64{90, 91} {
				row, err := s.DialogByRequest(t.Context(), "demo", request)
				require.NoError(t, err)
				require.EqualValues(t, 44, row.DialogID)
			}
		})
	}
}

func TestRequestsOfADialogAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			for _, id := range []int64{9, 100, 10, 11} {
				row := store.RequestRow{Portal: "demo", RequestID: id, ClientID: 7, ChannelID: 12 + id/100}
				require.NoError(t, s.LearnRequest(t.Context(), row))
			}
			rows, err := s.RequestsOfDialog(t.Context(), "demo", 7, 12, 2)
			require.NoError(t, err)
			require.Len(t, rows, 2)
			require.Equal(t, []int64{11, 10}, []int64{rows[0].RequestID, rows[1].RequestID})
		})
	}
}
