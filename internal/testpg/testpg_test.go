package testpg_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"puente/internal/testpg"
)

// childEnv makes this test binary a process that starts a server, says where, and waits to be killed.
const childEnv = "PUENTE_TESTPG_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	child()
}

func child() {
	server, err := testpg.Start(context.Background())
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(server.URL)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := server.Stop(); err != nil {
		os.Exit(1)
	}
}

func TestCallerMayCreateDatabases(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), testpg.URL(t))
	require.NoError(t, err)
	name := pgx.Identifier{"testpg_" + strings.ReplaceAll(uuid.NewString(), "-", "")}.Sanitize()
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "DROP DATABASE "+name)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func TestAllTestsOfAProcessShareOneServer(t *testing.T) {
	t.Parallel()
	first := testpg.URL(t)
	require.Equal(t, first, testpg.URL(t))
}

func TestNamedServerIsTakenAndLeftAlone(t *testing.T) {
	t.Setenv(testpg.EnvURL, "postgres://somewhere/else")
	server, err := testpg.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "postgres://somewhere/else", server.URL)
	require.NoError(t, server.Stop())
}

// startChild starts a process with a server of its own in an empty temporary directory.
func startChild(t *testing.T) (cmd *exec.Cmd, stdin io.Writer, url, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "testpg") // t.TempDir is closed to the server's user
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o777))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1", testpg.EnvURL+"=", "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	stdin, err = cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(line, "postgres://"), line)
	return cmd, stdin, strings.TrimSpace(line), dir
}

func TestKilledProcessLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cmd, _, url, dir := startChild(t)
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(dir, "*"))
		_, errConnect := pgx.Connect(t.Context(), url)
		return err == nil && len(left) == 0 && errConnect != nil
	}, 20*time.Second, 50*time.Millisecond)
}

func TestStoppedServerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cmd, stdin, _, dir := startChild(t)
	_, err := stdin.Write([]byte("stop\n"))
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
