package testpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// image is used when there is Docker but no PostgreSQL.
const image = "postgres:17.6-alpine"

// dockerPing bounds the question whether an engine answers: a broken one may hang.
const dockerPing = 10 * time.Second

// startDocker starts a throw-away container.
func startDocker(ctx context.Context) (*Server, error) {
	if err := dockerAnswers(ctx); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "puente-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the log is read before, by ready
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	name := filepath.Base(dir)
	started, err := launch{
		command: containerCommand(name, port), stop: stopDocker, name: name, log: filepath.Join(dir, "log"),
	}.start()
	if err != nil {
		return nil, err
	}
	return started.ready(ctx, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port))
}

// containerCommand runs the image in the foreground on a port of loopback.
func containerCommand(name string, port int) []string {
	command := []string{
		"docker", "run", "--rm", "--name", name, "--env", "POSTGRES_HOST_AUTH_METHOD=trust",
		"--publish", fmt.Sprintf("127.0.0.1:%d:5432", port), image, "-c", "listen_addresses=*",
	}
	for _, setting := range tuning {
		if setting != listenLocally {
			command = append(command, "-c", setting)
		}
	}
	return command
}

func dockerAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dockerPing)
	defer cancel()
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		return fmt.Errorf("no Docker engine answers: %w", err)
	}
	return nil
}

// startInstalled gets Debian's package and starts a server from it. Test processes that run at the same time do it
// one after the other, and only the first has work to do.
func startInstalled(ctx context.Context) (*Server, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("not root, so PostgreSQL cannot be installed")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, errors.New("not a Debian system, so PostgreSQL cannot be installed")
	}
	unlock, err := lock(filepath.Join(os.TempDir(), "puente-postgres-install.lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := newestBinaries(ctx); err != nil {
		if err := install(ctx); err != nil {
			return nil, err
		}
	}
	return startLocal(ctx)
}

// install tries with the package lists that are there first; a fresh machine has none.
func install(ctx context.Context) error {
	err := apt(ctx, "install", "postgresql")
	if err == nil {
		return nil
	}
	return errors.Join(apt(ctx, "update"), apt(ctx, "install", "postgresql"))
}

func apt(ctx context.Context, arguments ...string) error {
	all := append([]string{"-qq", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"}, arguments...)
	cmd := exec.CommandContext(ctx, "apt-get", all...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", arguments[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// lock waits for an exclusive lock on a file, shared by all processes of this machine.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { _ = file.Close() }, nil // closing unlocks
}
