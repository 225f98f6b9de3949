// Package devserver runs a whole Temporal installation inside this process: the server with all its services on
// SQLite, one namespace, and the Temporal UI. It exists for `cmd/puente-dev` and for tests; an installation that
// matters runs Temporal on PostgreSQL (temporal reference §1, decision 8), and the product never imports this package.
//
// The server is ready when [Start] returns: the namespace answers and work can be started at once.
package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/testing/freeport"
	"go.temporal.io/server/temporal"
)

// Namespace is the only namespace of the server. It is also the default of the SDK.
const Namespace = "default"

// Retention is how long the history of a closed workflow is kept.
const Retention = 30 * 24 * time.Hour

// Limits of one start.
const (
	readyTimeout = 60 * time.Second      // a first start creates the schema on what may be a slow disk
	readyPoll    = 20 * time.Millisecond // between two questions whether the namespace answers
	databaseFile = "temporal.sqlite"     // inside Options.DataDir
	anyLocalPort = "127.0.0.1:0"         // what an empty GRPCAddr means
	dirMode      = os.FileMode(0o750)    // of a DataDir that has to be made
)

// Options say where a server listens and what it keeps.
type Options struct {
	// GRPCAddr is the address of the frontend, "127.0.0.1:7233"; port 0 takes a free one, and empty means a free local one.
	GRPCAddr string
	// UIAddr is the address of the Temporal UI; port 0 takes a free one, and empty means no UI.
	UIAddr string
	// DataDir holds the SQLite file and is made if missing; empty keeps everything in memory.
	DataDir string
	// LogLevel is the least level that is logged; nil means warnings and worse.
	LogLevel slog.Leveler
	// Logger receives the server's records of that level; nil means [slog.Default].
	Logger *slog.Logger
}

// Server is a running Temporal server. Its methods may be called from several goroutines.
type Server struct {
	address   string
	uiAddress string
	temporal  temporal.Server
	logger    *logger
	ui        *uiServer
	stop      sync.Once
}

// Start brings up the server and its UI and returns when both answer. A taken port is an error that names the
// address. The context bounds only the start; the server runs until [Server.Stop].
func Start(ctx context.Context, o Options) (*Server, error) {
	frontend, err := resolve(o.GRPCAddr)
	if err != nil {
		return nil, fmt.Errorf("temporal address: %w", err)
	}
	logger := newLogger(o)
	server, err := startTemporal(o, frontend, logger)
	if err != nil {
		return nil, err
	}
	s := &Server{address: reachable(frontend), temporal: server, logger: logger}
	if err := s.finishStart(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// finishStart waits for the namespace and puts the UI in front of it.
func (s *Server) finishStart(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	if o.UIAddr == "" {
		return nil
	}
	ui, err := startUI(ctx, o.UIAddr, s.address)
	if err != nil {
		return err
	}
	s.ui, s.uiAddress = ui, ui.address
	return nil
}

// Address is the host:port of the frontend, with the port that was really taken.
func (s *Server) Address() string { return s.address }

// UIAddress is the host:port of the Temporal UI, empty if there is none.
func (s *Server) UIAddress() string { return s.uiAddress }

// Ready reports whether the frontend and the namespace answer now; nil means work can be started.
func (s *Server) Ready(ctx context.Context) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: s.address, Namespace: Namespace, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("temporal at %s: %w", s.address, err)
	}
	defer c.Close()
	// Listing goes through frontend, namespace cache and visibility store: what a first caller needs.
	_, err = c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: Namespace, PageSize: 1})
	if err != nil {
		return fmt.Errorf("temporal namespace %s: %w", Namespace, err)
	}
	return nil
}

// Stop ends the UI, then the server's services, and returns when they are down. Running workflows stay in the
// SQLite file and go on after the next start. Calling it again does nothing.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.logger.quiet.Store(true) // the services complain about each other while they go down
		if s.ui != nil {
			s.ui.stop()
		}
		// The server's Stop always answers nil: its services are ended one by one, and each logs its own trouble.
		_ = s.temporal.Stop()
	})
}

func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		err := s.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("temporal server did not become ready: %w", ctx.Err()), err)
		case <-tick.C:
		}
	}
}

// resolve turns an address into an IP and a port that is free at this moment. Port 0 becomes a port that the
// system will not give to anybody else for a while, because the server opens it only later.
func resolve(address string) (*net.TCPAddr, error) {
	if address == "" {
		address = anyLocalPort
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	got := listener.Addr().(*net.TCPAddr)
	if err := listener.Close(); err != nil {
		return nil, err
	}
	if _, port, _ := net.SplitHostPort(address); port == "0" {
		got.Port = freeport.MustGetFreePort()
	}
	if got.IP.IsUnspecified() {
		got.IP = net.IPv4zero // the server binds one family; the other one is not needed on a developer's machine
	}
	return got, nil
}

// reachable is the address under which this machine reaches a listener: one on all interfaces is asked on loopback.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: a.Port}).String()
	}
	return a.String()
}

// databasePath makes the data directory and names the SQLite file in it; "" for memory.
func databasePath(dir string) (string, error) {
	if dir == "" {
		return "", nil
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return filepath.Join(dir, databaseFile), nil
}
