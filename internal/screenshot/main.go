// Command screenshot plays the demo and photographs what a person would look at: in the Temporal UI the list of
// workflows, a finished and a parked sync, a request, the desk of the open lines and one of its sessions; in the sandbox
// CRM deals with a transcript, a call and a chat. The pictures stand in docs/. It needs Chromium.
//
//	go run ./internal/screenshot -puente-dev bin/puente-dev -out docs/images
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	binary := flag.String("puente-dev", "bin/puente-dev", "the binary that plays the demo")
	out := flag.String("out", "docs/images", "directory of the pictures")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshot:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be stopped
	}
}

func run(ctx context.Context, binary, out string) error {
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "puente-screenshot")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	d, err := start(ctx, binary, data)
	if err != nil {
		return err
	}
	return errors.Join(d.photograph(ctx, out), d.stop())
}

// shot is one picture: the page and what has to be seen on it before it is taken.
type shot struct{ name, url, text string }

// parked finds the parked sync of the ledger.
func parked(ctx context.Context, at addresses) ([]shot, error) {
	sync, err := first(ctx, at.API, "status=failed", "dialog-sync:")
	return []shot{
		{"temporal-sync-parked", sync.RunURL, sync.WorkflowID},
		{"temporal-sync-parked-details", sync.RunURL + "/user-metadata", sync.WorkflowID},
	}, err
}

// choose finds a finished sync of the ledger, a request with a call, and what the open lines have to show.
func choose(ctx context.Context, at addresses) ([]shot, error) {
	sync, err := first(ctx, at.API, "status=done", "dialog-sync:")
	if err != nil {
		return nil, err
	}
	// Newest first, the list begins with the other chapters.
	list := at.TemporalUI + "/namespaces/default/workflows?query=" + url.QueryEscape("`WorkflowType`=\"DialogSync\"")
	shots := []shot{
		{"temporal-workflows", list, "DialogSync"},
		{"temporal-sync-done-details", sync.RunURL + "/user-metadata", sync.WorkflowID},
		{"sandbox-deal", sync.deal(), ""},
	}
	request, err := first(ctx, at.API, "status=done&kind=request", "request:demo:call-nina-")
	if err != nil {
		return nil, err
	}
	shots = append(shots,
		shot{"temporal-request-details", request.RunURL + "/user-metadata", request.WorkflowID},
		shot{"sandbox-call", request.deal(), ".wav"},
	)
	lines, err := lineShots(ctx, at)
	return append(shots, lines...), err
}

// sync is the part of a row of the ledger that is needed here.
type sync struct {
	WorkflowID string `json:"workflow_id"`
	RunURL     string `json:"run_url"`
	Entities   []struct {
		Kind string `json:"kind"`
		URL  string `json:"url"`
	} `json:"entities"`
}

// deal is the address of its deal's card.
func (s sync) deal() string {
	for _, entity := range s.Entities {
		if entity.Kind == "deal" {
			return entity.URL
		}
	}
	return ""
}

// first is the earliest sync that matches and whose workflow is named so: the day begins with the dialogs that have the
// most to show, files, analytics, and three transcripts on one deal.
func first(ctx context.Context, api, filter, workflow string) (sync, error) {
	var page struct {
		Items []sync `json:"items"`
	}
	if err := read(ctx, api+"/v1/portals/demo/syncs?limit=200&"+filter, &page); err != nil {
		return sync{}, err
	}
	for _, one := range slices.Backward(page.Items) { // newest first
		if strings.HasPrefix(one.WorkflowID, workflow) {
			return one, nil
		}
	}
	return sync{}, fmt.Errorf("no %s is there with %s: nothing to photograph", workflow, filter)
}

// read gets JSON from the API, or from that of the Temporal UI, which needs no key.
func read(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer demo-key")
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d", address, response.StatusCode)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
