package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

func TestLineWriteKeepsWhatIsNewest(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			none, found, err := s.LineWrite(t.Context(), "demo", "mark:1")
			require.NoError(t, err)
			require.False(t, found)
			require.Equal(t, store.LineWrite{Portal: "demo", WriteKey: "mark:1"}, none)
			at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
			save := func(w store.LineWrite) bool {
				w.Portal, w.WriteKey, w.UpdatedAt = "demo", "mark:1", at
				saved, err := s.SaveLineWrite(t.Context(), w)
				require.NoError(t, err)
				return saved
			}
			require.True(t, save(store.LineWrite{State: store.WriteSending, Version: 2}))
			require.True(t, save(store.LineWrite{State: store.WriteDone, ExternalID: 77, Version: 2, Detail: "x"}))
			require.False(t, save(store.LineWrite{State: store.WriteDone, ExternalID: 78, Version: 1}), "an older one changes nothing")
			got, found, err := s.LineWrite(t.Context(), "demo", "mark:1")
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, store.LineWrite{
				Portal: "demo", WriteKey: "mark:1", State: store.WriteDone, ExternalID: 77, Version: 2, Detail: "x", UpdatedAt: at,
			}, got)
			_, err = s.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: store.BlockedKey("7-12"), State: store.WriteDone, UpdatedAt: at})
			require.NoError(t, err)
			n, err := s.PurgeLineWrites(t.Context(), "demo", at)
			require.NoError(t, err)
			require.Zero(t, n, "not older")
			n, err = s.PurgeLineWrites(t.Context(), "demo", at.Add(time.Second))
			require.NoError(t, err)
			require.Equal(t, 1, n)
			_, found, err = s.LineWrite(t.Context(), "demo", store.BlockedKey("7-12"))
			require.NoError(t, err)
			require.True(t, found, "who was blocked stays blocked")
		})
	}
}

func TestAWriteIsToldOfOnceByEachKindOfWebhook(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
			announce := func() {
				at = at.Add(time.Millisecond)
				_, err := s.SaveLineWrite(t.Context(), store.LineWrite{Portal: "demo", WriteKey: store.CloseKey("7-12"), State: store.WriteSending, UpdatedAt: at})
				require.NoError(t, err)
			}
			read := func() store.LineWrite {
				w, _, err := s.LineWrite(t.Context(), "demo", store.CloseKey("7-12"))
				require.NoError(t, err)
				return w
			}
			told := func(w store.LineWrite, kind, row string) (first, changed bool) {
				first, changed, err := s.ToldOfLineWrite(t.Context(), w, kind, row)
				require.NoError(t, err)
				return first, changed
			}
			announce()
			for i, c := range []struct {
				kind, row string
				first     bool
			}{
				{"close_dialog", "close_dialog:1", true},
				{"close_request", "close_request:9", true},
				{"close_dialog", "close_dialog:1", true},
				{"close_dialog", "close_dialog:2", false},
			} {
				first, changed := told(read(), c.kind, c.row)
				require.Equal(t, c.first, first, i)
				require.False(t, changed, i)
			}
			before := read()
			announce()
			_, changed := told(store.LineWrite{Portal: "demo", WriteKey: before.WriteKey, UpdatedAt: before.UpdatedAt}, "close_dialog", "close_dialog:3")
			require.True(t, changed, "it was begun anew")
			first, _ := told(read(), "close_dialog", "close_dialog:3")
			require.True(t, first, "and is told of anew")
		})
	}
}

func TestWhatTheCRMShowsOfAnOpenSessionIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
			require.NoError(t, s.SaveLineRecords(t.Context(), "demo", []openlines.Record{
				{No: 1, Session: 1, Kind: openlines.SessionStarted, Chat: "7-12", Line: "sales", At: at},
				{No: 2, Session: 2, Kind: openlines.SessionStarted, Chat: "8-12", Line: "sales", At: at},
				{No: 3, Session: 2, Kind: openlines.SessionEnded, Chat: "8-12", Line: "sales", At: at},
			}))
			for session, activity := range map[openlines.SessionID]int64{1: 71, 2: 72} {
				for _, w := range []store.LineWrite{
					{WriteKey: store.MarkKey(session), ExternalID: activity}, {WriteKey: store.ActivityKey(activity), ExternalID: int64(session)},
				} {
					w.Portal, w.State, w.UpdatedAt = "demo", store.WriteDone, at
					_, err := s.SaveLineWrite(t.Context(), w)
					require.NoError(t, err)
				}
			}
			n, err := s.PurgeLineWrites(t.Context(), "demo", at.Add(time.Hour))
			require.NoError(t, err)
			require.Equal(t, 2, n, "those of the closed session")
			for _, key := range []string{store.MarkKey(1), store.ActivityKey(71)} {
				_, found, err := s.LineWrite(t.Context(), "demo", key)
				require.NoError(t, err)
				require.True(t, found, key)
			}
		})
	}
}

func TestOpenSessionOfAChatIsTheOneThatIsNotClosed(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			savePortal(t, s)
			no := int64(0)
			log := func(session openlines.SessionID, kind openlines.RecordKind) {
				no++
				require.NoError(t, s.SaveLineRecords(t.Context(), "demo", []openlines.Record{
					{No: no, Session: session, Kind: kind, Chat: "7-12", Line: "sales", At: time.Now()},
				}))
			}
			open := func() openlines.SessionID {
				session, found, err := s.OpenLineSession(t.Context(), "demo", "7-12")
				require.NoError(t, err)
				require.Equal(t, session.ID != 0, found)
				return session.ID
			}
			require.Zero(t, open())
			log(1, openlines.SessionStarted)
			require.EqualValues(t, 1, open())
			log(1, openlines.SessionFinished)
			require.EqualValues(t, 1, open(), "the client may come back")
			log(1, openlines.SessionEnded)
			require.Zero(t, open())
			log(2, openlines.SessionStarted)
			require.EqualValues(t, 2, open())
		})
	}
}

func TestPseudonymHidesAndRecognises(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.SQLiteURL(t))
	const phone = "phone:+79995550101"
	first := s.Pseudonym("demo", phone)
	require.Equal(t, first, s.Pseudonym("demo", phone))
	require.NotEqual(t, s.Pseudonym("demo", phone), s.Pseudonym("demo", "phone:+79995550102"))
	require.NotEqual(t, s.Pseudonym("demo", phone), s.Pseudonym("other", phone), "nobody follows a person from portal to portal")
	require.NotContains(t, s.Pseudonym("demo", phone), "9995550101")
	require.Len(t, s.Pseudonym("demo", phone), 32)
}
