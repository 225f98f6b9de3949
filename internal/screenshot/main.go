// Command screenshot plays the demo and photographs what a person would look at: in the Temporal UI the list of
// workflows, a finished and a parked sync, a request, the desk of the open lines and one of its sessions; in the sandbox
// CRM deals with a transcript, a call and a chat. The pictures stand in docs/. It needs Chromium.
//
//	go run ./internal/screenshot -puente-dev bin/puente-dev -out docs/images
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// played is what puente-dev says when the day is over.
const played = "Everything stays up"

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
	at, stop, err := play(ctx, binary, data)
	if err != nil {
		return err
	}
	shots, err := choose(ctx, at)
	if err == nil {
		err = photograph(ctx, shots, out)
	}
	return errors.Join(err, stop())
}

// addresses is the part of puente-dev's ready file that is needed here.
type addresses struct {
	API        string `json:"api"`
	TemporalUI string `json:"temporal_ui"`
}

// play starts the demo on free ports and returns when the day is over.
func play(ctx context.Context, binary, data string) (at addresses, stop func() error, err error) {
	ready := filepath.Join(data, "ready.json")
	cmd := exec.CommandContext(ctx, binary, "demo", "--ready-file", ready, "--data-dir", filepath.Join(data, "data")) //nolint:gosec // as asked
	for _, flag := range []string{"api", "temporal", "temporal-ui", "bitrix24", "chat2desk"} {
		cmd.Args = append(cmd.Args, "--"+flag+"-addr", "127.0.0.1:0")
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return at, nil, err
	}
	if err := cmd.Start(); err != nil {
		return at, nil, err
	}
	stop = func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()) }
	if err := waitPlayed(output); err != nil {
		return at, nil, errors.Join(err, stop())
	}
	content, err := os.ReadFile(ready) //nolint:gosec // our own file
	if err != nil {
		return at, nil, errors.Join(err, stop())
	}
	return at, stop, json.Unmarshal(content, &at)
}

// waitPlayed shows the output until the day is over, and goes on showing it.
func waitPlayed(output io.Reader) error {
	over := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			fmt.Println(lines.Text())
			if strings.Contains(lines.Text(), played) {
				over <- nil
			}
		}
		select {
		case over <- errors.Join(errors.New("puente-dev ended before the day was over"), lines.Err()):
		default:
		}
	}()
	return <-over
}

// shot is one picture: the page and what has to be seen on it before it is taken.
type shot struct{ name, url, text string }

// choose finds a finished and a parked sync of the ledger, and a request with a call.
func choose(ctx context.Context, at addresses) ([]shot, error) {
	workflows := at.TemporalUI + "/namespaces/default/workflows"
	// Newest first, the list begins with the contact center's day.
	shots := []shot{{"temporal-workflows", workflows + "?query=" + url.QueryEscape("`WorkflowType`=\"DialogSync\""), "DialogSync"}}
	for _, wanted := range []struct{ status, name, deal string }{
		{"done", "temporal-sync-done", "sandbox-deal"}, {"failed", "temporal-sync-parked", ""},
	} {
		sync, err := first(ctx, at.API, "status="+wanted.status, "dialog-sync:")
		if err != nil {
			return nil, err
		}
		shots = append(shots, shot{wanted.name + "-details", sync.RunURL + "/user-metadata", sync.WorkflowID})
		if wanted.status == "failed" { // the timeline of a run of milliseconds has no room for the summaries
			shots = append(shots, shot{wanted.name, sync.RunURL, sync.WorkflowID})
		}
		if wanted.deal != "" {
			shots = append(shots, shot{wanted.deal, sync.deal(), ""})
		}
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
