package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"puente/activities"
	"puente/api"
	"puente/contactcenter"
	"puente/lines"
	"puente/portals"
	"puente/recordings"
	"puente/rerun"
	"puente/setup"
	"puente/store"
	"puente/submit"
	"puente/worker"
)

// Role is a part that a process plays.
type Role string

// The roles.
const (
	API    Role = "api"
	Worker Role = "worker"
)

// drainTimeout is how long requests under way may finish at stop.
const drainTimeout = 10 * time.Second

// Service is the opened parts of one process. Close it.
type Service struct {
	Config   Config
	Store    *store.Store
	Temporal client.Client
	Portals  *portals.Registry
	Rerun    *rerun.Service
	Checker  setup.Checker
	Lines    *lines.Service
	// Recordings keeps the files of recordings in Config.RecordingsDir.
	Recordings *recordings.Keeper
	Metrics    *prometheus.Registry
	Log        *slog.Logger
}

// OpenStore opens the database alone, for commands that need nothing else.
func OpenStore(ctx context.Context, c Config, logger *slog.Logger) (*store.Store, error) {
	if c.DatabaseURL == "" {
		return nil, c.check()
	}
	return store.Open(ctx, c.DatabaseURL, store.Options{SecretKey: []byte(c.SecretKey), Logger: logger, MaxOpen: c.MaxConnections})
}

// Open connects the parts. Temporal is not called yet: a process can start
// and take webhooks while it is down.
func Open(ctx context.Context, c Config, logger *slog.Logger) (*Service, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Service{Config: c, Log: logger}
	var err error
	if s.Store, err = OpenStore(ctx, c, logger); err != nil {
		return nil, err
	}
	options := c.Temporal
	options.Logger = log.NewStructuredLogger(logger)
	if s.Temporal, err = client.NewLazyClient(options); err != nil {
		return nil, errors.Join(fmt.Errorf("temporal: %w", err), s.Store.Close())
	}
	s.Portals = portals.New(s.Store, portals.Options{
		Bitrix24Timeout: c.Bitrix24Timeout, Chat2DeskTimeout: c.Chat2DeskTimeout, Chat2DeskRate: c.Chat2DeskRate,
		Source: c.Source, UserAgent: "Puente/" + c.Version,
	})
	s.Rerun = &rerun.Service{Store: s.Store, Temporal: s.Temporal}
	s.Recordings = &recordings.Keeper{Dir: recordings.NewDir(c.recordingsDir()), Store: s.Store}
	s.Checker = setup.Checker{Accounts: s.Portals, Lines: s.Store.Lines}
	s.Lines = &lines.Service{
		Store: s.Store, Temporal: s.Temporal, Validator: s.Checker, Log: logger,
		Loader: &activities.Lines{Store: s.Store, Portals: s.Portals, Temporal: s.Temporal, Minute: s.Config.LineMinute},
	}
	s.Metrics = newRegistry(s.Store, logger)
	return s, nil
}

// Close gives everything back; the database last.
func (s *Service) Close() error {
	s.Portals.Close()
	s.Temporal.Close()
	return s.Store.Close()
}

// Namespace of Temporal the service works in.
func (s *Service) Namespace() string {
	if s.Config.Temporal.Namespace == "" {
		return client.DefaultNamespace
	}
	return s.Config.Temporal.Namespace
}

// Run plays the roles until ctx ends, then stops in order: requests, worker
// with what it has gathered. An error means that a role could not begin or
// broke down; nil that it was asked to stop.
func (s *Service) Run(ctx context.Context, roles ...Role) error {
	if err := s.schema(ctx); err != nil {
		if ctx.Err() != nil { // told to stop before it began
			return nil
		}
		return err
	}
	notify := func() {}
	var w *worker.Worker
	if slices.Contains(roles, Worker) {
		var err error
		if w, err = worker.New(worker.Options{
			Store: s.Store, Temporal: s.Temporal, Portals: s.Portals, Recordings: s.Recordings, Logger: s.Log,
			Fetcher: recordings.Fetcher{AllowPrivate: s.Config.AllowPrivateURLs}, Namespace: s.Namespace(), StopTimeout: s.Config.StopTimeout,
			LineMinute: s.Config.LineMinute,
		}); err != nil {
			return err
		}
		notify = w.Wake
	}
	stop, failed, err := s.listen(ctx, roles, notify)
	if err != nil {
		return err
	}
	if w != nil {
		if err := w.Start(); err != nil {
			stop()
			return err
		}
	}
	select {
	case <-ctx.Done():
		s.Log.InfoContext(ctx, "stopping")
	case err = <-failed:
	}
	stop()
	if w != nil {
		w.Stop()
	}
	return err
}

// schema migrates or checks, so that no process works on tables it does not know.
func (s *Service) schema(ctx context.Context) error {
	if s.Config.Migrate {
		return s.Store.Migrate(ctx)
	}
	return s.Store.CheckSchema(ctx)
}

// listen serves the API, or for a worker alone its health and metrics if there
// is an address for them. stop ends it; failed tells if it broke down.
func (s *Service) listen(ctx context.Context, roles []Role, notify func()) (stop func(), failed <-chan error, err error) {
	addr, handler := s.Config.WorkerAddr, api.NewHealth
	if slices.Contains(roles, API) {
		addr, handler = s.Config.APIAddr, api.New
	}
	if addr == "" {
		return func() {}, nil, nil
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen on %s: %w; choose another address with --addr", addr, err)
	}
	server := api.NewHTTPServer(addr, handler(s.apiOptions(ctx, notify)))
	broken := make(chan error, 1)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			broken <- fmt.Errorf("the HTTP server: %w", err)
		}
	}()
	s.Log.InfoContext(ctx, "listening", "address", listener.Addr().String(), "roles", roles)
	if s.Config.Listening != nil {
		s.Config.Listening(listener.Addr().String())
	}
	return func() { s.drain(context.WithoutCancel(ctx), server) }, broken, nil
}

func (s *Service) apiOptions(ctx context.Context, notify func()) api.Options {
	return api.Options{
		Store: s.Store, Temporal: s.Temporal, Rerun: s.Rerun, Notify: notify, Validator: s.Checker, Installer: s.Portals,
		Lines:   s.Lines,
		Starter: &submit.Starter{Temporal: s.Temporal, Store: s.Store}, Recordings: s.Recordings, Stopping: ctx,
		Logger: s.Log, Metrics: s.Metrics,
		Links: api.Links{TemporalUI: s.Config.TemporalUI, Namespace: s.Namespace()}, Lenient: s.lenient(),
	}
}

// lenient is what is let pass in the contact center's input: http where the
// worker would fetch it.
func (s *Service) lenient() []contactcenter.Leniency {
	if s.Config.AllowPrivateURLs {
		return []contactcenter.Leniency{contactcenter.PlainURLs}
	}
	return nil
}

// drain lets requests under way finish, then cuts them.
func (s *Service) drain(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.Log.WarnContext(ctx, "requests were cut off", "error", err)
		_ = server.Close() // what matters has been said
	}
}
