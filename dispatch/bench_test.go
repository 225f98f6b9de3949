package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/dialog"
	"puente/dispatch"
	"puente/portals"
	"puente/store"
	"puente/store/storetest"
)

// BenchmarkBacklog drains 10,000 webhooks of 2,500 clients, as after an hour
// without Temporal, on both databases.
func BenchmarkBacklog(b *testing.B) {
	for name, open := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				db := storetest.Open(b, open(b))
				require.NoError(b, db.SavePortal(b.Context(), store.Portal{Slug: "demo"}))
				fill(b, db, 2500, 4)
				b.StartTimer()
				drain(b, db)
			}
			b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// fill accepts rows of many clients, mixed as they come in.
func fill(tb testing.TB, db *store.Store, clients, each int64) {
	tb.Helper()
	for n := range each {
		var rows []store.InboxEvent
		for c := range clients {
			rows = append(rows, store.InboxEvent{
				Portal: "demo", Source: store.SourceChat2Desk, Key: fmt.Sprint(c, ":", n), HookType: "inbox", OrderKey: fmt.Sprint("client:", c+1),
				Body: []byte(message(c*100+n+1, c+1, 12, c+1)), ReceivedAt: time.Now(),
			})
		}
		_, err := db.Accept(tb.Context(), rows)
		require.NoError(tb, err)
	}
}

func drain(tb testing.TB, db *store.Store) {
	tb.Helper()
	registry := portals.New(db, portals.Options{})
	defer registry.Close()
	d := dispatch.New(dispatch.Options{
		Store: db, Temporal: &temporal{signals: map[string][]dialog.Event{}}, Portals: registry, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan struct{})
	go func() { defer close(done); d.Run(ctx) }()
	require.Eventually(tb, func() bool { n, _, err := db.InboxBacklog(ctx); return err == nil && n == 0 }, 5*time.Minute, 20*time.Millisecond)
	cancel()
	<-done
}
