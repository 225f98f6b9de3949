package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"puente/service"
	"puente/store"
)

func (a *app) migrateCommand() *cobra.Command {
	up := func(c *cobra.Command, _ []string) error { return a.withStore(c.Context(), a.migrate) }
	root := &cobra.Command{Use: "migrate", Short: "Bring the database schema up to this binary", Args: cobra.NoArgs, RunE: up}
	root.AddCommand(
		&cobra.Command{Use: "up", Short: "Apply what is missing", Args: cobra.NoArgs, RunE: up},
		&cobra.Command{Use: "status", Short: "Tell the version of the schema", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), a.migrationStatus)
		}},
	)
	return root
}

func (a *app) withStore(ctx context.Context, do func(context.Context, *store.Store) error) error {
	s, err := service.OpenStore(ctx, a.config, a.log)
	if err != nil {
		return err
	}
	if err := do(ctx, s); err != nil {
		_ = s.Close() // the first error is the one to tell
		return err
	}
	return s.Close()
}

func (a *app) migrate(ctx context.Context, s *store.Store) error {
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return a.migrationStatus(ctx, s)
}

func (a *app) migrationStatus(ctx context.Context, s *store.Store) error {
	current, wanted, err := s.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	word := "up to date"
	switch {
	case current < wanted:
		word = "run `puente migrate up`"
	case current > wanted:
		word = "newer than this binary"
	}
	_, err = fmt.Fprintf(a.out, "schema version %d, this binary knows %d: %s\n", current, wanted, word)
	return err
}
