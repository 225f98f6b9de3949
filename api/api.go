// Package api is the HTTP side of Puente: webhooks and the contact center in,
// the ledger of runs, re-runs, settings and health out.
//
// Webhooks are plain gin handlers, because their senders promise nothing about
// what they send and wait for an answer of a few milliseconds. Everything else
// is a huma operation: validated by its declared types and described in
// /openapi.json. Every error is an RFC 9457 problem document.
//
// The package decides nothing about dialogs: it stores events and asks the
// rerun package; the worker does the rest.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"puente/contactcenter"
	"puente/lines"
	"puente/openlines"
	"puente/recordings"
	"puente/rerun"
)

// Version of the described interface; it changes when the interface does, not
// with each build.
const Version = "1.0.0"

func init() { gin.SetMode(gin.ReleaseMode) }

// Links says where people find what the API names.
type Links struct {
	TemporalUI string // base address of the Temporal UI, "" = no links
	Namespace  string // Temporal namespace of the runs
}

// Options are the parts the API works with.
type Options struct {
	// Store is required.
	Store Store
	// Temporal answers /readyz; nil means never ready.
	Temporal Temporal
	// Rerun serves the re-run routes; required.
	Rerun *rerun.Service
	// Notify wakes a dispatcher in the same process after events were
	// accepted; it must not block. May be nil.
	Notify func()
	Links  Links
	// Validator checks settings against the real portal; nil skips that check.
	Validator Validator
	// Starter hands what the contact center sends to Temporal; required.
	Starter Starter
	// Lines serves the routes of open lines; required.
	Lines *lines.Service
	// Recordings keeps uploaded recordings; required.
	Recordings *recordings.Keeper
	// Lenient says what is let pass in the contact center's input.
	Lenient []contactcenter.Leniency
	// Stopping ends when the process begins to stop: who waits for an answer
	// then is told where to look for it. nil = never.
	Stopping context.Context //nolint:containedctx // its end is the message
	// Installer takes the tokens of applications that are installed in portals;
	// nil means that there is no address for it.
	Installer Installer
	Logger    *slog.Logger         // nil = slog.Default
	Metrics   *prometheus.Registry // nil = a registry of its own
}

// server holds what the handlers share.
type server struct {
	Options
	log     *slog.Logger
	portals *portalCache
	metrics *metrics
	huma    huma.API
	watch   *watch
	uploads chan struct{}                // one place for each upload under way
	bodies  map[string]*huma.RequestBody // by operation: what huma itself would describe as bytes
}

// New builds the handler of all routes. It panics if the same registry is
// given twice: metrics cannot be registered twice.
func New(o Options) http.Handler {
	s := newServer(o)
	router := s.router()
	s.webhookRoutes(router)
	s.huma = humagin.New(router, humaConfig())
	s.huma.UseMiddleware(s.authorize)
	s.syncRoutes()
	s.rerunRoutes()
	s.settingsRoutes()
	s.historyRoutes()
	s.contactCenterRoutes()
	s.lineRoutes()
	s.healthRoutes(router)
	s.documentRoutes(router)
	return router
}

// NewHealth builds the handler of a process without API: /healthz, /readyz and
// /metrics only.
func NewHealth(o Options) http.Handler {
	s := newServer(o)
	router := s.router()
	s.healthRoutes(router)
	return router
}

func newServer(o Options) *server {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	if o.Stopping == nil {
		o.Stopping = context.Background()
	}
	if o.Notify == nil {
		o.Notify = func() {}
	}
	return &server{
		Options: o, log: o.Logger,
		portals: newPortalCache(o.Store, portalCacheTTL, time.Now),
		metrics: newMetrics(o.Metrics),
		watch:   newWatch(o.Store, o.Logger),
		uploads: make(chan struct{}, maxUploads),
		bodies:  map[string]*huma.RequestBody{},
	}
}

// router carries the middleware that every route passes, foreign paths too.
func (s *server) router() *gin.Engine {
	r := gin.New()
	r.RedirectTrailingSlash = false // a redirected POST loses its body at many senders
	r.HandleMethodNotAllowed = true
	r.Use(s.observe, s.recoverPanic, secureHeaders)
	r.NoRoute(func(c *gin.Context) { problem(c, http.StatusNotFound, "there is nothing at this address") })
	r.NoMethod(func(c *gin.Context) {
		problem(c, http.StatusMethodNotAllowed, "this address does not take "+c.Request.Method)
	})
	return r
}

// humaConfig leaves out huma's own document routes: they load scripts from a
// foreign host.
func humaConfig() huma.Config {
	c := huma.DefaultConfig("Puente", Version)
	c.Info.Description = "Chat2Desk and contact centers in, Bitrix24 out. Errors are RFC 9457 problem documents."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema links in answers
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", Description: "API key of the portal"},
	}
	return c
}

// schemaName tells the types of the contact center and of open lines from
// others of the same name: schemas share one name space.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	switch t.PkgPath() {
	case reflect.TypeFor[contactcenter.Request]().PkgPath():
		return "ContactCenter" + name
	case reflect.TypeFor[openlines.Settings]().PkgPath(), reflect.TypeFor[lines.Statistics]().PkgPath():
		return "OpenLine" + name
	}
	return name
}

// NewHTTPServer wraps the handler with the bounds of a server that faces the
// internet: slow headers, slow bodies and idle connections are cut.
func NewHTTPServer(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
