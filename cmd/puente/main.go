// Command puente is the service: it takes webhooks, serves the API, runs the
// worker, and lets an administrator connect portals and re-run failed syncs.
// It is configured by the environment; see service.Config.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings given; it returns the exit status.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := newRoot(&app{out: out, errOut: errOut})
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintln(errOut, "puente:", err) // there is nowhere else to say it
		return 1
	}
	return 0
}
