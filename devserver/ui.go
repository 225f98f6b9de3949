package devserver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// uiServer is the Temporal UI: a web page and its own small API in front of the frontend.
type uiServer struct {
	address string
	server  *server.Server
	done    chan struct{}
}

// startUI returns when the UI answers. The address is tried first, because the UI server ends the whole process
// when it cannot listen.
func startUI(ctx context.Context, address, temporal string) (*uiServer, error) {
	listen, err := resolve(address)
	if err != nil {
		return nil, fmt.Errorf("temporal ui address: %w", err)
	}
	ui := &uiServer{address: reachable(listen), done: make(chan struct{})}
	ui.server = server.NewServer(server_options.WithConfigProvider(&config.Config{
		Host: listen.IP.String(), Port: listen.Port, TemporalGRPCAddress: temporal, DefaultNamespace: Namespace,
		EnableUI: true, HideLogs: true, DisableNewsFetch: true,
		CORS: config.CORS{CookieInsecure: true}, // plain http on loopback
	}))
	go ui.serve()
	if err := ui.waitReady(ctx); err != nil {
		ui.stop()
		return nil, err
	}
	return ui, nil
}

func (u *uiServer) serve() {
	defer close(u.done)
	// Anything but a closed server ends the process inside Start, so there is no error left to look at.
	_ = u.server.Start()
}

func (u *uiServer) stop() {
	u.server.Stop()
	<-u.done
}

func (u *uiServer) waitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		if u.answers(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("temporal ui at %s did not become ready: %w", u.address, ctx.Err())
		case <-tick.C:
		}
	}
}

func (u *uiServer) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.address+"/healthz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}
