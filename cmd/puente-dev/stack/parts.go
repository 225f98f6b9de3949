package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"

	"puente/devserver"
	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/service"
)

// stopTimeout is how long running activities may finish: shorter than in production, a person is waiting.
// PUENTE_STOP_TIMEOUT wins.
const stopTimeout = 10 * time.Second

// readHeaderTimeout cuts off clients that open a connection and say nothing.
const readHeaderTimeout = 10 * time.Second

// startBitrix24 runs the sandbox portal.
func (s *Stack) startBitrix24(context.Context) error {
	if !s.cfg.Has(Bitrix24) {
		return nil
	}
	portal, err := bitrix24.New(bitrix24.Options{
		Path: filepath.Join(s.cfg.DataDir, "sandbox-bitrix24.sqlite"), PublicURL: s.Addresses.Bitrix24, Logger: s.log,
	})
	if err != nil {
		return fmt.Errorf("sandbox Bitrix24: %w", err)
	}
	s.onStop(s.logged("sandbox Bitrix24", portal.Close))
	s.serve(Bitrix24, &http.Server{Handler: portal, ReadHeaderTimeout: readHeaderTimeout})
	return nil
}

// startChat2Desk runs the sandbox account, which sends its events to the API, wherever that runs.
func (s *Stack) startChat2Desk(context.Context) error {
	if !s.cfg.Has(Chat2Desk) {
		return nil
	}
	company, err := chat2desk.New(chat2desk.Options{
		Persistence: filepath.Join(s.cfg.DataDir, "sandbox-chat2desk"), Logger: s.log, Seeds: demoCompany,
		Webhooks: []chat2desk.Webhook{{Name: "puente", URL: ChatWebhook(s.Addresses.API)}},
	})
	if err != nil {
		return fmt.Errorf("sandbox Chat2Desk: %w", err)
	}
	s.onStop(s.logged("sandbox Chat2Desk", company.Close))
	s.serve(Chat2Desk, &http.Server{Handler: company, ReadHeaderTimeout: readHeaderTimeout})
	return nil
}

// startService runs the product: API and worker, or one of them, as cmd/puente would.
func (s *Stack) startService(ctx context.Context) error {
	roles := s.roles()
	if len(roles) == 0 {
		return nil
	}
	cfg, err := s.serviceConfig()
	if err != nil {
		return err
	}
	listening := make(chan struct{})
	cfg.Listening = func(string) { close(listening) }
	product, err := service.Open(ctx, cfg, s.log)
	if err != nil {
		return err
	}
	s.onStop(s.logged("service", product.Close))
	ended := s.run(product, roles)
	if !s.cfg.Has(API) {
		return nil // a worker answers nobody; what is wrong with it comes by Failed
	}
	select {
	case <-listening:
		return nil
	case <-ended:
		return errors.Join(errors.New("the service ended"), s.failure())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run plays the roles until the stack stops. What breaks before that comes by Failed.
func (s *Stack) run(product *service.Service, roles []service.Role) (ended <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := product.Run(ctx, roles...); err != nil {
			s.failed <- err
		}
	}()
	s.onStop(func() {
		cancel()
		<-done
	})
	return done
}

func (s *Stack) roles() (roles []service.Role) {
	if s.cfg.Has(API) {
		roles = append(roles, service.API)
	}
	if s.cfg.Has(Worker) {
		roles = append(roles, service.Worker)
	}
	return roles
}

// serviceConfig is what the environment says (time-outs, rates), with the addresses of this stack. The embedded
// Temporal gets no settings of a Temporal elsewhere, such as a profile with TLS.
func (s *Stack) serviceConfig() (service.Config, error) {
	cfg, err := service.LoadConfig()
	if err != nil {
		return cfg, err
	}
	cfg.DatabaseURL, cfg.SecretKey, cfg.DataDir = s.cfg.DatabaseURL, s.cfg.SecretKey, s.cfg.DataDir
	cfg.APIAddr, cfg.TemporalUI, cfg.WorkerAddr = s.apiAddr, s.Addresses.TemporalUI, ""
	if s.cfg.LineMinute != 0 {
		cfg.LineMinute = s.cfg.LineMinute
	}
	if _, set := os.LookupEnv("PUENTE_STOP_TIMEOUT"); !set {
		cfg.StopTimeout = stopTimeout
	}
	if _, set := os.LookupEnv("PUENTE_ALLOW_PRIVATE_URLS"); !set {
		cfg.AllowPrivateURLs = true // recordings of a trial lie on this machine
	}
	if s.cfg.Has(Temporal) {
		cfg.Temporal = client.Options{Namespace: devserver.Namespace}
	}
	cfg.Temporal.HostPort = s.Addresses.Temporal
	return cfg, nil
}
