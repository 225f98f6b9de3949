// Command record saves the histories of workflow runs as JSON for the replay
// tests in workflows/testdata/replay. Record with a released build only: a
// replay test proves that newer code can take over what that build began.
//
//	go run ./internal/record -name DialogSync-parked dialog-sync:demo:4401:9901
//
// The runs of the contact center are recorded by their own tests, all at once:
//
//	PUENTE_RECORD=1 go test -count=1 -run ContactCenter ./workflows/servertest
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"

	"puente/internal/histories"
)

func main() {
	address := flag.String("address", "127.0.0.1:7233", "Temporal's gRPC address")
	out := flag.String("out", "workflows/testdata/replay", "folder of the recordings")
	name := flag.String("name", "", "name of the recording: type of the workflow, a dash, what is special about it")
	run := flag.String("run", "", "run id; empty = the last run")
	flag.Parse()
	if flag.NArg() != 1 || *name == "" {
		fmt.Fprintln(os.Stderr, "usage: record -name DialogSync-done WORKFLOW_ID")
		os.Exit(2)
	}
	if err := record(context.Background(), *address, flag.Arg(0), *run, filepath.Join(*out, *name+".json")); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// record reads the whole history and writes it in the form the replayer takes.
func record(ctx context.Context, address, workflowID, runID, file string) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: address})
	if err != nil {
		return err
	}
	defer c.Close()
	history, err := histories.Read(ctx, c, workflowID, runID)
	if err != nil {
		return err
	}
	return histories.Save(history, file)
}
