// Command cmd runs another command with a PostgreSQL server for tests:
//
//	go run ./internal/testpg/cmd -- go test ./...
//
// The server's URL is in PUENTE_TEST_DATABASE_URL, so all test packages share one server. It is found or made as
// package testpg says, and a throw-away one is gone afterwards, also after an interrupt. The exit status is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"puente/internal/testpg"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testpg:", err)
	}
	os.Exit(status)
}

// run returns the status of the command, or 1 and why it could not be run.
func run(arguments []string) (status int, err error) {
	if len(arguments) > 0 && arguments[0] == "--" {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 {
		return 1, errors.New("usage: cmd -- command argument…")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := testpg.Start(ctx)
	if err != nil {
		return 1, err
	}
	status, err = runWith(ctx, server.URL, arguments)
	return status, errors.Join(err, server.Stop())
}

// runWith runs the command until it ends. An interrupt is passed on, and the command is given its time to obey.
func runWith(ctx context.Context, url string, arguments []string) (int, error) {
	cmd := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), testpg.EnvURL+"="+url)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
