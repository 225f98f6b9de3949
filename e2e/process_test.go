package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one real process under test. Its output goes to a file, whose end
// is shown when the test fails.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  string

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// binary is the path of a built command: make test builds them once into
// PUENTE_E2E_BIN, a bare go test builds them here.
func binary(t testing.TB, name string) string {
	t.Helper()
	if dir := os.Getenv("PUENTE_E2E_BIN"); dir != "" {
		return filepath.Join(dir, name)
	}
	return built(t, name)
}

var (
	buildOnce sync.Mutex
	buildDir  string
)

func built(t testing.TB, name string) string {
	t.Helper()
	buildOnce.Lock()
	defer buildOnce.Unlock()
	if buildDir == "" {
		dir, err := os.MkdirTemp("", "puente-e2e")
		require.NoError(t, err)
		buildDir = dir
	}
	path := filepath.Join(buildDir, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	out, err := exec.Command("go", "build", "-o", path, "puente/cmd/"+name).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// start runs the process; it ends with the test at the latest.
func (p *process) start(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.cmd.Start())
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait() // how it ended is in its log
		_ = out.Close()
		close(done)
	}(p.cmd, p.done)
}

// kill ends the process at once, as kill -9 or a crash does.
func (p *process) kill() { p.signal(syscall.SIGKILL) }

// stop asks the process to end and waits for it.
func (p *process) stop() { p.signal(syscall.SIGTERM) }

func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.cmd = nil
}

// tail is the end of the log.
func (p *process) tail(lines int) string {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimSpace(raw)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// races reports data races that the race detector printed.
func (p *process) races() bool {
	raw, err := os.ReadFile(p.log)
	return err == nil && bytes.Contains(raw, []byte("WARNING: DATA RACE"))
}

// nextPort walks through ports below those that systems give to outgoing
// connections, from a random start, so that no two stacks and no two runs of
// the tests meet.
var nextPort atomic.Int64

const (
	firstPort = 20_000
	ports     = 12_000
)

// freePort is a TCP port nobody listens on and no other test was given.
func freePort(t testing.TB) int {
	t.Helper()
	nextPort.CompareAndSwap(0, int64(1+rand.IntN(ports)))
	for range ports {
		port := firstPort + int(nextPort.Add(1)%ports)
		l, err := net.Listen("tcp", local(port))
		if err != nil {
			continue
		}
		require.NoError(t, l.Close())
		return port
	}
	t.Fatal("no free port")
	return 0
}

func local(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
