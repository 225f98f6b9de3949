package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/store/storetest"
)

// BenchmarkSaveLineRecords measures what one message costs the store: a client
// who writes and an operator who answers, in turn, in one of 500 open sessions.
func BenchmarkSaveLineRecords(b *testing.B) {
	for name, url := range storetest.Databases(b) {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url)
			w := newDeskOf(b, s, "demo", nil)
			for i := range 500 {
				w.records(b, w.writes(openlines.ChatID(fmt.Sprint(i))))
			}
			n := 0
			for b.Loop() {
				chat := openlines.ChatID(fmt.Sprint(n / 2 % 500))
				if n++; n%2 == 0 {
					w.records(b, w.writes(chat))
				} else {
					w.records(b, w.replies(chat, 301))
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// records stores what one event brings, without comparing.
func (w *desk) records(b *testing.B, event openlines.Event) {
	b.Helper()
	require.NoError(b, w.s.SaveLineRecords(b.Context(), w.portal, w.d.Step(w.now, event).Records))
}

// BenchmarkAttention measures the list that people look at all day, with 500
// open sessions among 20,000 closed ones.
func BenchmarkAttention(b *testing.B) {
	for name, url := range storetest.Databases(b) {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url)
			w := newDeskOf(b, s, "demo", nil)
			var records []openlines.Record
			for i := range 20_500 {
				records = append(records, w.d.Step(w.now, w.writes(openlines.ChatID(fmt.Sprint(i)))).Records...)
				if i < 20_000 {
					records = append(records, w.d.Step(w.now, act(openlines.MarkSpam, openlines.SessionID(i+1), 301)).Records...)
				}
			}
			for len(records) > 0 {
				n := min(len(records), 2000)
				require.NoError(b, s.SaveLineRecords(b.Context(), "demo", records[:n]))
				records = records[n:]
			}
			for b.Loop() {
				all, _, err := s.LineSessions(b.Context(), "demo", store.LineSessionFilter{Open: true, Page: store.Page{Limit: 50}})
				require.NoError(b, err)
				require.Len(b, all, 50)
			}
		})
	}
}
