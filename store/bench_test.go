package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// BenchmarkDrain measures how fast a backlog of 10,000 events in 2,000 dialogs
// is handed out and finished, and how fast events are accepted before.
func BenchmarkDrain(b *testing.B) {
	for name, url := range storetest.Databases(b) {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url)
			for n := range b.N {
				b.StopTimer()
				accepted := fill(b, s, n, 10_000, 2_000)
				b.StartTimer()
				drain(b, s)
				b.ReportMetric(accepted, "accepted/s")
			}
			b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "drained/s")
		})
	}
}

func fill(b *testing.B, s *store.Store, run, rows, keys int) (perSecond float64) {
	b.Helper()
	begin := time.Now()
	for i := range rows {
		_, err := s.Accept(b.Context(), []store.InboxEvent{{
			Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprint(run, "-", i), HookType: "inbox",
			OrderKey: fmt.Sprint(i % keys), ClientID: int64(i % keys), Body: []byte(`{"hook_type":"inbox"}`),
		}})
		require.NoError(b, err)
	}
	return float64(rows) / time.Since(begin).Seconds()
}

func drain(b *testing.B, s *store.Store) {
	b.Helper()
	for {
		rows, err := s.ClaimInbox(b.Context(), "bench", 100, time.Minute)
		require.NoError(b, err)
		if len(rows) == 0 {
			return
		}
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
		}
		require.NoError(b, s.FinishInbox(b.Context(), ids, store.InboxDone, "w"))
	}
}

// BenchmarkAcceptRequests measures how fast requests of one portal, which are
// accepted one after the other, and of one client come in by 20 callers.
func BenchmarkAcceptRequests(b *testing.B) {
	for name, url := range storetest.Databases(b) {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url)
			var n atomic.Int64
			b.SetParallelism(10)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					id := fmt.Sprint("form-", n.Add(1))
					if _, _, err := s.AcceptRequest(b.Context(), request(id, "a"), []string{"phone:1", "email:x", "request:" + id}); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepted/s")
		})
	}
}
