package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
)

// readyTimeout bounds the questions of a readiness probe.
const readyTimeout = 2 * time.Second

func (s *server) healthRoutes(r *gin.Engine) {
	probes := []string{http.MethodGet, http.MethodHead}
	r.Match(probes, "/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	r.Match(probes, "/readyz", s.ready)
	r.GET("/metrics", gin.WrapH(promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})))
}

// ready says whether store and Temporal can be reached. The reasons stay in
// the log: they may hold addresses.
func (s *server) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), readyTimeout)
	defer cancel()
	var db, temporal string
	var both errgroup.Group
	both.Go(func() error { db = s.verdict(ctx, "store", s.Store.Ping); return nil })
	both.Go(func() error { temporal = s.verdict(ctx, "temporal", s.pingTemporal); return nil })
	_ = both.Wait() // neither returns an error
	status, word := http.StatusOK, "ready"
	if db != "ok" || temporal != "ok" {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	c.JSON(status, gin.H{"status": word, "store": db, "temporal": temporal})
}

func (s *server) verdict(ctx context.Context, what string, ask func(context.Context) error) string {
	if err := ask(ctx); err != nil {
		s.log.WarnContext(ctx, "not ready", "part", what, "error", err)
		return "unreachable"
	}
	return "ok"
}

func (s *server) pingTemporal(ctx context.Context) error {
	if s.Temporal == nil {
		return context.DeadlineExceeded
	}
	_, err := s.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}
