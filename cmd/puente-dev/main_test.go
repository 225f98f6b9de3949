package main

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// screen is an output that may be read while it is written.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// on adds free ports and a directory of the test to a command line.
func on(t *testing.T, arguments ...string) []string {
	t.Helper()
	for _, flag := range []string{"--api-addr", "--temporal-addr", "--temporal-ui-addr", "--bitrix24-addr", "--chat2desk-addr"} {
		arguments = append(arguments, flag, "127.0.0.1:0")
	}
	return append(arguments, "--data-dir", filepath.Join(t.TempDir(), "data"))
}

// waitFor waits until a text is on the screen; a command that ends before that fails the test with its error.
func waitFor(t *testing.T, out *screen, text string, ended <-chan error) {
	t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.After(60*time.Second)
	defer tick.Stop()
	for !strings.Contains(out.String(), text) {
		select {
		case err := <-ended:
			require.FailNow(t, "it ended early", "%v\n%s", err, out.String())
		case <-limit:
			require.FailNow(t, "not on the screen: "+text, out.String())
		case <-tick.C:
		}
	}
}

func TestRunShowsWhereEverythingIsAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{"by name": {"run"}, "by default": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			out, ended := &screen{}, make(chan error, 1)
			go func() { ended <- execute(ctx, on(t, arguments...), out, io.Discard) }()
			waitFor(t, out, "Ctrl-C stops it", ended)
			interrupt()
			require.NoError(t, <-ended)
			for _, part := range []string{
				"Puente is up", "API  ", "Temporal UI  ", "/namespaces/default/workflows", "/rest/1/sandboxsecret/",
				"/sandbox/dialogs -d", "/contact-center/requests -d", "/lines/support -d", "Bearer demo-key", "Stopping",
			} {
				require.Contains(t, out.String(), part)
			}
			require.NotContains(t, out.String(), "<no value>")
		})
	}
}

func TestPartsThatAreLeftOutAreNotShown(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, ended := &screen{}, make(chan error, 1)
	go func() { ended <- execute(ctx, on(t, "--without", "temporal,api,worker"), out, io.Discard) }()
	waitFor(t, out, "Ctrl-C stops it", ended)
	interrupt()
	require.NoError(t, <-ended)
	require.NotContains(t, out.String(), "readyz")
	require.Contains(t, out.String(), "sandbox CRM")
}

func TestWrongCommandLinesAreErrors(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"unknown flag":    {"--no-such-flag"},
		"unknown command": {"no-such-command"},
		"unknown part":    on(t, "run", "--without", "no-such-part"),
		"no port":         {"run", "--api-addr", "nowhere", "--data-dir", t.TempDir()},
	} {
		require.Error(t, execute(t.Context(), arguments, io.Discard, io.Discard), name)
	}
}

func TestDemoEndsAsExpected(t *testing.T) {
	t.Setenv(exitEnv, "1")
	out := &screen{}
	err := execute(t.Context(), on(t, "demo"), out, io.Discard)
	require.NoError(t, err, out.String())
	require.Equal(t, 3, strings.Count(out.String(), "Every outcome is the expected one"), out.String())
}

func TestInterruptedDemoIsNoSuccess(t *testing.T) {
	t.Setenv(exitEnv, "1")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, ended := &screen{}, make(chan error, 1)
	go func() { ended <- execute(ctx, on(t, "demo"), out, io.Discard) }()
	waitFor(t, out, "The day begins", ended)
	interrupt()
	require.ErrorIs(t, <-ended, errNotAsExpected)
}
