package api

import "github.com/prometheus/client_golang/prometheus"

// metrics of the API. No label ever holds a value that a sender chose.
type metrics struct {
	accepted   *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	unknown    *prometheus.CounterVec
	refused    *prometheus.CounterVec
	requests   *prometheus.HistogramVec
}

// Reasons by which webhooks are refused.
const (
	refusedPortal    = "unknown_portal"
	refusedSecret    = "wrong_secret"
	refusedSignature = "wrong_signature"
	refusedUnsigned  = "unsigned"
	refusedTooLarge  = "too_large"
	refusedBody      = "not_readable"
	refusedFormat    = "not_parsed"
	refusedStore     = "store_down"
)

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "puente", Subsystem: "webhook", Name: name, Help: help}, labels)
	}
	m := &metrics{
		accepted:   counter("accepted_total", "Events stored in the inbox.", "source"),
		duplicates: counter("duplicates_total", "Events that were already in the inbox.", "source"),
		unknown:    counter("unknown_types_total", "Stored events of a type nobody knows.", "source"),
		refused:    counter("refused_total", "Webhook calls that were refused.", "source", "reason"),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "puente", Subsystem: "http", Name: "request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
		}, []string{"method", "route", "status"}),
	}
	r.MustRegister(m.accepted, m.duplicates, m.unknown, m.refused, m.requests)
	return m
}
