package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"go.temporal.io/server/common/testing/freeport"
)

// shutdownTimeout is how long requests that are under way may take when a server ends.
const shutdownTimeout = 5 * time.Second

// names of the parts for people, and the flags that move them.
var names = map[Part][2]string{
	API:        {"the API", "--api-addr or PUENTE_API_ADDR"},
	Temporal:   {"Temporal", "--temporal-addr or PUENTE_TEMPORAL_ADDR"},
	TemporalUI: {"the Temporal UI", "--temporal-ui-addr or PUENTE_TEMPORAL_UI_ADDR"},
	Bitrix24:   {"the sandbox Bitrix24", "--bitrix24-addr or PUENTE_SANDBOX_BITRIX24_ADDR"},
	Chat2Desk:  {"the sandbox Chat2Desk", "--chat2desk-addr or PUENTE_SANDBOX_CHAT2DESK_ADDR"},
}

// lockData keeps a second process out of the data directory: the sandboxes' files have one writer.
func (s *Stack) lockData(context.Context) error {
	if err := os.MkdirAll(s.cfg.DataDir, dirMode); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(s.cfg.DataDir, "lock"), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another puente-dev uses %s: stop it, or choose another --data-dir", s.cfg.DataDir), file.Close())
	}
	s.onStop(func() { _ = file.Close() }) // closing unlocks
	return nil
}

// listen takes the addresses of our own servers and fills Addresses with them. Connections to the sandboxes wait
// until they are up; the service listens by itself, so its address is only tried.
func (s *Stack) listen(ctx context.Context) error {
	if err := s.tryAPI(ctx); err != nil {
		return err
	}
	err := errors.Join(
		s.take(ctx, Bitrix24, s.cfg.Bitrix24Addr, &s.Addresses.Bitrix24),
		s.take(ctx, Chat2Desk, s.cfg.Chat2DeskAddr, &s.Addresses.Chat2Desk),
	)
	s.Addresses.Bitrix24Webhook = s.Addresses.Bitrix24 + webhookPath
	return err
}

// tryAPI finds out whether the service will be able to listen. Port 0 becomes a port that the system gives to nobody
// else for a while.
func (s *Stack) tryAPI(ctx context.Context) error {
	s.apiAddr = s.cfg.APIAddr
	if host, port, err := net.SplitHostPort(s.apiAddr); err == nil && port == "0" && s.cfg.Has(API) {
		s.apiAddr = net.JoinHostPort(host, strconv.Itoa(freeport.MustGetFreePort()))
	}
	if err := s.take(ctx, API, s.apiAddr, &s.Addresses.API); err != nil {
		return err
	}
	if tried := s.listeners[API]; tried != nil {
		return tried.Close()
	}
	return nil
}

// take listens on the address of a part, if it runs inside, and says under which URL it is reached.
func (s *Stack) take(ctx context.Context, part Part, address string, url *string) error {
	*url = base(address)
	if !s.cfg.Has(part) {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return explain(err, map[Part]string{part: address})
	}
	s.onStop(func() { _ = listener.Close() }) // closed already if a server took it over
	s.listeners[part], *url = listener, base(listener.Addr().String())
	return nil
}

// explain says whose address is taken and what to do about it.
func explain(err error, addresses map[Part]string) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	for part, address := range addresses {
		if busy(address) || len(addresses) == 1 {
			return fmt.Errorf("%s cannot listen on %s: another program does. Stop it, or choose another address with %s",
				names[part][0], address, names[part][1])
		}
	}
	return err
}

func busy(address string) bool {
	listener, err := net.Listen("tcp", address) //nolint:noctx // returns at once
	if err != nil {
		return true
	}
	_ = listener.Close()
	return false
}

// serve answers on a listener until the stack stops.
func (s *Stack) serve(part Part, server *http.Server) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(s.listeners[part]); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("server ended", "part", part, "error", err)
		}
	}()
	s.onStop(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // long polls do not end by themselves
		}
		<-done
	})
}

// base makes an http URL of a listening address; one on all interfaces is asked on loopback.
func base(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "http://" + address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}
