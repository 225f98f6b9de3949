package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"puente/service"
	"puente/setup"
)

func (a *app) portalInstall() *cobra.Command {
	var host string
	c := &cobra.Command{
		Use: "install <name>", Short: "Tell step by step how the application of a portal is installed, and what is there already",
		Args: named("portal", "`puente portal list` shows them"),
		Long: `Calls, configurable activities and Open Lines connectors need an OAuth application beside the
webhook, or instead of it. This command changes nothing: it prints the addresses to enter in the portal.
The installation address holds a secret.`,
		Example: `  puente portal install acme --host https://puente.example.com`,
		RunE: func(c *cobra.Command, args []string) error {
			if host != "" && !setup.IsHost(host) {
				return setup.ErrHost
			}
			return a.withService(c.Context(), func(s *service.Service) error { return a.guidePortal(c.Context(), s, args[0], host) })
		},
	}
	c.Flags().StringVar(&host, "host", "", "public address of this API, for example https://puente.example.com")
	return c
}

func (a *app) guidePortal(ctx context.Context, s *service.Service, slug, host string) error {
	p, err := s.Store.Portal(ctx, slug)
	if err != nil {
		return noPortal(slug, err)
	}
	if host == "" {
		host = publicHost
	}
	guide := setup.InstallGuide(host, p)
	if a.json {
		return printJSON(a.out, guide)
	}
	return a.printGuide(guide)
}

func (a *app) printGuide(g setup.Guide) error {
	lines := []string{fmt.Sprintf("Application of portal %s (%s)", g.Portal, orDash(g.Web)), ""}
	lines = append(lines,
		"  application id  "+orDash(g.ClientID),
		"  its key         "+stored(g.ClientSecret),
		"  tokens          "+stored(g.Tokens)+tokenAge(g),
		"  proof of events "+stored(g.Events), "")
	if len(g.Steps) == 0 {
		lines = append(lines, "It is installed. See what works: puente portal check "+g.Portal,
			"To install it again, enter in its form:", "  Handler path: "+g.HandlerURL, "  Path for initial installation: "+g.InstallURL)
	}
	for i, step := range g.Steps {
		lines = append(lines, fmt.Sprintf("%2d. %s", i+1, step))
	}
	_, err := fmt.Fprintln(a.out, strings.Join(lines, "\n"))
	return err
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func stored(there bool) string {
	if there {
		return "stored"
	}
	return "missing"
}

// tokenAge says until when the access token holds; it is renewed when needed.
func tokenAge(g setup.Guide) string {
	if !g.Tokens || g.ExpiresAt.IsZero() {
		return ""
	}
	return ", access until " + moment(g.ExpiresAt) + " UTC, then renewed"
}
