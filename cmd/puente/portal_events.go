package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"puente/portals"
	"puente/service"
	"puente/setup"
)

// portalEvents is what the command tells.
type portalEvents struct {
	Portal      string   `json:"portal"`
	URL         string   `json:"events_url"`
	Lines       bool     `json:"open_lines"`
	Application bool     `json:"application"`
	Changed     int      `json:"changed"` // subscriptions made or ended now
	Events      []string `json:"events"`
	Help        string   `json:"help,omitempty"` // what a person has to do
}

func (a *app) portalEvents() *cobra.Command {
	var host string
	c := &cobra.Command{
		Use: "events <name>", Short: "Make a portal send the events that its open lines need, or tell how a person does",
		Args: named("portal", "`puente portal list` shows them"),
		Long: `Open lines follow what people do with chats in the CRM: they complete an activity, they give a deal to
a colleague. The portal tells of it by events. An installed application subscribes to them by itself as soon as the
portal has an active line; this command does it at once, and remembers the address. Without an application it prints
the outgoing webhook that a person has to create in the portal.`,
		Example: `  puente portal events acme --host https://puente.example.com`,
		RunE: func(c *cobra.Command, args []string) error {
			if host != "" && !setup.IsHost(host) {
				return setup.ErrHost
			}
			return a.withService(c.Context(), func(s *service.Service) error { return a.followPortal(c.Context(), s, args[0], host) })
		},
	}
	c.Flags().StringVar(&host, "host", "", "public address of this API; kept, so that it need not be given again")
	return c
}

func (a *app) followPortal(ctx context.Context, s *service.Service, slug, host string) error {
	if host != "" {
		if err := s.Store.SetEventsURL(ctx, slug, portals.EventsURL(host, slug)); err != nil {
			return noPortal(slug, err)
		}
	}
	p, err := s.Store.Portal(ctx, slug)
	if err != nil {
		return noPortal(slug, err)
	}
	out := portalEvents{Portal: slug, URL: p.Bitrix24.EventsURL, Events: portals.LineEvents(), Application: true}
	if out.Lines, err = s.Store.HasOpenLines(ctx, slug); err != nil {
		return err
	}
	out.Changed, err = s.Portals.FollowCRM(ctx, slug)
	if errors.Is(err, portals.ErrNoAccount) {
		out.Application, err = false, nil
		if out.URL == "" {
			out.URL = portals.EventsURL(publicHost, slug)
		}
		out.Help = setup.OutgoingWebhook(slug, out.URL)
	}
	if err != nil {
		return err
	}
	return a.printEvents(out)
}

func (a *app) printEvents(out portalEvents) error {
	if a.json {
		return printJSON(a.out, out)
	}
	text := fmt.Sprintf("The portal sends %d events of the CRM to %s (%d subscriptions changed).", len(out.Events), out.URL, out.Changed)
	switch {
	case !out.Lines:
		text = fmt.Sprintf("Portal %s has no active open line: no events are needed (%d subscriptions ended).", out.Portal, out.Changed)
	case !out.Application:
		text = "No application is installed, so a person has to do it: " + out.Help
	}
	_, err := fmt.Fprintln(a.out, text)
	return err
}
