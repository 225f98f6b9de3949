package testpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// pollEvery is the pause between two questions whether the server answers.
const pollEvery = 50 * time.Millisecond

// stopTimeout bounds a stop; the guard kills a server that ignores the request after about ten seconds.
const stopTimeout = 20 * time.Second

// stopLocal ends the server whose process is $1 and removes its directory $2. A server removes its pid file when it is
// done; its process may stay as a zombie where nobody collects orphans (containers without an init).
const stopLocal = `
kill -INT "$1" 2>/dev/null
tries=0
while kill -0 "$1" 2>/dev/null && [ -e "$2/data/postmaster.pid" ]; do
	tries=$((tries+1))
	if [ "$tries" -gt 100 ]; then kill -KILL "$1" 2>/dev/null; fi
	if [ "$tries" -gt 120 ]; then break; fi
	sleep 0.1
done
rm -rf "$2"
`

// stopDocker removes the container $2; the engine has stopped it by then or does it now.
const stopDocker = `docker rm --force --volumes "$2"; exit 0`

// process is a server and its guard: a shell that waits for the end of its standard input. The other end of that pipe
// is held by this process alone, so however this process ends, the guard stops the server and cleans up.
type process struct {
	server *exec.Cmd
	exited chan struct{} // closed when the server is gone
	log    string        // file with what the server said
	guard  *exec.Cmd
	alive  io.Closer // our end of the guard's pipe
}

// launch describes what to start.
type launch struct {
	command []string
	name    string              // $2 of the stop script: the directory or the container
	stop    string              // shell script that ends the server; $1 is the process
	log     string              // file for the server's output
	owner   *syscall.Credential // who runs it; nil: this process's own user
}

func (l launch) start() (*process, error) {
	p := &process{exited: make(chan struct{}), log: l.log}
	out, err := os.Create(l.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own copy
	p.server = l.prepare(l.command...)
	p.server.Stdout, p.server.Stderr = out, out
	if err := p.server.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", l.command[0], err)
	}
	go func() {
		defer close(p.exited)
		_ = p.server.Wait() // how it ended is in its log
	}()
	p.guard = l.prepare("sh", "-c", "cat >/dev/null\n"+l.stop, "guard", fmt.Sprint(p.server.Process.Pid), l.name)
	if p.alive, err = p.guard.StdinPipe(); err != nil {
		return nil, errors.Join(err, p.server.Process.Kill())
	}
	if err := p.guard.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start guard: %w", err), p.server.Process.Kill())
	}
	return p, nil
}

// prepare makes a command that an interrupt at the terminal does not reach: the guard decides when the server ends.
func (l launch) prepare(command ...string) *exec.Cmd {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = filepath.Dir(l.log)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: l.owner}
	return cmd
}

// stopAndClean asks the guard to end the server and waits until it did.
func (p *process) stopAndClean() error {
	if err := p.alive.Close(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- p.guard.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(stopTimeout):
		return errors.New("the test PostgreSQL did not stop")
	}
}

// ready waits until the server answers queries and hands it out.
func (p *process) ready(ctx context.Context, url string) (*Server, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if answers(ctx, url) == nil {
			return &Server{URL: url, stop: p.stopAndClean}, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("PostgreSQL did not become ready: %w", ctx.Err()), p.failure())
		case <-p.exited:
			return nil, p.failure()
		case <-tick.C:
		}
	}
}

// failure tells what a server that does not work said, and cleans up.
func (p *process) failure() error {
	said, err := os.ReadFile(p.log)
	return errors.Join(fmt.Errorf("PostgreSQL did not start: %s", bytes.TrimSpace(said)), err, p.stopAndClean())
}

func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
