package store_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/store"
	"puente/store/storetest"
)

// The test binary is also the second process of the tests that need one: with
// this variable it runs a job on a database instead of the tests.
const childJob = "PUENTE_STORE_TEST_JOB"

// childJobs are what a second process can do; the argument is the job's own.
var childJobs = map[string]func(ctx context.Context, s *store.Store, argument string) error{
	"migrate": func(ctx context.Context, s *store.Store, _ string) error { return s.Migrate(ctx) },
	"count":   countUp,
	"accept":  acceptMany,
	"hold":    holdInbox,
}

func TestMain(m *testing.M) {
	job := os.Getenv(childJob)
	if job == "" {
		os.Exit(m.Run())
	}
	if err := runChild(context.Background(), strings.Split(job, " ")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runChild(ctx context.Context, job []string) error {
	s, err := store.Open(ctx, job[0], store.Options{SecretKey: []byte(storetest.Key)})
	if err != nil {
		return err
	}
	if err := childJobs[job[1]](ctx, s, job[2]); err != nil {
		return err
	}
	return s.Close()
}

// child is a second process at work.
type child struct {
	cmd *exec.Cmd
	out *bytes.Buffer
}

func startChild(t *testing.T, url, job, argument string) child {
	t.Helper()
	c := child{exec.CommandContext(t.Context(), os.Args[0]), &bytes.Buffer{}}
	c.cmd.Env = append(os.Environ(), childJob+"="+url+" "+job+" "+argument)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	require.NoError(t, c.cmd.Start())
	return c
}

func (c child) wait(t *testing.T) {
	t.Helper()
	require.NoError(t, c.cmd.Wait(), "%s", c.out)
}

// rounds is how often a job does its one thing.
const rounds = 60

// countUp adds rounds to the attempts of a sync, one by one.
func countUp(ctx context.Context, s *store.Store, id string) error {
	for range rounds {
		if err := s.UpdateSync(ctx, "demo", id, func(sync *store.Sync) { sync.Attempts++ }); err != nil {
			return err
		}
	}
	return nil
}

// acceptMany accepts rounds events of one dialog under keys that begin with prefix.
func acceptMany(ctx context.Context, s *store.Store, prefix string) error {
	for i := range rounds {
		if _, err := s.Accept(ctx, []store.InboxEvent{event("7", fmt.Sprintf("%s%d", prefix, i))}); err != nil {
			return err
		}
	}
	return nil
}

// holdInbox claims everything and dies without a word.
func holdInbox(ctx context.Context, s *store.Store, owner string) error {
	if _, err := s.ClaimInbox(ctx, owner, 100, holdLease); err != nil {
		return err
	}
	os.Exit(0)
	return nil
}

// event is an inbox event of the portal demo.
func event(orderKey, key string) store.InboxEvent {
	return store.InboxEvent{
		Portal: "demo", Source: store.SourceChat2Desk, Key: key, HookType: "inbox", OrderKey: orderKey, Body: []byte("{}"),
	}
}

// savePortal makes the portal demo.
func savePortal(t *testing.T, s *store.Store) {
	t.Helper()
	require.NoError(t, s.SavePortal(t.Context(), store.Portal{Slug: "demo", Name: "Demo"}))
}
