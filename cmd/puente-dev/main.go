// Command puente-dev runs all of Puente in one process, with sandboxes in place of Bitrix24 and Chat2Desk and an
// embedded Temporal server: for trying it, for development, and under the end-to-end tests.
//
//	puente-dev [run]   start and wait for Ctrl-C
//	puente-dev demo    start, play a working day, show the outcome, and wait; PUENTE_DEMO_EXIT=1 ends instead,
//	                   with status 0 only if every outcome is the expected one
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"puente/cmd/puente-dev/demo"
	"puente/cmd/puente-dev/stack"
)

// exitEnv makes the demo end with its result.
const exitEnv = "PUENTE_DEMO_EXIT"

// demoMinute is what counts as a minute of open lines in the demo, unless it is told otherwise: nobody waits for minutes.
const demoMinute = time.Second

// errNotAsExpected is a demo that was played but ended otherwise than it should.
var errNotAsExpected = errors.New("the demo did not end as expected")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second Ctrl-C ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := execute(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "puente-dev:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be stopped
	}
}

func execute(ctx context.Context, arguments []string, out, errOut io.Writer) error {
	config, err := stack.FromEnv()
	if err != nil {
		return err
	}
	command := newCommand(&config, out, errOut)
	command.SetArgs(arguments)
	return command.ExecuteContext(ctx)
}

func newCommand(config *stack.Config, out, errOut io.Writer) *cobra.Command {
	run := func(c *cobra.Command, _ []string) error {
		return runStack(c.Context(), *config, out, errOut, waitForEnd)
	}
	root := &cobra.Command{
		Use: "puente-dev", Short: "All of Puente in one process, with sandboxes", Args: cobra.NoArgs,
		SilenceUsage: true, SilenceErrors: true, RunE: run,
	}
	config.Flags(root.PersistentFlags())
	root.AddCommand(
		&cobra.Command{Use: "run", Short: "Start everything and wait for Ctrl-C (the default)", Args: cobra.NoArgs, RunE: run},
		&cobra.Command{
			Use: "demo", Short: "Start everything and play a working day; " + exitEnv + "=1 ends with its result", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				if config.LineMinute == 0 {
					config.LineMinute = demoMinute
				}
				return runStack(c.Context(), *config, out, errOut, playDemo)
			},
		},
	)
	root.SetOut(out)
	root.SetErr(errOut)
	return root
}

// runStack starts the parts, shows where they are, does what is asked, and stops them.
func runStack(ctx context.Context, config stack.Config, out, errOut io.Writer, do func(context.Context, *stack.Stack, io.Writer) error) error {
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: config.LogLevel}))
	slog.SetDefault(log)
	say(out, "Starting Puente …\n")
	s, err := stack.Start(ctx, config, log)
	if err != nil {
		return err
	}
	defer func() {
		say(out, "\nStopping …\n")
		s.Stop()
	}()
	welcome(out, config, s.Addresses)
	return do(ctx, s, out)
}

// waitForEnd waits for Ctrl-C, or for a part to break.
func waitForEnd(ctx context.Context, s *stack.Stack, _ io.Writer) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Failed():
		return err
	}
}

// playDemo plays the demo and then stays up, unless it is told to exit.
func playDemo(ctx context.Context, s *stack.Stack, out io.Writer) error {
	ok, err := play(ctx, s, out)
	exits := os.Getenv(exitEnv) == "1"
	switch {
	case ctx.Err() != nil && exits:
		return fmt.Errorf("%w: it was interrupted", errNotAsExpected)
	case ctx.Err() != nil:
		return nil // Ctrl-C in the middle of the day
	case err != nil:
		return err
	case exits && !ok:
		return errNotAsExpected
	case exits:
		return nil
	}
	say(out, "\nEverything stays up for you to look around. Ctrl-C stops it.\n")
	return waitForEnd(ctx, s, out)
}

// play plays a day of dialogs, one of the contact center and one of open lines; ok says that everything ended as expected.
func play(ctx context.Context, s *stack.Stack, out io.Writer) (ok bool, err error) {
	config := demo.Config{
		Chat2DeskURL: s.Addresses.Chat2Desk, Bitrix24URL: s.Addresses.Bitrix24, Bitrix24Webhook: s.Addresses.Bitrix24Webhook,
		APIURL: s.Addresses.API, APIKey: stack.APIKey, HMACKey: stack.HMACKey, Portal: stack.Slug, TemporalUIURL: s.Addresses.TemporalUI, Out: out,
	}
	dialogs, err := demo.Play(ctx, config)
	if err != nil {
		return false, err
	}
	say(out, "\n")
	center, err := demo.PlayContactCenter(ctx, config)
	if err != nil {
		return false, err
	}
	say(out, "\n")
	lines, err := demo.PlayLines(ctx, config)
	return dialogs.OK && center.OK && lines.OK, err
}
