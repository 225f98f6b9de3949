package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What puente-dev says when the dialogs have been played, and when everything has.
const (
	dialogsOver = "The contact center opens"
	played      = "Everything stays up"
)

// demo is puente-dev while it plays.
type demo struct {
	cmd   *exec.Cmd
	ready string      // the file with its addresses
	lines chan string // its output; closed at its end
}

// addresses is the part of puente-dev's ready file that is needed here.
type addresses struct {
	API        string `json:"api"`
	TemporalUI string `json:"temporal_ui"`
}

// start starts the demo on free ports.
func start(ctx context.Context, binary, data string) (*demo, error) {
	d := &demo{ready: filepath.Join(data, "ready.json"), lines: make(chan string, 1000)}
	d.cmd = exec.CommandContext(ctx, binary, "demo", "--ready-file", d.ready) //nolint:gosec // as asked
	d.cmd.Args = append(d.cmd.Args, "--data-dir", filepath.Join(data, "data"))
	for _, flag := range []string{"api", "temporal", "temporal-ui", "bitrix24", "chat2desk"} {
		d.cmd.Args = append(d.cmd.Args, "--"+flag+"-addr", "127.0.0.1:0")
	}
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(os.Interrupt) }
	d.cmd.Stderr = os.Stderr
	output, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	go d.show(output)
	return d, d.cmd.Start()
}

func (d *demo) stop() error { return errors.Join(d.cmd.Process.Signal(os.Interrupt), d.cmd.Wait()) }

// show shows the output, and keeps it for wait.
func (d *demo) show(output io.Reader) {
	defer close(d.lines)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		fmt.Println(lines.Text())
		select {
		case d.lines <- lines.Text():
		default: // nobody waits any more
		}
	}
}

// wait waits until the demo says something.
func (d *demo) wait(text string) error {
	for line := range d.lines {
		if strings.Contains(line, text) {
			return nil
		}
	}
	return fmt.Errorf("puente-dev ended before it said %q", text)
}

// photograph takes the pictures. The parked sync comes first, as long as it is young: the longer its timeline, the
// fewer of its steps are labelled.
func (d *demo) photograph(ctx context.Context, out string) error {
	for _, chapter := range []struct {
		until string
		shots func(context.Context, addresses) ([]shot, error)
	}{{dialogsOver, parked}, {played, choose}} {
		if err := d.wait(chapter.until); err != nil {
			return err
		}
		content, err := os.ReadFile(d.ready)
		if err != nil {
			return err
		}
		var at addresses
		if err := json.Unmarshal(content, &at); err != nil {
			return err
		}
		shots, err := chapter.shots(ctx, at)
		if err == nil {
			err = photograph(ctx, shots, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
