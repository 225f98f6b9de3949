package main

import (
	"github.com/spf13/cobra"

	"puente/service"
)

// serveCommands run until they are told to stop.
func (a *app) serveCommands() []*cobra.Command {
	return []*cobra.Command{
		a.serveCommand("serve", "Run API and worker in one process", service.API, service.Worker),
		a.serveCommand("api", "Run the API: webhooks, ledger, settings", service.API),
		a.serveCommand("worker", "Run the worker: workflows, activities, dispatcher", service.Worker),
	}
}

func (a *app) serveCommand(name, short string, roles ...service.Role) *cobra.Command {
	var addr string
	c := &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		if name == "worker" {
			override(&a.config.WorkerAddr, addr)
		} else {
			override(&a.config.APIAddr, addr)
		}
		s, err := service.Open(c.Context(), a.config, a.log)
		if err != nil {
			return err
		}
		if err := s.Run(c.Context(), roles...); err != nil {
			_ = s.Close() // the first error is the one to tell
			return err
		}
		return s.Close()
	}}
	usage := "where the API listens (PUENTE_API_ADDR)"
	if name == "worker" {
		usage = "where health and metrics are served, empty = nowhere (PUENTE_WORKER_ADDR)"
	}
	c.Flags().StringVar(&addr, "addr", "", usage)
	return c
}
