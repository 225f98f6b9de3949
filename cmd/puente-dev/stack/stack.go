// Package stack runs all of Puente in one process: the Temporal server and its UI, a sandbox Bitrix24 portal, a sandbox
// Chat2Desk account, the API and a worker, with one demo portal that ties them together (design §7). It is for
// development, the demo and the end-to-end tests. The product never imports it.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"

	"puente/devserver"
	"puente/store"
)

// Modes of what the stack writes: it holds tokens, be they of a sandbox.
const (
	dirMode  = 0o750
	fileMode = 0o600
)

// Addresses are the base URLs under which the parts are reached, and host:port of Temporal. Those of parts that were
// left out are as configured.
type Addresses struct {
	API        string `json:"api"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporal_ui"`
	Bitrix24   string `json:"bitrix24"`
	Chat2Desk  string `json:"chat2desk"`
	// Bitrix24Webhook is the inbound webhook of the sandbox portal.
	Bitrix24Webhook string `json:"bitrix24_webhook"`
}

// Stack is what runs. Stop it once.
type Stack struct {
	Addresses Addresses
	cfg       Config
	log       *slog.Logger
	apiAddr   string // where the service is told to listen
	listeners map[Part]net.Listener
	failed    chan error // holds the first breakdown of a running part
	closers   []func()   // in the order of the starts; run backwards
	stop      sync.Once
}

// Start brings up all parts and returns when they answer. What was started is stopped again if a later part fails.
// The context bounds the start only.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Stack, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Stack{cfg: cfg, log: log, listeners: map[Part]net.Listener{}, failed: make(chan error, 1)}
	// Addresses first: a taken port is the most likely trouble, and should show before anything took time.
	for _, step := range []func(context.Context) error{
		s.lockData, s.listen, s.startTemporal, s.prepareStore, s.startBitrix24, s.startChat2Desk, s.startService, s.installApp,
		s.writeReadyFile,
	} {
		if err := step(ctx); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// Stop ends the parts in the right order: the API takes no more, the worker finishes what runs (the sandboxes still
// answer it), then the sandboxes save their state, then the database and Temporal close.
func (s *Stack) Stop() {
	s.stop.Do(func() {
		for _, closer := range slices.Backward(s.closers) {
			closer()
		}
	})
}

// Failed gives the error of a part that broke down while running; the stack should be stopped then.
func (s *Stack) Failed() <-chan error { return s.failed }

// failure is the error of a part that ended, nil if it said none.
func (s *Stack) failure() error {
	select {
	case err := <-s.failed:
		return err
	default:
		return nil
	}
}

// onStop remembers what ends a part that was just started.
func (s *Stack) onStop(closer func()) { s.closers = append(s.closers, closer) }

// logged makes a closer of one that may fail.
func (s *Stack) logged(what string, closer func() error) func() {
	return func() {
		if err := closer(); err != nil {
			s.log.Error("stopping", "part", what, "error", err)
		}
	}
}

// startTemporal runs the server, or notes where it is.
func (s *Stack) startTemporal(ctx context.Context) error {
	if !s.cfg.Has(Temporal) {
		s.Addresses.Temporal, s.Addresses.TemporalUI = s.cfg.TemporalAddr, base(s.cfg.TemporalUIAddr)
		return nil
	}
	ui := s.cfg.TemporalUIAddr
	if !s.cfg.Has(TemporalUI) {
		ui = ""
	}
	server, err := devserver.Start(ctx, devserver.Options{
		GRPCAddr: s.cfg.TemporalAddr, UIAddr: ui, DataDir: s.cfg.DataDir, LogLevel: slog.LevelError, Logger: s.log,
	})
	if err != nil {
		return explain(err, map[Part]string{Temporal: s.cfg.TemporalAddr, TemporalUI: ui})
	}
	s.onStop(server.Stop)
	s.Addresses.Temporal = server.Address()
	if ui != "" {
		s.Addresses.TemporalUI = base(server.UIAddress())
	}
	return nil
}

// prepareStore brings Puente's database to the newest schema and makes the demo portal.
func (s *Stack) prepareStore(ctx context.Context) error {
	if !s.cfg.Has(Portal) {
		return nil
	}
	db, err := store.Open(ctx, s.cfg.DatabaseURL, store.Options{SecretKey: []byte(s.cfg.SecretKey), Logger: s.log})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx); err != nil {
		return errors.Join(fmt.Errorf("migrate Puente's database: %w", err), db.Close())
	}
	return errors.Join(SaveDemoPortal(ctx, db, s.Addresses), db.Close())
}

// writeReadyFile tells whoever started this process where everything is.
func (s *Stack) writeReadyFile(context.Context) error {
	if s.cfg.ReadyFile == "" {
		return nil
	}
	content, err := json.MarshalIndent(s.Addresses, "", "  ")
	if err != nil {
		return err
	}
	// Written beside and renamed: a reader never sees half of it.
	draft := s.cfg.ReadyFile + ".tmp"
	if err := errors.Join(os.WriteFile(draft, content, fileMode), os.Rename(draft, s.cfg.ReadyFile)); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	s.onStop(s.logged("ready file", func() error { return os.Remove(s.cfg.ReadyFile) }))
	return nil
}
