package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"puente/store"
)

// backlog shows what waits to be handed to Temporal. It asks the store when it
// is scraped, so that every process tells the same.
type backlog struct {
	ask    func(ctx context.Context) (count int, oldest time.Time, err error)
	log    *slog.Logger
	count  *prometheus.Desc
	oldest *prometheus.Desc
}

func newRegistry(s *store.Store, log *slog.Logger) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), backlog{
		ask: s.InboxBacklog, log: log,
		count:  prometheus.NewDesc("puente_inbox_waiting", "Accepted events that are not delivered to a workflow yet.", nil, nil),
		oldest: prometheus.NewDesc("puente_inbox_oldest_seconds", "Age of the oldest event that waits.", nil, nil),
	}, backlog{
		ask: s.SubmissionBacklog, log: log,
		count:  prometheus.NewDesc("puente_submissions_waiting", "Accepted method calls and requests whose run is not started yet.", nil, nil),
		oldest: prometheus.NewDesc("puente_submissions_oldest_seconds", "Age of the oldest submission that waits.", nil, nil),
	})
	return r
}

// Describe implements prometheus.Collector.
func (b backlog) Describe(out chan<- *prometheus.Desc) { out <- b.count; out <- b.oldest }

// Collect implements prometheus.Collector. Without the store it shows nothing
// rather than zero.
func (b backlog) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	count, oldest, err := b.ask(ctx)
	if err != nil {
		b.log.WarnContext(ctx, "backlog not measured", "metric", b.count.String(), "error", err)
		return
	}
	age := 0.0
	if count > 0 && !oldest.IsZero() {
		age = time.Since(oldest).Seconds()
	}
	out <- prometheus.MustNewConstMetric(b.count, prometheus.GaugeValue, float64(count))
	out <- prometheus.MustNewConstMetric(b.oldest, prometheus.GaugeValue, age)
}
