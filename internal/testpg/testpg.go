// Package testpg finds or makes a PostgreSQL server for tests. The first of these that works is taken:
//
//  1. the server that PUENTE_TEST_DATABASE_URL names;
//  2. a throw-away server from the newest PostgreSQL binaries of this machine;
//  3. a throw-away container, if a Docker engine answers;
//  4. Debian's package, if the process is root and apt-get is there, then as 2.
//
// If none works the test fails and says what to do; nothing is skipped. A throw-away server is tuned for tests (no
// fsync), lives in the temporary directory, and ends with the process that started it, even if that is killed.
package testpg

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// EnvURL names the environment variable with the URL of a server that may be used as it is.
const EnvURL = "PUENTE_TEST_DATABASE_URL"

// startTimeout bounds everything, an installation of packages on a slow line included.
const startTimeout = 5 * time.Minute

// errNoServer says what a person can do when no way led to a server.
var errNoServer = errors.New("no PostgreSQL for the tests: set " + EnvURL + " to a server on which databases may be created" +
	" (postgres://user:password@host:5432/postgres), or install the server's binaries (Debian: apt-get install postgresql)," +
	" or start Docker")

// shared is the one throw-away server of this process.
var shared = sync.OnceValues(func() (*Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return Start(ctx)
})

// Server is a running PostgreSQL server.
type Server struct {
	// URL leads to the server's maintenance database, as a user who may create databases.
	URL  string
	stop func() error
}

// Stop ends the server and removes its files; a server that was there before is left alone.
func (s *Server) Stop() error {
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

// URL returns the URL of a server on which the test may create databases. All tests of a process share it, so a test
// makes a database of its own. It fails the test if there is no way to a server.
func URL(tb testing.TB) string {
	tb.Helper()
	server, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return server.URL
}

// Start finds or starts a server, see the package. The context bounds the start only. A caller that does not call
// [Server.Stop] may just exit.
func Start(ctx context.Context) (*Server, error) {
	if url := os.Getenv(EnvURL); url != "" {
		return &Server{URL: url}, nil
	}
	var tried []error
	for _, way := range []func(context.Context) (*Server, error){startLocal, startDocker, startInstalled} {
		server, err := way(ctx)
		if err == nil {
			return server, nil
		}
		tried = append(tried, err)
	}
	return nil, errors.Join(append([]error{errNoServer}, tried...)...)
}
