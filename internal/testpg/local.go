package testpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// attempts to find a free port: between the look and PostgreSQL's bind somebody else may take it.
const attempts = 3

// binaryDirs are the usual homes of server binaries besides what pg_config says.
var binaryDirs = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin",
	"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
}

// versionNumber finds the major version in "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
var versionNumber = regexp.MustCompile(`\) (\d+)`)

// listenLocally keeps a server that trusts everybody off the network.
const listenLocally = "listen_addresses=127.0.0.1"

// tuning makes a server fast and forgetful.
var tuning = []string{
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400", "max_wal_size=1GB",
	"log_min_messages=warning", listenLocally,
}

// startLocal starts a throw-away server from this machine's binaries.
func startLocal(ctx context.Context) (*Server, error) {
	bin, err := newestBinaries(ctx)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		server, err := startBinaries(ctx, bin)
		if err == nil || try == attempts || ctx.Err() != nil {
			return server, err
		}
	}
}

func startBinaries(ctx context.Context, bin string) (*Server, error) {
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := ownedDir(owner)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initialise(ctx, bin, data, owner); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	started, err := launch{
		command: serverCommand(bin, data, port), stop: stopLocal, name: dir, log: filepath.Join(dir, "log"), owner: owner,
	}.start()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return started.ready(ctx, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port))
}

// serverCommand runs the server in the foreground; its socket lies beside its data.
func serverCommand(bin, data string, port int) []string {
	command := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", filepath.Dir(data), "-p", strconv.Itoa(port)}
	for _, setting := range tuning {
		command = append(command, "-c", setting)
	}
	return command
}

// initialise makes an empty cluster that trusts everybody on this machine.
func initialise(ctx context.Context, bin, data string, owner *syscall.Credential) error {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust",
		"--no-sync", "--encoding=UTF8", "--locale=C")
	cmd.Dir = filepath.Dir(data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// newestBinaries is the directory of the newest PostgreSQL that has both the server and initdb.
func newestBinaries(ctx context.Context) (string, error) {
	best, newest := "", 0
	for _, dir := range candidates(ctx) {
		if version := serverVersion(ctx, dir); version > newest {
			best, newest = dir, version
		}
	}
	if best == "" {
		return "", errors.New("this machine has no PostgreSQL server binaries")
	}
	return best, nil
}

func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, string(bytes.TrimSpace(out)))
	}
	for _, pattern := range binaryDirs {
		found, _ := filepath.Glob(pattern) // fails only for a bad pattern, and these are constants
		dirs = append(dirs, found...)
	}
	return dirs
}

// serverVersion is the major version of the server in a directory, 0 if there is none that can be used.
func serverVersion(ctx context.Context, dir string) int {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	match := versionNumber.FindSubmatch(out)
	if match == nil {
		return 0
	}
	version, _ := strconv.Atoi(string(match[1])) // digits by the expression
	return version
}

// unprivileged is who the server runs as: PostgreSQL refuses root. Nil means this process's own user.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other user is needed
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func ownedDir(owner *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "puente-postgres-")
	if err != nil || owner == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(owner.Uid), int(owner.Gid))
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
