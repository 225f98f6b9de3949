package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"puente/service"
)

// version is set by the linker for releases.
var version = ""

// app is what all commands share.
type app struct {
	out, errOut io.Writer
	config      service.Config
	log         *slog.Logger
	json        bool
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use: "puente", Short: "Chat2Desk and contact centers in, Bitrix24 out",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	var database, level, format string
	flags := root.PersistentFlags()
	flags.StringVar(&database, "database-url", "", "postgres://… or sqlite://path (PUENTE_DATABASE_URL)")
	flags.StringVar(&level, "log-level", "", "debug, info, warn or error (PUENTE_LOG_LEVEL)")
	flags.StringVar(&format, "log-format", "", "text or json (PUENTE_LOG_FORMAT)")
	root.PersistentPreRunE = func(*cobra.Command, []string) (err error) {
		if a.config, err = service.LoadConfig(); err != nil {
			return err
		}
		override(&a.config.DatabaseURL, database)
		override(&a.config.LogLevel, level)
		override(&a.config.LogFormat, format)
		a.config.Version = buildVersion()
		a.log, err = service.NewLogger(a.errOut, a.config.LogLevel, a.config.LogFormat)
		return err
	}
	root.AddCommand(a.serveCommands()...)
	root.AddCommand(a.migrateCommand(), a.portalCommand(), a.syncsCommand(), a.linesCommand(), a.versionCommand())
	return root
}

// override puts a flag that was given over the environment.
// named wants one argument and says what it is and where it comes from.
func named(what, hint string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("name one %s: %s (%s)", what, c.UseLine(), hint)
	}
}

// temporalAddress is where Temporal is looked for.
func (a *app) temporalAddress() string {
	if a.config.Temporal.HostPort == "" {
		return client.DefaultHostPort
	}
	return a.config.Temporal.HostPort
}

func override(dst *string, flag string) {
	if flag != "" {
		*dst = flag
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Tell the version", Args: cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }, // needs no configuration
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "puente %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// buildVersion is the release, else the commit the binary was built from.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "dev"
}

// withService opens all parts for one command. One-off commands keep their
// output free of what is not worth a warning.
func (a *app) withService(ctx context.Context, do func(*service.Service) error) error {
	level := a.config.LogLevel
	if level == "info" {
		level = "warn"
	}
	logger, err := service.NewLogger(a.errOut, level, a.config.LogFormat)
	if err != nil {
		return err
	}
	s, err := service.Open(ctx, a.config, logger)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			a.log.WarnContext(ctx, "not closed cleanly", "error", err)
		}
	}()
	if err := s.Store.CheckSchema(ctx); err != nil {
		return err
	}
	return do(s)
}
